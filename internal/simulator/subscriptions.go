package simulator

import "time"

// Subscription is one product that a customer has bought (docs/partner-center.md, "Customers").
type Subscription struct {
	ID           string
	FriendlyName string
	// OfferName may be empty: the service leaves it out then.
	OfferName string
	Quantity  int
	// Status is none, active, pending, suspended, expired or deleted.
	Status             string
	AutoRenewEnabled   bool
	IsTrial            bool
	CreationDate       time.Time
	EffectiveStartDate time.Time
	// CommitmentEndDate is the next renewal of an active subscription: the first end of a term
	// after World.AsOf. It is zero for one that has not begun, and in the year 9999 for what is
	// paid by use and never ends.
	CommitmentEndDate time.Time
	// RenewalTermDuration is an ISO 8601 duration: P1M, P1Y or P3Y.
	RenewalTermDuration string
	// Written are the three dates as they are served, creation first: the forms of dateAgreed, one
	// a customer. Empty is not served.
	Written [3]string
}

// byUse is an offer without a term; Microsoft's examples let it end in the year 9999.
const byUse = "Azure plan"

var endless = date(9999, time.December, 14)

type term struct {
	name   string
	months int
}

var (
	offers = []string{
		"Microsoft 365 Business Premium", "Microsoft 365 E3", "Microsoft 365 E5", "Exchange Online (Plan 1)",
		"Power BI Pro", byUse, "Dynamics 365 Sales Enterprise", "Microsoft Defender for Business",
	}
	terms    = []term{{"P1M", 1}, {"P1Y", 12}, {"P1Y", 12}, {"P3Y", 36}}
	statuses = []string{"active", "active", "active", "active", "active", "active", "suspended", "expired", "pending",
		"deleted", "none"}
)

// subscriptions makes none to four subscriptions of customer i.
func (w World) subscriptions(i int) []Subscription {
	d := newDice(w.Seed, aboutSubscriptions, uint64(i))
	all := make([]Subscription, d.below(5))
	for n := range all {
		all[n] = w.subscription(&d)
	}
	p := w.agreementWriter(i)
	for n := range all {
		all[n].write(&p)
	}
	return all
}

func (s *Subscription) write(p *agreementWriter) {
	for n, when := range []time.Time{s.CreationDate, s.EffectiveStartDate, s.CommitmentEndDate} {
		if !when.IsZero() {
			s.Written[n] = p.form.write(when, &p.d)
		}
	}
}

func (w World) subscription(d *dice) Subscription {
	s := Subscription{
		ID: d.guid().String(), FriendlyName: pick(d, offers), Quantity: 1 + d.below(250), Status: pick(d, statuses),
		AutoRenewEnabled: d.happens(0.8), IsTrial: d.happens(0.05),
		EffectiveStartDate: date(2023, time.January, 1).AddDate(0, 0, d.below(900)),
	}
	if d.happens(0.7) {
		s.OfferName = s.FriendlyName
	}
	length := pick(d, terms)
	s.RenewalTermDuration = length.name
	s.CreationDate = s.EffectiveStartDate.Add(-time.Duration(d.below(72)) * time.Hour)
	s.CommitmentEndDate = s.EffectiveStartDate.AddDate(0, length.months, 0)
	for n := 2; s.Status == "active" && s.CommitmentEndDate.Before(w.today()); n++ {
		s.CommitmentEndDate = s.EffectiveStartDate.AddDate(0, n*length.months, 0)
	}
	switch {
	case s.FriendlyName == byUse:
		s.CommitmentEndDate, s.RenewalTermDuration = endless, ""
	case s.Status == "pending" || s.Status == "none":
		s.CommitmentEndDate = time.Time{}
	}
	return s
}
