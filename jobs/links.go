package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
)

// Links hands the links of one partner's attestations over to their signers, each message at most
// once. Safe for concurrent use.
type Links struct {
	Mails    MailComposer
	Sender   MailSender
	Channel  ledger.Channel  // how the sender delivers
	From     netmail.Address // whom signers answer
	Partner  string          // its name
	Language string          // of mails to signers whose language nobody knows
	Zone     *time.Location  // of the expiry in a mail
	Store    LinkStore
	Now      func() time.Time

	mu   sync.Mutex // one message after the other
	down error      // what every message would meet
}

// LinkStore records who got which link.
type LinkStore interface {
	// BeginLink records that a link is about to be handed over. It fails with
	// attestation.ErrLinkGiven when the same message was handed over, or may have been, and then
	// returns the number of a message of which nobody knows what became.
	BeginLink(ctx context.Context, c *attestation.Claim, kind attestation.LinkKind, channel ledger.Channel,
		at time.Time) (id int64, err error)
	EndLink(ctx context.Context, id int64, outcome ledger.InvitationOutcome, reason string, at time.Time) error
}

var reminders = map[attestation.LinkKind]mail.Reminder{
	attestation.FirstLink: mail.First, attestation.LinkReminder: mail.Repeated,
	attestation.LastReminder: mail.LastReminder,
}

// hand gives a link to the signer of an attestation. Without an error it was delivered, or never
// can be. With an error it is tried again later.
func (l *Links) hand(ctx context.Context, c *attestation.Claim, kind attestation.LinkKind,
	link acceptLink) (attestation.Settlement, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return followed(c), &RowError{l.down}
	}
	message, err := l.message(c, kind, link)
	if err != nil {
		return notDelivered(c, err), nil
	}
	id, err := l.Store.BeginLink(ctx, c, kind, l.Channel, l.Now())
	given := errors.Is(err, attestation.ErrLinkGiven)
	switch {
	case given && id == 0:
		return handedOver(), nil
	// the mail server may have taken it; a draft is written again, as the same file
	case given && l.Channel != ledger.ByDraft:
		return maybeHandedOver(message),
			l.Store.EndLink(ctx, id, ledger.InvitationUnknown, "the program was stopped", l.Now())
	case err != nil && !given:
		return followed(c), err
	}
	return l.send(ctx, c, message, id)
}

// send sends a message, and records what became of it.
func (l *Links) send(ctx context.Context, c *attestation.Claim, m mail.Message, id int64) (
	attestation.Settlement, error) {
	failed := l.Sender.Send(ctx, m)
	outcome, all := outcomeOfMail(failed)
	reason := ""
	if failed != nil {
		reason = failed.Error()
	}
	if err := l.Store.EndLink(context.WithoutCancel(ctx), id, outcome, reason, l.Now()); err != nil {
		return followed(c), err
	}
	if all {
		l.down = failed
	}
	switch e, _ := errors.AsType[*mail.SendError](failed); {
	case outcome == ledger.InvitationDelivered:
		return handedOver(), nil
	case outcome == ledger.InvitationUnknown:
		return maybeHandedOver(m), nil
	case e != nil && e.Outcome == mail.Permanent && !e.Server:
		return notDelivered(c, failed), nil
	}
	return followed(c), &RowError{failed}
}

// maybeHandedOver is an attestation whose signer may have the link. It is not sent again.
func maybeHandedOver(m mail.Message) attestation.Settlement {
	return attestation.Settlement{
		State:   attestation.Waiting,
		Result:  attestation.ResultSucceeded,
		Read:    true,
		Wait:    minRetryDelay,
		Message: "it is not known whether the link was sent: no answer of the mail server was recorded",
		Hint: fmt.Sprintf("Look for %s in the log of the mail server; if it is not there, hand the link over "+
			"yourself: mcaledger attest links --again.", m.ID),
	}
}

// message is what a signer gets. The same message has the same id, however often it is made.
func (l *Links) message(c *attestation.Claim, kind attestation.LinkKind, link acceptLink) (mail.Message, error) {
	to, err := mail.ParseAddress(c.Content.Signer.FirstName+" "+c.Content.Signer.LastName, c.Content.Signer.Email)
	if err != nil {
		return mail.Message{}, err
	}
	return l.Mails.Compose(mail.Content{
		ID: fmt.Sprintf("attestation-%s-%d-%s", c.ID, c.Creation, kind), Kind: mail.Attestation,
		Reminder: reminders[kind], Partner: cmp.Or(l.From.Name, l.Partner), From: l.From, To: to,
		Customer: link.Customer, Link: link.URL,
		Expires: c.ExpiresAt.In(l.Zone), Languages: []string{link.Language, l.Language}, Date: l.Now(),
	})
}

// notDelivered is an attestation whose signer cannot get the link.
func notDelivered(c *attestation.Claim, err error) attestation.Settlement {
	return attestation.Settlement{State: attestation.Failed, Reason: attestation.LinkNotDelivered,
		Result: attestation.ResultNotSent, Read: true, Message: err.Error(),
		Hint: fmt.Sprintf("Correct the row and import it again; or run mcaledger attest retry %s, then mcaledger "+
			"attest links to hand "+
			"the link over yourself.", c.ID)}
}
