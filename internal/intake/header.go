package intake

import (
	"fmt"
	"slices"
	"strings"
)

// headerLines is how far down the header may stand, below title lines.
const headerLines = 20

// header is the line that names the columns.
type header struct {
	line    int
	cells   []string       // as they came
	columns []column       // what each cell names; unknownColumn: nothing that we know
	at      [columns]int   // where each known column stands; negative: it is not there
	twice   map[column]int // where a column that is there twice stands again
	results []int          // where the columns of an earlier result file stand
}

// understood takes a line for a header.
func (v vocabulary) understood(line int, cells []string) header {
	h := header{line: line, cells: cells, columns: make([]column, len(cells)), twice: map[column]int{}, results: resultColumns(cells)}
	for c := range h.at {
		h.at[c] = -1
	}
	for _, certain := range []bool{true, false} {
		for i, cell := range cells {
			c, strong := v.column(cell)
			switch {
			case strong != certain:
				continue
			case c == unknownColumn:
				h.columns[i] = unknownColumn
			case h.at[c] < 0:
				h.columns[i], h.at[c] = c, i
			case strong:
				h.columns[i], h.twice[c] = unknownColumn, i
			default:
				h.columns[i] = unknownColumn
			}
		}
	}
	return h
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

// score says how much like a header a line is: known words count twice, words that are nearly known once.
func (v vocabulary) score(cells []string) int {
	if len(cells) > 4096 {
		return 0
	}
	h := v.understood(0, cells)
	score := 2 * h.known()
	if score > 0 {
		for i, c := range h.columns {
			if c == unknownColumn && v.like(cells[i]) != unknownColumn {
				score++
			}
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

// isRepeatedBy reports whether a line below the header is the same header again, as far as we know its columns.
func (h header) isRepeatedBy(cells []string) bool {
	for i, c := range h.columns {
		if c != unknownColumn && (i >= len(cells) || simplified(h.cells[i]) != simplified(cells[i])) {
			return false
		}
	}
	return true
}

// isBlank reports whether a line has nothing in it that anybody could see, but for what an earlier round wrote into its
// result columns.
func (h header) isBlank(cells []string) bool {
	for i, cell := range cells {
		if cell != "" && clean(cell) != "" && !slices.Contains(h.results, i) {
			return false
		}
	}
	return true
}

// check says what the header lacks or has too often.
func (h header) check(v vocabulary, o Options) *FileError {
	if n := len(h.cells); n > o.Limits.Columns {
		return &FileError{Line: h.line, Code: TooBig, Message: fmt.Sprintf("the header has %d columns; %d are the most", n, o.Limits.Columns),
			Hint: "Take out the columns that are not needed"}
	}
	for c := range columns {
		if again, ok := h.twice[c]; ok {
			return &FileError{Line: h.line, Column: h.title(again), Code: DuplicateColumn,
				Message: fmt.Sprintf("columns %d (%s) and %d (%s) both mean %s", h.at[c]+1, h.title(h.at[c]), again+1, h.title(again), c),
				Hint:    "Keep the right one, and delete or rename the other"}
		}
	}
	return h.missing(v, o)
}

// missing says which required columns are not there, and which of those that are there may be meant.
func (h header) missing(v vocabulary, o Options) *FileError {
	required := []column{firstName, lastName, email}
	if !o.DateOptional {
		required = append(required, dateAgreed)
	}
	if o.EvidenceRequired {
		required = append(required, evidence)
	}
	if h.at[domain] < 0 {
		required = append([]column{tenantID}, required...)
	}
	var names, hints []string
	for _, c := range required {
		if h.at[c] >= 0 {
			continue
		}
		names = append(names, c.String())
		if i := slices.IndexFunc(h.cells, func(cell string) bool { return v.like(cell) == c }); i >= 0 && h.columns[i] == unknownColumn {
			hints = append(hints, fmt.Sprintf("Is %q meant for %s? Then rename it.", h.title(i), c))
		}
	}
	if len(names) == 0 {
		return nil
	}
	if h.at[tenantID] < 0 && h.at[domain] < 0 {
		hints = append(hints, "A column customer_domain would do instead of customer_tenant_id.")
	}
	if full := slices.IndexFunc(h.cells, isFullName); full >= 0 && (h.at[firstName] < 0 || h.at[lastName] < 0) {
		hints = append(hints, fmt.Sprintf("Split %q into two columns, first_name and last_name.", h.title(full)))
	}
	what := "column " + names[0] + " is"
	if len(names) > 1 {
		what = "columns " + strings.Join(names, ", ") + " are"
	}
	return &FileError{Line: h.line, Code: MissingColumn, Message: "the required " + what + " missing",
		Hint: strings.Join(append(hints, "Add what is missing to the header and fill it in"), " ")}
}

// isFullName reports whether a header cell names a column with whole names, which we do not take apart.
func isFullName(cell string) bool {
	switch simplified(cell) {
	case "name", "fullname", "contactname", "signername", "nomecompleto", "contact", "contato", "contacto", "signatario", "assinante":
		return true
	}
	return false
}

// ignored are sentences on the columns that nothing is read from, and what a misspelt one may stand for.
func (h header) ignored(v vocabulary) []string {
	var notes []string
	for i, c := range h.columns {
		if c != unknownColumn || clean(h.cells[i]) == "" || slices.Contains(h.results, i) {
			continue
		}
		sentence := fmt.Sprintf("Nothing is read from column %q.", h.title(i))
		if like := v.like(h.cells[i]); like != unknownColumn && h.at[like] < 0 {
			sentence += fmt.Sprintf(" If it is meant for %s, rename it.", like)
		}
		notes = append(notes, sentence)
	}
	return notes
}

// noHeader says that no line looks like a header.
func noHeader(first []string) *FileError {
	e := &FileError{Line: 1, Code: NoHeader, Message: fmt.Sprintf("none of the first %d lines names the columns", headerLines),
		Hint: "Put a line with customer_tenant_id, first_name, last_name, email and date_agreed above the rows; `mcaledger attest template` writes such a file"}
	if slices.ContainsFunc(first, func(cell string) bool { return isGUID(clean(cell)) }) {
		e.Message = "the file begins with a customer's row; a header that names the columns is missing"
	}
	return e
}
