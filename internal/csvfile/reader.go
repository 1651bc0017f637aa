// Package csvfile reads and writes the records of CSV files as programs and people really write
// them.
//
// It differs from encoding/csv where that would lose rows or stop at the first fault: line ends are
// LF, CRLF and CR in the same file, a record with a stray quotation mark is one line and is marked
// as broken, and a mark that is never closed does not swallow the records below it.
package csvfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Record is one record of a file. Its cells share memory with those of the records around it.
type Record struct {
	Line  int // on which it begins, from 1
	Cells []string
	// its quotation marks do not come out right; the cells are what stands between delimiters,
	// marks included
	Broken  bool
	Unended bool // the file ends with it, without a line end
}

// TooLongError says that a record is longer than the limit of its reader.
type TooLongError struct {
	Line  int // on which it begins
	Limit int // in bytes
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("line %d is longer than %d bytes", e.Line, e.Limit)
}

// Reader reads the records of a text in UTF-8.
type Reader struct {
	// IsRecord reports whether cells that stand on a line of their own inside quotation marks are a
	// record: then the mark before them was left open. Nil: never. It may be set between two
	// records.
	IsRecord func(cells []string) bool

	source    io.Reader
	delimiter byte
	limit     int
	scanner   scanner
	buffer    []byte   // what is read at once
	spare     []string // room for the cells of the next records
}

// readSize is how much is read at once.
const readSize = 128 << 10

// NewReader returns a reader of the text from its first line on. A record longer than limit bytes
// ends it.
func NewReader(text io.Reader, delimiter byte, limit int) *Reader {
	return &Reader{source: text, delimiter: delimiter, limit: limit,
		scanner: scanner{delimiter: delimiter, limit: limit, line: 1}}
}

// Next returns the next record; io.EOF behind the last one.
func (r *Reader) Next() (Record, error) {
	r.scanner.isRecord = r.IsRecord
	for {
		found, ok := r.scanner.next()
		if ok {
			if found.end-found.start > r.limit {
				return Record{}, &TooLongError{Line: found.line, Limit: r.limit}
			}
			text := r.scanner.text[found.start:found.end]
			return Record{Line: found.line, Cells: r.cells(text, found.kind), Broken: found.kind == broken,
				Unended: found.end == len(r.scanner.text) && r.scanner.final}, nil
		}
		if r.scanner.final {
			return Record{}, io.EOF
		}
		if err := r.fill(); err != nil {
			return Record{}, err
		}
	}
}

// fill reads on, behind a record that is not complete.
func (r *Reader) fill() error {
	left := len(r.scanner.text) - r.scanner.position
	if left > r.limit {
		return &TooLongError{Line: r.scanner.line, Limit: r.limit}
	}
	// A long record is read in pieces that grow with it, so that it is not copied again and again.
	if size := max(readSize, left); len(r.buffer) < size {
		r.buffer = make([]byte, size)
	}
	n, err := io.ReadFull(r.source, r.buffer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.scanner.final = true
	} else if err != nil {
		return err
	}
	r.scanner.more(r.buffer[:n])
	return nil
}

// cells takes a record apart. The slices of the cells are cut from a bigger one.
func (r *Reader) cells(text string, kind recordKind) []string {
	const room = 1024
	if cap(r.spare)-len(r.spare) < 32 {
		r.spare = make([]string, 0, room)
	}
	from := len(r.spare)
	all := appendCells(r.spare, text, kind, r.delimiter)
	if len(all) > cap(r.spare) {
		r.spare = nil // it was copied because the record has more cells than there was room
		return all[from:len(all):len(all)]
	}
	r.spare = all
	return all[from:len(all):len(all)]
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

// cutQuoted takes the first cell from a text that begins with a quotation mark; more is true when a
// cell follows.
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
