package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
)

// messageID names the message of an invitation: the draft, and the Message-ID.
func messageID(invitation int64) string { return fmt.Sprintf("invitation-%d", invitation) }

// send sends the messages, one after the other. A recipient who is refused does not keep the others
// from theirs; what every message would meet does.
func (i *inviting) send(ctx context.Context, plans []*invitePlan) error {
	for n, p := range plans {
		err := context.Cause(ctx)
		if err == nil {
			err = i.sendOne(ctx, p)
		}
		if err != nil {
			for _, p := range plans[n:] {
				if p.Result == "" {
					p.stop(InviteNotSent, "", "its turn did not come", "")
				}
			}
			return err
		}
	}
	return nil
}

// sendOne sends one message. It is in the ledger before it leaves, so that a process that is killed
// sends nothing twice. What it returns concerns the others, too.
func (i *inviting) sendOne(ctx context.Context, p *invitePlan) error {
	number, err := i.Store.BeginInvitation(ctx, p.invitation(i.Channel), i.since(), i.By, i.Now())
	if coded, ok := errors.AsType[CodedError](err); ok && coded.Code() == "invited" {
		p.leaveOut(InvitedRecently, "another process has invited it just now", "")
		return nil
	}
	if err != nil {
		return err
	}
	p.Number, p.message.ID = number, messageID(number)
	sent := i.Sender.Send(ctx, p.message)
	outcome, stop := outcomeOfMail(sent)
	reason := ""
	switch p.Result = InviteDelivered; outcome {
	case ledger.InvitationFailed:
		reason = sent.Error()
		p.stop(InviteFailed, NotDelivered, reason, "")
	case ledger.InvitationUnknown:
		reason = sent.Error()
		p.stop(InviteUnknown, OutcomeNotKnown, reason,
			fmt.Sprintf("Look for %s in the log of the mail server; if it is not there, use --again.", p.message.ID))
	}
	err = i.Store.EndInvitation(context.WithoutCancel(ctx), number, outcome, reason, i.By, i.Now())
	if err == nil && stop {
		err = sent
	}
	return err
}

// outcomeOfMail is the outcome of sending a message, and whether the next ones would meet the same.
func outcomeOfMail(err error) (outcome ledger.InvitationOutcome, stop bool) {
	if err == nil {
		return ledger.InvitationDelivered, false
	}
	failure, ok := errors.AsType[*mail.SendError](err)
	switch {
	case !ok: // a draft that cannot be written
		return ledger.InvitationFailed, true
	case failure.Outcome == mail.Unknown:
		return ledger.InvitationUnknown, failure.Server
	}
	return ledger.InvitationFailed, failure.Server
}
