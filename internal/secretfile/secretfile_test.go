package secretfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/secretfile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for content, secret := range map[string]string{
		"s3cret": "s3cret", "\ufeffs3cret\r\n": "s3cret", " 0012 \n": "0012", "": "", "\n": "",
		strings.Repeat("x", secretfile.MaxSize): strings.Repeat("x", secretfile.MaxSize),
	} {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		read, err := secretfile.Read(path)
		require.NoError(t, err)
		require.Equal(t, secret, read)
	}
}

// Neither a pipe without a writer nor a device that never ends may hold up a night.
func TestReadRefusesWhatIsNoShortFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pipe, endless, long := filepath.Join(folder, "pipe"), filepath.Join(folder, "endless"),
		filepath.Join(folder, "long")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("/dev/zero", endless))
	require.NoError(t, os.WriteFile(long, make([]byte, secretfile.MaxSize+1), 0o600))
	for path, problem := range map[string]string{pipe: "not a regular file", endless: "not a regular file",
		folder: "not a regular file", long: "more than 65536 bytes", filepath.Join(folder, "missing"): "no such file"} {
		_, err := secretfile.Read(path)
		require.ErrorContains(t, err, problem)
		require.ErrorContains(t, err, path)
	}
}
