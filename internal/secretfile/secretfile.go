// Package secretfile reads files that hold one secret.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// MaxSize is how long a file with a secret may be, in bytes.
const MaxSize = 64 << 10

var errNotRegular = errors.New("it is not a regular file")

// Read returns the content of a file without byte-order mark and without spaces around it. It never
// waits: a pipe would let it wait for a writer, and a device need not end.
func Read(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return "", err
	}
	if len(text) > MaxSize {
		return "", &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it holds more than %d bytes", MaxSize)}
	}
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")), nil
}
