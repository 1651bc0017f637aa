package attestation

import (
	"cmp"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Attestation is one row of a batch and its outcome.
type Attestation struct {
	ID           ID
	PartnerID    string // empty: no partner has the customer
	CustomerID   string
	DisplayID    string // the same as the service spells it; known to those who call the service
	CustomerName string
	Content      Content
	Cells        []string // the row as it was in the file
	Admitted     State    // its state after the import
	State        State
	Reason       Reason
	Message      string
	Hint         string
	Replaces     ID // zero: it corrects nothing

	Requests    int // how many there were, reads that settled something included
	OpenRequest int // number of the request whose outcome is not known; 0: none
	// MS-RequestId of the newest request; the requests that repeat it after a lost answer have the
	// same
	RequestID  string
	SentAt     time.Time // of the first request that was sent; zero: none was
	AnsweredAt time.Time // of the newest answer
	Answer     Answer    // the newest

	Enhanced
}

// Enhanced is what only the enhanced route knows of an attestation.
type Enhanced struct {
	Creation   int    // how many times Microsoft has created the attestation
	AcceptLink string // Microsoft's id and link, encrypted; empty: there are none
	// Microsoft's id; only while a request is made, and never stored: whoever has it can accept
	ExternalID        string
	ExpiresAt         time.Time // when the link stops working; zero: no link
	AcceptedOn        standing.Date
	DocumentURL       string // of the accepted agreement
	DocumentSHA256    string
	DocumentFetchedAt time.Time
}

// ServiceID is the customer's id for a call of the service, which need not know every spelling.
func (a Attestation) ServiceID() string { return cmp.Or(a.DisplayID, a.CustomerID) }

// Status is the one word that people, CSV and JSON see: the state, or Unsure while the outcome of a
// request is not known.
func (a Attestation) Status() State {
	if a.OpenRequest > 0 {
		return Unsure
	}
	return a.State
}

// Batch is one imported file.
type Batch struct {
	ID          int64
	File        string // its name
	SHA256      string // of its bytes; approval is of this
	Form        string // how to write the result file
	Header      []string
	EvenIfClear bool // its rows are sent although their customers can buy
	ImportedBy  Actor
	ImportedAt  time.Time
	ApprovedBy  Actor     // without a name: not approved
	ApprovedAt  time.Time // zero: not approved
	Policy      ApprovalPolicy
	InboxFile   string // its name in the inbox until it is moved; empty: moved, or not from the inbox
	Counts
}

// ApprovalPolicy says who has to approve a batch. A batch keeps the one under which it was
// approved, and until then the one under which it was imported.
type ApprovalPolicy struct {
	Required      bool   `json:"required"`       // by somebody other than the importer
	SharedAccount bool   `json:"shared_account"` // several people use one account: only their names tell them apart
	Source        string `json:"source"`         // where it is set
}

// Approval lets a batch be sent.
type Approval struct {
	Batch  int64
	SHA256 string // of the file that was seen
	By     Actor
	At     time.Time
	Policy ApprovalPolicy
}

// Counts counts the rows of a batch by their result at import. Rows is the sum of the others.
type Counts struct {
	Rows, Queued, Refused, Duplicates, AlreadyKnown int
}
