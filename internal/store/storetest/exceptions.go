package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// exceptions are the contract of what people decide about blocked customers.
var exceptions = map[string]func(*testing.T, *fixture){
	"exceptions are kept on change, with who and when": exceptionsOnChange,
	"exceptions are listed as they were":               exceptionsListed,
}

var ana = attestation.Actor{Name: "ana", UserID: "1000", Host: "desk", Source: attestation.FromFlag}

func exceptionsOnChange(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	set := func(n int, want int, exceptions ...ledger.Exception) {
		t.Helper()
		changed, err := l.SetExceptions(t.Context(), exceptions, ana, night(n))
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	a := ledger.Exception{PartnerID: contoso.ID, CustomerID: "a", Owner: "Oliver", DueOn: "2026-12-01",
		Comment: "writes to them", AcceptedUntil: "2026-12-31", File: "exceptions.xlsx"}
	b := ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Owner: "Oliver"}
	set(1, 2, a, b)
	again := a
	again.File = "another.xlsx"
	set(2, 0, again, b)
	a.Comment = "called them"
	set(3, 1, a, b)
	set(4, 1, ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Removed: true})
	set(5, 0, ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Removed: true},
		ledger.Exception{PartnerID: contoso.ID, CustomerID: "z", Removed: true})
	require.Equal(t, 4, l.count(t, "SELECT COUNT(*) FROM exception"), "history is kept")
	require.Equal(t, 4, l.count(t, `SELECT COUNT(*) FROM exception x JOIN event e ON e.sequence = x.event
		WHERE e.kind = 'exception' AND e.customer_id = x.customer_id AND e.actor = 'ana' AND e.user_id = '1000' AND e.host = 'desk' AND e.source = 'flag'`))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE detail LIKE '%Oliver%' OR detail LIKE '%them%'"),
		"what people write may be personal data")
	l.whole(t)
}

// listed are the exceptions as they were on a night: owner, standing and file of each customer.
func (l *fixture) exceptionsAt(t *testing.T, n int) (shown []string) {
	t.Helper()
	entries, err := l.Exceptions(t.Context(), []string{contoso.ID, fabrikam.ID}, night(n))
	require.NoError(t, err)
	for _, e := range entries {
		shown = append(shown, fmt.Sprintf("%s %s %s by %s (%s)", e.CustomerID, e.Owner, e.Standing, e.Actor.Name,
			e.Customer.Name))
		require.False(t, e.At.After(night(n)))
	}
	return shown
}

func exceptionsListed(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"), clear("d"), clear("e"))
	set := func(n int, customer, owner string) {
		t.Helper()
		_, err := l.SetExceptions(t.Context(), []ledger.Exception{{PartnerID: contoso.ID, CustomerID: customer,
			Owner: owner, Removed: owner == ""}}, ana, night(n))
		require.NoError(t, err)
	}
	set(1, "a", "Bea")
	set(1, "b", "Bea")
	set(2, "c", "Carl")
	set(3, "b", "Dora")
	set(4, "a", "")
	require.Equal(t, []string{"a Bea blocked by ana (Customer a)", "b Bea blocked by ana (Customer b)"},
		l.exceptionsAt(t, 1))
	require.Equal(t, []string{"a Bea blocked by ana (Customer a)", "c Carl blocked by ana (Customer c)",
		"b Dora blocked by ana (Customer b)"}, l.exceptionsAt(t, 3))
	require.Equal(t, []string{"c Carl blocked by ana (Customer c)", "b Dora blocked by ana (Customer b)"},
		l.exceptionsAt(t, 5))
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 6)
		states := []standing.State{clear("b"), clear("d"), clear("e")}
		read(t, lease, r, 6, list(t, lease, r, states...), states...)
		endList(t, lease, &r, 6, true)
		require.Equal(t, ledger.Completed, closeRun(t, lease, r, 6).State)
	})
	require.Equal(t, []string{"c Carl  by ana (Customer c)", "b Dora clear by ana (Customer b)"}, l.exceptionsAt(t, 7),
		"one customer left, and one is clear")
	set(8, "a", "Eva")
	require.Contains(t, l.exceptionsAt(t, 8), "a Eva  by ana (Customer a)", "what was removed can be set again")
	entries, err := l.Exceptions(t.Context(), nil, night(8))
	require.NoError(t, err)
	require.Empty(t, entries)
}
