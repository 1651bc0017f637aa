// Package attestation is the record that a customer's signer accepted the Microsoft Customer
// Agreement on a date: its states, what is decided when a row is imported, and what a request to
// Microsoft means for it. It is pure: the store keeps attestations, jobs move them.
package attestation

import "slices"

// State names the last step of an attestation that was completed. Whether a request of the next
// step was sent and its outcome is not known is kept apart from it (see Attestation.Status).
//
//	import                  approve                        submit
//	row ──> refused       cancelled                   ┌──> confirmed
//	   ├──> duplicate       ▲  ▲                      ├──> already_on_record
//	   ├──> already_known   │  │                      ├──> refused_by_microsoft
//	   └──> queued ──────> approved ── classic ───────┼──> cleared
//	                        │  ▲                      └──> failed ──(retry)──> approved
//	                        │  └─────(renew)────────┐
//	                        └─ enhanced ─> created ─┴> waiting ─> accepted ─> confirmed
//	                                          expired <─┘
//
// On the enhanced route any of created, waiting and accepted may also end like approved.
type State string

const (
	Refused      State = "refused"       // the row cannot be attested as it is; the reason says what to correct
	Duplicate    State = "duplicate"     // the same attestation is in the ledger already
	AlreadyKnown State = "already_known" // Microsoft has the same acceptance, and it is recent enough

	Queued    State = "queued"    // waits for approval by another person
	Approved  State = "approved"  // may be sent
	Cancelled State = "cancelled" // will not be sent

	Created  State = "created"  // enhanced: Microsoft knows the attestation; its link has not been handed over
	Waiting  State = "waiting"  // enhanced: the signer has the link
	Accepted State = "accepted" // enhanced: the signer accepted; the agreement has not been created
	Expired  State = "expired"  // enhanced: the signer did not accept in time

	Confirmed          State = "confirmed"            // Microsoft has the agreement
	AlreadyOnRecord    State = "already_on_record"    // Microsoft had the same acceptance, recent enough
	RefusedByMicrosoft State = "refused_by_microsoft" // this content will never be accepted
	// refused for this customer or after too many tries; may be retried
	Failed  State = "failed"
	Cleared State = "cleared" // not sent, because the customer can buy meanwhile

	// Unsure is the status of an attestation whose last request has no known outcome. It is never a
	// stored state.
	Unsure State = "unsure"
)

// moves are the legal moves; the schema's CHECKs and the store's guarded updates know no others.
var moves = map[State][]State{
	Queued:    {Approved, Cancelled},
	Approved:  {Created, Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Cleared, Cancelled},
	Created:   {Waiting, Accepted, Expired, Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Cleared, Cancelled},
	Waiting:   {Accepted, Expired, Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Cleared, Cancelled},
	Accepted:  {Confirmed, AlreadyOnRecord, RefusedByMicrosoft, Failed, Cleared},
	Expired:   {Approved, Cleared, Cancelled},
	Failed:    {Approved, Created, Accepted, Cancelled},
	Cancelled: nil, Refused: nil, Duplicate: nil, AlreadyKnown: nil,
	Confirmed: nil, AlreadyOnRecord: nil, RefusedByMicrosoft: nil, Cleared: nil,
}

// CanMove reports whether an attestation may go from one state to another.
func CanMove(from, to State) bool { return slices.Contains(moves[from], to) }

// MayDecide reports whether a person may move a single attestation from one state to another:
// cancel it, or retry it. Approval is of a whole batch.
func MayDecide(from, to State) bool {
	return CanMove(from, to) && (to == Cancelled || from == Failed || from == Expired && to == Approved)
}

// MayDecide reports whether a person may cancel (to Cancelled) or retry (to Approved) the
// attestation. One whose last request has no known outcome may not be moved.
func (a Attestation) MayDecide(to State) bool {
	if to == Approved {
		to, _ = a.Retried()
	}
	return a.OpenRequest == 0 && MayDecide(a.State, to)
}

// Retried is the state in which a failed or expired attestation starts again: after the last step
// that Microsoft completed. ok is false for one that can not be retried.
func (a Attestation) Retried() (to State, ok bool) {
	switch {
	case a.State != Failed && a.State != Expired:
		return "", false
	case a.State == Failed && a.AcceptedOn != "":
		return Accepted, true
	case a.State == Failed && a.AcceptLink != "":
		return Created, true
	}
	return Approved, true
}

// States are all states that the ledger holds, sorted.
func States() []State {
	var all []State
	for s := range moves {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Statuses are all words that Status may return, sorted.
func Statuses() []State {
	all := append(States(), Unsure)
	slices.Sort(all)
	return all
}

// BlocksDuplicate reports whether the attestation may still take effect, or has: a second one like
// it would be a duplicate.
func (s State) BlocksDuplicate() bool {
	switch s {
	case Refused, Duplicate, AlreadyKnown, Cancelled, RefusedByMicrosoft, Expired, Cleared:
		return false
	}
	return true
}

// Final reports whether the state does not change by itself.
func (s State) Final() bool {
	switch s {
	case Queued, Approved, Created, Waiting, Accepted, Unsure:
		return false
	}
	return true
}
