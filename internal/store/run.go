package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// runRow is a ledger.Run without its checks as the table run holds it.
type runRow struct {
	ID             int64                `db:"id"`
	Kind           ledger.RunKind       `db:"kind"`
	PartnerID      string               `db:"partner_id"`
	PartnerName    string               `db:"partner_name"`
	PartnerKind    standing.PartnerKind `db:"partner_kind"`
	AcceptedSince  standing.Date        `db:"accepted_since"`
	TrustDirect    bool                 `db:"trust_direct"`
	State          ledger.RunState      `db:"state"`
	Attempt        int                  `db:"attempt"`
	CorrelationID  string               `db:"correlation_id"`
	Version        string               `db:"version"`
	StartedAt      time.Time            `db:"started_at"`
	FinishedAt     *time.Time           `db:"finished_at"`
	OldestReading  time.Time            `db:"oldest_reading"`
	Requests       int                  `db:"requests"`
	Throttled      int                  `db:"throttled"`
	Retries        int                  `db:"retries"`
	Seconds        float64              `db:"seconds"`
	ReportedAt     *time.Time           `db:"reported_at"`
	FailureCode    string               `db:"failure_code"`
	FailureMessage string               `db:"failure_message"`
	FailureHint    string               `db:"failure_hint"`
	totalsRow
}

// totalsRow is ledger.Totals as the table run holds them.
type totalsRow struct {
	Listed          int `db:"listed"`
	Unlisted        int `db:"unlisted"`
	FoundUnlisted   int `db:"found_unlisted"`
	Clear           int `db:"clear"`
	Blocked         int `db:"blocked"`
	Unknown         int `db:"unknown"`
	Excluded        int `db:"excluded"`
	Unreadable      int `db:"unreadable"`
	Absent          int `db:"absent"`
	DirectUndated   int `db:"direct_undated"`
	New             int `db:"new"`
	Gone            int `db:"gone"`
	NewlyBlocked    int `db:"newly_blocked"`
	NewlyClear      int `db:"newly_clear"`
	NoLongerBlocked int `db:"no_longer_blocked"`
	GoneBlocked     int `db:"gone_blocked"`
	BlockedByPolicy int `db:"blocked_by_policy"`
	ClearedByPolicy int `db:"cleared_by_policy"`
	GoneConfirmed   int `db:"gone_confirmed"`
	LedgerClear     int `db:"ledger_clear"`
	LedgerBlocked   int `db:"ledger_blocked"`
	LedgerUnknown   int `db:"ledger_unknown"`
	LedgerExcluded  int `db:"ledger_excluded"`
}

func rowOfTotals(t ledger.Totals) totalsRow {
	return totalsRow{
		Listed: t.Listed, Unlisted: t.Unlisted, FoundUnlisted: t.FoundUnlisted,
		Clear: t.Clear, Blocked: t.Blocked, Unknown: t.Unknown, Excluded: t.Excluded,
		Unreadable: t.Unreadable, Absent: t.Absent, DirectUndated: t.DirectUndated,
		NoLongerBlocked: t.NoLongerBlocked, GoneBlocked: t.GoneBlocked, BlockedByPolicy: t.BlockedByPolicy,
		ClearedByPolicy: t.ClearedByPolicy, New: t.New, Gone: t.Gone, NewlyBlocked: t.NewlyBlocked,
		NewlyClear: t.NewlyClear, GoneConfirmed: t.GoneConfirmed, LedgerClear: t.Ledger.Clear,
		LedgerBlocked: t.Ledger.Blocked, LedgerUnknown: t.Ledger.Unknown, LedgerExcluded: t.Ledger.Excluded,
	}
}

func (t totalsRow) totals() ledger.Totals {
	return ledger.Totals{
		Listed: t.Listed, Unlisted: t.Unlisted, FoundUnlisted: t.FoundUnlisted,
		Standings:  ledger.Standings{Clear: t.Clear, Blocked: t.Blocked, Unknown: t.Unknown, Excluded: t.Excluded},
		Unreadable: t.Unreadable, Absent: t.Absent, DirectUndated: t.DirectUndated,
		NoLongerBlocked: t.NoLongerBlocked, GoneBlocked: t.GoneBlocked, BlockedByPolicy: t.BlockedByPolicy,
		ClearedByPolicy: t.ClearedByPolicy, New: t.New, Gone: t.Gone, NewlyBlocked: t.NewlyBlocked,
		NewlyClear: t.NewlyClear, GoneConfirmed: t.GoneConfirmed, Ledger: ledger.Standings{Clear: t.LedgerClear,
			Blocked: t.LedgerBlocked, Unknown: t.LedgerUnknown, Excluded: t.LedgerExcluded},
	}
}

func (r runRow) run() ledger.Run {
	return ledger.Run{
		ID: r.ID, Kind: r.Kind, Partner: ledger.Partner{ID: r.PartnerID, Name: r.PartnerName, Kind: r.PartnerKind},
		Policy: standing.Policy{AcceptedSince: r.AcceptedSince, TrustDirectAcceptance: r.TrustDirect},
		State:  r.State, Attempt: r.Attempt, CorrelationID: r.CorrelationID, Version: r.Version,
		StartedAt: r.StartedAt.UTC(), FinishedAt: orZero(r.FinishedAt), ReportedAt: orZero(r.ReportedAt),
		OldestReading: r.OldestReading.UTC(), Totals: r.totals(), Cost: r.cost(),
		Failure: ledger.Failure{Code: r.FailureCode, Message: r.FailureMessage, Hint: r.FailureHint},
	}
}

func (r runRow) cost() ledger.Cost {
	return ledger.Cost{Requests: r.Requests, Throttled: r.Throttled, Retries: r.Retries, Seconds: r.Seconds}
}

// ErrSweepUnfinished: a recheck has to wait until the interrupted sweep was continued.
var ErrSweepUnfinished = errors.New("a sweep of the partner is unfinished")

// Begin continues the partner's interrupted run, or begins the given one. Readings made before
// oldest are forgotten. A run made under another policy, as another kind of partner, by another
// version, or of which no reading is left, is abandoned: its readings would not mean what new ones
// mean. A run that begins after one that failed because the service was not believed takes over
// what that one read. Begin returns the run with its id, and whether earlier readings are used.
func (l *Lease) Begin(ctx context.Context, wanted ledger.Run,
	oldest time.Time) (begun ledger.Run, resumed bool, err error) {
	wanted.Partner, wanted.State, wanted.Attempt = l.partner, ledger.Running, 1
	wanted.StartedAt = instant(wanted.StartedAt)
	if wanted.OldestReading.IsZero() {
		wanted.OldestReading = wanted.StartedAt
	}
	err = l.write(ctx, func(tx *sqlx.Tx) error {
		var row runRow
		if err := l.store.get(ctx, tx, &row, "newest_run", l.args(0)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		newest := row.run()
		if newest.State == ledger.Running {
			begun, resumed, err = l.resume(ctx, tx, newest, wanted, oldest)
			if err != nil || resumed {
				return err
			}
		}
		begun, resumed, err = l.begin(ctx, tx, wanted, newest, oldest)
		return err
	})
	return begun, resumed, err
}

// resume continues the interrupted run if its readings are still good, and abandons it if not.
func (l *Lease) resume(ctx context.Context, tx *sqlx.Tx, interrupted, wanted ledger.Run,
	oldest time.Time) (ledger.Run, bool, error) {
	if wanted.Kind == ledger.Recheck && interrupted.Kind == ledger.Sweep {
		return interrupted, false, ErrSweepUnfinished
	}
	first, some, err := l.oldestReading(ctx, tx, interrupted.ID, oldest)
	if err != nil {
		return interrupted, false, err
	}
	if !some || !continues(interrupted, wanted) {
		at := args{"run": interrupted.ID, "at": wanted.StartedAt}
		if _, err := l.store.exec(ctx, tx, "abandon_run", at); err != nil {
			return interrupted, false, err
		}
		if err := l.store.clear(ctx, tx, interrupted.ID); err != nil {
			return interrupted, false, err
		}
		return interrupted, false, l.store.recordClosing(ctx, tx, interrupted.ID)
	}
	interrupted.Attempt++
	interrupted.OldestReading = first
	interrupted.Partner, interrupted.Failure = l.partner, ledger.Failure{}
	_, err = l.store.exec(ctx, tx, "resume_run", args{"run": interrupted.ID, "oldest": interrupted.OldestReading,
		"partner_name": l.partner.Name})
	return interrupted, true, err
}

// continues reports whether readings of an earlier run mean what those of the wanted one mean.
func continues(earlier, wanted ledger.Run) bool {
	return earlier.Kind == ledger.Sweep && wanted.Kind == ledger.Sweep && earlier.Policy == wanted.Policy &&
		earlier.Partner.Kind == wanted.Partner.Kind && earlier.Version == wanted.Version
}

// oldestReading forgets what a run read before an instant, and returns when the oldest of the rest
// was read.
func (l *Lease) oldestReading(ctx context.Context, tx *sqlx.Tx, run int64,
	before time.Time) (first time.Time, some bool, err error) {
	if _, err := l.store.exec(ctx, tx, "forget_old_readings", args{"run": run, "oldest": instant(before)}); err != nil {
		return first, false, err
	}
	err = l.store.get(ctx, tx, &first, "oldest_reading", args{"run": run})
	if errors.Is(err, ErrNotFound) {
		return first, false, nil
	}
	return first.UTC(), err == nil, err
}

// begin begins a run, with what the newest one read if that failed and may be used.
func (l *Lease) begin(ctx context.Context, tx *sqlx.Tx, wanted, newest ledger.Run,
	oldest time.Time) (ledger.Run, bool, error) {
	takeOver := newest.State == ledger.Failed && continues(newest, wanted)
	if takeOver {
		first, some, err := l.oldestReading(ctx, tx, newest.ID, oldest)
		if err != nil {
			return wanted, false, err
		}
		if takeOver = some; some {
			wanted.OldestReading = first
		}
	}
	err := l.store.get(ctx, tx, &wanted.ID, "begin_run", runRow{
		Kind: wanted.Kind, PartnerID: l.partner.ID, PartnerName: l.partner.Name, PartnerKind: l.partner.Kind,
		AcceptedSince: wanted.Policy.AcceptedSince, TrustDirect: wanted.Policy.TrustDirectAcceptance,
		CorrelationID: wanted.CorrelationID, Version: wanted.Version, StartedAt: wanted.StartedAt,
		OldestReading: wanted.OldestReading,
	})
	if err == nil && takeOver {
		_, err = l.store.exec(ctx, tx, "take_over_readings", args{"run": wanted.ID, "failed": newest.ID})
	}
	if err == nil {
		_, err = l.store.exec(ctx, tx, "forget_kept_readings", l.args(0))
	}
	return wanted, takeOver, err
}

// RecordFailure notes why an attempt at a run ended early.
func (l *Lease) RecordFailure(ctx context.Context, id int64, failure ledger.Failure) error {
	return l.write(ctx, func(tx *sqlx.Tx) error {
		_, err := l.store.exec(ctx, tx, "record_failure",
			args{"run": id, "code": failure.Code, "message": strings.ToValidUTF8(failure.Message, "\uFFFD"),
				"hint": failure.Hint})
		return err
	})
}

// clear forgets the working rows of a run that is over.
func (s *Store) clear(ctx context.Context, tx *sqlx.Tx, id int64) error {
	return s.execAll(ctx, tx, args{"run": id}, "forget_readings", "forget_listing")
}

// execAll executes statements that take the same arguments.
func (s *Store) execAll(ctx context.Context, tx *sqlx.Tx, arg args, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.exec(ctx, tx, statement, arg); err != nil {
			return err
		}
	}
	return nil
}

// Known returns what the ledger holds of these customers now.
func (l *Lease) Known(ctx context.Context, customers []string) ([]standing.Record, error) {
	var rows []ledgerRow
	if err := l.store.list(ctx, l.store.db, &rows, "current_records",
		args{"partner_id": l.partner.ID, "customers": customers}); err != nil {
		return nil, err
	}
	records := make([]standing.Record, len(rows))
	for i, row := range rows {
		records[i] = row.record()
	}
	return records, nil
}

// AddCost adds what an attempt cost to its run. What is added to a closed run is an event.
func (l *Lease) AddCost(ctx context.Context, id int64, cost ledger.Cost) error {
	return l.write(ctx, func(tx *sqlx.Tx) error {
		var finished *time.Time
		err := l.store.get(ctx, tx, &finished, "add_cost", args{"run": id, "requests": cost.Requests,
			"throttled": cost.Throttled, "retries": cost.Retries, "seconds": cost.Seconds})
		if err != nil || finished == nil {
			return err
		}
		detail, err := json.Marshal(laterCost{Cost: &cost})
		if err != nil {
			return err
		}
		return l.store.append(ctx, tx, ledger.Event{Kind: ledger.EventEnrich, At: finished.Add(seconds(cost)), Run: id,
			PartnerID: l.partner.ID, Actor: automatic(), Detail: string(detail)})
	})
}

func seconds(cost ledger.Cost) time.Duration {
	return time.Duration(cost.Seconds * float64(time.Second))
}

// laterCost is the detail of the event that adds to the cost of a closed run.
type laterCost struct {
	Cost *ledger.Cost `json:"cost"`
}

// LastCompleted returns the partner's newest completed run; nil when there is none.
func (l *Lease) LastCompleted(ctx context.Context) (*ledger.Run, error) {
	return l.store.oneRun(ctx, "last_completed", args{"partner_id": l.partner.ID})
}

// Run returns one run with its checks; nil when there is none of this number.
func (s *Store) Run(ctx context.Context, id int64) (*ledger.Run, error) {
	return s.oneRun(ctx, "run", args{"run": id})
}

func (s *Store) oneRun(ctx context.Context, query string, arg args) (*ledger.Run, error) {
	var row runRow
	switch err := s.get(ctx, s.db, &row, query, arg); {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	r, err := s.withChecks(ctx, row)
	return &r, err
}

// CompletedRuns returns up to limit runs of the partner that had completed by an instant, the
// newest first.
func (s *Store) CompletedRuns(ctx context.Context, partnerID string, by time.Time, limit int) ([]ledger.Run, error) {
	return s.runs(ctx, "completed_runs", args{"partner_id": partnerID, "by": instant(by), "limit": limit})
}

// LastRuns returns the newest run of each partner, configured or not, that had completed by an
// instant.
func (s *Store) LastRuns(ctx context.Context, by time.Time) ([]ledger.Run, error) {
	return s.runs(ctx, "last_runs", args{"by": instant(by)})
}

// FirstRun returns when the partner's first completed run began; zero: there is none.
func (s *Store) FirstRun(ctx context.Context, partnerID string) (at time.Time, _ error) {
	err := s.get(ctx, s.db, &at, "first_completed", args{"partner_id": partnerID})
	if errors.Is(err, ErrNotFound) {
		return time.Time{}, nil
	}
	return at.UTC(), err
}

// RunsAfter returns the partner's runs, in whatever state, after one (0: all) that had begun by an
// instant, the newest first.
func (s *Store) RunsAfter(ctx context.Context, partnerID string, after int64, by time.Time) ([]ledger.Run, error) {
	return s.runs(ctx, "runs_after", args{"partner_id": partnerID, "after": after, "by": instant(by)})
}

// RecordReport records that a report was written. Runs that it shows as the newest can be reported
// again as they were then.
func (s *Store) RecordReport(ctx context.Context, report ledger.WrittenReport, actor attestation.Actor,
	at time.Time) error {
	detail, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if !instant(at).After(report.AsOf) { // the same report, made again, must not find itself in the log
		at = report.AsOf.Add(time.Microsecond)
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if len(report.Newest) > 0 {
			if _, err := s.exec(ctx, tx, "reported",
				args{"runs": report.Newest, "at": instant(report.AsOf)}); err != nil {
				return err
			}
		}
		return s.append(ctx, tx, ledger.Event{Kind: ledger.EventReport, At: at, Actor: actor, Detail: string(detail)})
	})
}

// LastEntry is the instant of the newest entry of the ledger: the end of a run, an event, or a
// reading of subscriptions or resellers; zero when there is none.
func (s *Store) LastEntry(ctx context.Context) (last time.Time, _ error) {
	for _, query := range []string{"last_end", "last_event", "last_subscriptions", "last_reseller"} {
		var at time.Time
		if err := s.get(ctx, s.db, &at, query, nil); err != nil && !errors.Is(err, ErrNotFound) {
			return last, err
		}
		if at.After(last) {
			last = at.UTC()
		}
	}
	return last, nil
}

// RecentRuns returns up to limit runs of all partners and states, the newest first.
func (s *Store) RecentRuns(ctx context.Context, limit int) ([]ledger.Run, error) {
	return s.runs(ctx, "recent_runs", args{"limit": limit})
}

func (s *Store) runs(ctx context.Context, query string, arg args) ([]ledger.Run, error) {
	var rows []runRow
	if err := s.list(ctx, s.db, &rows, query, arg); err != nil {
		return nil, err
	}
	runs := make([]ledger.Run, len(rows))
	for i, row := range rows {
		var err error
		if runs[i], err = s.withChecks(ctx, row); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

func (s *Store) withChecks(ctx context.Context, row runRow) (ledger.Run, error) {
	r := row.run()
	var rows []checkRow
	if err := s.list(ctx, s.db, &rows, "checks", args{"run": r.ID}); err != nil {
		return r, err
	}
	for _, c := range rows {
		r.Checks = append(r.Checks, ledger.Check{Name: c.Name, Expected: c.Expected, Found: c.Found, OK: c.OK,
			Detail: c.Detail})
	}
	return r, nil
}

type checkRow struct {
	RunID    int64            `db:"run_id"`
	Position int              `db:"position"`
	Name     ledger.CheckName `db:"name"`
	Expected int              `db:"expected"`
	Found    int              `db:"found"`
	OK       bool             `db:"ok"`
	Detail   string           `db:"detail"`
}
