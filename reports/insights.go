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
	purchases standing.PurchasesCount
	first     []firstCustomer // those to begin with
}

// ageLimits are the last days of the age groups: 0-30, 31-60, 61-90, over 90.
var ageLimits = [...]int{30, 60, 90}

// firstShown is how many customers the summary names to begin with.
const firstShown = 10

// firstCustomer is a blocked customer with its place on the sheet Blocked.
type firstCustomer struct {
	blockedRow
	row  int // counted from 0 over all partners
	days int
}

// readSummary reads what only the summary shows.
func (f *frame) readSummary(ctx context.Context) error {
	f.insights.ages = make([][len(ageLimits) + 1]int, len(f.book.Partners))
	row := 0
	for i, p := range f.book.Partners {
		if p.Run == nil {
			continue
		}
		_, err := each(ctx, f.blockedOf(ctx, p), func(c ledger.BlockedCustomer) error {
			f.insights.add(i, firstCustomer{blockedRow{p, c}, row, int(f.daysBlocked(p, c.Record).n)})
			row++
			return nil
		})
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
		s.purchases.Unread++
	case c.blockedRow.row.Purchases.Active > 0:
		s.purchases.Some++
	default:
		s.purchases.None++
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

// moreUrgent orders customers by what a person should look at first: those with active subscriptions, the longest blocked, in the
// order of the sheet Blocked.
func moreUrgent(a, b firstCustomer) int {
	return cmp.Or(-cmp.Compare(min(a.blockedRow.row.Purchases.Active, 1), min(b.blockedRow.row.Purchases.Active, 1)),
		-cmp.Compare(a.days, b.days), cmp.Compare(a.row, b.row))
}
