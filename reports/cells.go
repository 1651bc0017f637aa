package reports

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// cells takes the rows of a data sheet, cell by cell from left to right. What is empty is a cell too. end closes a row; an error of a
// cell is kept and comes out of end.
type cells interface {
	text(s string)        // text, whatever it looks like
	wrapped(s string)     // a sentence
	number(n int)         // something to count with
	id(n int64)           // a number that names something
	status(code int)      // of an answer; 0: none came
	date(d standing.Date) // a calendar day, or what was given for one
	day(t time.Time)      // the calendar day of an instant where the report is read
	instant(t time.Time)  // zero: none
	skip()                // nothing
	end() error
}

// digested writes rows to where they are wanted, and as CSV into the digest. Text comes to both as UTF-8.
type digested struct {
	to  cells
	csv *csvRows
}

func (d digested) text(s string)    { s = valid(s); d.to.text(s); d.csv.spell(s) }
func (d digested) wrapped(s string) { s = valid(s); d.to.wrapped(s); d.csv.spell(s) }
func (d digested) number(n int)     { d.to.number(n); d.csv.number(n) }
func (d digested) id(n int64)       { d.to.id(n); d.csv.id(n) }
func (d digested) status(code int)  { d.to.status(code); d.csv.status(code) }
func (d digested) date(v standing.Date) {
	v = standing.Date(valid(string(v)))
	d.to.date(v)
	d.csv.date(v)
}
func (d digested) day(t time.Time)     { d.to.day(t); d.csv.day(t) }
func (d digested) instant(t time.Time) { d.to.instant(t); d.csv.instant(t) }
func (d digested) skip()               { d.to.skip(); d.csv.skip() }

func (d digested) end() error {
	if err := d.to.end(); err != nil {
		return err
	}
	return d.csv.end()
}

// valid is s as UTF-8: what is none of it (lone surrogates among it) becomes U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// memory is how the last instant of each column was spelt: the same few come again from row to row, and spelling takes time.
type memory []struct {
	at   time.Time
	text []byte
}

func (m memory) spell(col int, at time.Time, spell func(dst []byte, at time.Time) []byte) []byte {
	if col >= len(m) {
		return spell(nil, at) // the row has too many cells; end will say so
	}
	last := &m[col]
	if last.at != at {
		last.at, last.text = at, spell(last.text[:0], at)
	}
	return last.text
}
