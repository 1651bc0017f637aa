package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/internal/testsize"
	"github.com/mcaledger/mcaledger/jobs"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var (
	partner = ledger.Partner{ID: "11111111-1111-4111-8111-111111111111", Name: "contoso", Kind: standing.DirectBill}
	today   = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
)

// lab is a simulated partner with a ledger: whole nights, through every layer.
type lab struct {
	sim    *simulator.Simulator
	store  *store.Store
	client partnercenter.Options
	job    jobs.Reconcile
}

// databases runs a test on a new ledger of each kind.
func databases(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	for name, address := range map[string]func(testing.TB) string{
		"sqlite":   sqliteLedger,
		"postgres": postgresLedger,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, address(t))
		})
	}
}

func sqliteLedger(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
}

var ledgers struct {
	sync.Once
	copy func(testing.TB) string
}

// postgresLedger is a copy of an empty ledger: to make its tables anew takes longer.
func postgresLedger(t testing.TB) string {
	t.Helper()
	ledgers.Do(func() {
		ledgers.copy = pgtest.Copies(t, func(t testing.TB, address string) {
			t.Helper()
			s, err := store.Open(t.Context(), address)
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Migrate(t.Context()))
		})
	})
	return ledgers.copy(t)
}

func set(t testing.TB, address string, options simulator.Options) *lab {
	t.Helper()
	options.AsOf = today
	sim, err := simulator.New(options)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	runs, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { runs.Close() })
	require.NoError(t, runs.Migrate(t.Context()))
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte(simulator.InitialRefreshToken), 0o600))
	b := &lab{sim: sim, store: runs, client: partnercenter.Options{
		APIURL: server.URL, RequestsPerMinute: 1_000_000, Concurrency: 64, Timeout: 5 * time.Second, Attempts: 4,
		Application: "test", Credentials: partnercenter.Credentials{LoginURL: server.URL, TenantID: partner.ID,
			ClientID: "client", ClientSecret: "secret", RefreshTokenFile: token},
	}}
	b.job = jobs.Reconcile{
		Policy: standing.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}, Kind: partner.Kind,
		Concurrency: b.client.Concurrency, MaxGonePercent: 5, ResumeWithin: 6 * time.Hour, Version: "test",
		CorrelationID: "33333333-3333-4333-8333-333333333333",
		Connect: func(correlationID string) (jobs.Service, error) {
			client, err := partnercenter.New(b.client)
			if err != nil {
				return nil, err
			}
			return client.ForRun(correlationID), nil
		},
	}
	return b
}

// clock shows an instant now, and goes on from there.
func clock(now time.Time) func() time.Time {
	began := time.Now()
	return func() time.Time { return now.Add(time.Since(began)) }
}

// night runs the job once, n-1 days after the first.
func (b *lab) night(ctx context.Context, n int) (result jobs.Result, err error) {
	err = b.store.Hold(ctx, partner, func(ctx context.Context, lease *store.Lease) error {
		result, err = b.job.Run(ctx, lease, clock(today.AddDate(0, 0, n-1)))
		return err
	})
	return result, err
}

func (b *lab) good(t testing.TB, n int) jobs.Result {
	t.Helper()
	require.NoError(t, b.sim.SetNight(n))
	result, err := b.night(t.Context(), n)
	require.NoError(t, err)
	return result
}

// agrees compares every customer of a run with what the simulated world means it to be.
func (b *lab) agrees(t *testing.T, r ledger.Run) {
	t.Helper()
	world := b.sim.World()
	found := map[string]standing.Record{}
	for record, err := range b.store.Records(t.Context(), partner.ID, r.ID, "") {
		require.NoError(t, err)
		found[record.ID] = record
	}
	wrong, present := 0, 0
	counts := map[standing.Standing]int{}
	for i := range world.Len() {
		if !world.Listed(i) {
			continue
		}
		present++
		customer := world.Customer(i)
		expectedStanding, expectedReason := b.sim.Expect(i, b.job.Policy.TrustDirectAcceptance)
		counts[standing.Standing(expectedStanding)]++
		got, ok := found[customer.TenantID]
		if !ok || string(got.Standing) != expectedStanding || string(got.Reason) != expectedReason {
			wrong++
			if wrong < 10 {
				t.Errorf("%s (%s): %s %s, should be %s %s", customer.TenantID, customer.Kind, got.Standing, got.Reason,
					expectedStanding, expectedReason)
			}
		}
	}
	require.Zero(t, wrong, "of %d", present)
	require.Len(t, found, present)
	require.Equal(t, present, r.Totals.Listed)
	require.Equal(t, ledger.Standings{Clear: counts["clear"], Blocked: counts["blocked"], Unknown: counts["unknown"],
		Excluded: counts["excluded"]}, r.Totals.Standings)
	require.Equal(t, ledger.Completed, r.State)
}

func TestEveryStandingAndReasonIsRight(t *testing.T) {
	t.Parallel()
	customers := testsize.Of(1000, 3000)
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 3, Customers: customers, Mix: simulator.MixAllKinds,
			RepeatedIDs: 0.02})
		first := b.good(t, 1)
		b.agrees(t, first.Run)
		require.Equal(t, first.Run.Totals.Listed, first.Run.Totals.New)
		again := b.good(t, 1)
		b.agrees(t, again.Run)
		same := again.Run.Totals
		require.Zero(t, same.New+same.Gone+same.NewlyBlocked+same.NewlyClear)
		require.Less(t, again.Cost.Requests, first.Cost.Requests, "what the last run knew saves reads")
		third := b.good(t, 2)
		b.agrees(t, third.Run)
		require.Positive(t, third.Run.Totals.New)
		require.Positive(t, third.Run.Totals.Gone)
		require.Positive(t, third.Run.Totals.NewlyClear)
		require.Equal(t, again.Run.Totals.Listed+third.Run.Totals.New-third.Run.Totals.Gone, third.Run.Totals.Listed)
		t.Logf("requests per customer: first sweep %.3f, second %.3f", float64(first.Cost.Requests)/float64(customers),
			float64(again.Cost.Requests)/float64(customers))
	})
}

func TestFaultsChangeNoStanding(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 4, Customers: testsize.Of(1000, 3000), Mix: simulator.MixAllKinds,
			RepeatedIDs: 0.02, NextLink: simulator.NextAbsolute, Names: simulator.MixedCase, KillTokensEvery: 300,
			BrokenCustomers: 0.005, PageSizeCap: 100, RetryAfter: simulator.RetryAfterDate,
			Login: simulator.Login{Unavailable: 1}, Faults: simulator.Faults{MaxInARow: 2, ServerError: 0.01,
				GatewayPage: 0.01, PageWithStatus200: 0.01, Reset: 0.01, Truncated: 0.01}})
		first := b.good(t, 1)
		b.agrees(t, first.Run)
		require.Positive(t, first.Cost.Retries)
		second := b.good(t, 2)
		b.agrees(t, second.Run)
	})
}

func TestWithoutTrustDirectAcceptanceDoesNotCount(t *testing.T) {
	b := set(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), simulator.Options{Seed: 5, Customers: 600,
		Mix: simulator.MixAllKinds})
	b.agrees(t, b.good(t, 1).Run)
	b.job.Policy.TrustDirectAcceptance = false
	b.agrees(t, b.good(t, 1).Run)
	b.job.Policy.TrustDirectAcceptance = true
	b.agrees(t, b.good(t, 1).Run)
}

func TestAListThatCannotBeBelievedClosesNobody(t *testing.T) {
	for name, options := range map[string]simulator.Options{
		"empty":     {EmptyList: true},
		"truncated": {TruncatedList: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			options.Seed, options.Customers, options.ListAccidentsFrom = 6, 400, 2
			b := set(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), options)
			first := b.good(t, 1)
			require.NoError(t, b.sim.SetNight(2))
			result, err := b.night(t.Context(), 2)
			unbalanced, ok := errors.AsType[*jobs.UnbalancedError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, ledger.Failed, unbalanced.Run.State)
			require.ErrorContains(t, err, "list (")
			require.False(t, ledger.AllPassed(result.Run.Checks))
			require.Zero(t, b.sim.Stats().Requests["customer"], "no customer is read because of such a list")

			require.NoError(t, b.sim.SetNight(1))
			third, err := b.night(t.Context(), 3)
			require.NoError(t, err)
			require.Zero(t, third.Run.Totals.New+third.Run.Totals.Gone)
			require.Equal(t, first.Run.Totals.Standings, third.Run.Totals.Standings)
		})
	}
}

func TestMissingFromTheListButStillThereIsNotGone(t *testing.T) {
	b := set(t, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), simulator.Options{Seed: 7, Customers: 500,
		DroppedFromList: 0.02, ListAccidentsFrom: 2, Mix: simulator.MixAllKinds})
	b.job.MaxGonePercent = 20
	b.good(t, 1)
	second := b.good(t, 2)
	require.Positive(t, second.Run.Totals.FoundUnlisted)
	require.Equal(t, second.Run.Totals.Unlisted, second.Run.Totals.FoundUnlisted+second.Run.Totals.Gone)
	b.good(t, 3)
}

func TestAnInterruptedRunIsContinued(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 8, Customers: 1000, Mix: simulator.MixAllKinds})
		stop := errors.New("stop")
		attempts, requests := 0, 0
		for ; ; attempts++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			b.job.Progress = func(read, _ int) {
				if read >= 100 {
					cancel(stop)
				}
			}
			result, err := b.night(ctx, 1)
			cancel(nil)
			requests += result.Cost.Requests
			if err == nil {
				require.True(t, result.Resumed)
				b.agrees(t, result.Run)
				require.Equal(t, requests, result.Run.Cost.Requests)
				break
			}
			require.ErrorIs(t, err, stop)
		}
		require.Greater(t, attempts, 2)
		undisturbed := set(t, "sqlite:"+filepath.Join(t.TempDir(), "other.db"),
			simulator.Options{Seed: 8, Customers: 1000, Mix: simulator.MixAllKinds}).good(t, 1)
		require.LessOrEqual(t, float64(requests), 1.1*float64(undisturbed.Cost.Requests),
			"what is in flight when told to stop is not lost")
	})
}

func TestALostLeaseEndsTheRun(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 9, Customers: 2000})
		taken := false
		b.job.Progress = func(int, int) {
			if !taken {
				taken = true
				other := fmt.Sprintf("UPDATE lease SET number = number + 1 WHERE partner_id = '%s'", partner.ID)
				require.NoError(t, storetest.Exec(t.Context(), address, other))
			}
		}
		_, err := b.night(t.Context(), 1)
		require.ErrorIs(t, err, store.ErrLeaseLost)
		require.Less(t, int(b.sim.Stats().APIRequests), 1000, "nobody goes on asking in vain")
	})
}
