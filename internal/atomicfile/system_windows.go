package atomicfile

import (
	"io/fs"
	"os"
)

// Windows removes no file that a process has open, so that a lock is not needed; it keeps no owner
// by number, and has no call to sync a folder.

func lock(*os.File) error { return nil }

// TryLock keeps nobody out on Windows.
func TryLock(*os.File) bool { return true }

func chownLike(*os.File, fs.FileInfo) error { return nil }

func syncFolder(*os.File) error { return nil }
