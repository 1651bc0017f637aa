package reports

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// Write writes the workbook to w and says what it holds. The same book and rows give the same
// bytes. After an error what was written to w is not a workbook: write to a temporary file, then
// rename.
func Write(ctx context.Context, w io.Writer, book Book, source Source) (Written, error) {
	return writer{rowLimit: xlsx.MaxRows}.write(ctx, w, book, source)
}

// writer holds what Excel limits, so that a test can reach the limit sooner.
type writer struct {
	rowLimit int // rows of a sheet, banner and header included
}

func (wr writer) write(ctx context.Context, w io.Writer, book Book, source Source) (Written, error) {
	wanted, err := knownSheets(book.Sheets, bookSheets())
	if err != nil {
		return Written{}, err
	}
	// in the workbook's order
	wanted = slices.DeleteFunc(bookSheets(), func(key string) bool { return !slices.Contains(wanted, key) })
	r, err := gather(ctx, book, source)
	if err != nil {
		return Written{}, err
	}
	f := &frame{report: r, file: excelize.NewFile()}
	if f.style, err = newStyles(f.file, r.say); err != nil {
		return Written{}, fmt.Errorf("make the styles: %w", err)
	}
	if slices.Contains(wanted, sheetSummary) {
		if err := f.readSummary(ctx); err != nil {
			return Written{}, fmt.Errorf("sheet %s: %w", sheetSummary, err)
		}
	}
	if err := xlsx.SetProperties(f.file); err != nil {
		return Written{}, err
	}
	layouts, err := f.lay(wanted, wr.rowLimit)
	if err != nil {
		return Written{}, fmt.Errorf("lay out the workbook: %w", err)
	}
	out, err := xlsx.NewWriter(w, f.file)
	if err != nil {
		return Written{}, err
	}
	f.file = nil // what excelize knows of the sheets takes a megabyte, and rows do not need it
	digest, err := f.fill(ctx, out, layouts)
	if err != nil {
		return Written{}, err
	}
	return Written{sheetRows(layouts), r.failures(), digest}, nil
}

const sharedStrings = "xl/sharedStrings.xml"

// digestPlace stands in the frame where the digest of the data will, which is known only after the
// rows.
const digestPlace = "(the SHA-256 of the data is put here as soon as it is written..)"

// fill writes the parts of the frame, the rows, and then what depends on them, and returns the
// digest of the data.
func (f *frame) fill(ctx context.Context, out *xlsx.Writer, layouts []layout) (digest string, err error) {
	for _, c := range f.charts {
		if err := out.Replace(c.part, c.chart.XML()); err != nil {
			return "", err
		}
	}
	kept := xlsx.LateParts(sharedStrings)
	for _, l := range layouts {
		for _, p := range l.pages {
			kept = append(kept, p.Part)
		}
	}
	if err := out.Start(kept...); err != nil {
		return "", err
	}
	if digest, err = f.fillRows(ctx, out, layouts); err != nil {
		return "", err
	}
	if err := out.ReplaceText(sharedStrings, digestPlace, digest); err != nil {
		return "", err
	}
	request, err := json.Marshal(f.request(layouts))
	if err != nil {
		return "", err
	}
	if err := out.WriteProperties(f.properties(string(request), digest)); err != nil {
		return "", err
	}
	return digest, out.Close()
}

// fillRows writes the rows of each table once, into the workbook and as CSV into the digest.
func (f *frame) fillRows(ctx context.Context, out *xlsx.Writer, layouts []layout) (digest string, err error) {
	sum, events := sha256.New(), f.eventPlaces(layouts)
	for _, l := range layouts {
		to, data := f.newTableWriter(out, l), newCSV(l.table, sum)
		to.events = events
		err := cmp.Or(l.fill(ctx, tee{to, data}), to.rows.Close(), data.flush())
		if count, ok := errors.AsType[*xlsx.RowCountError](err); ok {
			return "", fmt.Errorf("sheet %s: %w: %w", l.key, count, ErrLedgerChanged)
		}
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func sheetRows(layouts []layout) []SheetRows {
	var all []SheetRows
	for _, l := range layouts {
		for i, p := range l.pages {
			all = append(all, SheetRows{Sheet: l.names[i], Rows: p.Rows})
		}
	}
	return all
}

// tableWriter writes the rows of a table into the sheets of a workbook.
type tableWriter struct {
	rows     *xlsx.Rows
	columns  []columnLayout
	style    styles
	location *time.Location
	cut      string
	lines    int // the most of a row
	events   func(number int64) (place string, ok bool)
}

func (f *frame) newTableWriter(out *xlsx.Writer, l layout) *tableWriter {
	return &tableWriter{rows: out.Rows(l.pages, firstRow, len(l.columns)), columns: l.columns, style: f.style,
		location: f.book.Location, cut: f.say.Texts.Cut, lines: l.lines}
}

func (o *tableWriter) WriteRow(cells []Cell) error {
	lines := o.linesOf(cells)
	if lines > 1 {
		o.rows.Lines(lines)
	}
	for i := range cells {
		c := &cells[i]
		text := o.style.text
		if o.columns[i].wrap || lines > 1 && strings.Contains(c.text, "\n") { // LibreOffice breaks it in any case
			text = o.style.wrapped
		}
		switch c.kind {
		case textCell:
			o.rows.Text(text, xlsx.Fit(c.text, o.cut))
		case codeCell:
			o.rows.Text(text, wordOf(o.columns[i].words, c.text))
		case countCell:
			o.rows.Int(o.style.number, c.n)
		case atLeastCell:
			o.rows.Int(o.style.atLeast, c.n)
		case idCell:
			o.number(o.columns[i], c.n)
		case dayCell:
			o.day(c.text)
		case instantCell:
			style := o.style.instant
			if o.columns[i].dayOnly {
				style = o.style.date
			}
			o.rows.Serial(style, xlsx.TimeSerial(time.Unix(c.n, 0), o.location))
		default:
			o.rows.Skip()
		}
	}
	return o.rows.EndRow()
}

// severalLines is how many lines of a text are shown that has them itself.
const severalLines = 3

// number writes a number that names something; that of an event leads to it.
func (o *tableWriter) number(column columnLayout, n int64) {
	if column.event {
		if place, ok := o.events(n); ok {
			o.rows.Link(place)
			o.rows.Int(o.style.link, n)
			return
		}
	}
	o.rows.Int(o.style.id, n)
}

// linesOf is how many lines the longest text of a row takes: in the columns whose text is broken
// into lines, and where a text has several lines itself. Letters are narrower than digits.
func (o *tableWriter) linesOf(cells []Cell) int {
	most := 1
	for i := range cells {
		if cells[i].kind == textCell && strings.IndexByte(cells[i].text, '\n') >= 0 {
			most = max(most, min(1+strings.Count(cells[i].text, "\n"), severalLines))
		}
		if c := &o.columns[i]; c.wrap {
			text := wordOf(c.words, cells[i].text)
			most = max(most, min(1+int(0.92*float64(xlsx.Units(text))/c.width), o.lines))
		}
	}
	return most
}

// day writes a calendar day; one for which Excel has no number stays text.
func (o *tableWriter) day(day string) {
	if serial, ok := xlsx.DaySerial(day); ok {
		o.rows.Int(o.style.date, int64(serial))
		return
	}
	o.rows.Text(o.style.text, day)
}
