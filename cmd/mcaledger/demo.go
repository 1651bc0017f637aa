package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/demo"
)

type demoReply struct {
	envelope
	demo.Result
	Seconds float64 `json:"seconds"`
}

func (a *app) demoCommand() *cobra.Command {
	r := &demoReply{envelope: envelope{Command: "demo"}}
	d := demo.Demo{Folder: "demo", Customers: 240, Nights: demo.AllNights}
	cmd := a.command("demo", "simulate 40 nights of three partner accounts, and write a workbook for each", r,
		func(ctx context.Context) error { return a.demo(ctx, d, r) })
	cmd.Long = `demo simulates four months of three Partner Center accounts on this machine: a direct-bill partner,
an indirect provider with resellers, and an indirect reseller. Lists of signed agreements are
imported and approved; signers get links, accept, or let them expire; exceptions and invitations are
recorded, and one night fails. It calls no other host. The folder then holds a configuration, the
ledger and the workbook of every night, and can be used: mcaledger simulate serves the same accounts
again, and the links in the mails of its folder drafts can be opened.`
	example(cmd, "mcaledger demo", "mcaledger demo --dir tryout --nights 10")
	cmd.Flags().StringVar(&d.Folder, "dir", d.Folder,
		"folder for the configuration, the ledger, lists and workbooks; an earlier demo in it is removed")
	cmd.Flags().IntVar(&d.Customers, "customers", d.Customers, "how many customers the first account has")
	cmd.Flags().IntVar(&d.Nights, "nights", d.Nights, "how many of the 40 nights")
	return cmd
}

func (a *app) demo(ctx context.Context, d demo.Demo, r *demoReply) (err error) {
	began := a.Now()
	d.Now = a.Now
	d.Command = func(ctx context.Context, now func() time.Time, args ...string) ([]byte, int) {
		return a.demoCommandLine(ctx, filepath.Join(d.Folder, demo.ConfigFile), now, args)
	}
	d.Tell = func(e demo.Event) { a.printf("%s  %s\n", e.At.Format("2006-01-02 15:04"), a.texts().Sentence(e.Text)) }
	if r.Result, err = d.Run(ctx); err != nil {
		return err
	}
	r.Seconds = a.Now().Sub(began).Seconds()
	a.printf(`
%d nights in %.0f seconds. The workbook of the last night: %s
Read the sheet Summary first, then Blocked.

To continue, serve the accounts in one terminal, and run the program in another:
  mcaledger simulate --continue %s
  mcaledger --config %s nightly
`, d.Nights, r.Seconds, r.Workbook, filepath.Join(d.Folder, demo.SavedFile), r.Config)
	return nil
}

// demoCommandLine runs a command at another time, as a process of its own would. Its log is shown
// with --verbose.
func (a *app) demoCommandLine(ctx context.Context, config string, now func() time.Time, args []string) ([]byte, int) {
	var reply bytes.Buffer
	log := io.Discard
	if a.verbose {
		log = a.err
	}
	code := Main(ctx, append([]string{"--config", config, "--json"}, args...),
		Env{Stdin: bytes.NewReader(nil), Stdout: &reply, Stderr: log, Now: now})
	return reply.Bytes(), code
}
