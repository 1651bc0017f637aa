package simulator

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCustomerIsAFunctionOfSeedAndIndex(t *testing.T) {
	small, big := World{Seed: 7, Customers: 10}, World{Seed: 7, Customers: 1_000_000}
	for i := range 10 {
		assert.Equal(t, small.Customer(i), big.Customer(i))
		assert.Equal(t, small.Customer(i), small.Customer(i))
		assert.NotEqual(t, small.Customer(i).TenantID, World{Seed: 8, Customers: 10}.Customer(i).TenantID)
	}
}

func TestTenantIDsAreDistinctGUIDsThatLeadBackToTheCustomer(t *testing.T) {
	w := World{Seed: 3, Customers: 50_000}
	seen := map[string]bool{}
	for i := range w.Customers {
		id := w.tenant(i)
		require.Equal(t, uuid.Version(4), id.Version())
		require.Equal(t, uuid.RFC4122, id.Variant())
		require.False(t, seen[id.String()])
		seen[id.String()] = true
		found, ok := w.Find(strings.ToUpper(id.String()))
		require.True(t, ok)
		require.Equal(t, i, found)
	}
	_, ok := w.Find(uuid.NewString())
	assert.False(t, ok)
	_, ok = w.Find(World{Seed: 4, Customers: 10}.Customer(0).TenantID)
	assert.False(t, ok, "a customer of another world")
}

func TestMixHasTheShareItPromises(t *testing.T) {
	for _, mix := range []Mix{MixRealistic, MixAllKinds, MixBehind} {
		w := World{Seed: 1, Customers: 40_000, Mix: mix}
		counted, standing := map[Kind]int{}, map[string]float64{}
		for i := range w.Customers {
			kind := w.kind(i)
			counted[kind]++
			s, _ := kind.Expect(true)
			standing[s] += 1.0 / float64(w.Customers)
		}
		for _, p := range mix.portions() {
			assert.InDelta(t, float64(p.of)/10_000, float64(counted[p.kind])/float64(w.Customers), 0.01, p.kind)
			assert.Positive(t, counted[p.kind], p.kind)
		}
		if mix == MixRealistic {
			assert.InDelta(t, 0.08, standing["blocked"], 0.02)
			assert.InDelta(t, 0.03, standing["excluded"], 0.005)
			assert.Greater(t, standing["clear"], 0.85)
		}
	}
}

func TestPortionsSumUpAndNameEveryKind(t *testing.T) {
	for _, mix := range []Mix{MixRealistic, MixAllKinds, MixBehind} {
		sum, kinds := 0, []Kind{}
		for _, p := range mix.portions() {
			sum += p.of
			kinds = append(kinds, p.kind)
		}
		assert.Equal(t, 10_000, sum)
		assert.ElementsMatch(t, Kinds(), kinds)
	}
}

// TestFactsFitTheKind reads the facts back in the way of docs/rule.md and compares with what each
// kind says by construction, on several nights.
func TestFactsFitTheKind(t *testing.T) {
	for _, night := range []int{1, 2, 9} {
		w := World{Seed: 5, Customers: 6000, Mix: MixAllKinds, Night: night, AsOf: aNight}
		for i := range w.Len() {
			c := w.Customer(i)
			for _, trust := range []bool{true, false} {
				standing, reason := c.Expect(trust)
				wantStanding, wantReason := readBack(c, trust)
				require.Equal(t, wantStanding+" "+wantReason, standing+" "+reason, "%+v", c)
			}
		}
	}
}

func readBack(c Customer, trust bool) (standing, reason string) {
	var mca, attested, older int
	for _, a := range c.Agreements {
		if a.Type != mcaType {
			continue
		}
		mca++
		day, ok := readDate(a.DateAgreed)
		switch {
		case !ok || day.After(aNight):
		case day.UTC().Format(time.DateOnly) >= "2023-04-01":
			attested++
		default:
			older++
		}
	}
	switch {
	case c.Relationship != "reseller":
		return "excluded", "not_a_reseller_customer"
	case c.Kind == RelationshipEnded:
		return "unknown", "relationship_ended"
	case c.Kind == Vanished:
		return "unknown", "not_found"
	case c.Kind == RoleMissing:
		return "unknown", "unreadable"
	case attested > 0:
		return "clear", "attested"
	case c.IsSigned && trust:
		return "clear", "accepted_directly"
	case mca > 0 && older == 0:
		return "unknown", "unreadable"
	case older > 0:
		return "blocked", "outdated"
	default:
		return "blocked", "never_accepted"
	}
}

func readDate(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999"} {
		if when, err := time.Parse(layout, text); err == nil {
			return when, true
		}
	}
	return time.Time{}, false
}

func TestDatesComeInEveryFormAndMeanTheSameInstant(t *testing.T) {
	w := World{Seed: 5, Customers: 3000, Mix: MixAllKinds}
	forms, crossed := map[string]bool{}, 0
	for i := range w.Customers {
		for _, a := range w.Customer(i).Agreements {
			if a.When.IsZero() {
				continue
			}
			read, ok := readDate(a.DateAgreed)
			require.True(t, ok, a.DateAgreed)
			require.WithinDuration(t, a.When, read, time.Second)
			require.Equal(t, a.When.UTC().Format(time.DateOnly), read.UTC().Format(time.DateOnly))
			tail := strings.TrimLeft(a.DateAgreed[len("2006-01-02T15:04:05"):], "0123456789.")
			forms[map[bool]string{true: ".", false: ""}[strings.Contains(a.DateAgreed, ".")]+tail] = true
			if a.DateAgreed[:10] != a.When.UTC().Format(time.DateOnly) {
				crossed++
			}
		}
	}
	for _, form := range []string{"", "Z", ".", ".Z", "+14:00", "-11:00", "+05:30", "-03:00"} {
		assert.True(t, forms[form], "form %q", form)
	}
	assert.Positive(t, crossed, "some days in writing differ from the day in UTC")

	zulu := World{Seed: 5, Customers: 100, Dates: DatesZulu}
	for i := range zulu.Customers {
		for _, a := range zulu.Customer(i).Agreements {
			if !a.When.IsZero() {
				assert.Len(t, a.DateAgreed, len("2006-01-02T15:04:05Z"))
			}
		}
	}
}

func TestBoundaryDaysReachBothEndsOfTheDay(t *testing.T) {
	w := World{Seed: 5, Customers: 3000, Mix: MixAllKinds}
	seen := map[string]bool{}
	for i := range w.Customers {
		if c := w.Customer(i); c.Kind == AttestedOnTheDay || c.Kind == OutdatedByOneDay {
			for _, a := range c.Agreements {
				if a.Type == mcaType {
					seen[a.When.Format("2006-01-02 15:04")] = true
				}
			}
		}
	}
	for _, instant := range []string{"2023-03-31 00:00", "2023-03-31 23:59", "2023-04-01 00:00", "2023-04-01 23:59"} {
		assert.True(t, seen[instant], instant)
	}
}

func TestNamesAreHostileInAFairShare(t *testing.T) {
	w := World{Seed: 2, Customers: 20_000}
	var all strings.Builder
	foreigners, longest := 0, 0
	for i := range w.Customers {
		name := w.Customer(i).CompanyName
		require.True(t, utf8.ValidString(name))
		require.NotEmpty(t, name)
		if strings.IndexFunc(name, func(r rune) bool { return r > 0x24f }) >= 0 {
			foreigners++
		}
		longest = max(longest, utf8.RuneCountInString(name))
		all.WriteString(name + "\x00|")
	}
	for _, name := range hostile {
		assert.Contains(t, all.String(), "|"+name+"\x00", "%q", name)
	}
	assert.Greater(t, float64(foreigners)/float64(w.Customers), 0.05)
	assert.Greater(t, longest, 32767)
}

func TestEveryOtherRelationshipOccurs(t *testing.T) {
	w := World{Seed: 2, Customers: 2000, Mix: MixAllKinds}
	seen := map[string]bool{}
	for i := range w.Customers {
		c := w.Customer(i)
		assert.Equal(t, c.Kind == NotReseller, c.Relationship != "reseller")
		seen[c.Relationship] = true
	}
	assert.Len(t, seen, 6)
}

func TestNightsChangeASmallShare(t *testing.T) {
	one := World{Seed: 9, Customers: 20_000, Night: 1}
	two := World{Seed: 9, Customers: 20_000, Night: 2}
	assert.Equal(t, 20_020, two.Len())
	left, becameClear, worse := 0, 0, 0
	for i := range one.Len() {
		require.True(t, one.Listed(i))
		before, _ := one.Customer(i).Expect(true)
		after, _ := two.Customer(i).Expect(true)
		switch {
		case !two.Listed(i):
			left++
			assert.Equal(t, "unknown", after)
		case before == "blocked" && after == "clear":
			becameClear++
		case before != after:
			worse++
		}
	}
	assert.InDelta(t, 20, left, 15)
	assert.InDelta(t, 0.03*0.075*20_000, becameClear, 25)
	assert.Zero(t, worse, "nobody becomes blocked overnight")
	for i := one.Len(); i < two.Len(); i++ {
		assert.False(t, one.Listed(i))
		assert.True(t, two.Listed(i))
		_, known := one.Find(two.Customer(i).TenantID)
		assert.False(t, known, "not arrived yet")
	}
	assert.False(t, two.Listed(-1))
}

func TestFreedCustomersKeepWhatTheyHad(t *testing.T) {
	base := World{Seed: 9, Customers: 3000, Mix: MixAllKinds, Night: 1}
	later := base
	later.Night = 20
	seen := map[Kind]int{}
	for i := range base.Len() {
		before, after := base.Customer(i), later.Customer(i)
		if !later.Listed(i) || before.Kind == after.Kind {
			continue
		}
		seen[after.Kind]++
		assert.Subset(t, after.Agreements, before.Agreements)
	}
	for _, kind := range []Kind{Attested, AttestedAmongSeveral, AcceptedDirectly, AcceptedDirectlyOutdated} {
		assert.Positive(t, seen[kind], kind)
	}
}

func TestEmptyWorldHasNobodyOnAnyNight(t *testing.T) {
	w := World{Night: 5}
	assert.Zero(t, w.Len())
	assert.False(t, w.Listed(0))
}

func TestActiveSubscriptionsRenewAfterToday(t *testing.T) {
	w := World{Seed: 4, Customers: 500, AsOf: aNight}
	bought := 0
	for i := range w.Customers {
		for _, s := range w.Customer(i).Subscriptions {
			bought++
			if s.Status == "active" {
				assert.False(t, s.CommitmentEndDate.Before(w.today()))
			}
			assert.Equal(t, s.CommitmentEndDate.IsZero(), s.Written[2] == "")
		}
	}
	assert.Positive(t, bought)
}

func TestAnIndirectProviderHasAHandfulOfResellers(t *testing.T) {
	w := World{Seed: 4, Customers: 700, IndirectProvider: true}
	customers := map[string]int{}
	for i := range w.Customers {
		customers[w.Customer(i).ResellerID]++
		assert.Empty(t, World{Seed: 4, Customers: 700}.Customer(i).ResellerID)
	}
	assert.Len(t, customers, resellers+1)
	assert.Equal(t, 100, customers[""], "who buys from the provider itself")
}
