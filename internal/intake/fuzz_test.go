package intake

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRows holds for every file, however broken: nothing panics, every line of it is in exactly one
// row, every row is good, refused or no row, and good rows are what they should be. The result file
// has the same cells and verdicts again, and the refused rows are refused again for the same
// reasons.
func FuzzRows(f *testing.F) {
	for _, path := range corpusFiles(f) {
		content, err := os.ReadFile(path)
		require.NoError(f, err)
		// Mutating big files finds nothing and takes all the time.
		if len(content) < 16<<10 {
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "upload")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		options := Options{AsOf: asOf, Limits: Limits{UnzippedBytes: 8 << 20, RowBytes: 64 << 10}}
		file, err := Open(path, options)
		if err != nil {
			isFileError(t, err)
			return
		}
		defer file.Close()
		rows, err := collected(file.Rows())
		if err != nil {
			isFileError(t, err)
			return
		}
		for i, row := range rows {
			accounted(t, row)
			if file.Format().Kind == CSV && i+1 < len(rows) {
				require.Equal(t, rows[i+1].Line, row.Line+lines(row.Cells), "lines between rows are lost")
			}
		}
		if file.Format().Kind == CSV {
			writtenAndReadAgain(t, file, rows, options)
		}
	})
}

func isFileError(t *testing.T, err error) {
	t.Helper()
	wrong, ok := errors.AsType[*FileError](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, wrong.Message)
	require.NotEmpty(t, wrong.Hint)
}

// accounted checks that a row is exactly one thing, and a good one in order.
func accounted(t *testing.T, row Row) {
	t.Helper()
	if row.Skip != "" {
		require.Empty(t, row.Refusals)
		return
	}
	for _, r := range row.Refusals {
		require.Equal(t, row.Line, r.Line)
		require.NotEmpty(t, r.Reason)
		require.NotEmpty(t, r.Message)
		require.NotEmpty(t, r.Hint)
		require.LessOrEqual(t, len(r.Value), 4*shown+len("…"))
	}
	if len(row.Refusals) > 0 {
		return
	}
	r := row.Record
	require.True(t, isGUID(r.TenantID) || r.TenantID == "" && isDomain(r.Domain), "%+v", r)
	require.True(t, isEmail(r.Email), "%q", r.Email)
	require.True(t, r.Phone == "" || isE164(r.Phone), "%q", r.Phone)
	require.True(t, r.DateAgreed >= "2015-01-01" && r.DateAgreed <= "2026-11-23", "%q", r.DateAgreed)
	require.Equal(t, r.DateAgreed == "2026-11-23", r.Held)
	for _, name := range []string{r.FirstName, r.LastName} {
		require.NotEmpty(t, name)
		require.NotContains(t, name, "@")
		require.NotContains(t, name, "\uFFFD")
	}
}

// lines is how many lines of a file a record takes.
func lines(cells []string) int {
	n := 1
	for _, cell := range cells {
		n += strings.Count(cell, "\n") + strings.Count(cell, "\r") - strings.Count(cell, "\r\n")
	}
	return n
}

// writtenAndReadAgain writes a file's results and its refused rows, and reads both.
func writtenAndReadAgain(t *testing.T, file *File, rows []Row, options Options) {
	t.Helper()
	var results, refused bytes.Buffer
	require.NoError(t, WriteResults(&results, file.Format(), file.Header(), func(yield func(Result, error) bool) {
		for _, row := range rows {
			if !yield(Result{row.Cells, "refused", "because", "mend it", ""}, nil) {
				return
			}
		}
	}))
	again, ok := readAgain(t, results.Bytes(), options)
	require.True(t, ok)
	require.Len(t, again, len(rows))
	earlier := resultColumns(file.Header())
	for i, row := range rows {
		require.Equal(t, withoutEmptyEnd(without(row.Cells, earlier)),
			withoutEmptyEnd(without(again[i].Cells, ours(file.Header()))), "row %d", i)
		if !brokenSyntax(row) {
			require.Equal(t, row.Skip, again[i].Skip)
			require.Equal(t, reasons(row), reasons(again[i]))
		}
	}

	bad := slices.DeleteFunc(slices.Clone(rows), func(row Row) bool { return len(row.Refusals) == 0 })
	if len(bad) == 0 {
		return
	}
	correctable := Correctable(file.Header())
	require.NoError(t, WriteRefused(&refused, file.Format(), file.Header(), func(yield func([]string, error) bool) {
		for _, row := range bad {
			if !yield(correctable(row.Cells, row.Record.DateAgreed), nil) {
				return
			}
		}
	}))
	again, ok = readAgain(t, refused.Bytes(), options)
	require.True(t, ok)
	require.Len(t, again, len(bad))
	for i, row := range bad {
		if !brokenSyntax(row) {
			require.Equal(t, reasons(row), reasons(again[i]))
		}
	}
}

// ours are the positions of the result columns in the file that is written for a header.
func ours(header []string) []int {
	n := len(without(header, resultColumns(header)))
	return []int{n, n + 1, n + 2, n + 3}
}

func withoutEmptyEnd(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return slices.Clone(cells)
}

// brokenSyntax reports whether a row was refused for the way in which the CSV was written, which
// writing it again mends.
func brokenSyntax(row Row) bool { return row.refusedFor(StrayQuote) || row.refusedFor(CutOff) }

// reasons are the refusals of a row as far as they do not depend on its place.
func reasons(row Row) []string {
	var all []string
	for _, r := range row.Refusals {
		all = append(all, string(r.Reason)+" "+r.Column)
	}
	return all
}

func readAgain(t *testing.T, content []byte, options Options) ([]Row, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "again")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	file, err := Open(path, options)
	if wrong, ok := errors.AsType[*FileError](err); ok && wrong.Code == NoRows {
		return nil, true
	}
	require.NoError(t, err, "%q", content)
	defer file.Close()
	rows, err := collected(file.Rows())
	require.NoError(t, err)
	return rows, true
}

func collected(rows iter.Seq2[Row, error]) ([]Row, error) {
	var all []Row
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}
