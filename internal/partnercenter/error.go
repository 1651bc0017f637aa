package partnercenter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Kind is what an error means for the program; docs/partner-center.md has the table of codes.
type Kind int

const (
	Unavailable   Kind = iota // no usable answer: time-out, reset, 5xx, a gateway's page
	Throttled                 // 429
	Malformed                 // an answer that makes no sense and would not the next time either
	Refused                   // any other definite no (400, 409, …)
	TokenRefused              // 401: the access token is not taken, a new one neither
	SignInFailed              // the token server says no: expired or revoked refresh token, wrong secret
	MFAMissing                // 900421: the token lacks the claim of a multi-factor sign-in
	WrongAudience             // 900420: the token was made for another resource
	AppOnly                   // 900329: this resource needs a signed-in user
	RoleMissing               // 403: the user's role or the relationship lacks the right
	Ended                     // 20002: no relationship between partner and customer
	NotFound                  // 404: tenant or resource not found
	NoAgreement               // 600009: the customer has no agreement
	Down                      // so many calls in a row got no answer that the rest need not be tried
)

func (k Kind) String() string {
	return [...]string{"unavailable", "throttled", "malformed_answer", "refused", "token_refused", "sign_in_failed", "mfa_missing",
		"wrong_audience", "app_only_refused", "role_missing", "relationship_ended", "not_found", "no_agreement", "service_down"}[k]
}

// Fatal reports whether every further call would fail in the same way, so that the run has to stop.
func (k Kind) Fatal() bool {
	switch k {
	case TokenRefused, SignInFailed, MFAMissing, WrongAudience, AppOnly, Throttled, Down:
		return true
	}
	return false
}

// Error is a failed call. Its text holds no secret, no address and no personal data.
type Error struct {
	Op            string // what was being done
	Kind          Kind
	Status        int    // HTTP status; 0 when there was no answer
	Code          string // the service's code, or the token server's
	Message       string // the service's words, on one line and bounded
	RequestID     string
	CorrelationID string
	Attempts      int
	cause         error
}

func (e *Error) Unwrap() error { return e.cause }

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, "answered %d %s", e.Status, http.StatusText(e.Status))
	case e.cause == nil:
		b.WriteString("no answer")
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ", code %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ", %q", e.Message)
	}
	if e.cause != nil {
		if e.Status != 0 {
			b.WriteString(", ")
		}
		b.WriteString(clean(e.cause.Error()))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d tries)", e.Attempts)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [MS-RequestId %s, MS-CorrelationId %s]", e.RequestID, e.CorrelationID)
	}
	return b.String()
}

// Fatal reports whether every further call of the run would fail in the same way.
func (e *Error) Fatal() bool { return e.Kind.Fatal() }

// Definite reports whether the service said no of this very customer and would say so again, which a gateway, a time-out, a 5xx, a missing role
// or an answer that makes no sense does not mean.
func (e *Error) Definite() bool { return e.Kind == Ended || e.Kind == NotFound || e.Kind == Refused }

// Outcome is what the error says of the customer whose read failed.
func (e *Error) Outcome() standing.Outcome {
	switch e.Kind {
	case Ended:
		return standing.NoRelationship
	case NotFound:
		return standing.TenantNotFound
	}
	return standing.Failed
}

// ReadError is the error as a report shows it.
func (e *Error) ReadError() standing.ReadError {
	message := e.Message
	if message == "" && e.cause != nil {
		message = clean(e.cause.Error())
	}
	return standing.ReadError{Status: e.Status, Code: e.Code, Message: message, RequestID: e.RequestID, CorrelationID: e.CorrelationID}
}

// read takes code and words out of any of the known error bodies (docs/partner-center.md, "Error
// bodies", A to G). A body that is none of them leaves both empty.
func (e *Error) read(body []byte) {
	var known struct {
		Code             json.RawMessage // a number (A) or a string (B, C)
		Message          string
		Description      string
		Error            string // G
		ErrorDescription string `json:"error_description"`
	}
	err := json.Unmarshal(withoutBOM(body), &known)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !odd { // one odd field does not spoil the others
		return
	}
	e.Code = clean(strings.Trim(string(known.Code), `"`))
	if e.Code == "null" {
		e.Code = ""
	}
	if known.Error != "" {
		e.Code = clean(known.Error)
	}
	for _, words := range []string{known.Message, known.Description, known.ErrorDescription} {
		if words != "" {
			e.Message = clean(words)
			break
		}
	}
}

// clean puts a stranger's words on one line of at most 300 characters.
func clean(words string) string {
	words = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words)), " ")
	if runes := []rune(words); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return words
}

// classify says what a failed try means. Codes go before statuses: the service is not consistent about the latter.
func classify(e *Error, body []byte) Kind {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return Throttled
	case e.cause != nil || e.Status == 0: // no answer, or not all of it: a 404 whose code is lost proves nothing
		return Unavailable
	}
	switch e.Code {
	case "900420":
		return WrongAudience
	case "900421":
		return MFAMissing
	case "900329":
		return AppOnly
	case "20002":
		return Ended
	case "600009":
		return NoAgreement
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		return TokenRefused
	case e.Status >= 500 || e.Status == http.StatusRequestTimeout:
		return Unavailable
	case !fromTheService(body):
		return Unavailable // a gateway on the way
	case e.Status == http.StatusForbidden:
		return RoleMissing
	case e.Status == http.StatusNotFound:
		return NotFound
	}
	return Refused
}

// fromTheService reports whether an error's body is the service's own: JSON, or nothing at all. Web pages and half answers say nothing
// about a customer, whatever their status.
func fromTheService(body []byte) bool {
	body = bytes.TrimSpace(withoutBOM(body))
	return len(body) == 0 || json.Valid(body)
}
