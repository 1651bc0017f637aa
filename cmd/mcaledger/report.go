package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/jobs"
	"github.com/mcaledger/mcaledger/reports"
)

type reportReply struct {
	envelope
	File       string `json:"file"`
	Unrecorded bool   `json:"unrecorded,omitempty"` // this user may only read the ledger
	// a workbook that somebody changed, and that was not replaced
	Kept   string         `json:"kept,omitempty"`
	Sheets map[string]int `json:"sheets"`
	Split  *splitReply    `json:"split,omitempty"`
}

// splitReply is the index of the workbooks of a split report.
type splitReply struct {
	Dir        string      `json:"dir"`
	Files      []partReply `json:"files"`
	Unassigned int         `json:"unassigned"` // customers that are in no file
}

type partReply struct {
	Partner    string         `json:"partner"`
	Reseller   string         `json:"reseller"`
	ResellerID string         `json:"reseller_id"`
	Owner      *string        `json:"owner,omitempty"` // "": customers of nobody
	File       string         `json:"file"`
	Kept       string         `json:"kept,omitempty"`
	Sheets     map[string]int `json:"sheets"`
}

func (r *reportReply) fill(done jobs.ReportFile) {
	r.File, r.Kept, r.Unrecorded = done.Path, done.Kept, done.Unrecorded
	r.Sheets = rowsOf(done)
}

func rowsOf(file jobs.ReportFile) map[string]int {
	rows := map[string]int{}
	for _, sheet := range file.Sheets {
		rows[sheet.Sheet] = sheet.Rows
	}
	return rows
}

func (r *reportReply) fillSplit(done jobs.SplitReport) {
	r.Split = &splitReply{Dir: done.Dir, Files: []partReply{}, Unassigned: done.Unassigned}
	for _, f := range done.Files {
		r.Split.Files = append(r.Split.Files, partReply{f.Partner.Name, f.Reseller.Name, f.Reseller.ID, f.Owner,
			f.Path, f.Kept, rowsOf(f.ReportFile)})
	}
}

// reportFlags are what a report is asked for.
type reportFlags struct {
	partners []string // names or tenant ids; empty: all
	run      int64    // 0: the newest run of every partner
	against  int64    // 0: the run of the night before
	asOf     string   // an instant, RFC 3339; empty: now, or as the run wants it
	format   string   // xlsx, csv or json
	sheets   []string // empty: all
	printSet bool
	split    string // see jobs.Split; empty: one report of everybody
	out      string // empty: in report.dir; "-": stdout
}

// check refuses what cannot be met before anything is opened.
func (f *reportFlags) check() error {
	request := jobs.Report{Format: f.format, Sheets: f.sheets, PrintSet: f.printSet, Out: f.out,
		AllPartners: len(f.partners) == 0, Split: jobs.Split(f.split)}
	if err := request.Check(); err != nil {
		return err
	}
	if f.split != "" {
		if err := request.CheckSplit(); err != nil {
			return err
		}
	}
	f.sheets, f.format = request.Sheets, request.Format
	return nil
}

func (a *app) reportCommand() *cobra.Command {
	r := &reportReply{envelope: envelope{Command: "report"}, Sheets: map[string]int{}}
	var flags reportFlags
	short := "write the workbook of the last completed run, or of any other"
	cmd := a.command("report", short, r, func(ctx context.Context) error {
		if err := flags.check(); err != nil {
			return err
		}
		if flags.out == "-" && a.json {
			return usageError{errors.New("--json writes its reply to stdout: name a file with --out")}
		}
		return a.withWorkspace(func(ctx context.Context, w *workspace) error {
			job, err := w.reportJob(flags)
			if err != nil {
				return err
			}
			if flags.split != "" {
				done, err := job.RunSplit(ctx)
				r.fillSplit(done)
				a.printSplit(done)
				return err
			}
			done, err := job.Run(ctx)
			r.fill(done)
			a.printReport(done)
			return err
		})(ctx)
	})
	cmd.Long = `report writes the workbook of the newest completed runs into report.dir, or any part of it, or of
any earlier run, elsewhere. It makes no network calls and needs no secret of Partner Center.`
	example(cmd, "mcaledger report", "mcaledger report --run 42 --out run-42.xlsx",
		"mcaledger report --sheet Blocked --out blocked.csv",
		"mcaledger report --format json --out - | jq .", "mcaledger report --split reseller",
		"mcaledger report --split owner")
	f := cmd.Flags()
	f.StringSliceVar(&flags.partners, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	f.Int64Var(&flags.run, "run", 0,
		"report this run as it was reported then, not the newest (mcaledger runs lists them)")
	f.Int64Var(&flags.against, "against", 0, "count changes from this run, not from the one of the night before")
	f.StringVar(&flags.asOf, "as-of", "",
		"show what was known at this instant, which the sheet About of every workbook names")
	formats(cmd, &flags.format, "xlsx for people; csv (one sheet) or json for machines (else as the name of --out "+
		"says)",
		"xlsx", "csv", "json")
	f.StringSliceVar(&flags.sheets, "sheet", nil,
		"only this sheet (may be repeated): "+strings.Join(reports.BookSheetNames(), ", "))
	f.BoolVar(&flags.printSet, "print-set", false, "only the sheets that are worth printing")
	f.StringVar(&flags.split, "split", "",
		"reseller: a workbook for each indirect reseller, with its customers alone, in a folder; owner: one for "+
			"each owner of exceptions, and one for the other customers")
	cmd.RegisterFlagCompletionFunc("split", words(jobs.Splits()...).function(-1))
	f.StringVar(&flags.out, "out", "", "file to write instead of one in report.dir; - is stdout (csv and json)")
	return cmd
}

// reportJob wires a report.
func (w *workspace) reportJob(flags reportFlags) (job jobs.Report, err error) {
	c := w.config
	job = jobs.Report{
		Show:   jobs.Selection{Run: flags.run, Against: flags.against},
		Format: flags.format, Sheets: flags.sheets, PrintSet: flags.printSet, Out: flags.out,
		Split:       jobs.Split(flags.split),
		AllPartners: len(flags.partners) == 0,
		Dir:         c.Report.Dir, Keep: c.Report.Keep, Language: string(c.Report.Language), Version: programVersion(),
		Ledger: w.ledger, Stdout: w.stdout(), Now: w.Now, Watch: w.progress.watch, Day: w.began, Actor: program(),
	}
	if job.Location, err = c.Report.Location(); err != nil {
		return job, configError{err}
	}
	if flags.asOf != "" {
		if job.Show.AsOf, err = time.Parse(time.RFC3339Nano, flags.asOf); err != nil || job.Show.AsOf.IsZero() {
			return job, usageErrorf("--as-of %q must be an instant such as 2026-11-22T05:30:00Z", flags.asOf)
		}
	}
	selected, err := c.Select(flags.partners)
	if err != nil {
		return job, usageError{err}
	}
	for _, p := range selected {
		job.Show.Partners = append(job.Show.Partners, partnerOf(p).Partner)
	}
	return job, nil
}

func (a *app) printReport(done jobs.ReportFile) {
	if done.Kept != "" {
		a.printf("%s is kept: somebody changed it since it was written, or it shows events that the ledger does not "+
			"have.\n",
			done.Kept)
	}
	if done.Path != "" && done.Path != "-" {
		a.printf("%s\n", done.Path)
	}
	if done.Unrecorded {
		a.printf("This user may only read the ledger, which therefore does not record the report.\n")
	}
}

func (a *app) printSplit(done jobs.SplitReport) {
	for _, f := range done.Files {
		a.printReport(f.ReportFile)
	}
	if done.Unassigned > 0 {
		a.printf("Customers in no workbook, because they have no indirect reseller or it is not known: %d\n",
			done.Unassigned)
	}
}
