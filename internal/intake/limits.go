package intake

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/mcaledger/mcaledger/internal/csvfile"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// Limits bound what a file may ask of the machine that reads it. A zero field takes the default
// beside it.
type Limits struct {
	FileBytes     int64 // the file as it came: 1 GiB
	RowBytes      int   // one row of a CSV, or one text of an XLSX: 16 MiB. More is fatal for the file
	CellBytes     int   // one cell: 131,068, the most that Excel's 32,767 characters can take. More refuses the row
	Columns       int   // cells in the header: 256
	Rows          int   // lines of the list: 2,000,000
	UnzippedBytes int64 // an XLSX unpacked: 4 GiB
	Ratio         int64 // an XLSX's parts unpacked to packed, for parts over 16 MiB: 250
}

func (l Limits) withDefaults() Limits {
	return Limits{
		FileBytes:     cmp.Or(l.FileBytes, 1<<30),
		RowBytes:      cmp.Or(l.RowBytes, 16<<20),
		CellBytes:     cmp.Or(l.CellBytes, 4*xlsx.MaxCellText),
		Columns:       cmp.Or(l.Columns, 256),
		Rows:          cmp.Or(l.Rows, 2_000_000),
		UnzippedBytes: cmp.Or(l.UnzippedBytes, 4<<30),
		Ratio:         cmp.Or(l.Ratio, 250),
	}
}

// headerWindow is the longest line that is looked at in search of the header.
const headerWindow = 1 << 20

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

const splitFile = "Split it into several files"

func tooLongLine(long *csvfile.TooLongError) *FileError {
	hint := "Check that this is a list with one customer a line, and remove what is not"
	if long.Limit == headerWindow {
		return &FileError{Line: long.Line, Code: TooBig, Message: "the line is longer than " + size(headerWindow),
			Hint: hint}
	}
	return &FileError{Line: long.Line, Code: TooBig, Message: "the line is longer than " + size(int64(long.Limit)),
		Hint: hint}
}

func workbookTooBig(exceeded *xlsx.LimitError, l Limits) *FileError {
	e := &FileError{Code: TooBig}
	switch exceeded.Limit {
	case "unpacked":
		e.Message, e.Hint = "the workbook unpacks to more than "+size(l.UnzippedBytes), splitFile
	case "ratio":
		e.Message = fmt.Sprintf("part %s of the workbook unpacks to more than %d times its size, as no list of "+
			"customers does", bounded(exceeded.Part), l.Ratio)
		e.Hint = "Copy the list into a new workbook, save it and import that file"
	default:
		e.Message = "a cell is longer than " + size(int64(l.RowBytes))
		e.Hint = "Check that this is a list of customers, and remove what is not"
	}
	return e
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.4g GB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.4g MB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}
