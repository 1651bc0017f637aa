package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
)

// app is one invocation of the program.
type app struct {
	Env
	ctx   context.Context
	began time.Time // of this process's own clock: only what has passed since counts

	configPath string
	json       bool
	quiet      bool
	verbose    bool
	logFormat  string

	replied bool
	code    int
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, args []string, s Env) int {
	a := &app{Env: s, ctx: ctx, began: time.Now()}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.replied {
		// Cobra refused the command line before any command ran, so its flags may not have been read either.
		a.json = a.json || slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
		a.finish(&bare{}, usageError{err})
	}
	return a.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mcaledger",
		Short: "Which customers cannot buy, because the Microsoft Customer Agreement is not accepted?",
		Long: `mcaledger tells a Microsoft CSP partner, every morning, which customers cannot buy because the Microsoft Customer
Agreement (MCA) is not accepted, with a workbook that finance and compliance can review.

EXIT STATUS
  0    done, and every check balances
  1    failed; nothing is promised but what was saved
  2    wrong usage or configuration
  3    done, but some customers were unreadable, some rows were refused or failed, some work is held by another host, or one
       of several partners failed
  11   another run holds the lock of every partner asked for (some: 3)
  130  interrupted; the next run continues`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError{fmt.Errorf("no command is given; see mcaledger --help")}
		},
	}
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.configPath, "config", "", "configuration file (else MCALEDGER_CONFIG, ./mcaledger.yaml, /etc/mcaledger/mcaledger.yaml)")
	flags.BoolVar(&a.json, "json", false, "print exactly one JSON object on stdout at the end")
	flags.BoolVar(&a.quiet, "quiet", false, "say nothing but errors")
	flags.BoolVar(&a.verbose, "verbose", false, "log every repeated call")
	flags.StringVar(&a.logFormat, "log", "text", "form of log lines: text or json")
	root.AddCommand(a.reconcileCommand(), a.reportCommand(), a.runsCommand(), a.doctorCommand(), a.migrateCommand(),
		a.attestCommand(), a.verifyCommand(), a.nightlyCommand(), a.simulateCommand(), a.demoCommand(), a.versionCommand())
	// Left to itself, cobra answers `completion tcsh` with a help text and exit code 0.
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if !c.Runnable() {
			c.Args, c.RunE = noSuchCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// noSuchCommand names the command that a mistaken one is like.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	like := ""
	if known := cmd.SuggestionsFor(args[0]); len(known) > 0 {
		like = fmt.Sprintf("; did you mean %s?", known[0])
	}
	return fmt.Errorf("there is no command %q%s", args[0], like)
}

// command makes a command whose work fills a reply. Whatever the work returns becomes an exit code, a sentence, and with --json one
// object.
func (a *app) command(use, short string, r reply, work func() error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if a.logFormat != "text" && a.logFormat != "json" {
				err = usageError{fmt.Errorf("--log %q is neither text nor json", a.logFormat)}
			} else {
				err = work()
			}
			a.finish(r, err)
			return err
		},
	}
}

// now is AsOf and what has passed since: the later steps of a night come after the earlier ones.
func (a *app) now() time.Time { return a.AsOf.Add(time.Since(a.began)) }

// load reads the configuration.
func (a *app) load() (config.Config, error) {
	c, err := config.Load(a.configPath, a.Environ)
	if err != nil {
		return c, configError{err}
	}
	return c, nil
}

// open opens the ledger and brings its schema up to date.
func (a *app) open(c config.Config) (*store.Store, error) {
	s, err := store.Open(a.ctx, c.Database)
	if err != nil {
		return nil, atDatabase(c, err)
	}
	if err := s.Migrate(a.ctx); err != nil {
		s.Close()
		return nil, atDatabase(c, err)
	}
	return s, nil
}

// log is where a job tells what it does: lines on stderr. A terminal gets a progress bar and a summary instead, and of the lines
// only warnings.
func (a *app) log() *slog.Logger {
	level := slog.LevelInfo
	switch {
	case a.quiet:
		level = slog.LevelError
	case a.verbose:
		level = slog.LevelDebug
	case a.terminal():
		level = slog.LevelWarn
	}
	options := &slog.HandlerOptions{Level: level}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}

// terminal reports whether a person is watching.
func (a *app) terminal() bool {
	f, ok := a.Stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// say writes for people; with --json or --quiet nobody wants to read it.
func (a *app) printf(format string, values ...any) {
	if !a.json && !a.quiet {
		fmt.Fprintf(a.Stdout, format, values...)
	}
}
