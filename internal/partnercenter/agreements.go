package partnercenter

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// mca is the agreement type that counts. Without it in the query the service answers with Cloud
// agreements, the classic mistake (docs/partner-center.md, "Agreements").
const mca = "MicrosoftCustomerAgreement"

type agreement struct {
	PrimaryContact *struct{ FirstName, LastName, Email, PhoneNumber string }
	DateAgreed     string
	Type           string
}

// Agreements returns the customer's Microsoft Customer Agreements, in any order. An agreement whose type or date cannot be read is
// returned without a date: it can neither clear the customer nor be taken for none.
func (c *Client) Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error) {
	first := call{op: "read agreements of customer " + customerID, limit: answerLimit,
		uri: "/customers/" + url.PathEscape(customerID) + "/agreements?agreementType=" + mca}
	var found []standing.Agreement
	for items, err := range pages[agreement](ctx, c, first) {
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == NoAgreement {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if item.Type == "" || strings.EqualFold(item.Type, mca) {
				found = append(found, item.standing())
			}
		}
	}
	return found, nil
}

func (agreement) flaw() string { return "" }

func (a agreement) standing() standing.Agreement {
	var s standing.Agreement
	if a.Type != "" {
		s.Agreed = day(a.DateAgreed)
	}
	if p := a.PrimaryContact; p != nil {
		s.Signer = standing.Contact{FirstName: storable(p.FirstName), LastName: storable(p.LastName), Email: storable(p.Email), Phone: storable(p.PhoneNumber)}
	}
	return s
}

// day reads an instant in any of the forms the service uses (no zone means UTC; Z; up to seven fraction digits; an offset) and
// returns its calendar day in UTC, or nothing when it cannot be read. Year 1 is .NET's way to say that there is none; days
// beyond year 9999 do not compare as texts.
func day(text string) standing.Date {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		t, err := time.Parse(layout, strings.TrimSpace(text))
		if t = t.UTC(); err == nil && 1 < t.Year() && t.Year() <= 9999 {
			return standing.Date(t.Format(time.DateOnly))
		}
	}
	return ""
}

type directStatus struct{ IsSigned *bool }

func (s directStatus) flaw() string {
	if s.IsSigned == nil {
		return "an answer without isSigned"
	}
	return ""
}

// DirectAcceptance says whether the customer accepted the agreement with Microsoft directly. The service gives no date and no
// signer for it.
func (c *Client) DirectAcceptance(ctx context.Context, customerID string) (bool, error) {
	var answer directStatus
	err := c.get(ctx, &call{op: "read direct acceptance of customer " + customerID, limit: answerLimit,
		uri: "/customers/" + url.PathEscape(customerID) + "/directSignedMicrosoftCustomerAgreementStatus"}, &answer)
	return err == nil && *answer.IsSigned, err
}
