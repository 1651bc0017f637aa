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

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// WriteCSV writes one sheet of data, by its key or English name, for machines: UTF-8, RFC 4180, a
// header of snake_case keys, codes instead of words, days as 2006-01-02 and instants in RFC 3339,
// UTC: the same in every language and time zone. Text that a spreadsheet would take for a formula
// gets an apostrophe in front, also within a cell where it would begin another; nothing else is
// changed, and nothing is cut. Book.Sheets is not asked.
func WriteCSV(ctx context.Context, w io.Writer, book Book, source Source, sheet string) (Written, error) {
	wanted, err := knownSheets([]string{sheet}, dataSheets())
	if err != nil {
		return Written{}, err
	}
	r, err := gather(ctx, book, source)
	if err != nil {
		return Written{}, err
	}
	t := r.tables(wanted)[0]
	out := newCSV(t, w)
	if err := t.fill(ctx, out); err != nil {
		return Written{}, err
	}
	if err := out.flush(); err != nil {
		return Written{}, fmt.Errorf("sheet %s: %w", t.key, err)
	}
	return Written{Sheets: []SheetRows{{englishName(t.key), out.rows}}, Failing: r.failures()}, nil
}

// flushSize is how many bytes are written at a time.
const flushSize = 64 << 10

// csvWriter writes a table as CSV, its header first.
type csvWriter struct {
	out      io.Writer
	buf      []byte
	columns  []columnLayout
	instants []instantText
	rows     int
}

func newCSV(t table, out io.Writer) *csvWriter {
	o := &csvWriter{out: out, columns: t.columns, instants: make([]instantText, len(t.columns))}
	for _, c := range t.columns {
		if c.only != workbook {
			o.buf = append(append(o.buf, c.key...), ',')
		}
	}
	o.endLine()
	return o
}

// endLine ends a line whose fields each have a comma behind them.
func (o *csvWriter) endLine() { o.buf = append(o.buf[:len(o.buf)-1], "\r\n"...) }

func (o *csvWriter) WriteRow(cells []Cell) error {
	for i := range cells {
		if o.columns[i].only == workbook {
			continue
		}
		switch c := &cells[i]; c.kind {
		case textCell, codeCell, dayCell:
			o.buf = appendCSV(o.buf, c.text)
		case countCell, atLeastCell, idCell:
			o.buf = strconv.AppendInt(o.buf, c.n+int64(c.toUTC), 10)
		case instantCell:
			o.buf = append(o.buf, o.instants[i].of(c.n)...)
		}
		o.buf = append(o.buf, ',')
	}
	o.endLine()
	o.rows++
	if len(o.buf) >= flushSize {
		return o.flush()
	}
	return nil
}

func (o *csvWriter) flush() error {
	_, err := o.out.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}

// instantText is how the last instant of a column was written: instants repeat from row to row, and
// formatting takes time.
type instantText struct {
	seconds int64 // since 1970
	text    []byte
}

func (t *instantText) of(seconds int64) []byte {
	if t.seconds != seconds || t.text == nil {
		t.seconds, t.text = seconds, time.Unix(seconds, 0).UTC().AppendFormat(t.text[:0], time.RFC3339)
	}
	return t.text
}

// appendCSV appends a field.
func appendCSV(dst []byte, s string) []byte {
	if plain(s) {
		return append(dst, s...)
	}
	s = inert(xlsx.ValidText(s))
	formula := looksLikeFormula(s)
	if !needsQuotes(s) {
		if formula {
			dst = append(dst, '\'')
		}
		return append(dst, s...)
	}
	dst = append(dst, '"')
	if formula {
		dst = append(dst, '\'')
	}
	for {
		at := strings.IndexByte(s, '"')
		if at < 0 {
			break
		}
		dst = append(append(dst, s[:at]...), `""`...)
		s = s[at+1:]
	}
	return append(append(dst, s...), '"')
}

// plain reports whether a field is nothing but ASCII that no reader takes for something else.
// Nearly all are, and to look at each byte once takes half the time of what the others need.
func plain(s string) bool {
	if s == "" {
		return true
	}
	if c := s[0]; !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return true
}

// plainBytes are the bytes of plain fields: neither control characters nor what ends a field or a
// cell.
var plainBytes = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = c != '"' && c != ',' && c != ';'
	}
	return is
}()

// inert puts an apostrophe in front of a formula within s where Excel begins a cell although the
// quotes say otherwise: where its list separator is the semicolon, quotes mean nothing behind a
// comma, and a semicolon or a line break ends the cell.
func inert(s string) string {
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
	return s[0] == ' ' || s[len(s)-1] == ' ' || strings.ContainsAny(s, ",\"\n\r")
}

// looksLikeFormula reports whether a spreadsheet that opens the file may take s for a formula.
// White space in front does not stop all of them, and full-width signs count where such are typed.
func looksLikeFormula(s string) bool {
	if strings.IndexByte("\t\r\n", s[0]) >= 0 {
		return true
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, blank))
	return strings.ContainsRune("=+-@\uFF1D\uFF0B\uFF0D\uFF20", first)
}

func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\uFEFF' || r == '\u200B'
}
