package simulator

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// greatestBody is how much of an attestation is read.
const greatestBody = 1 << 20

// attestation is the body of a POST. Names are read without regard to case, unknown ones are
// ignored.
type attestation struct {
	PrimaryContact *Contact `json:"primaryContact"`
	TemplateID     string   `json:"templateId"`
	DateAgreed     string   `json:"dateAgreed"`
	Type           string   `json:"type"`
	AttestationID  string   `json:"attestationId"` // of the enhanced route, step 3
}

// readBody is false when the caller went away while sending.
func (q *request) readBody() bool {
	var err error
	q.sent, err = io.ReadAll(io.LimitReader(q.r.Body, greatestBody+1))
	return err == nil
}

// answerWrite answers a request that has an effect, a repeat from memory. One is taken at a time,
// so that two with one request id cannot both take effect.
func (s *Simulator) answerWrite(q *request) int {
	if s.opts.IndirectReseller {
		return q.cannotAttest()
	}
	if kind, _, _ := mime.ParseMediaType(q.r.Header.Get("Content-Type")); kind != "application/json" {
		s.stats.badHeader("Content-Type")
		q.body.problemE("The request entity's media type is not supported for this resource.")
		return http.StatusUnsupportedMediaType
	}
	now, id, request := time.Now(), strings.ToLower(q.requestID), q.digest()

	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	if m, ok := s.posted.recall(id, now); ok {
		q.again = true
		if m.request != request {
			s.stats.reuse(q.call)
			return q.invalidInput("MS-RequestId belongs to another request.")
		}
		s.stats.repeat(q.call)
		q.body.raw(m.contentType, m.text)
		q.body.code = m.code
		return m.status
	}
	status := s.takeEffect(q)
	if status < 500 {
		b := q.body
		s.posted.remember(id, memory{request: request, status: status, contentType: b.contentType, code: b.code,
			text: string(b.buf)}, now)
	}
	return status
}

// takeEffect does what a request asks for. The caller holds the lock of posted.
func (s *Simulator) takeEffect(q *request) int {
	if q.call == callCreate {
		return s.createEnhanced(q)
	}
	if q.attestationID() == "" {
		if status := s.retired(q); status != 0 {
			return status
		}
	}
	return s.answerCustomer(q)
}

// attestationID is that of step 3 of the enhanced route; empty for a classic attestation.
func (q *request) attestationID() string {
	var sent attestation
	_ = json.Unmarshal(q.sent, &sent) // what cannot be read is refused later
	return sent.AttestationID
}

// digest tells requests apart that come with one request id.
func (q *request) digest() [32]byte {
	h := sha256.New()
	_, _ = io.WriteString(h, strings.ToLower(q.r.URL.Path)+"\x00") // a hash takes everything
	_, _ = h.Write(q.sent)
	return [32]byte(h.Sum(nil))
}

// create creates the agreement, unless something is wrong with it. The caller holds the lock of
// posted.
func (s *Simulator) create(q *request, c Customer) int {
	var sent attestation
	if len(q.sent) > greatestBody || !utf8.Valid(q.sent) || json.Unmarshal(q.sent, &sent) != nil {
		return q.invalidAttestation(s.opts.Seed, "the body cannot be read.")
	}
	when, wrong := sent.check()
	if wrong != "" {
		return q.invalidAttestation(s.opts.Seed, wrong)
	}
	now := s.now()
	if sent.AttestationID != "" {
		now = s.calendar()
	}
	if when.After(now) {
		q.body.problemC(600002, "600002", "InvalidInput", "The date agreed is in the future.", false)
		return http.StatusBadRequest
	}
	if !s.opts.Writes.DuplicatesAllowed &&
		(c.has(*sent.PrimaryContact) || s.posted.has(c.Index, *sent.PrimaryContact)) {
		return q.alreadyExists(s.opts.Writes.AlreadyExistsStatus)
	}
	accepted := s.posted.attestation(sent.AttestationID)
	if sent.AttestationID != "" {
		if wrong := s.mayConclude(accepted, *sent.PrimaryContact); wrong != "" {
			return q.invalidAttestation(s.opts.Seed, wrong)
		}
		if accepted.TenantID != "" {
			return q.alreadyExists(s.opts.Writes.AlreadyExistsStatus)
		}
		accepted.TenantID = c.TenantID
	}
	effect, nth := s.posted.add(Effect{
		AttestationID: sent.AttestationID,
		Night:         q.world.night(), At: s.now(), Customer: c.Index, TenantID: c.TenantID,
		RequestID: q.requestID, CorrelationID: q.correlationID,
		Contact: *sent.PrimaryContact, TemplateID: sent.TemplateID, DateAgreed: sent.DateAgreed, Type: sent.Type,
		when: when,
	})
	s.stats.effect(q.call, nth)
	user := newDice(s.opts.Seed, aboutWrites, 1<<41)
	writeAgreement(q.body, q.world.agreement(effect), user.guid().String())
	return http.StatusCreated
}

// check says what is wrong with an attestation, in words, or when it was agreed. Lengths and phone
// numbers are not looked at: nothing is known about their limits.
func (a attestation) check() (when time.Time, wrong string) {
	when, readable := readInstant(a.DateAgreed)
	switch {
	case a.PrimaryContact == nil:
		return when, "primaryContact is required."
	case strings.TrimSpace(a.PrimaryContact.FirstName) == "":
		return when, "firstName is required."
	case strings.TrimSpace(a.PrimaryContact.LastName) == "":
		return when, "lastName is required."
	case !looksLikeMail(a.PrimaryContact.Email):
		return when, "email is not valid."
	case !strings.EqualFold(a.Type, mcaType):
		return when, "type is not valid."
	case !strings.EqualFold(a.TemplateID, mcaTemplate):
		return when, "templateId is not valid."
	case !readable:
		return when, "dateAgreed is not valid."
	}
	return when, ""
}

// readInstant reads a date and time of day, with any fraction; without a zone UTC is meant. A date
// alone is refused.
func readInstant(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if when, err := time.Parse(layout, text); err == nil {
			return when.UTC(), true
		}
	}
	return time.Time{}, false
}

// looksLikeMail asks for one @ with something before it and a domain with a dot after it, and no
// spaces.
func looksLikeMail(address string) bool {
	mailbox, domain, _ := strings.Cut(address, "@")
	dot := strings.LastIndexByte(domain, '.')
	return mailbox != "" && dot > 0 && dot < len(domain)-1 && !strings.ContainsAny(domain, "@") &&
		!strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 })
}

// has says whether a contact is on record with an MCA agreement, however old.
func (c Customer) has(who Contact) bool {
	for _, a := range c.Agreements {
		if a.Type == mcaType && a.Contact != nil && a.Contact.same(who) {
			return true
		}
	}
	return false
}

// invalidAttestation is a 400 with one of three codes and forms, by customer: which one means what
// is not documented.
func (q *request) invalidAttestation(seed uint64, what string) int {
	d := newDice(seed, aboutWrites, callKey(q.r)+1)
	switch d.below(3) {
	case 0:
		q.body.problemC(600002, "600002", "InvalidInput", "Invalid input: "+what, false)
		return http.StatusBadRequest
	case 1:
		q.coded(800002, "800002", "Invalid input: "+what)
		return http.StatusBadRequest
	default:
		return q.invalidInput(what)
	}
}
