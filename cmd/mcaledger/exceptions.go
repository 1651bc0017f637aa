package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/charset"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
	"github.com/mcaledger/mcaledger/reports"
)

func (a *app) exceptionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exceptions",
		Short: "record who deals with blocked customers, and until when a block is accepted",
		Long: `exceptions records, for blocked customers, an owner, a due date, a comment, and a day until
which the block is accepted. They are shown in every report until they are changed. A report is
such a list: fill in these columns of its sheet Blocked or Exceptions, and import the file.`,
	}
	example(cmd, "mcaledger exceptions list", "mcaledger exceptions import 2026-11-22.xlsx")
	cmd.AddCommand(a.exceptionsImportCommand(), a.exceptionsListCommand(), a.exceptionsSetCommand(),
		a.exceptionsRemoveCommand())
	return cmd
}

// exceptionsReply is the result of importing a file of exceptions, in JSON; its names are a
// contract.
type exceptionsReply struct {
	envelope
	DryRun      bool                   `json:"dry_run"`
	File        string                 `json:"file"`
	Sheets      []string               `json:"sheets"`
	Rows        int                    `json:"rows"`
	Taken       int                    `json:"taken"`
	Removed     int                    `json:"removed"` // part of taken
	Unchanged   int                    `json:"unchanged"`
	Refused     int                    `json:"refused"`
	Empty       int                    `json:"empty"`      // lines that say nothing
	EmptyKept   int                    `json:"empty_kept"` // those of them whose customers have an exception
	RefusedFile string                 `json:"refused_file"`
	Refusals    []refusedExceptionJSON `json:"refusals"`
	Notes       []string               `json:"notes"`
}

type refusedExceptionJSON struct {
	Sheet   string                `json:"sheet"`
	Line    int                   `json:"line"`
	Column  string                `json:"column"`
	Reason  jobs.ExceptionRefusal `json:"reason"`
	Message string                `json:"message"`
	Hint    string                `json:"hint"`
}

func (r *exceptionsReply) fill(done jobs.ImportedExceptions) {
	r.File, r.Rows, r.Taken, r.Removed, r.Unchanged, r.Refused = done.Path, done.Rows, done.Taken, done.Removed,
		done.Unchanged, done.Refused
	r.Empty, r.EmptyKept, r.RefusedFile = done.Empty, done.Kept, done.RefusedFile
	r.Sheets, r.Notes = append(r.Sheets, done.Sheets...), append(r.Notes, done.Notes...)
	for _, f := range done.Refusals {
		r.Refusals = append(r.Refusals, refusedExceptionJSON{f.Sheet, f.Line, f.Column, f.Reason, f.Message, f.Hint})
	}
}

func (a *app) exceptionsImportCommand() *cobra.Command {
	r := &exceptionsReply{envelope: envelope{Command: "exceptions import"}, Sheets: []string{},
		Refusals: []refusedExceptionJSON{}, Notes: []string{}}
	var files, partners []string
	var by func() attestation.Actor
	dates, encoding, sheet := "", "", ""
	cmd := a.command("import", "take exceptions from a list, or from a report that was filled in (- is standard input)",
		r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			job, err := w.importExceptionsJob(partners, dates, encoding)
			if err != nil {
				return err
			}
			job.By, job.DryRun, job.Intake.Sheet = by(), r.DryRun, sheet
			if files[0] == "-" {
				files[0], job.Stdin = jobs.StandardInput, a.Stdin
			}
			done, err := job.Run(ctx, files[0])
			r.fill(done)
			a.printExceptions(done, r.DryRun)
			return err
		}))
	f := cmd.Flags()
	by = a.byFlag(cmd)
	f.StringSliceVar(&partners, "partner", nil, "only customers of this partner (name or tenant id; may be repeated)")
	f.StringVar(&dates, "dates", "",
		"order of day and month in dates such as 03/04/2026: auto, dmy or mdy (else attestation.dates)")
	f.StringVar(&encoding, "encoding", "",
		"encoding of a CSV that is not in UTF-8, such as windows-1250 (else it is recognised)")
	f.StringVar(&sheet, "sheet", "", "sheet of a workbook (else every sheet that is a list of exceptions)")
	f.BoolVar(&r.DryRun, "dry-run", false, "check the file, and keep nothing")
	example(cmd, "mcaledger exceptions import exceptions.csv", "mcaledger exceptions import --dry-run 2026-11-22.xlsx")
	return withArguments(cmd, "FILE", exactly(1), &files)
}

func (w *workspace) importExceptionsJob(partners []string, dates, encoding string) (job jobs.ImportExceptions,
	err error) {
	job = jobs.ImportExceptions{MadeAt: reports.ShownAt, Log: w.log(),
		Intake: intake.Options{Dates: intake.DateOrder(w.config.Attestation.Dates)}}
	if job.Exceptions, err = w.exceptionsJob(partners); err != nil {
		return job, err
	}
	if job.Titles, err = reports.ExceptionHeaders(); err != nil {
		return job, err
	}
	if dates != "" {
		var order config.DateOrder
		if err := order.UnmarshalText([]byte(dates)); err != nil {
			return job, usageError{fmt.Errorf("--dates %w", err)}
		}
		job.Intake.Dates = intake.DateOrder(order)
	}
	if encoding != "" {
		if job.Intake.Encoding, err = charset.Parse(encoding); err != nil {
			return job, usageError{fmt.Errorf("--encoding: %w", err)}
		}
	}
	return job, nil
}

func (w *workspace) exceptionsJob(wanted []string) (jobs.Exceptions, error) {
	selected, err := w.config.Select(wanted)
	if err != nil {
		return jobs.Exceptions{}, usageError{err}
	}
	today, err := w.today()
	job := jobs.Exceptions{Store: w.ledger, Now: w.Now, Today: today}
	for _, p := range selected {
		job.Partners = append(job.Partners, partnerOf(p).Partner)
	}
	return job, err
}

// today is the day in the time zone of the reports.
func (w *workspace) today() (standing.Date, error) {
	zone, err := w.config.Report.Location()
	if err != nil {
		return "", configError{err}
	}
	return standing.Date(w.Now().In(zone).Format(time.DateOnly)), nil
}

// maxPrinted is how many lines about single rows are printed; the result file and the JSON have
// all.
const maxPrinted = 20

func (a *app) printExceptions(done jobs.ImportedExceptions, dryRun bool) {
	for _, note := range done.Notes {
		a.printf("%s\n", note)
	}
	for i, f := range done.Refusals {
		if i == maxPrinted {
			a.printf("… and %d more\n", len(done.Refusals)-i)
			break
		}
		place := a.sprintf("line %d", f.Line)
		if f.Sheet != "" {
			place = a.sprintf("sheet %s, %s", f.Sheet, place)
		}
		if f.Column != "" {
			place = a.sprintf("%s, column %s", place, f.Column)
		}
		a.printf("%s: %s. %s\n", place, f.Message, f.Hint)
	}
	if dryRun {
		a.printf("Dry run: nothing is kept.\n")
	}
	a.printf("%s: exceptions taken: %d (removed: %d), unchanged: %d, refused: %d; rows that say nothing: %d\n",
		done.Path,
		done.Taken, done.Removed, done.Unchanged, done.Refused, done.Empty)
	if done.Kept > 0 {
		a.printf("  empty rows whose customers keep their exception: %d; to remove one, write - into a cell\n",
			done.Kept)
	}
	if done.RefusedFile != "" {
		a.printf("  the refused rows, to correct and import again: %s\n", done.RefusedFile)
	}
}

type exceptionListReply struct {
	envelope
	Exceptions []listedException `json:"exceptions"`
}

// listedException is an exception in JSON; its names are a contract.
type listedException struct {
	Partner       string                 `json:"partner"`
	TenantID      string                 `json:"tenant_id"`
	Customer      string                 `json:"customer"`
	Domain        string                 `json:"domain"`
	Status        ledger.ExceptionStatus `json:"status"`
	Owner         string                 `json:"owner"`
	DueDate       standing.Date          `json:"due_date"`
	Comment       string                 `json:"comment"`
	AcceptedUntil standing.Date          `json:"accepted_until"`
	Standing      standing.Standing      `json:"standing"` // empty: no customer any more
	BlockedSince  *time.Time             `json:"blocked_since"`
	SetBy         string                 `json:"set_by"`
	SetAt         time.Time              `json:"set_at"`
	File          string                 `json:"file"` // empty: set by command
}

func (a *app) exceptionsListCommand() *cobra.Command {
	r := &exceptionListReply{envelope: envelope{Command: "exceptions list"}, Exceptions: []listedException{}}
	var partners []string
	cmd := a.command("list", "list the exceptions, the most urgent first", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			job, err := w.exceptionsJob(partners)
			if err != nil {
				return err
			}
			entries, err := job.List(ctx)
			if err != nil {
				return databaseError{err}
			}
			names := map[string]string{}
			for _, p := range job.Partners {
				names[p.ID] = p.Name
			}
			for _, e := range entries {
				r.Exceptions = append(r.Exceptions, listedExceptionOf(e, names[e.PartnerID], job.Today))
			}
			a.printExceptionList(r.Exceptions)
			return nil
		}))
	cmd.Flags().StringSliceVar(&partners, "partner", nil,
		"only customers of this partner (name or tenant id; may be repeated)")
	return example(cmd, "mcaledger exceptions list")
}

func listedExceptionOf(e ledger.ExceptionEntry, partner string, today standing.Date) listedException {
	listed := listedException{Partner: partner, TenantID: e.CustomerID, Customer: e.Customer.Name,
		Domain: e.Customer.Domain, Status: e.Status(today),
		Owner: e.Owner, DueDate: e.DueOn, Comment: e.Comment, AcceptedUntil: e.AcceptedUntil, Standing: e.Standing,
		SetBy: e.Actor.Name, SetAt: e.At,
		File: e.File}
	if !e.BlockedSince.IsZero() {
		listed.BlockedSince = &e.BlockedSince
	}
	return listed
}

func (a *app) printExceptionList(listed []listedException) {
	if len(listed) == 0 {
		a.answerf("No exception is recorded.\n")
	}
	list := table{columns: []column{left("STATUS"), left("CUSTOMER"), left("PARTNER"), left("OWNER"), left("DUE"),
		left("ACCEPTED UNTIL"), left("NOW"), left("SET BY"), left("SET (UTC)"), left("COMMENT")}}
	for _, e := range listed {
		now := string(e.Standing)
		if now == "" {
			now = a.sprintf("no customer")
		}
		list.add(e.Status, e.Customer, e.Partner, e.Owner, e.DueDate, e.AcceptedUntil, now, e.SetBy,
			e.SetAt.Format("2006-01-02 15:04"), e.Comment)
	}
	a.answer(list)
}

func (a *app) exceptionsSetCommand() *cobra.Command {
	r := &bare{envelope{Command: "exceptions set"}}
	var given, partners []string
	var by func() attestation.Actor
	var cmd *cobra.Command
	owner, due, comment, until := "", "", "", ""
	cmd = a.command("set", "set or change the exception of one customer", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			job, err := w.exceptionsJob(partners)
			if err != nil {
				return err
			}
			job.By = by()
			says, err := intake.ExceptionOf(changed(cmd, "owner", owner), changed(cmd, "due", due),
				changed(cmd, "comment", comment), changed(cmd, "accepted-until", until))
			if err != nil {
				return usageError{err}
			}
			e, err := job.Set(ctx, given[0], says)
			if err == nil && e.Removed {
				a.printf("customer %s has no exception any more\n", e.CustomerID)
			} else if err == nil {
				a.printf("customer %s: owner %q, due %q, accepted until %q, comment %q\n", e.CustomerID, e.Owner,
					e.DueOn, e.AcceptedUntil, e.Comment)
			}
			return err
		}))
	f := cmd.Flags()
	by = a.byFlag(cmd)
	f.StringVar(&owner, "owner", "", "who deals with it")
	f.StringVar(&due, "due", "", "until when, such as 2026-05-31")
	f.StringVar(&comment, "comment", "", "anything")
	f.StringVar(&until, "accepted-until", "", "the last day on which the block is accepted, such as 2026-12-31")
	f.StringSliceVar(&partners, "partner", nil, "the partner whose customer it is (name or tenant id)")
	example(cmd, "mcaledger exceptions set fabrikam.com --owner Ana --accepted-until 2026-12-31 --comment seasonal")
	return withArguments(cmd, "CUSTOMER", exactly(1), &given)
}

// changed is the value of a flag that was given; nil: it was not.
func changed(cmd *cobra.Command, name, value string) *string {
	if !cmd.Flags().Changed(name) {
		return nil
	}
	return &value
}

func (a *app) exceptionsRemoveCommand() *cobra.Command {
	r := &bare{envelope{Command: "exceptions remove"}}
	var given, partners []string
	var by func() attestation.Actor
	cmd := a.command("remove", "remove the exception of one customer", r, a.withWorkspace(func(ctx context.Context,
		w *workspace) error {
		job, err := w.exceptionsJob(partners)
		if err != nil {
			return err
		}
		job.By = by()
		e, err := job.Remove(ctx, given[0])
		if err == nil {
			a.printf("customer %s has no exception any more\n", e.CustomerID)
		}
		return err
	}))
	by = a.byFlag(cmd)
	cmd.Flags().StringSliceVar(&partners, "partner", nil, "the partner whose customer it is (name or tenant id)")
	example(cmd, "mcaledger exceptions remove fabrikam.com")
	return withArguments(cmd, "CUSTOMER", exactly(1), &given)
}
