package demo

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// account is a simulated Partner Center account.
type account struct {
	Partner
	options simulator.Options
	sim     *simulator.Simulator
	server  *simulator.Server
}

// The accounts of the demo, and the one whose list of customers is incomplete on one night.
const (
	directBill       = "contoso-br"
	indirectProvider = "contoso-eu"
	indirectReseller = "contoso-us"

	incomplete     = indirectProvider
	incompletePart = 0.7 // of its list that is served on that night
)

// newAccounts returns the accounts before the first night; customers is the size of the first.
func newAccounts(customers, badNight int, clock func() time.Time) []*account {
	common := simulator.Options{Mix: simulator.MixBehind, Clock: clock, RepeatedIDs: 0.005,
		Faults:   simulator.Faults{ServerError: 0.0005, PageWithStatus200: 0.0002},
		Enhanced: simulator.Enhanced{AcceptWithin: 9, AcceptShare: 0.7}}
	br, eu, us := common, common, common
	br.Seed, br.Home, br.Customers = 7, "BR", customers
	eu.Seed, eu.Home, eu.Customers, eu.IndirectProvider = 11, "DE", customers*5/4, true
	us.Seed, us.Home, us.Customers, us.IndirectReseller = 13, "US", customers/2, true
	eu.TruncatedList, eu.ListAccidentsFrom, eu.ListAccidentsUntil = incompletePart, badNight, badNight
	return []*account{
		{Partner: Partner{Name: directBill, Kind: "direct_bill", TenantID: "11111111-1111-4111-8111-111111111111"},
			options: br},
		{Partner: Partner{Name: indirectProvider, Kind: "indirect_provider",
			TenantID: "33333333-3333-4333-8333-333333333333"}, options: eu},
		{Partner: Partner{Name: indirectReseller, Kind: "indirect_reseller",
			TenantID: "44444444-4444-4444-8444-444444444444"}, options: us},
	}
}

// open creates the simulator of the account.
func (a *account) open() (err error) {
	a.sim, err = simulator.New(a.options)
	return err
}

// serve starts the server at the address of the account, or at a free port if it has none yet.
func (a *account) serve() (err error) {
	address := "127.0.0.1:0"
	if a.Address != "" {
		address = strings.TrimPrefix(a.Address, "http://")
	}
	if a.server, err = simulator.Serve(a.sim, address); err != nil {
		return err
	}
	a.Address, a.TokenFile = a.server.Address, a.Name+".token"
	return nil
}

func closeAll(accounts []*account) error {
	var failed []error
	for _, a := range accounts {
		if a.server != nil {
			failed = append(failed, a.server.Close())
		}
	}
	return errors.Join(failed...)
}

// customers returns the listed customers that fit, ordered by tenant id.
func (a *account) customers(fit func(c simulator.Customer, standing string) bool) (found []simulator.Customer) {
	world := a.sim.World()
	for i := range world.Len() {
		if standing, _ := a.sim.Expect(i, true); world.Listed(i) {
			if c := world.Customer(i); fit(c, standing) {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b simulator.Customer) int { return strings.Compare(a.TenantID, b.TenantID) })
	return found
}

func (a *account) blocked() []simulator.Customer {
	return a.customers(func(_ simulator.Customer, standing string) bool { return standing == "blocked" })
}

// clear returns a customer with a valid acceptance.
func (a *account) clear() simulator.Customer {
	return a.customers(func(c simulator.Customer, _ string) bool { return c.Kind == simulator.Attested })[0]
}
