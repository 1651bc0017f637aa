package main

import (
	"context"
	"fmt"
	netmail "net/mail"
	"os"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/metrics"
	"github.com/mcaledger/mcaledger/internal/notify"
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

// send reports how the night ended.
func (ns *notifications) send(ctx context.Context, s *jobs.NightSummary) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // an interrupted run is reported too
	defer cancel()
	ns.warn(ns.notifier.Finished(ctx, ns.night(*s))...)
	if ns.smtp != nil {
		ns.smtp.Close()
	}
	if ns.metricsFile != "" {
		ns.warn(metrics.Write(ns.metricsFile, ns.metrics(*s)))
	}
	s.Warn(ns.warnings...)
}

// night is a summary in the form of the notifications.
func (ns *notifications) night(s jobs.NightSummary) notify.Night {
	host, _ := os.Hostname()
	n := notify.Night{
		Outcome: notifyOutcome(s.Outcome()), Started: ns.started, Finished: ns.Now(), Host: host,
		Version: programVersion(), Partners: []notify.Partner{}, Problems: []notify.Problem{},
		Workbook: s.Report.Result.Path,
	}
	failed := map[string]bool{}
	for _, run := range s.Reconcile.Result {
		if run.Err != nil {
			failed[run.Partner.ID] = true
			n.Problems = append(n.Problems, notifyProblem(fmt.Errorf("%s: %w", run.Partner.Name, run.Err)))
		}
	}
	for _, figures := range s.Figures.Partners {
		if figures.Run != nil && !failed[figures.Partner.ID] {
			n.Partners = append(n.Partners, notifyPartner(figures))
		}
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

func notifyPartner(f jobs.PartnerFigures) notify.Partner {
	totals := f.Run.Totals
	return notify.Partner{
		Name: f.Partner.Name, Clear: totals.Clear, Blocked: totals.Blocked, Unknown: totals.Unknown,
		Excluded:     totals.Excluded,
		NewlyBlocked: f.NewlyBlocked, NoLongerBlocked: f.NoLongerBlocked, New: f.New, Gone: f.Gone,
		Names: append([]string{}, f.Names...), NewlyUnreadable: f.NewlyUnreadable,
	}
}

// metrics is a summary in the form of the metrics file.
func (ns *notifications) metrics(s jobs.NightSummary) metrics.Night {
	n := metrics.Night{
		Version: programVersion(), Outcome: string(s.Outcome()), Started: ns.started, Finished: ns.Now(),
		Steps: []metrics.Step{
			{Name: "reconcile", Seconds: s.Reconcile.Took.Seconds()},
			{Name: "import", Seconds: s.Import.Took.Seconds()}, {Name: "submit", Seconds: s.Submit.Took.Seconds()},
			{Name: "report", Seconds: s.Report.Took.Seconds()},
		},
		Attestations: map[string]int{}, Warnings: len(ns.warnings) + len(s.Warnings),
		AcceptedWithoutAgreement: s.Figures.Attestations[attestation.Accepted],
	}
	for state, count := range s.Figures.Attestations {
		n.Attestations[string(state)] = count
	}
	tokenFiles := map[string]string{}
	for _, p := range ns.config.Partners {
		tokenFiles[partnerOf(p).ID] = p.RefreshTokenFile
	}
	for _, figures := range s.Figures.Partners {
		n.Partners = append(n.Partners, partnerMetrics(figures, tokenFiles[figures.Partner.ID]))
	}
	return n
}

func partnerMetrics(f jobs.PartnerFigures, tokenFile string) metrics.Partner {
	m := metrics.Partner{Name: f.Partner.Name}
	if info, err := os.Stat(tokenFile); err == nil {
		m.RefreshTokenUntil = info.ModTime().Add(jobs.RefreshTokenLife) // each use saves a new token
	}
	run := f.Run
	if run == nil {
		return m
	}
	m.Completed, m.Seconds = run.FinishedAt, f.Cost.Seconds
	m.Requests, m.Throttled, m.Retries = f.Cost.Requests, f.Cost.Throttled, f.Cost.Retries
	m.Standings = map[string]int{
		"clear": run.Totals.Clear, "blocked": run.Totals.Blocked,
		"unknown": run.Totals.Unknown, "excluded": run.Totals.Excluded,
	}
	m.Changes = map[string]int{
		"newly_blocked": f.NewlyBlocked, "no_longer_blocked": f.NoLongerBlocked, "new": f.New, "gone": f.Gone,
	}
	for _, c := range run.Checks {
		if !c.OK {
			m.FailedChecks++
		}
	}
	return m
}
