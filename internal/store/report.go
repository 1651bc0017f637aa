package store

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// CountRecords counts the customers of a completed run with the given standing, or all of them ("").
func (s *Store) CountRecords(ctx context.Context, partnerID string, run int64, which standing.Standing) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_records", args{"partner_id": partnerID, "run": run, "standing": which})
	return n, err
}

// Records walks the customers of a completed run with the given standing, or all of them (""), by name.
func (s *Store) Records(ctx context.Context, partnerID string, run int64, which standing.Standing) iter.Seq2[standing.Record, error] {
	return func(yield func(standing.Record, error) bool) {
		for row, err := range stream[ledgerRow](ctx, s, "records", args{"partner_id": partnerID, "run": run, "standing": which}) {
			if !yield(row.record(), err) {
				return
			}
		}
	}
}

// Blocked walks the blocked customers of a completed run, the longest blocked first, each with its newest attestation that came past
// its import and was not taken back, and with its purchases.
func (s *Store) Blocked(ctx context.Context, partnerID string, run int64, cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	type blockedRow struct {
		ledgerRow
		Newest string `db:"newest"` // "12-345 approved"; empty: none
		purchasesColumns
	}
	return func(yield func(ledger.BlockedCustomer, error) bool) {
		for row, err := range stream[blockedRow](ctx, s, "blocked", args{"partner_id": partnerID, "run": run, "through": cut.Batch, "at": instant(cut.At),
			"fresh": instant(cut.At.Add(-freshness))}) {
			customer := ledger.BlockedCustomer{Record: row.record()}
			if id, state, ok := strings.Cut(row.Newest, " "); ok && err == nil {
				customer.AttestationState = attestation.State(state)
				customer.Attestation, err = attestation.ParseID(id)
			}
			customer.PurchasesRead, customer.Purchases = row.purchases()
			if !yield(customer, err) {
				return
			}
		}
	}
}

// CountPurchases counts the blocked customers of a completed run by what they had bought, as it was known at an instant.
func (s *Store) CountPurchases(ctx context.Context, partnerID string, run int64, at time.Time) (standing.PurchasesCount, error) {
	var row struct {
		Some   int `db:"some"`
		None   int `db:"none"`
		Unread int `db:"unread"`
	}
	err := s.get(ctx, s.db, &row, "count_subscriptions", args{"partner_id": partnerID, "run": run, "at": instant(at), "fresh": instant(at.Add(-freshness))})
	return standing.PurchasesCount(row), err
}

// CountChanges counts what Changes walks.
func (s *Store) CountChanges(ctx context.Context, partnerID string, run, against int64) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_changes", args{"partner_id": partnerID, "run": run, "against": against})
	return n, err
}

// Changes walks the customers whose standing differs between two completed runs, by name. Against run 0 everybody is new.
func (s *Store) Changes(ctx context.Context, partnerID string, run, against int64) iter.Seq2[standing.Transition, error] {
	type sideRow struct {
		ledgerRow
		Side    string `db:"side"`
		PairKey string `db:"pair_key"`
	}
	return func(yield func(standing.Transition, error) bool) {
		var step standing.Transition
		var customer string
		flush := func() bool { return customer == "" || yield(step, nil) }
		for row, err := range stream[sideRow](ctx, s, "changes", args{"partner_id": partnerID, "run": run, "against": against}) {
			if err != nil {
				yield(standing.Transition{}, err)
				return
			}
			if row.CustomerID != customer {
				if !flush() {
					return
				}
				step, customer = standing.Transition{}, row.CustomerID
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

// Heads lists the batches imported by an instant, the newest first, each with its last event at that instant.
func (s *Store) Heads(ctx context.Context, at time.Time) ([]ledger.BatchHead, error) {
	var rows []struct {
		ID       int64  `db:"id"`
		FileName string `db:"file_name"`
		Rows     int    `db:"row_count"`
		Events   int64  `db:"events"`
		Sequence int64  `db:"head_sequence"`
		Hash     string `db:"head_hash"`
	}
	if err := s.list(ctx, s.db, &rows, "batch_heads", args{"at": instant(at)}); err != nil {
		return nil, err
	}
	heads := make([]ledger.BatchHead, len(rows))
	for i, r := range rows {
		heads[i] = ledger.BatchHead{Batch: r.ID, File: r.FileName, Rows: r.Rows, Events: r.Events, Hash: r.Hash}
	}
	return heads, nil
}

// Tally counts the attestations of a cut, by partner; those of nobody's customers are the partner "".
func (s *Store) Tally(ctx context.Context, cut ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	var rows []struct {
		PartnerID string `db:"partner_id"`
		Rows      int    `db:"row_count"`
		Sent      int    `db:"sent"`
		Answered  int    `db:"answered"`
		Unsettled int    `db:"unsettled"`
		Returned  int    `db:"returned"`
	}
	if err := s.list(ctx, s.db, &rows, "delivery_totals", args{"through": cut.Batch, "at": instant(cut.At)}); err != nil {
		return nil, err
	}
	tally := map[string]ledger.DeliveryTotals{}
	for _, r := range rows {
		tally[r.PartnerID] = ledger.DeliveryTotals{Rows: r.Rows, Sent: r.Sent, Answered: r.Answered, Unsettled: r.Unsettled, Returned: r.Returned}
	}
	return tally, nil
}

// entryRow is a ledger.AttestationEntry as it was at the instant of a snapshot.
type entryRow struct {
	wholeRow
	decidedRow
	File      string            `db:"file_name"`
	SHA256    string            `db:"sha256"`
	StateThen attestation.State `db:"state_then"`
	OpenThen  int               `db:"open_then"`

	Decision      *ledger.EventKind        `db:"decision"`
	DecidedBy     *string                  `db:"decided_by"`
	DecidedUserID *string                  `db:"decided_user_id"`
	DecidedHost   *string                  `db:"decided_host"`
	DecidedSource *attestation.ActorSource `db:"decided_source"`
	DecidedAt     *time.Time               `db:"decided_at"`
	DecidedFrom   *attestation.State       `db:"decided_from"`
}

func (r entryRow) entry(at time.Time) (ledger.AttestationEntry, error) {
	e := ledger.AttestationEntry{Batch: attestation.Batch{ID: r.BatchID, File: r.File, SHA256: r.SHA256}}
	err := r.decided(&e.Batch)
	if err != nil {
		return e, err
	}
	e.Decision = ledger.Decision{Kind: zeroIfNull(r.Decision), At: orZero(r.DecidedAt), By: attestation.Actor{Name: zeroIfNull(r.DecidedBy),
		UserID: zeroIfNull(r.DecidedUserID), Host: zeroIfNull(r.DecidedHost), Source: zeroIfNull(r.DecidedSource)}}
	cancelledUnapproved := r.StateThen == attestation.Cancelled && zeroIfNull(r.DecidedFrom) == attestation.Queued
	if e.Batch.ApprovedAt.After(at) || r.Admitted != attestation.Queued || cancelledUnapproved {
		e.Batch.ApprovedBy, e.Batch.ApprovedAt = attestation.Actor{}, time.Time{}
	}
	r.State, r.OpenRequest = r.StateThen, r.OpenThen
	e.Attestation, err = r.attestation()
	return e, err
}

// Entries walks a partner's attestations of a cut: the newest batch first, then in the order of its file.
func (s *Store) Entries(ctx context.Context, partnerID string, cut ledger.Snapshot) iter.Seq2[ledger.AttestationEntry, error] {
	at := instant(cut.At)
	return func(yield func(ledger.AttestationEntry, error) bool) {
		for row, err := range stream[entryRow](ctx, s, "entries", args{"partner_id": partnerID, "through": cut.Batch, "at": at}) {
			var e ledger.AttestationEntry
			if err == nil {
				e, err = row.entry(at)
			}
			if !yield(e, err) {
				return
			}
		}
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
