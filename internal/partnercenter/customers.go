package partnercenter

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// customer is a list item, or the customer resource itself.
type customer struct {
	ID             string
	CompanyProfile struct {
		TenantID    string
		Domain      string
		CompanyName string
	}
	RelationshipToPartner string
}

func (c customer) flaw() string {
	if c.ID == "" && c.CompanyProfile.TenantID == "" {
		return "a customer without an id"
	}
	return ""
}

func (c customer) standing() standing.Customer {
	id := c.ID
	if id == "" {
		id = c.CompanyProfile.TenantID
	}
	return standing.Customer{ID: storable(id), Name: storable(c.CompanyProfile.CompanyName), Domain: storable(c.CompanyProfile.Domain),
		Relationship: storable(c.RelationshipToPartner)}
}

// storable replaces the one character that no database keeps in a text.
func storable(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// Customers walks the partner's customers, a page of up to 500 at a time. The same customer may come twice, and one that
// is listed may be gone when it is read.
func (c *Client) Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error] {
	return func(yield func([]standing.Customer, error) bool) {
		first := call{op: "list customers", uri: "/customers?size=500", limit: pageLimit}
		for items, err := range pages[customer](ctx, c, first) {
			if err != nil {
				yield(nil, err)
				return
			}
			customers := make([]standing.Customer, len(items))
			for i, item := range items {
				customers[i] = item.standing()
			}
			if !yield(customers, nil) {
				return
			}
		}
	}
}

// Customer reads one customer's own resource.
func (c *Client) Customer(ctx context.Context, id string) (standing.Customer, error) {
	var answer customer
	err := c.get(ctx, &call{op: "read customer " + id, uri: "/customers/" + url.PathEscape(id), limit: answerLimit}, &answer)
	if err != nil {
		return standing.Customer{}, err
	}
	found := answer.standing()
	found.ID = id // as the caller spells it
	return found, nil
}
