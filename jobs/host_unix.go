//go:build unix

package jobs

import "golang.org/x/sys/unix"

// hasModes: files say who may read them.
const hasModes = true

// writable returns why this process may not make files in a folder.
func writable(folder string) error {
	return unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// freeSpace is how many bytes this process may still write to a folder's file system.
func freeSpace(folder string) (bytes uint64, known bool) {
	var fs unix.Statfs_t
	if unix.Statfs(folder, &fs) != nil {
		return 0, false
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), true
}
