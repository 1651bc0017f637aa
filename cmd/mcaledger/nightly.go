package main

import (
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
	return a.command("nightly", "reconcile, take the inbox, submit what is approved, report: the line for cron", r, a.withLedger(func(c config.Config, s *store.Store) error {
		return a.night(r, c, s)
	}))
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
		{r.Import, func() error { return errors.Join(a.takeInbox(r.Import, c, s), a.awaiting(c, s)) }},
		{r.Submit, func() error {
			if c.Attestation.Route == "" {
				return nil // nothing is ever sent, and the configuration says so
			}
			return a.submit(r.Submit, c, s, submitting{})
		}},
		{r.Report, func() error { return a.report(r.Report, c, c.Partners, s, "") }},
	}
	var failed []error
	worst := exitDone
	for _, step := range steps {
		err := step.work()
		code := exitCode(err)
		step.reply.finish(code, explain(err))
		if err != nil {
			failed = append(failed, err)
		}
		if worst = worse(worst, code); code == exitInterrupted {
			break
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return nightError{worst, errors.Join(failed...)}
}

// nightError is a night of which a step was not done, or not wholly.
type nightError struct {
	exit int
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
