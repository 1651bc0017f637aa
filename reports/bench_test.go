package reports

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// crowd is a Source of n customers that are made as they are asked for: one in ten is blocked, one
// in a hundred unknown.
type crowd int

func (c crowd) reason(i int) standing.Reason {
	switch {
	case i%100 == 1:
		return standing.Unreadable
	case i%10 == 0:
		return standing.NeverAccepted
	case i%3 == 0:
		return standing.AcceptedDirectly
	}
	return standing.Attested
}

func (c crowd) FirstRun(context.Context, string) (time.Time, error) { return night(200), nil }

func (c crowd) CountRecords(_ context.Context, _ string, _ int64, which standing.Standing) (int, error) {
	switch which {
	case standing.Blocked:
		return (int(c) + 9) / 10, nil
	case standing.Unknown:
		return (int(c) + 98) / 100, nil
	}
	return int(c), nil
}

func (c crowd) CustomerEntries(_ context.Context, _ string, _ int64, which standing.Standing,
	_ time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	return func(yield func(ledger.CustomerEntry, error) bool) {
		models := map[standing.Reason]standing.Record{}
		for i := range 102 {
			models[c.reason(i)] = customer(i, "", c.reason(i))
		}
		for i := range int(c) {
			if which == standing.Blocked && i%10 != 0 || which == standing.Unknown && i%100 != 1 {
				continue
			}
			rec := models[c.reason(i)]
			rec.ID = fmt.Sprintf("%08d-0000-4000-8000-%012d", i, i)
			rec.Name = "Customer & Sons Ltda. São Paulo " + rec.ID[:8]
			if !yield(ledger.CustomerEntry{Record: rec}, nil) {
				return
			}
		}
	}
}

func (c crowd) CountRenewals(context.Context, string, int64, time.Time) (int, error) { return 0, nil }

func (c crowd) Renewals(context.Context, []int64, time.Time) iter.Seq2[ledger.Renewal, error] {
	return sequence[ledger.Renewal](nil)
}

func (c crowd) ExceptionsThen(context.Context, string, int64, time.Time) ([]ledger.ExceptionEntry, error) {
	return nil, nil
}

func (c crowd) Invitations(context.Context, string, int64, time.Time) iter.Seq2[ledger.InvitationEntry, error] {
	return sequence[ledger.InvitationEntry](nil)
}

func (c crowd) Batches(context.Context, ledger.Snapshot) ([]ledger.BatchSummary, error) {
	return nil, nil
}

func (c crowd) EventNumbers(context.Context, time.Time) ([]int64, error) { return nil, nil }

func (c crowd) EventLog(context.Context, time.Time) iter.Seq2[ledger.LogEntry, error] {
	return sequence[ledger.LogEntry](nil)
}

func (c crowd) CountChanges(context.Context, string, int64, int64) (int, error) { return 0, nil }

func (c crowd) Changes(context.Context, string, int64, int64) iter.Seq2[standing.Transition, error] {
	return func(func(standing.Transition, error) bool) {}
}

func (c crowd) Blocked(ctx context.Context, partner string, run int64,
	_ ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return func(yield func(ledger.BlockedCustomer, error) bool) {
		for rec, err := range c.CustomerEntries(ctx, partner, run, standing.Blocked, tonight) {
			if !yield(ledger.BlockedCustomer{Record: rec.Record, Attestation: attestation.ID{Batch: 1, Line: 2},
				AttestationState: attestation.Approved}, err) {
				return
			}
		}
	}
}

func (c crowd) Resellers(context.Context, string, int64, time.Time) ([]ledger.ResellerCount, error) {
	return nil, nil
}

// attested is how many of the crowd were attested: one in ten.
func (c crowd) attested() int { return int(c) / 10 }

func (c crowd) Heads(context.Context, time.Time) ([]ledger.BatchHead, error) {
	return []ledger.BatchHead{{Batch: 1, File: "crowd.csv", Rows: c.attested(), Events: 1}}, nil
}

func (c crowd) Chain(context.Context, time.Time) (ledger.Chain, error) {
	return ledger.Chain{Events: 1, Verified: 1}, nil
}

func (c crowd) Tally(context.Context, ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	return map[string]ledger.DeliveryTotals{brazil.ID: {Rows: c.attested(), Sent: c.attested(),
		Answered: c.attested()}}, nil
}

func (c crowd) Entries(_ context.Context, partner string, _ ledger.Snapshot) iter.Seq2[ledger.AttestationEntry, error] {
	return func(yield func(ledger.AttestationEntry, error) bool) {
		if partner != brazil.ID {
			return
		}
		model := entry(attestation.Batch{ID: 1, ImportedBy: attestation.Actor{Name: "ana"}, ImportedAt: tonight}, 0,
			partner, customer(1, "Customer & Sons", standing.NeverAccepted), attestation.Confirmed)
		for i := range c.attested() {
			model.ID.Line = i + 2
			if !yield(model, nil) {
				return
			}
		}
	}
}

func (c crowd) book() Book {
	blocked, _ := c.CountRecords(context.Background(), "", 0, standing.Blocked)
	unknown, _ := c.CountRecords(context.Background(), "", 0, standing.Unknown)
	shown := runOf(2, brazil, tonight, nil, int(c), 0, 0)
	shown.Totals.Listed = int(c)
	shown.Totals.Standings = ledger.Standings{Clear: int(c) - blocked - unknown, Blocked: blocked, Unknown: unknown}
	return Book{Partners: []PartnerRun{{Partner: brazil, Run: shown, Against: shown, History: []ledger.Run{*shown}}},
		MadeAt: tonight, Location: saoPaulo, Version: "1.0.0"}
}

// peakHeap is the most heap in use while do ran, beyond what was in use before.
func peakHeap(do func()) uint64 {
	runtime.GC()
	before := heap()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := before
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-done:
				peak <- most - before
				return
			}
		}
	}()
	do()
	close(done)
	return <-peak
}

// heap is the size of the objects on the heap; unlike runtime.ReadMemStats it stops nobody.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestMemoryStaysFlat(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // nearer to what is held than to what waits for the collector
	for name, write := range formats {
		measure := func(c crowd) uint64 {
			return peakHeap(func() { require.NoError(t, write(t.Context(), io.Discard, c)) })
		}
		measure(1000)
		small, large := measure(10_000), measure(100_000)
		t.Logf("%s: peak heap %.1f MB at 10,000 customers, %.1f MB at 100,000", name, float64(small)/1e6,
			float64(large)/1e6)
		assert.Less(t, float64(large), 1.3*float64(small)+3e6, name) // 100,000 customers are 30 MB
	}
}

// formats are the ways to write a crowd.
var formats = map[string]func(context.Context, io.Writer, crowd) error{
	"workbook": func(ctx context.Context, w io.Writer, c crowd) error {
		_, err := Write(ctx, w, c.book(), c)
		return err
	},
	"CSV": func(ctx context.Context, w io.Writer, c crowd) error {
		_, err := WriteCSV(ctx, w, c.book(), c, "Customers")
		return err
	},
	"JSON": func(ctx context.Context, w io.Writer, c crowd) error {
		_, err := WriteJSON(ctx, w, c.book(), c)
		return err
	},
}

// BenchmarkMachines writes Customers as CSV, and all sheets as JSON.
func BenchmarkMachines(b *testing.B) {
	for _, name := range []string{"CSV", "JSON"} {
		for _, n := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				var peak uint64
				for b.Loop() {
					peak = max(peak, peakHeap(
						func() { require.NoError(b, formats[name](b.Context(), io.Discard, crowd(n))) }))
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "customers/s")
				b.ReportMetric(float64(peak)/1e6, "peak-MB")
			})
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := crowd(n)
			var peak uint64
			for b.Loop() {
				peak = max(peak, peakHeap(func() {
					if _, err := Write(b.Context(), io.Discard, c.book(), c); err != nil {
						b.Fatal(err)
					}
				}))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "customers/s")
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
		})
	}
}
