package standing

import "strings"

// Subscription is one thing that a customer has bought.
type Subscription struct {
	ID        string
	Product   string
	Seats     int
	Status    string // the service's own word
	Term      string // an ISO 8601 duration such as P1Y; empty when the service gave none
	AutoRenew bool
	Trial     bool
	Ends      Date // of the commitment; empty when it has no end, or the service gave no readable date
}

// Purchases sums up the active subscriptions of a blocked customer: they continue, and some renew
// automatically, although it cannot buy.
type Purchases struct {
	Active      int
	NextRenewal Date // zero: nothing renews by itself, or the date is unknown
	NextLapse   Date // zero: nothing ends without a renewal, or the date is unknown
}

// Bought sums subscriptions up. One that ends on the day asOf still renews, or lapses.
func Bought(subscriptions []Subscription, asOf Date) Purchases {
	var p Purchases
	for _, s := range subscriptions {
		if !strings.EqualFold(s.Status, "active") {
			continue
		}
		p.Active++
		next := &p.NextLapse
		if s.AutoRenew {
			next = &p.NextRenewal
		}
		if s.Ends >= asOf && (*next == "" || s.Ends < *next) {
			*next = s.Ends
		}
	}
	return p
}

// SubscriptionsReading is the result of reading a customer's subscriptions.
type SubscriptionsReading struct {
	CustomerID    string
	Readable      bool // false: the service refuses to say
	Subscriptions []Subscription
}
