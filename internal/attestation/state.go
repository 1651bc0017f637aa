// Package attestation is the record that a customer's signer accepted the Microsoft Customer Agreement on a date: what may
// become of it, what is decided when it comes in, and the chain of events that an auditor follows. It is pure; the ledger
// keeps attestations, jobs move them.
package attestation

import "slices"

// State is where an attestation stands in its life.
//
//	             import                   approve           submit
//	row ──> refused                cancelled             ┌──> confirmed
//	   ├──> duplicate                 ▲   ▲              ├──> already_on_record
//	   ├──> already_known             │   │              ├──> refused_by_microsoft
//	   └──> queued ──────────────> approved ──> sending ─┼──> failed ──(retry)──> approved
//	                                      ▲       │  ▲   └──> unsure ─┐
//	                                      └───────┘  └────────────────┘
//	                                    nothing was sent
//
// On the enhanced route an approved attestation is created, waits for the customer, and is accepted or expires.
type State string

const (
	Refused      State = "refused"       // the row cannot be attested as it stands; the reason says what to mend
	Duplicate    State = "duplicate"     // the same attestation is in the ledger already
	AlreadyKnown State = "already_known" // the same acceptance is on record with Microsoft, and recent enough

	Queued    State = "queued"    // waits for approval by somebody else
	Approved  State = "approved"  // may be sent
	Cancelled State = "cancelled" // taken back before it was sent

	Sending            State = "sending"              // in a worker's hands; its request may be under way
	Unsure             State = "unsure"               // sent, and the answer was lost: settled by reading back, never by another POST in the blind
	Confirmed          State = "confirmed"            // Microsoft has it
	AlreadyOnRecord    State = "already_on_record"    // Microsoft had the same, recent enough
	RefusedByMicrosoft State = "refused_by_microsoft" // a definite no to this very content
	Failed             State = "failed"               // a definite no to this customer or caller; may be retried

	Created  State = "created"  // enhanced: Microsoft knows of it
	Waiting  State = "waiting"  // enhanced: the customer has the link
	Accepted State = "accepted" // enhanced: the customer accepted; the agreement remains to be created
	Expired  State = "expired"  // enhanced: the link ran out
)

// moves are the legal moves; the schema's CHECKs and the store's guarded updates know no others.
var moves = map[State][]State{
	Queued:    {Approved, Cancelled},
	Approved:  {Sending, Cancelled, Created},
	Sending:   {Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Unsure, Approved, Sending}, // again: its worker died
	Unsure:    {Sending},
	Failed:    {Approved, Cancelled},
	Created:   {Waiting, Failed},
	Waiting:   {Accepted, Expired, Failed},
	Accepted:  {Confirmed, Failed},
	Expired:   {Approved, Cancelled},
	Cancelled: nil, Refused: nil, Duplicate: nil, AlreadyKnown: nil,
	Confirmed: nil, AlreadyOnRecord: nil, RefusedByMicrosoft: nil,
}

// CanMove reports whether an attestation may go from one state to another.
func CanMove(from, to State) bool { return slices.Contains(moves[from], to) }

// MayDecide reports whether a person may move a single attestation so: take it back, or let it be tried again. Approval is of a whole
// batch, and what a worker has in hand is the worker's.
func MayDecide(from, to State) bool {
	return CanMove(from, to) && (to == Cancelled || to == Approved && (from == Failed || from == Expired))
}

// States are all states, sorted.
func States() []State {
	var all []State
	for s := range moves {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Open reports whether something may still become of the attestation, or it has taken effect: a second one like it would be
// a duplicate.
func (s State) Open() bool {
	switch s {
	case Refused, Duplicate, AlreadyKnown, Cancelled, RefusedByMicrosoft, Expired:
		return false
	}
	return true
}

// Final reports whether an answer has come that will not change by itself.
func (s State) Final() bool {
	switch s {
	case Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Cancelled, Refused, Duplicate, AlreadyKnown, Expired:
		return true
	}
	return false
}
