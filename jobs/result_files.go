package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
)

// resultPerm lets the group read what the program writes for people: finance is another user than
// cron's.
const resultPerm fs.FileMode = 0o640

// ResultFiles are where the answers to a batch were written.
type ResultFiles struct {
	All     string // the user's own file again, with an answer for every row; empty: not written
	Refused string // the refused rows alone, to correct and import again; empty: there is none
}

// Understood says how the file of a batch was read.
func Understood(b attestation.Batch) (u intake.Understanding, err error) {
	if err := json.Unmarshal([]byte(b.Form), &u); err != nil {
		return u, fmt.Errorf("read how the file of batch %d was understood: %w", b.ID, err)
	}
	return u, nil
}

// destination is where the result files of a batch go.
type destination struct {
	root   *os.Root
	folder string // root, as people know it
	name   string // in root; result files are named after it, and are beside it
	source string // a file in root that must still be there when the batch is committed; empty: none
}

// stillThere fails if the source is gone: another run has imported it and moved it.
func (d destination) stillThere() error {
	if d.source == "" {
		return nil
	}
	_, err := d.root.Lstat(d.source)
	if errors.Is(err, fs.ErrNotExist) {
		return errMoved
	}
	return err
}

var errMoved CodedError = movedError{}

type movedError struct{}

func (movedError) Error() string { return "another run has imported this file" }
func (movedError) Code() string  { return "moved" }
func (movedError) Hint() string  { return "" }

// pendingResults are result files under temporary names. They get their names once the batch is
// committed to the ledger.
type pendingResults struct {
	to    destination
	files []*atomicfile.File
	ResultFiles
}

// writeResults writes the answers to a batch, and keeps them pending.
func writeResults(to destination, b attestation.Batch, rows iter.Seq2[attestation.Attestation,
	error]) (_ *pendingResults, err error) {
	understood, err := Understood(b)
	if err != nil {
		return nil, err
	}
	format := understood.Format
	label := ".dry-run"
	if b.ID != 0 {
		label = fmt.Sprintf(".batch-%d", b.ID)
	}
	stem := shortened(strings.TrimSuffix(to.name, filepath.Ext(to.name)), label+".refused"+format.Extension()) + label
	p := &pendingResults{to: to}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	p.All, err = p.add(stem+".result"+format.Extension(), func(w io.Writer) error {
		return intake.WriteResults(w, format, b.Header, mapRows(rows, resultOf))
	})
	if err != nil || b.Refused == 0 {
		return p, err
	}
	// Alone, the refused rows may not prove the order of their dates any more.
	correctable := intake.Correctable(b.Header)
	p.Refused, err = p.add(stem+".refused"+format.Extension(), func(w io.Writer) error {
		return intake.WriteRefused(w, format, b.Header,
			mapRows(refusedOnly(rows), func(a attestation.Attestation) []string {
				return correctable(a.Cells, a.Content.Agreed)
			}))
	})
	return p, err
}

// maxNameBytes is the longest name that file systems take.
const maxNameBytes = 255

// shortened cuts the last name of a path so that an ending fits behind it.
func shortened(path, ending string) string {
	folder, name := filepath.Split(path)
	return folder + strings.ToValidUTF8(name[:min(len(name), max(0, maxNameBytes-len(ending)))], "")
}

func (p *pendingResults) add(name string, write func(io.Writer) error) (path string, err error) {
	path = filepath.Join(p.to.folder, name)
	file, err := atomicfile.CreateIn(p.to.root, name, resultPerm)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	p.files = append(p.files, file)
	if err := write(file); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}

// commit gives the files their names.
func (p *pendingResults) commit() error {
	defer p.discard()
	for _, file := range p.files {
		if err := file.Commit(); err != nil {
			return fmt.Errorf("write the result files in %s: %w", p.to.folder, err)
		}
	}
	return nil
}

// discard removes what has no name yet.
func (p *pendingResults) discard() {
	for _, file := range p.files {
		file.Discard()
	}
}

// Results writes the result files of a batch again, with the answers that have come since.
type Results struct {
	Store  BatchFinder
	Folder string // to write them to
}

// Run writes the files and returns where they are.
func (j Results) Run(ctx context.Context, batchID int64) (ImportedFile, error) {
	b, err := FindBatch(ctx, j.Store, batchID)
	if err != nil {
		return ImportedFile{}, err
	}
	root, err := os.OpenRoot(j.Folder)
	if err != nil {
		return ImportedFile{}, err
	}
	defer root.Close()
	results, err := writeResults(destination{root: root, folder: j.Folder, name: b.File}, b,
		j.Store.Attestations(ctx, b.ID))
	if err != nil {
		return ImportedFile{}, err
	}
	return ImportedFile{Path: b.File, Batch: b, ResultFiles: results.ResultFiles}, results.commit()
}

func resultOf(a attestation.Attestation) intake.Result {
	reason := string(a.Reason)
	if a.Message != "" {
		reason += ": " + a.Message
	}
	id := a.ID.String()
	if a.ID.Batch == 0 {
		id = "" // a dry run leaves nothing in the ledger
	}
	return intake.Result{Cells: a.Cells, Result: string(a.Status()), Reason: reason, Hint: a.Hint, AttestationID: id}
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

// mapRows changes each row; errors pass through.
func mapRows[A, B any](rows iter.Seq2[A, error], change func(A) B) iter.Seq2[B, error] {
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
