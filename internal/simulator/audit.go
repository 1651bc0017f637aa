package simulator

import "time"

// auditKept is how many days of the activity log are kept, auditShown how many are shown without a
// startDate.
const (
	auditKept  = 90
	auditShown = 30
)

// The things that can be on record about a customer. A direct acceptance leaves no record.
const (
	eventArrived = iota
	eventAttested
	eventLeft
	eventsPerCustomer
)

// answerAudit answers GET /v1/auditrecords: what the World says has happened, and then what was
// posted. What changed on the current night is dated on the day of AsOf, what changed n nights
// before it n days earlier.
func (s *Simulator) answerAudit(q *request) int {
	p, err := s.readPage(q)
	if err != nil {
		return q.invalidInput(err.Error())
	}
	w := q.world
	query := q.r.URL.Query()
	from, fromOK := readDay(query.Get("startDate"), w.today().AddDate(0, 0, -auditShown))
	to, toOK := readDay(query.Get("endDate"), w.today())
	if !fromOK || !toOK {
		return q.invalidInput("startDate and endDate are days such as 2026-11-22.")
	}
	if from.Before(w.today().AddDate(0, 0, -auditKept)) {
		return q.invalidInput("startDate is more than 90 days ago.")
	}
	effects, worldly := s.Effects(), w.Len()*eventsPerCustomer
	event := func(n int) (i, night int, happened bool) {
		if n < worldly {
			night, happened = w.event(n)
			return n / eventsPerCustomer, night, happened
		}
		e := effects[n-worldly]
		return e.Customer, e.Night, e.Night <= w.night()
	}
	p.fill(worldly+len(effects), func(n int) bool {
		_, night, happened := event(n)
		day := w.today().AddDate(0, 0, night-w.night())
		return happened && !day.Before(from) && !day.After(to)
	}, func(int) bool { return false })
	return s.writeAround(q, p, func(n int) {
		i, night, _ := event(n)
		s.writeRecord(q, n, i, night)
	})
}

func readDay(text string, otherwise time.Time) (time.Time, bool) {
	if text == "" {
		return otherwise, true
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if day, err := time.Parse(layout, text); err == nil {
			return day.UTC().Truncate(24 * time.Hour), true
		}
	}
	return time.Time{}, false
}

// event says on which night event number n happened, if it has happened. Night 1 is where the log
// begins.
func (w World) event(n int) (night int, happened bool) {
	i := n / eventsPerCustomer
	switch n % eventsPerCustomer {
	case eventArrived:
		night = w.arrives(i)
		return night, night > 1
	case eventAttested:
		night = w.changes(i)
		return night, w.kindOnArrival(i).blocked() && w.attestedLater(i) && night <= w.night() && night < w.leaves(i)
	default:
		night = w.leaves(i)
		return night, night <= w.night()
	}
}

// writeRecord writes event number n, of customer i.
func (s *Simulator) writeRecord(q *request, n, i, night int) {
	w := q.world
	c := w.profile(i)
	d := newDice(w.Seed, aboutIDs, uint64(n)+1<<40)
	posted := n - w.Len()*eventsPerCustomer
	if posted >= 0 {
		d = newDice(w.Seed, aboutWrites, uint64(posted)+1<<42) // the World grows from night to night, an id stays
	}
	partner := newDice(w.Seed, aboutPartner, 0)
	resource, operation := "customer", "add_customer"
	switch {
	case posted >= 0 || n%eventsPerCustomer == eventAttested:
		resource, operation = "agreement", "create_agreement"
	case n%eventsPerCustomer == eventLeft:
		resource, operation = "customer", "remove_partner_customer_relationship"
	}
	b := q.body
	b.open("", '{')
	b.text("id", d.guid().String())
	b.text("partnerId", partner.guid().String())
	b.text("customerId", c.TenantID)
	if n%2 == 0 {
		b.text("customerName", c.CompanyName)
	} else {
		b.nothing("customerName")
	}
	b.text("userPrincipalName", "admin@partner.example")
	b.text("resourceType", resource)
	b.text("operationType", operation)
	at := w.today().AddDate(0, 0, night-w.night()).Add(time.Duration(d.below(24*60*60)) * time.Second)
	b.text("operationDate", at.Format("2006-01-02T15:04:05.0000000Z"))
	b.text("operationStatus", "succeeded")
	b.open("customizedData", '[')
	b.open("", '{')
	b.text("key", "CustomerTenantId")
	b.text("value", c.TenantID)
	b.close('}')
	b.close(']')
	writeAttributes(b, "AuditRecord")
	b.close('}')
}
