package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/jobs"
)

type reconcileReply struct {
	envelope
	Runs []runReply `json:"runs"`
	Head string     `json:"head"` // of the ledger's events
}

// runReply is one run in JSON; its names are a contract.
type runReply struct {
	Partner      string  `json:"partner"`
	Run          int64   `json:"run"`
	Resumed      bool    `json:"resumed"`
	Listed       int     `json:"listed"`
	Clear        int     `json:"clear"`
	Blocked      int     `json:"blocked"`
	Unknown      int     `json:"unknown"`
	Excluded     int     `json:"excluded"`
	Unreadable   int     `json:"unreadable"`
	NewlyBlocked int     `json:"newly_blocked"`
	NewlyClear   int     `json:"newly_clear"`
	New          int     `json:"new"`
	Gone         int     `json:"gone"`
	Requests     int     `json:"requests"`
	Throttled    int     `json:"throttled"`
	Retries      int     `json:"retries"`
	Seconds      float64 `json:"seconds"`
	Balanced     bool    `json:"balanced"`
}

// runReplies are the runs that were begun.
func runReplies(runs []jobs.PartnerRun) []runReply {
	replies := []runReply{}
	for _, r := range runs {
		if r.Run.ID != 0 {
			replies = append(replies, runReplyOf(r))
		}
	}
	return replies
}

func runReplyOf(r jobs.PartnerRun) runReply {
	t := r.Run.Totals
	return runReply{Partner: r.Partner.Name, Run: r.Run.ID, Resumed: r.Resumed, Listed: t.Listed, Clear: t.Clear,
		Blocked: t.Blocked, Unknown: t.Unknown, Excluded: t.Excluded, Unreadable: t.Unreadable,
		NewlyBlocked: t.NewlyBlocked, NewlyClear: t.NewlyClear, New: t.New, Gone: t.Gone, Requests: r.Cost.Requests,
		Throttled: r.Cost.Throttled, Retries: r.Cost.Retries, Seconds: r.Cost.Seconds,
		Balanced: ledger.AllPassed(r.Run.Checks)}
}

func (a *app) reconcileCommand() *cobra.Command {
	r := &reconcileReply{envelope: envelope{Command: "reconcile"}, Runs: []runReply{}}
	var wanted []string
	cmd := a.command("reconcile", "read the standing of every customer", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			partners, err := w.partners(wanted)
			if err != nil {
				return err
			}
			defer partners.Close()
			runs, err := w.reconcileJob(partners).Run(ctx)
			r.Runs, r.Head = runReplies(runs), w.head(ctx)
			a.printRuns(runs)
			return err
		}))
	cmd.Long = `reconcile reads, for every customer of every partner, whether the Microsoft Customer Agreement is
accepted, and decides who can buy. A run that was interrupted continues where it was.`
	example(cmd, "mcaledger reconcile", "mcaledger reconcile --partner contoso --json")
	cmd.Flags().StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	return cmd
}

// printRuns writes a summary of the completed runs for a person who is watching; others have the
// log.
func (a *app) printRuns(runs []jobs.PartnerRun) {
	for _, r := range runs {
		if a.terminal() && r.Err == nil {
			a.printf("%s", a.runSummary(r))
		}
	}
}

// runSummary is a run in a few lines.
func (a *app) runSummary(r jobs.PartnerRun) string {
	t := r.Run.Totals
	return a.sprintf(`%s, run %d: %d customers
  %d clear, %d blocked, %d unknown, %d out of scope
  since the last run: %d newly blocked, %d newly clear, %d new, %d gone
  %d calls in %.1f s, all checks passed
`, r.Partner.Name, r.Run.ID, t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.NewlyBlocked, t.NewlyClear, t.New, t.Gone,
		r.Cost.Requests, r.Cost.Seconds)
}
