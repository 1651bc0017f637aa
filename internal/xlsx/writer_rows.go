package xlsx

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// Page is a sheet of the frame that takes data rows.
type Page struct {
	Part string // such as xl/worksheets/sheet2.xml
	Rows int    // as many as it must get
}

// Rows writes the data rows of one table, which may need several pages. Cells come from left to
// right; EndRow closes a row. An error is kept and comes out of EndRow. Rows are compressed while
// those that follow are made; Close waits for that, so it must be called after an error as well.
type Rows struct {
	book     *Writer
	pages    []Page // those still to come
	first    int
	out      io.Writer
	tail     []byte // what follows the rows of the page being written
	buf      []byte
	spare    []byte     // takes turns with buf
	writing  chan error // the result of writing the buffer before; nil: nothing is being written
	letters  []string
	lines    int    // of text in the row being written
	links    []byte // of the page being written
	linked   int
	column   int
	row      int
	number   []byte // the row's
	left     int    // rows that the page being written still takes
	written  int64
	previous []serialText
	err      error
}

// serialText is how the last serial number of a column was written: instants repeat from row to
// row, and formatting takes time.
type serialText struct {
	value float64
	text  []byte
}

// maxEntry is the size from which a zip entry needs headers that Excel does not accept from
// archive/zip.
const maxEntry = 1<<32 - 1

// LineHeight is the height of a line of text, in points.
const LineHeight = 15

// flushSize is how many bytes of rows are handed to the compressor at a time.
const flushSize = 64 << 10

// Rows begins the rows of a table: first is the number of the first row on each page.
func (w *Writer) Rows(pages []Page, first, columns int) *Rows {
	letters := make([]string, columns)
	for i := range letters {
		letters[i], _ = excelize.ColumnNumberToName(i + 1) // far from the 16,384 allowed
	}
	return &Rows{book: w, pages: pages, first: first, letters: letters,
		previous: make([]serialText, columns)}
}

// Lines says how many lines of text the row has that begins with the next cell. Excel fits the
// height of a row only while somebody types in it.
func (r *Rows) Lines(n int) { r.lines = n }

// Text writes a cell that is text whatever it looks like; an empty one is left out.
func (r *Rows) Text(style int, s string) {
	if s == "" {
		r.Skip()
		return
	}
	r.begin(style)
	switch {
	case plain(s):
		r.buf = append(append(r.buf, `t="inlineStr"><is><t>`...), s...)
	case NeedsPreserve(s):
		r.buf = AppendText(append(r.buf, `t="inlineStr"><is><t xml:space="preserve">`...), s)
	default:
		r.buf = AppendText(append(r.buf, `t="inlineStr"><is><t>`...), s)
	}
	r.buf = append(r.buf, `</t></is></c>`...)
}

// Int writes a whole number.
func (r *Rows) Int(style int, n int64) {
	r.begin(style)
	r.buf = append(r.buf, `><v>`...)
	r.buf = strconv.AppendInt(r.buf, n, 10)
	r.buf = append(r.buf, `</v></c>`...)
}

// Serial writes a date, an instant or another fraction.
func (r *Rows) Serial(style int, v float64) {
	r.begin(style)
	if r.column > len(r.previous) { // too many cells: EndRow says so
		return
	}
	last := &r.previous[r.column-1]
	if last.value != v || last.text == nil {
		last.value, last.text = v, appendSerial(last.text[:0], v)
	}
	r.buf = append(r.buf, `><v>`...)
	r.buf = append(r.buf, last.text...)
	r.buf = append(r.buf, `</v></c>`...)
}

// maxLinks is how many links Excel takes on a sheet.
const maxLinks = 65_530

// Link lets a click on the next cell go to a place of the workbook, such as 'Events'!A4; where a
// sheet has too many links, nothing happens.
func (r *Rows) Link(place string) {
	r.beginRow()
	if r.linked == maxLinks || r.column >= len(r.letters) {
		return
	}
	r.linked++
	r.links = append(append(r.links, `<hyperlink ref="`...), r.letters[r.column]...)
	r.links = append(append(r.links, r.number...), `" location="`...)
	r.links = append(AppendText(r.links, place), `"/>`...)
}

// Skip leaves a cell out.
func (r *Rows) Skip() {
	r.beginRow()
	r.column++
}

// Blank writes an empty cell that has a style.
func (r *Rows) Blank(style int) {
	r.begin(style)
	r.buf = append(r.buf, `/>`...)
}

// begin opens a cell, up to its type.
func (r *Rows) begin(style int) {
	r.beginRow()
	if r.column < len(r.letters) {
		r.buf = append(r.buf, `<c r="`...)
		r.buf = append(r.buf, r.letters[r.column]...)
		r.buf = append(r.buf, r.number...)
		r.buf = append(r.buf, `" s="`...)
		r.buf = strconv.AppendInt(r.buf, int64(style), 10)
		r.buf = append(r.buf, `" `...)
	}
	r.column++
}

func (r *Rows) beginRow() {
	if r.column > 0 || r.err != nil {
		return
	}
	for r.left == 0 {
		if r.err = r.nextPage(); r.err != nil {
			return
		}
	}
	r.number = strconv.AppendInt(r.number[:0], int64(r.row), 10)
	r.buf = append(append(r.buf, `<row r="`...), r.number...)
	if r.lines > 1 {
		r.buf = append(r.buf, `" ht="`...)
		r.buf = strconv.AppendInt(r.buf, int64(r.lines*LineHeight), 10)
		r.buf = append(r.buf, `" customHeight="1`...)
	}
	r.buf = append(r.buf, `">`...)
}

// EndRow closes a row.
func (r *Rows) EndRow() error {
	if r.err == nil && r.column != len(r.letters) {
		r.err = fmt.Errorf("row %d has %d cells, the table has %d columns", r.row, r.column, len(r.letters))
	}
	if r.err != nil {
		return r.err
	}
	r.buf = append(r.buf, `</row>`...)
	r.column, r.lines = 0, 1
	r.row++
	r.left--
	if len(r.buf) >= flushSize {
		r.err = r.flush()
	}
	return r.err
}

// RowCountError is about rows that are not as many as their pages were laid out for.
type RowCountError struct{ More bool }

func (e *RowCountError) Error() string {
	if e.More {
		return "more rows came than were counted"
	}
	return "fewer rows came than were counted"
}

// nextPage closes the page that is full and begins the next one.
func (r *Rows) nextPage() error {
	if err := r.closePage(); err != nil {
		return err
	}
	if len(r.pages) == 0 {
		return &RowCountError{More: true}
	}
	next := r.pages[0]
	r.pages = r.pages[1:]
	part := r.book.parts[next.Part]
	at := bytes.Index(part, []byte("</sheetData>"))
	if at < 0 {
		return fmt.Errorf("part %s of the frame is not a sheet that takes rows", next.Part)
	}
	delete(r.book.parts, next.Part)
	out, err := r.book.create(next.Part)
	if err != nil {
		return err
	}
	r.out, r.tail, r.row, r.left, r.written = out, part[at:], r.first, next.Rows, 0
	r.buf = append(r.buf, part[:at]...)
	return nil
}

// Close finishes the table; every page must have got its rows.
func (r *Rows) Close() error {
	if err := r.wait(); r.err == nil {
		r.err = err
	}
	if r.err != nil {
		return r.err
	}
	for r.left == 0 && len(r.pages) > 0 && r.pages[0].Rows == 0 {
		if err := r.nextPage(); err != nil {
			return err
		}
	}
	if r.left > 0 || len(r.pages) > 0 {
		return &RowCountError{}
	}
	return r.closePage()
}

func (r *Rows) closePage() error {
	if r.out == nil {
		return nil
	}
	before, after := r.tail, []byte(nil)
	// the place that the schema has for links
	if at := bytes.Index(r.tail, []byte("<pageMargins")); r.linked > 0 && at >= 0 {
		before, after = r.tail[:at], r.tail[at:]
		before = slices.Concat(before, []byte("<hyperlinks>"), r.links, []byte("</hyperlinks>"))
	}
	r.buf = append(append(r.buf, before...), after...)
	err := r.flush()
	if err == nil {
		err = r.wait()
	}
	r.out, r.links, r.linked = nil, r.links[:0], 0
	return err
}

func (r *Rows) flush() error {
	r.written += int64(len(r.buf))
	if r.written > maxEntry {
		return fmt.Errorf("a sheet is larger than 4 GB, which Excel does not open")
	}
	if err := r.wait(); err != nil {
		return err
	}
	out, full, written := r.out, r.buf, make(chan error, 1)
	go func() {
		_, err := out.Write(full)
		written <- err
	}()
	r.buf, r.spare, r.writing = r.spare[:0], full, written
	return nil
}

// wait waits until nothing is being written.
func (r *Rows) wait() error {
	if r.writing == nil {
		return nil
	}
	err := <-r.writing
	r.writing = nil
	return err
}
