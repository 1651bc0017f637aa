package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	Attest(ctx context.Context, a attestation.Attestation) (attestation.Answer, attestation.Outcome, error)
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
}

// Queue is what a submission asks of the ledger. Every write names the claim, and fails when somebody else has it by now.
type Queue interface {
	// Claim takes the next attestation that may be sent; nil: there is none. requestID is its MS-RequestId if it has none yet.
	Claim(ctx context.Context, today standing.Date, requestID string, at time.Time) (*attestation.Claim, error)
	// Sending notes that a request is about to leave.
	Sending(ctx context.Context, c *attestation.Claim, templateID string, at time.Time) error
	// Resting counts those whose answer was lost a moment ago.
	Resting(ctx context.Context) (int, error)
	// Settle ends a claim.
	Settle(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error
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
	s := &submission{Submit: j, queue: queue, template: template, asOf: asOf, began: time.Now(), ends: map[attestation.ID]settled{}}
	most := j.Most
	for round := 1; ; round++ {
		if err = s.round(ctx, most); err != nil || round == rounds {
			break
		}
		// Of those that rest, as many as are of this submission are taken up again; they count once.
		if most, err = queue.Resting(ctx); err != nil {
			break
		}
		if most = min(most, s.unsure()); most == 0 {
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
	lasting, stop := outlive(ctx, grace)
	defer stop()
	group, working := errgroup.WithContext(lasting)
	for range s.Concurrency {
		group.Go(func() error { return s.work(ctx, working) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if s.refused != nil {
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

	mu      sync.Mutex
	ends    map[attestation.ID]settled
	refused error // the service refuses the caller
}

func (s *submission) now() time.Time { return s.asOf.Add(time.Since(s.began)) }

// work takes up one attestation after the other.
func (s *submission) work(ctx, working context.Context) error {
	for s.left.Add(-1) >= 0 && ctx.Err() == nil && working.Err() == nil {
		claim, err := s.queue.Claim(working, standing.DateOf(s.now()), uuid.NewString(), s.now())
		if err != nil {
			return fmt.Errorf("take up an attestation: %w", err)
		}
		if claim == nil {
			return nil
		}
		settlement, refused := s.settle(working, claim)
		// Whatever ends the work, what is known of this one is written down.
		if err := s.queue.Settle(context.WithoutCancel(working), claim, settlement, s.now()); err != nil {
			if errors.Is(err, attestation.ErrClaimLost) {
				continue // somebody else settles it
			}
			return fmt.Errorf("attestation %s: %w", claim.ID, err)
		}
		s.end(claim, settlement.State)
		if refused != nil {
			s.stop(refused)
		}
	}
	return nil
}

// stop lets nobody take up another attestation. Requests in flight come to their end: cut off, nobody would know what became of them.
func (s *submission) stop(refused error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left.Store(0)
	if s.refused == nil {
		s.refused = refused
	}
}

func (s *submission) end(c *attestation.Claim, state attestation.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[c.ID] = settled{c.CustomerID, state}
}

// unsure counts those that this submission took up and could not settle yet.
func (s *submission) unsure() (n int) {
	for _, end := range s.ends {
		if end.state == attestation.Unsure {
			n++
		}
	}
	return n
}

// settle sends an attestation, or finds out what became of it. refused is set when the service would refuse the next one too.
func (s *submission) settle(ctx context.Context, c *attestation.Claim) (_ attestation.Settlement, refused error) {
	// The request must be over before the claim is: nobody else may be at it at the same time.
	ctx, cancel := context.WithTimeout(ctx, c.Left)
	defer cancel()
	if c.Doubt {
		if end, ok := s.readBack(ctx, c); ok {
			return end, nil
		}
	}
	if c.TemplateID == "" {
		c.TemplateID = s.template
	}
	if err := s.queue.Sending(ctx, c, c.TemplateID, s.now()); err != nil {
		return attestation.Settlement{State: attestation.Unsure, Reason: attestation.NotSettled}, err
	}
	answer, outcome, err := s.Service.Attest(ctx, c.Attestation)
	if e, ok := errors.AsType[serviceError](err); ok && e.Fatal() {
		refused = err
	}
	end := attestation.Settlement{Answer: answer}
	switch outcome {
	case attestation.Taken:
		end.State = attestation.Confirmed
	case attestation.SignerKnown:
		end = s.signerKnown(ctx, c, answer)
	case attestation.Rejected:
		end.State, end.Reason, end.Message = attestation.RefusedByMicrosoft, attestation.ContentRefused, words(err)
		end.Hint = "Correct the row and import it again."
	case attestation.Impossible:
		end.State, end.Reason, end.Message = attestation.Failed, attestation.CustomerRefused, words(err)
		end.Hint = "Mend what the answer names, then mcaledger attest retry."
	case attestation.NotSent:
		end.State, refused = attestation.Approved, err
	default:
		end.State, end.Reason = attestation.Unsure, attestation.NotSettled
	}
	return end, refused
}

// readBack looks for an attestation that was sent and whose answer was lost. ok is false when it is certainly not there, so that the same
// request may be sent again.
func (s *submission) readBack(ctx context.Context, c *attestation.Claim) (_ attestation.Settlement, ok bool) {
	found, err := s.Service.Agreements(ctx, c.CustomerID)
	if e, ok := errors.AsType[serviceError](err); ok && e.Outcome() != standing.Failed { // the customer is no longer there
		return attestation.Settlement{State: attestation.Failed, Reason: attestation.CustomerRefused, Message: words(err)}, true
	}
	if err != nil {
		return attestation.Settlement{State: attestation.Unsure, Reason: attestation.NotSettled}, true
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
		return attestation.Settlement{State: attestation.Unsure, Reason: attestation.NotSettled, Answer: answer}
	}
	var newest standing.Date
	for _, a := range found {
		if attestation.SameContact(a.Signer, c.Content.Signer) {
			newest = max(newest, a.Agreed)
		}
	}
	switch {
	case c.Doubt && newest == c.Content.Agreed:
		return attestation.Settlement{State: attestation.Confirmed, Reason: attestation.ReadBack, Answer: answer}
	case newest >= s.Since:
		return attestation.Settlement{State: attestation.AlreadyOnRecord, Reason: attestation.SameOnRecord, Answer: answer,
			Message: "Microsoft has this signer's acceptance of " + string(newest)}
	}
	return attestation.Settlement{State: attestation.RefusedByMicrosoft, Reason: attestation.SameSigner, Answer: answer,
		Message: strings.TrimSpace("Microsoft has an outdated acceptance of the same signer (600061) " + string(newest)),
		Hint:    "Name another signer, or the same with a changed e-mail or phone, and import the row again."}
}

// words are what the service said, for a person; the ids stand beside them.
func words(err error) string {
	if e, ok := errors.AsType[serviceError](err); ok {
		return e.Trouble().Message
	}
	return ""
}
