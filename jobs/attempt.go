package jobs

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// attempt is one attempt at a run, a sweep or a recheck.
type attempt struct {
	Reconcile
	runs    Ledger
	service Service
	run     ledger.Run
	last    *ledger.Run // the last completed run; nil: this is the first
	now     func() time.Time
	asOf    time.Time // when the attempt began
	read    int       // customers whose readings are saved

	mu     sync.Mutex
	errors map[string]*readErrors // by what was answered
}

// source yields the customers to read.
type source func(context.Context) iter.Seq2[ledger.Listed, error]

// source chooses where the customers of the scope come from; nil: there is nothing to do. A few
// customers can only be read again under the policy that the others were judged by.
func (a *attempt) source(ctx context.Context) (source, error) {
	if !a.Scope.few {
		return a.listed, nil
	}
	if a.last == nil || a.last.Policy != a.Policy || len(a.Scope.customers) == 0 {
		return nil, nil
	}
	known, err := a.runs.Known(ctx, a.Scope.customers)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	return func(context.Context) iter.Seq2[ledger.Listed, error] {
		return func(yield func(ledger.Listed, error) bool) {
			for _, record := range known {
				if !yield(ledger.Listed{Customer: record.Customer, Known: &ledger.Known{Record: record}}, nil) {
					return
				}
			}
		}
	}, nil
}

// readAll reads the customers of the scope and then, of a whole list, those that it no longer
// holds.
func (a *attempt) readAll(ctx context.Context, source source) error {
	if err := a.stream(ctx, source, a.customer); err != nil {
		return err
	}
	if a.Scope.few {
		a.run.Totals.FoundUnlisted = a.last.Totals.FoundUnlisted
		return nil
	}
	missing, onList, err := a.runs.CountUnlisted(ctx, a.run)
	if err != nil {
		return err
	}
	a.run.Totals.Unlisted = missing
	if missing == 0 || ledger.ListShrank(onList, missing, a.before(), a.limits()) {
		return nil // no customer is gone because of an implausible list; a check fails instead
	}
	return a.stream(ctx, a.unlisted, a.readUnlisted)
}

// stream reads customers and saves the readings.
func (a *attempt) stream(ctx context.Context, source source,
	read func(context.Context, ledger.Listed) (ledger.Reading, error)) error {
	return pipeline[ledger.Listed, ledger.Reading]{workers: a.Concurrency, source: source, work: read,
		save: a.save}.run(ctx)
}

// save writes a chunk of readings, in one transaction.
func (a *attempt) save(ctx context.Context, chunk []ledger.Reading) error {
	if err := a.runs.SaveReadings(ctx, a.run, a.now(), chunk); err != nil {
		return err
	}
	if a.read += len(chunk); a.Progress != nil {
		a.Progress(a.read, a.before().Listed)
	}
	return nil
}

// before are the totals of the last completed run; zero when there is none.
func (a *attempt) before() ledger.Totals {
	if a.last == nil {
		return ledger.Totals{}
	}
	return a.last.Totals
}

func (a *attempt) limits() ledger.Limits {
	return ledger.Limits{MaxGonePercent: a.MaxGonePercent, CommonError: a.commonError().what}
}

func (a *attempt) judge(t ledger.Totals) []ledger.Check {
	if a.Scope.few {
		return ledger.CheckRecheck(t, a.before())
	}
	return ledger.CheckSweep(t, a.before(), a.limits())
}

// readErrors counts the reads that were answered alike.
type readErrors struct {
	count      int
	what, hint string
}

// noteError counts an error of a read.
func (a *attempt) noteError(e standing.ReadError, hint string) {
	what := describe(e)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.errors[what] == nil {
		a.errors[what] = &readErrors{what: what, hint: hint}
	}
	a.errors[what].count++
}

// describe puts what was answered into words that are the same for all customers who were answered
// alike.
func describe(e standing.ReadError) string {
	switch {
	case e == standing.ReadError{}:
		return "agreements whose dates make no sense"
	case e.Status == 0:
		return "no answer" // its message may name a port
	case e.Code != "":
		return fmt.Sprintf("answered %d, code %s", e.Status, e.Code)
	case e.Status < http.StatusBadRequest && e.Message != "":
		return fmt.Sprintf("answered %d, %s", e.Status, e.Message)
	}
	return fmt.Sprintf("answered %d", e.Status)
}

// commonError is the most frequent error of this attempt's reads; zero: there was none.
func (a *attempt) commonError() (most readErrors) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(a.errors)) {
		if e := a.errors[what]; e.count > most.count {
			most = *e
		}
	}
	return most
}

// EndlessListError is a list of customers that does not come to an end.
type EndlessListError struct{ reason string }

func (e *EndlessListError) Error() string { return "list customers: " + e.reason }

// Code names the error for machines.
func (e *EndlessListError) Code() string { return "list_endless" }

// Hint is what a person can do.
func (e *EndlessListError) Hint() string {
	return "The list that Microsoft serves is faulty. Run again later; if it stays so, report it to Microsoft's " +
		"support. What was read is kept."
}

// A list that goes in circles under ever new continuation tokens names no new customer; an endless
// one names ever more of them.
const (
	maxPagesWithoutNew  = 10
	maxNewCustomers     = 10_000 // and ten times as many as the last run had
	maxCustomersAtFirst = 2_000_000
)

// listed walks the service's list, page by page, leaving out customers that were read in an earlier
// attempt.
func (a *attempt) listed(ctx context.Context) iter.Seq2[ledger.Listed, error] {
	return func(yield func(ledger.Listed, error) bool) {
		pagesWithoutNew, total, most := 0, 0, maxCustomersAtFirst
		if a.last != nil {
			most = maxNewCustomers + 10*a.last.Totals.Listed
		}
		for page, err := range a.service.Customers(ctx) {
			var unread []ledger.Listed
			var fresh int
			if err == nil {
				unread, fresh, err = a.runs.RecordListed(ctx, a.run, page, false)
			}
			if pagesWithoutNew++; fresh > 0 {
				pagesWithoutNew = 0
			}
			switch total += fresh; {
			case err != nil:
			case pagesWithoutNew > maxPagesWithoutNew:
				err = &EndlessListError{fmt.Sprintf("%d pages in a row named no new customer: the list goes in circles",
					pagesWithoutNew)}
			case total > most:
				err = &EndlessListError{fmt.Sprintf("more than %d customers were listed, and the last run had %d: "+
					"the list is endless", most, a.before().Listed)}
			}
			if err != nil {
				yield(ledger.Listed{}, err)
				return
			}
			for _, l := range unread {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

// unlisted walks the customers of the last completed run that the list did not hold.
func (a *attempt) unlisted(ctx context.Context) iter.Seq2[ledger.Listed, error] {
	return func(yield func(ledger.Listed, error) bool) {
		for known, err := range a.runs.Unlisted(ctx, a.run) {
			if !yield(ledger.Listed{Customer: known.Record.Customer, Known: &known}, err) {
				return
			}
		}
	}
}
