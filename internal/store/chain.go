package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	From     attestation.State `db:"move_from"`
	To       attestation.State `db:"move_to"`
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

// digest sums up all rows of a batch as they came in. What became of them later is in the events.
func (s *Store) digest(ctx context.Context, on sqlx.ExtContext, batch int64) (string, error) {
	sum := sha256.New()
	for row, err := range streamOn[attestationRow](ctx, s, on, "admitted_rows", args{"batch": batch}) {
		if err != nil {
			return "", err
		}
		for _, field := range []string{fmt.Sprint(row.Line), row.PartnerID, row.CustomerID, string(row.Admitted), string(row.Agreed), row.Evidence, row.PersonDigest} {
			fmt.Fprintf(sum, "%d:%s,", len(field), field)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
