package reports

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// WriteCSV writes one data sheet, by its English name, for machines: UTF-8, RFC 4180, a header in English whatever the language of
// the book, days as 2006-01-02 and instants in RFC 3339, UTC. The sentences in cells are in the book's language. Text that a
// spreadsheet would take for a formula gets an apostrophe in front, also within a cell where it would begin another; nothing else is changed, and
// nothing is cut. Book.Sheets is
// not asked.
func WriteCSV(ctx context.Context, w io.Writer, book Book, source Source, sheet string) (Written, error) {
	wanted, err := knownSheets([]string{sheet}, SheetNames())
	if err != nil {
		return Written{}, err
	}
	r, err := gather(ctx, book, source)
	if err != nil {
		return Written{}, err
	}
	s := r.dataSheets(wanted)[0]
	out := r.newCSV(s, w)
	if err := s.write(ctx, out); err != nil {
		return Written{}, err
	}
	if err := out.close(); err != nil {
		return Written{}, fmt.Errorf("sheet %s: %w", s.key, err)
	}
	return Written{[]SheetRows{{s.key, out.rows}}, r.failures()}, nil
}

// csvRows writes a data sheet as CSV, its header first.
type csvRows struct {
	out      io.Writer
	buf      []byte
	columns  int
	col      int
	rows     int
	location *time.Location
	instants memory
	err      error
}

func (r *report) newCSV(s dataSheet, out io.Writer) *csvRows {
	o := &csvRows{out: out, buf: make([]byte, 0, 2*flushAt), columns: len(s.columns), location: r.book.Location,
		instants: make(memory, len(s.columns))}
	for _, c := range s.columns {
		o.text(r.english.Columns[c].Head)
	}
	o.err = o.end()
	o.rows = 0
	return o
}

func (o *csvRows) begin() {
	if o.col > 0 {
		o.buf = append(o.buf, ',')
	}
	o.col++
}

func (o *csvRows) text(s string) { o.spell(valid(s)) }

// spell is text that is UTF-8.
func (o *csvRows) spell(s string) {
	o.begin()
	if s == "" {
		return
	}
	s = inert(s)
	formula := looksLikeFormula(s)
	if !needsQuotes(s) {
		if formula {
			o.buf = append(o.buf, '\'')
		}
		o.buf = append(o.buf, s...)
		return
	}
	o.buf = append(o.buf, '"')
	if formula {
		o.buf = append(o.buf, '\'')
	}
	for {
		at := strings.IndexByte(s, '"')
		if at < 0 {
			break
		}
		o.buf = append(append(o.buf, s[:at]...), `""`...)
		s = s[at+1:]
	}
	o.buf = append(append(o.buf, s...), '"')
}

// inert puts an apostrophe in front of a formula within s where Excel begins a cell although the quotes say otherwise: where its list separator is
// the semicolon, as in half of the world, quotes mean nothing behind a comma, and a semicolon or a line break ends the cell.
func inert(s string) string {
	if strings.IndexByte(s, ';') < 0 && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 { // nearly always
		return s
	}
	for i := len(s) - 2; i >= 0; i-- {
		ends := s[i] == ';' || i > 0 && (s[i] == '\n' || s[i] == '\r') // what begins with a line end has its apostrophe
		if ends && strings.IndexByte("=+-@", s[i+1]) >= 0 {
			s = s[:i+1] + "'" + s[i+1:]
		}
	}
	return s
}

// needsQuotes reports whether a reader would take s apart, or might trim it.
func needsQuotes(s string) bool {
	return s[0] == ' ' || s[len(s)-1] == ' ' || strings.IndexByte(s, ',') >= 0 || strings.IndexByte(s, '"') >= 0 ||
		strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 // four quick searches: a loop over s takes twice as long
}

// looksLikeFormula reports whether a spreadsheet that opens the file may take s for a formula. White space in front does not stop all
// of them, and where such are typed the wide signs are signs too.
func looksLikeFormula(s string) bool {
	if c := s[0]; '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' { // nearly always
		return false
	}
	if strings.IndexByte("\t\r\n", s[0]) >= 0 {
		return true
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, blank))
	return strings.ContainsRune("=+-@\uFF1D\uFF0B\uFF0D\uFF20", first)
}

func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\uFEFF' || r == '\u200B'
}

func (o *csvRows) wrapped(s string) { o.text(s) }

func (o *csvRows) number(n int) { o.id(int64(n)) }

func (o *csvRows) id(n int64) {
	o.begin()
	o.buf = strconv.AppendInt(o.buf, n, 10)
}

func (o *csvRows) status(code int) {
	if code == 0 {
		o.skip()
		return
	}
	o.number(code)
}

func (o *csvRows) date(d standing.Date) { o.text(string(d)) }

func (o *csvRows) day(t time.Time) {
	o.begin()
	o.buf = appendDay(o.buf, t, o.location)
}

func (o *csvRows) instant(t time.Time) {
	text := o.instants.spell(o.col, t, appendInstant)
	o.begin()
	o.buf = append(o.buf, text...)
}

func (o *csvRows) skip() { o.begin() }

func (o *csvRows) end() error {
	if o.err == nil && o.col != o.columns {
		o.err = fmt.Errorf("row %d has %d cells, the table has %d columns", o.rows+1, o.col, o.columns)
	}
	if o.err != nil {
		return o.err
	}
	o.buf = append(o.buf, '\r', '\n')
	o.col = 0
	o.rows++
	if len(o.buf) >= flushAt {
		o.err = o.close()
	}
	return o.err
}

// close writes out what is still held.
func (o *csvRows) close() error {
	if o.err != nil {
		return o.err
	}
	_, err := o.out.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}

// appendDay appends the calendar day of t where the report is read; nothing when there is none.
func appendDay(dst []byte, t time.Time, location *time.Location) []byte {
	if t.IsZero() {
		return dst
	}
	return t.In(location).AppendFormat(dst, time.DateOnly)
}

// appendInstant appends t to the second, as the workbook shows it; nothing when there is none.
func appendInstant(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	return t.UTC().AppendFormat(dst, time.RFC3339)
}
