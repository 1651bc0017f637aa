package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
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
	"github.com/mcaledger/mcaledger/internal/run"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/jobs"
)

// BenchmarkImport measures a whole import into PostgreSQL, file to batch, against psql's \copy of the same rows into a temporary table and an
// upsert from there: as near to 1.3 as can be. Time per row must not grow with the rows, and the heap at its highest (MB) not at all. The
// ledger's statistics are as autovacuum keeps them.
func BenchmarkImport(b *testing.B) {
	for _, rows := range []int{50_000, 200_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				address := storetest.Postgres(b)
				l := set(b, address, simulator.Options{Seed: 51, Customers: 1})
				l.good(b, 1)
				customers := `INSERT INTO standing (partner_id, customer_id, valid_from, name, name_key, domain, relationship, standing, reason, remedy, agreements,
					date_agreed, signer_first, signer_last, signer_email, signer_phone, direct, direct_last, trouble_status, trouble_code, trouble_message,
					trouble_request, trouble_correlation, first_seen, standing_since)
					SELECT '` + partner.ID + `', '00000000-0000-4000-8000-' || lpad(CAST(n AS text), 12, '0'), 1, 'Customer ' || n, 'customer ' || n, n || '.example.com',
					'reseller', 'blocked', 'never_accepted', 'attest', 'read', '', '', '', '', '', 'no', 'no', 0, '', '', '', '', now(), now() FROM generate_series(1, ` + fmt.Sprint(rows) + `) n`
				require.NoError(b, storetest.Exec(b.Context(), address, customers))
				require.NoError(b, storetest.Exec(b.Context(), address, "VACUUM ANALYZE"))
				path := list(b, rows)
				require.NoError(b, storetest.Exec(b.Context(), address, "CHECKPOINT"))
				limit := psql(b, address, path)

				require.NoError(b, storetest.Exec(b.Context(), address, "CHECKPOINT"))
				peak := heap(b)
				began := time.Now()
				file, err := intake.Open(path, intake.Options{AsOf: today})
				require.NoError(b, err)
				job := jobs.Import{Partners: []run.Partner{partner}, Since: "2023-04-01", By: "ana",
					LookUp: func(context.Context, run.Partner, string) (standing.Customer, bool, error) {
						return standing.Customer{}, false, nil
					}}
				batch, err := job.Run(b.Context(), file, "list.csv", ledgerBook{l.store}, today)
				require.NoError(b, err)
				require.NoError(b, file.Close())
				took := time.Since(began)
				require.Equal(b, attestation.Counts{Rows: rows, Queued: rows}, batch.Counts)
				b.ReportMetric(took.Seconds()*1e6/float64(rows), "µs/row")
				b.ReportMetric(peak(), "MB")
				b.ReportMetric(took.Seconds()/limit.Seconds(), "÷psql")
			}
		})
	}
}

// heap begins to watch the heap; the answer is the most that was in use, in MB.
func heap(b *testing.B) (peak func() float64) {
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

func (l ledgerBook) Import(ctx context.Context, batch attestation.Batch, fill func(jobs.Page) error) (attestation.Batch, error) {
	return l.Store.Import(ctx, batch, true, func(i *store.Import) error { return fill(i) },
		func(_ attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) error { return nil })
}

// list writes a file of so many attestations.
func list(b *testing.B, rows int) string {
	path := filepath.Join(b.TempDir(), "list.csv")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(f)
	io.WriteString(w, "customer_tenant_id,first_name,last_name,email,phone,date_agreed,company_name,evidence\n")
	for n := 1; n <= rows; n++ {
		fmt.Fprintf(w, "00000000-0000-4000-8000-%012d,Ana,Souza %d,ana%d@example.com,+55119%08d,2026-11-20,Customer %d,https://dms.example.com/agreements/%d\n", n, n, n, n, n, n)
	}
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
	return path
}

// psql is the time of the plainest way to get the rows into a table.
func psql(b *testing.B, address, path string) time.Duration {
	require.NoError(b, os.Chmod(filepath.Dir(path), 0o755))
	script := `CREATE TABLE plain (customer_tenant_id text PRIMARY KEY, first_name text, last_name text, email text, phone text, date_agreed text, company_name text, evidence text);
CREATE TEMPORARY TABLE incoming (LIKE plain);
\copy incoming FROM '` + path + `' WITH (FORMAT csv, HEADER)
INSERT INTO plain SELECT * FROM incoming ON CONFLICT (customer_tenant_id) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name,
  email = excluded.email, phone = excluded.phone, date_agreed = excluded.date_agreed, company_name = excluded.company_name, evidence = excluded.evidence;
`
	file := filepath.Join(b.TempDir(), "plain.sql")
	require.NoError(b, os.WriteFile(file, []byte(script), 0o644))
	began := time.Now()
	output, err := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, address).CombinedOutput()
	require.NoError(b, err, "%s", output)
	return time.Since(began)
}
