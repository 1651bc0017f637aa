package simulator

import (
	"fmt"
	"net/http"
	"slices"
)

// Accept makes a customer accept the agreement directly with Microsoft, as a Global Administrator
// does on the page of the agreement. It fails for tenants that are nobody's customer now, and for
// customers with active subscriptions: these are told to ask their partner (docs/partner-center.md,
// "The rule and its sources").
func (s *Simulator) Accept(tenantID string) error {
	w := s.World()
	i, ok := w.Find(tenantID)
	if !ok || !w.Listed(i) {
		return fmt.Errorf("there is no customer %s tonight", tenantID)
	}
	active := func(s Subscription) bool { return s.Status == "active" }
	if slices.ContainsFunc(w.Customer(i).Subscriptions, active) {
		return fmt.Errorf("customer %s has active subscriptions: reach out to your partner", tenantID)
	}
	s.posted.mu.Lock()
	defer s.posted.mu.Unlock()
	s.posted.accepted[i] = true
	return nil
}

// isSigned reports whether a customer has accepted directly.
func (s *Simulator) isSigned(c Customer) bool {
	s.posted.mu.RLock()
	defer s.posted.mu.RUnlock()
	return c.IsSigned || s.posted.accepted[c.Index]
}

// serveAccept answers POST /simulator/accept?customer=ID.
func (s *Simulator) serveAccept(w http.ResponseWriter, r *http.Request) bool {
	if err := s.Accept(r.URL.Query().Get("customer")); err != nil {
		http.Error(w, "Not accepted: "+err.Error()+".", http.StatusConflict)
		return false
	}
	return true
}
