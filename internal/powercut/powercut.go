// Package powercut shows tests what a power cut would leave of a SQLite database: each file as it
// was when it was last synced. What the operating system had not been asked to put on disk is lost.
package powercut

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// recorder is a SQLite VFS that copies each file to a folder when it is synced. C code holds
// pointers into it.
type recorder struct {
	folder   string
	original uintptr // the VFS that does the work

	mu      sync.Mutex
	methods map[uintptr]uintptr // of open files: the original methods, and the copy with others
	names   map[uintptr]string  // of open files, by their address
	written map[string]span     // since the last sync, by file; of a file that was not synced yet there is none
}

// span is a part of a file.
type span struct{ from, to int64 }

// Record makes SQLite copy each database file and WAL to the folder whenever it is synced, from now
// to the end of the process. Call it before the first database is opened.
func Record(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	tls := libc.NewTLS()
	r := &recorder{folder: folder, original: sqlite3.Xsqlite3_vfs_find(tls, 0), methods: map[uintptr]uintptr{},
		names: map[uintptr]string{}, written: map[string]span{}}
	if r.original == 0 {
		return errors.New("SQLite has no VFS")
	}
	vfs := clone(tls, r.original, unsafe.Sizeof(sqlite3.Tsqlite3_vfs{}))
	name, err := libc.CString("powercut")
	if err != nil {
		return err
	}
	(*sqlite3.Tsqlite3_vfs)(pointer(vfs)).FzName = name
	(*sqlite3.Tsqlite3_vfs)(pointer(vfs)).FxOpen = functionPointer(r.open)
	if code := sqlite3.Xsqlite3_vfs_register(tls, vfs, 1); code != 0 {
		return fmt.Errorf("register the recording VFS: code %d", code)
	}
	return nil
}

func (r *recorder) open(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	type open = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	code := function[open]((*sqlite3.Tsqlite3_vfs)(pointer(r.original)).FxOpen)(tls, r.original, name, file, flags, out)
	handle := (*sqlite3.Tsqlite3_file)(pointer(file))
	if code != 0 || handle.FpMethods == 0 || name == 0 {
		return code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[file] = filepath.Base(libc.GoString(name))
	copied, known := r.methods[handle.FpMethods]
	if !known {
		original := handle.FpMethods
		copied = r.recording(tls, original)
		r.methods[original] = copied
	}
	handle.FpMethods = copied
	return code
}

type (
	writing    = func(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32
	truncating = func(tls *libc.TLS, file uintptr, size int64) int32
	syncing    = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizing     = func(tls *libc.TLS, file, size uintptr) int32
	reading    = func(tls *libc.TLS, file, to uintptr, n int32, offset int64) int32
)

// recording are the methods of a file that notes what is written and copies it when it is synced.
func (r *recorder) recording(tls *libc.TLS, methods uintptr) (copied uintptr) {
	original := (*sqlite3.Tsqlite3_io_methods)(pointer(methods))
	copied = clone(tls, methods, unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{}))
	ours := (*sqlite3.Tsqlite3_io_methods)(pointer(copied))
	write, truncate := function[writing](original.FxWrite), function[truncating](original.FxTruncate)
	ours.FxWrite = functionPointer(func(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
		r.wrote(file, span{offset, offset + int64(n)})
		return write(tls, file, from, n, offset)
	})
	ours.FxTruncate = functionPointer(func(tls *libc.TLS, file uintptr, size int64) int32 {
		r.wrote(file, span{size, math.MaxInt64})
		return truncate(tls, file, size)
	})
	ours.FxSync = functionPointer(func(tls *libc.TLS, file uintptr, flags int32) int32 {
		return r.sync(tls, original, file, flags)
	})
	return copied
}

func (r *recorder) wrote(file uintptr, part span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, synced := r.written[r.names[file]]
	switch {
	case !synced: // all of it will be copied
	case before.from == before.to:
		r.written[r.names[file]] = part
	default:
		r.written[r.names[file]] = span{min(before.from, part.from), max(before.to, part.to)}
	}
}

// sync syncs a file and copies what was written to it.
func (r *recorder) sync(tls *libc.TLS, original *sqlite3.Tsqlite3_io_methods, file uintptr, flags int32) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if code := function[syncing](original.FxSync)(tls, file, flags); code != 0 {
		return code
	}
	// Read by SQLite itself: closing another descriptor of the file could release its locks.
	length := libc.Xmalloc(tls, 8)
	defer libc.Xfree(tls, length)
	if code := function[sizing](original.FxFileSize)(tls, file, length); code != 0 {
		return code
	}
	size := *(*int64)(pointer(length))
	name := r.names[file]
	part, synced := r.written[name]
	if !synced {
		part = span{0, size}
	}
	part.to = min(part.to, size)
	n := max(part.to-part.from, 0)
	content := libc.Xmalloc(tls, libc.Tsize_t(max(n, 1)))
	defer libc.Xfree(tls, content)
	if n > 0 {
		if code := function[reading](original.FxRead)(tls, file, content, int32(n), part.from); code != 0 {
			return code
		}
	}
	path, bytes := filepath.Join(r.folder, name), unsafe.Slice((*byte)(pointer(content)), n)
	var err error
	if synced {
		err = update(path, size, bytes, part.from)
	} else {
		err = replace(path, bytes)
	}
	if err != nil {
		return sqlite3.SQLITE_IOERR
	}
	r.written[name] = span{}
	return 0
}

// replace is atomic for a process that is killed.
func replace(path string, content []byte) error {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// update writes a part of a copy. Of a process that is killed meanwhile some of it is there, as
// after a power cut in the middle of a sync.
func update(path string, size int64, content []byte, offset int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err = file.Truncate(size); err == nil {
		_, err = file.WriteAt(content, offset)
	}
	return errors.Join(err, file.Close())
}

// Cut makes of a database, whose processes are all gone, what a power cut would have left of it
// according to the folder of Record.
func Cut(database, folder string) error {
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(folder, filepath.Base(database)+suffix))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = remove(database + suffix)
		case err == nil:
			err = os.WriteFile(database+suffix, content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return remove(database + "-shm") // never on disk
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// clone copies a C structure, for good.
func clone(tls *libc.TLS, from, size uintptr) uintptr {
	to := libc.Xmalloc(tls, libc.Tsize_t(size))
	copy(unsafe.Slice((*byte)(pointer(to)), size), unsafe.Slice((*byte)(pointer(from)), size))
	return to
}

// pointer turns the address of C memory into a pointer.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// function makes a C function callable. That it is a Go function in fact is how the translated
// SQLite does it.
func function[F any](address uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{address}))
}

// kept holds the Go functions that C structures point to.
var kept []any

// functionPointer is the address of a Go function as the translated SQLite calls it.
func functionPointer(f any) uintptr {
	kept = append(kept, f)
	type face [2]uintptr
	return (*face)(unsafe.Pointer(&f))[1]
}
