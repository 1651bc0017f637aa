package pgtest

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Pooler starts a PgBouncer in transaction mode before a database, and returns the address behind
// which it is.
func Pooler(t testing.TB, address string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // often not in the path of others than root
	}
	if err != nil {
		t.Fatal("PgBouncer is not installed; on Debian or Ubuntu: apt-get install -y pgbouncer")
	}
	server, database := parts(t, address)
	pooler := &Server{}
	if err := pooler.newFolder(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(pooler.folder) })
	settings := filepath.Join(pooler.folder, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s user=postgres\n[pgbouncer]\nunix_socket_dir = %s\nlisten_port = "+
		"5432\nauth_type = any\npool_mode = transaction\n"+
		"default_pool_size = 4\nmax_client_conn = 100\n", server, pooler.folder)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-q", settings)
	command.Dir, command.SysProcAttr = pooler.folder, &syscall.SysProcAttr{Credential: pooler.owner}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	behind := pooler.address(database)
	for try := 0; ; try++ {
		db, err := sql.Open("postgres", behind)
		if err == nil {
			err = db.Ping()
			db.Close()
		}
		if err == nil {
			return behind
		}
		if try == 200 {
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
