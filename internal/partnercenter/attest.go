package partnercenter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Attest submits a partner attestation on the classic route. The request id and the content decide
// every byte that is sent, so that sending again is the same request. It never repeats a request
// whose answer was lost: that is ResultUnknown, and the caller reads the outcome.
func (c *Client) Attest(ctx context.Context, a attestation.Attestation,
	r attestation.Request) (attestation.Answer, attestation.SendResult, error) {
	request := &call{op: "attest for customer " + a.CustomerID, uri: customerURI(a.ServiceID(), "/agreements"),
		limit: answerLimit, id: r.ID, classic: true}
	return c.post(ctx, request, agreementFields(a, r, a.Content.Agreed), readCreated(a))
}

// readCreated reads the answer to a request that created an agreement. A success that holds an
// error, or somebody else's agreement, proves nothing: what is on record has to be read.
func readCreated(a attestation.Attestation) read {
	return func(o object) (wrong string) {
		signer := strings.TrimSpace(o.object("primarycontact").text("email"))
		switch {
		case !empty(o, "code"), !empty(o, "error"), !empty(o, "errorname"):
			return clean("a success that holds an error, code " + firstOf(o.text("code"), o.text("error"),
				o.text("errorname"), "unknown"))
		case signer != "" && !strings.EqualFold(signer, strings.TrimSpace(a.Content.Signer.Email)):
			return "a success that holds the agreement of another signer"
		}
		return ""
	}
}

// post sends a request that has an effect, and says what its answer means.
func (c *Client) post(ctx context.Context, request *call, fields map[string]any,
	read read) (attestation.Answer, attestation.SendResult, error) {
	var err error
	if request.body, err = json.Marshal(fields); err != nil {
		return attestation.Answer{}, attestation.ResultNotSent, err
	}
	err = c.do(ctx, request, read)
	if err == nil {
		return attestation.Answer{Status: http.StatusCreated, RequestID: request.id, CorrelationID: c.correlationID},
			attestation.ResultSucceeded, nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok { // the context ended: nobody knows how far the request came
		return attestation.Answer{}, attestation.ResultUnknown, err
	}
	if request.classic {
		e.mayBeRetired()
	}
	return attestation.Answer{Status: e.Status, Code: e.ServiceCode, RequestID: e.RequestID,
		CorrelationID: e.CorrelationID}, resultOf(e), err
}

// mayBeRetired gives an error of the classic call the meaning that it has since Microsoft retired
// the call.
func (e *Error) mayBeRetired() {
	gone := e.Status == http.StatusNotFound || e.Status == http.StatusGone || e.Status == http.StatusMethodNotAllowed
	switch {
	// the last: with a web page
	case gone && (e.Kind == AddressNotFound || e.Kind == Refused || e.Kind == Unavailable && e.cause == nil):
		e.Kind = Retired
	case e.Kind == Forbidden && serviceHints[e.ServiceCode] == "":
		e.reason = unknownForbidden
	}
}

// Retired reports whether the service refuses the classic call as it would if it no longer existed.
func (e *Error) Retired() bool { return e.Kind == Retired || e.reason == unknownForbidden }

// nobody is a customer that cannot exist.
const nobody = "00000000-0000-0000-0000-000000000000"

// CheckAttest reports whether the classic call for attestations still exists. It sends an empty
// attestation for a customer that cannot exist, which the service has to refuse; how it refuses
// tells. nil: it exists, and the caller may use it.
func (c *Client) CheckAttest(ctx context.Context, requestID string) error {
	_, _, err := c.post(ctx, &call{op: "check the call for attestations", uri: customerURI(nobody, "/agreements"),
		limit: answerLimit, id: requestID, classic: true}, map[string]any{}, func(object) string { return "" })
	if e, ok := errors.AsType[*Error](err); ok && (e.Kind == Refused || e.Kind == NotFound ||
		e.Kind == RelationshipEnded ||
		e.Kind == NoAgreement) {
		return nil
	}
	return err
}

func contact(a attestation.Attestation) map[string]string {
	s := a.Content.Signer
	fields := map[string]string{"firstName": s.FirstName, "lastName": s.LastName, "email": s.Email}
	if s.Phone != "" {
		fields["phoneNumber"] = s.Phone
	}
	return fields
}

// resultOf says what a failed attestation means for it (docs/partner-center.md, table of codes).
func resultOf(e *Error) attestation.SendResult {
	switch {
	case e.reason == tlsProtocol: // the connection may have broken after the request was sent
		return attestation.ResultUnknown
	case e.Kind.Fatal() && e.Kind != Down:
		return attestation.ResultNotSent
	case e.ServiceCode == "600061": // what is on record has to be read
		return attestation.ResultDuplicateSigner
	// the address is wrong, so every customer would fail
	case e.Kind == Retired, e.Kind == AddressNotFound, e.Kind == Redirected:
		return attestation.ResultForbidden
	case e.Status < 300 || e.Status >= 500: // no definite refusal, whatever its code
		return attestation.ResultUnknown
	}
	switch e.ServiceCode {
	case "600002", "3000", "800002":
		return attestation.ResultContentRejected
	}
	switch e.Kind {
	case RelationshipEnded, NoAgreement, NotFound:
		return attestation.ResultCustomerRejected
	case RoleMissing, Forbidden:
		return attestation.ResultForbidden
	case Refused:
		if e.Status == http.StatusBadRequest {
			return attestation.ResultContentRejected
		}
		return attestation.ResultCustomerRejected
	}
	return attestation.ResultUnknown
}
