package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

func file(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db") }

// opened is a ledger at an address, and its newest event.
func opened(t *testing.T, address string) (*store.Store, ledger.ChainHead) {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	head, err := s.Head(t.Context())
	if err != nil {
		head = ledger.ChainHead{} // it has no schema yet
	}
	return s, head
}

func quiet(int, int) {}

func TestALedgerIsCopiedToAnotherDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to func(testing.TB) string }{
		"sqlite to postgres": {file, pgtest.Database},
		"postgres to sqlite": {pgtest.Database, file},
		"sqlite to sqlite":   {file, file},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := c.from(t), c.to(t)
			storetest.Fill(t, from)
			source, head := opened(t, from)
			target, _ := opened(t, to)
			done, expected := 0, 0
			copied, err := source.CopyTo(t.Context(), target, somebody, time.Now(), func(d, e int) {
				done, expected = d,
					e
			})
			require.NoError(t, err)
			require.Equal(t, head, copied.Head)
			require.EqualValues(t, copied.Rows, done)
			require.Equal(t, expected, done)
			require.Greater(t, copied.Tables, 15)
			whole(t, target)
			has, err := target.HasHead(t.Context(), head)
			require.NoError(t, err)
			require.True(t, has)
			now, err := target.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, head.Sequence+1, now.Sequence, "one event says that it is a copy")

			_, err = source.CopyTo(t.Context(), target, somebody, time.Now(), quiet)
			require.ErrorIs(t, err, store.ErrNotEmpty)
			before, err := target.RecentBatches(t.Context(), 1)
			require.NoError(t, err)
			imported(t, target)
			after, err := target.RecentBatches(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, before[0].ID+1, after[0].ID, "numbers go on")
			whole(t, target)
		})
	}
}

// Nothing is copied unless all of it is.
func TestALedgerIsNotCopiedByHalf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, target string                                    // statements
		meanwhile      func(context.Context, *store.Store) error // the first time that progress is told
		message        string
	}{
		"a value that the other database cannot hold": {source: "UPDATE partner SET name = 'a' || char(0) || 'b'",
			message: "copy table partner"},
		"a value that the other database changes": {target: `CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql
			AS 'BEGIN NEW.name = ''other''; RETURN NEW; END';
			CREATE TRIGGER other BEFORE INSERT ON standing FOR EACH ROW EXECUTE FUNCTION other()`,
			message: "table standing has"},
		"a row that the other database drops": {target: `CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
			AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER none BEFORE INSERT ON run_check FOR EACH ROW EXECUTE FUNCTION nothing()`,
			message: "table run_check has"},
		"a row that is there": {target: "INSERT INTO partner (id, name, kind) VALUES ('x', 'x', 'direct_bill')",
			message: store.ErrNotEmpty.Error()},
		"a ledger that goes on": {meanwhile: func(ctx context.Context, s *store.Store) error {
			return s.RecordReport(ctx, ledger.WrittenReport{File: "r.xlsx"}, somebody, time.Now())
		}, message: store.ErrChangedMeanwhile.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := file(t), pgtest.Database(t)
			storetest.Fill(t, from)
			source, _ := opened(t, from)
			target, _ := opened(t, to)
			require.NoError(t, target.Migrate(t.Context()))
			for address, statement := range map[string]string{from: c.source, to: c.target} {
				if statement != "" {
					require.NoError(t, storetest.Exec(t.Context(), address, statement))
				}
			}
			_, err := source.CopyTo(t.Context(), target, somebody, time.Now(), func(int, int) {
				if c.meanwhile != nil {
					require.NoError(t, c.meanwhile(t.Context(), source))
					c.meanwhile = nil
				}
			})
			require.ErrorContains(t, err, c.message)
			head, err := target.Head(t.Context())
			require.NoError(t, err)
			require.Zero(t, head)
			runs, err := target.RecentRuns(t.Context(), 1)
			require.NoError(t, err)
			require.Empty(t, runs)
		})
	}
}

func TestABackupIsTheWholeLedgerAndKnowsThatItIsOne(t *testing.T) {
	t.Parallel()
	address := file(t)
	storetest.Fill(t, address)
	source, _ := opened(t, address)
	imported(t, source)
	head, err := source.Head(t.Context())
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "backup.db")
	at := time.Now()
	found, err := source.Backup(t.Context(), path, somebody, at)
	require.NoError(t, err)
	require.Equal(t, head, found.Head)
	require.Empty(t, found.Problems)
	still, err := source.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, still, "nothing was written to the ledger")
	_, err = source.Backup(t.Context(), path, somebody, at)
	require.ErrorContains(t, err, "exists")

	backup, copied := opened(t, "sqlite:"+path)
	whole(t, backup)
	require.Equal(t, head.Sequence+1, copied.Sequence)
	claim := claimed(t, backup)
	require.WithinDuration(t, at, claim.CopiedAt, time.Millisecond)
	require.Zero(t, claimed(t, source).CopiedAt)

	server, _ := opened(t, pgtest.Database(t))
	_, err = server.Backup(t.Context(), filepath.Join(t.TempDir(), "b.db"), somebody, at)
	require.ErrorIs(t, err, store.ErrBackupOfServer)
}

func claimed(t *testing.T, s *store.Store) *attestation.Claim {
	t.Helper()
	batches, err := s.RecentBatches(t.Context(), 1)
	require.NoError(t, err)
	_, err = s.Approve(t.Context(), attestation.Approval{Batch: batches[0].ID, SHA256: "f",
		By: attestation.Actor{Name: "bea"}, At: time.Now()})
	require.NoError(t, err)
	queue, err := s.Queue(t.Context(), "p", somebody)
	require.NoError(t, err)
	claim, err := queue.Claim(t.Context(), standing.DateOf(time.Now()), attestation.ApprovedWork)
	require.NoError(t, err)
	require.NotNil(t, claim)
	return claim
}
