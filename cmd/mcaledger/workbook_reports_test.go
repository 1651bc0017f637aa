package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// report makes a workbook of the newest runs and compares all of it, and the other formats.
func (s *session) report(name string, code int) edition {
	path := s.file(name + ".xlsx")
	s.quality = code
	s.does(code, "report", "--out", path)
	e := edition{openWorkbook(s.T, path), s.view()}
	e.path = name
	s.books = append(s.books, e)
	s.sub(name, func(t *testing.T) {
		t.Helper()
		digest, tables := sha256.New(), s.json(t, e, name)
		for _, sheet := range dataSheets {
			s.sub(sheet.name, func(t *testing.T) {
				t.Helper()
				rows := e.compare(t, e.view, sheet.name, sheet.keys, sheet.wants(e.view))
				e.order(t, sheet.name, rows)
				table := s.csv(t, name, sheet.name, digest)
				compareTexts(t, "CSV", sheet.name, rows, table, neutral)
				compareTexts(t, "JSON", sheet.name, rows, tables[sheet.key()], func(text string) string { return text })
			})
		}
		assert.Equal(t, fmt.Sprintf("%x", digest.Sum(nil)), e.digest(t), "the sum on About is that of the CSV files")
		t.Run("verdict", func(t *testing.T) { e.verdict(t, e.view) })
		t.Run("Summary", func(t *testing.T) { e.summary(t, e.view) })
		t.Run("About", func(t *testing.T) { e.about(t, e.view) })
	})
	return e
}

// csv is a sheet as CSV, its head apart.
func (s *session) csv(t *testing.T, name, sheet string, digest io.Writer) [][]string {
	t.Helper()
	path := s.file(name + "." + sheet + ".csv")
	s.does(s.quality, "report", "--format", "csv", "--sheet", sheet, "--out", path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	_, _ = digest.Write(text) // a hash takes everything
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, keys(sheet), rows[0])
	return rows[1:]
}

// json are all sheets as JSON, with the values as texts.
func (s *session) json(t *testing.T, e edition, name string) map[string][][]string {
	t.Helper()
	path := s.file(name + ".json")
	s.does(s.quality, "report", "--format", "json", "--out", path)
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var found struct{ Sheets map[string][]map[string]any }
	decoder := json.NewDecoder(file)
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

// compareTexts holds another format against the rows of the workbook.
func compareTexts(t *testing.T, format, sheet string, want [][]any, got [][]string, spelt func(string) string) {
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

// again makes the workbook of an earlier run once more, by the run of each partner: every sheet is
// as it was, and so is the sum.
func (s *session) again(t *testing.T, code int, then edition) {
	t.Helper()
	for _, p := range then.partners {
		path := s.file(then.path + " again.xlsx")
		s.does(code, "report", "--run", strconv.Itoa(p.run.number("id")), "--out", path)
		now := openWorkbook(t, path)
		for sheet, rows := range then.rows {
			if sheet != "About" { // which says when it was made
				assert.Empty(t, firstDifference(rows, now.rows[sheet]), "%s, by run %d of %s", sheet,
					p.run.number("id"), p.name)
			}
		}
		assert.Equal(t, then.digest(t), now.digest(t), "the sum, by run %d of %s", p.run.number("id"), p.name)
		now.about(t, then.view)
	}
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

// unreported makes a report of sweeps that no workbook ever showed: of customers it says what was
// known when they ended.
func (s *session) unreported(t *testing.T, v view) {
	t.Helper()
	path := s.file("unreported.xlsx")
	s.does(exitDone, "report", "--run", strconv.Itoa(v.partners[0].run.number("id")), "--out", path)
	b := openWorkbook(t, path)
	b.compare(t, v, "Customers", []int{2, 15}, v.everyone())
	b.compare(t, v, "Changes", []int{2, 10}, v.changes())
	b.compare(t, v, "Could not be read", []int{2, 11}, v.unread())
}

// against counts changes from runs that are not neighbours: of the newest run, and of a past one.
func (s *session) against(t *testing.T) {
	t.Helper()
	first := s.books[0].partners[0].run
	for _, then := range []edition{s.books[1], s.books[2], s.books[3]} {
		v := then.view
		v.partners = slices.Clone(v.partners)
		v.partners[0].against = first
		path := s.file("against.xlsx")
		s.does(exitDone, "report", "--run", strconv.Itoa(v.partners[0].run.number("id")), "--against",
			strconv.Itoa(first.number("id")), "--out", path)
		b := openWorkbook(t, path)
		b.compare(t, v, "Changes", []int{2, 10}, v.changes())
		b.compare(t, v, "Customers", []int{2, 15}, v.everyone())
		b.about(t, v)
		for _, row := range b.data("Checks") {
			assert.NotEqual(t, "FAILED", cell(row, 0), "%q", row)
		}
	}
}
