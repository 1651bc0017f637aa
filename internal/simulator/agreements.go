package simulator

import "time"

// Agreement types and template ids, which have not changed since 2019 (docs/partner-center.md,
// "Agreements").
const (
	mcaType       = "MicrosoftCustomerAgreement"
	cloudType     = "MicrosoftCloudAgreement"
	mcaTemplate   = "117a77b0-9360-443b-8795-c6dedc750cf9"
	cloudTemplate = "998b88de-aa99-4388-a42c-1b3517d49490"
)

// Agreement is one record of an acceptance that the partner confirmed.
type Agreement struct {
	// Type is MicrosoftCustomerAgreement or MicrosoftCloudAgreement.
	Type       string
	TemplateID string
	// DateAgreed is the date as the service writes it; the empty string is served as null.
	DateAgreed string
	// When is the instant meant by DateAgreed. It is zero when DateAgreed cannot be read.
	When time.Time
	// Contact is who agreed; nil when it is missing.
	Contact *Contact
}

// Contact is a person as agreements and billing profiles name one. PhoneNumber may be empty.
type Contact struct {
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName"`
	Email       string `json:"email"`
	PhoneNumber string `json:"phoneNumber,omitempty"`
}

// DateForm is how the service writes dateAgreed.
type DateForm string

const (
	// DatesMixed, the default, takes one of the other forms for each customer.
	DatesMixed DateForm = ""
	// DatesNoZone is 2019-08-26T00:00:00; UTC is meant.
	DatesNoZone DateForm = "no zone"
	// DatesZulu is 2019-08-26T00:00:00Z.
	DatesZulu DateForm = "Z"
	// DatesSevenDigits is 2019-08-26T00:00:00.0000000, with Z or without a zone.
	DatesSevenDigits DateForm = "7 digits"
	// DatesOffset is 2019-08-26T05:30:00+05:30: the day in writing may differ from the day in UTC.
	DatesOffset DateForm = "offset"
)

// The eras that dates are drawn from. All are long over, so that no date of a recent agreement is
// ever in the future.
var (
	firstDay   = date(2023, time.April, 1) // accepted_since
	cloudEra   = era{date(2017, time.January, 1), date(2019, time.March, 1)}
	oldEra     = era{date(2019, time.April, 1), date(2023, time.March, 31)}
	recentEra  = era{date(2023, time.April, 2), date(2025, time.July, 1)}
	laterEra   = era{date(2025, time.July, 1), date(2025, time.December, 31)} // of those that become clear later
	farAway    = time.Date(2999, time.December, 31, 0, 0, 0, 0, time.UTC)
	unreadable = []string{
		"", "not a date", "31/02/2023", "2023-13-45T00:00:00", "2024-02-30T00:00:00Z", "2023-04-01T25:61:00Z", "n/a",
		"-", "   ",
	}
)

// era is a span of time; to is not part of it.
type era struct{ from, to time.Time }

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// pick takes an instant of the era: half the time midnight, which is what people type, else any
// second.
func (e era) pick(d *dice) time.Time {
	days := int(e.to.Sub(e.from).Hours() / 24)
	day := e.from.AddDate(0, 0, d.below(days))
	if d.happens(0.5) {
		return day
	}
	return day.Add(time.Duration(d.below(24*60*60)) * time.Second)
}

// agreements makes all agreements of customer i on this night, in the order in which they are
// served.
func (w World) agreements(i int) []Agreement {
	first := w.kindOnArrival(i)
	p := w.agreementWriter(i)
	p.culture = w.region(i)
	p.writeFirst(first, w.today())
	if w.becameClear(i, first) && w.attestedLater(i) {
		p.d = newDice(w.Seed, aboutAgreements, uint64(i)+1<<40)
		p.mca(laterEra.pick(&p.d))
	}
	p.shuffle()
	return p.written
}

// agreementWriter writes the agreements of one customer.
type agreementWriter struct {
	d       dice
	form    DateForm
	culture region
	written []Agreement
}

// agreementWriter begins the agreements of customer i, whose dates have one form.
func (w World) agreementWriter(i int) agreementWriter {
	p := agreementWriter{d: newDice(w.Seed, aboutAgreements, uint64(i)), form: w.Dates}
	if p.form == DatesMixed {
		p.form = pick(&p.d, []DateForm{DatesNoZone, DatesZulu, DatesSevenDigits, DatesOffset})
	}
	return p
}

// writeFirst writes what a customer of this kind had when it arrived.
func (p *agreementWriter) writeFirst(kind Kind, today time.Time) {
	switch kind {
	case Attested:
		p.mca(recentEra.pick(&p.d))
	case AttestedOnTheDay:
		p.mca(firstDay.Add(pick(&p.d, instants)))
	case AttestedAmongSeveral:
		p.mca(recentEra.pick(&p.d))
		p.outdated()
	case AttestedNoContact:
		p.mca(recentEra.pick(&p.d))
		p.written[0].Contact = nil
	case Outdated, AcceptedDirectlyOutdated:
		p.outdated()
	case OutdatedByOneDay:
		p.mca(firstDay.AddDate(0, 0, -1).Add(pick(&p.d, instants)))
	case FutureDateOnly:
		p.mca(pick(&p.d, []time.Time{farAway, today.AddDate(2, 0, 0)}))
	case UnreadableDateOnly:
		p.mca(time.Time{})
		p.written[0].DateAgreed = pick(&p.d, unreadable)
	case CloudOnly:
		p.cloud(recentEra.pick(&p.d))
		p.cloud(cloudEra.pick(&p.d))
		return
	}
	if p.d.happens(0.3) {
		p.cloud(cloudEra.pick(&p.d))
	}
}

// instants of a day: its first, its middle, and its last that seven digits can write.
var instants = []time.Duration{0, 12 * time.Hour, 24*time.Hour - 100*time.Nanosecond}

func (p *agreementWriter) outdated() {
	for range 1 + p.d.below(3) {
		p.mca(oldEra.pick(&p.d))
	}
}

func (p *agreementWriter) mca(when time.Time)   { p.agreement(mcaType, mcaTemplate, when) }
func (p *agreementWriter) cloud(when time.Time) { p.agreement(cloudType, cloudTemplate, when) }

func (p *agreementWriter) agreement(kind, template string, when time.Time) {
	who := p.culture.person(&p.d)
	p.written = append(p.written, Agreement{
		Type: kind, TemplateID: template, DateAgreed: p.form.write(when, &p.d), When: when, Contact: &who,
	})
}

func (p *agreementWriter) shuffle() {
	for n := len(p.written) - 1; n > 0; n-- {
		m := p.d.below(n + 1)
		p.written[n], p.written[m] = p.written[m], p.written[n]
	}
}

// write writes an instant; what the form cannot say (fractions of a second) is cut off.
func (f DateForm) write(when time.Time, d *dice) string {
	switch f {
	case DatesNoZone:
		return when.UTC().Format("2006-01-02T15:04:05")
	case DatesSevenDigits:
		return when.UTC().Format(pick(d, []string{"2006-01-02T15:04:05.0000000", "2006-01-02T15:04:05.0000000Z"}))
	case DatesOffset:
		minutes := pick(d, []int{-11 * 60, -3 * 60, 2 * 60, 5*60 + 30, 14 * 60})
		return when.In(time.FixedZone("", minutes*60)).Format("2006-01-02T15:04:05-07:00")
	default:
		return when.UTC().Format("2006-01-02T15:04:05Z")
	}
}
