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

	"github.com/mcaledger/mcaledger/internal/config"
)

// foreignDatabaseError: root would make a database that the user who runs mcaledger could not write to.
type foreignDatabaseError struct{ path, owner string }

func (e foreignDatabaseError) Error() string {
	return fmt.Sprintf("%s does not exist yet, and would belong to root in a folder of %s, who could not write to it", e.path, e.owner)
}
func (e foreignDatabaseError) Code() string { return "permission" }
func (e foreignDatabaseError) Hint() string {
	return fmt.Sprintf("Run it as that user: sudo -u %s mcaledger …", e.owner)
}

// refuseForeignDatabase keeps root from making a database in another user's folder.
func refuseForeignDatabase(c config.Config) error {
	path, file := strings.CutPrefix(c.Database, "sqlite:")
	if !file || os.Geteuid() != 0 {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil // opening it says what is wrong
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
	return foreignDatabaseError{path, owner}
}
