package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// ReconcilePartners reconciles several partners, all at the same time: each has a service, a pace
// and a lease of its own.
type ReconcilePartners struct {
	Reconcile // what is the same for every partner
	Partners  *Partners
	Leases    Leases
	Check     func(ctx context.Context) error // that the ledger knows what the reports show: see Rollback
	Now       func() time.Time
	Log       *slog.Logger
	Watch     Watch
}

// Leases give the right to write about one partner.
type Leases interface {
	// Hold runs work while it holds the partner's lease, or fails with an error whose code is
	// "held".
	Hold(ctx context.Context, partner ledger.Partner, work func(ctx context.Context, lease PartnerLedger) error) error
}

// PartnerLedger is all that the jobs ask of the ledger as the holder of a partner's lease.
type PartnerLedger interface {
	Ledger
	EnrichLedger
}

// PartnerRun is the result of one partner's run.
type PartnerRun struct {
	Partner ledger.Partner
	Result
	Err error // nil: it is completed
}

// Run reconciles every partner. One that fails does not stop the others. The error sums up all of
// them.
func (j ReconcilePartners) Run(ctx context.Context) ([]PartnerRun, error) {
	runs := make([]PartnerRun, len(j.Partners.List))
	var working sync.WaitGroup
	for i, p := range j.Partners.List {
		working.Go(func() {
			runs[i].Partner = p.Partner
			runs[i].Result, runs[i].Err = j.one(ctx, p)
			j.log(runs[i])
		})
	}
	working.Wait()
	err := summarize(context.Cause(ctx), runs)
	if outcome := OutcomeOf(err); outcome == OutcomeDone || outcome == OutcomePartial {
		err = errors.Join(err, j.compareWithReports(ctx))
	}
	return runs, err
}

// compareWithReports says when the ledger does not have what a report shows. Its figures of changes
// then mean something else: to a new ledger, every customer is new.
func (j ReconcilePartners) compareWithReports(ctx context.Context) error {
	if j.Check == nil {
		return nil
	}
	err := j.Check(ctx)
	if missing, ok := errors.AsType[*RolledBackError](err); ok {
		return partialHint("ledger_rolled_back", fmt.Sprintf("the ledger does not have event %d, which the report %s "+
			"shows: it is new, was put back to an earlier state, or is another one; changes are counted from what "+
			"it has",
			missing.Head.Sequence, missing.Report),
			"Restore the ledger from a backup. If this one is meant to be used, "+
				"mcaledger attest resume --by NAME says so.")
	}
	return err
}

func (j ReconcilePartners) one(ctx context.Context, p Partner) (result Result, err error) {
	job := j.forPartner(p)
	var service PartnerService // what comes after the run goes through the same throttle
	job.Connect = func(correlationID string) (_ Service, err error) {
		service, err = j.Partners.Service(p.ID, correlationID)
		return service, err
	}
	err = j.Leases.Hold(ctx, p.Partner, func(leased context.Context, lease PartnerLedger) error {
		if result, err = job.Run(leased, lease, j.Now); err != nil {
			return err
		}
		switch err := j.enrich(leased, p, lease, service, &result); {
		case ctx.Err() != nil:
			return err
		case err != nil:
			j.Log.Warn("subscriptions are incomplete; the run is good, and the next one continues",
				"partner", p.Name, "run", result.Run.ID, "error", err)
		}
		return nil
	})
	return result, err
}

// forPartner is the job of one partner.
func (j ReconcilePartners) forPartner(p Partner) Reconcile {
	job := j.Reconcile
	job.Kind, job.Concurrency, job.CorrelationID = p.Kind, p.Concurrency, uuid.NewString()
	job.Progress = j.Watch.task(p.Name + ": customers")
	return job
}

// enrich reads subscriptions and resellers, now that the run is closed, and adds the cost to the
// result. The run is good without them: the next one reads what is missing.
func (j ReconcilePartners) enrich(ctx context.Context, p Partner, lease PartnerLedger, service PartnerService,
	result *Result) error {
	watched := &watchedEnrich{EnrichService: service, told: j.Watch.task(p.Name + ": subscriptions")}
	found, err := Enrich{Kind: p.Kind, Concurrency: p.Concurrency}.Run(ctx, lease, watched, result.Run, j.Now)
	result.Cost, result.Run.Cost = result.Cost.Add(found.Cost), result.Run.Cost.Add(found.Cost)
	j.Log.Info("subscriptions read", "partner", p.Name, "run", result.Run.ID, "purchases", found.Purchases.Read,
		"resellers", found.Resellers.Read, "refused", found.Purchases.Refused+found.Resellers.Refused,
		"unanswered", found.Purchases.Failed+found.Resellers.Failed,
		"requests", found.Cost.Requests, "seconds", found.Cost.Seconds)
	return err
}

// Recheck reads the standing of a few customers of one partner again.
func (j ReconcilePartners) Recheck(ctx context.Context, p Partner, customers []string) error {
	job := j.forPartner(p)
	job.Scope, job.Progress = These(customers...), nil
	job.Connect = func(correlationID string) (Service, error) { return j.Partners.Service(p.ID, correlationID) }
	return j.Leases.Hold(ctx, p.Partner, func(ctx context.Context, lease PartnerLedger) error {
		_, err := job.Run(ctx, lease, j.Now)
		return err
	})
}

func (j ReconcilePartners) log(r PartnerRun) {
	log := j.Log.With("partner", r.Partner.Name, "run", r.Run.ID)
	if r.Err != nil && r.Run.State != ledger.Completed {
		log.Error("run not completed", "requests", r.Cost.Requests, "seconds", r.Cost.Seconds, "error", r.Err)
		return
	}
	t := r.Run.Totals
	log.Info("run completed", "listed", t.Listed, "clear", t.Clear, "blocked", t.Blocked, "unknown", t.Unknown,
		"excluded", t.Excluded, "unreadable", t.Unreadable, "newly_blocked", t.NewlyBlocked, "newly_clear",
		t.NewlyClear, "new", t.New, "gone", t.Gone, "requests", r.Cost.Requests, "throttled", r.Cost.Throttled,
		"retries", r.Cost.Retries, "seconds", r.Cost.Seconds)
}

// summarize makes one error of the partners' results; stopped is why the program was told to
// stop, if it was.
func summarize(stopped error, runs []PartnerRun) error {
	var failed []error
	held, unreadable := 0, 0
	for _, r := range runs {
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r.Partner.Name, r.Err))
		}
		if OutcomeOf(r.Err) == OutcomeHeld {
			held++
		}
		unreadable += r.Run.Totals.Unreadable
	}
	switch {
	case stopped != nil && len(failed) > 0:
		return errors.Join(append([]error{stopped}, failed...)...)
	case len(failed) == len(runs) && (held == 0 || held == len(failed)):
		return errors.Join(failed...)
	case len(failed) == len(runs):
		return &allFailedError{errors.Join(failed...)}
	case len(failed) > 0:
		return partial("some_partners_failed", errors.Join(failed...).Error(), failed[0])
	case unreadable > 0:
		return partialHint("unreadable", fmt.Sprintf("%s could not be read; they are unknown, not clear",
			plural(unreadable, "customer")),
			"The sheet Could not be read of the report names each with the ids that Microsoft's support asks for. "+
				"A 403 means that the signed-in user needs the role Admin agent or Sales agent; the next run reads "+
				"them again.")
	}
	return nil
}

// allFailedError: several partners, and none was done, for different reasons. That one of them is
// held decides nothing.
type allFailedError struct{ failures error }

func (e *allFailedError) Error() string { return e.failures.Error() }
func (e *allFailedError) Code() string  { return "failed" }
func (e *allFailedError) Hint() string  { return hintOf(e.failures) }

// plural counts things in English.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
