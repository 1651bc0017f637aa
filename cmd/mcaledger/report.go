package main

import (
	"context"
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
	"github.com/mcaledger/mcaledger/internal/run"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/reports"
)

type reportReply struct {
	head
	File   string         `json:"file"`
	Sheets map[string]int `json:"sheets"`
}

func (a *app) reportCommand() *cobra.Command {
	r := &reportReply{head: head{Command: "report"}, Sheets: map[string]int{}}
	var wanted []string
	out := ""
	cmd := a.command("report", "write the workbook of the last completed run", r, func() error {
		c, err := a.load()
		if err != nil {
			return err
		}
		partners, err := c.Select(wanted)
		if err != nil {
			return usageError{err}
		}
		if len(wanted) > 0 && out == "" {
			return usageError{errors.New("a report of some partners needs --out: the day's workbook in report.dir is of all")}
		}
		s, err := a.open(c)
		if err != nil {
			return err
		}
		defer s.Close()
		return a.report(r, c, partners, s, out)
	})
	cmd.Flags().StringSliceVar(&wanted, "partner", nil, "only this partner (name or tenant id; may be repeated)")
	cmd.Flags().StringVar(&out, "out", "", "file to write instead of one in report.dir")
	return cmd
}

func (a *app) report(r *reportReply, c config.Config, partners []config.Partner, s *store.Store, out string) error {
	written, err := a.writeReport(c, partners, s, out)
	r.File = written.file
	for _, sheet := range written.sheets {
		r.Sheets[sheet.Sheet] = sheet.Rows
	}
	if written.file != "" {
		a.say("%s\n", written.file)
	}
	return err
}

// written is a workbook in its place.
type written struct {
	file   string
	sheets []reports.SheetRows
}

// failedChecksError: the workbook is written, and it says that numbers do not add up.
type failedChecksError struct{ partners []string }

func (e failedChecksError) Error() string {
	return fmt.Sprintf("the checks of the last run of %s do not balance; the workbook shows the run before and says which", strings.Join(e.partners, ", "))
}

// writeReport writes the workbook of the partners' last completed runs into its place in one step.
func (a *app) writeReport(c config.Config, partners []config.Partner, s *store.Store, out string) (w written, err error) {
	location, err := c.Report.Location()
	if err != nil {
		return w, configError{err}
	}
	book := reports.Book{AsOf: a.AsOf, Location: location, Language: c.Report.Language, Version: programVersion()}
	var failed, old []string
	runs := 0
	for _, p := range partners {
		shown, err := partnerRun(a.ctx, s, p)
		if err != nil {
			return w, err
		}
		switch {
		case shown.Failed != nil:
			failed = append(failed, p.Name)
		case shown.Run == nil || shown.Unfinished != nil:
			old = append(old, p.Name)
		}
		if shown.Run != nil || shown.Failed != nil {
			runs++
		}
		book.Partners = append(book.Partners, shown)
	}
	if runs == 0 {
		return w, errors.New("there is no run to report yet: mcaledger reconcile makes one")
	}
	w.file = out
	if out == "" {
		w.file = filepath.Join(c.Report.Dir, a.AsOf.In(location).Format(bookName))
		if err := os.MkdirAll(c.Report.Dir, 0o750); err != nil {
			return written{}, fmt.Errorf("make report.dir: %w", err)
		}
	}
	err = replace(w.file, func(file io.Writer) error {
		w.sheets, err = reports.Write(a.ctx, file, book, s)
		return err
	})
	if err != nil {
		return written{}, fmt.Errorf("write the workbook %s: %w", w.file, err)
	}
	if out == "" {
		if err := keepNewest(c.Report.Dir, c.Report.Keep); err != nil {
			return w, fmt.Errorf("take old workbooks away: %w", err)
		}
	}
	switch {
	case len(failed) > 0:
		return w, failedChecksError{failed}
	case len(old) > 0:
		return w, partialError{"figures_are_old", fmt.Sprintf("the last run of %s was not finished; the workbook says so, and shows what there was before", strings.Join(old, ", ")),
			"mcaledger reconcile goes on where it was, and says why if it cannot."}
	}
	return w, nil
}

// keepNewest takes all but the newest workbooks out of a folder. What does not have the name of a workbook of ours stays.
func keepNewest(folder string, keep int) error {
	entries, err := os.ReadDir(folder) // sorted by name, and so by day
	if err != nil {
		return err
	}
	var books []string
	for _, entry := range entries {
		if _, err := time.Parse(bookName, entry.Name()); err == nil {
			books = append(books, entry.Name())
		}
	}
	for _, old := range books[:max(0, len(books)-keep)] {
		if err := os.Remove(filepath.Join(folder, old)); err != nil {
			return err
		}
	}
	return nil
}

// bookName is the name of a day's workbook.
const bookName = "2006-01-02.xlsx"

// partnerRun gathers the runs that a workbook shows of one partner.
func partnerRun(ctx context.Context, s *store.Store, p config.Partner) (shown reports.PartnerRun, err error) {
	id := strings.ToLower(p.TenantID)
	shown.Partner = run.Partner{ID: id, Name: p.Name, Kind: p.Kind}
	if shown.History, err = s.LastRuns(ctx, id, run.Completed, 30); err != nil {
		return shown, err
	}
	if len(shown.History) > 0 {
		shown.Run = &shown.History[0]
	}
	// What changed is counted from the night before, rechecks in between included.
	var night *run.Run
	for i, r := range shown.History {
		if r.Kind == run.Sweep {
			if night = &shown.History[i]; i+1 < len(shown.History) {
				shown.Against = &shown.History[i+1]
			}
			break
		}
	}
	if shown.Failed, err = later(ctx, s, id, night, run.Failed); err != nil {
		return shown, err
	}
	if shown.Unfinished, err = later(ctx, s, id, night, run.Running, run.Abandoned); err != nil {
		return shown, err
	}
	oldestFirst := slices.Clone(shown.History)
	slices.Reverse(oldestFirst)
	shown.History = oldestFirst
	return shown, nil
}

// later is the newest run in one of the states, if it is newer than the last night that was read to its end.
func later(ctx context.Context, s *store.Store, partnerID string, night *run.Run, states ...run.State) (newest *run.Run, err error) {
	for _, state := range states {
		runs, err := s.LastRuns(ctx, partnerID, state, 1)
		if err != nil {
			return nil, err
		}
		if len(runs) > 0 && (night == nil || runs[0].ID > night.ID) && (newest == nil || runs[0].ID > newest.ID) {
			newest = &runs[0]
		}
	}
	return newest, nil
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
