package ledger

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Exception is what a partner decided about a blocked customer: who deals with it, and until when
// the block is accepted.
type Exception struct {
	PartnerID     string
	CustomerID    string
	Owner         string
	DueOn         standing.Date // empty: none
	Comment       string
	AcceptedUntil standing.Date // empty: the block is not accepted
	Removed       bool          // the customer has no exception any more
	File          string        // that it was imported from; empty: set by command

	Actor attestation.Actor // who set it, and when; the ledger fills them in
	At    time.Time
}

// IsEmpty reports whether an exception says nothing.
func (e Exception) IsEmpty() bool {
	return e.Owner == "" && e.DueOn == "" && e.Comment == "" && e.AcceptedUntil == ""
}

// Says reports whether two exceptions say the same about a customer, whoever said it.
func (e Exception) Says(other Exception) bool {
	return e.Owner == other.Owner && e.DueOn == other.DueOn && e.Comment == other.Comment &&
		e.AcceptedUntil == other.AcceptedUntil &&
		e.Removed == other.Removed
}

// Accepts reports whether the block is accepted on a day. The last day counts.
func (e Exception) Accepts(today standing.Date) bool {
	return !e.Removed && e.AcceptedUntil != "" && e.AcceptedUntil >= today
}

// ExceptionStatus says what an exception asks of people.
type ExceptionStatus string

const (
	ExceptionExpired  ExceptionStatus = "expired"  // the block is not accepted any more
	ExceptionOverdue  ExceptionStatus = "overdue"  // it was due before today
	ExceptionOpen     ExceptionStatus = "open"     // somebody deals with it
	ExceptionAccepted ExceptionStatus = "accepted" // nothing is to be done until then
)

// ExceptionStatuses are all of them, the most urgent first.
func ExceptionStatuses() []ExceptionStatus {
	return []ExceptionStatus{ExceptionExpired, ExceptionOverdue, ExceptionOpen, ExceptionAccepted}
}

// Status is the status on a day.
func (e Exception) Status(today standing.Date) ExceptionStatus {
	switch {
	case e.AcceptedUntil != "" && e.AcceptedUntil < today:
		return ExceptionExpired
	case e.DueOn != "" && e.DueOn < today:
		return ExceptionOverdue
	case e.Accepts(today):
		return ExceptionAccepted
	}
	return ExceptionOpen
}

// ExceptionEntry is an exception with its customer, as the last completed run left it.
type ExceptionEntry struct {
	Exception
	Event        int64             // that set the exception
	Customer     standing.Customer // as it was when it was last on the list
	Standing     standing.Standing // empty: no customer any more
	BlockedSince time.Time
}
