package standing

import (
	"strings"
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

func TestBlockedSinceSurvivesUnreadableNights(t *testing.T) {
	r := story(t, attested, blocked, unread, blocked, attested, blocked)
	require.Zero(t, r[0].BlockedSince)
	require.Equal(t, night(2), r[1].BlockedSince)
	require.Equal(t, night(2), r[2].BlockedSince)
	require.Equal(t, night(2), r[3].BlockedSince)
	require.Equal(t, night(4), r[3].StandingSince, "the standing itself began anew")
	require.Zero(t, r[4].BlockedSince)
	require.Equal(t, night(6), r[5].BlockedSince)
}

func TestNightOfDirectAcceptance(t *testing.T) {
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

func TestChangesAfterUnreadableNights(t *testing.T) {
	change := func(states ...State) Change {
		r := story(t, states...)
		return Transition{&r[len(r)-2], &r[len(r)-1]}.Change()
	}
	require.Equal(t, ReadAgain, change(attested, unread, attested))
	require.Equal(t, NewlyBlocked, change(blocked, unread, unread, blocked),
		"or the roll-forward of the blocked would not add up")
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

func TestLastReadOfUnknownCustomer(t *testing.T) {
	r := story(t, attested, unread, unread, unread)
	require.Zero(t, r[0].LastRead)
	for _, record := range r[1:] {
		require.Equal(t, night(1), record.LastRead)
	}
	require.Zero(t, story(t, unread, unread)[1].LastRead, "never")
}

func TestPolicyChangeIsRememberedWhileTheStandingLasts(t *testing.T) {
	t.Parallel()
	changed := Record{State: blocked, PolicyChanged: true}
	require.True(t, Next(&changed, blocked, night(2), night(1)).PolicyChanged)
	require.True(t, Next(&changed, State{Standing: Blocked, Reason: Outdated}, night(2), night(1)).PolicyChanged)
	require.False(t, Next(&changed, attested, night(2), night(1)).PolicyChanged)
}

func TestCanonicalID(t *testing.T) {
	t.Parallel()
	const canonical = "4b2c5f0e-6a2e-4d0b-9a35-1d1f6f3b8a11"
	for _, id := range []string{canonical, strings.ToUpper(canonical), " {" + canonical + "}\n",
		strings.ReplaceAll(canonical, "-", ""), "urn:uuid:" + canonical} {
		require.Equal(t, canonical, CanonicalID(id))
		require.Equal(t, Customer{ID: canonical, DisplayID: id}, CustomerOf(id))
	}
	require.Equal(t, "customer-7", CanonicalID(" Customer-7 "))
}

func TestTransitions(t *testing.T) {
	was, is := Record{State: blocked}, Record{State: attested}
	for want, step := range map[Change]Transition{
		New:           {After: &is},
		NewlyBlocked:  {After: &was},
		Gone:          {Before: &was},
		NewlyClear:    {&was, &is},
		NewlyUnknown:  {&is, &Record{State: unread}},
		NewlyExcluded: {&is, &Record{State: State{Standing: Excluded}}},
		Unchanged:     {&is, &Record{State: acceptedSelf}},
		ReadAgain:     {&Record{State: unread, LastRead: night(1)}, &is},
	} {
		require.Equal(t, want, step.Change())
	}
	require.Equal(t, NewlyBlocked, Transition{&is, &was}.Change())
}
