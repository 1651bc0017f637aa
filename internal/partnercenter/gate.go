package partnercenter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate is what all senders of a partner pass before each request: a pace a little under the service's limit, a bound on
// requests in flight, and one pause for everybody when the service says 429. Only requests already in flight may still
// arrive during a pause.
type gate struct {
	pace *rate.Limiter
	most int // requests in flight, at the best of times

	mu       sync.Mutex
	allowed  float64 // requests in flight now: halves on 429 and creeps up again
	inFlight int
	until    time.Time     // nobody sends before
	era      int           // the number of pauses so far: it tells an answer that is older than the last of them
	pauses   int           // pauses since the last answer that was not 429
	changed  chan struct{} // closed and replaced whenever a waiting sender should look again
}

const (
	paceShare  = 0.97      // of the configured limit: keeps 429s rare
	creep      = 1.0 / 200 // one more in flight after 200 answers
	firstPause = time.Second
	mostPause  = time.Minute
)

func newGate(requestsPerMinute, concurrency int) *gate {
	perSecond := float64(requestsPerMinute) / 60 * paceShare
	return &gate{
		pace:    rate.NewLimiter(rate.Limit(perSecond), max(1, requestsPerMinute/100)),
		most:    concurrency,
		allowed: float64(concurrency),
		changed: make(chan struct{}),
	}
}

// enter waits until a request may be sent and counts it as in flight; leave must follow. The era in which the request
// is sent goes with its answer.
func (g *gate) enter(ctx context.Context) (era int, err error) {
	turn := g.pace.Reserve() // not Wait, which refuses at once when ctx would end first
	if err := sleep(ctx, turn.Delay()); err != nil {
		turn.Cancel()
		return 0, err
	}
	for {
		era, pause, changed, entered := g.take()
		if entered {
			return era, nil
		}
		if err := await(ctx, pause, changed); err != nil {
			return 0, err
		}
	}
}

// take takes a place if there is one; if not, it says what to wait for.
func (g *gate) take() (era int, pause time.Duration, changed <-chan struct{}, entered bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause = time.Until(g.until)
	if entered = pause <= 0 && g.inFlight < int(g.allowed); entered {
		g.inFlight++
	}
	return g.era, pause, g.changed, entered
}

// await sleeps until a pause is over, unless it is not worth waiting for, or, where there is none, until something has
// changed.
func await(ctx context.Context, pause time.Duration, changed <-chan struct{}) error {
	switch {
	case pause > longestWait:
		return errLongPause
	case pause > 0:
		return sleep(ctx, pause)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-changed:
		return nil
	}
}

const longestWait = 30 * time.Minute

var errLongPause = fmt.Errorf("the service asked for a pause of more than %v minutes", longestWait.Minutes())

// leave gives the place of a finished request back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.wake()
}

// answered notes an answer that was not 429. One to a request from before the last pause does not say that it helped.
func (g *gate) answered(era int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if era == g.era {
		g.pauses = 0
	}
	g.allowed = min(float64(g.most), g.allowed+creep)
}

// pause stops all senders for d; 0 means that the service did not say how long. The 429s of requests that were in
// flight when a pause began lengthen it at most, however late they come; they are not a second reason to slow down.
func (g *gate) pause(era int, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if era == g.era {
		g.era++
		g.pauses++
		g.allowed = max(1, g.allowed/2)
	}
	if d <= 0 {
		d = min(mostPause, firstPause<<min(max(0, g.pauses-1), 10))
		d += rand.N(d / 2)
	}
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
	g.wake()
}

// hopeless reports whether the service has refused so often in a row, or asks for so long a wait, that the run had
// better stop, keep what it has, and be continued later.
func (g *gate) hopeless(attempts int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pauses > 2*attempts || time.Until(g.until) > longestWait
}

func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// retryAfter reads Retry-After in both its forms (RFC 9110, section 10.2.3); 0 when it is missing or makes no sense. The date form is
// measured against the answer's own Date, so that a wrong clock on either side does no harm.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1<<30)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

// backoff is the wait before the try after the given one: half a second doubling to 15, with jitter.
func backoff(attempt int) time.Duration {
	d := min(15*time.Second, 500*time.Millisecond<<min(attempt-1, 10))
	return d/2 + rand.N(d)
}
