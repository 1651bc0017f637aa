//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// foreignFileError: root would make a file that the user who runs mcaledger could not use.
type foreignFileError struct{ path, owner string }

func (e foreignFileError) Error() string {
	return fmt.Sprintf("%s does not exist yet, and would belong to root in a folder of %s, who could not use it",
		e.path, e.owner)
}
func (e foreignFileError) Code() string { return "permission" }
func (e foreignFileError) Hint() string {
	return fmt.Sprintf("Run it as that user: sudo -u %s mcaledger …", e.owner)
}

// refuseForeignDatabase keeps root from making a database in another user's folder.
func refuseForeignDatabase(address string) error {
	if path, file := strings.CutPrefix(address, "sqlite:"); file {
		return refuseForeignFile(path)
	}
	return nil
}

// refuseForeignFile keeps root from making a file in another user's folder.
func refuseForeignFile(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil // opening it returns the error
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	owner := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	} else {
		owner = "#" + owner // as sudo -u takes it
	}
	return foreignFileError{path, owner}
}
