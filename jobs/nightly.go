package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Nightly does the work of a night, in this order: reconcile, take the inbox, submit what is
// approved, report. A step that fails does not keep the next ones from being done: the morning
// needs its workbook.
type Nightly struct {
	Reconcile ReconcilePartners
	Inbox     Inbox
	Submit    SubmitPartners // without a route nothing is sent
	Report    Report
	Ledger    NightLedger
}

// NightSummary is the result of a night. Everything that tells people or machines about it reads
// this value.
type NightSummary struct {
	Reconcile Step[[]PartnerRun]
	Import    Step[InboxResult]
	Submit    Step[SubmittedAll]
	Report    Step[ReportFile]
	Figures   NightFigures
	Warnings  []error // figures that could not be read, and notifications that failed; no failure of the night
}

// Step is the result of one step of a night.
type Step[R any] struct {
	Result R
	Err    error // nil: done, or left out
	Took   time.Duration
}

// Run does the night's work. An interrupted night does not begin its next step.
func (j Nightly) Run(ctx context.Context) (s NightSummary) {
	s.Reconcile = step(ctx, j.Reconcile.Run)
	s.Import = step(ctx, j.Inbox.Run)
	s.Submit = step(ctx, j.Submit.nightly)
	s.Report = step(ctx, j.Report.Run)
	var err error
	if s.Figures, err = j.figures(ctx); err != nil {
		s.Warn(fmt.Errorf("figures of the night: %w", err))
	}
	return s
}

// NightPlan is what a night would do now.
type NightPlan struct {
	Partners  []string // whose customers are read
	Ready     []string // files of the inbox
	Left      []LeftFile
	WouldSend int
	Report    string // the file
}

// Plan says what Run would do, and does nothing.
func (j Nightly) Plan(ctx context.Context) (p NightPlan, err error) {
	for _, partner := range j.Reconcile.Partners.List {
		p.Partners = append(p.Partners, partner.Name)
	}
	var folder, queue error
	p.Ready, p.Left, folder = j.Inbox.list()
	if j.Submit.Route != "" {
		p.WouldSend, queue = j.Submit.wouldSend(ctx)
	}
	p.Report = j.Report.path()
	return p, errors.Join(folder, queue)
}

func step[R any](ctx context.Context, run func(context.Context) (R, error)) (s Step[R]) {
	if s.Err = context.Cause(ctx); s.Err == nil {
		began := time.Now()
		s.Result, s.Err = run(ctx)
		s.Took = time.Since(began)
	}
	return s
}

// Warn adds what went wrong with telling of the night.
func (s *NightSummary) Warn(warnings ...error) {
	for _, err := range warnings {
		if err != nil {
			s.Warnings = append(s.Warnings, err)
		}
	}
}

// Errors are those of the steps, and of what tells of the night.
func (s NightSummary) Errors() []error {
	var notify error
	if all := errors.Join(s.Warnings...); all != nil {
		notify = partialHint("not_notified", fmt.Sprintf("some notifications of the night failed: %s", all),
			"Correct notify, mail or --metrics-file; the work of the night is not affected.")
	}
	return []error{s.Reconcile.Err, s.Import.Err, s.Submit.Err, s.Report.Err, notify}
}

// Outcome is the worst of the steps.
func (s NightSummary) Outcome() Outcome {
	worst := OutcomeDone
	for _, err := range s.Errors() {
		worst = worst.Worse(OutcomeOf(err))
	}
	return worst
}

// Err is nil after a night without failures.
func (s NightSummary) Err() error {
	all := errors.Join(s.Errors()...)
	if all == nil {
		return nil
	}
	return &NightError{s, all}
}

// NightError is a night of which a step was not done, or not completely.
type NightError struct {
	Summary NightSummary
	all     error
}

func (e *NightError) Error() string { return e.all.Error() }

// Outcome is that of the night.
func (e *NightError) Outcome() Outcome { return e.Summary.Outcome() }

// Code is that of the first step with the night's outcome.
func (e *NightError) Code() string {
	code, _ := Explain(e.decisive())
	return code
}

// Hint is that of the first step with the night's outcome.
func (e *NightError) Hint() string { return hintOf(e.decisive()) }

func (e *NightError) decisive() error {
	for _, err := range e.Summary.Errors() {
		if OutcomeOf(err) == e.Outcome() {
			return err
		}
	}
	return e.all
}
