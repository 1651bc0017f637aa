package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// SetNight moves the world to night n, from 1. Requests on their way see the one or the other.
func (s *Simulator) SetNight(n int) error {
	if n < 1 {
		return fmt.Errorf("night %d: nights count from 1", n)
	}
	s.night.Store(int64(n))
	return nil
}

// Reset forgets the statistics, the quotas' windows, the faults that calls have met, the token
// requests refused as unavailable, and everything that was posted: the effects, their agreements on
// record, the request ids and direct acceptances. The night and the tokens stay.
func (s *Simulator) Reset() {
	s.stats.forget()
	s.quota.forget()
	s.writes.forget()
	s.faults.forget()
	s.losses.forget()
	s.posted.forget()
	s.tokens.forget()
}

func (s *Simulator) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /simulator/stats":
	case "GET /simulator/effects":
		s.tellEffects(w)
		return
	case "GET /simulator/attestations":
		s.tellAttestations(w)
		return
	case "POST /simulator/attestations/accept":
		if err := s.AcceptAttestation(r.URL.Query().Get("id")); err != nil {
			http.Error(w, err.Error()+".", http.StatusConflict)
			return
		}
	case "POST /simulator/reset":
		s.Reset()
	case "POST /simulator/night":
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil {
			http.Error(w, "The night is a whole number: POST /simulator/night?n=2.", http.StatusBadRequest)
			return
		}
		if err := s.SetNight(n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	case "POST /simulator/accept":
		if !s.serveAccept(w, r) {
			return
		}
	default:
		http.Error(w, "The simulator has GET /simulator/stats, GET /simulator/effects, GET /simulator/attestations, "+
			"POST /simulator/reset, "+
			"POST /simulator/night?n=2, POST /simulator/accept?customer=ID and POST "+
			"/simulator/attestations/accept?id=ID.", http.StatusNotFound)
		return
	}
	s.tell(w)
}

// tell answers with the night and the statistics as they are now.
func (s *Simulator) tell(w http.ResponseWriter) {
	w.Header().Set("Content-Type", typeJSON)
	text, err := json.MarshalIndent(struct {
		Night int64 `json:"night"`
		Stats
	}{s.night.Load(), s.Stats()}, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(append(text, '\n')) // a caller who has gone away does not read it
}

// tellEffects answers with a list of Effect, one on each line.
func (s *Simulator) tellEffects(w http.ResponseWriter) {
	w.Header().Set("Content-Type", typeJSON)
	separator := "["
	for _, effect := range s.Effects() {
		text, err := json.Marshal(effect)
		if err != nil {
			panic(http.ErrAbortHandler) // the list has begun: an end without its bracket is all that can be said
		}
		if _, err := fmt.Fprintf(w, "%s\n%s", separator, text); err != nil {
			return // the caller has gone away
		}
		separator = ","
	}
	if separator == "[" {
		separator = "[]"
	} else {
		separator = "\n]"
	}
	_, _ = fmt.Fprintln(w, separator)
}
