package store

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/run"
)

var errUnbalanced = errors.New("the checks do not balance")

// Close applies what was read to the ledger, counts, asks judge for the checks, and closes the run: completed when they
// balance, failed when they do not, and then the ledger is as it was. r brings Missing, FinishedAt; the returned run
// has everything.
func (l *Lease) Close(ctx context.Context, r run.Run, judge func(run.Totals) []run.Check) (run.Run, error) {
	err := l.write(ctx, func(tx *sqlx.Tx) error {
		if err := l.apply(ctx, tx, r.ID); err != nil {
			return err
		}
		var err error
		if r.Totals, err = l.count(ctx, tx, r); err != nil {
			return err
		}
		r.Checks = judge(r.Totals)
		if !run.Balanced(r.Checks) {
			return errUnbalanced
		}
		r.State = run.Completed
		return l.finish(ctx, tx, r)
	})
	if errors.Is(err, errUnbalanced) {
		r.State = run.Failed
		err = l.write(ctx, func(tx *sqlx.Tx) error { return l.finish(ctx, tx, r) })
	}
	return r, err
}

// apply ends the records of customers that are gone or differ, and begins the new ones.
func (l *Lease) apply(ctx context.Context, tx *sqlx.Tx, id int64) error {
	where := args{"partner_id": l.partner.ID, "run": id}
	if _, err := l.store.exec(ctx, tx, "end_records", where); err != nil {
		return err
	}
	_, err := l.store.exec(ctx, tx, "begin_records", where)
	return err
}

// count finds each number where the thing happened: the list, the readings, the ledger.
func (l *Lease) count(ctx context.Context, tx *sqlx.Tx, r run.Run) (run.Totals, error) {
	row := totalsRow{Missing: r.Totals.Missing}
	where := args{"partner_id": l.partner.ID, "run": r.ID, "attempt": r.Attempt}
	for _, part := range []struct {
		query string
		into  any
	}{
		{"count_listing", &row}, {"count_readings", &row}, {"count_ledger", &row}, {"count_gone", &row.Gone}, {"count_new", &row.New},
	} {
		if err := l.store.get(ctx, tx, part.into, part.query, where); err != nil {
			return run.Totals{}, err
		}
	}
	return row.totals(), nil
}

// finish writes the run's end and drops its working rows.
func (l *Lease) finish(ctx context.Context, tx *sqlx.Tx, r run.Run) error {
	t := r.Totals
	n, err := l.store.exec(ctx, tx, "finish_run", args{
		"run": r.ID, "state": r.State, "finished_at": instant(r.FinishedAt),
		"listed": t.Listed, "missing": t.Missing, "still_there": t.StillThere,
		"clear": t.Clear, "blocked": t.Blocked, "unknown": t.Unknown, "excluded": t.Excluded,
		"unreadable": t.Unreadable, "direct_undated": t.DirectUndated,
		"new": t.New, "gone": t.Gone, "newly_blocked": t.NewlyBlocked, "newly_clear": t.NewlyClear, "gone_by_read": t.GoneByRead,
		"ledger_clear": t.Ledger.Clear, "ledger_blocked": t.Ledger.Blocked, "ledger_unknown": t.Ledger.Unknown, "ledger_excluded": t.Ledger.Excluded,
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the run was closed by somebody else")
	}
	for i, c := range r.Checks {
		row := checkRow{RunID: r.ID, Position: i, Name: c.Name, Expected: c.Expected, Found: c.Found, OK: c.OK, Detail: c.Detail}
		if _, err := l.store.exec(ctx, tx, "save_check", row); err != nil {
			return err
		}
	}
	return l.store.clear(ctx, tx, r.ID)
}
