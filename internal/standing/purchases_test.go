package standing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBought(t *testing.T) {
	const today = Date("2026-11-22")
	renewing := func(status string, ends Date) Subscription {
		return Subscription{Status: status, AutoRenew: true, Ends: ends}
	}
	for name, c := range map[string]struct {
		subscriptions []Subscription
		want          Purchases
	}{
		"nothing bought": {nil, Purchases{}},
		"one that renews": {[]Subscription{renewing("active", "2026-12-01")},
			Purchases{1, "2026-12-01", ""}},
		"one that renews today":        {[]Subscription{renewing("active", today)}, Purchases{1, today, ""}},
		"one that should have renewed": {[]Subscription{renewing("active", "2026-11-21")}, Purchases{1, "", ""}},
		"the earliest renewal, in any order": {[]Subscription{renewing("active", "2027-02-01"),
			renewing("active", "2026-12-24"), renewing("active", "2027-01-01")}, Purchases{3, "2026-12-24", ""}},
		"one that ends lapses": {[]Subscription{{Status: "active", Ends: "2026-12-01"},
			renewing("active", "2027-01-01")}, Purchases{2, "2027-01-01", "2026-12-01"}},
		"the earliest end, not a past one": {[]Subscription{{Status: "active", Ends: "2026-12-03"},
			{Status: "active", Ends: "2026-12-02"}, {Status: "active", Ends: "2026-11-21"}}, Purchases{3, "",
			"2026-12-02"}},
		"active in other letters": {[]Subscription{renewing("Active", "2026-12-01")},
			Purchases{1, "2026-12-01", ""}},
		"what is not active does not count": {[]Subscription{renewing("suspended", "2026-12-01"),
			renewing("expired", "2026-12-01"), renewing("", "2026-12-01")}, Purchases{}},
		"a status that nobody knows neither": {[]Subscription{renewing("hibernating", "2026-12-01")}, Purchases{}},
		"a renewal on an unknown day": {[]Subscription{renewing("active", ""), renewing("active", "2027-01-01")},
			Purchases{2, "2027-01-01", ""}},
		"only on days that nobody knows": {[]Subscription{renewing("active", "")}, Purchases{1, "", ""}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, Bought(c.subscriptions, today)) })
	}
}
