package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

type verifyReply struct {
	head
	Events   int64           `json:"events"`
	Batches  int             `json:"batches"`
	Head     string          `json:"head"`
	Problems []verifyProblem `json:"problems"`
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
	return "Somebody changed the database by other means than mcaledger. Keep it as it is, and compare it with a backup."
}

func (a *app) verifyCommand() *cobra.Command {
	r := &verifyReply{head: head{Command: "verify"}, Problems: []verifyProblem{}}
	cmd := a.command("verify", "verify that the event log is complete and unaltered", r, a.withWorkspace(func(ctx context.Context, w *workspace) error {
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
		return nil
	}))
	return example(cmd, "mcaledger verify")
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
