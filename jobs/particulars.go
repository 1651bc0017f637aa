package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Enrich reads what else finance wants to know of the customers of a run that is closed, and keeps it: of blocked customers what they
// have bought, and of an indirect provider's customers their indirect reseller.
type Enrich struct {
	Kind        standing.PartnerKind
	Concurrency int // customers asked about at the same time
}

// ParticularsService is what the job asks of Partner Center. Its errors about a single customer implement serviceError.
type ParticularsService interface {
	Subscriptions(ctx context.Context, customerID string) ([]standing.Subscription, error)
	Reseller(ctx context.Context, customerID string) (string, error)
	Cost() ledger.Cost
}

// ParticularsLedger is what the job asks of the store, as the holder of the partner's lease.
type ParticularsLedger interface {
	SubscriptionsDue(ctx context.Context, stale time.Time, today standing.Date) iter.Seq2[string, error]
	ResellersDue(ctx context.Context, stale, refused time.Time, limit int) ([]string, error)
	SaveSubscriptions(ctx context.Context, at time.Time, readings []standing.SubscriptionsReading) error
	SaveCustomerResellers(ctx context.Context, at time.Time, readings []standing.ResellerReading) error
	AddCost(ctx context.Context, id int64, cost ledger.Cost) error
}

// How old a reading grows before it is made again. Half a day less than the whole number of days, because a night's readings are made a while
// after its beginning and the night after N days would find them a while too young.
const (
	purchasesStale = (7*24 - 12) * time.Hour
	resellersStale = (30*24 - 12) * time.Hour
	refusalStale   = purchasesStale // the service said that it would not say
)

// mostResellers is the most resellers that one run asks for: ten minutes at 500 requests a minute. A partner with more customers than that has
// them all after some nights, those of blocked customers first.
const mostResellers = 5000

// patience is how many customers in a row, from the first one on, may be asked about in vain before the rest is left for another night.
const patience = 20

// ParticularsResult is what became of one reading of particulars.
type ParticularsResult struct {
	Purchases, Resellers Asked
	Cost                 ledger.Cost
}

// Asked counts customers by how the service answered.
type Asked struct {
	Read    int
	Refused int // it would not say; kept, and asked again after a week
	Failed  int // no usable answer; asked again by the next run
}

// Run asks about the customers of r that are due, and adds what that costs to r. It returns why it stopped early; what was read until then
// is kept, and r is as good as before. When ctx ends, what is in flight is finished and saved, and the context's cause is returned.
func (j Enrich) Run(ctx context.Context, runs ParticularsLedger, service ParticularsService, r ledger.Run) (result ParticularsResult, err error) {
	p := particulars{Enrich: j, runs: runs, service: service, asOf: r.FinishedAt, began: time.Now()}
	before := service.Cost()
	result.Purchases, err = p.purchases(ctx)
	if err == nil && j.Kind == standing.IndirectProvider {
		result.Resellers, err = p.resellers(ctx)
	}
	result.Cost = service.Cost().Sub(before)
	if result.Cost.Requests == 0 {
		return result, err
	}
	result.Cost.Seconds = time.Since(p.began).Seconds()
	if spent := runs.AddCost(context.WithoutCancel(ctx), r.ID, result.Cost); err == nil {
		err = spent
	}
	return result, err
}

// particulars is one reading of particulars under way.
type particulars struct {
	Enrich
	runs    ParticularsLedger
	service ParticularsService
	asOf    time.Time // when the run was closed
	began   time.Time // by the monotonic clock, to measure from
}

// now is the instant at which the reading has arrived.
func (p *particulars) now() time.Time { return p.asOf.Add(time.Since(p.began)) }

func (p *particulars) purchases(ctx context.Context) (Asked, error) {
	due := p.runs.SubscriptionsDue(ctx, p.asOf.Add(-purchasesStale), standing.DateOf(p.asOf))
	read := func(ctx context.Context, id string) (standing.SubscriptionsReading, error) {
		found, err := p.service.Subscriptions(ctx, id)
		return standing.SubscriptionsReading{CustomerID: id, Readable: err == nil, Subscriptions: found}, err
	}
	asked, err := askEach(ctx, p.Concurrency, due, read, func(ctx context.Context, chunk []standing.SubscriptionsReading) error {
		return p.runs.SaveSubscriptions(ctx, p.now(), chunk)
	})
	if err != nil {
		err = fmt.Errorf("read what blocked customers have bought: %w", err)
	}
	return asked, err
}

func (p *particulars) resellers(ctx context.Context) (Asked, error) {
	due := func(yield func(string, error) bool) {
		customers, err := p.runs.ResellersDue(ctx, p.asOf.Add(-resellersStale), p.asOf.Add(-refusalStale), mostResellers)
		if err != nil {
			yield("", err)
		}
		for _, id := range customers {
			if !yield(id, nil) {
				return
			}
		}
	}
	read := func(ctx context.Context, id string) (standing.ResellerReading, error) {
		reseller, err := p.service.Reseller(ctx, id)
		return standing.ResellerReading{CustomerID: id, Readable: err == nil, ResellerID: reseller}, err
	}
	asked, err := askEach(ctx, p.Concurrency, due, read, func(ctx context.Context, chunk []standing.ResellerReading) error {
		return p.runs.SaveCustomerResellers(ctx, p.now(), chunk)
	})
	if err != nil {
		err = fmt.Errorf("read the indirect resellers of customers: %w", err)
	}
	return asked, err
}

// askEach reads about each customer that is due, several at a time, and saves what was read in chunks. A read that fails returns the reading
// of one that is refused beside its error.
func askEach[T any](ctx context.Context, concurrency int, due iter.Seq2[string, error], read func(context.Context, string) (T, error),
	save func(context.Context, []T) error) (Asked, error) {

	lasting, stop := withGracePeriod(ctx, grace)
	defer stop()
	group, working := errgroup.WithContext(lasting)
	group.SetLimit(concurrency)
	kept := &keeper[T]{save: save}
	var failed error
	for id, err := range due {
		if err != nil {
			failed = err
			break
		}
		if ctx.Err() != nil || working.Err() != nil {
			break
		}
		group.Go(func() error {
			if ctx.Err() != nil { // it waited for its turn
				return nil
			}
			reading, err := read(working, id)
			if err != nil && working.Err() != nil {
				return err // of the group, not of this customer
			}
			return kept.take(lasting, reading, err)
		})
	}
	err := group.Wait()
	saved := kept.flush(context.WithoutCancel(ctx)) // also after a failure: what is read is read
	for _, also := range []error{failed, saved} {
		if err == nil {
			err = also
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return kept.asked, err
}

// keeper gathers readings and saves them, chunk by chunk.
type keeper[T any] struct {
	save func(context.Context, []T) error

	mu      sync.Mutex
	chunk   []T
	asked   Asked
	working bool // the service has said something that is no failure
}

// definiteError is a serviceError that may be the service's last word.
type definiteError interface {
	serviceError
	Definite() bool
}

// take keeps one reading, or what its error says. It returns an error when no more need be asked.
func (k *keeper[T]) take(ctx context.Context, reading T, err error) error {
	failure, ok := errors.AsType[definiteError](err)
	if err != nil && (!ok || failure.Fatal()) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if failure == nil || failure.Outcome() != standing.Failed { // that a customer has gone is an answer
		k.working = true
	}
	switch {
	case failure == nil:
		k.asked.Read++
	case failure.Definite():
		k.asked.Refused++
	default:
		k.asked.Failed++ // nothing is kept
	}
	if failure == nil || failure.Definite() {
		k.chunk = append(k.chunk, reading)
	}
	if n := k.asked.Refused + k.asked.Failed; !k.working && n >= patience {
		return fmt.Errorf("the first %d customers were asked about in vain, the last of them: %w", n, failure)
	}
	if len(k.chunk) < chunkSize {
		return nil
	}
	return k.saveChunk(ctx)
}

func (k *keeper[T]) flush(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.saveChunk(ctx)
}

func (k *keeper[T]) saveChunk(ctx context.Context) error {
	if len(k.chunk) == 0 {
		return nil
	}
	chunk := k.chunk
	k.chunk = nil
	return k.save(ctx, chunk)
}
