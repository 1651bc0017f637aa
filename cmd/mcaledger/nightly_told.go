package main

import (
	"context"
	"fmt"
	netmail "net/mail"
	"os"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/metrics"
	"github.com/mcaledger/mcaledger/internal/notify"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

// teller tells people and machines about a night: by mail, webhook, pings and a metrics file.
type teller struct {
	*app
	config      config.Config
	metricsFile string
	notifier    notify.Notifier
	smtp        *mail.SMTP
	started     time.Time
	warnings    []error
}

// tellStart prepares the notifications and sends the ping of the start. A secret that cannot be
// read is a warning.
func (a *app) tellStart(ctx context.Context, c config.Config, metricsFile string) *teller {
	t := &teller{app: a, config: c, metricsFile: metricsFile, started: a.Now()}
	location, err := c.Report.Location()
	t.warn(err)
	t.notifier = notify.Notifier{
		When: notify.When(c.Notify.When), Language: string(c.Report.Language), Location: location,
		Webhook: notify.Webhook{URL: t.address(c.Notify.Webhook.URL), Kind: notify.Kind(c.Notify.Webhook.Kind)},
		Ping: notify.Ping{
			Start:   t.address(c.Notify.Ping.StartURL),
			Success: t.address(c.Notify.Ping.SuccessURL),
			Fail:    t.address(c.Notify.Ping.FailURL),
		},
	}
	if len(c.Notify.To) > 0 {
		t.addMail()
	}
	t.warn(t.notifier.Started(ctx)...)
	return t
}

func (t *teller) address(secret config.Secret) string {
	address, err := secret.ReadURL()
	t.warn(err)
	return address
}

func (t *teller) addMail() {
	server, err := mailServer(t.config)
	if err != nil {
		t.warn(err)
		return
	}
	t.smtp = mail.NewSMTP(server)
	t.notifier.Mail = notify.Mail{
		Sender: t.smtp, From: netmail.Address(t.config.Mail.From),
		AttachLimit: int64(t.config.Notify.AttachLimitMB) << 20,
	}
	for _, to := range t.config.Notify.To {
		t.notifier.Mail.To = append(t.notifier.Mail.To, *to)
	}
}

// mailServer is the mail server of the configuration.
func mailServer(c config.Config) (mail.Server, error) {
	password, err := c.Mail.Password.Read()
	return mail.Server{
		Host: c.Mail.Host, Port: c.Mail.Port, TLS: mail.TLS(c.Mail.TLS), User: c.Mail.User, Password: password,
		Timeout: c.HTTP.Timeout,
	}, err
}

func (t *teller) warn(warnings ...error) {
	for _, err := range warnings {
		if err != nil {
			t.log().Warn("notifications of the night failed", "error", err)
			t.warnings = append(t.warnings, err)
		}
	}
}

// end tells how the night ended. w is nil if the ledger could not be opened.
func (t *teller) end(ctx context.Context, w *workspace, s *jobs.NightSummary) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // an interrupted night is reported too
	defer cancel()
	t.warn(t.notifier.Finished(ctx, t.night(ctx, w, *s))...)
	if t.smtp != nil {
		t.smtp.Close()
	}
	if t.metricsFile != "" {
		t.warn(metrics.Write(t.metricsFile, t.metrics(ctx, w, *s)))
	}
	s.Warn(t.warnings...)
}

// texts are the warnings for machines.
func (t *teller) texts() []string {
	texts := []string{}
	for _, err := range t.warnings {
		texts = append(texts, err.Error())
	}
	return texts
}

// night is a summary in the form of the notifications.
func (t *teller) night(ctx context.Context, w *workspace, s jobs.NightSummary) notify.Night {
	host, _ := os.Hostname()
	n := notify.Night{
		Outcome: outcomeToTell(s.Outcome()), Started: t.started, Finished: t.Now(), Host: host,
		Version: programVersion(), Partners: []notify.Partner{}, Problems: []notify.Problem{},
		Workbook: s.Report.Result.Path,
	}
	for _, run := range s.Reconcile.Result {
		if run.Err != nil {
			n.Problems = append(n.Problems, problemToTell(fmt.Errorf("%s: %w", run.Partner.Name, run.Err)))
			continue
		}
		n.Partners = append(n.Partners, t.partner(ctx, w, run))
	}
	reconcileTold := len(n.Problems) > 0
	for i, err := range s.Errors() {
		if err != nil && !(i == 0 && reconcileTold) {
			n.Problems = append(n.Problems, problemToTell(err))
		}
	}
	for _, file := range s.Import.Result.Files {
		n.Attestations.Imported += int(file.Batch.Counts.Queued)
		n.Attestations.Refused += int(file.Batch.Counts.Refused)
	}
	sent := s.Submit.Result
	n.Attestations.Sent, n.Attestations.Confirmed = sent.Sent, sent.Confirmed
	n.Attestations.Waiting, n.Attestations.Refused = sent.Waiting, n.Attestations.Refused+sent.Refused
	return n
}

func problemToTell(err error) notify.Problem {
	p := explain(err)
	return notify.Problem{Message: p.Message, Hint: p.Hint, Routine: p.Code == "unreadable"}
}

func outcomeToTell(o jobs.Outcome) notify.Outcome {
	switch o {
	case jobs.OutcomeDone:
		return notify.Done
	case jobs.OutcomePartial, jobs.OutcomeHeld:
		return notify.Partial
	case jobs.OutcomeInterrupted:
		return notify.Interrupted
	}
	return notify.Failed
}

// maxNamesTold is how many newly blocked customers of a partner are named.
const maxNamesTold = 20

func (t *teller) partner(ctx context.Context, w *workspace, run jobs.PartnerRun) notify.Partner {
	totals := run.Run.Totals
	p := notify.Partner{
		Name: run.Partner.Name, Clear: totals.Clear, Blocked: totals.Blocked, Unknown: totals.Unknown,
		Excluded:     totals.Excluded,
		NewlyBlocked: totals.NewlyBlocked, NoLongerBlocked: totals.NoLongerBlocked, New: totals.New, Gone: totals.Gone,
		Names: []string{}, NewlyUnreadable: totals.Unreadable,
	}
	completed, err := w.ledger.CompletedRuns(ctx, run.Partner.ID, t.Now(), 2)
	if err != nil || len(completed) < 2 {
		t.warn(err)
		return p // on the first night all customers are new
	}
	p.NewlyUnreadable = max(0, totals.Unreadable-completed[1].Totals.Unreadable)
	for step, err := range w.ledger.Changes(ctx, run.Partner.ID, completed[0].ID, completed[1].ID) {
		if err != nil {
			t.warn(err)
			break
		}
		if step.Change() == standing.NewlyBlocked {
			p.Names = append(p.Names, step.After.Name)
		}
		if len(p.Names) == maxNamesTold {
			break
		}
	}
	return p
}

// metrics are a summary, and what the ledger holds, in the form of the metrics file.
func (t *teller) metrics(ctx context.Context, w *workspace, s jobs.NightSummary) metrics.Night {
	n := metrics.Night{
		Version: programVersion(), Outcome: string(s.Outcome()), Started: t.started, Finished: t.Now(),
		Steps: []metrics.Step{
			{Name: "reconcile", Seconds: s.Reconcile.Took.Seconds()},
			{Name: "import", Seconds: s.Import.Took.Seconds()}, {Name: "submit", Seconds: s.Submit.Took.Seconds()},
			{Name: "report", Seconds: s.Report.Took.Seconds()},
		},
		Attestations: map[string]int{}, Warnings: len(t.warnings),
	}
	if w == nil {
		return n
	}
	states, err := w.ledger.CountAllStatuses(ctx)
	t.warn(err)
	for state, count := range states {
		n.Attestations[string(state)] = count
	}
	n.AcceptedWithoutAgreement = states[attestation.Accepted]
	for _, p := range t.config.Partners {
		runs, err := w.ledger.CompletedRuns(ctx, partnerOf(p).ID, t.Now(), 1)
		t.warn(err)
		n.Partners = append(n.Partners, partnerMetrics(p, runs))
	}
	return n
}

func partnerMetrics(p config.Partner, runs []ledger.Run) metrics.Partner {
	m := metrics.Partner{Name: p.Name}
	if info, err := os.Stat(p.RefreshTokenFile); err == nil {
		m.RefreshTokenUntil = info.ModTime().Add(jobs.RefreshTokenLife) // each use saves a new token
	}
	if len(runs) == 0 {
		return m
	}
	run := runs[0]
	m.Completed, m.Seconds = run.FinishedAt, run.Cost.Seconds
	m.Requests, m.Throttled, m.Retries = run.Cost.Requests, run.Cost.Throttled, run.Cost.Retries
	m.Standings = map[string]int{
		"clear": run.Totals.Clear, "blocked": run.Totals.Blocked,
		"unknown": run.Totals.Unknown, "excluded": run.Totals.Excluded,
	}
	m.Changes = map[string]int{
		"newly_blocked": run.Totals.NewlyBlocked, "no_longer_blocked": run.Totals.NoLongerBlocked,
		"new": run.Totals.New, "gone": run.Totals.Gone,
	}
	for _, c := range run.Checks {
		if !c.OK {
			m.FailedChecks++
		}
	}
	return m
}
