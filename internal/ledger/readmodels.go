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
	Batch     attestation.Batch // without Form, Header and Counts; approved only if this attestation was
	Decision  Decision          // the newest about this attestation alone
	Since     time.Time         // when it came into its state
	LastEvent int64             // the newest about this attestation, or else about its batch
}

// Decision is what a person decided about one attestation.
type Decision struct {
	Kind EventKind // cancel, retry or correct; empty: none
	By   attestation.Actor
	At   time.Time
}

// DeliveryTotals counts attestations by the outcome of sending them. Everything that was ever sent
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

// Reseller is the indirect reseller through whom a customer buys.
type Reseller struct {
	Read bool   // false: it is not known, or the partner has none
	ID   string // empty: the customer has none
	Name string // empty: not known
}

// CustomerEntry is a customer with its indirect reseller.
type CustomerEntry struct {
	standing.Record
	Reseller Reseller
}

// BlockedCustomer is a blocked customer with its newest attestation that was admitted and not
// cancelled, with what it has bought, and with what was decided about it.
type BlockedCustomer struct {
	standing.Record
	Reseller         Reseller
	Exception        Exception      // zero: none
	InvitedAt        time.Time      // the newest invitation that was sent or may have been; zero: none
	LastEvent        int64          // the newest about the customer; 0: none
	Seats            int            // of active subscriptions
	Attestation      attestation.ID // zero: there is none
	AttestationState attestation.State
	ConfirmedAt      time.Time        // when Microsoft had an attestation of the customer last; zero: never
	PurchasesRead    standing.Outcome // not_read: not yet; unreadable: the service refuses to say
	Purchases        standing.Purchases
}

// ResellerCount counts the customers of one indirect reseller, or of none, by standing.
type ResellerCount struct {
	ResellerID, Name string // the name may not be known
	// false: the reseller of these customers is not known: not read yet, or the service refuses to
	// say
	Read                              bool
	Clear, Blocked, Unknown, Excluded int
}

// Renewal is one active subscription of a blocked customer.
type Renewal struct {
	standing.Record
	PartnerID     string
	Reseller      Reseller
	AcceptedUntil standing.Date // the block is accepted until then; empty: it is not
	ID            string
	Product       string
	Seats         int
	Term          string        // an ISO 8601 duration such as P1Y; empty: not known
	Ends          standing.Date // when it renews or lapses; empty: never, or not known
	AutoRenew     bool
	Trial         bool
}

// BatchSummary is an imported file with what has become of its rows by an instant.
type BatchSummary struct {
	attestation.Batch
	States map[attestation.State]int
	// From the import until Microsoft had half, and nine in ten, of the attestations that it has by
	// then; zero: it has none.
	Median, NineInTen time.Duration
}

// LogEntry is an event of the log with the name of the customer that it is about, where there is
// one.
type LogEntry struct {
	Event
	CustomerName string
	Earlier      int64 // the event before, about the same attestation, or its batch, or the same customer; 0: none
}
