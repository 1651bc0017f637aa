package partnercenter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRetryDecision(t *testing.T) {
	t.Parallel()
	read := conditions{attempts: 4, repeatable: true}
	write := conditions{attempts: 4}
	exhausted := conditions{attempts: 4, repeatable: true, exhausted: true}
	worked := conditions{attempts: 4, repeatable: true, tokenWorked: true}
	for _, c := range []struct {
		name string
		kind Kind
		tries
		conditions
		want action
	}{
		{"a read without an answer is repeated", Unavailable, tries{}, read, repeatLater},
		{"also for the last time", Unavailable, tries{unanswered: 2}, read, repeatLater},
		{"but not for ever", Unavailable, tries{unanswered: 3}, read, stop},
		{"throttling and renewals are no unanswered tries", Unavailable, tries{throttled: 9, renewed: 3}, read,
			repeatLater},
		{"a write may have taken effect", Unavailable, tries{}, write, stop},
		{"a throttled call is repeated at once: the throttle waits", Throttled, tries{}, read, repeat},
		{"a throttled write certainly took no effect", Throttled, tries{}, write, repeat},
		{"the throttle gives up", Throttled, tries{}, exhausted, stop},
		{"one call is always throttled", Throttled, tries{throttled: 20}, read, stop},
		{"the token has expired", TokenRefused, tries{}, worked, renewToken},
		{"a token that never worked is renewed once", TokenRefused, tries{}, read, renewToken},
		{"and not twice", TokenRefused, tries{renewed: 1}, read, stop},
		{"a new token that worked has expired too", TokenRefused, tries{renewed: 1}, worked, renewToken},
		{"tokens expire again and again", TokenRefused, tries{renewed: 4}, worked, stop},
		{"a write with an expired token took no effect", TokenRefused, tries{}, write, renewToken},
	} {
		action, why := c.tries.next(c.kind, c.conditions)
		assert.Equal(t, c.want, action, c.name)
		assert.NotEmpty(t, why)
	}
	for kind := Unavailable; kind <= Down; kind++ {
		if !undecided(kind) {
			action, _ := tries{}.next(kind, read)
			assert.Equal(t, stop, action, kind.String())
		}
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for unanswered, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second,
		6: 15 * time.Second, 1000: 15 * time.Second} {
		for range 100 {
			d := backoff(unanswered)
			assert.GreaterOrEqual(t, d, want/2)
			assert.Less(t, d, want*3/2)
		}
	}
}
