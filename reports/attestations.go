package reports

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// attestations is the ledger of what was said to Microsoft, on whose word, and what came of it. Rows whose customer is
// nobody's come last, without a partner.
func (r *report) attestations() dataSheet {
	return dataSheet{
		key: sheetAttestations,
		columns: []column{colPartner, colBatch, colRow, colCustomer, colTenant, colNamed, colNamedEmail, colAccepted, colEvidence,
			colState, colWhy, colRemark, colImportedBy, colImportedAt, colApprovedBy, colApprovedAt, colSentAt, colAnswer, colCode,
			colRequest, colCorrelation, colNotice, colReplaces},
		frozen: 4,
		rows:   r.entries(),
		lines:  2, // remark and notice, broken
		across: 2,
		marks: []mark{
			{colState, string(attestation.RefusedByMicrosoft), r.style.redWord},
			{colState, string(attestation.Failed), r.style.redWord},
			{colState, string(attestation.Refused), r.style.amberWord},
			{colState, string(attestation.Unsure), r.style.amberWord},
			{colState, string(attestation.Expired), r.style.amberWord},
			{colState, string(attestation.Confirmed), r.style.greenWord},
			{colState, string(attestation.AlreadyOnRecord), r.style.greenWord},
		},
		fill: r.fillAttestations,
	}
}

// holder is whose attestations the sheet shows.
type holder struct{ id, name string }

// holders are the partners in the order of the book, and nobody.
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

// cut is how much of the ledger of attestations the workbook shows.
func (r *report) cut() ledger.Snapshot {
	cut := ledger.Snapshot{At: r.book.Through}
	if len(r.heads) > 0 {
		cut.Batch = r.heads[0].Batch
	}
	return cut
}

func (r *report) fillAttestations(ctx context.Context, out cells) error {
	for _, h := range r.holders() {
		n, err := each(ctx, r.source.Entries(ctx, h.id, r.cut()), func(e ledger.AttestationEntry) error { return r.entryRow(h, e, out) })
		if err == nil && n != r.tally[h.id].Rows {
			err = shortfall(n, r.tally[h.id].Rows)
		}
		if err != nil {
			return fmt.Errorf("partner %s: %w", cmp.Or(h.name, "(none)"), err)
		}
	}
	return nil
}

func (r *report) entryRow(h holder, e ledger.AttestationEntry, out cells) error {
	out.text(h.name)
	out.id(e.ID.Batch)
	out.id(int64(e.ID.Line))
	out.text(e.CustomerName)
	out.text(e.CustomerID)
	out.text(signer(e.Content.Signer))
	out.text(e.Content.Signer.Email)
	out.date(e.Content.Agreed)
	out.text(e.Content.Evidence)
	out.text(string(e.Status()))
	out.text(string(e.Reason))
	out.wrapped(e.Message)
	out.text(e.Batch.ImportedBy.Name)
	out.instant(e.Batch.ImportedAt)
	out.text(e.Batch.ApprovedBy.Name)
	out.instant(e.Batch.ApprovedAt)
	out.instant(e.SentAt)
	out.status(e.Answer.Status)
	out.text(e.Answer.Code)
	out.text(requestID(e.Attestation))
	out.text(e.Answer.CorrelationID)
	out.wrapped(r.notice(e.Attestation))
	out.text(named(e.Replaces))
	return out.end()
}

// requestID is what Microsoft's support asks for: the id that the answer names, or the one that went out when there was none.
func requestID(a attestation.Attestation) string {
	if a.SentAt.IsZero() {
		return ""
	}
	return cmp.Or(a.Answer.RequestID, a.RequestID)
}

// noticeWithin is how soon Microsoft mails to the customer's primary contact after a partner attested (PARTNER-CENTER.md,
// "Agreements").
const noticeWithin = 30 * time.Minute

// notice says whom Microsoft tells of the attestation, and by when, so that nobody is surprised by the questions. It counts from
// the answer, which is never before the attestation took effect.
func (r *report) notice(a attestation.Attestation) string {
	to := a.Content.Signer
	if a.State != attestation.Confirmed || a.SentAt.IsZero() || to.Email == "" { // without: it was purged
		return ""
	}
	answered := a.AnsweredAt
	if answered.IsZero() {
		answered = a.SentAt
	}
	return fmt.Sprintf(r.say.Notice, to.Email, r.at(answered.Add(noticeWithin)), cmp.Or(signer(to), to.Email))
}

// named is an attestation's id; nothing when there is none.
func named(id attestation.ID) string {
	if id == (attestation.ID{}) {
		return ""
	}
	return id.String()
}
