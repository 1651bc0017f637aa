package partnercenter

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

type subscription struct {
	Status            string
	AutoRenewEnabled  bool
	CommitmentEndDate string
}

// Subscriptions returns what the customer has bought, in any order and of any status.
func (c *Client) Subscriptions(ctx context.Context, customerID string) ([]standing.Subscription, error) {
	first := call{op: "read subscriptions of customer " + customerID, uri: "/customers/" + url.PathEscape(customerID) + "/subscriptions", limit: answerLimit}
	var found []standing.Subscription
	for items, err := range pages[subscription](ctx, c, first) {
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			found = append(found, item.standing())
		}
	}
	return found, nil
}

func (subscription) flaw() string { return "" }

func (s subscription) standing() standing.Subscription {
	ends := day(s.CommitmentEndDate)
	if strings.HasPrefix(string(ends), "9999") {
		ends = "" // what is paid by use never ends: Microsoft's examples say 9999-12-14
	}
	return standing.Subscription{Status: s.Status, AutoRenew: s.AutoRenewEnabled, Ends: ends}
}

// associated is the customer resource with the one thing that only indirect providers are told.
type associated struct {
	customer
	AssociatedPartnerID identifier
}

// Reseller returns the indirect reseller of an indirect provider's customer; empty when the service names none.
func (c *Client) Reseller(ctx context.Context, customerID string) (string, error) {
	var answer associated
	err := c.get(ctx, &call{op: "read the reseller of customer " + customerID, uri: "/customers/" + url.PathEscape(customerID), limit: answerLimit}, &answer)
	if err != nil {
		return "", err
	}
	return string(answer.AssociatedPartnerID), nil
}

// identifier is an id in one spelling. Numbers are taken too: elsewhere partners go by the number of their membership.
type identifier string

// UnmarshalJSON takes a text, a number or nothing.
func (id *identifier) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, &number); err == nil {
		*id = identifier(number)
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*id = identifier(strings.ToLower(strings.TrimSpace(storable(text))))
	return nil
}
