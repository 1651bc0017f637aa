package jobs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeepNewestTakesTheOldestWorkbooksAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"2026-11-20.xlsx", "2026-11-21.xlsx", "2026-11-22.xlsx", "2025-12-31.xlsx", "budget.xlsx", "2024-01-01 signed.xlsx", "2024-13-01.xlsx", "~$2020-01-01.xlsx"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	newest := filepath.Join(folder, "2026-11-22.xlsx")
	require.NoError(t, keepNewest(newest, ".xlsx", 2))
	require.NoError(t, keepNewest(newest, ".xlsx", 2))
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	require.Equal(t, []string{"2024-01-01 signed.xlsx", "2024-13-01.xlsx", "2026-11-21.xlsx", "2026-11-22.xlsx", "budget.xlsx", "~$2020-01-01.xlsx"}, left)
}
