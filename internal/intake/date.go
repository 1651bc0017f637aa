package intake

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// earliest is the first year in which an acceptance can be dated: there was no such agreement
// before it by far.
const earliest = 2015

// dateProof is a date that can be read in one order only.
type dateProof struct {
	line  int // zero: there is none
	value string
}

// dateProofs are the first proofs of either order in a file.
type dateProofs struct {
	dayFirst, monthFirst dateProof
}

// add takes the cell of a row into account.
func (p *dateProofs) add(line int, cell string) {
	d, ok := numeric(unmarked(cell))
	switch {
	case !ok || d.yearFirst || d.yearDigits != 4:
	case d.first > 12 && d.first <= 31 && d.second >= 1 && d.second <= 12 && p.dayFirst.line == 0:
		p.dayFirst = dateProof{line, bounded(clean(cell))}
	case d.second > 12 && d.second <= 31 && d.first >= 1 && d.first <= 12 && p.monthFirst.line == 0:
		p.monthFirst = dateProof{line, bounded(clean(cell))}
	}
}

// order is the order in which the file's dates are read: what was asked for, or what the file
// proves; Auto when it proves nothing.
func (p dateProofs) order(asked DateOrder) (DateOrder, error) {
	switch {
	case asked != Auto:
		return asked, nil
	case p.dayFirst.line > 0 && p.monthFirst.line > 0:
		later, other := p.monthFirst, p.dayFirst
		if p.dayFirst.line > p.monthFirst.line {
			later, other = p.dayFirst, p.monthFirst
		}
		return "", &FileError{Line: later.line, Code: MixedDates, Value: later.value,
			Message: fmt.Sprintf("the month cannot stand where it stands in line %d (%s): the file mixes dates with "+
				"the day first and dates with the month first", other.line, other.value),
			Hint: "Write all dates as 2026-05-31; where a list was pasted together from two sources, import each " +
				"as a file of its own"}
	case p.dayFirst.line > 0:
		return DayFirst, nil
	case p.monthFirst.line > 0:
		return MonthFirst, nil
	}
	return Auto, nil
}

// proofOf is the date that proved an order, with its line.
func (p dateProofs) proofOf(order DateOrder) string {
	proof := p.dayFirst
	if order == MonthFirst {
		proof = p.monthFirst
	}
	if order == Auto || proof.line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d has %s", proof.line, proof.value)
}

// doubt marks a date that may be another one. When Excel opens a list in another order than it was
// written in, it turns 03/04 into 4 March, a real date, and leaves 25/12 as a text. So where a
// column has texts that prove an order, real dates up to the 12th of a month may have changed their
// day and month. They are shown with a question mark, and are refused as long as they have it, also
// when the refused rows are imported again.
const doubt = " ?"

// dateReader reads dates as one file writes them.
type dateReader struct {
	order    DateOrder
	today    standing.Date // in UTC; empty: no date is in the future
	latest   standing.Date // the day where on Earth the day is furthest on, UTC+14
	from1904 bool          // days may be counted from 1904 or from 1900, so their numbers are refused
}

func newDateReader(order DateOrder, asOf time.Time, from1904 bool) dateReader {
	r := dateReader{order: order, from1904: from1904}
	if !asOf.IsZero() {
		r.today, r.latest = standing.DateOf(asOf), standing.DateOf(asOf.Add(14*time.Hour))
	}
	return r
}

// read is the day that a cell means, and whether it waits until it has come in UTC.
func (r dateReader) read(cell string) (day standing.Date, held bool, bad *problem) {
	if day, bad = r.day(cell); bad != nil {
		return "", false, bad
	}
	switch {
	case day < "2015":
		return "", false, &problem{DateTooOld, fmt.Sprintf("the day is before %d, when there was no such agreement",
			earliest), "Write the day on which the customer accepted, as 2026-05-31"}
	case r.today != "" && day > r.latest:
		return "", false, &problem{FutureDate, "the day is in the future",
			"Write the day on which the customer accepted; an acceptance is never in the future"}
	}
	return day, r.today != "" && day > r.today, nil
}

var badDate = problem{BadDate, "this is not a date", "Write it as 2026-05-31"}

func (r dateReader) day(cell string) (standing.Date, *problem) {
	if day, ok := isoDay(cell); ok {
		return day, nil
	}
	if t, ok := isoInstant(cell); ok {
		return standing.DateOf(t), nil
	}
	if serial, ok := serialNumber(cell); ok {
		if r.from1904 {
			return "", &problem{BadDate, "this is the number of a day, and the workbook counts days from 1904",
				"Write it as 2026-05-31"}
		}
		return standing.DateOf(xlsx.SerialTime(serial, false)), nil
	}
	if strings.HasSuffix(cell, doubt) {
		return "", &problem{AmbiguousDate,
			"this was a real date among dates that are texts, so day and month may have changed places when the " +
				"list was opened in a spreadsheet",
			"Compare it with the source; if it is right remove the question mark, otherwise write it as 2026-05-31"}
	}
	if d, ok := numeric(cell); ok {
		return r.numericDay(d)
	}
	if d, ok := namedMonth(cell); ok {
		return d.day()
	}
	return "", &badDate
}

// numericDay reads a date such as 31/05/2026 in the order of the file.
func (r dateReader) numericDay(d numericDate) (standing.Date, *problem) {
	switch {
	case d.yearFirst:
		return civil(d.year, d.first, d.second)
	case d.yearDigits == 2:
		return "", &problem{TwoDigitYear, "the year has two digits", "Write the date as 2026-05-31"}
	case r.order == DayFirst:
		return r.inOrder(civil(d.year, d.second, d.first))
	case r.order == MonthFirst:
		return r.inOrder(civil(d.year, d.first, d.second))
	case d.first == d.second || d.first > 12:
		return civil(d.year, d.second, d.first)
	case d.second > 12:
		return civil(d.year, d.first, d.second)
	}
	return "", &problem{AmbiguousDate,
		"day and month cannot be told apart, and no other date of the file shows their order",
		"Write it as 2026-05-31, or say the order of the file's dates with --dates dmy or --dates mdy"}
}

// inOrder adds the order of the file to a date that does not exist in it.
func (r dateReader) inOrder(day standing.Date, bad *problem) (standing.Date, *problem) {
	if bad == nil {
		return day, nil
	}
	order := "the day"
	if r.order == MonthFirst {
		order = "the month"
	}
	return "", &problem{BadDate, "there is no such day when " + order +
		" comes first, as in the other dates of this file or as was asked for", badDate.hint}
}

// civil is a day of the calendar.
func civil(year, month, day int) (standing.Date, *problem) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return "", &problem{BadDate, "there is no such day", badDate.hint}
	}
	return standing.DateOf(t), nil
}

// isoDay reads 2026-05-31, also with a time and without a zone: that is the day as it is written.
func isoDay(cell string) (standing.Date, bool) {
	if len(cell) < 10 || cell[4] != '-' || cell[7] != '-' {
		return "", false
	}
	year, month, day := twoDigits(cell[0], cell[1])*100+twoDigits(cell[2], cell[3]), twoDigits(cell[5],
		cell[6]), twoDigits(cell[8], cell[9])
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(month, year) {
		return "", false
	}
	if len(cell) > 10 && !(cell[10] == 'T' || cell[10] == 't' || cell[10] == ' ') {
		return "", false
	}
	if len(cell) > 10 && !isTime(cell[11:]) {
		return "", false
	}
	return standing.Date(cell[:10]), true
}

// twoDigits is the number that two decimal digits mean; more than 9999 when they are none.
func twoDigits(tens, ones byte) int {
	tens, ones = tens-'0', ones-'0'
	if tens > 9 || ones > 9 {
		return 10_000
	}
	return int(tens)*10 + int(ones)
}

// isoInstant reads a date with a time and a zone or an offset.
func isoInstant(cell string) (time.Time, bool) {
	if len(cell) < 16 || cell[4] != '-' {
		return time.Time{}, false
	}
	cell = strings.ToUpper(cell)
	if cell[10] == ' ' {
		cell = cell[:10] + "T" + strings.ReplaceAll(cell[11:], " ", "")
	}
	cell = strings.TrimSuffix(cell, "UTC")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, cell); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isTime reports whether a text is a time of the day, such as 13:45, 13:45:00.000 or 1:45:00 PM.
func isTime(text string) bool {
	text = strings.TrimSpace(strings.ToUpper(text))
	half := strings.HasSuffix(text, "AM") || strings.HasSuffix(text, "PM")
	if half {
		text = strings.TrimSpace(text[:len(text)-2])
	}
	text, fraction, _ := strings.Cut(text, ".")
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || len(fraction) > 9 || fraction != "" && digits(fraction) < 0 {
		return false
	}
	for i, most := range []int{23, 59, 59}[:len(parts)] {
		if n := digits(parts[i]); len(parts[i]) > 2 || n < 0 || n > most || half && i == 0 && (n < 1 || n > 12) {
			return false
		}
	}
	return true
}

// digits is the number that a text of decimal digits alone means; negative: it is none.
func digits(text string) int {
	if text == "" || len(text) > 9 {
		return -1
	}
	n := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return -1
		}
		n = n*10 + int(text[i]-'0')
	}
	return n
}

func daysIn(month, year int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// numericDate is a date of three numbers, in the order in which they stand.
type numericDate struct {
	first, second int // without the year
	year          int
	yearDigits    int
	yearFirst     bool
}

// numeric takes a date of three numbers apart: 31/05/2026, 31.5.2026, 5-31-26, 2026/05/31,
// 20260531, also with a time.
func numeric(cell string) (numericDate, bool) {
	if len(cell) < 6 || len(cell) > 40 {
		return numericDate{}, false
	}
	if len(cell) == 8 && digits(cell) > 0 {
		return numericDate{first: digits(cell[4:6]), second: digits(cell[6:]), year: digits(cell[:4]), yearDigits: 4,
			yearFirst: true}, true
	}
	day, clock, timed := strings.Cut(strings.Replace(cell, ", ", " ", 1), " ")
	if timed && !isTime(clock) {
		return numericDate{}, false
	}
	i := strings.IndexAny(day, "/.-")
	if i < 0 {
		return numericDate{}, false
	}
	parts := strings.Split(strings.TrimSuffix(day, "."), day[i:i+1])
	if len(parts) != 3 {
		return numericDate{}, false
	}
	if len(parts[0]) == 4 {
		parts = []string{parts[1], parts[2], parts[0]}
	}
	d := numericDate{first: digits(parts[0]), second: digits(parts[1]), year: digits(parts[2]),
		yearDigits: len(parts[2]), yearFirst: len(day[:i]) == 4}
	ok := len(parts[0]) <= 2 && len(parts[1]) <= 2 && (d.yearDigits == 4 || d.yearDigits == 2) &&
		d.first >= 0 && d.second >= 0 && d.year >= 0
	return d, ok
}

// serialNumber is the number of a day as spreadsheets count them, when a cell shows that instead of
// a date.
func serialNumber(cell string) (float64, bool) {
	if len(cell) < 5 || digits(cell[:5]) < 10_000 || len(cell) > 24 {
		return 0, false
	}
	if len(cell) > 5 && cell[5] != '.' && cell[5] != ',' {
		return 0, false
	}
	serial, err := strconv.ParseFloat(strings.Replace(cell, ",", ".", 1), 64)
	return serial, err == nil
}
