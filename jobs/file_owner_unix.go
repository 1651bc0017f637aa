//go:build unix

package jobs

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// fileOwner is the user to whom a file belongs: who put it into the inbox imported it.
func fileOwner(info fs.FileInfo, host string) attestation.Actor {
	owner := attestation.Actor{Name: "unknown", Host: host, Source: attestation.FromFileOwner}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner
	}
	owner.UserID = strconv.FormatUint(uint64(stat.Uid), 10)
	owner.Name = "uid " + owner.UserID
	if u, err := user.LookupId(owner.UserID); err == nil {
		owner.Name = u.Username
	}
	return owner
}

// linkCount is how many names a file has.
func linkCount(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}
