package store_test

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/store"
)

var somebody = attestation.Actor{Name: "ana", Source: attestation.FromFlag}

// ledgerOn is a migrated ledger with a batch that waits for approval, and another connection to its
// database.
func ledgerOn(t *testing.T, address string) (*store.Store, *sqlx.DB) {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	require.NoError(t, s.Migrate(t.Context()))
	imported(t, s)
	other, err := sqlx.Open("postgres", address)
	require.NoError(t, err)
	t.Cleanup(func() { other.Close() })
	return s, other
}

func imported(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Import(t.Context(), attestation.NewBatch{Keep: true, Batch: attestation.Batch{SHA256: "f",
		ImportedBy: somebody, ImportedAt: time.Now()}}, func(i *store.Import) error {
		return i.Add(t.Context(), []attestation.Attestation{{ID: attestation.ID{Line: 2}, PartnerID: "p",
			CustomerID: "c", State: attestation.Queued}})
	}, func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil })
	require.NoError(t, err)
}

// holdChain locks the end of the event chain, where every change of the ledger has to pass, until
// release is called.
func holdChain(t *testing.T, other *sqlx.DB) (holder *sqlx.Tx, release func()) {
	t.Helper()
	holder, err := other.Beginx()
	require.NoError(t, err)
	t.Cleanup(func() { holder.Rollback() })
	_, err = holder.Exec("SELECT * FROM chain_head FOR UPDATE")
	require.NoError(t, err)
	return holder, func() { holder.Rollback() }
}

// approving approves batch 1 in the background.
func approving(t *testing.T, ctx context.Context, s *store.Store) (done chan error) {
	t.Helper()
	done = make(chan error, 1)
	go func() {
		_, err := s.Approve(ctx, attestation.Approval{Batch: 1, SHA256: "f", By: attestation.Actor{Name: "bea"},
			At: time.Now()})
		done <- err
	}()
	return done
}

// untilWaiting returns when a session of the database waits for a lock.
func untilWaiting(t *testing.T, other *sqlx.DB) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := other.Get(&n, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND "+
			"wait_event_type = 'Lock'")
		return err == nil && n > 0
	}, time.Minute, 5*time.Millisecond)
}

func whole(t *testing.T, s *store.Store) {
	t.Helper()
	found, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Problems)
}

func TestDeadlocksAreTriedAgain(t *testing.T) {
	t.Parallel()
	s, other := ledgerOn(t, pgtest.Database(t))
	holder, release := holdChain(t, other)
	done := approving(t, t.Context(), s)
	untilWaiting(t, other) // it has the batch and waits for the chain
	_, err := holder.Exec("UPDATE batch SET file_name = file_name WHERE id = 1")
	require.NoError(t, err, "the other one gave way")
	release()
	require.NoError(t, <-done)
	whole(t, s)
}

func TestTerminatedSessionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	s, other := ledgerOn(t, pgtest.Database(t))
	_, release := holdChain(t, other)
	done := approving(t, t.Context(), s)
	for range 3 {
		untilWaiting(t, other)
		_, err := other.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		require.NoError(t, err)
	}
	release()
	require.NoError(t, <-done)
	whole(t, s)
}

func TestARestartedServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s, other := ledgerOn(t, server.Database(t))
	holdChain(t, other)
	done := approving(t, t.Context(), s)
	untilWaiting(t, other)
	server.Restart(t)
	require.NoError(t, <-done)
	whole(t, s)
}

func TestSerializableIsNotNeeded(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	admin, err := sqlx.Open("postgres", address)
	require.NoError(t, err)
	defer admin.Close()
	admin.MustExec("ALTER DATABASE " + databaseOf(address) + " SET default_transaction_isolation = 'serializable'")
	admin.MustExec("ALTER DATABASE " + databaseOf(address) + " SET synchronous_commit = off")
	s, _ := ledgerOn(t, address)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for range 10 {
				require.NoError(t, s.ResumeSending(t.Context(), ledger.ChainHead{Sequence: int64(n)}, somebody,
					time.Now()))
			}
		})
	}
	group.Wait()
	whole(t, s)
}

func databaseOf(address string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(address, "postgres://postgres@/"), "?")
	return name
}

func TestThePoolIsNoLargerThanTheServerAllows(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "max_connections=16", "superuser_reserved_connections=2")
	s, other := ledgerOn(t, server.Database(t))
	other.SetMaxOpenConns(1)
	most := 0
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 40 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := s.Head(t.Context())
					require.NoError(t, err)
				}
			}
		})
	}
	for range 50 {
		var n int
		require.NoError(t, other.Get(&n, "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'mcaledger'"))
		most = max(most, n)
	}
	close(stop)
	group.Wait()
	require.LessOrEqual(t, most, 7, "half of what the server allows")
	require.Greater(t, most, 1)
}

func TestAFullServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "max_connections=12", "superuser_reserved_connections=0")
	address := server.Database(t)
	s, other := ledgerOn(t, address)
	s.Close()
	var crowd []*sql.Conn
	for {
		conn, err := other.Conn(t.Context())
		if err != nil {
			require.ErrorContains(t, err, "53300")
			break
		}
		require.Less(t, len(crowd), 20)
		crowd = append(crowd, conn)
	}
	opened := make(chan error, 1)
	go func() {
		again, err := store.Open(t.Context(), address)
		if err == nil {
			again.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		require.Fail(t, "it should wait", "%v", err)
	case <-time.After(300 * time.Millisecond):
	}
	other.Close()
	for _, conn := range crowd {
		conn.Close()
	}
	require.NoError(t, <-opened)
}

func TestARoleWithTooFewConnectionsIsTold(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	_, other := ledgerOn(t, address)
	other.MustExec("CREATE ROLE narrow LOGIN CONNECTION LIMIT 2")
	_, err := store.Open(t.Context(), strings.Replace(address, "postgres@", "narrow@", 1))
	limit, ok := errors.AsType[*store.ConnectionLimitError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 2, limit.Allowed)
}

func TestWhoHoldsALockIsTold(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	s, other := ledgerOn(t, address)
	other.MustExec("ALTER DATABASE " + databaseOf(address) + " SET lock_timeout = '100ms'")
	s.Close()
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	holder, _ := holdChain(t, other)
	_, err = holder.Exec("SET application_name = 'nosy analyst'")
	require.NoError(t, err)
	err = <-approving(t, t.Context(), s)
	require.ErrorContains(t, err, "nosy analyst")
	require.ErrorContains(t, err, "holds locks on chain_head since")
	require.ErrorContains(t, err, "idle in transaction")
	failed, ok := errors.AsType[*store.Error](err)
	require.True(t, ok)
	require.Contains(t, failed.Hint(), "End the session that holds the lock")
}

func TestReadingTakesNoAdvisoryLock(t *testing.T) {
	t.Parallel()
	s, other := ledgerOn(t, pgtest.Database(t))
	holder, err := other.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	for _, key := range []int64{7121903, 7121904} {
		_, err := holder.Exec("SELECT pg_advisory_xact_lock($1)", key)
		require.NoError(t, err)
	}
	require.NoError(t, s.Migrate(t.Context()), "there is nothing to do")
	_, _, err = s.Schema(t.Context())
	require.NoError(t, err)
	whole(t, s)
	_, err = s.RecentBatches(t.Context(), 10)
	require.NoError(t, err)
}

func TestAnInterruptedStatementSaysSo(t *testing.T) {
	t.Parallel()
	s, other := ledgerOn(t, pgtest.Database(t))
	holdChain(t, other)
	ctx, interrupt := context.WithCancel(t.Context())
	done := approving(t, ctx, s)
	untilWaiting(t, other)
	interrupt()
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestAStandbyIsReadAndNamed(t *testing.T) {
	t.Parallel()
	primary := pgtest.Start(t)
	address := primary.Database(t)
	ledgerOn(t, address)
	standby, err := store.Open(t.Context(), primary.Standby(t).On(t, address))
	require.NoError(t, err)
	defer standby.Close()
	require.NoError(t, standby.Migrate(t.Context()))
	whole(t, standby)
	err = <-approving(t, t.Context(), standby)
	failed, ok := errors.AsType[*store.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "database_read_only", failed.Code())
	require.Contains(t, failed.Hint(), "read-only standby")
}

func TestPgBouncerInTransactionMode(t *testing.T) {
	t.Parallel()
	address := pgtest.Pooler(t, pgtest.Database(t))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := store.Open(t.Context(), address)
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Migrate(t.Context()))
			for range 10 {
				require.NoError(t, s.ResumeSending(t.Context(), ledger.ChainHead{Sequence: 1}, somebody, time.Now()))
				imported(t, s)
				_, err := s.RecentBatches(t.Context(), 3)
				require.NoError(t, err)
			}
			whole(t, s)
		})
	}
	group.Wait()
}
