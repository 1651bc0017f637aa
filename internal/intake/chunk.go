package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
)

// chunkSize is how much of a file is digested at once: big enough for two cores to work without waiting, small enough
// to be forgotten.
const chunkSize = 192 << 10

// chunk is a stretch of a CSV with whole records in it.
type chunk struct {
	text    []byte
	records []record
}

// chunker cuts a CSV into chunks, one after another. Chunks that were digested are filled again.
type chunker struct {
	file    io.Reader // decoded
	scanner recordScanner
	chunk   *chunk // what was read and not handed out; the scanner's position is relative to it
	final   bool   // the file was read to its end
	rows    int    // records handed out
	maxRows int
	free    chan *chunk
}

// newChunker reads file, whose first line has the number that the scanner says.
func newChunker(file io.Reader, scanner recordScanner, maxRows int) *chunker {
	return &chunker{file: file, scanner: scanner, maxRows: maxRows, free: make(chan *chunk, inFlight())}
}

// workers is how many chunks are worked on at once, inFlight how many are there at all.
func workers() int  { return runtime.GOMAXPROCS(0) }
func inFlight() int { return 2*workers() + 2 }

// next is the next chunk, io.EOF behind the last one.
func (c *chunker) next() (*chunk, error) {
	if c.chunk == nil {
		c.chunk = c.empty(0)
	}
	for {
		r, ok := c.scanner.next(c.chunk.text, c.final)
		if ok {
			c.chunk.records = append(c.chunk.records, r)
			if c.scanner.position < chunkSize {
				continue
			}
		}
		if len(c.chunk.records) > 0 {
			return c.cut()
		}
		if c.final {
			return nil, io.EOF
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// cut hands the records out, with the text up to the scanner's position, and keeps the rest.
func (c *chunker) cut() (*chunk, error) {
	ready, end := c.chunk, c.scanner.position
	c.rows += len(ready.records)
	if c.rows > c.maxRows {
		return nil, &FileError{Line: ready.records[len(ready.records)-1].line, Code: TooBig, Message: fmt.Sprintf("the file has more than %d lines", c.maxRows),
			Hint: "Split it into several files"}
	}
	c.chunk = c.empty(len(ready.text) - end)
	c.chunk.text = append(c.chunk.text, ready.text[end:]...)
	ready.text = ready.text[:end]
	c.scanner.moreData(end)
	return ready, nil
}

// empty is a chunk without anything in it, with room for what is left of the last one and for more.
func (c *chunker) empty(left int) *chunk {
	select {
	case used := <-c.free:
		if cap(used.text) >= left+chunkSize {
			used.text, used.records = used.text[:0], used.records[:0]
			return used
		}
	default:
	}
	return &chunk{text: make([]byte, 0, left+2*chunkSize)}
}

// recycle takes a chunk back. Those that had to grow for a long record are not kept.
func (c *chunker) recycle(used *chunk) {
	if cap(used.text) > 4*chunkSize {
		return
	}
	select {
	case c.free <- used:
	default:
	}
}

// fill reads on, behind a record that is not complete.
func (c *chunker) fill() error {
	have := len(c.chunk.text)
	if have > c.scanner.limit {
		return &FileError{Line: c.scanner.line, Code: TooBig, Message: fmt.Sprintf("the line is longer than %s", size(int64(c.scanner.limit))),
			Hint: "Look whether this is a list with one customer a line, and take out what is not"}
	}
	c.chunk.text = slices.Grow(c.chunk.text, chunkSize)
	n, err := io.ReadFull(c.file, c.chunk.text[have:have+chunkSize])
	c.chunk.text = c.chunk.text[:have+n]
	c.scanner.moreData(0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.final = true
		return nil
	}
	return err
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.4g GB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.4g MB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// digested yields what work makes of each chunk, in the order of the file, while several chunks are worked on at once.
// It holds a few chunks at a time, however long the file is; what work returns may refer to its chunk until the next
// one is asked for. The first error ends it.
func digested[T any](c *chunker, work func(*chunk) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()

		tasks := make(chan task[T], workers()-1)
		inOrder := make(chan task[T], workers()-1)
		for range workers() {
			go func() {
				for t := range tasks {
					t.done <- work(t.chunk)
				}
			}()
		}
		cutter := make(chan struct{})
		go func() {
			defer close(cutter)
			cutUp(ctx, c, tasks, inOrder)
		}()
		// The file belongs to the caller again when this returns.
		defer func() { stop(); <-cutter }()

		for t := range inOrder {
			if t.err != nil {
				var none T
				yield(none, t.err)
				return
			}
			if !yield(<-t.done, nil) {
				return
			}
			c.recycle(t.chunk)
		}
	}
}

// task is a chunk on its way through a worker, or the error that came instead of a chunk.
type task[T any] struct {
	chunk *chunk
	done  chan T // has room for the answer, so that a worker never waits for a reader who went away
	err   error
}

// cutUp hands chunks to the workers and, in the same order, to the reader, until there are no more or ctx is done.
func cutUp[T any](ctx context.Context, c *chunker, tasks, inOrder chan<- task[T]) {
	defer close(inOrder)
	defer close(tasks)
	for {
		next, err := c.next()
		if errors.Is(err, io.EOF) {
			return
		}
		t := task[T]{chunk: next, done: make(chan T, 1), err: err}
		select {
		case inOrder <- t:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case tasks <- t:
		case <-ctx.Done():
			return
		}
	}
}
