package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// eventRow is a ledger.Event as the table event holds it.
type eventRow struct {
	Sequence   int64                   `db:"sequence"`
	At         time.Time               `db:"at"`
	Kind       ledger.EventKind        `db:"kind"`
	BatchID    *int64                  `db:"batch_id"`
	Line       *int                    `db:"line"`
	RunID      *int64                  `db:"run_id"`
	PartnerID  *string                 `db:"partner_id"`
	CustomerID *string                 `db:"customer_id"`
	Actor      string                  `db:"actor"`
	UserID     string                  `db:"user_id"`
	Host       string                  `db:"host"`
	Source     attestation.ActorSource `db:"source"`
	From       attestation.State       `db:"from_state"`
	To         attestation.State       `db:"to_state"`
	Detail     string                  `db:"detail"`
	Previous   string                  `db:"previous"`
	Hash       string                  `db:"hash"`
}

func rowOfEvent(e ledger.Event) eventRow {
	return eventRow{Sequence: e.Sequence, At: e.At, Kind: e.Kind, BatchID: nullIfZero(e.Batch),
		Line: nullIfZero(e.Line), RunID: nullIfZero(e.Run), PartnerID: nullIfZero(e.PartnerID),
		CustomerID: nullIfZero(e.CustomerID), Actor: e.Actor.Name, UserID: e.Actor.UserID, Host: e.Actor.Host,
		Source: e.Actor.Source, From: e.From, To: e.To, Detail: e.Detail, Previous: e.Previous, Hash: e.Hash}
}

func (r eventRow) event() ledger.Event {
	return ledger.Event{Sequence: r.Sequence, At: r.At.UTC(), Kind: r.Kind, Batch: zeroIfNull(r.BatchID),
		Line: zeroIfNull(r.Line), Run: zeroIfNull(r.RunID), PartnerID: zeroIfNull(r.PartnerID),
		CustomerID: zeroIfNull(r.CustomerID), Actor: attestation.Actor{Name: r.Actor, UserID: r.UserID, Host: r.Host,
			Source: r.Source},
		From: r.From, To: r.To, Detail: r.Detail, Previous: r.Previous, Hash: r.Hash}
}

func nullIfZero[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

func zeroIfNull[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}

type headRow struct {
	Sequence int64  `db:"sequence"`
	Hash     string `db:"hash"`
}

// append adds events to the chain, within the transaction of what they record. It must be the last
// thing that the transaction waits for: it locks the chain, and whoever held it while waiting for
// another lock could wait for ever.
func (s *Store) append(ctx context.Context, tx *sqlx.Tx, events ...ledger.Event) error {
	_, err := s.appendNumbered(ctx, tx, events...)
	return err
}

// appendNumbered is append for rows that name their event and are added right after it. It returns
// the number of the first.
func (s *Store) appendNumbered(ctx context.Context, tx *sqlx.Tx, events ...ledger.Event) (first int64, err error) {
	var row headRow
	if err := s.get(ctx, tx, &row, "lock_chain_head", nil); err != nil {
		return 0, err
	}
	head := ledger.ChainHead(row)
	for chunk := range slices.Chunk(events, 1000) {
		rows := make([]eventRow, len(chunk))
		for i, e := range chunk {
			e.At = instant(e.At)
			e = e.Seal(head)
			head, rows[i] = e.Head(), rowOfEvent(e)
		}
		if _, err := s.exec(ctx, tx, "save_events", rows); err != nil {
			return 0, err
		}
	}
	_, err = s.exec(ctx, tx, "save_chain_head", headRow(head))
	return row.Sequence + 1, err
}

// Head returns the end of the event chain.
func (s *Store) Head(ctx context.Context) (ledger.ChainHead, error) {
	var row headRow
	err := s.get(ctx, s.db, &row, "chain_head", nil)
	return ledger.ChainHead(row), err
}

// HasHead reports whether the event that a head names is in the chain. A head that a report or a
// log shows and that is not there belongs to another ledger, or to this one before it was rolled
// back.
func (s *Store) HasHead(ctx context.Context, head ledger.ChainHead) (bool, error) {
	if head.Sequence == 0 {
		return true, nil
	}
	var row eventRow
	err := s.get(ctx, s.db, &row, "event", args{"sequence": head.Sequence})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && row.event().Head() == head, err
}

// resumed is the detail of the event by which a person allows sending again.
type resumed struct {
	Head string `json:"head"` // that is not in the chain
}

// ResumeSending records that a person allows sending although a head that a report shows is not in
// the chain.
func (s *Store) ResumeSending(ctx context.Context, head ledger.ChainHead, by attestation.Actor, at time.Time) error {
	detail, err := json.Marshal(resumed{head.String()})
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		return s.append(ctx, tx, ledger.Event{Kind: ledger.EventResumeSending, At: at, Actor: by,
			Detail: string(detail)})
	})
}

// SendingResumed reports whether a person allowed sending although this head is not in the chain.
func (s *Store) SendingResumed(ctx context.Context, head ledger.ChainHead) (bool, error) {
	detail, err := json.Marshal(resumed{head.String()})
	if err != nil {
		return false, err
	}
	var n int
	err = s.get(ctx, s.db, &n, "count_resumed", args{"detail": string(detail)})
	return n > 0, err
}

// Chain describes the chain as it was at an instant, and reads it from its beginning to count what
// is unaltered.
func (s *Store) Chain(ctx context.Context, at time.Time) (chain ledger.Chain, err error) {
	err = s.inSnapshot(ctx, func(tx *sqlx.Tx) error {
		var end headRow
		if err := s.get(ctx, tx, &end, "chain_head", nil); err != nil {
			return err
		}
		var then struct {
			headRow
			Later int64 `db:"later"`
		}
		if err := s.get(ctx, tx, &then, "chain_head_then", args{"at": instant(at)}); err != nil &&
			!errors.Is(err, ErrNotFound) {
			return err
		}
		chain.Head, chain.Events = ledger.ChainHead(then.headRow), end.Sequence-then.Later
		if then.Sequence == 0 {
			return nil
		}
		var head ledger.ChainHead
		for row, err := range streamOn[eventRow](ctx, s, tx, "events", nil) {
			if err != nil {
				return err
			}
			e := row.event()
			if !e.Follows(head) || e.Sequence > then.Sequence {
				break
			}
			head = e.Head()
		}
		chain.Verified = head.Sequence
		return nil
	})
	return chain, err
}

// Events returns the events of one attestation and those of its whole batch.
func (s *Store) Events(ctx context.Context, id attestation.ID) ([]ledger.Event, error) {
	var rows []eventRow
	if err := s.list(ctx, s.db, &rows, "events_of_line", args{"batch": id.Batch, "line": id.Line}); err != nil {
		return nil, err
	}
	events := make([]ledger.Event, len(rows))
	for i, row := range rows {
		events[i] = row.event()
	}
	return events, nil
}

// sum is all rows of a batch as they came in, in the file's order, counted and digested. What
// became of them later is in the events.
type sum struct {
	attestation.Counts
	hash hash.Hash
	text []byte
}

func newSum() *sum { return &sum{hash: sha256.New()} }

func (s *sum) add(r attestationRow) {
	s.Rows++
	switch r.Admitted {
	case attestation.Queued:
		s.Queued++
	case attestation.Refused:
		s.Refused++
	case attestation.Duplicate:
		s.Duplicates++
	case attestation.AlreadyKnown:
		s.AlreadyKnown++
	}
	s.text = fields(s.text[:0], strconv.Itoa(r.Line), r.PartnerID, r.CustomerID, r.CustomerName, string(r.Admitted),
		string(r.Reason), r.Message, r.Hint, string(r.Agreed), r.Evidence, r.PersonDigest)
	s.text = fields(s.text, strconv.FormatInt(zeroIfNull(r.ReplacesBatch), 10),
		strconv.Itoa(zeroIfNull(r.ReplacesLine)))
	s.hash.Write(s.text)
}

func (s *sum) digest() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// sumUp sums up the rows of a batch in the ledger.
func (s *Store) sumUp(ctx context.Context, on sqlx.QueryerContext, batch int64) (*sum, error) {
	sum := newSum()
	for row, err := range streamOn[attestationRow](ctx, s, on, "admitted_rows", args{"batch": batch}) {
		if err != nil {
			return nil, err
		}
		sum.add(row)
	}
	return sum, nil
}

// digest is the digest of the rows of a batch in the ledger.
func (s *Store) digest(ctx context.Context, on sqlx.QueryerContext, batch int64) (string, error) {
	sum, err := s.sumUp(ctx, on, batch)
	if err != nil {
		return "", err
	}
	return sum.digest(), nil
}
