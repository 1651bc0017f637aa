package simulator

import "time"

// World is everything that is true on one night, as a pure function of its fields: customers are
// made from the seed and their index when somebody asks, so a million of them take no memory. The
// zero World has no customers.
type World struct {
	// Seed chooses the world. Two worlds with one seed have the same customers, whatever the night.
	Seed uint64
	// Customers is the number of customers on night 1, from 0 to 2^30. Later nights add some.
	Customers int
	// Night counts from 1; 0 means 1. From night to night a few customers arrive, leave, or become
	// clear.
	Night int
	// Mix is how common each kind is; zero is MixRealistic.
	Mix Mix
	// Dates is how dates are written; zero mixes the forms by customer.
	Dates DateForm
	// AsOf is the day that dates in the future are counted from, and the day of this night in the
	// activity log. The zero time means 2026-11-22, so that a World alone never depends on a clock.
	AsOf time.Time
	// IndirectProvider gives most customers an indirect reseller.
	IndirectProvider bool
	// Home is the country of most customers, such as BR, whose names are those of ordinary
	// companies. Empty: customers of ten countries, many of whose names are hard to write.
	Home string
}

// Customer is the truth about one customer on one night. docs/rule.md says what follows from it.
type Customer struct {
	// Index is the customer's number, from 0 to World.Len()-1. It never changes.
	Index int
	// TenantID is a GUID in lower case.
	TenantID    string
	CompanyName string
	Domain      string
	// Country is ISO 3166-1 alpha-2, Culture a language tag such as pt-BR.
	Country string
	Culture string
	// Relationship is relationshipToPartner as the list says it.
	Relationship string
	// Kind is the case this customer was made to be on this night.
	Kind Kind
	// Billing is the person of the billing profile.
	Billing Contact
	// Agreements are all agreements, MCA and Cloud, in the order in which they are served.
	Agreements []Agreement
	// IsSigned is the direct acceptance with Microsoft.
	IsSigned      bool
	Subscriptions []Subscription
	// ResellerID is associatedPartnerId, the indirect reseller; empty when there is none.
	ResellerID string
}

// Expect is Kind.Expect.
func (c Customer) Expect(trustDirect bool) (standing, reason string) {
	return c.Kind.Expect(trustDirect)
}

// Len is one more than the greatest index that exists on this night. Customers who left keep their
// index.
func (w World) Len() int {
	return w.Customers + (w.night()-1)*w.arrivals()
}

// Listed says whether customer i is in a reseller's list on this night: it has arrived and has not
// left. A customer that left answers 403/20002 or 404 when it is read.
func (w World) Listed(i int) bool {
	return i >= 0 && i < w.Len() && w.night() < w.leaves(i)
}

// Customer makes customer i, from 0 to Len()-1.
func (w World) Customer(i int) Customer {
	c := w.profile(i)
	c.Agreements = w.agreements(i)
	c.IsSigned = c.Kind == AcceptedDirectly || c.Kind == AcceptedDirectlyOutdated
	c.Subscriptions = w.subscriptions(i)
	c.ResellerID = w.reseller(i)
	return c
}

// profile makes the part of a customer that the list and the detail show.
func (w World) profile(i int) Customer {
	c := Customer{Index: i, TenantID: w.tenant(i).String(), Kind: w.kind(i), Relationship: "reseller"}
	if c.Kind == NotReseller {
		d := newDice(w.Seed, aboutAnswers, uint64(i))
		c.Relationship = pick(&d, otherRelationships)
	}
	w.name(i, &c)
	return c
}

// otherRelationships are the words of relationshipToPartner but reseller (docs/partner-center.md,
// "Customers").
var otherRelationships = []string{"none", "advisor", "syndication", "microsoft_support", "unknown"}

// kindOnArrival is the kind with which customer i arrived.
func (w World) kindOnArrival(i int) Kind {
	d := newDice(w.Seed, aboutKind, uint64(i))
	n := d.below(10000)
	for _, p := range w.Mix.portions() {
		if n -= p.of; n < 0 {
			return p.kind
		}
	}
	return Attested
}

// kind is the kind of customer i on this night.
func (w World) kind(i int) Kind {
	first := w.kindOnArrival(i)
	switch {
	case w.night() >= w.leaves(i):
		return w.kindAfterLeaving(i)
	case !w.becameClear(i, first):
		return first
	case w.attestedLater(i) && first.dated():
		return AttestedAmongSeveral
	case w.attestedLater(i):
		return Attested
	case first.dated():
		return AcceptedDirectlyOutdated
	default:
		return AcceptedDirectly
	}
}

// arrives is the night on which customer i is first listed.
func (w World) arrives(i int) int {
	if i < w.Customers {
		return 1
	}
	return 2 + (i-w.Customers)/w.arrivals()
}

// arrivals is how many customers are new on each night: at least one, if there are customers at
// all.
func (w World) arrivals() int {
	if w.Customers == 0 {
		return 0
	}
	return max(1, int(float64(w.Customers)*w.Mix.nightly().arrive))
}

// leaves is the night on which customer i is no longer listed.
func (w World) leaves(i int) int {
	d := newDice(w.Seed, aboutLeaving, uint64(i))
	return w.arrives(i) + d.nights(w.Mix.nightly().leave)
}

// kindAfterLeaving is how a customer that left answers.
func (w World) kindAfterLeaving(i int) Kind {
	d := newDice(w.Seed, aboutLeaving, uint64(i)+1<<40)
	if d.next()>>63 == 0 {
		return RelationshipEnded
	}
	return Vanished
}

// becameClear says whether a customer that arrived blocked has become clear by this night.
func (w World) becameClear(i int, first Kind) bool {
	return first.blocked() && w.night() >= w.changes(i)
}

// changes is the night on which a customer that arrived blocked becomes clear.
func (w World) changes(i int) int {
	d := newDice(w.Seed, aboutChanging, uint64(i))
	return w.arrives(i) + d.nights(w.Mix.nightly().becameClear)
}

// attestedLater says in which way a blocked customer becomes clear: half by the partner's
// attestation, half directly.
func (w World) attestedLater(i int) bool {
	d := newDice(w.Seed, aboutChanging, uint64(i)+1<<40)
	return d.next()&1 == 0
}

func (w World) night() int { return max(1, w.Night) }

// today is the day of AsOf at midnight UTC.
func (w World) today() time.Time {
	asOf := w.AsOf
	if asOf.IsZero() {
		asOf = time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC)
	}
	return asOf.UTC().Truncate(24 * time.Hour)
}
