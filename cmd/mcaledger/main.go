// Command mcaledger tells a Microsoft CSP partner which customers cannot buy because the Microsoft Customer Agreement is
// not accepted. This package reads flags and configuration, wires the rooms together and turns what happened into an
// exit code; it thinks nothing itself.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // report.timezone works on hosts without zone files too
)

// version is set when a release is linked; see version.go.
var version = ""

func main() {
	ctx, stop := untilSignal(context.Background())
	code := Main(ctx, os.Args[1:], Env{Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), AsOf: time.Now()})
	stop()
	os.Exit(code)
}

// Env are what a command sees of the world; tests bring their own.
type Env struct {
	Stdout, Stderr io.Writer
	Environ        []string
	AsOf           time.Time // the one time at which the clock is read
}

// hardStop is how long the program takes at most to end when it is told to.
const hardStop = 30 * time.Second

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A second one ends the program at once.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			cancel(errInterrupted)
			// A driver may wait for a database that has gone silent, whatever its context says. To be killed is safe at any time.
			time.AfterFunc(hardStop, func() { os.Exit(exitInterrupted) })
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}
