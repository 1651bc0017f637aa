package jobs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/reports"
)

// Rollback compares the ledger with the newest workbooks of a folder. Each names the last event of the ledger that it
// was made from. If that event is not in the ledger, the ledger was put back to an earlier state, or is another one: it
// may not know what was sent since.
type Rollback struct {
	Reports string // folder
	Ledger  RollbackLedger
	Now     func() time.Time
}

// RollbackLedger is what the comparison asks of the store.
type RollbackLedger interface {
	HasHead(ctx context.Context, head ledger.ChainHead) (bool, error)
	// SendingResumed reports whether a person allowed sending although this head is not in the ledger.
	SendingResumed(ctx context.Context, head ledger.ChainHead) (bool, error)
	ResumeSending(ctx context.Context, head ledger.ChainHead, by attestation.Actor, at time.Time) error
}

// RolledBackError: a report shows events that the ledger does not have. Nothing was sent.
type RolledBackError struct {
	Report string
	Head   ledger.ChainHead
}

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("the report %s was made from a ledger whose event %d is not in this one: this ledger was put back to an earlier state, "+
		"or is another one; nothing was sent", e.Report, e.Head.Sequence)
}
func (e *RolledBackError) Code() string { return "ledger_rolled_back" }
func (e *RolledBackError) Hint() string {
	return "If a backup was restored on purpose, run mcaledger reconcile, so that the ledger knows what Microsoft has on record; then allow sending with " +
		"mcaledger attest resume --by NAME."
}

// Check returns a RolledBackError when something of the newest reports is not in the ledger and no person allowed
// sending since.
func (j Rollback) Check(ctx context.Context) error {
	missing, err := j.missing(ctx)
	if err != nil || missing == nil {
		return err
	}
	return missing
}

// Resume records that a person allows sending, and returns the report that the ledger does not know; nil when nothing
// kept it from sending.
func (j Rollback) Resume(ctx context.Context, by attestation.Actor) (*RolledBackError, error) {
	if err := checkActor(by, "allows sending"); err != nil {
		return nil, err
	}
	var first *RolledBackError
	for {
		missing, err := j.missing(ctx)
		if err != nil || missing == nil {
			return first, err
		}
		if first == nil {
			first = missing
		}
		if err := j.Ledger.ResumeSending(ctx, missing.Head, by, j.Now()); err != nil {
			return first, err
		}
	}
}

func (j Rollback) missing(ctx context.Context) (*RolledBackError, error) {
	paths, err := newestWorkbooks(j.Reports, workbooksCompared)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		head, ok, err := reports.ChainHead(path)
		if err != nil || !ok {
			continue // damaged, or not a report of this program: it proves nothing
		}
		known, err := j.Ledger.HasHead(ctx, head)
		if err == nil && !known {
			known, err = j.Ledger.SendingResumed(ctx, head)
		}
		if err != nil {
			return nil, err
		}
		if !known {
			return &RolledBackError{Report: path, Head: head}, nil
		}
	}
	return nil, nil
}

// workbooksCompared is how many of the newest workbooks are read: the newest may be one of an earlier instant.
const workbooksCompared = 3

// newestWorkbooks are the paths of the newest workbooks in a folder, by the time at which they were last written.
func newestWorkbooks(folder string, most int) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the newest report: %w", err)
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
	return paths[:min(most, len(paths))], nil
}
