package reports

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

type invitationRow = ofPartner[ledger.InvitationEntry]

// invitationsTable are the customers that were asked to accept by themselves, and what they did.
func (r *report) invitationsTable() table {
	t := newTable(sheetInvitations, r.invitationColumns(), r.total(invitationRows),
		eachOf(r, invitationRows, r.invitationsOf))
	t.until("reason")
	t.across = 2
	t.marks = []mark{{"invitation", "invitation", string(ledger.InvitationAccepted), fine},
		{"invitation", "invitation", string(ledger.InvitationAttested), fine}}
	return t
}

func invitationRows(c counts) int { return c.invitations }

func (r *report) invitationsOf(ctx context.Context, p PartnerRun) iter.Seq2[ledger.InvitationEntry, error] {
	return r.source.Invitations(ctx, p.Partner.ID, p.Run.ID, r.book.AsOf)
}

func (r *report) invitationColumns() []column[invitationRow] {
	return []column[invitationRow]{
		code("invitation", 22, r.say.Words["invitation"],
			func(i *invitationRow) string { return string(i.row.Answer()) }),
		col("customer", 38, func(i *invitationRow) Cell { return Text(invitedName(i.row)) }),
		col("partner", 17, func(i *invitationRow) Cell { return Text(i.partner.Partner.Name) }),
		col("invited_at", 17, func(i *invitationRow) Cell { return Instant(i.row.At) }),
		since("answered_at", func(i *invitationRow) Cell { return Instant(i.row.AnsweredAt) }),
		num("days_to_answer", 12, func(i *invitationRow) Cell { return r.daysToAnswer(i.row) }),
		code("standing", 16, r.say.Words["standing"],
			func(i *invitationRow) string { return string(i.row.Standing) }),
		code("invited_to", 24, r.say.Words["invited_to"],
			func(i *invitationRow) string { return string(i.row.Kind) }),
		code("delivery", 20, r.say.Words["delivery"], func(i *invitationRow) string { return delivery(i.row) }),
		code("channel", 16, r.say.Words["channel"], func(i *invitationRow) string { return string(i.row.Channel) }),
		col("language", 10, func(i *invitationRow) Cell { return Text(i.row.Language) }),
		col("invited_by", 18, func(i *invitationRow) Cell { return Text(i.row.Actor.Name) }),
		col("reason", 38, func(i *invitationRow) Cell { return Text(i.row.Reason) }),
		event("last_event", func(i *invitationRow) int64 { return i.row.ID }),
		col("tenant_id", 38, func(i *invitationRow) Cell {
			return Text(cmp.Or(i.row.Customer.DisplayID, i.row.Customer.ID, i.row.CustomerID))
		}),
	}
}

// invitedName is the customer's name; until it is a customer, that on the invitation.
func invitedName(i ledger.InvitationEntry) string {
	if i.Customer.Name != "" {
		return i.Customer.Name
	}
	return i.CustomerName
}

// delivery is what became of the message. One whose end was not recorded may have been sent.
func delivery(i ledger.InvitationEntry) string {
	if i.Outcome == ledger.InvitationBegun {
		return string(ledger.InvitationUnknown)
	}
	return string(i.Outcome)
}

func (r *report) daysToAnswer(i ledger.InvitationEntry) Cell {
	if i.AnsweredAt.IsZero() {
		return Cell{}
	}
	return Days(i.Days(r.book.Location), i.Days(time.UTC))
}
