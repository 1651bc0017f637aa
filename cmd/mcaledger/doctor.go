package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

type doctorReply struct {
	head
	Checks []finding `json:"checks"`
}

// finding is one thing that the doctor looked at.
type finding struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// unwellError: something that a run needs does not work.
type unwellError struct{ failed, of int }

func (e unwellError) Error() string { return fmt.Sprintf("%d of %d checks failed", e.failed, e.of) }

func (a *app) doctorCommand() *cobra.Command {
	r := &doctorReply{head: head{Command: "doctor"}, Checks: []finding{}}
	return a.command("doctor", "check configuration, database, sign-in, clock and one read of each kind", r, func() error {
		c, err := a.load()
		a.note(r, "configuration", "complete, for "+c.Names(), err)
		if err != nil {
			return err
		}
		a.examineDatabase(r, c)
		for _, p := range c.Partners {
			a.examinePartner(r, c, p)
		}
		failed := 0
		for _, f := range r.Checks {
			if !f.OK {
				failed++
			}
		}
		if a.ctx.Err() != nil {
			return context.Cause(a.ctx)
		}
		if failed > 0 {
			return unwellError{failed, len(r.Checks)}
		}
		return nil
	})
}

// note adds a finding and tells it.
func (a *app) note(r *doctorReply, check, fine string, err error) bool {
	f := finding{Check: check, OK: err == nil, Message: fine}
	if err != nil {
		p := explain(err)
		f.Message, f.Hint = p.Message, p.Hint
	}
	r.Checks = append(r.Checks, f)
	if f.OK {
		a.printf("OK    %s: %s\n", f.Check, f.Message)
	} else {
		a.printf("FAIL  %s: %s\n      %s\n", f.Check, f.Message, f.Hint)
	}
	return f.OK
}

// clockTolerance is how far clocks may differ before days and leases go wrong.
const clockTolerance = time.Minute

func (a *app) examineDatabase(r *doctorReply, c config.Config) {
	s, err := store.Open(a.ctx, c.Database)
	if err != nil {
		a.note(r, "database", "", atDatabase(c, err))
		return
	}
	defer s.Close()
	have, know, err := s.Schema(a.ctx)
	switch {
	case err != nil:
		err = atDatabase(c, err)
	case have > know:
		err = atDatabase(c, fmt.Errorf("%w (%d; this one knows %d)", store.ErrNewerSchema, have, know))
	}
	fine := fmt.Sprintf("schema version %d", have)
	if have < know {
		fine = fmt.Sprintf("schema version %d; the next run, or mcaledger migrate, brings it to %d", have, know)
	}
	a.note(r, "database", fine, err)
	if now, err := s.Now(a.ctx); err == nil {
		a.note(r, "clock of the database", "as here", differs(now, time.Now()))
	}
}

// differs returns an error when two clocks are too far apart.
func differs(there, here time.Time) error {
	if d := there.Sub(here).Round(time.Second); d.Abs() > clockTolerance {
		return clockError{d}
	}
	return nil
}

type clockError struct{ by time.Duration }

func (e clockError) Error() string {
	return fmt.Sprintf("it differs from this host's by %s", e.by)
}

func (a *app) examinePartner(r *doctorReply, c config.Config, p config.Partner) {
	options, err := a.clientOptions(c, p)
	if !a.note(r, p.Name+": credentials", "readable", err) {
		return
	}
	clock := &listeningTransport{next: http.DefaultTransport}
	options.CorrelationID, options.Transport = uuid.NewString(), clock
	options.Attempts = min(2, options.Attempts) // somebody is waiting
	client, err := partnercenter.New(options)
	if err == nil {
		defer client.Close()
		err = client.CheckToken(a.ctx)
	}
	if !a.note(r, p.Name+": sign-in", "an access token was given", err) {
		return
	}
	customer, err := firstReseller(a.ctx, client)
	if a.note(r, p.Name+": list", "one page of customers was read", err) {
		a.examineReads(r, p, client, customer)
	}
	if at := clock.date.Load(); at != nil {
		a.note(r, p.Name+": clock of the service", "as here", differs(*at, time.Now()))
	}
}

func (a *app) examineReads(r *doctorReply, p config.Partner, client *partnercenter.Client, customer standing.Customer) {
	if customer.ID == "" {
		a.note(r, p.Name+": agreements", "there is no customer to read", nil)
		return
	}
	_, err := client.Agreements(a.ctx, customer.ID)
	a.note(r, p.Name+": agreements", "one customer's were read", err)
	_, err = client.DirectAcceptance(a.ctx, customer.ID)
	a.note(r, p.Name+": direct acceptance", "one customer's was read", err)
}

// firstReseller reads one page of customers and returns one that buys through the partner.
func firstReseller(ctx context.Context, client *partnercenter.Client) (standing.Customer, error) {
	for page, err := range client.Customers(ctx) {
		if err != nil {
			return standing.Customer{}, err
		}
		for _, c := range page {
			if c.Relationship == standing.Reseller {
				return c, nil
			}
		}
		break
	}
	return standing.Customer{}, nil
}

// listeningTransport remembers the service's clock.
type listeningTransport struct {
	next http.RoundTripper
	date atomic.Pointer[time.Time]
}

func (t *listeningTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			t.date.Store(&at)
		}
	}
	return resp, err
}
