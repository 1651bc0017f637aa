package reports

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

type exceptionRow = ofPartner[ledger.ExceptionEntry]

// exceptionsTable is what was decided about customers, the most urgent first. Filled in and sent
// back, it can be imported.
func (r *report) exceptionsTable() table {
	t := newTable(sheetExceptions, r.exceptionColumns(), r.total(func(c counts) int { return len(c.exceptions) }),
		r.walkExceptions)
	t.until("set_at")
	t.across = 2
	t.marks = []mark{
		{"exception", "exception", string(ledger.ExceptionExpired), alert},
		{"exception", "exception", string(ledger.ExceptionOverdue), caution},
		{"exception", "exception", string(ledger.ExceptionAccepted), fine},
	}
	return t
}

func (r *report) exceptionColumns() []column[exceptionRow] {
	return []column[exceptionRow]{
		code("exception", 12, r.say.Words["exception"],
			func(e *exceptionRow) string { return exceptionStatus(e.partner, e.row.Exception) }),
		col("customer", 38, func(e *exceptionRow) Cell { return Text(e.row.Customer.Name) }),
		col("partner", 17, func(e *exceptionRow) Cell { return Text(e.partner.Partner.Name) }),
		col("owner", 20, func(e *exceptionRow) Cell { return Text(e.row.Owner) }),
		col("due_date", 13, func(e *exceptionRow) Cell { return Day(e.row.DueOn) }),
		col("accepted_until", 13, func(e *exceptionRow) Cell { return Day(e.row.AcceptedUntil) }),
		col("comment", 48, func(e *exceptionRow) Cell { return Text(e.row.Comment) }),
		code("standing", 16, r.say.Words["standing"], func(e *exceptionRow) string { return string(e.row.Standing) }),
		since("blocked_since", func(e *exceptionRow) Cell { return Instant(e.row.BlockedSince) }),
		col("set_by", 18, func(e *exceptionRow) Cell { return Text(e.row.Actor.Name) }),
		col("set_at", 17, func(e *exceptionRow) Cell { return Instant(e.row.At) }),
		event("last_event", func(e *exceptionRow) int64 { return e.row.Event }),
		col("domain", 29, func(e *exceptionRow) Cell { return Text(e.row.Customer.Domain) }),
		col("tenant_id", 38, func(e *exceptionRow) Cell { return tenantID(e.row.Customer) }),
	}
}

// readExceptions reads a partner's exceptions and puts the most urgent first.
func (r *report) readExceptions(ctx context.Context, p PartnerRun) ([]ledger.ExceptionEntry, error) {
	all, err := r.source.ExceptionsThen(ctx, p.Partner.ID, p.Run.ID, r.book.AsOf)
	if err != nil {
		return nil, fmt.Errorf("exceptions: %w", err)
	}
	today := standing.DateOf(p.Run.StartedAt)
	urgency := func(e ledger.ExceptionEntry) int { return slices.Index(ledger.ExceptionStatuses(), e.Status(today)) }
	slices.SortStableFunc(all, func(a, b ledger.ExceptionEntry) int { return urgency(a) - urgency(b) })
	return all, nil
}

func (r *report) walkExceptions(_ context.Context, row func(exceptionRow) error) error {
	for i, p := range r.book.Partners {
		for _, e := range r.counts[i].exceptions {
			if err := row(exceptionRow{p, e}); err != nil {
				return err
			}
		}
	}
	return nil
}
