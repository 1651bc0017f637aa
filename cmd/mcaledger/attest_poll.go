package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/jobs"
)

func (a *app) attestPollCommand() *cobra.Command {
	r := &submitReply{envelope: envelope{Command: "attest poll"}}
	var wanted []string
	cmd := a.command(
		"poll",
		"ask whether signers have accepted, and create their agreements",
		r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			done, err := w.submit(
				ctx,
				wanted,
				r,
				func(job jobs.SubmitPartners) (jobs.SubmittedAll, error) { return job.Poll(ctx) },
			)
			if done.Sent > 0 || err == nil {
				a.printSubmitted(done)
			}
			return err
		}),
	)
	cmd.Long = `poll takes further what was created on the enhanced route: it hands links over, reminds signers,
asks Microsoft who has accepted, and creates the agreements. submit and nightly do the same before
they send anything new.`
	example(cmd, "mcaledger attest poll", "mcaledger attest poll --partner contoso")
	cmd.Flags().StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	return cmd
}
