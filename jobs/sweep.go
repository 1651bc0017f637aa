package jobs

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// sweep is one attempt at a run under way.
type sweep struct {
	Reconcile
	runs    Ledger
	service Service
	run     ledger.Run
	last    *ledger.Run // the last completed run; nil: this is the first
	asOf    time.Time
	began   time.Time // by the monotonic clock, to measure from
	read    atomic.Int64
}

func newSweep(job Reconcile, runs Ledger, service Service, r ledger.Run, last *ledger.Run, asOf time.Time) *sweep {
	return &sweep{Reconcile: job, runs: runs, service: service, run: r, last: last, asOf: asOf, began: time.Now()}
}

// readAll reads all customers of the list, and then asks for those that it no longer holds.
func (s *sweep) readAll(ctx context.Context) error {
	if err := s.stream(ctx, s.listed, s.customer); err != nil {
		return err
	}
	missing, onList, err := s.runs.CountUnlisted(ctx, s.run)
	if err != nil {
		return err
	}
	s.run.Totals.Unlisted = missing
	if missing == 0 || ledger.ListShrank(onList, missing, s.before(), s.MaxGonePercent) {
		return nil // nobody is called gone on the word of a list that cannot be believed; the checks will say so
	}
	return s.stream(ctx, s.missing, s.readUnlisted)
}

// before are the totals of the last completed run; zero when there is none.
func (s *sweep) before() ledger.Totals {
	if s.last == nil {
		return ledger.Totals{}
	}
	return s.last.Totals
}

func (s *sweep) judge(t ledger.Totals) []ledger.Check {
	return ledger.CheckSweep(t, s.before(), s.MaxGonePercent)
}

// listed walks the service's list, page by page, leaving out who was read in an earlier attempt.
func (s *sweep) listed(ctx context.Context) iter.Seq2[ledger.Listed, error] {
	return func(yield func(ledger.Listed, error) bool) {
		for page, err := range s.service.Customers(ctx) {
			var listed []ledger.Listed
			if err == nil {
				listed, err = s.runs.RecordListed(ctx, s.run, page, false)
			}
			if err != nil {
				yield(ledger.Listed{}, err)
				return
			}
			for _, l := range listed {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

// missing walks the customers of the last completed run that the list did not hold.
func (s *sweep) missing(ctx context.Context) iter.Seq2[ledger.Listed, error] {
	return func(yield func(ledger.Listed, error) bool) {
		for known, err := range s.runs.Unlisted(ctx, s.run) {
			if !yield(ledger.Listed{Customer: known.Record.Customer, Known: &known}, err) {
				return
			}
		}
	}
}

// stream sends customers from a source through the readers to the writer. What it holds at any time is bounded, however
// many customers there are. When ctx ends, the source stops, and what the readers hold is finished and saved.
func (s *sweep) stream(ctx context.Context, source func(context.Context) iter.Seq2[ledger.Listed, error],
	read func(context.Context, ledger.Listed) (ledger.Reading, error)) error {

	lasting, stop := withGracePeriod(ctx, grace)
	defer stop()
	group, working := errgroup.WithContext(lasting)
	queue := make(chan ledger.Listed, 1000) // two pages, so that readers do not wait for the next one
	done := make(chan ledger.Reading, unsaved)

	group.Go(func() error {
		defer close(queue)
		for listed, err := range source(working) {
			if err != nil {
				return err
			}
			select {
			case queue <- listed:
			case <-ctx.Done():
				return nil
			case <-working.Done():
				return nil
			}
		}
		return nil
	})
	var readers sync.WaitGroup
	for range s.Concurrency {
		readers.Add(1)
		group.Go(func() error {
			defer readers.Done()
			for listed := range queue {
				if ctx.Err() != nil {
					return nil
				}
				reading, err := read(working, listed)
				if err != nil {
					return err
				}
				select {
				case done <- reading:
				case <-working.Done():
					return nil
				}
			}
			return nil
		})
	}
	go func() {
		readers.Wait()
		close(done)
	}()
	// When one reader fails, the group's context ends; what the others had read is saved all the same.
	group.Go(func() error { return s.save(lasting, done) })
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// withGracePeriod returns a context that ends a while after ctx does.
func withGracePeriod(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(while, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(lasting, func() { timer.Stop() })
	})
	return lasting, func() { stop(); cancel(nil) }
}

// A kill loses what is in flight, what waits for the writer, and the chunk in its hands, so all three are small. A moment's
// wait is enough to keep the number of transactions, and with it their cost, low.
const (
	unsaved   = 24 // readings that wait for the writer
	chunkSize = 100
	chunkAge  = 5 * time.Millisecond
)

// now is the instant at which the attempt has arrived. Sinces are dated by the night, but how old a reading is counts from
// when it was made: a night may be long.
func (s *sweep) now() time.Time { return s.asOf.Add(time.Since(s.began)) }

// save writes readings in chunks, each in the ledger whole or not at all.
func (s *sweep) save(ctx context.Context, done <-chan ledger.Reading) error {
	for first := range done {
		chunk := gather(first, done)
		if err := s.runs.SaveReadings(ctx, s.run, s.now(), chunk); err != nil {
			return err
		}
		if s.Progress != nil {
			s.Progress(int(s.read.Add(int64(len(chunk)))), s.before().Listed)
		}
	}
	return nil
}

// gather collects what comes within a moment.
func gather(first ledger.Reading, done <-chan ledger.Reading) []ledger.Reading {
	chunk := []ledger.Reading{first}
	timer := time.NewTimer(chunkAge)
	defer timer.Stop()
	for len(chunk) < chunkSize {
		select {
		case reading, more := <-done:
			if !more {
				return chunk
			}
			chunk = append(chunk, reading)
		case <-timer.C:
			return chunk
		}
	}
	return chunk
}

// previousRecord is the customer's record in the last completed run; nil when it was not there.
func previousRecord(known *ledger.Known) *standing.Record {
	if known == nil || known.Gone {
		return nil
	}
	return &known.Record
}
