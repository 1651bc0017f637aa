package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/jobs"
)

// submitReply is a submission in JSON; its names are a contract.
type submitReply struct {
	envelope
	Sent            int `json:"sent"`
	Confirmed       int `json:"confirmed"`
	AlreadyOnRecord int `json:"already_on_record"`
	Waiting         int `json:"waiting"`
	Refused         int `json:"refused"`
	Failed          int `json:"failed"`
	RetryLater      int `json:"retry_later"`
	Cleared         int `json:"cleared"`  // not sent: the customer can buy meanwhile
	Created         int `json:"created"`  // enhanced route: the links are not handed over
	Accepted        int `json:"accepted"` // enhanced route: by the signers, and without an agreement
	Expired         int `json:"expired"`  // enhanced route: links, this time
	Renewed         int `json:"renewed"`  // enhanced route: expired before, and created again

	Head string `json:"head"` // of the ledger's events
}

func (r *submitReply) count(s jobs.SubmittedAll) {
	r.Sent, r.Confirmed, r.AlreadyOnRecord, r.Waiting = s.Sent, s.Confirmed, s.AlreadyOnRecord, s.Waiting
	r.Refused, r.Failed, r.RetryLater, r.Cleared = s.Refused, s.Failed, s.RetryLater, s.Cleared
	r.Created, r.Accepted, r.Expired, r.Renewed = s.Created, s.Accepted, s.Expired, s.Renewed
}

func (a *app) attestSubmitCommand() *cobra.Command {
	r := &submitReply{envelope: envelope{Command: "attest submit"}}
	var wanted []string
	limit, dryRun := 0, false
	cmd := a.command("submit", "send approved attestations, and settle those with unknown outcome", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			done, err := w.submit(ctx, wanted, r, func(job jobs.SubmitPartners) (jobs.SubmittedAll, error) {
				job.Limit, job.DryRun = limit, dryRun
				return job.Run(ctx)
			})
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
at once. On the enhanced route it first does what attest poll does.`
	example(cmd, "mcaledger attest submit --dry-run", "mcaledger attest submit",
		"mcaledger attest submit --partner contoso --limit 100")
	f := cmd.Flags()
	f.StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	f.IntVar(&limit, "limit", 0, "send at most so many; 0: all")
	f.BoolVar(&dryRun, "dry-run", false, "count what would be sent, and send nothing")
	return cmd
}

// submit runs a submission of some partners.
func (w *workspace) submit(ctx context.Context, wanted []string, r *submitReply,
	run func(jobs.SubmitPartners) (jobs.SubmittedAll, error)) (done jobs.SubmittedAll, err error) {

	partners, err := w.partners(wanted)
	if err != nil {
		return done, err
	}
	defer partners.Close()
	job, closeMail := w.submitJob(partners)
	defer closeMail()
	done, err = run(job)
	r.count(done)
	r.Head = w.head(ctx)
	return done, err
}

// submitJob wires submissions. closeMail ends the connection to the mail server.
func (w *workspace) submitJob(partners *jobs.Partners) (job jobs.SubmitPartners, closeMail func()) {
	c := w.config
	setup, closeMail, unusable := w.enhancedSetup()
	if unusable != nil {
		closeMail = func() {}
	}
	check := func(ctx context.Context) error {
		if unusable != nil {
			return unusable
		}
		return w.rollback().Check(ctx)
	}
	return jobs.SubmitPartners{
		Partners: partners, Queues: w.ledger, Route: string(c.Attestation.Route),
		FallbackRoute: string(c.Attestation.Retired), Enhanced: setup, Ceiling: c.Attestation.Ceiling,
		Since: c.Policy.AcceptedSince, Cooldown: c.Attestation.SettleAfter, Check: check,
		Recheck: w.reconcileJob(partners).Recheck, Now: w.Now, Log: w.log(), Watch: w.progress.watch,
	}, closeMail
}

func (a *app) printSubmitted(s jobs.SubmittedAll) {
	a.printf("%d sent: %d confirmed, %d already on record, %d refused by Microsoft, %d failed, %d with unknown "+
		"outcome\n", s.Sent, s.Confirmed,
		s.AlreadyOnRecord, s.Refused, s.Failed, s.RetryLater)
	if s.Created+s.Waiting+s.Accepted+s.Expired+s.Renewed > 0 {
		a.printf("links: %d not handed over, %d waiting for their signers, %d accepted without an agreement yet, %d "+
			"expired, %d renewed\n",
			s.Created, s.Waiting, s.Accepted, s.Expired, s.Renewed)
	}
	if s.Cleared > 0 {
		a.printf("%d not sent, because the customers can buy meanwhile\n", s.Cleared)
	}
}
