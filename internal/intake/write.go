package intake

import (
	"io"

	"github.com/mcaledger/mcaledger/internal/csvfile"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// listWriter writes one list, as CSV or as XLSX. The first cells written are the header.
type listWriter interface {
	Write(cells []string) error
	Close() error
}

func newListWriter(w io.Writer, f Format) listWriter {
	if f.Kind == XLSX {
		return xlsx.NewTextWriter(w)
	}
	return csvfile.NewWriter(w, f.delimiter())
}
