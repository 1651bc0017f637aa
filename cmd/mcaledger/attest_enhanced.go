package main

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/seal"
	"github.com/mcaledger/mcaledger/jobs"
)

// enhancedSetup is how the enhanced route is used; nil: it is not. closeMail ends the connection to
// the mail server.
func (w *workspace) enhancedSetup() (setup *jobs.EnhancedSetup, closeMail func(), err error) {
	a := w.config.Attestation
	if !usesLinks(w.config) {
		return nil, func() {}, nil
	}
	key, err := linkKey(w.config)
	if err != nil {
		return nil, nil, err
	}
	unfitting := &jobs.UnfittingAnswers{Folder: w.config.Report.Dir, Now: w.Now}
	setup = &jobs.EnhancedSetup{
		Cipher:        key,
		Lifetime:      time.Duration(a.Enhanced.ExpiryMinutes) * time.Minute,
		RemindAfter:   a.RemindAfterDays,
		RenewExpired:  a.RenewExpired,
		EvidenceDir:   a.EvidenceDir,
		KeepUnfitting: unfitting.Keep,
	}
	setup.Links, closeMail, err = w.links()
	return setup, closeMail, err
}

// usesLinks reports whether signers accept by links.
func usesLinks(c config.Config) bool {
	return c.Attestation.Route == config.RouteEnhanced || c.Attestation.Retired == config.RouteEnhanced
}

// linkKey is the key that encrypts links.
func linkKey(c config.Config) (seal.Key, error) {
	text, err := c.Attestation.Key()
	if err == nil && text == "" {
		err = errors.New(
			"attestation.key_file is not set: the enhanced route stores links encrypted; write a key with " +
				"openssl rand -hex 32, keep a copy in a safe place, and name the file",
		)
	}
	if err != nil {
		return seal.Key{}, configError{err}
	}
	key, err := seal.NewKey(text)
	if err != nil {
		return key, configError{fmt.Errorf("attestation.key_file: %w; write one with openssl rand -hex 32", err)}
	}
	return key, nil
}

// links hands links over to signers; nil if a person does: with deliver_links: file, or without
// mail.from.
func (w *workspace) links() (links func(jobs.Partner, jobs.LinkStore) *jobs.Links, closeMail func(), err error) {
	c := w.config
	if c.Mail.From.Address == "" || c.Attestation.DeliverLinks == config.LinksByFile {
		return nil, func() {}, nil
	}
	templates, err := mail.LoadTemplates(c.Mail.TemplatesDir)
	if err != nil {
		return nil, nil, configError{err}
	}
	zone, err := c.Report.Location()
	if err != nil {
		return nil, nil, configError{err}
	}
	sender, channel, closeMail, err := customerMail(c)
	if err != nil {
		return nil, nil, err
	}
	return func(p jobs.Partner, store jobs.LinkStore) *jobs.Links {
		return &jobs.Links{
			Mails:    templates,
			Sender:   sender,
			Channel:  channel,
			From:     netmail.Address(c.Mail.From),
			Partner:  p.Name,
			Language: string(c.Report.Language),
			Zone:     zone,
			Store:    store,
			Now:      w.Now,
		}
	}, closeMail, nil
}

func (a *app) attestPollCommand() *cobra.Command {
	r := &submitReply{head: head{Command: "attest poll"}}
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

type linksReply struct {
	head
	File  string `json:"file"`
	Links int    `json:"links"`
}

func (a *app) attestLinksCommand() *cobra.Command {
	r := &linksReply{head: head{Command: "attest links"}}
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
