package reports

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Cell is one value of a row, for every format. Workbooks show words in their language and clocks
// in their time zone; CSV, JSON and the digest hold codes, calendar days and instants in UTC. The
// zero Cell is empty.
//
// The compiler keeps no more than four fields and 32 bytes in registers. A larger Cell would be
// copied through memory, which made a row of CSV take half as long again.
type Cell struct {
	text  string // of texts, codes and days
	n     int64  // of numbers; of instants: seconds since 1970
	toUTC int8   // what makes n, days in the report's time zone, days in UTC
	kind  cellKind
}

type cellKind uint8

const (
	emptyCell cellKind = iota
	textCell
	codeCell
	countCell   // something to count with
	atLeastCell // a count that may be larger
	idCell      // a number that names something
	dayCell     // a calendar day
	instantCell
)

// Text is text, whatever it looks like.
func Text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: textCell, text: s}
}

// Code is a code of the words of a column.
func Code(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: codeCell, text: s}
}

// Count is a number that people add up.
func Count(n int) Cell { return Cell{kind: countCell, n: int64(n)} }

// Days is a number of calendar days, counted in the report's time zone and in UTC.
func Days(local, utc int) Cell {
	return Cell{kind: countCell, n: int64(local), toUTC: int8(utc - local)}
}

// ID is a number that names something; 0 is none.
func ID(n int64) Cell {
	if n == 0 {
		return Cell{}
	}
	return Cell{kind: idCell, n: n}
}

// Day is a calendar day.
func Day(d standing.Date) Cell {
	if d == "" {
		return Cell{}
	}
	return Cell{kind: dayCell, text: string(d)}
}

// Instant is a moment, to the second; the zero time is none.
func Instant(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{kind: instantCell, n: t.Unix()}
}

// rowWriter takes the rows of a table. Cells are only valid during the call.
type rowWriter interface {
	WriteRow(cells []Cell) error
}

// tee writes rows to two writers.
type tee struct{ first, second rowWriter }

func (t tee) WriteRow(cells []Cell) error {
	if err := t.first.WriteRow(cells); err != nil {
		return err
	}
	return t.second.WriteRow(cells)
}
