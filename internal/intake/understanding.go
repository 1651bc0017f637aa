package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcaledger/mcaledger/internal/charset"
)

// Understanding is how a file was read, for the person who answers for what it says.
type Understanding struct {
	Format
	HeaderLine int         `json:"header_line"`
	Columns    []ColumnUse `json:"columns"`    // in the order of the file
	DateOrder  DateOrder   `json:"date_order"` // auto: no date of the file needs one
	// DateProof is the date that proved the order, with its line; empty when it was asked for or
	// there is none.
	DateProof string             `json:"date_proof,omitempty"`
	Rows      int                `json:"rows"`
	NotRows   map[SkipReason]int `json:"not_rows,omitempty"` // lines that do not count, by the reason
	Notes     []string           `json:"notes,omitempty"`    // the rest, in sentences
}

// ColumnUse says what a column of the file is read as.
type ColumnUse struct {
	Header string `json:"header"`
	ReadAs string `json:"read_as,omitempty"` // empty: nothing is read from it
}

// Ignored are the headers of the columns from which nothing is read.
func (u Understanding) Ignored() []string {
	var headers []string
	for _, c := range u.Columns {
		if c.ReadAs == "" && c.Header != "" {
			headers = append(headers, c.Header)
		}
	}
	return headers
}

// Sentences say for a terminal or a log what a person should check.
func (u Understanding) Sentences() []string {
	var all []string
	if u.Kind == CSV && u.Encoding != charset.UTF8 {
		all = append(all, fmt.Sprintf("The file is read as %s.", u.Encoding))
	}
	if u.Kind == XLSX {
		all = append(all, fmt.Sprintf("Sheet %q is read.", u.Sheet))
	}
	if renamed := u.renamed(); len(renamed) > 0 {
		all = append(all, "Columns: "+strings.Join(renamed, ", ")+".")
	}
	if u.DateProof != "" {
		order := "day first"
		if u.DateOrder == MonthFirst {
			order = "month first"
		}
		all = append(all, fmt.Sprintf("Dates are read %s, because %s.", order, u.DateProof))
	}
	for _, reason := range slices.Sorted(maps.Keys(u.NotRows)) {
		if sentence := skipped(reason, u.NotRows[reason]); sentence != "" {
			all = append(all, sentence)
		}
	}
	return append(all, u.Notes...)
}

// renamed says of the columns with names of their own what they are read as.
func (u Understanding) renamed() []string {
	var all []string
	for _, c := range u.Columns {
		if c.ReadAs != "" && c.ReadAs != c.Header {
			all = append(all, fmt.Sprintf("%q is %s", c.Header, c.ReadAs))
		}
	}
	return all
}

// skipped is a sentence on lines that do not count; empty if none is needed.
func skipped(reason SkipReason, n int) string {
	why := ""
	switch reason {
	case NothingRead:
		why = "all columns that are read are empty"
	case NotMarked:
		why = fmt.Sprintf("column %s is not TRUE", marked)
	case RepeatedHeader:
		why = "the header again"
	default:
		return ""
	}
	if n == 1 {
		return "1 line is left out: " + why + "."
	}
	return fmt.Sprintf("%d lines are left out: %s.", n, why)
}
