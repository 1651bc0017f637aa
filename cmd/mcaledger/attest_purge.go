package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

type purgeReply struct {
	envelope
	Batch   int64 `json:"batch"`
	Signers int64 `json:"signers"`
}

func (a *app) attestPurgeCommand() *cobra.Command {
	r := &purgeReply{envelope: envelope{Command: "attest purge"}}
	var given []string
	var by func() attestation.Actor
	cmd := a.command("purge", "remove the personal data of a batch that is settled", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) (err error) {
			if r.Batch, err = jobs.ParseBatch(given[0]); err != nil {
				return err
			}
			if r.Signers, err = w.approvals(by()).Purge(ctx, w.ledger, r.Batch); err == nil {
				a.printf("batch %d: the personal data of %d signers is removed\n", r.Batch, r.Signers)
			}
			return err
		}))
	cmd.Long = `purge removes names, addresses and phone numbers of the signers of a batch, and the cells of its
file. Who attested for which customer, when, and what Microsoft answered stays on record, and
verify still proves that it was not changed. It cannot be undone.`
	by = a.byFlag(cmd)
	example(cmd, "mcaledger attest purge 7 --by ana")
	return completes(withArguments(cmd, "BATCH", exactly(1), &given), a.completeBatches, 1)
}
