package jobs

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports"
)

// Watch returns who is told how far a task has come: how many of its items are done, and how many
// are expected, 0 if that is not known. It may be called from several goroutines. A nil Watch does
// nothing.
type Watch func(task string) func(done, expected int)

func (w Watch) task(name string) func(done, expected int) {
	if w != nil {
		if told := w(name); told != nil {
			return told
		}
	}
	return func(int, int) {}
}

// watchedEnrich counts the customers that were asked about.
type watchedEnrich struct {
	EnrichService
	asked atomic.Int64
	told  func(done, expected int)
}

func (w *watchedEnrich) count() { w.told(int(w.asked.Add(1)), 0) }

func (w *watchedEnrich) Subscriptions(ctx context.Context, customerID string) ([]standing.Subscription, error) {
	defer w.count()
	return w.EnrichService.Subscriptions(ctx, customerID)
}

func (w *watchedEnrich) Reseller(ctx context.Context, customerID string) (string, error) {
	defer w.count()
	return w.EnrichService.Reseller(ctx, customerID)
}

// watchedSource counts the customers that a report has written.
type watchedSource struct {
	reports.Source
	expected int
	told     func(done, expected int)
}

// CustomerEntries counts the walk over all customers of a run.
func (w watchedSource) CustomerEntries(ctx context.Context, partnerID string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {

	records := w.Source.CustomerEntries(ctx, partnerID, run, which, at)
	if which != "" {
		return records
	}
	return func(yield func(ledger.CustomerEntry, error) bool) {
		n := 0
		for record, err := range records {
			if n++; n%1000 == 0 {
				w.told(n, w.expected)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// watchedImport counts the rows that are entered.
type watchedImport struct {
	BatchStore
	expected int
	told     func(done, expected int)
}

func (w watchedImport) Import(ctx context.Context, b attestation.NewBatch, fill func(BatchWriter) error,
	report ReportRows) (attestation.Batch, error) {
	return w.BatchStore.Import(ctx, b, func(page BatchWriter) error { return fill(&watchedPage{page, w, 0}) }, report)
}

type watchedPage struct {
	BatchWriter
	of   watchedImport
	rows int
}

func (w *watchedPage) Add(ctx context.Context, rows []attestation.Attestation) error {
	w.rows += len(rows)
	w.of.told(w.rows, w.of.expected)
	return w.BatchWriter.Add(ctx, rows)
}

// watchedQueue counts the attestations that are settled.
type watchedQueue struct {
	PartnerQueue
	settled  atomic.Int64
	expected int
	told     func(done, expected int)
}

func (w *watchedQueue) Settle(ctx context.Context, c *attestation.Claim, s attestation.Settlement, at time.Time) error {
	err := w.PartnerQueue.Settle(ctx, c, s, at)
	w.told(int(w.settled.Add(1)), w.expected)
	return err
}
