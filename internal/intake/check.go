package intake

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// problem is what is wrong with a cell, before it is known where the cell stands.
type problem struct {
	code    Code
	message string
	hint    string
}

// rowCheck checks the rows of one file, one after another.
type rowCheck struct {
	header    header
	required  [columns]bool
	cellBytes int
	dates     dateReader
	textDates bool // the order of dates was proved by texts
	mark      map[string]bool
	merged    []xlsx.Range
	places    *places

	row     Row // the one that is checked; here, so that not each is allocated apart
	raw     rawRow
	suspect bool // it may hold characters that could not be decoded
}

// newRowCheck checks rows before the order of the dates is known.
func newRowCheck(h header, o Options, from1904 bool) *rowCheck {
	c := &rowCheck{header: h, cellBytes: o.Limits.CellBytes, dates: newDateReader(o.Dates, o.AsOf, from1904),
		mark: marks(), places: &places{}}
	for col := range columns {
		c.required[col] = !col.isOptional(o) && col != tenantID
	}
	return c
}

// settle stores what the survey of the whole list found. textDates: the order of the dates was
// proved by texts.
func (c *rowCheck) settle(order DateOrder, textDates bool, merged []xlsx.Range) {
	c.dates.order, c.textDates, c.merged = order, textDates, merged
}

// marks are the words of PartnerAttestationCompleted.
func marks() map[string]bool {
	words := map[string]bool{"": false}
	for word := range strings.FieldsSeq("true yes y 1 x verdadeiro sim s wahr") {
		words[word] = true
	}
	for word := range strings.FieldsSeq("false no n 0 falso não nao falsch") {
		words[word] = false
	}
	return words
}

// read is what a line says, and what is wrong with it.
func (c *rowCheck) read(raw rawRow) Row {
	c.begin(raw)
	row := &c.row
	if c.textDates && raw.swappable {
		row.Cells[c.header.at[dateAgreed]] += doubt
	}
	if row.Skip = c.skip(); row.Skip == "" && (c.header.at[marked] < 0 || c.isMarked()) {
		c.cells(&row.Record)
		c.shape()
		if c.suspect {
			c.unreadable()
		}
	}
	return *row
}

// begin takes the next line to check.
func (c *rowCheck) begin(raw rawRow) {
	c.row, c.raw = Row{Line: raw.line, Cells: raw.cells}, raw
	c.suspect = !raw.intact && slices.ContainsFunc(raw.cells, unreadable)
}

// cells reads every cell that we know.
func (c *rowCheck) cells(r *Record) {
	c.customer(r)
	r.FirstName, r.LastName = c.name(firstName), c.name(lastName)
	c.placeholders(r)
	r.Email = c.checked(email, checkEmail)
	c.date(r)
	r.Country = c.checked(country, c.places.country)
	r.Phone = c.phone(r.Country)
	r.Language = c.checked(language, c.places.language)
	if name := clean(c.cell(companyName)); !isNothing(name) {
		// It is only compared, so its form does not matter.
		if r.CompanyName = name; !isPlain(name) {
			r.CompanyName = norm.NFC.String(strings.ReplaceAll(name, "\x00", ""))
		}
	}
	r.Evidence = c.text(evidence, 1024, true)
	r.Note = c.text(note, 4096, true)
}

// skip says whether the line is no row of the list. A row with an e-mail address where it belongs
// is one, whatever else it holds, unless it is the example of our template.
func (c *rowCheck) skip() SkipReason {
	at := c.header.at[email]
	if at >= 0 && at < len(c.row.Cells) && hasAddress(c.row.Cells[at]) {
		if c.row.Cells[at][0] == exampleEmail[0] && c.isExample() {
			return TemplateRow
		}
		return ""
	}
	switch {
	case c.header.isBlank(c.row.Cells):
		return BlankLine
	case c.header.isUnread(c.row.Cells):
		return NothingRead
	case c.header.isRepeatedBy(c.row.Cells):
		return RepeatedHeader
	case c.isExplanation():
		return TemplateRow
	}
	return ""
}

// isMarked reports whether a row of Microsoft's file is to be sent. It sets Skip, or refuses a word
// that says neither.
func (c *rowCheck) isMarked() bool {
	word := strings.ToLower(unmarked(c.cell(marked)))
	yes, known := c.mark[word]
	switch {
	case !known:
		c.refuse(marked, problem{BadMark, "this is neither true nor false",
			"Write TRUE for rows to send and FALSE for others"})
	case !yes:
		c.row.Skip = NotMarked
	}
	return known && yes
}

// cell is a cell as it came; empty when the row or the file does not have it.
func (c *rowCheck) cell(col column) string {
	if at := c.header.at[col]; at >= 0 && at < len(c.row.Cells) {
		return c.row.Cells[at]
	}
	return ""
}

// refuse notes a problem with a known column.
func (c *rowCheck) refuse(col column, p problem) {
	c.row.Refusals = append(c.row.Refusals, Refusal{Line: c.row.Line, Column: c.header.titleOf(col),
		Value:  bounded(c.cell(col)),
		Reason: p.code, Message: p.message, Hint: p.hint})
}

// refuseAt notes a problem with the cell at a position, which may be behind the header's last.
func (c *rowCheck) refuseAt(i int, p problem) {
	c.row.Refusals = append(c.row.Refusals, Refusal{Line: c.row.Line, Column: c.header.title(i),
		Value:  bounded(c.row.Cells[i]),
		Reason: p.code, Message: p.message, Hint: p.hint})
}

// checked is a cell of one line, read by the given function; empty when it is empty or refused.
func (c *rowCheck) checked(col column, read func(string) (string, *problem)) string {
	raw := c.cell(col)
	if raw == "" && !c.required[col] {
		return ""
	}
	if raw != "" && raw[0] > '\'' && raw[0] != '=' {
		if value, p := read(raw); p == nil {
			return value
		}
	}
	cell := unmarked(raw)
	if isNothing(cell) {
		if c.required[col] {
			c.refuse(col, problem{Placeholder, missingValue, "Write the value itself"})
		}
		return ""
	}
	if cell == "" {
		if c.required[col] {
			c.missing(col)
		}
		return ""
	}
	value, p := read(cell)
	if p == nil {
		return value
	}
	// What is wrong with it whatever its column is explains more.
	if general := c.general(cell, false); general != nil {
		p = general
	}
	c.refuse(col, *p)
	return ""
}

// general finds what is wrong with a cell whatever its column is. A quotation mark is wrong in
// words, not in sentences.
func (c *rowCheck) general(cell string, sentence bool) *problem {
	switch {
	case len(cell) > c.cellBytes:
		return c.longCell()
	case c.suspect && unreadable(cell):
		return &unreadableCell
	case formulaError(cell):
		return &problem{FormulaError,
			"this is the error value of a formula, or the column was too narrow for its number", "Correct the " +
				"formula or write the value itself"}
	case cell[0] == '=':
		return &problem{Formula, "this is a formula and not its value", "Copy the cell and paste it as a value"}
	case !sentence && strings.IndexByte(cell, '"') >= 0:
		return &problem{StrayQuote,
			"a quotation mark is not closed, not doubled, or does not belong here", "Remove the " +
				"quotation mark"}
	}
	return nil
}

func (c *rowCheck) longCell() *problem {
	return &problem{TooLong, "the cell is longer than " + size(int64(c.cellBytes)),
		"Shorten it, or remove what does not belong here"}
}

// missing notes that a required cell is empty.
func (c *rowCheck) missing(col column) {
	p := problem{Missing, "the cell is empty and must not be", "Fill it in"}
	switch at := c.header.at[col]; {
	case at < 0 || at >= len(c.row.Cells):
		p.message = "the row ends before this column: it has " + count(len(c.row.Cells), "cell")
		p.hint = "Add what is missing at the end of the row"
	case isMergedAt(c.merged, c.row.Line, at):
		p.hint = "It is merged with a cell above or beside it, and only the first one has the value: unmerge them " +
			"and fill in each"
	}
	c.refuse(col, p)
}

// customer reads who the row is about: a tenant id, a domain, or both.
func (c *rowCheck) customer(r *Record) {
	col := tenantID
	if c.header.at[tenantID] < 0 {
		col = domain
	}
	if unmarked(c.cell(tenantID)) == "" && unmarked(c.cell(domain)) == "" {
		c.missing(col)
		return
	}
	before := len(c.row.Refusals)
	r.TenantID = c.checked(tenantID, checkTenantID)
	r.Domain = c.checked(domain, checkDomain)
	if r.TenantID == "" && r.Domain == "" && len(c.row.Refusals) == before {
		c.refuse(col, problem{Placeholder, missingValue, "Write the tenant id"})
	}
}

func (c *rowCheck) date(r *Record) {
	c.checked(dateAgreed, func(cell string) (string, *problem) {
		day, held, p := c.dates.read(cell)
		if p == nil {
			r.DateAgreed, r.Held = day, held
		}
		return "", p
	})
}

// text is a cell of free text of at most so many characters.
func (c *rowCheck) text(col column, most int, multiline bool) string {
	raw := c.cell(col)
	if raw == "" && !c.required[col] {
		return ""
	}
	if isPlain(raw) && len(raw) <= most {
		return raw
	}
	cell := clean(raw)
	if cell == "" {
		if c.required[col] {
			c.missing(col)
		}
		return ""
	}
	p := c.general(cell, true)
	if p == nil {
		p = checkText(cell, most, multiline)
	}
	if p != nil {
		c.refuse(col, *p)
		return ""
	}
	return cell
}

func checkText(cell string, most int, multiline bool) *problem {
	if len(cell) > most && utf8.RuneCountInString(cell) > most {
		return &problem{TooLong, fmt.Sprintf("the text is longer than %d characters", most), "Shorten it"}
	}
	if r, found := controlled(cell, multiline); found {
		return controlProblem(r)
	}
	return nil
}

func controlProblem(r rune) *problem {
	switch r {
	case '\n', '\r':
		return &problem{ControlCharacter, "there is a line break in the cell", "Write the cell in one line"}
	case '\t':
		return &problem{ControlCharacter, "there is a tab in the cell", "Write a space instead"}
	}
	return &problem{ControlCharacter, fmt.Sprintf("there is an invisible character in the cell (%U)", r),
		"Type the cell again instead of pasting it"}
}
