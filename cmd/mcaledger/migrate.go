package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/store"
)

type migrateReply struct {
	head
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (a *app) migrateCommand() *cobra.Command {
	r := &migrateReply{head: head{Command: "migrate"}}
	cmd := a.command("migrate", "upgrade the database's schema to this version (other commands do it too)", r, func(ctx context.Context) error {
		c, err := a.load()
		if err != nil {
			return err
		}
		if err := refuseForeignDatabase(c); err != nil {
			return err
		}
		s, err := store.Open(ctx, c.Database)
		if err != nil {
			return atDatabase(c, err)
		}
		defer s.Close()
		if r.From, r.To, err = s.Schema(ctx); err != nil {
			return atDatabase(c, err)
		}
		if err := s.Migrate(ctx); err != nil {
			return atDatabase(c, err)
		}
		a.printf("schema version %d, was %d\n", r.To, r.From)
		return nil
	})
	return example(cmd, "mcaledger migrate")
}
