package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// particulars are the contract of what is kept of customers beside their standing.
var particulars = map[string]func(*testing.T, *fixture){
	"purchases of the blocked are due, and then not":       purchasesDue,
	"purchases are kept on change only":                    purchasesOnChange,
	"a report shows purchases as they stood at an instant": purchasesAtAnInstant,
	"a clock that went back hides no reading":              clockWentBack,
	"the resellers that are due come in order":             resellersDue,
	"customers are counted by reseller at an instant":      resellersAtAnInstant,
	"every subscription has a row":                         eachSubscription,
	"subscriptions of all partners come in one order":      subscriptionsOfAllPartners,
	"names of resellers are kept on change":                resellerNames,
	"who lost the lease keeps no particulars":              lostLeaseKeepsNoParticulars,
}

func (l *fixture) subscriptionsDue(t *testing.T, stale time.Time, today standing.Date) (due []string) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) {
		for id, err := range lease.SubscriptionsDue(t.Context(), stale, today) {
			require.NoError(t, err)
			due = append(due, id)
		}
	})
	return due
}

func (l *fixture) saveSubscriptions(t *testing.T, at time.Time, readings ...standing.SubscriptionsReading) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) { require.NoError(t, lease.SaveSubscriptions(t.Context(), at, readings)) })
}

func (l *fixture) saveResellers(t *testing.T, at time.Time, readings ...standing.ResellerReading) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) { require.NoError(t, lease.SaveCustomerResellers(t.Context(), at, readings)) })
}

// bought is a reading of a customer's subscriptions: so many that are active, of which one renews
// on a day.
func bought(id string, active int, renewal standing.Date) standing.SubscriptionsReading {
	r := standing.SubscriptionsReading{CustomerID: id, Readable: true}
	for n := range active {
		r.Subscriptions = append(r.Subscriptions, standing.Subscription{ID: fmt.Sprint("s", n), Product: "Office",
			Seats: 5, Status: "active", Term: "P1Y"})
	}
	if active > 0 && renewal != "" {
		r.Subscriptions[0].AutoRenew, r.Subscriptions[0].Ends = true, renewal
	}
	return r
}

// buysFrom is a reading of a customer's indirect reseller.
func buysFrom(reseller, id string) standing.ResellerReading {
	return standing.ResellerReading{CustomerID: id, Readable: true, ResellerID: reseller}
}

func purchasesDue(t *testing.T, l *fixture) {
	const today = standing.Date("2026-11-20")
	states := []standing.State{clear("clear"), blocked("a"), blocked("b"), blocked("c"), blocked("freed")}
	l.sweep(t, 1, states...)
	l.sweep(t, 2, append(states[:4:4], clear("freed"))...)
	long := night(1).AddDate(0, 0, -7)
	require.Equal(t, []string{"a", "b", "c"}, l.subscriptionsDue(t, long, today), "blocked now, never read")

	l.saveSubscriptions(t, night(2), bought("a", 1, "2026-11-21"), bought("b", 0, ""),
		standing.SubscriptionsReading{CustomerID: "c"})
	require.Empty(t, l.subscriptionsDue(t, long, today))
	require.Equal(t, []string{"a"}, l.subscriptionsDue(t, long, "2026-11-22"), "its renewal has passed")
	require.Empty(t, l.subscriptionsDue(t, night(2).Add(-time.Microsecond), today))
	require.Equal(t, []string{"a", "b", "c"}, l.subscriptionsDue(t, night(2), today),
		"also those that the service refused")

	l.saveSubscriptions(t, night(3), bought("a", 1, "2027-11-20"))
	require.Empty(t, l.subscriptionsDue(t, long, "2026-11-22"), "the newest reading counts")

	var ids []string
	for n := range 600 {
		ids = append(ids, fmt.Sprintf("many-%04d", n))
		states = append(states, blocked(ids[n]))
	}
	l.sweep(t, 3, states...)
	require.Equal(t, append([]string{"freed"}, ids...), l.subscriptionsDue(t, long, today), "page by page, each once")
}

func purchasesOnChange(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	l.saveSubscriptions(t, night(1), bought("a", 2, "2026-12-01"), standing.SubscriptionsReading{CustomerID: "b"})
	l.saveSubscriptions(t, night(2), bought("a", 2, "2026-12-01"), standing.SubscriptionsReading{CustomerID: "b"})
	require.Equal(t, 2, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"), "the same again is no row")
	require.Equal(t, 2, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions WHERE read_at > since"))
	require.Empty(t, l.subscriptionsDue(t, night(1), "2026-11-20"), "but it was read")
	l.saveSubscriptions(t, night(3), bought("a", 3, "2026-12-01"), bought("b", 0, ""))
	require.Equal(t, 4, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"),
		"that nothing is there is another thing than not to know")
	l.saveSubscriptions(t, night(4), bought("a", 2, "2026-12-01"))
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions WHERE customer_id = 'a'"),
		"as it was before is a change too")
}

// purchasesOf is what a report of a run says at an instant of each blocked customer's purchases.
func (l *fixture) purchasesOf(t *testing.T, run int64, at time.Time) map[string]any {
	t.Helper()
	found := map[string]any{}
	for c, err := range l.Blocked(t.Context(), contoso.ID, run, ledger.Snapshot{At: at}) {
		require.NoError(t, err)
		found[c.ID] = c.PurchasesRead
		if c.PurchasesRead == standing.Read {
			found[c.ID] = c.Purchases
		}
	}
	return found
}

func purchasesAtAnInstant(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, clear("clear"), blocked("a"), blocked("b"), blocked("c"))
	l.saveSubscriptions(t, night(2), bought("a", 2, "2026-12-01"), standing.SubscriptionsReading{CustomerID: "b"})
	l.saveSubscriptions(t, night(9), bought("a", 2, "2026-12-01"), bought("b", 0, ""))
	l.saveSubscriptions(t, night(16), bought("a", 3, "2027-12-01"))
	require.Equal(t, map[string]any{"a": standing.NotRead, "b": standing.NotRead, "c": standing.NotRead},
		l.purchasesOf(t, r.ID, night(1)))
	second := map[string]any{"a": standing.Purchases{Active: 2, NextRenewal: "2026-12-01"},
		"b": standing.OutcomeUnreadable,
		"c": standing.NotRead}
	require.Equal(t, second, l.purchasesOf(t, r.ID, night(2)), "from that very instant on")
	require.Equal(t, second, l.purchasesOf(t, r.ID, night(9).Add(-time.Microsecond)))
	three := standing.Purchases{Active: 3, NextRenewal: "2027-12-01"}
	require.Equal(t, map[string]any{"a": three, "b": standing.Purchases{}, "c": standing.NotRead},
		l.purchasesOf(t, r.ID, night(22)))
	third := map[string]any{"a": three, "b": standing.NotRead, "c": standing.NotRead}
	require.Equal(t, third, l.purchasesOf(t, r.ID, night(24)), "for more than two weeks nobody could ask about b")
	l.saveSubscriptions(t, night(26), bought("a", 3, "2027-12-01"), bought("b", 0, ""))
	require.Equal(t, map[string]any{"a": three, "b": standing.Purchases{}, "c": standing.NotRead},
		l.purchasesOf(t, r.ID, night(26)))
	require.Equal(t, third, l.purchasesOf(t, r.ID, night(24)), "what came later changes nothing of it")
}

func clockWentBack(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, blocked("a"))
	l.saveSubscriptions(t, night(9), bought("a", 1, "2026-12-01"))
	l.saveSubscriptions(t, night(2), bought("a", 1, "2026-12-01"))
	l.saveSubscriptions(t, night(2), bought("a", 2, "2026-12-01"))
	l.saveSubscriptions(t, night(9), bought("a", 3, "2026-12-01"))
	require.Equal(t, map[string]any{"a": standing.Purchases{Active: 3, NextRenewal: "2026-12-01"}},
		l.purchasesOf(t, r.ID, night(10)))
	require.Equal(t, map[string]any{"a": standing.Purchases{Active: 1, NextRenewal: "2026-12-01"}},
		l.purchasesOf(t, r.ID, night(9)), "what was known then")
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"))
	last, err := l.LastEntry(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": standing.Purchases{Active: 3, NextRenewal: "2026-12-01"}},
		l.purchasesOf(t, r.ID, last))
}

// subscriptionsOfAllPartners: what lapses next comes first, whoever the partner is; one run of each
// partner is asked for.
func subscriptionsOfAllPartners(t *testing.T, l *fixture) {
	holds := func(id string, all ...standing.Subscription) standing.SubscriptionsReading {
		for i := range all {
			all[i].ID, all[i].Status, all[i].Product, all[i].Seats = fmt.Sprint(id, i), "active", "Office", 1
		}
		return standing.SubscriptionsReading{CustomerID: id, Readable: true, Subscriptions: all}
	}
	ends := func(day standing.Date) standing.Subscription { return standing.Subscription{Ends: day} }
	renews := func(day standing.Date) standing.Subscription {
		return standing.Subscription{Ends: day, AutoRenew: true}
	}
	first := l.sweep(t, 1, blocked("b"), blocked("a"), clear("c"))
	l.saveSubscriptions(t, night(1), holds("a", renews("2026-12-01"), ends("2026-12-24"), ends("")),
		holds("b", ends("2026-12-24"), ends("2027-01-05")), holds("c", ends("2026-12-02")))
	var other ledger.Run
	require.NoError(t, l.Hold(t.Context(), fabrikam, func(_ context.Context, lease *store.Lease) error {
		other = begin(t, lease, 2)
		read(t, lease, other, 2, list(t, lease, other, blocked("x"), blocked("a")), blocked("x"), blocked("a"))
		closeRun(t, lease, other, 2)
		return lease.SaveSubscriptions(t.Context(), night(2), []standing.SubscriptionsReading{
			holds("x", ends("2026-12-24"), ends("2026-12-03")), holds("a", renews("2026-11-30"), ends(""))})
	}))
	shown := func(runs ...int64) (all []string) {
		for r, err := range l.Renewals(t.Context(), runs, night(3)) {
			require.NoError(t, err)
			name := map[string]string{contoso.ID: contoso.Name, fabrikam.ID: fabrikam.Name}[r.PartnerID]
			all = append(all, fmt.Sprint(name, " ", r.Record.ID, " ", r.ID, " ", r.Ends))
		}
		return all
	}
	require.Equal(t, []string{"fabrikam x x1 2026-12-03", "contoso a a1 2026-12-24", "contoso b b0 2026-12-24",
		"fabrikam x x0 2026-12-24", "contoso b b1 2027-01-05", "fabrikam a a0 2026-11-30", "contoso a a0 2026-12-01",
		"contoso a a2 ", "fabrikam a a1 "}, shown(other.ID, first.ID))
	require.Equal(t, []string{"fabrikam x x1 2026-12-03", "fabrikam x x0 2026-12-24", "fabrikam a a0 2026-11-30",
		"fabrikam a a1 "}, shown(other.ID))
}

// eachSubscription: every subscription has a row, in an order of its own, and a lapse is due as a
// renewal is.
func eachSubscription(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	all := []standing.Subscription{
		{ID: "s2", Product: "=Teams 日本", Seats: 10, Status: "Active", Term: "P1M", Ends: "2026-12-24"},
		{ID: "s1", Product: "Office", Seats: 1, Status: "suspended", Term: "P1Y", AutoRenew: true, Trial: true,
			Ends: "2026-11-21"},
		{}, {},
	}
	l.saveSubscriptions(t, night(1), standing.SubscriptionsReading{CustomerID: "a", Readable: true, Subscriptions: all},
		bought("b", 1, ""))
	slices.Reverse(all)
	l.saveSubscriptions(t, night(2), standing.SubscriptionsReading{CustomerID: "a", Readable: true, Subscriptions: all})
	require.Equal(t, 5, l.count(t, "SELECT COUNT(*) FROM customer_subscription"), "in another order they are the same")
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM customer_subscription WHERE customer_id = 'a' AND position "+
		"= 4 AND product = '=Teams 日本' AND seats = 10 AND status = 'active' AND ends = '2026-12-24'"))
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM customer_subscription WHERE position = 3 AND auto_renew AND "+
		"trial"))
	require.Equal(t, map[string]any{"a": standing.Purchases{Active: 1, NextLapse: "2026-12-24"},
		"b": standing.Purchases{Active: 1}}, l.purchasesOf(t, 1, night(3)))
	require.Empty(t, l.subscriptionsDue(t, night(0), "2026-12-24"))
	require.Equal(t, []string{"a"}, l.subscriptionsDue(t, night(0), "2026-12-25"), "one has lapsed")
	l.saveSubscriptions(t, night(3), standing.SubscriptionsReading{CustomerID: "a", Readable: true,
		Subscriptions: all[:1]})
	require.Equal(t, 1, l.count(t, `SELECT COUNT(*) FROM customer_subscriptions h JOIN customer_subscription d ON d.partner_id = h.partner_id
		AND d.customer_id = h.customer_id AND d.since = h.since
		WHERE h.customer_id = 'a' AND h.since = (SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.customer_id = 'a')`), "what vanished is not part of the newest reading")
	l.whole(t)
}

func resellerNames(t *testing.T, l *fixture) {
	save := func(n int, names ...standing.ResellerName) {
		l.hold(t, func(lease *store.Lease) { require.NoError(t, lease.SaveResellers(t.Context(), night(n), names)) })
	}
	save(1, standing.ResellerName{ID: "r1", Name: "One"}, standing.ResellerName{ID: "r2", Name: "Two"})
	save(2, standing.ResellerName{ID: "r1", Name: "One"}, standing.ResellerName{ID: "r2", Name: "Another"})
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM reseller"))
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM reseller WHERE reseller_id = 'r1' AND read_at > since"))
	l.whole(t)
}

func resellersDue(t *testing.T, l *fixture) {
	unknown := clear("0")
	unknown.Standing, unknown.Reason = standing.Unknown, standing.Unreadable
	l.sweep(t, 1, clear("a"), blocked("b"), clear("c"), blocked("d"), clear("e"), clear("f"), unknown)
	due := func(stale, refused time.Time, limit int) (customers []string) {
		l.hold(t, func(lease *store.Lease) {
			var err error
			customers, err = lease.ResellersDue(t.Context(), stale, refused, limit)
			require.NoError(t, err)
		})
		return customers
	}
	require.Equal(t, []string{"b", "d", "a", "c", "e", "f", "0"}, due(night(0), night(0), 10),
		"the blocked first, last who cannot be read")
	require.Equal(t, []string{"b", "d", "a"}, due(night(0), night(0), 3))
	l.saveResellers(t, night(1), buysFrom("r1", "b"), buysFrom("", "d"), standing.ResellerReading{CustomerID: "a"})
	l.saveResellers(t, night(2), buysFrom("r1", "c"))
	require.Equal(t, []string{"e", "f", "0"}, due(night(0), night(0), 10))
	require.Equal(t, []string{"e", "f", "a", "b", "d", "c", "0"}, due(night(2), night(2), 10),
		"never read, then the oldest reading")
	require.Equal(t, []string{"e", "f", "a", "0"}, due(night(0), night(2), 10), "a refusal is not kept so long")
	l.saveResellers(t, night(3), buysFrom("r1", "b"))
	require.Equal(t, []string{"e", "f", "a", "d", "c", "0"}, due(night(2), night(2), 10))
	require.Equal(t, 4, l.count(t, "SELECT COUNT(*) FROM customer_reseller"))
}

func resellersAtAnInstant(t *testing.T, l *fixture) {
	unknown, excluded := clear("unknown"), clear("excluded")
	unknown.Standing, unknown.Reason = standing.Unknown, standing.Unreadable
	excluded.Standing, excluded.Reason = standing.Excluded, standing.NotAResellerCustomer
	r := l.sweep(t, 1, clear("a"), blocked("b"), clear("c"), blocked("d"), blocked("e"), unknown, excluded)
	resellers := func(run int64, at time.Time) []ledger.ResellerCount {
		counts, err := l.Resellers(t.Context(), contoso.ID, run, at)
		require.NoError(t, err)
		return counts
	}
	all := []ledger.ResellerCount{{Clear: 2, Blocked: 3, Unknown: 1, Excluded: 1}}
	require.Equal(t, all, resellers(r.ID, night(1)), "nobody was asked yet")

	l.saveResellers(t, night(2), buysFrom("r2", "a"), buysFrom("r2", "b"), buysFrom("r1", "c"), buysFrom("r1", "d"),
		buysFrom("r3", "unknown"), buysFrom("", "excluded"), standing.ResellerReading{CustomerID: "e"})
	second := []ledger.ResellerCount{
		{Blocked: 1}, // e: the service does not say
		{ResellerID: "r1", Read: true, Clear: 1, Blocked: 1},
		{ResellerID: "r2", Read: true, Clear: 1, Blocked: 1},
		{Read: true, Excluded: 1},
		{ResellerID: "r3", Read: true, Unknown: 1},
	}
	require.Equal(t, second, resellers(r.ID, night(2)))
	l.saveResellers(t, night(3), buysFrom("r1", "b"), buysFrom("r1", "e"))
	later := l.sweep(t, 3, blocked("a"), blocked("b"), clear("c"), clear("d"), clear("e"), unknown, excluded)
	require.Equal(t, []ledger.ResellerCount{
		{ResellerID: "r1", Read: true, Clear: 3, Blocked: 1},
		{ResellerID: "r2", Read: true, Blocked: 1},
		{Read: true, Excluded: 1},
		{ResellerID: "r3", Read: true, Unknown: 1},
	}, resellers(later.ID, night(3)))
	require.Equal(t, second, resellers(r.ID, night(2)), "a past report can be made again")
	require.Equal(t, all, resellers(r.ID, night(1)))
	none, err := l.Resellers(t.Context(), fabrikam.ID, later.ID, night(3))
	require.NoError(t, err)
	require.Empty(t, none)
}

func lostLeaseKeepsNoParticulars(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"))
	l.hold(t, func(lease *store.Lease) {
		l.exec(t, "UPDATE lease SET number = number + 1")
		require.ErrorIs(t, lease.SaveSubscriptions(t.Context(), night(1),
			[]standing.SubscriptionsReading{bought("a", 1, "")}), store.ErrLeaseLost)
		require.ErrorIs(t, lease.SaveCustomerResellers(t.Context(), night(1),
			[]standing.ResellerReading{buysFrom("r", "a")}), store.ErrLeaseLost)
	})
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions")+
		l.count(t, "SELECT COUNT(*) FROM customer_reseller"))
}
