package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// LeftFile is something that is not taken from the inbox.
type LeftFile struct {
	Name   string
	Reason string
	Stays  bool // it has been there for longer than a day, or will be
}

const (
	// minFileAge is how long a file must have been in the inbox: a younger one may still be written
	// to.
	minFileAge = time.Minute
	// longStay is how long something may be in the inbox before somebody has to look.
	longStay = 24 * time.Hour
)

// readInbox lists the files that are ready to be taken, by name, and what is left. Hidden files,
// locks and our own sub-folders are neither.
func readInbox(folder fs.ReadDirFile, asOf time.Time) (ready []string, left []LeftFile, err error) {
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	locked := locks(entries, asOf)
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") || e.IsDir() &&
			(name == doneFolder || name == refusedFolder) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // somebody took it away again
		}
		l := judge(info, locked, asOf)
		if l.Reason == "" {
			ready = append(ready, name)
		} else {
			left = append(left, l)
		}
	}
	return ready, left, nil
}

// judge says why something in the inbox is left; without a reason it is ready.
func judge(info fs.FileInfo, locked map[string]lock, asOf time.Time) LeftFile {
	age := asOf.Sub(info.ModTime())
	l := LeftFile{Name: info.Name(), Stays: age > longStay}
	held, isLocked := lockOf(locked, info.Name())
	switch mode := info.Mode(); {
	case mode.IsDir():
		l.Reason = "it is a folder"
	case mode&fs.ModeSymlink != 0:
		l.Reason = "it is a link"
	case !mode.IsRegular():
		l.Reason = "it is not a regular file"
	case linkCount(info) > 1:
		l.Reason = "it has other names, too (hard links)"
	case isLocked:
		l.Reason, l.Stays = "a program has it open ("+held.file+")", held.age > longStay
	case age < -longStay:
		l.Reason, l.Stays = "its time is in the future", true
	case age < 0:
		l.Reason = "its time is in the future"
	case age < minFileAge:
		l.Reason = "it is younger than a minute"
	}
	return l
}

// lock is a lock file that a spreadsheet program keeps beside a file that it has open.
type lock struct {
	file string
	age  time.Duration
}

// locks are the lock files in a folder, by the name that they lock.
func locks(entries []fs.DirEntry, asOf time.Time) map[string]lock {
	locked := map[string]lock{}
	for _, e := range entries {
		name, isLock := strings.CutPrefix(e.Name(), "~$") // Excel
		if !isLock {
			name, isLock = strings.CutPrefix(e.Name(), ".~lock.") // LibreOffice
			name = strings.TrimSuffix(name, "#")
		}
		if info, err := e.Info(); isLock && err == nil {
			locked[name] = lock{e.Name(), asOf.Sub(info.ModTime())}
		}
	}
	return locked
}

// lockOf finds the lock of a file. Excel leaves the first two letters out of its lock's name when
// the name is long.
func lockOf(locked map[string]lock, name string) (lock, bool) {
	if l, ok := locked[name]; ok {
		return l, true
	}
	letters := []rune(name)
	l, ok := locked[string(letters[min(2, len(letters)):])]
	return l, ok
}

// openRegular opens a regular file of a folder for reading. It follows no link and does not wait
// for a pipe's writer.
func openRegular(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	if err == nil {
		var named fs.FileInfo
		if named, err = root.Lstat(name); err == nil && (!named.Mode().IsRegular() || !os.SameFile(opened, named)) {
			err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist} // it was replaced by something else
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sha256Of is the digest of a file's bytes, in hexadecimal.
func sha256Of(file io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
