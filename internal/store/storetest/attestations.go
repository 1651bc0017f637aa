package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// attestations are the contract of batches, claims and the chain of events.
var attestations = map[string]func(*testing.T, *fixture){
	"a batch is in the ledger whole or not at all":     importsWhole,
	"a batch comes back as it was imported":            batchRoundTrip,
	"approval is of a file, once":                      approvesOnce,
	"an attestation is claimed by one at a time":       claimedByOne,
	"every request is kept with its answer":            everyRequestIsKept,
	"a read that settles something is kept":            readsAreKept,
	"who cancels is faster than the worker, or not":    cancelledIsNotSent,
	"a claim has the newest reading of the customer":   claimHasTheReading,
	"who lost a claim writes nothing":                  lostClaimWritesNothing,
	"a request ends before its claim does":             requestEndsBeforeItsClaim,
	"claims of a dead process are free at once":        deadClaimIsFree,
	"a lost answer cools down":                         coolsDown,
	"tomorrow's attestation waits until tomorrow":      waitsForItsDay,
	"what a person decides is checked and logged":      decides,
	"the chain is whole":                               chainIsWhole,
	"a batch is purged of personal data":               purges,
	"events are only added":                            eventsAreAppendOnly,
	"the schema and the code know the same states":     statesAgree,
	"a batch is approved as it is imported":            approvesImported,
	"a file of the inbox makes one batch":              inboxFileOnce,
	"rows are matched with the customers they name":    matchesRows,
	"rows of one customer know of each other":          matchesRepetitions,
	"rows are matched with what the ledger holds":      matchesEarlier,
	"a correction is an event of what it corrects":     recordsCorrections,
	"any text comes back as it was":                    anyText,
	"every row belongs to a batch, every person to it": rowsBelong,
	"customers are found by tenant id and by domain":   findsCustomers,
}

const file = "abc123"

// batch imports rows of the given customers, queued.
func (l *fixture) batch(t *testing.T, customers ...string) attestation.Batch {
	t.Helper()
	b, err := l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{File: "may.csv", SHA256: file,
		Form: "{}", Header: []string{"id", "e-mail"}, ImportedBy: attestation.Actor{Name: "ana"},
		ImportedAt: night(1)}, Keep: true},
		func(i *store.Import) error { return i.Add(t.Context(), rows(customers...)) }, unreported)
	require.NoError(t, err)
	return b
}

// unreported is the report of an import that nobody asked for.
func unreported(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil }

func rows(customers ...string) (rows []attestation.Attestation) {
	for n, c := range customers {
		rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: n + 2}, PartnerID: contoso.ID,
			CustomerID: c, CustomerName: "Customer " + c, State: attestation.Queued,
			Cells: []string{c, "ana@example.com"}, Content: attestation.Content{Agreed: "2026-11-20", Evidence: "dms/1",
				Signer: standing.Contact{FirstName: "Ana", LastName: "Souza", Email: c + "@example.com",
					Phone: "+5511987654321"}}})
	}
	return rows
}

// approved is a batch that may be sent, and contoso's queue.
func (l *fixture) approved(t *testing.T, customers ...string) (attestation.Batch, *store.Queue) {
	t.Helper()
	b := l.batch(t, customers...)
	n, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: attestation.Actor{Name: "bea"},
		At: night(1)})
	require.NoError(t, err)
	require.EqualValues(t, len(customers), n)
	return b, l.queue(t)
}

func (l *fixture) queue(t *testing.T) *store.Queue {
	t.Helper()
	q, err := l.Queue(t.Context(), contoso.ID, attestation.Actor{Name: "worker"})
	require.NoError(t, err)
	return q
}

func claim(t *testing.T, q *store.Queue) *attestation.Claim {
	t.Helper()
	c, err := q.Claim(t.Context(), "2026-11-20", attestation.ApprovedWork)
	require.NoError(t, err)
	return c
}

// send opens a request with an id, as if it left.
func send(t *testing.T, q *store.Queue, c *attestation.Claim, id string) {
	t.Helper()
	require.NoError(t, openRequest(t, q, c, id))
}

func openRequest(t *testing.T, q *store.Queue, c *attestation.Claim, id string) error {
	t.Helper()
	return q.Open(t.Context(), c, attestation.Request{Kind: attestation.AttestRequest, ID: id, TemplateID: "template",
		SentAt: night(1)}, time.Minute)
}

// answered is a settlement by the answer to a request.
func answered(state attestation.State, result attestation.SendResult) attestation.Settlement {
	return attestation.Settlement{State: state, Result: result, Answer: attestation.Answer{Status: 201, Code: "7"}}
}

var (
	confirmed = answered(attestation.Confirmed, attestation.ResultSucceeded)
	failed    = answered(attestation.Failed, attestation.ResultCustomerRejected)
	unknown   = attestation.Settlement{State: attestation.Approved, Reason: attestation.NotSettled,
		Result: attestation.ResultUnknown, Wait: time.Minute}
)

func (l *fixture) attestation(t *testing.T, id attestation.ID) attestation.Attestation {
	t.Helper()
	a, err := l.Attestation(t.Context(), id)
	require.NoError(t, err)
	return a
}

func (l *fixture) state(t *testing.T, id attestation.ID) attestation.State {
	t.Helper()
	return l.attestation(t, id).State
}

func importsWhole(t *testing.T, l *fixture) {
	broken := errors.New("line 3 cannot be read")
	_, err := l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(1)}, Keep: true},
		func(i *store.Import) error {
			require.NoError(t, i.Add(t.Context(), rows("a")))
			return broken
		}, unreported)
	require.ErrorIs(t, err, broken)
	b, err := l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(1)}},
		func(i *store.Import) error { return i.Add(t.Context(), rows("a")) },
		func(b attestation.Batch, all iter.Seq2[attestation.Attestation, error]) error {
			for a, err := range all {
				require.NoError(t, err)
				require.Equal(t, "a", a.CustomerID)
			}
			return nil
		})
	require.NoError(t, err)
	require.Equal(t, 1, b.Queued, "a dry run counts, and keeps nothing")
	_, err = l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(1)}, Keep: true},
		func(i *store.Import) error {
			require.NoError(t, i.Add(t.Context(), rows("a")), "it is told later")
			return i.Add(t.Context(), rows("b"))
		}, unreported)
	require.ErrorContains(t, err, "save_attestation", "two rows of one line")
	ctx, cancel := context.WithCancel(t.Context())
	_, err = l.Import(ctx, attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(1)}, Keep: true},
		func(i *store.Import) error {
			require.NoError(t, i.Add(ctx, rows("a")))
			cancel()
			return nil
		}, unreported)
	require.Error(t, err)
	for _, table := range []string{"batch", "attestation", "attestation_signer", "event"} {
		require.Zero(t, l.count(t, "SELECT COUNT(*) FROM "+table), table)
	}
}

func batchRoundTrip(t *testing.T, l *fixture) {
	b := l.batch(t, "a", "b")
	require.Equal(t, attestation.Counts{Rows: 2, Queued: 2}, b.Counts)
	again, err := l.Batch(t.Context(), b.ID)
	require.NoError(t, err)
	b.ImportedAt = again.ImportedAt
	require.Equal(t, b, again)
	var found []attestation.Attestation
	for a, err := range l.Attestations(t.Context(), b.ID) {
		require.NoError(t, err)
		found = append(found, a)
	}
	want := rows("a", "b")
	for i := range want {
		want[i].ID.Batch, want[i].Admitted = b.ID, attestation.Queued
	}
	require.Equal(t, want, found)
}

func approvesOnce(t *testing.T, l *fixture) {
	b := l.batch(t, "a", "b")
	_, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: "another file",
		By: attestation.Actor{Name: "bea"}, At: night(1)})
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Nil(t, claim(t, l.queue(t)), "nothing is sent before")
	n, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: attestation.Actor{Name: "bea"},
		At: night(1)})
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	_, err = l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: attestation.Actor{Name: "cyd"},
		At: night(1)})
	require.ErrorIs(t, err, store.ErrNotFound)
}

func approvesImported(t *testing.T, l *fixture) {
	policy := attestation.ApprovalPolicy{SharedAccount: true, Source: "mcaledger.yaml line 12"}
	ana := attestation.Actor{Name: "ana", UserID: "1000", Host: "desk", Source: attestation.FromSudo}
	nobody := attestation.Actor{Name: "approval: none", UserID: "1000", Host: "desk", Source: attestation.FromPolicy}
	batch := attestation.Batch{File: "may.csv", SHA256: file, Form: "{}", Header: []string{"id"}, ImportedBy: ana,
		ImportedAt: night(1), Policy: policy}
	imported := func(keep bool, rows []attestation.Attestation) attestation.Batch {
		b, err := l.Import(t.Context(), attestation.NewBatch{Batch: batch, Keep: keep,
			Approve: &attestation.Approval{By: nobody, At: night(1), Policy: policy}},
			func(i *store.Import) error { return i.Add(t.Context(), rows) },
			func(_ attestation.Batch, all iter.Seq2[attestation.Attestation, error]) error {
				for a, err := range all {
					require.NoError(t, err)
					require.NotEqual(t, attestation.Approved, a.State, "results say what the import decided")
				}
				return nil
			})
		require.NoError(t, err)
		return b
	}
	imported(false, rows("a"))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM batch"), "a dry run approves nothing")

	refused := rows("a")
	refused[0].State = attestation.Refused
	b, err := l.Batch(t.Context(), imported(true, refused).ID)
	require.NoError(t, err)
	require.True(t, b.ApprovedAt.IsZero(), "there is nothing to approve")

	made := imported(true, rows("b", "c"))
	b, err = l.Batch(t.Context(), made.ID)
	require.NoError(t, err)
	require.Equal(t, []attestation.Actor{ana, nobody}, []attestation.Actor{b.ImportedBy, b.ApprovedBy})
	require.Equal(t, policy, b.Policy)
	require.Equal(t, made.ApprovedBy, b.ApprovedBy)
	require.Equal(t, attestation.Approved, l.state(t, attestation.ID{Batch: made.ID, Line: 3}))
	l.whole(t)
}

func inboxFileOnce(t *testing.T, l *fixture) {
	take := func(name, sha256 string) (attestation.Batch, error) {
		return l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{File: name, SHA256: sha256,
			Form: "{}", Header: []string{"id"}, ImportedAt: night(1), InboxFile: name}, Keep: true},
			func(i *store.Import) error { return i.Add(t.Context(), rows("a")) }, unreported)
	}
	first, err := take("may.csv", "1")
	require.NoError(t, err)
	_, err = take("may.csv", "1")
	require.ErrorIs(t, err, store.ErrInboxFileTaken)
	second, err := take("may.csv", "2")
	require.NoError(t, err, "another content")
	l.batch(t, "x")
	l.batch(t, "x") // not from the inbox: as often as a person likes
	unfinished, err := l.UnfinishedInboxBatches(t.Context())
	require.NoError(t, err)
	require.Len(t, unfinished, 2)
	require.Equal(t, []int64{first.ID, second.ID}, []int64{unfinished[0].ID, unfinished[1].ID})
	require.Equal(t, "may.csv", unfinished[0].InboxFile)
	require.NoError(t, l.FinishInboxFile(t.Context(), first.ID))
	_, err = take("may.csv", "1")
	require.NoError(t, err, "the same file is sent again")
	l.whole(t)
}

func claimedByOne(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a", "b")
	first, second := claim(t, q), claim(t, l.queue(t))
	require.NotEqual(t, first.ID, second.ID)
	require.Nil(t, claim(t, q))
	send(t, q, first, "r1")
	lost, err := q.Claim(t.Context(), "2026-11-20", attestation.UnsureWork)
	require.NoError(t, err)
	require.Nil(t, lost, "what others are working on is not lost")
	require.NoError(t, q.Settle(t.Context(), first, confirmed, night(1)))
	require.Equal(t, attestation.Confirmed, l.state(t, first.ID))
	require.Nil(t, claim(t, q), "what is settled is not claimed")
	require.ErrorIs(t, q.Settle(t.Context(), first, failed, night(1)), attestation.ErrClaimLost)
}

// saved is a night's instant as both databases keep it.
func saved(n int) time.Time { return night(n).Truncate(time.Microsecond) }

func everyRequestIsKept(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a")
	c := claim(t, q)
	require.False(t, c.MaybeDelivered)
	send(t, q, c, "first")
	require.Equal(t, attestation.Unsure, l.attestation(t, c.ID).Status())
	l.exec(t, "UPDATE attestation SET claim_expires = 1, next_attempt_at = 1") // its worker died, and a while passed
	c = claim(t, q)
	require.True(t, c.MaybeDelivered, "it may have taken effect")
	require.Equal(t, []any{"first", "template", attestation.AttestRequest},
		[]any{c.LastRequest.ID, c.LastRequest.TemplateID, c.LastRequest.Kind})
	send(t, q, c, "first")
	require.NoError(t, q.Settle(t.Context(), c, unknown, night(2)))
	l.exec(t, "UPDATE attestation SET next_attempt_at = 1")
	c = claim(t, q)
	send(t, q, c, "first")
	require.NoError(t, q.Settle(t.Context(), c, answered(attestation.Approved, attestation.ResultNotSent), night(3)))
	require.Equal(t, attestation.Approved, l.attestation(t, c.ID).Status())
	c = claim(t, q)
	require.False(t, c.MaybeDelivered)
	send(t, q, c, "second")
	require.NoError(t, q.Settle(t.Context(), c, confirmed, night(4)))
	requests, err := l.Requests(t.Context(), c.ID)
	require.NoError(t, err)
	var kept [][]any
	for _, r := range requests {
		kept = append(kept, []any{r.Number, r.ID, r.Result, r.Answer.Status, r.AnsweredAt})
	}
	require.Equal(t, [][]any{
		{1, "first", attestation.SendResult(""), 0, time.Time{}},
		{2, "first", attestation.ResultUnknown, 0, saved(2)},
		{3, "first", attestation.ResultNotSent, 201, saved(3)},
		{4, "second", attestation.ResultSucceeded, 201, saved(4)},
	}, kept)
	a := l.attestation(t, c.ID)
	require.Equal(t, []any{"second", 201, saved(1), saved(4)}, []any{a.RequestID, a.Answer.Status, a.SentAt,
		a.AnsweredAt})
	l.whole(t)
}

func readsAreKept(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a", "b")
	c := claim(t, q)
	send(t, q, c, "r1")
	require.NoError(t, q.Settle(t.Context(), c, unknown, night(1)))
	l.exec(t, "UPDATE attestation SET next_attempt_at = 0")
	c = claim(t, q)
	require.NoError(t, q.Settle(t.Context(), c, attestation.Settlement{State: attestation.Confirmed,
		Reason: attestation.ReadBack, Result: attestation.ResultSucceeded, Read: true}, night(2)))
	requests, err := l.Requests(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, []any{attestation.ReadRequest, "r1", saved(2), saved(2), attestation.ReadBack},
		[]any{requests[1].Kind, requests[1].ID, requests[1].SentAt, requests[1].AnsweredAt, requests[1].Reason})
	a := l.attestation(t, c.ID)
	require.Equal(t, []any{"r1", saved(1), attestation.ReadBack}, []any{a.RequestID, a.SentAt, a.Reason})

	unsent := claim(t, q)
	require.NoError(t, q.Settle(t.Context(), unsent, attestation.Settlement{State: attestation.Cleared,
		Reason: attestation.AlreadyClear, Result: attestation.ResultNotSent, Read: true}, night(2)))
	a = l.attestation(t, unsent.ID)
	require.Equal(t, []any{"", time.Time{}, attestation.AlreadyClear, attestation.Cleared},
		[]any{a.RequestID, a.SentAt, a.Reason, a.State}, "it was never sent")
	l.whole(t)
}

func lostClaimWritesNothing(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a")
	old := claim(t, q)
	l.exec(t, "UPDATE attestation SET claim_expires = 1")
	require.ErrorIs(t, openRequest(t, q, old, "r"), attestation.ErrClaimLost, "not even before another worker has it")
	young := claim(t, q)
	require.ErrorIs(t, q.Settle(t.Context(), old, confirmed, night(1)), attestation.ErrClaimLost)
	require.ErrorIs(t, q.Settle(t.Context(), old, attestation.Settlement{State: attestation.Approved}, night(1)),
		attestation.ErrClaimLost)
	require.Equal(t, attestation.Approved, l.state(t, old.ID))
	send(t, q, young, "r")
	require.NoError(t, q.Settle(t.Context(), young, failed, night(1)))
}

func cancelledIsNotSent(t *testing.T, l *fixture) {
	b, q := l.approved(t, "a", "b")
	c, sent := claim(t, q), claim(t, q)
	send(t, q, sent, "r")
	require.NoError(t, l.Decide(t.Context(), c.ID, attestation.Approved, attestation.Cancelled,
		attestation.Actor{Name: "ana"}, night(1)))
	require.ErrorIs(t, openRequest(t, q, c, "r"), attestation.ErrClaimLost, "a person was faster than the worker")
	require.ErrorIs(t, l.Decide(t.Context(), attestation.ID{Batch: b.ID, Line: 3}, attestation.Approved,
		attestation.Cancelled, attestation.Actor{Name: "ana"}, night(1)), store.ErrNotFound,
		"its request may have taken effect")
}

func requestEndsBeforeItsClaim(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a")
	before := time.Now()
	c := claim(t, q)
	require.WithinRange(t, c.Until, before, time.Now().Add(240*time.Second), "a minute before the claim runs out")
	l.exec(t, "UPDATE attestation SET claim_expires = claim_expires - 200")
	send(t, q, c, "r")
	l.exec(t, "UPDATE attestation SET claim_expires = claim_expires - 45")
	require.ErrorIs(t, openRequest(t, q, c, "r"), attestation.ErrClaimLost, "the process was stopped for too long")
	require.NoError(t, q.Settle(t.Context(), c, unknown, night(1)),
		"what is known may be saved while nobody else has it")
}

func deadClaimIsFree(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a")
	claim(t, q)
	require.Nil(t, claim(t, l.queue(t)), "its process lives")
	l.exec(t, "UPDATE attestation SET claim_pid = ?, claim_started = '1'", deadProcess(t))
	require.NotNil(t, claim(t, l.queue(t)))
}

func coolsDown(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a", "b", "c")
	answered, died := claim(t, q), claim(t, q)
	send(t, q, answered, "r1")
	send(t, q, died, "r2")
	require.NoError(t, q.Settle(t.Context(), answered, unknown, night(1)))
	n, wait, err := q.OpenRequests(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n, "the other is still claimed")
	require.InDelta(t, 60, wait.Seconds(), 10)
	l.exec(t, "UPDATE attestation SET claim_expires = 0 WHERE line = 3")
	n, wait, err = q.OpenRequests(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.InDelta(t, 60, wait.Seconds(), 10, "one whose process died cools down, too")
	l.exec(t, "UPDATE attestation SET next_attempt_at = next_attempt_at - 50 WHERE line = 2")
	_, wait, err = q.OpenRequests(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 60, wait.Seconds(), 10, "until both may be claimed")
	ready, err := q.CountReady(t.Context(), "2026-11-20", attestation.ApprovedWork)
	require.NoError(t, err)
	require.Equal(t, 1, ready)
	unsettled, err := q.CountUnsettled(t.Context(), "2026-11-20")
	require.NoError(t, err)
	require.Equal(t, attestation.Unsettled{Others: 3}, unsettled)

	l.exec(t, "UPDATE attestation SET next_attempt_at = 2 WHERE line = 2")
	l.exec(t, "UPDATE attestation SET next_attempt_at = 1 WHERE line = 3")
	fresh := claim(t, q)
	require.Equal(t, 4, fresh.ID.Line, "what was never sent comes first")
	require.NoError(t, q.Settle(t.Context(), fresh, attestation.Settlement{State: attestation.Approved}, night(1)))
	lost, err := q.Claim(t.Context(), "2026-11-20", attestation.UnsureWork)
	require.NoError(t, err)
	require.Equal(t, 3, lost.ID.Line, "then what has cooled down for longest")
	lost, err = q.Claim(t.Context(), "2026-11-20", attestation.UnsureWork)
	require.NoError(t, err)
	require.Equal(t, 2, lost.ID.Line)
	lost, err = q.Claim(t.Context(), "2026-11-20", attestation.UnsureWork)
	require.NoError(t, err)
	require.Nil(t, lost)
	require.Equal(t, 4, claim(t, q).ID.Line)
}

func waitsForItsDay(t *testing.T, l *fixture) {
	_, q := l.approved(t, "a")
	c, err := q.Claim(t.Context(), "2026-11-19", attestation.ApprovedWork)
	require.NoError(t, err)
	require.Nil(t, c)
	require.NotNil(t, claim(t, q))
}

func claimHasTheReading(t *testing.T, l *fixture) {
	read := clear("a")
	l.sweep(t, 1, read)
	_, q := l.approved(t, "a", "unread")
	c := claim(t, q)
	require.Equal(t, []any{standing.Clear, standing.Date("2024-05-06")},
		[]any{c.Customer.Standing, c.Customer.OnRecord.Agreed})
	require.False(t, c.LastRead.IsZero())
	require.Equal(t, strings.ToUpper(c.CustomerID), c.ServiceID(), "the service is asked in its own spelling")
	require.Equal(t, []any{saved(1), saved(1), false}, []any{c.ImportedAt, c.ApprovedAt, c.EvenIfClear})
	unknown := claim(t, q)
	require.Equal(t, attestation.Customer{}, unknown.Customer)
	require.Equal(t, unknown.CustomerID, unknown.ServiceID())
}

func decides(t *testing.T, l *fixture) {
	b := l.batch(t, "a", "b")
	id := attestation.ID{Batch: b.ID, Line: 2}
	require.ErrorContains(t, l.Decide(t.Context(), id, attestation.Confirmed, attestation.Approved,
		attestation.Actor{Name: "ana"}, night(1)), "cannot become")
	require.ErrorIs(t, l.Decide(t.Context(), id, attestation.Failed, attestation.Approved,
		attestation.Actor{Name: "ana"}, night(1)), store.ErrNotFound)
	require.NoError(t, l.Decide(t.Context(), id, attestation.Queued, attestation.Cancelled,
		attestation.Actor{Name: "ana"}, night(1)))
	n, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: attestation.Actor{Name: "bea"},
		At: night(1)})
	require.NoError(t, err)
	require.EqualValues(t, 1, n, "what was cancelled is not approved")
	events, err := l.Events(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, []any{"ana", attestation.Cancelled}, []any{events[1].Actor.Name, events[1].To})
	l.whole(t)
}

// story is a batch with a bit of everything in its log.
func (l *fixture) story(t *testing.T) {
	t.Helper()
	b, q := l.approved(t, "a", "b", "c", "d")
	for i, end := range []attestation.Settlement{confirmed, unknown, failed} {
		c := claim(t, q)
		send(t, q, c, fmt.Sprintf("r%d", i))
		require.NoError(t, q.Settle(t.Context(), c, end, night(1)))
	}
	require.NoError(t, l.Decide(t.Context(), attestation.ID{Batch: b.ID, Line: 5}, attestation.Approved,
		attestation.Cancelled, attestation.Actor{Name: "ana"}, night(1)))
}

func (l *fixture) problems(t *testing.T) []ledger.Problem {
	t.Helper()
	found, err := l.Verify(t.Context())
	require.NoError(t, err)
	return found.Problems
}

func (l *fixture) whole(t *testing.T) {
	t.Helper()
	require.Empty(t, l.problems(t))
}

func chainIsWhole(t *testing.T, l *fixture) {
	l.story(t)
	l.whole(t)
	found, err := l.Verify(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 9, found.Events)
	require.Equal(t, 1, found.Batches)
	head, err := l.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, head, found.Head)
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM event WHERE detail LIKE '%example.com%' OR detail LIKE '%Souza%'"),
		"no personal data in the log")
}

// purges: what a batch says of people can be removed; the rest still verifies.
func purges(t *testing.T, l *fixture) {
	b, q := l.approved(t, "a", "b")
	first := claim(t, q)
	send(t, q, first, "r1")
	require.NoError(t, q.Settle(t.Context(), first, confirmed, night(1)))
	_, err := l.Purge(t.Context(), b.ID, ana, night(2))
	require.ErrorIs(t, err, store.ErrUnfinished, "the other one is still to be sent")
	second := claim(t, q)
	send(t, q, second, "r2")
	refusal := attestation.Settlement{State: attestation.RefusedByMicrosoft, Result: attestation.ResultContentRejected,
		Message: "no ana@example.com", Hint: "h"}
	require.NoError(t, q.Settle(t.Context(), second, refusal, night(1)))
	l.whole(t)
	n, err := l.Purge(t.Context(), b.ID, ana, night(2))
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	l.whole(t)
	a, err := l.Attestation(t.Context(), second.ID)
	require.NoError(t, err)
	require.Empty(t, a.Content.Signer)
	require.Empty(t, a.Message)
	require.Equal(t, attestation.RefusedByMicrosoft, a.State)
	l.exec(t, "UPDATE attestation SET evidence = 'x' WHERE line = 2")
	require.NotEmpty(t, l.problems(t), "the rows are still compared")
	_, err = l.Purge(t.Context(), 12345, ana, night(2))
	require.ErrorIs(t, err, store.ErrNotFound)
}

// eventsAreAppendOnly: no statement of the program, and no careless one of a person, changes
// the log.
func eventsAreAppendOnly(t *testing.T, l *fixture) {
	l.story(t)
	for _, statement := range []string{"UPDATE event SET actor = 'nobody'", "DELETE FROM event",
		"DELETE FROM event WHERE sequence = 9"} {
		_, err := l.raw.Exec(statement)
		require.ErrorContains(t, err, "rows of event are only added", statement)
	}
	l.whole(t)
}

func statesAgree(t *testing.T, l *fixture) {
	b := l.batch(t, "a")
	for _, s := range attestation.States() {
		admitted := "queued"
		if s == attestation.Refused || s == attestation.Duplicate || s == attestation.AlreadyKnown {
			admitted = string(s)
		}
		l.exec(t, "UPDATE attestation SET state = ?, admitted = ?, request_count = 1 WHERE batch_id = ?", s, admitted,
			b.ID)
	}
	_, err := l.raw.Exec("UPDATE attestation SET state = 'lost', admitted = 'queued'")
	require.Error(t, err, "the schema knows no other")
}

// matched imports rows that are named and returns what was known of each, by line.
func (l *fixture) matched(t *testing.T, partners []string, found []attestation.Customer,
	named ...attestation.NamedRow) (matches map[int]attestation.Match, unknown []string) {
	t.Helper()
	matches = map[int]attestation.Match{}
	batch := attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(1)}, Partners: partners,
		Rows: func(yield func(attestation.NamedRow, error) bool) {
			for n, row := range named {
				row.Line = n + 2
				if !yield(row, nil) {
					return
				}
			}
		},
		LookUp: func(ids iter.Seq2[string, error]) ([]attestation.Customer, error) {
			for id, err := range ids {
				require.NoError(t, err)
				unknown = append(unknown, id)
			}
			return found, nil
		}}
	_, err := l.Import(t.Context(), batch, func(i *store.Import) error {
		last := 0
		for m, err := range i.Matches(t.Context()) {
			require.NoError(t, err)
			require.Greater(t, m.Line, last, "in the order of the file")
			last = m.Line
			matches[m.Line] = m
		}
		return nil
	}, unreported)
	require.NoError(t, err)
	return matches, unknown
}

func tenant(id string) attestation.NamedRow {
	return attestation.NamedRow{Identity: attestation.Identity{TenantID: id}, Readable: true, Fingerprint: 1}
}

func matchesRows(t *testing.T, l *fixture) {
	shop := clear("b")
	shop.Domain = "Shop.Example.COM"
	l.sweep(t, 1, clear("a"), shop)
	unreadable := tenant("bad")
	unreadable.Readable = false
	both := tenant("a")
	both.Domain = "shop.example.com"
	byDomain := attestation.NamedRow{Identity: attestation.Identity{Domain: "shop.example.com"}, Readable: true}
	noDomain := attestation.NamedRow{Identity: attestation.Identity{Domain: "nobody.example.com"}, Readable: true}
	found := []attestation.Customer{{PartnerID: contoso.ID, ID: "new", Name: "New", Standing: standing.Unknown}}
	matches, unknown := l.matched(t, []string{contoso.ID}, found, tenant("a"), tenant("nobody"), tenant("new"),
		unreadable, both, byDomain, noDomain, tenant("nobody"), attestation.NamedRow{})
	require.Equal(t, []string{"nobody", "new"}, unknown, "once, in the order of the file")
	require.Len(t, matches, 4)
	require.Equal(t, standing.Date("2024-05-06"), matches[2].Customers[0].OnRecord.Agreed)
	require.Equal(t, []any{contoso.ID, "a", standing.Clear}, []any{matches[2].Customers[0].PartnerID,
		matches[2].Customers[0].ID, matches[2].Customers[0].Standing})
	require.Equal(t, []any{"new", "New", standing.Unknown},
		[]any{matches[4].Customers[0].ID, matches[4].Customers[0].Name, matches[4].Customers[0].Standing})
	require.Equal(t, []any{"a", "b"}, []any{matches[6].Customers[0].ID, matches[6].OfDomain[0].ID},
		"the domain is another customer's")
	require.Equal(t, "b", matches[7].Customers[0].ID)
	require.Empty(t, matches[7].OfDomain)
	matches, _ = l.matched(t, []string{fabrikam.ID}, nil, tenant("a"))
	require.Empty(t, matches, "another partner's")
	for _, table := range []string{"import_row", "import_found", "import_domain", "import_repeat"} {
		_, err := l.raw.Exec("SELECT * FROM " + table)
		require.Error(t, err, "nothing is left")
	}
}

func matchesRepetitions(t *testing.T, l *fixture) {
	shop := clear("b")
	shop.Domain = "shop.example.com"
	l.sweep(t, 1, clear("a"), shop, clear("c"), clear("d"))
	says := func(id string, said int64, readable bool) attestation.NamedRow {
		return attestation.NamedRow{Identity: attestation.Identity{TenantID: id}, Readable: readable, Fingerprint: said}
	}
	byDomain := attestation.NamedRow{Identity: attestation.Identity{Domain: "shop.example.com"}, Readable: true,
		Fingerprint: 1}
	matches, _ := l.matched(t, []string{contoso.ID}, nil, says("a", 1, true), says("b", 1, true), says("c", 1, false),
		says("d", 1, true), says("a", 2, true), byDomain, says("c", 1, true), says("a", 1, true), says("c", 1, true))
	shown := map[int][2]int{}
	for line, m := range matches {
		shown[line] = [2]int{m.Readable, m.Contradicts}
	}
	require.Equal(t, map[int][2]int{
		2: {2, 6}, 6: {2, 2}, 9: {2, 6}, // a contradicts itself
		3: {3, 0}, 7: {3, 0}, // b is named by its domain, too
		4: {8, 0}, 8: {8, 0}, 10: {8, 0}, // the first of c cannot be read
		5: {0, 0},
	}, shown)
}

func matchesEarlier(t *testing.T, l *fixture) {
	l.sweep(t, 1, clear("a"), clear("b"), clear("c"))
	first := l.batch(t, "a", "b", "c")
	require.NoError(t, l.Decide(t.Context(), attestation.ID{Batch: first.ID, Line: 3}, attestation.Queued,
		attestation.Cancelled, attestation.Actor{Name: "ana"}, night(1)))
	_, err := l.Approve(t.Context(), attestation.Approval{Batch: first.ID, SHA256: file,
		By: attestation.Actor{Name: "bea"}, At: night(1)})
	require.NoError(t, err)
	q := l.queue(t)
	send(t, q, claim(t, q), "r")
	second := l.batch(t, "a")
	matches, _ := l.matched(t, []string{contoso.ID}, nil, tenant("a"), tenant("b"), tenant("c"))
	require.Equal(t, []attestation.Earlier{
		{ID: attestation.ID{Batch: second.ID, Line: 2}, PartnerID: contoso.ID, State: attestation.Queued,
			Content: matches[2].Earlier[0].Content},
		{ID: attestation.ID{Batch: first.ID, Line: 2}, PartnerID: contoso.ID, State: attestation.Unsure,
			Content: matches[2].Earlier[1].Content},
	}, matches[2].Earlier, "the newest first")
	require.Equal(t, "a@example.com", matches[2].Earlier[0].Content.Signer.Email)
	require.Equal(t, standing.Date("2026-11-20"), matches[2].Earlier[0].Content.Agreed)
	require.Empty(t, matches[3].Earlier, "it was cancelled")
	require.Len(t, matches[4].Earlier, 1)
	l.exec(t, "DELETE FROM attestation_signer")
	matches, _ = l.matched(t, []string{contoso.ID}, nil, tenant("a"))
	require.Empty(t, matches[2].Earlier[0].Content.Signer, "it was purged")
}

func recordsCorrections(t *testing.T, l *fixture) {
	before := l.batch(t, "a")
	again := rows("a", "b")
	again[0].Replaces = attestation.ID{Batch: before.ID, Line: 2}
	b, err := l.Import(t.Context(),
		attestation.NewBatch{Batch: attestation.Batch{ImportedAt: night(2), ImportedBy: attestation.Actor{Name: "ana"}},
			Keep: true}, func(i *store.Import) error { return i.Add(t.Context(), again) }, unreported)
	require.NoError(t, err)
	events, err := l.Events(t.Context(), attestation.ID{Batch: before.ID, Line: 2})
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, []any{ledger.EventCorrect, "ana", fmt.Sprintf(`{"by":"%d-2"}`, b.ID)},
		[]any{last.Kind, last.Actor.Name, last.Detail})
	l.whole(t)
}

func anyText(t *testing.T, l *fixture) {
	odd := []string{`\N`, `\.`, `a\tb`, "a\tb\r\nc", `"quoted", 'and' {braces}`, "São Tomé 日本", "", "\u2028", "NULL"}
	many := rows(odd...)
	for n, text := range odd {
		many[n].CustomerName, many[n].Content.Note, many[n].Cells = text, text, []string{text, "plain", text}
	}
	b, err := l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{SHA256: file, ImportedAt: night(1)},
		Keep: true}, func(i *store.Import) error { return i.Add(t.Context(), many) }, unreported)
	require.NoError(t, err)
	n := 0
	for a, err := range l.Attestations(t.Context(), b.ID) {
		require.NoError(t, err)
		require.Equal(t, []any{odd[n], odd[n], many[n].Cells}, []any{a.CustomerName, a.Content.Note, a.Cells})
		n++
	}
	require.Equal(t, len(odd), n)
	l.whole(t)
}

// rowsBelong stands in for the foreign keys that PostgreSQL does not have.
func rowsBelong(t *testing.T, l *fixture) {
	l.story(t)
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM attestation a LEFT JOIN batch b ON b.id = a.batch_id WHERE b.id "+
		"IS NULL"))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM attestation a LEFT JOIN attestation_signer p ON p.batch_id = "+
		"a.batch_id AND p.line = a.line WHERE p.line IS NULL"))
	require.Zero(t, l.count(t, "SELECT COUNT(*) FROM attestation_signer p LEFT JOIN attestation a ON a.batch_id = "+
		"p.batch_id AND a.line = p.line WHERE a.line IS NULL"))
}

func findsCustomers(t *testing.T, l *fixture) {
	upper := clear("B")
	upper.Domain = "Shop.Example.COM"
	l.sweep(t, 1, clear("a"), upper)
	byID, byDomain := attestation.Identity{TenantID: "a"}, attestation.Identity{Domain: "shop.example.com"}
	found, err := l.Customers(t.Context(), []string{contoso.ID}, []attestation.Identity{byID, byDomain, {},
		{TenantID: "nobody"}})
	require.NoError(t, err)
	require.Equal(t, "2024-05-06", string(found[byID][0].OnRecord.Agreed))
	require.Equal(t, "B", found[byDomain][0].ID)
	require.Equal(t, standing.DirectBill, found[byDomain][0].Kind)
	require.Empty(t, found[attestation.Identity{}])
	none, err := l.Customers(t.Context(), []string{fabrikam.ID}, []attestation.Identity{byID})
	require.NoError(t, err)
	require.Empty(t, none, "another partner's")
}
