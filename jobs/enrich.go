package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Enrich reads more about the customers of a run that is closed: the subscriptions of blocked
// customers, and the indirect resellers of an indirect provider's customers with their names.
type Enrich struct {
	Kind        standing.PartnerKind
	Concurrency int // customers asked about at the same time
}

// EnrichService is what the job asks of Partner Center. Its errors about a single customer
// implement serviceError.
type EnrichService interface {
	Subscriptions(ctx context.Context, customerID string) ([]standing.Subscription, error)
	Reseller(ctx context.Context, customerID string) (string, error)
	ResellerNames(ctx context.Context) ([]standing.ResellerName, error)
	Cost() ledger.Cost
}

// EnrichLedger is what the job asks of the store, as the holder of the partner's lease.
type EnrichLedger interface {
	SubscriptionsDue(ctx context.Context, stale time.Time, today standing.Date) iter.Seq2[string, error]
	ResellersDue(ctx context.Context, stale, refused time.Time, limit int) ([]string, error)
	SaveSubscriptions(ctx context.Context, at time.Time, readings []standing.SubscriptionsReading) error
	SaveCustomerResellers(ctx context.Context, at time.Time, readings []standing.ResellerReading) error
	SaveResellers(ctx context.Context, at time.Time, names []standing.ResellerName) error
	AddCost(ctx context.Context, id int64, cost ledger.Cost) error
}

// How old a reading grows before it is made again. Half a day less than whole days, because the
// readings of a night are made a while after its beginning, and a night that is N days later would
// find them too young by that while.
const (
	purchasesStale = (7*24 - 12) * time.Hour
	resellersStale = (30*24 - 12) * time.Hour
	refusalStale   = purchasesStale // the service refused to answer
)

// maxResellers is the most resellers that one run asks for: ten minutes at 500 requests a minute.
// A partner with more customers has them all after some nights, those of blocked customers first.
const maxResellers = 5000

// maxInitialFailures is how many customers in a row, from the first one on, may fail before the
// rest is left for another night.
const maxInitialFailures = 20

// EnrichResult is what was read.
type EnrichResult struct {
	Purchases, Resellers Asked
	Cost                 ledger.Cost
}

// Asked counts customers by how the service answered.
type Asked struct {
	Read    int
	Refused int // it refused to say; kept, and asked again after a week
	Failed  int // no usable answer; asked again by the next run
}

// Run asks about the customers of r that are due, and adds the cost to r. It returns why it stopped
// early; what was read until then is kept, and r is as good as before. When ctx ends, what is in
// flight is finished and saved, and the context's cause is returned.
func (j Enrich) Run(ctx context.Context, runs EnrichLedger, service EnrichService, r ledger.Run,
	now func() time.Time) (EnrichResult, error) {
	var result EnrichResult
	var err error
	e := enrichment{Enrich: j, runs: runs, service: service, now: now, asOf: now()}
	before := service.Cost()
	result.Purchases, err = e.purchases(ctx)
	if err == nil && j.Kind == standing.IndirectProvider {
		result.Resellers, err = e.resellers(ctx)
		if err == nil && result.Resellers.Read > 0 {
			err = e.resellerNames(ctx)
		}
	}
	result.Cost = service.Cost().Sub(before)
	if result.Cost.Requests == 0 {
		return result, err
	}
	result.Cost.Seconds = now().Sub(e.asOf).Seconds()
	if spent := runs.AddCost(context.WithoutCancel(ctx), r.ID, result.Cost); err == nil {
		err = spent
	}
	return result, err
}

// enrichment is an Enrich under way.
type enrichment struct {
	Enrich
	runs    EnrichLedger
	service EnrichService
	now     func() time.Time
	asOf    time.Time // when it began
}

func (e *enrichment) purchases(ctx context.Context) (Asked, error) {
	due := func(ctx context.Context) iter.Seq2[string, error] {
		return e.runs.SubscriptionsDue(ctx, e.asOf.Add(-purchasesStale), standing.DateOf(e.asOf))
	}
	read := func(ctx context.Context, id string) (standing.SubscriptionsReading, error) {
		found, err := e.service.Subscriptions(ctx, id)
		return standing.SubscriptionsReading{CustomerID: id, Readable: err == nil, Subscriptions: found}, err
	}
	asked, err := askEach(ctx, e.Concurrency, due, read,
		func(ctx context.Context, chunk []standing.SubscriptionsReading) error {
			return e.runs.SaveSubscriptions(ctx, e.now(), chunk)
		})
	if err != nil {
		err = fmt.Errorf("read the subscriptions of blocked customers: %w", err)
	}
	return asked, err
}

func (e *enrichment) resellers(ctx context.Context) (Asked, error) {
	due := func(ctx context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			customers, err := e.runs.ResellersDue(ctx, e.asOf.Add(-resellersStale), e.asOf.Add(-refusalStale),
				maxResellers)
			if err != nil {
				yield("", err)
			}
			for _, id := range customers {
				if !yield(id, nil) {
					return
				}
			}
		}
	}
	read := func(ctx context.Context, id string) (standing.ResellerReading, error) {
		reseller, err := e.service.Reseller(ctx, id)
		return standing.ResellerReading{CustomerID: id, Readable: err == nil, ResellerID: reseller}, err
	}
	asked, err := askEach(ctx, e.Concurrency, due, read,
		func(ctx context.Context, chunk []standing.ResellerReading) error {
			return e.runs.SaveCustomerResellers(ctx, e.now(), chunk)
		})
	if err != nil {
		err = fmt.Errorf("read the indirect resellers of customers: %w", err)
	}
	return asked, err
}

func (e *enrichment) resellerNames(ctx context.Context) error {
	names, err := e.service.ResellerNames(ctx)
	if err == nil {
		err = e.runs.SaveResellers(ctx, e.now(), names)
	}
	if err != nil {
		return fmt.Errorf("read the names of indirect resellers: %w", err)
	}
	return nil
}

// askEach reads about each customer that is due and saves what was read. A read that the service
// refuses returns a reading that says so beside its error.
func askEach[T any](ctx context.Context, concurrency int, due func(context.Context) iter.Seq2[string, error],
	read func(context.Context, string) (T, error), save func(context.Context, []T) error) (Asked, error) {

	counter := &answers{}
	err := pipeline[string, countedReading[T]]{
		workers: concurrency,
		source:  due,
		work: func(ctx context.Context, id string) (countedReading[T], error) {
			reading, err := read(ctx, id)
			saved, err := counter.count(ctx, err)
			return countedReading[T]{reading, saved}, err
		},
		save: func(ctx context.Context, chunk []countedReading[T]) error {
			var readings []T
			for _, r := range chunk {
				if r.save {
					readings = append(readings, r.reading)
				}
			}
			if len(readings) == 0 {
				return nil
			}
			return save(ctx, readings)
		},
	}.run(ctx)
	return counter.asked, err
}

// countedReading is a reading, and whether it is to be saved.
type countedReading[T any] struct {
	reading T
	save    bool
}

// answers counts what the service answered.
type answers struct {
	mu       sync.Mutex
	asked    Asked
	answered bool // the service has said something that is no failure
}

// definiteError is a serviceError that may be one that the service will repeat for this customer.
type definiteError interface {
	serviceError
	Definite() bool
}

// count counts an answer, and says whether its reading is to be saved. It returns an error if no
// more customers are to be asked about.
func (a *answers) count(ctx context.Context, err error) (save bool, _ error) {
	failure, ok := errors.AsType[definiteError](err)
	if err != nil && (!ok || failure.Fatal() || ctx.Err() != nil) {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if failure == nil || failure.Outcome() != standing.OutcomeUnreadable { // "the customer is gone" is an answer
		a.answered = true
	}
	switch {
	case failure == nil:
		a.asked.Read++
	case failure.Definite():
		a.asked.Refused++
	default:
		a.asked.Failed++
	}
	if n := a.asked.Refused + a.asked.Failed; !a.answered && n >= maxInitialFailures {
		return false, fmt.Errorf("the first %d reads failed, the last of them: %w", n, failure)
	}
	return failure == nil || failure.Definite(), nil
}
