package reports

import (
	"context"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// batchesTable are the imported files of attestations, what has become of their rows, and how long
// it took.
func (r *report) batchesTable() table {
	t := newTable(sheetBatches, r.batchColumns(), len(r.batches), r.walkBatches)
	t.until("sha256")
	t.across = 2
	t.marks = []mark{{"batch_status", "batch_status", batchAttention, alert},
		{"batch_status", "batch_status", batchUnapproved, caution}, {"batch_status", "batch_status", batchDone, fine}}
	return t
}

func (r *report) walkBatches(_ context.Context, row func(ledger.BatchSummary) error) error {
	for _, b := range r.batches {
		if err := row(b); err != nil {
			return err
		}
	}
	return nil
}

func (r *report) batchColumns() []column[ledger.BatchSummary] {
	states := func(key string, of ...attestation.State) column[ledger.BatchSummary] {
		return num(key, 13, func(b *ledger.BatchSummary) Cell { return Count(count(*b, of...)) })
	}
	return []column[ledger.BatchSummary]{
		code("batch_status", 22, r.say.Words["batch_status"],
			func(b *ledger.BatchSummary) string { return batchStatus(*b) }),
		col("file", 34, func(b *ledger.BatchSummary) Cell { return Text(b.File) }),
		col("batch", 10, func(b *ledger.BatchSummary) Cell { return ID(b.ID) }),
		num("rows", 10, func(b *ledger.BatchSummary) Cell { return Count(b.Rows) }),
		states("confirmed", attestation.Confirmed, attestation.AlreadyOnRecord),
		states("waiting_for_approval", attestation.Queued),
		states("in_progress", inProgress...),
		states("needs_attention", attention...),
		states("refused_at_import", attestation.Refused),
		states("not_needed", attestation.Duplicate, attestation.AlreadyKnown, attestation.Cleared),
		states("cancelled", attestation.Cancelled),
		num("median_hours", 12, func(b *ledger.BatchSummary) Cell { return hours(b.Median) }),
		num("nine_in_ten_hours", 12, func(b *ledger.BatchSummary) Cell { return hours(b.NineInTen) }),
		col("imported_by", 17, func(b *ledger.BatchSummary) Cell { return Text(b.ImportedBy.Name) }),
		col("imported_at", 17, func(b *ledger.BatchSummary) Cell { return Instant(b.ImportedAt) }),
		col("approved_by", 17, func(b *ledger.BatchSummary) Cell { return Text(b.ApprovedBy.Name) }),
		col("approved_at", 17, func(b *ledger.BatchSummary) Cell { return Instant(b.ApprovedAt) }),
		col("sha256", 66, func(b *ledger.BatchSummary) Cell { return Text(b.SHA256) }),
	}
}

// States of attestations that the program moves by itself, and those that wait for a person.
var (
	inProgress = []attestation.State{attestation.Approved, attestation.Created, attestation.Waiting,
		attestation.Accepted, attestation.Unsure}
	attention = []attestation.State{attestation.RefusedByMicrosoft, attestation.Failed, attestation.Expired}
)

const (
	batchUnapproved = "waiting_for_approval"
	batchProgress   = "in_progress"
	batchAttention  = "needs_attention"
	batchDone       = "done"
)

func batchStatus(b ledger.BatchSummary) string {
	switch {
	case count(b, attestation.Queued) > 0:
		return batchUnapproved
	case count(b, attention...) > 0:
		return batchAttention
	case count(b, inProgress...) > 0:
		return batchProgress
	}
	return batchDone
}

func count(b ledger.BatchSummary, states ...attestation.State) (n int) {
	for _, s := range states {
		n += b.States[s]
	}
	return n
}

// hours are whole hours, rounded up.
func hours(d time.Duration) Cell {
	if d <= 0 {
		return Cell{}
	}
	return Count(int((d + time.Hour - 1) / time.Hour))
}
