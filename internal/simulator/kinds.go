package simulator

// Kind is the case that a customer was made to be. It is decided first, and the customer's facts
// are made to fit, so it can serve as an oracle: nothing is decided from dates or answers.
// Attestations that are posted do not change a customer's kind; Simulator.Expect knows about them.
type Kind string

const (
	// Attested: one MCA agreement dated well after 2023-04-01.
	Attested Kind = "attested"
	// AttestedOnTheDay: one MCA agreement of 2023-04-01 in UTC; written with an offset it may show
	// another day.
	AttestedOnTheDay Kind = "attested on the day"
	// AttestedAmongSeveral: several MCA agreements in any order; one is recent enough, the others
	// are not.
	AttestedAmongSeveral Kind = "attested among several"
	// AttestedNoContact: a recent MCA agreement without a primary contact.
	AttestedNoContact Kind = "attested, no contact"
	// AcceptedDirectly: accepted with Microsoft, no MCA agreement on record.
	AcceptedDirectly Kind = "accepted directly"
	// AcceptedDirectlyOutdated: accepted with Microsoft; the partner's own attestation is too old.
	AcceptedDirectlyOutdated Kind = "accepted directly, attestation outdated"
	// Outdated: one to three MCA agreements, all well before 2023-04-01.
	Outdated Kind = "outdated"
	// OutdatedByOneDay: one MCA agreement of 2023-03-31 in UTC; written with an offset it may show
	// another day.
	OutdatedByOneDay Kind = "outdated by one day"
	// CloudOnly: only agreements of the old Cloud type, some recent. They never count.
	CloudOnly Kind = "cloud agreements only"
	// NeverAccepted: no agreement, answered with an empty list.
	NeverAccepted Kind = "never accepted"
	// NeverAcceptedError: no agreement, answered with error 600009.
	NeverAcceptedError Kind = "never accepted, error 600009"
	// FutureDateOnly: the only MCA agreement is dated years ahead.
	FutureDateOnly Kind = "future date only"
	// UnreadableDateOnly: the only MCA agreement has a date that nobody can read.
	UnreadableDateOnly Kind = "unreadable date only"
	// NotReseller: listed with each of the relationships that are not reseller. Other reads answer
	// 403/20002.
	NotReseller Kind = "not a reseller customer"
	// RelationshipEnded: every read answers 403/20002, although the list still says reseller.
	RelationshipEnded Kind = "relationship ended"
	// Vanished: every read answers 404 with 60003 or 1000, although the list still has it.
	Vanished Kind = "vanished"
	// RoleMissing: agreements and direct acceptance answer 403, with 900308 or with no body; the
	// rest can be read.
	RoleMissing Kind = "role missing"
)

// Kinds lists every kind in a fixed order.
func Kinds() []Kind {
	return []Kind{
		Attested, AttestedOnTheDay, AttestedAmongSeveral, AttestedNoContact, AcceptedDirectly, AcceptedDirectlyOutdated,
		Outdated, OutdatedByOneDay, CloudOnly, NeverAccepted, NeverAcceptedError, FutureDateOnly, UnreadableDateOnly,
		NotReseller, RelationshipEnded, Vanished, RoleMissing,
	}
}

// Expect says the standing and the reason of a customer of this kind under accepted_since
// 2023-04-01, in the words of docs/rule.md. trustDirect is the policy trust_direct_acceptance.
func (k Kind) Expect(trustDirect bool) (standing, reason string) {
	switch k {
	case Attested, AttestedOnTheDay, AttestedAmongSeveral, AttestedNoContact:
		return "clear", "attested"
	case AcceptedDirectly:
		if !trustDirect {
			return "blocked", "never_accepted"
		}
		return "clear", "accepted_directly"
	case AcceptedDirectlyOutdated:
		if !trustDirect {
			return "blocked", "outdated"
		}
		return "clear", "accepted_directly"
	case Outdated, OutdatedByOneDay:
		return "blocked", "outdated"
	case CloudOnly, NeverAccepted, NeverAcceptedError:
		return "blocked", "never_accepted"
	case NotReseller:
		return "excluded", "not_a_reseller_customer"
	case RelationshipEnded:
		return "unknown", "relationship_ended"
	case Vanished:
		return "unknown", "not_found"
	default:
		return "unknown", "unreadable"
	}
}

// blocked is true for the kinds that a change of night may set free.
func (k Kind) blocked() bool {
	standing, _ := k.Expect(true)
	return standing == "blocked"
}

// dated is true for the kinds that have an MCA agreement of an earlier time.
func (k Kind) dated() bool { return k == Outdated || k == OutdatedByOneDay }

// Mix names the proportions of the kinds and how much changes from night to night.
type Mix string

const (
	// MixRealistic, the default: mostly attested or accepted directly, about 7.5 % blocked, 3 %
	// excluded and about 1 % unknown. A night brings and takes 0.1 % of the customers and sets 3 %
	// of the blocked free.
	MixRealistic Mix = ""
	// MixAllKinds: every kind has the same share. A night brings and takes 2 % and sets 10 % of the
	// blocked free.
	MixAllKinds Mix = "all kinds"
	// MixBehind is a partner who has not attested for a long time: about 17 % are blocked. A night
	// brings and takes 0.1 % of the customers and sets 0.5 % of the blocked free.
	MixBehind Mix = "behind"
)

// portion is one kind's share in ten thousand.
type portion struct {
	kind Kind
	of   int
}

func (m Mix) portions() []portion {
	switch m {
	case MixAllKinds:
		return allKinds
	case MixBehind:
		return behind
	}
	return realistic
}

// nightly are the shares that change every night.
type nightly struct{ leave, arrive, becameClear float64 }

func (m Mix) nightly() nightly {
	switch m {
	case MixAllKinds:
		return nightly{leave: 0.02, arrive: 0.02, becameClear: 0.10}
	case MixBehind:
		return nightly{leave: 0.001, arrive: 0.001, becameClear: 0.005}
	}
	return nightly{leave: 0.001, arrive: 0.001, becameClear: 0.03}
}

// realistic sums up to 10,000. Its order is by size, which finds most customers' kind at once.
var realistic = []portion{
	{Attested, 4950}, {AcceptedDirectly, 3240}, {AttestedAmongSeveral, 400}, {NotReseller, 300},
	{NeverAccepted, 280}, {Outdated, 250}, {AcceptedDirectlyOutdated, 200}, {NeverAcceptedError, 110}, {CloudOnly, 90},
	{AttestedNoContact, 50}, {RelationshipEnded, 40}, {RoleMissing, 20}, {Vanished, 20},
	{AttestedOnTheDay, 15}, {OutdatedByOneDay, 15}, {FutureDateOnly, 10}, {UnreadableDateOnly, 10},
}

// behind sums up to 10,000.
var behind = []portion{
	{Attested, 4600}, {AcceptedDirectly, 2500}, {NeverAccepted, 700}, {Outdated, 560}, {AttestedAmongSeveral, 400},
	{NotReseller, 250}, {NeverAcceptedError, 200}, {AcceptedDirectlyOutdated, 200}, {CloudOnly, 200},
	{AttestedNoContact, 90}, {RelationshipEnded, 70}, {RoleMissing, 60}, {OutdatedByOneDay, 40}, {Vanished, 40},
	{FutureDateOnly, 30}, {UnreadableDateOnly, 30}, {AttestedOnTheDay, 30},
}

var allKinds = equalPortions()

func equalPortions() []portion {
	var all []portion
	kinds := Kinds()
	for n, kind := range kinds {
		all = append(all, portion{kind, (n+1)*10000/len(kinds) - n*10000/len(kinds)})
	}
	return all
}
