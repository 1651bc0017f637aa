package intake

import (
	"fmt"
	"io"
)

// templateColumn is a column of our template.
type templateColumn struct {
	column      column
	explanation string
	example     string
}

const exampleEmail = "maria.silva@example.com"

var templateColumns = []templateColumn{
	{tenantID, "Required, or customer_domain: the customer's Microsoft tenant id, as Partner Center shows it", nilGUID},
	{domain, "Instead of the tenant id: a domain of the customer, such as contoso.onmicrosoft.com", ""},
	{firstName, "Required: first name of the person who accepted", "Maria"},
	{lastName, "Required: last name of the person who accepted", "da Silva"},
	{email, "Required: that person's e-mail address; Microsoft may write to it", exampleEmail},
	{dateAgreed, "Required on the classic route: the day of acceptance, as 2026-05-31", "2026-05-31"},
	{phone, "Optional: telephone with country, as +5511987654321, formatted as text", "+5511987654321"},
	{companyName, "Optional: the customer's name; a row whose name differs from Partner Center's is refused",
		"Contoso Ltda"},
	{country, "Optional: two letters, such as BR; required on the enhanced route", "BR"},
	{language, "Optional: such as pt-BR", "pt-BR"},
	{evidence, "Where the signed acceptance is kept: a link or a file number, never the document", "DMS-2026-0412"},
	{note, "Optional: anything for yourself. This line and the example below may stay; they are not imported", ""},
}

// Template writes an empty list to fill in: the columns, what belongs into each, and an example
// row. Rows knows and skips both, so they may stay.
func Template(w io.Writer, f Format) error {
	var names, explanations, examples []string
	for _, c := range templateColumns {
		names = append(names, c.column.String())
		explanations = append(explanations, c.explanation)
		examples = append(examples, c.example)
	}
	list := newListWriter(w, f)
	if err := list.Write(names); err != nil {
		return fmt.Errorf("write the template: %w", err)
	}
	for _, row := range [][]string{explanations, examples} {
		if err := list.Write(row); err != nil {
			return fmt.Errorf("write the template: %w", err)
		}
	}
	return list.Close()
}

// isExplanation reports whether the row is our template's line of explanations.
func (c *rowCheck) isExplanation() bool {
	for _, t := range templateColumns {
		if cell := c.cell(t.column); cell != "" && clean(cell) == t.explanation {
			return true
		}
	}
	return false
}

// isExample reports whether the row is our template's example: the GUID of zeros and an example
// address. A row that was written over it keeps one of them at most, and is refused for it.
func (c *rowCheck) isExample() bool {
	return unmarked(c.cell(tenantID)) == nilGUID && unmarked(c.cell(email)) == exampleEmail &&
		clean(c.cell(domain)) == ""
}
