package partnercenter

import (
	"context"
	"net/url"
	"strings"

	"github.com/mcaledger/mcaledger/internal/loopback"
)

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
