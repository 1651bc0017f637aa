package reports

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// WriteJSON writes data sheets, by their English names, as one object for machines; all of them when none is named. Rows are objects
// whose keys are the header words that WriteCSV writes; days and instants are spelt as there, numbers are numbers, what is empty is
// null, and text is as it came. The object is written as rows come, so its last member is the sum over them. Book.Sheets is not asked.
func WriteJSON(ctx context.Context, w io.Writer, book Book, source Source, sheets ...string) (Written, error) {
	wanted, err := knownSheets(sheets, SheetNames())
	if err != nil {
		return Written{}, err
	}
	r, err := gather(ctx, book, source)
	if err != nil {
		return Written{}, err
	}
	head, err := r.jsonHead()
	if err != nil {
		return Written{}, err
	}
	out := bufio.NewWriterSize(w, flushAt)
	out.Write(head) // a bufio.Writer keeps its first error for Flush
	out.WriteString(`,"sheets":{`)
	var written []SheetRows
	sum := sha256.New()
	for i, s := range r.dataSheets(wanted) {
		if i > 0 {
			out.WriteByte(',')
		}
		n, err := r.writeJSON(ctx, s, out, sum)
		if err != nil {
			return Written{}, err
		}
		written = append(written, SheetRows{s.key, n})
	}
	fmt.Fprintf(out, "\n},\"sha256\":%q}\n", hex.EncodeToString(sum.Sum(nil)))
	return Written{written, r.failures()}, out.Flush()
}

// jsonHead is the object without its rows, still open.
func (r *report) jsonHead() ([]byte, error) {
	type shown struct {
		Partner   string     `json:"partner"`
		Run       *int64     `json:"run"`
		StartedAt *time.Time `json:"started_at"`
		Against   *int64     `json:"against"`
	}
	head := struct {
		MadeAt  time.Time `json:"made_at"`
		AsOf    time.Time `json:"as_of"`
		Verdict string    `json:"verdict"`
		Runs    []shown   `json:"runs"`
	}{second(r.book.AsOf), r.book.Through.UTC(), [...]string{nothing: "nothing_to_check", good: "ok", bad: "failed"}[r.mood()], []shown{}}
	for _, p := range r.book.Partners {
		one := shown{Partner: p.Partner.Name}
		if p.Run != nil {
			began := second(p.Run.StartedAt)
			one.Run, one.StartedAt = &p.Run.ID, &began
		}
		if p.Against != nil {
			one.Against = &p.Against.ID
		}
		head.Runs = append(head.Runs, one)
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("spell the head: %w", err)
	}
	return text[:len(text)-1], nil
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// writeJSON writes one sheet as a member of the object, and as CSV into the digest.
func (r *report) writeJSON(ctx context.Context, s dataSheet, out, digest io.Writer) (rows int, err error) {
	to, data := r.newJSON(s, out), r.newCSV(s, digest)
	if err := s.write(ctx, digested{to, data}); err != nil {
		return 0, err
	}
	if err := to.close(); err != nil {
		return 0, fmt.Errorf("sheet %s: %w", s.key, err)
	}
	return data.rows, data.close()
}

// jsonRows writes a data sheet as an array of objects.
type jsonRows struct {
	out      io.Writer
	buf      []byte
	keys     []string // quoted, with the colon
	col      int
	rows     int
	location *time.Location
	err      error
}

func (r *report) newJSON(s dataSheet, out io.Writer) *jsonRows {
	o := &jsonRows{out: out, buf: make([]byte, 0, 2*flushAt), location: r.book.Location}
	for _, c := range s.columns {
		o.keys = append(o.keys, string(appendJSON(nil, r.english.Columns[c].Head))+":")
	}
	o.buf = append(appendJSON(append(o.buf, '\n'), s.key), ":["...)
	return o
}

func (o *jsonRows) begin() {
	switch {
	case o.col > 0:
		o.buf = append(o.buf, ',')
	case o.rows > 0:
		o.buf = append(o.buf, ",\n{"...)
	default:
		o.buf = append(o.buf, "\n{"...)
	}
	if o.col < len(o.keys) {
		o.buf = append(o.buf, o.keys[o.col]...)
	}
	o.col++
}

// text takes UTF-8.
func (o *jsonRows) text(s string) {
	o.begin()
	if s == "" {
		o.buf = append(o.buf, "null"...)
		return
	}
	o.buf = appendJSON(o.buf, s)
}

func (o *jsonRows) wrapped(s string) { o.text(s) }

func (o *jsonRows) number(n int) { o.id(int64(n)) }

func (o *jsonRows) id(n int64) {
	o.begin()
	o.buf = strconv.AppendInt(o.buf, n, 10)
}

func (o *jsonRows) status(code int) {
	if code == 0 {
		o.skip()
		return
	}
	o.number(code)
}

func (o *jsonRows) date(d standing.Date) { o.text(string(d)) }

func (o *jsonRows) day(t time.Time) {
	if t.IsZero() {
		o.skip()
		return
	}
	o.begin()
	o.buf = append(appendDay(append(o.buf, '"'), t, o.location), '"')
}

func (o *jsonRows) instant(t time.Time) {
	if t.IsZero() {
		o.skip()
		return
	}
	o.begin()
	o.buf = append(appendInstant(append(o.buf, '"'), t), '"')
}

func (o *jsonRows) skip() { o.text("") }

func (o *jsonRows) end() error {
	if o.err == nil && o.col != len(o.keys) {
		o.err = fmt.Errorf("row %d has %d cells, the table has %d columns", o.rows+1, o.col, len(o.keys))
	}
	if o.err != nil {
		return o.err
	}
	o.buf = append(o.buf, '}')
	o.col = 0
	o.rows++
	if len(o.buf) >= flushAt {
		o.err = o.flush()
	}
	return o.err
}

func (o *jsonRows) close() error {
	o.buf = append(o.buf, "\n]"...)
	return o.flush()
}

func (o *jsonRows) flush() error {
	_, err := o.out.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}

// appendJSON appends s, which is UTF-8, as a JSON string.
func appendJSON(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0 // s[:done] is written
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[done:]...), '"')
}
