package partnercenter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle is shared by all senders of a partner. It keeps the request rate a little under the
// service's limit, bounds the requests in flight, and stops everybody when the service asks for a
// pause. During a pause only answers to requests in flight may still arrive.
type throttle struct {
	pace *rate.Limiter
	most int // requests in flight, at most

	mu         sync.Mutex
	allowed    float64 // requests in flight now: halves at a pause and ramps up again
	inFlight   int
	until      time.Time     // nobody sends before
	generation int           // counts the pauses, to recognise answers that are older than the last of them
	pauses     int           // since the last answer that asked for none
	changed    chan struct{} // closed and replaced whenever a waiting sender should look again
}

const (
	paceShare  = 0.97        // of the configured limit: keeps 429s rare
	rampUp     = 1.0 / 200   // one more in flight after 200 answers
	firstPause = time.Second // doubling to maxPause, where the service does not say how long
	maxPause   = time.Minute

	maxWait = 30 * time.Minute // a longer pause ends the run, which continues later
)

var errLongPause = fmt.Errorf("the service asked for a pause of more than %v minutes", maxWait.Minutes())

func newThrottle(requestsPerMinute, concurrency int) *throttle {
	perSecond := float64(requestsPerMinute) / 60 * paceShare
	return &throttle{
		pace:    rate.NewLimiter(rate.Limit(perSecond), max(1, requestsPerMinute/100)),
		most:    concurrency,
		allowed: float64(concurrency),
		changed: make(chan struct{}),
	}
}

// acquire waits until a request may be sent and counts it as in flight; release must follow. The
// generation in which the request is sent belongs to its answer.
func (t *throttle) acquire(ctx context.Context) (generation int, err error) {
	turn := t.pace.Reserve() // not Wait, which refuses at once when ctx would end first
	if err := sleep(ctx, turn.Delay()); err != nil {
		turn.Cancel()
		return 0, err
	}
	for {
		generation, pause, changed, acquired := t.try()
		if acquired {
			return generation, nil
		}
		if err := await(ctx, pause, changed); err != nil {
			return 0, err
		}
	}
}

// try takes a place if there is one; if not, it says what to wait for.
func (t *throttle) try() (generation int, pause time.Duration, changed <-chan struct{}, acquired bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pause = time.Until(t.until)
	if acquired = pause <= 0 && t.inFlight < int(t.allowed); acquired {
		t.inFlight++
	}
	return t.generation, pause, t.changed, acquired
}

// await sleeps until a pause is over, unless it is too long, or, where there is no pause, until
// something has changed.
func await(ctx context.Context, pause time.Duration, changed <-chan struct{}) error {
	switch {
	case pause > maxWait:
		return errLongPause
	case pause > 0:
		return sleep(ctx, pause)
	}
	select {
	case <-ctx.Done():
		return stopped(ctx)
	case <-changed:
		return nil
	}
}

// release gives the place of a finished request back.
func (t *throttle) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
	t.wake()
}

// answered notes an answer that asked for no pause. An answer to a request from before the last
// pause does not prove that the pause helped.
func (t *throttle) answered(generation int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if generation == t.generation {
		t.pauses = 0
	}
	t.allowed = min(float64(t.most), t.allowed+rampUp)
}

// pause stops all senders for d; 0 means that the service named no time. Several requests in flight
// may ask for the same pause: the later ones can lengthen it, and do not count as another.
func (t *throttle) pause(generation int, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if generation == t.generation {
		t.generation++
		t.pauses++
		t.allowed = max(1, t.allowed/2)
	}
	if d <= 0 {
		d = min(maxPause, firstPause<<min(max(0, t.pauses-1), 10))
		d += rand.N(d / 2)
	}
	if until := time.Now().Add(d); until.After(t.until) {
		t.until = until
	}
	t.wake()
}

// exhausted reports whether the service has asked for so many pauses in a row, or for such a long
// one, that the run should stop, keep what it has, and be continued later.
func (t *throttle) exhausted(attempts int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pauses > 2*attempts || time.Until(t.until) > maxWait
}

func (t *throttle) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// retryAfter reads Retry-After in both its forms (RFC 9110, section 10.2.3); 0 when it is missing
// or makes no sense. The date form is measured against the answer's own Date, so that a wrong clock
// on either side does no harm.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && plainNumber.MatchString(value) {
		return time.Duration(min(seconds, 1<<30) * float64(time.Second))
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

// plainNumber is a number as a header has it: Infinity, NaN and 0x1p4 are numbers to Go only.
var plainNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// sleep waits for d, or fails when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return stopped(ctx)
	case <-timer.C:
		return nil
	}
}
