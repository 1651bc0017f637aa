package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
	"github.com/mcaledger/mcaledger/reports"
)

type reportReply struct {
	head
	File   string         `json:"file"`
	Sheets map[string]int `json:"sheets"`
}

// reporting is what a report is asked for.
type reporting struct {
	partners []string // names or tenant ids; empty: all
	run      int64    // 0: the newest run of every partner
	against  int64    // 0: the run of the night before
	asOf     string   // an instant, RFC 3339; empty: now, or as the run wants it
	format   string   // xlsx, csv or json
	sheets   []string // empty: all
	out      string   // empty: in report.dir; "-": stdout
}

func (a *app) reportCommand() *cobra.Command {
	r := &reportReply{head: head{Command: "report"}, Sheets: map[string]int{}}
	var how reporting
	cmd := a.command("report", "write the workbook of the last completed run, or of any other", r, func() error {
		if err := how.check(a.json); err != nil {
			return usageError{err}
		}
		c, err := a.load()
		if err != nil {
			return err
		}
		partners, err := c.Select(how.partners)
		if err != nil {
			return usageError{err}
		}
		if len(how.partners) > 0 && how.out == "" {
			return usageError{errors.New("a report of some partners needs --out: what is in report.dir is of all")}
		}
		s, err := a.open(c)
		if err != nil {
			return err
		}
		defer s.Close()
		return a.report(r, c, partners, s, how)
	})
	f := cmd.Flags()
	f.StringSliceVar(&how.partners, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	f.Int64Var(&how.run, "run", 0, "report this run as it was reported then, not the newest (mcaledger runs lists them)")
	f.Int64Var(&how.against, "against", 0, "count changes from this run, not from the one of the night before")
	f.StringVar(&how.asOf, "as-of", "", "show what was known at this instant, which the sheet About of every workbook names")
	f.StringVar(&how.format, "format", "xlsx", "xlsx for people; csv (one sheet) or json for machines")
	f.StringSliceVar(&how.sheets, "sheet", nil, "only this sheet (may be repeated): "+strings.Join(reports.BookSheetNames(), ", "))
	f.StringVar(&how.out, "out", "", "file to write instead of one in report.dir; - is stdout (csv and json)")
	return cmd
}

// check refuses what cannot be reported, before anything is opened.
func (how *reporting) check(replyOnStdout bool) error {
	names := reports.SheetNames() // those that are tables
	if how.format == "xlsx" {
		names = reports.BookSheetNames()
	}
	for i, sheet := range how.sheets {
		known := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, sheet) })
		if known < 0 {
			return fmt.Errorf("--sheet %q is none of %s", sheet, strings.Join(names, ", "))
		}
		how.sheets[i] = names[known]
	}
	how.sheets = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(how.sheets, name) }) // in the workbook's order
	switch {
	case how.format != "xlsx" && how.format != "csv" && how.format != "json":
		return fmt.Errorf("--format %q is none of xlsx, csv, json", how.format)
	case how.format == "csv" && len(how.sheets) != 1:
		return errors.New("a CSV file holds one sheet: name it with --sheet")
	case how.out == "-" && how.format == "xlsx":
		return errors.New("a workbook cannot go to stdout: name a file with --out")
	case how.out == "-" && replyOnStdout:
		return errors.New("--json writes its reply to stdout: name a file with --out")
	}
	return nil
}

// name is the file's name in report.dir: a day's for the newest run, so that tomorrow's is another; the run's for a past one.
func (how reporting) name(day time.Time) string {
	name := day.Format(time.DateOnly)
	if how.run != 0 {
		name = fmt.Sprintf("run-%d", how.run)
	}
	if at := strings.ReplaceAll(how.asOf, ":", ""); at != "" && how.run != 0 {
		name += "-as-of-" + at
	} else if at != "" {
		name = "as-of-" + at
	}
	if how.against != 0 {
		name += fmt.Sprintf("-against-%d", how.against)
	}
	return name + how.ending()
}

// usual is the report of the morning: the whole workbook of the newest runs of all partners.
func (how reporting) usual() bool {
	return how.run == 0 && how.against == 0 && how.asOf == "" && how.format == "xlsx" && len(how.sheets) == 0 && len(how.partners) == 0
}

func (how reporting) ending() string {
	return strings.Join(append([]string{""}, append(slices.Clone(how.sheets), how.format)...), ".")
}

func (a *app) report(r *reportReply, c config.Config, partners []config.Partner, s *store.Store, how reporting) error {
	written, err := a.writeReport(c, partners, s, how)
	r.File = written.file
	for _, sheet := range written.sheets {
		r.Sheets[sheet.Sheet] = sheet.Rows
	}
	if written.file != "" && how.out != "-" {
		a.printf("%s\n", written.file)
	}
	return err
}

// written is a workbook in its place.
type written struct {
	file   string
	sheets []reports.SheetRows
}

// failedChecksError: the report is written, and it says that numbers do not add up.
type failedChecksError struct{ text string }

func (e failedChecksError) Error() string { return e.text }

// writeReport writes the report into its place in one step.
func (a *app) writeReport(c config.Config, partners []config.Partner, s *store.Store, how reporting) (w written, err error) {
	location, err := c.Report.Location()
	if err != nil {
		return w, configError{err}
	}
	job := jobs.Report{Run: how.run, Against: how.against}
	if how.asOf != "" {
		if job.AsOf, err = time.Parse(time.RFC3339Nano, how.asOf); err != nil || job.AsOf.IsZero() {
			return w, usageError{fmt.Errorf("--as-of %q is no instant such as 2026-11-22T05:30:00Z", how.asOf)}
		}
	}
	for _, p := range partners {
		job.Partners = append(job.Partners, partnerOf(p))
	}
	book := reports.Book{AsOf: a.now(), Location: location, Language: string(c.Report.Language), Version: programVersion(), Sheets: how.sheets,
		Against: how.against}
	if book.Partners, book.Through, err = job.Find(a.ctx, s, book.AsOf); err != nil {
		if isA[jobs.SelectionError](err) {
			err = usageError{err}
		}
		return w, err
	}
	if !slices.ContainsFunc(book.Partners, func(p reports.PartnerRun) bool { return p.Run != nil || p.Failed != nil }) {
		if how.asOf != "" {
			return w, usageError{fmt.Errorf("no run had ended by %s (--as-of); mcaledger runs lists them", how.asOf)}
		}
		return w, errors.New("there is no run to report yet: mcaledger reconcile makes one")
	}
	w.file = how.out
	if how.out == "" {
		w.file = filepath.Join(c.Report.Dir, how.name(a.AsOf.In(location)))
		if err := os.MkdirAll(c.Report.Dir, 0o750); err != nil {
			return written{}, fmt.Errorf("make report.dir: %w", err)
		}
	}
	failing := 0
	write := func(to io.Writer) error {
		var made reports.Written
		switch how.format {
		case "csv":
			made, err = reports.WriteCSV(a.ctx, to, book, s, how.sheets[0])
		case "json":
			made, err = reports.WriteJSON(a.ctx, to, book, s, how.sheets...)
		default:
			made, err = reports.Write(a.ctx, to, book, s)
		}
		w.sheets, failing = made.Sheets, made.Failing
		return err
	}
	if how.out == "-" {
		err = write(a.Stdout)
	} else {
		err = replace(w.file, write)
	}
	if err != nil {
		return written{}, fmt.Errorf("write the report %s: %w", w.file, err)
	}
	if how.usual() {
		if err := s.Reported(a.ctx, newestRuns(book), book.Through); err != nil {
			return w, fmt.Errorf("note what was reported: %w", err)
		}
	}
	if how.out == "" && how.run == 0 && how.against == 0 && how.asOf == "" {
		if err := keepNewest(w.file, how.ending(), c.Report.Keep); err != nil {
			return w, fmt.Errorf("take old reports away: %w", err)
		}
	}
	return w, outcomeOf(book, failing)
}

// newestRuns are the runs of which the report is that of their own morning, not of a later one on which nothing newer was to be had.
func newestRuns(book reports.Book) (ids []int64) {
	for _, p := range book.Partners {
		if p.Run != nil && p.Failed == nil && p.Unfinished == nil {
			ids = append(ids, p.Run.ID)
		}
	}
	return ids
}

// outcomeOf says of a report that was written whether its figures are to be believed and new; failing is how many of its checks do not hold.
func outcomeOf(book reports.Book, failing int) error {
	var failed, old []string
	for _, p := range book.Partners {
		switch {
		case p.Failed != nil:
			failed = append(failed, p.Partner.Name)
		case p.Run == nil || p.Unfinished != nil || p.Stale:
			old = append(old, p.Partner.Name) // which one of its checks says
		}
	}
	switch {
	case len(failed) > 0:
		return failedChecksError{fmt.Sprintf("the checks of the last run of %s do not balance; the report shows the run before and says which", strings.Join(failed, ", "))}
	case failing > len(old):
		return failedChecksError{fmt.Sprintf("%d of the report's checks do not balance: what it shows is not what was counted", failing-len(old))}
	case len(old) > 0:
		return partialError{"figures_are_old", fmt.Sprintf("nothing new was read to its end of %s; the report says so, and shows what there was before", strings.Join(old, ", ")),
			"mcaledger reconcile goes on where it was, and says why if it cannot."}
	}
	return nil
}

// keepNewest takes all but the newest of the reports with an ending out of the folder of the one that was just written, which always stays. What
// does not have the name of a day's report stays, too.
func keepNewest(written, ending string, keep int) error {
	folder := filepath.Dir(written)
	entries, err := os.ReadDir(folder) // sorted by name, and so by day
	if err != nil {
		return err
	}
	var others []string
	for _, entry := range entries {
		day, ours := strings.CutSuffix(entry.Name(), ending)
		if _, err := time.Parse(time.DateOnly, day); err == nil && ours && entry.Type().IsRegular() && entry.Name() != filepath.Base(written) {
			others = append(others, entry.Name())
		}
	}
	for _, old := range others[:max(0, len(others)+1-keep)] {
		if err := os.Remove(filepath.Join(folder, old)); err != nil && !errors.Is(err, os.ErrNotExist) { // another report may tidy up, too
			return err
		}
	}
	return nil
}

// replace writes a file beside its place and renames it, so that nobody ever opens half of one. A link stays a link; what is
// there and is no file, such as a device, is left alone. The group may read it: finance is another user than cron's.
func replace(path string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if there, err := os.Stat(path); err == nil && !there.Mode().IsRegular() {
		return &os.PathError{Op: "replace", Path: path, Err: errors.New("it is there, and it is not a file")}
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	err = write(file)
	if err == nil {
		err = file.Chmod(0o640)
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
