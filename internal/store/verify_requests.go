package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// requestDetail is what the events of a request say of it: of its sending without a result, of its
// answer with one.
type requestDetail struct {
	Claim         int64                   `json:"claim"`
	Request       int                     `json:"request"`
	Kind          attestation.RequestKind `json:"kind,omitempty"`
	RequestID     string                  `json:"request_id"` // ours when it was sent, Microsoft's when it was answered
	TemplateID    string                  `json:"template_id,omitempty"`
	Content       string                  `json:"content,omitempty"`
	Read          bool                    `json:"read,omitempty"`
	Settles       string                  `json:"settles,omitempty"` // our id of the request that a read settled
	Result        attestation.SendResult  `json:"result,omitempty"`
	Reason        attestation.Reason      `json:"reason,omitempty"`
	Status        int                     `json:"status,omitempty"`
	Code          string                  `json:"code,omitempty"`
	CorrelationID string                  `json:"correlation_id,omitempty"`
	Words         string                  `json:"words,omitempty"` // salted digest of the message and the hint
	// salted digest of what the enhanced route knows since
	Enhanced string `json:"enhanced,omitempty"`
}

// wordsRow is what an answer says in words. They may be personal data, so that the salt is the
// signer's: purging the signer purges what could be guessed from the digest.
type wordsRow struct {
	Message string `db:"message"`
	Hint    string `db:"hint"`
	Salt    string `db:"salt"`
}

func (r wordsRow) digest() string {
	if r.Message == "" && r.Hint == "" || r.Salt == "" {
		return ""
	}
	digest := newDigester[wordsRow]()
	digest.add(&r)
	return digest.sum()
}

// enhancedRow is what the enhanced route knows of an attestation.
type enhancedRow struct {
	Creation          int           `db:"creation"`
	AcceptLink        string        `db:"accept_link"`
	ExpiresAt         *time.Time    `db:"expires_at"`
	AcceptedOn        standing.Date `db:"accepted_on"`
	DocumentURL       string        `db:"document_url"`
	DocumentSHA256    string        `db:"document_sha256"`
	DocumentFetchedAt *time.Time    `db:"document_fetched_at"`
	Salt              string        `db:"salt"`
}

func (r enhancedRow) digest() string {
	if r.Salt == "" || r == (enhancedRow{Salt: r.Salt}) {
		return ""
	}
	digest := newDigester[enhancedRow]()
	digest.add(&r)
	return digest.sum()
}

// addDigests adds to the detail of an answer what the tables hold of it in words and documents.
func (s *Store) addDigests(ctx context.Context, tx *sqlx.Tx, id attestation.ID, detail *requestDetail) error {
	var words wordsRow
	var enhanced enhancedRow
	if err := s.get(ctx, tx, &words, "request_words", args{"batch": id.Batch, "line": id.Line,
		"number": detail.Request}); err != nil {
		return err
	}
	if err := s.get(ctx, tx, &enhanced, "enhanced_columns", args{"batch": id.Batch, "line": id.Line}); err != nil {
		return err
	}
	detail.Words, detail.Enhanced = words.digest(), enhanced.digest()
	return nil
}

// requests compares the requests of each attestation with their events: each was sent and answered
// as the log says, and none is missing.
func (v *verifier) requests(ctx context.Context) error {
	for _, b := range v.all {
		var logged requestLog
		for row, err := range streamOn[struct {
			requestRow
			Salt      string           `db:"salt"`
			EventKind ledger.EventKind `db:"event_kind"`
			At        time.Time        `db:"at"`
			Detail    string           `db:"detail"`
		}](ctx, v.store, v.tx, "request_events", args{"batch": b.ID}) {
			if err != nil {
				return err
			}
			if row.Line != logged.Line || row.Number != logged.Number {
				v.requestProblems(logged)
				logged = requestLog{requestRow: row.requestRow, words: wordsRow{row.Message, row.Hint, row.Salt}}
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
			v.problem(ledger.Problem{Batch: b.ID, Line: line},
				"requests of the attestation are missing, or there are more than were sent")
		}
		if err := v.enhanced(ctx, b.ID); err != nil {
			return err
		}
	}
	return nil
}

// enhanced compares what the enhanced route knows of each attestation with the last event that says
// so.
func (v *verifier) enhanced(ctx context.Context, batch int64) error {
	for row, err := range streamOn[struct {
		enhancedRow
		Line   int     `db:"line"`
		Detail *string `db:"detail"`
	}](ctx, v.store, v.tx, "enhanced_events", args{"batch": batch}) {
		if err != nil {
			return err
		}
		var d requestDetail
		if detail := zeroIfNull(row.Detail); detail != "" {
			if err := json.Unmarshal([]byte(detail), &d); err != nil {
				return fmt.Errorf("the last answer's event of %d-%d: %w", batch, row.Line, err)
			}
		}
		purged := row.Salt == ""
		if !purged && row.digest() != d.Enhanced {
			v.problem(ledger.Problem{Batch: batch, Line: row.Line},
				"the link, the acceptance or the document is not what was logged")
		}
	}
	return nil
}

// requestLog is a request with what its events say of it.
type requestLog struct {
	requestRow
	words          wordsRow
	sent, answered bool // the last event about it says what the row says
	wasAnswered    bool // there is such an event
}

func (l *requestLog) add(kind ledger.EventKind, at time.Time, d requestDetail) {
	if kind == ledger.EventSend {
		l.sent = at.Equal(l.SentAt) && d == requestDetail{Claim: l.ClaimNumber, Request: l.Number, Kind: l.Kind,
			RequestID: l.RequestID, TemplateID: l.TemplateID, Content: l.Content}
		return
	}
	l.wasAnswered = true
	settles := ""
	if l.Kind == attestation.ReadRequest {
		settles = l.RequestID
		l.sent = at.Equal(l.SentAt) && d.Claim == l.ClaimNumber && l.TemplateID == "" && l.Content == ""
	}
	d.Claim, d.Enhanced = 0, "" // another worker may settle it; the other is compared for all requests at once
	if l.words.Salt == "" {     // the signer was purged
		d.Words = ""
	}
	l.answered = at.Equal(orZero(l.AnsweredAt)) && d == requestDetail{Request: l.Number,
		Read: l.Kind == attestation.ReadRequest, Settles: settles, Result: l.Result, Reason: l.Reason,
		Status: l.AnswerStatus, Code: l.AnswerCode, RequestID: l.AnswerRequestID, CorrelationID: l.AnswerCorrelationID,
		Words: l.words.digest()}
}

func (v *verifier) requestProblems(l requestLog) {
	at := ledger.Problem{Batch: l.BatchID, Line: l.Line}
	if l.Number > 0 && !l.sent {
		v.problem(at, "request %d is not the one that was logged", l.Number)
	}
	if !l.answered && (l.wasAnswered || l.Result != "") {
		v.problem(at, "the answer to request %d is not the one that was logged", l.Number)
	}
}
