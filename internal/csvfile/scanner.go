package csvfile

import "strings"

// recordKind says how the text of a record is to be taken apart.
type recordKind uint8

const (
	plain  recordKind = iota // no quotation mark in it
	quoted                   // quotation marks as RFC 4180 has them
	broken                   // they are not
)

// span is where a record stands in the scanner's text.
type span struct {
	start, end int // without the line end
	line       int
	kind       recordKind
}

// scanner finds the records of a text, one after another. Inside quotation marks line ends belong
// to the cell.
//
// A mark that is left open would swallow what follows. So a record whose marks do not come out
// right is only the line on which it begins, and reading goes on with the next line; the same when
// one of its lines is a record by itself.
type scanner struct {
	isRecord  func(cells []string) bool
	delimiter byte
	limit     int // bytes of a record

	text     string // from the last record on
	final    bool   // there is no more text
	position int
	line     int // the line at position
	feed     finder
	carriage finder
	quote    finder
}

// finder finds a byte again and again, and remembers the last find: most lines have neither
// quotation marks nor CRs.
type finder struct {
	known bool
	// the first place of the byte at or after the place last asked for; the end of the text when
	// there is none
	at int
}

// next is the first place of b in text at or after from; the end of the text when there is none.
func (f *finder) next(text string, b byte, from int) int {
	if f.known && f.at >= from {
		return f.at
	}
	f.known, f.at = true, len(text)
	if i := strings.IndexByte(text[from:], b); i >= 0 {
		f.at = from + i
	}
	return f.at
}

// more drops the text of the records that were found, and appends what follows.
func (s *scanner) more(text []byte) {
	var all strings.Builder
	left := s.text[s.position:]
	all.Grow(len(left) + len(text))
	all.WriteString(left)
	all.Write(text)
	s.text = all.String()
	s.position = 0
	s.feed, s.carriage, s.quote = finder{}, finder{}, finder{}
}

// next finds the record at the scanner's position and moves behind its line end. It returns false
// when the text ends before the record does and more may come, or when there is no more.
func (s *scanner) next() (span, bool) {
	if s.position >= len(s.text) {
		return span{}, false
	}
	end, next, ok := s.lineEnd(s.position)
	if !ok {
		return span{}, false
	}
	r := span{start: s.position, end: end, line: s.line}
	if s.quote.next(s.text, '"', r.start) >= end {
		s.position, s.line = next, s.line+1
		return r, true
	}
	return s.quotedRecord(r, next)
}

// quotedRecord is next for a record with quotation marks on its first line, which ends at r.end,
// before next.
func (s *scanner) quotedRecord(r span, next int) (span, bool) {
	end, outcome := closeQuotes(s.text, r.start, s.delimiter)
	switch {
	case outcome == openQuote && !s.final && len(s.text)-r.start <= s.limit:
		return span{}, false
	case outcome == balanced && end <= r.end:
		r.kind = quoted
	case outcome == balanced && !s.swallows(s.text[r.start:r.end], s.text[next:end]):
		r.kind = quoted
		_, after, ok := s.lineEnd(end)
		if !ok {
			return span{}, false
		}
		s.line += lineBreaks(s.text[r.start:end])
		r.end, next = end, after
	default:
		r.kind = broken
	}
	s.position, s.line = next, s.line+1
	return r, true
}

// lineEnd finds where the line at from ends and where the next one begins.
func (s *scanner) lineEnd(from int) (end, next int, ok bool) {
	feed := s.feed.next(s.text, '\n', from)
	if end = s.carriage.next(s.text, '\r', from); end < feed {
		next = end + 1
		if next == feed && feed < len(s.text) {
			return end, next + 1, true
		}
		// A CR at the end of the text may be half of a CRLF.
		return end, next, next < len(s.text) || s.final
	}
	if feed == len(s.text) {
		return feed, feed, s.final
	}
	return feed, feed + 1, true
}

type quoteOutcome int

const (
	balanced quoteOutcome = iota
	openQuote
	strayQuote
)

// closeQuotes follows the quotation marks of the record at from to its end, which is at a line end
// or at the end of the text.
func closeQuotes(text string, from int, delimiter byte) (end int, outcome quoteOutcome) {
	for i := from; ; {
		if i < len(text) && text[i] == '"' {
			if i = closingQuote(text, i+1); i < 0 {
				return 0, openQuote
			}
			for i < len(text) && text[i] == ' ' {
				i++
			}
			if i < len(text) && text[i] != delimiter && text[i] != '\r' && text[i] != '\n' {
				return 0, strayQuote
			}
		}
		for i < len(text) && text[i] != delimiter && text[i] != '\r' && text[i] != '\n' {
			i++
		}
		if i == len(text) || text[i] != delimiter {
			return i, balanced
		}
		i++
	}
}

// closingQuote is the position behind the mark that closes the cell whose text begins at from;
// negative: there is none.
func closingQuote(text string, from int) int {
	for {
		i := strings.IndexByte(text[from:], '"')
		if i < 0 {
			return -1
		}
		from += i + 1
		if from == len(text) || text[from] != '"' {
			return from
		}
		from++
	}
}

// swallows reports whether one of the lines inside a record is a record by itself. The last line of
// a true record, with the mark that closes its cell, may look like one as well, but then the
// record's first line does not.
func (s *scanner) swallows(first, others string) bool {
	if s.isRecord == nil {
		return false
	}
	complete := s.isRecord(strings.Split(first, string(s.delimiter)))
	for line := range strings.FieldsFuncSeq(others, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if !complete && strings.Count(line, `"`)%2 != 0 {
			continue
		}
		if _, outcome := closeQuotes(line, 0, s.delimiter); outcome != balanced {
			continue
		}
		if s.isRecord(appendCells(nil, line, quoted, s.delimiter)) {
			return true
		}
	}
	return false
}

// lineBreaks counts LF, CRLF and CR.
func lineBreaks(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}
