package storetest

import (
	"fmt"
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
	"who lost the lease keeps no particulars":              lostLeaseKeepsNoParticulars,
}

func (l *fixture) purchasesDue(t *testing.T, stale time.Time, today standing.Date) (due []string) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) {
		for id, err := range lease.PurchasesDue(t.Context(), stale, today) {
			require.NoError(t, err)
			due = append(due, id)
		}
	})
	return due
}

func (l *fixture) savePurchases(t *testing.T, at time.Time, readings ...standing.PurchasesReading) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) { require.NoError(t, lease.SavePurchases(t.Context(), at, readings)) })
}

func (l *fixture) saveResellers(t *testing.T, at time.Time, readings ...standing.ResellerReading) {
	t.Helper()
	l.hold(t, func(lease *store.Lease) { require.NoError(t, lease.SaveResellers(t.Context(), at, readings)) })
}

// bought is a reading of a customer's purchases.
func bought(id string, active int, renewal standing.Date) standing.PurchasesReading {
	return standing.PurchasesReading{CustomerID: id, Readable: true, Purchases: standing.Purchases{Active: active, NextRenewal: renewal}}
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
	require.Equal(t, []string{"a", "b", "c"}, l.purchasesDue(t, long, today), "blocked now, never read")

	l.savePurchases(t, night(2), bought("a", 1, "2026-11-20"), bought("b", 0, ""), standing.PurchasesReading{CustomerID: "c"})
	require.Empty(t, l.purchasesDue(t, long, today))
	require.Equal(t, []string{"a"}, l.purchasesDue(t, long, "2026-11-21"), "its renewal has passed")
	require.Empty(t, l.purchasesDue(t, night(2).Add(-time.Microsecond), today))
	require.Equal(t, []string{"a", "b", "c"}, l.purchasesDue(t, night(2), today), "also those that the service refused")

	l.savePurchases(t, night(3), bought("a", 1, "2027-11-20"))
	require.Empty(t, l.purchasesDue(t, long, "2026-11-21"), "the newest reading counts")

	var ids []string
	for n := range 600 {
		ids = append(ids, fmt.Sprintf("many-%04d", n))
		states = append(states, blocked(ids[n]))
	}
	l.sweep(t, 3, states...)
	require.Equal(t, append([]string{"freed"}, ids...), l.purchasesDue(t, long, today), "page by page, each once")
}

func purchasesOnChange(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	l.savePurchases(t, night(1), bought("a", 2, "2026-12-01"), standing.PurchasesReading{CustomerID: "b"})
	l.savePurchases(t, night(2), bought("a", 2, "2026-12-01"), standing.PurchasesReading{CustomerID: "b"})
	require.Equal(t, 2, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"), "the same again is no row")
	require.Equal(t, 2, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions WHERE read_at > since"))
	require.Empty(t, l.purchasesDue(t, night(1), "2026-11-20"), "but it was read")
	l.savePurchases(t, night(3), bought("a", 3, "2026-12-01"), bought("b", 0, ""))
	require.Equal(t, 4, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"), "that nothing is there is another thing than not to know")
	l.savePurchases(t, night(4), bought("a", 2, "2026-12-01"))
	require.Equal(t, 3, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions WHERE customer_id = 'a'"), "as it was before is a change too")
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
	l.savePurchases(t, night(2), bought("a", 2, "2026-12-01"), standing.PurchasesReading{CustomerID: "b"})
	l.savePurchases(t, night(9), bought("a", 2, "2026-12-01"), bought("b", 0, ""))
	l.savePurchases(t, night(16), bought("a", 3, "2027-12-01"))
	require.Equal(t, map[string]any{"a": standing.NotRead, "b": standing.NotRead, "c": standing.NotRead}, l.purchasesOf(t, r.ID, night(1)))
	second := map[string]any{"a": standing.Purchases{Active: 2, NextRenewal: "2026-12-01"}, "b": standing.Failed, "c": standing.NotRead}
	require.Equal(t, second, l.purchasesOf(t, r.ID, night(2)), "from that very instant on")
	require.Equal(t, second, l.purchasesOf(t, r.ID, night(9).Add(-time.Microsecond)))
	three := standing.Purchases{Active: 3, NextRenewal: "2027-12-01"}
	require.Equal(t, map[string]any{"a": three, "b": standing.Purchases{}, "c": standing.NotRead}, l.purchasesOf(t, r.ID, night(22)))
	third := map[string]any{"a": three, "b": standing.NotRead, "c": standing.NotRead}
	require.Equal(t, third, l.purchasesOf(t, r.ID, night(24)), "for more than two weeks nobody could ask about b")
	l.savePurchases(t, night(26), bought("a", 3, "2027-12-01"), bought("b", 0, ""))
	require.Equal(t, map[string]any{"a": three, "b": standing.Purchases{}, "c": standing.NotRead}, l.purchasesOf(t, r.ID, night(26)))
	require.Equal(t, third, l.purchasesOf(t, r.ID, night(24)), "what came later changes nothing of it")
}

func clockWentBack(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, blocked("a"))
	l.savePurchases(t, night(9), bought("a", 1, "2026-12-01"))
	l.savePurchases(t, night(2), bought("a", 1, "2026-12-01"))
	l.savePurchases(t, night(2), bought("a", 2, "2026-12-01"))
	l.savePurchases(t, night(9), bought("a", 3, "2026-12-01"))
	require.Equal(t, map[string]any{"a": standing.Purchases{Active: 3, NextRenewal: "2026-12-01"}}, l.purchasesOf(t, r.ID, night(9)))
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions"))
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
	require.Equal(t, []string{"b", "d", "a", "c", "e", "f", "0"}, due(night(0), night(0), 10), "the blocked first, last who cannot be read")
	require.Equal(t, []string{"b", "d", "a"}, due(night(0), night(0), 3))
	l.saveResellers(t, night(1), buysFrom("r1", "b"), buysFrom("", "d"), standing.ResellerReading{CustomerID: "a"})
	l.saveResellers(t, night(2), buysFrom("r1", "c"))
	require.Equal(t, []string{"e", "f", "0"}, due(night(0), night(0), 10))
	require.Equal(t, []string{"e", "f", "a", "b", "d", "c", "0"}, due(night(2), night(2), 10), "never read, then the oldest reading")
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

	l.saveResellers(t, night(2), buysFrom("r2", "a"), buysFrom("r2", "b"), buysFrom("r1", "c"), buysFrom("r1", "d"), buysFrom("r3", "unknown"),
		buysFrom("", "excluded"), standing.ResellerReading{CustomerID: "e"})
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
		require.ErrorIs(t, lease.SavePurchases(t.Context(), night(1), []standing.PurchasesReading{bought("a", 1, "")}), store.ErrLeaseLost)
		require.ErrorIs(t, lease.SaveResellers(t.Context(), night(1), []standing.ResellerReading{buysFrom("r", "a")}), store.ErrLeaseLost)
	})
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM customer_subscriptions")+l.count(t, "SELECT COUNT(*) FROM customer_reseller"))
}
