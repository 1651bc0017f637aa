package simulator

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Effect is one attestation that took effect: an agreement that was created, with the words and the
// date as they were sent, untouched.
type Effect struct {
	// Number counts from 1, in the order in which they took effect.
	Number int `json:"number"`
	// Night is the night on which it was posted, At the time by the simulator's clock, in UTC: it
	// showed AsOf when New was called and goes on from there.
	Night int       `json:"night"`
	At    time.Time `json:"at"`
	// Customer is the index of the customer in the World, TenantID its id in lower case.
	Customer int    `json:"customer"`
	TenantID string `json:"tenantId"`
	// RequestID and CorrelationID are the headers of the request that did it. One that was missing
	// was made.
	RequestID     string `json:"requestId"`
	CorrelationID string `json:"correlationId"`

	Contact    Contact `json:"primaryContact"`
	TemplateID string  `json:"templateId"`
	DateAgreed string  `json:"dateAgreed"`
	Type       string  `json:"type"`
	// AttestationID is that of the enhanced route; empty for a classic attestation.
	AttestationID string `json:"attestationId,omitempty"`

	when time.Time // the instant that DateAgreed means
}

// Effects returns every attestation that took effect since New or the last reset, in order. The
// slice is the caller's to read, not to write to; effects that come later are not in it.
func (s *Simulator) Effects() []Effect {
	s.posted.mu.RLock()
	defer s.posted.mu.RUnlock()
	return slices.Clip(s.posted.effects)
}

// posted is what attestations have added to the World, and the request ids under which they came.
// It takes memory only for what was posted.
type posted struct {
	rememberFor time.Duration // 0 never remembers

	mu       sync.RWMutex
	effects  []Effect
	of       map[int][]int // indices of effects, by customer
	accepted map[int]bool  // customers that were made to accept directly
	enhanced []*EnhancedAttestation
	byID     map[string]*EnhancedAttestation
	answers  map[string]memory // by request id in lower case
	ages     []string          // of answers, the oldest first
}

// memory is a definite answer to a request id.
type memory struct {
	request     [32]byte // digest of the request
	status      int
	contentType string
	code        string
	text        string
	until       time.Time
}

func newPosted(w Writes) *posted {
	p := &posted{rememberFor: w.RememberFor}
	if w.NeverRemembers {
		p.rememberFor = 0
	}
	p.forget()
	return p
}

func (p *posted) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.effects, p.of, p.accepted = nil, map[int][]int{}, map[int]bool{}
	p.enhanced, p.byID = nil, map[string]*EnhancedAttestation{}
	p.answers, p.ages = map[string]memory{}, nil
}

// attestation is the attestation of the enhanced route with an id, in whatever letters; nil: there
// is none. The caller holds the lock.
func (p *posted) attestation(id string) *EnhancedAttestation { return p.byID[strings.ToLower(id)] }

// signed says whether a contact was posted for any customer. The caller holds the lock.
func (p *posted) signed(who Contact) bool {
	return slices.ContainsFunc(p.effects, func(e Effect) bool { return e.Contact.same(who) })
}

// recall finds the answer to a request id, and drops those whose time is over. The caller holds the
// lock.
func (p *posted) recall(id string, now time.Time) (memory, bool) {
	for len(p.ages) > 0 && !now.Before(p.answers[p.ages[0]].until) {
		delete(p.answers, p.ages[0])
		p.ages = p.ages[1:]
	}
	m, ok := p.answers[id]
	return m, ok
}

// remember keeps an answer under a request id that recall did not find. The caller holds the lock.
func (p *posted) remember(id string, m memory, now time.Time) {
	if p.rememberFor == 0 {
		return
	}
	m.until = now.Add(p.rememberFor)
	p.answers[id] = m
	p.ages = append(p.ages, id)
}

// add keeps an effect and says how many its customer has now. The caller holds the lock.
func (p *posted) add(e Effect) (Effect, int) {
	e.Number = len(p.effects) + 1
	p.of[e.Customer] = append(p.of[e.Customer], len(p.effects))
	p.effects = append(p.effects, e)
	return e, len(p.of[e.Customer])
}

// has says whether somebody was posted for customer i. The caller holds the lock.
func (p *posted) has(i int, who Contact) bool {
	return slices.ContainsFunc(p.of[i], func(n int) bool { return p.effects[n].Contact.same(who) })
}

// same compares the four fields without regard to case, as the service's database is believed to
// do; a missing phone number is an empty one.
func (c Contact) same(other Contact) bool {
	return strings.EqualFold(c.FirstName, other.FirstName) && strings.EqualFold(c.LastName, other.LastName) &&
		strings.EqualFold(c.Email, other.Email) && strings.EqualFold(c.PhoneNumber, other.PhoneNumber)
}

// expect is what an attestation does to the standing of a customer who can be read (docs/rule.md).
// A date on or after 2023-04-01 makes it clear, attested: the service refuses dates in the future,
// and attested comes before every reason that a reseller's customer with readable agreements can
// have. An older date makes outdated of what is not clear: a readable date that is too old is then
// the newest that counts.
func (p *posted) expect(i int, standing, reason string, trustDirect bool) (string, string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, n := range p.of[i] {
		if !p.effects[n].when.Before(firstDay) {
			return "clear", "attested"
		}
	}
	if p.accepted[i] && standing == "blocked" && trustDirect {
		return "clear", "accepted_directly"
	}
	if len(p.of[i]) > 0 && standing != "clear" {
		return "blocked", "outdated"
	}
	return standing, reason
}

// withPosted is all agreements of customer c, the posted ones anywhere among the others.
func (s *Simulator) withPosted(w World, c Customer) []Agreement {
	s.posted.mu.RLock()
	defer s.posted.mu.RUnlock()
	all := c.Agreements
	for _, n := range s.posted.of[c.Index] {
		d := newDice(w.Seed, aboutWrites, uint64(n)+1<<40)
		all = slices.Insert(all, d.below(len(all)+1), w.agreement(s.posted.effects[n]))
	}
	return all
}

// agreement is an effect as it is read back: the words as they were sent, and the same instant in
// the form in which the customer's dates are written. Only seven digits can say a part of a second.
func (w World) agreement(e Effect) Agreement {
	p := w.agreementWriter(e.Customer)
	if e.when.Nanosecond() != 0 {
		p.form = DatesSevenDigits
	}
	who := e.Contact
	return Agreement{Type: mcaType, TemplateID: mcaTemplate, DateAgreed: p.form.write(e.when, &p.d), When: e.when,
		Contact: &who}
}
