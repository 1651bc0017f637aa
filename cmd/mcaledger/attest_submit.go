package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/jobs"
)

// submitReply is a submission in JSON; its names are a contract.
type submitReply struct {
	head
	Sent            int `json:"sent"`
	Confirmed       int `json:"confirmed"`
	AlreadyOnRecord int `json:"already_on_record"`
	Waiting         int `json:"waiting"`
	Refused         int `json:"refused"`
	Failed          int `json:"failed"`
	RetryLater      int `json:"retry_later"`
	Cleared         int `json:"cleared"` // not sent: the customer can buy meanwhile

	Head string `json:"head"` // of the ledger's events
}

func (r *submitReply) count(s jobs.SubmittedAll) {
	r.Sent, r.Confirmed, r.AlreadyOnRecord, r.Waiting = s.Sent, s.Confirmed, s.AlreadyOnRecord, s.Waiting
	r.Refused, r.Failed, r.RetryLater, r.Cleared = s.Refused, s.Failed, s.RetryLater, s.Cleared
}

func (a *app) attestSubmitCommand() *cobra.Command {
	r := &submitReply{head: head{Command: "attest submit"}}
	var wanted []string
	limit, dryRun := 0, false
	cmd := a.command("submit", "send approved attestations, and settle those with unknown outcome", r, a.withWorkspace(func(ctx context.Context, w *workspace) error {
		partners, err := w.partners(wanted)
		if err != nil {
			return err
		}
		defer partners.Close()
		job := w.submitJob(partners)
		job.Limit, job.DryRun = limit, dryRun
		done, err := job.Run(ctx)
		r.count(done)
		r.Head = w.head(ctx)
		switch {
		case dryRun && err == nil:
			a.log().Info("dry run: nothing is sent", "would_send", done.WouldSend)
			a.printf("dry run: %d attestations would be sent\n", done.WouldSend)
		case done.Sent > 0 || err == nil:
			a.printSubmitted(done)
		}
		return err
	}))
	cmd.Long = `submit sends what is approved, once each, and finds out the outcome of requests whose answer was
lost. Any number of hosts may submit at the same time. More than attestation.ceiling are not sent
at once.`
	example(cmd, "mcaledger attest submit --dry-run", "mcaledger attest submit", "mcaledger attest submit --partner contoso --limit 100")
	f := cmd.Flags()
	f.StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	f.IntVar(&limit, "limit", 0, "send at most so many; 0: all")
	f.BoolVar(&dryRun, "dry-run", false, "count what would be sent, and send nothing")
	return cmd
}

func (w *workspace) submitJob(partners *jobs.Partners) jobs.SubmitPartners {
	c := w.config
	return jobs.SubmitPartners{
		Partners: partners, Queues: w.ledger, Route: string(c.Attestation.Route), Ceiling: c.Attestation.Ceiling, Since: c.Policy.AcceptedSince,
		Cooldown: c.Attestation.SettleAfter, Check: w.rollback().Check,
		Recheck: w.reconcileJob(partners).Recheck, Now: w.Now, Log: w.log(), Watch: w.progress.watch,
	}
}

func (a *app) printSubmitted(s jobs.SubmittedAll) {
	a.printf("%d sent: %d confirmed, %d already on record, %d refused by Microsoft, %d failed, %d with unknown outcome\n", s.Sent, s.Confirmed,
		s.AlreadyOnRecord, s.Refused, s.Failed, s.RetryLater)
	if s.Cleared > 0 {
		a.printf("%d not sent, because the customers can buy meanwhile\n", s.Cleared)
	}
}
