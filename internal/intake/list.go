package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"

	"github.com/mcaledger/mcaledger/internal/charset"
)

// List is a list of rows that was typed, not sent as a file. Its rows are judged like a file's.
type List struct {
	header []string
	rows   [][]string
	check  *rowCheck
}

// NewList makes a list; header holds names of columns as in a file.
func NewList(header []string, rows [][]string, o Options) *List {
	o.Limits = o.Limits.withDefaults()
	o.Dates = cmp.Or(o.Dates, Auto)
	check := newRowCheck(newVocabulary().understood(1, header), o, false)
	check.settle(o.Dates, false, nil)
	return &List{header, rows, check}
}

// Header is the list's header.
func (l *List) Header() []string { return l.header }

// Understanding is how its result file is written.
func (l *List) Understanding() Understanding {
	return Understanding{Format: Format{Kind: CSV, Encoding: charset.UTF8, Delimiter: ","}, HeaderLine: 1,
		DateOrder: Auto, Rows: len(l.rows)}
}

// SHA256 is the digest, in hexadecimal, of header and rows as JSON.
func (l *List) SHA256() string {
	text, _ := json.Marshal([]any{l.header, l.rows}) // strings always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Rows yields every row; lines are counted as in a file whose first line is the header.
func (l *List) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i, cells := range l.rows {
			if !yield(l.check.read(rawRow{line: i + 2, cells: cells}), nil) {
				return
			}
		}
	}
}
