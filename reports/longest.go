package reports

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// longestShown is how many of the longest blocked customers the summary names.
const longestShown = 10

// waiting is a blocked customer of a partner.
type waiting struct {
	partner PartnerRun
	ledger.BlockedCustomer
}

// readBlocked reads what the summary says of blocked customers: the longest blocked of all partners, and what they have bought.
func (r *report) readBlocked(ctx context.Context) error {
	for _, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		bought, err := r.source.CountPurchases(ctx, p.Partner.ID, p.Run.ID, r.book.Through)
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
		r.bought.Some += bought.Some
		r.bought.None += bought.None
		r.bought.Unread += bought.Unread
		n := 0
		for customer, err := range r.source.Blocked(ctx, p.Partner.ID, p.Run.ID, r.cut()) {
			if err != nil {
				return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
			}
			r.longest = append(r.longest, waiting{p, customer})
			if n++; n == longestShown {
				break
			}
		}
	}
	slices.SortStableFunc(r.longest, func(a, b waiting) int { return a.BlockedSince.Compare(b.BlockedSince) })
	r.longest = r.longest[:min(len(r.longest), longestShown)]
	return nil
}

// longestTable names those who wait longest. Names run over the empty cells on their right: merged cells would be in a screen reader's way.
func (r *report) longestTable(d *sheetDraft, row int) (next int) {
	if len(r.longest) == 0 {
		return row
	}
	d.put(1, row, r.say.Longest, r.style.section)
	d.height(row, 22)
	row++
	for col := 1; col <= summaryColumns; col++ {
		d.style(col, row, r.style.header)
	}
	for _, head := range []struct {
		col   int
		is    column
		style int
	}{
		{1, colPartner, r.style.header}, {2, colCustomer, r.style.header}, {5, colReason, r.style.header}, {7, colRemedy, r.style.header},
		{9, colBlockedSince, r.style.headerRight}, {10, colDays, r.style.headerRight}, {11, colBought, r.style.headerRight},
		{12, colRenewal, r.style.headerRight},
	} {
		d.put(head.col, row, r.say.Columns[head.is].Head, head.style)
	}
	d.height(row, 33)
	row++
	for _, c := range r.longest {
		r.longestRow(d, row, c)
		row++
	}
	d.put(1, row, r.purchases(), r.style.plain)
	return row + 2
}

func (r *report) longestRow(d *sheetDraft, row int, c waiting) {
	for col := 1; col <= summaryColumns; col++ {
		d.style(col, row, r.style.cell)
	}
	d.put(1, row, c.partner.Partner.Name, r.style.label)
	d.put(2, row, c.Name, r.style.cell)
	d.put(5, row, string(c.Reason), r.style.cell)
	d.instant(9, row, c.BlockedSince, r.book.Location, r.style.shortDay)
	if !c.BlockedSince.IsZero() {
		d.put(10, row, daysBetween(c.BlockedSince, c.partner.Run.StartedAt, r.book.Location), r.style.count)
	}
	if c.PurchasesRead == standing.Read {
		d.put(11, row, c.Purchases.Active, r.style.count)
		if c.Purchases.NextRenewal != "" {
			d.put(12, row, calendarDay(c.Purchases.NextRenewal), r.style.shortDay)
		}
	} else {
		d.put(11, row, r.say.NotRead, r.style.count)
	}
	d.put(7, row, string(c.Remedy), r.style.cell)
}

// purchases says who of the blocked can be expected to accept without the partner (PARTNER-CENTER.md, "The rule and its sources").
func (r *report) purchases() string {
	return r.say.put(r.say.Purchases, r.bought.Some+r.bought.None+r.bought.Unread, r.bought.Some, r.bought.None, r.bought.Unread)
}
