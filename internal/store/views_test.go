package store_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the part of docs/views.md that is made from the schema")

var views = []string{"customers_now", "blocked_now", "changes", "attestations", "runs"}

// onBoth runs a test on a full ledger in each database.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store, db *sqlx.DB)) {
	t.Helper()
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": file, "postgres": pgtest.Database} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := fresh(t)
			storetest.Fill(t, address)
			s, _ := opened(t, address)
			path, _ := strings.CutPrefix(address, "sqlite:")
			db, err := sqlx.Open(name, path)
			require.NoError(t, err)
			t.Cleanup(func() { db.Close() })
			test(t, s, db)
		})
	}
}

// counted counts the rows of a view by one of its columns.
func counted(t *testing.T, db *sqlx.DB, query string, values ...any) map[string]int {
	t.Helper()
	var rows []struct {
		Key string
		N   int
	}
	require.NoError(t, db.Select(&rows, db.Rebind(query), values...))
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Key] = r.N
	}
	return counts
}

func TestViewsShowWhatReportsShow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store, db *sqlx.DB) {
		t.Helper()
		ctx := t.Context()
		runs, err := s.RecentRuns(ctx, 100)
		require.NoError(t, err)
		var completed []ledger.Run
		for _, r := range runs {
			if r.State == ledger.Completed {
				completed = append(completed, r)
			}
		}
		require.NotEmpty(t, completed)
		require.Equal(t, map[string]int{"runs": len(runs)},
			counted(t, db, "SELECT 'runs' AS key, COUNT(*) AS n FROM runs"))

		newest := completed[0] // of the only partner
		byStanding := counted(t, db, "SELECT standing AS key, COUNT(*) AS n FROM customers_now GROUP BY standing")
		for _, which := range []standing.Standing{standing.Clear, standing.Blocked, standing.Unknown,
			standing.Excluded} {
			n, err := s.CountRecords(ctx, newest.Partner.ID, newest.ID, which)
			require.NoError(t, err)
			require.Equal(t, n, byStanding[string(which)], which)
		}
		require.Equal(t, byStanding["blocked"],
			counted(t, db, "SELECT 'n' AS key, COUNT(*) AS n FROM blocked_now")["n"])
		shown := 0
		for b, err := range s.Blocked(ctx, newest.Partner.ID, newest.ID,
			ledger.Snapshot{Batch: 1 << 30, At: time.Now().AddDate(1, 0, 0)}) {
			require.NoError(t, err)
			shown++
			found := counted(t, db, `SELECT COALESCE(attestation_id || ' ' || attestation_state, '') AS key, 1 AS n
				FROM blocked_now WHERE customer_id = ?`, b.DisplayID)
			want := ""
			if b.Attestation.Batch > 0 {
				want = b.Attestation.String() + " " + string(b.AttestationState)
			}
			require.Contains(t, found, want)
		}
		require.Equal(t, byStanding["blocked"], shown)

		for _, r := range completed {
			change := counted(t, db, "SELECT change AS key, COUNT(*) AS n FROM changes WHERE run_id = ? GROUP BY "+
				"change", r.ID)
			fresh := counted(t, db, "SELECT 'n' AS key, COUNT(*) AS n FROM changes WHERE run_id = ? AND "+
				"standing_before IS NULL", r.ID)["n"]
			require.Equal(t, []int{r.Totals.New, r.Totals.Gone, r.Totals.NewlyBlocked, r.Totals.NewlyClear},
				[]int{fresh, change["gone"], change["newly_blocked"], change["newly_clear"]}, "run %d", r.ID)
		}

		statuses, err := s.CountAllStatuses(ctx)
		require.NoError(t, err)
		want := map[string]int{}
		for status, n := range statuses {
			want[string(status)] = n
		}
		require.Equal(t, want, counted(t, db, "SELECT state AS key, COUNT(*) AS n FROM attestations GROUP BY state"))
	})
}

func TestViewsHaveTypesAndNoPersonalData(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, _ *store.Store, db *sqlx.DB) {
		t.Helper()
		var secrets []string
		require.NoError(t, db.Select(&secrets, `SELECT email FROM attestation_signer WHERE email <> ''
			UNION SELECT phone FROM attestation_signer WHERE phone <> ''
			UNION SELECT signer_email FROM standing WHERE signer_email <> ''
			UNION SELECT accept_link FROM attestation WHERE accept_link <> ''
			UNION SELECT document_url FROM attestation WHERE document_url <> ''
			UNION SELECT recipient FROM invitation`))
		require.NotEmpty(t, secrets)
		for _, view := range views {
			rows, err := db.Queryx("SELECT * FROM " + view)
			require.NoError(t, err)
			n := 0
			for rows.Next() {
				n++
				row := map[string]any{}
				require.NoError(t, rows.MapScan(row))
				for column, value := range row {
					checkType(t, db.DriverName(), view+"."+column, value)
					for _, secret := range secrets {
						require.NotContains(t, fmt.Sprint(value), secret, view+"."+column)
					}
				}
			}
			require.NoError(t, rows.Err())
			require.NotZero(t, n, view)
		}
	})
}

// checkType holds columns to what their names promise: instants and days are such, and nothing
// empty is shown as one.
func checkType(t *testing.T, driver, column string, value any) {
	t.Helper()
	if value == nil {
		return
	}
	instant := strings.HasSuffix(column, "_at")
	day := strings.HasSuffix(column, "date_agreed") || strings.HasSuffix(column, "due_on") ||
		strings.HasSuffix(column, "_until") ||
		strings.Contains(column, ".next_renewal") || strings.Contains(column, ".next_lapse") ||
		strings.HasSuffix(column, "accepted_since")
	switch {
	case instant || day && driver == "postgres":
		require.IsType(t, time.Time{}, value, column)
	case day:
		_, err := time.Parse(time.DateOnly, fmt.Sprint(value))
		require.NoError(t, err, column)
	}
}

// The reference of the views in docs is made from their comments.
func TestViewsAreDocumented(t *testing.T) {
	t.Parallel()
	_, db := ledgerOn(t, pgtest.Database(t))
	var text strings.Builder
	for _, view := range views {
		var about string
		require.NoError(t, db.Get(&about, "SELECT COALESCE(obj_description(CAST($1 AS regclass), 'pg_class'), '')",
			view))
		require.NotEmpty(t, about, view)
		fmt.Fprintf(&text, "\n### %s\n\n%s.\n\n| column | type | what it is |\n| --- | --- | --- |\n", view, about)
		var columns []struct{ Name, Kind, About string }
		require.NoError(t, db.Select(&columns, `SELECT attname AS name, format_type(atttypid, NULL) AS kind,
				COALESCE(col_description(attrelid, attnum), '') AS about
			FROM pg_attribute WHERE attrelid = CAST($1 AS regclass) AND attnum > 0 ORDER BY attnum`, view))
		for _, c := range columns {
			if view == "blocked_now" && c.About == "" {
				continue // it is a column of customers_now
			}
			require.NotEmpty(t, c.About, "%s.%s has no comment", view, c.Name)
			kind, ok := kinds[c.Kind]
			require.True(t, ok, "%s.%s is a %s", view, c.Name, c.Kind)
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", c.Name, kind, c.About)
		}
	}
	const path, mark = "../../docs/views.md", "\n## Reference\n"
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, reference, found := strings.Cut(string(page), mark)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+mark+text.String()), 0o644))
		return
	}
	require.Equal(t, text.String(), reference,
		"refresh it: go test ./internal/store -run TestViewsAreDocumented -update")
}

// kinds are the types of columns as the page calls them.
var kinds = map[string]string{"text": "text", "date": "day", "timestamp with time zone": "instant", "bigint": "number",
	"integer": "number", "double precision": "number", "boolean": "yes or no"}
