package jobs

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"
)

// pipeline carries items from a source through workers to one writer. What it holds at any time is
// bounded, however many items there are.
type pipeline[In, Out any] struct {
	workers int
	source  func(context.Context) iter.Seq2[In, error]
	work    func(context.Context, In) (Out, error)
	save    func(context.Context, []Out) error // in chunks
}

// A kill loses what is in flight, what waits for the writer, and the chunk being written, so all
// three are small. A short wait is enough to keep the number of transactions, and their cost, low.
const (
	queueCapacity  = 1000 // two pages of customers, so that workers do not wait for the next one
	resultCapacity = 24   // results that wait for the writer
	chunkSize      = 100
	chunkAge       = 5 * time.Millisecond
)

// grace is how long requests in flight may take when the program is told to stop.
const grace = 5 * time.Second

// errAborted is why the context of what still works ends when something else failed. It never
// carries the failure itself: the answer to one request must not pass for the answer to another.
var errAborted = errors.New("aborted, because another step failed")

// run works until the source ends. When ctx ends, nothing more is taken, what the workers hold is
// finished within the grace period and saved, and the context's cause is returned. When the source,
// a worker or the writer fails, the others are stopped, what was finished is saved, and the first
// failure is returned; errors of what was stopped say nothing and are dropped.
func (p pipeline[In, Out]) run(ctx context.Context) error {
	lasting, end := withGracePeriod(ctx, grace)
	defer end()
	working, abort := context.WithCancelCause(lasting)
	defer abort(nil)
	var once sync.Once
	var failure error
	fail := func(err error) {
		if working.Err() == nil {
			once.Do(func() { failure = err })
			abort(errAborted)
		}
	}

	queue, done := make(chan In, queueCapacity), make(chan Out, resultCapacity)
	var workers, writer sync.WaitGroup
	workers.Go(func() {
		defer close(queue)
		p.feed(ctx, working, queue, fail)
	})
	for range max(1, p.workers) {
		workers.Go(func() { p.drain(ctx, working, queue, done, fail) })
	}
	writer.Go(func() { p.write(lasting, done, fail) })
	workers.Wait()
	close(done)
	writer.Wait()
	if failure != nil {
		return failure
	}
	return context.Cause(ctx)
}

// feed moves items from the source to the queue.
func (p pipeline[In, Out]) feed(ctx, working context.Context, queue chan<- In, fail func(error)) {
	for item, err := range p.source(working) {
		if err != nil {
			fail(err)
			return
		}
		select {
		case queue <- item:
		case <-ctx.Done():
			return
		case <-working.Done():
			return
		}
	}
}

// drain works on items of the queue.
func (p pipeline[In, Out]) drain(ctx, working context.Context, queue <-chan In, done chan<- Out, fail func(error)) {
	for item := range queue {
		if ctx.Err() != nil || working.Err() != nil {
			return
		}
		result, err := p.work(working, item)
		if err != nil {
			fail(err)
			return
		}
		done <- result
	}
}

// write saves results in chunks. After a failure it takes the rest without saving it.
func (p pipeline[In, Out]) write(ctx context.Context, done <-chan Out, fail func(error)) {
	for first := range done {
		if err := p.save(ctx, gather(first, done)); err != nil {
			fail(err)
			for range done {
			}
		}
	}
}

// gather collects what comes within a moment.
func gather[T any](first T, more <-chan T) []T {
	chunk := []T{first}
	timer := time.NewTimer(chunkAge)
	defer timer.Stop()
	for len(chunk) < chunkSize {
		select {
		case next, open := <-more:
			if !open {
				return chunk
			}
			chunk = append(chunk, next)
		case <-timer.C:
			return chunk
		}
	}
	return chunk
}

// withGracePeriod returns a context that ends a while after ctx does.
func withGracePeriod(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(while, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(lasting, func() { timer.Stop() })
	})
	return lasting, func() { stop(); cancel(nil) }
}
