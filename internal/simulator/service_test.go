package simulator

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptionsAreRefusedWithSentences(t *testing.T) {
	for want, opts := range map[string]Options{
		"Customers is -1: it can be from 0 to 1073741824":        {Customers: -1},
		"RepeatedIDs is 1.5: a share is from 0 to 1":             {RepeatedIDs: 1.5},
		"the sum of Faults is 1.2: a share is from 0 to 1":       {Faults: Faults{Reset: 0.6, Slow: 0.6}},
		"Faults.Reset is -0.1: a share is from 0 to 1":           {Faults: Faults{Reset: -0.1, Slow: 0.6}},
		"Latency is -1s: it cannot be less than 0":               {Latency: -time.Second},
		"Quota is -5: it cannot be less than 0":                  {Quota: -5},
		`Mix is "x": it can be one of ["" "all kinds" "behind"]`: {Mix: "x"},
		`RetryAfter is "x": it can be one of`:                    {RetryAfter: "x"},
		"Login.TokenLifetime is 10ms: expires_in counts":         {Login: Login{TokenLifetime: 10 * time.Millisecond}},
		"Writes.Quota is -1: it cannot be less than 0":           {Writes: Writes{Quota: -1}},
		"Writes.RememberFor is -1s: it cannot be less than":      {Writes: Writes{RememberFor: -1e9}},
		"Writes.RememberFor is 1s and Writes.NeverRemembers": {Writes: Writes{RememberFor: 1e9,
			NeverRemembers: true}},
		"Writes.AlreadyExistsStatus is 418: it can be 400": {Writes: Writes{AlreadyExistsStatus: 418}},
		"Writes.LostAnswers.Slow is 2: a share is from 0":  {Writes: Writes{LostAnswers: LostAnswers{Slow: 2}}},
		"the sum of Writes.LostRequests and Writes.LostAns": {Writes: Writes{LostAnswers: LostAnswers{Slow: 1},
			LostRequests: LostRequests{Late: 1}}},
		"IndirectProvider and IndirectReseller are both":     {IndirectProvider: true, IndirectReseller: true},
		"Quota is -5: it cannot be less than 0\nNames is \"": {Quota: -5, Names: "x"},
	} {
		_, err := New(opts)
		require.Error(t, err, want)
		assert.Contains(t, err.Error(), want)
	}
}

func TestByteOrderMark(t *testing.T) {
	for form, want := range map[BOM][2]bool{BOMOnSuccess: {true, false}, BOMNever: {false, false},
		BOMAlways: {true, true}} {
		ask := signedIn(t, Options{Customers: 5, BOM: form})
		assert.Equal(t, want[0], strings.HasPrefix(ask.get("/v1/customers").body, byteOrderMark))
		assert.Equal(t, want[1], strings.HasPrefix(ask.get("/v1/customers/x").body, byteOrderMark))
	}
}

func TestIDsComeBack(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5})
	r := ask.request("GET", "/v1/customers")
	got := ask.send(r)
	assert.Equal(t, r.Header.Get("MS-RequestId"), got.header.Get("MS-RequestId"))
	assert.Equal(t, r.Header.Get("MS-CorrelationId"), got.header.Get("MS-CorrelationId"))
	for _, name := range []string{"MS-CV", "MS-ServerId", "Request-Context"} {
		assert.NotEmpty(t, got.header.Get(name))
	}
	assert.NotEmpty(t, ask.get("/v1/customers/x").header.Get("MS-CorrelationId"), "with errors too")

	assert.Equal(t, 200, ask.get("/v1/customers", "MS-RequestId", "").status, "a missing id is made")
	assert.Equal(t, 400, ask.get("/v1/customers", "MS-CorrelationId", "run-1").status)
	assert.Equal(t, map[string]int64{"MS-RequestId": 1, "MS-CorrelationId": 1}, ask.sim.Stats().BadHeaders)
}

func TestWhoDoesNotAskForJSONGetsXML(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5})
	for _, accept := range []string{"", "*/*", "text/html"} {
		got := ask.get("/v1/customers", "Accept", accept)
		assert.Equal(t, 200, got.status)
		assert.True(t, strings.HasPrefix(got.body, "<?xml"), got.body)
		assert.Contains(t, got.header.Get("Content-Type"), "xml")
	}
	assert.Contains(t, ask.get("/v1/customers", "Accept", "application/json;q=1, */*").body, "totalCount")
	assert.EqualValues(t, 3, ask.sim.Stats().BadHeaders["Accept"])
}

func TestStatsCountRequestsAndIDs(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 5})
	id := "22222222-2222-4222-8222-222222222222"
	ask.get("/v1/customers", "MS-RequestId", id)
	ask.get("/v1/customers", "MS-RequestId", id)
	ask.get("/v1/agreements", "MS-RequestId", id)
	ask.get("/v1/nothing")
	ask.about(0, mcaAgreements)
	ask.about(0, directStatus)
	got := ask.sim.Stats()
	assert.Equal(t, map[string]int64{"list": 2, "metadata": 1, "unknown": 1, "agreements": 1, "direct": 1},
		got.Requests)
	assert.EqualValues(t, 6, got.APIRequests)
	assert.EqualValues(t, 4, got.RequestIDs)
	assert.EqualValues(t, 2, got.RepeatedRequestIDs)
	assert.EqualValues(t, 1, got.RequestIDsOnAnotherCall)
	assert.EqualValues(t, 1, got.MaxInFlight)
	assert.EqualValues(t, 1, got.Statuses["404"])
	assert.Equal(t, map[string]int64{"refresh_token": 1}, got.Tokens)
}

func TestControlPages(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5})
	ask.get("/v1/customers")
	assert.EqualValues(t, 1, ask.get("/simulator/stats").fields(t)["apiRequests"])
	assert.EqualValues(t, 3, ask.send(ask.request("POST", "/simulator/night?n=3")).fields(t)["night"])
	assert.Equal(t, 3, ask.sim.World().Night)
	for _, path := range []string{"/simulator/night?n=0", "/simulator/night?n=x", "/simulator/night"} {
		assert.Equal(t, 400, ask.send(ask.request("POST", path)).status, path)
	}
	assert.EqualValues(t, 0, ask.send(ask.request("POST", "/simulator/reset")).fields(t)["apiRequests"])
	assert.Zero(t, ask.sim.Stats().APIRequests)
	assert.Equal(t, 3, ask.sim.World().Night, "the night stays")
	assert.Equal(t, 404, ask.get("/simulator/reset").status)
	assert.Error(t, ask.sim.SetNight(0))
}

func TestManyAtOnce(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 100, Mix: MixAllKinds, Quota: 900, KillTokensEvery: 300,
		Names: MixedCase, Faults: Faults{ServerError: 0.05, PageWithStatus200: 0.05}})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 150 {
				ask.about((i+worker)%100, mcaAgreements)
				if i == 75 {
					assert.NoError(t, ask.sim.SetNight(1+worker))
					ask.sim.Stats()
				}
			}
		})
	}
	all.Wait()
	got := ask.sim.Stats()
	assert.EqualValues(t, 1200, got.APIRequests)
	assert.EqualValues(t, 300, got.Throttled)
	var answered int64
	for _, n := range got.Statuses {
		answered += n
	}
	assert.EqualValues(t, 1200, answered)
	assert.LessOrEqual(t, got.MaxInFlight, int64(8))
}

func BenchmarkAgreements(b *testing.B) {
	ask := signedIn(b, Options{Seed: 1, Customers: 1_000_000})
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = "/v1/customers/" + ask.sim.World().Customer(i).TenantID + mcaAgreements
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		ask.get(ids[n%len(ids)])
	}
}

func BenchmarkListPage(b *testing.B) {
	ask := signedIn(b, Options{Seed: 1, Customers: 1_000_000})
	b.ReportAllocs()
	for b.Loop() {
		ask.get("/v1/customers")
	}
}
