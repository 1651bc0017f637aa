package ledger

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// balanced is a night in which everything adds up: 100 customers before, 9 of them blocked; 3 are
// new, one of them blocked; 2 were missing from the list, of whom 1 was still there, and 1 that was
// blocked is gone; 1 that was blocked is clear.
func balanced() Totals {
	s := Standings{Clear: 90, Blocked: 8, Unknown: 3, Excluded: 1}
	return Totals{Listed: 102, Unlisted: 2, FoundUnlisted: 1, Standings: s, New: 3, Gone: 1, GoneConfirmed: 1,
		Ledger: s, Unreadable: 2, Absent: 1, NewlyBlocked: 1, NoLongerBlocked: 1, GoneBlocked: 1}
}

func lastNight(listed int) Totals {
	return Totals{Listed: listed, Standings: Standings{Blocked: 9}, Unreadable: 1, Absent: 1}
}

func failedChecks(t *testing.T, checks []Check) (failed []CheckName) {
	t.Helper()
	for _, check := range checks {
		if !check.OK {
			failed = append(failed, check.Name)
			require.NotEmpty(t, check.Detail)
		}
	}
	require.Equal(t, len(failed) == 0, AllPassed(checks))
	return failed
}

func TestSweepChecks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Totals)
		last   int
		fails  []CheckName
	}{
		"everything adds up": {func(*Totals) {}, 100, nil},
		"a listed customer was never read": {func(t *Totals) { t.Listed++; t.New++ }, 100,
			[]CheckName{CheckStandings}},
		"a customer vanished without a trace": {func(t *Totals) { t.Gone-- }, 100,
			[]CheckName{CheckContinuity, CheckGone}},
		"gone without a read that says so": {func(t *Totals) { t.GoneConfirmed = 0 }, 100,
			[]CheckName{CheckGone}},
		"the ledger has one more": {func(t *Totals) { t.Ledger.Clear++ }, 100,
			[]CheckName{CheckLedger}},
		"the ledger mixes two standings up": {func(t *Totals) { t.Ledger.Clear++; t.Ledger.Blocked-- }, 100,
			[]CheckName{CheckLedger}},
		"a blocked customer came from nowhere": {func(t *Totals) { t.NewlyBlocked-- }, 100,
			[]CheckName{CheckBlocked}},
		"a blocked customer is no longer accounted": {func(t *Totals) { t.GoneBlocked-- }, 100,
			[]CheckName{CheckBlocked}},
		"as many missing as may be":                 {func(t *Totals) { t.Unlisted = 5 }, 100, nil},
		"one more missing than may be":              {func(t *Totals) { t.Unlisted = 6 }, 100, []CheckName{CheckList}},
		"one missing of nineteen is always allowed": {func(t *Totals) { t.Unlisted, t.New = 1, 84 }, 19, nil},
		"two missing of nineteen are too many": {func(t *Totals) { t.Unlisted, t.New = 2, 84 }, 19,
			[]CheckName{CheckList}},
		"an empty list of a partner that had some": {func(t *Totals) { *t = Totals{Unlisted: 100} }, 100,
			[]CheckName{CheckList}},
		"only those found by a read are no list": {func(t *Totals) { t.FoundUnlisted = 102 }, 100,
			[]CheckName{CheckList}},
		"as many unreadable as are believed": {func(t *Totals) { t.Unreadable = 6 }, 100, nil},
		"one more unreadable than is believed": {func(t *Totals) { t.Unreadable = 7 }, 100,
			[]CheckName{CheckReadable}},
		"as many absent as are believed":   {func(t *Totals) { t.Absent = 6 }, 100, nil},
		"one more absent than is believed": {func(t *Totals) { t.Absent = 7 }, 100, []CheckName{CheckPresent}},
		"both waves": {func(t *Totals) { t.Absent, t.Unreadable = 50, 50 }, 100,
			[]CheckName{CheckReadable, CheckPresent}},
		"two errors at once": {func(t *Totals) { t.Unreadable, t.GoneConfirmed = 50, 0 }, 100,
			[]CheckName{CheckReadable, CheckGone}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			totals := balanced()
			c.change(&totals)
			checks := CheckSweep(totals, lastNight(c.last), Limits{MaxGonePercent: 5})
			require.Equal(t, c.fails, failedChecks(t, checks))
		})
	}
}

// customers is a run of which nothing else is known than how many customers had which standing.
func customers(clear, blocked, unreadable, absent, excluded int) Totals {
	s := Standings{Clear: clear, Blocked: blocked, Unknown: unreadable + absent, Excluded: excluded}
	return Totals{Listed: s.Sum(), Standings: s, Ledger: s, Unreadable: unreadable, Absent: absent, New: s.Sum(),
		NewlyBlocked: blocked}
}

func TestWaves(t *testing.T) {
	t.Parallel()
	first := Totals{}
	for _, c := range []struct {
		name      string
		now, last Totals
		percent   float64
		fails     []CheckName
	}{
		{"first night, all is well", customers(90, 10, 0, 0, 0), first, 5, nil},
		{"first night, many unreadable", customers(10, 0, 90, 0, 0), first, 5, nil},
		{"first night, many absent", customers(0, 1, 0, 99, 0), first, 5, nil},
		{"first night, nobody readable", customers(0, 0, 40, 0, 0), first, 5, []CheckName{CheckReadable}},
		{"first night, nobody readable but the excluded", customers(0, 0, 40, 0, 60), first, 5,
			[]CheckName{CheckReadable}},
		{"first night, everybody absent", customers(0, 0, 0, 40, 0), first, 5, []CheckName{CheckPresent}},
		{"first night, some unreadable and the others absent", customers(0, 0, 20, 20, 0), first, 5,
			[]CheckName{CheckReadable, CheckPresent}},
		{"first night, the only customer is unreadable", customers(0, 0, 1, 0, 0), first, 5,
			[]CheckName{CheckReadable}},
		{"first night, the only customer is absent", customers(0, 0, 0, 1, 0), first, 5, nil},
		{"first night, no customers", Totals{}, first, 5, nil},
		{"first night, only excluded customers", customers(0, 0, 0, 0, 7), first, 5, nil},
		{"first night, a person believes it", customers(0, 0, 0, 40, 0), first, 100, nil},
		{"the only customer became unreadable", customers(0, 0, 1, 0, 0), customers(1, 0, 0, 0, 0), 5,
			[]CheckName{CheckReadable}},
		{"the only customer left", customers(0, 0, 0, 1, 0), customers(1, 0, 0, 0, 0), 5, nil},
		{"both customers left", customers(0, 0, 0, 2, 0), customers(2, 0, 0, 0, 0), 5, []CheckName{CheckPresent}},
		{"one of two left", customers(1, 0, 0, 1, 0), customers(2, 0, 0, 0, 0), 5, nil},
		{"the last readable customer left", customers(0, 0, 0, 2, 0), customers(1, 0, 0, 1, 0), 5,
			[]CheckName{CheckPresent}},
		{"nobody was readable last night either, as a person believed", customers(0, 0, 40, 0, 0),
			customers(0, 0, 40, 0, 0), 5, nil},
		{"those that could not be read are read again", customers(100, 0, 0, 0, 0), customers(0, 0, 50, 50, 0), 5, nil},
		{"unreadable, and said to be absent the next night", customers(50, 0, 0, 50, 0), customers(50, 0, 50, 0, 0), 5,
			[]CheckName{CheckPresent}},
		{"many new customers, few of them absent", customers(960, 0, 0, 40, 0), customers(10, 0, 0, 0, 0), 5, nil},
		{"a person believes a wave", customers(50, 0, 0, 50, 0), customers(100, 0, 0, 0, 0), 50, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.now.New, c.now.Gone = c.now.Listed-c.last.Listed, 0
			c.now.NewlyBlocked = c.now.Blocked - c.last.Blocked
			checks := CheckSweep(c.now, c.last,
				Limits{MaxGonePercent: c.percent, CommonError: "answered 403, code 900124"})
			require.Equal(t, c.fails, failedChecks(t, checks))
			for _, check := range checks {
				if !check.OK {
					require.Contains(t, check.Detail, "answered 403, code 900124")
				}
			}
			require.True(t, ReadingsAreGood(checks), "what was read is good for the next attempt")
		})
	}
}

func TestLostAcceptances(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		now, last Totals
		policy    int // customers that only a change of policy made blocked
		percent   float64
		lost      bool
	}{
		{"everybody at once", customers(0, 100, 0, 0, 0), customers(90, 10, 0, 0, 0), 0, 5, true},
		{"everybody is no reseller customer any more", customers(0, 0, 0, 0, 100), customers(90, 10, 0, 0, 0), 0, 5,
			true},
		{"half of them", customers(45, 55, 0, 0, 0), customers(90, 10, 0, 0, 0), 0, 5, false},
		{"one more than half", customers(44, 56, 0, 0, 0), customers(90, 10, 0, 0, 0), 0, 5, true},
		{"all of a small partner's", customers(0, 10, 0, 0, 0), customers(10, 0, 0, 0, 0), 0, 5, false},
		{"one more than that", customers(0, 11, 0, 0, 0), customers(11, 0, 0, 0, 0), 0, 5, true},
		{"by a change of policy", customers(0, 100, 0, 0, 0), customers(90, 10, 0, 0, 0), 90, 5, false},
		{"a person believes it", customers(0, 100, 0, 0, 0), customers(90, 10, 0, 0, 0), 0, 100, false},
		{"on the first night", customers(0, 100, 0, 0, 0), Totals{}, 0, 5, false},
		{"the other way round", customers(100, 0, 0, 0, 0), customers(0, 100, 0, 0, 0), 0, 5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := c.now
			now.New, now.NewlyBlocked, now.NoLongerBlocked = now.Listed-c.last.Listed,
				max(0, now.Blocked-c.last.Blocked), max(0, c.last.Blocked-now.Blocked)
			now.NewlyClear, now.BlockedByPolicy = max(0, now.Clear-c.last.Clear), c.policy
			checks := CheckSweep(now, c.last, Limits{MaxGonePercent: c.percent})
			require.Equal(t, c.lost, slices.Contains(failedChecks(t, checks), CheckAccepted))
			require.Equal(t, !c.lost, ReadingsAreGood(checks), "empty answers are not for the next attempt")
			require.True(t, OnlyServiceFailed(checks))
		})
	}
}

func TestReadingsAreDroppedWhenTheArithmeticFails(t *testing.T) {
	t.Parallel()
	for _, name := range []CheckName{CheckStandings, CheckContinuity, CheckBlocked, CheckGone, CheckLedger} {
		require.False(t, ReadingsAreGood([]Check{{Name: CheckReadable}, {Name: name}}), name)
	}
}

func TestRecheckChecks(t *testing.T) {
	t.Parallel()
	last := customers(90, 10, 0, 0, 0)
	now := customers(91, 9, 0, 0, 0)
	now.NewlyBlocked, now.NoLongerBlocked = 0, 1
	require.Empty(t, failedChecks(t, CheckRecheck(now, last)))
	now.NoLongerBlocked = 0
	require.Equal(t, []CheckName{CheckBlocked}, failedChecks(t, CheckRecheck(now, last)))
}

func TestShrunkenLists(t *testing.T) {
	t.Parallel()
	limits := Limits{MaxGonePercent: 5}
	last := Totals{Listed: 100, FoundUnlisted: 6}
	require.False(t, ListShrank(94, 11, last, limits), "those that were missing before, and were found, count once")
	require.True(t, ListShrank(94, 12, last, limits))
	require.False(t, ListShrank(0, 0, Totals{}, limits), "a partner without customers")
	require.False(t, ListShrank(0, 1, Totals{Listed: 1}, limits), "whose last customer left")
	require.True(t, ListShrank(0, 2, Totals{Listed: 2}, limits))
	require.True(t, ListShrank(0, 100, Totals{Listed: 100}, Limits{MaxGonePercent: 100}),
		"an empty list is never believed")
}

func TestNoChecksPassNothing(t *testing.T) {
	t.Parallel()
	require.False(t, AllPassed(nil))
}

func TestAddingCosts(t *testing.T) {
	t.Parallel()
	sum := Cost{1, 2, 3, 0.5}.Add(Cost{10, 20, 30, 4})
	require.Equal(t, Cost{11, 22, 33, 4.5}, sum)
	require.Equal(t, Cost{10, 20, 30, 4}, sum.Sub(Cost{1, 2, 3, 0.5}))
}
