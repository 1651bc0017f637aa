package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// linkRow is a link that is handed over, as the table attestation_link holds it. Its event has the
// same values.
type linkRow struct {
	Event           int64                `db:"event" json:"-"`
	BatchID         int64                `db:"batch_id" json:"-"`
	Line            int                  `db:"line" json:"-"`
	Creation        int                  `db:"creation" json:"creation"`
	Kind            attestation.LinkKind `db:"kind" json:"kind"`
	Channel         ledger.Channel       `db:"channel" json:"channel"`
	RecipientDigest string               `db:"recipient_digest" json:"recipient"`
}

// linkResultRow is what became of it. Its event has the same values.
type linkResultRow struct {
	Link    int64                    `db:"link" json:"link"`
	Event   int64                    `db:"event" json:"-"`
	Outcome ledger.InvitationOutcome `db:"outcome" json:"outcome"`
	Reason  string                   `db:"reason" json:"reason,omitempty"`
}

// BeginLink records that the link of a claimed attestation is about to be handed over, and returns
// the number by which EndLink knows it. It fails with attestation.ErrLinkGiven when the same
// message was handed over, or may have been; then the number is that of the earlier one if what
// became of it is not known, and else 0. Into a file a link may be written again.
func (q *Queue) BeginLink(ctx context.Context, c *attestation.Claim, kind attestation.LinkKind, channel ledger.Channel,
	at time.Time) (id int64, err error) {
	row := linkRow{BatchID: c.ID.Batch, Line: c.ID.Line, Creation: c.Creation, Kind: kind, Channel: channel}
	err = q.inTx(ctx, func(tx *sqlx.Tx) error {
		held, err := q.store.exec(ctx, tx, "hold_claim", args{"batch": row.BatchID, "line": row.Line,
			"claim": c.Number})
		if err != nil {
			return err
		}
		if held == 0 {
			return attestation.ErrClaimLost
		}
		if channel != ledger.ByFile {
			if row.Event, err = q.given(ctx, tx, row); err != nil {
				return err
			}
		}
		if row.RecipientDigest, err = q.recipientDigest(ctx, tx, c.ID); err != nil {
			return err
		}
		event := ledger.Event{Kind: ledger.EventLink, At: at}
		if kind != attestation.FirstLink {
			event.Kind = ledger.EventRemind
		}
		if row.Event, err = q.numbered(ctx, tx, event, c.Attestation, row); err != nil {
			return err
		}
		_, err = q.store.exec(ctx, tx, "save_link", row)
		return err
	})
	return row.Event, err
}

// given fails when the same message was handed over already, or may have been. It returns its
// number if what became of it is not known.
func (q *Queue) given(ctx context.Context, tx *sqlx.Tx, row linkRow) (open int64, err error) {
	var earlier struct {
		Event int64 `db:"event"`
		Open  bool  `db:"open"`
	}
	err = q.store.get(ctx, tx, &earlier, "given_link", args{"batch": row.BatchID, "line": row.Line,
		"creation": row.Creation, "kind": row.Kind})
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case earlier.Open:
		open = earlier.Event
	}
	return open, attestation.ErrLinkGiven
}

// EndLink records what became of handing a link over, once.
func (q *Queue) EndLink(ctx context.Context, id int64, outcome ledger.InvitationOutcome, reason string,
	at time.Time) error {
	row := linkResultRow{Link: id, Outcome: outcome, Reason: reason}
	return q.inTx(ctx, func(tx *sqlx.Tx) error {
		var of attestationRow
		err := q.store.get(ctx, tx, &of, "link_attestation", args{"link": id})
		if err != nil {
			return err
		}
		a := attestation.Attestation{ID: attestation.ID{Batch: of.BatchID, Line: of.Line}, PartnerID: of.PartnerID,
			CustomerID: of.CustomerID}
		if row.Event, err = q.numbered(ctx, tx, ledger.Event{Kind: ledger.EventLink, At: at}, a, row); err != nil {
			return err
		}
		_, err = q.store.exec(ctx, tx, "save_link_result", row)
		return err
	})
}

// numbered appends an event about an attestation with a row as its detail, and returns its number.
func (q *Queue) numbered(ctx context.Context, tx *sqlx.Tx, e ledger.Event, a attestation.Attestation,
	row any) (int64, error) {
	detail, err := json.Marshal(row)
	if err != nil {
		return 0, err
	}
	e.Batch, e.Line, e.PartnerID, e.CustomerID, e.Actor, e.Detail = a.ID.Batch, a.ID.Line, a.PartnerID, a.CustomerID,
		q.actor, string(detail)
	return q.store.appendNumbered(ctx, tx, e)
}

// recipientDigest stands for the signer's address. Without the salt it cannot be guessed, so that
// purging the signer purges it.
func (q *Queue) recipientDigest(ctx context.Context, tx *sqlx.Tx, id attestation.ID) (string, error) {
	var signer personRow
	err := q.store.get(ctx, tx, &signer, "signer_address", args{"batch": id.Batch, "line": id.Line})
	if errors.Is(err, ErrNotFound) {
		return "", nil // it was purged
	}
	sum := sha256.Sum256(fields(nil, signer.Salt, signer.Email))
	return hex.EncodeToString(sum[:]), err
}

// Renew lets expired attestations be created again, unless Microsoft has created them so many times
// already. It returns how many there were.
func (q *Queue) Renew(ctx context.Context, most int, at time.Time) (renewed int, err error) {
	err = q.inTx(ctx, func(tx *sqlx.Tx) error {
		var rows []attestationRow
		if err := q.store.list(ctx, tx, &rows, "renew", args{"partner_id": q.partner, "most": most}); err != nil ||
			len(rows) == 0 {
			return err
		}
		renewed = len(rows)
		events := make([]ledger.Event, len(rows))
		for i, r := range rows {
			events[i] = ledger.Event{Kind: ledger.EventRenew, At: at, Batch: r.BatchID, Line: r.Line,
				PartnerID: q.partner, CustomerID: r.CustomerID, Actor: q.actor, From: attestation.Expired,
				To: attestation.Approved}
		}
		return q.store.append(ctx, tx, events...)
	})
	return renewed, err
}

// SampleLink is an attestation of the partner that has a link, with nothing but its id and its
// link; zero: none has.
func (q *Queue) SampleLink(ctx context.Context) (attestation.Attestation, error) {
	var row attestationRow
	err := q.store.get(ctx, q.store.db, &row, "sample_link", args{"partner_id": q.partner})
	if errors.Is(err, ErrNotFound) {
		return attestation.Attestation{}, nil
	}
	return attestation.Attestation{ID: attestation.ID{Batch: row.BatchID, Line: row.Line},
		Enhanced: attestation.Enhanced{Creation: row.Creation, AcceptLink: row.AcceptLink}}, err
}

// links compares the links that were handed over with their events.
func (v *verifier) links(ctx context.Context) error {
	for row, err := range streamOn[struct {
		linkRow
		Detail string `db:"detail"`
	}](ctx, v.store, v.tx, "links_with_events", nil) {
		if err != nil {
			return err
		}
		said := linkRow{Event: row.Event, BatchID: row.BatchID, Line: row.Line}
		if json.Unmarshal([]byte(row.Detail), &said) != nil || said != row.linkRow {
			v.problem(ledger.Problem{Event: row.Event, Batch: row.BatchID, Line: row.Line},
				"the link is not what was recorded")
		}
	}
	for row, err := range streamOn[struct {
		linkResultRow
		Detail string `db:"detail"`
	}](ctx, v.store, v.tx, "link_results_with_events", nil) {
		if err != nil {
			return err
		}
		said := linkResultRow{Event: row.Event}
		if json.Unmarshal([]byte(row.Detail), &said) != nil || said != row.linkResultRow {
			v.problem(ledger.Problem{Event: row.Event}, "what became of the link is not what was recorded")
		}
	}
	var missing []int64
	if err := v.store.list(ctx, v.tx, &missing, "missing_links", nil); err != nil {
		return err
	}
	for _, event := range missing {
		v.problem(ledger.Problem{Event: event}, "the link of event %d is missing", event)
	}
	return nil
}
