package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
)

// nightlyReply holds the replies of the night's commands under their names.
type nightlyReply struct {
	head
	Reconcile *reconcileReply `json:"reconcile"`
	Import    *importReply    `json:"attest import"`
	Submit    *submitReply    `json:"attest submit"`
	Report    *reportReply    `json:"report"`
}

func (a *app) nightlyCommand() *cobra.Command {
	r := &nightlyReply{
		head:      head{Command: "nightly"},
		Reconcile: &reconcileReply{head: head{Command: "reconcile"}, Runs: []runReply{}},
		Import:    &importReply{head: head{Command: "attest import"}, Batches: []batchReply{}},
		Submit:    &submitReply{head: head{Command: "attest submit"}},
		Report:    &reportReply{head: head{Command: "report"}, Sheets: map[string]int{}},
	}
	work := a.withLedger(func(c config.Config, s *store.Store) error { return a.night(r, c, s) })
	return a.command("nightly", "reconcile, take the inbox, submit what is approved, report: the line for cron", r, func() error {
		err := work()
		if err != nil && !isA[nightError](err) { // no step was begun
			r.finishSteps(exitCode(err), explain(err))
		}
		return err
	})
}

func (r *nightlyReply) finishSteps(exit int, p *problem) {
	for _, step := range []reply{r.Reconcile, r.Import, r.Submit, r.Report} {
		step.finish(exit, p)
	}
}

// night does the night's work. A step that fails does not keep the next ones from being done: the morning needs its workbook.
func (a *app) night(r *nightlyReply, c config.Config, s *store.Store) error {
	steps := []struct {
		reply reply
		work  func() error
	}{
		{r.Reconcile, func() (err error) {
			r.Reconcile.Runs, err = a.reconcile(c, c.Partners, s)
			return err
		}},
		{r.Import, func() error { return errors.Join(a.takeInbox(r.Import, c, s), a.awaiting(s)) }},
		{r.Submit, func() error {
			if c.Attestation.Route == config.RouteNone {
				return nil // nothing is ever sent, and the configuration says so
			}
			return a.submit(r.Submit, c, s, submitting{})
		}},
		{r.Report, func() error { return a.report(r.Report, c, c.Partners, s, reporting{format: "xlsx"}) }},
	}
	var failed []error
	night := nightError{exit: exitDone}
	for _, step := range steps {
		err := context.Cause(a.ctx) // an interrupted night does not begin what comes next
		if err == nil {
			err = step.work()
		}
		code := exitCode(err)
		step.reply.finish(code, explain(err))
		if err == nil {
			continue
		}
		failed = append(failed, err)
		if worse(night.exit, code) != night.exit {
			night.exit, night.worst = code, err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	night.error = errors.Join(failed...)
	return night
}

// nightError is a night of which a step was not done, or not wholly.
type nightError struct {
	exit  int
	worst error // the failure that the exit code is about
	error
}

func (e nightError) Unwrap() error { return e.error }

// worse is the exit code that says more of a night.
func worse(a, b int) int {
	for _, code := range []int{exitInterrupted, exitFailed, exitUsage, exitPartial, exitHeld} {
		if a == code || b == code {
			return code
		}
	}
	return exitDone
}
