package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/charset"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/jobs"
)

type importReply struct {
	envelope
	Batches []batchReply `json:"batches"`
	Head    string       `json:"head"` // of the ledger's events
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

	Understood intake.Understanding `json:"understood"` // how the file was read
}

func batchReplyOf(b attestation.Batch, path, resultFile string) batchReply {
	understood, err := jobs.Understood(b)
	if err != nil {
		understood = intake.Understanding{} // of a batch that was not made by importing a file
	}
	return batchReply{Batch: b.ID, File: path, Rows: b.Rows, Queued: b.Queued, Refused: b.Refused,
		Duplicates: b.Duplicates, AlreadyKnown: b.AlreadyKnown, ResultFile: resultFile, Understood: understood}
}

func batchReplies(files []jobs.ImportedFile) []batchReply {
	replies := []batchReply{}
	for _, f := range files {
		replies = append(replies, batchReplyOf(f.Batch, f.Path, f.All))
	}
	return replies
}

// printImported prints the result of each file.
func (a *app) printImported(done jobs.Imported) {
	for _, f := range done.Files {
		b := f.Batch
		a.printf("%s: batch %d, %d rows: %d queued, %d refused, %d duplicates, %d already known\n  every row's "+
			"result: %s\n", f.Path, b.ID, b.Rows,
			b.Queued, b.Refused, b.Duplicates, b.AlreadyKnown, f.All)
		if f.Refused != "" {
			a.printf("  the refused rows, to correct and import again: %s\n", f.Refused)
		}
		a.printNextStep(b)
	}
}

// printNextStep says what a batch waits for.
func (a *app) printNextStep(b attestation.Batch) {
	switch {
	case b.ID == 0:
		a.printf("  dry run: nothing is queued\n")
	case b.Queued > 0 && b.ApprovedAt.IsZero():
		a.printf("  %d queued; somebody else approves them with: mcaledger attest approve %d\n", b.Queued, b.ID)
	case b.Queued > 0:
		a.printf("  %d approved; to send them: mcaledger attest submit\n", b.Queued)
	}
}

// importFlags say how files are to be imported.
type importFlags struct {
	dates       string
	partners    []string
	dryRun      bool
	encoding    string
	sheet       string
	evenIfClear bool
	evenIfOld   bool
	correct     bool
}

func (a *app) attestImportCommand() *cobra.Command {
	r := &importReply{envelope: envelope{Command: "attest import"}, Batches: []batchReply{}}
	var files []string
	var how importFlags
	var by func() attestation.Actor
	cmd := a.command("import", "check files of attestations and queue their rows (- is standard input)", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			partners, err := w.partners(how.partners)
			if err != nil {
				return err
			}
			defer partners.Close()
			job := w.importJob(partners)
			job.By, job.DryRun, job.Correct = by(), how.dryRun, how.correct
			job.EvenIfClear, job.EvenIfOld, job.Intake.Sheet = how.evenIfClear, how.evenIfOld, how.sheet
			if how.dates != "" {
				job.Intake.Dates = intake.DateOrder(how.dates)
			}
			if how.encoding != "" {
				if job.Intake.Encoding, err = charset.Parse(how.encoding); err != nil {
					return usageError{fmt.Errorf("--encoding: %w", err)}
				}
			}
			for i, file := range files {
				if file == "-" {
					files[i], job.Stdin = jobs.StandardInput, a.Stdin
				}
			}
			done, err := job.Run(ctx, files)
			r.Batches, r.Head = batchReplies(done.Files), w.head(ctx)
			a.printImported(done)
			return err
		}))
	cmd.Long = `import checks lists of signed agreements, CSV or XLSX, and queues their good rows as a batch.
Beside each file it writes the file again with a result for every row, and the refused rows alone,
to correct and import again. Nothing is sent before somebody else approves the batch.`
	example(cmd, "mcaledger attest import list.xlsx", "mcaledger attest import --dry-run may.csv june.csv",
		"mcaledger attest import - <list.csv")
	f := cmd.Flags()
	by = a.byFlag(cmd)
	f.StringVar(&how.dates, "dates", "", "order of day and month in dates such as 03/04/2026: auto, dmy or mdy (else "+
		"attestation.dates)")
	f.StringSliceVar(&how.partners, "partner", nil,
		"only customers of this partner (name or tenant id; may be repeated)")
	f.BoolVar(&how.dryRun, "dry-run", false, "check, and write the result file, but queue nothing")
	f.BoolVar(&how.evenIfClear, "even-if-clear", false, "queue customers that are clear already, too")
	f.BoolVar(&how.evenIfOld, "even-if-old", false, "queue acceptances before policy.accepted_since, too")
	f.StringVar(&how.encoding, "encoding", "",
		"encoding of a CSV that is not in UTF-8, such as windows-1250 or IBM850 (else it is recognised)")
	f.StringVar(&how.sheet, "sheet", "", "sheet of a workbook (else the one that is a list)")
	f.BoolVar(&how.correct, "correct", false, "the rows correct earlier attestations, with other contact fields")
	return withArguments(cmd, "FILE…", atLeastOne, &files)
}

func (w *workspace) importJob(partners *jobs.Partners) jobs.ImportFiles {
	c := w.config
	return jobs.ImportFiles{
		Import: jobs.Import{Partners: partners.Ledger(), Since: c.Policy.AcceptedSince, LookUp: partners.LookUp,
			Policy: approvalPolicy(c)},
		Intake: intake.Options{Dates: intake.DateOrder(c.Attestation.Dates),
			DateOptional:     c.Attestation.Route == config.RouteEnhanced,
			EvidenceRequired: c.Attestation.Evidence == config.EvidenceRequired},
		Store: w.ledger, Now: w.Now, Log: w.log(), Watch: w.progress.watch,
	}
}

func (w *workspace) inboxJob(partners *jobs.Partners) jobs.Inbox {
	c := w.config
	return jobs.Inbox{ImportFiles: w.importJob(partners), Folder: c.Attestation.Inbox, Host: hostName(),
		Batches: w.ledger, Required: inboxRequired(c)}
}

func approvalPolicy(c config.Config) attestation.ApprovalPolicy {
	return attestation.ApprovalPolicy{Required: c.Attestation.Approval == config.ApprovalRequired,
		SharedAccount: c.Attestation.SharedAccount, Source: c.Source("attestation.approval")}
}

// inboxRequired reports whether an inbox that does not exist is a mistake: somebody named it. Who
// attests need not use one.
func inboxRequired(c config.Config) bool { return c.Source("attestation.inbox") != "default" }
