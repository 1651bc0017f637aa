package intake

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"
)

func results(rows ...Result) func(yield func(Result, error) bool) {
	return func(yield func(Result, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestResultsOfACSV(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, WriteResults(&b, Format{Kind: CSV, Delimiter: ";"}, []string{"E-mail", "Telefone", "Nota"},
		results(
			Result{[]string{"ana@contoso.com", "+5511987654321", "=1+1"}, "queued", "", "", "01J9Z"},
			Result{[]string{"bob"}, "refused", "bad_email", "Write it; so", ""},
			Result{[]string{"c@x.com", "", "a\nb", "too", "many"}, "refused", "too_many_cells", "", ""},
			Result{Cells: []string{""}},
		)))
	require.Equal(t, "\ufeffE-mail;Telefone;Nota;result;reason;hint;attestation_id\n"+
		"ana@contoso.com;+5511987654321;=1+1;queued;;;01J9Z\n"+
		"bob;;;refused;bad_email;\"Write it; so\";\n"+
		"c@x.com;;\"a\nb\";refused;too_many_cells;;;too;many\n"+
		";;;;;;\n", b.String())
}

func TestResultsOfAnEarlierRoundAreReplaced(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	header := []string{"E-mail", "result", "reason", "hint", "attestation_id", "Nota"}
	require.NoError(t, WriteResults(&b, Format{Kind: CSV}, header,
		results(Result{[]string{"a@x.com", "refused", "old", "old", "", "n"}, "queued", "", "", "01J9Z"})))
	require.Equal(t, "\ufeffE-mail,Nota,result,reason,hint,attestation_id\na@x.com,n,queued,,,01J9Z\n", b.String())

	b.Reset()
	require.NoError(t, WriteRefused(&b, Format{Kind: CSV}, header, func(yield func([]string, error) bool) {
		yield([]string{"a@x.com", "refused", "old", "old", "", "n"}, nil)
	}))
	require.Equal(t, "\ufeffE-mail,Nota\na@x.com,n\n", b.String())
}

func TestAnErrorOfTheRowsEndsTheFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the ledger is away")
	for _, kind := range []Kind{CSV, XLSX} {
		require.ErrorIs(t, WriteResults(&bytes.Buffer{}, Format{Kind: kind}, []string{"a"},
			func(yield func(Result, error) bool) { yield(Result{}, broken) }), broken)
		require.ErrorIs(t, WriteRefused(&bytes.Buffer{}, Format{Kind: kind}, []string{"a"},
			func(yield func([]string, error) bool) { yield(nil, broken) }), broken)
		require.ErrorIs(t, WriteResults(fullDisk{broken}, Format{Kind: kind}, []string{"a"}, results(Result{})), broken)
	}
}

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }

// What is written is read again cell for cell, in both formats.
func TestResultsAreReadAgainAsTheyWere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		format := Format{Kind: rapid.SampledFrom([]Kind{CSV, XLSX}).Draw(t, "kind"),
			Delimiter: string(rapid.SampledFrom(delimiters).Draw(t, "delimiter"))}
		hostile := rapid.SampledFrom([]string{"a", `"`, ",", ";", "|", "\t", "\n", "\r", "<b>", "&amp;", "_x0041_",
			"_x", "\x01", "=1+1", "+55", "-", "@", "é", "😀", "]]>", " ", "\u00a0"})
		cell := rapid.Map(rapid.SliceOfN(hostile, 0, 6), func(parts []string) string { return strings.Join(parts, "") })
		header := []string{"x", "tenant id", "first name", "last name", "e-mail", "date agreed", "y"}
		var rows []Result
		for _, n := range rapid.SliceOfN(rapid.SliceOfN(cell, 2, 4), 1, 20).Draw(t, "cells") {
			cells := append([]string{n[0]}, strings.Split(aRow, ",")...)
			rows = append(rows, Result{append(cells, n[1:]...), "refused", "why " + n[0], "mend " + n[1], ""})
		}
		path := filepath.Join(dir, "results")
		file, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, WriteResults(file, format, header, results(rows...)))
		require.NoError(t, file.Close())

		f, err := Open(path, Options{AsOf: asOf})
		require.NoError(t, err)
		defer f.Close()
		require.Equal(t, append(header, "result", "reason", "hint", "attestation_id"), f.Header())
		read, err := collected(f.Rows())
		require.NoError(t, err)
		require.Len(t, read, len(rows))
		for i, row := range read {
			require.Equal(t, withoutEmptyEnd(rows[i].Cells), withoutEmptyEnd(without(row.Cells, []int{7, 8, 9, 10})))
			require.Equal(t, []string{rows[i].Result, rows[i].Reason, rows[i].Hint}, row.Cells[7:10])
			if format.Kind == XLSX {
				require.Equal(t, i+2, row.Line)
			}
		}
	})
}

// A library that others use reads our workbooks too, and finds texts in them, not numbers or
// formulas.
func TestOthersReadOurWorkbooks(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, WriteResults(&b, Format{Kind: XLSX}, []string{"E-mail", "Phone"}, results(
		Result{[]string{"ana@contoso.com", "+5511987654321"}, "queued", "", "", "01J9Z"},
		Result{[]string{"=1+1", "a\r\nb <&> _x000D_ \x01"}, "refused", "formula", "Copy it as a value", ""},
	)))
	f, err := excelize.OpenReader(&b)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, []string{"Attestations"}, f.GetSheetList())
	rows, err := f.GetRows("Attestations")
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"E-mail", "Phone", "result", "reason", "hint", "attestation_id"},
		{"ana@contoso.com", "+5511987654321", "queued", "", "", "01J9Z"},
		{"=1+1", "a\r\nb <&> _x000D_ \x01", "refused", "formula", "Copy it as a value"},
	}, rows)
	kind, err := f.GetCellType("Attestations", "B2")
	require.NoError(t, err)
	require.Equal(t, excelize.CellTypeInlineString, kind)
}

func TestCorrectableRowsKeepTheirDates(t *testing.T) {
	t.Parallel()
	correctable := Correctable([]string{"Phone", "Date agreed"})
	require.Equal(t, []string{"x", "2026-04-03"}, correctable([]string{"x", "03/04/2026"}, "2026-04-03"))
	require.Equal(t, []string{"x", "03/04/2026"}, correctable([]string{"x", "03/04/2026"}, ""),
		"what was not understood stays")
	require.Equal(t, []string{"x", "2026-04-03T10:00:00Z"}, correctable([]string{"x", "2026-04-03T10:00:00Z"},
		"2026-04-03"))
	require.Equal(t, []string{"x"}, correctable([]string{"x"}, "2026-04-03"))
}
