package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

// inviteReply is the result of inviting, in JSON; its names are a contract.
type inviteReply struct {
	envelope
	DryRun    bool              `json:"dry_run"`
	Channel   ledger.Channel    `json:"channel"`
	DraftsDir string            `json:"drafts_dir"` // empty: mails were sent
	Planned   int               `json:"planned"`    // of a dry run
	Delivered int               `json:"delivered"`
	LeftOut   int               `json:"left_out"`
	Refused   int               `json:"refused"`
	Failed    int               `json:"failed"`
	Unknown   int               `json:"unknown"`
	NotSent   int               `json:"not_sent"`
	Customers []invitedCustomer `json:"customers"`
}

type invitedCustomer struct {
	Line       int                   `json:"line"` // of a list
	Partner    string                `json:"partner"`
	TenantID   string                `json:"tenant_id"`
	Customer   string                `json:"customer"`
	Domain     string                `json:"domain"`
	Kind       ledger.InvitationKind `json:"kind"`
	Language   string                `json:"language"`
	Invitation int64                 `json:"invitation"`
	Result     jobs.InviteResult     `json:"result"`
	Reason     jobs.InviteReason     `json:"reason"`
	Message    string                `json:"message"`
	Hint       string                `json:"hint"`
}

func (r *inviteReply) fill(done jobs.Invitations) {
	r.Planned, r.Delivered = done.Count(jobs.InvitePlanned), done.Count(jobs.InviteDelivered)
	r.LeftOut, r.Refused = done.Count(jobs.InviteLeftOut), done.Count(jobs.InviteRefused)
	r.Failed, r.Unknown = done.Count(jobs.InviteFailed), done.Count(jobs.InviteUnknown)
	r.NotSent = done.Count(jobs.InviteNotSent)
	for _, c := range done.Customers {
		r.Customers = append(r.Customers, invitedCustomer{c.Line, c.Partner.Name, c.CustomerID, c.Customer, c.Domain,
			c.Kind, c.Language, c.Number, c.Result, c.Reason, c.Message, c.Hint})
	}
}

// inviteFlags say who is to be invited, and how.
type inviteFlags struct {
	given    []string
	blocked  bool
	file     string
	person   standing.Contact
	company  string
	language string
	partners []string
	again    bool
	ceiling  int
}

func (a *app) inviteCommand() *cobra.Command {
	r := &inviteReply{envelope: envelope{Command: "invite"}, Customers: []invitedCustomer{}}
	var how inviteFlags
	var by func() attestation.Actor
	cmd := a.command("invite", "ask customers to accept the agreement by themselves", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error { return w.invite(ctx, how, by(), r) }))
	cmd.Long = `invite asks one customer, the customers of a list, or all blocked ones to accept the
Microsoft Customer Agreement by themselves. Existing customers get the page of the agreement,
others the link of Microsoft's relationship request. By default drafts are written
(mail.delivery), which a person sends. Nobody is invited again within
invite.repeat_after_days.`
	cmd.Example = `  mcaledger invite fabrikam.com
  mcaledger invite --blocked --dry-run
  mcaledger invite --file customers.csv`
	by = a.byFlag(cmd)
	how.flags(cmd)
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "say who would be invited, and send nothing")
	withArguments(cmd, "[CUSTOMER]", cobra.MaximumNArgs(1), &how.given)
	cmd.AddCommand(a.inviteListCommand())
	return cmd
}

func (how *inviteFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&how.blocked, "blocked", false,
		"all blocked customers, without those that cannot be expected to accept directly")
	f.StringVar(&how.file, "file", "", "a list of customers, as for attestations; dates are not needed")
	f.StringVar(&how.person.Email, "email", "", "whom to write to (else the contact in the customer's profile)")
	f.StringVar(&how.person.FirstName, "first-name", "", "first name of that person")
	f.StringVar(&how.person.LastName, "last-name", "", "last name of that person")
	f.StringVar(&how.company, "company", "", "the customer's name, if it is no customer yet")
	f.StringVar(&how.language, "language", "",
		"language of the mail, such as pt-BR (else that of the customer's profile)")
	f.StringSliceVar(&how.partners, "partner", nil,
		"only customers of this partner (name or tenant id; may be repeated)")
	f.BoolVar(&how.again, "again", false, "invite customers that were invited not long ago, too")
	f.IntVar(&how.ceiling, "ceiling", 0, "the most customers to invite at once (else attestation.ceiling)")
}

func (w *workspace) invite(ctx context.Context, how inviteFlags, by attestation.Actor, r *inviteReply) error {
	source, err := w.inviteSource(how)
	if err != nil {
		return err
	}
	job, closeMail, err := w.inviteJob(how)
	if err != nil {
		return err
	}
	defer closeMail()
	defer job.Partners.Close()
	job.By, job.DryRun = by, r.DryRun
	if r.Channel = job.Channel; r.Channel == ledger.ByDraft {
		r.DraftsDir = w.config.Mail.DraftsDir
	}
	done, err := job.Run(ctx, source)
	r.fill(done)
	w.printInvited(r)
	return err
}

// inviteSource is what the flags name: one customer, a list, or all that are blocked.
func (w *workspace) inviteSource(how inviteFlags) (jobs.InviteSource, error) {
	chosen := 0
	for _, given := range []bool{len(how.given) > 0, how.file != "", how.blocked} {
		if given {
			chosen++
		}
	}
	alone := how.person != (standing.Contact{}) || how.company != "" || how.language != ""
	switch {
	case chosen != 1:
		return nil, usageErrorf("name one customer, or a list with --file, or all blocked customers with --blocked")
	case alone && len(how.given) == 0:
		return nil, usageErrorf("--email, --first-name, --last-name, --company and --language are about one named " +
			"customer")
	case how.file != "":
		return jobs.CustomerList{Path: how.file, Intake: intake.Options{}}, nil
	case how.blocked:
		return jobs.BlockedCustomers{}, nil
	}
	return jobs.OneCustomer{Named: how.given[0], Company: how.company, Person: how.person, Language: how.language}, nil
}

// inviteJob wires invitations. closeMail ends the connection to the mail server.
func (w *workspace) inviteJob(how inviteFlags) (job jobs.Invite, closeMail func(), err error) {
	c := w.config
	if c.Mail.From.Address == "" {
		return job, nil, configError{errors.New("mail.from is not set: it is the person or team that customers answer")}
	}
	job = jobs.Invite{Store: w.ledger, From: netmail.Address(c.Mail.From), Language: string(c.Report.Language),
		RepeatAfter: c.Invite.RepeatAfterDays,
		Again:       how.again, Ceiling: cmp.Or(how.ceiling, c.Attestation.Ceiling), Now: w.Now, Log: w.log(),
		Check: w.rollback().Check}
	if job.Today, err = w.today(); err != nil {
		return job, nil, err
	}
	if job.Mails, err = mail.LoadTemplates(c.Mail.TemplatesDir); err != nil {
		return job, nil, configError{err}
	}
	if job.Sender, job.Channel, closeMail, err = customerMail(c); err != nil {
		return job, nil, err
	}
	job.Partners, err = w.partners(how.partners)
	return job, closeMail, err
}

// customerMail is how mails to customers leave.
func customerMail(c config.Config) (jobs.MailSender, ledger.Channel, func(), error) {
	if c.Mail.Delivery == config.DeliveryDrafts {
		return mail.Drafts{Folder: c.Mail.DraftsDir}, ledger.ByDraft, func() {}, nil
	}
	server, err := mailServer(c)
	if err != nil {
		return nil, "", nil, configError{err}
	}
	smtp := mail.NewSMTP(server)
	return smtp, ledger.BySMTP, smtp.Close, nil
}

func (a *app) printInvited(r *inviteReply) {
	if a.json || a.quiet {
		return
	}
	leftOut := map[jobs.InviteReason]int{}
	printed := 0
	for _, c := range r.Customers {
		if c.Result == jobs.InviteLeftOut {
			leftOut[c.Reason]++
		}
		if c.Message == "" || printed == maxPrinted || c.Result == jobs.InviteLeftOut &&
			len(r.Customers) > maxPrinted {
			continue
		}
		printed++
		a.printf("%s: %s: %s. %s\n", a.nameOf(c), strings.ReplaceAll(string(c.Result), "_", " "), c.Message, c.Hint)
	}
	switch {
	case r.DryRun:
		a.printf("Dry run: nobody was invited. To be invited: %d", r.Planned)
	case r.DraftsDir != "":
		a.printf("Drafts in %s, for a person to send: %d", r.DraftsDir, r.Delivered)
	default:
		a.printf("Mails sent: %d", r.Delivered)
	}
	a.printf("; left out: %d, refused: %d, failed: %d, outcome unknown: %d, not sent: %d\n", r.LeftOut, r.Refused,
		r.Failed,
		r.Unknown, r.NotSent)
	for _, reason := range slices.Sorted(maps.Keys(leftOut)) {
		a.printf("  left out, %s: %d\n", strings.ReplaceAll(string(reason), "_", " "), leftOut[reason])
	}
}

// nameOf names a customer for a person.
func (a *app) nameOf(c invitedCustomer) string {
	name := mail.OneLine(cmp.Or(c.Customer, c.Domain, c.TenantID))
	if c.Line > 0 {
		return a.sprintf("line %d, %s", c.Line, name)
	}
	return name
}
