package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Outcome says how a job ended; the exit code of a command is one of these.
type Outcome string

const (
	OutcomeDone        Outcome = "done"
	OutcomeHeld        Outcome = "held"        // another process works on all that was asked for
	OutcomePartial     Outcome = "partial"     // done, but something in it needs a person
	OutcomeUsage       Outcome = "usage"       // what was asked for makes no sense, or the configuration does not
	OutcomeFailed      Outcome = "failed"      // work that was saved is kept
	OutcomeInterrupted Outcome = "interrupted" // the next run continues
)

// worstLast orders outcomes: of several, the last one counts.
var worstLast = []Outcome{OutcomeDone, OutcomeHeld, OutcomePartial, OutcomeUsage, OutcomeFailed, OutcomeInterrupted}

// Worse returns the more severe of two outcomes.
func (o Outcome) Worse(other Outcome) Outcome {
	return worstLast[max(slices.Index(worstLast, o), slices.Index(worstLast, other))]
}

// CodedError is an error that machines can tell from others, and that says what a person can do
// about it. The errors of the store, the client and the jobs implement it.
type CodedError interface {
	error
	Code() string
	Hint() string
}

// OutcomeOf says what an error means for the job that returned it.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeDone
	}
	if night, ok := errors.AsType[*NightError](err); ok {
		return night.Outcome()
	}
	coded, _ := errors.AsType[CodedError](err)
	switch {
	case coded != nil && (coded.Code() == "usage" || coded.Code() == "configuration"):
		return OutcomeUsage
	case errors.Is(err, ErrInterrupted):
		return OutcomeInterrupted
	case coded != nil && coded.Code() == "held":
		return OutcomeHeld
	case errors.Is(err, context.Canceled):
		return OutcomeInterrupted
	}
	if _, partial := errors.AsType[*PartialError](err); partial {
		return OutcomePartial
	}
	return OutcomeFailed
}

// ErrInterrupted is the cause of a context that a person or the system ended.
var ErrInterrupted CodedError = interruptedError{}

type interruptedError struct{}

func (interruptedError) Error() string { return "interrupted" }
func (interruptedError) Code() string  { return "interrupted" }
func (interruptedError) Hint() string  { return "Work that was done is saved; the next run continues." }

// PartialError is work that was done, with something in it that a person has to look at.
type PartialError struct {
	code, message, hint string
	Cause               error // the failure that the hint is about; nil: none
}

func (e *PartialError) Error() string { return e.message }
func (e *PartialError) Code() string  { return e.code }
func (e *PartialError) Hint() string  { return e.hint }

func partialHint(code, message, hint string) error {
	return &PartialError{code: code, message: message, hint: hint}
}

// partial takes the hint of one of several failures.
func partial(code, message string, cause error) error {
	return &PartialError{code: code, message: message, hint: hintOf(cause), Cause: cause}
}

// UsageError is a request that makes no sense as it was made; nothing was done.
type UsageError struct{ cause error }

func (e *UsageError) Error() string { return e.cause.Error() }
func (e *UsageError) Unwrap() error { return e.cause }
func (e *UsageError) Code() string  { return "usage" }
func (e *UsageError) Hint() string  { return "mcaledger --help lists commands and flags." }

func usageErrorf(format string, values ...any) error {
	return &UsageError{fmt.Errorf(format, values...)}
}

// Explain names an error for machines, and says what a person can do about it.
func Explain(err error) (code, hint string) {
	coded, ok := errors.AsType[CodedError](err)
	switch {
	// whatever it was that did not end in order
	case errors.Is(err, ErrInterrupted) && OutcomeOf(err) == OutcomeInterrupted:
		return ErrInterrupted.Code(), ErrInterrupted.Hint()
	case ok && coded.Code() != "":
		return coded.Code(), coded.Hint()
	case errors.Is(err, context.Canceled):
		return ErrInterrupted.Code(), ErrInterrupted.Hint()
	case errors.Is(err, fs.ErrPermission):
		return "permission", "Give the user that runs mcaledger the right to write there, or name another place."
	case isPathError(err):
		return "file", "Correct what the message names, or name another file or folder."
	}
	return "failed", ""
}

func isPathError(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	return path || link
}

func hintOf(err error) string {
	_, hint := Explain(err)
	return hint
}
