package partnercenter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Kind is what an error means for the program; docs/partner-center.md has the table of codes.
type Kind int

// The kinds of errors. A customer's read that fails with one that is not fatal leaves the others to
// be read.
const (
	Unavailable       Kind = iota // no usable answer: time-out, reset, 5xx, a gateway's page
	Throttled                     // 429, or a pause that is too long to wait for
	Malformed                     // an answer that makes no sense, and would not the next time either
	Refused                       // any other definite refusal (400, 409, …)
	TokenRefused                  // 401: the access token is not accepted, and a new one neither
	SignInFailed                  // the token server refuses: expired or revoked refresh token, wrong secret, …
	MFAMissing                    // a multi-factor sign-in is needed
	WrongAudience                 // 900420: the token was made for another resource
	AppOnly                       // 900329: this resource needs a signed-in user
	RoleMissing                   // 403: the user's role or the relationship lacks the right
	Forbidden                     // 403 with another code: the partner's account, or a code that is not known
	RelationshipEnded             // 20002: no relationship between partner and customer
	NotFound                      // 404 with the service's own code: no such tenant or resource
	// 404 or 410 without that code: the address does not exist, which says nothing about a customer
	AddressNotFound
	Retired           // the call for attestations no longer exists
	Unexpected        // an answer of the enhanced route differs from what is assumed about it
	NoAgreement       // 600009: the customer has no agreement
	NoTemplate        // the service lists no Microsoft Customer Agreement
	Redirected        // the address answers with a redirect, which is not followed
	HostNotFound      // DNS does not know the host
	ConnectionRefused // nothing answers at the address
	ProxyFailed       // the proxy cannot be reached, or refuses
	TLSFailed         // no trusted encrypted connection
	Down              // so many calls in a row got no answer that the others need not be tried
)

var kindCodes = [...]string{
	Unavailable: "unavailable", Throttled: "throttled", Malformed: "malformed_answer", Refused: "refused",
	TokenRefused: "token_refused", SignInFailed: "sign_in_failed", MFAMissing: "mfa_missing",
	WrongAudience: "wrong_audience", AppOnly: "app_only_refused", RoleMissing: "role_missing", Forbidden: "forbidden",
	RelationshipEnded: "relationship_ended", NotFound: "not_found", AddressNotFound: "address_not_found",
	Retired: "attestation_retired", Unexpected: "unexpected_answer", NoAgreement: "no_agreement",
	NoTemplate: "no_agreement_template", Redirected: "redirected", HostNotFound: "host_not_found",
	ConnectionRefused: "connection_refused", ProxyFailed: "proxy_failed", TLSFailed: "tls_failed", Down: "service_down",
}

func (k Kind) String() string { return kindCodes[k] }

// Fatal reports whether every further call would fail in the same way, so that the run has to stop.
func (k Kind) Fatal() bool {
	switch k {
	case TokenRefused, SignInFailed, MFAMissing, WrongAudience, AppOnly, Throttled, Down,
		HostNotFound, ConnectionRefused, ProxyFailed, TLSFailed, Unexpected:
		return true
	}
	return false
}

// Error is a failed call. Its text holds no secret, no address and no personal data.
type Error struct {
	Op            string // what was being done
	Kind          Kind
	Status        int    // HTTP status; 0 when there was no answer
	ServiceCode   string // the service's code, or the token server's
	Message       string // the service's text, on one line and bounded
	RequestID     string
	CorrelationID string
	Attempts      int
	cause         error
	reason        string // what the hints name more exactly than the kind does; may be empty
	partner       standing.PartnerKind
}

func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string {
	var parts []string
	switch {
	case e.Status != 0:
		parts = append(parts, fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status)))
	case e.cause == nil && e.ServiceCode == "":
		parts = append(parts, "no answer")
	}
	if e.ServiceCode != "" {
		parts = append(parts, "code "+e.ServiceCode)
	}
	if e.Message != "" {
		parts = append(parts, strconv.Quote(e.Message))
	}
	if e.cause != nil {
		parts = append(parts, clean(e.cause.Error()))
	}
	var b strings.Builder
	b.WriteString(e.Op + ": " + strings.Join(parts, ", "))
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [MS-RequestId %s, MS-CorrelationId %s]", e.RequestID, e.CorrelationID)
	}
	return b.String()
}

// Code is the error's kind as a stable word for JSON.
func (e *Error) Code() string { return e.Kind.String() }

// Fatal reports whether every further call of the run would fail in the same way.
func (e *Error) Fatal() bool { return e.Kind.Fatal() }

// Definite reports whether the service refused this very customer and would do so again. A gateway,
// a time-out, a 5xx, a missing role or an answer that makes no sense does not mean that.
func (e *Error) Definite() bool {
	return e.Kind == RelationshipEnded || e.Kind == NotFound || e.Kind == Refused
}

// Outcome is what the error says of the customer whose read failed.
func (e *Error) Outcome() standing.Outcome {
	switch e.Kind {
	case RelationshipEnded:
		return standing.OutcomeRelationshipEnded
	case NotFound:
		return standing.OutcomeNotFound
	}
	return standing.OutcomeUnreadable
}

// ReadError is the error as a report shows it.
func (e *Error) ReadError() standing.ReadError {
	message := e.Message
	if message == "" && e.cause != nil {
		message = clean(e.cause.Error())
	}
	return standing.ReadError{Status: e.Status, Code: e.ServiceCode, Message: message, RequestID: e.RequestID,
		CorrelationID: e.CorrelationID}
}

// StoppedError is the error of a call whose context ended. errors.Is finds the cause of that;
// errors.As does not: the cause may be the service's answer to another call, which must never pass
// for the answer to this one.
type StoppedError struct{ cause, ended error }

func (e *StoppedError) Error() string { return "stopped: " + clean(e.cause.Error()) }

// Is reports whether the context ended because of target.
func (e *StoppedError) Is(target error) bool {
	return errors.Is(e.cause, target) || errors.Is(e.ended, target)
}

// stopped is the error of a call whose context has ended.
func stopped(ctx context.Context) error { return &StoppedError{context.Cause(ctx), ctx.Err()} }

// read takes code and text from any of the known error bodies (docs/partner-center.md, "Error
// bodies"), OData's among them. Another body leaves both empty.
func (e *Error) read(body []byte) {
	o, ok := readObject(withoutBOM(body))
	if !ok {
		return
	}
	inner := o.object("error")
	if len(inner) == 0 {
		inner = o.object("odata.error")
	}
	e.ServiceCode = firstOf(o.text("error"), o.text("code"), inner.text("code"))
	e.Message = firstOf(o.text("message"), o.text("description"), o.text("error_description"),
		inner.text("message"), inner.object("message").text("value"))
}

// firstOf returns the first text that is not empty, in a form that can be shown.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text = clean(text); text != "" {
			return text
		}
	}
	return ""
}

// clean puts untrusted text on one line of at most 300 characters.
func clean(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}

// roleCodes are the 403s that mean that the signed-in user lacks a role, or that name nothing.
var roleCodes = []string{"", "900308", "900150", "1002", "2032"}

// classify says what a failed try means. Codes go before statuses: the service is not consistent
// about the latter.
func classify(e *Error, body []byte) Kind {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return Throttled
	case e.cause != nil || e.Status == 0: // no answer, or not all of it: a 404 whose code is lost proves nothing
		return Unavailable
	case redirects(e.Status):
		return Redirected
	}
	switch e.ServiceCode {
	case "900420":
		return WrongAudience
	case "900421":
		return MFAMissing
	case "900329":
		return AppOnly
	case "20002", "900159":
		return RelationshipEnded
	case "600009":
		return NoAgreement
	}
	switch {
	case e.Status < 400:
		return Malformed // a success that is not known, or an answer to a question that was not asked (304)
	case e.Status == http.StatusUnauthorized:
		return TokenRefused
	case e.Status == http.StatusProxyAuthRequired:
		return ProxyFailed
	case e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooEarly:
		return Unavailable
	case !fromTheService(body):
		return Unavailable // a gateway on the way
	case e.Status == http.StatusForbidden && slices.Contains(roleCodes, e.ServiceCode):
		return RoleMissing
	case e.Status == http.StatusForbidden:
		return Forbidden
	case e.Status == http.StatusNotFound && (e.ServiceCode == "1000" || e.ServiceCode == "60003"):
		return NotFound
	case e.Status == http.StatusNotFound || e.Status == http.StatusGone:
		return AddressNotFound
	}
	return Refused
}

// redirects reports whether a status names another address.
func redirects(status int) bool {
	switch status {
	case http.StatusMultipleChoices, http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusUseProxy,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// ofAccount corrects the kind of an answer that would say something about a customer if the call
// had been about one.
func (e *Error) ofAccount() {
	switch e.Kind {
	case RelationshipEnded:
		e.Kind, e.reason = Forbidden, noTenantOfPartner
	case NotFound:
		e.Kind = AddressNotFound
	case NoAgreement:
		e.Kind = Refused
	}
}

// fromTheService reports whether an error's body can be the service's own: JSON, or nothing at all.
// Web pages and half answers say nothing about a customer, whatever their status.
func fromTheService(body []byte) bool {
	body = bytes.TrimSpace(withoutBOM(body))
	return len(body) == 0 || json.Valid(body)
}
