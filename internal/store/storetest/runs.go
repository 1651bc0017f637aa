package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// runs are the rules of runs that are not believed, fail, or roll the blocked customers forward.
var runs = map[string]func(*testing.T, *fixture){
	"a run that is not believed leaves its good readings to the next one": doubtedReadingsAreTakenOver,
	"readings of a run whose arithmetic fails are dropped":                miscountedReadingsAreDropped,
	"kept readings grow old":                                    keptReadingsGrowOld,
	"a recheck takes the place of kept readings":                recheckDropsKeptReadings,
	"the failure of an attempt is kept until the next one":      failuresAreKept,
	"pages say how many customers they name for the first time": freshCustomersAreCounted,
	"blocked customers are rolled forward":                      blockedRollForward,
}

func unreadable(id string) standing.State {
	return standing.State{Customer: customer(id), Standing: standing.Unknown, Reason: standing.Unreadable,
		Remedy: standing.Retry, Agreements: standing.OutcomeUnreadable, Direct: standing.DirectNotRead,
		ReadError: standing.ReadError{Status: 404}}
}

func closeWith(t *testing.T, lease *store.Lease, r ledger.Run, n int, checks ...ledger.Check) ledger.Run {
	t.Helper()
	r.FinishedAt = night(n).Add(time.Minute)
	closed, err := lease.CloseRun(t.Context(), r, func(ledger.Totals) []ledger.Check { return checks })
	require.NoError(t, err)
	return closed
}

// doubted makes a run of night n that reads a, b and c, and is not believed because b is
// unreadable.
func (l *fixture) doubted(t *testing.T, n int) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, n)
		states := []standing.State{clear("a"), unreadable("b"), blocked("c")}
		read(t, lease, r, n, list(t, lease, r, states...), states...)
		closed := closeWith(t, lease, r, n, ledger.Check{Name: ledger.CheckReadable})
		require.Equal(t, ledger.Failed, closed.State)
		require.Equal(t, 1, closed.Totals.Unreadable)
	})
}

func ids(listed []ledger.Listed) (ids []string) {
	for _, l := range listed {
		ids = append(ids, l.Customer.ID)
	}
	return ids
}

func doubtedReadingsAreTakenOver(t *testing.T, l *fixture) {
	first := l.sweep(t, 1, clear("a"), clear("b"), clear("c"))
	l.doubted(t, 2)
	require.Len(t, l.records(t, first, ""), 3)
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM standing WHERE valid_to IS NULL AND standing = 'clear'"),
		"no standing changes")
	l.hold(t, func(lease *store.Lease) {
		r, resumed, err := lease.Begin(t.Context(), wanted(3), night(2).Add(-time.Hour))
		require.NoError(t, err)
		require.True(t, resumed)
		require.Greater(t, r.ID, first.ID+1, "the run that failed stays as it is")
		require.Equal(t, night(2).Truncate(time.Microsecond), r.OldestReading)
		listed := list(t, lease, r, clear("a"), clear("b"), blocked("c"), clear("d"))
		require.Equal(t, []string{"b", "d"}, ids(listed), "what was read of the others is good")
		read(t, lease, r, 3, listed, clear("b"), clear("d"))
		closed := closeRun(t, lease, r, 3)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		require.Equal(t, []int{4, 3, 1, 1}, []int{closed.Totals.Listed, closed.Totals.Clear, closed.Totals.Blocked,
			closed.Totals.NewlyBlocked})
	})
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading")+l.count(t, "SELECT COUNT(*) FROM run_listing"))
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM run WHERE state = 'failed'"))
}

func miscountedReadingsAreDropped(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		read(t, lease, r, 1, list(t, lease, r, clear("a")), clear("a"))
		closeWith(t, lease, r, 1, ledger.Check{Name: ledger.CheckReadable}, ledger.Check{Name: ledger.CheckLedger})
		require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading"))
	})
}

func keptReadingsGrowOld(t *testing.T, l *fixture) {
	l.doubted(t, 1)
	l.hold(t, func(lease *store.Lease) {
		_, resumed, err := lease.Begin(t.Context(), wanted(2), night(2).Add(-6*time.Hour))
		require.NoError(t, err)
		require.False(t, resumed)
	})
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading"))
}

func recheckDropsKeptReadings(t *testing.T, l *fixture) {
	first := l.sweep(t, 1, clear("a"), clear("b"), clear("c"))
	l.doubted(t, 2)
	l.hold(t, func(lease *store.Lease) {
		again := wanted(2)
		again.Kind, again.OldestReading = ledger.Recheck, first.OldestReading
		r, _, err := lease.Begin(t.Context(), again, night(2).Add(-6*time.Hour))
		require.NoError(t, err)
		require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading"),
			"they were compared with what the recheck may change")
		closeWith(t, lease, r, 2, ledger.Check{Name: ledger.CheckLedger, OK: true})
		_, resumed, err := lease.Begin(t.Context(), wanted(3), night(1))
		require.NoError(t, err)
		require.False(t, resumed)
	})
}

func failuresAreKept(t *testing.T, l *fixture) {
	failure := ledger.Failure{Code: "sign_in_failed", Message: "sign in to Partner Center: \xff",
		Hint: "Sign in again."}
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		require.NoError(t, lease.RecordFailure(t.Context(), r.ID, failure))
		failed, err := l.Run(t.Context(), r.ID)
		require.NoError(t, err)
		failure.Message = "sign in to Partner Center: \uFFFD"
		require.Equal(t, failure, failed.Failure)
		require.Equal(t, ledger.Running, failed.State)

		read(t, lease, r, 1, list(t, lease, r, clear("a")), clear("a"))
		again, resumed, err := lease.Begin(t.Context(), wanted(1), night(1).Add(-time.Hour))
		require.NoError(t, err)
		require.True(t, resumed)
		resumedRun, err := l.Run(t.Context(), again.ID)
		require.NoError(t, err)
		require.Zero(t, resumedRun.Failure)

		require.NoError(t, lease.RecordFailure(t.Context(), r.ID, failure))
		list(t, lease, again, clear("a"))
		closed := closeRun(t, lease, again, 1)
		done, err := l.Run(t.Context(), closed.ID)
		require.NoError(t, err)
		require.Zero(t, done.Failure)
		require.NoError(t, lease.RecordFailure(t.Context(), r.ID, failure))
		done, err = l.Run(t.Context(), closed.ID)
		require.NoError(t, err)
		require.Zero(t, done.Failure, "a run that is closed stays as it is")
	})
}

func freshCustomersAreCounted(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		fresh := func(ids ...string) (n int) {
			var customers []standing.Customer
			for _, id := range ids {
				customers = append(customers, customer(id))
			}
			_, n, err := lease.RecordListed(t.Context(), r, customers, false)
			require.NoError(t, err)
			return n
		}
		require.Equal(t, 2, fresh("a", "b", "a"))
		require.Equal(t, 1, fresh("b", "c"))
		require.Zero(t, fresh("a", "b", "c"))
		require.Zero(t, fresh())
		read(t, lease, r, 1, []ledger.Listed{{Customer: customer("a")}}, clear("a"))
		r, resumed, err := lease.Begin(t.Context(), wanted(1), night(1).Add(-time.Hour))
		require.NoError(t, err)
		require.True(t, resumed)
		unread, n, err := lease.RecordListed(t.Context(), r, []standing.Customer{customer("a")}, false)
		require.NoError(t, err)
		require.Equal(t, 1, n, "named for the first time in this attempt")
		require.Empty(t, unread, "and read in an earlier one")
	})
}

func blockedRollForward(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"), clear("d"), blocked("e"))
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		byPolicy := blocked("d")
		states := []standing.State{clear("a"), unreadable("b"), byPolicy, blocked("e"), blocked("f"), clear("g")}
		listed := list(t, lease, r, states...)
		read(t, lease, r, 2, listed[:2], states...)
		read(t, lease, r, 2, listed[3:], states...)
		before := listed[2].Known.Record
		record := standing.Next(&before, byPolicy, night(2).Truncate(time.Microsecond), time.Time{})
		record.PolicyChanged = true
		require.NoError(t, lease.SaveReadings(t.Context(), r, night(2),
			[]ledger.Reading{{Record: record, Change: standing.NewlyBlocked, Differs: true}}))
		endList(t, lease, &r, 2, true)
		closed := closeRun(t, lease, r, 2)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		got := closed.Totals
		require.Equal(t, []int{3, 2, 2, 1, 1, 0}, []int{got.Blocked, got.NewlyBlocked, got.NoLongerBlocked,
			got.GoneBlocked, got.BlockedByPolicy, got.ClearedByPolicy})
		known, err := lease.Known(t.Context(), []string{"d"})
		require.NoError(t, err)
		require.True(t, known[0].PolicyChanged)
		kept, err := l.Run(t.Context(), closed.ID)
		require.NoError(t, err)
		require.Equal(t, got, kept.Totals)
	})
}
