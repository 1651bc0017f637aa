package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

type reconcileReply struct {
	head
	Runs []runReply `json:"runs"`
}

// runReply is one run in JSON; its names are a contract.
type runReply struct {
	Partner      string  `json:"partner"`
	Run          int64   `json:"run"`
	Resumed      bool    `json:"resumed"`
	Listed       int     `json:"listed"`
	Clear        int     `json:"clear"`
	Blocked      int     `json:"blocked"`
	Unknown      int     `json:"unknown"`
	Excluded     int     `json:"excluded"`
	Unreadable   int     `json:"unreadable"`
	NewlyBlocked int     `json:"newly_blocked"`
	NewlyClear   int     `json:"newly_clear"`
	New          int     `json:"new"`
	Gone         int     `json:"gone"`
	Requests     int     `json:"requests"`
	Throttled    int     `json:"throttled"`
	Retries      int     `json:"retries"`
	Seconds      float64 `json:"seconds"`
	Balanced     bool    `json:"balanced"`
}

func replyOf(partner string, r jobs.Result) runReply {
	t := r.Run.Totals
	return runReply{Partner: partner, Run: r.Run.ID, Resumed: r.Resumed, Listed: t.Listed, Clear: t.Clear, Blocked: t.Blocked,
		Unknown: t.Unknown, Excluded: t.Excluded, Unreadable: t.Unreadable, NewlyBlocked: t.NewlyBlocked, NewlyClear: t.NewlyClear,
		New: t.New, Gone: t.Gone, Requests: r.Cost.Requests, Throttled: r.Cost.Throttled, Retries: r.Cost.Retries,
		Seconds: r.Cost.Seconds, Balanced: ledger.AllPassed(r.Run.Checks)}
}

func (a *app) reconcileCommand() *cobra.Command {
	r := &reconcileReply{head: head{Command: "reconcile"}, Runs: []runReply{}}
	var wanted []string
	cmd := a.command("reconcile", "read the standing of every customer", r, func() error {
		c, err := a.load()
		if err != nil {
			return err
		}
		partners, err := c.Select(wanted)
		if err != nil {
			return usageError{err}
		}
		s, err := a.open(c)
		if err != nil {
			return err
		}
		defer s.Close()
		r.Runs, err = a.reconcile(c, partners, s)
		return err
	})
	cmd.Flags().StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	return cmd
}

// reconcile runs the job for each partner, all at the same time: each has a service, a pace and a lease of its own.
func (a *app) reconcile(c config.Config, partners []config.Partner, s *store.Store) ([]runReply, error) {
	var group errgroup.Group
	results, failures := make([]jobs.Result, len(partners)), make([]error, len(partners))
	for i, p := range partners {
		group.Go(func() error {
			results[i], failures[i] = a.reconcilePartner(c, p, s)
			return nil
		})
	}
	group.Wait()
	replies := []runReply{}
	for i, p := range partners {
		if results[i].Run.ID != 0 {
			replies = append(replies, replyOf(p.Name, results[i]))
		}
		a.tellRun(p.Name, results[i], failures[i])
	}
	return replies, sumUp(context.Cause(a.ctx), partners, results, failures)
}

func (a *app) reconcilePartner(c config.Config, p config.Partner, s *store.Store) (result jobs.Result, err error) {
	partner := ledger.Partner{ID: strings.ToLower(p.TenantID), Name: p.Name, Kind: p.Kind}
	job, err := a.reconcileJob(c, p)
	if err != nil {
		return result, err
	}
	var client *partnercenter.Client // what comes after the run goes through the same gate
	connect := job.Connect
	job.Connect = func(correlationID string) (jobs.Service, error) {
		service, err := connect(correlationID)
		client, _ = service.(*partnercenter.Client)
		return service, err
	}
	err = s.Hold(a.ctx, partner, func(ctx context.Context, lease *store.Lease) error {
		if result, err = job.Run(ctx, lease, a.AsOf); err != nil {
			return err
		}
		return a.particulars(ctx, p, lease, client, &result)
	})
	return result, err
}

// particulars reads what else finance wants to know, now that the run is closed, and adds what that costs to the result. Only a person who
// stops the program makes an error of it: the run is good, and the next one reads what is missing.
func (a *app) particulars(ctx context.Context, p config.Partner, lease *store.Lease, client *partnercenter.Client, result *jobs.Result) error {
	defer client.Close()
	found, err := jobs.Enrich{Kind: p.Kind, Concurrency: p.Concurrency}.Run(ctx, lease, client, result.Run)
	result.Cost, result.Run.Cost = result.Cost.Add(found.Cost), result.Run.Cost.Add(found.Cost)
	log := a.log().With("partner", p.Name, "run", result.Run.ID)
	log.Info("particulars read", "purchases", found.Purchases.Read, "resellers", found.Resellers.Read,
		"refused", found.Purchases.Refused+found.Resellers.Refused, "unanswered", found.Purchases.Failed+found.Resellers.Failed,
		"requests", found.Cost.Requests, "seconds", found.Cost.Seconds)
	switch {
	case a.ctx.Err() != nil:
		return err
	case err != nil:
		log.Warn("particulars are incomplete; the run is good, and the next one goes on", "error", err)
	}
	return nil
}

// reconcileJob wires the job of one partner.
func (a *app) reconcileJob(c config.Config, p config.Partner) (jobs.Reconcile, error) {
	options, err := a.clientOptions(c, p)
	if err != nil {
		return jobs.Reconcile{}, err
	}
	return jobs.Reconcile{
		Policy:         standing.Policy(c.Policy),
		Kind:           p.Kind,
		Concurrency:    p.Concurrency,
		MaxGonePercent: c.Reconcile.MaxGonePercent,
		ResumeWithin:   c.Reconcile.ResumeWithin,
		Version:        programVersion(),
		CorrelationID:  uuid.NewString(),
		Progress:       a.progress(p.Name),
		Connect: func(correlationID string) (jobs.Service, error) {
			options.CorrelationID = correlationID
			return partnercenter.New(options)
		},
	}, nil
}

// clientOptions are a partner's, but for the correlation id.
func (a *app) clientOptions(c config.Config, p config.Partner) (partnercenter.Options, error) {
	credentials, err := p.AppUser()
	if err != nil {
		return partnercenter.Options{}, configError{fmt.Errorf("partner %s: %w", p.Name, err)}
	}
	options := partnercenter.Options{
		APIURL: p.APIURL,
		Credentials: partnercenter.Credentials{LoginURL: p.LoginURL, TenantID: p.TenantID, ClientID: credentials.ClientID,
			ClientSecret: credentials.ClientSecret, RefreshTokenFile: credentials.RefreshTokenFile},
		RequestsPerMinute: p.RequestsPerMinute,
		Concurrency:       p.Concurrency,
		Timeout:           c.HTTP.Timeout,
		Attempts:          c.HTTP.Attempts,
		Application:       "mcaledger/" + programVersion(),
		Log:               a.log().With("partner", p.Name),
	}
	if credentials.CertificateFile != "" {
		certificate, err := partnercenter.ReadCertificate(credentials.CertificateFile)
		if err != nil {
			return options, configError{fmt.Errorf("partner %s: certificate_file: %w", p.Name, err)}
		}
		options.Credentials.Certificate = certificate
	}
	return options, nil
}

// progress draws a bar for a person who is watching.
func (a *app) progress(partner string) func(read, expected int) {
	if a.quiet || a.json || !a.terminal() {
		return nil
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.Stderr), progressbar.OptionSetDescription(partner),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100_000_000))
	return func(read, expected int) {
		if expected >= read && bar.GetMax() != expected {
			bar.ChangeMax(expected)
		}
		bar.Set(read)
	}
}

// tellRun writes what became of one run: a summary for people, one log line for the rest.
func (a *app) tellRun(partner string, r jobs.Result, err error) {
	t := r.Run.Totals
	log := a.log().With("partner", partner, "run", r.Run.ID)
	if err != nil && r.Run.State != ledger.Completed {
		log.Error("run not completed", "requests", r.Cost.Requests, "seconds", r.Cost.Seconds, "error", err)
		return
	}
	log.Info("run completed", "listed", t.Listed, "clear", t.Clear, "blocked", t.Blocked, "unknown", t.Unknown, "excluded", t.Excluded,
		"unreadable", t.Unreadable, "newly_blocked", t.NewlyBlocked, "newly_clear", t.NewlyClear, "new", t.New, "gone", t.Gone,
		"requests", r.Cost.Requests, "throttled", r.Cost.Throttled, "retries", r.Cost.Retries, "seconds", r.Cost.Seconds)
	if a.terminal() && err == nil {
		a.printf("%s", summary(partner, r))
	}
}

// summary is a run in three lines.
func summary(partner string, r jobs.Result) string {
	t := r.Run.Totals
	return fmt.Sprintf(`%s, run %d: %d customers
  %d clear, %d blocked, %d unknown, %d excluded
  since the last run: %d newly blocked, %d newly clear, %d new, %d gone
  %d calls in %.1f s, every check balances
`, partner, r.Run.ID, t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.NewlyBlocked, t.NewlyClear, t.New, t.Gone,
		r.Cost.Requests, r.Cost.Seconds)
}

// sumUp makes one error of what became of each partner; stopped is why the program was told to stop, if it was.
func sumUp(stopped error, partners []config.Partner, results []jobs.Result, failures []error) error {
	var failed []error
	held, unreadable := 0, 0
	for i, err := range failures {
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", partners[i].Name, err))
		}
		if isHeld(err) {
			held++
		}
		unreadable += results[i].Run.Totals.Unreadable
	}
	switch {
	case stopped != nil && len(failed) > 0:
		return errors.Join(append([]error{stopped}, failed...)...)
	case len(failed) == len(partners) && (held == 0 || held == len(failed)):
		return errors.Join(failed...)
	case len(failed) == len(partners):
		return noneDoneError{errors.Join(failed...)}
	case len(failed) > 0:
		_, hint := advice(errors.Join(failed...))
		return partialError{"some_partners_failed", errors.Join(failed...).Error(), hint}
	case unreadable > 0:
		return partialError{"unreadable", fmt.Sprintf("%d customers could not be read; they are unknown, not clear", unreadable),
			"The sheet Unread of the report names each with the ids that Microsoft's support asks for. A 403 means that the signed-in user needs the role Admin agent or Sales agent; the next run reads them again."}
	}
	return nil
}
