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
	textDates bool // the order of dates was proved by texts
	countries *countryCodes
	mark      map[string]bool
	merged    []cellRange
}

func newRowCheck(h header, o Options, order DateOrder, seen survey) rowCheck {
	c := rowCheck{header: h, cellBytes: o.Limits.CellBytes, dates: newDateReader(order, o.AsOf, seen.from1904),
		textDates: o.Dates == Auto && order != Auto, countries: newCountryCodes(), mark: marks(), merged: seen.merged}
	for _, required := range []column{firstName, lastName, email} {
		c.required[required] = true
	}
	c.required[dateAgreed] = !o.DateOptional
	c.required[evidence] = o.EvidenceRequired
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

func (c *rowCheck) checker() *checker { return &checker{rowCheck: c} }

// traits are what is known of a row beside its cells.
type traits struct {
	broken  bool // its quotation marks do not come out right
	unended bool // the file ends with it, without a line end
	suspect bool // it may hold characters that could not be decoded
}

// check fills in what a row with its Line and Cells says, and what is wrong with it.
func (c *checker) check(row *Row, t traits) {
	c.row, c.traits = row, t
	row.Refusals = nil
	// Filled apart and copied once: writing to the heap field by field costs more while memory is collected.
	var r Record
	if row.Skip = c.skip(); row.Skip == "" && (c.header.at[marked] < 0 || c.isMarked()) {
		c.cells(&r)
		c.shape()
		if t.suspect {
			c.unreadable()
		}
	}
	row.Record = r
}

// cells reads every cell that we know.
func (c *checker) cells(r *Record) {
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
	case c.header.isBlank(c.row.Cells):
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
	if raw != "" && raw[0] > '\'' && raw[0] != '=' {
		if value, p := read(raw); p == nil {
			return value
		}
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
		return c.longCell()
	case c.traits.suspect && unreadable(cell):
		return &unreadableCell
	case formulaError(cell):
		return &problem{FormulaError, "a formula went wrong here, or the column was too narrow for its number", "Mend the formula or write the value itself"}
	case cell[0] == '=':
		return &problem{Formula, "this is a formula and not its value", "Copy the cell and paste it as a value"}
	case !sentence && strings.IndexByte(cell, '"') >= 0:
		return &problem{StrayQuote, "a quotation mark stands here that is not closed, not doubled, or does not belong here", "Take the quotation mark out"}
	}
	return nil
}

func (c *checker) longCell() *problem {
	return &problem{TooLong, "the cell is longer than " + size(int64(c.cellBytes)), "Shorten it, or take out what does not belong here"}
}

// missing notes that a required cell is empty.
func (c *checker) missing(col column) {
	p := problem{Missing, "the cell is empty and must not be", "Fill it in"}
	switch at := c.header.at[col]; {
	case at < 0 || at >= len(c.row.Cells):
		p.message, p.hint = "the row ends before this column: it has "+count(len(c.row.Cells), "cell"), "Add what is missing at the end of the row"
	case c.isMerged(at):
		p.hint = "It is merged with a cell above or beside it, and only the first one has the value: unmerge them and fill in each"
	}
	c.refuse(col, p)
}

// customer reads who the row is about: a tenant id, a domain, or both.
func (c *checker) customer(r *Record) {
	id := c.cell(tenantID)
	if ok, capitals := guid(id); ok && !capitals && id != noTenant && c.header.at[domain] < 0 {
		r.TenantID = id
		return
	}
	if unmarked(id) == "" && unmarked(c.cell(domain)) == "" {
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
	return &problem{ControlCharacter, fmt.Sprintf("there is an invisible character in the cell (%U)", r), "Type the cell again instead of pasting it"}
}
