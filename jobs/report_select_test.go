package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/jobs"
)

// pastRuns is a ledger of runs, the oldest first.
type pastRuns []ledger.Run

func (l pastRuns) Run(_ context.Context, id int64) (*ledger.Run, error) {
	for i := range l {
		if l[i].ID == id {
			return &l[i], nil
		}
	}
	return nil, nil
}

func (l pastRuns) LastEntry(context.Context) (last time.Time, _ error) {
	for _, r := range l {
		if r.FinishedAt.After(last) {
			last = r.FinishedAt
		}
	}
	return last, nil
}

func (l pastRuns) CompletedRuns(_ context.Context, partnerID string, by time.Time,
	limit int) (found []ledger.Run, _ error) {
	for i := len(l) - 1; i >= 0 && len(found) < limit; i-- {
		if r := l[i]; r.Partner.ID == partnerID && r.State == ledger.Completed && !r.FinishedAt.After(by) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (l pastRuns) RunsAfter(_ context.Context, partnerID string, after int64,
	by time.Time) (found []ledger.Run, _ error) {
	for i := len(l) - 1; i >= 0; i-- {
		if r := l[i]; r.Partner.ID == partnerID && r.ID > after && !r.StartedAt.After(by) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (l pastRuns) LastRuns(ctx context.Context, by time.Time) (found []ledger.Run, _ error) {
	for _, partner := range []string{"br", "eu", "old"} {
		last, _ := l.CompletedRuns(ctx, partner, by, 1) // it has no error
		found = append(found, last...)
	}
	return found, nil
}

func TestPartnersThatAreLeftOutAreNamed(t *testing.T) {
	t.Parallel()
	brazil, old := ledger.Partner{ID: "br", Name: "contoso-br"}, ledger.Partner{ID: "old", Name: "contoso-old"}
	runs := pastRuns{
		{ID: 1, Partner: brazil, State: ledger.Completed, FinishedAt: today},
		{ID: 2, Partner: old, State: ledger.Completed, FinishedAt: today},
		{ID: 3, Partner: old, State: ledger.Completed, FinishedAt: today.AddDate(0, 0, 1)},
		{ID: 4, Partner: old, State: ledger.Failed, FinishedAt: today.AddDate(0, 0, 2)},
	}
	selection := jobs.Selection{Partners: []ledger.Partner{brazil}}
	for days, want := range map[int][]ledger.Run{-1: {}, 0: runs[1:2], 2: runs[2:3]} {
		found, err := selection.LeftOut(t.Context(), runs, today.AddDate(0, 0, days))
		require.NoError(t, err)
		require.ElementsMatch(t, want, found)
	}
	found, err := jobs.Selection{Partners: []ledger.Partner{brazil, old}}.LeftOut(t.Context(), runs, today)
	require.NoError(t, err)
	require.Empty(t, found)
}

// A clock that was a year ahead for one night does not make the reports of that year old: the run
// is named instead.
func TestARunFromTheFutureIsNamed(t *testing.T) {
	t.Parallel()
	p := ledger.Partner{ID: "br", Name: "contoso-br"}
	at := func(year, day int) time.Time { return time.Date(year, 11, day, 2, 0, 0, 0, time.UTC) }
	morning := func(day int) time.Time { return at(2026, day).Add(8 * time.Hour) }
	run := func(id int64, began time.Time) ledger.Run {
		return ledger.Run{ID: id, Partner: p, Kind: ledger.Sweep, State: ledger.Completed, StartedAt: began,
			FinishedAt: began.Add(time.Hour)}
	}
	for name, c := range map[string]struct {
		runs   pastRuns
		now    time.Time
		future int64
		stale  bool
	}{
		"none":                  {pastRuns{run(1, at(2026, 1)), run(2, at(2026, 2))}, morning(2), 0, false},
		"the newest":            {pastRuns{run(1, at(2026, 1)), run(2, at(2027, 2))}, morning(2), 2, false},
		"one before":            {pastRuns{run(2, at(2027, 2)), run(3, at(2026, 3))}, morning(3), 2, false},
		"one before, and later": {pastRuns{run(1, at(2027, 1)), run(2, at(2026, 2))}, at(2026, 9), 1, true},
		"minutes do not matter": {pastRuns{run(1, at(2026, 2).Add(time.Minute)), run(2, at(2026, 2))},
			morning(2), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown, _, err := jobs.Selection{Partners: []ledger.Partner{p}}.Find(t.Context(), c.runs, c.now)
			require.NoError(t, err)
			require.Equal(t, c.future, shown[0].Future)
			require.Equal(t, c.stale, shown[0].Stale)
		})
	}
}

func TestReportFindsTheRunsOfAMorning(t *testing.T) {
	brazil, europe := ledger.Partner{ID: "br", Name: "contoso-br"}, ledger.Partner{ID: "eu", Name: "contoso-eu"}
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	of := func(id int64, p ledger.Partner, kind ledger.RunKind, state ledger.RunState, began,
		ended time.Time) ledger.Run {
		return ledger.Run{ID: id, Partner: p, Kind: kind, State: state, StartedAt: began, FinishedAt: ended}
	}
	runs := pastRuns{
		of(1, brazil, ledger.Sweep, ledger.Completed, at(1, 2), at(1, 3)),
		of(2, europe, ledger.Sweep, ledger.Completed, at(1, 2), at(1, 4)),
		of(3, brazil, ledger.Sweep, ledger.Failed, at(2, 2), at(2, 3)),
		of(4, europe, ledger.Sweep, ledger.Completed, at(2, 2), at(2, 4)),
		of(5, brazil, ledger.Sweep, ledger.Completed, at(3, 2), at(3, 3)),
		of(6, brazil, ledger.Recheck, ledger.Completed, at(3, 9), at(3, 10)),
		of(7, brazil, ledger.Sweep, ledger.Abandoned, at(4, 2), at(5, 2)),
		of(8, brazil, ledger.Sweep, ledger.Completed, at(5, 2), at(5, 3)),
		of(9, europe, ledger.Sweep, ledger.Running, at(5, 2), time.Time{}),
	}
	runs[5].ReportedAt = at(3, 12)
	now := at(5, 8)
	both := []ledger.Partner{brazil, europe}

	type seen struct{ run, against, failed, unfinished int64 }
	number := func(r *ledger.Run) int64 {
		if r == nil {
			return 0
		}
		return r.ID
	}
	for name, c := range map[string]struct {
		job  jobs.Selection
		want []seen
		asOf time.Time
	}{
		"the newest": {jobs.Selection{Partners: both}, []seen{{8, 6, 0, 0}, {4, 2, 0, 9}},
			now},
		"one partner alone": {jobs.Selection{Partners: both[:1]}, []seen{{8, 6, 0, 0}}, now},
		"the newest, against an older one": {jobs.Selection{Partners: both, Against: 1},
			[]seen{{8, 1, 0, 0}, {4, 2, 0, 9}}, now},
		"as it was last reported": {jobs.Selection{Partners: both, Run: 6},
			[]seen{{6, 1, 0, 0}, {4, 2, 0, 0}}, at(3, 12)},
		"never reported: until the next run": {jobs.Selection{Partners: both, Run: 1},
			[]seen{{1, 0, 0, 0}, {2, 0, 0, 0}}, at(2, 2).Add(-time.Microsecond)},
		"a sweep before its recheck": {jobs.Selection{Partners: both, Run: 5},
			[]seen{{5, 1, 0, 0}, {4, 2, 0, 0}}, at(3, 9).Add(-time.Microsecond)},
		"the newest by its number": {jobs.Selection{Partners: both, Run: 8},
			[]seen{{8, 6, 0, 0}, {4, 2, 0, 9}}, now},
		"past, against any older one": {jobs.Selection{Partners: both, Run: 6, Against: 5},
			[]seen{{6, 5, 0, 0}, {4, 2, 0, 0}}, at(3, 12)},
		"a morning after a night that failed": {jobs.Selection{Partners: both, Run: 4},
			[]seen{{1, 0, 3, 0}, {4, 2, 0, 0}}, at(5, 2).Add(-time.Microsecond)},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a morning after a night that failed" {
				runs[3].ReportedAt = at(2, 8)
				c.asOf = at(2, 8)
				defer func() { runs[3].ReportedAt = time.Time{} }()
			}
			shown, asOf, err := c.job.Find(t.Context(), runs, now)
			require.NoError(t, err)
			require.Equal(t, c.asOf, asOf)
			var got []seen
			for _, p := range shown {
				got = append(got, seen{number(p.Run), number(p.Against), number(p.Failed), number(p.Unfinished)})
				if p.Run != nil {
					require.Equal(t, *p.Run, p.History[len(p.History)-1], "the history ends with the run shown")
				}
			}
			require.Equal(t, c.want, got)
		})
	}

	for want, job := range map[string]jobs.Selection{
		"there is no run 77 (--run)": {
			Partners: both, Run: 77},
		"run 3 (--run) is failed: only a completed run has figures": {
			Partners: both, Run: 3},
		"run 1 (--run) is of contoso-br, which is not among the partners of this report": {
			Partners: both[1:], Run: 1},
		"there is no run 78 (--against)": {
			Partners: both, Against: 78},
		"changes are counted from an earlier run, and run 6 (--against) is not earlier than the run shown": {
			Partners: both, Run: 5, Against: 6},
		"changes are counted from an earlier run, and run 8 (--against) is not earlier than the run shown": {
			Partners: both, Against: 8},
	} {
		_, _, err := job.Find(t.Context(), runs, now)
		require.EqualError(t, err, want)
		require.ErrorAs(t, err, new(*jobs.UsageError))
	}

	ahead := now.Add(-24 * time.Hour) // the clock of the host that reports is behind that of the one that read
	_, asOf, err := jobs.Selection{Partners: both}.Find(t.Context(), runs, ahead)
	require.NoError(t, err)
	require.Equal(t, at(5, 3), asOf)

	broken := errors.New("database is down")
	_, _, err = jobs.Selection{Partners: both}.Find(t.Context(), brokenRuns{runs, broken}, now)
	require.ErrorIs(t, err, broken)
}

type brokenRuns struct {
	pastRuns
	err error
}

func (b brokenRuns) RunsAfter(context.Context, string, int64, time.Time) ([]ledger.Run, error) {
	return nil, b.err
}
