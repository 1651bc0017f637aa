package store_test

import (
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger file?.db") })
}

func TestPostgres(t *testing.T) { storetest.Run(t, pgtest.Copies(t, migrated)) }

// A connection that dies in the middle of a COPY ends the import; it must not keep anybody waiting.
func TestPostgresConnectionLostWhileImporting(t *testing.T) {
	fresh := pgtest.Copies(t, migrated)
	for range 5 { // where it is noticed is a matter of chance
		address := fresh(t)
		s, err := store.Open(t.Context(), address)
		require.NoError(t, err)
		defer s.Close()
		rows := make([]attestation.Attestation, 2000) // more than the driver keeps
		done := make(chan error, 1)
		go func() {
			_, err := s.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{ImportedAt: time.Now()},
				Keep: true}, func(i *store.Import) error {
				for n := range 200 {
					for k := range rows {
						rows[k] = attestation.Attestation{ID: attestation.ID{Line: n*len(rows) + k + 2},
							State: attestation.Refused, Cells: []string{"a", "b"}}
					}
					if n == 2 {
						kill := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " +
							"current_database() AND pid <> pg_backend_pid()"
						if err := storetest.Exec(t.Context(), address, kill); err != nil {
							return err
						}
					}
					if err := i.Add(t.Context(), rows); err != nil {
						return err
					}
				}
				return nil
			}, func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil })
			done <- err
		}()
		select {
		case err := <-done:
			require.Error(t, err)
		case <-time.After(time.Minute):
			require.Fail(t, "the import waits for ever")
		}
		batches, err := s.RecentBatches(t.Context(), 1)
		require.NoError(t, err)
		require.Empty(t, batches, "and nothing of it is kept")
	}
}
