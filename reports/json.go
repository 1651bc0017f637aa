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

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// SchemaVersion is the version of the keys and codes of CSV and JSON, which docs/report.schema.json
// describes, and of the data that the digest covers. It changes when a key or a code is removed or
// changes its meaning.
const SchemaVersion = 1

// WriteJSON writes sheets of data, by their keys or English names, as one object for machines; all
// of them when none is named. Rows are objects with the keys of WriteCSV's header; days and
// instants are written as there, numbers are numbers, what is empty is null, and text is as it
// came. The object is written as rows come, so its last member is the digest of them. Book.Sheets
// is not asked.
func WriteJSON(ctx context.Context, w io.Writer, book Book, source Source, sheets ...string) (Written, error) {
	wanted, err := knownSheets(sheets, dataSheets())
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
	out := bufio.NewWriterSize(w, flushSize)
	out.Write(head) // a bufio.Writer keeps its first error for Flush
	out.WriteString(`,"sheets":{`)
	var written []SheetRows
	sum := sha256.New()
	for i, t := range r.tables(wanted) {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n%q:[", t.key)
		to, digest := newJSON(t, out), newCSV(t, sum)
		if err := t.fill(ctx, tee{to, digest}); err != nil {
			return Written{}, err
		}
		if err := digest.flush(); err != nil {
			return Written{}, err
		}
		out.WriteString("\n]")
		written = append(written, SheetRows{englishName(t.key), to.rows})
	}
	fmt.Fprintf(out, "\n},\"sha256\":%q}\n", hex.EncodeToString(sum.Sum(nil)))
	return Written{Sheets: written, Failing: r.failures()}, out.Flush()
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
		SchemaVersion int       `json:"schema_version"`
		MadeAt        time.Time `json:"made_at"`
		AsOf          time.Time `json:"as_of"`
		Verdict       string    `json:"verdict"`
		Runs          []shown   `json:"runs"`
	}{SchemaVersion, second(r.book.MadeAt), r.book.AsOf.UTC(),
		[...]string{noChecks: "nothing_to_check", passed: "ok", failed: "failed"}[r.verdict()], []shown{}}
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
		return nil, fmt.Errorf("encode the head: %w", err)
	}
	return text[:len(text)-1], nil
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// jsonWriter writes the rows of a table as the elements of an array.
type jsonWriter struct {
	out      *bufio.Writer
	buf      []byte
	keys     [][]byte // by column, as they stand in a row; nil: only the workbook shows it
	instants []instantText
	rows     int
}

func newJSON(t table, out *bufio.Writer) *jsonWriter {
	o := &jsonWriter{out: out, keys: make([][]byte, len(t.columns)), instants: make([]instantText, len(t.columns))}
	for i, c := range t.columns {
		if c.only != workbook {
			o.keys[i] = append(appendJSON(nil, c.key), ':')
		}
	}
	return o
}

func (o *jsonWriter) WriteRow(cells []Cell) error {
	o.buf = append(o.buf[:0], "\n{"...)
	if o.rows > 0 {
		o.buf = append(o.buf[:0], ",\n{"...)
	}
	for i := range cells {
		if o.keys[i] == nil {
			continue
		}
		o.buf = append(o.buf, o.keys[i]...)
		o.value(&cells[i], &o.instants[i])
		o.buf = append(o.buf, ',')
	}
	o.buf[len(o.buf)-1] = '}'
	o.rows++
	_, err := o.out.Write(o.buf)
	return err
}

func (o *jsonWriter) value(c *Cell, instant *instantText) {
	switch c.kind {
	case textCell, codeCell, dayCell:
		o.buf = appendJSON(o.buf, xlsx.ValidText(c.text))
	case countCell, atLeastCell, idCell:
		o.buf = strconv.AppendInt(o.buf, c.n+int64(c.toUTC), 10)
	case instantCell:
		o.buf = append(append(append(o.buf, '"'), instant.of(c.n)...), '"')
	default:
		o.buf = append(o.buf, "null"...)
	}
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
