package simulator

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Enhanced is how the service plays the enhanced route: an attestation is created, its signatory
// accepts on a page, the partner creates the agreement. The zero Enhanced is what
// docs/partner-center.md holds to be likeliest ("Attestation today"); nobody accepts unless told
// to.
type Enhanced struct {
	// EmailField, PhoneField and ExpiryField are names in the body of step 1; empty are
	// emailAddress, phoneNumber and expirationInMinutes. Other names are ignored, and an
	// attestation without an e-mail address is refused.
	EmailField, PhoneField, ExpiryField string
	// IDField, LinkField, StatusField and DateField are names in answers; empty are attestationId,
	// attestationUrl, attestationStatus and dateAgreed.
	IDField, LinkField, StatusField, DateField string
	// StatusPath is where the state of an attestation is asked for, with {id} for its id; empty is
	// /v1/attestations/enhanced/{id}.
	StatusPath string
	// Pending, Accepted and Expired are the words of a state; empty are these words themselves.
	Pending, Accepted, Expired string
	// WithoutLink leaves the address of the page out of the answer of step 1.
	WithoutLink bool
	// WithoutDate leaves the date of acceptance out of the state.
	WithoutDate bool
	// AcceptWithin is the number of nights in which signatories accept by themselves; 0 is never.
	AcceptWithin int
	// AcceptShare is the share of signatories who do so; 0 is all of them.
	AcceptShare float64
	// DuplicateAt is the step that answers 600061 to a signatory who is on record: 1 or 3; 0 is 3.
	DuplicateAt int
	// UserForAgreement refuses app-only tokens in step 3.
	UserForAgreement bool
	// DocumentsGone answers 404 to the addresses of accepted agreements.
	DocumentsGone bool
}

// Retired is how the classic call for attestations is refused.
type Retired string

const (
	// NotRetired, the default, takes classic attestations.
	NotRetired Retired = ""
	// Retired404 answers an empty 404.
	Retired404 Retired = "404"
	// Retired410 answers an empty 410.
	Retired410 Retired = "410"
	// Retired403 answers 403 with a code that is not documented.
	Retired403 Retired = "403"
)

const (
	minExpiry      = 5
	greatestExpiry = 7 * 24 * 60 // minutes

	pagePath     = "/mca/"
	acceptedPath = documentPath + "accepted/"
)

// EnhancedAttestation is an attestation of the enhanced route, as far as it has come.
type EnhancedAttestation struct {
	ID        string    `json:"id"`
	RequestID string    `json:"requestId"` // of step 1
	Night     int       `json:"night"`     // of step 1
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Signatory Contact   `json:"signatory"`
	Company   string    `json:"companyName"`
	Country   string    `json:"country"`
	Language  string    `json:"language"`
	// Opened counts how often the page was looked at.
	Opened int `json:"opened"`
	// AcceptedAt is zero until the signatory accepted.
	AcceptedAt time.Time `json:"acceptedAt"`
	// TenantID is the customer for whom the agreement was created; empty until then.
	TenantID string `json:"tenantId"`
}

// Attestations are the attestations of the enhanced route in the order of their creation, as they
// are now.
func (s *Simulator) Attestations() []EnhancedAttestation {
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	all := make([]EnhancedAttestation, len(s.posted.enhanced))
	for i, a := range s.posted.enhanced {
		s.settle(a)
		all[i] = *a
	}
	return all
}

// AcceptAttestation makes the signatory of an attestation accept.
func (s *Simulator) AcceptAttestation(id string) error {
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	a := s.posted.attestation(id)
	if a == nil {
		return fmt.Errorf("there is no attestation %s", id)
	}
	s.settle(a)
	switch now := s.calendar(); {
	case !a.AcceptedAt.IsZero():
		return fmt.Errorf("attestation %s is accepted already", id)
	case !now.Before(a.ExpiresAt):
		return fmt.Errorf("attestation %s has expired", id)
	default:
		a.AcceptedAt = now
	}
	return nil
}

// calendar is the clock by which attestations expire and are accepted: Options.Clock, or else each
// night is a day later.
func (s *Simulator) calendar() time.Time {
	if s.opts.Clock != nil {
		return s.now()
	}
	return s.now().AddDate(0, 0, s.World().night()-s.opts.Night)
}

// settle lets the signatory accept who would have done so by now. The caller holds the lock of
// posted.
func (s *Simulator) settle(a *EnhancedAttestation) {
	e := s.opts.Enhanced
	if e.AcceptWithin == 0 || !a.AcceptedAt.IsZero() {
		return
	}
	d := newDice(s.opts.Seed, aboutSigning, digest(a.ID))
	if !d.happens(e.AcceptShare) {
		return
	}
	at := a.CreatedAt.Add(time.Duration(d.share() * float64(e.AcceptWithin) * float64(24*time.Hour)))
	if !s.calendar().Before(at) && at.Before(a.ExpiresAt) {
		a.AcceptedAt = at
	}
}

// state is the word of an attestation's state. The caller has settled it.
func (s *Simulator) state(a *EnhancedAttestation) string {
	switch e := s.opts.Enhanced; {
	case !a.AcceptedAt.IsZero():
		return e.Accepted
	case !s.calendar().Before(a.ExpiresAt):
		return e.Expired
	default:
		return e.Pending
	}
}

// createEnhanced answers step 1. The caller holds the lock of posted.
func (s *Simulator) createEnhanced(q *request) int {
	a, wrong := s.readEnhanced(q)
	if wrong != "" {
		return q.invalidAttestation(s.opts.Seed, wrong)
	}
	if s.opts.Enhanced.DuplicateAt == 1 && s.posted.signed(a.Signatory) {
		return q.alreadyExists(s.opts.Writes.AlreadyExistsStatus)
	}
	d := newDice(s.opts.Seed, aboutSigning, uint64(len(s.posted.enhanced))+1<<40)
	a.ID, a.RequestID, a.Night, a.CreatedAt = d.guid().String(), q.requestID, q.world.night(), s.calendar()
	a.ExpiresAt = a.CreatedAt.Add(time.Duration(a.expiry) * time.Minute)
	s.posted.enhanced = append(s.posted.enhanced, &a.EnhancedAttestation)
	s.posted.byID[a.ID] = &a.EnhancedAttestation
	s.stats.effect(q.call, 1)

	b := q.body
	b.open("", '{')
	b.text(s.opts.Enhanced.IDField, a.ID)
	if !s.opts.Enhanced.WithoutLink {
		b.text(s.opts.Enhanced.LinkField, origin(q.r)+pagePath+"?attestationid="+a.ID)
	}
	s.writeState(q, &a.EnhancedAttestation)
	b.text("expirationTime", a.ExpiresAt.Format(time.RFC3339))
	b.close('}')
	return http.StatusCreated
}

// enhancedBody is a body of step 1.
type enhancedBody struct {
	EnhancedAttestation
	expiry int
}

// readEnhanced reads the body of step 1, and says what is wrong with it.
func (s *Simulator) readEnhanced(q *request) (a enhancedBody, wrong string) {
	var sent map[string]any
	if len(q.sent) > greatestBody || !utf8.Valid(q.sent) || json.Unmarshal(q.sent, &sent) != nil {
		return a, "the body cannot be read."
	}
	fields := map[string]any{}
	for name, value := range sent {
		fields[strings.ToLower(name)] = value
	}
	text := func(name string) string {
		value, _ := fields[strings.ToLower(name)].(string)
		return strings.TrimSpace(value)
	}
	e := s.opts.Enhanced
	a.Signatory = Contact{FirstName: text("signatoryFirstName"), LastName: text("signatoryLastName"),
		Email: text(e.EmailField), PhoneNumber: text(e.PhoneField)}
	a.Company, a.Country, a.Language = text("companyName"), text("country"), text("language")
	a.expiry = greatestExpiry
	if minutes, ok := fields[strings.ToLower(e.ExpiryField)].(float64); ok {
		a.expiry = int(minutes)
	}
	switch {
	case a.Signatory.FirstName == "":
		wrong = "signatoryFirstName is required."
	case a.Signatory.LastName == "":
		wrong = "signatoryLastName is required."
	case !looksLikeMail(a.Signatory.Email):
		wrong = e.EmailField + " is not valid."
	case len(a.Country) != 2 || a.Country != strings.ToUpper(a.Country):
		wrong = "country is not valid."
	case a.expiry < minExpiry || a.expiry > greatestExpiry:
		wrong = e.ExpiryField + " is not valid."
	}
	return a, wrong
}

// answerState answers step 2. An attestation of another partner is one that nobody knows.
func (s *Simulator) answerState(q *request) int {
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	a := s.posted.attestation(q.id)
	if a == nil {
		return q.notFound()
	}
	s.settle(a)
	q.body.open("", '{')
	q.body.text(s.opts.Enhanced.IDField, a.ID)
	s.writeState(q, a)
	q.body.close('}')
	return http.StatusOK
}

func (s *Simulator) writeState(q *request, a *EnhancedAttestation) {
	e := s.opts.Enhanced
	q.body.text(e.StatusField, s.state(a))
	if a.AcceptedAt.IsZero() {
		q.body.nothing(e.DateField)
		return
	}
	if !e.WithoutDate {
		q.body.text(e.DateField, a.AcceptedAt.UTC().Format("2006-01-02 15:04:05"))
	}
	q.body.text("agreementDocumentUrl", origin(q.r)+acceptedPath+a.ID+".pdf")
}

// mayConclude says why no agreement can be created of an attestation. The caller holds the lock of
// posted.
func (s *Simulator) mayConclude(a *EnhancedAttestation, who Contact) (wrong string) {
	if a == nil {
		return "attestationId is not known."
	}
	s.settle(a)
	switch {
	case a.AcceptedAt.IsZero():
		return "the attestation is not accepted."
	case !strings.EqualFold(who.FirstName, a.Signatory.FirstName) ||
		!strings.EqualFold(who.LastName, a.Signatory.LastName) ||
		!strings.EqualFold(who.Email, a.Signatory.Email):
		return "primaryContact is not the signatory of the attestation."
	}
	return ""
}

// retired answers a classic attestation when there are none any more; 0: there are.
func (s *Simulator) retired(q *request) int {
	switch s.opts.ClassicRetired {
	case Retired404:
		q.body.start("")
		return http.StatusNotFound
	case Retired410:
		q.body.start("")
		return http.StatusGone
	case Retired403:
		q.coded(900999, "900999", "This operation is no longer supported.")
		return http.StatusForbidden
	}
	return 0
}

var signingPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Microsoft Customer Agreement</title></head><body>
<h1>Microsoft Customer Agreement</h1>
<p id="state">{{.Text}}</p>
{{if .Open}}<form method="post"><p>{{.Company}}</p><button id="accept">Accept</button></form>{{end}}
</body></html>
`))

// servePage is the page on which a signatory accepts. It asks for no sign-in.
func (s *Simulator) servePage(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("attestationid")
	if r.Method == http.MethodPost {
		_ = s.AcceptAttestation(id) // the page says what has become of it
	}
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	a := s.posted.attestation(id)
	shown := struct {
		Text, Company string
		Open          bool
	}{Text: "This link is not valid."}
	status := http.StatusNotFound
	if a != nil {
		s.settle(a)
		status = http.StatusOK
		a.Opened++
		shown.Company = a.Company
		switch s.state(a) {
		case s.opts.Enhanced.Accepted:
			shown.Text = "The agreement is accepted."
		case s.opts.Enhanced.Expired:
			shown.Text = "This link has expired."
		default:
			shown.Text, shown.Open = "Please accept the agreement.", true
		}
	}
	w.Header().Set("Content-Type", typeHTML)
	w.WriteHeader(status)
	_ = signingPage.Execute(w, shown) // a caller who has gone away does not read it
}

// serveAccepted is the document of an accepted agreement.
func (s *Simulator) serveAccepted(w http.ResponseWriter, r *http.Request) {
	s.posted.mu.RLock()
	a := s.posted.attestation(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, acceptedPath), ".pdf"))
	s.posted.mu.RUnlock()
	if a == nil || a.AcceptedAt.IsZero() || s.opts.Enhanced.DocumentsGone {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, "%%PDF-1.7\nMicrosoft Customer Agreement, accepted %s\n", a.AcceptedAt.UTC().Format(time.DateOnly))
}

// tellAttestations answers with the attestations of the enhanced route.
func (s *Simulator) tellAttestations(w http.ResponseWriter) {
	w.Header().Set("Content-Type", typeJSON)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(s.Attestations()) // a caller who has gone away does not read it
}

func (e Enhanced) withDefaults() Enhanced {
	for field, otherwise := range map[*string]string{
		&e.EmailField: "emailAddress", &e.PhoneField: "phoneNumber", &e.ExpiryField: "expirationInMinutes",
		&e.IDField: "attestationId", &e.LinkField: "attestationUrl", &e.StatusField: "attestationStatus",
		&e.DateField: "dateAgreed", &e.StatusPath: "/v1/attestations/enhanced/{id}", &e.Pending: "Pending",
		&e.Accepted: "Accepted", &e.Expired: "Expired",
	} {
		orDefault(field, otherwise)
	}
	orDefault(&e.AcceptShare, 1)
	orDefault(&e.DuplicateAt, 3)
	return e
}

func (e Enhanced) validate() error {
	if !slices.Contains([]int{0, 1, 3}, e.DuplicateAt) {
		return fmt.Errorf("Enhanced.DuplicateAt is %s: it can be 1 or 3, or 0 for 3", strconv.Itoa(e.DuplicateAt))
	}
	if e.StatusPath != "" && (!strings.HasPrefix(e.StatusPath, "/v1/") || strings.Count(e.StatusPath, "{id}") != 1) {
		return fmt.Errorf("Enhanced.StatusPath is %q: it begins with /v1/ and has {id} once", e.StatusPath)
	}
	return nil
}

// asks reports whether a path asks for the state of an attestation, and of which.
func (e Enhanced) asks(path string) (id string, ok bool) {
	before, after, _ := strings.Cut(e.StatusPath, "{id}")
	if len(path) <= len(before)+len(after) || !strings.EqualFold(path[:len(before)], before) ||
		!strings.EqualFold(path[len(path)-len(after):], after) {
		return "", false
	}
	id = path[len(before) : len(path)-len(after)]
	return id, !strings.Contains(id, "/")
}
