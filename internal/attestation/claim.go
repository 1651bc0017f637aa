package attestation

import (
	"errors"
	"time"
)

// ErrClaimLost: the claim expired, and another worker may have the attestation. Nothing was written.
var ErrClaimLost = errors.New("the claim on the attestation was lost")

// Claim is the right of one worker to work on an attestation until the claim expires by the database's clock. Its
// number is a condition of every write, so that a worker that was stopped for too long writes nothing.
type Claim struct {
	Attestation
	Number         int64
	Until          time.Time // by this process's clock: its request must be over by then, well before the claim expires
	MaybeDelivered bool      // a request with unknown outcome was sent before: read before sending again
	LastRequest    Request   // the newest; zero: none
	EvenIfClear    bool      // asked for at import
	ImportedAt     time.Time
	ApprovedAt     time.Time
	Customer       Customer  // as the newest completed run read it; zero: not in the ledger
	LastRead       time.Time // when, or before; zero: no run was completed
	CopiedAt       time.Time // when this ledger was made as a copy of another one, or was put back; zero: never
}

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
