// Package workbookaudit is for tests: it computes every cell of a workbook again, from the tables
// of the database alone. What a column means is taken from the data dictionary on the workbook's
// own sheet About and from the comments of the schema; no statement and no function of the report
// is used.
//
// Order is compared where it is documented: columns, partners (as configured), and customers by
// name_sort. Where it is not (the resellers, customers of one name_sort), rows are matched by what
// names them.
package workbookaudit

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Edition is a workbook with what the tables said when it was made.
type Edition struct {
	Name string
	workbook
	View
}

// Open reads a workbook that shows what the view says.
func Open(t testing.TB, path, name string, v View) Edition {
	t.Helper()
	return Edition{name, openWorkbook(t, path), v}
}

// Formats are the same report in other formats.
type Formats struct {
	JSON []byte
	CSV  func(t *testing.T, sheet string) []byte
}

// Audit compares all of a workbook, and the same report in other formats if there are any.
func (e Edition) Audit(t *testing.T, other *Formats) {
	t.Helper()
	rows := map[string][][]any{}
	for _, sheet := range dataSheets {
		t.Run(sheet.name, func(t *testing.T) {
			rows[sheet.name] = e.compare(t, e.View, sheet.name, sheet.keys, sheet.wants(e.View))
			e.order(t, sheet.name, rows[sheet.name])
		})
	}
	t.Run("verdict", func(t *testing.T) { e.verdict(t, e.View) })
	t.Run("Summary", func(t *testing.T) { e.summary(t, e.View) })
	t.Run("About", func(t *testing.T) { e.about(t, e.View) })
	if other != nil {
		e.formats(t, rows, *other)
	}
}

// formats compares CSV and JSON with the rows of a workbook.
func (e Edition) formats(t *testing.T, rows map[string][][]any, other Formats) {
	t.Helper()
	digest, tables := sha256.New(), readJSON(t, other.JSON)
	for _, sheet := range dataSheets {
		t.Run(sheet.name+" as CSV and JSON", func(t *testing.T) {
			text := other.CSV(t, sheet.name)
			_, _ = digest.Write(text) // a hash takes everything
			compareTexts(t, "CSV", sheet.name, rows[sheet.name], readCSV(t, sheet.name, text), neutral)
			compareTexts(t, "JSON", sheet.name, rows[sheet.name], tables[sheet.key()],
				func(text string) string { return text })
		})
	}
	assert.Equal(t, fmt.Sprintf("%x", digest.Sum(nil)), e.digest(t), "the sum on About is that of the CSV files")
}

// AuditCustomers compares the sheets whose rows are customers as a run left them.
func (e Edition) AuditCustomers(t testing.TB) {
	t.Helper()
	e.customers(t, e.shownSteps)
}

func (e Edition) customers(t testing.TB, known func(changes [][]any)) {
	t.Helper()
	for _, sheet := range dataSheets {
		switch sheet.name {
		case "Customers", "Changes", "Could not be read":
			rows := sheet.wants(e.View)
			if sheet.name == "Changes" {
				known(rows)
			}
			e.compare(t, e.View, sheet.name, sheet.keys, rows)
		}
	}
}

// shownSteps takes the next steps of customers with attestations from the workbook: what had become
// of the attestations by the end of the run, a view does not know.
func (e Edition) shownSteps(changes [][]any) {
	for _, row := range changes {
		attested := slices.ContainsFunc(e.attestations,
			func(a record) bool { return strings.EqualFold(a.text("customer_id"), row[10].(string)) })
		for _, shown := range e.data("Changes") {
			if attested && cell(shown, 2) == row[2] && cell(shown, 10) == row[10] {
				row[9] = cell(shown, 9)
			}
		}
	}
}

// AuditChanges compares what depends on the run that changes are counted from.
func (e Edition) AuditChanges(t testing.TB) {
	t.Helper()
	e.customers(t, func([][]any) {})
	e.about(t, e.View)
	for _, row := range e.data("Checks") {
		assert.NotEqual(t, "FAILED", cell(row, 0), "%q", row)
	}
}

// Same demands that the report of the same runs, made again, is equal but for About, which says
// when it was made.
func (e Edition) Same(t testing.TB, again Edition) {
	t.Helper()
	for sheet, rows := range e.rows {
		if sheet != "About" {
			assert.Empty(t, firstDifference(rows, again.rows[sheet]), "%s of %s", sheet, again.Name)
		}
	}
	assert.Equal(t, e.digest(t), again.digest(t), "the sum of %s", again.Name)
	again.about(t, e.View)
}

// Words are the codes that a workbook shows, by kind.
func (e Edition) Words() map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for kind, column := range map[string]struct {
		rows [][]any
		at   int
	}{"states": {e.attested(), 3}, "reasons": {e.everyone(), 3}, "changes": {e.changes(), 0},
		"answers": {e.invited(), 0}} {
		found[kind] = map[string]bool{}
		for _, row := range column.rows {
			found[kind][plain(row[column.at])] = true
		}
	}
	return found
}

// readCSV reads a sheet as CSV, without its header.
func readCSV(t testing.TB, sheet string, text []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, keys(sheet), rows[0])
	return rows[1:]
}

// readJSON reads all sheets, with the values as texts, by the sheets' keys.
func readJSON(t testing.TB, text []byte) map[string][][]string {
	t.Helper()
	var found struct{ Sheets map[string][]map[string]any }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&found))
	tables := map[string][][]string{}
	for sheet, rows := range found.Sheets {
		head := keys(sheetNamed(sheet))
		for _, row := range rows {
			assert.Len(t, row, len(head))
			var texts []string
			for _, column := range head {
				value, there := row[column]
				assert.True(t, there, "%s has no %s", sheet, column)
				texts = append(texts, plain(value))
			}
			tables[sheet] = append(tables[sheet], texts)
		}
	}
	return tables
}

// compareTexts compares another format with the rows of the workbook.
func compareTexts(t testing.TB, format, sheet string, want [][]any, got [][]string, spelt func(string) string) {
	t.Helper()
	if !assert.Len(t, got, len(want), "%s of %s", format, sheet) {
		return
	}
	for i := range want {
		var texts []string
		for column, c := range want[i] {
			if columns[sheet][column].key == "" {
				continue // in the workbook only
			}
			text := plain(c)
			if _, isText := c.(string); isText {
				text = spelt(text)
			}
			texts = append(texts, text)
		}
		if !assert.Equal(t, texts, got[i], "%s of %s, row %d", format, sheet, i+1) {
			return
		}
	}
}

// neutral is a text as CSV has it: no formula for a reader that is a spreadsheet. Go's own reader
// makes one character of a line's two-character end.
func neutral(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// firstDifference names the first cell that two sheets do not have in common.
func firstDifference(then, now [][]string) string {
	for i := range max(len(then), len(now)) {
		if i >= len(then) || i >= len(now) {
			return fmt.Sprintf("%d rows then, %d now", len(then), len(now))
		}
		for column := range max(len(then[i]), len(now[i])) {
			if was, is := cell(then[i], column), cell(now[i], column); was != is {
				return fmt.Sprintf("row %d, column %d: %q then, %q now", i+1, column+1, was, is)
			}
		}
	}
	return ""
}
