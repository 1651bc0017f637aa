package partnercenter

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	tooMany        = `{"statusCode":429,"message":"Rate limit is exceeded."}`
	tooManyInWords = `{"statusCode":429,"message":"Rate limit is exceeded. Try again in 57 seconds."}`
)

func TestRetryAfterForms(t *testing.T) {
	// Within a bubble it is midnight of 1 January 2000, UTC. The skewed server is a day and a half
	// ahead.
	for _, c := range []struct {
		name    string
		headers []string
		least   time.Duration
		most    time.Duration
	}{
		{"seconds", []string{"Retry-After", "57"}, 57 * time.Second, 57 * time.Second},
		{"a date", []string{"Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT"}, 90 * time.Second, 90 * time.Second},
		{"a date of a server whose clock is ahead",
			[]string{"Retry-After", "Sun, 02 Jan 2000 12:00:30 GMT", "Date", "Sun, 02 Jan 2000 12:00:00 GMT"},
			30 * time.Second, 30 * time.Second},
		{"a date of a server whose clock is behind",
			[]string{"Retry-After", "Thu, 30 Dec 1999 12:00:30 GMT", "Date", "Thu, 30 Dec 1999 12:00:00 GMT"},
			30 * time.Second, 30 * time.Second},
		{"nothing", nil, time.Second, 3 * time.Second / 2},
		{"nonsense", []string{"Retry-After", "soon"}, time.Second, 3 * time.Second / 2},
		{"less than nothing", []string{"Retry-After", "-5"}, time.Second, 3 * time.Second / 2},
		{"a number to Go only", []string{"Retry-After", "Infinity"}, time.Second, 3 * time.Second / 2},
		{"an exponent", []string{"Retry-After", "1e9"}, time.Second, 3 * time.Second / 2},
		{"two times in one", []string{"Retry-After", "5, 7"}, time.Second, 3 * time.Second / 2},
		{"no time at all", []string{"Retry-After", "0"}, time.Second, 3 * time.Second / 2},
		{"a date that is past", []string{"Retry-After", "Sat, 01 Jan 1990 00:00:00 GMT"}, time.Second,
			3 * time.Second / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, inTurn(saying(429, tooMany, c.headers...), saying(200, signed)))
				require.NoError(t, s.ask())
				calls := s.arrivals()
				require.Len(t, calls, 2)
				waited := calls[1].at.Sub(calls[0].at)
				assert.GreaterOrEqual(t, waited, c.least)
				assert.LessOrEqual(t, waited, c.most)
				assert.Equal(t, calls[0].header.Get("MS-RequestId"), calls[1].header.Get("MS-RequestId"))
				assert.Equal(t, 1, s.client.Cost().Throttled)
			})
		})
	}
}

func TestPausesWithoutRetryAfterGrowAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(429, tooMany))
		e := s.refusal()
		assert.Equal(t, Throttled, e.Kind)
		assert.Equal(t, 429, e.Status)
		assert.True(t, e.Fatal())
		calls := s.arrivals()
		require.Len(t, calls, 2*4+1)
		for n, least := 1, time.Second; n < len(calls); n, least = n+1, min(2*least, time.Minute) {
			pause := calls[n].at.Sub(calls[n-1].at)
			assert.GreaterOrEqual(t, pause, least)
			assert.LessOrEqual(t, pause, least*3/2)
		}
	})
}

func TestTooLongPauseEndsTheRunAtOnce(t *testing.T) {
	for name, value := range map[string]string{
		"seconds": "86400", "more seconds than a century has": "99999999999", "a date": "Sat, 01 Jan 2050 00:00:00 GMT",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(100 * time.Millisecond)
					say(w, 429, tooMany, "Retry-After", value)
				}, func(o *Options) { o.Concurrency = 4 })
				together(16, func(int) {
					e := s.refusal()
					assert.Equal(t, Throttled, e.Kind)
					assert.True(t, e.Fatal())
					holdsNothing(t, e.Error())
				})
				assert.Equal(t, 100*time.Millisecond, time.Since(begun),
					"of the bubble's clock: nobody waits, not even those who had not sent")
				assert.Len(t, s.arrivals(), 4)
				assert.Equal(t, Throttled, s.refusal().Kind, "later calls know it without asking")
				assert.Len(t, s.arrivals(), 4)
			})
		})
	}
}

func TestCallThatIsAlwaysThrottledGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refused atomic.Int64
		s := newService(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			if r.URL.Path == "/v1/customers/poison" {
				refused.Add(1)
				say(w, 429, tooMany, "Retry-After", "1")
				return
			}
			say(w, 200, signed)
		})
		together(4, func(i int) {
			if i == 0 {
				_, err := s.client.Customer(t.Context(), "poison")
				assert.Equal(t, Throttled, failed(t, err).Kind)
				return
			}
			for range 1000 {
				assert.NoError(t, s.ask())
			}
		})
		assert.LessOrEqual(t, refused.Load(), int64(5*4+1))
	})
}

func TestAnswerEndsRowOfPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked%2 == 1 {
				say(w, 429, tooMany)
				return
			}
			say(w, 200, signed)
		})
		begun := time.Now()
		for range 20 {
			assert.NoError(t, s.ask())
		}
		assert.Less(t, time.Since(begun), 20*2*time.Second, "of the bubble's clock: each pause is a first one")
	})
}

func TestLongestPauseCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := inTurn(saying(429, tooMany, "Retry-After", "60"), saying(429, tooMany, "Retry-After", "1"),
			saying(200, signed))
		s := newService(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second) // so that both are in flight
			answer(w, r)
		})
		begun := time.Now()
		together(2, func(int) { assert.NoError(t, s.ask()) })
		require.Len(t, s.arrivals(), 4)
		for _, call := range s.arrivals()[2:] {
			assert.GreaterOrEqual(t, call.at.Sub(begun), 61*time.Second)
		}
	})
}

func TestOnePauseStopsAllSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = 10 * time.Second
		var arrived atomic.Int64
		var pausedAt time.Time
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
			n := arrived.Add(1)
			time.Sleep(time.Duration(50+n%7) * time.Millisecond) // so that others are in flight
			if n == 100 {
				pausedAt = time.Now()
				say(w, 429, tooMany, "Retry-After", "10")
				return
			}
			say(w, 200, signed)
		})
		together(16, func(int) {
			for range 30 {
				assert.NoError(t, s.ask())
			}
		})

		after := 0
		for _, call := range s.arrivals() {
			since := call.at.Sub(pausedAt)
			assert.Falsef(t, 0 < since && since < pause, "a request arrived %v into the pause", since)
			if since >= pause {
				after++
			}
		}
		assert.Greater(t, after, 300, "after it they go on")
		assert.Len(t, s.arrivals(), 16*30+1)
		assert.Equal(t, 1, s.client.Cost().Throttled)
	})
}

func TestFewerRequestsInFlightAfterPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var arrived, inFlight, most atomic.Int64
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
			defer inFlight.Add(-1)
			n, now := arrived.Add(1), inFlight.Add(1)
			if n > 64 { // by then those in flight at the pause are back
				most.Store(max(most.Load(), now))
			}
			time.Sleep(200 * time.Millisecond)
			if n == 50 {
				say(w, 429, tooMany, "Retry-After", "10")
				return
			}
			say(w, 200, signed)
			// so that most senders wait for the pace when the pause begins
		}, func(o *Options) { o.RequestsPerMinute = 500 })
		together(16, func(int) {
			for range 10 {
				assert.NoError(t, s.ask())
			}
		})
		assert.LessOrEqual(t, most.Load(), int64(8))
	})
}

func Test429sOfRequestsInFlightAreOnePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var arrived atomic.Int64
		s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
			n := arrived.Add(1)
			if n > 16 {
				say(w, 200, signed)
				return
			}
			// most answers come when a pause of one second is over
			time.Sleep(time.Duration(n) * 700 * time.Millisecond)
			say(w, 429, tooMany, "Retry-After", "1")
		})
		together(16, func(int) { assert.NoError(t, s.ask()) })
		assert.InDelta(t, 8, s.client.throttle.allowed, 0.1)
		assert.Equal(t, 16, s.client.Cost().Throttled)
	})
}

func TestConcurrencyHalvesAndRampsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newThrottle(60_000_000, 16)
		for _, want := range []float64{8, 4, 2, 1, 1} {
			era, err := g.acquire(t.Context())
			require.NoError(t, err)
			g.pause(era, time.Second)
			g.pause(era, 2*time.Second) // of another request in flight
			g.release()
			assert.InDelta(t, want, g.allowed, 0)
		}
		for range 1600 {
			era, err := g.acquire(t.Context())
			require.NoError(t, err)
			g.answered(era)
			g.release()
		}
		assert.InDelta(t, 9, g.allowed, 0.01)
		for range 16000 {
			g.answered(g.generation)
		}
		assert.InDelta(t, 16, g.allowed, 0, "never more than configured")
	})
}

func TestLate429WithoutRetryAfterAfterGoodAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newThrottle(60_000_000, 16)
		var eras [3]int
		for i := range eras {
			eras[i], _ = g.acquire(t.Context())
		}
		g.pause(eras[0], 0)
		g.answered(eras[1])
		g.pause(eras[2], 0)
		era, err := g.acquire(t.Context())
		require.NoError(t, err)
		g.answered(era)
		g.pause(eras[2], 0)
	})
}

// A lost wake-up would leave the bubble with goroutines that nothing can wake, which fails the
// test.
func TestThrottleWakesEverySender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 5
		g := newThrottle(60_000_000, most)
		var inFlight, entered atomic.Int64
		together(64, func(i int) {
			for n := range 100 {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if (i+n)%5 == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(n)*time.Microsecond)
				}
				if era, err := g.acquire(ctx); err == nil {
					entered.Add(1)
					assert.LessOrEqual(t, inFlight.Add(1), int64(most))
					if (i*100+n)%97 == 0 {
						g.pause(era, time.Millisecond)
					} else {
						g.answered(era)
					}
					time.Sleep(time.Duration(i*n%3) * time.Microsecond)
					inFlight.Add(-1)
					g.release()
				}
				cancel()
			}
		})
		assert.Zero(t, g.inFlight)
		assert.GreaterOrEqual(t, entered.Load(), int64(64*80))
	})
}

func TestPaceStaysUnderLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(200, signed), func(o *Options) { o.RequestsPerMinute = 500 })
		together(16, func(int) {
			for range 100 {
				assert.NoError(t, s.ask())
			}
		})
		calls := s.arrivals()
		for first, last := 0, 0; last < len(calls); last++ {
			for calls[last].at.Sub(calls[first].at) >= time.Minute {
				first++
			}
			require.LessOrEqual(t, last-first+1, 500, "in any minute")
		}
	})
}

func TestWaitForPaceEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		s := newService(t, saying(200, signed), func(o *Options) { o.RequestsPerMinute = 1 })
		require.NoError(t, s.ask())

		begun := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, enough)
		defer cancel()
		together(3, func(int) { assert.ErrorIs(t, s.askWith(ctx), enough) })
		assert.Equal(t, 10*time.Second, time.Since(begun),
			"of the bubble's clock: a deadline is no reason to give up before it")
	})
}
