package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLostRequestsAndAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		writes  Writes
		status  []int // one of them; none for a connection that was closed
		html    bool
		effects int
	}{
		"LostRequests.ServerError": {Writes{LostRequests: LostRequests{ServerError: 1}}, []int{500}, false, 0},
		"LostRequests.GatewayPage": {Writes{LostRequests: LostRequests{GatewayPage: 1}}, []int{500, 503, 504},
			true, 0},
		"LostRequests.PageWithStatus200": {Writes{LostRequests: LostRequests{PageWithStatus200: 1}}, []int{200}, true,
			0},
		"LostRequests.Reset":      {Writes{LostRequests: LostRequests{Reset: 1}}, nil, false, 0},
		"LostRequests.Late":       {Writes{LostRequests: LostRequests{Late: 1}}, []int{201}, false, 1},
		"LostAnswers.ServerError": {Writes{LostAnswers: LostAnswers{ServerError: 1}}, []int{500}, false, 1},
		"LostAnswers.GatewayPage": {Writes{LostAnswers: LostAnswers{GatewayPage: 1}}, []int{500, 503, 504}, true,
			1},
		"LostAnswers.PageWithStatus200": {Writes{LostAnswers: LostAnswers{PageWithStatus200: 1}}, []int{200}, true, 1},
		"LostAnswers.Reset":             {Writes{LostAnswers: LostAnswers{Reset: 1}}, nil, false, 1},
		"LostAnswers.Truncated":         {Writes{LostAnswers: LostAnswers{Truncated: 1}}, []int{201}, false, 1},
		"LostAnswers.Slow":              {Writes{LostAnswers: LostAnswers{Slow: 1}}, []int{201}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.writes.MaxInARow = 1
				ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: c.writes})
				i := ask.first(NeverAccepted)
				if c.status == nil {
					assert.PanicsWithValue(t, http.ErrAbortHandler,
						func() { ask.post(i, signed(), "MS-RequestId", anID) })
				} else {
					got := ask.post(i, signed(), "MS-RequestId", anID)
					assert.Contains(t, c.status, got.status)
					assert.Equal(t, c.html, got.header.Get("Content-Type") == "text/html")
					assert.Equal(t, anID, got.header.Get("MS-RequestId"))
				}
				assert.Len(t, ask.sim.Effects(), c.effects)
				assert.Equal(t, map[string]int64{name: 1}, ask.sim.Stats().Faults)

				got := ask.post(i, signed(), "MS-RequestId", anID)
				assert.Equal(t, 201, got.status, "a repeat heals")
				assert.Contains(t, got.body, "userId")
				require.Len(t, ask.sim.Effects(), 1)
				assert.Equal(t, anID, ask.sim.Effects()[0].RequestID)
				assert.EqualValues(t, c.effects, ask.sim.Stats().Attestations.AnsweredAgain)
				assert.Zero(t, ask.sim.stats.inFlight)
			})
		})
	}
}

func TestEveryGatewayStatusComesWithItsPage(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: Writes{LostAnswers: LostAnswers{GatewayPage: 1}}})
	pages := map[int]string{}
	for i := range 50 {
		got := ask.post(i, signed())
		pages[got.status] = got.body
	}
	assert.Equal(t, map[int]string{
		500: string(exampleText(t, "gateway_500.html")), 503: string(exampleText(t, "gateway_503.html")),
		504: string(exampleText(t, "gateway_504.html")),
	}, pages)
}

func TestLostAnswersOfConnections(t *testing.T) {
	for name, answers := range map[string]LostAnswers{"reset": {Reset: 1}, "truncated": {Truncated: 1}} {
		t.Run(name, func(t *testing.T) {
			ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: Writes{LostAnswers: answers}})
			server := httptest.NewServer(ask.sim)
			defer server.Close()
			i := ask.first(NeverAccepted)
			r := ask.attestation(i, signed())
			sent, err := http.NewRequestWithContext(t.Context(), r.Method, server.URL+r.URL.Path, r.Body)
			require.NoError(t, err)
			sent.Header = r.Header
			answer, err := server.Client().Do(sent)
			assert.Len(t, ask.sim.Effects(), 1)
			if name == "reset" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			defer answer.Body.Close()
			_, err = io.ReadAll(answer.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		})
	}
}

func TestCallerWhoGoesAway(t *testing.T) {
	for name, c := range map[string]struct {
		opts    Options
		patient time.Duration
		effects [2]int // when the caller has gone, and much later
	}{
		"before the middle": {Options{Latency: time.Second}, 499 * time.Millisecond, [2]int{0, 0}},
		"after the middle":  {Options{Latency: time.Second}, 501 * time.Millisecond, [2]int{1, 1}},
		"from a slow answer": {Options{Writes: Writes{LostAnswers: LostAnswers{Slow: 1}}}, time.Second,
			[2]int{1, 1}},
		"and it is done after it": {Options{Writes: Writes{LostRequests: LostRequests{Late: 1}}}, time.Second,
			[2]int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.opts.Seed, c.opts.Customers = 3, 300
				ask := signedIn(t, c.opts)
				ctx, cancel := context.WithTimeout(t.Context(), c.patient)
				defer cancel()
				r := ask.attestation(ask.first(NeverAccepted), signed()).WithContext(ctx)
				go ask.sim.ServeHTTP(httptest.NewRecorder(), r)
				<-ctx.Done()
				synctest.Wait()
				assert.Len(t, ask.sim.Effects(), c.effects[0])
				time.Sleep(time.Minute)
				assert.Len(t, ask.sim.Effects(), c.effects[1])
			})
		})
	}
}

func TestLateRequestMeetsItsRepeat(t *testing.T) {
	for _, c := range []struct {
		writes  Writes
		effects int
	}{{Writes{}, 1}, {Writes{NeverRemembers: true}, 1}, {Writes{NeverRemembers: true, DuplicatesAllowed: true}, 2}} {
		synctest.Test(t, func(t *testing.T) {
			c.writes.LostRequests, c.writes.MaxInARow = LostRequests{Late: 1}, 1
			ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: c.writes})
			i := ask.first(NeverAccepted)
			late := make(chan answer)
			go func() { late <- ask.post(i, signed(), "MS-RequestId", anID) }()
			time.Sleep(5 * time.Second)
			assert.Equal(t, 201, ask.post(i, signed(), "MS-RequestId", anID).status)
			<-late
			assert.Len(t, ask.sim.Effects(), c.effects)
			if c.effects == 2 {
				assert.EqualValues(t, 1, ask.sim.Stats().Attestations.CustomersWithSeveral)
			}
		})
	}
}

func TestLossesAreTheSameInEveryRunWhateverTheRequestIDs(t *testing.T) {
	run := func() (statuses []int) {
		ask := signedIn(t, Options{Seed: 4, Customers: 200, Faults: Faults{ServerError: 1},
			Writes: Writes{LostAnswers: LostAnswers{ServerError: 0.2, GatewayPage: 0.2},
				LostRequests: LostRequests{ServerError: 0.2}}})
		for i := range 200 {
			statuses = append(statuses, ask.post(i, signed()).status)
		}
		got := ask.sim.Stats()
		lost := got.Faults["LostAnswers.ServerError"] + got.Faults["LostAnswers.GatewayPage"] +
			got.Faults["LostRequests.ServerError"]
		assert.InDelta(t, 120, lost, 30)
		assert.Zero(t, got.Faults["ServerError"], "Faults are those of reads")
		return statuses
	}
	assert.Equal(t, run(), run())
}

func TestWritesThrottleSoonerThanReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, Quota: 6, Writes: Writes{Quota: 2}})
		assert.Equal(t, 201, ask.post(ask.first(NeverAccepted), signed()).status)
		assert.Equal(t, 201, ask.post(ask.first(Outdated), signed()).status)
		got := ask.post(ask.first(CloudOnly), signed())
		assert.Equal(t, 429, got.status)
		assert.Equal(t, "60", got.header.Get("Retry-After"))
		assert.Equal(t, 200, ask.get("/v1/customers").status, "reads go on")
		time.Sleep(time.Second)
		assert.Equal(t, 429, ask.post(ask.first(CloudOnly), signed()).status)
		assert.Equal(t, 200, ask.get("/v1/customers").status)
		assert.Equal(t, 429, ask.get("/v1/customers").status, "attestations count in the quota of all")
		stats := ask.sim.Stats()
		assert.EqualValues(t, 1, stats.WhileToldToWait)
		assert.EqualValues(t, 3, stats.Throttled)
		assert.Equal(t, map[string]int64{"429": 2}, stats.Attestations.Refused)
		time.Sleep(time.Minute)
		assert.Equal(t, 201, ask.post(ask.first(CloudOnly), signed()).status)
		ask.sim.Reset()
		assert.Equal(t, 201, ask.post(ask.first(CloudOnly), signed()).status)
	})
}

func TestOneRequestIDAtOnceTakesEffectOnce(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: Writes{DuplicatesAllowed: true}})
	i := ask.first(NeverAccepted)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				assert.Equal(t, 201, ask.post(i, signed(), "MS-RequestId", anID).status)
				ask.about(i, mcaAgreements)
				ask.sim.Expect(i, true)
				assert.Len(t, ask.sim.Effects(), 1)
			}
		})
	}
	all.Wait()
	assert.Equal(t, AttestationStats{Received: 160, TookEffect: 1, AnsweredAgain: 159, Refused: map[string]int64{}},
		ask.sim.Stats().Attestations)
}

func TestEffectsPageAndReset(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds})
	page := func() (effects []Effect) {
		got := ask.get("/simulator/effects")
		require.Equal(t, 200, got.status)
		require.NoError(t, json.Unmarshal([]byte(got.body), &effects), got.body)
		return effects
	}
	assert.Equal(t, []Effect{}, page())
	for i := range 20 {
		ask.post(i, signed("lastName", `"\"Quoted\"\n"`))
	}
	snapshot := ask.sim.Effects()
	require.NotEmpty(t, snapshot)
	shown := page()
	require.Len(t, shown, len(snapshot))
	for n := range shown {
		assert.Equal(t, n+1, shown[n].Number)
		shown[n].when = snapshot[n].when
	}
	assert.Equal(t, snapshot, shown)

	ask.sim.Reset()
	assert.Empty(t, page())
	assert.Empty(t, ask.sim.Effects())
	assert.Equal(t, AttestationStats{Refused: map[string]int64{}}, ask.sim.Stats().Attestations)
	assert.NotEmpty(t, snapshot[0].TenantID, "a snapshot stays")
	i := snapshot[0].Customer
	_, before := ask.sim.World().Customer(i).Expect(true)
	_, after := ask.sim.Expect(i, true)
	assert.Equal(t, before, after)
	assert.NotContains(t, ask.about(i, "/agreements?agreementType=*").body, "Quoted")
	assert.Equal(t, 201, ask.post(i, signed("lastName", `"\"Quoted\"\n"`)).status)
}

func BenchmarkAttestations(b *testing.B) {
	ask := signedIn(b, Options{Seed: 1, Customers: 1_000_000})
	body := signed()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		ask.post(n%1_000_000, body)
	}
}
