package simulator

import (
	"maps"
	"strconv"
	"sync"
)

// Stats is what has been asked since New or the last reset.
type Stats struct {
	// Requests counts API requests by kind: list, customer, agreements, attest (the POST), create
	// and state (of the enhanced route), direct, subscriptions, metadata, document, invitation,
	// audit and unknown. Throttled and faulty ones are counted too.
	Requests map[string]int64 `json:"requests"`
	// APIRequests is the sum of Requests.
	APIRequests int64 `json:"apiRequests"`
	// Statuses counts API answers by HTTP status; resets and callers who went away have none.
	Statuses map[string]int64 `json:"statuses"`
	// Throttled counts 429s sent.
	Throttled int64 `json:"throttled"`
	// WhileToldToWait counts requests that arrived after a 429 was sent (plus the latency and 50
	// ms, for those in flight) and before its Retry-After was over. A well-behaved client has none.
	WhileToldToWait int64 `json:"whileToldToWait"`
	// Faults counts accidents by the names of the fields of Faults; those of attestations are
	// LostRequests.… and LostAnswers.….
	Faults map[string]int64 `json:"faults"`
	// Tokens counts access tokens issued, by grant: refresh_token and client_credentials.
	Tokens map[string]int64 `json:"tokens"`
	// TokenRefusals counts refused token requests by AADSTS number, and by "unavailable".
	TokenRefusals map[string]int64 `json:"tokenRefusals"`
	// TokensKilled counts how often all access tokens were made worthless.
	TokensKilled int64 `json:"tokensKilled"`
	// MaxInFlight is the greatest number of API requests at once.
	MaxInFlight int64 `json:"maxInFlight"`
	// RequestIDs counts distinct values of MS-RequestId.
	RequestIDs int64 `json:"requestIds"`
	// RepeatedRequestIDs counts requests that repeated one, as a retry does.
	RepeatedRequestIDs int64 `json:"repeatedRequestIds"`
	// RequestIDsOnAnotherCall counts repeats on another address: a client's mistake.
	RequestIDsOnAnotherCall int64 `json:"requestIdsOnAnotherCall"`
	// BadHeaders counts requests with a missing or malformed header, by header.
	BadHeaders map[string]int64 `json:"badHeaders"`
	// Attestations counts the POSTs of agreements; Effects has every one that was done.
	Attestations AttestationStats `json:"attestations"`
	// Created counts step 1 of the enhanced route; Attestations has every one that was
	// done.
	Created AttestationStats `json:"created"`
}

// AttestationStats counts POSTs. Received = TookEffect + AnsweredAgain +
// ReusedRequestIDs + the sum of Refused, and besides the requests that were lost, were sent to a
// broken customer, or whose caller went away before anything was done.
type AttestationStats struct {
	// Received counts them all, those refused with 429 and the lost ones too.
	Received int64 `json:"received"`
	// TookEffect counts those that were done, whether or not the answer came back: the length of
	// Effects.
	TookEffect int64 `json:"tookEffect"`
	// AnsweredAgain counts repeats, under one request id with the same bytes, that got the first
	// answer again.
	AnsweredAgain int64 `json:"answeredAgain"`
	// ReusedRequestIDs counts requests refused because their request id had come with other bytes:
	// a client's mistake.
	ReusedRequestIDs int64 `json:"reusedRequestIds"`
	// Refused counts the other refusals by code, or by status where the answer has no code, as it
	// is with 429.
	Refused map[string]int64 `json:"refused"`
	// CustomersWithSeveral counts customers for whom more than one agreement was created.
	CustomersWithSeveral int64 `json:"customersWithSeveral"`
}

// stats counts. Request ids are remembered for two times `remembered` requests, and then forgotten.
type stats struct {
	mu       sync.Mutex
	now      Stats
	inFlight int64
	ids      map[uint64]uint64 // call by request id
	idsOld   map[uint64]uint64
}

func newStats() *stats {
	s := &stats{}
	s.forget()
	return s
}

// Stats returns a copy of the counts so far.
func (s *Simulator) Stats() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	copied := s.stats.now
	for _, counts := range []*map[string]int64{
		&copied.Requests, &copied.Statuses, &copied.Faults, &copied.Tokens, &copied.TokenRefusals, &copied.BadHeaders,
		&copied.Attestations.Refused, &copied.Created.Refused,
	} {
		*counts = maps.Clone(*counts)
	}
	return copied
}

func (s *stats) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = Stats{
		Requests: map[string]int64{}, Statuses: map[string]int64{}, Faults: map[string]int64{},
		Tokens: map[string]int64{}, TokenRefusals: map[string]int64{}, BadHeaders: map[string]int64{},
		Attestations: AttestationStats{Refused: map[string]int64{}},
		Created:      AttestationStats{Refused: map[string]int64{}},
	}
	s.ids, s.idsOld = map[uint64]uint64{}, nil
}

func (s *stats) arrive(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Requests[string(c)]++
	s.now.APIRequests++
	if c.isWrite() {
		s.written(c).Received++
	}
	s.inFlight++
	s.now.MaxInFlight = max(s.now.MaxInFlight, s.inFlight)
}

func (s *stats) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

func (s *stats) status(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Statuses[strconv.Itoa(status)]++
}

func (s *stats) throttle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Throttled++
}

func (s *stats) offend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.WhileToldToWait++
}

func (s *stats) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.TokensKilled++
}

func (s *stats) fault(name string)           { s.add(&s.now.Faults, name) }
func (s *stats) token(grant string)          { s.add(&s.now.Tokens, grant) }
func (s *stats) refusal(code string)         { s.add(&s.now.TokenRefusals, code) }
func (s *stats) badHeader(name string)       { s.add(&s.now.BadHeaders, name) }
func (s *stats) refused(c call, code string) { s.add(&s.written(c).Refused, code) }

// written are the counts of a call that has an effect.
func (s *stats) written(c call) *AttestationStats {
	if c == callCreate {
		return &s.now.Created
	}
	return &s.now.Attestations
}

// effect counts what was created, the nth of its customer.
func (s *stats) effect(c call, nth int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.written(c)
	counts.TookEffect++
	if nth == 2 {
		counts.CustomersWithSeveral++
	}
}

func (s *stats) repeat(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written(c).AnsweredAgain++
}

func (s *stats) reuse(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written(c).ReusedRequestIDs++
}

// add takes a pointer to the field, because a reset puts a new map there.
func (s *stats) add(counts *map[string]int64, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	(*counts)[name]++
}

// requestID counts an id of a call.
func (s *stats) requestID(id string, call uint64) {
	key := digest(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, seen := s.ids[key]
	if !seen {
		before, seen = s.idsOld[key]
	}
	if seen {
		s.now.RepeatedRequestIDs++
		if before != call {
			s.now.RequestIDsOnAnotherCall++
		}
		return
	}
	s.now.RequestIDs++
	if len(s.ids) >= remembered {
		s.ids, s.idsOld = map[uint64]uint64{}, s.ids
	}
	s.ids[key] = call
}
