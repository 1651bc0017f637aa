package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/store"
)

// links are the contract of attestations of the enhanced route.
var links = map[string]func(*testing.T, *fixture){
	"a link is handed over at most once":                    linkOnce,
	"what waits is followed once by a queue":                followsOnce,
	"an attestation that expired is created again":          renews,
	"a retry goes on after the last step":                   retriesAfterTheLastStep,
	"what only the enhanced route knows was not known then": enhancedThen,
}

// created is an attestation that Microsoft has created, and the claim on its next step.
func (l *fixture) created(t *testing.T, customer string) (*store.Queue, *attestation.Claim) {
	t.Helper()
	_, q := l.approved(t, customer)
	c, err := q.Claim(t.Context(), "2026-11-20", attestation.ApprovedWork)
	require.NoError(t, err)
	require.NoError(t, q.Open(t.Context(), c, attestation.Request{Kind: attestation.CreateRequest, ID: "create",
		Content: `{"country":"BR"}`, SentAt: night(2)}, time.Minute))
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Created,
		Result: attestation.ResultSucceeded, Enhanced: &attestation.Enhanced{Creation: c.Creation + 1,
			AcceptLink: "sealed", ExpiresAt: night(9)}}, night(2)))
	return q, follow(t, q)
}

func follow(t *testing.T, q *store.Queue) *attestation.Claim {
	t.Helper()
	c, err := q.Claim(t.Context(), "2026-11-20", attestation.FollowWork)
	require.NoError(t, err)
	return c
}

// linked is an attestation of which the signer has the link.
func (l *fixture) linked(t *testing.T, customer string) (*store.Queue, attestation.ID) {
	t.Helper()
	q, c := l.created(t, customer)
	id, err := q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.BySMTP, night(2))
	require.NoError(t, err)
	require.NoError(t, q.EndLink(t.Context(), id, ledger.InvitationDelivered, "", night(2)))
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Waiting,
		Result: attestation.ResultSucceeded, Read: true, Wait: time.Second}, night(2)))
	return q, c.ID
}

func linkOnce(t *testing.T, l *fixture) {
	q, c := l.created(t, "a")
	require.Equal(t, []any{attestation.Created, 1, "sealed", night(9).Truncate(time.Microsecond), time.Time{}},
		[]any{c.State, c.Creation, c.AcceptLink, c.ExpiresAt, c.LinkAt})
	first, err := q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.BySMTP, night(3))
	require.NoError(t, err)
	again, err := q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.BySMTP, night(3))
	require.ErrorIs(t, err, attestation.ErrLinkGiven, "nobody knows whether it left")
	require.Equal(t, first, again, "and it can still be said")
	require.NoError(t, q.EndLink(t.Context(), first, ledger.InvitationFailed, "mailbox unknown", night(3)))
	second, err := q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.ByDraft, night(4))
	require.NoError(t, err, "it did not")
	require.NoError(t, q.EndLink(t.Context(), second, ledger.InvitationDelivered, "", night(4)))
	again, err = q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.ByDraft, night(4))
	require.ErrorIs(t, err, attestation.ErrLinkGiven)
	require.Zero(t, again, "what became of it is known")
	_, err = q.BeginLink(t.Context(), c, attestation.FirstLink, ledger.ByFile, night(5))
	require.NoError(t, err, "a person asks for a file of links as often as needed")
	reminder, err := q.BeginLink(t.Context(), c, attestation.LinkReminder, ledger.ByDraft, night(6))
	require.NoError(t, err)
	require.NoError(t, q.EndLink(t.Context(), reminder, ledger.InvitationDelivered, "", night(6)))
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: c.State}, night(6)))
	c = follow(t, q)
	require.Equal(t, []any{saved(4), true, false}, []any{c.LinkAt, c.Reminded, c.LastReminded})
	l.exec(t, "UPDATE attestation SET claim_expires = 1")
	_, err = q.BeginLink(t.Context(), c, attestation.LastReminder, ledger.ByDraft, night(6))
	require.ErrorIs(t, err, attestation.ErrClaimLost)
	require.Equal(t, 7, l.count(t, "SELECT COUNT(*) FROM event WHERE kind IN ('link', 'remind')"))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE detail LIKE '%example.com%' OR detail LIKE "+
		"'%sealed%'"), "neither address nor link is in the log")
	l.whole(t)
}

func followsOnce(t *testing.T, l *fixture) {
	q, id := l.linked(t, "a")
	linked, err := q.SampleLink(t.Context())
	require.NoError(t, err)
	require.Equal(t, []any{id, 1, "sealed"}, []any{linked.ID, linked.Creation, linked.AcceptLink})
	require.Nil(t, follow(t, q), "it has just been handed over")
	l.exec(t, "UPDATE attestation SET next_attempt_at = 1")
	q = l.queue(t)
	c := follow(t, q)
	require.Equal(t, id, c.ID)
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: c.State, Wait: time.Millisecond},
		night(3)))
	require.Nil(t, follow(t, q), "once by a queue")
	l.exec(t, "UPDATE attestation SET next_attempt_at = 1")
	require.NotNil(t, follow(t, l.queue(t)))
	n, err := q.CountReady(t.Context(), "2026-11-20", attestation.ApprovedWork)
	require.NoError(t, err)
	require.Zero(t, n, "what waits is not to be sent")
	unsettled, err := q.CountUnsettled(t.Context(), "2026-11-20")
	require.NoError(t, err)
	require.Equal(t, attestation.Unsettled{Waiting: 1}, unsettled)
}

func renews(t *testing.T, l *fixture) {
	_, id := l.linked(t, "a")
	l.exec(t, "UPDATE attestation SET next_attempt_at = 0")
	q := l.queue(t)
	c := follow(t, q)
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Expired,
		Result: attestation.ResultNotSent, Read: true}, night(9)))
	n, err := q.Renew(t.Context(), 1, night(10))
	require.NoError(t, err)
	require.Zero(t, n, "it was created as often as it may be")
	n, err = q.Renew(t.Context(), 2, night(10))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	events, err := l.Events(t.Context(), id)
	require.NoError(t, err)
	last := events[len(events)-2:]
	require.Equal(t, []any{ledger.EventExpire, attestation.Expired, ledger.EventRenew, attestation.Approved},
		[]any{last[0].Kind, last[0].To, last[1].Kind, last[1].To})
	c, err = q.Claim(t.Context(), "2026-11-20", attestation.ApprovedWork)
	require.NoError(t, err)
	require.Equal(t, []any{id, 1, time.Time{}}, []any{c.ID, c.Creation, time.Time{}})
	l.whole(t)
}

func retriesAfterTheLastStep(t *testing.T, l *fixture) {
	q, c := l.created(t, "a")
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Failed,
		Result: attestation.ResultNotSent, Read: true}, night(3)))
	a := l.attestation(t, c.ID)
	to, ok := a.Retried()
	require.True(t, ok)
	require.Equal(t, attestation.Created, to)
	require.NoError(t, l.Decide(t.Context(), a.ID, a.State, to, attestation.Actor{Name: "ana"}, night(4)))
	require.NotNil(t, follow(t, l.queue(t)))
	l.whole(t)
}

func enhancedThen(t *testing.T, l *fixture) {
	_, id := l.linked(t, "a")
	l.exec(t, "UPDATE attestation SET next_attempt_at = 0")
	q := l.queue(t)
	c := follow(t, q)
	known := c.Enhanced
	known.AcceptedOn, known.DocumentURL = "2026-11-24", "https://example.com/doc"
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Accepted,
		Result: attestation.ResultSucceeded, Read: true, Enhanced: &known}, night(5)))
	for n, want := range map[int]attestation.Enhanced{
		1: {}, 2: {Creation: 1, AcceptLink: "sealed", ExpiresAt: saved(9)}, 4: {Creation: 1, AcceptLink: "sealed",
			ExpiresAt: saved(9)},
		5: {Creation: 1, AcceptLink: "sealed", ExpiresAt: saved(9), AcceptedOn: "2026-11-24",
			DocumentURL: "https://example.com/doc"},
	} {
		all := l.entries(t, contoso.ID, ledger.Snapshot{Batch: id.Batch, At: night(n)})
		require.Equal(t, want, all[0].Enhanced, n)
	}
	l.whole(t)
}
