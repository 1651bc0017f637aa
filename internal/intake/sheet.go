package intake

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

// sheetCell is one cell of a sheet. Its text is the value that was last computed, for a formula.
type sheetCell struct {
	text   string
	number float64
	kind   cellKind
}

type cellKind uint8

const (
	textCell cellKind = iota
	numberCell
	dateCell // a number whose format is a date
)

// sheetRow is one row of a sheet, or a range of merged cells, which are named behind the rows.
type sheetRow struct {
	number int
	hidden bool
	cells  []sheetCell
	merged *cellRange
}

// mostMerged bounds how many merged ranges are remembered; they serve hints alone.
const mostMerged = 10_000

// sheetReader reads the XML of a sheet.
type sheetReader struct {
	*xmlPart
	source *xlsxSource
	row    sheetRow
	ended  bool // the end of the rows was seen
	merged int
}

// sheetRows yields the rows of a sheet as they stand in it. A sheet whose XML ends too early is an error: its rows
// would be missing silently.
func (s *xlsxSource) sheetRows(part string) iter.Seq2[sheetRow, error] {
	return func(yield func(sheetRow, error) bool) {
		xmlPart, err := s.part(part)
		if err != nil {
			yield(sheetRow{}, err)
			return
		}
		// What was read is whole or an error was told; a part that was left in the middle has nothing to say on closing.
		defer xmlPart.close()
		r := sheetReader{xmlPart: xmlPart, source: s}
		for {
			row, err := r.nextRow()
			if errors.Is(err, io.EOF) && r.ended {
				return
			}
			if errors.Is(err, io.EOF) {
				err = damaged(part, io.ErrUnexpectedEOF)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// nextRow is the next row or merged range.
func (r *sheetReader) nextRow() (sheetRow, error) {
	for {
		token, err := r.next()
		if err != nil {
			return sheetRow{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch {
			case e.Name.Local == "row" && !r.ended:
				return r.readRow(e)
			case e.Name.Local == "sheetData":
				r.ended = false
			case e.Name.Local == "mergeCell" && r.merged < mostMerged:
				if m, ok := parseRange(attribute(e, "ref")); ok {
					r.merged++
					return sheetRow{merged: &m}, nil
				}
			}
		case xml.EndElement:
			r.ended = r.ended || e.Name.Local == "sheetData"
		}
	}
}

// readRow reads a row to its end. Rows and cells without a reference follow the one before them.
func (r *sheetReader) readRow(e xml.StartElement) (sheetRow, error) {
	number := r.row.number + 1
	if said := digits(attribute(e, "r")); said > 0 {
		number = said
	}
	if number <= r.row.number || number > sheetRows {
		return sheetRow{}, damaged(r.name, errors.New("its rows are not in order"))
	}
	hidden, _ := strconv.ParseBool(attribute(e, "hidden"))
	r.row = sheetRow{number: number, hidden: hidden}
	for {
		token, err := r.next()
		if err != nil {
			return sheetRow{}, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "c" {
				if err := r.readCell(e); err != nil {
					return sheetRow{}, err
				}
			}
		case xml.EndElement:
			if e.Name.Local == "row" {
				return r.row, nil
			}
		}
	}
}

// sheetColumns is how many columns a sheet has.
const sheetColumns = 16_384

// readCell reads a cell to its end and puts it into the row.
func (r *sheetReader) readCell(e xml.StartElement) error {
	at := len(r.row.cells)
	if reference := attribute(e, "r"); reference != "" {
		if column, ok := columnOf(reference); ok {
			at = column
		}
	}
	if at < len(r.row.cells) || at >= sheetColumns {
		return damaged(r.name, errors.New("its cells are not in order"))
	}
	value, formula, err := r.cellText()
	if err != nil {
		return err
	}
	cell, err := r.source.cell(attribute(e, "t"), attribute(e, "s"), value)
	if err != nil {
		return err
	}
	if formula != "" && value == "" && attribute(e, "t") != "str" {
		cell = sheetCell{text: "=" + formula}
	}
	if cell.text == "" {
		return nil
	}
	for len(r.row.cells) < at {
		r.row.cells = append(r.row.cells, sheetCell{})
	}
	r.row.cells = append(r.row.cells, cell)
	return nil
}

// cellText collects a cell's value, from <v> or from the runs of <is>, and its formula. Phonetic runs are not text.
func (r *sheetReader) cellText() (value, formula string, err error) {
	var text, computed strings.Builder
	var into *strings.Builder
	phonetic := false
	for {
		token, err := r.next()
		if err != nil {
			return "", "", err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v", "t":
				into = &text
			case "f":
				into = &computed
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
				return text.String(), computed.String(), nil
			case "rPh":
				phonetic = false
			case "v", "t", "f":
				into = nil
			}
		}
	}
}

// cell is the cell that a type, a style and a value mean.
func (s *xlsxSource) cell(kind, style, value string) (sheetCell, error) {
	switch kind {
	case "s":
		text, err := s.strings.at(digits(strings.TrimSpace(value)))
		return sheetCell{text: text}, err
	case "str", "inlineStr":
		return sheetCell{text: unescaped(value)}, nil
	case "e":
		return sheetCell{text: value}, nil
	case "b":
		if strings.TrimSpace(value) == "1" {
			return sheetCell{text: "TRUE"}, nil
		}
		return sheetCell{text: "FALSE"}, nil
	case "d":
		return sheetCell{text: value}, nil
	}
	value = strings.TrimSpace(value)
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return sheetCell{text: value}, nil
	}
	cell := sheetCell{text: value, number: number, kind: numberCell}
	if number == math.Trunc(number) && math.Abs(number) < 1e15 {
		cell.text = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if s.styles.isDate(style) {
		cell.kind = dateCell
	}
	return cell, nil
}

// texts are the cells as they came: what a person sees, with dates as 2026-05-31. In the column of dates a number
// without a date's format is a date as well.
func (r sheetRow) texts(date int, from1904 bool) []string {
	texts := make([]string, len(r.cells))
	for i, c := range r.cells {
		texts[i] = c.text
		if t, ok := c.instant(i == date, from1904); ok {
			texts[i] = t.Format(time.DateTime)
			if t.Truncate(24 * time.Hour).Equal(t) {
				texts[i] = t.Format(time.DateOnly)
			}
		}
	}
	return texts
}

// instant is the time that a cell means, if it means one.
func (c sheetCell) instant(dates, from1904 bool) (time.Time, bool) {
	isDate := c.kind == dateCell || c.kind == numberCell && dates && c.number >= 10_000 && c.number < 100_000
	if !isDate || c.number < 1 || c.number >= 100_000 {
		return time.Time{}, false
	}
	return serialDay(c.number, from1904), true
}

// doubtful reports whether the row's date is a real date up to the 12th of a month, see doubt.
func (r sheetRow) doubtful(date int, from1904 bool) bool {
	if date < 0 || date >= len(r.cells) {
		return false
	}
	t, ok := r.cells[date].instant(true, from1904)
	return ok && t.Day() <= 12
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
			return 0, false
		}
	}
	return 0, false
}

// parseRange reads a range such as A2:B7.
func parseRange(text string) (cellRange, bool) {
	from, to, _ := strings.Cut(text, ":")
	firstColumn, ok := columnOf(from)
	lastColumn, also := columnOf(to)
	firstRow, lastRow := digits(strings.TrimLeft(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")), digits(strings.TrimLeft(to, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	return cellRange{firstRow, lastRow, firstColumn, lastColumn}, ok && also && firstRow > 0 && lastRow > 0
}

// unescaped is a text in which _x000D_ and its like are the characters that they stand for.
func unescaped(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if !isEscape(text[i:]) {
			b.WriteByte(text[i])
			continue
		}
		code, _ := strconv.ParseUint(text[i+2:i+6], 16, 16)
		b.WriteRune(rune(code))
		i += 6
	}
	return b.String()
}
