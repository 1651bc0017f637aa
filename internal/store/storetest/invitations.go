package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// invitations are the contract of what customers were asked to do by themselves.
var invitations = map[string]func(*testing.T, *fixture){
	"a customer remembers its last invitation":                     remembersInvitations,
	"of several processes one invites a customer":                  oneInvites,
	"an invitation before another has no answer":                   invitedAgain,
	"an invitation ends once":                                      invitationEndsOnce,
	"invitations are listed with what their customers did":         invitationsListed,
	"blocked customers come with what keeps them from invitations": invitable,
	"invitations that were changed by hand are found":              editedInvitations,
}

func invitationOf(customer string) ledger.Invitation {
	return ledger.Invitation{PartnerID: contoso.ID, CustomerID: customer, CustomerName: "Customer " + customer,
		Domain: customer + ".example.com",
		Kind:   ledger.InviteToAgreement, Channel: ledger.ByDraft, Recipient: "Admin@" + customer + ".example.com",
		Language: "en", TemplateDigest: "d"}
}

func (l *fixture) invite(t *testing.T, n int, v ledger.Invitation, outcome ledger.InvitationOutcome) int64 {
	t.Helper()
	id, err := l.BeginInvitation(t.Context(), v, night(n), ana, night(n))
	require.NoError(t, err)
	if outcome != ledger.InvitationBegun {
		require.NoError(t, l.EndInvitation(t.Context(), id, outcome, "", ana, night(n)))
	}
	return id
}

func remembersInvitations(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"), blocked("d"))
	l.invite(t, 1, invitationOf("a"), ledger.InvitationDelivered)
	second := l.invite(t, 3, invitationOf("a"), ledger.InvitationUnknown)
	l.invite(t, 4, invitationOf("b"), ledger.InvitationFailed)
	third := l.invite(t, 4, invitationOf("c"), ledger.InvitationBegun)
	stranger := invitationOf("")
	stranger.Kind, stranger.Recipient = ledger.InviteToRelationship, "Boss@stranger.example"
	fourth := l.invite(t, 5, stranger, ledger.InvitationDelivered)
	other := stranger
	other.Recipient = "somebody@else.example"

	last, err := l.LastInvitations(t.Context(), []ledger.Invitation{invitationOf("a"), invitationOf("b"),
		invitationOf("c"), invitationOf("d"), stranger, other})
	require.NoError(t, err)
	at := func(n int) time.Time { return night(n).Truncate(time.Microsecond) }
	require.Equal(t, map[string]ledger.LastInvitation{
		"a":                     {ID: second, At: at(3), Outcome: ledger.InvitationUnknown},
		"c":                     {ID: third, At: at(4), Outcome: ledger.InvitationBegun},
		"boss@stranger.example": {ID: fourth, At: at(5), Outcome: ledger.InvitationDelivered},
	}, last)
	elsewhere, byOther := invitationOf("a"), stranger
	elsewhere.PartnerID, byOther.PartnerID = fabrikam.ID, fabrikam.ID
	last, err = l.LastInvitations(t.Context(), []ledger.Invitation{elsewhere, byOther})
	require.NoError(t, err)
	require.Equal(t, map[string]ledger.LastInvitation{"a": {ID: second, At: at(3), Outcome: ledger.InvitationUnknown}},
		last,
		"the agreement is the same with every partner, a relationship is not")
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE lower(detail) LIKE '%example%'"),
		"an address is personal data")
	l.whole(t)
}

func oneInvites(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"))
	refused := make(chan error, 8)
	var group errgroup.Group
	for range cap(refused) {
		group.Go(func() error {
			_, err := l.BeginInvitation(t.Context(), invitationOf("a"), night(1), ana, night(2))
			if err != nil {
				refused <- err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	close(refused)
	require.Len(t, refused, cap(refused)-1)
	for err := range refused {
		require.ErrorIs(t, err, store.ErrInvitedMeanwhile)
	}
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM invitation"))
	require.Equal(t, 1, l.count(t, "SELECT COUNT(*) FROM event WHERE kind = 'invite'"),
		"who did not invite leaves no event")

	_, err := l.BeginInvitation(t.Context(), invitationOf("a"), night(2).Add(time.Second), ana, night(20))
	require.NoError(t, err, "invited again after a while")
	l.whole(t)
}

func invitationEndsOnce(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"))
	id := l.invite(t, 1, invitationOf("a"), ledger.InvitationDelivered)
	require.Error(t, l.EndInvitation(t.Context(), id, ledger.InvitationFailed, "", ana, night(2)))
	require.ErrorIs(t, l.EndInvitation(t.Context(), 4711, ledger.InvitationFailed, "", ana, night(2)),
		store.ErrNotFound)
	require.Equal(t, 2, l.count(t,
		"SELECT COUNT(*) FROM event WHERE kind = 'invite' AND customer_id = 'a' AND partner_id = ?", contoso.ID))
	l.whole(t)
}

func invitationsListed(t *testing.T, l *fixture) {
	accepted := func(id string) standing.State {
		s := clear(id)
		s.Reason, s.Direct = standing.AcceptedDirectly, standing.DirectYes
		return s
	}
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"), blocked("d"))
	for _, id := range []string{"a", "b", "c", "d"} {
		l.invite(t, 1, invitationOf(id), ledger.InvitationDelivered)
	}
	fresh := invitationOf("")
	fresh.Kind, fresh.Domain = ledger.InviteToRelationship, "new.example.com"
	l.invite(t, 1, fresh, ledger.InvitationDelivered)
	id := l.invite(t, 2, invitationOf("e"), ledger.InvitationBegun)
	require.NoError(t, l.EndInvitation(t.Context(), id, ledger.InvitationFailed, "the recipient was not accepted", ana,
		night(9)))
	third := l.sweep(t, 3, blocked("a"), accepted("b"), clear("c"), blocked("d"))
	again := clear("b")
	again.Standing, again.Reason = standing.Blocked, standing.Outdated
	l.hold(t, func(lease *store.Lease) {
		r := begin(t, lease, 5)
		states := []standing.State{blocked("a"), again, clear("c"), accepted("new")}
		read(t, lease, r, 5, list(t, lease, r, states...), states...)
		endList(t, lease, &r, 5, true)
		closeRun(t, lease, r, 5)
	})
	fifth, err := l.RecentRuns(t.Context(), 1)
	require.NoError(t, err)
	shown := func(run int64, n int) (shown []string) {
		for e, err := range l.Invitations(t.Context(), contoso.ID, run, night(n)) {
			require.NoError(t, err)
			line := fmt.Sprintf("%s%s %s %s now %q", e.CustomerName, e.Outcome, e.Reason, e.Answer(), e.Standing)
			if !e.AnsweredAt.IsZero() {
				line += fmt.Sprintf(" after %d days", e.Days(time.UTC))
			}
			shown = append(shown, line)
		}
		return shown
	}
	require.Equal(t, []string{
		`Customer delivered  not_a_customer now ""`,
		`Customer ddelivered  open now "blocked"`,
		`Customer cdelivered  attested now "clear" after 2 days`,
		`Customer bdelivered  accepted now "clear" after 2 days`,
		`Customer adelivered  open now "blocked"`,
	}, shown(third.ID, 1), "what came later is not in it")
	require.Equal(t, []string{
		`Customer e  not_a_customer now ""`,
		`Customer delivered  accepted now "clear" after 4 days`,
		`Customer ddelivered  not_a_customer now ""`,
		`Customer cdelivered  attested now "clear" after 2 days`,
		`Customer bdelivered  accepted now "blocked" after 2 days`,
		`Customer adelivered  open now "blocked"`,
	}, shown(fifth[0].ID, 5))
	require.Contains(t, shown(fifth[0].ID, 9), `Customer efailed the recipient was not accepted not_a_customer now ""`)
	l.whole(t)
}

// invitedAgain: an answer is that of the newest invitation before it, and a message that was
// not sent asks nobody.
func invitedAgain(t *testing.T, l *fixture) {
	accepted := clear("a")
	accepted.Reason = standing.AcceptedDirectly
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"))
	stranger := invitationOf("")
	stranger.Kind, stranger.Domain, stranger.Recipient = ledger.InviteToRelationship, "", "Boss@new.example"
	for _, n := range []int{2, 4} {
		l.invite(t, n, invitationOf("a"), ledger.InvitationDelivered)
		l.invite(t, n, invitationOf("b"), map[int]ledger.InvitationOutcome{2: ledger.InvitationDelivered,
			4: ledger.InvitationFailed}[n])
		l.invite(t, n, invitationOf("c"), ledger.InvitationUnknown)
		l.invite(t, n, stranger, ledger.InvitationDelivered)
	}
	r := l.sweep(t, 6, accepted, blocked("b"), blocked("c"))
	l.invite(t, 8, invitationOf("a"), ledger.InvitationDelivered)
	shown := func(at int) map[string][]string {
		all := map[string][]string{}
		for e, err := range l.Invitations(t.Context(), contoso.ID, r.ID, night(at)) {
			require.NoError(t, err)
			answer := string(e.Answer())
			if !e.AnsweredAt.IsZero() {
				answer += fmt.Sprint(" after ", e.Days(time.UTC))
			}
			all[e.CustomerID] = append(all[e.CustomerID], answer)
		}
		return all
	}
	require.Equal(t, map[string][]string{"a": {"open", "accepted after 2", "invited_again"}, "b": {"open", "open"},
		"c": {"open", "invited_again"}, "": {"not_a_customer", "invited_again"}}, shown(8))
	require.Equal(t, []string{"open"}, shown(3)["c"], "what came later changes nothing of it")
}

func invitable(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"), blocked("c"), blocked("d"), blocked("e"), clear("f"))
	l.saveSubscriptions(t, night(1), bought("a", 0, ""), bought("b", 2, "2026-12-24"),
		standing.SubscriptionsReading{CustomerID: "c"})
	l.saveResellers(t, night(1), buysFrom("reseller-1", "a"), buysFrom("", "b"),
		standing.ResellerReading{CustomerID: "c"})
	l.batch(t, "a", "d")
	_, err := l.SetExceptions(t.Context(), []ledger.Exception{{PartnerID: contoso.ID, CustomerID: "e",
		AcceptedUntil: "2026-12-31"}, {PartnerID: contoso.ID, CustomerID: "d", AcceptedUntil: "2026-12-31"}}, ana,
		night(1))
	require.NoError(t, err)
	_, err = l.SetExceptions(t.Context(), []ledger.Exception{{PartnerID: contoso.ID, CustomerID: "d", Removed: true}},
		ana, night(2))
	require.NoError(t, err)
	shown := func(n int) (shown []string) {
		for c, err := range l.Invitable(t.Context(), contoso.ID, night(n)) {
			require.NoError(t, err)
			require.Equal(t, customer(c.ID).Name, c.Name)
			require.Equal(t, standing.NeverAccepted, c.Reason)
			shown = append(shown, fmt.Sprint(c.ID, " ", c.PurchasesRead, " ", c.Purchases.Active, " ", c.ResellerID,
				" ", c.AttestationOpen, " ", c.AcceptedUntil))
		}
		return shown
	}
	require.Equal(t, []string{"a read 0 reseller-1 true ", "b read 2  false ", "c unreadable 0  false ",
		"d not_read 0  true ", "e not_read 0  false 2026-12-31"}, shown(2))
	require.True(t, slices.ContainsFunc(shown(30), func(s string) bool { return s == "b not_read 0  false " }),
		"what was read long ago is not known")
}

func editedInvitations(t *testing.T, l *fixture) {
	l.sweep(t, 1, blocked("a"), blocked("b"))
	l.invite(t, 1, invitationOf("a"), ledger.InvitationDelivered)
	l.invite(t, 1, invitationOf("b"), ledger.InvitationBegun)
	l.whole(t)
	for _, edit := range []string{
		"UPDATE invitation SET recipient = 'other@example.com' WHERE customer_id = 'a'",
		"UPDATE invitation SET kind = 'relationship' WHERE customer_id = 'a'",
		"UPDATE invitation SET customer_id = 'b' WHERE customer_id = 'a'",
		"UPDATE invitation SET domain = 'other.example.com' WHERE customer_id = 'a'",
		"UPDATE invitation_result SET outcome = 'failed'",
		"UPDATE invitation_result SET reason = 'none'",
		"DELETE FROM invitation_result",
		"DELETE FROM invitation WHERE customer_id = 'b'",
	} {
		for _, table := range []string{"invitation", "invitation_result"} {
			l.exec(t, "CREATE TABLE saved_"+table+" AS SELECT * FROM "+table)
		}
		l.exec(t, edit)
		require.NotEmpty(t, l.problems(t), edit)
		l.exec(t, "DELETE FROM invitation_result")
		l.exec(t, "DELETE FROM invitation")
		for _, table := range []string{"invitation", "invitation_result"} {
			l.exec(t, "INSERT INTO "+table+" SELECT * FROM saved_"+table)
			l.exec(t, "DROP TABLE saved_"+table)
		}
		l.whole(t)
	}
}
