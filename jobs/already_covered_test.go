package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/jobs"
)

func TestWhatNeedNotBeSentIsNotSent(t *testing.T) {
	t.Parallel()
	signer := standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@example.com"}
	same := []standing.Agreement{{Signer: signer, Agreed: "2026-11-21"}}
	other := []standing.Agreement{{Signer: standing.Contact{FirstName: "Bea", LastName: "Lima",
		Email: "bea@example.com"}, Agreed: "2026-11-21"}}
	clear := attestation.Customer{Standing: standing.Clear, Reason: standing.AcceptedDirectly}
	gone := readFailure{outcome: standing.OutcomeRelationshipEnded}
	for name, c := range map[string]struct {
		change   func(*attestation.Claim)
		onRecord []standing.Agreement
		failure  error
		reads    int
		state    attestation.State
		sent     int
	}{
		"a new row of a blocked customer": {nil, same, nil, 0, attestation.Confirmed, 1},
		"its customer can buy meanwhile": {func(c *attestation.Claim) { c.Customer = clear }, nil,
			nil, 0, attestation.Cleared, 0},
		"that was asked for": {func(c *attestation.Claim) {
			c.Customer,
				c.EvenIfClear = clear, true
		}, nil, nil, 0, attestation.Confirmed, 1},
		"it corrects another one": {func(c *attestation.Claim) {
			c.Customer,
				c.Replaces.Batch = clear, 1
		}, nil, nil, 0, attestation.Confirmed, 1},
		"the last run read the same acceptance": {func(
			c *attestation.Claim) {
			c.Customer.OnRecord = same[0]
		}, nil, nil, 0, attestation.AlreadyOnRecord, 0},
		"older than the last run, nothing on record": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, nil, nil, 1, attestation.Confirmed, 1},
		"older than the last run, and on record": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, same, nil, 1, attestation.AlreadyOnRecord, 0},
		"older than the last run, another's is on record": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, other, nil, 1, attestation.Cleared, 0},
		"approved long ago, and on record": {func(c *attestation.Claim) {
			c.ApprovedAt = today.AddDate(
				0, 0, -2)
		}, same, nil, 1, attestation.AlreadyOnRecord, 0},
		"older than the ledger, a copy, and on record": {func(c *attestation.Claim) {
			c.CopiedAt = today.Add(
				time.Hour)
		}, same, nil, 1, attestation.AlreadyOnRecord, 0},
		"retried after a read, and on record": {func(
			c *attestation.Claim) {
			c.LastRequest.Kind = attestation.ReadRequest
		}, same, nil, 1, attestation.AlreadyOnRecord, 0},
		"sent before, and refused": {func(c *attestation.Claim) {
			c.LastRequest.Kind,
				c.Requests = attestation.AttestRequest, 1
		}, same, nil, 0, attestation.Confirmed, 1},
		"older than the last run, and its customer left": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, nil, gone, 1, attestation.Failed, 0},
		"older than the last run, which cannot be read": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, nil, readFailure{}, 1, attestation.Approved, 0},
		"older than the last run, and nothing can be read": {func(c *attestation.Claim) {
			c.LastRead = today.Add(
				time.Hour)
		}, nil, readFailure{fatal: true}, 1, attestation.Approved, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(1, false)
			d.claims[0].Content = attestation.Content{Signer: signer, Agreed: "2026-11-20"}
			if c.change != nil {
				c.change(&d.claims[0])
			}
			d.onRecord, d.readError = c.onRecord, c.failure
			done, err := d.submit(t)
			failure, _ := c.failure.(readFailure)
			require.Equal(t, failure.fatal, err != nil, "%v", err)
			require.Equal(t, c.reads, d.read)
			require.Len(t, d.attested, c.sent)
			require.Equal(t, c.state, d.settled[0].State)
			require.Equal(t, c.sent, done.Sent)
			if c.state == attestation.Cleared {
				require.Equal(t, jobs.Submitted{Cleared: 1}, done)
			}
		})
	}
}

// readFailure is a failed read.
type readFailure struct {
	outcome standing.Outcome
	fatal   bool
}

func (f readFailure) Error() string { return "no" }
func (f readFailure) Fatal() bool   { return f.fatal }
func (f readFailure) ReadError() standing.ReadError {
	return standing.ReadError{Status: 403, Code: "20002", Message: "no"}
}
func (f readFailure) Outcome() standing.Outcome {
	if f.outcome == "" {
		return standing.OutcomeUnreadable
	}
	return f.outcome
}

// The ledger is put back to what it was before it sent: it reads what Microsoft has, also where the
// service would take everything a second time.
func TestARestoredBackupSendsNothingTwice(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 46, Customers: 300, Mix: simulator.MixAllKinds,
			Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true}})
		b.good(t, 1)
		rows := b.approvedAt(t, today.Add(-time.Hour), 10, simulator.NeverAccepted, simulator.Outdated)
		done, err := b.submit(t, t.Context())
		require.NoError(t, err)
		require.Equal(t, len(rows), done.Confirmed)
		effects := len(b.sim.Effects())
		for _, statement := range []string{"DELETE FROM attestation_request",
			"UPDATE attestation SET state = 'approved', request_count = 0"} {
			require.NoError(t, storetest.Exec(context.Background(), address, statement))
		}
		done, err = b.submit(t, t.Context())
		require.NoError(t, err)
		require.Equal(t, jobs.Submitted{AlreadyOnRecord: len(rows), Customers: done.Customers}, done)
		require.Len(t, b.sim.Effects(), effects)
	})
}

// Requests that take effect and never get an answer are found by reading; those that never arrive
// end with a person.
func TestSendingAgainHasAnEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(1, true)
	d.open = 1
	d.answer = func(int) (attestation.SendResult, error) { return attestation.ResultUnknown, errors.New("no answer") }
	first := d.claims[0]
	d.claims = nil
	for n := range 5 {
		again := first
		again.Requests, again.OpenRequest = n+3, n+3
		d.claims = append(d.claims, again)
	}
	_, err := d.submit(t)
	require.NoError(t, err)
	require.Len(t, d.attested, 2, "after five requests nothing more is sent")
	require.Equal(t, []any{attestation.Failed, attestation.NoAnswer}, []any{d.settled[0].State, d.settled[0].Reason})
	require.Contains(t, d.settled[0].Message, "without an answer")
	require.Contains(t, d.settled[0].Hint, "attest retry 1-0")
}
