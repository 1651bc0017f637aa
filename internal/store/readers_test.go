package store_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/store"
)

// TestReadAsAnotherUser is the child of TestAReaderNeedsNoRightToWrite.
func TestReadAsAnotherUser(t *testing.T) {
	address := os.Getenv("READER_ADDRESS")
	if address == "" {
		return
	}
	s, head := opened(t, address)
	whole(t, s)
	_, err := s.RecentBatches(t.Context(), 10)
	require.NoError(t, err)
	fmt.Printf("head %s\n", head)
	require.ErrorContains(t, s.ResumeSending(t.Context(), head, somebody, time.Now()), "readonly")
}

// Another user who may only read the file and those beside it reads the ledger: while somebody has
// it open, when nobody has, and after a writer was killed.
func TestAReaderNeedsNoRightToWrite(t *testing.T) {
	t.Parallel()
	folder := readable(t)
	program := filepath.Join(folder, "program")
	copyFile(t, os.Args[0], program, 0o555)
	path := filepath.Join(folder, "ledger.db")
	s, _ := opened(t, "sqlite:"+path)
	require.NoError(t, s.Migrate(t.Context()))
	imported(t, s)
	head, err := s.Head(t.Context())
	require.NoError(t, err)

	killed := readable(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		copyFile(t, path+suffix, filepath.Join(killed, "ledger.db"+suffix), 0o444)
	}
	reads := func(folder string) {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			require.NoError(t, os.Chmod(filepath.Join(folder, "ledger.db"+suffix), 0o444))
		}
		require.NoError(t, os.Chmod(folder, 0o555))
		defer os.Chmod(folder, 0o755)
		cmd := exec.Command(program, "-test.run=^TestReadAsAnotherUser$")
		cmd.Env = append(os.Environ(), "READER_ADDRESS=sqlite:"+filepath.Join(folder, "ledger.db"))
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65533, Gid: 65533}}
		}
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
		require.Contains(t, string(output), "head "+head.String())
	}
	reads(killed)
	reads(folder)
	require.NoError(t, s.Close())
	reads(folder)
}

// readable is a folder that every user can reach.
func readable(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for f := folder; f != os.TempDir() && strings.HasPrefix(f, os.TempDir()); f = filepath.Dir(f) {
		require.NoError(t, os.Chmod(f, 0o755))
	}
	return folder
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, mode)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

// A role of PostgreSQL that may only read does so, and is told that it may not write.
func TestARoleThatMayOnlyReadIsTold(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := ledgerOn(t, address)
	name := "reader_" + databaseOf(address)
	other.MustExec("CREATE ROLE " + name + " LOGIN")
	other.MustExec("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + name)
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	reader, seen := opened(t, strings.Replace(address, "postgres@", name+"@", 1))
	require.Equal(t, head, seen)
	require.NoError(t, reader.Migrate(t.Context()), "there is nothing to do")
	whole(t, reader)
	err = reader.ResumeSending(t.Context(), head, somebody, time.Now())
	failed, ok := err.(*store.Error)
	require.True(t, ok, "%v", err)
	require.True(t, failed.ReadOnly())
	require.Contains(t, failed.Hint(), "grant the role")
}
