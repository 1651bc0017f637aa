package jobs_test

import (
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/jobs"
)

// BenchmarkPull measures a sweep, storing included, against the least time its requests can take:
// requests × latency ÷ in flight. At most 1.05; a bare client reaches 1.02.
func BenchmarkPull(b *testing.B) {
	const latency, inFlight = 100 * time.Millisecond, 64
	for name, address := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db") },
		"postgres": pgtest.Database,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l := set(b, address(b), simulator.Options{Seed: 11, Customers: 10_000, Latency: latency})
				l.client.Concurrency, l.job.Concurrency = inFlight, inFlight
				took, result := l.timed(b)
				ideal := time.Duration(result.Cost.Requests) * latency / inFlight
				report(b, took, ideal)
				b.ReportMetric(bare(b, l, inFlight)/float64(latency)*inFlight, "÷ideal-of-a-bare-client")
			}
		})
	}
}

// BenchmarkQuota measures a sweep under a quota of 500 requests a window against the least time the
// quota allows. At most 1.05, at most 2 % refused, and nobody sends while told to wait.
func BenchmarkQuota(b *testing.B) {
	const quota, window = 500, 2 * time.Second
	for name, perMinute := range map[string]int{
		"limit known":   quota * int(time.Minute/window),
		"limit unknown": 1_000_000,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l := set(b, "sqlite:"+filepath.Join(b.TempDir(), "ledger.db"),
					simulator.Options{Seed: 12, Customers: 3500, Quota: quota, Window: window,
						Latency: 5 * time.Millisecond})
				l.client.RequestsPerMinute = perMinute
				l.client.Concurrency, l.job.Concurrency = 16, 16
				took, result := l.timed(b)
				stats := l.sim.Stats()
				report(b, took, time.Duration(result.Cost.Requests-result.Cost.Throttled)*window/quota)
				b.ReportMetric(100*float64(result.Cost.Throttled)/float64(result.Cost.Requests), "%refused")
				b.ReportMetric(float64(stats.WhileToldToWait), "sent-while-told-to-wait")
			}
		})
	}
}

// bare is the time per request, in nanoseconds, of a client that only asks the same simulator and
// throws the answers away.
func bare(b *testing.B, l *lab, inFlight int) float64 {
	b.Helper()
	const each = 50
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	defer client.CloseIdleConnections()
	began := time.Now()
	var group errgroup.Group
	for range inFlight {
		group.Go(func() error {
			for range each {
				resp, err := client.Get(l.client.APIURL + "/v1/customers")
				if err != nil {
					return err
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
	return float64(time.Since(began)) / float64(each*inFlight)
}

func (b *lab) timed(t testing.TB) (time.Duration, jobs.Result) {
	began := time.Now()
	result := b.good(t, 1)
	took := time.Since(began)
	require.Positive(t, result.Run.Totals.Blocked)
	return took, result
}

func report(b *testing.B, took, ideal time.Duration) {
	b.Helper()
	b.ReportMetric(took.Seconds()/ideal.Seconds(), "÷ideal")
	b.ReportMetric(took.Seconds(), "s")
}
