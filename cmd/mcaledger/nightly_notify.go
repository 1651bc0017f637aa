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

// notifications reports a nightly run by mail, webhook, pings and a metrics file.
type notifications struct {
	*app
	config      config.Config
	metricsFile string
	notifier    notify.Notifier
	smtp        *mail.SMTP
	started     time.Time
	warnings    []error
}

// startNotifications prepares the notifications and sends the ping of the start. A secret that
// cannot be read is a warning.
func (a *app) startNotifications(ctx context.Context, c config.Config, metricsFile string) *notifications {
	ns := &notifications{app: a, config: c, metricsFile: metricsFile, started: a.Now()}
	location, err := c.Report.Location()
	ns.warn(err)
	ns.notifier = notify.Notifier{
		When: notify.When(c.Notify.When), Language: string(c.Report.Language), Location: location,
		Webhook: notify.Webhook{URL: ns.readURL(c.Notify.Webhook.URL), Kind: notify.Kind(c.Notify.Webhook.Kind)},
		Ping: notify.Ping{
			Start:   ns.readURL(c.Notify.Ping.StartURL),
			Success: ns.readURL(c.Notify.Ping.SuccessURL),
			Fail:    ns.readURL(c.Notify.Ping.FailURL),
		},
	}
	if len(c.Notify.To) > 0 {
		ns.addMail()
	}
	ns.warn(ns.notifier.Started(ctx)...)
	return ns
}

func (ns *notifications) readURL(secret config.Secret) string {
	address, err := secret.ReadURL()
	ns.warn(err)
	return address
}

func (ns *notifications) addMail() {
	server, err := mailServer(ns.config)
	if err != nil {
		ns.warn(err)
		return
	}
	ns.smtp = mail.NewSMTP(server)
	ns.notifier.Mail = notify.Mail{
		Sender: ns.smtp, From: netmail.Address(ns.config.Mail.From),
		AttachLimit: int64(ns.config.Notify.AttachLimitMB) << 20,
	}
	for _, to := range ns.config.Notify.To {
		ns.notifier.Mail.To = append(ns.notifier.Mail.To, *to)
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

func (ns *notifications) warn(warnings ...error) {
	for _, err := range warnings {
		if err != nil {
			ns.log().Warn("notifications of the night failed", "error", err)
			ns.warnings = append(ns.warnings, err)
		}
	}
}

// send reports how the run ended. w is nil if the ledger could not be opened.
func (ns *notifications) send(ctx context.Context, w *workspace, s *jobs.NightSummary) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // an interrupted run is reported too
	defer cancel()
	ns.warn(ns.notifier.Finished(ctx, ns.night(ctx, w, *s))...)
	if ns.smtp != nil {
		ns.smtp.Close()
	}
	if ns.metricsFile != "" {
		ns.warn(metrics.Write(ns.metricsFile, ns.metrics(ctx, w, *s)))
	}
	s.Warn(ns.warnings...)
}

// texts are the warnings as JSON shows them.
func (ns *notifications) texts() []string {
	texts := []string{}
	for _, err := range ns.warnings {
		texts = append(texts, err.Error())
	}
	return texts
}

// night is a summary in the form of the notifications.
func (ns *notifications) night(ctx context.Context, w *workspace, s jobs.NightSummary) notify.Night {
	host, _ := os.Hostname()
	n := notify.Night{
		Outcome: notifyOutcome(s.Outcome()), Started: ns.started, Finished: ns.Now(), Host: host,
		Version: programVersion(), Partners: []notify.Partner{}, Problems: []notify.Problem{},
		Workbook: s.Report.Result.Path,
	}
	for _, run := range s.Reconcile.Result {
		if run.Err != nil {
			n.Problems = append(n.Problems, notifyProblem(fmt.Errorf("%s: %w", run.Partner.Name, run.Err)))
			continue
		}
		n.Partners = append(n.Partners, ns.partner(ctx, w, run))
	}
	reconcileReported := len(n.Problems) > 0
	for i, err := range s.Errors() {
		if err != nil && !(i == 0 && reconcileReported) {
			n.Problems = append(n.Problems, notifyProblem(err))
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

func notifyProblem(err error) notify.Problem {
	p := explain(err)
	return notify.Problem{Message: p.Message, Hint: p.Hint, Routine: p.Code == "unreadable"}
}

func notifyOutcome(o jobs.Outcome) notify.Outcome {
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

// maxNotifiedNames is how many newly blocked customers of a partner are named.
const maxNotifiedNames = 20

func (ns *notifications) partner(ctx context.Context, w *workspace, run jobs.PartnerRun) notify.Partner {
	totals := run.Run.Totals
	p := notify.Partner{
		Name: run.Partner.Name, Clear: totals.Clear, Blocked: totals.Blocked, Unknown: totals.Unknown,
		Excluded:     totals.Excluded,
		NewlyBlocked: totals.NewlyBlocked, NoLongerBlocked: totals.NoLongerBlocked, New: totals.New, Gone: totals.Gone,
		Names: []string{}, NewlyUnreadable: totals.Unreadable,
	}
	completed, err := w.ledger.CompletedRuns(ctx, run.Partner.ID, ns.Now(), 2)
	if err != nil || len(completed) < 2 {
		ns.warn(err)
		return p // on the first night all customers are new
	}
	p.NewlyUnreadable = max(0, totals.Unreadable-completed[1].Totals.Unreadable)
	for step, err := range w.ledger.Changes(ctx, run.Partner.ID, completed[0].ID, completed[1].ID) {
		if err != nil {
			ns.warn(err)
			break
		}
		if step.Change() == standing.NewlyBlocked {
			p.Names = append(p.Names, step.After.Name)
		}
		if len(p.Names) == maxNotifiedNames {
			break
		}
	}
	return p
}

// metrics are a summary, and what the ledger holds, in the form of the metrics file.
func (ns *notifications) metrics(ctx context.Context, w *workspace, s jobs.NightSummary) metrics.Night {
	n := metrics.Night{
		Version: programVersion(), Outcome: string(s.Outcome()), Started: ns.started, Finished: ns.Now(),
		Steps: []metrics.Step{
			{Name: "reconcile", Seconds: s.Reconcile.Took.Seconds()},
			{Name: "import", Seconds: s.Import.Took.Seconds()}, {Name: "submit", Seconds: s.Submit.Took.Seconds()},
			{Name: "report", Seconds: s.Report.Took.Seconds()},
		},
		Attestations: map[string]int{}, Warnings: len(ns.warnings),
	}
	if w == nil {
		return n
	}
	states, err := w.ledger.CountAllStatuses(ctx)
	ns.warn(err)
	for state, count := range states {
		n.Attestations[string(state)] = count
	}
	n.AcceptedWithoutAgreement = states[attestation.Accepted]
	for _, p := range ns.config.Partners {
		runs, err := w.ledger.CompletedRuns(ctx, partnerOf(p).ID, ns.Now(), 1)
		ns.warn(err)
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
