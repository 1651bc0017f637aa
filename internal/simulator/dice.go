package simulator

import "math"

// dice is a small deterministic generator: the same throw always rolls the same numbers, so a
// customer can be made again from its index whenever somebody asks for it.
type dice uint64

// topic keeps the draws about different things apart: that a customer's name changes the number of
// draws must not change its agreements.
type topic uint64

const (
	aboutTenant topic = iota + 1
	aboutKind
	aboutNames
	aboutContact
	aboutAgreements
	aboutAnswers
	aboutSubscriptions
	aboutLeaving
	aboutChanging
	aboutDropping
	aboutRepeating
	aboutBreaking
	aboutFaults
	aboutCase
	aboutPartner
	aboutIDs
	aboutJitter
	aboutWrites
	aboutSigning
)

// mix is the finaliser of splitmix64: a bijection whose output looks random.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// newDice makes the dice for one thing about customer (or request) number n of a seed.
func newDice(seed uint64, about topic, n uint64) dice {
	return dice(mix(mix(seed+0x9e3779b97f4a7c15*uint64(about)) + n*0xd1342543de82ef95))
}

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	return mix(uint64(*d))
}

// below rolls a number from 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) }

// share rolls a number from 0 up to, not including, 1.
func (d *dice) share() float64 { return float64(d.next()>>11) / (1 << 53) }

// happens is true in the given share of throws.
func (d *dice) happens(share float64) bool { return d.share() < share }

// nights rolls how many nights pass until something happens that happens every night with the given
// share: 1 is the very next night.
func (d *dice) nights(share float64) int {
	if share <= 0 {
		return math.MaxInt32
	}
	n := math.Log(1-d.share()) / math.Log(1-share)
	return 1 + int(math.Min(n, math.MaxInt32-1))
}

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }

// digest folds a text into a number, for draws about a path or an id (FNV-1a).
func digest(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}
