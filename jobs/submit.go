package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Submit takes the approved attestations of one partner to Microsoft, and finds out what became of
// those whose answer was lost. Any number of hosts may do so at the same time.
type Submit struct {
	Route       Route
	Record      RecordReader
	Since       standing.Date // acceptances on record count from this day
	Concurrency int
	Most        int // approved attestations to send, at most
	// Work is what is done, in this order; none: what is approved is sent.
	Work []attestation.Work
	// Cooldown is how long an attestation rests after a lost answer: at least as long as the
	// service may go on working on a request whose caller has gone.
	Cooldown time.Duration
	// Waiting is called when the submission waits for attestations to cool down; may be nil.
	Waiting func(attestations int, wait time.Duration)
}

// Route is a way to get attestations on record with Microsoft, in one or several steps. It is used
// by several workers.
type Route interface {
	// Begin prepares a submission.
	Begin(ctx context.Context) error
	// Advance takes a claimed attestation one step further, or finds out what became of the last
	// request. It calls open right before it sends a request. An error concerns the caller rather
	// than the attestation, and with ResultForbidden perhaps the caller; the settlement is right in
	// either case.
	Advance(ctx context.Context, c *attestation.Claim, open OpenRequest) (attestation.Settlement, error)
}

// OpenRequest saves a request that is about to leave, in claim.LastRequest, and gives it its id.
// When it fails, nothing may be sent.
type OpenRequest func(ctx context.Context, r attestation.Request) error

// Queue is what a submission asks of the store. Every write fails with attestation.ErrClaimLost
// when another worker has the attestation by now.
type Queue interface {
	// Claim takes the next attestation, new ones first; nil: there is none now. One that waits for
	// its signer is claimed once.
	Claim(ctx context.Context, today standing.Date, work attestation.Work) (*attestation.Claim, error)
	// Open saves a request that is about to leave; after a crash the attestation rests for so long.
	Open(ctx context.Context, c *attestation.Claim, r attestation.Request, wait time.Duration) error
	// Settle ends a claim.
	Settle(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error
	// OpenRequests counts the attestations whose answer was lost and that have no worker, and
	// returns how long it is until all of them may be claimed.
	OpenRequests(ctx context.Context) (n int, wait time.Duration, err error)
}

// Submitted counts what became of the attestations that a submission worked on.
type Submitted struct {
	Sent, Confirmed, AlreadyOnRecord, Waiting, Refused, Failed, RetryLater int

	Created  int // their links have not been handed over
	Accepted int // by their signers, and the agreements have not been created
	Expired  int // their signers did not accept in time
	Renewed  int // expired before, and are created again
	Cleared  int // not sent, because their customers can buy meanwhile

	Customers []string // whose standing has changed by it
	Problems  int      // attestations that could not be taken further now
	Problem   error    // the first of them
}

// rounds is how many times a submission works through the queue, the later times only on those
// whose answer was lost.
const rounds = 3

// Run works until the queue is empty, Most were worked on, ctx ends, or the service refuses the
// caller. What became of lost answers is found out before it ends, if possible. Requests in flight
// when ctx ends are finished.
func (j Submit) Run(ctx context.Context, queue Queue, now func() time.Time) (Submitted, error) {
	if err := j.Route.Begin(ctx); err != nil {
		return Submitted{}, err
	}
	s := &submission{Submit: j, queue: queue, now: now, ends: map[attestation.ID]end{},
		accepted: map[attestation.State]bool{}}
	err := s.run(ctx)
	done := Submitted{Problems: s.problems, Problem: s.problem}
	for _, e := range s.ends {
		done.count(e)
	}
	return done, err
}

func (s *submission) run(ctx context.Context) error {
	all := s.Work
	if len(all) == 0 {
		all = []attestation.Work{attestation.ApprovedWork}
	}
	again := []attestation.Work{attestation.UnsureWork}
	for _, work := range all {
		if work != attestation.ApprovedWork {
			again = append(again, work)
		}
	}
	most := map[attestation.Work]int{attestation.ApprovedWork: s.Most}
	for round := 1; ; round++ {
		for _, work := range all {
			if err := s.round(ctx, work, most); err != nil {
				return err
			}
		}
		open, wait, err := s.queue.OpenRequests(ctx)
		if err != nil {
			return err
		}
		if open == 0 {
			s.forgetUnsure()
		}
		if open == 0 || round == rounds {
			return nil
		}
		if all, most[attestation.UnsureWork] = again, open; s.Waiting != nil {
			s.Waiting(open, wait)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// round lets the workers do a kind of work, on at most so many attestations.
func (s *submission) round(ctx context.Context, work attestation.Work, most map[attestation.Work]int) error {
	s.left.Store(math.MaxInt64)
	if n, limited := most[work]; limited {
		s.left.Store(int64(n))
	}
	graceCtx, stop := withGracePeriod(ctx, grace)
	defer stop()
	group, working := errgroup.WithContext(graceCtx)
	for range s.Concurrency {
		group.Go(func() error { return s.work(ctx, working, work) })
	}
	err := group.Wait()
	for _, f := range s.flushUndecided() {
		if wrote := s.settle(graceCtx, f); err == nil {
			err = wrote
		}
	}
	switch {
	case err != nil:
		return err
	case s.refused != nil:
		return s.refused
	}
	return context.Cause(ctx)
}

// end is what became of one attestation that was worked on.
type end struct {
	customer string
	state    attestation.State
	sent     bool // now, or before with unknown outcome
	unsure   bool
}

func (d *Submitted) count(e end) {
	if e.sent {
		d.Sent++
	}
	switch e.state {
	case attestation.Cleared:
		d.Cleared++
	case attestation.Confirmed:
		d.Confirmed++
		d.Customers = append(d.Customers, e.customer)
	case attestation.AlreadyOnRecord:
		d.AlreadyOnRecord++
		d.Customers = append(d.Customers, e.customer)
	case attestation.Created:
		d.Created++
	case attestation.Waiting:
		d.Waiting++
	case attestation.Accepted:
		d.Accepted++
	case attestation.Expired:
		d.Expired++
	case attestation.RefusedByMicrosoft:
		d.Refused++
	case attestation.Failed:
		d.Failed++
	default:
		d.RetryLater++
	}
}

// submission is a Submit under way.
type submission struct {
	Submit
	queue Queue
	now   func() time.Time
	left  atomic.Int64 // attestations that may still be claimed in this round

	mu   sync.Mutex
	ends map[attestation.ID]end
	// steps of which the service has accepted a request of this caller, or looked at its content
	accepted  map[attestation.State]bool
	undecided []finding // refusals since the last acceptance, in order
	refused   error     // the service refuses the caller
	problems  int       // see Submitted
	problem   error
}

// finding is what a worker found out about the attestation that it works on.
type finding struct {
	claim *attestation.Claim
	attestation.Settlement
	from      attestation.State // the state before
	accepted  bool              // the service serves this caller
	forbidden error             // a right is missing: for this customer, or for all
	rejected  bool              // there is no such customer, or no relationship with it: or for all alike
	refused   error             // the service would refuse the next one too
	problem   error             // of this attestation alone
}

// unsure reports whether the outcome of a request is not known.
func (f finding) unsure() bool {
	return f.Result == attestation.ResultUnknown || f.Result == "" && f.claim.MaybeDelivered
}

// minRetryDelay keeps an attestation that could not be taken further from being claimed again by
// the same submission.
const minRetryDelay = time.Millisecond

// maxUndecided is how many customers in a row may be forbidden before the caller is taken to lack
// the right for all. One customer whose right is missing must not keep the others waiting, tonight
// and every night.
const maxUndecided = 10

// work claims one attestation after the other, and advances each.
func (s *submission) work(ctx, working context.Context, work attestation.Work) error {
	for s.left.Add(-1) >= 0 && ctx.Err() == nil && working.Err() == nil {
		claim, err := s.queue.Claim(working, standing.DateOf(s.now()), work)
		if err != nil {
			return fmt.Errorf("claim an attestation: %w", err)
		}
		if claim == nil {
			return nil
		}
		for _, f := range s.resolve(s.advance(working, claim)) {
			if err := s.settle(working, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance takes a claimed attestation one step further.
func (s *submission) advance(working context.Context, c *attestation.Claim) finding {
	// The request must be over before the claim is: two workers must never send the same
	// attestation.
	ctx, cancel := context.WithDeadline(working, c.Until)
	defer cancel()
	end, settled, err := s.settleIfCovered(ctx, c)
	if !settled && err == nil {
		end, err = s.Route.Advance(ctx, c, func(ctx context.Context, r attestation.Request) error {
			return s.open(ctx, c, r)
		})
	}
	f := finding{claim: c, Settlement: end, from: c.State}
	row, ofRow := errors.AsType[*RowError](err)
	switch {
	case err == nil:
	case ofRow && ctx.Err() == nil:
		f.problem = row
	case end.Result == attestation.ResultForbidden:
		f.forbidden = err
	case end.Result == "" && (errors.Is(err, attestation.ErrClaimLost) || ctx.Err() != nil && working.Err() == nil):
		// This process was stopped for too long: no request left, and the next attestation may be
		// in time.
	default:
		f.refused = err
	}
	f.rejected = end.Result == attestation.ResultCustomerRejected && !end.Read
	switch end.Result {
	case attestation.ResultSucceeded, attestation.ResultDuplicateSigner, attestation.ResultContentRejected:
		f.accepted = !end.Read
	}
	switch {
	case f.unsure():
		f.Wait = s.Cooldown
	case f.problem != nil && f.Result == "":
		f.Wait = max(f.Wait, minRetryDelay)
	}
	return f
}

// open saves a request that is about to leave. While the outcome of the last one is not known, it
// is repeated with the same id and content, so that the service can tell that it is the same.
func (s *submission) open(ctx context.Context, c *attestation.Claim, r attestation.Request) error {
	r.ID, r.SentAt = uuid.NewString(), s.now()
	if c.MaybeDelivered {
		r.ID, r.TemplateID, r.Content = c.LastRequest.ID, c.LastRequest.TemplateID, c.LastRequest.Content
	}
	return s.queue.Open(ctx, c, r, s.Cooldown)
}

// settle saves what was found out about an attestation, whatever ends the work.
func (s *submission) settle(ctx context.Context, f finding) error {
	err := s.queue.Settle(context.WithoutCancel(ctx), f.claim, f.Settlement, s.now())
	if errors.Is(err, attestation.ErrClaimLost) {
		return nil // another worker settles it
	}
	if err != nil {
		return fmt.Errorf("attestation %s: %w", f.claim.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := f.claim.MaybeDelivered || f.claim.OpenRequest > 0 || s.ends[f.claim.ID].sent
	s.ends[f.claim.ID] = end{f.claim.CustomerID, f.State, sent, f.unsure()}
	if f.problem != nil {
		if s.problems++; s.problem == nil {
			s.problem = fmt.Errorf("attestation %s: %w", f.claim.ID, f.problem)
		}
	}
	return nil
}

// forgetUnsure leaves out the attestations of unknown outcome that other hosts have settled
// meanwhile.
func (s *submission) forgetUnsure() {
	for id, e := range s.ends {
		if e.unsure {
			delete(s.ends, id)
		}
	}
}

// resolve decides whether a 403 concerns one customer or the caller, and returns what can be saved
// now. Only what the service answers for other customers shows it, so refusals stay undecided until
// one is accepted, or there are too many.
func (s *submission) resolve(f finding) []finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.forbidden != nil, f.rejected && !s.accepted[f.from]:
		s.undecided = append(s.undecided, f)
		if len(s.undecided) < maxUndecided {
			return nil
		}
		s.stop(f.whyAll(len(s.undecided)))
		return s.releaseUndecided()
	case f.accepted:
		s.accepted[f.from] = true
		known := []finding{f}
		var still []finding
		for _, h := range s.undecided {
			if h.from == f.from {
				known = append(known, h)
			} else {
				still = append(still, h)
			}
		}
		s.undecided = still
		return known
	case f.refused != nil:
		s.stop(f.refused)
	}
	return []finding{f}
}

// whyAll is why the service refuses one customer after the other.
func (f finding) whyAll(customers int) error {
	if f.rejected {
		return &AllRejectedError{customers, f.Answer}
	}
	return f.forbidden
}

// AllRejectedError: the service says of one customer after the other that it is not there, or not
// the partner's, although the last run could read them. That is a fault of the account or of the
// service, and nothing is decided about any of them.
type AllRejectedError struct {
	Customers int
	Answer    attestation.Answer
}

func (e *AllRejectedError) Error() string {
	code := ""
	if e.Answer.Code != "" {
		code = ", code " + e.Answer.Code
	}
	return fmt.Sprintf("Microsoft refused the attestations of the first %d customers alike (answered %d%s): they "+
		"keep their states, and none counts as failed",
		e.Customers, e.Answer.Status, code)
}

// Code names the error for machines.
func (e *AllRejectedError) Code() string { return "all_rejected" }

// Hint is what a person can do.
func (e *AllRejectedError) Hint() string {
	return "Check that tenant_id and api_url are the partner's own, and that the partner's account is active; " +
		"mcaledger doctor looks at more. " +
		"If all these customers really left, mcaledger reconcile says so; then cancel their attestations."
}

// flushUndecided returns the refusals that are still undecided at the end of a round. If the
// service accepted others, the 403s concern these customers.
func (s *submission) flushUndecided() []finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.undecided {
		if h.forbidden != nil && !s.accepted[h.from] {
			s.stop(h.forbidden)
		}
	}
	if s.refused != nil {
		return s.releaseUndecided()
	}
	findings := s.undecided
	s.undecided = nil
	return findings
}

// releaseUndecided returns the undecided ones as attestations about which nothing is known. The
// caller holds the lock.
func (s *submission) releaseUndecided() []finding {
	findings := s.undecided
	s.undecided = nil
	for i := range findings {
		findings[i].Settlement = undone(findings[i].claim, attestation.ResultForbidden, findings[i].Answer)
	}
	return findings
}

// stop lets nobody claim another attestation. Requests in flight are finished: cut off, nobody
// would know what became of them. The caller holds the lock.
func (s *submission) stop(refused error) {
	s.left.Store(0)
	if s.refused == nil {
		s.refused = refused
	}
}

// undone is an attestation whose request certainly took no effect this time. If the outcome of an
// earlier one is not known, it stays unknown.
func undone(c *attestation.Claim, result attestation.SendResult, answer attestation.Answer) attestation.Settlement {
	end := attestation.Settlement{State: c.State, Result: result, Answer: answer}
	if c.MaybeDelivered {
		end.Result, end.Reason = attestation.ResultUnknown, attestation.NotSettled
	}
	return end
}
