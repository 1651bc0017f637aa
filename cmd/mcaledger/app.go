package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/messages"
)

// app is one invocation of the program.
type app struct {
	Env
	out, err *safeWriter               // for text
	texts    func() messages.Catalogue // read when the first text is needed: --json and --quiet need none

	configPath string
	json       bool
	quiet      bool
	verbose    bool
	logFormat  string

	replied bool
	code    int
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, args []string, env Env) int {
	a := &app{Env: env, out: &safeWriter{to: env.Stdout}, err: &safeWriter{to: env.Stderr},
		texts: sync.OnceValue(func() messages.Catalogue { return messages.Load(env.Environ) })}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.replied && a.out.failure() == nil {
		// Cobra refused the command line before any command ran, so its flags may not have been
		// read either.
		a.json = a.json || slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
		a.finish(&bare{}, usageError{err})
	}
	a.checkOutput()
	return a.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mcaledger",
		Short: "Find the customers who cannot buy because the Microsoft Customer Agreement is not accepted",
		Long: `mcaledger tells a Microsoft CSP partner, every morning, which customers cannot buy because the
Microsoft Customer Agreement (MCA) is not accepted, with a workbook that finance and compliance
can review.

` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("no command is given; see mcaledger --help")}
		},
	}
	example(root, "mcaledger demo", "mcaledger doctor", "mcaledger nightly --quiet",
		"mcaledger report --out today.xlsx")
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.configPath, "config", "",
		"configuration file (else MCALEDGER_CONFIG, ./mcaledger.yaml, /etc/mcaledger/mcaledger.yaml)")
	flags.BoolVar(&a.json, "json", false, "print exactly one JSON object on stdout at the end")
	flags.BoolVar(&a.quiet, "quiet", false, "print errors only")
	flags.BoolVar(&a.verbose, "verbose", false, "log every repeated call")
	flags.StringVar(&a.logFormat, "log", "text", "format of log lines: text or json")
	root.AddCommand(a.initCommand(), a.loginCommand(), a.reconcileCommand(), a.reportCommand(), a.runsCommand(),
		a.doctorCommand(), a.migrateCommand(), a.backupCommand(), a.attestCommand(), a.inviteCommand(),
		a.exceptionsCommand(), a.agreementCommand(), a.verifyCommand(), a.nightlyCommand(), a.simulateCommand(),
		a.demoCommand(), a.versionCommand())
	root.SetFlagErrorFunc(flagError)
	root.Version = programVersion()
	root.SetVersionTemplate("mcaledger {{.Version}}\n")
	// Left to itself, cobra answers `completion tcsh` with a help text and exit code 0.
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if !c.Runnable() {
			needsCommand(c)
		}
	}
	a.completeFlags(root)
	return root
}

// command makes a command whose work fills a reply. Whatever the work returns becomes an exit code,
// a sentence, and with --json one object.
func (a *app) command(use, short string, r reply, work func(ctx context.Context) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if a.logFormat != "text" && a.logFormat != "json" {
				err = usageError{fmt.Errorf("--log %q must be text or json", a.logFormat)}
			} else {
				err = work(cmd.Context())
			}
			a.finish(r, err)
			return err
		},
	}
}

// log is where a job writes what it does: lines on stderr. On a terminal there is a progress bar
// and a summary instead, and of the lines only warnings.
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
		return slog.New(slog.NewJSONHandler(a.err, options))
	}
	return slog.New(slog.NewTextHandler(a.err, options))
}

// terminal reports whether a person is watching, on a terminal that can move its cursor.
func (a *app) terminal() bool {
	return isTerminal(a.Stderr) && a.getenv("TERM") != "dumb"
}

func (a *app) getenv(name string) string {
	for _, line := range a.Environ {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}
