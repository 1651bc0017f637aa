package intake

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// problem is what is wrong with a cell, before it is known where the cell stands.
type problem struct {
	code    Code
	message string
	hint    string
}

// rowCheck is how the rows of one file are judged. It does not change, and may be used by several goroutines.
type rowCheck struct {
	header    header
	required  [columns]bool
	cellBytes int
	dates     dateReader
	texts     dateProof // a text that proved the order of dates, in a workbook that has real dates too
	order     DateOrder
	countries *countryCodes
	mark      map[string]bool
	merged    []cellRange
}

func newRowCheck(h header, o Options, order DateOrder, seen survey) rowCheck {
	c := rowCheck{header: h, cellBytes: o.Limits.CellBytes, dates: newDateReader(order, o.AsOf, seen.from1904), order: order,
		countries: newCountryCodes(), mark: marks(), merged: seen.merged}
	for _, required := range []column{firstName, lastName, email} {
		c.required[required] = true
	}
	c.required[dateAgreed] = !o.DateOptional
	c.required[evidence] = o.EvidenceRequired
	if o.Dates == Auto {
		c.texts = seen.dates.dayFirst
		if order == MonthFirst {
			c.texts = seen.dates.monthFirst
		}
	}
	return c
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

// checker judges rows, one after another; it is not for several goroutines.
type checker struct {
	*rowCheck
	row       *Row
	traits    traits
	languages map[string]string // tags that were read before
}

func (c *rowCheck) checker() *checker { return &checker{rowCheck: c, languages: map[string]string{}} }

// traits are what is known of a row beside its cells.
type traits struct {
	broken   bool // its quotation marks do not come out right
	unended  bool // the file ends with it, without a line end
	suspect  bool // it may hold characters that could not be decoded
	doubtful bool // its date is a real date of a spreadsheet, up to the 12th of a month
}

// check fills in what a row with its Line and Cells says, and what is wrong with it.
func (c *checker) check(row *Row, t traits) {
	c.row, c.traits = row, t
	if row.Skip = c.skip(); row.Skip != "" {
		return
	}
	if c.header.at[marked] >= 0 && !c.isMarked() {
		return
	}
	r := &row.Record
	c.customer(r)
	r.FirstName = c.name(firstName)
	r.LastName = c.name(lastName)
	r.Email = c.checked(email, checkEmail)
	c.date(r)
	r.Country = c.checked(country, c.countries.check)
	r.Phone = c.phone(r.Country)
	r.Language = c.checked(language, c.language)
	r.CompanyName = c.text(companyName, 256, false)
	r.Evidence = c.text(evidence, 1024, true)
	r.Note = c.text(note, 4096, true)
	c.shape()
	if t.suspect {
		c.unreadable()
	}
}

// skip says whether the line is no row of the list. A row with an e-mail address where it belongs is one, whatever
// else it holds, unless it is the example of our template.
func (c *checker) skip() SkipReason {
	at := c.header.at[email]
	if at < len(c.row.Cells) && hasAddress(c.row.Cells[at]) {
		if c.row.Cells[at][0] == exampleEmail[0] && c.isExample() {
			return TemplateRow
		}
		return ""
	}
	switch {
	case isBlank(c.row.Cells):
		return BlankLine
	case c.header.isRepeatedBy(c.row.Cells):
		return RepeatedHeader
	case c.isExplanation():
		return TemplateRow
	}
	return ""
}

// isMarked reports whether a row of Microsoft's file is to be sent. It sets Skip, or refuses a word that says neither.
func (c *checker) isMarked() bool {
	word := strings.ToLower(unmarked(c.cell(marked)))
	yes, known := c.mark[word]
	switch {
	case !known:
		c.refuse(marked, problem{BadMark, "this is neither true nor false", "Write TRUE for rows to send and FALSE for others"})
	case !yes:
		c.row.Skip = NotMarked
	}
	return known && yes
}

// cell is a cell as it came; empty when the row or the file does not have it.
func (c *checker) cell(col column) string {
	if at := c.header.at[col]; at >= 0 && at < len(c.row.Cells) {
		return c.row.Cells[at]
	}
	return ""
}

// refuse notes a problem with a known column.
func (c *checker) refuse(col column, p problem) {
	c.row.Refusals = append(c.row.Refusals, Refusal{Line: c.row.Line, Column: c.header.titleOf(col), Value: bounded(c.cell(col)),
		Reason: p.code, Message: p.message, Hint: p.hint})
}

// refuseAt notes a problem with the cell at a position, which may be behind the header's last.
func (c *checker) refuseAt(i int, p problem) {
	c.row.Refusals = append(c.row.Refusals, Refusal{Line: c.row.Line, Column: c.header.title(i), Value: bounded(c.row.Cells[i]),
		Reason: p.code, Message: p.message, Hint: p.hint})
}

// checked is a cell of one line, read by the given function; empty when it is empty or refused.
func (c *checker) checked(col column, read func(string) (string, *problem)) string {
	raw := c.cell(col)
	if raw == "" && !c.required[col] {
		return ""
	}
	cell := unmarked(raw)
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

// general finds what is wrong with a cell whatever its column is. A quotation mark is wrong in words, not in sentences.
func (c *checker) general(cell string, sentence bool) *problem {
	switch {
	case len(cell) > c.cellBytes:
		return &problem{TooLong, "the cell is longer than " + size(int64(c.cellBytes)), "Shorten it, or take out what does not belong here"}
	case formulaError(cell):
		return &problem{FormulaError, "a formula went wrong here, or the column was too narrow for its number", "Mend the formula or write the value itself"}
	case cell[0] == '=':
		return &problem{Formula, "this is a formula and not its value", "Copy the cell and paste it as a value"}
	case !sentence && strings.IndexByte(cell, '"') >= 0:
		return &problem{StrayQuote, "a quotation mark stands here that is not closed, not doubled, or does not belong here", "Take the quotation mark out"}
	}
	return nil
}

// missing notes that a required cell is empty.
func (c *checker) missing(col column) {
	p := problem{Missing, "the cell is empty and must not be", "Fill it in"}
	switch at := c.header.at[col]; {
	case at < 0 || at >= len(c.row.Cells):
		p.message, p.hint = fmt.Sprintf("the row has %d cells and ends before this column", len(c.row.Cells)), "Add what is missing at the end of the row"
	case c.isMerged(at):
		p.hint = "It is merged with a cell above or beside it, and only the first one has the value: unmerge them and fill in each"
	}
	c.refuse(col, p)
}

// customer reads who the row is about: a tenant id, a domain, or both.
func (c *checker) customer(r *Record) {
	if unmarked(c.cell(tenantID)) == "" && unmarked(c.cell(domain)) == "" {
		col := tenantID
		if c.header.at[tenantID] < 0 {
			col = domain
		}
		c.missing(col)
		return
	}
	r.TenantID = c.checked(tenantID, checkTenantID)
	r.Domain = c.checked(domain, checkDomain)
}

func (c *checker) date(r *Record) {
	c.checked(dateAgreed, func(cell string) (string, *problem) {
		if p := c.doubtful(); p != nil {
			return "", p
		}
		day, held, p := c.dates.read(cell)
		if p == nil {
			r.DateAgreed, r.Held = day, held
		}
		return "", p
	})
}

// text is a cell of free text of at most so many characters.
func (c *checker) text(col column, most int, multiline bool) string {
	raw := c.cell(col)
	if raw == "" && !c.required[col] {
		return ""
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
	return &problem{ControlCharacter, fmt.Sprintf("there is an invisible character in the cell (%U)", r), "Type the cell again instead of pasting it"}
}

// shape finds what is wrong with the row rather than with a cell.
func (c *checker) shape() {
	row, n := c.row, len(c.header.cells)
	if c.traits.unended && len(row.Cells) < n {
		c.refuseAt(len(row.Cells)-1, problem{CutOff, "the file ends in the middle of this row, so the file may have been cut off", "Look whether rows are missing below it, and complete the row"})
	}
	for i := n; i < len(row.Cells); i++ {
		if clean(row.Cells[i]) != "" {
			c.refuseAt(i, problem{TooManyCells, fmt.Sprintf("the row has %d cells and the header %d", len(row.Cells), n),
				"Where a cell holds the delimiter, put the cell in quotation marks; otherwise take out what is too much"})
			break
		}
	}
	if c.traits.broken && !row.refusedFor(StrayQuote) {
		for i, cell := range row.Cells {
			if strings.IndexByte(cell, '"') >= 0 {
				c.refuseAt(i, problem{StrayQuote, "a quotation mark opens here and is not closed as it should be", "Take it out, or double the marks inside the cell"})
				break
			}
		}
	}
}

func (r *Row) refusedFor(reason Code) bool {
	for _, refusal := range r.Refusals {
		if refusal.Reason == reason {
			return true
		}
	}
	return false
}

// unreadable refuses characters that could not be decoded, wherever they stand: what they were nobody knows.
func (c *checker) unreadable() {
	for i, cell := range c.row.Cells {
		if unreadable(cell) {
			c.refuseAt(i, problem{Unreadable, "there is a character that cannot be read", "Type the cell again, and save the file as CSV UTF-8"})
			return
		}
	}
}

// unreadable reports whether a text holds characters that could not be decoded.
func unreadable(text string) bool {
	return !utf8.ValidString(text) || strings.Contains(text, "\uFFFD")
}
