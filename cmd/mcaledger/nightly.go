package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/jobs"
)

// nightlyReply holds the replies of the steps under the names of their commands.
type nightlyReply struct {
	envelope
	Reconcile *reconcileReply `json:"reconcile"`
	Import    *importReply    `json:"attest import"`
	Submit    *submitReply    `json:"attest submit"`
	Report    *reportReply    `json:"report"`
	Head      string          `json:"head"`           // of the events of the ledger
	Warnings  []string        `json:"warnings"`       // notifications that failed
	Plan      *planReply      `json:"plan,omitempty"` // of a dry run
}

type planReply struct {
	Partners  []string `json:"partners"`
	Ready     []string `json:"ready"`
	Left      []string `json:"left"`
	WouldSend int      `json:"would_send"`
	Report    string   `json:"report"`
}

func (a *app) nightlyCommand() *cobra.Command {
	r := &nightlyReply{
		envelope:  envelope{Command: "nightly"},
		Reconcile: &reconcileReply{envelope: envelope{Command: "reconcile"}, Runs: []runReply{}},
		Import:    &importReply{envelope: envelope{Command: "attest import"}, Batches: []batchReply{}},
		Submit:    &submitReply{envelope: envelope{Command: "attest submit"}},
		Report:    &reportReply{envelope: envelope{Command: "report"}, Sheets: map[string]int{}},
		Warnings:  []string{},
	}
	metricsFile, dryRun := "", false
	cmd := a.command("nightly", "run all nightly steps (for cron)", r,
		func(ctx context.Context) error {
			if dryRun {
				err := a.withWorkspace(r.plan)(ctx)
				r.finishAllSteps(err)
				return err
			}
			return a.nightly(ctx, metricsFile, r)
		})
	cmd.Long = `nightly does the work of a night: it reconciles, imports the inbox, submits what is approved,
writes the report and sends the notifications. The next steps run even if one fails.`
	example(cmd, "mcaledger nightly --quiet", "mcaledger nightly --dry-run",
		"mcaledger nightly --json --metrics-file /var/lib/node_exporter/mcaledger.prom")
	cmd.Flags().StringVar(&metricsFile, "metrics-file", "", "write Prometheus metrics to this file at the end")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what the night would do, and do nothing")
	return cmd
}

// nightly runs all steps and sends the notifications, whether or not they succeed.
func (a *app) nightly(ctx context.Context, metricsFile string, r *nightlyReply) error {
	c, err := a.load()
	if err != nil {
		r.finishAllSteps(err)
		return err
	}
	n := a.startNotifications(ctx, c, metricsFile)
	w, err := a.open(ctx, c)
	var summary jobs.NightSummary
	if err == nil {
		defer w.ledger.Close()
		summary, err = w.runNight(ctx)
	}
	begun := err == nil
	if !begun {
		summary.Reconcile.Err = err
	}
	n.send(ctx, &summary)
	for _, warning := range summary.Warnings {
		r.Warnings = append(r.Warnings, warning.Error())
	}
	if !begun {
		r.finishAllSteps(err)
		return err
	}
	r.fill(summary)
	r.Head = w.head(ctx)
	a.printNight(summary)
	return summary.Err()
}

func (w *workspace) runNight(ctx context.Context) (s jobs.NightSummary, err error) {
	job, closeMail, err := w.nightlyJob()
	if err != nil {
		return s, err
	}
	defer closeMail()
	defer job.Reconcile.Partners.Close()
	return job.Run(ctx), nil
}

// plan says what the night would do.
func (r *nightlyReply) plan(ctx context.Context, w *workspace) error {
	job, closeMail, err := w.nightlyJob()
	if err != nil {
		return err
	}
	defer closeMail()
	defer job.Reconcile.Partners.Close()
	plan, err := job.Plan(ctx)
	r.Plan = &planReply{Partners: plan.Partners, Ready: plan.Ready, WouldSend: plan.WouldSend, Report: plan.Report}
	w.answerf("dry run: nothing is read, imported, sent or written\n")
	w.answerf("  read the customers of: %s\n", strings.Join(plan.Partners, ", "))
	for _, file := range plan.Ready {
		w.answerf("  import: %s\n", file)
	}
	for _, file := range plan.Left {
		r.Plan.Left = append(r.Plan.Left, file.Name)
		w.answerf("  leave: %s (%s)\n", file.Name, file.Reason)
	}
	w.answerf("  send: %d attestations\n  report: %s\n", plan.WouldSend, plan.Report)
	return err
}

func (w *workspace) nightlyJob() (job jobs.Nightly, closeMail func(), err error) {
	partners, err := w.partners(nil)
	if err != nil {
		return job, nil, err
	}
	report, err := w.reportJob(reportFlags{format: "xlsx"})
	if err != nil {
		return job, nil, err
	}
	submit, closeMail := w.submitJob(partners)
	return jobs.Nightly{
		Reconcile: w.reconcileJob(partners),
		Inbox:     w.inboxJob(partners),
		Submit:    submit,
		Report:    report,
		Ledger:    w.ledger,
	}, closeMail, nil
}

func (r *nightlyReply) fill(s jobs.NightSummary) {
	r.Reconcile.Runs = runReplies(s.Reconcile.Result)
	r.Import.Batches = batchReplies(s.Import.Result.Files)
	r.Submit.count(s.Submit.Result)
	r.Report.fill(s.Report.Result)
	for _, step := range []struct {
		reply reply
		err   error
	}{{r.Reconcile, s.Reconcile.Err}, {r.Import, s.Import.Err}, {r.Submit, s.Submit.Err}, {r.Report, s.Report.Err}} {
		step.reply.finish(exitCode(step.err), explain(step.err))
	}
}

// finishAllSteps gives all steps one outcome: they were not run, or the run was a dry run.
func (r *nightlyReply) finishAllSteps(err error) {
	for _, step := range []reply{r.Reconcile, r.Import, r.Submit, r.Report} {
		step.finish(exitCode(err), explain(err))
	}
}

// printNight writes a summary of the steps that were done.
func (a *app) printNight(s jobs.NightSummary) {
	a.printRuns(s.Reconcile.Result)
	a.printImported(s.Import.Result.Imported)
	if s.Submit.Err == nil {
		a.printSubmitted(s.Submit.Result)
	}
	a.printReport(s.Report.Result)
}
