package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// maxCreations is how many times an attestation is created without a person who says so: once more
// after its link has expired.
const maxCreations = 2

// Run works through the queues of the partners. A partner that fails does not stop the others. What
// was created before is followed first, whatever may be sent then.
func (j SubmitPartners) Run(ctx context.Context) (total SubmittedAll, err error) {
	s := j.begin()
	if err := s.check(ctx); err != nil {
		return total, err
	}
	if j.DryRun {
		total.WouldSend, err = s.budget(ctx)
		return total, err
	}
	err = s.each(ctx, s.follow)
	if err == nil {
		err = s.each(ctx, s.renew)
	}
	if err == nil {
		err = s.send(ctx)
	}
	return s.end(ctx, err)
}

// Poll asks for acceptances, hands links over and creates agreements. Nothing new is sent.
func (j SubmitPartners) Poll(ctx context.Context) (total SubmittedAll, err error) {
	if !j.follows() {
		return total, &RouteError{"attestation.route is not enhanced: no signer is asked to accept by a link"}
	}
	s := j.begin()
	if err := s.check(ctx); err != nil {
		return total, err
	}
	return s.end(ctx, s.each(ctx, s.follow))
}

// nightly runs Run. Without a route it only reports approved attestations that cannot be sent.
func (j SubmitPartners) nightly(ctx context.Context) (none SubmittedAll, err error) {
	if j.Route != "" {
		return j.Run(ctx)
	}
	s := j.begin()
	if err := s.rolledBack(ctx); err != nil {
		return none, err
	}
	ready, err := s.ready(ctx)
	if err == nil && ready > 0 {
		err = partialHint("no_route", fmt.Sprintf("%s approved and cannot be sent: attestation.route is not set",
			plural(ready, "attestation")+isAre(ready)),
			"Set attestation.route to the route that Microsoft offers this partner, or cancel them.")
	}
	return none, err
}

// wouldSend is how many attestations a submission would send now.
func (j SubmitPartners) wouldSend(ctx context.Context) (int, error) {
	j.DryRun = true
	total, err := j.Run(ctx)
	return total.WouldSend, err
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// follows reports whether signers accept by links.
func (j SubmitPartners) follows() bool {
	return j.Route == attestation.EnhancedRoute || j.FallbackRoute == attestation.EnhancedRoute
}

func (j SubmitPartners) begin() *partnersSubmission {
	return &partnersSubmission{SubmitPartners: j, open: j.Partners.List, queues: map[string]PartnerQueue{},
		done: map[string]Submitted{}}
}

// partnersSubmission is a SubmitPartners under way.
type partnersSubmission struct {
	SubmitPartners
	open   []Partner // have not failed
	failed []error   // of the others
	queues map[string]PartnerQueue
	done   map[string]Submitted // by partner
}

// check refuses a submission that may not begin.
func (s *partnersSubmission) check(ctx context.Context) error {
	switch {
	case s.Route == "":
		return &RouteError{"attestation.route is not set, so nothing is ever sent: set it to enhanced, or to classic " +
			"where Partner Center still takes attestations in one call"}
	case s.Route != attestation.ClassicRoute && s.Route != attestation.EnhancedRoute:
		return &RouteError{fmt.Sprintf("attestation.route %q cannot be sent by this version; nothing was sent",
			s.Route)}
	case s.Limit < 0:
		return usageErrorf("--limit must not be negative, but is %d", s.Limit)
	}
	return s.rolledBack(ctx)
}

func (s *partnersSubmission) rolledBack(ctx context.Context) error {
	if s.Check == nil {
		return nil
	}
	return s.Check(ctx)
}

// queue is a partner's queue, the same in all steps.
func (s *partnersSubmission) queue(ctx context.Context, p Partner) (PartnerQueue, error) {
	if q, ok := s.queues[p.ID]; ok {
		return q, nil
	}
	q, err := s.Queues.OpenQueue(ctx, p.ID)
	if err == nil {
		s.queues[p.ID] = q
	}
	return q, err
}

// each does a step for every partner. A partner that fails is left out of the next steps.
func (s *partnersSubmission) each(ctx context.Context, step func(context.Context, Partner,
	PartnerQueue) (Submitted, error)) error {
	var open []Partner
	for _, p := range s.open {
		queue, err := s.queue(ctx, p)
		if err == nil {
			var done Submitted
			done, err = step(ctx, p, queue)
			all := s.done[p.ID]
			all.add(done)
			s.done[p.ID] = all
		}
		if stopped := context.Cause(ctx); stopped != nil {
			return errors.Join(stopped, err)
		}
		if err != nil {
			s.failed = append(s.failed, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		open = append(open, p)
	}
	s.open = open
	return nil
}

// follow takes the attestations further that Microsoft has created.
func (s *partnersSubmission) follow(ctx context.Context, p Partner, queue PartnerQueue) (none Submitted, err error) {
	if !s.follows() || p.Kind == standing.IndirectReseller {
		return none, nil
	}
	expected := 0
	for _, work := range []attestation.Work{attestation.FollowWork, attestation.AcceptedWork} {
		n, err := queue.CountReady(ctx, standing.DateOf(s.Now()), work)
		if err != nil {
			return none, err
		}
		expected += n
	}
	if expected == 0 {
		return none, nil
	}
	return s.enhanced(ctx, p, queue, 0, expected, attestation.FollowWork, attestation.AcceptedWork)
}

// renew lets what has expired be created again, if that is wanted.
func (s *partnersSubmission) renew(ctx context.Context, p Partner, queue PartnerQueue) (done Submitted, err error) {
	if s.follows() && s.Enhanced.RenewExpired && p.Kind != standing.IndirectReseller {
		done.Renewed, err = queue.Renew(ctx, maxCreations, s.Now())
	}
	return done, err
}

// send sends what is approved.
func (s *partnersSubmission) send(ctx context.Context) error {
	left, err := s.budget(ctx)
	if err != nil {
		return err
	}
	return s.each(ctx, func(ctx context.Context, p Partner, queue PartnerQueue) (Submitted, error) {
		done, err := s.sendOne(ctx, p, queue, left)
		left -= min(left, done.Sent)
		return done, err
	})
}

// budget is how many attestations may be sent, or an error when that is more than the ceiling.
func (s *partnersSubmission) budget(ctx context.Context) (int, error) {
	ready, err := s.ready(ctx)
	if err != nil {
		return 0, err
	}
	if s.Limit > 0 {
		ready = min(ready, s.Limit)
	}
	if ready > s.Ceiling {
		return 0, &CeilingError{ready, s.Ceiling}
	}
	return ready, nil
}

// ready counts what may be sent today.
func (s *partnersSubmission) ready(ctx context.Context) (ready int, err error) {
	for _, p := range s.open {
		if p.Kind == standing.IndirectReseller {
			continue
		}
		queue, err := s.queue(ctx, p)
		if err != nil {
			return 0, err
		}
		n, err := queue.CountReady(ctx, standing.DateOf(s.Now()), attestation.ApprovedWork)
		if err != nil {
			return 0, err
		}
		ready += n
	}
	return ready, nil
}

func (s *partnersSubmission) sendOne(ctx context.Context, p Partner, queue PartnerQueue,
	most int) (none Submitted, err error) {
	n, err := queue.CountReady(ctx, standing.DateOf(s.Now()), attestation.ApprovedWork)
	if err != nil {
		return none, err
	}
	unsure, _, err := queue.OpenRequests(ctx)
	switch {
	case err != nil:
		return none, err
	case p.Kind == standing.IndirectReseller:
		s.Log.Info("an indirect reseller cannot attest: ask the indirect provider of the customers", "partner", p.Name)
		if n > 0 {
			return none, &CannotAttestError{n}
		}
		return none, nil
	case n+unsure == 0 || most == 0 && s.Limit > 0:
		return none, nil
	}
	expected := min(n, most) + unsure
	if s.Route == attestation.ClassicRoute {
		done, err := s.classic(ctx, p, queue, most, expected)
		if _, retired := errors.AsType[*RetiredError](err); !retired || s.FallbackRoute != attestation.EnhancedRoute {
			return done, err
		}
		s.Log.Warn("Microsoft has retired the classic call: the attestations take the enhanced route", "partner",
			p.Name)
	}
	return s.enhanced(ctx, p, queue, most, expected, attestation.ApprovedWork, attestation.FollowWork,
		attestation.AcceptedWork)
}

func (s *partnersSubmission) classic(ctx context.Context, p Partner, queue PartnerQueue, most,
	expected int) (done Submitted, err error) {
	service, err := s.Partners.Service(p.ID, uuid.NewString())
	if err != nil {
		return done, err
	}
	done, err = s.submit(ctx, p, queue, expected, Submit{Route: &Classic{Service: service, Since: s.Since},
		Record: service, Most: most})
	if refused, ok := errors.AsType[interface {
		error
		Retired() bool
	}](err); ok && refused.Retired() {
		left, counted := queue.CountUnsettled(ctx, standing.DateOf(s.Now()))
		return done, errors.Join(&RetiredError{left.Others, err}, counted)
	}
	return done, err
}

// enhanced does some kinds of work on the enhanced route.
func (s *partnersSubmission) enhanced(ctx context.Context, p Partner, queue PartnerQueue, most, expected int,
	work ...attestation.Work) (done Submitted, err error) {
	sample, err := queue.SampleLink(ctx)
	if err != nil {
		return done, err
	}
	if sample.AcceptLink != "" {
		if _, err := openLink(s.Enhanced.Cipher, sample); err != nil {
			return done, err
		}
	}
	service, err := s.Partners.Service(p.ID, uuid.NewString())
	if err != nil {
		return done, err
	}
	setup := s.Enhanced
	route := &Enhanced{Service: service, Since: s.Since, Cipher: setup.Cipher, Lifetime: setup.Lifetime,
		RemindAfter: setup.RemindAfter, EvidenceDir: setup.EvidenceDir, KeepUnexpected: setup.KeepUnexpected,
		Now: s.Now}
	if setup.Links != nil {
		route.Links = setup.Links(p, queue)
	}
	return s.submit(ctx, p, queue, expected, Submit{Route: route, Record: service, Most: most, Work: work})
}

// submit runs a submission of one partner, and reads the standing of the customers that it changed.
func (s *partnersSubmission) submit(ctx context.Context, p Partner, queue PartnerQueue, expected int,
	submit Submit) (Submitted, error) {
	submit.Since, submit.Concurrency, submit.Cooldown = s.Since, p.Concurrency, s.Cooldown
	submit.Waiting = func(attestations int, wait time.Duration) {
		s.Log.Warn("no answer came for some attestations: waiting before their outcome is read", "partner", p.Name,
			"attestations", attestations, "wait", wait.Round(time.Second))
	}
	watched := &watchedQueue{PartnerQueue: queue, expected: expected, told: s.Watch.task(p.Name + ": attestations")}
	done, err := submit.Run(ctx, watched, s.Now)
	if len(done.Customers) > 0 {
		if again := s.Recheck(ctx, p, done.Customers); again != nil {
			s.Log.Warn("what was attested is not yet in the standings; the next run reads it", "partner", p.Name,
				"error", again)
		}
	}
	return done, err
}

// end says what the submission came to; err stopped it.
func (s *partnersSubmission) end(ctx context.Context, err error) (total SubmittedAll, _ error) {
	for _, p := range s.open {
		if p.Kind != standing.IndirectReseller && err == nil {
			err = s.countUnsettled(ctx, p)
		}
	}
	for _, p := range s.Partners.List {
		total.add(s.done[p.ID])
	}
	if err != nil {
		return total, err
	}
	s.Log.Info("submitted", "sent", total.Sent, "confirmed", total.Confirmed, "already_on_record",
		total.AlreadyOnRecord, "cleared", total.Cleared, "refused", total.Refused, "failed", total.Failed,
		"retry_later", total.RetryLater, "created", total.Created, "waiting", total.Waiting, "accepted", total.Accepted,
		"expired", total.Expired, "renewed", total.Renewed)
	return total, s.outcome(total.Submitted)
}

// countUnsettled counts what is not settled yet, whoever sent it: what another process works on,
// what has no answer, and what its signer or we have to do. It must not look done. Where only a
// part was to be sent, the rest was meant to be left.
func (s *partnersSubmission) countUnsettled(ctx context.Context, p Partner) error {
	queue, err := s.queue(ctx, p)
	if err != nil {
		return err
	}
	left, err := queue.CountUnsettled(ctx, standing.DateOf(s.Now()))
	if err != nil {
		return err
	}
	done := s.done[p.ID]
	done.Created, done.Waiting, done.Accepted = left.Created, left.Waiting, left.Accepted
	if s.Limit == 0 {
		done.RetryLater = left.Others
	}
	s.done[p.ID] = done
	return nil
}

func (s *partnersSubmission) outcome(total Submitted) error {
	switch {
	case len(s.failed) > 0 && (len(s.failed) == len(s.Partners.List) || total.Sent == 0):
		return errors.Join(s.failed...)
	case len(s.failed) > 0:
		return partial("some_partners_failed", errors.Join(s.failed...).Error(), s.failed[0])
	}
	return total.outcome()
}

// outcome says what of it needs a person, or another submission.
func (d Submitted) outcome() error {
	expired := max(0, d.Expired-d.Renewed)
	links := d.Created + d.Accepted + expired + d.Problems
	if links == 0 && d.Refused+d.Failed+d.RetryLater == 0 {
		return nil
	}
	if links == 0 {
		return partialHint("not_all_confirmed",
			fmt.Sprintf("%d refused by Microsoft, %d failed, %d with unknown outcome",
				d.Refused, d.Failed, d.RetryLater),
			"mcaledger attest list and the result file say which and why; the next submission continues with the "+
				"unknown ones.")
	}
	hint := hintOf(d.Problem)
	for _, known := range []struct {
		needed bool
		text   string
	}{
		{d.Accepted > 0, "Customers whose signers accepted count only when their agreements are created: the next " +
			"submission, or mcaledger attest poll, tries again."},
		{d.Created > 0, "Set mail.from, so that links are sent or written as drafts; or write them to a file with " +
			"mcaledger attest links."},
		{true, "mcaledger attest list and the result file say which and why; mcaledger attest retry makes a new link."},
	} {
		if hint == "" && known.needed {
			hint = known.text
		}
	}
	all := partialHint(d.code(), fmt.Sprintf("%d accepted by their signers without an agreement yet, %d links not "+
		"handed over, %d links expired, "+
		"%d refused by Microsoft, %d failed, %d with unknown outcome", d.Accepted, d.Created, expired, d.Refused,
		d.Failed, d.RetryLater), hint)
	if d.Problem == nil {
		return all
	}
	return partialHint(d.code(), fmt.Sprintf("%s; %d could not be taken further now, for example: %s", all, d.Problems,
		d.Problem), hint)
}

func (d Submitted) code() string {
	if d.Accepted > 0 {
		return "accepted_without_agreement"
	}
	return "not_all_confirmed"
}

func (d *Submitted) add(other Submitted) {
	d.Sent += other.Sent
	d.Confirmed += other.Confirmed
	d.AlreadyOnRecord += other.AlreadyOnRecord
	d.Waiting += other.Waiting
	d.Refused += other.Refused
	d.Failed += other.Failed
	d.RetryLater += other.RetryLater
	d.Created += other.Created
	d.Accepted += other.Accepted
	d.Expired += other.Expired
	d.Renewed += other.Renewed
	d.Cleared += other.Cleared
	d.Problems += other.Problems
	if d.Problem == nil {
		d.Problem = other.Problem
	}
}
