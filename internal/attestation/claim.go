package attestation

import (
	"errors"
	"time"
)

// ErrClaimLost: the claim expired, and another worker may have the attestation. Nothing was
// written.
var ErrClaimLost = errors.New("the claim on the attestation was lost")

// Claim is the right of one worker to work on an attestation until the claim expires by the
// database's clock. Its number is a condition of every write, so that a worker that was stopped for
// too long writes nothing.
type Claim struct {
	Attestation
	Number         int64
	Until          time.Time // by this process's clock: its request must be over by then, well before the claim expires
	MaybeDelivered bool      // a request with unknown outcome was sent before: read before sending again
	LastRequest    Request   // the newest; zero: none
	Tries          int       // requests with the id of the newest one
	TriedSince     time.Time // when the first of them was sent
	EvenIfClear    bool      // asked for at import
	ImportedAt     time.Time
	ApprovedAt     time.Time
	Customer       Customer  // as the newest completed run read it; zero: not in the ledger
	LastRead       time.Time // when, or before; zero: no run was completed
	CopiedAt       time.Time // when this ledger was made as a copy of another one, or was put back; zero: never

	LinkAt                 time.Time // when the link was handed over, or may have been; zero: it was not
	Reminded, LastReminded bool      // of the link, or may have been
}

// Work says which attestations a worker claims.
type Work int

const (
	ApprovedWork Work = iota // what is to be sent
	AcceptedWork             // what its signer has accepted, and has no agreement yet
	UnsureWork               // only what has a request with unknown outcome
	FollowWork               // links to be handed over, and acceptances to be asked for
)

// States are those of the attestations that a worker claims.
func (w Work) States() []State {
	switch w {
	case ApprovedWork:
		return []State{Approved}
	case AcceptedWork:
		return []State{Accepted}
	case FollowWork:
		return []State{Created, Waiting}
	}
	return []State{Approved, Created, Waiting, Accepted}
}

// Unsettled counts attestations that have not come to their end.
type Unsettled struct {
	Created  int // their links have not been handed over
	Waiting  int // for their signers
	Accepted int // and without an agreement
	Others   int // not sent though they could be, or with a request whose outcome is not known
}

// ErrLinkGiven: the same message about the link was handed over already, or may have been.
var ErrLinkGiven = errors.New("the link was handed over already")

// Settlement is what a claim ends with.
type Settlement struct {
	State   State // the same as before: nothing moved
	Reason  Reason
	Message string
	Hint    string
	Result  SendResult // of the open request; empty: nothing was sent or read
	Read    bool       // found out by reading, not from the answer to the request
	Answer  Answer
	Wait    time.Duration // the attestation is not claimed before
	*Enhanced
}
