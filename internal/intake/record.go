package intake

import (
	"bytes"
	"strings"
)

// recordKind says how the text of a record is to be taken apart.
type recordKind uint8

const (
	plain  recordKind = iota // no quotation mark in it
	quoted                   // quotation marks as RFC 4180 has them
	broken                   // they are not: cells are what stands between delimiters, marks included
)

// record is where one record of a CSV stands in its text.
type record struct {
	start, end int // without the line end
	line       int // on which it begins, from 1
	kind       recordKind
}

// recordScanner finds the records of a CSV, one after another. Line ends are LF, CRLF and CR; inside quotation marks
// they belong to the cell.
//
// A mark that is left open would swallow what follows. So a record whose marks do not come out right is only the line
// on which it begins, and reading goes on with the next line; the same when one of its lines has an e-mail address in
// the e-mail column and therefore is a row by itself.
type recordScanner struct {
	delimiter byte
	email     int // the column of e-mail addresses; negative: not known yet
	limit     int // bytes of a record
	line      int // the line at position
	position  int
	afterFeed int // behind the first LF at or after position, or behind the end of data and one more; up to position: not known
}

// next finds the record at the scanner's position and moves behind its line end. It returns false when data ends
// before the record does and more may come (final is false), or when there is no more.
func (s *recordScanner) next(data []byte, final bool) (record, bool) {
	if s.position >= len(data) {
		return record{}, false
	}
	end, next, ok := s.lineEnd(data, s.position, final)
	if !ok {
		return record{}, false
	}
	r := record{start: s.position, end: end, line: s.line}
	if bytes.IndexByte(data[r.start:end], '"') < 0 {
		s.position, s.line = next, s.line+1
		return r, true
	}
	return s.quotedRecord(data, r, next, final)
}

// quotedRecord is next for a record with quotation marks on its first line, which ends at r.end, before next.
func (s *recordScanner) quotedRecord(data []byte, r record, next int, final bool) (record, bool) {
	end, outcome := s.closeQuotes(data, r.start)
	switch {
	case outcome == openQuote && !final && len(data)-r.start <= s.limit:
		return record{}, false
	case outcome == balanced && end <= r.end:
		r.kind = quoted
	case outcome == balanced && !s.swallows(data[r.start:r.end], data[next:end]):
		r.kind = quoted
		_, after, ok := s.lineEnd(data, end, final)
		if !ok {
			return record{}, false
		}
		s.line += lineBreaks(data[r.start:end])
		r.end, next = end, after
	default:
		r.kind = broken
	}
	s.position, s.line = next, s.line+1
	return r, true
}

// lineEnd finds where the line at from ends and where the next one begins.
func (s *recordScanner) lineEnd(data []byte, from int, final bool) (end, next int, ok bool) {
	if s.afterFeed <= from {
		s.afterFeed = len(data) + 1
		if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
			s.afterFeed = from + i + 1
		}
	}
	stop := s.afterFeed - 1
	if i := bytes.IndexByte(data[from:stop], '\r'); i >= 0 {
		end, next = from+i, from+i+1
		if next < len(data) && data[next] == '\n' {
			next++
		}
		// A CR at the end of the data may be half of a CRLF.
		return end, next, next < len(data) || final || data[next-1] == '\n'
	}
	if stop == len(data) {
		return stop, stop, final
	}
	return stop, stop + 1, true
}

// moreData tells the scanner that the first n bytes of the data are gone, or that there is more of it.
func (s *recordScanner) moreData(n int) {
	s.position -= n
	s.afterFeed = 0
}

type quoteOutcome int

const (
	balanced quoteOutcome = iota
	openQuote
	strayQuote
)

// closeQuotes follows the quotation marks of the record at from to its end, which is at a line end or at the end of
// the data.
func (s *recordScanner) closeQuotes(data []byte, from int) (end int, outcome quoteOutcome) {
	for i := from; ; {
		if i < len(data) && data[i] == '"' {
			if i = closingQuote(data, i+1); i < 0 {
				return 0, openQuote
			}
			for i < len(data) && data[i] == ' ' {
				i++
			}
			if i < len(data) && data[i] != s.delimiter && data[i] != '\r' && data[i] != '\n' {
				return 0, strayQuote
			}
		}
		for i < len(data) && data[i] != s.delimiter && data[i] != '\r' && data[i] != '\n' {
			i++
		}
		if i == len(data) || data[i] != s.delimiter {
			return i, balanced
		}
		i++
	}
}

// closingQuote is the position behind the mark that closes the cell whose text begins at from; negative: there is none.
func closingQuote(data []byte, from int) int {
	for {
		i := bytes.IndexByte(data[from:], '"')
		if i < 0 {
			return -1
		}
		from += i + 1
		if from == len(data) || data[from] != '"' {
			return from
		}
		from++
	}
}

// swallows reports whether one of the lines inside a record is a row by itself. The last line of a true record, with
// the mark that closes its cell, may have the address when the first line has none.
func (s *recordScanner) swallows(first, others []byte) bool {
	addressed := s.addressed(first)
	for line := range bytes.FieldsFuncSeq(others, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if s.addressed(line) && (addressed || bytes.Count(line, []byte{'"'})%2 == 0) {
			return true
		}
	}
	return false
}

// addressed reports whether a line, taken by itself, has an e-mail address in the e-mail column.
func (s *recordScanner) addressed(line []byte) bool {
	return s.email >= 0 && bytes.IndexByte(plainCell(line, s.email, s.delimiter), '@') > 0
}

// plainCell is a cell of a line, counted from 0, without a look at quotation marks; nil when the line has not so many.
func plainCell(line []byte, at int, delimiter byte) []byte {
	for range at {
		i := bytes.IndexByte(line, delimiter)
		if i < 0 {
			return nil
		}
		line = line[i+1:]
	}
	if i := bytes.IndexByte(line, delimiter); i >= 0 {
		line = line[:i]
	}
	return line
}

// lineBreaks counts LF, CRLF and CR.
func lineBreaks(b []byte) int {
	return bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
}

// appendCells appends the cells of a record to cells. They share the memory of text where they can.
func appendCells(cells []string, text string, kind recordKind, delimiter byte) []string {
	for {
		if kind == quoted && text != "" && text[0] == '"' {
			cell, rest, more := cutQuoted(text, delimiter)
			cells = append(cells, cell)
			if !more {
				return cells
			}
			text = rest
			continue
		}
		i := strings.IndexByte(text, delimiter)
		if i < 0 {
			return append(cells, text)
		}
		cells = append(cells, text[:i])
		text = text[i+1:]
	}
}

// cutQuoted takes the first cell from a text that begins with a quotation mark; more is true when a cell follows.
func cutQuoted(text string, delimiter byte) (cell, rest string, more bool) {
	end := 1
	doubled := false
	for {
		end += strings.IndexByte(text[end:], '"')
		if end+1 >= len(text) || text[end+1] != '"' {
			break
		}
		doubled = true
		end += 2
	}
	cell = text[1:end]
	if doubled {
		cell = strings.ReplaceAll(cell, `""`, `"`)
	}
	if i := strings.IndexByte(text[end:], delimiter); i >= 0 {
		return cell, text[end+i+1:], true
	}
	return cell, "", false
}
