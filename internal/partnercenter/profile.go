package partnercenter

import (
	"context"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Profile reads what the service knows of a customer as a company, and whom it writes to. Only the
// id must be right.
func (c *Client) Profile(ctx context.Context, customerID string) (p standing.Profile, err error) {
	err = c.get(ctx, &call{op: "read the profile of customer " + customerID, uri: customerURI(customerID, ""),
		limit: answerLimit},
		func(o object) string {
			customer, wrong := readCustomer(o)
			company, billing := o.object("companyprofile"), o.object("billingprofile")
			p = standing.Profile{
				Name: firstText(customer.Name, billing.text("companyname")), Domain: customer.Domain,
				Country: firstText(company.object("address").text("country"),
					billing.object("defaultaddress").text("country")),
				// The culture is a language with its country.
				Language: firstText(billing.text("culture"), billing.text("language")),
				Contact: standing.Contact{FirstName: billing.text("firstname"), LastName: billing.text("lastname"),
					Email: strings.TrimSpace(billing.text("email"))},
			}
			return wrong
		})
	return p, err
}
