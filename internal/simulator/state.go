package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// State is what has happened to a simulator: the night, and what was posted. A simulator with the
// same options and this state goes on where the other one was.
type State struct {
	Night    int                   `json:"night"`
	Effects  []Effect              `json:"effects"`
	Accepted []int                 `json:"accepted"` // customers who accepted directly (Accept)
	Enhanced []EnhancedAttestation `json:"enhanced"`
}

// State returns the state as it is now.
func (s *Simulator) State() State {
	state := State{Night: s.World().Night, Effects: s.Effects(), Enhanced: s.Attestations()}
	s.posted.mu.RLock()
	defer s.posted.mu.RUnlock()
	state.Accepted = slices.Sorted(maps.Keys(s.posted.accepted))
	return state
}

// Restore puts the simulator into a state. Answers to the request ids of that time are not
// remembered.
func (s *Simulator) Restore(state State) error {
	if err := s.SetNight(state.Night); err != nil {
		return err
	}
	s.posted.forget()
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	for _, e := range state.Effects {
		var readable bool
		if e.when, readable = readInstant(e.DateAgreed); !readable {
			return fmt.Errorf("agreement %d of the saved state has no date", e.Number)
		}
		s.posted.add(e)
	}
	for _, i := range state.Accepted {
		s.posted.accepted[i] = true
	}
	for _, a := range state.Enhanced {
		s.posted.enhanced = append(s.posted.enhanced, &a)
		s.posted.byID[strings.ToLower(a.ID)] = &a
	}
	return nil
}
