package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/pgtest"
)

// bothDatabases are a new SQLite file, beside the configuration, and a new PostgreSQL database.
func bothDatabases(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"sqlite": "sqlite:mcaledger.db", "postgres": pgtest.Database(t)}
}

// addressIn is the address as it is outside of the folder of the configuration.
func addressIn(folder, address string) string {
	return strings.Replace(address, "sqlite:", "sqlite:"+folder+"/", 1)
}

// withDatabase is the real program with a configuration and an address.
func withDatabase(t *testing.T, folder, address string, arguments ...string) *exec.Cmd {
	t.Helper()
	require.NoError(t, demo.OnePartner("http://127.0.0.1:1").Write(folder))
	cmd := exec.Command("mcaledger", append(arguments, "--config", filepath.Join(folder, "mcaledger.yaml"))...)
	cmd.Env = append(os.Environ(), "MCALEDGER_DATABASE="+address)
	return cmd
}

// Four processes upgrade an empty database at once: one does it, the others wait, and all succeed.
func TestFourMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, string) (address, driver, source string){
		"sqlite": func(_ *testing.T, folder string) (string, string, string) {
			path := filepath.Join(folder, "fresh.db")
			return "sqlite:" + path, "sqlite", path
		},
		"postgres": func(t *testing.T, _ string) (string, string, string) {
			t.Helper()
			address := pgtest.Database(t)
			return address, "postgres", address
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			address, driver, source := open(t, folder)
			var processes sync.WaitGroup
			for range 4 {
				cmd := withDatabase(t, folder, address, "migrate")
				processes.Go(func() {
					output, err := cmd.CombinedOutput()
					assert.NoError(t, err, "%s", output)
				})
			}
			processes.Wait()
			db, err := sqlx.Open(driver, source)
			require.NoError(t, err)
			defer db.Close()
			var n, newest int
			require.NoError(t, db.QueryRow("SELECT COUNT(*), MAX(version) FROM schema_version").Scan(&n, &newest))
			require.Equal(t, n, newest, "each step once")
		})
	}
}

// A command that waits in a statement ends at once when it is told to, and says that it was
// interrupted.
func TestInterruptedInAStatement(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	folder := t.TempDir()
	require.NoError(t, withDatabase(t, folder, address, "migrate").Run())
	other, err := sqlx.Open("postgres", address)
	require.NoError(t, err)
	defer other.Close()
	holder, err := other.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec("LOCK TABLE partner, event, run, batch")
	require.NoError(t, err)
	for _, command := range [][]string{{"reconcile"}, {"verify"}, {"runs"}} {
		cmd := withDatabase(t, folder, address, command...)
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool {
			var n int
			err := other.Get(&n, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND "+
				"wait_event_type = 'Lock'")
			return err == nil && n > 0
		}, time.Minute, 5*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		cmd.Wait()
		require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode(), command)
	}
}
