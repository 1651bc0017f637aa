package partnercenter

import (
	"context"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Reseller returns the indirect reseller of an indirect provider's customer; empty when the service
// names none. Elsewhere partners go by the number of their membership, so a number is accepted too.
func (c *Client) Reseller(ctx context.Context, customerID string) (reseller string, err error) {
	err = c.get(ctx, &call{op: "read the reseller of customer " + customerID, uri: customerURI(customerID, ""),
		limit: answerLimit},
		func(o object) string {
			reseller = strings.ToLower(strings.TrimSpace(o.text("associatedpartnerid")))
			_, wrong := readCustomer(o)
			if reseller == "" && !empty(o, "associatedpartnerid") {
				wrong = "an indirect reseller that is no text"
			}
			return wrong
		})
	return reseller, err
}

// ResellerNames returns the names of an indirect provider's resellers. A reseller is there under
// its tenant's id and under its number as a partner: a customer names it by either.
func (c *Client) ResellerNames(ctx context.Context) (names []standing.ResellerName, err error) {
	first := call{op: "read the names of indirect resellers", limit: pageLimit, account: true,
		uri: "/relationships?relationship_type=IsIndirectCloudSolutionProviderOf"}
	resellers, err := all(ctx, c, first, func(o object) (object, string) { return o, "" })
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{"": true}
	for _, o := range resellers {
		name := o.text("name")
		for _, id := range []string{o.string("id"), o.text("mpnid")} {
			if id = strings.ToLower(strings.TrimSpace(id)); name != "" && !seen[id] {
				seen[id] = true
				names = append(names, standing.ResellerName{ID: id, Name: name})
			}
		}
	}
	return names, nil
}
