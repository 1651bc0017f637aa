// Package storetest is the contract of the store, as one suite that every database must pass.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

var (
	contoso  = ledger.Partner{ID: "11111111-1111-4111-8111-111111111111", Name: "contoso", Kind: standing.DirectBill}
	fabrikam = ledger.Partner{ID: "22222222-2222-4222-8222-222222222222", Name: "fabrikam",
		Kind: standing.IndirectReseller}
	policy   = standing.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}
	firstDay = time.Date(2026, 11, 20, 2, 0, 0, 123456789, time.UTC)
)

// night is the instant of the n-th night, from 1.
func night(n int) time.Time { return firstDay.AddDate(0, 0, n-1) }

// Run holds a database to the contract. fresh returns the address of an empty one.
func Run(t *testing.T, fresh func(testing.TB) string) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"migrating twice changes nothing":                           migratesTwice,
		"a newer schema is refused and left alone":                  refusesNewerSchema,
		"a partner is held by one at a time":                        heldByOne,
		"partners do not hold each other":                           partnersAreApart,
		"a lease that has run out is taken over":                    expiredLeaseIsTaken,
		"a dead process of this host loses its lease at once":       deadHolderIsReplaced,
		"a process of another host keeps its lease":                 otherHostKeepsLease,
		"who lost the lease writes nothing":                         lostLeaseWritesNothing,
		"what did not change is not written again":                  keptOnChangeOnly,
		"a past run can be read again as it was":                    pastRunsRemain,
		"a record comes back as it was stored":                      recordsRoundTrip,
		"a customer named twice is read once":                       namedTwice,
		"an interrupted run goes on where it was":                   resumes,
		"readings that are too old are made again":                  oldReadingsAreForgotten,
		"another policy, kind or version begins anew":               otherRulesBeginAnew,
		"missing customers are found, and gone when a read says so": missingAndGone,
		"a missing customer that is still there counts":             stillThere,
		"read before, no longer listed: not carried on":             unlistedReadingIsForgotten,
		"a customer that comes back is known":                       comesBack,
		"a run that does not balance changes nothing":               unbalancedRunChangesNothing,
		"changes name both sides, new and gone":                     changesNameBothSides,
		"blocked customers come by how long they have been so":      longestBlockedFirst,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t, fresh(t))) })
	}
	for _, more := range []map[string]func(*testing.T, *fixture){attestations, links, reports, particulars, exceptions,
		invitations, runs, tampering} {
		for name, test := range more {
			t.Run(name, func(t *testing.T) { test(t, open(t, fresh(t))) })
		}
	}
}

// ledger is an open store with a side door for what no API should allow.
type fixture struct {
	*store.Store
	address string
	raw     *sqlx.DB
}

func open(t *testing.T, address string) *fixture {
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	require.NoError(t, s.Migrate(t.Context()))
	raw, err := connect(address)
	require.NoError(t, err)
	t.Cleanup(func() { raw.Close() })
	return &fixture{s, address, raw}
}

// connect opens a database around the store.
func connect(address string) (*sqlx.DB, error) {
	path, ok := strings.CutPrefix(address, "sqlite:")
	if !ok {
		return sqlx.Open("postgres", address)
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	return sqlx.Open("sqlite", "file:"+escaped+"?_pragma=busy_timeout(10000)&_time_format=sqlite")
}

// Exec does to a database what no part of the program would, such as taking its lease away.
func Exec(ctx context.Context, address, statement string) error {
	db, err := connect(address)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (l *fixture) exec(t *testing.T, statement string, values ...any) {
	t.Helper()
	_, err := l.raw.Exec(l.raw.Rebind(statement), values...)
	require.NoError(t, err)
}

func (l *fixture) count(t *testing.T, query string, values ...any) (n int) {
	t.Helper()
	require.NoError(t, l.raw.Get(&n, l.raw.Rebind(query), values...))
	return n
}

// hold does work as the holder of contoso's lease.
func (l *fixture) hold(t *testing.T, work func(lease *store.Lease)) {
	t.Helper()
	err := l.Hold(t.Context(), contoso, func(_ context.Context, lease *store.Lease) error {
		work(lease)
		return nil
	})
	require.NoError(t, err)
}

func wanted(n int) ledger.Run {
	return ledger.Run{Kind: ledger.Sweep, Policy: policy, CorrelationID: fmt.Sprintf("correlation-%d", n),
		Version: "test", StartedAt: night(n)}
}

func begin(t *testing.T, lease *store.Lease, n int) ledger.Run {
	t.Helper()
	r, resumed, err := lease.Begin(t.Context(), wanted(n), night(n).Add(-6*time.Hour))
	require.NoError(t, err)
	require.False(t, resumed)
	return r
}

// sweep makes a whole run of night n in which the service lists and says this of contoso's
// customers.
func (l *fixture) sweep(t *testing.T, n int, states ...standing.State) (closed ledger.Run) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, n)
		read(t, lease, r, n, list(t, lease, r, states...), states...)
		closed = closeRun(t, lease, r, n)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
	})
	return closed
}

func list(t *testing.T, lease *store.Lease, r ledger.Run, states ...standing.State) []ledger.Listed {
	t.Helper()
	var customers []standing.Customer
	for _, s := range states {
		customers = append(customers, s.Customer)
	}
	listed, _, err := lease.RecordListed(t.Context(), r, customers, false)
	require.NoError(t, err)
	return listed
}

// read saves readings of the listed customers, found in the given states.
func read(t *testing.T, lease *store.Lease, r ledger.Run, n int, listed []ledger.Listed, states ...standing.State) {
	t.Helper()
	byID := map[string]standing.State{}
	for _, s := range states {
		byID[s.ID] = s
	}
	var readings []ledger.Reading
	for _, l := range listed {
		state := byID[l.Customer.ID]
		var step standing.Transition
		if l.Known != nil && !l.Known.Gone {
			step.Before = &l.Known.Record
		}
		record := standing.Next(step.Before, state, night(n).Truncate(time.Microsecond), time.Time{})
		step.After = &record
		readings = append(readings, ledger.Reading{Record: record, Change: step.Change(), Differs: step.Before == nil ||
			step.Before.State != state})
	}
	if len(readings) > 0 {
		require.NoError(t, lease.SaveReadings(t.Context(), r, night(n), readings))
	}
}

// endList counts who is missing once the list has come to its end, and says of each whether it is
// gone.
func endList(t *testing.T, lease *store.Lease, r *ledger.Run, n int, gone bool) {
	t.Helper()
	var err error
	r.Totals.Unlisted, _, err = lease.CountUnlisted(t.Context(), *r)
	require.NoError(t, err)
	for known, err := range lease.Unlisted(t.Context(), *r) {
		require.NoError(t, err)
		if gone {
			reading := ledger.Reading{Record: known.Record, Change: standing.Gone, Differs: true, Gone: true}
			require.NoError(t, lease.SaveReadings(t.Context(), *r, night(n), []ledger.Reading{reading}))
		}
	}
}

func closeRun(t *testing.T, lease *store.Lease, r ledger.Run, n int) ledger.Run {
	t.Helper()
	last, err := lease.LastCompleted(t.Context())
	require.NoError(t, err)
	var before ledger.Totals
	if last != nil {
		before = last.Totals
	}
	r.FinishedAt = night(n).Add(time.Minute)
	closed, err := lease.CloseRun(t.Context(), r, func(totals ledger.Totals) []ledger.Check {
		return ledger.CheckSweep(totals, before, ledger.Limits{MaxGonePercent: 50})
	})
	require.NoError(t, err)
	return closed
}

func clear(id string) standing.State {
	return standing.State{Customer: customer(id), Standing: standing.Clear, Reason: standing.Attested,
		Agreements: standing.Read, Newest: standing.Agreement{Agreed: "2024-05-06",
			Signer: standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@example.com", Phone: "+5511"}},
		Direct: standing.DirectNotRead}
}

func blocked(id string) standing.State {
	return standing.State{Customer: customer(id), Standing: standing.Blocked, Reason: standing.NeverAccepted,
		Remedy: standing.Attest, Agreements: standing.Read, Direct: standing.DirectNo}
}

func customer(id string) standing.Customer {
	return standing.Customer{ID: id, DisplayID: strings.ToUpper(id), Name: "Customer " + id, Domain: id +
		".example.com", Relationship: "reseller"}
}

func (l *fixture) records(t *testing.T, r ledger.Run, which standing.Standing) (records []standing.Record) {
	t.Helper()
	for record, err := range l.Records(t.Context(), contoso.ID, r.ID, which) {
		require.NoError(t, err)
		records = append(records, record)
	}
	n, err := l.CountRecords(t.Context(), contoso.ID, r.ID, which)
	require.NoError(t, err)
	require.Len(t, records, n)
	return records
}

func migratesTwice(t *testing.T, l *fixture) {
	have, know, err := l.Schema(t.Context())
	require.NoError(t, err)
	require.Equal(t, know, have)
	require.NoError(t, l.Migrate(t.Context()))
}

func refusesNewerSchema(t *testing.T, l *fixture) {
	l.exec(t, "INSERT INTO schema_version (version) VALUES (9999)")
	require.ErrorIs(t, l.Migrate(t.Context()), store.ErrNewerSchema)
	require.ErrorContains(t, l.Migrate(t.Context()), "9999")
}

func heldByOne(t *testing.T, l *fixture) {
	l.hold(t, func(*store.Lease) {
		err := l.Hold(t.Context(), contoso, func(context.Context, *store.Lease) error { panic("held twice") })
		held, ok := errors.AsType[*store.HeldError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "contoso", held.Partner)
	})
	l.hold(t, func(*store.Lease) {}) // given back, free again
}

func partnersAreApart(t *testing.T, l *fixture) {
	l.hold(t, func(*store.Lease) {
		require.NoError(t, l.Hold(t.Context(), fabrikam, func(context.Context, *store.Lease) error { return nil }))
	})
}

func expiredLeaseIsTaken(t *testing.T, l *fixture) {
	l.hold(t, func(old *store.Lease) {
		l.exec(t, "UPDATE lease SET expires_at = 1")
		r := ledger.Run{}
		l.hold(t, func(young *store.Lease) { r = begin(t, young, 1) })
		require.ErrorIs(t, old.SaveReadings(t.Context(), r, night(1),
			[]ledger.Reading{{Record: standing.Record{State: clear("a")}}}), store.ErrLeaseLost)
	})
}

func deadHolderIsReplaced(t *testing.T, l *fixture) {
	l.hold(t, func(*store.Lease) {
		l.exec(t, "UPDATE lease SET pid = ?, pid_started = '1'", deadProcess(t))
		l.hold(t, func(*store.Lease) {})
	})
}

// deadProcess returns the id of a process that has ended.
func deadProcess(t *testing.T) int {
	process := exec.Command("true")
	require.NoError(t, process.Run())
	return process.Process.Pid
}

func otherHostKeepsLease(t *testing.T, l *fixture) {
	l.hold(t, func(*store.Lease) {
		l.exec(t, "UPDATE lease SET host = 'elsewhere/boot/pid', pid = ?", deadProcess(t))
		err := l.Hold(t.Context(), contoso, func(context.Context, *store.Lease) error { return nil })
		require.ErrorContains(t, err, "host elsewhere,")
	})
}

func lostLeaseWritesNothing(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		listed := list(t, lease, r, clear("a"))
		l.exec(t, "UPDATE lease SET number = number + 1")
		save := []ledger.Reading{{Record: standing.Record{State: clear(listed[0].Customer.ID)}}}
		require.ErrorIs(t, lease.SaveReadings(t.Context(), r, night(1), save), store.ErrLeaseLost)
		_, _, err := lease.RecordListed(t.Context(), r, []standing.Customer{customer("b")}, false)
		require.ErrorIs(t, err, store.ErrLeaseLost)
		_, err = lease.CloseRun(t.Context(), r,
			func(ledger.Totals) []ledger.Check { return []ledger.Check{{OK: true}} })
		require.ErrorIs(t, err, store.ErrLeaseLost)
		require.ErrorIs(t, lease.AddCost(t.Context(), r.ID, ledger.Cost{Requests: 1}), store.ErrLeaseLost)
		require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading"))
		require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM run_listing"))
		require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM run WHERE state = 'running' AND requests = 0"))
	})
}

func keptOnChangeOnly(t *testing.T, l *fixture) {
	l.sweep(t, 1, clear("a"), blocked("b"))
	l.sweep(t, 2, clear("a"), blocked("b"))
	require.Equal(t, 2, l.count(t, "SELECT COUNT(*) FROM standing"))
	renamed := clear("a")
	renamed.Name = "Another name"
	third := l.sweep(t, 3, renamed, blocked("b"))
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM standing"))
	require.Zero(t, third.Totals.New+third.Totals.Gone+third.Totals.NewlyClear)
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading")+l.count(t, "SELECT COUNT(*) FROM run_listing"),
		"working rows are dropped")
}

func pastRunsRemain(t *testing.T, l *fixture) {
	first := l.sweep(t, 1, clear("a"), blocked("b"), blocked("c"))
	before := l.records(t, first, "")
	l.sweep(t, 2, clear("a"), clear("b"), blocked("c"), blocked("d"))
	l.sweep(t, 3, blocked("a"), blocked("b"), clear("c"), clear("d"))
	require.Equal(t, before, l.records(t, first, ""))
	again, err := l.Store.Run(t.Context(), first.ID)
	require.NoError(t, err)
	first.OldestReading, first.StartedAt, first.FinishedAt = again.OldestReading, again.StartedAt, again.FinishedAt
	require.Equal(t, &first, again)
	none, err := l.Store.Run(t.Context(), 12345)
	require.NoError(t, err)
	require.Nil(t, none)

	require.True(t, first.ReportedAt.IsZero())
	require.NoError(t, l.RecordReport(t.Context(), ledger.WrittenReport{File: "r.xlsx", Newest: []int64{first.ID},
		AsOf: night(2)}, ana, night(2)))
	again, err = l.Store.Run(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, night(2).Truncate(time.Microsecond), again.ReportedAt)
}

func recordsRoundTrip(t *testing.T, l *fixture) {
	states := []standing.State{clear("plain"), blocked("blocked")}
	for i, name := range []string{"=HYPERLINK(\"x\")", " spaces ", "a\tb\r\nc", "שלום مرحبا", "日本語 😀",
		"\u0001\u000b\uffff", strings.Repeat("ü", 40_000), "'; DROP TABLE run; --", ":name ? $1"} {
		s := clear(fmt.Sprintf("hostile-%d", i))
		s.Name, s.Domain, s.Newest.Signer.FirstName, s.ReadError.Message = name, name, name, name
		s.ReadError = standing.ReadError{Status: 503, Code: "x", Message: name, RequestID: "r", CorrelationID: "c"}
		states = append(states, s)
	}
	r := l.sweep(t, 1, states...)
	found := map[string]standing.Record{}
	for _, record := range l.records(t, r, "") {
		found[record.ID] = record
	}
	for _, s := range states {
		require.Equal(t, s, found[s.ID].State)
		require.Equal(t, night(1).Truncate(time.Microsecond), found[s.ID].FirstSeen)
	}
	// The same again is no change: what comes back equals what went in.
	l.sweep(t, 2, states...)
	require.Equal(t, len(states), l.count(t, "SELECT COUNT(*) FROM standing"))
}

func namedTwice(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		require.Len(t, list(t, lease, r, clear("a"), clear("a"), clear("b")), 2)
		require.Len(t, list(t, lease, r, clear("b"), clear("c")), 1)
		require.Empty(t, list(t, lease, r, clear("a")))
		require.Empty(t, list(t, lease, r))
	})
}

func resumes(t *testing.T, l *fixture) {
	var interrupted ledger.Run
	l.hold(t, func(lease *store.Lease) {
		interrupted = begin(t, lease, 1)
		read(t, lease, interrupted, 1, list(t, lease, interrupted, clear("a"), blocked("b"))[:1], clear("a"))
	})
	l.hold(t, func(lease *store.Lease) {
		later := wanted(1)
		later.StartedAt = night(1).Add(time.Hour)
		r, resumed, err := lease.Begin(t.Context(), later, later.StartedAt.Add(-6*time.Hour))
		require.NoError(t, err)
		require.True(t, resumed)
		require.Equal(t, interrupted.ID, r.ID)
		require.Equal(t, 2, r.Attempt)
		require.Equal(t, interrupted.CorrelationID, r.CorrelationID)
		require.Equal(t, night(1).Truncate(time.Microsecond), r.OldestReading)
		listed := list(t, lease, r, clear("a"), blocked("b"))
		require.Len(t, listed, 1, "what was read is not read again")
		require.Equal(t, "b", listed[0].Customer.ID)
		read(t, lease, r, 1, listed, blocked("b"))
		closed := closeRun(t, lease, r, 1)
		require.Equal(t, ledger.Completed, closed.State)
		require.Equal(t, ledger.Standings{Clear: 1, Blocked: 1}, closed.Totals.Standings)
	})
}

func oldReadingsAreForgotten(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		read(t, lease, r, 1, list(t, lease, r, clear("a")), clear("a"))
		again, resumed, err := lease.Begin(t.Context(), wanted(2), night(2).Add(-6*time.Hour))
		require.NoError(t, err)
		require.False(t, resumed)
		require.NotEqual(t, r.ID, again.ID)
		require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM run WHERE state = 'abandoned'"))
		require.Zero(t, l.count(t, "SELECT COUNT(*) FROM run_reading"))
	})
}

func otherRulesBeginAnew(t *testing.T, l *fixture) {
	for name, change := range map[string]func(*ledger.Run){
		"policy":  func(r *ledger.Run) { r.Policy.TrustDirectAcceptance = false },
		"since":   func(r *ledger.Run) { r.Policy.AcceptedSince = "2024-01-01" },
		"version": func(r *ledger.Run) { r.Version = "other" },
	} {
		l.hold(t, func(lease *store.Lease) {
			r, _, err := lease.Begin(t.Context(), wanted(1), night(1).Add(-6*time.Hour))
			require.NoError(t, err)
			read(t, lease, r, 1, list(t, lease, r, clear("a")), clear("a"))
			other := wanted(1)
			change(&other)
			again, resumed, err := lease.Begin(t.Context(), other, night(1).Add(-6*time.Hour))
			require.NoError(t, err)
			require.False(t, resumed, name)
			require.NotEqual(t, r.ID, again.ID)
			require.Equal(t, other.Policy, again.Policy)
		})
	}
}

func missingAndGone(t *testing.T, l *fixture) {
	l.sweep(t, 1, clear("a"), clear("b"), blocked("c"))
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		read(t, lease, r, 2, list(t, lease, r, clear("a"), clear("b")), clear("a"), clear("b"))
		missing, listed, err := lease.CountUnlisted(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, []int{1, 2}, []int{missing, listed})
		endList(t, lease, &r, 2, true)
		closed := closeRun(t, lease, r, 2)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		require.Equal(t, []int{1, 1, 2}, []int{closed.Totals.Gone, closed.Totals.GoneConfirmed, closed.Totals.Listed})
		require.Len(t, l.records(t, closed, ""), 2)
	})
}

func stillThere(t *testing.T, l *fixture) {
	before := l.sweep(t, 1, clear("a"), blocked("b")).Totals
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		read(t, lease, r, 2, list(t, lease, r, clear("a")), clear("a"))
		found, _, err := lease.RecordListed(t.Context(), r, []standing.Customer{customer("b")}, true)
		require.NoError(t, err)
		read(t, lease, r, 2, found, blocked("b"))
		r.Totals.Unlisted = 1
		closed, err := lease.CloseRun(t.Context(), r, func(totals ledger.Totals) []ledger.Check {
			return ledger.CheckSweep(totals, before, ledger.Limits{MaxGonePercent: 50})
		})
		require.NoError(t, err)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		require.Equal(t, []int{2, 1, 1, 0}, []int{closed.Totals.Listed, closed.Totals.Unlisted,
			closed.Totals.FoundUnlisted, closed.Totals.Gone})
	})
}

func unlistedReadingIsForgotten(t *testing.T, l *fixture) {
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 1)
		read(t, lease, r, 1, list(t, lease, r, clear("a"), clear("b")), clear("a"), clear("b"))
	})
	l.hold(t, func(lease *store.Lease) {
		r, resumed, err := lease.Begin(t.Context(), wanted(1), night(1).Add(-6*time.Hour))
		require.NoError(t, err)
		require.True(t, resumed)
		require.Empty(t, list(t, lease, r, clear("a")))
		endList(t, lease, &r, 1, false)
		closed := closeRun(t, lease, r, 1)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		require.Equal(t, 1, closed.Totals.Listed)
	})
}

func comesBack(t *testing.T, l *fixture) {
	l.sweep(t, 1, clear("a"), clear("b"))
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		read(t, lease, r, 2, list(t, lease, r, clear("a")), clear("a"))
		endList(t, lease, &r, 2, true)
		require.Equal(t, ledger.Completed, closeRun(t, lease, r, 2).State)
		again := begin(t, lease, 3)
		listed := list(t, lease, again, clear("a"), clear("b"))
		require.Len(t, listed, 2)
		for _, c := range listed {
			require.NotNil(t, c.Known)
			require.Equal(t, c.Customer.ID == "b", c.Known.Gone)
		}
		read(t, lease, again, 3, listed, clear("a"), clear("b"))
		closed := closeRun(t, lease, again, 3)
		require.Equal(t, ledger.Completed, closed.State, "%+v", closed.Checks)
		require.Equal(t, 1, closed.Totals.New)
	})
}

func unbalancedRunChangesNothing(t *testing.T, l *fixture) {
	first := l.sweep(t, 1, clear("a"), clear("b"), clear("c"))
	before := l.records(t, first, "")
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		read(t, lease, r, 2, list(t, lease, r, blocked("a")), blocked("a"))
		endList(t, lease, &r, 2, false) // b and c are missing, and nobody asked
		closed := closeRun(t, lease, r, 2)
		require.Equal(t, ledger.Failed, closed.State)
		again, err := l.Store.Run(t.Context(), r.ID)
		require.NoError(t, err)
		require.False(t, ledger.AllPassed(again.Checks))
		require.Equal(t, closed.Checks, again.Checks)
		require.Equal(t, ledger.Standings{Blocked: 1}, again.Totals.Standings, "the numbers that failed are kept")
	})
	require.Equal(t, before, l.records(t, first, ""))
	last, err := l.CompletedRuns(t.Context(), contoso.ID, night(30), 10)
	require.NoError(t, err)
	require.Len(t, last, 1)
	newest, err := l.LastRuns(t.Context(), night(30))
	require.NoError(t, err)
	require.Equal(t, last, newest, "of every partner one that completed")
	newest, err = l.LastRuns(t.Context(), night(1).Add(-time.Hour))
	require.NoError(t, err)
	require.Empty(t, newest)
	recent, err := l.RecentRuns(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, ledger.Failed, recent[0].State)
}

func changesNameBothSides(t *testing.T, l *fixture) {
	renamed := clear("b")
	renamed.Name = "zzz"
	first := l.sweep(t, 1, clear("a"), blocked("b"), clear("c"), clear("d"))
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 2)
		after := []standing.State{blocked("a"), renamed, clear("d"), clear("e")}
		read(t, lease, r, 2, list(t, lease, r, after...), after...)
		endList(t, lease, &r, 2, true)
		second := closeRun(t, lease, r, 2)
		require.Equal(t, ledger.Completed, second.State, "%+v", second.Checks)
		require.Equal(t, []int{1, 1, 1, 1}, []int{second.Totals.New, second.Totals.Gone, second.Totals.NewlyBlocked,
			second.Totals.NewlyClear})

		require.Equal(t, []string{"newly_blocked a a", "gone c ", "new  e", "newly_clear b b"},
			l.changes(t, second.ID, first.ID))
		require.Len(t, l.changes(t, second.ID, 0), 4, "against nothing everybody is new")
		require.Empty(t, l.changes(t, first.ID, first.ID))
	})
	third := l.sweep(t, 3, blocked("a"), renamed, clear("d"), clear("e"))
	require.Len(t, l.changes(t, third.ID, first.ID), 4, "over several runs")
}

func (l *fixture) changes(t *testing.T, run, against int64) (changes []string) {
	t.Helper()
	for step, err := range l.Changes(t.Context(), contoso.ID, run, against) {
		require.NoError(t, err)
		before, after := "", ""
		if step.Before != nil {
			before = step.Before.ID
		}
		if step.After != nil {
			after = step.After.ID
		}
		changes = append(changes, fmt.Sprintf("%s %s %s", step.Change(), before, after))
	}
	n, err := l.CountChanges(t.Context(), contoso.ID, run, against)
	require.NoError(t, err)
	require.Len(t, changes, n)
	return changes
}

func longestBlockedFirst(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("z"), clear("a"), clear("b"))
	r := l.sweep(t, 2, blocked("z"), blocked("a"), blocked("b"))
	var order []string
	for customer, err := range l.Blocked(t.Context(), contoso.ID, r.ID, ledger.Snapshot{}) {
		require.NoError(t, err)
		order = append(order, customer.ID)
	}
	require.Equal(t, []string{"z", "a", "b"}, order)
}
