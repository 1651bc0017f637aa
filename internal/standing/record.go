package standing

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Direct is what is known of a customer's own acceptance in the Microsoft 365 admin center, as a
// report shows it.
type Direct string

const (
	DirectNotRead Direct = "not_read"
	DirectNo      Direct = "no"
	DirectYes     Direct = "yes"
)

// Customer is one tenant as the partner's list names it.
type Customer struct {
	ID           string // the tenant id in its canonical spelling: customers are compared by it
	DisplayID    string // the tenant id as the service first spelled it
	Name         string // untrusted text
	Domain       string
	Relationship string
}

// CustomerOf makes a customer of a tenant id in any spelling.
func CustomerOf(id string) Customer { return Customer{ID: CanonicalID(id), DisplayID: id} }

// CanonicalID is the one spelling of a tenant id that is compared and stored as a key: a GUID in
// lower case with dashes. What is no GUID is compared without regard to case.
func CanonicalID(id string) string {
	if guid, err := uuid.Parse(strings.TrimSpace(id)); err == nil {
		return guid.String()
	}
	return strings.ToLower(strings.TrimSpace(id))
}

// ReadError is what the service answered when it did not answer: the words and ids that Microsoft's
// support asks for.
type ReadError struct {
	Status        int    // HTTP status; 0 when no answer came
	Code          string // the service's own code; may be empty
	Message       string
	RequestID     string // MS-RequestId
	CorrelationID string // MS-CorrelationId
}

// State is everything that a report shows of a customer and that can change; two nights are the
// same when their states are equal. The ids in ReadError differ on every call, so a customer that
// cannot be read has a record for each night: support asks for the latest.
type State struct {
	Customer
	Standing   Standing
	Reason     Reason
	Remedy     Remedy
	Agreements Outcome   // whether agreements were read
	Newest     Agreement // the agreement that counts
	Direct     Direct    // what this reading says of direct acceptance
	ReadError  ReadError // set when the standing is unknown
}

// Record is a customer's state with the memory of how long it has stood so. All instants are UTC
// and name the start of the attempt that saw the thing, so a record is the same however long the
// night was.
type Record struct {
	State
	FirstSeen     time.Time // the first night the customer was on the list
	StandingSince time.Time // the first night of this standing without a break
	// the first night of this block; a night of unknown standing does not end it. Zero: no block
	BlockedSince  time.Time
	DirectLast    Direct    // what the last reading that asked said of direct acceptance
	DirectSince   time.Time // the night on which "no" turned into "yes". Zero: no, or date not known
	PolicyChanged bool      // the standing began with a change of the policy, not of the customer
	// for unknown customers: the last night whose standing was known (zero: never). Others were
	// read in this very run
	LastRead time.Time
}

// Change names how a customer differs from the last completed run.
type Change string

// The changes. Whoever is blocked and was not, is newly blocked: new customers, and those that
// could not be read in between, included.
const (
	Unchanged     Change = ""
	New           Change = "new" // and not blocked
	Gone          Change = "gone"
	NewlyBlocked  Change = "newly_blocked"
	NewlyClear    Change = "newly_clear"
	NewlyUnknown  Change = "newly_unknown"
	NewlyExcluded Change = "newly_excluded"
	ReadAgain     Change = "read_again" // clear again, as before the nights on which it was unknown
)

// Next is the record that follows prev (nil: never seen before) when state is read at the instant
// at. lastRead is when the previous completed run read its customers; it dates the last good
// reading of a customer that cannot be read now.
func Next(prev *Record, state State, at, lastRead time.Time) Record {
	next := Record{State: state, FirstSeen: at, StandingSince: at}
	next.DirectLast = state.Direct
	if state.Standing == Blocked {
		next.BlockedSince = at
	}
	if prev == nil {
		return next
	}

	next.FirstSeen = prev.FirstSeen
	if prev.Standing == state.Standing {
		next.StandingSince, next.PolicyChanged = prev.StandingSince, prev.PolicyChanged
	}
	if !prev.BlockedSince.IsZero() && (state.Standing == Blocked || state.Standing == Unknown) {
		next.BlockedSince = prev.BlockedSince
	}
	switch {
	case state.Direct == DirectNotRead:
		next.DirectLast, next.DirectSince = prev.DirectLast, prev.DirectSince
	case state.Direct == DirectYes && prev.DirectLast == DirectNo:
		next.DirectSince = at
	case state.Direct == DirectYes:
		next.DirectSince = prev.DirectSince
	}
	if state.Standing == Unknown {
		next.LastRead = lastRead
		switch prev.Standing {
		case Unknown:
			next.LastRead = prev.LastRead
		case Excluded: // it had not been read whether it can buy
			next.LastRead = time.Time{}
		}
	}
	return next
}

// Transition is one customer in two runs: Before is nil for one that is new, After for one that is
// gone.
type Transition struct {
	Before, After *Record
}

// Change names the step.
func (s Transition) Change() Change {
	switch {
	case s.After == nil:
		return Gone
	case s.Before != nil && s.Before.Standing == s.After.Standing:
		return Unchanged
	case s.After.Standing == Blocked:
		return NewlyBlocked
	case s.Before == nil:
		return New
	case s.After.Standing == Excluded:
		return NewlyExcluded
	case s.After.Standing == Unknown:
		return NewlyUnknown
	case s.Before.Standing == Unknown && !s.Before.LastRead.IsZero() && s.Before.BlockedSince.IsZero():
		return ReadAgain // BlockedSince remembers through unknown nights what stood before them
	}
	return NewlyClear
}
