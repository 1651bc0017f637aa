package partnercenter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

type template struct {
	TemplateID    string
	AgreementType string
	VersionRank   int
}

func (template) flaw() string { return "" }

// Template returns the id of the Microsoft Customer Agreement's present template. It has been the
// same since 2019, and is asked for all the same (docs/partner-center.md, "Agreements").
func (c *Client) Template(ctx context.Context) (string, error) {
	newest := template{VersionRank: -1}
	first := call{op: "read agreement templates", uri: "/agreements?agreementType=" + mca, limit: answerLimit}
	for items, err := range pages[template](ctx, c, first) {
		if err != nil {
			return "", err
		}
		for _, t := range items {
			if strings.EqualFold(t.AgreementType, mca) && t.TemplateID != "" && t.VersionRank > newest.VersionRank {
				newest = t
			}
		}
	}
	if newest.TemplateID == "" {
		return "", &Error{Op: first.op, Kind: Malformed, Message: "the service names no template of the Microsoft Customer Agreement"}
	}
	return newest.TemplateID, nil
}

// attested is the answer to an attestation. What it repeats is not needed: the status says that it was taken.
type attested struct{}

func (attested) flaw() string { return "" }

// Attest tells Microsoft that a customer's signer accepted the agreement, on the classic route. The request id and the content decide every byte
// that is sent, so that sending again is the same request. It never repeats a request whose answer was lost: that is Lost, and the
// caller's to settle.
func (c *Client) Attest(ctx context.Context, a attestation.Attestation) (attestation.Answer, attestation.SendResult, error) {
	body, err := json.Marshal(map[string]any{
		"primaryContact": contact(a), "templateId": a.TemplateID, "dateAgreed": string(a.Content.Agreed) + "T00:00:00Z", "type": mca,
	})
	if err != nil {
		return attestation.Answer{}, attestation.ResultNotSent, err
	}
	request := &call{op: "attest for customer " + a.CustomerID, uri: "/customers/" + url.PathEscape(a.CustomerID) + "/agreements",
		body: body, limit: answerLimit, id: a.RequestID}
	err = c.do(ctx, request, new(attested))
	if err == nil {
		return attestation.Answer{Status: 201, RequestID: a.RequestID, CorrelationID: c.opts.CorrelationID}, attestation.ResultAccepted, nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok { // the context's own: nobody knows how far the request came
		return attestation.Answer{}, attestation.ResultUnknown, err
	}
	return attestation.Answer{Status: e.Status, Code: e.Code, RequestID: e.RequestID, CorrelationID: e.CorrelationID}, outcomeOf(e), err
}

func contact(a attestation.Attestation) map[string]string {
	s := a.Content.Signer
	fields := map[string]string{"firstName": s.FirstName, "lastName": s.LastName, "email": s.Email}
	if s.Phone != "" {
		fields["phoneNumber"] = s.Phone
	}
	return fields
}

// outcomeOf says what a failed attestation means for it (docs/partner-center.md, "Codes").
func outcomeOf(e *Error) attestation.SendResult {
	switch e.Kind {
	case TokenRefused, SignInFailed, MFAMissing, WrongAudience, AppOnly, Throttled:
		return attestation.ResultNotSent
	}
	switch {
	case e.Code == "600061": // reading back says the rest
		return attestation.ResultDuplicateSigner
	case e.Status < 300 || e.Status >= 500: // no definite no, whatever its code
		return attestation.ResultUnknown
	}
	switch e.Code {
	case "600002", "3000", "800002":
		return attestation.ResultContentRejected
	case "60003", "1000":
		return attestation.ResultCustomerRejected
	}
	switch e.Kind {
	case Ended, NoAgreement:
		return attestation.ResultCustomerRejected
	case RoleMissing, NotFound: // a 404 that names nothing may be the address's
		return attestation.ResultForbidden
	case Refused:
		switch {
		case e.Status == http.StatusBadRequest:
			return attestation.ResultContentRejected
		case e.Status < 400, e.Status == http.StatusMethodNotAllowed, e.Status == http.StatusGone: // the address's: this route is closed
			return attestation.ResultForbidden
		}
		return attestation.ResultCustomerRejected
	}
	return attestation.ResultUnknown
}
