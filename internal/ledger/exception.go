package ledger

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Exception is what a partner decided about a blocked customer: who deals with it, and until when the block is accepted.
type Exception struct {
	PartnerID     string
	CustomerID    string
	Owner         string
	DueOn         standing.Date // empty: none
	Comment       string
	AcceptedUntil standing.Date // empty: the block is not accepted
	Removed       bool          // the customer has no exception any more
	File          string        // that it was imported from; empty: set by command

	Actor attestation.Actor // who set it, and when; the ledger fills them in
	At    time.Time
}

// InvitationKind says what a customer was asked to do.
type InvitationKind string

const (
	InviteToAgreement    InvitationKind = "agreement"    // to accept the agreement on its page
	InviteToRelationship InvitationKind = "relationship" // to accept the reseller relationship, and with it the agreement
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

// Invitation is one message that asked a customer to accept by itself.
type Invitation struct {
	PartnerID      string
	CustomerID     string // empty: not a customer yet
	Kind           InvitationKind
	Channel        Channel
	Recipient      string // e-mail address
	Language       string
	TemplateDigest string // of the text

	Actor attestation.Actor // who invited, and when; the ledger fills them in
	At    time.Time
}
