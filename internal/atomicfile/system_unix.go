//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock takes the file's lock, which its process's death frees. It does not wait.
func lock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// TryLock takes a file's or folder's lock for as long as it is open in this process. It returns
// false when another process has it. Where the file system has no locks, nobody is kept out.
func TryLock(file *os.File) bool { return !errors.Is(lock(file), unix.EWOULDBLOCK) }

// chownLike keeps owner and group, which only root can do for another user's file. Where another
// user may replace the file, the folder's mode allowed it, and the file becomes that user's.
func chownLike(file *os.File, was fs.FileInfo) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	uid, gid := owner(was)
	if nowUID, nowGID := owner(now); uid == nowUID && gid == nowGID {
		return nil
	}
	err = file.Chown(uid, gid)
	if err != nil && os.Geteuid() != 0 {
		return nil
	}
	return err
}

func syncFolder(dir *os.File) error { return dir.Sync() }

func owner(info fs.FileInfo) (uid, gid int) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(stat.Uid), int(stat.Gid)
}
