package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
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
}

func (r *submitReply) add(s jobs.Submitted) {
	r.Sent += s.Sent
	r.Confirmed += s.Confirmed
	r.AlreadyOnRecord += s.AlreadyOnRecord
	r.Waiting += s.Waiting
	r.Refused += s.Refused
	r.Failed += s.Failed
	r.RetryLater += s.RetryLater
}

// submitting is how to submit.
type submitting struct {
	partners []string
	limit    int
	dryRun   bool
}

func (a *app) attestSubmitCommand() *cobra.Command {
	r := &submitReply{head: head{Command: "attest submit"}}
	var how submitting
	cmd := a.command("submit", "tell Microsoft of what is approved, and settle what is unsure", r, a.withLedger(func(c config.Config, s *store.Store) error {
		return a.submit(r, c, s, how)
	}))
	f := cmd.Flags()
	f.StringSliceVar(&how.partners, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	f.IntVar(&how.limit, "limit", 0, "send at most so many; 0: all")
	f.BoolVar(&how.dryRun, "dry-run", false, "say how many would be sent, and send nothing")
	return cmd
}

// ceilingError: more is approved than one submission may send.
type ceilingError struct{ waiting, ceiling int }

func (e ceilingError) Error() string {
	return fmt.Sprintf("%d attestations are approved, and one submission may send %d (attestation.ceiling); nothing was sent", e.waiting, e.ceiling)
}

// cannotAttestError: Microsoft takes no attestation of an indirect reseller.
type cannotAttestError struct{ attestations int }

func (e cannotAttestError) Error() string {
	return fmt.Sprintf("an indirect reseller cannot attest; none of %d attestations was sent", e.attestations)
}

// submit works through the queues of the partners, one after the other.
func (a *app) submit(r *submitReply, c config.Config, s *store.Store, how submitting) error {
	partners, err := c.Select(how.partners)
	if err != nil {
		return usageError{err}
	}
	switch {
	case c.Attestation.Route == config.RouteNone:
		return configError{errors.New("attestation.route is not set, so nothing is ever sent: set it to classic where Partner Center still takes attestations in one call")}
	case c.Attestation.Route != config.RouteClassic:
		return configError{fmt.Errorf("attestation.route %q cannot be sent by this version; nothing was sent", c.Attestation.Route)}
	case how.limit < 0:
		return usageError{fmt.Errorf("--limit %d is less than 0", how.limit)}
	}
	left, err := a.budget(c, s, partners, how.limit)
	if err != nil {
		return err
	}
	if how.dryRun {
		a.log().Info("nothing is sent: a dry run", "would_send", left)
		a.printf("%d attestations would be sent\n", left)
		return nil
	}
	services := services{app: a, config: c, partners: partners}
	defer services.close()
	var failed []error
	for _, p := range partners {
		done, err := a.submitPartner(c, s, &services, p, left, how.limit == 0)
		r.add(done)
		left -= min(left, done.Sent)
		if stopped := context.Cause(a.ctx); stopped != nil {
			return errors.Join(stopped, err)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", p.Name, err))
		}
	}
	a.log().Info("submitted", "sent", r.Sent, "confirmed", r.Confirmed, "already_on_record", r.AlreadyOnRecord, "refused", r.Refused,
		"failed", r.Failed, "retry_later", r.RetryLater)
	a.printf("%d sent: %d confirmed, %d already on record, %d refused by Microsoft, %d failed, %d to be settled later\n", r.Sent, r.Confirmed,
		r.AlreadyOnRecord, r.Refused, r.Failed, r.RetryLater)
	return submitOutcome(r, failed, len(partners))
}

// budget is how many attestations may be sent, or an error when that is more than the ceiling.
func (a *app) budget(c config.Config, s *store.Store, partners []config.Partner, limit int) (int, error) {
	waiting := 0
	for _, p := range partners {
		if p.Kind == standing.IndirectReseller {
			continue
		}
		queue, err := s.Queue(a.ctx, partnerOf(p).ID, agentName())
		if err != nil {
			return 0, err
		}
		n, err := queue.CountReady(a.ctx, standing.DateOf(a.AsOf))
		if err != nil {
			return 0, err
		}
		waiting += n
	}
	if limit > 0 {
		waiting = min(waiting, limit)
	}
	if waiting > c.Attestation.Ceiling {
		return 0, ceilingError{waiting, c.Attestation.Ceiling}
	}
	return waiting, nil
}

func (a *app) submitPartner(c config.Config, s *store.Store, services *services, p config.Partner, most int, whole bool) (done jobs.Submitted, err error) {
	partner := partnerOf(p)
	queue, err := s.Queue(a.ctx, partner.ID, agentName())
	if err != nil {
		return done, err
	}
	n, err := queue.CountReady(a.ctx, standing.DateOf(a.AsOf))
	switch {
	case err != nil:
		return done, err
	case p.Kind == standing.IndirectReseller:
		a.log().Info("an indirect reseller cannot attest: ask the indirect provider of the customers", "partner", p.Name)
		if n > 0 {
			return done, cannotAttestError{n}
		}
		return done, nil
	case n == 0 || most == 0:
		return a.withHeld(queue, done, whole)
	}
	client, err := services.client(partner.ID)
	if err != nil {
		return done, err
	}
	job := jobs.Submit{Concurrency: p.Concurrency, Most: most, Since: c.Policy.AcceptedSince, Service: client}
	done, err = job.Run(a.ctx, queue, a.now())
	if len(done.Customers) > 0 {
		if again := a.recheck(c, p, s, done.Customers); again != nil {
			a.log().Warn("what was attested is not yet in the standings; the next sweep reads it", "partner", p.Name, "error", again)
		}
	}
	if err != nil {
		return done, err
	}
	return a.withHeld(queue, done, whole)
}

// withHeld counts all that is not settled: besides this submission's own what another host, or a process that has just died, still has in its
// hands or could not settle. It must not look done. Where the whole queue was not to be sent, what is left was meant to be.
func (a *app) withHeld(queue *store.Queue, done jobs.Submitted, whole bool) (jobs.Submitted, error) {
	if !whole {
		return done, nil
	}
	held, err := queue.CountInProgress(a.ctx, standing.DateOf(a.AsOf))
	if err != nil {
		return done, err
	}
	resting, err := queue.CountCoolingDown(a.ctx)
	done.RetryLater = held + resting
	return done, err
}

// recheck reads the standing of the customers of whom something was just attested.
func (a *app) recheck(c config.Config, p config.Partner, s *store.Store, customers []string) error {
	job, err := a.reconcileJob(c, p)
	if err != nil {
		return err
	}
	job.Progress = nil
	return s.Hold(a.ctx, partnerOf(p), func(ctx context.Context, lease *store.Lease) error {
		return job.Recheck(ctx, lease, customers, a.now())
	})
}

func submitOutcome(r *submitReply, failed []error, partners int) error {
	switch {
	case len(failed) > 0 && (len(failed) == partners || r.Sent == 0):
		return errors.Join(failed...)
	case len(failed) > 0:
		_, hint := advice(failed[0])
		return partialError{"some_partners_failed", errors.Join(failed...).Error(), hint}
	case r.Refused+r.Failed+r.RetryLater > 0:
		return partialError{"not_all_confirmed", fmt.Sprintf("%d were refused by Microsoft, %d failed, %d are to be settled later", r.Refused, r.Failed, r.RetryLater),
			"mcaledger attest list and the result file say which and why; what is unsettled is taken up by the next submission."}
	}
	return nil
}
