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
