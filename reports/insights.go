package reports

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// insights is what the summary says of blocked customers. It is gathered in one pass over them.
type insights struct {
	ages      [][len(ageLimits) + 1]int // by partner, as in Book.Partners
	renewals  []atRisk                  // the same
	purchases struct{ some, none, unread int }
	accepted  int             // blocked customers of whom that is accepted
	first     []firstCustomer // those to begin with
}

// atRisk counts the active subscriptions of blocked customers: those that lapse, by the days that are left, those that renew by
// themselves, and those whose end is not known. Those that have lapsed already are none of them.
type atRisk struct{ within30, within60, within90, later, renew, unknown int }

// ageLimits are the last days of the age groups: 0-30, 31-60, 61-90, over 90.
var ageLimits = [...]int{30, 60, 90}

// firstShown is how many customers the summary names to begin with.
const firstShown = 10

// firstCustomer is a blocked customer with its place on the sheet Blocked.
type firstCustomer struct {
	blockedRow
	row  int // counted from 0 over all partners
	days int
	// Whether a subscription lapses within 30 days, and whether a person accepted the block.
	lapses, accepted bool
}

// readSummary reads what only the summary shows.
func (f *frame) readSummary(ctx context.Context) error {
	f.insights.ages = make([][len(ageLimits) + 1]int, len(f.book.Partners))
	f.insights.renewals = make([]atRisk, len(f.book.Partners))
	row := 0
	for i, p := range f.book.Partners {
		if p.Run == nil {
			continue
		}
		_, err := each(ctx, f.blockedOf(ctx, p), func(c ledger.BlockedCustomer) error {
			left, ok := daysUntil(p, c.Purchases.NextLapse)
			f.insights.add(i, firstCustomer{blockedRow{p, c}, row, int(f.daysBlocked(p, c.Record).n), ok && left <= 30,
				c.Exception.Accepts(standing.DateOf(p.Run.StartedAt))})
			row++
			return nil
		})
		if err == nil {
			_, err = each(ctx, f.renewalsOf(ctx, p), func(s ledger.Renewal) error {
				f.insights.renewals[i].add(p, s)
				return nil
			})
		}
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
	}
	return f.readResellers(ctx)
}

// add counts a customer, and keeps it if it is among those to begin with.
func (s *insights) add(partner int, c firstCustomer) {
	s.ages[partner][ageGroup(c.days)]++
	switch {
	case c.blockedRow.row.PurchasesRead != standing.Read:
		s.purchases.unread++
	case c.blockedRow.row.Purchases.Active > 0:
		s.purchases.some++
	default:
		s.purchases.none++
	}
	if c.accepted {
		s.accepted++
	}
	at, _ := slices.BinarySearchFunc(s.first, c, moreUrgent)
	if at < firstShown {
		s.first = slices.Insert(s.first, at, c)
		s.first = s.first[:min(len(s.first), firstShown)]
	}
}

func ageGroup(days int) int {
	i, _ := slices.BinarySearch(ageLimits[:], days)
	return i
}

func (n *atRisk) add(p PartnerRun, s ledger.Renewal) {
	switch risk(s) {
	case riskUnknown:
		n.unknown++
		return
	case riskRenews:
		n.renew++
		return
	}
	switch window(p, s) {
	case "within_30":
		n.within30++
	case "within_60":
		n.within60++
	case "within_90":
		n.within90++
	case "later":
		n.later++
	}
}

// moreUrgent orders customers by what a person should look at first: not those whose block is accepted; those with a subscription that
// lapses within 30 days, those with active subscriptions, the longest blocked, in the order of the sheet Blocked.
func moreUrgent(a, b firstCustomer) int {
	first := func(yes, other bool) int {
		switch {
		case yes == other:
			return 0
		case yes:
			return -1
		}
		return 1
	}
	return cmp.Or(first(!a.accepted, !b.accepted), first(a.lapses, b.lapses),
		-cmp.Compare(min(a.blockedRow.row.Purchases.Active, 1), min(b.blockedRow.row.Purchases.Active, 1)),
		-cmp.Compare(a.days, b.days), cmp.Compare(a.row, b.row))
}
