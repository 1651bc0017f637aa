package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

type linksReply struct {
	envelope
	File  string `json:"file"`
	Links int    `json:"links"`
}

func (a *app) attestLinksCommand() *cobra.Command {
	r := &linksReply{envelope: envelope{Command: "attest links"}}
	var wanted []string
	batch, again := "", false
	var by func() attestation.Actor
	cmd := a.command(
		"links",
		"write the links of signers to a file, to send them yourself",
		r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			return w.writeLinks(ctx, wanted, batch, again, by(), r)
		}),
	)
	cmd.Long = `links writes the links of the enhanced route that were not handed over yet to a CSV file that only
its owner can read. Whoever has a link can accept for the customer: keep the file no longer than
needed. The ledger records who wrote it. The links count as handed over.`
	example(cmd, "mcaledger attest links --out links.csv", "mcaledger attest links --out links.csv --batch 7 --again")
	by = a.byFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&r.File, "out", "", "file to write")
	f.StringVar(&batch, "batch", "", "only links of this batch")
	f.BoolVar(&again, "again", false, "also links that were handed over before, and whose signers have not accepted")
	f.StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	return cmd
}

func (w *workspace) writeLinks(
	ctx context.Context,
	wanted []string,
	batch string,
	again bool,
	by attestation.Actor,
	r *linksReply,
) error {
	if r.File == "" {
		return usageErrorf("name the file with --out")
	}
	partners, err := w.partners(wanted)
	if err != nil {
		return err
	}
	key, err := linkKey(w.config)
	if err != nil {
		return err
	}
	job := jobs.LinkFile{
		Partners: partners.List,
		Queues:   queuesOf{w.ledger, by},
		Cipher:   key,
		Path:     r.File,
		Again:    again,
		Check:    w.rollback().Check,
		Now:      w.Now,
	}
	if batch != "" {
		if job.Batch, err = jobs.ParseBatch(batch); err != nil {
			return err
		}
	}
	if r.Links, err = job.Run(ctx); err == nil {
		w.printf("%s: %d links. Whoever has them can accept; delete the file when they are sent.\n", r.File, r.Links)
	}
	return err
}

// queuesOf are the queues as a person uses them.
type queuesOf struct {
	ledgerStore
	by attestation.Actor
}

func (q queuesOf) OpenQueue(ctx context.Context, partnerID string) (jobs.PartnerQueue, error) {
	return q.Queue(ctx, partnerID, q.by)
}
