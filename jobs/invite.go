package jobs

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Invite asks customers to accept the agreement by themselves: existing ones on the page of the
// agreement, others by accepting the reseller relationship, and the agreement with it.
type Invite struct {
	Partners    *Partners
	Store       InvitationStore
	Mails       MailComposer
	Sender      MailSender
	Channel     ledger.Channel  // how the sender delivers
	From        netmail.Address // whom customers answer
	Language    string          // of mails to customers whose language is unknown
	RepeatAfter int             // days in which a customer is not invited again
	Again       bool            // invite customers that were invited in these days, too
	Ceiling     int             // the most that one invocation may send
	DryRun      bool            // decide, and send nothing
	// Check may refuse to send, because the ledger was put back to an earlier state.
	Check func(context.Context) error
	Today standing.Date // in the time zone of the reports
	By    attestation.Actor
	Now   func() time.Time
	Log   *slog.Logger
}

// InvitationStore is what invitations ask of the ledger.
type InvitationStore interface {
	Customers(ctx context.Context, partners []string,
		named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error)
	InvitableLister
	// LastInvitations finds the earlier invitations that these would repeat.
	LastInvitations(ctx context.Context, of []ledger.Invitation) (map[string]ledger.LastInvitation, error)
	// BeginInvitation records an invitation before it is sent. Its error has the code "invited"
	// when another process has invited the same customer at or after since.
	BeginInvitation(ctx context.Context, v ledger.Invitation, since time.Time, actor attestation.Actor,
		at time.Time) (id int64, err error)
	EndInvitation(ctx context.Context, id int64, outcome ledger.InvitationOutcome, reason string,
		actor attestation.Actor, at time.Time) error
}

// InvitationService is what invitations ask of Partner Center.
type InvitationService interface {
	Profile(ctx context.Context, customerID string) (standing.Profile, error)
	// RelationshipRequest returns the link by which a tenant accepts a reseller relationship. It
	// must not be edited.
	RelationshipRequest(ctx context.Context) (link string, err error)
}

// MailComposer makes a message of its content.
type MailComposer interface {
	Compose(mail.Content) (mail.Message, error)
}

// MailSender delivers a message.
type MailSender interface {
	Send(context.Context, mail.Message) error
}

// InviteResult is the outcome for one customer.
type InviteResult string

const (
	InvitePlanned   InviteResult = "planned"   // of a dry run: it would be invited
	InviteDelivered InviteResult = "delivered" // the draft is written, or the mail server accepted the message
	InviteLeftOut   InviteResult = "left_out"  // it is not to be invited, and the reason says why
	InviteRefused   InviteResult = "refused"   // it cannot be invited as it was asked for
	InviteFailed    InviteResult = "failed"    // the message was not sent
	InviteUnknown   InviteResult = "unknown"   // the message may have been sent
	InviteNotSent   InviteResult = "not_sent"  // its turn did not come
)

// InviteReason says why a customer was not invited. The words appear as they are in JSON.
type InviteReason string

const (
	AlreadyAccepted      InviteReason = "already_accepted"       // the customer can buy
	ActiveSubscriptions  InviteReason = "active_subscriptions"   // so it may be unable to accept directly
	SubscriptionsNotRead InviteReason = "subscriptions_not_read" // so that is not known
	OfIndirectReseller   InviteReason = "indirect_reseller"      // whose customer it is
	AttestationUnderWay  InviteReason = "attestation_open"       // the partner is attesting
	BlockAccepted        InviteReason = "exception_accepted"     // by an exception
	InvitedRecently      InviteReason = "invited_recently"       //
	OutcomeNotKnown      InviteReason = "outcome_unknown"        // of an earlier invitation
	StandingNotKnown     InviteReason = "standing_unknown"       //
	TenantNotFound       InviteReason = "tenant_not_found"       //
	ProfileUnreadable    InviteReason = "profile_unreadable"     //
	NoAddress            InviteReason = "no_address"             // no e-mail address is known
	BadAddress           InviteReason = "bad_address"            // the e-mail address is none
	BadMail              InviteReason = "bad_mail"               // no message can be made of it
	UnreadableInvitation InviteReason = "unreadable_row"         // see the message
	NoPartnerChosen      InviteReason = "several_partners"       // which of them invites is not known
	OtherCompany         InviteReason = "other_company"          // the customer has another name than the row
	TwiceInList          InviteReason = "twice_in_list"          //
	NotDelivered         InviteReason = "not_delivered"          // by the mail server
)

// Invited is the outcome for one customer.
type Invited struct {
	Line       int // of a list; zero: none
	Partner    ledger.Partner
	CustomerID string // empty: not a customer yet, and its tenant id is not known
	Customer   string
	Domain     string
	Kind       ledger.InvitationKind
	Language   string
	Number     int64 // of the invitation; zero: none was begun
	Result     InviteResult
	Reason     InviteReason
	Message    string // for people; without the address
	Hint       string
}

// Invitations is the outcome for all customers.
type Invitations struct {
	DryRun    bool
	Customers []Invited
}

// Count counts the customers with a result.
func (i Invitations) Count(result InviteResult) (n int) {
	for _, c := range i.Customers {
		if c.Result == result {
			n++
		}
	}
	return n
}

// InviteCeilingError: more customers would be invited than one invocation may invite.
type InviteCeilingError struct{ Customers, Ceiling int }

func (e *InviteCeilingError) Error() string {
	return fmt.Sprintf("%s would be invited, and one invocation may invite %d; nobody was",
		plural(e.Customers, "customer"), e.Ceiling)
}
func (e *InviteCeilingError) Code() string { return "ceiling" }
func (e *InviteCeilingError) Hint() string {
	return "See with --dry-run who they are, and raise the limit with --ceiling if so many are right."
}

// Run invites the customers that a source names.
func (j Invite) Run(ctx context.Context, source InviteSource) (done Invitations, err error) {
	if strings.TrimSpace(j.By.Name) == "" {
		return done, usageErrorf("--by must not be empty: say who invites")
	}
	i := inviting{Invite: j, correlationID: uuid.NewString(), began: j.Now()}
	plans, err := source.plan(ctx, &i)
	if err != nil {
		return done, err
	}
	err = i.invite(ctx, plans)
	done = Invitations{DryRun: j.DryRun, Customers: make([]Invited, len(plans))}
	for n, p := range plans {
		done.Customers[n] = p.Invited
	}
	j.Log.Info("customers invited", "delivered", done.Count(InviteDelivered), "left_out", done.Count(InviteLeftOut),
		"refused", done.Count(InviteRefused),
		"failed", done.Count(InviteFailed), "unknown", done.Count(InviteUnknown), "not_sent", done.Count(InviteNotSent),
		"dry_run", j.DryRun)
	if err != nil {
		return done, err
	}
	return done, done.err()
}

// err says what of it needs a person.
func (i Invitations) err() error {
	refused, failed, unknown := i.Count(InviteRefused), i.Count(InviteFailed), i.Count(InviteUnknown)
	if refused+failed+unknown == 0 {
		return nil
	}
	hint := "What is wrong with each is listed above; customers that were invited are not invited again."
	if unknown > 0 {
		hint += " Whether the others were is to be seen in the log of the mail server."
	}
	return partialHint("not_all_invited", fmt.Sprintf("%d of %s could not be invited, and of %d it is not known",
		refused+failed,
		plural(len(i.Customers), "customer"), unknown), hint)
}

// inviting is one invocation.
type inviting struct {
	Invite
	correlationID string
	began         time.Time
}

// invite carries plans out. What it returns stopped it.
func (i *inviting) invite(ctx context.Context, plans []*invitePlan) error {
	if err := i.Check(ctx); err != nil {
		return err
	}
	if err := i.leaveOutInvited(ctx, plans); err != nil {
		return err
	}
	if open := len(openPlans(plans)); open > i.Ceiling {
		return &InviteCeilingError{open, i.Ceiling}
	}
	if err := i.readProfiles(ctx, plans); err != nil {
		return err
	}
	if err := i.readLinks(ctx, plans); err != nil {
		return err
	}
	i.compose(plans)
	if i.DryRun {
		return nil
	}
	return i.send(ctx, openPlans(plans))
}

// service is a partner's service.
func (i *inviting) service(partner ledger.Partner) (InvitationService, error) {
	return i.Partners.Service(partner.ID, i.correlationID)
}

// since is the instant from which on an invitation keeps a customer from being invited again.
func (i *inviting) since() time.Time {
	if i.Again {
		return i.began // another process may invite at the same time
	}
	return i.began.AddDate(0, 0, -i.RepeatAfter)
}

// InvitationReader reads the invitations of a partner.
type InvitationReader interface {
	CompletedRuns(ctx context.Context, partnerID string, by time.Time, limit int) ([]ledger.Run, error)
	Invitations(ctx context.Context, partnerID string, run int64, at time.Time) iter.Seq2[ledger.InvitationEntry, error]
}

// ListInvitations lists the invitations of a partner, the newest first, with what their customers
// had done by the last completed run.
func ListInvitations(ctx context.Context, store InvitationReader, partnerID string,
	at time.Time) (entries []ledger.InvitationEntry, _ error) {
	runs, err := store.CompletedRuns(ctx, partnerID, at, 1)
	if err != nil {
		return nil, err
	}
	var run int64
	if len(runs) > 0 {
		run = runs[0].ID
	}
	for e, err := range store.Invitations(ctx, partnerID, run, at) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
