package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// SubmitPartners sends the approved attestations of several partners, one partner after the other,
// and reads the standing of their customers again.
type SubmitPartners struct {
	Partners *Partners
	Queues   Queues
	Route    string // of the configuration; empty: nothing is ever sent
	Ceiling  int    // the most that one submission may send
	Limit    int    // send at most so many; 0: all
	DryRun   bool   // count, and send nothing
	Since    standing.Date
	Cooldown time.Duration // see Submit
	// Check returns an error when nothing may be sent; may be nil.
	Check func(ctx context.Context) error
	// Recheck reads the standing of customers again, for whom something was just attested.
	Recheck func(ctx context.Context, p Partner, customers []string) error
	Now     func() time.Time
	Log     *slog.Logger
	Watch   Watch
}

// Queues opens the queues of partners.
type Queues interface {
	OpenQueue(ctx context.Context, partnerID string) (PartnerQueue, error)
}

// PartnerQueue is one partner's queue with the counts that a submission starts and ends with.
type PartnerQueue interface {
	Queue
	// CountReady counts what may be sent today.
	CountReady(ctx context.Context, today standing.Date) (int, error)
	// CountUnsettled counts what could be sent today and was not, whoever works on it, what has a
	// request with unknown outcome, and what was accepted and has no agreement yet.
	CountUnsettled(ctx context.Context, today standing.Date) (int, error)
}

// CeilingError: more is approved than one submission may send.
type CeilingError struct{ Ready, Ceiling int }

func (e *CeilingError) Error() string {
	return fmt.Sprintf("%d attestations are approved, and one submission may send %d (attestation.ceiling); nothing was sent", e.Ready, e.Ceiling)
}
func (e *CeilingError) Code() string { return "ceiling" }
func (e *CeilingError) Hint() string {
	return "Send a part with --limit, or raise attestation.ceiling if so many are right."
}

// CannotAttestError: Microsoft takes no attestation from an indirect reseller.
type CannotAttestError struct{ Attestations int }

func (e *CannotAttestError) Error() string {
	return fmt.Sprintf("an indirect reseller cannot attest; none of %s was sent", plural(e.Attestations, "attestation"))
}
func (e *CannotAttestError) Code() string { return "cannot_attest" }
func (e *CannotAttestError) Hint() string {
	return "Ask the indirect provider of these customers to attest."
}

// RouteError: the configuration names no route that this version can use. Nothing was sent.
type RouteError struct{ message string }

func (e *RouteError) Error() string { return e.message }
func (e *RouteError) Code() string  { return "configuration" }
func (e *RouteError) Hint() string {
	return "Correct the configuration; docs/configuration.md lists every key."
}

// RetiredError: Microsoft refuses the classic call for every customer alike. Nothing took effect, and nothing failed.
type RetiredError struct {
	Approved int // attestations that stay approved
	cause    error
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("Microsoft accepts no attestation by the classic call, which it retired in January 2026; %s approved: %v",
		staying(e.Approved), e.cause)
}
func (e *RetiredError) Unwrap() error { return e.cause }
func (e *RetiredError) Code() string  { return "attestation_retired" }
func (e *RetiredError) Hint() string {
	return "Set attestation.route to enhanced: then the customers' signers accept by a link. Nothing failed, and nothing has to be imported again."
}

func staying(n int) string {
	if n == 1 {
		return "1 attestation stays"
	}
	return fmt.Sprintf("%d attestations stay", n)
}

// SubmittedAll is what became of the submissions of all partners.
type SubmittedAll struct {
	Submitted
	WouldSend int // of a dry run
}

// Run works through the queues of the partners. A partner that fails does not stop the others.
func (j SubmitPartners) Run(ctx context.Context) (total SubmittedAll, err error) {
	left, err := j.budget(ctx)
	if err != nil || j.DryRun {
		total.WouldSend = left
		return total, err
	}
	var failed []error
	for _, p := range j.Partners.List {
		done, err := j.one(ctx, p, left)
		total.add(done)
		left -= min(left, done.Sent)
		if stopped := context.Cause(ctx); stopped != nil {
			return total, errors.Join(stopped, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", p.Name, err))
		}
	}
	j.Log.Info("submitted", "sent", total.Sent, "confirmed", total.Confirmed, "already_on_record", total.AlreadyOnRecord,
		"cleared", total.Cleared, "refused", total.Refused, "failed", total.Failed, "retry_later", total.RetryLater)
	return total, j.outcome(total.Submitted, failed)
}

// nightly is Run, unless there is no route: approved work that cannot be sent is said.
func (j SubmitPartners) nightly(ctx context.Context) (none SubmittedAll, err error) {
	if j.Route != "" {
		return j.Run(ctx)
	}
	ready, err := j.ready(ctx)
	if err == nil && ready > 0 {
		err = partialHint("no_route", fmt.Sprintf("%s approved and cannot be sent: attestation.route is not set",
			plural(ready, "attestation")+isAre(ready)), "Set attestation.route to the route that Microsoft offers this partner, or cancel them.")
	}
	return none, err
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// budget is how many attestations may be sent, or an error when that is more than the ceiling.
func (j SubmitPartners) budget(ctx context.Context) (int, error) {
	switch {
	case j.Route == "":
		return 0, &RouteError{"attestation.route is not set, so nothing is ever sent: set it to classic where Partner Center still takes attestations in one call"}
	case j.Route != "classic":
		return 0, &RouteError{fmt.Sprintf("attestation.route %q cannot be sent by this version; nothing was sent", j.Route)}
	case j.Limit < 0:
		return 0, usageErrorf("--limit must not be negative, but is %d", j.Limit)
	}
	ready, err := j.ready(ctx)
	if err != nil {
		return 0, err
	}
	if j.Limit > 0 {
		ready = min(ready, j.Limit)
	}
	if ready > j.Ceiling {
		return 0, &CeilingError{ready, j.Ceiling}
	}
	return ready, nil
}

// ready counts what may be sent today.
func (j SubmitPartners) ready(ctx context.Context) (int, error) {
	if j.Check != nil {
		if err := j.Check(ctx); err != nil {
			return 0, err
		}
	}
	ready := 0
	for _, p := range j.Partners.List {
		if p.Kind == standing.IndirectReseller {
			continue
		}
		queue, err := j.Queues.OpenQueue(ctx, p.ID)
		if err != nil {
			return 0, err
		}
		n, err := queue.CountReady(ctx, standing.DateOf(j.Now()))
		if err != nil {
			return 0, err
		}
		ready += n
	}
	return ready, nil
}

func (j SubmitPartners) one(ctx context.Context, p Partner, most int) (done Submitted, err error) {
	queue, err := j.Queues.OpenQueue(ctx, p.ID)
	if err != nil {
		return done, err
	}
	n, err := queue.CountReady(ctx, standing.DateOf(j.Now()))
	if err != nil {
		return done, err
	}
	open, _, err := queue.OpenRequests(ctx)
	switch {
	case err != nil:
		return done, err
	case p.Kind == standing.IndirectReseller:
		j.Log.Info("an indirect reseller cannot attest: ask the indirect provider of the customers", "partner", p.Name)
		if n > 0 {
			return done, &CannotAttestError{n}
		}
		return done, nil
	case n+open == 0 || most == 0 && j.Limit > 0:
		return j.withUnsettled(ctx, queue, done)
	}
	service, err := j.Partners.Service(p.ID, uuid.NewString())
	if err != nil {
		return done, err
	}
	submit := Submit{Route: &Classic{Service: service, Since: j.Since}, Record: service, Since: j.Since, Concurrency: p.Concurrency, Most: most, Cooldown: j.Cooldown,
		Waiting: func(attestations int, wait time.Duration) {
			j.Log.Warn("no answer came for some attestations: waiting before their outcome is read", "partner", p.Name,
				"attestations", attestations, "wait", wait.Round(time.Second))
		}}
	watched := &watchedQueue{PartnerQueue: queue, expected: min(n, most) + open, told: j.Watch.task(p.Name + ": attestations")}
	done, err = submit.Run(ctx, watched, j.Now)
	if len(done.Customers) > 0 {
		if again := j.Recheck(ctx, p, done.Customers); again != nil {
			j.Log.Warn("what was attested is not yet in the standings; the next run reads it", "partner", p.Name, "error", again)
		}
	}
	if refused, ok := errors.AsType[interface {
		error
		Retired() bool
	}](err); ok && refused.Retired() {
		approved, counted := queue.CountUnsettled(ctx, standing.DateOf(j.Now()))
		return done, errors.Join(&RetiredError{approved, err}, counted)
	}
	if err != nil {
		return done, err
	}
	return j.withUnsettled(ctx, queue, done)
}

// withUnsettled counts what is not settled yet, whoever sent it: what another process works on, and
// what has no answer. It must not look done. Where only a part was to be sent, the rest was meant
// to be left.
func (j SubmitPartners) withUnsettled(ctx context.Context, queue PartnerQueue, done Submitted) (Submitted, error) {
	if j.Limit > 0 {
		return done, nil
	}
	var err error
	done.RetryLater, err = queue.CountUnsettled(ctx, standing.DateOf(j.Now()))
	return done, err
}

func (j SubmitPartners) outcome(total Submitted, failed []error) error {
	switch {
	case len(failed) > 0 && (len(failed) == len(j.Partners.List) || total.Sent == 0):
		return errors.Join(failed...)
	case len(failed) > 0:
		return partial("some_partners_failed", errors.Join(failed...).Error(), failed[0])
	case total.Refused+total.Failed+total.RetryLater > 0:
		return partialHint("not_all_confirmed", fmt.Sprintf("%d refused by Microsoft, %d failed, %d with unknown outcome",
			total.Refused, total.Failed, total.RetryLater),
			"mcaledger attest list and the result file say which and why; the next submission continues with the unknown ones.")
	}
	return nil
}

func (d *Submitted) add(other Submitted) {
	d.Sent += other.Sent
	d.Confirmed += other.Confirmed
	d.AlreadyOnRecord += other.AlreadyOnRecord
	d.Waiting += other.Waiting
	d.Refused += other.Refused
	d.Failed += other.Failed
	d.RetryLater += other.RetryLater
	d.Cleared += other.Cleared
}
