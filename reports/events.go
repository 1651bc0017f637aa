package reports

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// events is the log: who did what to whom, the newest first.
func (r *report) events() table {
	t := newTable(sheetEvents, r.eventColumns(), len(r.logged), r.walkEvents)
	t.until("row")
	return t
}

func (r *report) eventColumns() []column[ledger.LogEntry] {
	return []column[ledger.LogEntry]{
		col("at", 17, func(e *ledger.LogEntry) Cell { return Instant(e.At) }),
		code("event", 25, r.say.Words["event"], func(e *ledger.LogEntry) string { return string(e.Kind) }),
		col("actor", 22, func(e *ledger.LogEntry) Cell { return Text(e.Actor.Name) }),
		col("customer", 38, func(e *ledger.LogEntry) Cell { return Text(e.CustomerName) }),
		col("partner", 17, func(e *ledger.LogEntry) Cell { return Text(r.partnerName(e.PartnerID)) }),
		code("state_before", 29, r.say.Words["state"], func(e *ledger.LogEntry) string { return string(e.From) }),
		code("state_after", 29, r.say.Words["state"], func(e *ledger.LogEntry) string { return string(e.To) }),
		event("earlier_event", func(e *ledger.LogEntry) int64 { return e.Earlier }),
		col("batch", 10, func(e *ledger.LogEntry) Cell { return ID(e.Batch) }),
		col("row", 10, func(e *ledger.LogEntry) Cell { return ID(int64(e.Line)) }),
		col("account", 30, func(e *ledger.LogEntry) Cell { return account(e.Actor.UserID, e.Actor.Host) }),
		col("detail", 60, func(e *ledger.LogEntry) Cell { return Text(e.Detail) }),
		col("tenant_id", 38, func(e *ledger.LogEntry) Cell { return Text(e.CustomerID) }),
		col("sequence", 12, func(e *ledger.LogEntry) Cell { return ID(e.Sequence) }),
		col("hash", 66, func(e *ledger.LogEntry) Cell { return Text(e.Hash) }),
	}
}

// account is who really did it: the user id on a host.
func account(userID, host string) Cell {
	if userID == "" && host == "" {
		return Cell{}
	}
	return Text(userID + "@" + host)
}

// partnerName is the label of a partner of the book; its id for another one.
func (r *report) partnerName(id string) string {
	for _, p := range r.book.Partners {
		if p.Partner.ID == id {
			return p.Partner.Name
		}
	}
	return id
}

func (r *report) walkEvents(ctx context.Context, row func(ledger.LogEntry) error) error {
	n, err := each(ctx, r.source.EventLog(ctx, r.book.AsOf), row)
	if err == nil && n != len(r.logged) {
		err = shortfall(n, len(r.logged))
	}
	return err
}

// eventPlaces says where on the sheet Events an event stands, if the workbook has the sheet.
func (f *frame) eventPlaces(layouts []layout) func(number int64) (place string, ok bool) {
	at := slices.IndexFunc(layouts, func(l layout) bool { return l.key == sheetEvents })
	return func(number int64) (string, bool) {
		i, ok := slices.BinarySearchFunc(f.logged, number,
			func(have, want int64) int { return cmp.Compare(want, have) })
		if at < 0 || !ok {
			return "", false
		}
		for n, page := range layouts[at].pages {
			if i < page.Rows {
				name := f.name(sheetEvents)
				if n > 0 {
					name = nth(name, n+1)
				}
				return fmt.Sprintf("%s!A%d", xlsx.QuotedName(name), firstRow+i), true
			}
			i -= page.Rows
		}
		return "", false
	}
}
