package partnercenter

import (
	"context"
	"strconv"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

func readSubscription(o object) (standing.Subscription, string) {
	s := standing.Subscription{
		ID: strings.ToLower(o.text("id")), Product: firstText(o.text("offername"), o.text("friendlyname")),
		Status: o.text("status"), Term: o.text("renewaltermduration"), Ends: day(o.text("commitmentenddate")),
	}
	s.Seats, _ = strconv.Atoi(o.text("quantity"))
	s.AutoRenew, _ = o.flag("autorenewenabled")
	s.Trial, _ = o.flag("istrial")
	if strings.HasPrefix(string(s.Ends), "9999") {
		s.Ends = "" // what is paid by use never ends: Microsoft's examples say 9999-12-14
	}
	return s, ""
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

// Subscriptions returns what the customer has bought, in any order and of any status.
func (c *Client) Subscriptions(ctx context.Context, customerID string) ([]standing.Subscription, error) {
	first := call{op: "read subscriptions of customer " + customerID, uri: customerURI(customerID, "/subscriptions"),
		limit: answerLimit}
	found, err := all(ctx, c, first, readSubscription)
	if err != nil {
		return nil, err
	}
	return found, nil
}
