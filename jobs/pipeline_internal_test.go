package jobs

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// counting yields the numbers below n, and then err if it is not nil.
func counting(n int, err error) func(context.Context) iter.Seq2[int, error] {
	return func(context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			if err != nil {
				time.Sleep(time.Second) // what was yielded is being worked on
				yield(0, err)
			}
		}
	}
}

// shelf keeps what a pipeline saves.
type shelf struct {
	mu   sync.Mutex
	kept []int
}

func (s *shelf) save(_ context.Context, chunk []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, chunk...)
	return nil
}

func TestPipelineCarriesEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		work := func(_ context.Context, n int) (int, error) { return n * n, nil }
		require.NoError(t, pipeline[int, int]{workers: 7, source: counting(2500, nil), work: work,
			save: s.save}.run(t.Context()))
		require.Len(t, s.kept, 2500)
		for n := range 2500 {
			require.Contains(t, s.kept, n*n)
		}
	})
}

// An answer that comes because something else failed must not pass for a result.
func TestPipelineStopsWithTheFirstFailure(t *testing.T) {
	t.Parallel()
	first := errors.New("the first failure")
	for name, p := range map[string]func(s *shelf) pipeline[int, int]{
		"of the source": func(s *shelf) pipeline[int, int] {
			return pipeline[int, int]{source: counting(3, first), save: s.save}
		},
		"of a worker": func(s *shelf) pipeline[int, int] {
			return pipeline[int, int]{source: counting(100, nil), save: s.save}
		},
		"of the writer": func(*shelf) pipeline[int, int] {
			return pipeline[int, int]{source: counting(100, nil),
				save: func(context.Context, []int) error { return first }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var s shelf
				p := p(&s)
				p.workers = 3
				p.work = func(ctx context.Context, n int) (int, error) {
					switch {
					case n == 0:
						return n, nil // done before anything fails
					case n == 1 && name == "of a worker":
						time.Sleep(time.Second)
						return 0, first
					}
					<-ctx.Done()
					require.ErrorIs(t, context.Cause(ctx), errAborted)
					require.NotErrorIs(t, context.Cause(ctx), first, "the failure of one is nobody else's answer")
					return 0, errors.New("a failure that follows")
				}
				require.Equal(t, first, p.run(t.Context()))
				if name != "of the writer" {
					require.Equal(t, []int{0}, s.kept, "what was finished is saved")
				}
			})
		})
	}
}

func TestPipelineFinishesWhatIsInFlightWhenStopped(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, takes := range map[string]time.Duration{"within the grace period": grace - time.Second,
		"longer than that": grace + time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var s shelf
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Millisecond, func() { cancel(enough) })
				work := func(ctx context.Context, n int) (int, error) {
					select {
					case <-ctx.Done():
						require.ErrorIs(t, context.Cause(ctx), enough)
						return 0, errors.New("cut off")
					case <-time.After(takes):
						return n, nil
					}
				}
				err := pipeline[int, int]{workers: 4, source: counting(1000, nil), work: work, save: s.save}.run(ctx)
				require.Equal(t, enough, err)
				if takes < grace {
					require.Len(t, s.kept, 4)
				} else {
					require.Empty(t, s.kept)
				}
			})
		})
	}
}
