package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
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

func TestReplaceKeepsALinkAndLeavesWhatIsNoFileAlone(t *testing.T) {
	folder := t.TempDir()
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }
	require.NoError(t, os.Symlink("real.xlsx", filepath.Join(folder, "link.xlsx")))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "real.xlsx"), nil, 0o600))
	require.NoError(t, replace(filepath.Join(folder, "link.xlsx"), hello))
	written, err := os.ReadFile(filepath.Join(folder, "real.xlsx"))
	require.NoError(t, err)
	require.Equal(t, "hello", string(written))

	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o600))
	require.ErrorContains(t, replace(filepath.Join(folder, "fifo"), hello), "not a file")
	require.ErrorContains(t, replace(folder, hello), "not a file")

	full := errors.New("full disk")
	require.ErrorIs(t, replace(filepath.Join(folder, "real.xlsx"), func(io.Writer) error { return full }), full)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 3, "no half-written file is left behind")
}
