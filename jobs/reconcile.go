// Package jobs holds what the program does, one file a job. A job says what happens in which order; how to speak to Partner
// Center, to a database or to Excel is known elsewhere, behind the small interfaces that each job declares.
package jobs

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Reconcile reads the standing of every customer of one partner.
type Reconcile struct {
	Policy         standing.Policy
	Kind           standing.PartnerKind
	Concurrency    int           // customers read at the same time
	MaxGonePercent float64       // of the last run's customers that may be missing from the list at once
	ResumeWithin   time.Duration // readings of an interrupted run that are younger are not made again
	Version        string        // of the program; a run is not continued by another one
	CorrelationID  string        // for a run that begins; one that is continued keeps its own

	// Connect opens the partner's service; every request of the run carries the correlation id.
	Connect func(correlationID string) (Service, error)
	// Progress is told how many customers were read in this attempt and how many the last run had; nil: nobody listens.
	Progress func(read, expected int)
}

// Service is what a sweep asks of Partner Center. Its errors about a single customer say so by implementing serviceError.
type Service interface {
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
	Customer(ctx context.Context, id string) (standing.Customer, error)
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
	DirectAcceptance(ctx context.Context, customerID string) (bool, error)
	Cost() ledger.Cost
	Close()
}

// Ledger is what a sweep asks of the store, as the holder of the partner's lease.
type Ledger interface {
	LastCompleted(ctx context.Context) (*ledger.Run, error) // nil: there is none
	Begin(ctx context.Context, wanted ledger.Run, oldest time.Time) (begun ledger.Run, resumed bool, err error)
	RecordListed(ctx context.Context, r ledger.Run, customers []standing.Customer, stillThere bool) ([]ledger.Listed, error)
	SaveReadings(ctx context.Context, r ledger.Run, at time.Time, readings []ledger.Reading) error
	CountUnlisted(ctx context.Context, r ledger.Run) (missing, listed int, err error)
	Unlisted(ctx context.Context, r ledger.Run) iter.Seq2[ledger.Known, error]
	AddCost(ctx context.Context, id int64, cost ledger.Cost) error
	CloseRun(ctx context.Context, r ledger.Run, judge func(ledger.Totals) []ledger.Check) (ledger.Run, error)
}

// Result is what became of one attempt at a run.
type Result struct {
	Run     ledger.Run
	Resumed bool
	Cost    ledger.Cost // of this attempt
}

// UnbalancedError says which control totals of a run do not hold. The run changed no standing.
type UnbalancedError struct{ Run ledger.Run }

func (e *UnbalancedError) Error() string {
	var failed []string
	for _, c := range e.Run.Checks {
		if !c.OK {
			failed = append(failed, fmt.Sprintf("%s (%s)", c.Name, c.Detail))
		}
	}
	return fmt.Sprintf("run %d of %s: the checks do not balance: %s; the standings of the last completed run remain",
		e.Run.ID, e.Run.Partner.Name, strings.Join(failed, "; "))
}

func (e *UnbalancedError) Code() string { return "unbalanced" }
func (e *UnbalancedError) Hint() string {
	return "Look at the sheet Checks of the report. If so many customers really left, raise reconcile.max_gone_percent for one run."
}

// grace is how long requests in flight may take when the program is told to stop.
const grace = 5 * time.Second

// Run makes one run, or continues the one that was interrupted. When ctx ends, no more work is taken, what is in flight is
// finished and saved, and the context's cause is returned; the next Run goes on from there.
func (j Reconcile) Run(ctx context.Context, runs Ledger, asOf time.Time) (result Result, err error) {
	last, err := runs.LastCompleted(ctx)
	if err != nil {
		return result, fmt.Errorf("look up the last run: %w", err)
	}
	wanted := ledger.Run{Kind: ledger.Sweep, Policy: j.Policy, CorrelationID: j.CorrelationID, Version: j.Version, StartedAt: asOf}
	if result.Run, result.Resumed, err = runs.Begin(ctx, wanted, asOf.Add(-j.ResumeWithin)); err != nil {
		return result, fmt.Errorf("begin a run: %w", err)
	}
	service, err := j.Connect(result.Run.CorrelationID)
	if err != nil {
		return result, err
	}
	defer service.Close()

	s := newSweep(j, runs, service, result.Run, last, asOf)
	err = s.readAll(ctx)
	result.Cost = service.Cost()
	result.Cost.Seconds = time.Since(s.began).Seconds()
	if spent := runs.AddCost(context.WithoutCancel(ctx), result.Run.ID, result.Cost); err == nil {
		err = spent
	}
	if err != nil {
		return result, err
	}

	closing := s.run
	closing.FinishedAt = s.now()
	// Everything is read: a stop that comes now must not throw it away.
	if result.Run, err = runs.CloseRun(context.WithoutCancel(ctx), closing, s.judge); err != nil {
		return result, fmt.Errorf("close run %d: %w", closing.ID, err)
	}
	result.Run.Cost = closing.Cost.Add(result.Cost)
	if result.Run.State != ledger.Completed {
		return result, &UnbalancedError{result.Run}
	}
	return result, nil
}
