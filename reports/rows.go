package reports

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// firstRow is where data begins: the banner and the table's header are above it.
const firstRow = 3

// rows writes the data rows of one sheet, and of those it goes on in, as bytes of their own. Cells come from left to
// right; end closes a row. An error of a cell is kept and comes out of end.
type rows struct {
	open     func(page) (io.Writer, error) // begins the next page's entry in the archive
	pages    []page                        // those still to come
	out      io.Writer
	tail     []byte // what follows the rows of the page being written
	buf      []byte
	letters  []string
	rowEnd   string // what follows the row's number in its tag
	col      int
	row      int
	left     int // rows that the page being written still takes
	written  int64
	style    styles
	location *time.Location
	instants memory
	cut      string
	err      error
}

// maxEntry is the size from which a zip entry needs headers that Excel does not accept from archive/zip.
const maxEntry = 1<<32 - 1

// lineHeight is the height of a line of text, in points.
const lineHeight = 15

// flushAt is how many bytes of rows are handed to the compressor at a time.
const flushAt = 64 << 10

func (r *report) newRows(s dataSheet, pages []page, open func(page) (io.Writer, error)) *rows {
	letters := make([]string, len(s.columns))
	for i := range letters {
		letters[i], _ = excelize.ColumnNumberToName(i + 1) // a sheet has some twenty columns of the 16,384 allowed
	}
	rowEnd := `">`
	if s.lines > 1 { // Excel fits the height of a row only while somebody types in it
		rowEnd = fmt.Sprintf(`" ht="%d" customHeight="1">`, s.lines*lineHeight)
	}
	return &rows{open: open, pages: pages, letters: letters, rowEnd: rowEnd, buf: make([]byte, 0, 2*flushAt),
		style: r.style, location: r.book.Location, cut: r.say.Cut, instants: make(memory, len(letters))}
}

// text puts a cell that is text whatever it looks like, in UTF-8; an empty one is left out.
func (o *rows) text(s string) { o.put(s, o.style.text) }

// wrapped puts a sentence, broken into lines as the column is wide.
func (o *rows) wrapped(s string) { o.put(s, o.style.wrapped) }

func (o *rows) put(s string, style int) {
	if s == "" {
		o.skip()
		return
	}
	s = fit(s, o.cut)
	o.begin(style)
	if spaced(s) {
		o.buf = append(o.buf, `t="inlineStr"><is><t xml:space="preserve">`...)
	} else {
		o.buf = append(o.buf, `t="inlineStr"><is><t>`...)
	}
	o.buf = appendText(o.buf, s)
	o.buf = append(o.buf, `</t></is></c>`...)
}

func (o *rows) number(n int) {
	o.begin(o.style.number)
	o.buf = append(o.buf, `><v>`...)
	o.buf = strconv.AppendInt(o.buf, int64(n), 10)
	o.buf = append(o.buf, `</v></c>`...)
}

// id puts a number that names something: nobody adds these up, and they have no thousands.
func (o *rows) id(n int64) {
	o.begin(o.style.id)
	o.buf = append(o.buf, `><v>`...)
	o.buf = strconv.AppendInt(o.buf, n, 10)
	o.buf = append(o.buf, `</v></c>`...)
}

// status puts the status of an answer; nothing when none came.
func (o *rows) status(code int) {
	if code == 0 {
		o.skip()
		return
	}
	o.id(int64(code))
}

// date puts a calendar day; one that Excel has no number for stays text.
func (o *rows) date(d standing.Date) {
	serial, ok := daySerial(d)
	if !ok {
		o.text(string(d))
		return
	}
	o.serial(serial, o.style.date)
}

// day puts the calendar day of an instant where the report is read.
func (o *rows) day(t time.Time) {
	if t.IsZero() {
		o.skip()
		return
	}
	serial, _ := daySerial(dayOf(t, o.location))
	o.serial(serial, o.style.date)
}

// instant puts an instant as the clock shows it where the report is read.
func (o *rows) instant(t time.Time) {
	if t.IsZero() {
		o.skip()
		return
	}
	text := o.instants.spell(o.col, t, func(dst []byte, t time.Time) []byte { return appendSerial(dst, instantSerial(t, o.location)) })
	o.begin(o.style.instant)
	o.buf = append(o.buf, `><v>`...)
	o.buf = append(o.buf, text...)
	o.buf = append(o.buf, `</v></c>`...)
}

func (o *rows) serial(v float64, style int) {
	o.begin(style)
	o.buf = append(o.buf, `><v>`...)
	o.buf = appendSerial(o.buf, v)
	o.buf = append(o.buf, `</v></c>`...)
}

func appendSerial(dst []byte, v float64) []byte { return strconv.AppendFloat(dst, v, 'f', -1, 64) }

// skip leaves a cell out.
func (o *rows) skip() {
	o.beginRow()
	o.col++
}

// begin opens a cell, up to its type.
func (o *rows) begin(style int) {
	o.beginRow()
	if o.col < len(o.letters) {
		o.buf = append(o.buf, `<c r="`...)
		o.buf = append(o.buf, o.letters[o.col]...)
		o.buf = strconv.AppendInt(o.buf, int64(o.row), 10)
		o.buf = append(o.buf, `" s="`...)
		o.buf = strconv.AppendInt(o.buf, int64(style), 10)
		o.buf = append(o.buf, `" `...)
	}
	o.col++
}

func (o *rows) beginRow() {
	if o.col > 0 || o.err != nil {
		return
	}
	for o.left == 0 {
		if o.err = o.turn(); o.err != nil {
			return
		}
	}
	o.buf = append(o.buf, `<row r="`...)
	o.buf = strconv.AppendInt(o.buf, int64(o.row), 10)
	o.buf = append(o.buf, o.rowEnd...)
}

// end closes a row.
func (o *rows) end() error {
	if o.err == nil && o.col != len(o.letters) {
		o.err = fmt.Errorf("row %d has %d cells, the table has %d columns", o.row, o.col, len(o.letters))
	}
	if o.err != nil {
		return o.err
	}
	o.buf = append(o.buf, `</row>`...)
	o.col = 0
	o.row++
	o.left--
	if len(o.buf) >= flushAt {
		o.err = o.flush()
	}
	return o.err
}

// turn closes the page that is full and begins the next one.
func (o *rows) turn() error {
	if err := o.closePage(); err != nil {
		return err
	}
	if len(o.pages) == 0 {
		return fmt.Errorf("more rows came than were counted: the ledger changed while the report was read; write the report again")
	}
	next := o.pages[0]
	o.pages = o.pages[1:]
	out, err := o.open(next)
	if err != nil {
		return err
	}
	o.out, o.tail, o.row, o.left, o.written = out, next.tail, firstRow, next.rows, 0
	o.buf = append(o.buf, next.head...)
	return nil
}

// close finishes the sheet; every page must have got its rows.
func (o *rows) close() error {
	for o.left == 0 && len(o.pages) > 0 && o.pages[0].rows == 0 {
		if err := o.turn(); err != nil {
			return err
		}
	}
	if o.left > 0 || len(o.pages) > 0 {
		return fmt.Errorf("fewer rows came than were counted: the ledger changed while the report was read; write the report again")
	}
	return o.closePage()
}

func (o *rows) closePage() error {
	if o.out == nil {
		return nil
	}
	o.buf = append(o.buf, o.tail...)
	err := o.flush()
	o.out = nil
	return err
}

func (o *rows) flush() error {
	o.written += int64(len(o.buf))
	if o.written > maxEntry {
		return fmt.Errorf("a sheet is larger than 4 GB, which Excel does not open")
	}
	_, err := o.out.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}
