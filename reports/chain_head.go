package reports

import (
	"fmt"
	"os"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// headLimits bound the reading of a workbook that somebody may have changed.
var headLimits = xlsx.Limits{Unpacked: 16 << 30, Ratio: 1000, Text: 1 << 20}

// ChainHead reads the end of the event chain that a workbook of this program shows on its sheet
// About, in any language. ok is false when it shows none.
func ChainHead(path string) (head ledger.ChainHead, ok bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return head, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return head, false, err
	}
	book, err := xlsx.Open(file, info.Size(), headLimits)
	if err != nil {
		return head, false, fmt.Errorf("%s: %w", path, err)
	}
	defer book.Close()
	if len(book.Sheets) == 0 {
		return head, false, nil
	}
	about := book.Read(book.Sheets[len(book.Sheets)-1])
	for row, err := range about.Rows() {
		if err != nil {
			return head, false, fmt.Errorf("%s: %w", path, err)
		}
		for _, cell := range row.Cells {
			if head, err := ledger.ParseChainHead(cell.Text); err == nil {
				return head, true, nil
			}
		}
	}
	return head, false, nil
}
