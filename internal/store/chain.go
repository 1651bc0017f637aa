package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// eventRow is an attestation.Event as the table event holds it.
type eventRow struct {
	BatchID  int64             `db:"batch_id"`
	Sequence int64             `db:"sequence"`
	Line     int               `db:"line"`
	At       time.Time         `db:"at"`
	Actor    string            `db:"actor"`
	From     attestation.State `db:"from_state"`
	To       attestation.State `db:"to_state"`
	Detail   string            `db:"detail"`
	Previous string            `db:"previous"`
	Hash     string            `db:"hash"`
}

func (r eventRow) event() attestation.Event {
	return attestation.Event{Batch: r.BatchID, Sequence: r.Sequence, Line: r.Line, At: r.At.UTC(), Actor: r.Actor, From: r.From, To: r.To,
		Detail: r.Detail, Previous: r.Previous, Hash: r.Hash}
}

// append adds an event to its batch's chain, within the transaction of what it tells of.
func (s *Store) append(ctx context.Context, tx *sqlx.Tx, e attestation.Event) error {
	var head struct {
		Sequence int64  `db:"head_sequence"`
		Hash     string `db:"head_hash"`
	}
	if err := s.get(ctx, tx, &head, "next_event", args{"batch": e.Batch}); err != nil {
		return err
	}
	e.At = instant(e.At)
	e = e.Seal(head.Sequence, head.Hash)
	row := eventRow{BatchID: e.Batch, Sequence: e.Sequence, Line: e.Line, At: e.At, Actor: e.Actor, From: e.From, To: e.To, Detail: e.Detail,
		Previous: e.Previous, Hash: e.Hash}
	if _, err := s.exec(ctx, tx, "save_event", row); err != nil {
		return err
	}
	_, err := s.exec(ctx, tx, "save_head", args{"batch": e.Batch, "hash": e.Hash})
	return err
}

// sum is all rows of a batch as they came in, in the file's order, counted and digested. What became of them later is in the events.
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
	s.text = fields(s.text[:0], strconv.Itoa(r.Line), r.PartnerID, r.CustomerID, string(r.Admitted), string(r.Agreed), r.Evidence, r.PersonDigest)
	s.hash.Write(s.text)
}

func (s *sum) digest() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// fields appends fields to a text, each with its length in front, so that no two rows have the same text.
func fields(text []byte, fields ...string) []byte {
	for _, field := range fields {
		text = append(strconv.AppendInt(text, int64(len(field)), 10), ':')
		text = append(append(text, field...), ',')
	}
	return text
}

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
