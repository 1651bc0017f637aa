package reports

import (
	"context"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// changes is what differs from the run that changes are counted from.
func (r *report) changes() dataSheet {
	return dataSheet{
		key: sheetChanges,
		columns: []column{colPartner, colCustomer, colTenant, colChange, colBefore, colAfter, colBlockedSince, colRemedy,
			colLink},
		frozen: 2,
		rows:   r.total(func(c counts) int { return c.changes.rows }),
		marks: []mark{
			{colChange, string(standing.NewlyBlocked), r.style.redWord},
			{colChange, string(standing.NewlyUnknown), r.style.amberWord},
			{colChange, string(standing.NewlyClear), r.style.greenWord},
		},
		fill: r.fillChanges,
	}
}

func (r *report) fillChanges(ctx context.Context, out cells) error {
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		if err := r.fillChangesOf(ctx, p, r.counts[i].changes, out); err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
	}
	return nil
}

func (r *report) fillChangesOf(ctx context.Context, p PartnerRun, counted changeCounts, out cells) error {
	var came changeCounts
	for change, err := range r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		came.rows++
		came.add(change.Change())
		if err := changeRow(p, change, out); err != nil {
			return err
		}
	}
	if came != counted {
		return shortfall(came.rows, counted.rows)
	}
	return nil
}

func changeRow(p PartnerRun, change standing.Transition, out cells) error {
	shown := change.After // the customer as it was last seen
	if shown == nil {
		shown = change.Before
	}
	if shown == nil {
		return fmt.Errorf("a change of kind %q has neither a before nor an after", change.Change())
	}
	out.text(p.Partner.Name)
	out.text(shown.Name)
	out.text(shown.ID)
	out.text(string(change.Change()))
	out.text(inWords(change.Before))
	out.text(inWords(change.After))
	out.instant(shown.BlockedSince)
	out.text(string(shown.Remedy))
	out.text(portalLink(shown.ID))
	return out.end()
}

// inWords is a standing with its reason.
func inWords(rec *standing.Record) string {
	if rec == nil {
		return ""
	}
	return string(rec.Standing) + ": " + string(rec.Reason)
}
