package xlsx

import (
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// sheetColumns is how many columns a sheet has.
const sheetColumns = 16_384

// Row is a row of a sheet.
type Row struct {
	Number int // as the program shows it, from 1
	Hidden bool
	Cells  []Cell
}

// Cell is a cell of a sheet.
type Cell struct {
	Text   string // what a person sees, but for dates; of a formula the value that was last computed, or =formula
	Kind   Kind
	Number float64 // of Number and Date
}

// Kind is what a cell holds.
type Kind uint8

const (
	Text   Kind = iota
	Number      // a number; its format may show signs between the digits
	Date        // a number whose format is that of a date, see Day
)

// Range is a range of merged cells, rows counted from 1 and columns from 0.
type Range struct {
	FirstRow, LastRow       int
	FirstColumn, LastColumn int
}

// maxMerged bounds how many merged ranges are remembered.
const maxMerged = 10_000

// SheetReader reads one sheet.
type SheetReader struct {
	book   *Book
	sheet  Sheet
	part   *part
	row    Row
	ended  bool // the end of the rows was seen
	merged []Range
}

// Read returns a reader of a sheet.
func (b *Book) Read(sheet Sheet) *SheetReader { return &SheetReader{book: b, sheet: sheet} }

// Merged are the merged cells of the sheet, known after the last row was read.
func (r *SheetReader) Merged() []Range { return r.merged }

// Rows yields the rows of the sheet in their order. A sheet whose XML ends too early is an error:
// its rows would be missing silently.
func (r *SheetReader) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var err error
		if r.part, err = r.book.part(r.sheet.part); err != nil {
			yield(Row{}, err)
			return
		}
		// A part that is left in the middle has nothing to say on closing.
		defer func() { _ = r.part.close() }()
		r.row, r.ended, r.merged = Row{}, false, nil
		for {
			row, err := r.nextRow()
			if errors.Is(err, io.EOF) && r.ended {
				return
			}
			if errors.Is(err, io.EOF) {
				err = &DamagedError{r.part.name, io.ErrUnexpectedEOF}
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// nextRow is the next row. The merged ranges, which stand behind the rows, are noted on the way.
func (r *SheetReader) nextRow() (Row, error) {
	for {
		token, err := r.part.next()
		if err != nil {
			return Row{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch {
			case e.Name.Local == "row" && !r.ended:
				return r.readRow(e)
			case e.Name.Local == "sheetData":
				r.ended = false
			case e.Name.Local == "mergeCell" && len(r.merged) < maxMerged:
				if m, ok := parseRange(attribute(e, "ref")); ok {
					r.merged = append(r.merged, m)
				}
			}
		case xml.EndElement:
			r.ended = r.ended || e.Name.Local == "sheetData"
		}
	}
}

// readRow reads a row to its end. Rows and cells without a reference follow the one before them.
func (r *SheetReader) readRow(e xml.StartElement) (Row, error) {
	n := r.row.Number + 1
	if said := number(attribute(e, "r")); said > 0 {
		n = said
	}
	if n <= r.row.Number || n > MaxRows {
		return Row{}, damaged(r.part.name, "its rows are not in order")
	}
	hidden, _ := strconv.ParseBool(attribute(e, "hidden"))
	r.row = Row{Number: n, Hidden: hidden}
	column := 0
	for {
		token, err := r.part.next()
		if err != nil {
			return Row{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "c" {
				if column, err = r.readCell(e, column); err != nil {
					return Row{}, err
				}
			}
		case xml.EndElement:
			if e.Name.Local == "row" {
				return r.row, nil
			}
		}
	}
}

// readCell reads a cell to its end, puts it into the row, and returns the column behind it. Without
// a reference it stands in the given column, whether it has a value or not.
func (r *SheetReader) readCell(e xml.StartElement, column int) (int, error) {
	if at, ok := columnOf(attribute(e, "r")); ok {
		column = at
	}
	if column >= sheetColumns {
		return 0, damaged(r.part.name, "a row has more cells than a sheet has columns")
	}
	content, err := r.cellContent()
	if err != nil {
		return 0, err
	}
	cell, err := r.book.cell(attribute(e, "t"), attribute(e, "s"), content)
	if err != nil || cell.Text == "" {
		return column + 1, err
	}
	for len(r.row.Cells) <= column {
		r.row.Cells = append(r.row.Cells, Cell{})
	}
	r.row.Cells[column] = cell
	return column + 1, nil
}

// content is what stands in a cell.
type content struct {
	value   string // <v>
	inline  string // the runs of <is>
	formula string // <f>
}

// cellContent reads a cell to its end. Phonetic runs are not text.
func (r *SheetReader) cellContent() (content, error) {
	var value, inline, formula strings.Builder
	var into *strings.Builder
	phonetic := false
	for {
		token, err := r.part.next()
		if err != nil {
			return content{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				into = &value
			case "t":
				into = &inline
			case "f":
				into = &formula
			case "rPh":
				phonetic = true
			}
		case xml.CharData:
			if into != nil && !phonetic {
				into.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "c":
				return content{value.String(), inline.String(), formula.String()}, nil
			case "rPh":
				phonetic = false
			case "v", "t", "f":
				into = nil
			}
		}
	}
}

// cell is the cell that a type, a style and a content mean.
func (b *Book) cell(kind, style string, c content) (Cell, error) {
	value := strings.TrimSpace(c.value)
	switch {
	case kind == "inlineStr" && c.inline != "", value == "" && c.inline != "":
		return Cell{Text: unescaped(c.inline)}, nil
	case value == "" && kind != "str" && c.formula != "":
		return Cell{Text: "=" + c.formula}, nil
	case kind == "str" || kind == "inlineStr":
		return Cell{Text: unescaped(c.value)}, nil
	case value == "":
		return Cell{}, nil
	case kind == "s":
		text, err := b.strings.at(number(value))
		return Cell{Text: text}, err
	case kind == "b" && value == "1":
		return Cell{Text: "TRUE"}, nil
	case kind == "b":
		return Cell{Text: "FALSE"}, nil
	case kind == "e" || kind == "d":
		return Cell{Text: value}, nil
	}
	return b.numberCell(style, value), nil
}

func (b *Book) numberCell(style, value string) Cell {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return Cell{Text: value}
	}
	cell := Cell{Text: value, Number: n, Kind: Number}
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		cell.Text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	if i := number(style); i >= 0 && i < len(b.formats) {
		switch f := b.formats[i]; {
		case f.isDate:
			cell.Kind = Date
		case f.mask != "" && strings.Trim(cell.Text, "0123456789") == "":
			cell.Text = masked(f.mask, cell.Text)
		}
	}
	return cell
}

// Day is the day and the time of the day that a number means in the workbook, in UTC; false: it
// means none.
func (b *Book) Day(serial float64) (time.Time, bool) {
	if serial < 1 || serial >= 100_000 {
		return time.Time{}, false
	}
	return SerialTime(serial, b.From1904), true
}

// SerialTime is the time that a spreadsheet's number of a day means, in whole seconds. The first
// system, of 1900, has a 29 February 1900, which is why its count seems to begin two days early.
func SerialTime(serial float64, from1904 bool) time.Time {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if from1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	// A computed midnight may lack a few billionths of a day; 23:59:59.999 lacks more, and stays on
	// its day.
	const rounding = 1e-9
	day, fraction := math.Modf(serial + rounding)
	seconds := min(math.Round(fraction*86_400), 86_399)
	return epoch.AddDate(0, 0, int(day)).Add(time.Duration(seconds) * time.Second)
}

// columnOf is the column, counted from 0, of a reference such as AB12.
func columnOf(reference string) (int, bool) {
	column := 0
	for i := range len(reference) {
		c := reference[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			return column - 1, column > 0
		}
		if column = column*26 + int(c-'A') + 1; column > sheetColumns {
			return sheetColumns, true
		}
	}
	return 0, false
}

// parseRange reads a range such as A2:B7.
func parseRange(text string) (Range, bool) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	from, to, _ := strings.Cut(strings.ToUpper(text), ":")
	firstColumn, ok := columnOf(from)
	lastColumn, also := columnOf(to)
	firstRow, lastRow := number(strings.TrimLeft(from, letters)), number(strings.TrimLeft(to, letters))
	return Range{firstRow, lastRow, firstColumn, lastColumn}, ok && also && firstRow > 0 && lastRow > 0
}
