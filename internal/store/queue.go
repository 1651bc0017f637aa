package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Queue is one partner's attestations that are to be sent. Workers of any number of hosts draw from it at the same time.
type Queue struct {
	store   *Store
	partner string
	actor   attestation.Actor
}

// Queue opens a partner's queue. Claims that a dead process of this host left behind are free at once.
func (s *Store) Queue(ctx context.Context, partnerID string, actor attestation.Actor) (*Queue, error) {
	host, _, _ := thisProcess()
	var holders []struct {
		PID     int64  `db:"claim_pid"`
		Started string `db:"claim_started"`
	}
	if err := s.list(ctx, s.db, &holders, "claim_holders", args{"partner_id": partnerID, "host": host}); err != nil {
		return nil, err
	}
	for _, h := range holders {
		if !dead(h.PID, h.Started) {
			continue
		}
		if _, err := s.exec(ctx, s.db, "free_claims", args{"host": host, "pid": h.PID, "started": h.Started}); err != nil {
			return nil, err
		}
	}
	return &Queue{store: s, partner: partnerID, actor: actor}, nil
}

const (
	claimSeconds = 300
	spareSeconds = 60 // a request is over so long before its claim is
	restSeconds  = 2  // a request whose answer was lost may still be under way so long
)

// Waiting counts what may be sent today.
func (q *Queue) CountReady(ctx context.Context, today standing.Date) (n int, err error) {
	err = q.store.get(ctx, q.store.db, &n, "count_ready", args{"partner_id": q.partner, "today": today})
	return n, err
}

// Claim takes the next attestation that may be sent; nil when there is none now. The request id is its MS-RequestId if it has none yet, and is
// in the ledger before Claim returns.
func (q *Queue) Claim(ctx context.Context, today standing.Date, requestID string, fresh bool, at time.Time) (claim *attestation.Claim, err error) {
	asked := time.Now() // before the claim begins: a process that is stopped at any moment after this wakes with less time left, never with more
	err = q.inTx(ctx, func(tx *sqlx.Tx) error {
		var next struct {
			Batch int64             `db:"batch_id"`
			Line  int               `db:"line"`
			State attestation.State `db:"state"`
		}
		err := q.store.get(ctx, tx, &next, "next_claim", args{"partner_id": q.partner, "today": today, "fresh": fresh})
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		host, pid, started := thisProcess()
		var number int64
		err = q.store.get(ctx, tx, &number, "claim", args{"batch": next.Batch, "line": next.Line, "request_id": requestID, "seconds": claimSeconds,
			"host": host, "pid": pid, "started": started})
		if err != nil {
			return err
		}
		var row wholeRow
		if err := q.store.get(ctx, tx, &row, "attestation", args{"batch": next.Batch, "line": next.Line}); err != nil {
			return err
		}
		a, err := row.attestation()
		if err != nil {
			return err
		}
		claim = &attestation.Claim{Attestation: a, Number: number, Until: asked.Add((claimSeconds - spareSeconds) * time.Second), MaybeDelivered: a.Sends > 0}
		return q.event(ctx, tx, ledger.EventSend, a.ID, at, next.State, attestation.Sending, map[string]any{"claim": number, "request_id": a.RequestID})
	})
	return claim, err
}

// Resting counts the attestations whose answer was lost and that nobody has taken up since.
func (q *Queue) CountCoolingDown(ctx context.Context) (n int, err error) {
	err = q.store.get(ctx, q.store.db, &n, "count_cooling_down", args{"partner_id": q.partner})
	return n, err
}

// Held counts what could be sent today and is not there to be claimed once the queue is empty: others have it.
func (q *Queue) CountInProgress(ctx context.Context, today standing.Date) (n int, err error) {
	err = q.store.get(ctx, q.store.db, &n, "count_in_progress", args{"partner_id": q.partner, "today": today})
	return n, err
}

// Sending notes that a request is about to leave, or fails with ErrClaimLost when the claim is lost or so nearly over that the request might outlast it.
func (q *Queue) MarkSent(ctx context.Context, c *attestation.Claim, templateID string, at time.Time) error {
	n, err := q.store.exec(ctx, q.store.db, "mark_sent", args{"batch": c.ID.Batch, "line": c.ID.Line, "claim": c.Number, "template_id": templateID,
		"at": instant(at), "spare": spareSeconds})
	if err == nil && n == 0 {
		err = attestation.ErrClaimLost
	}
	return err
}

// Settle ends a claim, or fails with ErrClaimLost.
func (q *Queue) Complete(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error {
	return q.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := q.store.exec(ctx, tx, "keep_answer", args{"batch": c.ID.Batch, "line": c.ID.Line, "claim": c.Number}); err != nil {
			return err
		}
		n, err := q.store.exec(ctx, tx, "complete", args{"batch": c.ID.Batch, "line": c.ID.Line, "claim": c.Number, "to": s.State,
			"reason": s.Reason, "message": s.Message, "hint": s.Hint, "at": instant(at), "status": s.Answer.Status, "code": s.Answer.Code,
			"request": s.Answer.RequestID, "correlation": s.Answer.CorrelationID, "rest": restSeconds})
		if err != nil {
			return err
		}
		if n == 0 {
			return attestation.ErrClaimLost
		}
		return q.event(ctx, tx, ledger.EventAnswer, c.ID, at, attestation.Sending, s.State, map[string]any{"claim": c.Number, "reason": s.Reason,
			"status": s.Answer.Status, "code": s.Answer.Code, "request_id": s.Answer.RequestID, "correlation_id": s.Answer.CorrelationID})
	})
}

// inTx is a transaction whose locks are let go soon when this process is stopped in the middle of it: all hosts wait for the batch's. Once it wakes
// it begins again. What it does is safe to repeat even if it was done: a second claim is another one's, and a second settlement finds nothing to settle.
func (q *Queue) inTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	err := q.tryTx(ctx, work)
	if e, ok := errors.AsType[*pq.Error](err); ok && e.Code == idleInTransaction || errors.Is(err, driver.ErrBadConn) {
		err = q.tryTx(ctx, work)
	}
	return err
}

// idleInTransaction is PostgreSQL's word for a transaction of which it heard nothing more.
const idleInTransaction = "25P03"

func (q *Queue) tryTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return q.store.inTx(ctx, func(tx *sqlx.Tx) error {
		if q.store.dialect == sqlfiles.Postgres {
			if _, err := q.store.exec(ctx, tx, "let_go_when_stopped", nil); err != nil {
				return err
			}
		}
		return work(tx)
	})
}

func (q *Queue) event(ctx context.Context, tx *sqlx.Tx, kind ledger.EventKind, id attestation.ID, at time.Time, from, to attestation.State, detail map[string]any) error {
	text, err := json.Marshal(detail) // an object's keys come sorted, so the text is always the same
	if err != nil {
		return err
	}
	return q.store.append(ctx, tx, ledger.Event{Kind: kind, Batch: id.Batch, Line: id.Line, At: at, PartnerID: q.partner,
		Actor: q.actor, From: from, To: to, Detail: string(text)})
}
