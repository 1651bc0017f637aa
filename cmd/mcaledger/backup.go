package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

type backupReply struct {
	envelope
	File     string          `json:"file"`
	Bytes    int64           `json:"bytes"`
	SHA256   string          `json:"sha256"`
	Events   int64           `json:"events"`
	Head     string          `json:"head"` // the newest event of the ledger that the file has
	Problems []verifyProblem `json:"problems"`
}

func (a *app) backupCommand() *cobra.Command {
	r := &backupReply{envelope: envelope{Command: "backup"}, Problems: []verifyProblem{}}
	var files []string
	var by func() attestation.Actor
	cmd := a.command("backup", "copy a SQLite ledger to a new file, and verify the copy", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			done, err := jobs.Backup{Path: files[0], Ledger: w.ledger, Actor: by(), Now: w.Now}.Run(ctx)
			if err != nil {
				return err
			}
			r.File, r.Bytes, r.SHA256, r.Events, r.Head = files[0], done.Bytes, done.SHA256, done.Events,
				done.Head.String()
			for _, p := range done.Problems {
				r.Problems = append(r.Problems, verifyProblem(p))
				a.answerf("%s\n", problemText(p))
			}
			a.printf("%s: %d bytes, %d events, head %s\n", r.File, r.Bytes, r.Events, r.Head)
			if len(done.Problems) > 0 {
				return alteredError{len(done.Problems)}
			}
			return nil
		}))
	cmd.Long = `backup copies the ledger as it is at one instant, also while other commands write to it. The copy is
opened and verified like mcaledger verify does before the file gets its name. An existing file is
never replaced. A copy knows that it is one: put in the place of the ledger, it reads what Microsoft
has on record before it sends anything that the ledger may have sent meanwhile. A ledger in
PostgreSQL is backed up with pg_dump.`
	by = a.byFlag(cmd)
	return withArguments(example(cmd, "mcaledger backup /var/backups/mcaledger-2026-11-26.db"), "FILE", exactly(1),
		&files)
}
