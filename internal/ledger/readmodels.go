package ledger

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Snapshot is how much of the ledger of attestations a report shows: the batches up to one, and
// what had happened to them by an instant. The same snapshot shows the same, however late it is
// asked for.
type Snapshot struct {
	Batch int64
	At    time.Time
}

// AttestationEntry is an attestation with the file that it came in.
type AttestationEntry struct {
	attestation.Attestation
	Batch    attestation.Batch // without Form, Header and Counts; approved only if this attestation was
	Decision Decision          // the newest about this attestation alone
}

// Decision is what a person decided about one attestation.
type Decision struct {
	Kind EventKind // cancel, retry or correct; empty: none
	By   attestation.Actor
	At   time.Time
}

// DeliveryTotals counts attestations by what became of their sending. Everything that was ever sent
// was answered, is unsettled, or was returned.
type DeliveryTotals struct {
	Rows      int // all of them, sent or not
	Sent      int // at least once
	Answered  int // definitely, or on its way with the customer
	Unsettled int // the request is under way, or its answer was lost
	Returned  int // to be sent again, or cancelled
}

// BatchHead is the last event of a batch, and how many rows and events the batch has.
type BatchHead struct {
	Batch  int64
	File   string
	Rows   int
	Events int64
	Hash   string // of the last event
}

// BlockedCustomer is a blocked customer with its newest attestation that was admitted and not
// cancelled, and with what it has bought.
type BlockedCustomer struct {
	standing.Record
	Attestation      attestation.ID // zero: there is none
	AttestationState attestation.State
	PurchasesRead    standing.Outcome // not_read: not yet; unreadable: the service refuses to say
	Purchases        standing.Purchases
}

// ResellerCount counts the customers of one indirect reseller, or of none, by standing.
type ResellerCount struct {
	ResellerID                        string
	Read                              bool // false: the reseller of these customers is not known: not read yet, or the service refuses to say
	Clear, Blocked, Unknown, Excluded int
}
