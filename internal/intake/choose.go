package intake

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/csvfile"
)

// found is the line of a list that looks most like a header.
type found struct {
	header header
	score  int
	first  []string // the list's first line
	rows   bool     // there are lines below the header
	people bool     // a line has a tenant id and an address
}

// maxSearched is how many lines of a list are looked at for a row below the header.
const maxSearched = 1000

// search looks for the header among the first lines of a list.
func (f *File) search(l rowSource) (found, error) {
	var best found
	lines := 0
	for row, err := range l.rows(f.words.understood(0, nil)) {
		if _, tooLong := errors.AsType[*csvfile.TooLongError](err); tooLong && lines > 0 {
			break // it may be a row that is refused
		}
		if err != nil {
			return found{}, err
		}
		lines++
		if lines == 1 {
			best.first = row.cells
		}
		best.people = best.people || slices.ContainsFunc(row.cells, isGUID) && slices.ContainsFunc(row.cells, isEmail)
		n := 0
		if lines <= headerLines {
			n = f.words.score(row.cells)
		}
		switch {
		case n > best.score:
			best.header, best.score, best.rows = f.words.understood(row.line, row.cells), n, false
		case best.score >= enough && !best.rows:
			best.rows = !best.header.isBlank(row.cells) && !f.isTemplate(best.header, row)
		}
		if lines >= headerLines && (best.rows || best.score < enough) || lines == maxSearched {
			break
		}
	}
	return best, nil
}

// isTemplate reports whether a line is one of the explanations and examples of our own template.
func (f *File) isTemplate(h header, row rawRow) bool {
	check := newRowCheck(h, f.opts, false)
	return check.read(row).Skip == TemplateRow
}

// undelimited is a delimiter that no line has.
const undelimited = 0

// chooseDelimiter finds the header, and by it the delimiter: the one with which a line among the
// first ones looks most like a header.
func (f *File) chooseDelimiter(text *csvText) (rowSource, header, error) {
	whole, err := f.search(text.list(undelimited))
	if err != nil {
		return rowSource{}, header{}, err
	}
	candidates := delimiters
	if len(whole.first) == 1 {
		if declared := separatorLine(whole.first[0]); declared != 0 {
			candidates = []byte{declared}
		}
	}
	var best found
	var chosen rowSource
	for _, d := range candidates {
		l := text.list(d)
		candidate, err := f.search(l)
		if err != nil {
			return rowSource{}, header{}, err
		}
		if candidate.score > best.score || best.first == nil {
			best, chosen = candidate, l
		}
	}
	if best.score >= enough {
		return chosen, best.header, nil
	}
	if err := f.otherDelimiter(text, whole.first); err != nil {
		return rowSource{}, header{}, err
	}
	return rowSource{}, header{}, noHeader(best.first, f.opts)
}

// otherDelimiter is an error that names what separates the columns, where that is not read as a
// delimiter, or says that each line is one cell; nil: neither.
func (f *File) otherDelimiter(text *csvText, first []string) error {
	if f.isWholeLine(first) {
		return wholeLines()
	}
	lines := 0
	for row, err := range text.list(undelimited).rows(f.words.understood(0, nil)) {
		if err != nil {
			break // a line too long to be a header
		}
		line := strings.Join(row.cells, "")
		if between := f.separator(line); between != "" {
			return &FileError{Line: row.line, Code: NoHeader, Message: "the columns are separated by " + between +
				", which is not read as a delimiter",
				Hint: "Save the list with commas, semicolons or tabs as delimiter"}
		}
		if lines++; lines == headerLines {
			break
		}
	}
	return nil
}

// separator is what is between the names of a line that is a header but for its delimiter;
// empty: it is none.
func (f *File) separator(line string) string {
	isName := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '"'
	}
	spaced := func(r rune) bool { return isName(r) || r == ' ' }
	for _, inName := range []func(rune) bool{spaced, isName} {
		outside := func(r rune) bool { return !inName(r) }
		if f.words.score(strings.FieldsFunc(line, outside)) < enough {
			continue
		}
		rest := strings.TrimLeftFunc(strings.TrimLeftFunc(line, outside), inName)
		between := rest[:len(rest)-len(strings.TrimLeftFunc(rest, outside))]
		if strings.TrimSpace(between) == "" {
			return "spaces"
		}
		return strconv.Quote(between)
	}
	return ""
}

// isWholeLine reports whether a line is one cell with a whole line of a list in it.
func (f *File) isWholeLine(cells []string) bool {
	return len(cells) == 1 && slices.ContainsFunc(delimiters, func(d byte) bool {
		return f.words.score(strings.Split(cells[0], string(d))) >= enough
	})
}

func wholeLines() *FileError {
	return &FileError{Line: 1, Code: NoHeader,
		Message: "each line is one cell, as happens when a list is opened with the wrong delimiter and saved",
		Hint: "Open the file that was first exported (in Excel: Data, From Text/CSV), choose the right " +
			"delimiter, save it again and import that"}
}

// sheetFound is what was found on a sheet.
type sheetFound struct {
	found
	list     rowSource
	complete bool // all required columns are there
}

// chooseSheet finds the sheet that is the list. Two that look like it are a question for a person:
// the rows of one would be missing.
func (f *File) chooseSheet() (rowSource, header, error) {
	sheets, err := f.searchSheets()
	if err != nil {
		return rowSource{}, header{}, err
	}
	if len(sheets) == 0 {
		return rowSource{}, header{}, &FileError{Code: Empty, Message: "the workbook is empty", Hint: checkExport}
	}
	lists := filter(sheets, func(s sheetFound) bool { return s.complete && s.rows && !s.list.hidden })
	hidden := filter(sheets, func(s sheetFound) bool { return s.complete && s.rows && s.list.hidden })
	if len(lists) > 1 {
		return rowSource{}, header{}, &FileError{Code: SeveralLists,
			Message: "the workbook has several lists, on the sheets " + sheetNames(lists),
			Hint:    "Name the one to import with --sheet NAME, or save each sheet as a file of its own"}
	}
	if len(lists) == 0 && len(hidden) > 0 {
		return rowSource{}, header{}, &FileError{Code: HiddenList, Message: "the list is on a hidden sheet: " +
			sheetNames(hidden),
			Hint: "Show the sheet (in Excel: right click on a tab, Unhide), check it, save the workbook and import " +
				"it again"}
	}
	if len(lists) == 1 {
		for _, s := range hidden {
			f.note("Nothing is read from the hidden sheet %q, which looks like a list as well.", s.list.format.Sheet)
		}
		for _, s := range sheets {
			if (s.score >= enough || s.people) && !s.complete && !s.list.hidden {
				f.note("Nothing is read from sheet %q: it has rows or columns of a list, and not all of its columns.",
					s.list.format.Sheet)
			}
		}
		return lists[0].list, lists[0].header, nil
	}
	return f.likeliest(sheets)
}

// likeliest is the visible sheet that looks most like a list, although it is not one: what it lacks
// is said of it.
func (f *File) likeliest(sheets []sheetFound) (rowSource, header, error) {
	visible := filter(sheets, func(s sheetFound) bool { return !s.list.hidden })
	if len(visible) == 0 {
		visible = sheets
	}
	best := slices.MaxFunc(visible, func(a, b sheetFound) int { return a.score - b.score })
	if best.score < enough {
		filled := slices.IndexFunc(visible, func(s sheetFound) bool { return s.first != nil })
		if filled < 0 {
			return rowSource{}, header{}, &FileError{Code: Empty, Message: "the workbook is empty", Hint: checkExport}
		}
		if f.isWholeLine(visible[filled].first) {
			return rowSource{}, header{}, wholeLines()
		}
		return rowSource{}, header{}, noHeader(visible[filled].first, f.opts)
	}
	return best.list, best.header, nil
}

func (f *File) searchSheets() ([]sheetFound, error) {
	var all []sheetFound
	for _, sheet := range f.book.Sheets {
		if f.opts.Sheet != "" && !strings.EqualFold(f.opts.Sheet, sheet.Name) {
			continue
		}
		l := sheetList(f.book, sheet)
		l.hidden = l.hidden && f.opts.Sheet == "" // who names a sheet means it
		s, err := f.search(l)
		if err != nil {
			return nil, err
		}
		all = append(all, sheetFound{found: s, list: l, complete: s.score >= enough &&
			len(s.header.missing(f.opts)) == 0})
	}
	if len(all) == 0 && f.opts.Sheet != "" {
		names := make([]string, len(f.book.Sheets))
		for i, s := range f.book.Sheets {
			names[i] = fmt.Sprintf("%q", s.Name)
		}
		return nil, &FileError{Code: SeveralLists, Message: fmt.Sprintf("the workbook has no sheet %q", f.opts.Sheet),
			Hint: "Its sheets are " + strings.Join(names, ", ")}
	}
	return all, nil
}

func filter(sheets []sheetFound, keep func(sheetFound) bool) []sheetFound {
	return slices.DeleteFunc(slices.Clone(sheets), func(s sheetFound) bool { return !keep(s) })
}

func sheetNames(sheets []sheetFound) string {
	names := make([]string, len(sheets))
	for i, s := range sheets {
		names[i] = fmt.Sprintf("%q", s.list.format.Sheet)
	}
	return strings.Join(names, " and ")
}
