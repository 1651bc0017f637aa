package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/jobs"
	"github.com/mcaledger/mcaledger/reports"
)

type verifyReply struct {
	envelope
	Events   int64             `json:"events"`
	Batches  int               `json:"batches"`
	Head     string            `json:"head"`
	Problems []verifyProblem   `json:"problems"`
	Against  string            `json:"against,omitempty"` // an earlier head, which the ledger has
	Workbook *comparedWorkbook `json:"workbook,omitempty"`
}

// comparedWorkbook says how a workbook differs from the ledger.
type comparedWorkbook struct {
	File        string               `json:"file"`
	Cells       int                  `json:"cells"`
	SameDigest  bool                 `json:"same_digest"`
	Differences []reports.Difference `json:"differences"`
	Omitted     int                  `json:"omitted"`
	Filled      int                  `json:"filled"` // cells that people filled in
}

// workbookDiffersError: a workbook does not say what the ledger says.
type workbookDiffersError struct{ file string }

func (e workbookDiffersError) Error() string {
	return e.file + " is not what the ledger says"
}

func (e workbookDiffersError) Code() string { return "workbook_differs" }
func (e workbookDiffersError) Hint() string {
	return "Either the workbook or the ledger was changed after the workbook was written. verify without a file " +
		"tells whether it was the ledger."
}

type verifyProblem struct {
	Check string `json:"check"`
	Event int64  `json:"event,omitempty"`
	Batch int64  `json:"batch,omitempty"`
	Line  int    `json:"line,omitempty"`
	Run   int64  `json:"run,omitempty"`
	Text  string `json:"text"`
}

// alteredError: the ledger is not what was written.
type alteredError struct{ problems int }

func (e alteredError) Error() string {
	return fmt.Sprintf("the ledger is not what was written: %d problems", e.problems)
}

func (e alteredError) Code() string { return "chain_broken" }
func (e alteredError) Hint() string {
	return "Somebody changed the database by other means than mcaledger. Keep it as it is, and compare it with a " +
		"backup."
}

func (a *app) verifyCommand() *cobra.Command {
	r := &verifyReply{envelope: envelope{Command: "verify"}, Problems: []verifyProblem{}}
	var files []string
	var against string
	cmd := a.command("verify", "verify that the event log is complete and unaltered, and compare a workbook with it", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			found, err := w.ledger.Verify(ctx)
			if err != nil {
				return err
			}
			r.Events, r.Batches, r.Head = found.Events, found.Batches, found.Head.String()
			for _, p := range found.Problems {
				r.Problems = append(r.Problems, verifyProblem(p))
				a.answerf("%s\n", problemText(p))
			}
			if len(found.Problems) > 0 {
				return alteredError{len(found.Problems)}
			}
			a.printf("OK, %d events, head %s\n", found.Events, found.Head)
			if against != "" {
				if err := a.verifyAgainst(ctx, w, r, against); err != nil {
					return err
				}
			}
			for _, file := range files {
				if err := a.verifyWorkbook(ctx, w, r, file); err != nil {
					return err
				}
			}
			return nil
		}))
	cmd = example(cmd, "mcaledger verify", "mcaledger verify reports/2026-11-22.xlsx",
		"mcaledger verify --against reports/2026-11-22.xlsx")
	cmd.Flags().StringVar(&against, "against", "",
		"head of the event log, or a workbook that shows one: the ledger must have that event")
	return withArguments(cmd, "[BOOK.xlsx]", cobra.MaximumNArgs(1), &files)
}

// headMissingError: something shows an event that the ledger does not have.
type headMissingError struct {
	head ledger.ChainHead
	in   string
}

func (e headMissingError) Error() string {
	return fmt.Sprintf("%s names event %d, which is not in the ledger: the ledger was put back to an earlier state, "+
		"its log was rewritten, or it is another one", e.in, e.head.Sequence)
}

func (e headMissingError) Code() string { return "ledger_rolled_back" }
func (e headMissingError) Hint() string {
	return "If nobody restored a backup, keep the database as it is, and find out who changed it."
}

// verifyAgainst looks for the event that a head or a workbook names.
func (a *app) verifyAgainst(ctx context.Context, w *workspace, r *verifyReply, against string) error {
	head, err := ledger.ParseChainHead(against)
	if err != nil {
		shown, ok, unreadable := reports.ChainHead(against)
		switch {
		case unreadable != nil:
			return usageErrorf("--against %s is neither the head of an event log nor a workbook: %w", against,
				unreadable)
		case !ok:
			return usageErrorf("--against %s is no workbook of mcaledger, or one that does not show the event log",
				against)
		}
		head = shown
	}
	has, err := w.ledger.HasHead(ctx, head)
	if err != nil {
		return err
	}
	if !has {
		return headMissingError{head, against}
	}
	r.Against = head.String()
	a.printf("OK, the ledger has event %d, which %s names\n", head.Sequence, against)
	return nil
}

// verifyWorkbook compares a workbook's cells and digest with the ledger.
func (a *app) verifyWorkbook(ctx context.Context, w *workspace, r *verifyReply, file string) error {
	found, err := jobs.VerifyWorkbook{Path: file, Ledger: w.ledger, Now: w.Now}.Run(ctx)
	if err != nil {
		return err
	}
	r.Workbook = &comparedWorkbook{File: file, Cells: found.Cells, SameDigest: found.SameDigest,
		Differences: found.Differences, Omitted: found.Omitted, Filled: len(found.Filled)}
	for _, d := range found.Differences {
		a.answerf("%s!%s: %q in the workbook, %q in the ledger\n", d.Sheet, d.Cell, d.Have, d.Want)
	}
	if !found.Matches() {
		return workbookDiffersError{file}
	}
	a.printf("OK, %d cells of %s and the digest of its data are what the ledger says; cells filled in by people: %d\n",
		found.Cells, file, len(found.Filled))
	return nil
}

// problemText says where a problem is, and what.
func problemText(p ledger.Problem) string {
	where := ""
	switch {
	case p.Line > 0:
		where = fmt.Sprintf("batch %d line %d: ", p.Batch, p.Line)
	case p.Batch > 0:
		where = fmt.Sprintf("batch %d: ", p.Batch)
	case p.Run > 0:
		where = fmt.Sprintf("run %d: ", p.Run)
	}
	return p.Check + ": " + where + p.Text
}
