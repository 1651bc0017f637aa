package reports

import (
	"context"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// changeRow is a customer whose standing differs from that in the run that changes are counted
// from.
type changeRow struct {
	ofPartner[standing.Transition]
	shown standing.Record // the customer as it was last seen
	step  string          // what comes next
}

// changes are the customers whose standing changed, those that became blocked first.
func (r *report) changes() table {
	t := newTable(sheetChanges, r.changeColumns(), r.total(changeRows), r.walkChanges)
	t.until("next_step")
	t.marks = []mark{
		{"change", "change", string(standing.NewlyBlocked), alert},
		{"change", "change", string(standing.NewlyUnknown), caution},
		{"change", "change", string(standing.NewlyClear), fine},
	}
	return t
}

func changeRows(c counts) int { return c.changes.rows }

func (r *report) changeColumns() []column[changeRow] {
	standings, reasons := r.say.Words["standing"], r.say.Words["reason"]
	return []column[changeRow]{
		code("change", 24, r.say.Words["change"], func(c *changeRow) string { return string(c.row.Change()) }),
		col("customer", 38, func(c *changeRow) Cell { return Text(c.shown.Name) }),
		col("partner", 17, func(c *changeRow) Cell { return Text(c.partner.Partner.Name) }),
		code("cause", 15, r.say.Words["cause"], func(c *changeRow) string { return cause(c.row) }),
		code("standing_before", 17, standings, func(c *changeRow) string { return standingOf(c.row.Before) }),
		code("reason_before", 24, reasons, func(c *changeRow) string { return reasonOf(c.row.Before) }),
		code("standing_after", 17, standings, func(c *changeRow) string { return standingOf(c.row.After) }),
		code("reason_after", 24, reasons, func(c *changeRow) string { return reasonOf(c.row.After) }),
		since("blocked_since", func(c *changeRow) Cell { return Instant(c.shown.BlockedSince) }),
		code("next_step", 28, r.stepWords, func(c *changeRow) string { return c.step }),
		col("tenant_id", 38, func(c *changeRow) Cell { return tenantID(c.shown.Customer) }),
		col("change_code", 18, func(c *changeRow) Cell { return Text(string(c.row.Change())) }).inWorkbook(),
		col("portal_link", 88, func(c *changeRow) Cell { return Text(portalLink(c.shown.ID)) }),
	}
}

// What made a customer's standing change.
const (
	byCustomer = "customer"
	byPolicy   = "policy" // under the previous policy its standing would not have changed
)

// cause is empty where nobody's standing changed from one to another.
func cause(t standing.Transition) string {
	switch {
	case t.Before == nil, t.After == nil, t.Before.Standing == t.After.Standing:
		return ""
	case t.After.PolicyChanged:
		return byPolicy
	}
	return byCustomer
}

func standingOf(rec *standing.Record) string {
	if rec == nil {
		return ""
	}
	return string(rec.Standing)
}

func reasonOf(rec *standing.Record) string {
	if rec == nil {
		return ""
	}
	return string(rec.Reason)
}

// changeOrder is the order in which kinds of changes are shown.
var changeOrder = [...]standing.Change{standing.NewlyBlocked, standing.NewlyUnknown, standing.Gone, standing.NewlyClear,
	standing.New, standing.NewlyExcluded, standing.ReadAgain}

// walkChanges asks for the changes once for each kind that there is, so that none is held. It fails
// unless every kind comes as often as it was counted.
func (r *report) walkChanges(ctx context.Context, row func(changeRow) error) error {
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		counted, came := r.counts[i].changes, changeCounts{}
		steps, err := r.readNextSteps(ctx, i)
		if err != nil {
			return err
		}
		for kind, change := range changeOrder {
			if counted.kinds[kind] == 0 {
				continue
			}
			_, err := each(ctx, r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()),
				func(t standing.Transition) error {
					if t.Change() != change {
						return nil
					}
					came.add(t)
					shown := t.After
					if shown == nil {
						shown = t.Before
					}
					return row(changeRow{ofPartner[standing.Transition]{p, t}, *shown, steps.of(*shown)})
				})
			if err != nil {
				return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
			}
		}
		if came != counted {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, shortfall(came.rows, counted.rows))
		}
	}
	return nil
}
