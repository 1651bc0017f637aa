package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// ImportExceptions takes a list of exceptions into the ledger: a CSV, a workbook, or a report that
// was sent back with its columns filled in.
type ImportExceptions struct {
	Exceptions
	Intake intake.Options
	Titles map[string]string // headers of the reports' columns, in every language, and the keys of these columns
	// MadeAt reads when a report was made; ok is false for another file. Cells that still say what
	// the report said then are no change.
	MadeAt func(path string) (at time.Time, ok bool)
	Stdin  io.Reader
	DryRun bool // decide, and keep nothing
	Log    *slog.Logger
}

// ImportedExceptions is the result of importing a file of exceptions. Rows = Taken + Unchanged +
// Refused.
type ImportedExceptions struct {
	Path      string
	Sheets    []string // of a workbook
	Notes     []string // on how the file was read
	Rows      int      // with an exception
	Taken     int      // Removed is part of it
	Removed   int
	Unchanged int
	Refused   int
	Empty     int // lines with a customer that say nothing
	// Kept counts those of the Empty lines whose customers have an exception, which stays.
	Kept        int
	RefusedFile string // the refused rows, to correct and import again; empty: there is none
	Refusals    []RefusedRow
}

// RefusedRow is one reason why a row is refused.
type RefusedRow struct {
	Sheet  string
	Line   int
	Column string
	RefusedException
}

// ExceptionsFileError: nothing of a file is kept.
type ExceptionsFileError struct {
	path  string
	cause error
}

func (e *ExceptionsFileError) Error() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return e.cause.Error() // it names the file
	}
	return fmt.Sprintf("import exceptions from %s: %s", e.path, e.cause)
}
func (e *ExceptionsFileError) Unwrap() error { return e.cause }

// Code is the code of the cause.
func (e *ExceptionsFileError) Code() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return "file"
	}
	code, _ := Explain(e.cause)
	return code
}

// Hint says how to go on with the file.
func (e *ExceptionsFileError) Hint() string {
	if e.Code() == "file" {
		return "Correct the file and import it again; nothing of it was kept."
	}
	return hintOf(e.cause)
}

// Run takes one file.
func (j ImportExceptions) Run(ctx context.Context, path string) (done ImportedExceptions, err error) {
	if strings.TrimSpace(j.By.Name) == "" {
		return done, usageErrorf("--by must not be empty: say who imports")
	}
	done.Path = path
	file, err := j.open(path)
	if err != nil {
		return done, &ExceptionsFileError{path, err}
	}
	defer file.Close()
	done.Sheets, done.Notes = file.Sheets(), file.Notes()
	d, err := j.decide(ctx, file, &done)
	if err != nil {
		return done, &ExceptionsFileError{path, err}
	}
	if !j.DryRun {
		if _, err := j.Store.SetExceptions(ctx, d.taken, j.By, j.Now()); err != nil {
			return done, &ExceptionsFileError{path, err}
		}
		if err := j.writeRefused(&done, file.Format(), d.refused); err != nil {
			return done, err
		}
	}
	j.Log.Info("exceptions imported", "file", path, "rows", done.Rows, "taken", done.Taken, "removed", done.Removed,
		"unchanged", done.Unchanged,
		"refused", done.Refused, "dry_run", j.DryRun)
	if done.Refused > 0 {
		return done, partialHint("rows_refused", plural(done.Refused, "row")+wasWere(done.Refused)+" refused",
			"Correct them in the file of refused rows and import that one.")
	}
	return done, nil
}

func (j ImportExceptions) open(path string) (*intake.ExceptionFile, error) {
	if path == StandardInput && j.Stdin != nil {
		return intake.ReadExceptions(j.Stdin, path, j.Titles, j.Intake)
	}
	return intake.OpenExceptions(path, j.Titles, j.Intake)
}

// exceptionDecision is what is decided about a file before anything of it is kept.
type exceptionDecision struct {
	taken   []ledger.Exception
	refused []intake.ExceptionResult
}

// exceptionRow is a row with an exception, and what its customer's exception would become.
type exceptionRow struct {
	intake.ExceptionRow
	customer ofCustomer
	next     ledger.Exception
}

// decide decides on every row of a file. The file's rows come in chunks; what they say is kept.
func (j ImportExceptions) decide(ctx context.Context, file *intake.ExceptionFile,
	done *ImportedExceptions) (d exceptionDecision, err error) {
	e := exceptionEntry{ImportExceptions: j, done: done, file: done.Path, changes: map[ofCustomer][]exceptionRow{},
		decision: &d}
	if e.now, err = j.at(ctx, j.Now()); err != nil {
		return d, err
	}
	if j.MadeAt != nil && done.Path != StandardInput {
		if made, ok := j.MadeAt(done.Path); ok {
			if e.base, err = j.at(ctx, made); err != nil {
				return d, err
			}
		}
	}
	var chunk []intake.ExceptionRow
	for row, err := range file.Rows() {
		if err != nil {
			return d, err
		}
		if row.Skip != "" {
			e.skip(row)
			continue
		}
		if chunk = append(chunk, row); len(chunk) == importChunk {
			if err := e.enter(ctx, chunk); err != nil {
				return d, err
			}
			chunk = chunk[:0]
		}
	}
	if err := e.enter(ctx, chunk); err != nil {
		return d, err
	}
	e.settle()
	return d, nil
}

// exceptionEntry is a file of exceptions while its rows are decided on.
type exceptionEntry struct {
	ImportExceptions
	file     string
	now      map[ofCustomer]ledger.Exception
	base     map[ofCustomer]ledger.Exception // as the report showed them; nil: not known
	changes  map[ofCustomer][]exceptionRow   // rows that change an exception
	order    []ofCustomer
	done     *ImportedExceptions
	decision *exceptionDecision
}

// skip counts a line that says nothing.
func (e *exceptionEntry) skip(row intake.ExceptionRow) {
	if row.Skip != intake.NoException {
		return
	}
	e.done.Empty++
	for _, p := range e.Partners {
		if _, has := e.now[ofCustomer{p.ID, row.Says.TenantID}]; has {
			e.done.Kept++
			return
		}
	}
}

// enter decides on a chunk of rows, each by itself.
func (e *exceptionEntry) enter(ctx context.Context, chunk []intake.ExceptionRow) error {
	var named []attestation.Identity
	for _, row := range chunk {
		named = append(named, identityIn(row.Says))
	}
	found, err := e.Store.Customers(ctx, e.partnerIDs(), named)
	if err != nil {
		return err
	}
	for i, row := range chunk {
		e.done.Rows++
		if len(row.Refusals) > 0 {
			e.refuseCells(row)
			continue
		}
		customer, refused := e.choose(row.Says, found[named[i]])
		if refused != nil {
			e.refuse(row, *refused)
			continue
		}
		e.add(row, ofCustomer{customer.PartnerID, customer.ID})
	}
	return nil
}

func identityIn(says intake.Exception) attestation.Identity {
	if says.TenantID != "" {
		return attestation.Identity{TenantID: says.TenantID}
	}
	return attestation.Identity{Domain: says.Domain}
}

// choose finds the one customer that a row means.
func (e *exceptionEntry) choose(says intake.Exception, found []attestation.Customer) (c attestation.Customer,
	refused *RefusedException) {
	if len(found) == 0 {
		return c, &RefusedException{NotOurCustomer, "no partner has such a customer now",
			"Check the tenant id; the exception of a customer that left needs no change"}
	}
	if id, known := e.partnerNamed(says.Partner); known {
		found = slices.DeleteFunc(slices.Clone(found), func(c attestation.Customer) bool { return c.PartnerID != id })
		if len(found) == 0 {
			return c, &RefusedException{OtherPartner, "it is no customer of the partner that the row names",
				"Write the partner's name as in the configuration, or leave it out"}
		}
	}
	if len(found) > 1 {
		return c, &RefusedException{ManyPartners, "it is a customer of several partners",
			"Write the partner's name, as in the configuration, into a column partner"}
	}
	if c = found[0]; says.CompanyName != "" && !attestation.SameCompany(says.CompanyName, c.Name) {
		return c, &RefusedException{OtherName,
			"the customer with this tenant id has another name, so the rows may have been sorted in part",
			"Compare tenant id and name with the report, or leave the name out"}
	}
	return c, nil
}

func (e *exceptionEntry) partnerNamed(text string) (id string, known bool) {
	for _, p := range e.Partners {
		if strings.EqualFold(p.Name, strings.TrimSpace(text)) || p.ID == standing.CanonicalID(text) {
			return p.ID, true
		}
	}
	return "", false
}

// add decides what a row changes.
func (e *exceptionEntry) add(row intake.ExceptionRow, customer ofCustomer) {
	now := e.now[customer]
	now.PartnerID, now.CustomerID = customer.partner, customer.id
	var base *ledger.Exception
	if e.base != nil {
		shown := e.base[customer]
		base = &shown
	}
	next, refused := merged(row.Says, now, base, e.Today)
	switch {
	case refused != nil:
		e.refuse(row, *refused)
	case next.Says(now):
		e.done.Unchanged++
	default:
		next.File = strings.ToValidUTF8(filepath.Base(e.file), "\uFFFD")
		if e.changes[customer] == nil {
			e.order = append(e.order, customer)
		}
		e.changes[customer] = append(e.changes[customer], exceptionRow{row, customer, next})
	}
}

// settle takes what the rows change: of several rows about one customer all must say the same.
func (e *exceptionEntry) settle() {
	for _, customer := range e.order {
		rows := e.changes[customer]
		agree := true
		for _, row := range rows {
			agree = agree && row.next.Says(rows[0].next)
		}
		if !agree {
			for _, row := range rows {
				e.refuse(row.ExceptionRow, RefusedException{ConflictingRows,
					"another row says something else of this customer", "Keep one of the rows"})
			}
			continue
		}
		e.done.Taken++
		e.done.Unchanged += len(rows) - 1
		if rows[0].next.Removed {
			e.done.Removed++
		}
		e.decision.taken = append(e.decision.taken, rows[0].next)
	}
}

// refuseCells refuses a row for what is wrong with its cells.
func (e *exceptionEntry) refuseCells(row intake.ExceptionRow) {
	e.done.Refused++
	var reasons, hints []string
	for _, r := range row.Refusals {
		reasons, hints = append(reasons, fmt.Sprintf("%s: %s: %s", r.Column, r.Reason, r.Message)),
			append(hints, r.Hint)
		e.done.Refusals = append(e.done.Refusals, RefusedRow{row.Sheet, row.Line, r.Column,
			RefusedException{UnreadableException, r.Message, r.Hint}})
	}
	e.decision.refused = append(e.decision.refused, intake.ExceptionResult{Cells: row.Cells, Result: "refused",
		Reason: string(UnreadableException) + ": " + strings.Join(reasons, "; "), Hint: strings.Join(hints, "; ")})
}

func (e *exceptionEntry) refuse(row intake.ExceptionRow, why RefusedException) {
	e.done.Refused++
	e.done.Refusals = append(e.done.Refusals, RefusedRow{row.Sheet, row.Line, "", why})
	e.decision.refused = append(e.decision.refused, intake.ExceptionResult{Cells: row.Cells, Result: "refused",
		Reason: string(why.Reason) + ": " + why.Message, Hint: why.Hint})
}

// writeRefused writes the refused rows beside the file that they come from.
func (j ImportExceptions) writeRefused(done *ImportedExceptions, format intake.Format,
	rows []intake.ExceptionResult) error {
	if len(rows) == 0 {
		return nil
	}
	folder, name := filepath.Dir(done.Path), filepath.Base(done.Path)
	name = strings.TrimSuffix(name, filepath.Ext(name)) + ".refused" + format.Extension()
	root, err := os.OpenRoot(folder)
	if err == nil {
		defer root.Close()
		err = atomicfile.WriteIn(root, name, resultPerm,
			func(w io.Writer) error { return intake.WriteExceptionResults(w, format, rows) })
	}
	if err != nil {
		return fmt.Errorf("%s kept, but the refused rows are not written to %s: %w", plural(done.Taken, "exception"),
			filepath.Join(folder, name), err)
	}
	done.RefusedFile = filepath.Join(folder, name)
	return nil
}
