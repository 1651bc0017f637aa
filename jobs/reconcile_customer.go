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
func (a *attempt) customer(ctx context.Context, listed ledger.Listed) (ledger.Reading, error) {
	c := a.reader(listed.Customer)
	if listed.Customer.Relationship == "" {
		if err := c.relationship(ctx, &listed.Customer); err != nil {
			return ledger.Reading{}, err
		}
	}
	for _, read := range a.readOrder(listed.Known) {
		if a.settled(c.facts, listed.Known) {
			break
		}
		if err := read(&c, ctx); err != nil {
			return ledger.Reading{}, err
		}
	}
	return a.reading(listed, c), nil
}

// reader prepares the reads of a customer. The service is asked for the id as it spells it.
func (a *attempt) reader(customer standing.Customer) reader {
	return reader{service: a.service, id: customer.DisplayID, facts: standing.Facts{
		Partner: a.Kind, Relationship: customer.Relationship, AsOf: standing.DateOf(a.now()),
		AgreementsRead: standing.NotRead, DirectRead: standing.NotRead,
	}}
}

// settled reports whether no further read is needed. After a change of the policy the verdict under
// the old one is needed too: it tells what the change did from what the customer did.
func (a *attempt) settled(facts standing.Facts, known *ledger.Known) bool {
	if !standing.Settled(facts, a.Policy) {
		return false
	}
	return previousRecord(known) == nil || !a.policyChanged() || standing.Settled(facts, a.last.Policy)
}

func (a *attempt) policyChanged() bool { return a.last != nil && a.last.Policy != a.Policy }

// readOrder decides which read comes first. The one that settled the customer's case last time
// does, so that the other need not be made and the reason does not change from night to night
// without a cause. Under another policy last time proves nothing.
func (a *attempt) readOrder(known *ledger.Known) []func(*reader, context.Context) error {
	before := previousRecord(known)
	if before != nil && before.Reason == standing.AcceptedDirectly && a.last != nil && !a.policyChanged() {
		return []func(*reader, context.Context) error{(*reader).direct, (*reader).agreements}
	}
	return []func(*reader, context.Context) error{(*reader).agreements, (*reader).direct}
}

// reading decides on the facts and compares with the ledger.
func (a *attempt) reading(listed ledger.Listed, c reader) ledger.Reading {
	verdict := standing.Decide(c.facts, a.Policy)
	state := standing.State{
		Customer: listed.Customer,
		Standing: verdict.Standing, Reason: verdict.Reason, Remedy: verdict.Remedy,
		Agreements: c.facts.AgreementsRead, Newest: verdict.Newest, Direct: c.facts.DirectAnswer(),
	}
	if listed.Known != nil {
		state.DisplayID = listed.Known.Record.DisplayID
	}
	if verdict.Standing == standing.Unknown {
		state.ReadError = c.failure // empty when every answer came and they make no sense
		a.noteError(c.failure, c.hint)
	}
	before := previousRecord(listed.Known)
	record := standing.Next(before, state, a.run.StartedAt, a.lastReading())
	if listed.Known != nil && listed.Known.Gone {
		record.FirstSeen = listed.Known.Record.FirstSeen
	}
	if before != nil && before.Standing != record.Standing && a.policyChanged() {
		record.PolicyChanged = standing.Decide(c.facts, a.last.Policy).Standing != verdict.Standing
	}
	step := standing.Transition{Before: before, After: &record}
	return ledger.Reading{Record: record, Change: step.Change(), Differs: before == nil || before.State != state}
}

// readUnlisted asks for one customer that the list no longer holds. It is gone only when the answer
// says so; if not, it is read like the others, and counts.
func (a *attempt) readUnlisted(ctx context.Context, listed ledger.Listed) (ledger.Reading, error) {
	found, err := a.service.Customer(ctx, listed.Customer.DisplayID)
	c := a.reader(listed.Customer)
	outcome, err := c.outcome(ctx, err)
	switch {
	case err != nil:
		return ledger.Reading{}, err
	case outcome == standing.OutcomeRelationshipEnded, outcome == standing.OutcomeNotFound:
		return ledger.Reading{Record: listed.Known.Record, Change: standing.Gone, Differs: true, Gone: true}, nil
	case outcome == standing.Read:
		if found.Relationship == "" {
			found.Relationship = listed.Customer.Relationship
		}
		listed.Customer = found
	}
	if _, _, err := a.runs.RecordListed(ctx, a.run, []standing.Customer{listed.Customer}, true); err != nil {
		return ledger.Reading{}, err
	}
	if outcome == standing.OutcomeUnreadable {
		c.facts.AgreementsRead, c.facts.DirectRead = standing.OutcomeUnreadable, standing.OutcomeUnreadable
		return a.reading(listed, c), nil
	}
	return a.customer(ctx, listed)
}

// reader gathers the facts about one customer.
type reader struct {
	service Service
	id      string
	facts   standing.Facts
	failure standing.ReadError // of the read that failed
	hint    string             // what a person can do when most reads fail so
}

func (c *reader) relationship(ctx context.Context, customer *standing.Customer) error {
	found, err := c.service.Customer(ctx, c.id)
	outcome, err := c.outcome(ctx, err)
	switch outcome {
	case standing.Read:
		customer.Relationship, c.facts.Relationship = found.Relationship, found.Relationship
	case standing.OutcomeRelationshipEnded, standing.OutcomeNotFound:
		c.facts.AgreementsRead = outcome
	}
	return err
}

// agreements keeps what was found beside an error, too: it may clear the customer.
func (c *reader) agreements(ctx context.Context) error {
	found, err := c.service.Agreements(ctx, c.id)
	c.facts.Agreements = found
	c.facts.AgreementsRead, err = c.outcome(ctx, err)
	return err
}

func (c *reader) direct(ctx context.Context) error {
	signed, err := c.service.DirectAcceptance(ctx, c.id)
	c.facts.Direct = signed
	c.facts.DirectRead, err = c.outcome(ctx, err)
	return err
}

// outcome turns a read's error into what it says of the customer, or returns it when it concerns
// the whole run. A read that ended because its context did says nothing of the customer.
func (c *reader) outcome(ctx context.Context, err error) (standing.Outcome, error) {
	if err == nil {
		return standing.Read, nil
	}
	failure, ok := errors.AsType[serviceError](err)
	if !ok || failure.Fatal() || ctx.Err() != nil {
		return standing.OutcomeUnreadable, err
	}
	if outcome := failure.Outcome(); outcome != standing.OutcomeUnreadable || c.failure == (standing.ReadError{}) {
		c.failure, c.hint = failure.ReadError(), hintForMany(err)
	}
	return failure.Outcome(), nil
}

// hintForMany is what a person can do when most reads fail with an error, which may be more than
// what helps one customer.
func hintForMany(err error) string {
	type ofMany interface {
		error
		HintForMany() string
	}
	if e, ok := errors.AsType[ofMany](err); ok {
		return e.HintForMany()
	}
	return hintOf(err)
}

// previousRecord is the customer's record in the last completed run; nil when it was not there.
func previousRecord(known *ledger.Known) *standing.Record {
	if known == nil || known.Gone {
		return nil
	}
	return &known.Record
}

// lastReading is when the last completed run read its customers; zero when there was none.
func (a *attempt) lastReading() (at time.Time) {
	if a.last != nil {
		at = a.last.OldestReading
	}
	return at
}
