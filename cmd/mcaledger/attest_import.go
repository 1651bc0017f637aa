package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

type importReply struct {
	head
	Batches []batchReply `json:"batches"`
}

// batchReply is one imported file in JSON; its names are a contract.
type batchReply struct {
	Batch        int64  `json:"batch"`
	File         string `json:"file"`
	Rows         int    `json:"rows"`
	Queued       int    `json:"queued"`
	Refused      int    `json:"refused"`
	Duplicates   int    `json:"duplicates"`
	AlreadyKnown int    `json:"already_known"`
	ResultFile   string `json:"result_file"`

	refusedFile string // empty: no row was refused
}

// replyOfBatch is a batch with the files in which its answers are.
func replyOfBatch(b attestation.Batch, path string, files resultFiles) batchReply {
	return batchReply{Batch: b.ID, File: path, Rows: b.Rows, Queued: b.Queued, Refused: b.Refused, Duplicates: b.Duplicates,
		AlreadyKnown: b.AlreadyKnown, ResultFile: files.all, refusedFile: files.refused}
}

// tellBatch says what became of a file.
func (a *app) tellBatch(r batchReply) {
	a.printf("%s: batch %d, %d rows: %d queued, %d refused, %d duplicates, %d already known\n  every row's result: %s\n", r.File, r.Batch, r.Rows, r.Queued,
		r.Refused, r.Duplicates, r.AlreadyKnown, r.ResultFile)
	if r.refusedFile != "" {
		a.printf("  the refused rows, to correct and import again: %s\n", r.refusedFile)
	}
}

// importing is how files are to be imported.
type importing struct {
	by          string
	dates       string
	partners    []string
	dryRun      bool
	evenIfClear bool
	correct     bool
	corrects    attestation.ID // the one that is put right; zero: the newest one that Microsoft has
	beside      string         // the result files are written beside this path; empty: beside the file
}

func (a *app) attestImportCommand() *cobra.Command {
	r := &importReply{head: head{Command: "attest import"}, Batches: []batchReply{}}
	var files []string
	var how importing
	cmd := a.command("import", "check files of attestations and queue their rows", r, a.withLedger(func(c config.Config, s *store.Store) error {
		return a.importFiles(r, files, func(file string) (batchReply, error) { return a.importFile(c, s, file, how) })
	}))
	f := cmd.Flags()
	byFlag(cmd, &how.by, a.getenv)
	f.StringVar(&how.dates, "dates", "", "order of day and month in dates such as 03/04/2026: auto, dmy or mdy (else attestation.dates)")
	f.StringSliceVar(&how.partners, "partner", nil, "only customers of this partner (name or tenant id; may be repeated)")
	f.BoolVar(&how.dryRun, "dry-run", false, "check, and write the result file, but queue nothing")
	f.BoolVar(&how.evenIfClear, "even-if-clear", false, "queue customers that are clear already, too")
	f.BoolVar(&how.correct, "correct", false, "the rows put earlier attestations right, with other contact fields")
	return withArguments(cmd, "FILE…", cobra.MinimumNArgs(1), &files)
}

// importFiles takes one file after the other; one that fails does not stop the others.
func (a *app) importFiles(r *importReply, files []string, take func(file string) (batchReply, error)) error {
	var failed []error
	refused := 0
	for _, file := range files {
		if a.ctx.Err() != nil {
			break
		}
		batch, err := take(file)
		if batch.ResultFile != "" {
			r.Batches = append(r.Batches, batch)
			refused += batch.Refused
			a.tellBatch(batch)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if stopped := context.Cause(a.ctx); stopped != nil {
		return errors.Join(append([]error{stopped}, failed...)...)
	}
	return importOutcome(failed, len(files), refused)
}

func importOutcome(failed []error, files, refused int) error {
	switch {
	case len(failed) > 0 && len(failed) == files:
		return errors.Join(failed...)
	case len(failed) > 0:
		_, hint := advice(failed[0])
		message := errors.Join(failed...).Error()
		if refused > 0 {
			message += fmt.Sprintf("\n%d rows of the other files were refused", refused)
		}
		return partialError{"some_files_failed", message, hint}
	case refused > 0:
		return partialError{"rows_refused", fmt.Sprintf("%d rows were refused", refused),
			"Correct them in the file of refused rows and import that one; the result file says what is wrong with each."}
	}
	return nil
}

// importFile takes one file into the ledger and writes its result files beside it.
func (a *app) importFile(c config.Config, s *store.Store, path string, how importing) (batchReply, error) {
	partners, err := c.Select(how.partners)
	if err != nil {
		return batchReply{}, usageError{err}
	}
	if strings.TrimSpace(how.by) == "" {
		return batchReply{}, usageError{errors.New("nobody is named: say who imports with --by")}
	}
	dates := c.Attestation.Dates
	if how.dates != "" {
		if err := dates.UnmarshalText([]byte(how.dates)); err != nil {
			return batchReply{}, usageError{fmt.Errorf("--dates %w", err)}
		}
	}
	file, err := intake.Open(path, intake.Options{Dates: intake.DateOrder(dates), AsOf: a.AsOf,
		DateOptional:     c.Attestation.Route == config.RouteEnhanced,
		EvidenceRequired: c.Attestation.Evidence == config.EvidenceRequired})
	if err != nil {
		return batchReply{}, err
	}
	defer file.Close()
	for _, note := range file.Understanding().Sentences() {
		a.log().Info("file understood", "file", path, "note", note)
	}
	return a.enter(c, partners, s, file, path, how)
}

// notImportedError: nothing of a file is in the ledger.
type notImportedError struct{ error }

func (e notImportedError) Unwrap() error { return e.error }

// enter makes a batch of an upload.
func (a *app) enter(c config.Config, partners []config.Partner, s *store.Store, file jobs.Upload, path string, how importing) (batchReply, error) {
	services := services{app: a, config: c, partners: partners}
	defer services.close()
	how.by = strings.ToValidUTF8(how.by, "\uFFFD")
	job := jobs.Import{Since: c.Policy.AcceptedSince, EvenIfClear: how.evenIfClear, Correct: how.correct, Corrects: how.corrects, By: how.by,
		LookUp: services.lookUp}
	for _, p := range partners {
		job.Partners = append(job.Partners, partnerOf(p))
	}
	var results *resultFiles
	name := strings.ToValidUTF8(filepath.Base(path), "\uFFFD") // of a file that came by FTP or in a ZIP
	batch, err := job.Run(a.ctx, file, name, book{Store: s, dryRun: how.dryRun, results: func(b attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) (err error) {
		results, err = writeResults(b, rows, cmp.Or(how.beside, path))
		return err
	}}, a.AsOf)
	if err != nil {
		return batchReply{}, notImportedError{fmt.Errorf("import %s: %w", path, err)}
	}
	if how.dryRun {
		batch.ID = 0
	}
	r := replyOfBatch(batch, path, *results)
	a.log().Info("batch imported", "batch", r.Batch, "file", path, "rows", r.Rows, "queued", r.Queued, "refused", r.Refused,
		"duplicates", r.Duplicates, "already_known", r.AlreadyKnown, "dry_run", how.dryRun)
	if !how.dryRun && c.Attestation.Approval == config.ApprovalNone && batch.Queued > 0 {
		if _, err := s.Approve(a.ctx, batch.ID, batch.SHA256, how.by, a.AsOf); err != nil {
			return r, fmt.Errorf("approve batch %d: %w", batch.ID, err)
		}
	}
	return r, nil
}

func (a *app) getenv(name string) string {
	for _, line := range a.Environ {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

func partnerOf(p config.Partner) ledger.Partner {
	return ledger.Partner{ID: strings.ToLower(p.TenantID), Name: p.Name, Kind: p.Kind}
}

// book is the store as the import job sees it.
type book struct {
	*store.Store
	dryRun  bool
	results func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error
}

// Import makes the batch and writes the result files before it is committed: a batch without its answers is no batch. A dry run is taken back.
func (b book) Import(ctx context.Context, batch attestation.Batch, fill func(jobs.BatchWriter) error) (attestation.Batch, error) {
	return b.Store.Import(ctx, batch, !b.dryRun, func(i *store.Import) error { return fill(i) }, func(made attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) error {
		if b.dryRun {
			made.ID = 0
			rows = mapped(rows, func(a attestation.Attestation) attestation.Attestation {
				a.ID.Batch = 0
				return a
			})
		}
		return b.results(made, rows)
	})
}

// services are the partners' services, opened when they are first needed.
type services struct {
	app      *app
	config   config.Config
	partners []config.Partner
	open     map[string]*partnercenter.Client
}

func (s *services) client(partnerID string) (*partnercenter.Client, error) {
	if c := s.open[partnerID]; c != nil {
		return c, nil
	}
	for _, p := range s.partners {
		if strings.ToLower(p.TenantID) != partnerID {
			continue
		}
		options, err := s.app.clientOptions(s.config, p)
		if err != nil {
			return nil, err
		}
		options.CorrelationID = uuid.NewString()
		client, err := partnercenter.New(options)
		if err != nil {
			return nil, err
		}
		if s.open == nil {
			s.open = map[string]*partnercenter.Client{}
		}
		s.open[partnerID] = client
		return client, nil
	}
	return nil, fmt.Errorf("there is no partner %s in the configuration", partnerID)
}

func (s *services) close() {
	for _, c := range s.open {
		c.Close()
	}
}

// lookUp asks a partner's service for a customer that no run has seen.
func (s *services) lookUp(ctx context.Context, partner ledger.Partner, tenantID string) (standing.Customer, bool, error) {
	client, err := s.client(partner.ID)
	if err != nil {
		return standing.Customer{}, false, err
	}
	customer, err := client.Customer(ctx, tenantID)
	if e, ok := errors.AsType[*partnercenter.Error](err); ok && e.Outcome() != standing.Failed {
		return standing.Customer{}, false, nil
	}
	return customer, err == nil, err
}

// resultFiles are where a batch's answers were written.
type resultFiles struct{ all, refused string }

// writeResults writes the user's own file again with an answer for every row, and the refused rows alone if there are any.
func writeResults(b attestation.Batch, rows iter.Seq2[attestation.Attestation, error], beside string) (*resultFiles, error) {
	var format intake.Format
	if err := json.Unmarshal([]byte(b.Form), &format); err != nil {
		return nil, err
	}
	stem := fmt.Sprintf("%s.batch-%d", strings.TrimSuffix(beside, filepath.Ext(beside)), b.ID)
	if b.ID == 0 {
		stem = strings.TrimSuffix(beside, filepath.Ext(beside)) + ".dry-run"
	}
	files := &resultFiles{all: stem + ".result" + format.Extension()}
	err := replace(files.all, func(w io.Writer) error {
		return intake.WriteResults(w, format, b.Header, mapped(rows, resultOf))
	})
	if err != nil || b.Refused == 0 {
		return files, err
	}
	files.refused = stem + ".refused" + format.Extension()
	// Alone, the refused rows may not prove the order of their dates any more.
	correctable := intake.Correctable(b.Header)
	return files, replace(files.refused, func(w io.Writer) error {
		return intake.WriteRefused(w, format, b.Header, mapped(refusedOnly(rows), func(a attestation.Attestation) []string {
			return correctable(a.Cells, a.Content.Agreed)
		}))
	})
}

func resultOf(a attestation.Attestation) intake.Result {
	reason := string(a.Reason)
	if a.Message != "" {
		reason += ": " + a.Message
	}
	id := a.ID.String()
	if a.ID.Batch == 0 {
		id = "" // of a dry run there is nothing in the ledger
	}
	return intake.Result{Cells: a.Cells, Result: string(a.State), Reason: reason, Hint: a.Hint, AttestationID: id}
}

func refusedOnly(rows iter.Seq2[attestation.Attestation, error]) iter.Seq2[attestation.Attestation, error] {
	return func(yield func(attestation.Attestation, error) bool) {
		for a, err := range rows {
			if (err != nil || a.Admitted == attestation.Refused) && !yield(a, err) {
				return
			}
		}
	}
}

func mapped[A, B any](rows iter.Seq2[A, error], change func(A) B) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for a, err := range rows {
			var b B
			if err == nil {
				b = change(a)
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

func (a *app) attestResultsCommand() *cobra.Command {
	r := &importReply{head: head{Command: "attest results"}, Batches: []batchReply{}}
	var given []string
	folder := ""
	cmd := a.command("results", "write a batch's result file again, with the answers that have come", r, a.withLedger(func(c config.Config, s *store.Store) error {
		b, err := batchNamed(a.ctx, s, given[0])
		if err != nil {
			return err
		}
		files, err := writeResults(b, s.Attestations(a.ctx, b.ID), filepath.Join(folder, b.File))
		if err != nil {
			return err
		}
		r.Batches = append(r.Batches, replyOfBatch(b, b.File, *files))
		a.printf("%s\n", files.all)
		return nil
	}))
	cmd.Flags().StringVar(&folder, "dir", ".", "folder to write it to")
	return withArguments(cmd, "BATCH", cobra.ExactArgs(1), &given)
}

func (a *app) attestTemplateCommand() *cobra.Command {
	r := &templateReply{head: head{Command: "attest template"}}
	kind, out := "xlsx", ""
	cmd := a.command("template", "write an empty list with its columns explained", r, func() error {
		if kind != string(intake.CSV) && kind != string(intake.XLSX) {
			return usageError{fmt.Errorf("--format %q is neither csv nor xlsx", kind)}
		}
		format := intake.Format{Kind: intake.Kind(kind)}
		r.File = out
		if out == "" {
			r.File = "attestations" + format.Extension()
		}
		if _, err := os.Stat(r.File); err == nil {
			return &os.PathError{Op: "write the template", Path: r.File, Err: os.ErrExist}
		}
		if err := replace(r.File, func(w io.Writer) error { return intake.Template(w, format) }); err != nil {
			return err
		}
		a.printf("%s\n", r.File)
		return nil
	})
	cmd.Flags().StringVar(&kind, "format", kind, "csv or xlsx")
	cmd.Flags().StringVar(&out, "out", "", "file to write (else attestations.csv or attestations.xlsx)")
	return cmd
}

type templateReply struct {
	head
	File string `json:"file"`
}
