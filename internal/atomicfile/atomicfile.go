// Package atomicfile replaces files in one step: a reader sees the old content or the new one,
// never half of it, and after a crash or a power cut too.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// File is new content for a name. It is written beside it, under a temporary name, until Commit
// renames it.
type File struct {
	root    *os.Root
	ownRoot bool
	name    string
	temp    string
	perm    fs.FileMode
	was     fs.FileInfo // what is replaced; nil: nothing
	file    *os.File
}

// Write replaces the file at path with what write writes. A symbolic link stays one: its target is
// replaced. An existing file keeps its owner and mode; a new one gets perm.
func Write(path string, perm fs.FileMode, write func(io.Writer) error) error {
	file, err := Create(path, perm)
	if err != nil {
		return err
	}
	return file.fill(write)
}

// WriteIn is Write for a name in root, with the guarantees of CreateIn.
func WriteIn(root *os.Root, name string, perm fs.FileMode, write func(io.Writer) error) error {
	file, err := CreateIn(root, name, perm)
	if err != nil {
		return err
	}
	return file.fill(write)
}

func (f *File) fill(write func(io.Writer) error) error {
	defer f.Discard()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}

// Create begins to replace the file at path. The caller ends it with Commit or Discard.
func Create(path string, perm fs.FileMode) (*File, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f, err := CreateIn(root, filepath.Base(path), perm)
	if err != nil {
		root.Close()
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			e.Path = path
		}
		return nil, err
	}
	f.ownRoot = true
	return f, nil
}

// CreateIn begins to replace a file of a folder. It follows no link, neither in the name nor out of
// the folder, and refuses a name that is anything but a regular file. Temporary files that a killed
// process left in the folder are removed.
func CreateIn(root *os.Root, name string, perm fs.FileMode) (*File, error) {
	f := &File{root: root, name: name, perm: perm, temp: filepath.Join(filepath.Dir(name),
		tempName(filepath.Base(name)))}
	was, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case !was.Mode().IsRegular():
		return nil, &fs.PathError{Op: "write", Path: name, Err: errNotRegular}
	default:
		f.was = was
	}
	removeLeftovers(root, filepath.Dir(name))
	if f.file, err = root.OpenFile(f.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, err
	}
	if err := lock(f.file); err != nil {
		f.Discard()
		return nil, fmt.Errorf("lock %s: %w", f.temp, err)
	}
	return f, nil
}

var errNotRegular = errors.New("it exists and is not a regular file")

// Write writes new content.
func (f *File) Write(data []byte) (int, error) { return f.file.Write(data) }

// Commit puts the new content in place, on disk before its name is.
func (f *File) Commit() error {
	err := f.takeOver()
	if err == nil {
		err = f.file.Sync()
	}
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = f.root.Rename(f.temp, f.name)
	}
	if err != nil {
		f.Discard()
		return err
	}
	f.file = nil
	err = SyncFolder(f.root, filepath.Dir(f.name))
	f.close()
	return err
}

// Discard leaves everything as it was. After Commit it does nothing.
func (f *File) Discard() {
	if f.file == nil {
		return
	}
	f.file.Close()
	f.root.Remove(f.temp)
	f.file = nil
	f.close()
}

func (f *File) close() {
	if f.ownRoot {
		f.root.Close()
	}
}

// takeOver gives the new file the owner and mode of the one that it replaces.
func (f *File) takeOver() error {
	perm := f.perm
	if f.was != nil {
		perm = f.was.Mode().Perm()
		if err := chownLike(f.file, f.was); err != nil {
			return fmt.Errorf("keep the owner of %s: %w", f.name, err)
		}
	}
	return f.file.Chmod(perm)
}

const (
	tempPrefix = ".mcaledger-"
	tempSuffix = ".tmp"
)

// tempName is short enough: a name has 255 bytes at most.
func tempName(name string) string {
	start := strings.ToValidUTF8(name[:min(len(name), 200)], "")
	return fmt.Sprintf("%s%s-%d%s", tempPrefix, start, rand.Uint64(), tempSuffix)
}

// settled is how long a temporary file has been there before it may be a leftover: its maker locks
// it right after making it.
const settled = 2 * time.Second

// earlier are the names of temporary files of earlier versions, which did not lock them, and how
// long one may have been in use.
var earlier = regexp.MustCompile(`^\.(refresh|\d{4}-\d{2}-\d{2}\.xlsx)-\d+$`)

const earlierSettled = time.Hour

// removeLeftovers removes temporary files that no process holds any more. That some cannot be
// removed is no reason not to write.
func removeLeftovers(root *os.Root, folder string) {
	dir, err := root.Open(folder)
	if err != nil {
		return
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(-1)
	for _, entry := range entries {
		name, age := entry.Name(), settled
		switch {
		case !entry.Type().IsRegular():
			continue
		case earlier.MatchString(name):
			age = earlierSettled
		case !strings.HasPrefix(name, tempPrefix) || !strings.HasSuffix(name, tempSuffix):
			continue
		}
		info, err := entry.Info()
		if err != nil || time.Since(info.ModTime()).Abs() < age {
			continue
		}
		if path := filepath.Join(folder, name); abandoned(root, path) {
			root.Remove(path)
		}
	}
}

// abandoned reports whether nobody holds the lock of a temporary file.
func abandoned(root *os.Root, path string) bool {
	file, err := root.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	return lock(file) == nil
}

// SyncFolder puts the names in a folder of root on disk.
func SyncFolder(root *os.Root, folder string) error {
	dir, err := root.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncFolder(dir)
}
