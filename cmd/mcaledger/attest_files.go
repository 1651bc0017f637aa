package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/jobs"
)

func (a *app) attestResultsCommand() *cobra.Command {
	r := &importReply{envelope: envelope{Command: "attest results"}, Batches: []batchReply{}}
	var given []string
	folder := ""
	cmd := a.command("results", "write a batch's result file again, with the answers that have come", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			batch, err := jobs.ParseBatch(given[0])
			if err != nil {
				return err
			}
			done, err := jobs.Results{Store: w.ledger, Folder: folder}.Run(ctx, batch)
			if err != nil {
				return err
			}
			r.Batches = append(r.Batches, batchReplyOf(done.Batch, done.Path, done.All))
			a.printf("%s\n", done.All)
			return nil
		}))
	cmd.Flags().StringVar(&folder, "dir", ".", "folder to write it to")
	example(cmd, "mcaledger attest results 7", "mcaledger attest results 7 --dir /srv/finance")
	return completes(withArguments(cmd, "BATCH", exactly(1), &given), a.completeBatches, 1)
}

func (a *app) attestTemplateCommand() *cobra.Command {
	r := &templateReply{envelope: envelope{Command: "attest template"}}
	kind, out := "xlsx", ""
	cmd := a.command("template", "write an empty list with its columns explained", r, func(context.Context) error {
		if kind != string(intake.CSV) && kind != string(intake.XLSX) {
			return usageError{fmt.Errorf("--format %q must be csv or xlsx", kind)}
		}
		format := intake.Format{Kind: intake.Kind(kind)}
		r.File = out
		if out == "" {
			r.File = "attestations" + format.Extension()
		}
		if _, err := os.Stat(r.File); err == nil {
			return &os.PathError{Op: "write the template", Path: r.File, Err: os.ErrExist}
		}
		if err := atomicfile.Write(r.File, 0o640,
			func(w io.Writer) error { return intake.Template(w, format) }); err != nil {
			return err
		}
		a.printf("%s\n", r.File)
		return nil
	})
	formats(cmd, &kind, "csv or xlsx", "csv", "xlsx")
	example(cmd, "mcaledger attest template", "mcaledger attest template --format csv --out list.csv")
	cmd.Flags().StringVar(&out, "out", "", "file to write (else attestations.csv or attestations.xlsx)")
	return cmd
}

type templateReply struct {
	envelope
	File string `json:"file"`
}
