package intake

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
)

// csvSource is a CSV file.
type csvSource struct {
	path      string
	file      *os.File
	info      fs.FileInfo // as it was when the file was opened
	limits    Limits
	encoding  Encoding
	mark      int64 // bytes of byte-order mark
	delimiter byte

	// Where the records below the header begin: bytes of decoded text, and the line.
	offset int64
	line   int
	email  int // the column
}

func (s *csvSource) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}

// text is the decoded text from the given byte of it.
func (s *csvSource) text(from int64) (io.Reader, error) {
	if s.file == nil {
		return nil, os.ErrClosed
	}
	if s.encoding == UTF8 {
		_, err := s.file.Seek(s.mark+from, io.SeekStart)
		return s.file, err
	}
	if _, err := s.file.Seek(s.mark, io.SeekStart); err != nil {
		return nil, err
	}
	decoded := s.encoding.decoder(bufio.NewReaderSize(s.file, chunkSize))
	_, err := io.CopyN(io.Discard, decoded, from)
	return decoded, err
}

// headerWindow is how much text is searched for the header.
const headerWindow = 1 << 20

// delimiters are those that are tried, the likelier first.
var delimiters = []byte{',', ';', '\t', '|'}

// findHeader finds the header, and by it the delimiter: the one with which a line among the first ones reads most like
// a header.
func (s *csvSource) findHeader(v vocabulary) (header, error) {
	text, err := s.text(0)
	if err != nil {
		return header{}, err
	}
	window, err := io.ReadAll(io.LimitReader(text, headerWindow))
	if err != nil {
		return header{}, err
	}
	final := len(window) < headerWindow

	candidates := delimiters
	first, _ := (&recordScanner{limit: s.limits.RowBytes, line: 1, email: -1}).next(window, final)
	if told := separatorLine(window[first.start:first.end]); told != 0 {
		candidates = []byte{told}
	}
	var best foundHeader
	for _, d := range candidates {
		if found := searchHeader(window, d, final, v); found.score > best.score {
			best = found
		}
	}
	if best.score < enough {
		return header{}, s.noHeader(window, final, candidates)
	}
	s.delimiter, s.offset, s.line = best.delimiter, int64(best.end), best.nextLine
	s.email = best.header.at[email]
	return best.header, nil
}

// foundHeader is the line most like a header with one delimiter.
type foundHeader struct {
	header    header
	score     int
	delimiter byte
	end       int // behind its line end
	nextLine  int
}

func searchHeader(window []byte, delimiter byte, final bool, v vocabulary) foundHeader {
	var best foundHeader
	scanner := recordScanner{delimiter: delimiter, email: -1, limit: len(window), line: 1}
	for range headerLines {
		r, ok := scanner.next(window, final)
		if !ok {
			break
		}
		cells := appendCells(nil, string(window[r.start:r.end]), r.kind, delimiter)
		if score := v.score(cells); score > best.score {
			best = foundHeader{v.understood(r.line, cells), score, delimiter, scanner.position, scanner.line}
		}
	}
	return best
}

// noHeader looks once more at a file without a header, for the mistakes that can be named.
func (s *csvSource) noHeader(window []byte, final bool, candidates []byte) error {
	scanner := recordScanner{delimiter: candidates[0], email: -1, limit: len(window), line: 1}
	r, ok := scanner.next(window, final)
	if !ok {
		return &FileError{Line: 1, Code: TooBig, Message: fmt.Sprintf("the first line is longer than %s", size(headerWindow)),
			Hint: "Look whether this is a list with one customer a line"}
	}
	cells := appendCells(nil, string(window[r.start:r.end]), r.kind, scanner.delimiter)
	if len(cells) == 1 && r.kind == quoted && strings.ContainsAny(cells[0], ",;\t|") {
		return &FileError{Line: 1, Code: NoHeader, Message: "each line is one cell in quotation marks, as happens when a list is opened with the wrong delimiter and saved",
			Hint: "Open the file that was first exported (in Excel: Data, From Text/CSV), choose the right delimiter, save it again and import that"}
	}
	return noHeader(cells)
}

// chunker reads the records below the header.
func (s *csvSource) chunker() (*chunker, error) {
	text, err := s.text(s.offset)
	return newChunker(text, recordScanner{delimiter: s.delimiter, email: s.email, limit: s.limits.RowBytes, line: s.line}, s.limits.Rows), err
}

// survey also digests the bytes of a file in UTF-8, whose chunks are its bytes: the reader of chunks has nothing else
// to do meanwhile.
func (s *csvSource) survey(h header) (survey, error) {
	c, err := s.chunker()
	if err != nil {
		return survey{}, err
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(s.file, 0, s.mark+s.offset)); err != nil {
		return survey{}, err
	}
	l := newLooker(h)
	all := survey{}
	for part, err := range digested(c, func(c *chunk) surveyedChunk { return surveyedChunk{c.text, s.look(l, c)} }) {
		if err != nil {
			return survey{}, err
		}
		if s.encoding == UTF8 {
			digest.Write(part.text)
		}
		all = all.and(part.survey)
	}
	all.bytes.sha256 = hex.EncodeToString(digest.Sum(nil))
	return all, all.wrong()
}

type surveyedChunk struct {
	text   []byte
	survey survey
}

// look surveys one chunk. Most rows say with a glance at two cells that there is nothing to learn from them.
func (s *csvSource) look(l looker, c *chunk) survey {
	var seen survey
	if s.encoding == UTF8 {
		seen.bytes.look(c.text)
		seen.bytes.end()
	}
	for _, r := range c.records {
		text := c.text[r.start:r.end]
		if r.kind == plain && l.ordinary(text, s.delimiter) {
			seen.rows++
			continue
		}
		l.look(&seen, r.line, appendCells(nil, string(text), r.kind, s.delimiter))
	}
	return seen
}

func (s *csvSource) rows(check *rowCheck) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c, err := s.chunker()
		if err != nil {
			yield(Row{}, named(s.path, err))
			return
		}
		// Rows are handed out as copies, so the slices that held them are filled again.
		used := make(chan []Row, inFlight())
		for rows, err := range digested(c, func(c *chunk) []Row { return s.read(check, c, used) }) {
			if err != nil {
				yield(Row{}, named(s.path, err))
				return
			}
			for i := range rows {
				if !yield(rows[i], nil) {
					return
				}
			}
			select {
			case used <- rows:
			default:
			}
		}
		if err := unchanged(s.file, s.info); err != nil {
			yield(Row{}, named(s.path, err))
		}
	}
}

// read makes the rows of one chunk, in a slice that was used before if there is one. All cells of a chunk share one
// slice.
func (s *csvSource) read(check *rowCheck, c *chunk, used <-chan []Row) []Row {
	var rows []Row
	select {
	case rows = <-used:
	default:
	}
	rows = slices.Grow(rows[:0], len(c.records))[:len(c.records)]
	cells := make([]string, 0, len(c.records)*len(check.header.cells))
	text := string(c.text)
	suspect := mayBeUnreadable(c.text)
	checker := check.checker()
	for i, r := range c.records {
		from := len(cells)
		cells = appendCells(cells, text[r.start:r.end], r.kind, s.delimiter)
		rows[i].Line, rows[i].Cells = r.line, cells[from:len(cells):len(cells)]
		checker.check(&rows[i], traits{broken: r.kind == broken, unended: r.end == len(text), suspect: suspect})
	}
	return rows
}

// unchanged reports an error when somebody wrote to the file since it was opened.
func unchanged(file *os.File, before fs.FileInfo) error {
	now, err := file.Stat()
	if err == nil && (now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime())) {
		return &FileError{Code: Changed, Message: "the file was changed while it was read", Hint: "Import it again when nobody writes to it any more"}
	}
	return err
}
