package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

type runsReply struct {
	envelope
	Runs []pastRun `json:"runs"`
}

// pastRun is a run as `runs` lists it.
type pastRun struct {
	Partner    string          `json:"partner"`
	Run        int64           `json:"run"`
	State      ledger.RunState `json:"state"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at"`
	Attempts   int             `json:"attempts"`
	Listed     int             `json:"listed"`
	Clear      int             `json:"clear"`
	Blocked    int             `json:"blocked"`
	Unknown    int             `json:"unknown"`
	Excluded   int             `json:"excluded"`
	Requests   int             `json:"requests"`
	Seconds    float64         `json:"seconds"`
	Failed     []failCheck     `json:"failed_checks"`
}

type failCheck struct {
	Name   ledger.CheckName `json:"name"`
	Detail string           `json:"detail"`
}

func (a *app) runsCommand() *cobra.Command {
	r := &runsReply{envelope: envelope{Command: "runs"}, Runs: []pastRun{}}
	limit := 30
	cmd := a.command("runs", "list past runs, the newest first", r, func(ctx context.Context) error {
		if limit < 1 {
			return usageError{fmt.Errorf("--limit must be at least 1, but is %d", limit)}
		}
		return a.withWorkspace(func(ctx context.Context, w *workspace) error {
			runs, err := w.ledger.RecentRuns(ctx, limit)
			if err != nil {
				return databaseError{err}
			}
			for _, past := range runs {
				r.Runs = append(r.Runs, pastRunOf(past))
			}
			w.printRunList(r.Runs)
			return nil
		})(ctx)
	})
	example(cmd, "mcaledger runs", "mcaledger runs --limit 100 --json")
	cmd.Flags().IntVar(&limit, "limit", limit, "how many")
	return cmd
}

func pastRunOf(r ledger.Run) pastRun {
	p := pastRun{Partner: r.Partner.Name, Run: r.ID, State: r.State, StartedAt: r.StartedAt, Attempts: r.Attempt,
		Listed: r.Totals.Listed, Clear: r.Totals.Clear, Blocked: r.Totals.Blocked, Unknown: r.Totals.Unknown,
		Excluded: r.Totals.Excluded, Requests: r.Cost.Requests, Seconds: r.Cost.Seconds, Failed: []failCheck{}}
	if !r.FinishedAt.IsZero() {
		p.FinishedAt = &r.FinishedAt
	}
	for _, c := range r.Checks {
		if !c.OK {
			p.Failed = append(p.Failed, failCheck{c.Name, c.Detail})
		}
	}
	return p
}

// stateInWords says of a run that is not closed only what is certain: its program may work on it,
// or may have died.
func stateInWords(s ledger.RunState) string {
	if s == ledger.Running {
		return "unfinished"
	}
	return string(s)
}

func (w *workspace) printRunList(runs []pastRun) {
	if len(runs) == 0 {
		w.answerf("No run yet: mcaledger reconcile makes one.\n")
	}
	list := table{columns: []column{right("RUN"), left("PARTNER"), left("STARTED"), left("STATE"), right("LISTED"),
		right("CLEAR"), right("BLOCKED"), right("UNKNOWN"), right("OUT OF SCOPE"), right("CALLS"), right("SECONDS")}}
	for _, r := range runs {
		list.add(r.Run, r.Partner, w.when(r.StartedAt), stateInWords(r.State), r.Listed, r.Clear, r.Blocked, r.Unknown,
			r.Excluded, r.Requests, fmt.Sprintf("%.1f", r.Seconds))
	}
	w.answer(list)
	for _, r := range runs {
		for _, c := range r.Failed {
			w.answerf("run %d: check %s FAILED: %s\n", r.Run, c.Name, c.Detail)
		}
	}
}
