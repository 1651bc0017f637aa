//go:build unix

package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

func hello(w io.Writer) error {
	_, err := io.WriteString(w, "hello")
	return err
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func names(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWriteKeepsLinkAndMode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o604))
	require.NoError(t, os.Chmod(file, 0o604))
	require.NoError(t, os.Symlink("file", link))
	require.NoError(t, atomicfile.Write(link, 0o640, hello))
	require.Equal(t, "hello", content(t, file))
	info, err := os.Lstat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o604), info.Mode())
	info, err = os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())

	require.NoError(t, atomicfile.Write(filepath.Join(folder, "new"), 0o640, hello))
	info, err = os.Lstat(filepath.Join(folder, "new"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode())
}

func TestWriteKeepsOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can give a file away
	}
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Chown(file, 12345, 54321))
	require.NoError(t, atomicfile.Write(file, 0o644, hello))
	info, err := os.Stat(file)
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	require.Equal(t, []uint32{12345, 54321}, []uint32{stat.Uid, stat.Gid})
	require.Equal(t, fs.FileMode(0o600), info.Mode())
}

func TestFailureChangesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	full := errors.New("full disk")
	require.ErrorIs(t, atomicfile.Write(file, 0o640, func(w io.Writer) error { return errors.Join(hello(w), full) }),
		full)
	require.Equal(t, "old", content(t, file))

	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o600))
	for _, name := range []string{"fifo", ""} {
		err := atomicfile.Write(filepath.Join(folder, name), 0o640, hello)
		require.ErrorContains(t, err, "not a regular file")
		require.ErrorContains(t, err, folder, "the error names the whole path")
	}
	require.Equal(t, []string{"fifo", "file"}, names(t, folder))
}

func TestCreateInFollowsNoLink(t *testing.T) {
	t.Parallel()
	outside, folder := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), []byte("old"), 0o600))
	require.NoError(t, os.Symlink(victim, filepath.Join(folder, "to outside")))
	require.NoError(t, os.Symlink("file", filepath.Join(folder, "to inside")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(folder, "to nowhere")))
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, "folder")))
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	defer root.Close()
	for _, name := range []string{"to outside", "to inside", "to nowhere", "folder", "folder/victim", "folder/new",
		"../new"} {
		require.Error(t, atomicfile.WriteIn(root, name, 0o640, hello), name)
	}
	require.NoError(t, atomicfile.WriteIn(root, "file", 0o640, hello))
	require.Equal(t, "hello", content(t, filepath.Join(folder, "file")))
	require.Equal(t, "precious", content(t, victim))
	require.Equal(t, []string{"victim"}, names(t, outside))
}

func TestCommitAndDiscard(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	f, err := atomicfile.Create(path, 0o640)
	require.NoError(t, err)
	require.NoError(t, hello(f))
	require.NoFileExists(t, path)
	require.NoError(t, f.Commit())
	f.Discard()
	require.Equal(t, "hello", content(t, path))

	f, err = atomicfile.Create(path, 0o640)
	require.NoError(t, err)
	f.Discard()
	require.Equal(t, []string{"file"}, names(t, folder))
}

func TestLeftoversAreRemovedAndLiveFilesAreNot(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	old := time.Now().Add(-time.Minute)
	leftover, young, other := filepath.Join(folder, ".mcaledger-token-1.tmp"),
		filepath.Join(folder, ".mcaledger-token-2.tmp"), filepath.Join(folder, ".other.tmp")
	inUse := filepath.Join(folder, ".refresh-7") // perhaps
	for _, path := range []string{leftover, young, other, inUse} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	live, err := atomicfile.Create(filepath.Join(folder, "live"), 0o600)
	require.NoError(t, err)
	for _, name := range names(t, folder) {
		if path := filepath.Join(folder, name); path != young {
			require.NoError(t, os.Chtimes(path, old, old))
		}
	}
	earlier := []string{".refresh-123456789", ".2026-11-25.xlsx-42"}
	for _, name := range earlier {
		path, hours := filepath.Join(folder, name), time.Now().Add(-2*time.Hour)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chtimes(path, hours, hours))
	}
	require.NoError(t, atomicfile.Write(filepath.Join(folder, "file"), 0o600, hello))
	for _, name := range earlier {
		require.NoFileExists(t, filepath.Join(folder, name))
	}
	require.FileExists(t, inUse)
	require.NoFileExists(t, leftover)
	require.FileExists(t, young)
	require.FileExists(t, other)
	require.NoError(t, live.Commit())
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	name := make([]byte, 255)
	for i := range name {
		name[i] = 'n'
	}
	require.NoError(t, atomicfile.Write(filepath.Join(t.TempDir(), string(name)), 0o600, hello))
}
