package store_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

func missingRights(t *testing.T, address string) []string {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	missing, err := s.MissingRights(t.Context())
	require.NoError(t, err)
	return missing
}

func migrated(t testing.TB, address string) {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Migrate(t.Context()))
}

func TestMissingRightsInPostgres(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	require.NoError(t, storetest.Exec(t.Context(), address, "CREATE ROLE reader LOGIN"))
	asReader, err := url.Parse(address)
	require.NoError(t, err)
	asReader.User = url.User("reader")

	require.Empty(t, missingRights(t, address))
	require.Equal(t, []string{"CREATE in schema public"}, missingRights(t, asReader.String()), "nothing can be made")
	migrated(t, address)
	require.Empty(t, missingRights(t, address))
	require.NoError(t, storetest.Exec(t.Context(), address, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN "+
		"SCHEMA public TO reader"))
	require.NotContains(t, missingRights(t, asReader.String()), "INSERT on run")
	require.NoError(t, storetest.Exec(t.Context(), address, "REVOKE INSERT ON run FROM reader"))
	require.Contains(t, missingRights(t, asReader.String()), "INSERT on run")
}

func TestMissingRightsOfAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	migrated(t, "sqlite:"+path)
	require.Empty(t, missingRights(t, "sqlite:"+path))
	if os.Geteuid() == 0 {
		return // root may write every file
	}
	require.NoError(t, os.Chmod(path, 0o400))
	require.NotEmpty(t, missingRights(t, "sqlite:"+path))
}
