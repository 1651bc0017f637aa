package intake

import (
	"io"

	"github.com/mcaledger/mcaledger/internal/csvfile"
)

// listWriter writes one list, as CSV or as XLSX. The first cells written are the header.
type listWriter interface {
	Write(cells []string) error
	Close() error
}

func newListWriter(w io.Writer, f Format) listWriter {
	if f.Kind == XLSX {
		return &xlsxWriter{file: w}
	}
	return csvfile.NewWriter(w, f.delimiter())
}
