package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
)

type migrateReply struct {
	envelope
	From   int64         `json:"from"`
	To     int64         `json:"to"`
	Copied *copiedLedger `json:"copied,omitempty"`
}

// copiedLedger is a ledger that was copied to another database.
type copiedLedger struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Tables int    `json:"tables"`
	Rows   int64  `json:"rows"`
	Head   string `json:"head"`
}

func (a *app) migrateCommand() *cobra.Command {
	r := &migrateReply{envelope: envelope{Command: "migrate"}}
	var from, to string
	var by func() attestation.Actor
	cmd := a.command("migrate", "upgrade the database's schema to this version, or copy the ledger to another database",
		r, func(ctx context.Context) error {
			if from != "" || to != "" {
				return a.copyLedger(ctx, r, from, to, by())
			}
			return a.upgradeSchema(ctx, r)
		})
	cmd.Long = `migrate brings the schema of the configured database up to date, as every other command does by
itself.

With --from and --to it copies a ledger to another, empty database: all tables in one transaction,
each row compared afterwards. Stop the timer first, and put the new address into the configuration
afterwards. The old database stays as it is. A password of PostgreSQL need not stand on the command
line: PGPASSWORD and ~/.pgpass are read.`
	by = a.byFlag(cmd)
	cmd.Flags().StringVar(&from, "from", "", "database to copy from, sqlite:FILE or postgres://…")
	cmd.Flags().StringVar(&to, "to", "", "empty database to copy to, postgres://… or sqlite:FILE")
	return example(cmd, "mcaledger migrate", "mcaledger migrate --from sqlite:mcaledger.db --to "+
		"postgres://mcaledger@db.example.com/mcaledger")
}

func (a *app) upgradeSchema(ctx context.Context, r *migrateReply) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if err := refuseForeignDatabase(c.Database); err != nil {
		return err
	}
	s, err := store.Open(ctx, c.Database)
	if err != nil {
		return atDatabase(c.Database, err)
	}
	defer s.Close()
	if r.From, r.To, err = s.Schema(ctx); err != nil {
		return atDatabase(c.Database, err)
	}
	if err := s.Migrate(ctx); err != nil {
		return atDatabase(c.Database, err)
	}
	a.printf("schema version %d, was %d\n", r.To, r.From)
	return nil
}

// copyLedger copies a ledger to another database. It needs no configuration.
func (a *app) copyLedger(ctx context.Context, r *migrateReply, from, to string, by attestation.Actor) error {
	for name, address := range map[string]string{"--from": from, "--to": to} {
		if wrong := config.BadDatabase(address); wrong != "" {
			return usageErrorf("%s %s", name, wrong)
		}
	}
	if path, isFile := strings.CutPrefix(from, "sqlite:"); isFile {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return usageErrorf("--from: there is no file %s", path)
		}
	}
	if err := refuseForeignDatabase(to); err != nil {
		return err
	}
	source, err := store.Open(ctx, from)
	if err != nil {
		return atDatabase(from, err)
	}
	defer source.Close()
	target, err := store.Open(ctx, to)
	if err != nil {
		return atDatabase(to, err)
	}
	defer target.Close()
	if r.From, r.To, err = source.Schema(ctx); err != nil {
		return atDatabase(from, err)
	}
	told := a.newProgress().watch("rows")
	if told == nil { // --quiet
		told = func(int, int) {}
	}
	copied, err := source.CopyTo(ctx, target, by, a.Now(), told)
	if err != nil {
		return atDatabase(to, err)
	}
	r.Copied = &copiedLedger{From: config.LedgerName(from), To: config.LedgerName(to), Tables: copied.Tables,
		Rows: copied.Rows, Head: copied.Head.String()}
	a.printf("copied %d rows of %d tables to %s; each was compared, and head %s is the same\n", copied.Rows,
		copied.Tables, r.Copied.To, r.Copied.Head)
	a.printf("put the address into the configuration, and keep the old database until a nightly run has succeeded\n")
	return nil
}
