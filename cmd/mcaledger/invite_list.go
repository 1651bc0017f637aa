package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

type invitationListReply struct {
	envelope
	Invitations []listedInvitation `json:"invitations"`
}

// listedInvitation is an invitation in JSON; its names are a contract. Whom it went to is in the
// ledger alone.
type listedInvitation struct {
	Invitation int64                    `json:"invitation"`
	Partner    string                   `json:"partner"`
	TenantID   string                   `json:"tenant_id"`
	Customer   string                   `json:"customer"`
	Domain     string                   `json:"domain"`
	Kind       ledger.InvitationKind    `json:"kind"`
	Channel    ledger.Channel           `json:"channel"`
	Language   string                   `json:"language"`
	InvitedBy  string                   `json:"invited_by"`
	InvitedAt  time.Time                `json:"invited_at"`
	Outcome    ledger.InvitationOutcome `json:"outcome"` // empty: not known
	Answer     ledger.InvitationAnswer  `json:"answer"`
	AnsweredAt *time.Time               `json:"answered_at"`
	Days       int                      `json:"days"` // from the invitation to the answer
	Standing   standing.Standing        `json:"standing"`
	// Without an answer for invite.repeat_after_days: the partner has to attest.
	Unanswered bool `json:"unanswered"`
}

func (a *app) inviteListCommand() *cobra.Command {
	r := &invitationListReply{envelope: envelope{Command: "invite list"}, Invitations: []listedInvitation{}}
	var partners []string
	cmd := a.command("list", "list the invitations, the newest first, with what their customers did", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			if err := w.listInvitations(ctx, partners, r); err != nil {
				return err
			}
			a.printInvitations(r.Invitations)
			return nil
		}))
	cmd.Flags().StringSliceVar(&partners, "partner", nil,
		"only customers of this partner (name or tenant id; may be repeated)")
	return example(cmd, "mcaledger invite list")
}

func (w *workspace) listInvitations(ctx context.Context, wanted []string, r *invitationListReply) error {
	selected, err := w.config.Select(wanted)
	if err != nil {
		return usageError{err}
	}
	zone, err := w.config.Report.Location()
	if err != nil {
		return configError{err}
	}
	for _, p := range selected {
		partner := partnerOf(p).Partner
		entries, err := jobs.ListInvitations(ctx, w.ledger, partner.ID, w.Now())
		if err != nil {
			return databaseError{err}
		}
		for _, e := range entries {
			r.Invitations = append(r.Invitations, w.listedInvitation(e, partner.Name, zone))
		}
	}
	slices.SortStableFunc(r.Invitations, func(a, b listedInvitation) int {
		return cmp.Compare(b.Invitation,
			a.Invitation)
	})
	return nil
}

func (w *workspace) listedInvitation(e ledger.InvitationEntry, partner string, zone *time.Location) listedInvitation {
	listed := listedInvitation{Invitation: e.ID, Partner: partner, TenantID: cmp.Or(e.Customer.ID, e.CustomerID),
		Customer: cmp.Or(e.Customer.Name, e.CustomerName),
		Domain:   cmp.Or(e.Customer.Domain, e.Domain), Kind: e.Kind, Channel: e.Channel, Language: e.Language,
		InvitedBy: e.Actor.Name, InvitedAt: e.At,
		Outcome: e.Outcome, Answer: e.Answer(), Standing: e.Standing,
		Unanswered: e.Unanswered(w.Now(), w.config.Invite.RepeatAfterDays)}
	if !e.AnsweredAt.IsZero() {
		listed.AnsweredAt, listed.Days = &e.AnsweredAt, e.Days(zone)
	}
	return listed
}

func (a *app) printInvitations(listed []listedInvitation) {
	if len(listed) == 0 {
		a.answerf("Nobody has been invited.\n")
	}
	list := table{columns: []column{right("INVITATION"), left("CUSTOMER"), left("PARTNER"), left("ASKED TO ACCEPT"),
		left("INVITED (UTC)"), left("BY"), left("SENDING"), left("ANSWER"), right("AFTER DAYS")}}
	for _, i := range listed {
		answer, days := strings.ReplaceAll(string(i.Answer), "_", " "), ""
		if i.Unanswered {
			answer = a.sprintf("%s, attest instead", answer)
		}
		if i.AnsweredAt != nil {
			days = fmt.Sprint(i.Days)
		}
		list.add(i.Invitation, cmp.Or(i.Customer, i.Domain), i.Partner, i.Kind, i.InvitedAt.Format("2006-01-02 15:04"),
			i.InvitedBy, cmp.Or(string(i.Outcome), a.sprintf("not known")), answer, days)
	}
	a.answer(list)
}
