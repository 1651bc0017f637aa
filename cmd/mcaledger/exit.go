package main

import (
	"errors"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
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
  3    done, but some customers were unreadable, some rows were refused or failed, some work is held by another host, or one
       of several partners failed
  11   another run holds the lock of every partner asked for (some: 3)
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
	if partial, ok := errors.AsType[*jobs.PartialError](err); ok && hint == "" {
		_, hint = causeInService(partial.Cause)
	}
	if kind, cure := causeInService(err); kind != "" && code == "failed" {
		code, hint = kind, cure
	}
	return &problem{Code: code, Message: err.Error(), Hint: hint}
}

func causeInService(err error) (kind, cure string) {
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		return e.Kind.String(), cures[e.Kind]
	}
	return "", ""
}

// cures say what a person can do about a failure of the service, by what it means.
var cures = map[partnercenter.Kind]string{
	partnercenter.Unavailable:   "The service gave no usable answer. Run again: what was read is saved, and the run continues.",
	partnercenter.Down:          "The service gives no usable answers. Run again later: what was read is saved, and the run continues.",
	partnercenter.Throttled:     "The service refuses more requests for now. Run again later, or lower requests_per_minute; what was read is saved.",
	partnercenter.Malformed:     "The service's answer makes no sense to this program. Keep the two ids for Microsoft's support and look for a newer version.",
	partnercenter.Refused:       "The service refused the call. Keep the two ids: Microsoft's support asks for them.",
	partnercenter.TokenRefused:  "The service does not take the access token. Check tenant_id and client_id, and that the app is consented for Partner Center; then sign in again.",
	partnercenter.SignInFailed:  "Sign in again with multi-factor authentication and save the new refresh token in refresh_token_file; check client_id and client_secret (secrets expire).",
	partnercenter.MFAMissing:    "Sign in again with multi-factor authentication and save the new refresh token in refresh_token_file: Partner Center takes no sign-in without it.",
	partnercenter.WrongAudience: "The token was made for another resource than Partner Center. Check login_url and that the app registration has the permission for Microsoft Partner Center.",
	partnercenter.AppOnly:       "This needs App+User credentials. Sign in with multi-factor authentication and name the refresh token with refresh_token_file.",
	partnercenter.RoleMissing:   "The signed-in user needs the role Admin agent or Sales agent in Partner Center.",
	partnercenter.Ended:         "There is no relationship with this customer any more.",
	partnercenter.NotFound:      "The service knows no such thing at this address. Check api_url.",
}
