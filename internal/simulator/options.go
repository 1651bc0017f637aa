package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Options choose the world and how the service behaves over it. The zero Options are a well-behaved
// service without customers: no latency, no quota, no faults, every credential accepted. Each field
// is one peculiarity of docs/partner-center.md; shares are from 0 to 1 and are drawn from the seed,
// so that the same options misbehave alike.
type Options struct {
	// Seed, Customers, Night, Mix, Dates, AsOf and Home are the World's. A zero AsOf is the time of
	// New. The clock that says which dateAgreed is in the future, and when an Effect was, shows
	// AsOf at New and goes on from there.
	Seed      uint64
	Customers int
	Night     int
	Mix       Mix
	Dates     DateForm
	AsOf      time.Time
	Home      string
	// Clock is that clock instead, and AsOf is what it shows; nil: see AsOf.
	Clock func() time.Time `json:"-"`

	// Latency is how long each request takes, token requests included; Jitter adds up to that much.
	// A 429 is answered at once.
	Latency time.Duration
	Jitter  time.Duration

	// Quota is the number of API requests in each fixed Window; 0 is no limit. Refused requests
	// count too: each one that arrives while the sender was told to wait is taken from the next
	// window, up to half of it.
	Quota int
	// Window is the length of a window; 0 is one minute.
	Window time.Duration
	// RetryAfter is how a 429 says when to come back; zero is whole seconds.
	RetryAfter RetryAfterForm

	// BOM says which bodies start with a byte-order mark; zero is the success bodies.
	BOM BOM
	// Names says how the names in API answers are spelt; zero is camelCase.
	Names NameCase
	// NextLink is the form of links.next; zero is without /v1 in front.
	NextLink NextLink
	// PageSizeCap is the most items on a page, whatever was asked for; 0 is 500.
	PageSizeCap int
	// EmptyAgreements is how no agreement is answered; zero depends on the customer.
	EmptyAgreements EmptyAgreements
	// IndirectProvider makes most customers carry an associatedPartnerId.
	IndirectProvider bool
	// IndirectReseller is a partner who reads like the others and may not attest: every attestation
	// is refused with 403 and code 900150 or 1002, by customer.
	IndirectReseller bool

	// RepeatedIDs is the share of customers that are listed again on the page after theirs.
	RepeatedIDs float64
	// DroppedFromList is the share of customers that are missing from the list although they can
	// still be read.
	DroppedFromList float64
	// TruncatedList is the part of the list that is served, from its beginning; 0 is all of it.
	TruncatedList float64
	// EmptyList serves a list of nobody.
	EmptyList bool
	// ListAccidentsFrom is the first night on which DroppedFromList, TruncatedList and EmptyList
	// happen; 0 is always. ListAccidentsUntil is the last one; 0 is none.
	ListAccidentsFrom  int
	ListAccidentsUntil int

	// Faults are the accidents of single reads; those of attestations are in Writes.
	Faults Faults
	// Writes is how attestations are taken.
	Writes Writes
	// Enhanced is how the enhanced route is played.
	Enhanced Enhanced
	// ClassicRetired is how every classic attestation is refused; zero takes them.
	ClassicRetired Retired
	// BrokenCustomers is the share of customers of whom every read answers 500, always.
	BrokenCustomers float64

	// Login is the token server.
	Login Login
	// SignIn is how people sign in there.
	SignIn SignIn
	// KillTokensEvery makes every access token worthless (401, code 400) after that many API
	// requests; 0 is never.
	KillTokensEvery int
	// MissingMFA refuses App+User tokens (401, code 900421).
	MissingMFA bool
	// WrongAudience refuses every token (401, code 900420).
	WrongAudience bool
	// MissingRole refuses calls for want of a role (403, code 900308); zero refuses none.
	MissingRole MissingRole
	// EmptyForbidden makes a 403 for want of a role come without a body, for MissingRole and for
	// the kind RoleMissing. Without it, about half of the customers of that kind answer so.
	EmptyForbidden bool
}

// Faults are shares of requests that go wrong. Whether a call goes wrong depends on the seed, the
// night, the call and how often that very call went wrong before: a retry draws again, and after
// MaxInARow faults it succeeds.
type Faults struct {
	// ServerError answers 500 with a JSON body.
	ServerError float64
	// GatewayPage answers 503 with an HTML page.
	GatewayPage float64
	// PageWithStatus200 answers 200 with an HTML page.
	PageWithStatus200 float64
	// Reset closes the connection without an answer.
	Reset float64
	// Truncated sends half of the body that Content-Length promises.
	Truncated float64
	// Slow answers correctly after SlowFor.
	Slow float64
	// SlowFor is how long a slow answer takes; 0 is 20 seconds, which users have reported.
	SlowFor time.Duration
	// MaxInARow is the greatest number of faults that one call meets; 0 is 3.
	MaxInARow int
}

// Login is how the token server behaves (docs/partner-center.md, "Tokens").
type Login struct {
	// TenantID, ClientID and ClientSecret are the only ones accepted; an empty one accepts anything
	// but nothing.
	TenantID     string
	ClientID     string
	ClientSecret string
	// RefreshToken is accepted besides those that the simulator issued; empty is
	// InitialRefreshToken.
	RefreshToken string
	// TokenLifetime is expires_in, in whole seconds; 0 is 3599 seconds.
	TokenLifetime time.Duration
	// ExpiredRefreshToken refuses every refresh token (invalid_grant, AADSTS700082).
	ExpiredRefreshToken bool
	// DemandMFA refuses every refresh token until somebody signs in with MFA (AADSTS50076).
	DemandMFA bool
	// WrongClientSecret refuses every client (invalid_client, AADSTS7000215).
	WrongClientSecret bool
	// Unavailable answers 503 to that many token requests first, in turn with JSON and with an HTML
	// page.
	Unavailable int
}

// InitialRefreshToken is the refresh token that a simulator accepts without having issued it.
const InitialRefreshToken = "simulator-refresh-token"

// RetryAfterForm is how a 429 says when to come back.
type RetryAfterForm string

const (
	// RetryAfterSeconds, the default, is whole seconds.
	RetryAfterSeconds RetryAfterForm = ""
	// RetryAfterDate is an HTTP-date.
	RetryAfterDate RetryAfterForm = "date"
	// RetryAfterMissing leaves the header out; only the message in the body says it.
	RetryAfterMissing RetryAfterForm = "missing"
)

// BOM says which bodies of the API start with a byte-order mark. The token server and 429s never
// send one.
type BOM string

const (
	// BOMOnSuccess, the default, is what recorded sessions show.
	BOMOnSuccess BOM = ""
	// BOMNever sends none.
	BOMNever BOM = "never"
	// BOMAlways marks the JSON bodies of errors too.
	BOMAlways BOM = "always"
)

// NameCase is how the names in answers are spelt.
type NameCase string

const (
	// CamelCase, the default, leaves out what is not there.
	CamelCase NameCase = ""
	// PascalCase writes null for what is not there, and some nulls more.
	PascalCase NameCase = "pascal"
	// MixedCase takes one or the other by call: two pages of one list may differ.
	MixedCase NameCase = "mixed"
)

// NextLink is the form of the uri in links.next.
type NextLink string

const (
	// NextWithoutVersion, the default, is /customers?…
	NextWithoutVersion NextLink = ""
	// NextWithVersion is /v1/customers?…, as production has answered since November 2021.
	NextWithVersion NextLink = "v1"
	// NextAbsolute is a whole URL.
	NextAbsolute NextLink = "absolute"
)

// EmptyAgreements is how it is answered that a customer has no agreement of the wanted type.
type EmptyAgreements string

const (
	// EmptyByCustomer, the default: a list without items, but error 600009 for the kind
	// NeverAcceptedError and for a quarter of those who accepted directly.
	EmptyByCustomer EmptyAgreements = ""
	// EmptyAsList is always a list without items.
	EmptyAsList EmptyAgreements = "list"
	// EmptyAsError is always error 600009, with status 404 or 400 by customer: its status is not
	// documented.
	EmptyAsError EmptyAgreements = "error"
)

// MissingRole says which calls the signed-in user lacks the role for.
type MissingRole string

const (
	// RoleComplete, the default, refuses nothing.
	RoleComplete MissingRole = ""
	// RoleMissingOnAgreements refuses agreements, attestations, direct acceptance and the other
	// App+User calls.
	RoleMissingOnAgreements MissingRole = "agreements"
	// RoleMissingOnWrites refuses attestations; everything can be read.
	RoleMissingOnWrites MissingRole = "writes"
	// RoleMissingEverywhere refuses every call, the list of customers included.
	RoleMissingEverywhere MissingRole = "everywhere"
)

// validate says everything that is wrong with the options, a sentence each.
func (o Options) validate() error {
	return errors.Join(append(o.validateNumbers(), o.validateWords()...)...)
}

func (o Options) validateNumbers() (wrong []error) {
	refuse := func(when bool, sentence string, args ...any) {
		if when {
			wrong = append(wrong, fmt.Errorf(sentence, args...))
		}
	}
	share := func(name string, value float64) {
		refuse(!(value >= 0 && value <= 1), "%s is %v: a share is from 0 to 1", name, value)
	}
	notNegative := func(name string, value int64) {
		refuse(value < 0, "%s is %d: it cannot be less than 0", name, value)
	}

	refuse(o.Customers < 0 || o.Customers > maxCustomers, "Customers is %d: it can be from 0 to %d", o.Customers,
		maxCustomers)
	share("RepeatedIDs", o.RepeatedIDs)
	share("DroppedFromList", o.DroppedFromList)
	share("TruncatedList", o.TruncatedList)
	share("BrokenCustomers", o.BrokenCustomers)
	share("the sum of Faults", sum(o.Faults.shares()))
	for _, f := range o.Faults.shares() {
		share("Faults."+string(f.name), f.share)
	}
	share("the sum of Writes.LostRequests and Writes.LostAnswers", sum(o.Writes.shares()))
	for _, f := range o.Writes.shares() {
		share("Writes."+string(f.name), f.share)
	}
	notNegative("Night", int64(o.Night))
	notNegative("Quota", int64(o.Quota))
	notNegative("PageSizeCap", int64(o.PageSizeCap))
	notNegative("ListAccidentsFrom", int64(o.ListAccidentsFrom))
	notNegative("ListAccidentsUntil", int64(o.ListAccidentsUntil))
	notNegative("KillTokensEvery", int64(o.KillTokensEvery))
	notNegative("Faults.MaxInARow", int64(o.Faults.MaxInARow))
	notNegative("Writes.MaxInARow", int64(o.Writes.MaxInARow))
	notNegative("Writes.Quota", int64(o.Writes.Quota))
	share("Enhanced.AcceptShare", o.Enhanced.AcceptShare)
	notNegative("Enhanced.AcceptWithin", int64(o.Enhanced.AcceptWithin))
	notNegative("Login.Unavailable", int64(o.Login.Unavailable))
	notNegative("SignIn.DevicePolls", int64(o.SignIn.DevicePolls))
	notNegative("SignIn.DeviceSlowDown", int64(o.SignIn.DeviceSlowDown))
	for name, d := range map[string]time.Duration{
		"Latency": o.Latency, "Jitter": o.Jitter, "Window": o.Window,
		"Faults.SlowFor": o.Faults.SlowFor, "Writes.SlowFor": o.Writes.SlowFor,
		"Writes.RememberFor": o.Writes.RememberFor, "Login.TokenLifetime": o.Login.TokenLifetime,
		"SignIn.DeviceInterval": o.SignIn.DeviceInterval, "SignIn.DeviceLife": o.SignIn.DeviceLife,
	} {
		refuse(d < 0, "%s is %v: it cannot be less than 0", name, d)
	}
	refuse(o.Login.TokenLifetime > 0 && o.Login.TokenLifetime < time.Second,
		"Login.TokenLifetime is %v: expires_in counts whole seconds, so the least is 1s", o.Login.TokenLifetime)

	if number := o.SignIn.Refused; number != 0 {
		refuse(!slices.Contains(SignInErrors(), number), "SignIn.Refused is %d: it can be one of %v", number,
			SignInErrors())
	}
	refuse(o.Writes.NeverRemembers && o.Writes.RememberFor > 0,
		"Writes.RememberFor is %v and Writes.NeverRemembers is true: it can be only one of them", o.Writes.RememberFor)
	refuse(!slices.Contains([]int{0, http.StatusBadRequest, http.StatusConflict}, o.Writes.AlreadyExistsStatus),
		"Writes.AlreadyExistsStatus is %d: it can be 400 or 409, or 0 for 409", o.Writes.AlreadyExistsStatus)
	return wrong
}

func (o Options) validateWords() (wrong []error) {
	if o.IndirectProvider && o.IndirectReseller {
		wrong = append(wrong,
			errors.New("IndirectProvider and IndirectReseller are both true: a partner is one of them"))
	}
	return append(wrong,
		oneOf("Mix", o.Mix, MixRealistic, MixAllKinds, MixBehind),
		oneOf("Home", o.Home, homes()...),
		oneOf("Dates", o.Dates, DatesMixed, DatesNoZone, DatesZulu, DatesSevenDigits, DatesOffset),
		oneOf("RetryAfter", o.RetryAfter, RetryAfterSeconds, RetryAfterDate, RetryAfterMissing),
		oneOf("BOM", o.BOM, BOMOnSuccess, BOMNever, BOMAlways),
		oneOf("Names", o.Names, CamelCase, PascalCase, MixedCase),
		oneOf("NextLink", o.NextLink, NextWithoutVersion, NextWithVersion, NextAbsolute),
		oneOf("EmptyAgreements", o.EmptyAgreements, EmptyByCustomer, EmptyAsList, EmptyAsError),
		oneOf("SignIn.RefusedAt", o.SignIn.RefusedAt, RefusedAtRedirect, RefusedAtPage, RefusedAtToken),
		oneOf("ClassicRetired", o.ClassicRetired, NotRetired, Retired404, Retired410, Retired403),
		o.Enhanced.validate(),
		oneOf("MissingRole", o.MissingRole, RoleComplete, RoleMissingOnAgreements, RoleMissingOnWrites,
			RoleMissingEverywhere),
	)
}

func oneOf[T ~string](name string, value T, known ...T) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("%s is %q: it can be one of %q", name, value, known)
}

// withDefaults fills in what the zero value stands for.
func (o Options) withDefaults(now time.Time) Options {
	if o.AsOf.IsZero() {
		o.AsOf = now
	}
	o.Night = max(1, o.Night)
	orDefault(&o.Window, time.Minute)
	orDefault(&o.PageSizeCap, greatestPage)
	orDefault(&o.TruncatedList, 1)
	orDefault(&o.Faults.SlowFor, 20*time.Second)
	orDefault(&o.Faults.MaxInARow, 3)
	orDefault(&o.Writes.SlowFor, 20*time.Second)
	orDefault(&o.Writes.MaxInARow, 3)
	orDefault(&o.Writes.RememberFor, 10*time.Minute)
	orDefault(&o.Writes.AlreadyExistsStatus, http.StatusConflict)
	o.Enhanced = o.Enhanced.withDefaults()
	orDefault(&o.Login.RefreshToken, InitialRefreshToken)
	orDefault(&o.Login.TokenLifetime, 3599*time.Second)
	orDefault(&o.SignIn.RedirectURI, "http://localhost")
	orDefault(&o.SignIn.DeviceInterval, 5*time.Second)
	orDefault(&o.SignIn.DeviceLife, 15*time.Minute)
	return o
}

func orDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
