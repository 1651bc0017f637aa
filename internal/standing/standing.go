// Package standing holds the rule: can this customer buy, why not, and what is to be done?
//
// It is pure: no clock, no network, no database. A fact that was not read is "not read", never
// "no", and unknown is never clear.
package standing

import "time"

// Standing says whether a customer can be expected to place new orders.
type Standing string

const (
	Clear    Standing = "clear"    // a valid acceptance was read
	Blocked  Standing = "blocked"  // Microsoft reports no valid acceptance
	Unknown  Standing = "unknown"  // what is needed to decide was not read
	Excluded Standing = "excluded" // not a customer that buys through this partner
)

// Reason is why a customer has its standing. The words appear as they are in reports and JSON.
type Reason string

const (
	NotAResellerCustomer Reason = "not_a_reseller_customer"
	RelationshipEnded    Reason = "relationship_ended"
	NotFound             Reason = "not_found"
	Attested             Reason = "attested"
	AcceptedDirectly     Reason = "accepted_directly"
	Unreadable           Reason = "unreadable"
	Outdated             Reason = "outdated"
	NeverAccepted        Reason = "never_accepted"
)

// Remedy is the next step that would change a standing; empty when there is nothing to do.
type Remedy string

const (
	Attest              Remedy = "attest"                // the partner attests the customer's acceptance
	AskIndirectProvider Remedy = "ask_indirect_provider" // indirect resellers cannot attest; their provider can
	RequestRelationship Remedy = "request_relationship"  // send the customer a new reseller relationship request
	Retry               Remedy = "retry"                 // read again; the reason of the failure is kept beside it
	CheckRelationship   Remedy = "check_relationship"    // the tenant is not where the list says it is
)

// PartnerKind is the partner's place in the CSP programme; it decides who may attest.
type PartnerKind string

const (
	DirectBill       PartnerKind = "direct_bill"
	IndirectProvider PartnerKind = "indirect_provider"
	IndirectReseller PartnerKind = "indirect_reseller"
)

// Date is a calendar day in UTC as "2006-01-02"; days compare as strings. The zero value means that
// there is none.
type Date string

// DateOf is the calendar day of an instant in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(time.DateOnly)) }

// Policy holds the two questions on which the public sources differ (docs/partner-center.md, "The
// rule and its sources").
type Policy struct {
	AcceptedSince         Date // acceptances before this day must be renewed
	TrustDirectAcceptance bool // whether a direct acceptance, which the service does not date, counts
}

// Outcome is the outcome of one read.
type Outcome string

const (
	NotRead           Outcome = "not_read"   // not asked, because another read had settled the case
	Read              Outcome = "read"       // answered
	OutcomeUnreadable Outcome = "unreadable" // asked, and no usable answer came
	// the service knows no relationship between partner and customer (403/20002)
	OutcomeRelationshipEnded Outcome = "relationship_ended"
	OutcomeNotFound          Outcome = "not_found" // the service knows no such tenant or resource (404)
)

// Contact is the person of the customer who accepted.
type Contact struct {
	FirstName, LastName, Email, Phone string
}

// Agreement is one Microsoft Customer Agreement on record. Cloud agreements never get this far.
type Agreement struct {
	Agreed Date // empty when the service gave no readable date
	Signer Contact
}

// Facts is all that was read about one customer, and the day on which it was.
type Facts struct {
	Partner      PartnerKind
	Relationship string // relationshipToPartner as the service said it; empty when it said nothing
	AsOf         Date   // today in UTC: an acceptance is never in the future

	AgreementsRead Outcome
	Agreements     []Agreement // in any order

	DirectRead Outcome
	Direct     bool // meaningful when DirectRead is Read
}

// DirectAnswer is what the reading said of direct acceptance.
func (f Facts) DirectAnswer() Direct {
	switch {
	case f.DirectRead != Read:
		return DirectNotRead
	case f.Direct:
		return DirectYes
	}
	return DirectNo
}

// Verdict is the rule's answer, with its evidence.
type Verdict struct {
	Standing Standing
	Reason   Reason
	Remedy   Remedy
	// Newest is the agreement that counts: the newest one with a readable date that is not in the
	// future. Zero when there is none or when agreements were not read.
	Newest Agreement
}
