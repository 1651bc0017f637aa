package ledger

import (
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// InvitationKind says what a customer was asked to do.
type InvitationKind string

const (
	InviteToAgreement    InvitationKind = "agreement"    // to accept the agreement on its page
	InviteToRelationship InvitationKind = "relationship" // to accept the relationship, and with it the agreement
)

// InvitationKinds are all kinds. The schema allows the same.
func InvitationKinds() []InvitationKind {
	return []InvitationKind{InviteToAgreement, InviteToRelationship}
}

// Channel is how a message went out.
type Channel string

const (
	ByDraft Channel = "draft" // a file that a person sends
	BySMTP  Channel = "smtp"
	ByFile  Channel = "file" // a list of links for the partner's own mailing
)

// Channels are all channels. The schema allows the same.
func Channels() []Channel { return []Channel{ByDraft, BySMTP, ByFile} }

// InvitationOutcome is the outcome of sending an invitation.
type InvitationOutcome string

const (
	InvitationBegun     InvitationOutcome = ""          // it is being sent, or its process was stopped
	InvitationDelivered InvitationOutcome = "delivered" // the draft is written, or the mail server accepted the message
	InvitationFailed    InvitationOutcome = "failed"    // it was not sent
	InvitationUnknown   InvitationOutcome = "unknown"   // the mail server did not answer: it may have been sent
)

// InvitationOutcomes are those that are recorded. The schema allows the same.
func InvitationOutcomes() []InvitationOutcome {
	return []InvitationOutcome{InvitationDelivered, InvitationFailed, InvitationUnknown}
}

// Invitation is one message that asks a customer to accept by itself.
type Invitation struct {
	ID             int64 // the number of its event; the ledger fills it in
	PartnerID      string
	CustomerID     string // empty: not a customer yet, and its tenant id is not known
	CustomerName   string
	Domain         string // lower case; may be empty
	Kind           InvitationKind
	Channel        Channel
	Recipient      string // e-mail address
	Language       string
	TemplateDigest string // of the text

	Actor   attestation.Actor // who invited, and when; the ledger fills them in
	At      time.Time
	Outcome InvitationOutcome
	Reason  string // of a failure
}

// Key tells whom an invitation is for: the customer, or the recipient where there is no tenant id
// yet.
func (v Invitation) Key() string {
	if v.CustomerID != "" {
		return v.CustomerID
	}
	return strings.ToLower(v.Recipient)
}

// Repeats reports whether an invitation asks a customer for what an earlier one has asked it for.
// The agreement is the same with every partner; a relationship is with one.
func (v Invitation) Repeats(earlier Invitation) bool {
	return v.Key() == earlier.Key() &&
		(v.PartnerID == earlier.PartnerID || v.Kind == InviteToAgreement && earlier.Kind == InviteToAgreement)
}

// InvitationAnswer says what the customer of an invitation has done since.
type InvitationAnswer string

const (
	InvitationAccepted InvitationAnswer = "accepted"       // accepted directly
	InvitationAttested InvitationAnswer = "attested"       // the partner attested instead
	InvitationOpen     InvitationAnswer = "open"           // no answer yet
	NotACustomer       InvitationAnswer = "not_a_customer" // not yet, or not any more
	InvitedAgain       InvitationAnswer = "invited_again"  // the answer is that of a later invitation
)

// InvitationEntry is an invitation with its customer and the answer, as a completed run saw them.
// An answer is that of the newest invitation before it: earlier ones have none.
type InvitationEntry struct {
	Invitation
	Customer   standing.Customer // zero: no customer in that run
	Standing   standing.Standing
	Again      bool            // the customer was invited again before it answered
	AnsweredAt time.Time       // the first night after the invitation on which the customer was clear; zero: none
	AnsweredBy standing.Reason // why it was clear that night
}

// Answer is what the customer has done since.
func (e InvitationEntry) Answer() InvitationAnswer {
	switch {
	case e.Again:
		return InvitedAgain
	case e.AnsweredAt.IsZero() && e.Customer.ID == "":
		return NotACustomer
	case e.AnsweredAt.IsZero():
		return InvitationOpen
	case e.AnsweredBy == standing.AcceptedDirectly:
		return InvitationAccepted
	}
	return InvitationAttested
}

// Unanswered reports whether so many days have passed without an answer: then the partner has to
// attest instead.
func (e InvitationEntry) Unanswered(now time.Time, days int) bool {
	return e.Answer() == InvitationOpen && !now.Before(e.At.AddDate(0, 0, days))
}

// Days are the calendar days from the invitation to the answer, in a time zone.
func (e InvitationEntry) Days(zone *time.Location) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(day(e.AnsweredAt).Sub(day(e.At)) / (24 * time.Hour))
}

// LastInvitation is the newest invitation of a customer that was sent, or may have been.
type LastInvitation struct {
	ID      int64
	At      time.Time
	Outcome InvitationOutcome
}

// Invitable is a blocked customer with what decides whether it can be asked to accept by itself.
type Invitable struct {
	standing.Customer
	Reason          standing.Reason
	PurchasesRead   standing.Outcome
	Purchases       standing.Purchases
	ResellerID      string // its indirect reseller; empty: none, or not known
	AttestationOpen bool   // an attestation of it is under way
	AcceptedUntil   standing.Date
}
