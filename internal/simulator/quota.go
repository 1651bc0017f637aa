package simulator

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// quota counts requests in fixed windows that follow each other from the first request on.
type quota struct {
	limit  int
	window time.Duration
	form   RetryAfterForm
	grace  time.Duration // a request in flight when the first 429 was sent may still arrive

	mu       sync.Mutex
	started  time.Time // of the current window
	used     int
	debt     int       // requests taken from the next window by those who did not wait
	told     time.Time // when the pause's first 429 was sent
	waitTill time.Time // when the pause is over, as the sender was told
}

// admission is what the quota says to a request.
type admission struct {
	refused bool      // a 429 is to be sent
	seconds int       // until the pause is over
	until   time.Time // the same as an instant
	offence bool      // the sender had been told to wait; such a request may be served when a new window has begun
}

func newQuota(o Options, limit int) *quota {
	return &quota{limit: limit, window: o.Window, form: o.RetryAfter, grace: o.Latency + 50*time.Millisecond}
}

// take counts a request. It is refused when the window is used up.
func (q *quota) take(now time.Time) admission {
	if q.limit == 0 {
		return admission{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pick(now)
	offence := q.form != RetryAfterMissing && now.After(q.told.Add(q.grace)) && now.Before(q.waitTill)
	if q.used < q.limit {
		q.used++
		return admission{offence: offence}
	}
	if offence {
		q.debt = min(q.debt+1, q.limit/2)
	}
	if !now.Before(q.waitTill) {
		q.told, q.waitTill = now, q.announce(now)
	}
	seconds := int(math.Ceil(q.waitTill.Sub(now).Seconds()))
	return admission{refused: true, seconds: max(1, seconds), until: q.waitTill, offence: offence}
}

// roll begins a new window when the current one is over.
func (q *quota) pick(now time.Time) {
	if q.started.IsZero() {
		q.started = now
	}
	if passed := now.Sub(q.started) / q.window; passed > 0 {
		q.started = q.started.Add(passed * q.window)
		q.used, q.debt = q.debt, 0
	}
}

// announce rounds the end of the window up to what Retry-After can say.
func (q *quota) announce(now time.Time) time.Time {
	end := q.started.Add(q.window)
	switch q.form {
	case RetryAfterDate:
		return end.Add(time.Second - 1).Truncate(time.Second)
	case RetryAfterMissing:
		return end
	default:
		seconds := math.Ceil(end.Sub(now).Seconds())
		return now.Add(time.Duration(seconds) * time.Second)
	}
}

func (q *quota) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.started, q.used, q.debt = time.Time{}, 0, 0
	q.told, q.waitTill = time.Time{}, time.Time{}
}

// refuse answers 429.
func (s *Simulator) refuse(q *request, number uint64, why admission) {
	seconds := strconv.Itoa(why.seconds)
	switch s.opts.RetryAfter {
	case RetryAfterSeconds:
		q.w.Header().Set("Retry-After", seconds)
	case RetryAfterDate:
		q.w.Header().Set("Retry-After", why.until.UTC().Format(http.TimeFormat))
	}
	s.readHeaders(q, number)
	if q.call.isWrite() {
		s.stats.refused(q.call, "429")
	}
	q.body.problemD("Rate limit is exceeded. Try again in " + seconds + " seconds.")
	s.write(q, http.StatusTooManyRequests, "")
}
