package partnercenter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// The agreement types of the service. Without the first of them in the query it answers with Cloud
// agreements, which count for nothing (docs/partner-center.md, "Agreements").
const (
	mca            = "MicrosoftCustomerAgreement"
	cloudAgreement = "MicrosoftCloudAgreement"
)

// recorded is one item of a customer's agreements.
type recorded struct {
	kind string
	standing.Agreement
}

func readAgreement(o object) (recorded, string) {
	signer := o.object("primarycontact")
	a := recorded{kind: o.text("type"), Agreement: standing.Agreement{Agreed: day(o.text("dateagreed")),
		Signer: standing.Contact{
			FirstName: signer.text("firstname"), LastName: signer.text("lastname"), Email: signer.text("email"),
			Phone: signer.text("phonenumber"),
		}}}
	// Of unknown type: it is kept without a date. It must not clear the customer, and must not look
	// as if there was no agreement.
	if a.kind == "" {
		a.Agreed = ""
	}
	return a, ""
}

// Agreements returns the customer's Microsoft Customer Agreements, in any order. An agreement whose
// date is unreadable is returned without one. An agreement of a type that is not known is an error
// that names the type, beside the agreements that were read: they may clear the customer, and that
// there is no other one is not proved.
func (c *Client) Agreements(ctx context.Context, customerID string) (found []standing.Agreement, err error) {
	first := call{op: "read agreements of customer " + customerID, limit: answerLimit,
		uri: customerURI(customerID, "/agreements?agreementType="+mca)}
	items, err := all(ctx, c, first, readAgreement)
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == NoAgreement {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	for _, a := range items {
		switch {
		case a.kind == "" || strings.EqualFold(a.kind, mca):
			found = append(found, a.Agreement)
		case !strings.EqualFold(a.kind, cloudAgreement):
			err = c.malformed(&first, fmt.Sprintf("the customer has an agreement of type %q, which is not known",
				clean(a.kind)))
		}
	}
	return found, err
}

// day reads an instant in any of the forms that the service uses (no zone means UTC; Z; up to seven
// fraction digits; an offset) and returns its calendar day in UTC, or nothing when it cannot be
// read. Year 1 is how .NET says that there is none; days beyond year 9999 do not compare as texts.
func day(text string) standing.Date {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		t, err := time.Parse(layout, strings.TrimSpace(text))
		if t = t.UTC(); err == nil && 1 < t.Year() && t.Year() <= 9999 {
			return standing.Date(t.Format(time.DateOnly))
		}
	}
	return ""
}

// DirectAcceptance says whether the customer accepted the agreement with Microsoft directly. The
// service gives no date and no signer for it.
func (c *Client) DirectAcceptance(ctx context.Context, customerID string) (signed bool, err error) {
	err = c.get(ctx, &call{op: "read direct acceptance of customer " + customerID, limit: answerLimit,
		uri: customerURI(customerID, "/directSignedMicrosoftCustomerAgreementStatus")},
		func(o object) string {
			var ok bool
			if signed, ok = o.flag("issigned"); !ok {
				return "an answer that does not say once whether isSigned is true or false"
			}
			return ""
		})
	return signed && err == nil, err
}
