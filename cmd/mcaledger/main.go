// Command mcaledger tells a Microsoft CSP partner which customers cannot buy because the Microsoft
// Customer Agreement is not accepted. This package parses flags, loads the configuration, wires the
// packages and prints results.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // report.timezone works on hosts without zone files too

	"github.com/mcaledger/mcaledger/jobs"
)

// version is set when a release is linked; see version.go.
var version = ""

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that went away is an error of the write, not the end of a night
	ctx, stop := untilSignal(context.Background())
	code := Main(ctx, os.Args[1:], Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(),
		Now: time.Now})
	stop()
	os.Exit(code)
}

// Env is the process environment, replaced in tests.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Now            func() time.Time
}

// hardStop is how long the program takes at most to end when it is told to.
const hardStop = 30 * time.Second

// untilSignal returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. A second one
// ends the program at once.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			cancel(jobs.ErrInterrupted)
			// A driver may wait for a database that does not answer, whatever its context says. A
			// kill is safe at any time.
			time.AfterFunc(hardStop, func() { os.Exit(exitInterrupted) })
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}
