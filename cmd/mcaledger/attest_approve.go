package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/jobs"
)

type approveReply struct {
	envelope
	Batch    int64  `json:"batch"`
	SHA256   string `json:"sha256"`
	Approved int64  `json:"approved"`
	By       string `json:"by"`

	Understood intake.Understanding `json:"understood"` // how the file was read
}

// approvals are the decisions of a person.
func (w *workspace) approvals(by attestation.Actor) jobs.Approvals {
	return jobs.Approvals{Store: w.ledger, Policy: approvalPolicy(w.config), By: by, Now: w.Now}
}

func (a *app) attestApproveCommand() *cobra.Command {
	r := &approveReply{envelope: envelope{Command: "attest approve"}}
	var given []string
	var by func() attestation.Actor
	cmd := a.command("approve", "approve a batch (not its importer)", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			batch, err := jobs.ParseBatch(given[0])
			if err != nil {
				return err
			}
			who := by()
			r.By = who.Name
			done, err := w.approvals(who).Approve(ctx, batch)
			r.Batch, r.SHA256, r.Approved = done.Batch.ID, done.Batch.SHA256, done.Attestations
			if err != nil {
				return err
			}
			if r.Understood, err = jobs.Understood(done.Batch); err != nil {
				return err
			}
			a.printf("batch %d (%s, SHA-256 %s): %d attestations approved by %s\n", r.Batch, done.Batch.File, r.SHA256,
				r.Approved, r.By)
			for _, sentence := range r.Understood.Sentences() {
				a.printf("  %s\n", sentence)
			}
			return nil
		}))
	by = a.byFlag(cmd)
	cmd.Long = `approve lets the attestations of a batch be sent. The approver must be somebody other than the
importer, by name and by user id, unless attestation.approval is none.`
	example(cmd, "mcaledger attest approve 7")
	return completes(withArguments(cmd, "BATCH", exactly(1), &given), a.completeBatches, 1)
}
