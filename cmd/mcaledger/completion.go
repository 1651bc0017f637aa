package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/reports"
)

// completer lists what a flag or an argument may be. It answers a shell while a person types, so it
// is silent about everything that goes wrong, and makes and changes nothing.
type completer func(ctx context.Context, typed string) []cobra.Completion

// completeFlags lets the shell complete the values of flags, by their names.
func (a *app) completeFlags(root *cobra.Command) {
	known := map[string]completer{
		"partner": a.completePartners, "run": a.completeRuns, "against": a.completeRuns, "batch": a.completeBatches,
		"sheet": words(reports.BookSheetNames()...), "dates": words("auto", "dmy", "mdy"), "log": words("text", "json"),
		"state": completeStates, "kind": words("direct_bill", "indirect_provider", "indirect_reseller"),
	}
	visit(root, func(cmd *cobra.Command) {
		for name, complete := range known {
			if cmd.LocalFlags().Lookup(name) != nil {
				cmd.RegisterFlagCompletionFunc(name, complete.function(-1))
			}
		}
	})
}

// visit calls do for a command and all below it.
func visit(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, c := range cmd.Commands() {
		visit(c, do)
	}
}

// function makes cobra's form of a completer; most is how many arguments there may be, -1: any
// number.
func (c completer) function(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var fitting []cobra.Completion
		for _, word := range c(cmd.Context(), typed) {
			if strings.HasPrefix(word, typed) {
				fitting = append(fitting, word)
			}
		}
		return fitting, cobra.ShellCompDirectiveNoFileComp
	}
}

func words(all ...string) completer {
	return func(context.Context, string) []cobra.Completion { return all }
}

func completeStates(context.Context, string) (states []cobra.Completion) {
	for _, s := range attestation.Statuses() {
		states = append(states, string(s))
	}
	return states
}

func (a *app) completePartners(context.Context, string) (names []cobra.Completion) {
	c, err := a.load()
	if err != nil {
		return nil
	}
	for _, p := range c.Partners {
		names = append(names, cobra.CompletionWithDesc(p.Name, p.TenantID))
	}
	return names
}

func (a *app) completeRuns(ctx context.Context, _ string) (runs []cobra.Completion) {
	a.peek(ctx, func(s *store.Store) error {
		recent, err := s.RecentRuns(ctx, 30)
		for _, r := range recent {
			runs = append(runs, cobra.CompletionWithDesc(strconv.FormatInt(r.ID, 10),
				fmt.Sprintf("%s, %s, %s", r.Partner.Name, r.StartedAt.Format("2006-01-02 15:04 UTC"), r.State)))
		}
		return err
	})
	return runs
}

func (a *app) completeBatches(ctx context.Context, _ string) (batches []cobra.Completion) {
	a.peek(ctx, func(s *store.Store) error {
		recent, err := s.RecentBatches(ctx, 30)
		for _, b := range recent {
			batches = append(batches, cobra.CompletionWithDesc(strconv.FormatInt(b.ID, 10),
				string(safe([]byte(fmt.Sprintf("%s, imported by %s", b.File, b.ImportedBy.Name))))))
		}
		return err
	})
	return batches
}

// completeAttestations completes batches, and behind the hyphen the lines of one.
func (a *app) completeAttestations(ctx context.Context, typed string) (ids []cobra.Completion) {
	number, _, inBatch := strings.Cut(typed, "-")
	batch, err := strconv.ParseInt(number, 10, 64)
	if !inBatch || err != nil {
		return a.completeBatches(ctx, typed)
	}
	a.peek(ctx, func(s *store.Store) error {
		for at, err := range s.Attestations(ctx, batch) {
			if err != nil || len(ids) == 200 {
				return err
			}
			ids = append(ids, cobra.CompletionWithDesc(at.ID.String(),
				string(safe([]byte(at.CustomerName+", "+string(at.Status()))))))
		}
		return nil
	})
	return ids
}

// peek looks into a ledger that is there and has this program's schema.
func (a *app) peek(ctx context.Context, look func(*store.Store) error) {
	c, err := a.load()
	if err != nil || !exists(c) {
		return
	}
	s, err := store.Open(ctx, c.Database)
	if err != nil {
		return
	}
	defer s.Close()
	if have, know, err := s.Schema(ctx); err == nil && have == know {
		_ = look(s)
	}
}

// exists reports whether opening the database makes no file.
func exists(c config.Config) bool {
	path, file := strings.CutPrefix(c.Database, "sqlite:")
	_, err := os.Stat(path)
	return !file || !errors.Is(err, fs.ErrNotExist)
}

// completes lets the shell complete the arguments of a command.
func completes(cmd *cobra.Command, complete completer, most int) *cobra.Command {
	cmd.ValidArgsFunction = complete.function(most)
	return cmd
}

// formats adds --format, which is one of a few words.
func formats(cmd *cobra.Command, format *string, usage string, allowed ...string) {
	cmd.Flags().StringVar(format, "format", *format, usage)
	cmd.RegisterFlagCompletionFunc("format", words(slices.Clone(allowed)...).function(-1))
}
