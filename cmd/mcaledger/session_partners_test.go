package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// centre is a simulated Partner Center with moods.
type centre struct {
	*simulator.Simulator
	url string

	mu    sync.Mutex
	fails func(*http.Request) bool // these requests meet a 500
	deaf  func(*http.Request) bool // these are done, and the answer is lost
}

func newCentre(t *testing.T, o simulator.Options) *centre {
	t.Helper()
	sim, err := simulator.New(o)
	require.NoError(t, err)
	c := &centre{Simulator: sim}
	c.misbehave(nil, nil)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *centre) misbehave(fails, deaf func(*http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails, c.deaf = fails, deaf
}

func (c *centre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	fails, deaf := c.fails != nil && c.fails(r), c.deaf != nil && c.deaf(r)
	c.mu.Unlock()
	switch {
	case fails:
		http.Error(w, "", http.StatusInternalServerError)
	case deaf:
		c.Simulator.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		c.Simulator.ServeHTTP(w, r)
	}
}

// badNight fails every read of one customer in thirty: more would be a wave.
func badNight(r *http.Request) bool {
	id, single := strings.CutPrefix(r.URL.Path, "/v1/customers/")
	return single && id[:2] < "08"
}

// find are the customers of a kind on the first night whose later nights fit. Of fewer than least
// the session could not be lived.
func (c *centre) find(least int, kind simulator.Kind, fits func(nights []simulator.Customer,
	listed bool) bool) (found []simulator.Customer) {
	for i := range c.World().Customers {
		var nights []simulator.Customer
		var listed [5]bool
		for n := 1; n <= 4; n++ {
			world := c.World()
			world.Night = n
			nights, listed[n] = append(nights, world.Customer(i)), world.Listed(i)
		}
		if nights[0].Kind == kind && listed[1] && fits(nights, listed[2]) && nights[0].TenantID[:2] >= "08" {
			found = append(found, nights[0])
		}
	}
	if len(found) < least {
		panic(fmt.Sprintf("the simulated world has %d customers of the kind %q that fit, and %d are needed: take "+
			"another seed", len(found), kind, least))
	}
	return found
}

func stays(nights []simulator.Customer, _ bool) bool {
	return !slices.ContainsFunc(nights, func(c simulator.Customer) bool { return c.Kind != nights[0].Kind })
}

// boughtNothing fits customers that may accept directly.
func boughtNothing(nights []simulator.Customer, listed bool) bool {
	return stays(nights, listed) &&
		!slices.ContainsFunc(nights[0].Subscriptions,
			func(s simulator.Subscription) bool { return s.Status == "active" })
}

func leaves(_ []simulator.Customer, listed bool) bool { return !listed }

// becomesAttested is a customer for whom somebody else attests on the second night, with a
// signer who has no phone number: the service writes those in its own way.
func becomesAttested(nights []simulator.Customer, _ bool) bool {
	return nights[1].Kind == simulator.Attested && microsoftCustomer(nights[1])[0].Contact.PhoneNumber == ""
}

func hadAnotherSigner(nights []simulator.Customer, listed bool) bool {
	return stays(nights, listed) && anotherSigner(nights[0]).Contact != nil
}

// anotherSigner is an agreement whose signer did not sign the newest one and gave no phone
// number.
func anotherSigner(c simulator.Customer) simulator.Agreement {
	agreements := microsoftCustomer(c)
	for _, a := range agreements[1:] {
		if a.Contact.PhoneNumber == "" && a.Contact.Email != agreements[0].Contact.Email {
			return a
		}
	}
	return simulator.Agreement{}
}

// newest is the newest agreement of a customer on the second night.
func (c *centre) newest(customer simulator.Customer) simulator.Agreement {
	two := c.World()
	two.Night = 2
	return microsoftCustomer(two.Customer(customer.Index))[0]
}

// microsoftCustomer are the agreements that count, the newest first.
func microsoftCustomer(c simulator.Customer) []simulator.Agreement {
	agreements := slices.DeleteFunc(slices.Clone(c.Agreements),
		func(a simulator.Agreement) bool { return a.Type != "MicrosoftCustomerAgreement" })
	slices.SortFunc(agreements, func(a, b simulator.Agreement) int { return b.When.Compare(a.When) })
	return agreements
}

// row is a line of a file of attestations.
func row(c simulator.Customer, signer, rest string) string {
	return c.TenantID + "," + signer + "," + rest
}

// who are the four fields of the signer of an agreement.
func who(a simulator.Agreement) string {
	return strings.Join([]string{a.Contact.FirstName, a.Contact.LastName, a.Contact.Email,
		strings.ReplaceAll(a.Contact.PhoneNumber, " ", "")}, ",")
}
