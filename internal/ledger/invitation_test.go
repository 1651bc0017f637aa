package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

func TestAnswerToAnInvitation(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02 15:04", text)
		require.NoError(t, err)
		return when
	}
	customer := standing.CustomerOf("a")
	invited := Invitation{At: at("2026-05-12 22:30")}
	saoPaulo := time.FixedZone("", -3*3600)
	for name, c := range map[string]struct {
		entry InvitationEntry
		want  InvitationAnswer
		days  int
	}{
		"accepted two days later": {InvitationEntry{Invitation: invited, Customer: customer,
			AnsweredAt: at("2026-05-15 02:00"), AnsweredBy: standing.AcceptedDirectly}, InvitationAccepted, 2},
		"attested by the partner": {InvitationEntry{Invitation: invited, Customer: customer,
			AnsweredAt: at("2026-05-13 04:00"), AnsweredBy: standing.Attested}, InvitationAttested, 1},
		"seen the same evening": {InvitationEntry{Invitation: invited, Customer: customer,
			AnsweredAt: at("2026-05-13 02:59"), AnsweredBy: standing.AcceptedDirectly}, InvitationAccepted, 0},
		"accepted, and gone since then": {InvitationEntry{Invitation: invited, AnsweredAt: at("2026-05-15 02:00"),
			AnsweredBy: standing.AcceptedDirectly}, InvitationAccepted, 2},
		"invited again before it answered": {InvitationEntry{Invitation: invited, Customer: customer, Again: true},
			InvitedAgain, 0},
		"no answer":   {InvitationEntry{Invitation: invited, Customer: customer}, InvitationOpen, 0},
		"no customer": {InvitationEntry{Invitation: invited}, NotACustomer, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.entry.Answer())
			if !c.entry.AnsweredAt.IsZero() {
				require.Equal(t, c.days, c.entry.Days(saoPaulo))
			}
		})
	}
}

func TestInvitationsThatWereNotAnswered(t *testing.T) {
	t.Parallel()
	e := InvitationEntry{Invitation: Invitation{At: time.Date(2026, 5, 12, 10, 0, 0, 0, time.UTC)},
		Customer: standing.CustomerOf("a")}
	require.False(t, e.Unanswered(time.Date(2026, 5, 26, 9, 59, 0, 0, time.UTC), 14))
	require.True(t, e.Unanswered(time.Date(2026, 5, 26, 10, 0, 0, 0, time.UTC), 14))
	e.AnsweredAt, e.AnsweredBy = e.At.AddDate(0, 0, 20), standing.AcceptedDirectly
	require.False(t, e.Unanswered(time.Date(2026, 6, 26, 10, 0, 0, 0, time.UTC), 14))
}
