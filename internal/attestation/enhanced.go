package attestation

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Signatory is the person of a customer who is asked to accept the agreement, and for which
// company.
type Signatory struct {
	standing.Contact
	CompanyName string
	Country     string // ISO 3166-1 alpha-2
	Language    string // such as pt-BR
}

// AcceptLink is the page of an attestation that Microsoft has created on the enhanced route.
// Whoever has the link or the id can accept, so both are secrets.
type AcceptLink struct {
	ExternalID string
	URL        string
	ExpiresAt  time.Time         // zero: the answer does not say
	Unexpected *UnexpectedAnswer // nil: the answer is as assumed
}

// Acceptance is how far a signatory has come.
type Acceptance struct {
	State       State             // Waiting, Accepted, Expired, or Confirmed when the agreement exists already
	Word        string            // the service's own
	AcceptedOn  standing.Date     // empty: not accepted, or the service gives no date
	DocumentURL string            // of the accepted agreement; may be empty
	Unexpected  *UnexpectedAnswer // nil: the answer is as assumed
}

// UnexpectedAnswer is an answer that differs from what is assumed about the enhanced route: as it
// came, with its texts replaced by their kind wherever they could be a link, an id or personal
// data.
type UnexpectedAnswer struct {
	Call     string // what was asked
	Status   int
	Expected string // what is missing
	Setting  string // of the configuration that can help; may be empty
	Body     string
}

// LinkKind says which message about a link a signatory gets.
type LinkKind string

const (
	FirstLink    LinkKind = "link"     // the link itself
	LinkReminder LinkKind = "reminder" // some days later
	LastReminder LinkKind = "last"     // before it expires
)

// LinkKinds are all kinds. The schema allows the same.
func LinkKinds() []LinkKind { return []LinkKind{FirstLink, LinkReminder, LastReminder} }
