package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Submit tells Microsoft of the approved attestations of one partner, and settles those whose answer was lost. Any number of hosts
// may do so at the same time.
type Submit struct {
	Concurrency int
	Most        int           // attestations to send, at most
	Since       standing.Date // an acceptance on record from this day on is as good as ours
	Service     Attestor
}

// Attestor is what a submission asks of Partner Center.
type Attestor interface {
	Template(ctx context.Context) (string, error)
	Attest(ctx context.Context, a attestation.Attestation) (attestation.Answer, attestation.SendResult, error)
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
}

// Queue is what a submission asks of the ledger. Every write names the claim, and fails when somebody else has it by now.
type Queue interface {
	// Claim takes the next attestation that may be sent, be it a fresh one or one whose answer was lost, or only of the latter; nil: there is none.
	// requestID is its MS-RequestId if it has none yet.
	Claim(ctx context.Context, today standing.Date, requestID string, fresh bool, at time.Time) (*attestation.Claim, error)
	// Sending notes that a request is about to leave.
	MarkSent(ctx context.Context, c *attestation.Claim, templateID string, at time.Time) error
	// Resting counts those whose answer was lost a moment ago.
	CountCoolingDown(ctx context.Context) (int, error)
	// Settle ends a claim.
	Complete(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error
}

// Submitted counts what became of the attestations that a submission took up.
type Submitted struct {
	Sent, Confirmed, AlreadyOnRecord, Waiting, Refused, Failed, RetryLater int
	Customers                                                              []string // whose standing has changed by it; at most as many as were sent
}

// rounds is how often a submission looks again at those whose answer was lost, before it leaves them to the next one.
const rounds = 5

// Run works until the queue is empty, Most were taken up, ctx ends, or the service refuses the caller. Lost answers are settled before it
// ends, if they can be. What is in flight when ctx ends is finished.
func (j Submit) Run(ctx context.Context, queue Queue, asOf time.Time) (Submitted, error) {
	template, err := j.Service.Template(ctx)
	if err != nil {
		return Submitted{}, err
	}
	s := &submission{Submit: j, queue: queue, template: template, asOf: asOf, began: time.Now(), tries: map[attestation.ID]int{}, ends: map[attestation.ID]settled{}}
	most := j.Most
	for round := 1; ; round++ {
		s.first = round == 1
		if err = s.round(ctx, most); err != nil {
			break
		}
		// Of those whose answer was lost, as many as are of this submission are taken up again; they count once, and nothing fresh takes their place.
		if most, err = s.unsure(ctx); err != nil || most == 0 || round == rounds {
			break
		}
		if err = pause(ctx, time.Duration(round)*restBetweenRounds); err != nil {
			break
		}
	}
	var done Submitted
	for _, end := range s.ends {
		done.count(end)
	}
	return done, err
}

const restBetweenRounds = 3 * time.Second

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

// round lets the workers take up most attestations.
func (s *submission) round(ctx context.Context, most int) error {
	s.left.Store(int64(most))
	lasting, stop := withGracePeriod(ctx, grace)
	defer stop()
	group, working := errgroup.WithContext(lasting)
	for range s.Concurrency {
		group.Go(func() error { return s.work(ctx, working) })
	}
	err := group.Wait()
	for _, f := range s.lastWord() {
		if wrote := s.write(lasting, f); err == nil {
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

// settled is one attestation that was taken up.
type settled struct {
	customer string
	state    attestation.State
}

func (d *Submitted) count(s settled) {
	d.Sent++
	switch s.state {
	case attestation.Confirmed:
		d.Confirmed++
		d.Customers = append(d.Customers, s.customer)
	case attestation.AlreadyOnRecord:
		d.AlreadyOnRecord++
		d.Customers = append(d.Customers, s.customer)
	case attestation.Created, attestation.Waiting:
		d.Waiting++
	case attestation.RefusedByMicrosoft:
		d.Refused++
	case attestation.Failed:
		d.Failed++
	default: // unsure, or approved again: nothing was settled
		d.RetryLater++
	}
}

// submission is a Submit under way.
type submission struct {
	Submit
	queue    Queue
	template string
	asOf     time.Time
	began    time.Time
	left     atomic.Int64 // attestations that may still be taken up in this round
	first    bool         // it is the first round

	mu      sync.Mutex
	tries   map[attestation.ID]int
	ends    map[attestation.ID]settled
	taken   bool      // the service has taken an attestation of this caller, or looked at its content
	barred  []finding // since then, in a row
	refused error     // the service refuses the caller
}

// finding is what a worker found out about the attestation in its hands.
type finding struct {
	claim *attestation.Claim
	attestation.Settlement
	taken   bool  // the service hears this caller
	barred  error // a right is missing: this customer's, or the caller's
	refused error // the service would refuse the next one too
}

// mostBarred is how many customers in a row the service may bar before it is the caller who is barred. A single one whose right is missing
// must not keep the others waiting, tonight and every night.
const mostBarred = 10

func (s *submission) now() time.Time { return s.asOf.Add(time.Since(s.began)) }

// work takes up one attestation after the other.
func (s *submission) work(ctx, working context.Context) error {
	for s.left.Add(-1) >= 0 && ctx.Err() == nil && working.Err() == nil {
		claim, err := s.queue.Claim(working, standing.DateOf(s.now()), uuid.NewString(), s.first, s.now())
		if err != nil {
			return fmt.Errorf("take up an attestation: %w", err)
		}
		if claim == nil {
			return nil
		}
		if s.again(claim.ID) {
			s.left.Add(1)
		}
		for _, f := range s.judge(s.settle(working, claim)) {
			if err := s.write(working, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// again reports whether an attestation whose answer was lost is taken up once more while others still wait for their first time: it is not to
// take their place. One that never gets an answer does not go on for ever.
func (s *submission) again(id attestation.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries[id]++
	return s.first && 1 < s.tries[id] && s.tries[id] <= rounds
}

// write writes down what is known of an attestation, whatever ends the work.
func (s *submission) write(ctx context.Context, f finding) error {
	err := s.queue.Complete(context.WithoutCancel(ctx), f.claim, f.Settlement, s.now())
	if errors.Is(err, attestation.ErrClaimLost) {
		return nil // somebody else settles it
	}
	if err != nil {
		return fmt.Errorf("attestation %s: %w", f.claim.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[f.claim.ID] = settled{f.claim.CustomerID, f.State}
	return nil
}

// judge says what can be written down now. Whether a missing right is the customer's or the caller's shows only by what the service says of the
// others, so the barred are held until one is taken, or too many are barred.
func (s *submission) judge(f finding) []finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.barred != nil:
		s.barred = append(s.barred, f)
		if len(s.barred) < mostBarred {
			return nil
		}
		s.stop(f.barred)
		return s.putBack()
	case f.taken:
		s.taken = true
		known := append(s.barred, f)
		s.barred = nil
		return known
	case f.refused != nil:
		s.stop(f.refused)
	}
	return []finding{f}
}

// lastWord are the barred that are still held at the end of a round. Where the service took others, it is they.
func (s *submission) lastWord() []finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.barred) > 0 && !s.taken {
		s.stop(s.barred[0].barred)
	}
	if s.refused != nil {
		return s.putBack()
	}
	held := s.barred
	s.barred = nil
	return held
}

// putBack are the barred as attestations that nothing was decided about. The caller holds the lock.
func (s *submission) putBack() []finding {
	held := s.barred
	s.barred = nil
	for i := range held {
		held[i].Settlement = undone(held[i].claim, held[i].Answer)
	}
	return held
}

// stop lets nobody take up another attestation. Requests in flight come to their end: cut off, nobody would know what became of them. The caller
// holds the lock.
func (s *submission) stop(refused error) {
	s.left.Store(0)
	if s.refused == nil {
		s.refused = refused
	}
}

// unsure counts those that this submission took up and nobody has settled yet. Those that another host has settled meanwhile, or is settling, are its own.
func (s *submission) unsure(ctx context.Context) (n int, err error) {
	resting, err := s.queue.CountCoolingDown(ctx)
	if err != nil {
		return 0, err
	}
	for id, end := range s.ends {
		switch {
		case end.state != attestation.Unsure:
		case resting == 0:
			delete(s.ends, id)
		default:
			n++
		}
	}
	return min(n, resting), nil
}

// settle sends an attestation, or finds out what became of it.
func (s *submission) settle(ctx context.Context, c *attestation.Claim) finding {
	// The request must be over before the claim is: nobody else may be at it at the same time.
	working := ctx
	ctx, cancel := context.WithDeadline(ctx, c.Until)
	defer cancel()
	if c.MaybeDelivered {
		if end, ok := s.readBack(ctx, c); ok {
			return finding{claim: c, Settlement: end}
		}
	}
	if c.TemplateID == "" {
		c.TemplateID = s.template
	}
	err := s.queue.MarkSent(ctx, c, c.TemplateID, s.now())
	if errors.Is(err, attestation.ErrClaimLost) || err != nil && ctx.Err() != nil && working.Err() == nil {
		return finding{claim: c, Settlement: undone(c, c.Answer)} // this process was stopped for too long: no request left, and the next one may be in time
	}
	if err != nil {
		return finding{claim: c, Settlement: unsettled(attestation.Answer{}), refused: err}
	}
	return s.send(ctx, c)
}

// send sends an attestation and says what the answer means for it.
func (s *submission) send(ctx context.Context, c *attestation.Claim) finding {
	answer, outcome, err := s.Service.Attest(ctx, c.Attestation)
	f := finding{claim: c, Settlement: attestation.Settlement{Answer: answer}}
	if e, ok := errors.AsType[serviceError](err); ok && e.Fatal() {
		f.refused = err
	}
	switch outcome {
	case attestation.ResultAccepted:
		f.State, f.taken = attestation.Confirmed, true
	case attestation.ResultDuplicateSigner:
		f.Settlement, f.taken = s.signerKnown(ctx, c, answer), true
	case attestation.ResultContentRejected:
		f.State, f.Reason, f.Message, f.taken = attestation.RefusedByMicrosoft, attestation.ContentRefused, words(err), true
		f.Hint = "Correct the row and import it again."
	case attestation.ResultCustomerRejected:
		f.Settlement = impossible(c, answer, err)
	case attestation.ResultForbidden:
		f.Settlement, f.barred = barred(c, answer, err), err
	case attestation.ResultNotSent:
		f.Settlement, f.refused = undone(c, answer), err
	default:
		f.Settlement = unsettled(answer)
	}
	return f
}

// unsettled is an attestation whose answer was lost.
func unsettled(answer attestation.Answer) attestation.Settlement {
	return attestation.Settlement{State: attestation.Unsure, Reason: attestation.NotSettled, Answer: answer}
}

// undone is an attestation that this time was certainly not taken. If the answer of an earlier time was lost, it stays in doubt: the next
// one reads back first.
func undone(c *attestation.Claim, answer attestation.Answer) attestation.Settlement {
	if c.MaybeDelivered {
		return unsettled(answer)
	}
	return attestation.Settlement{State: attestation.Approved, Answer: answer}
}

// impossible is an attestation for a customer for whom there can be none now.
func impossible(c *attestation.Claim, answer attestation.Answer, err error) attestation.Settlement {
	end := attestation.Settlement{State: attestation.Failed, Reason: attestation.CustomerRefused, Message: words(err), Answer: answer}
	cure := "Mend what the answer names"
	if e, ok := errors.AsType[serviceError](err); ok {
		switch e.Outcome() {
		case standing.NoRelationship:
			cure = "There is no relationship with the customer any more: send it a new relationship request"
		case standing.TenantNotFound:
			cure = "The service does not know this customer any more: look for it in Partner Center"
		}
	}
	end.Hint = fmt.Sprintf("%s, then mcaledger attest retry %s.", cure, c.ID)
	return end
}

// barred is an attestation for a customer for whom the caller lacks a right that it has for others.
func barred(c *attestation.Claim, answer attestation.Answer, err error) attestation.Settlement {
	end := impossible(c, answer, err)
	end.Hint = fmt.Sprintf("Other customers were taken, and this one was not: let an Admin agent or Sales agent who may work for it sign in, then mcaledger attest retry %s.", c.ID)
	return end
}

// readBack looks for an attestation that was sent and whose answer was lost. ok is false when it is certainly not there, so that the same
// request may be sent again.
func (s *submission) readBack(ctx context.Context, c *attestation.Claim) (_ attestation.Settlement, ok bool) {
	found, err := s.Service.Agreements(ctx, c.CustomerID)
	if e, ok := errors.AsType[serviceError](err); ok && e.Outcome() != standing.Failed { // the customer is no longer there
		t := e.ReadError()
		return impossible(c, attestation.Answer{Status: t.Status, Code: t.Code, RequestID: t.RequestID, CorrelationID: t.CorrelationID}, err), true
	}
	if err != nil {
		return unsettled(c.Answer), true
	}
	for _, a := range found {
		if attestation.SameContact(a.Signer, c.Content.Signer) && a.Agreed == c.Content.Agreed {
			return attestation.Settlement{State: attestation.Confirmed, Reason: attestation.ReadBack}, true
		}
	}
	return attestation.Settlement{}, false
}

// signerKnown settles 600061: the same signer's agreement is on record, however old.
func (s *submission) signerKnown(ctx context.Context, c *attestation.Claim, answer attestation.Answer) attestation.Settlement {
	found, err := s.Service.Agreements(ctx, c.CustomerID)
	if err != nil {
		return unsettled(answer)
	}
	var newest standing.Date
	for _, a := range found {
		if attestation.SameContact(a.Signer, c.Content.Signer) {
			newest = max(newest, a.Agreed)
		}
	}
	switch {
	case c.MaybeDelivered && newest == c.Content.Agreed:
		return attestation.Settlement{State: attestation.Confirmed, Reason: attestation.ReadBack, Answer: answer}
	case newest >= s.Since:
		return attestation.Settlement{State: attestation.AlreadyOnRecord, Reason: attestation.SameOnRecord, Answer: answer,
			Message: "Microsoft has this signer's acceptance of " + string(newest)}
	}
	day := ""
	if newest != "" {
		day = fmt.Sprintf(" (%s)", newest)
	}
	return attestation.Settlement{State: attestation.RefusedByMicrosoft, Reason: attestation.SameSigner, Answer: answer,
		Message: fmt.Sprintf("Microsoft has an outdated acceptance%s of the same signer and refuses another one (600061)", day),
		Hint:    "Name another signer, or the same with a changed e-mail or phone, and import the row again."}
}

// words are what the service said, for a person; the ids stand beside them.
func words(err error) string {
	if e, ok := errors.AsType[serviceError](err); ok {
		return e.ReadError().Message
	}
	return ""
}
