package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/testsize"
	"github.com/mcaledger/mcaledger/jobs"
)

// informant is a service that says of each customer what a test wants; of others that they have
// nothing.
type informant struct {
	answer func(ctx context.Context, customer string) error
	asked  atomic.Int64
}

func (s *informant) Subscriptions(ctx context.Context, customer string) ([]standing.Subscription, error) {
	s.asked.Add(1)
	if err := s.answer(ctx, customer); err != nil {
		return nil, err
	}
	return []standing.Subscription{{Status: "active", AutoRenew: true, Ends: "2026-12-01"}}, nil
}

func (s *informant) Reseller(ctx context.Context, customer string) (string, error) {
	s.asked.Add(1)
	return "reseller-of-" + customer, s.answer(ctx, customer)
}

func (s *informant) ResellerNames(ctx context.Context) ([]standing.ResellerName, error) {
	return []standing.ResellerName{{ID: "reseller-of-c0000", Name: "Zero"}}, s.answer(ctx, "names")
}

func (s *informant) Cost() ledger.Cost { return ledger.Cost{Requests: 100 + int(s.asked.Load())} }

// notebook is a ledger of particulars.
type notebook struct {
	due       []string
	mu        sync.Mutex
	purchases map[string]standing.SubscriptionsReading
	resellers map[string]standing.ResellerReading
	names     []standing.ResellerName
	chunks    int
	spent     ledger.Cost
	limit     int
	broken    error
}

func (n *notebook) SubscriptionsDue(_ context.Context, stale time.Time, day standing.Date) iter.Seq2[string, error] {
	if want := today.AddDate(0, 0, -7); stale.Before(want) || stale.After(want.Add(24*time.Hour)) ||
		day != standing.DateOf(today) {
		panic(fmt.Sprint(stale, day))
	}
	return func(yield func(string, error) bool) {
		for _, id := range n.due {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func (n *notebook) ResellersDue(_ context.Context, stale, refused time.Time, limit int) ([]string, error) {
	n.limit = limit
	return n.due, nil
}

func (n *notebook) SaveSubscriptions(ctx context.Context, _ time.Time, readings []standing.SubscriptionsReading) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range readings {
		n.purchases[r.CustomerID] = r
	}
	n.chunks++
	return errors.Join(n.broken, ctx.Err())
}

func (n *notebook) SaveCustomerResellers(ctx context.Context, _ time.Time, readings []standing.ResellerReading) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range readings {
		n.resellers[r.CustomerID] = r
	}
	n.chunks++
	return errors.Join(n.broken, ctx.Err())
}

func (n *notebook) AddCost(ctx context.Context, _ int64, cost ledger.Cost) error {
	n.spent = n.spent.Add(cost)
	return ctx.Err()
}

// customers names n of them.
func customers(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("c%04d", i))
	}
	return ids
}

func (n *notebook) SaveResellers(_ context.Context, _ time.Time, names []standing.ResellerName) error {
	n.names = names
	return nil
}

// enrich runs the job over customers of whom the service answers as answer says.
func enrich(ctx context.Context, kind standing.PartnerKind, due []string,
	answer func(ctx context.Context, customer string) error) (
	*notebook, *informant, jobs.EnrichResult, error) {

	n := &notebook{due: due, purchases: map[string]standing.SubscriptionsReading{},
		resellers: map[string]standing.ResellerReading{}}
	s := &informant{answer: answer}
	result, err := jobs.Enrich{Kind: kind, Concurrency: 8}.Run(ctx, n, s, ledger.Run{ID: 7}, clock(today))
	return n, s, result, err
}

func answers(kind partnercenter.Kind) error { return &partnercenter.Error{Op: "ask", Kind: kind} }

func TestEnrich(t *testing.T) {
	answer := func(_ context.Context, id string) error {
		return map[string]error{"c0001": answers(partnercenter.Refused), "c0002": answers(partnercenter.Unavailable),
			"c0003": answers(partnercenter.RelationshipEnded)}[id]
	}
	n, s, result, err := enrich(t.Context(), standing.DirectBill, customers(250), answer)
	require.NoError(t, err)
	require.Equal(t, jobs.Asked{Read: 247, Refused: 2, Failed: 1}, result.Purchases)
	require.Len(t, n.purchases, 249)
	require.Equal(t, standing.Purchases{Active: 1, NextRenewal: "2026-12-01"},
		standing.Bought(n.purchases["c0000"].Subscriptions, "2026-11-22"))
	require.Equal(t, standing.SubscriptionsReading{CustomerID: "c0001"}, n.purchases["c0001"], "kept as refused")
	require.Equal(t, standing.SubscriptionsReading{CustomerID: "c0003"}, n.purchases["c0003"])
	require.NotContains(t, n.purchases, "c0002", "what was not answered is asked again tomorrow")
	require.Less(t, n.chunks, 250, "in chunks")
	require.Empty(t, n.resellers, "only an indirect provider has them")
	require.EqualValues(t, 250, s.asked.Load())
	require.Equal(t, 250, n.spent.Requests, "without what the sweep had cost")
	require.Equal(t, n.spent, result.Cost)

	n, _, result, err = enrich(t.Context(), standing.IndirectProvider, customers(250), answer)
	require.NoError(t, err)
	require.Equal(t, jobs.Asked{Read: 247, Refused: 2, Failed: 1}, result.Resellers)
	require.Equal(t, standing.ResellerReading{CustomerID: "c0000", Readable: true, ResellerID: "reseller-of-c0000"},
		n.resellers["c0000"])
	require.False(t, n.resellers["c0001"].Readable)
	require.NotContains(t, n.resellers, "c0002")
	require.Equal(t, 5000, n.limit)
	require.Equal(t, 500, n.spent.Requests)
	require.Equal(t, []standing.ResellerName{{ID: "reseller-of-c0000", Name: "Zero"}}, n.names)

	n, _, result, err = enrich(t.Context(), standing.IndirectProvider, customers(3),
		func(_ context.Context, id string) error {
			return map[string]error{"names": answers(partnercenter.RoleMissing)}[id]
		})
	require.ErrorContains(t, err, "read the names of indirect resellers")
	require.Equal(t, 3, result.Resellers.Read, "without the names")
	require.Len(t, n.resellers, 3)
}

func TestEnrichCostsNothingWhenNobodyIsDue(t *testing.T) {
	n, s, result, err := enrich(t.Context(), standing.IndirectProvider, nil, nil)
	require.NoError(t, err)
	require.Zero(t, result)
	require.Zero(t, n.spent)
	require.Zero(t, s.asked.Load())
}

func TestEnrichStopsWhenServiceRefusesCaller(t *testing.T) {
	refused := answers(partnercenter.SignInFailed)
	n, s, _, err := enrich(t.Context(), standing.IndirectProvider, customers(500),
		func(ctx context.Context, id string) error {
			switch {
			case id < "c0150":
				return nil
			case id == "c0150":
				return refused
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	require.ErrorIs(t, err, refused)
	require.LessOrEqual(t, s.asked.Load(), int64(170))
	require.Len(t, n.purchases, 150, "what was read is kept, and what was in flight is nobody's refusal")
	require.EqualValues(t, s.asked.Load(), n.spent.Requests)
	require.Empty(t, n.resellers)
}

func TestEnrichStopsWhenFirstReadsFail(t *testing.T) {
	for kind, kept := range map[partnercenter.Kind]int{partnercenter.Refused: 19, partnercenter.RoleMissing: 0,
		partnercenter.Malformed: 0, partnercenter.Unavailable: 0} {
		t.Run(kind.String(), func(t *testing.T) {
			n, s, _, err := enrich(t.Context(), standing.IndirectProvider, customers(500),
				func(ctx context.Context, id string) error {
					if id < "c0007" {
						<-ctx.Done() // in flight when the twentieth is asked about in vain
						return context.Cause(ctx)
					}
					return answers(kind)
				})
			require.ErrorContains(t, err, "the first 20 reads failed")
			require.ErrorContains(t, err, "ask")
			require.LessOrEqual(t, s.asked.Load(), int64(30))
			require.Len(t, n.purchases, kept, "of those in flight nothing is known, and the twentieth ends the job")
		})
	}
}

func TestEnrichContinuesWhenServiceAnswered(t *testing.T) {
	for name, first := range map[string]error{"an answer": nil,
		"a customer that has gone": answers(partnercenter.RelationshipEnded),
		"one that is not there":    answers(partnercenter.NotFound)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, _, err := enrich(t.Context(), standing.DirectBill, customers(200),
					func(_ context.Context, id string) error {
						if id == "c0000" {
							return first
						}
						time.Sleep(time.Second)
						return answers(partnercenter.RoleMissing)
					})
				require.NoError(t, err)
				require.EqualValues(t, 200, s.asked.Load())
			})
		})
	}
}

func TestEnrichStopsWithLedger(t *testing.T) {
	n := &notebook{due: customers(1000), broken: store.ErrLeaseLost,
		purchases: map[string]standing.SubscriptionsReading{}}
	s := &informant{answer: func(context.Context, string) error { return nil }}
	_, err := jobs.Enrich{Concurrency: 8}.Run(t.Context(), n, s, ledger.Run{}, clock(today))
	require.ErrorIs(t, err, store.ErrLeaseLost)
	require.Less(t, s.asked.Load(), int64(150), "nobody goes on asking in vain")
}

func TestEnrichSavesWhatIsInFlightWhenStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		n, s, result, err := enrich(ctx, standing.IndirectProvider, customers(500),
			func(ctx context.Context, id string) error {
				if id == "c0120" {
					cancel(stop)
				}
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(time.Second):
					return nil
				}
			})
		require.ErrorIs(t, err, stop)
		require.Less(t, s.asked.Load(), int64(140))
		require.EqualValues(t, s.asked.Load(), len(n.purchases))
		require.EqualValues(t, s.asked.Load(), n.spent.Requests)
		require.EqualValues(t, s.asked.Load(), result.Purchases.Read)
		require.Empty(t, n.resellers)
	})
}

// enrich makes a night with what is read after it, as the program does.
func (b *lab) enrichedNight(ctx context.Context, n int) (result jobs.EnrichResult, r ledger.Run, err error) {
	err = b.store.Hold(ctx, ledger.Partner{ID: partner.ID, Name: partner.Name, Kind: b.job.Kind},
		func(ctx context.Context, lease *store.Lease) error {
			var client *partnercenter.Client
			job := b.job
			job.Connect = func(id string) (jobs.Service, error) {
				client, err = partnercenter.New(b.client)
				if err != nil {
					return nil, err
				}
				client = client.ForRun(id)
				return client, nil
			}
			swept, err := job.Run(ctx, lease, clock(today.AddDate(0, 0, n-1)))
			if err != nil {
				return err
			}
			r = swept.Run
			result, err = jobs.Enrich{Kind: b.job.Kind, Concurrency: b.client.Concurrency}.Run(ctx, lease, client, r,
				clock(r.FinishedAt))
			return err
		})
	return result, r, err
}

func (b *lab) asks(t *testing.T, n int) (jobs.EnrichResult, ledger.Run) {
	t.Helper()
	result, r, err := b.enrichedNight(t.Context(), n)
	require.NoError(t, err)
	stored, err := b.store.Run(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, r.Cost.Requests+result.Cost.Requests, stored.Cost.Requests, "the ledger knows what the night cost")
	return result, r
}

// truth compares what is kept of a run's customers with the simulated world.
func (b *lab) truth(t *testing.T, r ledger.Run, asOf time.Time) {
	t.Helper()
	world := b.sim.World()
	byReseller := map[string]int{}
	known := map[string]simulator.Customer{}
	for i := range world.Len() {
		customer := world.Customer(i)
		known[customer.TenantID] = customer
		if world.Listed(i) && customer.Kind != simulator.RelationshipEnded && customer.Kind != simulator.Vanished {
			byReseller[customer.ResellerID]++
		}
	}
	blocked := 0
	for c, err := range b.store.Blocked(t.Context(), partner.ID, r.ID, ledger.Snapshot{At: asOf.Add(time.Hour)}) {
		require.NoError(t, err)
		blocked++
		var want standing.Purchases
		for _, s := range known[c.ID].Subscriptions {
			if s.Status != "active" {
				continue
			}
			want.Active++
			end := standing.DateOf(s.CommitmentEndDate)
			next := &want.NextLapse
			if s.AutoRenewEnabled {
				next = &want.NextRenewal
			}
			if end < "9999" && end >= standing.DateOf(asOf) && (*next == "" || end < *next) {
				*next = end
			}
		}
		require.Equal(t, standing.Read, c.PurchasesRead)
		require.Equal(t, want, c.Purchases)
	}
	require.Equal(t, r.Totals.Blocked, blocked)
	counts, err := b.store.Resellers(t.Context(), partner.ID, r.ID, asOf.Add(time.Hour))
	require.NoError(t, err)
	for _, c := range counts {
		if c.Read {
			require.Equal(t, byReseller[c.ResellerID], c.Clear+c.Blocked+c.Unknown+c.Excluded)
			delete(byReseller, c.ResellerID)
		}
	}
	if b.job.Kind == standing.IndirectProvider {
		require.Empty(t, byReseller, "each reseller, and those who have none")
	}
}

func TestEnrichOverAWeek(t *testing.T) {
	t.Parallel()
	many := testsize.Of(300, 1000)
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		for _, kind := range []standing.PartnerKind{standing.IndirectProvider, standing.DirectBill} {
			provider := kind == standing.IndirectProvider
			if !provider {
				address = "sqlite:" + t.TempDir() + "/direct.db"
			}
			b := set(t, address, simulator.Options{Seed: 21, Customers: many, IndirectProvider: provider})
			b.job.Kind = kind
			first, r := b.asks(t, 1)
			sweep := r.Cost.Requests
			b.truth(t, r, today)
			require.Equal(t, r.Totals.Blocked, first.Purchases.Read)
			expected := r.Totals.Blocked
			if provider {
				expected += many + 1 // the names of all resellers
				require.Equal(t, many, first.Resellers.Read+first.Resellers.Refused)
				require.Positive(t, first.Resellers.Refused, "those whose relationship ended")
			}
			require.Equal(t, expected, first.Cost.Requests, "one request a customer")

			var again jobs.EnrichResult
			for night := 2; night <= 3; night++ {
				again, _ = b.asks(t, night)
				require.Zero(t, again.Cost.Requests-again.Purchases.Read, "nobody is asked again within a week")
				require.Less(t, again.Purchases.Read, 10, "but those whose renewal has passed")
			}
			weekly, r := b.asks(t, 8)
			b.truth(t, r, today.AddDate(0, 0, 7))
			require.Positive(t, weekly.Purchases.Read)
			require.Equal(t, first.Resellers.Refused, weekly.Resellers.Refused+weekly.Resellers.Read,
				"a refusal is asked again after a week")
			monthly, _ := b.asks(t, 31)
			require.Equal(t, first.Resellers, monthly.Resellers)
			t.Logf("%s: %d customers, %d blocked; requests of the first sweep %d, of its particulars %d, of those of "+
				"the third night %d, of the eighth %d, of the 31st %d",
				kind, many, r.Totals.Blocked, sweep, first.Cost.Requests, again.Cost.Requests, weekly.Cost.Requests,
				monthly.Cost.Requests)
		}
	})
}

// turnstile counts what passes.
type turnstile struct {
	what   string
	passed atomic.Int64
	at     int64
	then   func()
}

func (s *turnstile) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, s.what) && s.passed.Add(1) == s.at {
		s.then()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestInterruptedEnrichContinues(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 22, Customers: 300, Mix: simulator.MixAllKinds})
		b.client.Concurrency = 8
		stop := errors.New("stop")
		read, attempts := 0, 0
		for ; ; attempts++ {
			ctx, cancel := context.WithCancelCause(t.Context())
			b.client.Transport = &turnstile{what: "/subscriptions", at: 20, then: func() { cancel(stop) }}
			result, r, err := b.enrichedNight(ctx, 1)
			cancel(nil)
			read += result.Purchases.Read
			require.Equal(t, ledger.Completed, r.State)
			stored, err2 := b.store.Run(t.Context(), r.ID)
			require.NoError(t, err2)
			require.Equal(t, r.Cost.Requests+result.Cost.Requests, stored.Cost.Requests)
			if err == nil {
				b.truth(t, r, today)
				require.Equal(t, r.Totals.Blocked, read, "nobody was asked about twice")
				break
			}
			require.ErrorIs(t, err, stop)
		}
		require.GreaterOrEqual(t, attempts, 3)
	})
}

func TestEndedRelationshipsAndFaultsDoNoHarm(t *testing.T) {
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 23, Customers: 800,
		Mix: simulator.MixAllKinds, IndirectProvider: true, Names: simulator.MixedCase, KillTokensEvery: 500,
		BrokenCustomers: 0.01, Faults: simulator.Faults{MaxInARow: 1, ServerError: 0.01, GatewayPage: 0.01,
			PageWithStatus200: 0.01, Reset: 0.01, Truncated: 0.01}})
	b.job.Kind, b.client.Attempts = standing.IndirectProvider, 2
	first, _ := b.asks(t, 1)
	require.Positive(t, first.Resellers.Refused)
	require.Positive(t, first.Resellers.Failed, "of broken customers nothing is kept")
	require.Positive(t, first.Cost.Retries)
	again, _ := b.asks(t, 2)
	require.Equal(t, first.Resellers.Failed, again.Resellers.Failed, "they alone are asked again")
	require.Zero(t, again.Resellers.Read+again.Resellers.Refused)

	require.NoError(t, b.sim.SetNight(2))
	third, r := b.asks(t, 3)
	require.Positive(t, r.Totals.New)
	require.Equal(t, r.Totals.New,
		third.Resellers.Read+third.Resellers.Refused+third.Resellers.Failed-again.Resellers.Failed,
		"new customers are asked about at once")
}
