package jobs

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
)

func TestInboxFiles(t *testing.T) {
	inbox, asOf := t.TempDir(), time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	put := func(name string, age time.Duration) {
		path := filepath.Join(inbox, name)
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		require.NoError(t, os.Chtimes(path, asOf.Add(-age), asOf.Add(-age)))
	}
	for _, name := range []string{"ready.csv", "~$open.xlsx", "open.xlsx", "~$cordos.xlsx", "açcordos.xlsx", "~$der.xlsx", "order.xlsx", ".~lock.calc.ods.csv#", "calc.ods.csv", ".hidden.csv", "b"} {
		put(name, time.Hour)
	}
	put("a minute.csv", time.Minute)
	put("young.csv", 59*time.Second)
	put("tomorrow.csv", -time.Hour)
	require.NoError(t, os.Mkdir(filepath.Join(inbox, "done"), 0o700))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(inbox, "link.csv")))

	files, left, err := inboxFiles(inbox, asOf)
	require.NoError(t, err)
	require.Equal(t, []string{"a minute.csv", "b", "ready.csv"}, baseNames(files))
	require.Equal(t, []string{"açcordos.xlsx", "calc.ods.csv", "open.xlsx", "order.xlsx", "tomorrow.csv", "young.csv"}, baseNames(left))

	files, left, err = inboxFiles(filepath.Join(inbox, "nowhere"), asOf)
	require.NoError(t, err, "no inbox is an empty one")
	require.Empty(t, append(files, left...))
	_, _, err = inboxFiles(filepath.Join(inbox, "b"), asOf)
	require.Error(t, err, "a file is no inbox")
}

func baseNames(paths []string) (names []string) {
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

func TestUniquePath(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "done")
	for _, want := range []string{"may.csv", "may-2.csv", "may-3.csv"} {
		place, err := uniquePath(folder, "may.csv")
		require.NoError(t, err)
		require.Equal(t, filepath.Join(folder, want), place)
		require.NoError(t, os.WriteFile(place, nil, 0o600))
	}
	require.NoError(t, os.Symlink("nowhere", filepath.Join(folder, "june")))
	place, err := uniquePath(folder, "june")
	require.NoError(t, err)
	require.Equal(t, "june-2", filepath.Base(place), "a link that leads nowhere is there")
}

func TestRefuseFile(t *testing.T) {
	inbox := t.TempDir()
	for _, reason := range []string{"may.csv.reason.txt", "may.csv.reason-2.txt"} {
		file := filepath.Join(inbox, "may.csv")
		require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
		require.NoError(t, refuseFile(file, &intake.FileError{File: file, Message: "the file is empty", Hint: "Look"}))
		require.NoFileExists(t, file)
		text, err := os.ReadFile(filepath.Join(inbox, "refused", reason))
		require.NoError(t, err)
		require.Contains(t, string(text), "the file is empty")
		require.NoError(t, os.Remove(filepath.Join(inbox, "refused", "may.csv"))) // somebody mends it
	}
}

func TestFileOwner(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(t.TempDir())
	require.NoError(t, err)
	self, err := user.Current()
	require.NoError(t, err)
	require.Equal(t, attestation.Actor{Name: self.Username, UserID: self.Uid, Host: "desk", Source: attestation.FromFileOwner}, fileOwner(info, "desk"))
}
