package reports

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	type found struct {
		differences, filled int
		sameDigest          bool
	}
	for name, c := range map[string]struct {
		language string
		edit     func(t *testing.T, f *excelize.File)
		ledger   func(source memorySource)
		want     found
	}{
		"as it was written":                      {"en", nil, nil, found{0, 0, true}},
		"as it was written, in another language": {"pt-BR", nil, nil, found{0, 0, true}},
		"saved again":                            {"en", func(*testing.T, *excelize.File) {}, nil, found{0, 0, true}},
		"signed, with a date": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			at, err := f.SearchSheet("About", "Prepared by")
			require.NoError(t, err)
			_, row, err := excelize.CellNameToCoordinates(at[0])
			require.NoError(t, err)
			require.NoError(t, f.SetCellStr("About", cellName(2, row), "Ana Souza"))
			require.NoError(t, f.SetCellStr("About", cellName(9, row), "2026-11-23"))
		}, nil, found{0, 2, true}},
		"filled in for an import": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			require.NoError(t, f.SetCellStr("Blocked", "N7", "Bea"))
			require.NoError(t, f.SetCellStr("Blocked", "Q7", "they sign"))
		}, nil, found{0, 2, true}},
		"a note beside a table": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			require.NoError(t, f.SetCellStr("Changes", "N4", "called them"))
		}, nil, found{0, 1, true}},
		"a status was changed": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			require.NoError(t, f.SetCellStr("Customers", "A8", "Clear"))
		}, nil, found{1, 0, true}},
		"a number on the summary was changed": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			require.NoError(t, f.SetCellInt("Summary", "A7", 0))
		}, nil, found{1, 0, true}},
		"an empty date was filled": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			require.NoError(t, f.SetCellStr("Blocked", "S5", "2026-01-01"))
		}, nil, found{1, 0, true}},
		"a sheet was removed": {"en",
			func(t *testing.T, f *excelize.File) {
				t.Helper()
				require.NoError(t, f.DeleteSheet("Checks"))
			}, nil,
			found{1, 0, true}},
		"rows were sorted": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			swapRows(t, f, "Changes", 4, 6)
		}, nil,
			found{0, 0, true}},
		"rows were sorted and one was changed": {"en", func(t *testing.T, f *excelize.File) {
			t.Helper()
			swapRows(t, f, "Changes", 4, 6)
			require.NoError(t, f.SetCellStr("Changes", "A5", "Gone"))
		}, nil, found{10, 0, true}},
		"the ledger was changed": {"en", nil,
			func(source memorySource) { source.records[brazil.ID][0].Name = "Changed GmbH" }, found{5, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book, source := usual()
			book.Language = c.language
			path := filepath.Join(t.TempDir(), "book.xlsx")
			file, err := os.Create(path)
			require.NoError(t, err)
			_, err = Write(t.Context(), file, book, source)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			request, digest, err := ReadRequest(path)
			require.NoError(t, err)
			assert.Equal(t, book.AsOf, request.AsOf)
			assert.Equal(t, []string{c.language, "America/Sao_Paulo", "1.0.0"},
				[]string{request.Language, request.TimeZone, request.Version})
			assert.Equal(t, []RequestPartner{{brazil.ID, "contoso-br", 12, 11}, {europe.ID, "contoso-eu", 1, 0}},
				request.Partners)
			if c.edit != nil {
				f, err := excelize.OpenFile(path)
				require.NoError(t, err)
				c.edit(t, f)
				require.NoError(t, f.Save())
				require.NoError(t, f.Close())
			}
			if c.ledger != nil {
				c.ledger(source)
			}
			got, err := Compare(t.Context(), path, digest, book, source)
			require.NoError(t, err)
			assert.Equal(t, c.want.filled, len(got.Filled), "%v", got.Filled)
			assert.Equal(t, c.want.sameDigest, got.SameDigest)
			assert.Greater(t, got.Cells, 1000)
			if c.want.differences > 1 {
				assert.GreaterOrEqual(t, len(got.Differences), 2, "%v", got.Differences)
			} else {
				assert.Equal(t, c.want.differences, len(got.Differences), "%v", got.Differences)
			}
			assert.Equal(t, c.want.differences == 0 && c.want.sameDigest, got.Matches())
		})
	}
}

// swapRows exchanges two rows of a sheet.
func swapRows(t *testing.T, f *excelize.File, sheet string, a, b int) {
	t.Helper()
	rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
	require.NoError(t, err)
	width := max(len(rows[a-1]), len(rows[b-1]))
	for col := range width {
		for _, move := range []struct{ from, to int }{{a, b}, {b, a}} {
			to := cellName(col+1, move.to)
			value := at(rows[move.from-1], col)
			require.NoError(t, f.SetCellStr(sheet, to, value))
		}
	}
}

func TestAWorkbookThatDoesNotSayWhatItShowsCannotBeCompared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "book.xlsx")
	require.NoError(t, excelize.NewFile().SaveAs(path))
	_, _, err := ReadRequest(path)
	require.ErrorContains(t, err, "does not say what it shows")
	require.NoError(t, os.WriteFile(path, []byte("a,b\n"), 0o600))
	_, _, err = ReadRequest(path)
	require.ErrorContains(t, err, "is not a workbook")
}
