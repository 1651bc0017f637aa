package reports

import (
	"context"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// changeRow is a customer whose standing differs from that in the run that changes are counted from.
type changeRow struct {
	ofPartner[standing.Transition]
	shown standing.Record // the customer as it was last seen
}

func (r *report) changes() table {
	t := newTable(sheetChanges, r.changeColumns(), r.total(func(c counts) int { return c.changes.rows }), r.walkChanges)
	t.frozen = 2
	t.until("next_step")
	t.marks = []mark{
		{"change", "change", string(standing.NewlyBlocked), alert},
		{"change", "change", string(standing.NewlyUnknown), caution},
		{"change", "change", string(standing.NewlyClear), fine},
	}
	return t
}

func (r *report) changeColumns() []column[changeRow] {
	return []column[changeRow]{
		col("change", 20, func(c *changeRow) Cell { return r.say.word("change", string(c.row.Change())) }),
		col("customer", 38, func(c *changeRow) Cell { return Text(c.shown.Name) }),
		col("partner", 17, func(c *changeRow) Cell { return Text(c.partner.Partner.Name) }),
		col("standing_before", 16, func(c *changeRow) Cell { return r.standingOf(c.row.Before) }),
		col("reason_before", 24, func(c *changeRow) Cell { return r.reasonOf(c.row.Before) }),
		col("standing_after", 16, func(c *changeRow) Cell { return r.standingOf(c.row.After) }),
		col("reason_after", 24, func(c *changeRow) Cell { return r.reasonOf(c.row.After) }),
		col("blocked_since", 17, func(c *changeRow) Cell { return Instant(c.shown.BlockedSince) }),
		col("next_step", 24, func(c *changeRow) Cell { return r.say.word("remedy", string(c.shown.Remedy)) }),
		col("tenant_id", 38, func(c *changeRow) Cell { return tenantID(c.shown.Customer) }),
		col("change_code", 18, func(c *changeRow) Cell { return Text(string(c.row.Change())) }).inWorkbook(),
		col("portal_link", 88, func(c *changeRow) Cell { return Text(portalLink(c.shown.ID)) }),
	}
}

func (r *report) standingOf(rec *standing.Record) Cell {
	if rec == nil {
		return Cell{}
	}
	return r.say.word("standing", string(rec.Standing))
}

func (r *report) reasonOf(rec *standing.Record) Cell {
	if rec == nil {
		return Cell{}
	}
	return r.say.word("reason", string(rec.Reason))
}

// walkChanges fails unless every kind of change comes as often as it was counted.
func (r *report) walkChanges(ctx context.Context, row func(changeRow) error) error {
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		var came changeCounts
		var err error
		came.rows, err = each(ctx, r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()), func(t standing.Transition) error {
			shown := t.After
			if shown == nil {
				shown = t.Before
			}
			if shown == nil {
				return fmt.Errorf("a change of kind %q has neither a before nor an after", t.Change())
			}
			if err := came.add(t); err != nil {
				return err
			}
			return row(changeRow{ofPartner[standing.Transition]{p, t}, *shown})
		})
		if err == nil && came != r.counts[i].changes {
			err = shortfall(came.rows, r.counts[i].changes.rows)
		}
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
	}
	return nil
}
