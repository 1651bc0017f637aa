package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/reports"
)

// Rollback compares the ledger with the workbooks of a folder. Each names the last event of the
// ledger that it was made from. If that event is not in the ledger, the ledger was put back to an
// earlier state, or is another one: it may not know what was sent since.
type Rollback struct {
	Reports string // folder
	Ledger  RollbackLedger
	Now     func() time.Time
}

// RollbackLedger is what the comparison asks of the store.
type RollbackLedger interface {
	HeadFinder
	ResumeSending(ctx context.Context, head ledger.ChainHead, by attestation.Actor, at time.Time) error
}

// RolledBackError: a report shows events that the ledger does not have. Nothing was sent.
type RolledBackError struct {
	Report string
	Head   ledger.ChainHead
}

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("the report %s was made from a ledger whose event %d is not in this one: this ledger was put "+
		"back to an earlier state, "+
		"or is another one; nothing was sent", e.Report, e.Head.Sequence)
}
func (e *RolledBackError) Code() string { return "ledger_rolled_back" }
func (e *RolledBackError) Hint() string {
	return "If a backup was restored on purpose, run mcaledger reconcile, so that the ledger knows what Microsoft " +
		"has on record; then allow sending with " +
		"mcaledger attest resume --by NAME."
}

// Check returns a RolledBackError when something of the reports is not in the ledger and no person
// allowed sending since.
func (j Rollback) Check(ctx context.Context) error {
	for missing, err := range j.missing(ctx) {
		if err == nil {
			err = missing
		}
		return err
	}
	return nil
}

// Resume records that a person allows sending, and returns the report that the ledger does not
// know; nil when nothing kept it from sending.
func (j Rollback) Resume(ctx context.Context, by attestation.Actor) (*RolledBackError, error) {
	if err := checkActor(by, "allows sending"); err != nil {
		return nil, err
	}
	var first *RolledBackError
	for missing, err := range j.missing(ctx) {
		if err == nil {
			err = j.Ledger.ResumeSending(ctx, missing.Head, by, j.Now())
		}
		if err != nil {
			return first, err
		}
		first = cmp.Or(first, missing)
	}
	return first, nil
}

// missing walks the reports that show what the ledger does not have, the newest first.
func (j Rollback) missing(ctx context.Context) iter.Seq2[*RolledBackError, error] {
	return func(yield func(*RolledBackError, error) bool) {
		paths, err := workbooks(j.Reports)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, path := range paths {
			head, known, err := knownHead(ctx, j.Ledger, path)
			if err != nil {
				yield(nil, err)
				return
			}
			if !known && !yield(&RolledBackError{Report: path, Head: head}, nil) {
				return
			}
		}
	}
}

// HeadFinder looks for an event in the ledger.
type HeadFinder interface {
	HasHead(ctx context.Context, head ledger.ChainHead) (bool, error)
	// SendingResumed reports whether a person allowed sending although this head is not in the
	// ledger.
	SendingResumed(ctx context.Context, head ledger.ChainHead) (bool, error)
}

// knownHead reports whether the ledger has the event that a workbook shows as the last one, or a
// person has allowed sending without it. A file that is damaged or is no report of this program
// proves nothing, and counts as known.
func knownHead(ctx context.Context, events HeadFinder, path string) (head ledger.ChainHead, known bool, err error) {
	head, ok, err := reports.ChainHead(path)
	if err != nil || !ok {
		return head, true, nil
	}
	if known, err = events.HasHead(ctx, head); err == nil && !known {
		known, err = events.SendingResumed(ctx, head)
	}
	return head, known, err
}

// maxWorkbooks bounds how many are read, at some milliseconds each. It is many, because workbooks
// written after a backup was restored must not hide the older one that proves it.
const maxWorkbooks = 100

// workbooks are the paths of the workbooks in a folder that were written last, the newest first.
func workbooks(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for reports: %w", err)
	}
	written := map[string]time.Time{}
	var paths []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.EqualFold(filepath.Ext(entry.Name()), ".xlsx") {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		paths, written[path] = append(paths, path), info.ModTime()
	}
	slices.SortFunc(paths, func(a, b string) int { return written[b].Compare(written[a]) })
	return paths[:min(maxWorkbooks, len(paths))], nil
}
