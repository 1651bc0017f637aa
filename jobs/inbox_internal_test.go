//go:build unix

package jobs

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

func TestReadInbox(t *testing.T) {
	t.Parallel()
	inbox, asOf := t.TempDir(), time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	age := func(name string, age time.Duration) {
		require.NoError(t, os.Chtimes(filepath.Join(inbox, name), asOf.Add(-age), asOf.Add(-age)))
	}
	put := func(name string, old time.Duration) {
		require.NoError(t, os.WriteFile(filepath.Join(inbox, name), []byte("x"), 0o600))
		age(name, old)
	}
	for _, name := range []string{"ready.csv", "~$open.xlsx", "open.xlsx", "~$cordos.xlsx", "açcordos.xlsx",
		"~$der.xlsx", "order.xlsx", ".~lock.calc.ods.csv#", "calc.ods.csv", ".hidden.csv", "b"} {
		put(name, time.Hour)
	}
	put("a minute.csv", time.Minute)
	put("young.csv", 59*time.Second)
	put("in an hour.csv", -time.Hour)
	put("in a year.csv", -365*24*time.Hour)
	put("locked for days.csv", time.Hour)
	put("~$locked for days.csv", 25*time.Hour)
	put("two names.csv", time.Hour)
	require.NoError(t, os.Link(filepath.Join(inbox, "two names.csv"), filepath.Join(inbox, ".elsewhere")))
	for _, folder := range []string{"done", "refused", "new folder", "old folder"} {
		require.NoError(t, os.Mkdir(filepath.Join(inbox, folder), 0o700))
	}
	age("new folder", time.Hour)
	age("old folder", 25*time.Hour)
	require.NoError(t, os.Symlink("ready.csv", filepath.Join(inbox, "link.csv")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(inbox, "fifo.csv"), 0o600))
	age("fifo.csv", 48*time.Hour)

	folder, err := os.Open(inbox)
	require.NoError(t, err)
	defer folder.Close()
	ready, left, err := readInbox(folder, asOf)
	require.NoError(t, err)
	require.Equal(t, []string{"a minute.csv", "b", "ready.csv"}, ready)
	for i := range left {
		if left[i].Name == "link.csv" {
			left[i].Stays = false // it was made by this test's own clock
		}
	}
	require.Equal(t, []LeftFile{
		{"açcordos.xlsx", "a program has it open (~$cordos.xlsx)", false},
		{"calc.ods.csv", "a program has it open (.~lock.calc.ods.csv#)", false},
		{"fifo.csv", "it is not a regular file", true},
		{"in a year.csv", "its time is in the future", true},
		{"in an hour.csv", "its time is in the future", false},
		{"link.csv", "it is a link", false},
		{"locked for days.csv", "a program has it open (~$locked for days.csv)", true},
		{"new folder", "it is a folder", false},
		{"old folder", "it is a folder", true},
		{"open.xlsx", "a program has it open (~$open.xlsx)", false},
		{"order.xlsx", "a program has it open (~$der.xlsx)", false},
		{"two names.csv", "it has other names, too (hard links)", false},
		{"young.csv", "it is younger than a minute", false},
	}, left)
}

func TestUniqueName(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, root.Mkdir("done", 0o700))
	for _, want := range []string{"done/may.csv", "done/may-2.csv", "done/may-3.csv"} {
		name, err := uniqueName(root, "done", "may.csv")
		require.NoError(t, err)
		require.Equal(t, want, name)
		require.NoError(t, root.WriteFile(name, nil, 0o600))
	}
	require.NoError(t, os.Symlink("nowhere", filepath.Join(folder, "done", "june")))
	name, err := uniqueName(root, "done", "june")
	require.NoError(t, err)
	require.Equal(t, "done/june-2", name, "a link to nowhere is something")
}

// What is put in a file's place after it was listed is not opened.
func TestOpenRegular(t *testing.T) {
	t.Parallel()
	folder, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, root.WriteFile("file", []byte("x"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, "to outside")))
	require.NoError(t, os.Symlink("file", filepath.Join(folder, "to inside")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o600))
	require.NoError(t, root.Mkdir("folder", 0o700))
	for _, name := range []string{"to outside", "to inside", "fifo", "folder", "../secret"} {
		_, err := openRegular(root, name)
		require.Error(t, err, name)
	}
	file, err := openRegular(root, "file")
	require.NoError(t, err)
	file.Close()
	_, err = openRegular(root, "nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestFileOwner(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(t.TempDir())
	require.NoError(t, err)
	self, err := user.Current()
	require.NoError(t, err)
	require.Equal(t, attestation.Actor{Name: self.Username, UserID: self.Uid, Host: "desk",
		Source: attestation.FromFileOwner}, fileOwner(info, "desk"))
}
