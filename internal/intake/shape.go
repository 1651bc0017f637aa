package intake

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// shape finds what is wrong with the row rather than with a cell.
func (c *rowCheck) shape() {
	row, n := &c.row, len(c.header.cells)
	if c.raw.unended && len(row.Cells) < n {
		c.refuseAt(len(row.Cells)-1, problem{CutOff,
			"the file ends in the middle of this row, so the file may have been cut off", "Look whether rows are " +
				"missing below it, and complete the row"})
	}
	for i := n; i < len(row.Cells); i++ {
		if clean(row.Cells[i]) != "" {
			c.refuseAt(i, problem{TooManyCells, fmt.Sprintf("the row has %s and the header %d", count(len(row.Cells),
				"cell"), n),
				"Where a cell holds the delimiter, put the cell in quotation marks; otherwise remove what is too much"})
			break
		}
	}
	for i, cell := range row.Cells {
		if len(cell) > c.cellBytes && !c.isResult(i) && !row.refusedFor(TooLong) {
			c.refuseAt(i, *c.longCell())
		}
	}
	if c.raw.broken && !row.refusedFor(StrayQuote) {
		for i, cell := range row.Cells {
			if strings.IndexByte(cell, '"') >= 0 {
				c.refuseAt(i, problem{StrayQuote, "a quotation mark opens here and is not closed as it should be",
					"Remove it, or double the marks inside the cell"})
				break
			}
		}
	}
}

// isResult reports whether a cell is what an earlier import said about the row: nobody has to
// correct that.
func (c *rowCheck) isResult(i int) bool { return slices.Contains(c.header.results, i) }

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (r *Row) refusedFor(reason Code) bool {
	for _, refusal := range r.Refusals {
		if refusal.Reason == reason {
			return true
		}
	}
	return false
}

// unreadable refuses characters that could not be decoded, also in columns that nothing is read
// from: the row may not be what it was.
func (c *rowCheck) unreadable() {
	if c.row.refusedFor(Unreadable) {
		return
	}
	for i, cell := range c.row.Cells {
		if unreadable(cell) && !c.isResult(i) {
			c.refuseAt(i, unreadableCell)
			return
		}
	}
}

var unreadableCell = problem{Unreadable, "there is a character that cannot be read",
	"Type the cell again, and save the file as CSV UTF-8"}

// unreadable reports whether a text holds characters that could not be decoded.
func unreadable(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError)
		}
	}
	return false
}
