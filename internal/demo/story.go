package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// The people of the demo.
const (
	importer   = "Ana Souza"
	approver   = "Bruno Lima"
	compliance = "Carla Nunes"
	licensing  = "Diego Prado"
)

// The first policy accepts dates that Microsoft does not accept any more.
const (
	firstAcceptedSince = "2022-01-01"
	acceptedSince      = "2023-04-01"
)

// story is the state of a running demo.
type story struct {
	Demo
	clock    *clock
	last     time.Time // the last night
	calendar []int
	accounts []*account
	settings Settings
	result   Result

	taken   map[string]bool // customers of earlier lists, by tenant id
	willing []acceptance    // ordered by time

	accepted int // attestations of the enhanced route
}

// acceptance says when an invited customer accepts.
type acceptance struct {
	at       time.Time
	tenantID string
}

// act is something that a person does by day; day counts back from the last night.
type act struct {
	day, hour int
	do        func(*story, context.Context) error
}

var acts = []act{
	{91, 10, (*story).correctPolicy},
	{63, 9, (*story).decideExceptions},
	{49, 11, (*story).invite},
	{33, 14, (*story).importMessy},
	{32, 9, (*story).approve},
	{27, 9, (*story).changeRoute},
	{21, 17, (*story).dropIntoInbox},
	{19, 10, (*story).approve},
	{10, 9, (*story).changeExceptions},
	{8, 10, (*story).correctSigner},
	{7, 9, (*story).approve},
	{6, 11, (*story).invite},
	{2, 15, (*story).importSigned},
	{1, 9, (*story).cancelOne},
	{1, 10, (*story).approve},
	{1, 16, (*story).importSigned},
}

// live runs the nights, and what people do on the days between them.
func (s *story) live(ctx context.Context) error {
	left := acts
	for n, day := range s.calendar {
		for ; n > 0 && len(left) > 0 && left[0].day > day; left = left[1:] {
			s.clock.set(s.last.AddDate(0, 0, -left[0].day).Add(time.Duration(left[0].hour-nightHour) * time.Hour))
			if err := left[0].do(s, ctx); err != nil {
				return err
			}
		}
		s.clock.set(s.last.AddDate(0, 0, -day))
		if err := s.night(ctx, n+1); err != nil {
			return err
		}
	}
	return nil
}

// night runs one night of all accounts.
func (s *story) night(ctx context.Context, number int) error {
	for _, a := range s.accounts {
		if err := a.sim.SetNight(number); err != nil {
			return err
		}
	}
	if err := s.acceptDirectly(); err != nil {
		return err
	}
	var r nightReply
	var expected []int
	if number == badNight(s.calendar) {
		expected = []int{1}
	}
	if err := s.command(ctx, &r, expected, "nightly"); err != nil {
		return err
	}
	s.tellNight(r, number)
	s.result.Workbook, s.result.Sheets = r.Report.File, r.Report.Sheets
	return nil
}

// acceptDirectly lets those invited customers accept whose time has come and who are still listed.
func (s *story) acceptDirectly() error {
	for ; len(s.willing) > 0 && s.willing[0].at.Before(s.clock.now()); s.willing = s.willing[1:] {
		for _, a := range s.accounts {
			id := s.willing[0].tenantID
			if i, ok := a.sim.World().Find(id); ok && a.sim.World().Listed(i) {
				if err := a.sim.Accept(id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type nightReply struct {
	Reconcile struct {
		Runs []struct {
			Partner  string
			Listed   int
			Balanced bool
		}
	}
	Import struct {
		Batches []batchReply
	} `json:"attest import"`
	Submit struct {
		Sent, Confirmed, Expired, Renewed int
	} `json:"attest submit"`
	Report struct {
		File   string
		Sheets map[string]int
	}
}

func (s *story) tellNight(r nightReply, number int) {
	listed := 0
	for _, run := range r.Reconcile.Runs {
		listed += run.Listed
		if !run.Balanced {
			s.tell("The customer list of %s is incomplete: its run fails, and the figures of the night before are "+
				"shown.",
				run.Partner)
		}
	}
	for _, b := range r.Import.Batches {
		s.tell("The list in the inbox is imported: %d rows, %d queued, %d refused, %d duplicate.",
			b.Rows, b.Queued, b.Refused, b.Duplicates)
	}
	s.tellSubmission(r)
	blocked := r.Report.Sheets["Blocked"] // without those attested in the same night
	switch number {
	case 1:
		s.tell("First night: %d customers of three accounts, %d of them blocked.", listed, blocked)
	case len(s.calendar):
		s.tell("Last night: %d customers, %d of them blocked.", listed, blocked)
	}
}

func (s *story) tellSubmission(r nightReply) {
	done := r.Submit
	if s.settings.Route == attestation.ClassicRoute {
		if done.Sent > 0 {
			s.tell("Attestations sent: %d, confirmed: %d.", done.Sent, done.Confirmed)
		}
		return
	}
	s.accepted += done.Confirmed
	if created := done.Sent - done.Confirmed - done.Renewed; created > 0 {
		s.tell("Attestations created: %d. The mails with their links are drafts.", created)
	}
	if done.Expired > 0 {
		s.tell("Links expired: %d, renewed: %d. Signers who have accepted so far: %d.",
			done.Expired, done.Renewed, s.accepted)
	}
}

func (s *story) changeRoute(context.Context) error {
	s.settings.Route = attestation.EnhancedRoute
	s.tell("Attestations take the enhanced route from now on: signers accept by a link.")
	return s.settings.Write(s.Folder)
}

func (s *story) correctPolicy(context.Context) error {
	s.settings.AcceptedSince = acceptedSince
	s.tell("The policy is corrected: acceptances count from %s, not from %s.", acceptedSince, firstAcceptedSince)
	return s.settings.Write(s.Folder)
}

func (s *story) decideExceptions(ctx context.Context) error {
	var customers []simulator.Customer
	for _, a := range s.accounts {
		blocked := a.blocked()
		customers = append(customers, blocked[max(0, len(blocked)-s.share(7)):]...)
	}
	for _, c := range customers {
		s.taken[c.TenantID] = true
	}
	return s.importExceptions(ctx, exceptionList(s.clock.now(), customers))
}

func (s *story) changeExceptions(ctx context.Context) error {
	var r struct {
		Exceptions []struct {
			TenantID string `json:"tenant_id"`
			Status   string
		}
	}
	if err := s.command(ctx, &r, nil, "exceptions", "list"); err != nil {
		return err
	}
	now, rows := s.clock.now(), [][]string{exceptionHeader}
	for n, e := range r.Exceptions {
		switch {
		case n%5 == 0 && e.Status == "expired":
			rows = append(rows, []string{e.TenantID, "", "Marta Reis", "", "accepted for another quarter",
				now.AddDate(0, 3, 0).Format(time.DateOnly)})
		case n%5 == 1:
			rows = append(rows, []string{e.TenantID, "", "-", "-", "-", "-"}) // no exception any more
		}
	}
	return s.importExceptions(ctx, rows)
}

func (s *story) importExceptions(ctx context.Context, rows [][]string) error {
	path, err := s.write("exceptions", ',', rows)
	if err != nil {
		return err
	}
	var r struct{ Taken, Removed int }
	if err := s.command(ctx, &r, nil, "exceptions", "import", path, "--by", compliance); err != nil {
		return err
	}
	s.tell("%s imports a list of exceptions: %d recorded, %d removed.", compliance, r.Taken-r.Removed, r.Removed)
	return nil
}

// invite invites blocked customers. Three in five accept within twelve days.
func (s *story) invite(ctx context.Context) error {
	var r struct {
		Delivered int
		Customers []struct {
			TenantID string `json:"tenant_id"`
			Result   string
		}
	}
	if err := s.command(ctx, &r, nil, "invite", "--blocked", "--by", licensing); err != nil {
		return err
	}
	for n, c := range r.Customers {
		if c.Result == "delivered" && n%5 < 3 {
			s.willing = append(s.willing, acceptance{s.clock.now().AddDate(0, 0, 1+n*7%12), c.TenantID})
		}
	}
	slices.SortStableFunc(s.willing, func(a, b acceptance) int { return a.at.Compare(b.at) })
	s.tell("%s invites %d blocked customers to accept by themselves; the mails are drafts.", licensing, r.Delivered)
	return nil
}

type batchReply struct{ Rows, Queued, Refused, Duplicates int }

func (s *story) importMessy(ctx context.Context) error {
	br, eu := s.account(directBill), s.account(indirectProvider)
	good := append(s.pick(br, s.share(14)), s.pick(eu, s.share(12))...)
	return s.importList(ctx, messyList(s.clock.now(), good, s.pick(eu, 5), br.clear(),
		s.account(indirectReseller).blocked()[0]))
}

func (s *story) importSigned(ctx context.Context) error {
	good := append(s.pick(s.account(directBill), s.share(4)), s.pick(s.account(indirectProvider), s.share(4))...)
	return s.importList(ctx, signedList(s.clock.now(), good))
}

func (s *story) importList(ctx context.Context, rows [][]string) error {
	path, err := s.write("signed", ';', rows)
	if err != nil {
		return err
	}
	var r struct{ Batches []batchReply }
	if err := s.command(ctx, &r, nil, "attest", "import", path, "--by", importer); err != nil {
		return err
	}
	b := r.Batches[0]
	s.tell("%s imports a list of signed agreements: %d rows, %d queued, %d refused, %d duplicate.",
		importer, b.Rows, b.Queued, b.Refused, b.Duplicates)
	return nil
}

// dropIntoInbox puts a list of Microsoft's retired tool into the inbox.
func (s *story) dropIntoInbox(context.Context) error {
	customers := append(s.pick(s.account(directBill), s.share(8)), s.pick(s.account(indirectProvider), s.share(8))...)
	s.tell("%s puts a list of Microsoft's retired tool into the inbox.", importer)
	return s.writeAt("inbox/CustomerAgreementRecords.csv", ',', toolList(s.clock.now(), customers))
}

type listReply struct {
	Batches []struct {
		Batch        int64
		ApprovedBy   string `json:"approved_by"`
		States       map[string]int
		Attestations []struct{ ID, State string }
	}
}

// approve approves every batch that waits for approval.
func (s *story) approve(ctx context.Context) error {
	var list listReply
	if err := s.command(ctx, &list, nil, "attest", "list"); err != nil {
		return err
	}
	for _, b := range list.Batches {
		if b.ApprovedBy != "" || b.States["queued"] == 0 {
			continue
		}
		var r struct{ Approved int }
		if err := s.command(ctx, &r, nil, "attest", "approve", fmt.Sprint(b.Batch), "--by", approver); err != nil {
			return err
		}
		s.tell("%s approves batch %d: %d to send.", approver, b.Batch, r.Approved)
	}
	return nil
}

// cancelOne cancels an attestation of the newest batch.
func (s *story) cancelOne(ctx context.Context) error {
	id, err := s.find(ctx, "queued")
	if err != nil || id == "" {
		return err
	}
	s.tell("%s cancels attestation %s.", importer, id)
	return s.command(ctx, &struct{}{}, nil, "attest", "cancel", id, "--by", importer)
}

// correctSigner corrects the e-mail address of a signer of a confirmed attestation.
func (s *story) correctSigner(ctx context.Context) error {
	id, err := s.find(ctx, "confirmed")
	if err != nil || id == "" {
		return err
	}
	s.tell("%s corrects the e-mail address of a signer: attestation %s.", importer, id)
	return s.command(ctx, &struct{}{}, nil, "attest", "correct", id, "--email", "finance@fabrikam.example",
		"--by", importer)
}

// find returns the id of an attestation in a state, or an empty text.
func (s *story) find(ctx context.Context, state string) (id string, err error) {
	var list listReply
	if err := s.command(ctx, &list, nil, "attest", "list"); err != nil {
		return "", err
	}
	for _, b := range list.Batches {
		if b.States[state] == 0 {
			continue
		}
		var one listReply
		err := s.command(ctx, &one, nil, "attest", "list", "--batch", fmt.Sprint(b.Batch), "--state", state)
		if err != nil {
			return "", err
		}
		return one.Batches[0].Attestations[0].ID, nil
	}
	return "", nil
}

// share scales a number of customers that is meant for an account of 300.
func (s *story) share(n int) int { return max(2, n*s.Customers/300) }

// pick returns blocked customers of an account that are on no list yet and have active
// subscriptions, so that they cannot accept by themselves.
func (s *story) pick(a *account, most int) (picked []simulator.Customer) {
	for _, c := range a.blocked() {
		active := slices.ContainsFunc(c.Subscriptions, func(s simulator.Subscription) bool {
			return s.Status == "active"
		})
		if active && !s.taken[c.TenantID] && len(picked) < most {
			s.taken[c.TenantID] = true
			picked = append(picked, c)
		}
	}
	return picked
}

func (s *story) account(name string) *account {
	return s.accounts[slices.IndexFunc(s.accounts, func(a *account) bool { return a.Name == name })]
}

func (s *story) tell(format string, values ...any) {
	e := Event{At: s.clock.now(), Text: fmt.Sprintf(format, values...)}
	s.result.Events = append(s.result.Events, e)
	if s.Tell != nil {
		s.Tell(e)
	}
}
