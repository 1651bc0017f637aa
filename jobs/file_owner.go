//go:build unix

package jobs

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// fileOwner is the name of the user to whom a file belongs: who put it into the inbox imported it.
func fileOwner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "unknown"
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}
