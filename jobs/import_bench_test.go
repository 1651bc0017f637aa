package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/jobs"
)

// BenchmarkImport measures a whole import, file to batch: of a list of customers of whom the ledger
// has no attestation, and of the same list again. On PostgreSQL it is compared with psql's \copy
// into a temporary table and an upsert from there: of the file's columns into one plain table, and
// of the rows that the import keeps into tables like the ledger's. Time per row must not grow with
// the rows, and the heap at its highest (MB) not at all. The statistics of PostgreSQL are as
// autovacuum keeps them; SQLite has none.
func BenchmarkImport(b *testing.B) {
	for _, rows := range []int{50_000, 200_000, 1_000_000} {
		b.Run(fmt.Sprint("postgres/", rows), func(b *testing.B) {
			for b.Loop() {
				l, address := knownCustomers(b, pgtest.Database(b), rows)
				execute := func(statement string) {
					require.NoError(b, storetest.Exec(b.Context(), address,
						statement))
				}
				execute("VACUUM ANALYZE")
				path := list(b, rows)
				execute("CHECKPOINT")
				plain := psql(b, address, path, fileOf(path))
				execute("CHECKPOINT")
				took := l.timedImport(b, path, attestation.Counts{Rows: rows, Queued: rows})
				b.ReportMetric(took.Seconds()/plain.Seconds(), "÷psql-of-the-file")
				kept := kept(b, address)
				execute("CHECKPOINT")
				b.ReportMetric(took.Seconds()/psql(b, address, path, kept).Seconds(), "÷psql-of-what-is-kept")
				execute("VACUUM ANALYZE")
				l.timedImport(b, path, attestation.Counts{Rows: rows, Duplicates: rows})
			}
		})
		b.Run(fmt.Sprint("sqlite/", rows), func(b *testing.B) {
			for b.Loop() {
				l, _ := knownCustomers(b, "sqlite:"+filepath.Join(b.TempDir(), "ledger.db"), rows)
				path := list(b, rows)
				l.timedImport(b, path, attestation.Counts{Rows: rows, Queued: rows})
				l.timedImport(b, path, attestation.Counts{Rows: rows, Duplicates: rows})
			}
		})
	}
}

// knownCustomers is a ledger whose last run read so many customers.
func knownCustomers(b *testing.B, address string, rows int) (*lab, string) {
	b.Helper()
	l := set(b, address, simulator.Options{Seed: 51, Customers: 1})
	l.good(b, 1)
	require.NoError(b, storetest.Exec(b.Context(), address, `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < `+fmt.Sprint(rows)+`)
		INSERT INTO standing (partner_id, customer_id, valid_from, display_id, name, name_sort, domain, relationship, standing, reason, remedy, agreements,
			date_agreed, signer_first, signer_last, signer_email, signer_phone, direct_acceptance,
			direct_acceptance_last_known, error_status, error_code,
			error_message, error_request_id, error_correlation_id, policy_changed, first_seen, standing_since)
		SELECT '`+partner.ID+`', id, 1, id, 'Customer ' || n, 'customer ' || n, n || '.example.com', 'reseller', 'blocked', 'never_accepted', 'attest', 'read',
			'', '', '', '', '', 'no', 'no', 0, '', '', '', '', FALSE, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
		FROM (SELECT n, '00000000-0000-4000-8000-' || substr(CAST(1000000000000 + n AS TEXT), 2) AS id FROM numbers) AS customers`))
	return l, address
}

// timedImport imports a list and reports the time of a row; of a list that brings nothing new as
// another metric.
func (l *lab) timedImport(b *testing.B, path string, want attestation.Counts) time.Duration {
	b.Helper()
	peak := heap(b)
	began := time.Now()
	file, err := intake.Open(path, intake.Options{AsOf: today})
	require.NoError(b, err)
	job := jobs.Import{Partners: []ledger.Partner{partner}, Since: "2023-04-01", By: attestation.Actor{Name: "ana"},
		Policy: attestation.ApprovalPolicy{Required: true}, LookUp: func(context.Context, ledger.Partner,
			string) (standing.Customer, bool, error) {
			return standing.Customer{}, false, nil
		}}
	batch, err := job.Run(b.Context(), file, "list.csv", ledgerBook{l.store}, today, true, unreported)
	require.NoError(b, err)
	require.NoError(b, file.Close())
	took := time.Since(began)
	require.Equal(b, want, batch.Counts)
	suffix := ""
	if want.Duplicates > 0 {
		suffix = "-again"
	}
	b.ReportMetric(took.Seconds()*1e6/float64(want.Rows), "µs/row"+suffix)
	b.ReportMetric(peak(), "MB"+suffix)
	return took
}

// heap begins to watch the heap; the answer is the most that was in use, in MB.
func heap(b *testing.B) (peak func() float64) {
	b.Helper()
	runtime.GC()
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var highest uint64
		for {
			metrics.Read(sample)
			highest = max(highest, sample[0].Value.Uint64())
			select {
			case <-done:
				most <- highest
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() float64 {
		close(done)
		return float64(<-most) / 1e6
	}
}

// ledgerBook is the store as the import job sees it.
type ledgerBook struct{ *store.Store }

func (l ledgerBook) Import(ctx context.Context, batch attestation.NewBatch, fill func(jobs.BatchWriter) error,
	report jobs.ReportRows) (attestation.Batch, error) {
	return l.Store.Import(ctx, batch, func(i *store.Import) error { return fill(i) }, report)
}

// list writes a file of so many attestations.
func list(b *testing.B, rows int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "list.csv")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(f)
	io.WriteString(w, "customer_tenant_id,first_name,last_name,email,phone,date_agreed,company_name,evidence\n")
	for n := 1; n <= rows; n++ {
		fmt.Fprintf(w, "00000000-0000-4000-8000-%012d,Ana,Souza %d,ana%d@example.com,+55119%08d,2026-11-20,Customer "+
			"%d,https://dms.example.com/agreements/%d\n", n, n, n, n, n, n)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
	return path
}

// fileOf is the plainest way to get the file's rows into a table.
func fileOf(path string) string {
	return `CREATE TABLE plain (customer_tenant_id text PRIMARY KEY, first_name text, last_name text, email text, phone text, date_agreed text, company_name text, evidence text);
CREATE TEMPORARY TABLE incoming (LIKE plain);
\copy incoming FROM '` + path + `' WITH (FORMAT csv, HEADER)
INSERT INTO plain SELECT * FROM incoming ON CONFLICT (customer_tenant_id) DO UPDATE SET
  first_name = excluded.first_name, last_name = excluded.last_name,
  email = excluded.email, phone = excluded.phone, date_agreed = excluded.date_agreed, company_name = excluded.company_name, evidence = excluded.evidence;
`
}

// kept is the plainest way to get the rows that the import has kept into tables like those in which
// it keeps them.
func kept(b *testing.B, address string) (script string) {
	b.Helper()
	folder := b.TempDir()
	require.NoError(b, os.Chmod(folder, 0o755))
	for _, table := range []string{"attestation", "attestation_signer"} {
		path := filepath.Join(folder, table+".csv")
		psql(b, address, path, `\copy `+table+` TO '`+path+`' WITH (FORMAT csv)`)
		require.NoError(b, storetest.Exec(b.Context(), address, "CREATE TABLE like_"+table+" (LIKE "+table+
			" INCLUDING ALL)"))
		script += `CREATE TEMPORARY TABLE incoming_` + table + ` (LIKE ` + table + `);
\copy incoming_` + table + ` FROM '` + path + `' WITH (FORMAT csv)
INSERT INTO like_` + table + ` SELECT * FROM incoming_` + table + ` ON CONFLICT (batch_id, line) DO UPDATE SET batch_id = excluded.batch_id;
`
	}
	return script
}

// psql is the time that a script takes.
func psql(b *testing.B, address, beside, script string) time.Duration {
	b.Helper()
	require.NoError(b, os.Chmod(filepath.Dir(beside), 0o755))
	file := filepath.Join(b.TempDir(), "script.sql")
	require.NoError(b, os.WriteFile(file, []byte(script), 0o644))
	began := time.Now()
	output, err := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, address).CombinedOutput()
	require.NoError(b, err, "%s", output)
	return time.Since(began)
}
