package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
)

// List is a list of rows that was typed, not sent as a file. Its rows are judged like a file's.
type List struct {
	header []string
	rows   [][]string
	check  rowCheck
}

// NewList makes a list; header holds names of columns as in a file.
func NewList(header []string, rows [][]string, o Options) *List {
	o.Limits = o.Limits.withDefaults()
	if o.Dates == "" {
		o.Dates = Auto
	}
	return &List{header, rows, newRowCheck(newVocabulary().understood(1, header), o, o.Dates, survey{})}
}

// Header is the list's header.
func (l *List) Header() []string { return l.header }

// Format is how its result file is written.
func (l *List) Format() Format { return Format{Kind: CSV, Encoding: UTF8, Delimiter: ','} }

// SHA256 is the digest, in hexadecimal, of header and rows as JSON.
func (l *List) SHA256() string {
	text, _ := json.Marshal([]any{l.header, l.rows}) // strings always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Rows yields every row; lines are counted as in a file whose first line is the header.
func (l *List) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c := l.check.checker()
		for i, cells := range l.rows {
			row := Row{Line: i + 2, Cells: cells}
			c.check(&row, traits{})
			if !yield(row, nil) {
				return
			}
		}
	}
}
