package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

func (a *app) attestCorrectCommand() *cobra.Command {
	r := &importReply{envelope: envelope{Command: "attest correct"}, Batches: []batchReply{}}
	var given []string
	var by func() attestation.Actor
	var first, last, email, phone, date, evidence string
	cmd := a.command("correct", "correct a confirmed attestation: another signer, or other contact fields", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			id, err := jobs.ParseAttestation(given[0])
			if err != nil {
				return err
			}
			partners, err := w.partners(nil)
			if err != nil {
				return err
			}
			defer partners.Close()
			job := jobs.Correction{ImportFiles: w.importJob(partners), Attestations: w.ledger, ID: id,
				Agreed: standing.Date(date), Evidence: evidence, Signer: standing.Contact{FirstName: first,
					LastName: last, Email: email, Phone: phone}}
			job.By = by()
			done, err := job.Run(ctx)
			if done.Batch.ID != 0 {
				r.Batches = append(r.Batches, batchReplyOf(done.Batch, done.Batch.File, ""))
			}
			if err != nil {
				return err
			}
			a.printf("attestation %s is %s and corrects %s\n", done.New.ID, done.New.State, done.New.Replaces)
			return nil
		}))
	f := cmd.Flags()
	by = a.byFlag(cmd)
	f.StringVar(&first, "first-name", "", "first name of the signer, if another one")
	f.StringVar(&last, "last-name", "", "last name of the signer, if another one")
	f.StringVar(&email, "email", "", "e-mail address of the signer, if another one")
	f.StringVar(&phone, "phone", "", "phone number of the signer, if another one")
	f.StringVar(&date, "date", "", "day of the acceptance (2006-01-02), if another one")
	f.StringVar(&evidence, "evidence", "", "where the signed acceptance is kept, if elsewhere")
	cmd.Long = `correct queues a new attestation for a customer whose attestation Microsoft has on record with a
wrong signer, day or evidence. Microsoft keeps both. It needs approval like any other.`
	example(cmd, "mcaledger attest correct 7-12 --email ana.souza@fabrikam.com")
	return completes(withArguments(cmd, "ID", exactly(1), &given), a.completeAttestations, 1)
}
