package reports

import (
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// sheetDraft puts cells on a sheet through excelize and keeps the first error, so that layout reads as layout. It is for
// the few cells of the shell; data rows go through rows.
type sheetDraft struct {
	file  *excelize.File
	sheet string
	err   error
}

func (d *sheetDraft) try(err error) {
	if d.err == nil {
		d.err = err
	}
}

// put sets a cell: text, a number, or a date's serial; nil only styles it.
func (d *sheetDraft) put(col, row int, value any, style int) {
	cell := cellName(col, row)
	switch v := value.(type) {
	case nil:
	case string:
		d.try(d.file.SetCellStr(d.sheet, cell, fit(harmless(v), "")))
	default:
		d.try(d.file.SetCellValue(d.sheet, cell, v))
	}
	d.style(col, row, style)
}

func (d *sheetDraft) style(col, row, style int) {
	cell := cellName(col, row)
	d.try(d.file.SetCellStyle(d.sheet, cell, cell, style))
}

func (d *sheetDraft) height(row int, points float64) {
	d.try(d.file.SetRowHeight(d.sheet, row, points))
}

func (d *sheetDraft) width(col int, chars float64) {
	letter, _ := excelize.ColumnNumberToName(col)
	d.try(d.file.SetColWidth(d.sheet, letter, letter, chars))
}

// instant sets an instant as the clock shows it at location.
func (d *sheetDraft) instant(col, row int, t time.Time, location *time.Location, style int) {
	if t.IsZero() {
		d.put(col, row, nil, style)
		return
	}
	d.put(col, row, instantSerial(t, location), style)
}

// headers is the header row of a data sheet, with the widths of its columns.
func (d *sheetDraft) headers(s dataSheet, say catalogue, style int) {
	for i, c := range s.columns {
		d.put(i+1, firstRow-1, say.Columns[c].Head, style)
		d.width(i+1, c.width())
	}
	d.height(firstRow-1, 33)
}

// define names a range of the sheet.
func (d *sheetDraft) define(name, cells string) {
	d.try(d.file.SetDefinedName(&excelize.DefinedName{Name: name, Scope: d.sheet, RefersTo: quoted(d.sheet) + "!" + cells}))
}

func (d *sheetDraft) freeze(cols, rows int) {
	corner := cellName(cols+1, rows+1)
	d.try(d.file.SetPanes(d.sheet, &excelize.Panes{Freeze: true, XSplit: cols, YSplit: rows, TopLeftCell: corner,
		ActivePane: "bottomRight", Selection: []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}}}))
}

// cellName is a reference such as B7; the shell never leaves the sheet.
func cellName(col, row int) string {
	name, _ := excelize.CoordinatesToCellName(col, row)
	return name
}

// harmless is text that any XML part can hold; a control character that none can is shown as one that cannot be shown.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == '\uFFFE' || r == '\uFFFF' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
