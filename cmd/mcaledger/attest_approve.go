package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

type approveReply struct {
	head
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
	r := &approveReply{head: head{Command: "attest approve"}}
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

type decideReply struct {
	head
	Attestations []decided `json:"attestations"`
}

// decided is one attestation that a person moved.
type decided struct {
	ID   string            `json:"id"`
	From attestation.State `json:"from"`
	To   attestation.State `json:"to"`
}

func (a *app) attestCancelCommand() *cobra.Command {
	return a.attestDecideCommand("cancel", "cancel attestations before they are sent", jobs.Approvals.Cancel)
}

func (a *app) attestRetryCommand() *cobra.Command {
	return a.attestDecideCommand("retry", "let failed attestations be sent again", jobs.Approvals.Retry)
}

// attestDecideCommand is a person's decision about single attestations, or about all of a batch for
// which it can be made.
func (a *app) attestDecideCommand(use, short string, decide func(jobs.Approvals, context.Context,
	[]jobs.Target) ([]jobs.Decided, error)) *cobra.Command {
	r := &decideReply{head: head{Command: "attest " + use}, Attestations: []decided{}}
	var given []string
	var by func() attestation.Actor
	cmd := a.command(use, short, r, a.withWorkspace(func(ctx context.Context, w *workspace) error {
		targets := make([]jobs.Target, len(given))
		for i, text := range given {
			var err error
			if targets[i], err = jobs.ParseTarget(text); err != nil {
				return err
			}
		}
		done, err := decide(w.approvals(by()), ctx, targets)
		for _, d := range done {
			r.Attestations = append(r.Attestations, decided{d.ID.String(), d.From, d.To})
			a.printf("attestation %s: %s, was %s\n", d.ID, d.To, d.From)
		}
		return err
	}))
	by = a.byFlag(cmd)
	example(cmd, "mcaledger attest "+use+" 7-12", "mcaledger attest "+use+" 7")
	return completes(withArguments(cmd, "ID|BATCH…", atLeastOne, &given), a.completeAttestations, -1)
}

type purgeReply struct {
	head
	Batch   int64 `json:"batch"`
	Signers int64 `json:"signers"`
}

func (a *app) attestPurgeCommand() *cobra.Command {
	r := &purgeReply{head: head{Command: "attest purge"}}
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

func (a *app) attestCorrectCommand() *cobra.Command {
	r := &importReply{head: head{Command: "attest correct"}, Batches: []batchReply{}}
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
