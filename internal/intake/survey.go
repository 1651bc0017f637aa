package intake

import (
	"bytes"
	"fmt"
)

// survey is what one reading of the whole list says, before any row is judged.
type survey struct {
	bytes  bytesSurvey // of a CSV in UTF-8
	rows   int         // lines that are not blank
	dates  dateProofs
	second struct { // the first header further down that has other columns
		line  int
		cells []string
	}
	merged []cellRange // merged cells of an XLSX
	// from1904 is true for a workbook that counts days from 1904: a number that stands there as a text cannot be trusted.
	from1904 bool
	notes    []string
}

// and is the survey of two stretches of a file, one behind the other.
func (s survey) and(next survey) survey {
	s.bytes.invalid = s.bytes.invalid || next.bytes.invalid
	s.bytes.multibyte = s.bytes.multibyte || next.bytes.multibyte
	s.rows += next.rows
	s.dates = s.dates.and(next.dates)
	if s.second.line == 0 {
		s.second = next.second
	}
	return s
}

// wrong says what the survey found wrong with the file as a whole.
func (s survey) wrong() error {
	if s.second.line == 0 {
		return nil
	}
	return &FileError{Line: s.second.line, Code: SecondHeader,
		Message: "here stands another header, whose columns are not those of the first one; the rows below it would be misread",
		Hint:    "Save the two lists as two files, and import both"}
}

// looker surveys rows, one at a time.
type looker struct {
	header header
	words  vocabulary
}

func newLooker(h header) looker { return looker{header: h, words: newVocabulary()} }

// ordinary reports whether a line without quotation marks is a row with an ISO date or none, of which look would learn
// no more than that it is there.
func (l looker) ordinary(line []byte, delimiter byte) bool {
	date, address := l.header.at[dateAgreed], l.header.at[email]
	addressed := false
	for at := 0; at <= max(date, address); at++ {
		cell, rest, more := bytes.Cut(line, []byte{delimiter})
		switch {
		case at == address:
			addressed = bytes.IndexByte(cell, '@') > 0
		case at == date && len(cell) > 0 && (len(cell) < 10 || cell[4] != '-'):
			return false
		}
		if !more {
			break
		}
		line = rest
	}
	return addressed
}

// look takes a row into account.
func (l looker) look(s *survey, line int, cells []string) {
	if at := l.header.at[dateAgreed]; at >= 0 && at < len(cells) {
		s.dates.look(line, cells[at])
	}
	if at := l.header.at[email]; at < len(cells) && hasAddress(cells[at]) {
		s.rows++
		return
	}
	if l.header.isBlank(cells) {
		return
	}
	s.rows++
	if s.second.line == 0 && l.isOtherHeader(cells) {
		s.second.line, s.second.cells = line, append([]string(nil), cells...)
	}
}

// isOtherHeader reports whether a line is a header, but not the one above the rows.
func (l looker) isOtherHeader(cells []string) bool {
	if len(cells) > 4096 || l.header.isRepeatedBy(cells) {
		return false
	}
	return l.words.understood(0, cells).known() >= min(4, l.header.known())
}

// orderSentence says which order of dates the file proved.
func orderSentence(line int, value, order string) string {
	return fmt.Sprintf("Dates are read %s, because line %d has %s.", order, line, value)
}
