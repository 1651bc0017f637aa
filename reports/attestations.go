package reports

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// entryRow is an attestation with the partner's name; "" where the row has no partner.
type entryRow struct {
	partner string
	ledger.AttestationEntry
}

// attestations is what was said to Microsoft, by whom, and what became of it: what needs a person
// first. Rows without a partner come last.
func (r *report) attestations() table {
	t := newTable(sheetAttestations, r.entryColumns(), r.entries(), r.walkEntries)
	t.lines, t.across = 6, 2
	t.until("answer_code")
	for _, m := range []struct {
		tone  tone
		state attestation.State
	}{
		{alert, attestation.RefusedByMicrosoft}, {alert, attestation.Failed}, {alert, attestation.Expired},
		{caution, attestation.Refused}, {caution, attestation.Unsure}, {caution, attestation.Accepted},
		{fine, attestation.Confirmed}, {fine, attestation.AlreadyOnRecord},
	} {
		t.marks = append(t.marks, mark{"state", "state", string(m.state), m.tone})
	}
	return t
}

func (r *report) entryColumns() []column[entryRow] {
	return []column[entryRow]{
		code("next_step", 27, r.say.Words["attestation_step"],
			func(e *entryRow) string { return attestationStep(e.AttestationEntry) }),
		col("customer", 38, func(e *entryRow) Cell { return Text(e.CustomerName) }),
		col("partner", 17, func(e *entryRow) Cell { return Text(e.partner) }),
		code("state", 31, r.say.Words["state"], func(e *entryRow) string { return string(e.Status()) }),
		since("state_since", func(e *entryRow) Cell { return Instant(e.Since) }),
		col("expires_at", 17, func(e *entryRow) Cell { return expiry(e.Attestation) }),
		code("reason", 32, r.say.Words["attestation_reason"], func(e *entryRow) string { return string(e.Reason) }),
		col("message", 40, func(e *entryRow) Cell { return Text(e.Message) }).wrapped(),
		col("signer", 22, func(e *entryRow) Cell { return Text(fullName(e.Content.Signer)) }),
		col("signer_email", 29, func(e *entryRow) Cell { return Text(e.Content.Signer.Email) }),
		col("date_agreed", 13, func(e *entryRow) Cell { return Day(e.Content.Agreed) }),
		col("evidence", 29, func(e *entryRow) Cell { return Text(e.Content.Evidence) }),
		col("imported_by", 17, func(e *entryRow) Cell { return Text(e.Batch.ImportedBy.Name) }),
		since("imported_at", func(e *entryRow) Cell { return Instant(e.Batch.ImportedAt) }),
		col("approved_by", 17, func(e *entryRow) Cell { return approved(e, Text(e.Batch.ApprovedBy.Name)) }),
		since("approved_at", func(e *entryRow) Cell { return approved(e, Instant(e.Batch.ApprovedAt)) }),
		since("sent_at", func(e *entryRow) Cell { return Instant(e.SentAt) }),
		col("answer", 10, func(e *entryRow) Cell { return ID(int64(e.Answer.Status)) }),
		col("answer_code", 12, func(e *entryRow) Cell { return Text(e.Answer.Code) }),
		col("notice_to", 29, func(e *entryRow) Cell { to, _ := notice(e.Attestation); return Text(to) }),
		col("notice_by", 17, func(e *entryRow) Cell { _, by := notice(e.Attestation); return Instant(by) }),
		col("batch", 10, func(e *entryRow) Cell { return ID(e.ID.Batch) }),
		col("row", 10, func(e *entryRow) Cell { return ID(int64(e.ID.Line)) }),
		col("replaces", 13, func(e *entryRow) Cell { return Text(attestationName(e.Replaces)) }),
		event("last_event", func(e *entryRow) int64 { return e.LastEvent }),
		col("tenant_id", 38, func(e *entryRow) Cell { return Text(e.CustomerID) }),
		col("request_id", 38, func(e *entryRow) Cell { return Text(requestID(e.Attestation)) }),
		col("correlation_id", 38, func(e *entryRow) Cell { return Text(e.Answer.CorrelationID) }),
		col("state_code", 22, func(e *entryRow) Cell { return Text(string(e.Status())) }).inWorkbook(),
	}
}

// What is to be done about an attestation, and by whom.
const (
	stepCorrect = "correct"     // a person corrects the row and imports it again
	stepRetry   = "allow_retry" // a person lets it be sent again
	stepApprove = "approve"     // a second person approves the batch
	stepSend    = "send"        // the program sends it, the next time that it submits
	stepConfirm = "confirm"     // the program asks what became of it, the next time that it submits
	stepCreate  = "create"      // the program creates the agreement, the next time that it submits
	stepWait    = "wait"        // the customer accepts
)

// attestationStep is what comes next; empty when nothing more happens.
func attestationStep(e ledger.AttestationEntry) string {
	if step := stepAfter(e.Status()); step != stepCorrect || e.Decision.Kind != ledger.EventCorrect {
		return step
	}
	return ""
}

// stepAfter is what comes next for an attestation with a status.
func stepAfter(status attestation.State) string {
	switch status {
	case attestation.Refused, attestation.RefusedByMicrosoft:
		return stepCorrect
	case attestation.Failed, attestation.Expired:
		return stepRetry
	case attestation.Queued:
		return stepApprove
	case attestation.Accepted:
		return stepCreate
	case attestation.Waiting:
		return stepWait
	case attestation.Unsure:
		return stepConfirm
	case attestation.Approved, attestation.Created:
		return stepSend
	}
	return ""
}

// expiry is when the link stops working that the customer has.
func expiry(a attestation.Attestation) Cell {
	if a.State != attestation.Created && a.State != attestation.Waiting {
		return Cell{}
	}
	return Instant(a.ExpiresAt)
}

// approved is empty for rows that were not admitted at import: the batch was approved, these rows
// were not part of it.
func approved(e *entryRow, cell Cell) Cell {
	switch e.State {
	case attestation.Refused, attestation.Duplicate, attestation.AlreadyKnown:
		return Cell{}
	}
	return cell
}

// holder is whose attestations the sheet shows.
type holder struct{ id, name string }

// holders are the partners in the order of the book, and "" for rows without one.
func (r *report) holders() []holder {
	all := make([]holder, 0, len(r.book.Partners)+1)
	for _, p := range r.book.Partners {
		all = append(all, holder{p.Partner.ID, p.Partner.Name})
	}
	return append(all, holder{})
}

// entries is how many attestations the sheet shows.
func (r *report) entries() int {
	n := 0
	for _, h := range r.holders() {
		n += r.tally[h.id].Rows
	}
	return n
}

// snapshot is how much of the ledger of attestations the report shows.
func (r *report) snapshot() ledger.Snapshot {
	s := ledger.Snapshot{At: r.book.AsOf}
	if len(r.heads) > 0 {
		s.Batch = r.heads[0].Batch
	}
	return s
}

func (r *report) walkEntries(ctx context.Context, row func(entryRow) error) error {
	for _, h := range r.holders() {
		n, err := each(ctx, r.source.Entries(ctx, h.id, r.snapshot()), func(e ledger.AttestationEntry) error {
			return row(entryRow{h.name, e})
		})
		if err == nil && n != r.tally[h.id].Rows {
			err = shortfall(n, r.tally[h.id].Rows)
		}
		if err != nil {
			return fmt.Errorf("partner %s: %w", cmp.Or(h.name, "(none)"), err)
		}
	}
	return nil
}

// requestID is what Microsoft's support asks for: the id that the answer names, or the one that was
// sent when there was no answer.
func requestID(a attestation.Attestation) string {
	return cmp.Or(a.Answer.RequestID, a.RequestID)
}

// noticeWithin is how soon Microsoft mails the customer's primary contact after a partner attested
// (docs/partner-center.md, Agreements).
const noticeWithin = 30 * time.Minute

// notice says whom Microsoft tells of the attestation, and by when, so that nobody is surprised by
// questions. It counts from the answer, which is never before the attestation took effect.
func notice(a attestation.Attestation) (to string, by time.Time) {
	to = a.Content.Signer.Email
	if a.State != attestation.Confirmed || a.SentAt.IsZero() || to == "" { // without an address: it was purged
		return "", time.Time{}
	}
	answered := a.AnsweredAt
	if answered.IsZero() {
		answered = a.SentAt
	}
	return to, answered.Add(noticeWithin)
}

// attestationName is an attestation's batch and row, as in 12-345; nothing when there is none.
func attestationName(id attestation.ID) string {
	if id == (attestation.ID{}) {
		return ""
	}
	return id.String()
}
