package simulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFaultsOfSingleRequests(t *testing.T) {
	page := string(exampleText(t, "gateway_503.html"))
	ask := signedIn(t, Options{Customers: 5, Faults: Faults{ServerError: 1, MaxInARow: 1}})
	got := ask.get("/v1/customers")
	assert.Equal(t, 500, got.status)
	assert.Equal(t, true, got.fields(t)["isRetryable"])
	assert.Equal(t, 200, ask.get("/v1/customers").status, "a retry heals")
	assert.Equal(t, map[string]int64{"ServerError": 1}, ask.sim.Stats().Faults)

	ask = signedIn(t, Options{Customers: 5, Faults: Faults{GatewayPage: 1}})
	got = ask.get("/v1/customers")
	assert.Equal(t, 503, got.status)
	assert.Equal(t, page, got.body)
	assert.Equal(t, "text/html", got.header.Get("Content-Type"))

	ask = signedIn(t, Options{Customers: 5, Faults: Faults{PageWithStatus200: 1}})
	got = ask.get("/v1/customers")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, page, got.body)
}

func TestFaultsOfConnections(t *testing.T) {
	for name, faults := range map[string]Faults{"reset": {Reset: 1}, "truncated": {Truncated: 1}} {
		t.Run(name, func(t *testing.T) {
			ask := signedIn(t, Options{Customers: 5, Faults: faults})
			server := httptest.NewServer(ask.sim)
			defer server.Close()
			r := ask.request("GET", server.URL+"/v1/customers")
			r.RequestURI = ""
			answer, err := server.Client().Do(r)
			if name == "reset" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.True(t, strings.HasPrefix(string(text), byteOrderMark+`{"totalCount":5`))
		})
	}
}

func TestResetWithoutAConnectionToTakeOver(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5, Faults: Faults{Reset: 1}})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask.get("/v1/customers") })
	assert.Zero(t, ask.sim.stats.inFlight)
}

func TestSlowAnswersAreRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Faults: Faults{Slow: 1}})
		begun := time.Now()
		assert.Equal(t, 200, ask.get("/v1/customers").status)
		assert.Equal(t, 20*time.Second, time.Since(begun))
	})
}

func TestFaultsAreTheSameInEveryRunAndHeal(t *testing.T) {
	run := func(seed uint64) (statuses [][]int) {
		ask := signedIn(t, Options{Seed: seed, Customers: 200, Faults: Faults{ServerError: 0.2, GatewayPage: 0.2}})
		for i := range 200 {
			var met []int
			for {
				got := ask.about(i, "/subscriptions").status
				met = append(met, got)
				if got < 500 {
					break
				}
			}
			require.LessOrEqual(t, len(met), 4, "at most three faults in a row")
			statuses = append(statuses, met)
		}
		return statuses
	}
	first := run(1)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first, run(2))
	faulty := 0
	for _, met := range first {
		if len(met) > 1 {
			faulty++
		}
	}
	assert.InDelta(t, 80, faulty, 25)
}

func TestFaultsComeAgainOnAnotherNightAndAfterAReset(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5, Faults: Faults{ServerError: 1, MaxInARow: 1}})
	statuses := func() [2]int { return [2]int{ask.get("/v1/customers").status, ask.get("/v1/customers").status} }
	assert.Equal(t, [2]int{500, 200}, statuses())
	require.NoError(t, ask.sim.SetNight(2))
	assert.Equal(t, [2]int{500, 200}, statuses())
	ask.sim.Reset()
	assert.Equal(t, [2]int{500, 200}, statuses())
}
