package partnercenter

import (
	"context"
	"iter"
	"net/url"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// readCustomer reads a customer from a list item or from its own resource. Only the id and the
// relationship decide anything; names are shown.
func readCustomer(o object) (c standing.Customer, wrong string) {
	company := o.object("companyprofile")
	id := o.string("id")
	if id == "" {
		id = company.string("tenantid")
	}
	if id == "" {
		return c, "a customer without an id"
	}
	c = standing.CustomerOf(id)
	c.Name, c.Domain = company.text("companyname"), company.text("domain")
	c.Relationship = o.string("relationshiptopartner")
	return c, ""
}

// Customers walks the partner's customers, a page of up to 500 at a time. The same customer may
// come twice, and one that is listed may be gone when it is read.
func (c *Client) Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error] {
	return pages(ctx, c, call{op: "list customers", uri: "/customers?size=500", limit: pageLimit, account: true},
		readCustomer)
}

// Customer reads one customer's own resource.
func (c *Client) Customer(ctx context.Context, id string) (found standing.Customer, err error) {
	err = c.get(ctx, &call{op: "read customer " + id, uri: customerURI(id, ""), limit: answerLimit},
		func(o object) (wrong string) {
			found, wrong = readCustomer(o)
			return wrong
		})
	if err != nil {
		return standing.Customer{}, err
	}
	if found.ID != standing.CanonicalID(id) { // an answer about somebody else
		found.ID, found.DisplayID = standing.CanonicalID(id), id
	}
	return found, nil
}

// customerURI is a path below /customers/{id}.
func customerURI(id, below string) string { return "/customers/" + url.PathEscape(id) + below }
