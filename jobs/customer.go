package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// serviceError is a failed read that says something about the one customer, unless it is fatal for
// the run.
type serviceError interface {
	error
	Fatal() bool
	Outcome() standing.Outcome
	ReadError() standing.ReadError
}

// customer reads one listed customer and decides. A failed read is part of the result; only a
// failure of the run is an error.
func (s *sweep) customer(ctx context.Context, listed ledger.Listed) (ledger.Reading, error) {
	c := reader{service: s.service, id: listed.Customer.DisplayID, facts: standing.Facts{
		Partner: s.Kind, Relationship: listed.Customer.Relationship, AsOf: standing.DateOf(s.now()),
		AgreementsRead: standing.NotRead, DirectRead: standing.NotRead,
	}}
	if listed.Customer.Relationship == "" {
		if err := c.relationship(ctx, &listed.Customer); err != nil {
			return ledger.Reading{}, err
		}
	}
	for _, read := range s.readOrder(listed.Known) {
		if standing.Settled(c.facts, s.Policy) {
			break
		}
		if err := read(&c, ctx); err != nil {
			return ledger.Reading{}, err
		}
	}
	return s.reading(listed, c), nil
}

// readOrder decides which read comes first. The one that settled the customer's case last time
// does, so that the other need not be made and the reason does not change from night to night for
// no reason. Under another policy last time proves nothing.
func (s *sweep) readOrder(known *ledger.Known) []func(*reader, context.Context) error {
	before := previousRecord(known)
	if before != nil && before.Reason == standing.AcceptedDirectly && s.last != nil && s.last.Policy == s.Policy {
		return []func(*reader, context.Context) error{(*reader).direct, (*reader).agreements}
	}
	return []func(*reader, context.Context) error{(*reader).agreements, (*reader).direct}
}

// reading decides on the facts and compares with what the ledger has.
func (s *sweep) reading(listed ledger.Listed, c reader) ledger.Reading {
	verdict := standing.Decide(c.facts, s.Policy)
	customer := listed.Customer
	if listed.Known != nil {
		customer.DisplayID = listed.Known.Record.DisplayID
	}
	state := standing.State{
		Customer: customer,
		Standing: verdict.Standing, Reason: verdict.Reason, Remedy: verdict.Remedy,
		Agreements: c.facts.AgreementsRead, Newest: verdict.Newest, Direct: c.facts.DirectAnswer(),
	}
	if verdict.Standing == standing.Unknown {
		state.ReadError = c.trouble // empty when every answer came and they make no sense
	}
	step := standing.Transition{Before: previousRecord(listed.Known)}
	record := standing.Next(step.Before, state, s.run.StartedAt, s.lastReading())
	if listed.Known != nil && listed.Known.Gone {
		record.FirstSeen = listed.Known.Record.FirstSeen
	}
	step.After = &record
	return ledger.Reading{Record: record, Change: step.Change(), Differs: step.Before == nil || step.Before.State != state}
}

// readUnlisted asks for one customer that the list no longer holds. It is gone only when the answer
// says so; if not, it is read like everybody else, and counts.
func (s *sweep) readUnlisted(ctx context.Context, listed ledger.Listed) (ledger.Reading, error) {
	found, err := s.service.Customer(ctx, listed.Customer.DisplayID)
	failure, isFailure := errors.AsType[serviceError](err)
	switch {
	case err == nil:
		if found.Relationship == "" {
			found.Relationship = listed.Customer.Relationship
		}
		listed.Customer = found
	case !isFailure || failure.Fatal():
		return ledger.Reading{}, err
	case failure.Outcome() != standing.Failed:
		return ledger.Reading{Record: listed.Known.Record, Change: standing.Gone, Differs: true, Gone: true}, nil
	}
	if _, err := s.runs.RecordListed(ctx, s.run, []standing.Customer{listed.Customer}, true); err != nil {
		return ledger.Reading{}, err
	}
	if failure != nil {
		c := reader{facts: standing.Facts{AgreementsRead: standing.Failed, DirectRead: standing.Failed, Partner: s.Kind,
			Relationship: listed.Customer.Relationship, AsOf: standing.DateOf(s.now())}, trouble: failure.ReadError()}
		return s.reading(listed, c), nil
	}
	return s.customer(ctx, listed)
}

// reader gathers the facts about one customer.
type reader struct {
	service Service
	id      string
	facts   standing.Facts
	trouble standing.ReadError // of the read that failed
}

func (c *reader) relationship(ctx context.Context, customer *standing.Customer) error {
	found, err := c.service.Customer(ctx, c.id)
	outcome, err := c.outcome(err)
	if outcome == standing.Read {
		customer.Relationship, c.facts.Relationship = found.Relationship, found.Relationship
	} else if outcome != standing.Failed {
		c.facts.AgreementsRead = outcome
	}
	return err
}

func (c *reader) agreements(ctx context.Context) error {
	found, err := c.service.Agreements(ctx, c.id)
	c.facts.Agreements = found
	c.facts.AgreementsRead, err = c.outcome(err)
	return err
}

func (c *reader) direct(ctx context.Context) error {
	signed, err := c.service.DirectAcceptance(ctx, c.id)
	c.facts.Direct = signed
	c.facts.DirectRead, err = c.outcome(err)
	return err
}

// outcome turns a read's error into what it says of the customer, or returns it when it concerns
// the whole run.
func (c *reader) outcome(err error) (standing.Outcome, error) {
	if err == nil {
		return standing.Read, nil
	}
	failure, ok := errors.AsType[serviceError](err)
	if !ok || failure.Fatal() {
		return standing.Failed, err
	}
	if outcome := failure.Outcome(); outcome != standing.Failed || c.trouble == (standing.ReadError{}) {
		c.trouble = failure.ReadError()
	}
	return failure.Outcome(), nil
}

// lastReading is when the last completed run read its customers; zero when there was none.
func (s *sweep) lastReading() (at time.Time) {
	if s.last != nil {
		at = s.last.OldestReading
	}
	return at
}
