package simulator

// answerList answers GET /v1/customers (docs/partner-center.md, "Customers").
func (s *Simulator) answerList(q *request) int {
	p, err := s.readPage(q)
	if err != nil {
		return q.invalidInput(err.Error())
	}
	p.fill(q.world.Len(),
		func(i int) bool { return s.listed(q.world, i) },
		func(i int) bool {
			d := newDice(q.world.Seed, aboutRepeating, uint64(i))
			return d.happens(s.opts.RepeatedIDs)
		})
	return s.writeAround(q, p, func(i int) {
		c := q.world.profile(i)
		b := q.body
		b.open("", '{')
		b.text("id", c.TenantID)
		b.nothing("commerceId")
		writeCompany(b, c, false)
		b.nothing("billingProfile")
		b.text("relationshipToPartner", c.Relationship)
		b.nothing("allowDelegatedAccess")
		b.nothing("customDomains")
		b.nothing("associatedPartnerId")
		writeAttributes(b, "Customer")
		b.close('}')
	})
}

// Listed says whether customer i is in the list that is served now: on the World's list, and not
// left out by an accident of the list.
func (s *Simulator) Listed(i int) bool { return s.listed(s.World(), i) }

func (s *Simulator) listed(w World, i int) bool {
	if !w.Listed(i) {
		return false
	}
	if last := s.opts.ListAccidentsUntil; w.night() < s.opts.ListAccidentsFrom || last > 0 && w.night() > last {
		return true
	}
	if s.opts.EmptyList || float64(i) >= s.opts.TruncatedList*float64(w.Len()) {
		return false
	}
	d := newDice(w.Seed, aboutDropping, uint64(i))
	return !d.happens(s.opts.DroppedFromList)
}

// Expect says the standing and the reason that a client should find for customer i on the current
// night: the World's truth and the attestations that took effect (see posted.expect), but
// unreadable for the customers that BrokenCustomers breaks. Faults of single requests and troubles
// with tokens and roles are not looked at: the first heal, the second stop a run.
func (s *Simulator) Expect(i int, trustDirect bool) (standing, reason string) {
	kind := s.World().kind(i)
	switch kind {
	case NotReseller, RelationshipEnded, Vanished:
		return kind.Expect(trustDirect)
	}
	if s.broken(i) {
		return "unknown", "unreadable"
	}
	standing, reason = kind.Expect(trustDirect)
	return s.posted.expect(i, standing, reason, trustDirect)
}
