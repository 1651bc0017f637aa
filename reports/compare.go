package reports

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// ReadRequest reads from a workbook what it shows, and the digest of its data as it was written.
func ReadRequest(path string) (q Request, digest string, err error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return q, "", fmt.Errorf("%s is not a workbook: %w", path, err)
	}
	defer archive.Close()
	properties, err := xlsx.CustomProperties(&archive.Reader)
	if err != nil {
		return q, "", fmt.Errorf("%s: %w", path, err)
	}
	text, digest := properties[requestProperty], properties[digestProperty]
	if text == "" || digest == "" {
		return q, "", fmt.Errorf("%s does not say what it shows: it was not written by mcaledger, or its document "+
			"properties were removed", path)
	}
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		return q, "", fmt.Errorf("%s: property %q: %w", path, requestProperty, err)
	}
	if q.SchemaVersion != SchemaVersion {
		return q, "", fmt.Errorf("%s has data of version %d, and this program compares version %d: use the version "+
			"of mcaledger that wrote it, %s",
			path, q.SchemaVersion, SchemaVersion, q.Version)
	}
	return q, digest, nil
}

// Comparison holds the differences between a workbook and the ledger.
type Comparison struct {
	Cells       int          // that were compared
	Differences []Difference // cells and rows that are not what the ledger says; at most maxDifferences
	Omitted     int          // further ones
	Filled      []Difference // cells that people filled in: where the ledger has nothing, or in columns for people
	SameDigest  bool         // the ledger's data has the digest that the workbook was written with
}

// Matches reports whether the workbook says what the ledger says.
func (c Comparison) Matches() bool { return c.SameDigest && len(c.Differences) == 0 }

// Difference is a cell that is not what the ledger says.
type Difference struct {
	Sheet string `json:"sheet"`
	Cell  string `json:"cell"` // empty: the whole sheet
	Have  string `json:"have"`
	Want  string `json:"want"`
}

// maxDifferences is how many differences are named.
const maxDifferences = 100

// Compare makes the workbook of a book again and compares every cell of the workbook at path with
// it. Rows of a table may have been sorted. What people filled in is told apart from what they
// changed.
func Compare(ctx context.Context, path, digest string, book Book, source Source) (Comparison, error) {
	folder, err := os.MkdirTemp("", "mcaledger-verify-*")
	if err != nil {
		return Comparison{}, err
	}
	defer os.RemoveAll(folder)
	again := filepath.Join(folder, "again.xlsx")
	file, err := os.OpenFile(again, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Comparison{}, err
	}
	_, err = Write(ctx, file, book, source)
	if err = errors.Join(err, file.Close()); err != nil {
		return Comparison{}, fmt.Errorf("make the workbook again: %w", err)
	}
	_, ledgerDigest, err := ReadRequest(again)
	if err != nil {
		return Comparison{}, err
	}
	have, err := excelize.OpenFile(path)
	if err != nil {
		return Comparison{}, err
	}
	defer have.Close()
	want, err := excelize.OpenFile(again)
	if err != nil {
		return Comparison{}, err
	}
	defer want.Close()
	c := comparer{have: have, want: want, seed: maphash.MakeSeed()}
	c.SameDigest = digest == ledgerDigest
	if err := c.sheets(ctx, book); err != nil {
		return Comparison{}, err
	}
	return c.Comparison, nil
}

// comparer compares two workbooks sheet by sheet.
type comparer struct {
	Comparison
	have, want *excelize.File
	seed       maphash.Seed
}

func (c *comparer) sheets(ctx context.Context, book Book) error {
	say, err := catalogueOf(book.Language)
	if err != nil {
		return err
	}
	for _, sheet := range c.want.GetSheetList() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i, err := c.have.GetSheetIndex(sheet); err != nil || i < 0 {
			c.differs(Difference{Sheet: sheet, Cell: "", Have: "no such sheet", Want: "a sheet"})
			continue
		}
		tables, err := c.want.GetTables(sheet)
		if err != nil {
			return err
		}
		if err := c.sheet(sheet, len(tables) > 0, say); err != nil {
			return fmt.Errorf("sheet %s: %w", sheet, err)
		}
	}
	return nil
}

func (c *comparer) differs(d Difference) {
	if len(c.Differences) == maxDifferences {
		c.Omitted++
		return
	}
	c.Differences = append(c.Differences, d)
}

// sheet compares a sheet row by row. A table whose rows are in another order is compared as a set
// of rows.
func (c *comparer) sheet(sheet string, isTable bool, say catalogue) error {
	before := c.Comparison
	before.Differences, before.Filled = append([]Difference(nil), c.Differences...),
		append([]Difference(nil), c.Filled...)
	if err := c.inOrder(sheet, isTable, say); err != nil {
		return err
	}
	if !isTable || len(c.Differences)+c.Omitted == len(before.Differences)+before.Omitted {
		return nil
	}
	sorted, err := c.sameRows(sheet, say)
	if err == nil && sorted {
		cells := c.Cells
		c.Comparison = before
		c.Cells = cells
	}
	return err
}

// forPeople are the keys of the columns that people fill in.
var forPeople = map[string]bool{"owner": true, "due_date": true, "accepted_until": true, "comment": true}

// filledColumns are the positions of those columns, by the header of the table.
func filledColumns(header []string, say catalogue) map[int]bool {
	filled := map[int]bool{}
	for key := range forPeople {
		for i, head := range header {
			if head == say.Columns[key].label() {
				filled[i] = true
			}
		}
	}
	return filled
}

// rows walks the rows of both workbooks in step; a row that one of them lacks is nil.
func (c *comparer) rows(sheet string, row func(n int, have, want []string)) error {
	have, err := c.have.Rows(sheet)
	if err != nil {
		return err
	}
	defer have.Close()
	want, err := c.want.Rows(sheet)
	if err != nil {
		return err
	}
	defer want.Close()
	next := func(rows *excelize.Rows) ([]string, bool, error) {
		if !rows.Next() {
			return nil, false, rows.Error()
		}
		cells, err := rows.Columns(excelize.Options{RawCellValue: true})
		return cells, true, err
	}
	for n := 1; ; n++ {
		mine, more, err := next(have)
		if err != nil {
			return err
		}
		theirs, also, err := next(want)
		if err != nil {
			return err
		}
		if !more && !also {
			return nil
		}
		row(n, mine, theirs)
	}
}

func (c *comparer) inOrder(sheet string, isTable bool, say catalogue) error {
	filled, columns := map[int]bool{}, 0
	return c.rows(sheet, func(n int, have, want []string) {
		if isTable && n == firstRow-1 {
			filled, columns = filledColumns(want, say), len(want)
		}
		for col := range max(len(have), len(want)) {
			h, w := at(have, col), at(want, col)
			c.Cells++
			if sameValue(h, w) {
				continue
			}
			d := Difference{sheet, cellName(col+1, n), h, w}
			if w == "" && col >= columns || filled[col] && n >= firstRow {
				c.Filled = append(c.Filled, d)
				continue
			}
			c.differs(d)
		}
	})
}

// sameRows reports whether the data rows of a table are the same, in whatever order, but for the
// columns that people fill in.
func (c *comparer) sameRows(sheet string, say catalogue) (bool, error) {
	counts := map[uint64]int{} // of a row: how many more times one workbook has it
	filled := map[int]bool{}
	same := true
	err := c.rows(sheet, func(n int, have, want []string) {
		if n < firstRow {
			if n == firstRow-1 {
				filled = filledColumns(want, say)
			}
			for col := range max(len(have), len(want)) {
				same = same && sameValue(at(have, col), at(want, col))
			}
			return
		}
		counts[c.hash(have, filled)]++
		counts[c.hash(want, filled)]--
	})
	for _, n := range counts {
		same = same && n == 0
	}
	return same, err
}

func (c *comparer) hash(row []string, filled map[int]bool) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	last := len(row)
	for last > 0 && row[last-1] == "" {
		last--
	}
	for i, cell := range row[:last] {
		if !filled[i] {
			h.WriteString(normal(cell))
		}
		h.WriteByte(0)
	}
	return h.Sum64()
}

func at(row []string, col int) string {
	if col < len(row) {
		return row[col]
	}
	return ""
}

// sameValue compares what two programs wrote of one value: they round numbers and end lines
// differently.
func sameValue(a, b string) bool { return a == b || normal(a) == normal(b) }

func normal(cell string) string {
	if n, err := strconv.ParseFloat(cell, 64); err == nil && strings.ContainsAny(cell, ".eE") && !math.IsInf(n, 0) &&
		!math.IsNaN(n) {
		return strconv.FormatFloat(math.Round(n*1e6)/1e6, 'f', -1, 64) // a tenth of a second
	}
	return strings.ReplaceAll(cell, "\r\n", "\n")
}
