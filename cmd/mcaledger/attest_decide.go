package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

type decideReply struct {
	envelope
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
	r := &decideReply{envelope: envelope{Command: "attest " + use}, Attestations: []decided{}}
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
