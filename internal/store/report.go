package store

import (
	"context"
	"iter"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// CountRecords counts the customers of a completed run with the given standing, or all of them ("").
func (s *Store) CountRecords(ctx context.Context, partnerID string, run int64, which standing.Standing) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_records", args{"partner_id": partnerID, "run": run, "standing": which})
	return n, err
}

// Records walks the customers of a completed run with the given standing, or all of them (""): by name, the blocked ones by how
// long they have been so.
func (s *Store) Records(ctx context.Context, partnerID string, run int64, which standing.Standing) iter.Seq2[standing.Record, error] {
	query := "records"
	if which == standing.Blocked {
		query = "records_longest_blocked_first"
	}
	return func(yield func(standing.Record, error) bool) {
		for row, err := range stream[ledgerRow](ctx, s, query, args{"partner_id": partnerID, "run": run, "standing": which}) {
			if !yield(row.record(), err) {
				return
			}
		}
	}
}

// CountChanges counts what Changes walks.
func (s *Store) CountChanges(ctx context.Context, partnerID string, run, against int64) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_changes", args{"partner_id": partnerID, "run": run, "against": against})
	return n, err
}

// Changes walks the customers whose standing differs between two completed runs, by name. Against run 0 everybody is new.
func (s *Store) Changes(ctx context.Context, partnerID string, run, against int64) iter.Seq2[standing.Step, error] {
	type sideRow struct {
		ledgerRow
		Side    string `db:"side"`
		PairKey string `db:"pair_key"`
	}
	return func(yield func(standing.Step, error) bool) {
		var step standing.Step
		var customer string
		flush := func() bool { return customer == "" || yield(step, nil) }
		for row, err := range stream[sideRow](ctx, s, "changes", args{"partner_id": partnerID, "run": run, "against": against}) {
			if err != nil {
				yield(standing.Step{}, err)
				return
			}
			if row.CustomerID != customer {
				if !flush() {
					return
				}
				step, customer = standing.Step{}, row.CustomerID
			}
			record := row.record()
			if row.Side == "after" {
				step.After = &record
			} else {
				step.Before = &record
			}
		}
		flush()
	}
}

// stream walks a statement's rows without holding them.
func stream[T any](ctx context.Context, s *Store, name string, arg any) iter.Seq2[T, error] {
	return streamOn[T](ctx, s, s.db, name, arg)
}

// streamOn is stream within a transaction.
func streamOn[T any](ctx context.Context, s *Store, on sqlx.QueryerContext, name string, arg any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var row T
		query, values, err := s.bind(name, arg)
		if err != nil {
			yield(row, err)
			return
		}
		rows, err := on.QueryxContext(ctx, query, values...)
		if err != nil {
			yield(row, &Error{name, err})
			return
		}
		defer rows.Close()
		for rows.Next() {
			row = *new(T)
			if err := rows.StructScan(&row); err != nil {
				yield(row, &Error{name, err})
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(*new(T), &Error{name, err})
		}
	}
}
