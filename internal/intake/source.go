package intake

import (
	"errors"
	"iter"
	"os"
	"strings"

	"github.com/mcaledger/mcaledger/internal/charset"
	"github.com/mcaledger/mcaledger/internal/csvfile"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// rawRow is a line of a list, before anybody knows what it means.
type rawRow struct {
	line      int
	cells     []string
	hidden    bool // by a filter or by hand
	broken    bool // its quotation marks do not come out right
	unended   bool // the file ends with it, without a line end
	intact    bool // it is known that all its characters could be decoded
	swappable bool // its date is a real date up to the 12th of a month, see doubt
}

// rowSource is a list that a file may hold: the whole text of a CSV, taken apart at one delimiter,
// or a sheet of a workbook.
type rowSource struct {
	format   Format
	from1904 bool // its numbers of days are counted from 1904
	hidden   bool // the sheet is
	// rows yields the lines from the first one on. Below the header's line they are read by what
	// the header says; a header without cells is not known yet.
	rows func(h header) iter.Seq2[rawRow, error]
	// merged are the merged cells, known after the rows were read once.
	merged func() []xlsx.Range
}

// delimiters are those that are looked for, the likelier first.
var delimiters = []byte{',', ';', '\t', '|'}

// csvText is the text of a CSV file.
type csvText struct {
	file     *os.File
	encoding charset.Encoding
	mark     int64 // bytes of byte-order mark
	limits   Limits
	intact   bool // all its characters can be decoded
}

// list is the text, taken apart at a delimiter.
func (c *csvText) list(delimiter byte) rowSource {
	return rowSource{
		format: Format{Kind: CSV, Encoding: c.encoding, Delimiter: string(delimiter)},
		rows:   func(h header) iter.Seq2[rawRow, error] { return c.rows(delimiter, h) },
		merged: func() []xlsx.Range { return nil },
	}
}

func (c *csvText) rows(delimiter byte, h header) iter.Seq2[rawRow, error] {
	return func(yield func(rawRow, error) bool) {
		if _, err := c.file.Seek(c.mark, 0); err != nil {
			yield(rawRow{}, err)
			return
		}
		limit := c.limits.RowBytes
		if h.cells == nil {
			limit = headerWindow
		}
		r := csvfile.NewReader(c.encoding.NewReader(c.file), delimiter, limit)
		for {
			record, err := r.Next()
			if isEnd(err) {
				return
			}
			row := rawRow{line: record.Line, cells: record.Cells, broken: record.Broken, unended: record.Unended,
				intact: c.intact}
			if !yield(row, err) || err != nil {
				return
			}
			if record.Line == h.line {
				r.IsRecord = h.isRecord
			}
		}
	}
}

// isRecord reports whether a line is a row by itself: it has an e-mail address where that belongs.
func (h header) isRecord(cells []string) bool {
	at := h.at[email]
	return at >= 0 && at < len(cells) && isEmail(unmarked(strings.Trim(cells[at], `" `)))
}

// sheetList is a sheet of a workbook.
func sheetList(book *xlsx.Book, sheet xlsx.Sheet) rowSource {
	reader := book.Read(sheet)
	return rowSource{
		format:   Format{Kind: XLSX, Sheet: sheet.Name},
		from1904: book.From1904,
		hidden:   sheet.Hidden,
		rows: func(h header) iter.Seq2[rawRow, error] {
			return func(yield func(rawRow, error) bool) {
				for row, err := range reader.Rows() {
					if !yield(sheetRow(book, row, h), err) || err != nil {
						return
					}
				}
			}
		},
		merged: reader.Merged,
	}
}

// sheetRow is a row with the texts that a person sees, and with dates as 2026-05-31. In a column of
// dates a number without a date's format is a date as well.
func sheetRow(book *xlsx.Book, row xlsx.Row, h header) rawRow {
	raw := rawRow{line: row.Number, hidden: row.Hidden, cells: make([]string, len(row.Cells))}
	for i, c := range row.Cells {
		raw.cells[i] = c.Text
		if c.Kind != xlsx.Date && !(c.Kind == xlsx.Number && h.isDate(i) && c.Number >= 10_000) {
			continue
		}
		day, ok := book.Day(c.Number)
		if !ok {
			continue
		}
		raw.cells[i] = day.Format("2006-01-02 15:04:05")
		if day.Hour() == 0 && day.Minute() == 0 && day.Second() == 0 {
			raw.cells[i] = day.Format("2006-01-02")
		}
		raw.swappable = raw.swappable || h.isDate(i) && day.Day() <= 12
	}
	return raw
}

// isMergedAt reports whether a cell is part of a merged range.
func isMergedAt(ranges []xlsx.Range, line, at int) bool {
	for _, m := range ranges {
		if line >= m.FirstRow && line <= m.LastRow && at >= m.FirstColumn && at <= m.LastColumn {
			return true
		}
	}
	return false
}

// formatError is an error of a file format as a sentence for the person who sent the file.
func formatError(err error, l Limits) error {
	if long, ok := errors.AsType[*csvfile.TooLongError](err); ok {
		return tooLongLine(long)
	}
	if wrong, ok := errors.AsType[*xlsx.DamagedError](err); ok {
		return &FileError{Code: Damaged, Message: "the workbook cannot be read: " + wrong.Error(),
			Hint: "Open it in Excel, which may repair it, save it as Excel Workbook (.xlsx), and import that file"}
	}
	if wrong, ok := errors.AsType[*xlsx.FormatError](err); ok {
		return otherArchive(wrong.Is)
	}
	if exceeded, ok := errors.AsType[*xlsx.LimitError](err); ok {
		return workbookTooBig(exceeded, l)
	}
	return err
}
