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

// CountRecords counts the customers of a completed run with the given standing, or all of them
// ("").
func (s *Store) CountRecords(ctx context.Context, partnerID string, run int64,
	which standing.Standing) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_records", args{"partner_id": partnerID, "run": run, "standing": which})
	return n, err
}

// Records walks the customers of a completed run with the given standing, or all of them (""), by
// name. After all of them it fails with an *AlteredError when they are not those that the run left.
func (s *Store) Records(ctx context.Context, partnerID string, run int64,
	which standing.Standing) iter.Seq2[standing.Record, error] {
	return func(yield func(standing.Record, error) bool) {
		arg := args{"partner_id": partnerID, "run": run, "standing": which}
		for row, err := range checked(ctx, s, arg, stream[ledgerRow](ctx, s, "records", arg)) {
			if !yield(row.record(), err) {
				return
			}
		}
	}
}

// resellerColumns are the joined columns of the customer's indirect reseller.
type resellerColumns struct {
	ResellerRead bool   `db:"reseller_read"`
	ResellerID   string `db:"reseller_id"`
	ResellerName string `db:"reseller_name"`
}

func (c resellerColumns) reseller() ledger.Reseller {
	return ledger.Reseller{Read: c.ResellerRead, ID: c.ResellerID, Name: c.ResellerName}
}

// exceptionColumns are the joined columns of the customer's exception.
type exceptionColumns struct {
	Owner         string        `db:"exception_owner"`
	DueOn         standing.Date `db:"exception_due_on"`
	Comment       string        `db:"exception_comment"`
	AcceptedUntil standing.Date `db:"exception_accepted_until"`
}

func (c exceptionColumns) exception(partnerID, customerID string) ledger.Exception {
	e := ledger.Exception{Owner: c.Owner, DueOn: c.DueOn, Comment: c.Comment, AcceptedUntil: c.AcceptedUntil}
	if !e.IsEmpty() {
		e.PartnerID, e.CustomerID = partnerID, customerID
	}
	return e
}

// CustomerEntries is Records, check included, with the indirect reseller of each customer, as it
// was known at an instant.
func (s *Store) CustomerEntries(ctx context.Context, partnerID string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	type customerRow struct {
		ledgerRow
		resellerColumns
	}
	return func(yield func(ledger.CustomerEntry, error) bool) {
		arg := args{"partner_id": partnerID, "run": run, "standing": which, "at": instant(at)}
		for row, err := range checked(ctx, s, arg, stream[customerRow](ctx, s, "customer_entries", arg)) {
			if !yield(ledger.CustomerEntry{Record: row.record(), Reseller: row.reseller()}, err) {
				return
			}
		}
	}
}

// CountRenewals counts what Renewals walks.
func (s *Store) CountRenewals(ctx context.Context, partnerID string, run int64, at time.Time) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_renewals", args{"partner_id": partnerID, "run": run, "at": instant(at),
		"fresh": instant(at.Add(-freshness))})
	return n, err
}

// Renewals walks the active subscriptions of the blocked customers of completed runs, one of each
// partner, as they were known at an instant: those that lapse, those that renew by themselves, and
// those without a date; the soonest first.
func (s *Store) Renewals(ctx context.Context, runs []int64, at time.Time) iter.Seq2[ledger.Renewal, error] {
	type renewalRow struct {
		ledgerRow
		SubscriptionID string        `db:"subscription_id"`
		Product        string        `db:"product"`
		Seats          int           `db:"seats"`
		Term           string        `db:"term"`
		Ends           standing.Date `db:"ends"`
		AutoRenew      bool          `db:"auto_renew"`
		Trial          bool          `db:"trial"`
		resellerColumns
		exceptionColumns
	}
	return func(yield func(ledger.Renewal, error) bool) {
		for row, err := range stream[renewalRow](ctx, s, "renewals", args{"runs": runs, "at": instant(at),
			"fresh": instant(at.Add(-freshness))}) {
			renewal := ledger.Renewal{Record: row.record(), PartnerID: row.PartnerID,
				Reseller: row.reseller(), AcceptedUntil: row.AcceptedUntil,
				ID: row.SubscriptionID, Product: row.Product, Seats: row.Seats, Term: row.Term, Ends: row.Ends,
				AutoRenew: row.AutoRenew, Trial: row.Trial}
			if !yield(renewal, err) {
				return
			}
		}
	}
}

// ExceptionsThen lists the exceptions of a partner's customers that were in force at an instant,
// the oldest first, each with its customer as a completed run left it.
func (s *Store) ExceptionsThen(ctx context.Context, partnerID string, run int64,
	at time.Time) ([]ledger.ExceptionEntry, error) {
	var rows []exceptionEntryRow
	if err := s.list(ctx, s.db, &rows, "exceptions_then", args{"partner_id": partnerID, "run": run,
		"at": instant(at)}); err != nil {
		return nil, err
	}
	return exceptionEntries(rows), nil
}

// EventNumbers are the numbers of the events that EventLog walks.
func (s *Store) EventNumbers(ctx context.Context, at time.Time) (numbers []int64, err error) {
	err = s.list(ctx, s.db, &numbers, "event_numbers", args{"at": instant(at)})
	return numbers, err
}

// EventLog walks what was done about customers by an instant, the newest first. Runs, readings,
// reports and copies are not in it.
func (s *Store) EventLog(ctx context.Context, at time.Time) iter.Seq2[ledger.LogEntry, error] {
	type logRow struct {
		eventRow
		CustomerName string `db:"customer_name"`
		Earlier      *int64 `db:"earlier"`
	}
	return func(yield func(ledger.LogEntry, error) bool) {
		for row, err := range stream[logRow](ctx, s, "event_log", args{"at": instant(at)}) {
			if !yield(ledger.LogEntry{Event: row.event(), CustomerName: row.CustomerName,
				Earlier: zeroIfNull(row.Earlier)}, err) {
				return
			}
		}
	}
}

// Batches lists the imported files of a snapshot, the newest first, with what had become of their
// rows.
func (s *Store) Batches(ctx context.Context, cut ledger.Snapshot) ([]ledger.BatchSummary, error) {
	var rows []batchRow
	arg := args{"through": cut.Batch, "at": instant(cut.At)}
	if err := s.list(ctx, s.db, &rows, "batches_then", arg); err != nil {
		return nil, err
	}
	all := make([]ledger.BatchSummary, len(rows))
	index := make(map[int64]*ledger.BatchSummary, len(rows))
	for i, r := range rows {
		batch, err := r.batch()
		if err != nil {
			return nil, err
		}
		if batch.ApprovedAt.After(cut.At) {
			batch.ApprovedBy, batch.ApprovedAt = attestation.Actor{}, time.Time{}
		}
		all[i] = ledger.BatchSummary{Batch: batch, States: map[attestation.State]int{}}
		index[batch.ID] = &all[i]
	}
	var states []struct {
		Batch int64             `db:"batch_id"`
		State attestation.State `db:"state"`
		Count int               `db:"n"`
	}
	if err := s.list(ctx, s.db, &states, "batch_states", arg); err != nil {
		return nil, err
	}
	for _, r := range states {
		if b := index[r.Batch]; b != nil {
			b.States[r.State] = r.Count
		}
	}
	return all, s.confirmationTimes(ctx, arg, index)
}

// confirmationTimes finds how long it took until Microsoft had half, and nine in ten, of each
// batch's attestations that it has.
func (s *Store) confirmationTimes(ctx context.Context, arg args, index map[int64]*ledger.BatchSummary) error {
	type confirmation struct {
		Batch int64     `db:"batch_id"`
		At    time.Time `db:"at"`
	}
	nth := map[int64]int{}
	for row, err := range stream[confirmation](ctx, s, "confirmations", arg) {
		if err != nil {
			return err
		}
		b := index[row.Batch]
		if b == nil {
			continue
		}
		nth[row.Batch]++
		has := b.States[attestation.Confirmed] + b.States[attestation.AlreadyOnRecord]
		if nth[row.Batch] == (has+1)/2 { // the nearest rank
			b.Median = row.At.Sub(b.ImportedAt)
		}
		if nth[row.Batch] == (9*has+9)/10 {
			b.NineInTen = row.At.Sub(b.ImportedAt)
		}
	}
	return nil
}

// Blocked walks the blocked customers of a completed run, the longest blocked first, each with its
// newest attestation that came past its import and was not taken back, and with its purchases.
func (s *Store) Blocked(ctx context.Context, partnerID string, run int64,
	cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	type blockedRow struct {
		ledgerRow
		Newest    string     `db:"newest"` // "12-345 approved"; empty: none
		Seats     int        `db:"seats"`
		InvitedAt *time.Time `db:"invited_at"`
		Confirmed *time.Time `db:"confirmed_at"`
		LastEvent *int64     `db:"last_event"`
		purchasesColumns
		resellerColumns
		exceptionColumns
	}
	return func(yield func(ledger.BlockedCustomer, error) bool) {
		for row, err := range stream[blockedRow](ctx, s, "blocked", args{"partner_id": partnerID, "run": run,
			"through": cut.Batch, "at": instant(cut.At), "fresh": instant(cut.At.Add(-freshness))}) {
			customer := ledger.BlockedCustomer{Record: row.record(), Reseller: row.reseller(),
				Exception: row.exception(partnerID, row.CustomerID), InvitedAt: orZero(row.InvitedAt),
				ConfirmedAt: orZero(row.Confirmed), LastEvent: zeroIfNull(row.LastEvent), Seats: row.Seats}
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

// CountChanges counts what Changes walks.
func (s *Store) CountChanges(ctx context.Context, partnerID string, run, against int64) (n int, err error) {
	err = s.get(ctx, s.db, &n, "count_changes", args{"partner_id": partnerID, "run": run, "against": against})
	return n, err
}

// Changes walks the customers whose standing differs between two completed runs, by name. Against
// run 0 everybody is new.
func (s *Store) Changes(ctx context.Context, partnerID string, run, against int64) iter.Seq2[standing.Transition,
	error] {
	type sideRow struct {
		ledgerRow
		Side    string `db:"side"`
		PairKey string `db:"pair_key"`
	}
	return func(yield func(standing.Transition, error) bool) {
		var step standing.Transition
		var customer string
		flush := func() bool { return customer == "" || yield(step, nil) }
		for row, err := range stream[sideRow](ctx, s, "changes", args{"partner_id": partnerID, "run": run,
			"against": against}) {
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

// Heads lists the batches imported by an instant, the newest first, each with its last event at
// that instant.
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

// Tally counts the attestations of a cut, by partner; those of nobody's customers are the partner
// "".
func (s *Store) Tally(ctx context.Context, cut ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	var rows []struct {
		PartnerID string `db:"partner_id"`
		Rows      int    `db:"row_count"`
		Sent      int    `db:"sent"`
		Answered  int    `db:"answered"`
		Unsettled int    `db:"unsettled"`
		Returned  int    `db:"returned"`
	}
	if err := s.list(ctx, s.db, &rows, "delivery_totals",
		args{"through": cut.Batch, "at": instant(cut.At)}); err != nil {
		return nil, err
	}
	tally := map[string]ledger.DeliveryTotals{}
	for _, r := range rows {
		tally[r.PartnerID] = ledger.DeliveryTotals{Rows: r.Rows, Sent: r.Sent, Answered: r.Answered,
			Unsettled: r.Unsettled, Returned: r.Returned}
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

	MovedAt   *time.Time `db:"moved_at"` // into its state, by an event of its own
	LastEvent *int64     `db:"last_event"`
	Need      int        `db:"need"` // these two order the rows
	Waiting   any        `db:"waiting_since"`

	Decision      *ledger.EventKind        `db:"decision"`
	DecidedBy     *string                  `db:"decided_by"`
	DecidedUserID *string                  `db:"decided_user_id"`
	DecidedHost   *string                  `db:"decided_host"`
	DecidedSource *attestation.ActorSource `db:"decided_source"`
	DecidedAt     *time.Time               `db:"decided_at"`
	DecidedFrom   *attestation.State       `db:"decided_from"`
}

func (r entryRow) entry(at time.Time) (ledger.AttestationEntry, error) {
	e := ledger.AttestationEntry{Batch: attestation.Batch{ID: r.BatchID, File: r.File, SHA256: r.SHA256},
		LastEvent: zeroIfNull(r.LastEvent)}
	err := r.decided(&e.Batch)
	if err != nil {
		return e, err
	}
	e.Decision = ledger.Decision{Kind: zeroIfNull(r.Decision), At: orZero(r.DecidedAt),
		By: attestation.Actor{Name: zeroIfNull(r.DecidedBy),
			UserID: zeroIfNull(r.DecidedUserID), Host: zeroIfNull(r.DecidedHost), Source: zeroIfNull(r.DecidedSource)}}
	cancelledUnapproved := r.StateThen == attestation.Cancelled && zeroIfNull(r.DecidedFrom) == attestation.Queued
	if e.Batch.ApprovedAt.After(at) || r.Admitted != attestation.Queued || cancelledUnapproved {
		e.Batch.ApprovedBy, e.Batch.ApprovedAt = attestation.Actor{}, time.Time{}
	}
	e.Since = e.Batch.ImportedAt
	if r.StateThen != r.Admitted {
		e.Since = e.Batch.ApprovedAt
	}
	if r.MovedAt != nil {
		e.Since = r.MovedAt.UTC()
	}
	r.State, r.OpenRequest = r.StateThen, r.OpenThen
	e.Attestation, err = r.attestation()
	switch r.StateThen { // what later steps brought
	case attestation.Queued, attestation.Approved:
		e.Enhanced = attestation.Enhanced{}
	case attestation.Created, attestation.Waiting:
		e.Enhanced = attestation.Enhanced{Creation: e.Creation, AcceptLink: e.AcceptLink, ExpiresAt: e.ExpiresAt}
	}
	return e, err
}

// Entries walks a partner's attestations of a cut: those that need a person first, then those that
// wait for the customer, the longest first, then the newest batch, in the order of its file.
func (s *Store) Entries(ctx context.Context, partnerID string, cut ledger.Snapshot) iter.Seq2[ledger.AttestationEntry,
	error] {
	at := instant(cut.At)
	return func(yield func(ledger.AttestationEntry, error) bool) {
		for row, err := range stream[entryRow](ctx, s, "entries", args{"partner_id": partnerID, "through": cut.Batch,
			"at": at}) {
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
			yield(row, s.failure(ctx, name, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			row = *new(T)
			if err := rows.StructScan(&row); err != nil {
				yield(row, s.failure(ctx, name, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(*new(T), s.failure(ctx, name, err))
		}
	}
}
