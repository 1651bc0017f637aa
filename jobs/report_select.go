package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/reports"
)

// Selection says what a report shows of each partner: the newest completed runs, or those of the
// morning on which an earlier run was the newest.
type Selection struct {
	Partners []ledger.Partner // in the order in which they are shown
	Run      int64            // the run to report; 0: the newest of every partner
	// the run of the same partner that changes are counted from; 0: the one of the night before
	Against int64
	AsOf    time.Time // show everything as it was known at this instant; zero: as it is, or as the run wants it
}

// Runs is what a report asks of the ledger of runs.
type Runs interface {
	Run(ctx context.Context, id int64) (*ledger.Run, error) // nil: there is none
	// LastEntry is the instant of the newest thing that the ledger knows of; clocks of several
	// hosts may differ a little.
	LastEntry(ctx context.Context) (time.Time, error)
	// CompletedRuns are up to limit runs of a partner that had completed by an instant, the newest
	// first.
	CompletedRuns(ctx context.Context, partnerID string, by time.Time, limit int) ([]ledger.Run, error)
	// LastRuns are the newest runs of all partners that had completed by an instant.
	LastRuns(ctx context.Context, by time.Time) ([]ledger.Run, error)
	// RunsAfter are a partner's runs after one that had begun by an instant, the newest first.
	RunsAfter(ctx context.Context, partnerID string, after int64, by time.Time) ([]ledger.Run, error)
}

// stale is how old a night may be when it is reported. Runs are made every night; a report of an
// older one must not look as if it were of this morning's.
const stale = 36 * time.Hour

// Find returns the partners' runs, and the instant as of which the ledger is shown. The same
// request shows the same of a run that is not the newest, however late it is made.
func (j Selection) Find(ctx context.Context, runs Runs,
	now time.Time) (shown []reports.PartnerRun, asOf time.Time, err error) {
	wanted, err := j.completed(ctx, runs, "--run", j.Run)
	if err != nil {
		return nil, now, err
	}
	against, err := j.completed(ctx, runs, "--against", j.Against)
	if err != nil {
		return nil, now, err
	}
	switch asOf = j.AsOf; {
	case asOf.After(now):
		return nil, now, usageErrorf("--as-of is in the future")
	case wanted != nil && !asOf.IsZero() && asOf.Before(wanted.FinishedAt):
		return nil, now, usageErrorf("run %d (--run) was not completed at that instant (--as-of)", wanted.ID)
	case asOf.IsZero():
		if asOf, err = instant(ctx, runs, wanted, now); err != nil {
			return nil, now, fmt.Errorf("look up what the report could know: %w", err)
		}
	}
	neverReported := j.AsOf.IsZero() && wanted != nil && wanted.ReportedAt.IsZero()
	for _, p := range j.Partners {
		one, err := find(ctx, runs, p, now, asOf, wanted)
		if err != nil {
			return nil, now, fmt.Errorf("look up the runs of %s: %w", p.Name, err)
		}
		if past := wanted != nil || !j.AsOf.IsZero(); past && one.Run == nil && one.Failed == nil &&
			one.Unfinished == nil {
			continue // it was not known then
		}
		one.Stale = one.Stale && !neverReported
		if against != nil && against.Partner.ID == p.ID {
			if one.Run == nil || against.ID >= one.Run.ID {
				return nil, now, usageErrorf("changes are counted from an earlier run, and run %d (--against) is not "+
					"earlier than the run shown", against.ID)
			}
			one.Against = against
		}
		shown = append(shown, one)
	}
	return shown, asOf, nil
}

// LeftOut are the newest runs, as of an instant, of partners that the ledger knows and the report
// does not show: they were taken out of the configuration, or not asked for.
func (j Selection) LeftOut(ctx context.Context, runs Runs, asOf time.Time) ([]ledger.Run, error) {
	last, err := runs.LastRuns(ctx, asOf)
	if err != nil {
		return nil, fmt.Errorf("look up the partners of the ledger: %w", err)
	}
	return slices.DeleteFunc(last, func(r ledger.Run) bool {
		return slices.ContainsFunc(j.Partners, func(p ledger.Partner) bool { return p.ID == r.Partner.ID })
	}), nil
}

// instant is what a report of the wanted run could know: all that there was when it was last
// reported as the newest run, or else when the next one began. The newest run's report, and one of
// no run in particular, knows everything.
func instant(ctx context.Context, runs Runs, wanted *ledger.Run, now time.Time) (time.Time, error) {
	if wanted != nil {
		if !wanted.ReportedAt.IsZero() {
			return wanted.ReportedAt, nil
		}
		later, err := runs.RunsAfter(ctx, wanted.Partner.ID, wanted.ID, now)
		if err != nil {
			return now, err
		}
		if len(later) > 0 {
			return latest(wanted.FinishedAt, later[len(later)-1].StartedAt.Add(-time.Microsecond)), nil
		}
	}
	last, err := runs.LastEntry(ctx)
	return latest(now.Truncate(time.Microsecond), last), err // as the ledger keeps instants
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// completed is a run that was asked for by number; nil for 0.
func (j Selection) completed(ctx context.Context, runs Runs, flag string, id int64) (*ledger.Run, error) {
	if id == 0 {
		return nil, nil
	}
	r, err := runs.Run(ctx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up run %d: %w", id, err)
	case r == nil:
		return nil, usageErrorf("there is no run %d (%s)", id, flag)
	case r.State != ledger.Completed:
		return nil, usageErrorf("run %d (%s) is %s: only a completed run has figures", id, flag, r.State)
	case !slices.ContainsFunc(j.Partners, func(p ledger.Partner) bool { return p.ID == r.Partner.ID }):
		return nil, usageErrorf("run %d (%s) is of %s, which is not among the partners of this report", id, flag,
			r.Partner.Name)
	}
	return r, nil
}

// find gathers what a workbook shows of a partner as of an instant, or of its run that is wanted.
func find(ctx context.Context, runs Runs, p ledger.Partner, now, asOf time.Time,
	wanted *ledger.Run) (shown reports.PartnerRun, err error) {
	shown.Partner = p
	if shown.History, err = runs.CompletedRuns(ctx, p.ID, asOf, reports.HistoryRuns); err != nil {
		return shown, err
	}
	if wanted != nil && wanted.Partner.ID == p.ID {
		shown.History = slices.DeleteFunc(shown.History, func(r ledger.Run) bool { return r.ID > wanted.ID })
	}
	if len(shown.History) > 0 {
		shown.Run = &shown.History[0]
		shown.Partner = shown.Run.Partner // as it was called then: a label may change, a report of a run does not
	}
	shown.Future = fromFuture(shown.History, now)
	shown.Stale = shown.Run != nil // unless there is a sweep of late
	// What changed is counted from the night before, rechecks in between included.
	night := int64(0)
	if i := slices.IndexFunc(shown.History, func(r ledger.Run) bool { return r.Kind == ledger.Sweep }); i >= 0 {
		night, shown.Stale = shown.History[i].ID,
			age(shown.History[i], now, asOf) > stale
		if i+1 < len(shown.History) {
			shown.Against = &shown.History[i+1]
		}
	}
	later, err := runs.RunsAfter(ctx, p.ID, night, asOf)
	if err != nil {
		return shown, err
	}
	for i, r := range later {
		over := !r.FinishedAt.IsZero() && !r.FinishedAt.After(asOf)
		switch {
		case over && r.State == ledger.Failed && shown.Failed == nil:
			shown.Failed = &later[i]
		case (!over || r.State == ledger.Abandoned) && shown.Unfinished == nil:
			shown.Unfinished = &later[i]
		}
	}
	shown.History = slices.Clone(shown.History) // the pointers stay where they are
	slices.Reverse(shown.History)
	return shown, nil
}

// age is how old a run's readings are as of an instant. If a wrong clock has dated something into
// the future, the instant is there as well; then the clock of today counts.
func age(r ledger.Run, now, asOf time.Time) time.Duration {
	if asOf.After(now) {
		asOf = now
	}
	return asOf.Sub(latest(r.StartedAt, r.OldestReading))
}

// clocksDiffer is by how much the clocks of hosts may differ.
const clocksDiffer = time.Hour

// fromFuture is the newest of the runs, the newest first, that a wrong clock has dated into the
// future: a later one began earlier, or it has not begun yet by the clock of today. 0: none.
func fromFuture(runs []ledger.Run, now time.Time) int64 {
	for _, r := range runs {
		if r.StartedAt.After(now.Add(clocksDiffer)) {
			return r.ID
		}
		now = r.StartedAt
	}
	return 0
}
