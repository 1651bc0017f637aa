package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Writes is how the service takes attestations: POST /v1/customers/{id}/agreements. The zero Writes
// do every one that is right, once, and catch repeats for ten minutes.
type Writes struct {
	// Quota is the number of attestations in each Window of Options; 0 is no limit but
	// Options.Quota, in which they count too. Its 429s are told, timed and counted like the others;
	// reads go on meanwhile.
	Quota int

	// RememberFor is how long a request id is remembered, from its first definite answer: the same
	// id with the same address and bytes gets that answer again and has no second effect; with
	// others it is refused with 400. After that time a repeat is a new request. How long the
	// service remembers is not documented; 0 is 10 minutes.
	RememberFor time.Duration
	// NeverRemembers is a service that does not catch repeats: each one is a new request.
	NeverRemembers bool
	// DuplicatesAllowed creates an agreement although the same contact is on record, where
	// otherwise 600061 is answered. With NeverRemembers every repeat has an effect of its own, and
	// Effects shows it.
	DuplicatesAllowed bool
	// AlreadyExistsStatus goes with 600061: 400 or 409, since it is not documented; 0 is 409.
	AlreadyExistsStatus int

	// LostRequests and LostAnswers are the accidents of attestations. They are drawn like Faults:
	// by customer, night and how often it went wrong before, whatever the request id.
	LostRequests LostRequests
	LostAnswers  LostAnswers
	// SlowFor is how long Late and Slow take; 0 is 20 seconds.
	SlowFor time.Duration
	// MaxInARow is the greatest number of accidents that the attestations for one customer meet in
	// a night; 0 is 3.
	MaxInARow int
}

// LostRequests are shares of attestations that the service does not take: nothing takes effect, and
// the request id is not remembered. From outside they look like LostAnswers.
type LostRequests struct {
	// ServerError answers 500 with a JSON body.
	ServerError float64
	// GatewayPage answers 500, 503 or 504 with an HTML page.
	GatewayPage float64
	// PageWithStatus200 answers 200 with an HTML page.
	PageWithStatus200 float64
	// Reset closes the connection without an answer.
	Reset float64
	// Late is taken after all, but only SlowFor after it came: then it is done even if the caller
	// has gone away, or has meanwhile sent it again.
	Late float64
}

// LostAnswers are shares of attestations that are done, or refused, as they should be, and whose
// answer does not come back as it was. A repeat under the same request id draws again.
type LostAnswers struct {
	// ServerError, GatewayPage, PageWithStatus200 and Reset are those of LostRequests.
	ServerError       float64
	GatewayPage       float64
	PageWithStatus200 float64
	Reset             float64
	// Truncated sends half of the body that Content-Length promises.
	Truncated float64
	// Slow sends the right answer, SlowFor after it was done.
	Slow float64
}

const (
	lostRequest = "LostRequests."
	lostAnswer  = "LostAnswers."

	faultLate fault = "Late"
)

func (w Writes) shares() []faultShare {
	r, a := w.LostRequests, w.LostAnswers
	return []faultShare{
		{lostRequest + faultServerError, r.ServerError}, {lostRequest + faultGatewayPage, r.GatewayPage},
		{lostRequest + faultPage200, r.PageWithStatus200}, {lostRequest + faultReset, r.Reset},
		{lostRequest + faultLate, r.Late}, {lostAnswer + faultServerError, a.ServerError},
		{lostAnswer + faultGatewayPage, a.GatewayPage}, {lostAnswer + faultPage200, a.PageWithStatus200},
		{lostAnswer + faultReset, a.Reset}, {lostAnswer + faultTruncated, a.Truncated},
		{lostAnswer + faultSlow, a.Slow},
	}
}

// parts says what happens to an attestation, and whether it is taken all the same.
func (f fault) parts() (kind fault, taken bool) {
	if kind, lost := strings.CutPrefix(string(f), lostRequest); lost {
		return fault(kind), fault(kind) == faultLate
	}
	return fault(strings.TrimPrefix(string(f), lostAnswer)), true
}

// serveAttestation answers one attestation that the quotas let through. It is done in the middle of
// the time that it takes: a caller who goes away before that sent nothing, one who goes away after
// it does not hear what was done.
func (s *Simulator) serveAttestation(q *request, number uint64) {
	if !q.readBody() {
		reset(q.w)
		return
	}
	loss := s.losses.draw(q)
	if loss != "" {
		s.stats.fault(string(loss))
	}
	kind, taken := loss.parts()
	takes := s.takes(number)
	if kind == faultLate {
		time.Sleep(s.opts.Writes.SlowFor) // whether or not the caller waits for it
	} else if !wait(q.r, takes/2) {
		return
	}

	var status int
	if taken {
		status = s.status(q, number, "")
		s.countRefusal(q, status)
	} else {
		s.readHeaders(q, number)
	}
	takes -= takes / 2
	if kind == faultSlow {
		takes += s.opts.Writes.SlowFor
	}
	if !wait(q.r, takes) {
		return
	}
	switch kind {
	case faultReset:
		reset(q.w)
		return
	case faultServerError:
		status = q.serverError()
	case faultGatewayPage:
		status = s.gatewayStatus(q)
		q.body.raw(typeHTML, gatewayPageOf(status))
	case faultPage200:
		status = http.StatusOK
		q.body.raw(typeHTML, gatewayPage)
	}
	s.write(q, status, kind)
}

// countRefusal counts what the service decided, whether or not the caller will hear it.
func (s *Simulator) countRefusal(q *request, status int) {
	if status < 400 || status >= 500 || q.again {
		return
	}
	code := q.body.code
	orDefault(&code, strconv.Itoa(status))
	s.stats.refused(q.call, code)
}

func (s *Simulator) gatewayStatus(q *request) int {
	d := newDice(s.opts.Seed, aboutWrites, callKey(q.r))
	return pick(&d, []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout})
}
