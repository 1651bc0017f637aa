//go:build unix

package intake

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNoRegularFileIsNamed(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.Contains(t, refusedFile(t, pipe, Options{}).Error(), "this is a named pipe")
	require.Contains(t, refusedFile(t, "/dev/null", Options{}).Error(), "this is a device")
	require.Contains(t, refusedFile(t, t.TempDir(), Options{}).Error(), "this is a folder")
}
