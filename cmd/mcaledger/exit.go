package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/jobs"
)

// Exit codes are an interface for cron; exitHelp and the README list them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3
	exitHeld        = 11
	exitInterrupted = 130
)

func exitCode(err error) int {
	switch jobs.OutcomeOf(err) {
	case jobs.OutcomeDone:
		return exitDone
	case jobs.OutcomeUsage:
		return exitUsage
	case jobs.OutcomePartial:
		return exitPartial
	case jobs.OutcomeHeld:
		return exitHeld
	case jobs.OutcomeInterrupted:
		return exitInterrupted
	}
	return exitFailed
}

const exitHelp = `EXIT STATUS
  0    done, and all checks passed
  1    failed; work that was saved is kept
  2    wrong usage or configuration
  3    done, but some customers were unreadable, some rows were refused or failed, another
       run is working on some of the partners, one of several partners failed, or something needs
       a person
  11   another run is working on every partner requested
  130  interrupted; the next run continues`

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
func (e usageError) Code() string  { return "usage" }
func (e usageError) Hint() string  { return "mcaledger --help lists commands and flags." }

func usageErrorf(format string, values ...any) error {
	return usageError{fmt.Errorf(format, values...)}
}

// configError is a configuration that makes no sense.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }
func (e configError) Code() string  { return "configuration" }
func (e configError) Hint() string {
	if _, ok := errors.AsType[*config.SecretFileError](e.error); ok {
		return ""
	}
	return "Correct the configuration; docs/configuration.md lists every key."
}

// databaseError is a ledger that cannot be opened.
type databaseError struct{ error }

func (e databaseError) Unwrap() error { return e.error }
func (e databaseError) Code() string {
	if coded, ok := errors.AsType[jobs.CodedError](e.error); ok {
		return coded.Code()
	}
	return "database"
}

func (e databaseError) Hint() string {
	if coded, ok := errors.AsType[jobs.CodedError](e.error); ok {
		return coded.Hint()
	}
	return "Check that the database is up and that `database` in the configuration names it; nothing was changed."
}

// explain turns an error into a sentence and what to do next.
func explain(err error) *problem {
	if err == nil {
		return nil
	}
	code, hint := jobs.Explain(err)
	// Several steps may have ended for one reason.
	lines := slices.Compact(strings.Split(err.Error(), "\n"))
	return &problem{Code: code, Message: strings.Join(lines, "\n"), Hint: hint}
}
