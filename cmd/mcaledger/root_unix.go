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
	user := e.owner
	if _, err := strconv.Atoi(user); err == nil {
		user = "'#" + user + "'" // as sudo takes a number
	}
	return fmt.Sprintf("Run it as that user: sudo -u %s mcaledger …", user)
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
	if owner := foreignOwner(path); owner != "" {
		return foreignFileError{path, owner}
	}
	return nil
}

// foreignOwner is the user, by name or number, in whose folder root would make a file; empty: the
// file exists, the folder is root's or missing, or this is not root.
func foreignOwner(path string) string {
	if os.Geteuid() != 0 {
		return ""
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
