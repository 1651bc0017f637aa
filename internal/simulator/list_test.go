package simulator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPagingVisitsEveryListedCustomer(t *testing.T) {
	for name, opts := range map[string]Options{
		"without version":   {},
		"with version":      {NextLink: NextWithVersion},
		"absolute":          {NextLink: NextAbsolute},
		"pascal case":       {Names: PascalCase},
		"with repeats":      {RepeatedIDs: 0.3},
		"all repeated":      {RepeatedIDs: 1},
		"a cap on the page": {PageSizeCap: 7},
		"pages of one":      {PageSizeCap: 1, RepeatedIDs: 1},
		"a later night":     {Night: 12, Mix: MixAllKinds},
		"dropped":           {DroppedFromList: 0.2},
		"truncated":         {TruncatedList: 0.4},
		"nobody":            {EmptyList: true},
		"a full last page":  {PageSizeCap: 10},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Seed, opts.Customers = 11, 230
			ask := signedIn(t, opts)
			seen := map[string]int{}
			pages := ask.pages("/v1/customers?size=20")
			items := 0
			for n, page := range pages {
				assert.Equal(t, len(page.Items), page.TotalCount, "totalCount counts the page")
				assert.LessOrEqual(t, len(page.Items), 20)
				if n < len(pages)-1 {
					assert.NotEmpty(t, page.Items)
				}
				for _, item := range page.Items {
					seen[item.ID]++
					items++
				}
			}
			listed := 0
			for i := range ask.sim.World().Len() {
				id := ask.sim.World().Customer(i).TenantID
				assert.Equal(t, ask.sim.Listed(i), seen[id] > 0, "customer %d", i)
				if ask.sim.Listed(i) {
					listed++
				}
			}
			assert.Len(t, seen, listed)
			if opts.RepeatedIDs == 0 || opts.PageSizeCap == 1 {
				assert.Equal(t, listed, items)
			} else {
				assert.Greater(t, items, listed)
			}
		})
	}
}

func TestNextPageNeedsTheQueryUntouchedAndAllHeaders(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 50})
	next := ask.get("/v1/customers?size=10").listing(t).Links.Next
	require.Len(t, next.Headers, 2)
	assert.Equal(t, "/customers?size=10&seekOperation=Next", next.URI)
	one, two := next.Headers[0], next.Headers[1]
	good := "/v1" + next.URI

	assert.Equal(t, 200, ask.get(good, one.Key, one.Value, two.Key, two.Value).status)
	for name, got := range map[string]answer{
		"no header":       ask.get(good),
		"one header":      ask.get(good, one.Key, one.Value),
		"other header":    ask.get(good, two.Key, two.Value),
		"wrong header":    ask.get(good, one.Key, one.Value, two.Key, "x"),
		"sorted query":    ask.get("/v1/customers?seekOperation=Next&size=10", one.Key, one.Value, two.Key, two.Value),
		"no query":        ask.get("/v1/customers", one.Key, one.Value, two.Key, two.Value),
		"another size":    ask.get("/v1/customers?size=20&seekOperation=Next", one.Key, one.Value, two.Key, two.Value),
		"size too great":  ask.get("/v1/customers?size=501"),
		"size not a size": ask.get("/v1/customers?size=many"),
	} {
		assert.Equal(t, 400, got.status, name)
		assert.Equal(t, "3000", got.code(t), name)
	}
}

func TestSizeDefaultsTo500(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 501})
	page := ask.get("/v1/customers").listing(t)
	assert.Len(t, page.Items, 500)
	assert.Equal(t, "/customers?size=500&seekOperation=Next", page.Links.Next.URI)
	last := ask.next(page).listing(t)
	assert.Len(t, last.Items, 1)
	assert.Nil(t, last.Links.Next)
}

func TestListTellsHostileNamesExactly(t *testing.T) {
	ask := signedIn(t, Options{Seed: 2, Customers: 3000})
	names := map[string]string{}
	for _, page := range ask.pages("/v1/customers") {
		for _, item := range page.Items {
			names[item.ID] = item.CompanyProfile.CompanyName
		}
	}
	for i := range 3000 {
		c := ask.sim.World().Customer(i)
		require.Equal(t, c.CompanyName, names[c.TenantID])
	}
}

func TestAccidentsOfTheListHappenOnTheirNights(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 100, EmptyList: true, ListAccidentsFrom: 2, ListAccidentsUntil: 3})
	assert.Len(t, ask.get("/v1/customers").listing(t).Items, 100)
	require.NoError(t, ask.sim.SetNight(2))
	got := ask.get("/v1/customers")
	assert.Empty(t, got.listing(t).Items)
	assert.Contains(t, got.body, `"items":[]`)
	require.NoError(t, ask.sim.SetNight(4))
	assert.NotEmpty(t, ask.get("/v1/customers").listing(t).Items)
}

func TestDroppedCustomersCanStillBeRead(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 300, DroppedFromList: 0.2})
	dropped := 0
	for i := range 300 {
		if ask.sim.Listed(i) || !ask.sim.World().Listed(i) || ask.sim.World().Customer(i).Kind != Attested {
			continue
		}
		dropped++
		assert.Equal(t, 200, ask.about(i, "").status)
	}
	assert.InDelta(t, 30, dropped, 20)
}

func TestNightCanMoveWhilePaging(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 200, Mix: MixAllKinds})
	page := ask.get("/v1/customers?size=50").listing(t)
	require.NoError(t, ask.sim.SetNight(5))
	for page.Links.Next != nil {
		page = ask.next(page).listing(t)
	}
	last := page.Items[len(page.Items)-1].ID
	found, ok := ask.sim.World().Find(last)
	assert.True(t, ok)
	assert.GreaterOrEqual(t, found, 200, "new customers come at the end")
}

func TestAbsoluteNextLinkNamesTheHost(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 20, NextLink: NextAbsolute})
	uri := ask.get("/v1/customers?size=10").listing(t).Links.Next.URI
	assert.True(t, strings.HasPrefix(uri, "http://example.com/v1/customers?"), uri)
}
