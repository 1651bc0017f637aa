package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/reports"
)

// Report writes a workbook, or one of its forms for machines.
type Report struct {
	Show        Selection
	AllPartners bool     // Show has every configured partner
	Format      string   // xlsx, csv or json
	Sheets      []string // by their English names; empty: all
	PrintSet    bool     // the sheets that are worth printing, and no others
	Split       Split    // empty: one report of everybody; for RunSplit
	Out         string   // the file to write; empty: one in Dir; "-": Stdout
	Dir         string
	Keep        int // newest daily reports in Dir; older ones are removed
	Location    *time.Location
	Language    string
	Version     string // of the program
	Ledger      ReportLedger
	Stdout      io.Writer
	Now         func() time.Time
	Watch       Watch
	Actor       attestation.Actor
	Day         time.Time // names the file of a daily report: a night may go on past midnight
}

// ReportLedger is what a report asks of the ledger.
type ReportLedger interface {
	Runs
	reports.Source
	// RecordReport records the report, so that the same one can be made again.
	RecordReport(ctx context.Context, report ledger.WrittenReport, actor attestation.Actor, at time.Time) error
	HeadFinder
}

// ReportFile is a report in its place.
type ReportFile struct {
	Path       string // "-": stdout
	Kept       string // a changed or signed workbook that was left in place; Path has another name. Empty: none
	Sheets     []reports.SheetRows
	SHA256     string // of the data of a workbook
	Unrecorded bool   // the ledger does not know of it: this user may only read the ledger
}

// isReadOnly reports whether an error means that the user may read the ledger and not write to it.
func isReadOnly(err error) bool {
	var e interface{ ReadOnly() bool }
	return errors.As(err, &e) && e.ReadOnly()
}

// Check refuses a request that cannot be met, before anything is opened, and puts the sheets into
// the workbook's order.
func (j *Report) Check() error {
	if j.PrintSet {
		if j.Format != "" && j.Format != "xlsx" || len(j.Sheets) > 0 {
			return usageErrorf("--print-set is a workbook of certain sheets: leave --format and --sheet out")
		}
		j.Sheets = reports.PrintSheetNames()
	}
	if err := j.chooseFormat(); err != nil {
		return err
	}
	names := reports.SheetNames() // those that are tables
	if j.Format == "xlsx" {
		names = reports.BookSheetNames()
	}
	for i, sheet := range j.Sheets {
		known := slices.IndexFunc(names, func(name string) bool { return reports.IsSheet(name, sheet) })
		if known < 0 {
			return usageErrorf("--sheet %q must be one of %s", sheet, strings.Join(names, ", "))
		}
		j.Sheets[i] = names[known]
	}
	j.Sheets = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(j.Sheets, name) })
	switch {
	case j.Format != "xlsx" && j.Format != "csv" && j.Format != "json":
		return usageErrorf("--format %q must be xlsx, csv or json", j.Format)
	case j.Format == "csv" && len(j.Sheets) != 1:
		return usageErrorf("a CSV file holds one sheet: name it with --sheet")
	case j.Out == "-" && j.Format == "xlsx":
		return usageErrorf("a workbook cannot go to stdout: name a file with --out")
	}
	return nil
}

// chooseFormat takes the format that the file's name says, where none is asked for, and refuses one
// that it contradicts.
func (j *Report) chooseFormat() error {
	named := strings.TrimPrefix(strings.ToLower(filepath.Ext(j.Out)), ".")
	if !slices.Contains([]string{"xlsx", "csv", "json"}, named) {
		named = ""
	}
	if j.Format != "" && named != "" && j.Format != named {
		return usageErrorf("--format %s contradicts the name of --out %s", j.Format, j.Out)
	}
	j.Format = cmp.Or(j.Format, named, "xlsx")
	return nil
}

// ErrNothingToReport: no run has ended yet.
var ErrNothingToReport = errors.New("there is no run to report yet: mcaledger reconcile makes one")

// Run selects the runs, writes the report, notes that they were reported, and removes the oldest
// reports.
func (j Report) Run(ctx context.Context) (done ReportFile, err error) {
	book, err := j.book(ctx)
	if err != nil {
		return done, err
	}
	done, failing, err := j.write(ctx, book, j.Ledger)
	if err != nil {
		return ReportFile{}, err
	}
	if j.isDaily() {
		report := ledger.WrittenReport{File: filepath.Base(done.Path), SHA256: done.SHA256, Newest: newestRuns(book),
			AsOf: book.AsOf}
		err := j.Ledger.RecordReport(ctx, report, j.Actor, book.MadeAt)
		if done.Unrecorded = isReadOnly(err); err != nil && !done.Unrecorded {
			return done, fmt.Errorf("record the report: %w", err)
		}
	}
	if j.Out == "" && j.ofNewestRuns() {
		if err := j.keepNewest(ctx, done.Path); err != nil {
			return done, fmt.Errorf("remove old reports: %w", err)
		}
	}
	return done, reportError(book, failing)
}

// book is what the report shows.
func (j Report) book(ctx context.Context) (reports.Book, error) {
	now := j.Now()
	book := reports.Book{MadeAt: now, Location: j.Location, Language: j.Language, Version: j.Version, Sheets: j.Sheets,
		Against: j.Show.Against}
	if !j.AllPartners && j.Out == "" {
		return book, usageErrorf("a report of some partners needs --out: the reports in report.dir are of all partners")
	}
	var err error
	if book.Partners, book.AsOf, err = j.Show.Find(ctx, j.Ledger, now); err != nil {
		return book, err
	}
	if book.LeftOut, err = j.Show.LeftOut(ctx, j.Ledger, book.AsOf); err != nil {
		return book, err
	}
	if !slices.ContainsFunc(book.Partners, func(p reports.PartnerRun) bool { return p.Run != nil || p.Failed != nil }) {
		if !j.Show.AsOf.IsZero() {
			return book, usageErrorf("no run had ended by %s (--as-of); mcaledger runs lists them",
				j.Show.AsOf.Format(time.RFC3339Nano))
		}
		return book, ErrNothingToReport
	}
	return book, nil
}

// write writes the report into its place in one step.
func (j Report) write(ctx context.Context, book reports.Book, source reports.Source) (
	done ReportFile, failing int, err error) {

	fill := func(to io.Writer) error {
		made, err := j.fill(ctx, to, book, source)
		done.Sheets, done.SHA256, failing = made.Sheets, made.SHA256, made.Failing
		return err
	}
	if done.Path, done.Kept, err = j.target(ctx); err != nil {
		return done, failing, err
	}
	if j.Out == "-" {
		err = fill(j.Stdout)
	} else {
		err = tryAgain(func() error { return j.writeFile(done.Path, fill) })
	}
	if err != nil {
		return done, failing, fmt.Errorf("write the report %s: %w", done.Path, err)
	}
	return done, failing, nil
}

// reportTries is how often a report is written when other processes write to the ledger meanwhile.
const reportTries = 4

// tryAgain writes a report again while the ledger changes under it.
func tryAgain(write func() error) (err error) {
	for range reportTries {
		if err = write(); !errors.Is(err, reports.ErrLedgerChanged) {
			break
		}
	}
	return err
}

func (j Report) writeFile(path string, fill func(io.Writer) error) error {
	if j.Out == "" {
		return j.writeInDir(path, fill)
	}
	return atomicfile.Write(path, resultPerm, fill)
}

// path is where the report goes in Dir.
func (j Report) path() string { return filepath.Join(j.Dir, j.fileName(j.Day.In(j.Location))) }

// target is where the report goes. A workbook that is to be kept stays, and the report gets another
// name.
func (j Report) target(ctx context.Context) (path, kept string, err error) {
	if path = j.Out; path == "" {
		path = j.path()
	}
	if j.Format != "xlsx" {
		return path, "", nil
	}
	extension := filepath.Ext(path)
	for n := 1; n < 1000; n++ {
		candidate := path
		if n > 1 {
			candidate = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(path, extension), n, extension)
		}
		info, err := os.Stat(candidate)
		if err != nil || !info.Mode().IsRegular() { // writing returns the error
			return candidate, kept, nil
		}
		replaceable, err := j.replaceable(ctx, candidate)
		if err != nil {
			return "", "", fmt.Errorf("read the report that is there: %w", err)
		}
		if replaceable {
			return candidate, kept, nil
		}
		kept = path
	}
	return "", "", fmt.Errorf("%s and a thousand more of that name are to be kept: name another file with --out", path)
}

// replaceable reports whether a workbook may be replaced or removed: nobody changed, signed or made
// it read-only since it was written, and the ledger has all that it shows. One that shows more
// proves that the ledger was put back.
func (j Report) replaceable(ctx context.Context, path string) (bool, error) {
	untouched, err := xlsx.Untouched(path)
	if err != nil || !untouched {
		return false, err
	}
	_, known, err := knownHead(ctx, j.Ledger, path)
	return known, err
}

func (j Report) writeInDir(path string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(j.Dir, 0o750); err != nil {
		return fmt.Errorf("make report.dir: %w", err)
	}
	root, err := os.OpenRoot(j.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return atomicfile.WriteIn(root, filepath.Base(path), resultPerm, fill)
}

func (j Report) fill(ctx context.Context, to io.Writer, book reports.Book, from reports.Source) (
	reports.Written, error) {

	source := watchedSource{Source: from, told: j.Watch.task("report: customers")}
	for _, p := range book.Partners {
		if p.Run != nil {
			source.expected += p.Run.Totals.Listed
		}
	}
	switch j.Format {
	case "csv":
		return reports.WriteCSV(ctx, to, book, source, j.Sheets[0])
	case "json":
		return reports.WriteJSON(ctx, to, book, source, j.Sheets...)
	}
	return reports.Write(ctx, to, book, source)
}

// fileName is the file's name in Dir: a day's for the newest runs, so that tomorrow's is another;
// the run's for a past one.
func (j Report) fileName(day time.Time) string {
	name := day.Format(time.DateOnly)
	if j.Show.Run != 0 {
		name = fmt.Sprintf("run-%d", j.Show.Run)
	}
	at := strings.ReplaceAll(j.Show.AsOf.Format(time.RFC3339Nano), ":", "")
	switch {
	case j.Show.AsOf.IsZero():
	case j.Show.Run != 0:
		name += "-as-of-" + at
	default:
		name = "as-of-" + at
	}
	if j.Show.Against != 0 {
		name += fmt.Sprintf("-against-%d", j.Show.Against)
	}
	return name + j.extension()
}

func (j Report) extension() string {
	if j.PrintSet {
		return ".print.xlsx"
	}
	extension := strings.Join(append([]string{""}, append(slices.Clone(j.Sheets), j.Format)...), ".")
	return strings.ReplaceAll(extension, " ", "_")
}

func (j Report) ofNewestRuns() bool {
	return j.Show.Run == 0 && j.Show.Against == 0 && j.Show.AsOf.IsZero()
}

// isDaily reports whether this is the daily report: the whole workbook of the newest runs of all
// partners.
func (j Report) isDaily() bool {
	return j.ofNewestRuns() && j.AllPartners && j.Format == "xlsx" && len(j.Sheets) == 0
}

// newestRuns are the runs that are reported on their own morning, not on a later one that had
// nothing newer.
func newestRuns(book reports.Book) (ids []int64) {
	for _, p := range book.Partners {
		if p.Run != nil && p.Failed == nil && p.Unfinished == nil {
			ids = append(ids, p.Run.ID)
		}
	}
	return ids
}

// FailedChecksError: the report is written, and it says that figures cannot be relied on.
type FailedChecksError struct{ message string }

func (e *FailedChecksError) Error() string { return e.message }
func (e *FailedChecksError) Code() string  { return "unbalanced" }
func (e *FailedChecksError) Hint() string {
	return "The next run tries again; the sheet Checks has the numbers."
}

// reportError says of a report that was written whether its figures can be relied on and are new;
// failing is how many of its checks failed.
func reportError(book reports.Book, failing int) error {
	var failed, old []string
	for _, p := range book.Partners {
		switch {
		case p.Failed != nil:
			failed = append(failed, p.Partner.Name)
		case p.Run == nil || p.Unfinished != nil || p.Stale:
			old = append(old, p.Partner.Name) // one of the report's checks says so
		}
	}
	switch {
	case len(failed) > 0:
		return &FailedChecksError{fmt.Sprintf("the checks of the last run of %s failed; the report shows the run "+
			"before "+
			"and says which", strings.Join(failed, ", "))}
	case failing > len(old):
		return &FailedChecksError{fmt.Sprintf("%s of the report failed: its figures contradict each other",
			plural(failing-len(old), "check"))}
	case len(old) > 0:
		return partialHint("figures_are_old",
			fmt.Sprintf("the last run of %s is old or was not completed; the report says "+
				"so and shows the figures from before", strings.Join(old, ", ")),
			"mcaledger reconcile continues where it was, and says why if it cannot.")
	}
	return nil
}

// keepNewest removes all but the newest of the daily workbooks beside the one that was just
// written, which always stays. Only files that this program wrote and that may be replaced are
// removed. A CSV or JSON file does not tell whether it was changed, and stays.
func (j Report) keepNewest(ctx context.Context, written string) error {
	extension := j.extension()
	if filepath.Ext(extension) != ".xlsx" {
		return nil
	}
	folder := filepath.Dir(written)
	entries, err := os.ReadDir(folder) // sorted by name, and so by day
	if err != nil {
		return err
	}
	var others []string
	for _, entry := range entries {
		day, ours := strings.CutSuffix(entry.Name(), extension)
		day, _, _ = strings.Cut(day, " (") // written beside one that was changed
		_, err := time.Parse(time.DateOnly, day)
		if err == nil && ours && entry.Type().IsRegular() && entry.Name() != filepath.Base(written) {
			others = append(others, filepath.Join(folder, entry.Name()))
		}
	}
	for _, old := range others[:max(0, len(others)+1-j.Keep)] {
		replaceable, err := j.replaceable(ctx, old)
		if err == nil && replaceable {
			err = os.Remove(old)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another report may remove it, too
			return err
		}
	}
	return nil
}
