package store

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

var errUnbalanced = errors.New("the checks do not balance")

// CloseRun applies what was read to the ledger, counts, asks judge for the checks, and closes the
// run: completed when they balance, failed when they do not, and then the ledger is as it was.
// Where only the service's answers were doubted, the readings that are not in doubt stay for the
// next run. r brings Unlisted and FinishedAt; the returned run has everything.
func (l *Lease) CloseRun(ctx context.Context, r ledger.Run,
	judge func(ledger.Totals) []ledger.Check) (ledger.Run, error) {
	err := l.write(ctx, func(tx *sqlx.Tx) error {
		if err := l.apply(ctx, tx, r.ID); err != nil {
			return err
		}
		var err error
		if r.Totals, err = l.count(ctx, tx, r); err != nil {
			return err
		}
		r.Checks = judge(r.Totals)
		if !ledger.AllPassed(r.Checks) {
			return errUnbalanced
		}
		r.State = ledger.Completed
		return l.finish(ctx, tx, r)
	})
	if errors.Is(err, errUnbalanced) {
		r.State = ledger.Failed
		err = l.write(ctx, func(tx *sqlx.Tx) error { return l.finish(ctx, tx, r) })
	}
	if err == nil && l.store.dialect == sqlfiles.Postgres {
		// A report may come before PostgreSQL has looked at what is new by itself; without
		// statistics it joins row by row. The run is closed: that statistics could not be taken is
		// no failure of it.
		_, _ = l.store.exec(ctx, l.store.db, "analyze", nil)
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
func (l *Lease) count(ctx context.Context, tx *sqlx.Tx, r ledger.Run) (ledger.Totals, error) {
	var row struct {
		totalsRow
		LedgerUnreadable int `db:"ledger_unreadable"`
		LedgerAbsent     int `db:"ledger_absent"`
		LedgerUndated    int `db:"ledger_undated"`
	}
	row.Unlisted = r.Totals.Unlisted
	where := args{"partner_id": l.partner.ID, "run": r.ID, "attempt": r.Attempt}
	for _, part := range []string{"count_listing", "count_readings", "count_turnover", "count_ledger"} {
		if err := l.store.get(ctx, tx, &row, part, where); err != nil {
			return ledger.Totals{}, err
		}
	}
	if r.Kind == ledger.Recheck { // what was not looked at again is as it was
		row.Clear, row.Blocked, row.Unknown, row.Excluded = row.LedgerClear, row.LedgerBlocked, row.LedgerUnknown,
			row.LedgerExcluded
		row.Unreadable, row.Absent, row.DirectUndated = row.LedgerUnreadable, row.LedgerAbsent, row.LedgerUndated
		row.Listed, row.FoundUnlisted = row.totals().Ledger.Sum(), r.Totals.FoundUnlisted
	}
	return row.totals(), nil
}

type finishRow struct {
	ID         int64           `db:"run"`
	State      ledger.RunState `db:"state"`
	FinishedAt time.Time       `db:"finished_at"`
	totalsRow
}

// finish writes the run's end and drops its working rows but those that the next run may use.
func (l *Lease) finish(ctx context.Context, tx *sqlx.Tx, r ledger.Run) error {
	end := finishRow{ID: r.ID, State: r.State, FinishedAt: instant(r.FinishedAt), totalsRow: rowOfTotals(r.Totals)}
	n, err := l.store.exec(ctx, tx, "finish_run", end)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the run was closed by somebody else")
	}
	for i, c := range r.Checks {
		row := checkRow{RunID: r.ID, Position: i, Name: c.Name, Expected: c.Expected, Found: c.Found, OK: c.OK,
			Detail: c.Detail}
		if _, err := l.store.exec(ctx, tx, "save_check", row); err != nil {
			return err
		}
	}
	forget := []string{"forget_readings", "forget_listing"}
	if r.State == ledger.Failed && ledger.ReadingsAreGood(r.Checks) {
		forget[0] = "forget_doubtful_readings"
	}
	if err := l.store.execAll(ctx, tx, args{"run": r.ID}, forget...); err != nil {
		return err
	}
	return l.store.recordClosing(ctx, tx, r.ID)
}
