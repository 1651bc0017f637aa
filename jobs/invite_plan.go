package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// InviteSource names customers to invite.
type InviteSource interface {
	plan(ctx context.Context, i *inviting) ([]*invitePlan, error)
}

// invitePlan is one customer that may be invited: it will be as long as it has no result.
type invitePlan struct {
	Invited
	person    standing.Contact // whom to write to; what is empty is read from the customer's profile
	languages []string         // in order of preference
	link      string
	message   mail.Message
}

// stop ends a plan with a result.
func (p *invitePlan) stop(result InviteResult, reason InviteReason, message, hint string) *invitePlan {
	p.Result, p.Reason, p.Message, p.Hint = result, reason, message, hint
	return p
}

func (p *invitePlan) leaveOut(reason InviteReason, message, hint string) *invitePlan {
	return p.stop(InviteLeftOut, reason, message, hint)
}

// invitation is the plan as the ledger records it.
func (p *invitePlan) invitation(channel ledger.Channel) ledger.Invitation {
	return ledger.Invitation{PartnerID: p.Partner.ID, CustomerID: p.CustomerID, CustomerName: p.Customer,
		Domain: p.Domain, Kind: p.Kind,
		Channel: channel, Recipient: p.person.Email, Language: p.message.Language,
		TemplateDigest: p.message.TemplateDigest}
}

// openPlans are those that will be carried out.
func openPlans(plans []*invitePlan) (open []*invitePlan) {
	for _, p := range plans {
		if p.Result == "" {
			open = append(open, p)
		}
	}
	return open
}

// InvitableLister lists the blocked customers of a partner.
type InvitableLister interface {
	Invitable(ctx context.Context, partnerID string, at time.Time) iter.Seq2[ledger.Invitable, error]
}

// BlockedCustomers are all blocked customers. Those that cannot be expected to accept directly are
// left out.
type BlockedCustomers struct{}

func (BlockedCustomers) plan(ctx context.Context, i *inviting) (plans []*invitePlan, _ error) {
	invited := map[string]string{} // by which partner
	for _, partner := range i.Partners.Ledger() {
		for c, err := range i.Store.Invitable(ctx, partner.ID, i.began) {
			if err != nil {
				return nil, err
			}
			p := &invitePlan{Invited: Invited{Partner: partner, CustomerID: c.ID, Customer: c.Name,
				Domain: strings.ToLower(c.Domain),
				Kind:   ledger.InviteToAgreement}}
			plans = append(plans, p.unlikely(c, i.Today))
			if name, twice := invited[c.ID]; twice && p.Result == "" {
				p.leaveOut(TwiceInList, "it is a customer of "+name+", too, which invites it", "")
			}
			if p.Result == "" {
				invited[c.ID] = partner.Name
			}
		}
	}
	return plans, nil
}

// unlikely leaves a blocked customer out that cannot be expected to accept directly, or need not.
func (p *invitePlan) unlikely(c ledger.Invitable, today standing.Date) *invitePlan {
	switch {
	case c.AttestationOpen:
		return p.leaveOut(AttestationUnderWay, "an attestation of it is under way", "")
	case (ledger.Exception{AcceptedUntil: c.AcceptedUntil}).Accepts(today):
		return p.leaveOut(BlockAccepted, "its block is accepted until "+string(c.AcceptedUntil), "")
	case c.ResellerID != "":
		return p.leaveOut(OfIndirectReseller, "it is the customer of an indirect reseller",
			"Ask the reseller to invite it.")
	case c.PurchasesRead != standing.Read:
		return p.leaveOut(SubscriptionsNotRead, "it is not known whether it has active subscriptions",
			"Run mcaledger reconcile, which reads them.")
	case c.Purchases.Active > 0:
		active := plural(c.Purchases.Active, "active subscription")
		return p.leaveOut(ActiveSubscriptions,
			"it has "+active+", and such customers may be unable to accept directly",
			"Attest for it; to invite it all the same, name it.")
	}
	return p
}

// OneCustomer is a customer that a person names, by tenant id or domain. What is empty is read from
// its profile.
type OneCustomer struct {
	Named    string
	Company  string
	Person   standing.Contact
	Language string
}

func (s OneCustomer) plan(ctx context.Context, i *inviting) ([]*invitePlan, error) {
	named := identityOf(s.Named)
	row := inviteRow{named: named, company: s.Company, person: s.Person, language: s.Language}
	plans, err := i.planRows(ctx, []inviteRow{row})
	if err == nil && plans[0].Kind == ledger.InviteToRelationship && s.Person.Email == "" && plans[0].Result == "" {
		return nil, usageErrorf("%s is no customer; to ask for a relationship, name a person with --email", s.Named)
	}
	return plans, err
}

// CustomerList is a list of customers and whom to write to, as for attestations.
type CustomerList struct {
	Path   string
	Intake intake.Options
}

func (s CustomerList) plan(ctx context.Context, i *inviting) ([]*invitePlan, error) {
	o := s.Intake
	o.DateOptional, o.EvidenceRequired, o.AsOf = true, false, i.began
	file, err := intake.Open(s.Path, o)
	if err != nil {
		return nil, &ListError{s.Path, err}
	}
	defer file.Close()
	var rows []inviteRow
	for row, err := range file.Rows() {
		switch {
		case err != nil:
			return nil, &ListError{s.Path, err}
		case row.Skip == "":
			if rows = append(rows, inviteRowOf(row)); len(rows) > maxInListed {
				return nil, usageErrorf("%s has more than %d rows; split it", s.Path, maxInListed)
			}
		}
	}
	return i.planRows(ctx, rows)
}

// maxInListed is how many rows a list may have: they are kept in memory.
const maxInListed = 100_000

// ListError: a list of customers cannot be read; nobody was invited.
type ListError struct {
	path  string
	cause error
}

func (e *ListError) Error() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return e.cause.Error() // it names the file
	}
	return fmt.Sprintf("read %s: %s", e.path, e.cause)
}
func (e *ListError) Unwrap() error { return e.cause }

// Code is "file" where the file is to blame.
func (e *ListError) Code() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return "file"
	}
	code, _ := Explain(e.cause)
	return code
}

// Hint says how to go on.
func (e *ListError) Hint() string {
	return "Correct the list and run the command again; nobody was invited."
}

// inviteRow is a customer as a list or a person names it.
type inviteRow struct {
	line     int
	named    attestation.Identity
	domain   string
	company  string
	person   standing.Contact
	language string
	country  string
	refusals []intake.Refusal
}

func inviteRowOf(row intake.Row) inviteRow {
	r := row.Record
	named := attestation.Identity{TenantID: strings.Clone(r.TenantID)}
	if named.TenantID == "" {
		named.Domain = strings.Clone(r.Domain)
	}
	return inviteRow{line: row.Line, named: named, domain: strings.Clone(r.Domain),
		company: strings.Clone(r.CompanyName),
		person: standing.Contact{FirstName: strings.Clone(r.FirstName), LastName: strings.Clone(r.LastName),
			Email: strings.Clone(r.Email)},
		language: strings.Clone(r.Language), country: strings.Clone(r.Country), refusals: row.Refusals}
}

// planRows decides on rows, each by itself.
func (i *inviting) planRows(ctx context.Context, rows []inviteRow) (plans []*invitePlan, err error) {
	found, err := i.customersOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	lookUps := 0
	first := map[attestation.Identity]int{}
	for _, row := range rows {
		p := &invitePlan{Invited: Invited{Line: row.line, Customer: row.company,
			Domain: cmp.Or(row.domain, row.named.Domain)}, person: row.person,
			languages: languagesOf(row.language, row.country)}
		if row.named.TenantID != "" {
			p.CustomerID = row.named.TenantID
		}
		plans = append(plans, p)
		if len(row.refusals) > 0 {
			r := row.refusals[0]
			p.stop(InviteRefused, UnreadableInvitation, fmt.Sprintf("column %s: %s", r.Column, r.Message), r.Hint)
			continue
		}
		if line, twice := first[row.named]; twice {
			p.leaveOut(TwiceInList, fmt.Sprintf("line %d names the same customer", line), "")
			continue
		}
		first[row.named] = row.line
		if err := i.choose(ctx, p, found[row.named], &lookUps); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

func (i *inviting) customersOf(ctx context.Context,
	rows []inviteRow) (map[attestation.Identity][]attestation.Customer, error) {
	all := map[attestation.Identity][]attestation.Customer{}
	for chunk := range slices.Chunk(rows, importChunk) {
		named := make([]attestation.Identity, len(chunk))
		for n, row := range chunk {
			named[n] = row.named
		}
		found, err := i.Store.Customers(ctx, i.partnerIDs(), named)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

func (i *inviting) partnerIDs() []string {
	var ids []string
	for _, p := range i.Partners.List {
		ids = append(ids, p.ID)
	}
	return ids
}

// choose decides what a customer is asked to do, and by which partner. One that no run has seen yet
// is looked up.
func (i *inviting) choose(ctx context.Context, p *invitePlan, found []attestation.Customer, lookUps *int) error {
	if len(found) == 0 && p.CustomerID != "" && *lookUps < maxLookUps {
		*lookUps++
		var err error
		if found, err = i.lookUp(ctx, p); err != nil {
			return err
		}
	}
	if p.Result != "" {
		return nil
	}
	if len(found) == 0 {
		i.askForRelationship(p)
		return nil
	}
	// The agreement is the same with every partner: where one cannot buy, it is to be accepted.
	c := found[0]
	for _, other := range found[1:] {
		if other.Standing == standing.Blocked {
			c = other
		}
	}
	company := p.Customer
	p.CustomerID, p.Customer, p.Partner = c.ID, cmp.Or(c.Name, p.Customer), i.partner(c.PartnerID)
	switch {
	case company != "" && c.Name != "" && !attestation.SameCompany(company, c.Name):
		p.stop(InviteRefused, OtherCompany, "the customer's name is another one than the row has",
			"Check whether the tenant id or the name is wrong.")
	case c.Standing == standing.Clear:
		p.leaveOut(AlreadyAccepted, "it has accepted already", "")
	case c.Standing == standing.Blocked:
		p.Kind = ledger.InviteToAgreement
	case c.Standing == standing.Excluded, c.Reason == standing.RelationshipEnded:
		p.Kind = ledger.InviteToRelationship
	case c.Reason == standing.NotFound:
		p.leaveOut(TenantNotFound, "Microsoft knows no such tenant", "Check the tenant id.")
	default:
		p.leaveOut(StandingNotKnown, "it could not be read whether it has accepted",
			"Run mcaledger reconcile, and invite it then.")
	}
	return nil
}

// lookUp asks the service for a customer that no run has seen yet.
func (i *inviting) lookUp(ctx context.Context, p *invitePlan) (found []attestation.Customer, _ error) {
	for _, partner := range i.Partners.Ledger() {
		customer, ok, err := i.Partners.LookUp(ctx, partner, p.CustomerID)
		if failure, isFailure := errors.AsType[serviceError](err); isFailure && !failure.Fatal() {
			p.leaveOut(StandingNotKnown, "it could not be read whether it is a customer: "+err.Error(), hintOf(err))
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, attestation.Customer{PartnerID: partner.ID, ID: p.CustomerID, Name: customer.Name,
				Standing: standingOf(customer)})
		}
	}
	return found, nil
}

// standingOf is the standing of a customer that was looked up; whether it has accepted is not read
// yet.
func standingOf(c standing.Customer) standing.Standing {
	if c.Relationship != "" && !strings.EqualFold(c.Relationship, standing.Reseller) {
		return standing.Excluded
	}
	return standing.Blocked
}

// askForRelationship is for companies that are not a customer yet.
func (i *inviting) askForRelationship(p *invitePlan) {
	p.Kind = ledger.InviteToRelationship
	if len(i.Partners.List) != 1 {
		p.stop(InviteRefused, NoPartnerChosen,
			"it is no customer, and which partner asks for a relationship is not known",
			"Name the partner with --partner.")
		return
	}
	p.Partner = i.Partners.Ledger()[0]
	p.Customer = cmp.Or(p.Customer, p.Domain)
}

func (i *inviting) partner(id string) ledger.Partner {
	for _, p := range i.Partners.Ledger() {
		if p.ID == id {
			return p
		}
	}
	return ledger.Partner{ID: id}
}

// languagesOf are the languages of a customer: its own, and the first one of its country.
func languagesOf(language, country string) (languages []string) {
	if language != "" {
		languages = append(languages, language)
	}
	if country != "" {
		if own := agreement.Languages(country)[0]; own != agreement.English {
			languages = append(languages, own)
		}
	}
	return languages
}

// leaveOutInvited leaves out who was invited not long ago, and whose invitation may have been sent.
func (i *inviting) leaveOutInvited(ctx context.Context, plans []*invitePlan) error {
	plans = openPlans(plans)
	invitations := make([]ledger.Invitation, len(plans))
	for n, p := range plans {
		invitations[n] = p.invitation(i.Channel)
	}
	last, err := i.Store.LastInvitations(ctx, invitations)
	if err != nil {
		return err
	}
	for n, p := range plans {
		if found, ok := last[invitations[n].Key()]; ok && !found.At.Before(i.since()) {
			p.invited(found, i.RepeatAfter)
		}
	}
	return nil
}

// invited leaves a customer out that has an invitation already.
func (p *invitePlan) invited(last ledger.LastInvitation, repeatAfter int) {
	day := last.At.Format(time.DateOnly)
	if last.Outcome == ledger.InvitationDelivered {
		p.leaveOut(InvitedRecently, "it was invited on "+day,
			fmt.Sprintf("It can be invited again after %d days (invite.repeat_after_days), or with --again.",
				repeatAfter))
		return
	}
	p.leaveOut(OutcomeNotKnown, fmt.Sprintf("it may have been invited on %s: whether the message was sent is not known",
		day),
		fmt.Sprintf("Look for %s in the folder of drafts or in the log of the mail server; if it is not there, use "+
			"--again.",
			messageID(last.ID)))
}

// readProfiles reads the profiles of existing customers of whom an address or the language is
// missing.
func (i *inviting) readProfiles(ctx context.Context, plans []*invitePlan) error {
	byPartner := map[string][]*invitePlan{}
	for _, p := range openPlans(plans) {
		if p.Kind == ledger.InviteToAgreement && (p.person.Email == "" || len(p.languages) == 0) {
			byPartner[p.Partner.ID] = append(byPartner[p.Partner.ID], p)
		}
	}
	for _, partner := range i.Partners.List {
		plans := byPartner[partner.ID]
		if len(plans) == 0 {
			continue
		}
		service, err := i.service(partner.Partner)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(partner.Concurrency)
		for _, p := range plans {
			group.Go(func() error { return p.readProfile(ctx, service) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("read the profiles of customers: %w", err)
		}
	}
	for _, p := range openPlans(plans) {
		if p.person.Email == "" {
			p.stop(InviteRefused, NoAddress, "no e-mail address of a person is known",
				"Name the customer with --email, or put it on a list.")
		}
	}
	return nil
}

// readProfile fills in what is missing. A customer whose profile cannot be read is invited all the
// same, where only the language is missing. What it returns stops the others, too.
func (p *invitePlan) readProfile(ctx context.Context, service InvitationService) error {
	profile, err := service.Profile(ctx, p.CustomerID)
	if failure, ok := errors.AsType[serviceError](err); ok && !failure.Fatal() {
		if p.person.Email == "" {
			p.stop(InviteRefused, ProfileUnreadable, "its profile cannot be read: "+err.Error(), hintOf(err))
		}
		return nil
	}
	if err != nil {
		return err
	}
	if p.person.Email == "" {
		p.person = profile.Contact
	}
	if len(p.languages) == 0 {
		p.languages = languagesOf(profile.Language, strings.ToUpper(profile.Country))
	}
	p.Customer = cmp.Or(p.Customer, profile.Name)
	return nil
}

// readLinks finds the link that each customer gets.
func (i *inviting) readLinks(ctx context.Context, plans []*invitePlan) error {
	links := map[string]string{}
	for _, p := range openPlans(plans) {
		if p.Kind == ledger.InviteToAgreement {
			p.link = agreement.Page
			continue
		}
		if links[p.Partner.ID] == "" {
			service, err := i.service(p.Partner)
			if err != nil {
				return err
			}
			if links[p.Partner.ID], err = service.RelationshipRequest(ctx); err != nil {
				return err
			}
		}
		p.link = links[p.Partner.ID]
	}
	return nil
}

// compose makes the messages, before the first one is sent.
func (i *inviting) compose(plans []*invitePlan) {
	kinds := map[ledger.InvitationKind]mail.Kind{ledger.InviteToAgreement: mail.Agreement,
		ledger.InviteToRelationship: mail.Relationship}
	for _, p := range openPlans(plans) {
		customer := cmp.Or(mail.OneLine(p.Customer), p.Domain) // a name may have no letter that can be shown
		person := mail.OneLine(p.person.FirstName + " " + p.person.LastName)
		to, err := mail.ParseAddress(cmp.Or(person, customer), p.person.Email)
		if err != nil {
			p.stop(InviteRefused, BadAddress, err.Error(), "Correct the address.")
			continue
		}
		p.message, err = i.Mails.Compose(mail.Content{Kind: kinds[p.Kind], Partner: cmp.Or(i.From.Name, p.Partner.Name),
			From: i.From, To: to,
			Customer: customer, Link: p.link, Languages: append(p.languages, i.Language), Date: i.began})
		if err != nil {
			p.stop(InviteRefused, BadMail, err.Error(), "Correct the row.")
			continue
		}
		p.Language = p.message.Language
		if i.DryRun {
			p.Result = InvitePlanned
		}
	}
}
