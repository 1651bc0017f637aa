// Package jobs holds what the program does, one use case per file. A job says what happens in which
// order; how to call Partner Center, a database or Excel is known elsewhere, behind the small
// interfaces that each job declares.
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

// Reconcile reads the standing of the customers of one partner.
type Reconcile struct {
	Scope          Scope
	Policy         standing.Policy
	Kind           standing.PartnerKind
	Concurrency    int           // customers read at the same time
	MaxGonePercent float64       // of the last run's customers that may be missing or unknown at once
	ResumeWithin   time.Duration // readings of an earlier attempt that are younger are not made again
	Version        string        // of the program; readings of another one are not reused
	CorrelationID  string        // for a run that begins; one that is continued keeps its own

	// Connect opens the partner's service; every request of the run carries the correlation id.
	Connect func(correlationID string) (Service, error)
	// Progress is told how many customers were read in this attempt and how many the last run had;
	// it may be nil.
	Progress func(read, expected int)
}

// Scope says which customers a run looks at; the zero value is all of them.
type Scope struct {
	few       bool
	customers []string // the few
}

// All is every customer of the partner.
func All() Scope { return Scope{} }

// These are a few customers that the last run had, by their ids.
func These(customers ...string) Scope { return Scope{few: true, customers: customers} }

// Service is what a run asks of Partner Center. Its errors about a single customer implement
// serviceError.
type Service interface {
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
	Customer(ctx context.Context, id string) (standing.Customer, error)
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
	DirectAcceptance(ctx context.Context, customerID string) (bool, error)
	Cost() ledger.Cost
}

// Ledger is what a run asks of the store, as the holder of the partner's lease.
type Ledger interface {
	RunLedger
	ListLedger
}

// RunLedger keeps runs and readings.
type RunLedger interface {
	LastCompleted(ctx context.Context) (*ledger.Run, error) // nil: there is none
	Begin(ctx context.Context, wanted ledger.Run, oldest time.Time) (begun ledger.Run, resumed bool, err error)
	SaveReadings(ctx context.Context, r ledger.Run, at time.Time, readings []ledger.Reading) error
	AddCost(ctx context.Context, id int64, cost ledger.Cost) error
	RecordFailure(ctx context.Context, id int64, failure ledger.Failure) error
	CloseRun(ctx context.Context, r ledger.Run, judge func(ledger.Totals) []ledger.Check) (ledger.Run, error)
}

// ListLedger compares the list of customers with the ledger.
type ListLedger interface {
	RecordListed(ctx context.Context, r ledger.Run, customers []standing.Customer,
		foundUnlisted bool) (unread []ledger.Listed, fresh int, err error)
	CountUnlisted(ctx context.Context, r ledger.Run) (missing, listed int, err error)
	Unlisted(ctx context.Context, r ledger.Run) iter.Seq2[ledger.Known, error]
	Known(ctx context.Context, customers []string) ([]standing.Record, error)
}

// Result is the result of one attempt at a run.
type Result struct {
	Run     ledger.Run // zero: there was nothing to do
	Resumed bool
	Cost    ledger.Cost // of this attempt
}

// UnbalancedError says which control totals of a run do not hold. The run changed no standing.
type UnbalancedError struct {
	Run  ledger.Run
	hint string // of the most frequent error of its reads; may be empty
}

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

// Code names the error for machines.
func (e *UnbalancedError) Code() string { return "unbalanced" }

// Hint is what a person can do.
func (e *UnbalancedError) Hint() string {
	switch {
	case !ledger.OnlyServiceFailed(e.Run.Checks):
		return "This is a fault of mcaledger or of its database. Run mcaledger verify, and report it with the sheet " +
			"Checks of the report."
	case !ledger.ReadingsAreGood(e.Run.Checks):
		return "Microsoft answered as if most customers had never accepted. Look at some of them in Partner Center; " +
			"nothing of this run is kept. If they really lost their acceptance, set reconcile.max_gone_percent to " +
			"100 " +
			"for one run."
	}
	return strings.TrimSpace(e.hint + " Look at the sheet Checks of the report, and at Partner Center. What could be " +
		"read is kept for the " +
		"next attempt. If so many customers really changed, raise reconcile.max_gone_percent for one run.")
}

// Run makes one run, or continues the one that was interrupted or whose answers were implausible.
// When ctx ends, no more work is taken, what is in flight is finished and saved, and the context's
// cause is returned; the next Run continues.
func (j Reconcile) Run(ctx context.Context, runs Ledger, now func() time.Time) (result Result, err error) {
	a := &attempt{Reconcile: j, runs: runs, now: now, asOf: now(), errors: map[string]*readErrors{}}
	if a.last, err = runs.LastCompleted(ctx); err != nil {
		return result, fmt.Errorf("look up the last run: %w", err)
	}
	source, err := a.source(ctx)
	if err != nil || source == nil {
		return result, err
	}
	if result.Run, result.Resumed, err = runs.Begin(ctx, a.wanted(), a.asOf.Add(-j.ResumeWithin)); err != nil {
		return result, fmt.Errorf("begin a run: %w", err)
	}
	a.run = result.Run
	if a.service, err = j.Connect(result.Run.CorrelationID); err != nil {
		return result, a.fail(ctx, err)
	}
	err = a.readAll(ctx, source)
	result.Cost = a.service.Cost()
	result.Cost.Seconds = now().Sub(a.asOf).Seconds()
	if spent := runs.AddCost(context.WithoutCancel(ctx), result.Run.ID, result.Cost); err == nil {
		err = spent
	}
	if err != nil {
		return result, a.fail(ctx, err)
	}

	a.run.FinishedAt = now()
	// Everything is read: a stop that comes now must not throw it away.
	if result.Run, err = runs.CloseRun(context.WithoutCancel(ctx), a.run, a.judge); err != nil {
		return result, fmt.Errorf("close run %d: %w", a.run.ID, err)
	}
	result.Run.Cost = a.run.Cost.Add(result.Cost)
	if result.Run.State != ledger.Completed {
		return result, &UnbalancedError{result.Run, a.commonError().hint}
	}
	return result, nil
}

// wanted is the run to begin if none is to be continued.
func (a *attempt) wanted() ledger.Run {
	wanted := ledger.Run{Kind: ledger.Sweep, Policy: a.Policy, CorrelationID: a.CorrelationID, Version: a.Version,
		StartedAt: a.asOf}
	if a.Scope.few {
		wanted.Kind, wanted.OldestReading = ledger.Recheck, a.last.OldestReading
	}
	return wanted
}

// fail notes why an attempt ended early, for the report. An interruption is no failure.
func (a *attempt) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	code, hint := Explain(err)
	failure := ledger.Failure{Code: code, Message: err.Error(), Hint: hint}
	if noted := a.runs.RecordFailure(context.WithoutCancel(ctx), a.run.ID, failure); noted != nil {
		return fmt.Errorf("%w; and that could not be noted: %w", err, noted)
	}
	return err
}
