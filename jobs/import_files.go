package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
)

// ImportFiles takes files of attestations into the ledger, each as one batch, and writes their
// result files.
type ImportFiles struct {
	Import // how rows are judged
	Intake intake.Options
	DryRun bool      // write the result files, and keep nothing
	Stdin  io.Reader // what the path StandardInput reads; nil: it is the path of a file
	Store  BatchStore
	Now    func() time.Time
	Log    *slog.Logger
	Watch  Watch
}

// ImportedFile is the result of importing a file.
type ImportedFile struct {
	Path  string
	Batch attestation.Batch // its ID is zero after a dry run
	ResultFiles
}

// Imported is the result of importing several files.
type Imported struct {
	Files []ImportedFile // those that are in the ledger
}

// NotImportedError: nothing of a file is in the ledger.
type NotImportedError struct {
	Path  string
	cause error
}

func (e *NotImportedError) Error() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return e.cause.Error() // it names the file
	}
	return fmt.Sprintf("import %s: %s", e.Path, e.cause)
}
func (e *NotImportedError) Unwrap() error { return e.cause }

// Code is the code of the cause.
func (e *NotImportedError) Code() string {
	if _, ok := errors.AsType[*intake.FileError](e.cause); ok {
		return "file"
	}
	code, _ := Explain(e.cause)
	return code
}

// Hint says how to go on with the file.
func (e *NotImportedError) Hint() string {
	switch e.Code() {
	case "interrupted":
		return "Nothing of the file was queued; import it again."
	case "database":
		return "Nothing of the file was queued. Check the database, or wait for the other command to finish, and " +
			"import the file again."
	case "file":
		return "Correct the file and import it again; nothing of it was queued."
	}
	return hintOf(e.cause)
}

// Run imports one file after the other. One that fails does not stop the others. The result files
// are written beside it.
func (j ImportFiles) Run(ctx context.Context, paths []string) (Imported, error) {
	return importEach(ctx, paths, func(path string) (ImportedFile, error) {
		folder := filepath.Dir(path)
		root, err := os.OpenRoot(folder)
		if err != nil {
			return ImportedFile{}, &NotImportedError{path, err}
		}
		defer root.Close()
		return j.openAndEnter(ctx, path, destination{root: root, folder: folder, name: filepath.Base(path)},
			func(o intake.Options) (*intake.File, error) { return j.open(path, o) })
	})
}

// importEach takes files one after the other and adds up their results.
func importEach(ctx context.Context, paths []string,
	take func(path string) (ImportedFile, error)) (done Imported, err error) {
	var failed []error
	refused := 0
	for _, path := range paths {
		if ctx.Err() != nil {
			break
		}
		file, err := take(path)
		if file.All != "" {
			done.Files = append(done.Files, file)
			refused += file.Batch.Refused
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if stopped := context.Cause(ctx); stopped != nil {
		return done, errors.Join(append([]error{stopped}, failed...)...)
	}
	return done, importError(failed, len(paths), refused)
}

func importError(failed []error, files, refused int) error {
	switch {
	case len(failed) > 0 && len(failed) == files:
		return errors.Join(failed...)
	case len(failed) > 0:
		message := errors.Join(failed...).Error()
		if refused > 0 {
			message += fmt.Sprintf("\n%s of the other files were refused", plural(refused, "row"))
		}
		return partial("some_files_failed", message, failed[0])
	case refused > 0:
		return partialHint("rows_refused", plural(refused, "row")+wasWere(refused)+" refused",
			"Correct them in the file of refused rows and import that one; the result file says what is wrong with "+
				"each.")
	}
	return nil
}

func wasWere(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

// openAndEnter imports the file that open returns; path names it for people.
func (j ImportFiles) openAndEnter(ctx context.Context, path string, to destination,
	open func(intake.Options) (*intake.File, error)) (ImportedFile, error) {
	if err := checkActor(j.By, "imports"); err != nil {
		return ImportedFile{}, err
	}
	switch j.Intake.Dates {
	case intake.Auto, intake.DayFirst, intake.MonthFirst:
	default:
		return ImportedFile{}, usageErrorf("--dates %q must be auto, dmy or mdy", j.Intake.Dates)
	}
	options := j.Intake
	options.AsOf = j.Now()
	file, err := open(options)
	if err != nil {
		return ImportedFile{}, &NotImportedError{path, err}
	}
	defer file.Close()
	for _, note := range file.Understanding().Sentences() {
		j.Log.Info("file understood", "file", path, "note", note)
	}
	return j.enter(ctx, file, path, to)
}

// StandardInput is the name of a file that comes on standard input, in results and in the ledger.
const StandardInput = "stdin"

func (j ImportFiles) open(path string, o intake.Options) (*intake.File, error) {
	if path == StandardInput && j.Stdin != nil {
		return intake.OpenReader(j.Stdin, path, o)
	}
	return intake.Open(path, o)
}

// enter makes a batch of an opened file. The result files are written before the batch is
// committed, and get their names after it: a batch without answers is none, and neither are answers
// without a batch.
func (j ImportFiles) enter(ctx context.Context, file Upload, path string,
	to destination) (done ImportedFile, err error) {
	var results *pendingResults
	defer func() {
		if results != nil {
			results.discard()
		}
	}()
	batch, err := j.add(ctx, file, filepath.Base(path),
		func(b attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) (err error) {
			if err := to.stillThere(); err != nil {
				return err
			}
			if j.DryRun {
				b, rows = withoutNumber(b, rows)
			}
			results, err = writeResults(to, b, rows)
			return err
		})
	if err != nil {
		return done, &NotImportedError{path, err}
	}
	done = ImportedFile{Path: path, Batch: batch}
	if err := results.commit(); err != nil {
		return done, fmt.Errorf("batch %d is imported, but its result files are not written (mcaledger attest "+
			"results %d writes them): %w",
			batch.ID, batch.ID, err)
	}
	done.ResultFiles = results.ResultFiles
	j.Log.Info("batch imported", "batch", batch.ID, "file", path, "rows", batch.Rows, "queued", batch.Queued, "refused",
		batch.Refused, "duplicates", batch.Duplicates, "already_known", batch.AlreadyKnown, "dry_run", j.DryRun)
	return done, nil
}

// add makes a batch of an upload.
func (j ImportFiles) add(ctx context.Context, upload Upload, name string,
	report ReportRows) (attestation.Batch, error) {
	name = strings.ToValidUTF8(name, "\uFFFD") // of a file that came by FTP or in a ZIP
	store := watchedImport{j.Store, upload.Understanding().Rows, j.Watch.task(name + ": rows")}
	batch, err := j.Import.Run(ctx, upload, name, store, j.Now(), !j.DryRun, report)
	if j.DryRun {
		batch.ID = 0
	}
	return batch, err
}

// withoutNumber hides the number that a dry run's batch had for a moment.
func withoutNumber(b attestation.Batch, rows iter.Seq2[attestation.Attestation,
	error]) (attestation.Batch, iter.Seq2[attestation.Attestation, error]) {
	b.ID = 0
	return b, mapRows(rows, func(a attestation.Attestation) attestation.Attestation {
		a.ID.Batch = 0
		return a
	})
}
