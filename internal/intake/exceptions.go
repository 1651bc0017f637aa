package intake

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Exception is what a row of a list of exceptions says. A nil field was not said, because the file
// lacks its column; an empty one was emptied.
type Exception struct {
	TenantID    string // a GUID in lower case; may be empty when Domain is not
	Domain      string // lower case; may be empty when TenantID is not
	CompanyName string // optional: the customer's name
	Partner     string // optional: the partner's name or tenant id

	Owner         *string
	DueOn         *standing.Date
	Comment       *string
	AcceptedUntil *standing.Date
}

// ExceptionRow is one record of a list of exceptions.
type ExceptionRow struct {
	Sheet    string // of a workbook
	Line     int
	Cells    []string // in the order of ExceptionHeader, as they came; dates as 2026-05-31 where they were understood
	Says     Exception
	Refusals []Refusal  // everything that is wrong with the row; empty: it is good
	Skip     SkipReason // set when the line says nothing about an exception; of NoException the tenant id is known
}

// exceptionCells are the columns of an exception. A file has at least one of them.
var exceptionCells = []column{owner, dueOn, comment, acceptedUntil}

// exceptionColumns are the columns of a list of exceptions.
var exceptionColumns = append([]column{tenantID, domain, companyName, partner}, exceptionCells...)

// ExceptionHeader names the columns of a list of exceptions.
func ExceptionHeader() []string {
	names := make([]string, len(exceptionColumns))
	for i, c := range exceptionColumns {
		names[i] = c.String()
	}
	return names
}

// Most characters of what is said of an exception.
const (
	maxOwner   = 200
	maxComment = 2000
)

// maxExceptions is how many rows of a file may hold an exception: they are kept in memory until
// all of them are known.
const maxExceptions = 100_000

// ExceptionFile is an opened file of exceptions. A workbook may hold several lists, such as the
// sheets of a report: each is read. It is not safe for use by several goroutines at once. Close it.
type ExceptionFile struct {
	file  *File
	lists []exceptionList
}

type exceptionList struct {
	rowSource
	header header
	check  *rowCheck
	dates  map[column]columnDates
}

// columnDates reads the dates of one column.
type columnDates struct {
	dateReader
	proved bool // their order was proved by texts
}

// dateColumns are the columns of an exception with dates. Each must prove the order of its dates
// itself.
var dateColumns = []column{dueOn, acceptedUntil}

// OpenExceptions opens a CSV or a workbook at path. titles are headers of the reports' columns, in
// any language, and the keys of these columns. What is wrong with the file as a whole is a
// *FileError.
func OpenExceptions(path string, titles map[string]string, o Options) (*ExceptionFile, error) {
	o.Limits = o.Limits.withDefaults()
	file, err := openRegular(path, o.Limits)
	if err != nil {
		return nil, named(path, err)
	}
	return openExceptions(file, path, titles, o)
}

// ReadExceptions is OpenExceptions for what comes from a pipe; see OpenReader.
func ReadExceptions(r io.Reader, name string, titles map[string]string, o Options) (*ExceptionFile, error) {
	o.Limits = o.Limits.withDefaults()
	file, err := spool(r, o.Limits)
	if err != nil {
		return nil, named(name, err)
	}
	return openExceptions(file, name, titles, o)
}

func openExceptions(file *os.File, path string, titles map[string]string, o Options) (*ExceptionFile, error) {
	o.Dates, o.exceptions = cmp.Or(o.Dates, Auto), true
	f := &ExceptionFile{file: &File{path: path, opts: o, file: file, words: exceptionVocabulary(titles)}}
	if err := f.open(); err != nil {
		return nil, named(path, errors.Join(formatError(err, o.Limits), f.Close()))
	}
	return f, nil
}

// exceptionVocabulary knows the columns of a list of exceptions, and the headers of a report's
// columns.
func exceptionVocabulary(titles map[string]string) vocabulary {
	v := vocabularyOf(exceptionColumns)
	byKey := map[string]column{"tenant_id": tenantID, "domain": domain, "customer": companyName}
	for _, c := range exceptionColumns {
		byKey[c.String()] = c
	}
	for title, key := range titles {
		if c, ok := byKey[key]; ok {
			v.clear[simplified(title)] = c
		}
	}
	return v
}

func (f *ExceptionFile) open() error {
	text, err := f.file.open()
	if err != nil {
		return err
	}
	if text == nil {
		return f.openSheets()
	}
	chosen, h, err := f.file.chooseDelimiter(text)
	if err != nil {
		return err
	}
	return f.add(chosen, h)
}

// openSheets takes every visible sheet that is a list of exceptions: in a report there are two of
// them. A sheet with fewer of the columns, such as one that shows who deals with a customer beside
// other things, is not read.
func (f *ExceptionFile) openSheets() error {
	sheets, err := f.file.searchSheets()
	if err != nil {
		return err
	}
	most := 0
	for _, s := range sheets {
		if s.complete && !s.list.hidden {
			most = max(most, s.header.exceptionColumns())
		}
	}
	for _, s := range sheets {
		switch {
		case !s.complete:
		case s.list.hidden:
			f.file.note("Nothing is read from the hidden sheet %q, which looks like a list of exceptions.",
				s.list.format.Sheet)
		case s.header.exceptionColumns() < most:
			f.file.note("Nothing is read from sheet %q, which lacks columns of a list of exceptions.",
				s.list.format.Sheet)
		default:
			if err := f.add(s.list, s.header); err != nil {
				return err
			}
		}
	}
	if len(f.lists) > 0 {
		return nil
	}
	chosen, h, err := f.file.likeliest(sheets)
	if err != nil {
		return err
	}
	return f.add(chosen, h)
}

// exceptionColumns is how many columns of an exception a header has.
func (h header) exceptionColumns() (n int) {
	for _, c := range exceptionCells {
		if h.at[c] >= 0 {
			n++
		}
	}
	return n
}

// add checks the header of a list and reads it once, for the order of its dates.
func (f *ExceptionFile) add(l rowSource, h header) error {
	if err := h.check(f.file.words, f.file.opts); err != nil {
		return err
	}
	o := f.file.opts
	checked := exceptionList{rowSource: l, header: h, check: newRowCheck(h, o, l.from1904),
		dates: map[column]columnDates{}}
	for _, c := range dateColumns {
		checked.dates[c] = columnDates{dateReader: newDateReader(o.Dates, o.AsOf, l.from1904)}
	}
	proofs, err := checked.survey(o.Limits)
	if err != nil {
		return err
	}
	for _, c := range dateColumns {
		order, err := proofs[c].order(o.Dates)
		if err != nil {
			return err
		}
		checked.dates[c] = columnDates{newDateReader(order, o.AsOf, l.from1904), o.Dates == Auto && order != Auto}
	}
	checked.check.merged = l.merged()
	f.lists = append(f.lists, checked)
	return nil
}

func (l exceptionList) survey(limits Limits) (map[column]*dateProofs, error) {
	proofs := map[column]*dateProofs{}
	for _, c := range dateColumns {
		proofs[c] = &dateProofs{}
	}
	lines, says := 0, 0
	for raw, err := range l.rows(l.header) {
		if err != nil {
			return nil, err
		}
		if raw.line <= l.header.line {
			continue
		}
		if lines++; lines > limits.Rows {
			return nil, &FileError{Line: raw.line, Code: TooBig, Message: fmt.Sprintf("the list has more than %d lines",
				limits.Rows), Hint: splitFile}
		}
		row := l.read(raw)
		if row.Skip != "" {
			continue
		}
		if says++; says > maxExceptions {
			return nil, &FileError{Line: raw.line, Code: TooBig,
				Message: fmt.Sprintf("the list has more than %d exceptions", maxExceptions), Hint: splitFile}
		}
		// A row that is refused proves nothing, unless it is refused for want of a proof.
		if !slices.ContainsFunc(row.Refusals, func(r Refusal) bool { return r.Reason != AmbiguousDate }) {
			for _, c := range dateColumns {
				if at := l.header.at[c]; at >= 0 && at < len(raw.cells) {
					proofs[c].add(raw.line, raw.cells[at])
				}
			}
		}
	}
	return proofs, nil
}

// Rows yields every line below the header of each list. A bad row is one with Refusals; an error is
// fatal for the file.
func (f *ExceptionFile) Rows() iter.Seq2[ExceptionRow, error] {
	return func(yield func(ExceptionRow, error) bool) {
		for _, l := range f.lists {
			for raw, err := range l.rows(l.header) {
				if err != nil {
					yield(ExceptionRow{}, named(f.file.path, formatError(err, f.file.opts.Limits)))
					return
				}
				if raw.line > l.header.line && !yield(l.read(raw), nil) {
					return
				}
			}
		}
		if err := unchanged(f.file.file, f.file.info); err != nil {
			yield(ExceptionRow{}, named(f.file.path, err))
		}
	}
}

// Format is how the file is written, and its first list.
func (f *ExceptionFile) Format() Format { return f.lists[0].format }

// Sheets are the names of the sheets that are read; none of a CSV.
func (f *ExceptionFile) Sheets() []string {
	var names []string
	for _, l := range f.lists {
		if l.format.Sheet != "" {
			names = append(names, l.format.Sheet)
		}
	}
	return names
}

// Notes are sentences on how the file is read, for a person to check.
func (f *ExceptionFile) Notes() []string { return f.file.notes }

// SHA256 is the digest, in hexadecimal, of the bytes as they came.
func (f *ExceptionFile) SHA256() string { return f.file.sha256 }

// Close closes the file. A second Close does nothing.
func (f *ExceptionFile) Close() error { return f.file.Close() }

// read is what a line says, and what is wrong with it.
func (l exceptionList) read(raw rawRow) ExceptionRow {
	c := l.check
	c.begin(raw)
	found := ExceptionRow{Sheet: l.format.Sheet, Line: raw.line, Skip: l.skip(raw.cells)}
	if found.Skip == NoException {
		found.Says.TenantID, _ = checkTenantID(unmarked(c.cell(tenantID)))
	}
	if found.Skip != "" {
		return found
	}
	if raw.swappable {
		l.doubt(c.row.Cells)
	}
	for _, column := range exceptionColumns {
		found.Cells = append(found.Cells, strings.Clone(c.cell(column)))
	}
	found.Says = l.exception()
	l.certain(&found)
	c.shape()
	if c.suspect {
		c.unreadable()
	}
	found.Refusals = c.row.Refusals
	return found
}

// certain writes dates that were understood as 2026-05-31: a row alone may not prove their order.
func (l exceptionList) certain(row *ExceptionRow) {
	for col, day := range map[column]*standing.Date{dueOn: row.Says.DueOn, acceptedUntil: row.Says.AcceptedUntil} {
		if day != nil && *day != "" {
			row.Cells[slices.Index(exceptionColumns, col)] = string(*day)
		}
	}
}

func (l exceptionList) skip(cells []string) SkipReason {
	switch {
	case l.header.isBlank(cells):
		return BlankLine
	case l.header.isRepeatedBy(cells):
		return RepeatedHeader
	}
	for i, cell := range cells {
		if i < len(l.header.columns) && slices.Contains(exceptionCells, l.header.columns[i]) && clean(cell) != "" {
			return ""
		}
	}
	return NoException
}

// doubt marks the dates that may have changed day and month; see doubt.
func (l exceptionList) doubt(cells []string) {
	for _, c := range dateColumns {
		at := l.header.at[c]
		if at < 0 || at >= len(cells) || !l.dates[c].proved {
			continue
		}
		if day, ok := isoDay(cells[at]); ok && day[8:] <= "12" {
			cells[at] += doubt
		}
	}
}

func (l exceptionList) exception() Exception {
	c := l.check
	var r Record
	c.customer(&r)
	e := Exception{TenantID: r.TenantID, Domain: r.Domain, Partner: c.text(partner, maxOwner, false)}
	if name := clean(c.cell(companyName)); !isNothing(name) {
		e.CompanyName = name
	}
	e.Owner, e.Comment = c.said(owner, maxOwner, false), c.said(comment, maxComment, true)
	e.DueOn, e.AcceptedUntil = l.day(dueOn), l.day(acceptedUntil)
	return e
}

// said is a text; nil: the file does not have the column. A dash empties it.
func (c *rowCheck) said(col column, most int, multiline bool) *string {
	if c.header.at[col] < 0 {
		return nil
	}
	text := c.text(col, most, multiline)
	if isDash(text) {
		text = ""
	}
	if len(text) > 1 && text[0] == '\'' && strings.IndexByte("=+-@", text[1]) >= 0 {
		text = text[1:] // by this mark a report in CSV keeps spreadsheets from taking the text for a formula
	}
	return &text
}

// day is a day; nil: the file does not have the column. A dash empties it, and so does a word for a
// missing value.
func (l exceptionList) day(col column) *standing.Date {
	if l.header.at[col] < 0 {
		return nil
	}
	var day standing.Date
	l.check.checked(col, func(cell string) (string, *problem) {
		if isDash(cell) {
			return "", nil
		}
		read, p := l.dates[col].day(cell)
		if p == nil && (read < "2015" || read > "2100") {
			p = &problem{BadDate, "the year is not plausible", badDate.hint}
		}
		if p == nil {
			day = read
		}
		return "", p
	})
	return &day
}

func isDash(cell string) bool {
	switch clean(cell) {
	case "-", "–", "—":
		return true
	}
	return false
}

// ExceptionResult is a row of a list of exceptions and its result.
type ExceptionResult struct {
	Cells                []string // in the order of ExceptionHeader
	Result, Reason, Hint string
}

// WriteExceptionResults writes rows with their results, to be corrected and imported again.
func WriteExceptionResults(w io.Writer, f Format, rows []ExceptionResult) error {
	list := newListWriter(w, f)
	if err := list.Write(append(ExceptionHeader(), "result", "reason", "hint")); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for _, r := range rows {
		if err := list.Write(append(slices.Clone(r.Cells), r.Result, r.Reason, r.Hint)); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return list.Close()
}

// ExceptionOf is what a person says of an exception in place of a file: each value as it would
// appear in a cell, nil where the row has none. An empty value empties the cell.
func ExceptionOf(ownerCell, dueCell, commentCell, untilCell *string) (Exception, error) {
	header, cells := []string{tenantID.String()}, []string{"11111111-1111-4111-8111-111111111111"} // anybody's
	for i, cell := range []*string{ownerCell, dueCell, commentCell, untilCell} {
		if cell != nil {
			header = append(header, exceptionCells[i].String())
			cells = append(cells, cmp.Or(*cell, "-"))
		}
	}
	if len(cells) == 1 {
		return Exception{}, errors.New("nothing is said of the exception")
	}
	o := Options{exceptions: true, Dates: Auto, Limits: Limits{}.withDefaults()}
	h := exceptionVocabulary(nil).understood(1, header)
	l := exceptionList{header: h, check: newRowCheck(h, o, false), dates: map[column]columnDates{}}
	for _, c := range dateColumns {
		l.dates[c] = columnDates{dateReader: newDateReader(Auto, o.AsOf, false)}
	}
	row := l.read(rawRow{line: 1, cells: cells})
	if len(row.Refusals) > 0 {
		r := row.Refusals[0]
		return Exception{}, fmt.Errorf("%s %q: %s. %s", r.Column, r.Value, r.Message, r.Hint)
	}
	row.Says.TenantID = ""
	return row.Says, nil
}
