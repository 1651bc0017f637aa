package attestation

import "time"

// Request is one request about an attestation: one that was sent to Microsoft to get it done, or a
// read that settled its outcome.
type Request struct {
	Number     int // from 1
	Kind       RequestKind
	ID         string    // MS-RequestId; empty for a read
	TemplateID string    // of the agreement; part of what was sent
	Content    string    // what was sent of the customer's profile, a JSON object; empty: nothing
	SentAt     time.Time // it was saved just before
	AnsweredAt time.Time // zero: no answer, or the program died before it could save one
	Result     SendResult
	Reason     Reason
	Message    string
	Hint       string
	Answer     Answer
}

// Unknown reports whether it is not known if the request took effect.
func (r Request) Unknown() bool {
	return r.Number > 0 && (r.AnsweredAt.IsZero() || r.Result == ResultUnknown)
}

// The routes by which attestations reach Microsoft, named as in the configuration.
const (
	ClassicRoute  = "classic"
	EnhancedRoute = "enhanced"
)

// RequestKind is what a request asks for.
type RequestKind string

const (
	AttestRequest    RequestKind = "attest"    // classic: create the agreement
	CreateRequest    RequestKind = "create"    // enhanced: create the attestation
	AgreementRequest RequestKind = "agreement" // enhanced: create the agreement that the signer accepted
	ReadRequest      RequestKind = "read"      // read what Microsoft has
)

// RequestKinds are all kinds. The schema allows the same.
func RequestKinds() []RequestKind {
	return []RequestKind{AttestRequest, CreateRequest, AgreementRequest, ReadRequest}
}

// Answer is what Microsoft answered.
type Answer struct {
	Status        int
	Code          string
	RequestID     string
	CorrelationID string
}

// SendResult is what an answer of Microsoft, or the lack of one, means for an attestation.
type SendResult string

const (
	ResultUnknown   SendResult = "unknown"   // no definite answer: it may have taken effect
	ResultSucceeded SendResult = "succeeded" // it took effect
	// 600061: an agreement of the same signer is on record, however old
	ResultDuplicateSigner  SendResult = "duplicate_signer"
	ResultContentRejected  SendResult = "content_rejected"  // this content will never be accepted
	ResultCustomerRejected SendResult = "customer_rejected" // the customer cannot be attested now
	// a right is missing: for this customer or for all, the answer does not tell
	ResultForbidden SendResult = "forbidden"
	// it took no effect and would not when sent again now: sign in, or wait
	ResultNotSent SendResult = "not_sent"
)

// SendResults are all results. The schema allows the same.
func SendResults() []SendResult {
	return []SendResult{ResultUnknown, ResultSucceeded, ResultDuplicateSigner, ResultContentRejected,
		ResultCustomerRejected, ResultForbidden, ResultNotSent}
}
