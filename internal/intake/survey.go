package intake

import (
	"fmt"
	"strings"
)

// survey is what one reading of the whole list says, before any row is checked.
type survey struct {
	rows     int                // lines that count
	skipped  map[SkipReason]int // lines that do not
	hidden   int                // hidden rows
	dates    dateProofs
	second   int             // the line of the first header further down that has other columns
	rivals   map[column]bool // columns beside which another one holds what may be meant
	unmarked int             // the line of the first row that PartnerAttestationCompleted leaves out
}

// survey reads the list once.
func (f *File) survey() (survey, error) {
	s := survey{skipped: map[SkipReason]int{}, rivals: map[column]bool{}}
	lines := 0
	for row, err := range f.list.rows(f.head) {
		if err != nil {
			return survey{}, err
		}
		if row.line <= f.head.line {
			continue
		}
		if lines++; lines > f.opts.Limits.Rows {
			return survey{}, &FileError{Line: row.line, Code: TooBig,
				Message: fmt.Sprintf("the list has more than %d lines", f.opts.Limits.Rows), Hint: splitFile}
		}
		s.add(f, row)
	}
	return s, nil
}

// add takes a line into account. Most say with a glance at two cells that there is nothing to learn
// from them.
func (s *survey) add(f *File, row rawRow) {
	if f.head.isOrdinary(row) {
		s.rows++
	} else {
		s.lookAt(f, row)
	}
	for c, i := range f.head.rivals {
		if i < len(row.cells) && row.cells[i] != "" && !s.rivals[c] {
			s.rivals[c] = c.fits(unmarked(row.cells[i]))
		}
	}
	if row.hidden && !f.head.isBlank(row.cells) {
		s.hidden++
	}
}

func (s *survey) lookAt(f *File, row rawRow) {
	checked := f.check.read(row)
	if checked.Skip != "" {
		s.skipped[checked.Skip]++
		if checked.Skip == NotMarked && s.unmarked == 0 {
			s.unmarked = row.line
		}
		return
	}
	s.rows++
	// A row that is refused proves nothing: it may be no row of the list.
	if at := f.head.at[dateAgreed]; at >= 0 && at < len(row.cells) && len(checked.Refusals) == 0 {
		s.dates.add(row.line, row.cells[at])
	}
	if s.second == 0 && len(checked.Refusals) > 0 && f.isOtherHeader(row.cells) {
		s.second = row.line
	}
}

// isOrdinary reports whether a line is a row with an address and an ISO date, of which no more is
// to be learned than that it is there.
func (h header) isOrdinary(row rawRow) bool {
	address, date := h.at[email], h.at[dateAgreed]
	if h.at[marked] >= 0 || address >= len(row.cells) || strings.IndexByte(row.cells[address],
		'@') < 1 || row.cells[address] == exampleEmail {
		return false
	}
	if date < 0 || date >= len(row.cells) {
		return date < 0
	}
	cell := row.cells[date]
	return len(cell) >= 10 && cell[4] == '-' || cell == ""
}

// isOtherHeader reports whether a line is a header, but not the one above the rows.
func (f *File) isOtherHeader(cells []string) bool {
	enough := min(4, f.head.known())
	if len(cells) < enough || len(cells) > 4096 || f.head.isRepeatedBy(cells) {
		return false
	}
	h := f.words.understood(0, cells)
	return h.known() >= enough
}

// wrong says what the survey found wrong with the file as a whole.
func (s survey) wrong(h header) error {
	switch {
	case s.second > 0:
		return &FileError{Line: s.second, Code: SecondHeader,
			Message: "another header, whose columns are not those of the first one; the rows below it " +
				"would be misread",
			Hint: "Save the two lists as two files, and import both"}
	case s.rows == 0 && s.skipped[NotMarked] > 0:
		return &FileError{Line: s.unmarked, Column: h.titleOf(marked), Code: NoRows,
			Message: fmt.Sprintf("none of the %s of the list is marked to be sent", count(s.skipped[NotMarked], "row")),
			Hint:    fmt.Sprintf("Write TRUE into column %s of the rows to import", h.titleOf(marked))}
	case s.rows == 0 && s.skipped[TemplateRow] == 0:
		return &FileError{Line: h.line, Code: NoRows, Message: "there is a header and no row below it",
			Hint: checkExport}
	}
	for c := range columns {
		if s.rivals[c] {
			return &FileError{Line: h.line, Column: h.titleOf(c), Code: AmbiguousColumn,
				Message: fmt.Sprintf("column %q is not certain to be %s: column %q may be meant as well", h.titleOf(c),
					c, h.title(h.rivals[c])),
				Hint: fmt.Sprintf("Rename the right one %s", c)}
		}
	}
	return nil
}
