package intake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode"
	"unicode/utf8"
)

// Open opens the file at path and reads it once from end to end: its format, encoding, delimiter, header and the order
// of its dates are settled before the first row is handed out. What is wrong with the file as a whole is a *FileError.
func Open(path string, o Options) (*File, error) {
	o.Dates = cmp.Or(o.Dates, Auto)
	o.Limits = o.Limits.withDefaults()
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, opts: o}
	if err := f.open(file); err != nil {
		_ = file.Close() // the first error is the one to tell
		return nil, named(path, err)
	}
	return f, nil
}

func (f *File) open(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	switch limit := f.opts.Limits.FileBytes; {
	case !info.Mode().IsRegular():
		return &FileError{Code: WrongFormat, Message: "this is not a file", Hint: "Name a CSV or XLSX file"}
	case info.Size() > limit:
		return &FileError{Code: TooBig, Message: fmt.Sprintf("the file is bigger than %s", size(limit)), Hint: "Split it into several files"}
	}
	head := make([]byte, 64<<10)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	kind, wrong := sniff(head[:n])
	if wrong != nil {
		return wrong
	}
	vocabulary := newVocabulary()
	if kind == XLSX {
		whole, err := surveyBytes(file)
		if err != nil {
			return err
		}
		f.sha256 = whole.sha256
		return f.openXLSX(file, info, vocabulary)
	}
	if isEmpty(head[:n]) && info.Size() <= int64(len(head)) {
		return &FileError{Code: Empty, Message: "the file is empty", Hint: "Look whether the export went wrong, and import the file that it should have been"}
	}
	return f.openCSV(&csvSource{path: f.path, file: file, info: info, limits: f.opts.Limits}, head[:n], vocabulary)
}

// openCSV takes the file for UTF-8 as long as nothing speaks against it, because then one reading is enough.
func (f *File) openCSV(s *csvSource, head []byte, v vocabulary) error {
	encoding, mark := told(head)
	certain := encoding != ""
	if !certain && utf8.Valid(wholeRunes(head)) {
		encoding = UTF8
	}
	if encoding == UTF8 {
		s.encoding, s.mark = UTF8, int64(mark)
		err := f.settleCSV(s, v)
		if certain || err != nil || !f.surveyed.invalid || f.surveyed.multibyte {
			f.sha256 = f.surveyed.sha256
			return err
		}
	}
	whole, err := surveyBytes(s.file)
	if err != nil {
		return err
	}
	if !certain {
		var wrong *FileError
		if encoding, wrong = whole.encoding(); wrong != nil {
			return wrong
		}
	}
	if encoding == Windows1252 {
		f.notes = []string{"The file is not in UTF-8; its letters are read as those of Windows (Windows-1252)."}
	}
	f.sha256, s.encoding, s.mark = whole.sha256, encoding, int64(mark)
	return f.settleCSV(s, v)
}

func (f *File) settleCSV(s *csvSource, v vocabulary) error {
	found, err := s.findHeader(v)
	if err != nil {
		return err
	}
	f.format = Format{Kind: CSV, Encoding: s.encoding, Delimiter: s.delimiter}
	return f.settle(s, found, v)
}

// settle checks the header, reads the list once and knows from then on how each row is to be checked.
func (f *File) settle(s source, h header, v vocabulary) error {
	if err := h.check(v, f.opts); err != nil {
		return err
	}
	f.head, f.source = h, s
	seen, err := s.survey(h)
	if err != nil {
		return err
	}
	f.surveyed = seen.bytes
	if seen.rows == 0 {
		return &FileError{Line: h.line, Code: NoRows, Message: "there is a header and no row below it", Hint: "Look whether the export went wrong, and import the file that it should have been"}
	}
	order, note, err := seen.dates.order(f.opts.Dates)
	if err != nil {
		return err
	}
	f.notes = append(f.notes, note...)
	f.notes = append(f.notes, h.ignored(v)...)
	f.notes = append(f.notes, seen.notes...)
	f.check = newRowCheck(h, f.opts, order, seen)
	return nil
}

// separatorLine is the delimiter that a first line such as sep=; tells Excel; zero: it is no such line.
func separatorLine(line []byte) byte {
	line = bytes.Trim(line, `" `)
	if len(line) != 5 || !bytes.EqualFold(line[:4], []byte("sep=")) {
		return 0
	}
	if d := line[4]; d == '\t' || d > ' ' && d < 0x7F && !unicode.IsLetter(rune(d)) && !unicode.IsDigit(rune(d)) {
		return d
	}
	return 0
}
