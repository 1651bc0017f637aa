package store

import (
	"context"
	"iter"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// RecordListed notes that the run's list holds these customers. It returns those that remain to be
// read, and how many were named for the first time in this attempt; the others were read in an
// earlier one. foundUnlisted says that they were not on the list but found by a read.
func (l *Lease) RecordListed(ctx context.Context, r ledger.Run, customers []standing.Customer,
	foundUnlisted bool) (unread []ledger.Listed, fresh int, err error) {
	type listingRow struct {
		RunID         int64  `db:"run_id"`
		CustomerID    string `db:"customer_id"`
		Attempt       int    `db:"attempt"`
		FoundUnlisted bool   `db:"found_unlisted"`
	}
	var rows []listingRow
	byID := map[string]standing.Customer{}
	for _, c := range customers {
		if _, twice := byID[c.ID]; !twice {
			byID[c.ID] = c
			rows = append(rows, listingRow{r.ID, c.ID, r.Attempt, foundUnlisted})
		}
	}
	if len(rows) == 0 {
		return nil, 0, nil
	}
	var first, read []string
	err = l.write(ctx, func(tx *sqlx.Tx) error {
		if err := l.store.list(ctx, tx, &first, "record_listed", rows); err != nil || len(first) == 0 {
			return err
		}
		return l.store.list(ctx, tx, &read, "already_read", args{"run": r.ID, "customers": first})
	})
	if err != nil || len(first) == 0 {
		return nil, 0, err
	}
	known, err := l.known(ctx, first)
	if err != nil {
		return nil, 0, err
	}
	done := map[string]bool{}
	for _, id := range read {
		done[id] = true
	}
	for _, id := range first {
		if !done[id] {
			unread = append(unread, ledger.Listed{Customer: byID[id], Known: known[id]})
		}
	}
	return unread, len(first), nil
}

func (l *Lease) known(ctx context.Context, ids []string) (map[string]*ledger.Known, error) {
	var rows []ledgerRow
	err := l.store.list(ctx, l.store.db, &rows, "newest_records", args{"partner_id": l.partner.ID, "customers": ids})
	if err != nil {
		return nil, err
	}
	known := make(map[string]*ledger.Known, len(rows))
	for _, row := range rows {
		known[row.CustomerID] = &ledger.Known{Record: row.record(), Gone: row.ValidTo != nil}
	}
	return known, nil
}

// SaveReadings keeps a chunk of readings made at the instant at: all of them or none.
func (l *Lease) SaveReadings(ctx context.Context, r ledger.Run, at time.Time, readings []ledger.Reading) error {
	type readingRow struct {
		RunID   int64           `db:"run_id"`
		ReadAt  time.Time       `db:"read_at"`
		Gone    bool            `db:"gone"`
		Change  standing.Change `db:"change"`
		Differs bool            `db:"differs"`
		recordRow
	}
	rows := make([]readingRow, len(readings))
	for i, reading := range readings {
		row := rowOf(reading.Record)
		if !reading.Differs {
			// The ledger has the rest; a year of nights costs what changed.
			row = recordRow{CustomerID: row.CustomerID, Standing: row.Standing, Reason: row.Reason,
				PolicyChanged: row.PolicyChanged, DirectSince: row.DirectSince}
		}
		rows[i] = readingRow{RunID: r.ID, ReadAt: instant(at), Gone: reading.Gone, Change: reading.Change,
			Differs: reading.Differs, recordRow: row}
	}
	return l.writeReadings(ctx, func(tx *sqlx.Tx) error {
		_, err := l.store.exec(ctx, tx, "save_readings", rows)
		return err
	})
}

// CountUnlisted returns how many customers of the last completed run this attempt's list did not
// hold, and how many it did. It must be called when the list has come to its end.
func (l *Lease) CountUnlisted(ctx context.Context, r ledger.Run) (missing, listed int, err error) {
	err = l.write(ctx, func(tx *sqlx.Tx) error {
		if _, err := l.store.exec(ctx, tx, "forget_unlisted_readings",
			args{"run": r.ID, "attempt": r.Attempt}); err != nil {
			return err
		}
		where := args{"partner_id": l.partner.ID, "run": r.ID, "attempt": r.Attempt}
		if err := l.store.get(ctx, tx, &missing, "count_unlisted", where); err != nil {
			return err
		}
		return l.store.get(ctx, tx, &listed, "count_listed", where)
	})
	return missing, listed, err
}

// Unlisted walks the customers that CountUnlisted counted.
func (l *Lease) Unlisted(ctx context.Context, r ledger.Run) iter.Seq2[ledger.Known, error] {
	return func(yield func(ledger.Known, error) bool) {
		const page = 500
		for after := ""; ; {
			var rows []ledgerRow
			err := l.store.list(ctx, l.store.db, &rows, "unlisted",
				args{"partner_id": l.partner.ID, "run": r.ID, "attempt": r.Attempt, "after": after, "limit": page})
			if err != nil {
				yield(ledger.Known{}, err)
				return
			}
			for _, row := range rows {
				if !yield(ledger.Known{Record: row.record()}, nil) {
					return
				}
			}
			if len(rows) < page {
				return
			}
			after = rows[len(rows)-1].CustomerID
		}
	}
}
