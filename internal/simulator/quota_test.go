package simulator

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuotaRefusesTheRestOfTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Quota: 3})
		for range 3 {
			require.Equal(t, 200, ask.get("/v1/customers").status)
			time.Sleep(time.Second)
		}
		got := ask.get("/v1/customers")
		assert.Equal(t, 429, got.status)
		assert.Equal(t, "57", got.header.Get("Retry-After"))
		assert.JSONEq(t, string(exampleText(t, "error_d_429.json")), got.body, "form D, without a byte-order mark")
		assert.NotEmpty(t, got.header.Get("MS-RequestId"))

		time.Sleep(57*time.Second - time.Millisecond)
		assert.Equal(t, 429, ask.get("/v1/customers").status)
		time.Sleep(time.Second)
		assert.Equal(t, 200, ask.get("/v1/customers").status)
	})
}

func TestRefusalsOfOnePauseAgreeOnItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Quota: 1, Window: 2500 * time.Millisecond})
		ask.get("/v1/customers")
		assert.Equal(t, "3", ask.get("/v1/customers").header.Get("Retry-After"))
		time.Sleep(1500 * time.Millisecond)
		assert.Equal(t, "2", ask.get("/v1/customers").header.Get("Retry-After"))
	})
}

func TestRetryAfterAsADateOrMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		ask := signedIn(t, Options{Customers: 5, Quota: 1, Window: 10 * time.Second, RetryAfter: RetryAfterDate})
		ask.get("/v1/customers")
		until, err := http.ParseTime(ask.get("/v1/customers").header.Get("Retry-After"))
		require.NoError(t, err)
		assert.Equal(t, 10700*time.Millisecond, time.Until(until), "rounded up to a whole second")
		time.Sleep(time.Until(until))
		assert.Equal(t, 200, ask.get("/v1/customers").status)
		assert.Zero(t, ask.sim.Stats().WhileToldToWait)

		ask = signedIn(t, Options{Customers: 5, Quota: 1, RetryAfter: RetryAfterMissing})
		ask.get("/v1/customers")
		got := ask.get("/v1/customers")
		assert.Equal(t, 429, got.status)
		assert.Empty(t, got.header.Values("Retry-After"))
		time.Sleep(time.Second)
		ask.get("/v1/customers")
		assert.Zero(t, ask.sim.Stats().WhileToldToWait, "nobody was told")
	})
}

func TestOffencesAreRequestsThatWereToldToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Quota: 4, Latency: 100 * time.Millisecond})
		send := func() int { return ask.get("/v1/customers").status }
		for range 4 {
			require.Equal(t, 200, send())
		}
		require.Equal(t, 429, send())
		time.Sleep(150 * time.Millisecond)
		require.Equal(t, 429, send(), "in flight when the first 429 was sent")
		assert.Zero(t, ask.sim.Stats().WhileToldToWait)
		time.Sleep(time.Millisecond)
		for range 3 {
			require.Equal(t, 429, send())
		}
		got := ask.sim.Stats()
		assert.EqualValues(t, 3, got.WhileToldToWait)
		assert.EqualValues(t, 5, got.Throttled)

		time.Sleep(time.Minute)
		assert.Equal(t, 200, send())
		assert.Equal(t, 200, send())
		assert.Equal(t, 429, send(), "refused calls counted too: half of the next window is gone")
		time.Sleep(time.Minute)
		for range 4 {
			assert.Equal(t, 200, send(), "a sender who waited has a whole window")
		}
		assert.EqualValues(t, 3, ask.sim.Stats().WhileToldToWait)
	})
}

func TestComingBackBeforeRetryAfterIsAnOffenceEvenInANewWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Quota: 1, Window: 200 * time.Millisecond})
		ask.get("/v1/customers")
		assert.Equal(t, "1", ask.get("/v1/customers").header.Get("Retry-After"))
		time.Sleep(300 * time.Millisecond)
		assert.Equal(t, 200, ask.get("/v1/customers").status)
		assert.EqualValues(t, 1, ask.sim.Stats().WhileToldToWait)
	})
}

func TestResetOpensANewWindow(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5, Quota: 1})
	ask.get("/v1/customers")
	assert.Equal(t, 429, ask.get("/v1/customers").status)
	ask.sim.Reset()
	assert.Equal(t, 200, ask.get("/v1/customers").status)
}

func TestAnswersTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Latency: time.Second, Jitter: time.Second})
		begun := time.Now()
		for range 50 {
			ask.get("/v1/customers")
		}
		assert.Greater(t, time.Since(begun), 60*time.Second)
		assert.Less(t, time.Since(begun), 90*time.Second)
	})
}

func TestCallerWhoGoesAwayIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Latency: time.Hour, Login: Login{TokenLifetime: 48 * time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		w := httptest.NewRecorder()
		ask.sim.ServeHTTP(w, ask.request("GET", "/v1/customers").WithContext(ctx))
		assert.Equal(t, time.Second, time.Since(begun))
		assert.Empty(t, w.Body.String())
		assert.Empty(t, ask.sim.Stats().Statuses)
	})
}
