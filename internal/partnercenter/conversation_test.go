package partnercenter

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
)

var accidents = simulator.Faults{ServerError: 0.03, GatewayPage: 0.03, PageWithStatus200: 0.03, Reset: 0.03,
	Truncated: 0.03, Slow: 0.02}

// tally is what a conversation found.
type tally struct {
	listed     map[string]standing.Customer
	agreements map[string][]standing.Agreement
	direct     map[string]bool
	refused    map[string]Kind
}

// converse lists all customers and reads each of them with 16 senders.
func converse(t *testing.T, c *Client) tally {
	t.Helper()
	got := tally{map[string]standing.Customer{}, map[string][]standing.Agreement{}, map[string]bool{},
		map[string]Kind{}}
	queue := make(chan string, 1000)
	var mu sync.Mutex
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for id := range queue {
				agreements, err := c.Agreements(t.Context(), id)
				signed, err2 := c.DirectAcceptance(t.Context(), id)
				mu.Lock()
				got.agreements[id], got.direct[id] = agreements, signed
				for _, err := range []error{err, err2} {
					if err != nil {
						got.refused[id] = failed(t, err).Kind
					}
				}
				mu.Unlock()
			}
		})
	}
	for page, err := range c.Customers(t.Context()) {
		assert.NoError(t, err)
		for _, customer := range page {
			if _, before := got.listed[customer.ID]; !before {
				got.listed[customer.ID] = customer
				queue <- customer.ID
			}
		}
	}
	close(queue)
	readers.Wait()
	return got
}

// compare holds what was found against the truth.
func (got tally) compare(t *testing.T, world simulator.World) {
	t.Helper()
	listed := 0
	for i := range world.Len() {
		if !world.Listed(i) {
			continue
		}
		listed++
		truth := world.Customer(i)
		found, ok := got.listed[truth.TenantID]
		if !assert.Truef(t, ok, "customer %d (%s) was not listed", i, truth.Kind) {
			continue
		}
		assert.Equal(t, truth.Relationship, found.Relationship)
		switch kind, refused := got.refused[truth.TenantID]; {
		case refused:
			assert.Containsf(t, []Kind{RelationshipEnded, NotFound, RoleMissing}, kind,
				"customer %d (%s): %s", i, truth.Kind, kind)
			continue
		}
		customerAgreements := 0
		for _, a := range truth.Agreements {
			if a.Type == mca {
				customerAgreements++
			}
		}
		assert.Lenf(t, got.agreements[truth.TenantID], customerAgreements, "customer %d (%s)", i, truth.Kind)
		assert.Equalf(t, truth.IsSigned, got.direct[truth.TenantID], "customer %d (%s)", i, truth.Kind)
	}
	assert.Len(t, got.listed, listed)
}

func TestConversationWithSimulator(t *testing.T) {
	for name, change := range map[string]func(*simulator.Options){
		"as it is recorded": func(*simulator.Options) {},
		"in PascalCase, with version in links": func(o *simulator.Options) {
			o.Names, o.NextLink = simulator.PascalCase,
				simulator.NextWithVersion
		},
		"in both, with whole links, BOM on all": func(o *simulator.Options) {
			o.Names, o.NextLink, o.BOM = simulator.MixedCase, simulator.NextAbsolute, simulator.BOMAlways
		},
		"no agreement as an error": func(o *simulator.Options) { o.EmptyAgreements = simulator.EmptyAsError },
		"throttled by date": func(o *simulator.Options) {
			o.Quota, o.RetryAfter = 200,
				simulator.RetryAfterDate
		},
		"throttled in seconds": func(o *simulator.Options) { o.Quota = 200 },
		"throttled without a word": func(o *simulator.Options) {
			o.Quota, o.RetryAfter = 200,
				simulator.RetryAfterMissing
		},
		"tokens die in mid-run": func(o *simulator.Options) { o.KillTokensEvery, o.Login.Unavailable = 150, 2 },
		"tokens live shortly":   func(o *simulator.Options) { o.Login.TokenLifetime = 30 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := simulator.Options{Seed: 7, Customers: 300, Mix: simulator.MixAllKinds,
					Latency: 200 * time.Millisecond, Jitter: 100 * time.Millisecond, PageSizeCap: 20, RepeatedIDs: 0.05,
					Faults: accidents}
				change(&opts)
				sim, err := simulator.New(opts)
				require.NoError(t, err)
				s := newService(t, nil, withRefreshToken(saved(t, simulator.InitialRefreshToken)), func(o *Options) {
					o.Transport, o.Attempts, o.RequestsPerMinute = wire{sim}, 6, 6000
				})

				converse(t, s.client).compare(t, sim.World())
				stats := sim.Stats()
				assert.Empty(t, stats.BadHeaders)
				assert.Zero(t, stats.RequestIDsOnAnotherCall)
				assert.Zero(t, stats.WhileToldToWait, "while it waits, nobody asks")
				assert.EqualValues(t, s.client.Cost().Requests, stats.APIRequests)
				assert.EqualValues(t, s.client.Cost().Throttled, stats.Throttled)
				assert.EqualValues(t, s.client.Cost().Retries, stats.RepeatedRequestIDs+stats.Faults["Reset"],
					"who is reset is not asked for its id")
				assert.NotZero(t, stats.Faults["Truncated"])
				if opts.Quota > 0 {
					assert.NotZero(t, stats.Throttled)
				}
				if opts.KillTokensEvery > 0 {
					assert.EqualValues(t, stats.TokensKilled+1, stats.Tokens["refresh_token"],
						"one new token for each that died")
				}
			})
		})
	}
}

func TestAConversationOverANetwork(t *testing.T) {
	// the accidents that a wire without sockets only imitates
	faults := simulator.Faults{Reset: 0.1, Truncated: 0.1, MaxInARow: 1}
	sim, err := simulator.New(simulator.Options{Seed: 3, Customers: 60, Mix: simulator.MixAllKinds,
		NextLink: simulator.NextAbsolute, Faults: faults})
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	defer server.Close()
	s := newService(t, nil, withRefreshToken(saved(t, simulator.InitialRefreshToken)), func(o *Options) {
		o.APIURL, o.Credentials.LoginURL, o.Transport, o.Attempts = server.URL, server.URL, nil, 6
	})
	defer s.client.Close()

	converse(t, s.client).compare(t, sim.World())
	stats := sim.Stats()
	assert.Empty(t, stats.BadHeaders)
	assert.Zero(t, stats.RequestIDsOnAnotherCall)
	assert.NotZero(t, stats.Faults["Reset"])
}

func TestAServiceThatRefusesTheUserSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*simulator.Options)
		kind   Kind
	}{
		"no MFA in the token":   {func(o *simulator.Options) { o.MissingMFA = true }, MFAMissing},
		"no MFA at the sign-in": {func(o *simulator.Options) { o.Login.DemandMFA = true }, MFAMissing},
		"another audience":      {func(o *simulator.Options) { o.WrongAudience = true }, WrongAudience},
		"an old refresh token":  {func(o *simulator.Options) { o.Login.ExpiredRefreshToken = true }, SignInFailed},
		"an old secret":         {func(o *simulator.Options) { o.Login.WrongClientSecret = true }, SignInFailed},
		"no role": {func(o *simulator.Options) { o.MissingRole = simulator.RoleMissingEverywhere },
			RoleMissing},
		"no role, without a word": {func(o *simulator.Options) {
			o.MissingRole,
				o.EmptyForbidden = simulator.RoleMissingEverywhere, true
		}, RoleMissing},
	} {
		t.Run(name, func(t *testing.T) {
			opts := simulator.Options{Customers: 3}
			c.change(&opts)
			sim, err := simulator.New(opts)
			require.NoError(t, err)
			s := newService(t, sim.ServeHTTP, withRefreshToken(saved(t, simulator.InitialRefreshToken)))
			s.login = sim.ServeHTTP
			_, err = s.list()
			e := failed(t, err)
			assert.Equal(t, c.kind.String(), e.Kind.String())
			holdsNothing(t, e.Error(), simulator.InitialRefreshToken)
		})
	}
	t.Run("an app alone", func(t *testing.T) {
		sim, err := simulator.New(simulator.Options{Customers: 3})
		require.NoError(t, err)
		s := newService(t, nil, func(o *Options) { o.Transport = wire{http.HandlerFunc(sim.ServeHTTP)} })
		found, err := s.list()
		require.NoError(t, err, "it may list")
		_, err = s.client.Agreements(t.Context(), found[0].ID)
		assert.Equal(t, AppOnly, failed(t, err).Kind)
	})
}
