package store

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// SQLite looks a row's customer up by its id or domain. Without statistics it would rather read all
// customers of the partner for each row, and an import would take the square of its time.
func TestEachRowOfAnImportIsLookedUp(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Migrate(t.Context()))
	conn, err := s.db.Connx(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, name := range []string{"create_import_row", "create_import_found", "create_import_domain",
		"index_import_domain", "name_customers_of_domains", "unknown_customers", "index_import_row",
		"create_import_repeat", "import_matches"} {
		query, values, err := s.bind(name, args{"partners": []string{"p", "q"}})
		require.NoError(t, err)
		var plan []struct {
			ID, Parent, NotUsed int
			Detail              string
		}
		require.NoError(t, conn.SelectContext(t.Context(), &plan, "EXPLAIN QUERY PLAN "+query, values...))
		for _, step := range plan {
			if strings.HasPrefix(step.Detail, "SEARCH s ") || strings.HasPrefix(step.Detail, "SCAN s ") {
				require.Regexp(t, `\(partner_id=\? AND (customer_id|<expr>)=\?`, step.Detail, name)
			}
			if strings.HasPrefix(step.Detail, "SCAN d") {
				require.NotEqual(t, "name_customers_of_domains", name, step.Detail)
			}
		}
		if name != "unknown_customers" && name != "import_matches" {
			_, err = conn.ExecContext(t.Context(), query, values...)
			require.NoError(t, err)
		}
	}
}
