package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// exceptions are the contract of what people decide about blocked customers, and ask of them.
var exceptions = map[string]func(*testing.T, *fixture){
	"exceptions are kept on change, with who and when": exceptionsOnChange,
	"a customer remembers its last invitation":         remembersInvitations,
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
	a := ledger.Exception{PartnerID: contoso.ID, CustomerID: "a", Owner: "Bea", DueOn: "2026-12-01", Comment: "writes to them", AcceptedUntil: "2026-12-31", File: "exceptions.xlsx"}
	b := ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Owner: "Bea"}
	set(1, 2, a, b)
	again := a
	again.File = "another.xlsx"
	set(2, 0, again, b)
	a.Comment = "called them"
	set(3, 1, a, b)
	set(4, 1, ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Removed: true})
	set(5, 0, ledger.Exception{PartnerID: contoso.ID, CustomerID: "b", Removed: true}, ledger.Exception{PartnerID: contoso.ID, CustomerID: "z", Removed: true})
	require.Equal(t, 4, l.count(t, "SELECT COUNT(*) FROM exception"), "history is kept")
	require.Equal(t, 4, l.count(t, `SELECT COUNT(*) FROM exception x JOIN event e ON e.sequence = x.event
		WHERE e.kind = 'exception' AND e.customer_id = x.customer_id AND e.actor = 'ana' AND e.user_id = '1000' AND e.host = 'desk' AND e.source = 'flag'`))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE detail LIKE '%Bea%' OR detail LIKE '%them%'"), "what people write may be personal data")
	l.whole(t)
}

func remembersInvitations(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	invite := func(n int, customer string) {
		t.Helper()
		kind := ledger.InviteToAgreement
		if customer == "" {
			kind = ledger.InviteToRelationship
		}
		require.NoError(t, l.SaveInvitations(t.Context(), []ledger.Invitation{{PartnerID: contoso.ID, CustomerID: customer, Kind: kind, Channel: ledger.ByDraft,
			Recipient: "admin@example.com", Language: "en", TemplateDigest: "d"}}, ana, night(n)))
	}
	invite(1, "a")
	invite(3, "a")
	invite(4, "")
	last, err := l.LastInvitations(t.Context(), contoso.ID, []string{"a", "b"})
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"a": night(3).Truncate(time.Microsecond)}, last)
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE detail LIKE '%example.com%'"))
	l.whole(t)
}
