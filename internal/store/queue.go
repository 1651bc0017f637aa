package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Queue is the work on one partner's attestations. Workers of any number of hosts take from it at
// the same time.
type Queue struct {
	store   *Store
	partner string
	actor   attestation.Actor // recorded in the events
	copied  time.Time         // Claim.CopiedAt
	began   float64           // by the database's clock
	process struct {
		host    string
		pid     int64
		started string
	}
}

// Queue opens a partner's queue. Claims of a process of this host that is dead end at once.
func (s *Store) Queue(ctx context.Context, partnerID string, actor attestation.Actor) (*Queue, error) {
	q := &Queue{store: s, partner: partnerID, actor: actor}
	q.process.host, q.process.pid, q.process.started = thisProcess()
	var holders []struct {
		PID     int64  `db:"claim_pid"`
		Started string `db:"claim_started"`
	}
	if err := s.list(ctx, s.db, &holders, "claim_holders", args{"partner_id": partnerID,
		"host": q.process.host}); err != nil {
		return nil, err
	}
	for _, h := range holders {
		if !dead(h.PID, h.Started) {
			continue
		}
		if _, err := s.exec(ctx, s.db, "free_claims",
			args{"host": q.process.host, "pid": h.PID, "started": h.Started}); err != nil {
			return nil, err
		}
	}
	if err := s.get(ctx, s.db, &q.copied, "last_copied", nil); err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return q, s.get(ctx, s.db, &q.began, "database_clock", nil)
}

const (
	claimSeconds = 300
	spareSeconds = 60 // a request is over this long before its claim is
)

// CountReady counts what may be claimed today.
func (q *Queue) CountReady(ctx context.Context, today standing.Date, work attestation.Work) (n int, err error) {
	err = q.store.get(ctx, q.store.db, &n, "count_ready", args{"partner_id": q.partner, "today": today,
		"states": work.States()})
	return n, err
}

// OpenRequests counts the attestations that have a request with unknown outcome and no worker, and
// returns how long it is until all of them may be claimed.
func (q *Queue) OpenRequests(ctx context.Context) (n int, wait time.Duration, err error) {
	var open struct {
		N       int     `db:"n"`
		Seconds float64 `db:"seconds"`
	}
	err = q.store.get(ctx, q.store.db, &open, "open_requests", args{"partner_id": q.partner})
	return open.N, max(0, time.Duration(open.Seconds*float64(time.Second))), err
}

// CountUnsettled counts what has not come to its end, and could go on today.
func (q *Queue) CountUnsettled(ctx context.Context, today standing.Date) (attestation.Unsettled, error) {
	var n struct {
		Created  int `db:"created"`
		Waiting  int `db:"waiting"`
		Accepted int `db:"accepted"`
		Others   int `db:"others"`
	}
	err := q.store.get(ctx, q.store.db, &n, "count_unsettled", args{"partner_id": q.partner, "today": today})
	return attestation.Unsettled(n), err
}

// claimedRow is an attestation.Claim as it is read when it is claimed.
type claimedRow struct {
	wholeRow
	EvenIfClear    bool                     `db:"even_if_clear"`
	ImportedAt     time.Time                `db:"imported_at"`
	ApprovedAt     *time.Time               `db:"approved_at"`
	Number         *int                     `db:"number"`
	Kind           *attestation.RequestKind `db:"kind"`
	TemplateID     *string                  `db:"template_id"`
	Content        *string                  `db:"content"`
	LastSentAt     *time.Time               `db:"last_sent_at"`
	Result         *attestation.SendResult  `db:"result"`
	DisplayID      *string                  `db:"display_id"`
	Standing       *standing.Standing       `db:"standing"`
	StandingReason *standing.Reason         `db:"standing_reason"`
	OnRecordDate   *standing.Date           `db:"on_record_date"`
	OnRecordFirst  *string                  `db:"on_record_first"`
	OnRecordLast   *string                  `db:"on_record_last"`
	OnRecordEmail  *string                  `db:"on_record_email"`
	OnRecordPhone  *string                  `db:"on_record_phone"`
	OldestReading  *time.Time               `db:"oldest_reading"`
	Tries          int                      `db:"tries"`
	TriedSince     *time.Time               `db:"tried_since"`
	LinkAt         *time.Time               `db:"link_at"`
	Reminded       bool                     `db:"reminded"`
	LastReminded   bool                     `db:"last_reminded"`
}

func (r claimedRow) claim() (*attestation.Claim, error) {
	a, err := r.attestation()
	if err != nil {
		return nil, err
	}
	a.DisplayID = zeroIfNull(r.DisplayID)
	c := &attestation.Claim{Attestation: a, Number: r.ClaimNumber, MaybeDelivered: a.OpenRequest > 0,
		EvenIfClear: r.EvenIfClear, ImportedAt: r.ImportedAt.UTC(), ApprovedAt: orZero(r.ApprovedAt),
		LastRead: orZero(r.OldestReading), Tries: r.Tries, TriedSince: orZero(r.TriedSince),
		LinkAt: orZero(r.LinkAt), Reminded: r.Reminded, LastReminded: r.LastReminded,
		LastRequest: attestation.Request{Number: zeroIfNull(r.Number), Kind: zeroIfNull(r.Kind), ID: a.RequestID,
			TemplateID: zeroIfNull(r.TemplateID), Content: zeroIfNull(r.Content), SentAt: orZero(r.LastSentAt),
			AnsweredAt: a.AnsweredAt, Result: zeroIfNull(r.Result), Answer: a.Answer}}
	if r.Standing != nil {
		signer := standing.Contact{FirstName: zeroIfNull(r.OnRecordFirst), LastName: zeroIfNull(r.OnRecordLast),
			Email: zeroIfNull(r.OnRecordEmail), Phone: zeroIfNull(r.OnRecordPhone)}
		c.Customer = attestation.Customer{PartnerID: a.PartnerID, ID: a.CustomerID, Name: a.CustomerName,
			Standing: *r.Standing, Reason: zeroIfNull(r.StandingReason),
			OnRecord: standing.Agreement{Agreed: zeroIfNull(r.OnRecordDate), Signer: signer}}
	}
	return c, nil
}

// Claim takes the next attestation that may be worked on; nil when there is none now. What waits
// for its signer is claimed once by a queue.
func (q *Queue) Claim(ctx context.Context, today standing.Date,
	work attestation.Work) (claim *attestation.Claim, err error) {
	asked := time.Now() // before the claim begins: a process that is stopped after this has less time left, never more
	err = q.inRelaxedTx(ctx, func(tx *sqlx.Tx) error {
		claim = nil
		var next struct {
			Batch int64 `db:"batch_id"`
			Line  int   `db:"line"`
		}
		err := q.store.get(ctx, tx, &next, "claim", args{"partner_id": q.partner, "today": today,
			"states": work.States(), "unsure": work == attestation.UnsureWork, "began": q.began,
			"seconds": claimSeconds, "host": q.process.host, "pid": q.process.pid, "started": q.process.started})
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		claim, err = q.claimed(ctx, tx, attestation.ID{Batch: next.Batch, Line: next.Line})
		return err
	})
	if claim != nil {
		claim.Until = asked.Add((claimSeconds - spareSeconds) * time.Second)
	}
	return claim, err
}

// claimed reads an attestation that was claimed.
func (q *Queue) claimed(ctx context.Context, tx *sqlx.Tx, id attestation.ID) (*attestation.Claim, error) {
	which := args{"batch": id.Batch, "line": id.Line}
	var row claimedRow
	if err := q.store.get(ctx, tx, &row, "claimed", which); err != nil {
		return nil, err
	}
	if row.RequestCount > 0 {
		if err := q.store.get(ctx, tx, &row, "claimed_requests", which); err != nil {
			return nil, err
		}
	}
	claim, err := row.claim()
	if err == nil {
		claim.CopiedAt = q.copied
	}
	return claim, err
}

// Open saves a request that is about to leave: if the process dies, the next one knows that its
// outcome is unknown, and claims the attestation after the wait. Open fails with ErrClaimLost when
// the claim is lost, or so nearly over that the request might outlast it.
func (q *Queue) Open(ctx context.Context, c *attestation.Claim, r attestation.Request, wait time.Duration) error {
	err := q.inTx(ctx, func(tx *sqlx.Tx) error {
		err := q.store.get(ctx, tx, &r.Number, "open_request", args{"batch": c.ID.Batch, "line": c.ID.Line,
			"claim": c.Number, "spare": spareSeconds, "wait": wait.Seconds()})
		if errors.Is(err, ErrNotFound) {
			return attestation.ErrClaimLost
		}
		if err != nil {
			return err
		}
		if _, err := q.store.exec(ctx, tx, "save_request", args{"batch": c.ID.Batch, "line": c.ID.Line,
			"number": r.Number, "kind": r.Kind, "request_id": r.ID, "template_id": r.TemplateID, "content": r.Content,
			"claim": c.Number, "at": instant(r.SentAt)}); err != nil {
			return err
		}
		return q.event(ctx, tx, ledger.Event{Kind: ledger.EventSend, At: r.SentAt}, c,
			requestDetail{Claim: c.Number, Request: r.Number,
				Kind: r.Kind, RequestID: r.ID, TemplateID: r.TemplateID, Content: r.Content})
	})
	if err == nil {
		c.LastRequest, c.OpenRequest, c.Requests, c.RequestID = r, r.Number, r.Number, r.ID
	}
	return err
}

// Settle ends a claim, or fails with ErrClaimLost. A settlement without a result only gives the
// claim back.
func (q *Queue) Settle(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error {
	if s.Result == "" {
		return q.release(ctx, c, s.Wait)
	}
	return q.inTx(ctx, func(tx *sqlx.Tx) error { return q.settle(ctx, tx, c, s, at) })
}

func (q *Queue) release(ctx context.Context, c *attestation.Claim, wait time.Duration) error {
	return q.inRelaxedTx(ctx, func(tx *sqlx.Tx) error {
		n, err := q.store.exec(ctx, tx, "release", args{"batch": c.ID.Batch, "line": c.ID.Line, "claim": c.Number,
			"wait": wait.Seconds()})
		if err == nil && n == 0 {
			err = attestation.ErrClaimLost
		}
		return err
	})
}

func (q *Queue) settle(ctx context.Context, tx *sqlx.Tx, c *attestation.Claim, s attestation.Settlement,
	at time.Time) error {
	reads := 0
	if s.Read {
		reads = 1
	}
	var now struct {
		Requests int `db:"request_count"`
		Open     int `db:"open_request"`
	}
	err := q.store.get(ctx, tx, &now, "settle", args{"batch": c.ID.Batch, "line": c.ID.Line, "claim": c.Number,
		"from": c.State, "to": s.State, "reads": reads, "open": s.Result == attestation.ResultUnknown,
		"wait": s.Wait.Seconds()})
	if errors.Is(err, ErrNotFound) {
		return attestation.ErrClaimLost
	}
	if err != nil {
		return err
	}
	if s.Read {
		if _, err := q.store.exec(ctx, tx, "save_read", args{"batch": c.ID.Batch, "line": c.ID.Line,
			"number": now.Requests, "request_id": c.RequestID, "claim": c.Number, "at": instant(at)}); err != nil {
			return err
		}
	}
	if _, err := q.store.exec(ctx, tx, "save_answer", args{"batch": c.ID.Batch, "line": c.ID.Line,
		"number": now.Requests, "at": instant(at), "result": s.Result, "reason": s.Reason, "message": s.Message,
		"hint": s.Hint, "status": s.Answer.Status, "code": s.Answer.Code, "answer_request_id": s.Answer.RequestID,
		"correlation_id": s.Answer.CorrelationID}); err != nil {
		return err
	}
	if err := q.saveEnhanced(ctx, tx, c.ID, s.Enhanced); err != nil {
		return err
	}
	e := ledger.Event{Kind: ledger.EventAnswer, At: at}
	switch {
	case s.State == attestation.Expired:
		e.Kind = ledger.EventExpire
	case s.Read:
		e.Kind = ledger.EventSettle
	}
	if s.State != c.State {
		e.From, e.To = c.State, s.State
	}
	detail := requestDetail{Claim: c.Number, Request: now.Requests, Read: s.Read, Result: s.Result,
		Reason: s.Reason, Status: s.Answer.Status, Code: s.Answer.Code, RequestID: s.Answer.RequestID,
		CorrelationID: s.Answer.CorrelationID}
	if s.Read {
		detail.Settles = c.RequestID
	}
	if s.Message != "" || s.Hint != "" || s.Enhanced != nil || c.Enhanced != (attestation.Enhanced{}) {
		if err := q.store.addDigests(ctx, tx, c.ID, &detail); err != nil {
			return err
		}
	}
	return q.event(ctx, tx, e, c, detail)
}

func (q *Queue) saveEnhanced(ctx context.Context, tx *sqlx.Tx, id attestation.ID, e *attestation.Enhanced) error {
	if e == nil {
		return nil
	}
	_, err := q.store.exec(ctx, tx, "save_enhanced", args{"batch": id.Batch, "line": id.Line, "creation": e.Creation,
		"accept_link": e.AcceptLink, "expires_at": orNull(e.ExpiresAt), "accepted_on": e.AcceptedOn,
		"document_url": e.DocumentURL, "document_sha256": e.DocumentSHA256,
		"document_fetched_at": orNull(e.DocumentFetchedAt)})
	return err
}

// inTx is a transaction whose locks are released soon when this process is stopped in the middle of
// it: all hosts wait for them. When the process is woken, it begins the transaction again. That is
// safe even if the first one was committed: a second claim is of another attestation, and a second
// settlement finds nothing to settle.
func (q *Queue) inTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return q.inTxOn(ctx, q.store.db, work)
}

// inRelaxedTx is inTx for claims: nothing is sent before a request is saved, and with it the claim.
func (q *Queue) inRelaxedTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return q.inTxOn(ctx, q.store.relaxed, work)
}

func (q *Queue) inTxOn(ctx context.Context, db *sqlx.DB, work func(tx *sqlx.Tx) error) error {
	try := func() error {
		return q.store.inTxOn(ctx, db, func(tx *sqlx.Tx) error {
			if q.store.dialect == sqlfiles.Postgres {
				if _, err := q.store.exec(ctx, tx, "let_go_when_stopped", nil); err != nil {
					return err
				}
			}
			return work(tx)
		})
	}
	err := try()
	if conditionOf(err) == idleInTransaction || errors.Is(err, driver.ErrBadConn) { // while it was committed
		err = try()
	}
	return err
}

// event appends an event about a claimed attestation.
func (q *Queue) event(ctx context.Context, tx *sqlx.Tx, e ledger.Event, c *attestation.Claim,
	detail requestDetail) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	e.Batch, e.Line, e.PartnerID, e.CustomerID, e.Detail = c.ID.Batch, c.ID.Line, c.PartnerID, c.CustomerID,
		string(text)
	e.Actor = q.actor
	return q.store.append(ctx, tx, e)
}
