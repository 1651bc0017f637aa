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
	feed      finder // of LF
	carriage  finder // of CR
	quote     finder // of quotation marks
}

// finder finds a byte again and again, and remembers the last find: most lines have neither quotation marks nor CRs.
type finder struct {
	known bool
	at    int // the first place of the byte at or after the place last asked for; the end of data when there is none
}

// next is the first place of b in data at or after from; the end of data when there is none.
func (f *finder) next(data []byte, b byte, from int) int {
	if f.known && f.at >= from {
		return f.at
	}
	f.known, f.at = true, len(data)
	if i := bytes.IndexByte(data[from:], b); i >= 0 {
		f.at = from + i
	}
	return f.at
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
	if s.quote.next(data, '"', r.start) >= end {
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
	feed := s.feed.next(data, '\n', from)
	if end = s.carriage.next(data, '\r', from); end < feed {
		next = end + 1
		if next == feed && feed < len(data) {
			return end, next + 1, true
		}
		// A CR at the end of the data may be half of a CRLF.
		return end, next, next < len(data) || final
	}
	if feed == len(data) {
		return feed, feed, final
	}
	return feed, feed + 1, true
}

// moreData tells the scanner that the first n bytes of the data are gone, or that there is more of it.
func (s *recordScanner) moreData(n int) {
	s.position -= n
	s.feed, s.carriage, s.quote = finder{}, finder{}, finder{}
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

// swallows reports whether one of the lines inside a record is a row by itself: it reads well alone and has an e-mail
// address in its place. The last line of a true record, with the mark that closes its cell, may have that as well, but then
// the record's first line has none.
func (s *recordScanner) swallows(first, others []byte) bool {
	addressed := s.addressed(first)
	for line := range bytes.FieldsFuncSeq(others, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if !s.addressed(line) || !addressed && bytes.Count(line, []byte{'"'})%2 != 0 {
			continue
		}
		if _, outcome := s.closeQuotes(line, 0); outcome != balanced {
			continue
		}
		if cells := appendCells(nil, string(line), quoted, s.delimiter); s.email < len(cells) && isEmail(unmarked(cells[s.email])) {
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
