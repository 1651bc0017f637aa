package simulator

import (
	"net/http"
	"strings"
)

// call is a kind of API request, by the word it has in the statistics.
type call string

const (
	callList          call = "list"
	callCustomer      call = "customer"
	callAgreements    call = "agreements"
	callAttest        call = "attest"
	callCreate        call = "create" // enhanced, step 1
	callState         call = "state"  // enhanced, step 2
	callDirect        call = "direct"
	callSubscriptions call = "subscriptions"
	callMetadata      call = "metadata"
	callDocument      call = "document"
	callInvitation    call = "invitation"
	callResellers     call = "resellers"
	callAudit         call = "audit"
	callUnknown       call = "unknown"
)

// recognise reads the method and a path below /v1. id is the customer or the template that it
// names. Path words are compared without regard to case, as the service's own framework does.
func recognise(method, path string) (c call, id string) {
	part := strings.Split(strings.Trim(strings.TrimPrefix(path, "/v1"), "/"), "/")
	is := func(n int, word string) bool { return strings.EqualFold(part[n], word) }
	switch {
	case len(part) == 1 && is(0, "customers"):
		return callList, ""
	case len(part) == 1 && is(0, "agreements"):
		return callMetadata, ""
	case len(part) == 2 && is(0, "attestations") && is(1, "enhanced"):
		return callCreate, ""
	case len(part) == 1 && is(0, "relationships"):
		return callResellers, ""
	case len(part) == 1 && is(0, "auditrecords"):
		return callAudit, ""
	case len(part) == 2 && is(0, "customers") && is(1, "relationshiprequests"):
		return callInvitation, ""
	case len(part) == 2 && is(0, "customers"):
		return callCustomer, part[1]
	case len(part) == 3 && is(0, "agreementtemplates") && is(2, "document"):
		return callDocument, part[1]
	case len(part) == 3 && is(0, "customers") && is(2, "agreements") && method == http.MethodPost:
		return callAttest, part[1]
	case len(part) == 3 && is(0, "customers") && is(2, "agreements"):
		return callAgreements, part[1]
	case len(part) == 3 && is(0, "customers") && is(2, "directSignedMicrosoftCustomerAgreementStatus"):
		return callDirect, part[1]
	case len(part) == 3 && is(0, "customers") && is(2, "subscriptions"):
		return callSubscriptions, part[1]
	default:
		return callUnknown, ""
	}
}

// appUserOnly is true for calls that refuse app-only tokens (docs/partner-center.md, "Agreements").
func (c call) appUserOnly() bool {
	switch c {
	case callAgreements, callAttest, callDirect, callMetadata, callDocument, callInvitation, callResellers:
		return true
	default:
		return false
	}
}

// appOnly is true for calls that refuse tokens with a user.
func (c call) appOnly() bool { return c == callCreate || c == callState }

// isWrite is true for calls that have an effect.
func (c call) isWrite() bool { return c == callAttest || c == callCreate }

// ofCustomer is true for calls about one customer.
func (c call) ofCustomer() bool {
	switch c {
	case callCustomer, callAgreements, callAttest, callDirect, callSubscriptions:
		return true
	default:
		return false
	}
}

// methods are those that the address of a call takes.
func (c call) methods() string {
	switch c {
	case callAgreements:
		return "GET, POST"
	case callCreate:
		return "POST"
	}
	return "GET"
}

// answer writes the honest answer to an admitted request and returns its status.
func (s *Simulator) answer(q *request) int {
	if q.call == callUnknown {
		return q.notFound()
	}
	if q.call == callCreate && q.r.Method != http.MethodPost || q.r.Method != http.MethodGet && !q.call.isWrite() {
		q.w.Header().Set("Allow", q.call.methods())
		q.body.problemE("The requested resource does not support http method '" + q.r.Method + "'.")
		return http.StatusMethodNotAllowed
	}
	if s.lacksRole(q.call) {
		return q.roleMissing(s.opts.EmptyForbidden)
	}
	if q.call.isWrite() {
		return s.answerWrite(q)
	}
	if q.call.ofCustomer() {
		return s.answerCustomer(q)
	}
	switch q.call {
	case callList:
		return s.answerList(q)
	case callState:
		return s.answerState(q)
	case callResellers:
		return s.answerResellers(q)
	case callMetadata:
		return s.answerMetadata(q)
	case callDocument:
		return s.answerDocument(q)
	case callInvitation:
		return s.answerInvitation(q)
	default:
		return s.answerAudit(q)
	}
}

func (s *Simulator) lacksRole(c call) bool {
	switch s.opts.MissingRole {
	case RoleMissingEverywhere:
		return true
	case RoleMissingOnAgreements:
		return c.appUserOnly()
	case RoleMissingOnWrites:
		return c.isWrite()
	default:
		return false
	}
}
