package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// reports are the contract of what a workbook asks of attestations.
var reports = map[string]func(*testing.T, *fixture){
	"blocked customers bring their newest attestation": blockedBringAttestation,
	"entries come by batch, and none is lost":          entriesByBatch,
	"entries that need a person come first":            needsPersonFirst,
	"from an entry to its events, one after another":   trail,
	"what was sent is answered, unsettled or returned": tallies,
	"heads are where the chains end":                   headsEndChains,
	"approval and decisions stand where they belong":   decisionsShow,
	"what came later is taken back":                    laterIsTakenBack,
	"a broken chain shows":                             brokenChainsShow,
}

// mixed imports the given rows as they are.
func (l *fixture) mixed(t *testing.T, rows ...attestation.Attestation) attestation.Batch {
	t.Helper()
	for n := range rows {
		rows[n].ID.Line = n + 2
	}
	b, err := l.Import(t.Context(), attestation.NewBatch{Batch: attestation.Batch{File: "june.csv", SHA256: file,
		Form: "{}", ImportedBy: attestation.Actor{Name: "ana"}, ImportedAt: night(1)}, Keep: true},
		func(i *store.Import) error { return i.Add(t.Context(), rows) }, unreported)
	require.NoError(t, err)
	return b
}

// of is a row about a customer of a partner that came in as state.
func of(partner, customer string, state attestation.State) attestation.Attestation {
	return attestation.Attestation{PartnerID: partner, CustomerID: customer, State: state}
}

func (l *fixture) entries(t *testing.T, partner string, cut ledger.Snapshot) (all []ledger.AttestationEntry) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), partner, cut) {
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

// through is the ledger up to a batch, with all that happened in it.
func through(b attestation.Batch) ledger.Snapshot {
	return ledger.Snapshot{Batch: b.ID, At: night(30)}
}

func blockedBringAttestation(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, blocked("z"), blocked("a"), blocked("b"), clear("c"))
	first := l.batch(t, "a", "b", "c")
	second := l.mixed(t, of(contoso.ID, "a", attestation.Refused), of(contoso.ID, "b", attestation.AlreadyKnown),
		of(fabrikam.ID, "z", attestation.Queued), of(contoso.ID, "b", attestation.Duplicate))
	require.NoError(t, l.Decide(t.Context(), attestation.ID{Batch: first.ID, Line: 4}, attestation.Queued,
		attestation.Cancelled, attestation.Actor{Name: "ana"}, night(1)))
	var found []string
	for c, err := range l.Blocked(t.Context(), contoso.ID, r.ID, through(second)) {
		require.NoError(t, err)
		require.Equal(t, standing.Blocked, c.Standing)
		found = append(found, fmt.Sprint(c.ID, " ", c.Attestation, " ", c.AttestationState))
	}
	require.Equal(t, []string{fmt.Sprintf("a %d-2 queued", first.ID), fmt.Sprintf("b %d-3 already_known", second.ID),
		"z 0-0 "}, found)
}

func entriesByBatch(t *testing.T, l *fixture) {
	first, _ := l.approved(t, "a", "b")
	second := l.mixed(t, of(contoso.ID, "c", attestation.Queued), of("", "", attestation.Refused),
		of(contoso.ID, "d", attestation.Refused))
	third := l.batch(t, "e")
	l.exec(t, "DELETE FROM attestation_signer WHERE batch_id = ? AND line = 3", first.ID)

	var ids []attestation.ID
	all := l.entries(t, contoso.ID, through(second))
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	require.Equal(t, []attestation.ID{{Batch: second.ID, Line: 2}, {Batch: second.ID, Line: 4},
		{Batch: first.ID, Line: 2}, {Batch: first.ID, Line: 3}}, ids,
		"the third batch is not asked for")
	require.Equal(t, "Ana", all[2].Content.Signer.FirstName)
	require.Zero(t, all[3].Content.Signer, "the person was purged, the row stays")
	require.Equal(t, attestation.Batch{ID: first.ID, File: "may.csv", SHA256: file,
		ImportedBy: attestation.Actor{Name: "ana"}, ImportedAt: night(1).Truncate(time.Microsecond),
		ApprovedBy: attestation.Actor{Name: "bea"}, ApprovedAt: night(1).Truncate(time.Microsecond)}, all[2].Batch)
	require.Len(t, l.entries(t, "", through(second)), 1, "of nobody's customer")

	tally, err := l.Tally(t.Context(), through(second))
	require.NoError(t, err)
	require.Equal(t, map[string]ledger.DeliveryTotals{contoso.ID: {Rows: 4}, "": {Rows: 1}}, tally)
	require.Len(t, l.entries(t, contoso.ID, through(third)), 5)
}

func needsPersonFirst(t *testing.T, l *fixture) {
	b, q := l.approved(t, "confirmed", "failed", "waits since the 5th", "refused", "lost", "waits since the 3rd",
		"expired", "accepted", "corrected", "approved")
	var claims []*attestation.Claim
	for range 9 { // all of them before the first one waits: who waits is claimed again
		claims = append(claims, claim(t, q))
	}
	for i, c := range claims {
		line := i + 2
		require.Equal(t, line, c.ID.Line)
		send(t, q, c, fmt.Sprint("r-", line))
		end, n := confirmed, 2
		switch line {
		case 3:
			end = failed
		case 4, 7, 8, 9:
			end, n = attestation.Settlement{State: attestation.Waiting, Result: attestation.ResultSucceeded},
				map[int]int{4: 5, 7: 3, 8: 2, 9: 2}[line]
		case 5, 10:
			end = answered(attestation.RefusedByMicrosoft, attestation.ResultContentRejected)
		case 6:
			end = unknown
		}
		require.NoError(t, q.Settle(t.Context(), c, end, night(n)))
	}
	l.unlockEvents(t)
	for line, state := range map[int]attestation.State{8: attestation.Expired, 9: attestation.Accepted} {
		l.exec(t, "UPDATE attestation SET state = ? WHERE batch_id = ? AND line = ?", state, b.ID, line)
		l.exec(t, "UPDATE event SET to_state = ? WHERE batch_id = ? AND line = ? AND to_state = 'waiting'", state, b.ID,
			line)
	}
	corrected := of(contoso.ID, "corrected", attestation.Queued)
	corrected.Replaces = attestation.ID{Batch: b.ID, Line: 10}
	second := l.mixed(t, corrected, of(contoso.ID, "refused at import", attestation.Refused))
	l.exec(t, "UPDATE batch SET imported_at = ? WHERE id = ?", night(6).Truncate(time.Microsecond), second.ID)
	var ids []string
	since := map[string]time.Time{}
	for _, e := range l.entries(t, contoso.ID, through(second)) {
		id := fmt.Sprintf("%d-%d", e.ID.Batch-b.ID+1, e.ID.Line)
		ids, since[id] = append(ids, id), e.Since
	}
	require.Equal(t, []string{"1-3", "1-5", "1-8", "1-9", "1-6", "1-7", "1-4", "2-2", "2-3", "1-2", "1-10", "1-11"},
		ids)
	for id, n := range map[string]int{"1-2": 2, "1-7": 3, "1-4": 5, "1-11": 1, "2-2": 6, "2-3": 6} {
		require.Equal(t, night(n).Truncate(time.Microsecond), since[id], id)
	}
}

// trail follows the log from the newest event about something to the first.
func trail(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, blocked("a"), blocked("b"))
	first, q := l.approved(t, "b", "a") // the import and its approval
	c := claim(t, q)
	send(t, q, c, "r-1")
	require.NoError(t, q.Settle(t.Context(), c, failed, night(2)))
	other := l.batch(t, "a")
	n, err := l.SetExceptions(t.Context(), []ledger.Exception{{PartnerID: contoso.ID, CustomerID: "b", Owner: "Bea"}},
		attestation.Actor{Name: "ana"}, night(3))
	require.NoError(t, err)
	require.Equal(t, 1, n)

	log := map[int64]ledger.LogEntry{}
	var numbers []int64
	for e, err := range l.EventLog(t.Context(), night(9)) {
		require.NoError(t, err)
		log[e.Sequence] = e
		numbers = append(numbers, e.Sequence)
	}
	counted, err := l.EventNumbers(t.Context(), night(9))
	require.NoError(t, err)
	require.Equal(t, numbers, counted)
	trail := func(last int64) (kinds []ledger.EventKind) {
		for e := log[last]; e.Sequence != 0; e = log[e.Earlier] {
			kinds = append(kinds, e.Kind)
		}
		return kinds
	}
	last := map[attestation.ID]int64{}
	for _, e := range l.entries(t, contoso.ID, through(other)) {
		last[e.ID] = e.LastEvent
	}
	require.Equal(t, []ledger.EventKind{ledger.EventAnswer, ledger.EventSend, ledger.EventApprove, ledger.EventImport},
		trail(last[attestation.ID{Batch: first.ID, Line: 2}]))
	require.Equal(t, []ledger.EventKind{ledger.EventApprove, ledger.EventImport},
		trail(last[attestation.ID{Batch: first.ID, Line: 3}]))
	require.Equal(t, []ledger.EventKind{ledger.EventImport}, trail(last[attestation.ID{Batch: other.ID, Line: 2}]))
	for c, err := range l.Blocked(t.Context(), contoso.ID, r.ID, through(other)) {
		require.NoError(t, err)
		want := []ledger.EventKind(nil)
		if c.ID == "b" {
			want = []ledger.EventKind{ledger.EventException, ledger.EventAnswer, ledger.EventSend, ledger.EventApprove,
				ledger.EventImport}
		}
		require.Equal(t, want, trail(c.LastEvent), c.ID)
	}
	shown, err := l.ExceptionsThen(t.Context(), contoso.ID, r.ID, night(9))
	require.NoError(t, err)
	require.Equal(t, ledger.EventException, log[shown[0].Event].Kind)
}

func tallies(t *testing.T, l *fixture) {
	b, q := l.approved(t, "a", "b", "c", "d", "e", "f", "g")
	for n, end := range []attestation.Settlement{confirmed, answered(attestation.RefusedByMicrosoft,
		attestation.ResultContentRejected), failed, unknown, {}} {
		c := claim(t, q)
		send(t, q, c, fmt.Sprint("r-", n))
		if end.Result != "" {
			require.NoError(t, q.Settle(t.Context(), c, end, night(1)))
		}
	}
	tally := func() ledger.DeliveryTotals {
		all, err := l.Tally(t.Context(), through(b))
		require.NoError(t, err)
		return all[contoso.ID]
	}
	require.Equal(t, ledger.DeliveryTotals{Rows: 7, Sent: 5, Answered: 3, Unsettled: 2}, tally())
	failed := attestation.ID{Batch: b.ID, Line: 4}
	require.NoError(t, l.Decide(t.Context(), failed, attestation.Failed, attestation.Approved,
		attestation.Actor{Name: "ana"}, night(1)))
	require.Equal(t, ledger.DeliveryTotals{Rows: 7, Sent: 5, Answered: 2, Unsettled: 2, Returned: 1}, tally())
	require.NoError(t, l.Decide(t.Context(), failed, attestation.Approved, attestation.Cancelled,
		attestation.Actor{Name: "ana"}, night(1)))
	require.Equal(t, ledger.DeliveryTotals{Rows: 7, Sent: 5, Answered: 2, Unsettled: 2, Returned: 1}, tally())
}

func headsEndChains(t *testing.T, l *fixture) {
	heads, err := l.Heads(t.Context(), night(1))
	require.NoError(t, err)
	require.Empty(t, heads)
	l.approved(t, "a", "b")
	l.batch(t, "c")
	heads, err = l.Heads(t.Context(), night(1))
	require.NoError(t, err)
	require.Len(t, heads, 2)
	require.Equal(t, []any{"may.csv", 1, int64(1)}, []any{heads[0].File, heads[0].Rows, heads[0].Events})
	require.Equal(t, []any{"may.csv", 2, int64(2)}, []any{heads[1].File, heads[1].Rows, heads[1].Events})
	head, err := l.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, ledger.ChainHead{Sequence: 3, Hash: heads[0].Hash}, head)
	has := func(h ledger.ChainHead) bool {
		has, err := l.HasHead(t.Context(), h)
		require.NoError(t, err)
		return has
	}
	require.True(t, has(head))
	require.True(t, has(ledger.ChainHead{Sequence: 2, Hash: heads[1].Hash}), "a head that a report showed earlier")
	require.True(t, has(ledger.ChainHead{}), "of a report that was written before there were any events")
	require.False(t, has(ledger.ChainHead{Sequence: 2, Hash: head.Hash}))
	require.False(t, has(ledger.ChainHead{Sequence: 4, Hash: head.Hash}), "the ledger was rolled back")
}

func laterIsTakenBack(t *testing.T, l *fixture) {
	r := l.sweep(t, 1, blocked("a"))
	b := l.mixed(t, of(contoso.ID, "a", attestation.Queued), of(contoso.ID, "b", attestation.Refused)) // night 1
	_, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: attestation.Actor{Name: "bea"},
		At: night(2)})
	require.NoError(t, err)
	q := l.queue(t)
	send := func(n int, end attestation.Settlement) {
		c, err := q.Claim(t.Context(), standing.DateOf(night(n)), attestation.ApprovedWork)
		require.NoError(t, err)
		require.NoError(t, q.Open(t.Context(), c, attestation.Request{Kind: attestation.AttestRequest, ID: "r",
			SentAt: night(n)}, time.Minute))
		require.NoError(t, q.Settle(t.Context(), c, end, night(n+1)))
	}
	send(3, attestation.Settlement{State: attestation.Failed, Result: attestation.ResultCustomerRejected,
		Reason: attestation.CustomerRefused, Message: "no", Answer: attestation.Answer{Status: 403, Code: "20002"}})
	require.NoError(t, l.Decide(t.Context(), attestation.ID{Batch: b.ID, Line: 2}, attestation.Failed,
		attestation.Approved, attestation.Actor{Name: "ana"}, night(5)))
	send(6, attestation.Settlement{State: attestation.Confirmed, Result: attestation.ResultSucceeded,
		Answer: attestation.Answer{Status: 201}})
	later := l.batch(t, "c")
	l.exec(t, "UPDATE batch SET imported_at = ? WHERE id = ?", night(8).Truncate(time.Microsecond), later.ID)

	for n, want := range map[int]string{
		1: "queued, approved by , sent 0, answered 0: 0  ", 2: "approved, approved by bea, sent 0, answered 0: 0  ",
		3: "unsure, approved by bea, sent 3, answered 0: 0 not_settled ",
		4: "failed, approved by bea, sent 3, answered 4: 403 customer_refused no",
		5: "approved, approved by bea, sent 3, answered 4: 403 customer_refused no",
		6: "unsure, approved by bea, sent 3, answered 0: 0 not_settled ",
		7: "confirmed, approved by bea, sent 3, answered 7: 201  ",
		9: "confirmed, approved by bea, sent 3, answered 7: 201  ",
	} {
		nth := func(at time.Time) int {
			for n := range 10 {
				if at.Equal(night(n).Truncate(time.Microsecond)) {
					return n
				}
			}
			return 0
		}
		cut := ledger.Snapshot{Batch: b.ID, At: night(n)}
		all := l.entries(t, contoso.ID, cut)
		require.Len(t, all, 2, n)
		require.Equal(t, attestation.Refused, all[1].State, n)
		e := all[0]
		require.Equal(t, want, fmt.Sprintf("%s, approved by %s, sent %d, answered %d: %d %s %s", e.Status(),
			e.Batch.ApprovedBy.Name, nth(e.SentAt), nth(e.AnsweredAt), e.Answer.Status, e.Reason,
			e.Message), "night %d", n)
		for c, err := range l.Blocked(t.Context(), contoso.ID, r.ID, cut) {
			require.NoError(t, err)
			require.Equal(t, e.Status(), c.AttestationState, n)
			require.Equal(t, map[bool]int{true: 7}[n >= 7], nth(c.ConfirmedAt), "confirmed by night %d", n)
		}
		tally, err := l.Tally(t.Context(), cut)
		require.NoError(t, err)
		of := tally[contoso.ID]
		require.Equal(t, of.Sent, of.Answered+of.Unsettled+of.Returned, n)
		require.Equal(t, n >= 3, of.Sent == 1, n)
		heads, err := l.Heads(t.Context(), cut.At)
		require.NoError(t, err)
		require.Len(t, heads, map[bool]int{false: 1, true: 2}[n >= 8], n)
		require.EqualValues(t, min(n, 7), heads[len(heads)-1].Events, n)
		chain, err := l.Chain(t.Context(), cut.At)
		require.NoError(t, err)
		require.Equal(t, chain.Events, chain.Verified, n)
		require.Equal(t, chain.Head.Sequence, chain.Verified, n)
	}
}

func decisionsShow(t *testing.T, l *fixture) {
	b := l.batch(t, "a", "b", "c", "d")
	id := func(line int) attestation.ID { return attestation.ID{Batch: b.ID, Line: line} }
	ana, bea := attestation.Actor{Name: "ana", UserID: "7", Host: "h", Source: attestation.FromFlag},
		attestation.Actor{Name: "bea"}
	require.NoError(t, l.Decide(t.Context(), id(2), attestation.Queued, attestation.Cancelled, ana, night(2)))
	_, err := l.Approve(t.Context(), attestation.Approval{Batch: b.ID, SHA256: file, By: bea, At: night(3)})
	require.NoError(t, err)
	require.NoError(t, l.Decide(t.Context(), id(3), attestation.Approved, attestation.Cancelled, ana, night(4)))
	q := l.queue(t)
	c := claim(t, q)
	send(t, q, c, "r")
	require.NoError(t, q.Settle(t.Context(), c, failed, night(5)))
	require.NoError(t, l.Decide(t.Context(), id(4), attestation.Failed, attestation.Approved, ana, night(6)))
	shown := func(n int) (rows []string) {
		all := l.entries(t, contoso.ID, ledger.Snapshot{Batch: b.ID, At: night(n)})
		slices.SortFunc(all, func(a, b ledger.AttestationEntry) int { return a.ID.Line - b.ID.Line })
		for _, e := range all {
			row := fmt.Sprintf("%s, approved by %q", e.State, e.Batch.ApprovedBy.Name)
			if e.Decision != (ledger.Decision{}) {
				row += fmt.Sprintf(", %s by %s", e.Decision.Kind, e.Decision.By.Name)
			}
			rows = append(rows, row)
		}
		return rows
	}
	require.Equal(t, []string{`cancelled, approved by "", cancel by ana`, `approved, approved by "bea"`,
		`approved, approved by "bea"`, `approved, approved by "bea"`}, shown(3))
	require.Equal(t, []string{`cancelled, approved by "", cancel by ana`, `cancelled, approved by "bea", cancel by ana`,
		`approved, approved by "bea", retry by ana`, `approved, approved by "bea"`}, shown(6))
	require.Equal(t, ana, l.entries(t, contoso.ID, ledger.Snapshot{Batch: b.ID, At: night(6)})[0].Decision.By)
	l.whole(t)
}

func brokenChainsShow(t *testing.T, l *fixture) {
	first, _ := l.approved(t, "a")
	second, q := l.approved(t, "b")
	send(t, q, claim(t, q), "r1")
	send(t, q, claim(t, q), "r2")
	l.unlockEvents(t)
	says := func(events, verified int64, why string) {
		t.Helper()
		chain, err := l.Chain(t.Context(), night(30))
		require.NoError(t, err)
		require.Equal(t, []int64{events, verified}, []int64{chain.Events, chain.Verified}, why)
	}
	says(6, 6, "whole")
	l.exec(t, "DELETE FROM event WHERE sequence = 6")
	says(6, 5, "the last event is gone")
	l.exec(t, "DELETE FROM event WHERE batch_id = ? AND line IS NULL", second.ID)
	says(6, 2, "two events in between are gone")
	l.exec(t, "UPDATE event SET actor = 'nobody' WHERE batch_id = ? AND sequence = 1", first.ID)
	says(6, 0, "the first event was changed, so that none after it can be believed")
}

// unlockEvents removes what keeps people from editing the log.
func (l *fixture) unlockEvents(t *testing.T) {
	t.Helper()
	if l.raw.DriverName() == "postgres" {
		l.exec(t, "ALTER TABLE event DISABLE TRIGGER ALL")
		return
	}
	l.exec(t, "DROP TRIGGER event_no_update")
	l.exec(t, "DROP TRIGGER event_no_delete")
}
