package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// Exit codes are an interface for cron; the README and --help list them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3
	exitHeld        = 11
	exitInterrupted = 130
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

// configError is a configuration that makes no sense.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// databaseError is a ledger that cannot be opened.
type databaseError struct{ error }

func (e databaseError) Unwrap() error { return e.error }

// atDatabase says which database an error is about.
func atDatabase(c config.Config, err error) error {
	return databaseError{fmt.Errorf("%s: %w", c.Ledger(), err)}
}

// partialError is work that was done, but not all of it.
type partialError struct{ code, message, hint string }

func (e partialError) Error() string { return e.message }

// noneDoneError: several partners, and none was done, for different reasons.
type noneDoneError struct{ error }

func exitCode(err error) int {
	if e, ok := errors.AsType[nightError](err); ok {
		return e.exit
	}
	switch {
	case err == nil:
		return exitDone
	case isA[usageError](err), isA[configError](err):
		return exitUsage
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case isHeld(err):
		return exitHeld
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case isA[partialError](err):
		return exitPartial
	}
	return exitFailed
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// isHeld reports whether somebody else works on the partner.
func isHeld(err error) bool { return isA[*store.HeldError](err) || errors.Is(err, store.ErrLeaseLost) }

// explain turns an error into a sentence and what to do next.
func explain(err error) *problem {
	if err == nil {
		return nil
	}
	code, hint := advice(err)
	return &problem{Code: code, Message: err.Error(), Hint: hint}
}

func advice(err error) (code, hint string) {
	if e, ok := errors.AsType[nightError](err); ok {
		return advice(e.worst)
	}
	if e, ok := errors.AsType[partialError](err); ok {
		return e.code, e.hint
	}
	if e, ok := errors.AsType[*partnercenter.Error](err); ok {
		return e.Kind.String(), cures[e.Kind]
	}
	switch {
	case isA[notImportedError](err) && (errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled)):
		return "interrupted", "Nothing of the file was queued; import it again."
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return "interrupted", "What was done is saved; the next run continues."
	case isA[usageError](err):
		return "usage", "mcaledger --help lists commands and flags."
	case isA[configError](err):
		return "configuration", "Correct the configuration; docs/configuration.md lists every key."
	case isHeld(err):
		return "held", "Wait until it has ended; a lock whose holder died is free after a minute."
	case isA[*jobs.UnbalancedError](err):
		return "unbalanced", "Look at the sheet Checks of the report. If so many customers really left, raise reconcile.max_gone_percent for one run."
	case isA[failedChecksError](err):
		return "unbalanced", "The next run tries again; the sheet Checks has the numbers."
	case isA[ceilingError](err):
		return "ceiling", "Send a part with --limit, or raise attestation.ceiling if so many are right."
	case isA[cannotAttestError](err):
		return "cannot_attest", "Ask the indirect provider of these customers to attest."
	case isA[alteredError](err):
		return "chain_broken", "Somebody changed the database by other means than mcaledger. Keep it as it is, and compare it with a backup."
	case isA[*intake.FileError](err):
		return "file", "Correct the file and import it again; nothing of it was queued."
	case isA[unwellError](err):
		return "unwell", "Each failed check says what to do."
	case isA[clockError](err):
		return "clock", "Set both clocks by NTP: days and locks depend on them."
	case errors.Is(err, store.ErrNewerSchema):
		return "newer_schema", "Install the version of mcaledger that made it, or a newer one; nothing was changed."
	case isA[notImportedError](err) && isA[*store.Error](err):
		return "database", "Nothing of the file was queued. Mend what the message names, be it the database or that another command held it for long, and import the file again."
	case isA[*store.Error](err):
		return "database", "Check that the database is up. What was saved is saved, and the next run continues."
	case isA[databaseError](err):
		return "database", "Check that the database is up and that `database` in the configuration names it; nothing was changed."
	case errors.Is(err, os.ErrPermission):
		return "permission", "Give the user that runs mcaledger the right to write there, or name another place."
	case isA[*os.PathError](err), isA[*os.LinkError](err):
		return "file", "Mend what the message names, or name another place."
	}
	return "failed", ""
}

// cures say what a person can do about a failure of the service, by what it means (PARTNER-CENTER.md, table of codes).
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
