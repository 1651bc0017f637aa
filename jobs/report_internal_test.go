package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/reports"
)

// workbook writes a workbook as a report does.
func workbook(t *testing.T, path string) {
	t.Helper()
	frame := excelize.NewFile()
	require.NoError(t, xlsx.SetProperties(frame))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := xlsx.NewWriter(file, frame)
	require.NoError(t, err)
	require.NoError(t, w.Start(xlsx.LateParts()...))
	require.NoError(t, w.WriteProperties(xlsx.Properties{Program: "mcaledger"}))
	require.NoError(t, w.Close())
	require.NoError(t, file.Close())
}

// sign puts a name on a workbook, as a person does who opens and saves it.
func sign(t *testing.T, path string) {
	t.Helper()
	f, err := excelize.OpenFile(path)
	require.NoError(t, err)
	require.NoError(t, f.SetCellStr("Sheet1", "B2", "Ana Souza"))
	require.NoError(t, f.Save())
	require.NoError(t, f.Close())
}

func names(t *testing.T, folder string) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	return left
}

func TestKeepNewestTakesTheOldestUntouchedWorkbooksAndNothingElse(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"2026-11-20.xlsx", "2026-11-21.xlsx", "2026-11-22.xlsx", "2025-12-31.xlsx",
		"2025-12-30.xlsx", "2025-12-29 (2).xlsx", "2025-12-28.xlsx", "budget.xlsx", "2024-01-01 signed.xlsx",
		"2024-13-01.xlsx", "~$2020-01-01.xlsx", "2020-01-02.xlsx"} {
		workbook(t, filepath.Join(folder, name))
	}
	sign(t, filepath.Join(folder, "2025-12-30.xlsx"))
	require.NoError(t, os.Chmod(filepath.Join(folder, "2025-12-28.xlsx"), 0o440))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "2020-01-02.xlsx"), []byte("somebody's own notes"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "2020-01-02.blocked.csv"), nil, 0o600))
	newest := filepath.Join(folder, "2026-11-22.xlsx")
	workbooks := Report{Format: "xlsx", Keep: 2}
	require.NoError(t, workbooks.keepNewest(t.Context(), newest))
	require.NoError(t, workbooks.keepNewest(t.Context(), newest))
	tables := Report{Format: "csv", Sheets: []string{"blocked"}, Keep: 1}
	require.NoError(t, tables.keepNewest(t.Context(), filepath.Join(folder, "2026-11-22.blocked.csv")))
	require.Equal(t, []string{"2020-01-02.blocked.csv", "2020-01-02.xlsx", "2024-01-01 signed.xlsx", "2024-13-01.xlsx",
		"2025-12-28.xlsx", "2025-12-30.xlsx", "2026-11-21.xlsx", "2026-11-22.xlsx", "budget.xlsx",
		"~$2020-01-01.xlsx"}, names(t, folder))
}

func TestAWorkbookThatSomebodyChangedIsNotReplaced(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "2026-11-22.xlsx")
	job := Report{Out: path, Format: "xlsx"}
	target := func() (string, string) {
		got, kept, err := job.target(t.Context())
		require.NoError(t, err)
		return filepath.Base(got), kept
	}
	got, kept := target()
	require.Equal(t, []string{"2026-11-22.xlsx", ""}, []string{got, kept}, "nothing is there")
	workbook(t, path)
	got, kept = target()
	require.Equal(t, []string{"2026-11-22.xlsx", ""}, []string{got, kept}, "nobody changed it")
	sign(t, path)
	got, kept = target()
	require.Equal(t, []string{"2026-11-22 (2).xlsx", path}, []string{got, kept})
	workbook(t, filepath.Join(folder, got))
	got, _ = target()
	require.Equal(t, "2026-11-22 (2).xlsx", got, "nobody changed the second one")
	sign(t, filepath.Join(folder, got))
	got, _ = target()
	require.Equal(t, "2026-11-22 (3).xlsx", got)
	job.Format = "csv"
	got, kept = target()
	require.Equal(t, []string{"2026-11-22.xlsx", ""}, []string{got, kept}, "other formats are for machines")
}

// Other processes may write to the ledger while a report is read: it is written again, and not for
// ever.
func TestReportIsWrittenAgainWhenTheLedgerChanged(t *testing.T) {
	t.Parallel()
	changed, full := fmt.Errorf("sheet events: %w", reports.ErrLedgerChanged), errors.New("disk full")
	for name, c := range map[string]struct {
		errors []error
		tries  int
		fails  error
	}{
		"at once":            {[]error{nil}, 1, nil},
		"changed once":       {[]error{changed, nil}, 2, nil},
		"changed for ever":   {[]error{changed, changed, changed, changed, changed}, reportTries, changed},
		"another error":      {[]error{full}, 1, full},
		"changed, then full": {[]error{changed, full}, 2, full},
	} {
		tries := 0
		err := tryAgain(func() error { tries++; return c.errors[tries-1] })
		require.Equal(t, c.tries, tries, name)
		require.Equal(t, c.fails, err, name)
	}
}
