package store

import "fmt"

// Errors say to machines what they are (Code) and to people what they can do (Hint).

// sentinel is an error that is compared with errors.Is.
type sentinel struct{ text, code, hint string }

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Code() string  { return e.code }
func (e *sentinel) Hint() string  { return e.hint }

const waitHint = "Wait until it has ended; a lock whose holder died is free after a minute."

var (
	// ErrNewerSchema: the database belongs to a newer version of the program.
	ErrNewerSchema error = &sentinel{"the database has a newer schema than this program knows", "newer_schema",
		"Install the version of mcaledger that made it, or a newer one; nothing was changed."}
	// ErrLeaseLost: another process works on the partner now; nothing was written.
	ErrLeaseLost error = &sentinel{"the lease was lost to another process", "held", waitHint}
	// ErrInboxFileTaken: another run has made a batch of the same file of the inbox.
	ErrInboxFileTaken error = &sentinel{"another run imports this file of the inbox", "held", waitHint}
	// ErrInvitedMeanwhile: another process has invited the customer.
	ErrInvitedMeanwhile error = &sentinel{"the customer was invited meanwhile", "invited", ""}
	// ErrUnfinished: some attestations of the batch may still be sent.
	ErrUnfinished error = &sentinel{"the batch has attestations that may still be sent", "unfinished",
		"Submit or cancel them first; mcaledger attest list shows their states."}
	// ErrNotFound: the ledger holds no such thing.
	ErrNotFound error = &sentinel{"not in the ledger", "not_found", ""}
)

func (e *HeldError) Code() string { return "held" }
func (e *HeldError) Hint() string { return waitHint }

// AlteredError: what a completed run left in the ledger is not there any more as it was.
type AlteredError struct{ Run int64 }

func (e *AlteredError) Error() string {
	return fmt.Sprintf("the standings of run %d are not what the run left: the database was changed by other means, "+
		"or is damaged", e.Run)
}
func (e *AlteredError) Code() string { return "ledger_altered" }
func (e *AlteredError) Hint() string {
	return "Keep the database as it is. mcaledger verify names what is altered; restore a backup if there is one."
}
