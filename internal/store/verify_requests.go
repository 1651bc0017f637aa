package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// requestDetail is what the events of a request say of it: of its sending without a result, of its answer with one.
type requestDetail struct {
	Claim         int64                   `json:"claim"`
	Request       int                     `json:"request"`
	Kind          attestation.RequestKind `json:"kind,omitempty"`
	RequestID     string                  `json:"request_id"` // ours when it was sent, Microsoft's when it was answered
	TemplateID    string                  `json:"template_id,omitempty"`
	Read          bool                    `json:"read,omitempty"`
	Result        attestation.SendResult  `json:"result,omitempty"`
	Reason        attestation.Reason      `json:"reason,omitempty"`
	Status        int                     `json:"status,omitempty"`
	Code          string                  `json:"code,omitempty"`
	CorrelationID string                  `json:"correlation_id,omitempty"`
}

// requests compares the requests of each attestation with their events: each was sent and answered as the log says, and
// none is missing.
func (v *verifier) requests(ctx context.Context) error {
	for _, b := range v.all {
		var logged requestLog
		for row, err := range streamOn[struct {
			requestRow
			EventKind ledger.EventKind `db:"event_kind"`
			At        time.Time        `db:"at"`
			Detail    string           `db:"detail"`
		}](ctx, v.store, v.tx, "request_events", args{"batch": b.ID}) {
			if err != nil {
				return err
			}
			if row.Line != logged.Line || row.Number != logged.Number {
				v.requestProblems(logged)
				logged = requestLog{requestRow: row.requestRow}
			}
			var d requestDetail
			if json.Unmarshal([]byte(row.Detail), &d) == nil && d.Request == row.Number {
				logged.add(row.EventKind, row.At, d)
			}
		}
		v.requestProblems(logged)
		var missing []int
		if err := v.store.list(ctx, v.tx, &missing, "missing_requests", args{"batch": b.ID}); err != nil {
			return err
		}
		for _, line := range missing {
			v.problem(ledger.Problem{Batch: b.ID, Line: line}, "requests of the attestation are missing, or there are more than were sent")
		}
	}
	return nil
}

// requestLog is a request with what its events say of it.
type requestLog struct {
	requestRow
	sent, answered bool // the last event about it says what the row says
	wasAnswered    bool // there is such an event
}

func (l *requestLog) add(kind ledger.EventKind, at time.Time, d requestDetail) {
	if kind == ledger.EventSend {
		l.sent = at.Equal(l.SentAt) && d == requestDetail{Claim: l.ClaimNumber, Request: l.Number, Kind: l.Kind,
			RequestID: l.RequestID, TemplateID: l.TemplateID}
		return
	}
	l.wasAnswered = true
	d.Claim = 0 // another worker may settle it
	l.answered = at.Equal(orZero(l.AnsweredAt)) && d == requestDetail{Request: l.Number, Read: l.Kind == attestation.ReadRequest,
		Result: l.Result, Reason: l.Reason, Status: l.AnswerStatus, Code: l.AnswerCode, RequestID: l.AnswerRequestID,
		CorrelationID: l.AnswerCorrelationID}
}

func (v *verifier) requestProblems(l requestLog) {
	at := ledger.Problem{Batch: l.BatchID, Line: l.Line}
	if l.Number > 0 && !l.sent && l.Kind != attestation.ReadRequest {
		v.problem(at, "request %d is not the one that was logged", l.Number)
	}
	if !l.answered && (l.wasAnswered || l.Result != "") {
		v.problem(at, "the answer to request %d is not the one that was logged", l.Number)
	}
}
