package partnercenter

import (
	"math/rand/v2"
	"time"
)

// tries counts how the tries of one call ended.
type tries struct {
	unanswered int // no usable answer
	throttled  int // answered 429
	renewed    int // the token was refused, and renewed
}

// conditions is what else decides whether a call is tried again.
type conditions struct {
	attempts    int  // the most tries that may stay unanswered
	repeatable  bool // false: a call whose answer was lost may have taken effect
	exhausted   bool // the throttle advises to stop
	tokenWorked bool // the service accepted the token before
}

type action int

const (
	stop action = iota
	repeat
	repeatLater // after a back-off
	renewToken
)

// next decides what follows a failed try; why is for the log. t counts the tries before it.
func (t tries) next(kind Kind, c conditions) (_ action, why string) {
	switch kind {
	case TokenRefused:
		switch {
		case t.renewed >= c.attempts:
			return stop, "tokens are refused again and again"
		case t.renewed > 0 && !c.tokenWorked:
			return stop, "a new token is refused as well"
		}
		return renewToken, "the token has expired"
	case Throttled:
		switch {
		case c.exhausted:
			return stop, "the service asks for too many pauses, or for too long a pause"
		case t.throttled >= 5*c.attempts: // the others get through, and this call does not
			return stop, "this call is throttled again and again"
		}
		return repeat, "throttled"
	case Unavailable:
		switch {
		case !c.repeatable:
			return stop, "the call may have taken effect"
		case t.unanswered+1 >= c.attempts:
			return stop, "enough attempts"
		}
		return repeatLater, "no usable answer"
	}
	return stop, "a definite answer"
}

// backoff is the wait after the given number of unanswered tries: half a second doubling to 15
// seconds, with jitter.
func backoff(unanswered int) time.Duration {
	d := min(15*time.Second, 500*time.Millisecond<<min(unanswered-1, 10))
	return d/2 + rand.N(d)
}
