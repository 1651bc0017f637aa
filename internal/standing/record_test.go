package standing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func night(n int) time.Time { return time.Date(2026, 11, n, 2, 0, 0, 0, time.UTC) }

// story tells the nights of one customer, from the first of November on.
func story(t *testing.T, states ...State) (records []Record) {
	t.Helper()
	var prev *Record
	for i, s := range states {
		r := Next(prev, s, night(i+1), night(i))
		records = append(records, r)
		prev = &r
	}
	return records
}

var (
	blocked      = State{Standing: Blocked, Reason: NeverAccepted, Direct: DirectNo}
	attested     = State{Standing: Clear, Reason: Attested, Direct: DirectNotRead}
	acceptedSelf = State{Standing: Clear, Reason: AcceptedDirectly, Direct: DirectYes}
	unread       = State{Standing: Unknown, Reason: Unreadable, Direct: DirectNotRead}
)

func TestBlockedSinceSurvivesANightThatCouldNotRead(t *testing.T) {
	r := story(t, attested, blocked, unread, blocked, attested, blocked)
	require.Zero(t, r[0].BlockedSince)
	require.Equal(t, night(2), r[1].BlockedSince)
	require.Equal(t, night(2), r[2].BlockedSince)
	require.Equal(t, night(2), r[3].BlockedSince)
	require.Equal(t, night(4), r[3].StandingSince, "the standing itself began anew")
	require.Zero(t, r[4].BlockedSince)
	require.Equal(t, night(6), r[5].BlockedSince)
}

func TestTheNightOfADirectAcceptanceIsTheOneThatSawNoTurnIntoYes(t *testing.T) {
	r := story(t, blocked, acceptedSelf, acceptedSelf)
	require.Equal(t, night(2), r[1].DirectSince)
	require.Equal(t, night(2), r[2].DirectSince)

	r = story(t, acceptedSelf, acceptedSelf)
	require.Zero(t, r[1].DirectSince, "accepted before we ever looked: the date is not known")

	r = story(t, unread, acceptedSelf)
	require.Zero(t, r[1].DirectSince, "a no that was not read is no no")

	r = story(t, blocked, attested, unread, acceptedSelf)
	require.Equal(t, night(4), r[3].DirectSince, "the last no that was read counts, however long ago")

	r = story(t, blocked, acceptedSelf, attested, acceptedSelf)
	require.Equal(t, night(2), r[3].DirectSince, "not asked in between")
}

func TestANightThatCouldNotReadMakesNoNews(t *testing.T) {
	change := func(states ...State) Change {
		r := story(t, states...)
		return Transition{&r[len(r)-2], &r[len(r)-1]}.Change()
	}
	require.Equal(t, ReadAgain, change(attested, unread, attested))
	require.Equal(t, ReadAgain, change(blocked, unread, unread, blocked))
	require.Equal(t, NewlyBlocked, change(attested, unread, blocked))
	require.Equal(t, NewlyClear, change(blocked, unread, attested))
	require.Equal(t, NewlyBlocked, change(unread, blocked), "never read before")
}

func TestSinceAndFirstSeen(t *testing.T) {
	r := story(t, blocked, blocked, attested, acceptedSelf)
	require.Equal(t, night(1), r[1].StandingSince)
	require.Equal(t, night(3), r[2].StandingSince)
	require.Equal(t, night(3), r[3].StandingSince, "another reason is not another standing")
	for _, record := range r {
		require.Equal(t, night(1), record.FirstSeen)
	}
}

func TestLastReadOfAnUnknownCustomer(t *testing.T) {
	r := story(t, attested, unread, unread, unread)
	require.Zero(t, r[0].LastRead)
	for _, record := range r[1:] {
		require.Equal(t, night(1), record.LastRead)
	}
	require.Zero(t, story(t, unread, unread)[1].LastRead, "never")
}

func TestStep(t *testing.T) {
	was, is := Record{State: blocked}, Record{State: attested}
	for want, step := range map[Change]Transition{
		New:           {After: &is},
		Gone:          {Before: &was},
		NewlyClear:    {&was, &is},
		NewlyBlocked:  {&is, &was},
		NewlyUnknown:  {&is, &Record{State: unread}},
		NewlyExcluded: {&is, &Record{State: State{Standing: Excluded}}},
		Unchanged:     {&is, &Record{State: acceptedSelf}},
		ReadAgain:     {&Record{State: unread, LastRead: night(1)}, &is},
	} {
		require.Equal(t, want, step.Change())
	}
}
