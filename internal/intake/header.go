package intake

import (
	"fmt"
	"slices"
	"strings"
)

// headerLines is how far down the header may be, below title lines.
const headerLines = 20

// header is the line that names the columns.
type header struct {
	line    int
	cells   []string       // as they came
	columns []column       // what each cell names; unknownColumn: nothing that we know
	at      [columns]int   // index of each known column; negative: missing
	again   map[column]int // second index of a column that is there twice
	rivals  map[column]int // index of a column that may be meant instead of one with a vague name
	results []int          // indexes of the columns of an earlier result file
}

// understood takes a line for a header. A vague name is believed only where no clear one names the
// column.
func (v vocabulary) understood(line int, cells []string) header {
	h := header{line: line, cells: cells, columns: make([]column, len(cells)), again: map[column]int{},
		results: resultColumns(cells)}
	for c := range h.at {
		h.at[c] = -1
	}
	for _, clear := range []bool{true, false} {
		for i, cell := range cells {
			c, isClear := v.column(cell)
			switch {
			case isClear != clear:
				continue
			case c == unknownColumn:
				h.columns[i] = unknownColumn
			case h.at[c] < 0:
				h.columns[i], h.at[c] = c, i
			default:
				h.columns[i] = unknownColumn
				if isClear {
					h.again[c] = i
				}
			}
		}
	}
	h.rivals = h.findRivals()
	return h
}

// findRivals finds for each required column with a vague name another one whose name is clearer.
func (h header) findRivals() map[column]int {
	rivals := map[column]int{}
	for _, c := range []column{tenantID, email, dateAgreed} {
		if h.at[c] < 0 || !isVague(h.cells[h.at[c]]) {
			continue
		}
		for i, cell := range h.cells {
			if h.columns[i] == unknownColumn && !slices.Contains(h.results, i) && c.rivals(cell) {
				rivals[c] = i
				break
			}
		}
	}
	return rivals
}

// isDate reports whether a column holds dates.
func (h header) isDate(i int) bool {
	return i < len(h.columns) && (h.columns[i] == dateAgreed || h.columns[i] == dueOn || h.columns[i] == acceptedUntil)
}

// known is how many columns the header names.
func (h header) known() int {
	n := 0
	for _, i := range h.at {
		if i >= 0 {
			n++
		}
	}
	return n
}

// score says how much like a header a line is: known words count twice, words that may be meant for
// a column once.
func (v vocabulary) score(cells []string) int {
	if len(cells) > 4096 {
		return 0
	}
	h := v.understood(0, cells)
	score := 2 * h.known()
	if score == 0 {
		return 0
	}
	for i, c := range h.columns {
		if c == unknownColumn && (v.like(cells[i]) != unknownColumn || mayNameSome(cells[i])) {
			score++
		}
	}
	return score
}

// enough is the score from which a line is taken for the header: two known columns.
const enough = 4

// title is the header cell of a column, for messages.
func (h header) title(i int) string {
	if i < 0 || i >= len(h.cells) {
		return ""
	}
	return bounded(clean(h.cells[i]))
}

// titleOf is the header cell of a known column, or its own name when the file does not have it.
func (h header) titleOf(c column) string {
	if h.at[c] < 0 {
		return c.String()
	}
	return h.title(h.at[c])
}

// isRepeatedBy reports whether a line below the header is the same header again, as far as we know
// its columns.
func (h header) isRepeatedBy(cells []string) bool {
	for i, c := range h.columns {
		if c != unknownColumn && (i >= len(cells) || simplified(h.cells[i]) != simplified(cells[i])) {
			return false
		}
	}
	return true
}

// isBlank reports whether a line has nothing in it that anybody could see, but for what an earlier
// import wrote into its result columns.
func (h header) isBlank(cells []string) bool {
	for i, cell := range cells {
		if cell != "" && clean(cell) != "" && !slices.Contains(h.results, i) {
			return false
		}
	}
	return true
}

// isUnread reports whether a line has nothing in the columns that are read. A line in which an
// address or a tenant id is elsewhere is a row whose cells are in the wrong columns.
func (h header) isUnread(cells []string) bool {
	for i, cell := range cells {
		cell = clean(cell)
		if cell == "" {
			continue
		}
		if i >= len(h.columns) || h.columns[i] != unknownColumn && h.columns[i] != marked {
			return false
		}
		if hasAddress(cell) || isGUID(cell) {
			return false
		}
	}
	return true
}

// check says what the header lacks or has too often.
func (h header) check(v vocabulary, o Options) *FileError {
	if n := len(h.cells); n > o.Limits.Columns {
		return &FileError{Line: h.line, Code: TooBig,
			Message: fmt.Sprintf("the header has %d columns; at most %d are read", n, o.Limits.Columns),
			Hint:    "Remove the columns that are not needed"}
	}
	for c := range columns {
		if again, ok := h.again[c]; ok && (!c.isOptional(o) || o.exceptions && slices.Contains(exceptionCells, c)) {
			return &FileError{Line: h.line, Column: h.title(again), Code: DuplicateColumn,
				Message: fmt.Sprintf("columns %d (%s) and %d (%s) both mean %s", h.at[c]+1, h.title(h.at[c]), again+1,
					h.title(again), c),
				Hint: "Keep the right one, and delete or rename the other"}
		}
	}
	names := h.missing(o)
	if len(names) == 0 {
		return nil
	}
	return h.missingError(names, v)
}

// missing are the required columns that are not there.
func (h header) missing(o Options) []column {
	var missing []column
	for c := range columns {
		if h.at[c] < 0 && !c.isOptional(o) && !(c == tenantID && h.at[domain] >= 0) {
			missing = append(missing, c)
		}
	}
	if o.exceptions && !slices.ContainsFunc(exceptionCells, func(c column) bool { return h.at[c] >= 0 }) {
		missing = append(missing, exceptionCells...)
	}
	return missing
}

// missingError says which columns are missing, and which of those that are there may be meant.
func (h header) missingError(missing []column, v vocabulary) *FileError {
	var names, hints []string
	for _, c := range missing {
		names = append(names, c.String())
		for i, cell := range h.cells {
			if h.columns[i] == unknownColumn && (v.like(cell) == c || mayName(c, cell)) {
				hints = append(hints, fmt.Sprintf("Is %q meant for %s? Then rename it.", h.title(i), c))
				break
			}
		}
	}
	if h.at[tenantID] < 0 && h.at[domain] < 0 {
		hints = append(hints, "A column customer_domain can be used instead of customer_tenant_id.")
	}
	if full := slices.IndexFunc(h.cells, isFullName); full >= 0 && (slices.Contains(missing, firstName) ||
		slices.Contains(missing, lastName)) {
		hints = append(hints, fmt.Sprintf("Split %q into two columns, first_name and last_name.", h.title(full)))
	}
	if slices.Contains(missing, acceptedUntil) {
		hints = append(hints, "One of them is enough.")
	}
	what := "column " + names[0] + " is"
	if len(names) > 1 {
		what = "columns " + strings.Join(names, ", ") + " are"
	}
	return &FileError{Line: h.line, Code: MissingColumn, Message: "the required " + what + " missing",
		Hint: strings.Join(append(hints, "Add what is missing to the header and fill it in"), " ")}
}

// isFullName reports whether a header cell names a column with whole names, which we do not take
// apart.
func isFullName(cell string) bool {
	switch simplified(cell) {
	case "name", "fullname", "contactname", "signername", "nomecompleto",
		"contact", "contato", "contacto", "signatario", "assinante":
		return true
	}
	return false
}

// notes are sentences on the columns that nothing is read from, and what a misspelt one may stand
// for.
func (h header) notes(v vocabulary) []string {
	var notes []string
	for i, c := range h.columns {
		if c != unknownColumn || clean(h.cells[i]) == "" || slices.Contains(h.results, i) {
			continue
		}
		sentence := fmt.Sprintf("Nothing is read from column %q.", h.title(i))
		if named, _ := v.column(h.cells[i]); named != unknownColumn {
			sentence = fmt.Sprintf("Nothing is read from column %q, because %s is read from column %q.", h.title(i),
				named, h.titleOf(named))
		} else if like := v.like(h.cells[i]); like != unknownColumn && h.at[like] < 0 {
			sentence += fmt.Sprintf(" If it is meant for %s, rename it.", like)
		}
		notes = append(notes, sentence)
	}
	return notes
}

// noHeader says that no line looks like a header.
func noHeader(first []string, o Options) *FileError {
	e := &FileError{Line: 1, Code: NoHeader, Message: fmt.Sprintf("none of the first %d lines names the columns",
		headerLines),
		Hint: "Put a line with customer_tenant_id, first_name, last_name, email and date_agreed above the rows; " +
			"`mcaledger attest template` writes such a file"}
	if o.exceptions {
		e.Hint = "Put a line with customer_tenant_id, owner, due_date, comment and accepted_until above the rows, " +
			"or send the sheet Blocked of a report"
	}
	if slices.ContainsFunc(first, func(cell string) bool { return isGUID(clean(cell)) }) {
		e.Message = "the file begins with a customer's row; a header that names the columns is missing"
	}
	return e
}
