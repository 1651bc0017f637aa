package partnercenter

import (
	"context"
	"net/url"
	"strings"

	"github.com/mcaledger/mcaledger/internal/loopback"
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

// RelationshipRequest returns the link by which a tenant accepts a reseller relationship with the
// partner, and the agreement with it. It is not bound to a tenant, and must be passed on as it is
// (docs/partner-center.md, "Invitations").
func (c *Client) RelationshipRequest(ctx context.Context) (link string, err error) {
	err = c.get(ctx, &call{op: "read the link of the reseller relationship request",
		uri: "/customers/relationshiprequests", limit: answerLimit, account: true},
		func(o object) string {
			link = o.text("url")
			switch u, err := url.Parse(link); {
			case link == "":
				return "an answer without the link"
			case err != nil || !isMicrosoft(u):
				return "a link that is not one of Microsoft's"
			}
			return ""
		})
	return link, err
}

// isMicrosoft reports whether an address is on a host of Microsoft's own domain, or on this host.
func isMicrosoft(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return u.User == nil && (u.Scheme == "https" && strings.HasSuffix(host, ".microsoft.com") || u.Scheme == "http" &&
		loopback.Is(host))
}
