// Package simulator is a stand-in for Microsoft Partner Center and its token server: an
// http.Handler that answers, and misbehaves, as docs/partner-center.md says the real ones do. It
// knows that page and the example bodies in testdata/api, and refuses to know any other package of
// this program: if the client and its simulator shared a struct, both would share the same wrong
// belief.
//
// The handler serves the API below /v1, the token server at /{tenant}/oauth2/token and
// /{tenant}/oauth2/v2.0 (token, authorize and devicecode), the page where the code of a device is
// typed in at /devicelogin, the documents that it links to below /documents, the page on which a
// signatory accepts at /mca/, and addresses that the real service does not have:
//
//	GET  /simulator/stats      what has been asked so far (Stats)
//	GET  /simulator/effects    the agreements that were created (Effects)
//	GET  /simulator/attestations  those of the enhanced route (Attestations)
//	POST /simulator/reset      forget what has been asked and posted
//	POST /simulator/night?n=2  move the world to another night
//	POST /simulator/accept?customer=ID  a customer accepts the agreement directly (Accept)
//	POST /simulator/attestations/accept?id=ID  a signatory accepts (AcceptAttestation)
package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Simulator is the handler. It is safe for concurrent use.
type Simulator struct {
	opts    Options
	made    time.Time // when New was called
	night   atomic.Int64
	served  atomic.Uint64 // requests so far, for draws that belong to no customer
	quota   *quota        // of all API requests
	writes  *quota        // of attestations
	faults  *faults
	losses  *faults // of attestations
	tokens  *tokens
	devices devices
	stats   *stats
	posted  *posted
}

// New makes a simulator. The error says every option that is wrong, a sentence each.
func New(opts Options) (*Simulator, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	opts = opts.withDefaults(now)
	s := &Simulator{
		opts:    opts,
		made:    now,
		quota:   newQuota(opts, opts.Quota),
		writes:  newQuota(opts, opts.Writes.Quota),
		faults:  newFaults(opts.Seed, opts.Faults.shares(), opts.Faults.MaxInARow),
		losses:  newFaults(opts.Seed, opts.Writes.shares(), opts.Writes.MaxInARow),
		tokens:  newTokens(opts),
		devices: devices{all: map[string]*device{}},
		stats:   newStats(),
		posted:  newPosted(opts.Writes),
	}
	s.night.Store(int64(opts.Night))
	return s, nil
}

// World is the world on the current night.
func (s *Simulator) World() World {
	return World{
		Seed: s.opts.Seed, Customers: s.opts.Customers, Night: int(s.night.Load()),
		Mix: s.opts.Mix, Dates: s.opts.Dates, AsOf: s.asOf(), IndirectProvider: s.opts.IndirectProvider,
		Home: s.opts.Home,
	}
}

func (s *Simulator) asOf() time.Time {
	if s.opts.Clock != nil {
		return s.opts.Clock()
	}
	return s.opts.AsOf
}

// now is the simulator's own clock, in UTC. Without Options.Clock it showed AsOf when New was
// called and goes as fast as any other. Nights do not move it.
func (s *Simulator) now() time.Time {
	if s.opts.Clock != nil {
		return s.opts.Clock().UTC()
	}
	return s.opts.AsOf.Add(time.Since(s.made)).UTC()
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/simulator/"):
		s.serveControl(w, r)
	case path == "/v1" || strings.HasPrefix(path, "/v1/"):
		s.serveAPI(w, r)
	case strings.HasPrefix(path, acceptedPath):
		s.serveAccepted(w, r)
	case path == pagePath:
		s.servePage(w, r)
	case strings.HasPrefix(path, documentPath):
		s.serveDocument(w, r)
	case path == deviceLogin:
		s.serveDeviceLogin(w, r)
	case isLoginPath(path):
		s.serveLogin(w, r)
	default:
		http.Error(w, "The simulator has no such page.", http.StatusNotFound)
	}
}

// request is one API request on its way through.
type request struct {
	w     http.ResponseWriter
	r     *http.Request
	call  call
	id    string // of the customer or the template
	world World
	coin  bool // chooses among the forms of an answer, always alike for one call
	body  *body
	sent  []byte // the body of an attestation
	again bool   // answered from memory, to a request id that is known
	correlationID,
	requestID string
}

func (s *Simulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	number := s.served.Add(1)
	c, id := recognise(r.Method, r.URL.Path)
	if asked, ok := s.opts.Enhanced.asks(r.URL.Path); ok && c != callCreate {
		c, id = callState, asked
	}
	s.stats.arrive(c)
	defer s.stats.leave()

	chance := newDice(s.opts.Seed, aboutCase, callKey(r))
	pascal := chance.happens(0.5)
	q := &request{w: w, r: r, call: c, id: id, world: s.World(), coin: chance.happens(0.5)}
	q.body = newBody(s.opts.Names == PascalCase || s.opts.Names == MixedCase && pascal)
	defer q.body.release()

	verdict := s.quota.take(arrived)
	if c.isWrite() && !verdict.refused {
		offence := verdict.offence
		verdict = s.writes.take(arrived)
		verdict.offence = verdict.offence || offence
	}
	if verdict.offence {
		s.stats.offend()
	}
	if verdict.refused {
		s.stats.throttle()
		s.refuse(q, number, verdict)
		return
	}
	if c.isWrite() {
		s.serveAttestation(q, number)
		return
	}
	fault := s.faults.draw(q)
	if fault != "" {
		s.stats.fault(string(fault))
	}
	takes := s.takes(number)
	if fault == faultSlow {
		takes += s.opts.Faults.SlowFor
	}
	if !wait(r, takes) {
		return
	}
	if fault == faultReset {
		reset(w)
		return
	}
	s.write(q, s.status(q, number, fault), fault)
}

// status writes the body, honest or not, and returns the status that goes with it.
func (s *Simulator) status(q *request, number uint64, fault fault) int {
	headersRight := s.readHeaders(q, number)
	switch fault {
	case faultServerError:
		return q.serverError()
	case faultGatewayPage:
		q.body.raw(typeHTML, gatewayPage)
		return http.StatusServiceUnavailable
	case faultPage200:
		q.body.raw(typeHTML, gatewayPage)
		return http.StatusOK
	}
	if !headersRight {
		return q.invalidRequest()
	}
	if status := s.admit(q); status != 0 {
		return status
	}
	status := s.answer(q)
	if status < 300 && !accepts(q.r, "application/json") {
		q.body.raw(typeXML, xmlPage)
	}
	return status
}

// write sends the answer with the headers that every answer has.
func (s *Simulator) write(q *request, status int, fault fault) {
	h := q.w.Header()
	h.Set("MS-CorrelationId", q.correlationID)
	h.Set("MS-RequestId", q.requestID)
	h.Set("MS-CV", "Sim"+q.requestID[:13]+".0")
	h.Set("MS-ServerId", "030021721")
	h.Set("Request-Context", "appId=cid-v1:03ce8ca8-8373-4021-8f25-d5dd45c7b12f")
	var mark string
	if s.marks(status, q.body) {
		mark = "\ufeff"
	}
	if q.body.contentType != "" {
		h.Set("Content-Type", q.body.contentType)
	}
	out := q.body.buf
	h.Set("Content-Length", strconv.Itoa(len(mark)+len(out)))
	s.stats.status(status)
	if fault == faultTruncated {
		out = out[:len(out)/2]
	}
	q.w.WriteHeader(status)
	// A caller who has gone away does not read the answer: nothing is left to do about it.
	if mark != "" {
		_, _ = q.w.Write([]byte(mark))
	}
	_, _ = q.w.Write(out)
}

// marks says whether the body starts with a byte-order mark.
func (s *Simulator) marks(status int, b *body) bool {
	if b.contentType != typeJSON || status == http.StatusTooManyRequests {
		return false
	}
	return s.opts.BOM == BOMAlways || s.opts.BOM == BOMOnSuccess && status < 300
}

// takes is the time that an answer takes when nothing goes wrong.
func (s *Simulator) takes(number uint64) time.Duration {
	takes := s.opts.Latency
	if s.opts.Jitter > 0 {
		d := newDice(s.opts.Seed, aboutJitter, number)
		takes += time.Duration(d.share() * float64(s.opts.Jitter))
	}
	return takes
}

// wait is false when the caller went away meanwhile.
func wait(r *http.Request, takes time.Duration) bool {
	if takes <= 0 {
		return true
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// readHeaders reads the two ids, or makes them when they are missing. It is false when one is not a
// GUID.
func (s *Simulator) readHeaders(q *request, number uint64) bool {
	d := newDice(s.opts.Seed, aboutIDs, number)
	right := true
	read := func(name string, into *string) {
		*into = q.r.Header.Get(name)
		if _, err := uuid.Parse(*into); err == nil {
			return
		}
		s.stats.badHeader(name)
		right = right && *into == ""
		*into = d.guid().String()
	}
	read("MS-CorrelationId", &q.correlationID)
	given := q.r.Header.Get("MS-RequestId")
	read("MS-RequestId", &q.requestID)
	if q.requestID == given {
		s.stats.requestID(given, callKey(q.r))
	}
	if !accepts(q.r, "application/json") {
		s.stats.badHeader("Accept")
	}
	return right
}

func accepts(r *http.Request, contentType string) bool {
	for _, value := range r.Header.Values("Accept") {
		if strings.Contains(strings.ToLower(value), contentType) {
			return true
		}
	}
	return false
}

// callKey is what makes two requests the same call: method, address and, on a page, where the list
// goes on.
func callKey(r *http.Request) uint64 {
	return mix(digest(r.Method)) ^ mix(digest(r.URL.Path)+1) ^ mix(digest(r.URL.RawQuery)+
		2) ^ mix(digest(r.Header.Get(continuationHeader))+3)
}
