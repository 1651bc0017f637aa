package jobs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// RecheckLedger is what a recheck asks of the store, as the holder of the partner's lease.
type RecheckLedger interface {
	Ledger
	Known(ctx context.Context, customers []string) ([]standing.Record, error)
}

// Recheck reads the standing of a few customers again, such as those of whom something was just attested, so that the morning's
// workbook has it. Before the first completed sweep there is nothing to do.
func (j Reconcile) Recheck(ctx context.Context, runs RecheckLedger, customers []string, asOf time.Time) error {
	last, err := runs.LastCompleted(ctx)
	if err != nil || last == nil || len(customers) == 0 {
		return err
	}
	known, err := runs.Known(ctx, customers)
	if err != nil || len(known) == 0 {
		return err
	}
	wanted := ledger.Run{Kind: ledger.Recheck, Policy: j.Policy, CorrelationID: j.CorrelationID, Version: j.Version, StartedAt: asOf, OldestReading: last.OldestReading}
	r, _, err := runs.Begin(ctx, wanted, asOf)
	if err != nil {
		return fmt.Errorf("begin a recheck: %w", err)
	}
	service, err := j.Connect(r.CorrelationID)
	if err != nil {
		return err
	}
	defer service.Close()

	s := newSweep(j, runs, service, r, last, asOf)
	source := func(context.Context) iter.Seq2[ledger.Listed, error] {
		return func(yield func(ledger.Listed, error) bool) {
			for _, record := range known {
				if !yield(ledger.Listed{Customer: record.Customer, Known: &ledger.Known{Record: record}}, nil) {
					return
				}
			}
		}
	}
	if err := s.stream(ctx, source, s.customer); err != nil {
		return err
	}
	cost := service.Cost()
	cost.Seconds = time.Since(s.began).Seconds()
	if err := runs.AddCost(ctx, r.ID, cost); err != nil {
		return err
	}
	closing := s.run
	closing.Totals.FoundUnlisted = last.Totals.FoundUnlisted
	closing.FinishedAt = s.now()
	closed, err := runs.CloseRun(context.WithoutCancel(ctx), closing, func(t ledger.Totals) []ledger.Check { return ledger.CheckRecheck(t, s.before()) })
	if err != nil {
		return fmt.Errorf("close recheck %d: %w", r.ID, err)
	}
	if closed.State != ledger.Completed {
		return &UnbalancedError{closed}
	}
	return nil
}
