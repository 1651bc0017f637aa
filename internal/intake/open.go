package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/charset"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// Open opens the file at path and reads it once from end to end: its format, encoding, delimiter,
// header and the order of its dates are known before the first row is returned. What is wrong
// with the file as a whole is a *FileError.
func Open(path string, o Options) (*File, error) {
	o.Limits = o.Limits.withDefaults()
	file, err := openRegular(path, o.Limits)
	if err != nil {
		return nil, named(path, err)
	}
	return open(file, path, o)
}

// OpenFile is Open for a file that is open already. It is closed with the File, or when there is an
// error. path names it in errors.
func OpenFile(file *os.File, path string, o Options) (*File, error) {
	o.Limits = o.Limits.withDefaults()
	if err := suitable(file, o.Limits); err != nil {
		return nil, named(path, errors.Join(err, file.Close()))
	}
	return open(file, path, o)
}

// OpenReader is Open for what comes from a pipe. It is kept in a temporary file of this process
// alone, because it is read more than once; the file is gone when it is closed, whatever happens.
// name stands for the path in errors.
func OpenReader(r io.Reader, name string, o Options) (*File, error) {
	o.Limits = o.Limits.withDefaults()
	file, err := spool(r, o.Limits)
	if err != nil {
		return nil, named(name, err)
	}
	return open(file, name, o)
}

func spool(r io.Reader, l Limits) (*os.File, error) {
	file, err := os.CreateTemp("", "mcaledger-")
	if err != nil {
		return nil, err
	}
	err = os.Remove(file.Name())
	if err == nil {
		_, err = io.Copy(file, io.LimitReader(r, l.FileBytes+1)) // one more, to see that there is more
	}
	if err == nil {
		err = suitable(file, l)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func open(file *os.File, path string, o Options) (*File, error) {
	o.Dates = cmp.Or(o.Dates, Auto)
	f := &File{path: path, opts: o, file: file, words: newVocabulary()}
	if err := f.openList(); err != nil {
		return nil, named(path, errors.Join(formatError(err, o.Limits), f.Close()))
	}
	return f, nil
}

// openRegular opens a file without waiting: opening a named pipe would wait for its writer.
func openRegular(path string, l Limits) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := suitable(file, l); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// suitable rejects non-regular or oversized files.
func suitable(file *os.File, l Limits) error {
	const pipe = "Pass its content on standard input: attest import -"
	info, err := file.Stat()
	if err != nil {
		return err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return &FileError{Code: WrongFormat, Message: "this is a folder", Hint: "Name the CSV or XLSX files in it"}
	case mode&fs.ModeNamedPipe != 0:
		return &FileError{Code: WrongFormat, Message: "this is a named pipe, not a file", Hint: pipe}
	case mode&fs.ModeDevice != 0:
		return &FileError{Code: WrongFormat, Message: "this is a device, not a file", Hint: pipe}
	case !mode.IsRegular():
		return &FileError{Code: WrongFormat, Message: "this is not a regular file", Hint: "Name a CSV or XLSX file"}
	case info.Size() > l.FileBytes:
		return &FileError{Code: TooBig, Message: "the file is bigger than " + size(l.FileBytes), Hint: splitFile}
	}
	return nil
}

// openList finds the one list of the file.
func (f *File) openList() error {
	text, err := f.open()
	if err != nil {
		return err
	}
	var chosen rowSource
	var h header
	if text != nil {
		chosen, h, err = f.chooseDelimiter(text)
	} else {
		chosen, h, err = f.chooseSheet()
	}
	if err != nil {
		return err
	}
	return f.settle(chosen, h)
}

// open finds out what the file is and reads its bytes once. It returns the text of a CSV; nil: it
// is a workbook, and f.book is set.
func (f *File) open() (text *csvText, err error) {
	if f.info, err = f.file.Stat(); err != nil {
		return nil, err
	}
	head := make([]byte, 64<<10)
	n, err := f.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	kind, wrong := sniff(head)
	if wrong != nil {
		return nil, wrong
	}
	f.noteExtension(kind)
	if kind == XLSX {
		return nil, f.openBook()
	}
	if isEmpty(head) && f.info.Size() <= int64(len(head)) {
		return nil, &FileError{Code: Empty, Message: "the file is empty", Hint: checkExport}
	}
	return f.openText(head)
}

const checkExport = "Check whether the export went wrong, and import the file that it should have been"

// noteExtension says when the end of the file's name promises another format than its content has.
func (f *File) noteExtension(kind Kind) {
	extension := strings.ToLower(filepath.Ext(f.path))
	workbook := strings.HasPrefix(extension, ".xls") || strings.HasPrefix(extension, ".xlt") || extension == ".ods"
	text := extension == ".csv" || extension == ".txt" || extension == ".tsv" || extension == ".tab"
	switch {
	case kind == XLSX && text:
		f.note("The file's name ends in %s, but it is a workbook (XLSX) and is read as one.", extension)
	case kind == CSV && workbook:
		f.note("The file's name ends in %s, but it is text and is read as CSV.", extension)
	}
}

func (f *File) note(format string, values ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, values...))
}

func (f *File) openBook() error {
	if err := f.readBytes(nil); err != nil {
		return err
	}
	book, err := xlsx.Open(f.file, f.info.Size(), xlsx.Limits{Unpacked: f.opts.Limits.UnzippedBytes,
		Ratio: f.opts.Limits.Ratio, Text: f.opts.Limits.RowBytes})
	if err != nil {
		return err
	}
	f.book = book
	if f.opts.Encoding != "" {
		f.note("The encoding %s is not used: a workbook declares its own.", f.opts.Encoding)
	}
	return nil
}

func (f *File) openText(head []byte) (*csvText, error) {
	var detector charset.Detector
	if err := f.readBytes(&detector); err != nil {
		return nil, err
	}
	encoding, err := detector.Encoding()
	declared, mark := charset.Mark(head)
	switch asked := f.opts.Encoding; {
	case asked != "" && declared != "" && asked != declared:
		f.note("The encoding %s is not used: the file begins with the mark of %s.", asked, declared)
	case asked != "":
		encoding, err = asked, nil
	}
	if err != nil {
		return nil, unknownEncoding(err)
	}
	return &csvText{file: f.file, encoding: encoding, mark: int64(mark), limits: f.opts.Limits,
		intact: encoding == charset.UTF8 && detector.IntactUTF8()}, nil
}

// readBytes computes the digest of the file's bytes, and gives them to another writer if there is
// one.
func (f *File) readBytes(also io.Writer) error {
	digest := sha256.New()
	to := io.Writer(digest)
	if also != nil {
		to = io.MultiWriter(digest, also)
	}
	if _, err := io.CopyBuffer(to, io.NewSectionReader(f.file, 0, f.info.Size()), make([]byte, 256<<10)); err != nil {
		return err
	}
	f.sha256 = hex.EncodeToString(digest.Sum(nil))
	return nil
}

func unknownEncoding(err error) *FileError {
	e := &FileError{Code: UnknownEncoding,
		Message: "the file is not in UTF-8, and its letters make sense in no other encoding that is certain",
		Hint:    "Save it again as “CSV UTF-8”, or name its encoding with --encoding, such as windows-1250"}
	if unknown, ok := errors.AsType[*charset.UnknownError](err); ok && unknown.Likely != "" {
		e.Message = fmt.Sprintf("the file is not in UTF-8, and its encoding is not certain; it may be %s",
			unknown.Likely)
		e.Hint = fmt.Sprintf("Save it again as “CSV UTF-8”, or import it with --encoding %s and check the names in "+
			"the result file", unknown.Likely)
	}
	return e
}

// settle checks the header, reads the list once and knows from then on how each row is to be
// checked.
func (f *File) settle(l rowSource, h header) error {
	if err := h.check(f.words, f.opts); err != nil {
		return err
	}
	f.list, f.head = l, h
	f.check = newRowCheck(h, f.opts, l.from1904)
	seen, err := f.survey()
	if err != nil {
		return err
	}
	if err := seen.wrong(h); err != nil {
		return err
	}
	order, err := seen.dates.order(f.opts.Dates)
	if err != nil {
		return err
	}
	f.check.settle(order, f.opts.Dates == Auto && order != Auto, l.merged())
	f.understanding = f.understood(seen, order)
	return f.refuseHopeless()
}

// understood is what a person should know about how the file is read.
func (f *File) understood(seen survey, order DateOrder) Understanding {
	u := Understanding{Format: f.list.format, HeaderLine: f.head.line, DateOrder: order, Rows: seen.rows,
		NotRows: seen.skipped, Notes: f.notes}
	for i, c := range f.head.columns {
		use := ColumnUse{Header: f.head.title(i)}
		if c != unknownColumn {
			use.ReadAs = c.String()
		}
		if !slices.Contains(f.head.results, i) {
			u.Columns = append(u.Columns, use)
		}
	}
	if f.opts.Dates == Auto {
		u.DateProof = seen.dates.proofOf(order)
	}
	u.Notes = append(u.Notes, f.head.notes(f.words)...)
	if seen.hidden > 0 {
		u.Notes = append(u.Notes,
			fmt.Sprintf("The sheet has hidden rows (%d), by a filter or by hand; they are read like the others.",
				seen.hidden))
	}
	return u
}

const (
	// refusableAfter is how many rows are tried before a file may be refused for its rows.
	refusableAfter = 1000
	// refusedShare is how many of them, in per cent, must be refused.
	refusedShare = 95
)

// refuseHopeless refuses a file of which nearly all of the first rows are refused: then the file is
// wrong, and one sentence says more than a million.
func (f *File) refuseHopeless() error {
	type fault struct {
		column string
		reason Code
	}
	rows, refused := 0, 0
	faults := map[fault]int{}
	var examples = map[fault]Refusal{}
	for row, err := range f.Rows() {
		if err != nil {
			return err
		}
		if row.Skip != "" {
			continue
		}
		if len(row.Refusals) > 0 {
			refused++
			first := fault{strings.Clone(row.Refusals[0].Column), row.Refusals[0].Reason}
			if faults[first]++; faults[first] == 1 {
				examples[first] = row.Refusals[0]
			}
		}
		if rows++; rows == refusableAfter {
			break
		}
	}
	if rows < refusableAfter || refused*100 < rows*refusedShare {
		return nil
	}
	var worst fault
	for f, n := range faults {
		if n > faults[worst] || n == faults[worst] && f.column < worst.column {
			worst = f
		}
	}
	e := examples[worst]
	return &FileError{Line: e.Line, Column: e.Column, Code: MostlyRefused,
		Message: fmt.Sprintf("%d of the first %d rows would be refused, %d of them like this one: %s", refused, rows,
			faults[worst], e.Message),
		Hint: e.Hint + ". Correct the list as a whole, and import it again"}
}

// separatorLine is the delimiter that a first line such as sep=; declares to Excel; zero: it is no
// such line.
func separatorLine(line string) byte {
	line = strings.Trim(line, `" `)
	if len(line) != 5 || !strings.EqualFold(line[:4], "sep=") {
		return 0
	}
	if d := line[4]; d == '\t' || d > ' ' && d < 0x7F && !unicode.IsLetter(rune(d)) && !unicode.IsDigit(rune(d)) {
		return d
	}
	return 0
}

// unchanged reports an error when somebody wrote to the file since it was opened.
func unchanged(file *os.File, before fs.FileInfo) error {
	now, err := file.Stat()
	if err == nil && (now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime())) {
		return &FileError{Code: Changed, Message: "the file was changed while it was read",
			Hint: "Import it again when it is complete"}
	}
	return err
}
