package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger file?.db") })
}

func TestPostgres(t *testing.T) { storetest.Run(t, storetest.Postgres) }
