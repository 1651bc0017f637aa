package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/testsize"
	"github.com/mcaledger/mcaledger/jobs"
)

// inviteBook is a ledger of invitations about a few customers.
type inviteBook struct {
	decisions
	invitable []ledger.Invitable
	shared    map[string]bool // customers of both partners; the others are of the first
	mu        sync.Mutex
	begun     []ledger.Invitation
	broken    error // of EndInvitation
}

func (b *inviteBook) Invitable(_ context.Context, partnerID string, _ time.Time) iter.Seq2[ledger.Invitable, error] {
	return func(yield func(ledger.Invitable, error) bool) {
		for _, c := range b.invitable {
			if (partnerID == partner.ID || b.shared[c.ID]) && !yield(c, nil) {
				return
			}
		}
	}
}

func (b *inviteBook) LastInvitations(_ context.Context,
	of []ledger.Invitation) (map[string]ledger.LastInvitation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := map[string]ledger.LastInvitation{}
	for i, v := range b.begun {
		for _, w := range of {
			if w.Repeats(v) && v.Outcome != ledger.InvitationFailed {
				last[v.Key()] = ledger.LastInvitation{ID: int64(i + 1), At: v.At, Outcome: v.Outcome}
			}
		}
	}
	return last, nil
}

func (b *inviteBook) BeginInvitation(ctx context.Context, v ledger.Invitation, since time.Time, actor attestation.Actor,
	at time.Time) (int64, error) {
	last, _ := b.LastInvitations(ctx, []ledger.Invitation{v})
	if found, ok := last[v.Key()]; ok && !found.At.Before(since) {
		return 0, store.ErrInvitedMeanwhile
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	v.Actor, v.At = actor, at
	b.begun = append(b.begun, v)
	return int64(len(b.begun)), nil
}

func (b *inviteBook) EndInvitation(ctx context.Context, id int64, outcome ledger.InvitationOutcome, reason string,
	_ attestation.Actor, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil || ctx.Err() != nil {
		return errors.Join(b.broken, ctx.Err())
	}
	b.begun[id-1].Outcome, b.begun[id-1].Reason = outcome, reason
	return nil
}

// outbox keeps messages instead of sending them.
type outbox struct {
	mu    sync.Mutex
	mails []mail.Message
	fail  map[string]error // by address
	after func()
}

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fail[m.To.Address]; err != nil {
		return err
	}
	o.mails = append(o.mails, m)
	if o.after != nil {
		o.after()
	}
	return nil
}

// partnerService is a service of which only the calls for invitations work.
type partnerService struct {
	jobs.PartnerService
	profiles map[string]standing.Profile
	live     map[string]standing.Customer
	failure  error
	mu       sync.Mutex
	read     []string // profiles
	links    int
}

const relationshipLink = "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship&partnerId=11111111-1111-4111-8111-111111111111&msppId=0&DAP=false#/BillingAccounts/partner-invitation"

func (s *partnerService) Profile(_ context.Context, id string) (standing.Profile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = append(s.read, id)
	profile, ok := s.profiles[id]
	if s.failure != nil {
		return standing.Profile{}, s.failure
	}
	if !ok {
		return standing.Profile{}, answers(partnercenter.Forbidden)
	}
	return profile, nil
}

func (s *partnerService) RelationshipRequest(context.Context) (string, error) {
	s.links++
	return relationshipLink, nil
}

func (s *partnerService) Customer(_ context.Context, id string) (standing.Customer, error) {
	if c, ok := s.live[id]; ok {
		return c, nil
	}
	return standing.Customer{}, answers(partnercenter.NotFound)
}

type connected struct{ service jobs.PartnerService }

func (c connected) ForRun(string) jobs.PartnerService { return c.service }
func (connected) Close()                              {}

// invitations is a job with its surroundings.
type invitations struct {
	jobs.Invite
	book    *inviteBook
	outbox  *outbox
	service *partnerService
}

func newInvitations(t *testing.T) *invitations {
	t.Helper()
	templates, err := mail.LoadTemplates("")
	require.NoError(t, err)
	contact := func(name, address string) standing.Contact {
		return standing.Contact{FirstName: name, LastName: "Souza", Email: address}
	}
	i := &invitations{
		book: &inviteBook{decisions: *decided()}, outbox: &outbox{fail: map[string]error{}},
		service: &partnerService{live: map[string]standing.Customer{}, profiles: map[string]standing.Profile{
			tenantA: {Name: "Alpha", Country: "BR", Language: "pt-BR", Contact: contact("Ana", "ana@alpha.example")},
			tenantB: {Name: "Beta", Country: "ES", Contact: contact("Blanca", "blanca@beta.example")},
			tenantC: {Name: "Gamma", Language: "ja-JP", Contact: contact("花子", "hanako@gamma.example")},
		}},
	}
	for n := range i.book.customers {
		i.book.customers[n].Standing = standing.Blocked
	}
	i.Invite = jobs.Invite{
		Partners: &jobs.Partners{List: []jobs.Partner{{Partner: partner, Concurrency: 4}},
			Open: func(jobs.Partner) (jobs.Connection, error) { return connected{i.service}, nil }},
		Store: i.book, Mails: templates, Sender: i.outbox, Channel: ledger.BySMTP,
		From:     netmail.Address{Name: "Contoso Licensing", Address: "licensing@contoso.example"},
		Language: "en", RepeatAfter: 14, Ceiling: 100, Today: standing.DateOf(today),
		By:  attestation.Actor{Name: "ana"},
		Now: func() time.Time { return today }, Log: slog.New(slog.DiscardHandler), Check: allowed,
	}
	return i
}

func allowed(context.Context) error { return nil }

func TestALedgerThatWasPutBackInvitesNobody(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(2)
	putBack := errors.New("this ledger was put back to an earlier state")
	i.Check = func(context.Context) error { return putBack }
	_, err := i.run(t, jobs.BlockedCustomers{})
	require.ErrorIs(t, err, putBack)
	require.Empty(t, i.book.begun)
	require.Empty(t, i.service.read)
}

func (i *invitations) run(t *testing.T, source jobs.InviteSource) (jobs.Invitations, error) {
	t.Helper()
	return i.Run(t.Context(), source)
}

// shownInvitations are the outcomes of the customers, and why.
func shownInvitations(done jobs.Invitations) (shown []string) {
	for _, c := range done.Customers {
		line := fmt.Sprintf("%s %s %s %s", c.Customer, c.Kind, c.Language, c.Result)
		if c.Reason != "" {
			line += " " + string(c.Reason)
		}
		shown = append(shown, strings.Join(strings.Fields(line), " "))
	}
	return shown
}

func TestInviteBlockedCustomers(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	customer := func(id, name string) ledger.Invitable {
		return ledger.Invitable{Customer: standing.Customer{ID: id, Name: name}, PurchasesRead: standing.Read}
	}
	likely := func(id, name string, change func(*ledger.Invitable)) ledger.Invitable {
		c := customer(id, name)
		change(&c)
		return c
	}
	i.book.invitable = []ledger.Invitable{
		customer(tenantA, "Alpha"), customer(tenantB, "Beta"), customer(tenantC, "Gamma"), customer(tenantD, "Delta"),
		likely("e", "Epsilon", func(c *ledger.Invitable) { c.Purchases.Active = 3 }),
		likely("f", "Zeta", func(c *ledger.Invitable) { c.PurchasesRead = standing.NotRead }),
		likely("g", "Eta", func(c *ledger.Invitable) { c.ResellerID = "reseller" }),
		likely("h", "Theta", func(c *ledger.Invitable) { c.AttestationOpen = true }),
		likely("i", "Iota", func(c *ledger.Invitable) { c.AcceptedUntil = standing.DateOf(today) }),
		likely(tenantA, "Alpha again", func(c *ledger.Invitable) {
			c.AcceptedUntil = standing.DateOf(today.AddDate(0, 0, -1))
			c.AttestationOpen = true
		}),
	}
	done, err := i.run(t, jobs.BlockedCustomers{})
	require.ErrorContains(t, err, "1 of 10 customers could not be invited")
	require.Equal(t, []string{
		"Alpha agreement pt-BR delivered", "Beta agreement es delivered", "Gamma agreement en delivered",
		"Delta agreement refused profile_unreadable",
		"Epsilon agreement left_out active_subscriptions", "Zeta agreement left_out subscriptions_not_read",
		"Eta agreement left_out indirect_reseller",
		"Theta agreement left_out attestation_open", "Iota agreement left_out exception_accepted",
		"Alpha again agreement left_out attestation_open",
	}, shownInvitations(done))
	require.Equal(t, "it has 3 active subscriptions, and such customers may be unable to accept directly",
		done.Customers[4].Message)
	require.Len(t, i.service.read, 4, "only the profiles that are needed, each once")
	require.Zero(t, i.service.links)
	require.Len(t, i.outbox.mails, 3)
	require.Equal(t, "invitation-1", i.outbox.mails[0].ID)
	require.Equal(t, netmail.Address{Name: "Ana Souza", Address: "ana@alpha.example"}, i.outbox.mails[0].To)
	require.Contains(t, i.outbox.mails[0].Text, agreement.Page)
	require.Contains(t, i.outbox.mails[0].Text, "Contrato de Cliente da Microsoft")
	require.Equal(t, ledger.Invitation{PartnerID: partner.ID, CustomerID: tenantB, CustomerName: "Beta",
		Kind: ledger.InviteToAgreement, Channel: ledger.BySMTP,
		Recipient: "blanca@beta.example", Language: "es", TemplateDigest: i.outbox.mails[1].TemplateDigest, Actor: i.By,
		At:      today,
		Outcome: ledger.InvitationDelivered}, i.book.begun[1])
}

// The agreement is the same with every partner, so one of them asks for it.
func TestACustomerOfTwoPartnersIsInvitedOnce(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(2)
	i.book.shared = map[string]bool{i.book.invitable[1].ID: true}
	i.Partners.List = append(i.Partners.List, jobs.Partner{Partner: other, Concurrency: 1})
	done, err := i.run(t, jobs.BlockedCustomers{})
	require.NoError(t, err)
	require.Equal(t, []string{"Customer 0 agreement en delivered", "Customer 1 agreement en delivered",
		"Customer 1 agreement left_out twice_in_list"}, shownInvitations(done))
	require.Equal(t, "it is a customer of contoso, too, which invites it", done.Customers[2].Message)

	i.Partners.List = i.Partners.List[1:]
	done, err = i.run(t, jobs.BlockedCustomers{})
	require.NoError(t, err)
	require.Equal(t, []string{"Customer 1 agreement left_out invited_recently"}, shownInvitations(done))
}

func TestInviteAList(t *testing.T) {
	t.Parallel()
	const header = "customer_tenant_id,customer_domain,first_name,last_name,email,company_name,country,language\n"
	row := func(id, domain, company, rest string) string {
		return id + "," + domain + ",Maria,Silva,maria@example.com," + company + "," + rest + "\n"
	}
	for name, c := range map[string]struct {
		rows   string
		change func(*invitations)
		want   string
		link   string
	}{
		"a blocked customer": {rows: row(tenantA, "", "", ",es"), want: "Alpha agreement es delivered",
			link: agreement.Page},
		"by domain": {rows: row("", "alpha.com", "", ","), want: "Alpha agreement pt-BR delivered",
			link: agreement.Page},
		"the language of the country": {rows: row(tenantA, "", "", "AR,"), want: "Alpha agreement es delivered",
			link: agreement.Page},
		"a profile that cannot be read": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.service.profiles = nil }, want: "Alpha agreement en delivered",
			link: agreement.Page},
		"a customer that is clear": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.book.customers[0].Standing = standing.Clear },
			want:   "Alpha left_out already_accepted"},
		"a customer that is not read": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.book.customers[0].Standing = standing.Unknown },
			want:   "Alpha left_out standing_unknown"},
		"a tenant that is not there": {rows: row(tenantA, "", "", ","), change: func(i *invitations) {
			i.book.customers[0].Standing, i.book.customers[0].Reason = standing.Unknown, standing.NotFound
		}, want: "Alpha left_out tenant_not_found"},
		"a relationship that ended": {rows: row(tenantA, "", "", ","), change: func(i *invitations) {
			i.book.customers[0].Standing, i.book.customers[0].Reason = standing.Unknown, standing.RelationshipEnded
		}, want: "Alpha relationship en delivered", link: relationshipLink},
		"an advisor's customer": {rows: row(tenantA, "", "", ",pt-BR"),
			change: func(i *invitations) { i.book.customers[0].Standing = standing.Excluded },
			want:   "Alpha relationship pt-BR delivered", link: relationshipLink},
		"the name of another customer": {rows: row(tenantA, "", "Gamma", ","), want: "Alpha refused other_company"},
		"nobody's customer": {rows: row("", "new.example.com", "New Company", "BR,"),
			want: "New Company relationship pt-BR delivered", link: relationshipLink},
		"nobody's customer, by tenant": {rows: row(tenantD, "", "New Company", "BR,"),
			want: "New Company relationship pt-BR delivered", link: relationshipLink},
		"without any name": {rows: row(tenantD, "", "", "BR,"), want: "relationship refused bad_mail"},
		"a customer that is new today": {rows: row(tenantD, "", "", ",es"), change: func(i *invitations) {
			i.service.live[tenantD] = standing.Customer{ID: tenantD, Name: "Delta", Relationship: "reseller"}
		}, want: "Delta agreement es delivered", link: agreement.Page},
		"an advisor's, that is new": {rows: row(tenantD, "", "", ",es"), change: func(i *invitations) {
			i.service.live[tenantD] = standing.Customer{ID: tenantD, Name: "Delta", Relationship: "advisor"}
		}, want: "Delta relationship es delivered", link: relationshipLink},
		"a row that cannot be read": {rows: strings.Replace(row(tenantA, "", "", ","), "maria@example.com", "maria",
			1), want: "refused unreadable_row"},
		"an address with a line break": {rows: strings.Replace(row(tenantA, "", "", ","), "maria@example.com",
			"\"maria@example.com\nBcc: all@example.com\"", 1), want: "refused unreadable_row"},
		"which partner is not known": {rows: row("", "new.example.com", "New Company", ","),
			change: func(i *invitations) { i.Partners.List = append(i.Partners.List, jobs.Partner{Partner: other}) },
			want:   "New Company relationship refused several_partners"},
		"blocked with one of two": {rows: row(tenantB, "", "", ",es"), change: func(i *invitations) {
			i.Partners.List = append(i.Partners.List, jobs.Partner{Partner: other})
			i.book.customers[1].Standing = standing.Clear
		}, want: "Beta agreement es delivered", link: agreement.Page},
		"invited last week": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.invited(tenantA, 14, ledger.InvitationDelivered) },
			want:   "Alpha agreement left_out invited_recently"},
		"invited long ago": {rows: row(tenantA, "", "", ",es"),
			change: func(i *invitations) { i.invited(tenantA, 15, ledger.InvitationDelivered) },
			want:   "Alpha agreement es delivered", link: agreement.Page},
		"invited again on purpose": {rows: row(tenantA, "", "", ",es"),
			change: func(i *invitations) { i.invited(tenantA, 1, ledger.InvitationDelivered); i.Again = true },
			want:   "Alpha agreement es delivered", link: agreement.Page},
		"an invitation that failed": {rows: row(tenantA, "", "", ",es"),
			change: func(i *invitations) { i.invited(tenantA, 1, ledger.InvitationFailed) },
			want:   "Alpha agreement es delivered", link: agreement.Page},
		"an invitation without an end": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.invited(tenantA, 1, ledger.InvitationBegun) },
			want:   "Alpha agreement left_out outcome_unknown"},
		"an invitation that may be sent": {rows: row(tenantA, "", "", ","),
			change: func(i *invitations) { i.invited(tenantA, 1, ledger.InvitationUnknown) },
			want:   "Alpha agreement left_out outcome_unknown"},
		"a person who is invited again": {rows: row("", "new.example.com", "New Company", ","),
			change: func(i *invitations) { i.invited("", 1, ledger.InvitationDelivered) },
			want:   "New Company relationship left_out invited_recently"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInvitations(t)
			if c.change != nil {
				c.change(i)
			}
			path := filepath.Join(t.TempDir(), "list.csv")
			require.NoError(t, os.WriteFile(path, []byte(header+c.rows), 0o600))
			done, err := i.run(t, jobs.CustomerList{Path: path})
			require.Equal(t, []string{c.want}, shownInvitations(done))
			require.Equal(t, strings.Contains(c.want, "refused"), err != nil, "%v", err)
			if err != nil {
				require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
				require.NotEmpty(t, done.Customers[0].Message)
				require.NotEmpty(t, done.Customers[0].Hint)
			}
			if c.link == "" {
				require.Empty(t, i.outbox.mails)
				return
			}
			require.Len(t, i.outbox.mails, 1)
			require.Contains(t, i.outbox.mails[0].Text, "\n"+c.link+"\n", "the link as it is")
			require.NotContains(t, fmt.Sprint(done), "@", "no address leaves the job")
		})
	}
}

// invited has the ledger remember an invitation of some days ago.
func (i *invitations) invited(customer string, days int, outcome ledger.InvitationOutcome) {
	i.book.begun = append(i.book.begun, ledger.Invitation{PartnerID: partner.ID, CustomerID: customer,
		Recipient: "Maria@Example.com", At: today.AddDate(0, 0, -days), Outcome: outcome})
}

func TestInviteOneCustomer(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	done, err := i.run(t, jobs.OneCustomer{Named: "ALPHA.com"})
	require.NoError(t, err)
	require.Equal(t, []string{"Alpha agreement pt-BR delivered"}, shownInvitations(done))
	require.Equal(t, "ana@alpha.example", i.outbox.mails[0].To.Address)

	done, err = i.run(t, jobs.OneCustomer{Named: tenantC, Person: standing.Contact{FirstName: "Boss",
		Email: "boss@gamma.example"}, Language: "pt-BR"})
	require.NoError(t, err)
	require.Equal(t, []string{"Gamma agreement pt-BR delivered"}, shownInvitations(done))
	require.Equal(t, netmail.Address{Name: "Boss", Address: "boss@gamma.example"}, i.outbox.mails[1].To)

	_, err = i.run(t, jobs.OneCustomer{Named: "new.example.com"})
	require.EqualError(t, err,
		"new.example.com is no customer; to ask for a relationship, name a person with --email")
	done, err = i.run(t, jobs.OneCustomer{Named: "new.example.com",
		Person: standing.Contact{Email: "new@example.com\r\nBcc: all@example.com"}})
	require.Error(t, err)
	require.Equal(t, []string{"new.example.com relationship refused bad_address"}, shownInvitations(done))
	i.By.Name = ""
	_, err = i.run(t, jobs.OneCustomer{Named: tenantC})
	require.EqualError(t, err, "--by must not be empty: say who invites")
}

// blockedOnes makes n blocked customers that can be invited.
func (i *invitations) blockedOnes(n int) {
	for k := range n {
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", k)
		i.book.invitable = append(i.book.invitable, ledger.Invitable{Customer: standing.Customer{ID: id,
			Name: fmt.Sprint("Customer ", k)}, PurchasesRead: standing.Read})
		i.service.profiles[id] = standing.Profile{Language: "en", Contact: standing.Contact{FirstName: "Ana",
			Email: fmt.Sprintf("ana@c%d.example", k)}}
	}
}

func TestOneRefusedRecipientOfFifty(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(50)
	i.outbox.fail["ana@c7.example"] = &mail.SendError{Outcome: mail.Permanent, Step: "the recipient was not accepted",
		Code: 550}
	i.outbox.fail["ana@c9.example"] = &mail.SendError{Outcome: mail.Unknown,
		Step: "no answer to the message, which may have been sent"}
	done, err := i.run(t, jobs.BlockedCustomers{})
	require.ErrorContains(t, err, "1 of 50 customers could not be invited, and of 1 it is not known")
	require.Equal(t, []int{48, 1, 1}, []int{done.Count(jobs.InviteDelivered), done.Count(jobs.InviteFailed),
		done.Count(jobs.InviteUnknown)})
	require.Len(t, i.outbox.mails, 48)
	require.Equal(t, ledger.InvitationFailed, i.book.begun[7].Outcome)
	require.NotContains(t, i.book.begun[7].Reason, "@")

	done, err = i.run(t, jobs.BlockedCustomers{})
	require.Error(t, err, "the one that was refused is tried again")
	require.Equal(t, []int{49, 1}, []int{done.Count(jobs.InviteLeftOut), done.Count(jobs.InviteFailed)})
	require.Len(t, i.outbox.mails, 48)
}

func TestWhatEveryMessageWouldMeetStopsTheInvitations(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"a mail server that cannot be reached": &mail.SendError{Outcome: mail.Temporary, Server: true, Step: "connect"},
		"a folder that cannot be written":      errors.New("draft: no space left on device"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInvitations(t)
			i.blockedOnes(5)
			i.outbox.fail["ana@c2.example"] = failure
			done, err := i.run(t, jobs.BlockedCustomers{})
			require.ErrorContains(t, err, failure.Error())
			require.Equal(t, jobs.OutcomeFailed, jobs.OutcomeOf(err))
			require.Equal(t, []int{2, 1, 2}, []int{done.Count(jobs.InviteDelivered), done.Count(jobs.InviteFailed),
				done.Count(jobs.InviteNotSent)})
			i.outbox.fail = nil
			done, err = i.run(t, jobs.BlockedCustomers{})
			require.NoError(t, err)
			require.Equal(t, []int{3, 2}, []int{done.Count(jobs.InviteDelivered), done.Count(jobs.InviteLeftOut)})
			require.Len(t, i.outbox.mails, 5)
		})
	}
}

func TestInterruptedInvitationsGoOn(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(5)
	ctx, cancel := context.WithCancelCause(t.Context())
	i.outbox.after = func() { cancel(jobs.ErrInterrupted) }
	done, err := i.Run(ctx, jobs.BlockedCustomers{})
	require.Equal(t, jobs.OutcomeInterrupted, jobs.OutcomeOf(err))
	require.Equal(t, []int{1, 4}, []int{done.Count(jobs.InviteDelivered), done.Count(jobs.InviteNotSent)})
	require.Equal(t, ledger.InvitationDelivered, i.book.begun[0].Outcome,
		"the end is recorded although it was interrupted")
	i.outbox.after = nil
	_, err = i.run(t, jobs.BlockedCustomers{})
	require.NoError(t, err)
	require.Len(t, i.outbox.mails, 5)
}

// A process that is stopped between sending and recording sends nothing again by itself.
func TestAnInvitationWithoutItsEndIsNotRepeated(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(3)
	i.book.broken = errors.New("the database is gone")
	_, err := i.run(t, jobs.BlockedCustomers{})
	require.ErrorIs(t, err, i.book.broken)
	i.book.broken = nil
	done, err := i.run(t, jobs.BlockedCustomers{})
	require.NoError(t, err)
	require.Equal(t, jobs.OutcomeNotKnown, done.Customers[0].Reason)
	require.Contains(t, done.Customers[0].Hint, "Look for invitation-1 in the folder of drafts")
	require.Equal(t, 2, done.Count(jobs.InviteDelivered))
	require.Len(t, i.outbox.mails, 3)
}

func TestInvitationsHaveACeilingAndADryRun(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(5)
	i.Ceiling = 4
	_, err := i.run(t, jobs.BlockedCustomers{})
	require.EqualError(t, err, "5 customers would be invited, and one invocation may invite 4; nobody was")
	require.Empty(t, i.service.read, "nothing is read in vain")
	i.Ceiling, i.DryRun = 5, true
	done, err := i.run(t, jobs.BlockedCustomers{})
	require.NoError(t, err)
	require.Equal(t, 5, done.Count(jobs.InvitePlanned))
	require.Empty(t, i.outbox.mails)
	require.Empty(t, i.book.begun)
}

func TestServiceThatRefusesEverybodyEndsInvitations(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	i.blockedOnes(5)
	i.service.failure = answers(partnercenter.SignInFailed)
	_, err := i.run(t, jobs.BlockedCustomers{})
	require.ErrorIs(t, err, i.service.failure)
	require.Empty(t, i.book.begun)
}

func TestListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	i := newInvitations(t)
	_, err := i.run(t, jobs.CustomerList{Path: filepath.Join(t.TempDir(), "none.csv")})
	require.ErrorIs(t, err, os.ErrNotExist)
	path := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(path, []byte("%PDF-1.7"), 0o600))
	_, err = i.run(t, jobs.CustomerList{Path: path})
	require.EqualError(t, err,
		path+": this is a PDF document, not a CSV or XLSX file. A list is needed: export the table as XLSX or CSV, "+
			"and import that file")
	code, hint := jobs.Explain(err)
	require.Equal(t, "file", code)
	require.Contains(t, hint, "nobody was invited")

	twice := "customer_tenant_id,first_name,last_name,email\n" +
		strings.Repeat(tenantA+",Maria,Silva,maria@example.com\n", 2)
	require.NoError(t, os.WriteFile(path, []byte(twice), 0o600))
	done, err := i.run(t, jobs.CustomerList{Path: path})
	require.NoError(t, err)
	require.Equal(t, []string{"Alpha agreement pt-BR delivered", "left_out twice_in_list"}, shownInvitations(done))
}

// inviteJob invites customers of a simulated partner.
func (b *lab) inviteJob(t *testing.T, sender jobs.MailSender, now time.Time) jobs.Invite {
	t.Helper()
	templates, err := mail.LoadTemplates("")
	require.NoError(t, err)
	client, err := partnercenter.New(b.client)
	require.NoError(t, err)
	return jobs.Invite{
		Partners: &jobs.Partners{List: []jobs.Partner{{Partner: partner, Concurrency: 16}},
			Open: func(jobs.Partner) (jobs.Connection, error) { return connected{client}, nil }},
		Store: b.store, Mails: templates, Sender: sender, Channel: ledger.BySMTP,
		From:     netmail.Address{Name: "Contoso", Address: "licensing@contoso.example"},
		Language: "en", RepeatAfter: 14, Ceiling: 1000, Today: standing.DateOf(now), By: attestation.Actor{Name: "ana"},
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), Check: allowed,
	}
}

// enrich reads what blocked customers have bought.
func (b *lab) enrich(t *testing.T, r ledger.Run) {
	t.Helper()
	client, err := partnercenter.New(b.client)
	require.NoError(t, err)
	require.NoError(t, b.store.Hold(t.Context(), partner, func(ctx context.Context, lease *store.Lease) error {
		_, err := jobs.Enrich{Kind: partner.Kind, Concurrency: 16}.Run(ctx, lease, client, r, clock(today))
		return err
	}))
}

// Customers that are invited accept over the nights, or do not; every mail goes out once, and the
// ledger tells who accepted after how many days.
func TestInvitedCustomersAccept(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 11, Customers: testsize.Of(500, 2000), Mix: simulator.MixAllKinds})
		b.job.MaxGonePercent = 100
		sent := &outbox{}
		first := b.good(t, 1)
		b.enrich(t, first.Run)
		now := today.Add(8 * time.Hour)
		var group errgroup.Group
		for range 2 { // two people at once
			group.Go(func() error {
				_, err := b.inviteJob(t, sent, now).Run(t.Context(), jobs.BlockedCustomers{})
				return err
			})
		}
		require.NoError(t, group.Wait())
		invited := map[string]bool{}
		for e, err := range b.store.Invitations(t.Context(), partner.ID, first.Run.ID, now) {
			require.NoError(t, err)
			require.Equal(t, ledger.InvitationDelivered, e.Outcome)
			require.Equal(t, ledger.InvitationOpen, e.Answer())
			require.False(t, invited[e.CustomerID], "invited once")
			invited[e.CustomerID] = true
		}
		require.Len(t, sent.mails, len(invited))
		require.GreaterOrEqual(t, len(invited), testsize.Of(50, 200))

		accepted := map[string]int{} // night
		var last ledger.Run
		for n := 2; n <= 7; n++ {
			for k, id := range slices.Sorted(maps.Keys(invited)) {
				if k%3 == 0 && k%5 == n-2 && b.sim.Accept(id) == nil {
					accepted[id] = n
				}
			}
			result := b.good(t, n)
			last = result.Run
			if n == 5 {
				_, err := b.inviteJob(t, sent, today.AddDate(0, 0, n-1).Add(8*time.Hour)).Run(t.Context(),
					jobs.BlockedCustomers{})
				require.NoError(t, err)
			}
		}
		require.Greater(t, len(accepted), testsize.Of(12, 50))
		answers := map[ledger.InvitationAnswer]int{}
		for e, err := range b.store.Invitations(t.Context(), partner.ID, last.ID, today.AddDate(0, 0, 9)) {
			require.NoError(t, err)
			if !invited[e.CustomerID] {
				continue // arrived later, or was not blocked on the first night
			}
			answers[e.Answer()]++
			if night := accepted[e.CustomerID]; night > 0 && e.Answer() == ledger.InvitationAccepted {
				require.LessOrEqual(t, e.Days(time.UTC), night-1)
			}
			if accepted[e.CustomerID] > 0 {
				require.NotEqual(t, ledger.InvitationOpen, e.Answer())
			}
			if e.Answer() == ledger.InvitationOpen {
				require.Equal(t, standing.Blocked, e.Standing, "must be attested instead")
			}
		}
		require.Positive(t, answers[ledger.InvitationAccepted])
		require.Positive(t, answers[ledger.InvitationOpen])
		addressed := map[string]int{}
		for _, m := range sent.mails {
			addressed[m.ID]++
			require.Equal(t, 1, addressed[m.ID])
		}
		verified, err := b.store.Verify(t.Context())
		require.NoError(t, err)
		require.Empty(t, verified.Problems)
	})
}
