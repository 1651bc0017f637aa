package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

type resumeReply struct {
	envelope
	Report string `json:"report"` // the report that shows events that the ledger does not have; empty: there is none
	By     string `json:"by"`
}

func (w *workspace) rollback() jobs.Rollback {
	return jobs.Rollback{Reports: w.config.Report.Dir, Ledger: w.ledger, Now: w.Now}
}

func (a *app) attestResumeCommand() *cobra.Command {
	r := &resumeReply{envelope: envelope{Command: "attest resume"}}
	var by func() attestation.Actor
	cmd := a.command("resume", "allow sending after a backup of the database was restored", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			who := by()
			r.By = who.Name
			missing, err := w.rollback().Resume(ctx, who)
			switch {
			case err != nil:
				return err
			case missing == nil:
				a.printf("nothing to resume: the ledger has all that the newest reports show\n")
			default:
				r.Report = missing.Report
				a.printf("sending is allowed again by %s, although %s shows events that the ledger does not have\n",
					r.By, r.Report)
			}
			return nil
		}))
	by = a.byFlag(cmd)
	return example(cmd, "mcaledger attest resume --by ana")
}
