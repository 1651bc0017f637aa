package partnercenter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
)

func TestExampleSubscriptions(t *testing.T) {
	s := newService(t, saying(200, example(t, "subscriptions.json")))
	got, err := s.client.Subscriptions(t.Context(), customerID)
	require.NoError(t, err)
	assert.Equal(t, []standing.Subscription{{ID: "b7c2f9a4-1a2b-4c3d-8e4f-5a6b7c8d9e0f", Product: "Microsoft 365 E3",
		Seats: 25, Term: "P1Y", Status: "active", AutoRenew: true, Ends: "2026-12-01"}}, got)
	assert.Equal(t, "/v1/customers/"+customerID+"/subscriptions", s.arrivals()[0].uri)
}

func TestOddSubscriptions(t *testing.T) {
	for _, c := range []struct {
		name, item string
		want       standing.Subscription
	}{
		{"in PascalCase, with nulls",
			`{"Id":null,"Status":"Active","AutoRenewEnabled":true,"CommitmentEndDate":"2026-12-01T00:00:00"}`,
			standing.Subscription{Status: "Active", AutoRenew: true, Ends: "2026-12-01"}},
		{"an offset whose day is the one before in UTC",
			`{"status":"active","commitmentEndDate":"2026-12-01T01:30:00+02:00"}`,
			standing.Subscription{Status: "active", Ends: "2026-11-30"}},
		{"seven digits", `{"status":"active","commitmentEndDate":"2026-12-01T23:59:59.9999999Z"}`,
			standing.Subscription{Status: "active", Ends: "2026-12-01"}},
		{"what never ends has no end",
			`{"status":"active","autoRenewEnabled":true,"commitmentEndDate":"9999-12-14T00:00:00Z"}`,
			standing.Subscription{Status: "active", AutoRenew: true}},
		{"a status nobody knows", `{"status":"hibernating","commitmentEndDate":"soon"}`,
			standing.Subscription{Status: "hibernating"}},
		{"no date, and more than is asked for",
			`{"status":"pending","autoRenewEnabled":null,"commitmentEndDate":null,"actions":["edit"]}`,
			standing.Subscription{Status: "pending"}},
		{"nothing at all", `null`, standing.Subscription{}},
		{"odd types everywhere", `{"id":7,"status":"active","quantity":"3","autoRenewEnabled":"true","isTrial":0,"offerName":" ","friendlyName":"E3","links":"x"}`,
			standing.Subscription{ID: "7", Status: "active", Seats: 3, Product: "E3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := newService(t, saying(200, "\ufeff"+`{"items":[`+c.item+`]}`)).client.Subscriptions(t.Context(),
				customerID)
			require.NoError(t, err)
			assert.Equal(t, []standing.Subscription{c.want}, got)
		})
	}
	got, err := newService(t, saying(200, `{"totalCount":0,"items":[]}`)).client.Subscriptions(t.Context(), customerID)
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = newService(t, saying(200, `{"attributes":{}}`)).client.Subscriptions(t.Context(), customerID)
	assert.Equal(t, Malformed, failed(t, err).Kind, "an answer that does not say what it holds is not an empty one")
}

func TestSubscriptionsOverSeveralPages(t *testing.T) {
	const first = `{"items":[{"status":"active"}],"links":{"next":{"uri":"/more","headers":[{"key":"MS-ContinuationToken","value":"x"}]}}}`
	s := newService(t, inTurn(saying(200, first), saying(200, `{"items":[{"status":"expired"}]}`)))
	got, err := s.client.Subscriptions(t.Context(), customerID)
	require.NoError(t, err)
	assert.Equal(t, []standing.Subscription{{Status: "active"}, {Status: "expired"}}, got)
	assert.Equal(t, "x", s.arrivals()[1].header.Get("MS-ContinuationToken"))

	s = newService(t, inTurn(saying(200, first), saying(403, `{"code":20002}`)))
	got, err = s.client.Subscriptions(t.Context(), customerID)
	require.Error(t, err)
	assert.Empty(t, got, "half a list is none")
}

func TestReseller(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"the example":          {example(t, "customer.json"), "8a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"},
		"in other letters":     {`{"Id":"a","AssociatedPartnerId":" 8A1B-X "}`, "8a1b-x"},
		"none":                 {`{"id":"a"}`, ""},
		"null":                 {`{"id":"a","associatedPartnerId":null}`, ""},
		"a number":             {`{"id":"a","associatedPartnerId":4567890}`, "4567890"},
		"a number as a text":   {`{"id":"a","associatedPartnerId":"4567890"}`, "4567890"},
		"what no database has": {`{"id":"a","associatedPartnerId":"x\u0000"}`, "x\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, saying(200, c.body))
			got, err := s.client.Reseller(t.Context(), customerID)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			assert.Equal(t, "/v1/customers/"+customerID, s.arrivals()[0].uri)
		})
	}
	for _, body := range []string{`{}`, `{"id":"a","associatedPartnerId":{"id":"x"}}`} {
		_, err := newService(t, saying(200, body)).client.Reseller(t.Context(), customerID)
		assert.Equal(t, Malformed, failed(t, err).Kind, body)
	}
}

func TestOddReseller(t *testing.T) {
	const odd = `{"id":"a","relationshipToPartner":"reseller","associatedPartnerId":{"id":"x"}}`
	got, err := newService(t, saying(200, odd)).client.Customer(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, standing.Customer{ID: "a", DisplayID: "a", Relationship: "reseller"}, got)
	listed, err := newService(t, saying(200, `{"items":[`+odd+`]}`)).list()
	require.NoError(t, err)
	assert.Len(t, listed, 1)
}

func TestResellerNames(t *testing.T) {
	t.Parallel()
	names := func(body string) []standing.ResellerName {
		t.Helper()
		s := newService(t, saying(200, body), withRefreshToken(saved(t, "refresh-0")))
		found, err := s.client.ResellerNames(t.Context())
		require.NoError(t, err, body)
		assert.Equal(t, "/v1/relationships?relationship_type=IsIndirectCloudSolutionProviderOf", s.arrivals()[0].uri)
		return found
	}
	assert.Equal(t, []standing.ResellerName{
		{ID: "5d6f0b0a-4a6e-4f77-9a1c-0f6f5b8d2c11", Name: "Fabrikam Consultoria Ltda."},
		{ID: "4800001", Name: "Fabrikam Consultoria Ltda."}, {ID: "c0ffee00-1b2c-4d3e-8f90-a1b2c3d4e5f6",
			Name: "Litware Resale Inc."}, {ID: "4800002", Name: "Litware Resale Inc."},
	}, names(example(t, "resellers.json")))
	assert.Empty(t, names(`{"totalCount":0,"items":[]}`))
	assert.Equal(t, []standing.ResellerName{{ID: "7", Name: "B"}, {ID: "a", Name: "B"}},
		names(`{"Items":[{"name":"nobody"},{"id":"x","name":null},{"id":"","mpnId":7,"name":"B"},{"id":"A","mpnId":"7","Name":"B"},{"id":"a","name":"C"}]}`))
	for _, body := range []string{`{}`, `{"items":7}`, `{"items":["x"]}`} {
		_, err := newService(t, saying(200, body)).client.ResellerNames(t.Context())
		assert.Equal(t, Malformed, failed(t, err).Kind, body)
	}
}

func TestDefinite(t *testing.T) {
	for kind := Unavailable; kind <= Down; kind++ {
		want := kind == Refused || kind == RelationshipEnded || kind == NotFound
		assert.Equal(t, want, (&Error{Kind: kind}).Definite(), kind.String())
	}
}

func TestSubscriptionsAndResellersOfSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := simulator.New(simulator.Options{Seed: 11, Customers: 300, Mix: simulator.MixAllKinds,
			IndirectProvider: true, Names: simulator.MixedCase, Latency: 100 * time.Millisecond, KillTokensEvery: 150,
			Faults: accidents})
		require.NoError(t, err)
		c := newService(t, nil, withRefreshToken(saved(t, simulator.InitialRefreshToken)), func(o *Options) {
			o.Transport, o.Attempts = wire{sim}, 6
		}).client
		resellers := map[string]bool{}
		for i := range sim.World().Len() {
			truth := sim.World().Customer(i)
			reseller, err := c.Reseller(t.Context(), truth.TenantID)
			subscriptions, err2 := c.Subscriptions(t.Context(), truth.TenantID)
			switch truth.Kind {
			case simulator.RelationshipEnded, simulator.Vanished:
				require.Contains(t, []Kind{RelationshipEnded, NotFound}, failed(t, err).Kind)
				require.Contains(t, []Kind{RelationshipEnded, NotFound}, failed(t, err2).Kind)
				continue
			case simulator.NotReseller:
				require.Equal(t, RelationshipEnded, failed(t, err2).Kind)
			default:
				require.NoError(t, err2)
				require.Len(t, subscriptions, len(truth.Subscriptions))
			}
			require.NoError(t, err)
			require.Equal(t, truth.ResellerID, reseller)
			resellers[reseller] = true
			for n, s := range subscriptions {
				bought := truth.Subscriptions[n]
				want := standing.Subscription{ID: bought.ID, Product: bought.FriendlyName, Seats: bought.Quantity,
					Status: bought.Status, Term: bought.RenewalTermDuration, AutoRenew: bought.AutoRenewEnabled,
					Trial: bought.IsTrial}
				if end := bought.CommitmentEndDate; !end.IsZero() && end.Year() < 9999 {
					want.Ends = standing.DateOf(end)
				}
				require.Equal(t, want, s)
			}
		}
		require.Len(t, resellers, 7, "a handful, and none")
		names, err := c.ResellerNames(t.Context())
		require.NoError(t, err)
		require.Len(t, names, 12)
		for _, r := range sim.World().Resellers() {
			require.Contains(t, names, standing.ResellerName{ID: r.ID, Name: r.Name})
			require.Contains(t, names, standing.ResellerName{ID: r.MPNID, Name: r.Name})
		}
	})
}
