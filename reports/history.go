package reports

import (
	"cmp"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// HistoryRuns is how many runs of a partner the second chart shows, and so how many a PartnerRun's History holds.
const HistoryRuns = 30

// slot is a point on the chart's time axis. Partners are reconciled at different minutes of the same night, so runs
// share a slot when they are their partners' nth of that day.
type slot struct {
	day standing.Date
	nth int
}

// slots gives each run of a partner, oldest first, its slot.
func (r *report) slots(p PartnerRun) (slots []slot, runs []ledger.Run) {
	runs = p.History[max(0, len(p.History)-HistoryRuns):]
	for _, shown := range runs {
		next := slot{dayOf(shown.StartedAt, r.book.Location), 1}
		if n := len(slots); n > 0 && slots[n-1].day == next.day {
			next.nth = slots[n-1].nth + 1
		}
		slots = append(slots, next)
	}
	return slots, runs
}

// axis is every slot of every partner, oldest first.
func (r *report) axis() []slot {
	var all []slot
	for _, p := range r.book.Partners {
		slots, _ := r.slots(p)
		all = append(all, slots...)
	}
	slices.SortFunc(all, func(a, b slot) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.nth, b.nth)) })
	return slices.Compact(all)
}

// history lists the figures behind the second chart: a row a night, a column a partner.
func (r *report) history(d *sheetDraft, row int) (nights span, end int) {
	d.put(1, row, r.say.Behind, r.style.section)
	d.height(row, 22)
	d.put(1, row+1, r.say.Night, r.style.header)
	axis, rowOf := r.axis(), map[slot]int{}
	nights = span{row + 2, row + 1 + len(axis)}
	for i, at := range axis {
		rowOf[at] = nights.first + i
		d.put(1, rowOf[at], r.slotLabel(at), r.style.label)
	}
	for i, p := range r.book.Partners {
		d.put(i+2, row+1, p.Partner.Name, r.style.headerRight)
		slots, runs := r.slots(p)
		for j, shown := range runs {
			d.put(i+2, rowOf[slots[j]], shown.Totals.Blocked, r.style.count)
		}
	}
	return nights, nights.last
}

// slotLabel is text, not a date: the axis shows one label a run, whatever lies between them.
func (r *report) slotLabel(at slot) string {
	day := r.say.dayIn(at.day, r.say.ShortDay)
	if at.nth == 1 {
		return day
	}
	return ordinal(day, at.nth)
}
