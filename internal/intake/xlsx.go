package intake

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
)

// xlsxSource is a sheet of a workbook. Parts are unpacked as a stream, and only those that are needed.
type xlsxSource struct {
	path    string
	file    *os.File
	info    fs.FileInfo
	limits  Limits
	parts   map[string]*zip.File // by lower-case name
	book    workbook
	styles  dateStyles
	strings *sharedStrings
	sheet   string // the part
	header  header
}

func (s *xlsxSource) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return errors.Join(s.strings.close(), file.Close())
}

// damaged says that the workbook cannot be read.
func damaged(what string, err error) *FileError {
	return &FileError{Code: Damaged, Message: "the workbook cannot be read: " + what + ": " + err.Error(),
		Hint: "Open it in Excel, which may repair it, save it as Excel Workbook (.xlsx), and import that file"}
}

func (f *File) openXLSX(file *os.File, info fs.FileInfo, v vocabulary) error {
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return damaged("it is not a whole zip archive", err)
	}
	s := &xlsxSource{path: f.path, file: file, info: info, limits: f.opts.Limits, parts: map[string]*zip.File{}}
	for _, part := range archive.File {
		s.parts[strings.ToLower(strings.TrimPrefix(part.Name, "/"))] = part
	}
	if wrong := s.otherKind(); wrong != nil {
		return wrong
	}
	if wrong := s.tooBig(archive.File); wrong != nil {
		return wrong
	}
	if err := s.openBook(); err != nil {
		return err
	}
	found, err := s.findHeader(f, v)
	if err == nil {
		f.format = Format{Kind: XLSX, Sheet: s.book.name(s.sheet)}
		s.header = found
		err = f.settle(s, found, v)
	}
	if err != nil {
		_ = s.strings.close() // the first error is the one to tell
	}
	return err
}

// otherKind says what a zip archive is that is not an XLSX.
func (s *xlsxSource) otherKind() *FileError {
	what := ""
	switch has := func(name string) bool { return s.parts[name] != nil }; {
	case has("xl/workbook.xml"):
		return nil
	case has("xl/workbook.bin"):
		what = "a binary workbook (.xlsb)"
	case has("word/document.xml"):
		what = "a Word document"
	case has("ppt/presentation.xml"):
		what = "a presentation"
	case has("mimetype"):
		what = "an OpenDocument file (such as .ods)"
	case has("index/document.iwa"):
		what = "a Numbers or Pages document"
	default:
		return &FileError{Code: WrongFormat, Message: "this is a zip archive, not an XLSX file", Hint: "Unpack it and import the files inside, each by itself"}
	}
	return &FileError{Code: WrongFormat, Message: "this is " + what + ", not a CSV or XLSX file, whatever its name says", Hint: saveAs}
}

// tooBig refuses archives that would unpack to more than the limits, by what they say of themselves; part holds them to it.
func (s *xlsxSource) tooBig(parts []*zip.File) *FileError {
	var unpacked uint64
	for _, p := range parts {
		unpacked += p.UncompressedSize64
		if p.UncompressedSize64 > ratioFloor && p.UncompressedSize64/max(1, p.CompressedSize64) > uint64(s.limits.Ratio) {
			return &FileError{Code: TooBig, Message: fmt.Sprintf("part %s of the workbook unpacks to more than %d times its size, as no list of customers does", bounded(p.Name), s.limits.Ratio),
				Hint: "Copy the list into a new workbook, save it and import that file"}
		}
		if unpacked > uint64(s.limits.UnzippedBytes) {
			return &FileError{Code: TooBig, Message: "the workbook unpacks to more than " + size(s.limits.UnzippedBytes), Hint: "Split it into several files"}
		}
	}
	return nil
}

// findHeader finds the first visible sheet with a header.
func (s *xlsxSource) findHeader(f *File, v vocabulary) (header, error) {
	var best header
	score := 0
	var first, others []string
	for _, sheet := range s.book.sheets {
		found, n, top, err := s.searchHeader(sheet.part, v)
		if err != nil {
			return header{}, err
		}
		if first == nil {
			first = top
		}
		switch {
		case n >= enough && s.sheet == "":
			s.sheet, best, score = sheet.part, found, n
		case n >= enough:
			others = append(others, sheet.name)
		}
	}
	if score < enough {
		wrong := noHeader(first)
		if first == nil {
			wrong.Line, wrong.Code, wrong.Message = 0, Empty, "the workbook is empty"
		}
		return header{}, wrong
	}
	if len(others) > 0 {
		f.notes = append(f.notes, fmt.Sprintf("Only sheet %q is read; sheet %q looks like a list too: import it as a file of its own.", s.book.name(s.sheet), strings.Join(others, `", "`)))
	}
	return best, nil
}

// searchHeader finds the line most like a header among the first ones of a sheet, and returns the first line as well.
func (s *xlsxSource) searchHeader(part string, v vocabulary) (best header, score int, first []string, err error) {
	seen := 0
	for row, err := range s.sheetRows(part) {
		if err != nil {
			return header{}, 0, nil, err
		}
		cells := row.texts(-1, s.book.from1904)
		if first == nil {
			first = cells
		}
		if n := v.score(cells); n > score {
			best, score = v.understood(row.number, cells), n
		}
		if seen++; seen == headerLines {
			break
		}
	}
	return best, score, first, nil
}

func (s *xlsxSource) survey(h header) (survey, error) {
	seen := survey{from1904: s.book.from1904}
	l := newLooker(h)
	hidden, lines := 0, 0
	for row, err := range s.sheetRows(s.sheet) {
		switch {
		case err != nil:
			return survey{}, err
		case row.merged != nil:
			seen.merged = append(seen.merged, *row.merged)
			continue
		case row.number <= h.line:
			continue
		}
		if lines++; lines > s.limits.Rows {
			return survey{}, &FileError{Line: row.number, Code: TooBig, Message: fmt.Sprintf("the sheet has more than %d rows", s.limits.Rows), Hint: "Split it into several files"}
		}
		cells := row.texts(h.at[dateAgreed], s.book.from1904)
		l.look(&seen, row.number, cells)
		if row.hidden && !h.isBlank(cells) {
			hidden++
		}
	}
	if hidden > 0 {
		seen.notes = append(seen.notes, fmt.Sprintf("The sheet has hidden rows (%d), by a filter or by hand; they are read like the others.", hidden))
	}
	return seen, seen.wrong()
}

func (s *xlsxSource) rows(check *rowCheck) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if s.file == nil {
			yield(Row{}, named(s.path, os.ErrClosed))
			return
		}
		judge := check.checker()
		for line, err := range s.sheetRows(s.sheet) {
			if err != nil {
				yield(Row{}, named(s.path, err))
				return
			}
			if line.merged != nil || line.number <= s.header.line {
				continue
			}
			if !yield(s.read(judge, line), nil) {
				return
			}
		}
		if err := unchanged(s.file, s.info); err != nil {
			yield(Row{}, named(s.path, err))
		}
	}
}

// read makes a row out of a sheet's.
func (s *xlsxSource) read(judge *checker, line sheetRow) Row {
	date := s.header.at[dateAgreed]
	row := Row{Line: line.number, Cells: line.texts(date, s.book.from1904)}
	if judge.textDates && line.doubtful(date, s.book.from1904) {
		row.Cells[date] += doubt
	}
	judge.check(&row, traits{suspect: slices.ContainsFunc(row.Cells, unreadable)})
	return row
}
