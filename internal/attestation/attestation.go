package attestation

import (
	"errors"
	"time"
)

// Attestation is one row of a batch with what became of it.
type Attestation struct {
	ID           ID
	PartnerID    string // empty: the customer is nobody's
	CustomerID   string
	CustomerName string
	Content      Content
	Cells        []string // the row as it came
	Admitted     State    // what became of it at import
	State        State
	Reason       Reason
	Message      string
	Hint         string
	Replaces     ID // zero: it corrects nothing

	RequestID  string // MS-RequestId; born before the first send, and every send has it
	TemplateID string // of the agreement, as it was when first sent
	Sends      int
	SentAt     time.Time // the first time; zero: never
	AnsweredAt time.Time
	Answer     Answer
}

// Answer is what Microsoft said.
type Answer struct {
	Status        int
	Code          string
	RequestID     string
	CorrelationID string
}

// Batch is one imported file.
type Batch struct {
	ID         int64
	File       string // its name
	SHA256     string // of its bytes; approval is of this
	Form       string // how to write the result file
	Header     []string
	ImportedBy Actor
	ImportedAt time.Time
	ApprovedBy Actor     // without a name: not approved
	ApprovedAt time.Time // zero: not approved
	Policy     ApprovalPolicy
	InboxFile  string // its name in the inbox until it is moved; empty: moved, or not from the inbox
	Counts
}

// ApprovalPolicy says who has to approve a batch. A batch keeps the one under which it was approved, and until then the
// one under which it was imported.
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

// Counts are the rows of a batch by what became of them at import. Rows is the sum of the others.
type Counts struct {
	Rows, Queued, Refused, Duplicates, AlreadyKnown int
}

// Settlement is how a claim ends.
type Settlement struct {
	State   State
	Reason  Reason
	Message string
	Hint    string
	Answer  Answer
}

// ErrClaimLost: the claim ran out, and somebody else may have it. Nothing was written.
var ErrClaimLost = errors.New("the claim on the attestation was lost")

// Claim is an attestation in a worker's hands for a while, by the database's clock. The number goes into every write about it, so
// that a worker who slept too long writes nothing.
type Claim struct {
	Attestation
	Number         int64
	Until          time.Time // its request must be over by then, by this process's clock: a good while before the claim is
	MaybeDelivered bool      // it was sent before and the answer was lost: read back before sending again
}
