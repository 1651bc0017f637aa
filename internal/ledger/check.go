package ledger

import "fmt"

// CheckName identifies a control total; reports put it into words.
type CheckName string

const (
	CheckList       CheckName = "list"       // the list is not empty and did not lose too many at once
	CheckStandings  CheckName = "standings"  // listed = clear + blocked + unknown + excluded
	CheckContinuity CheckName = "continuity" // last run + new - gone = this run
	CheckGone       CheckName = "gone"       // nobody is gone without a read that says so
	CheckLedger     CheckName = "ledger"     // the ledger holds what was read
)

// Check is one control total: two numbers found in different ways, and whether they agree as they should.
type Check struct {
	Name     CheckName
	Expected int // for CheckList the most that may be missing
	Found    int
	OK       bool
	Detail   string // the numbers in a sentence
}

// CheckSweep computes the control totals of a run. last are the last completed run's (zero: no such run); maxGonePercent is the greatest share of
// its customers that the list may lose at once.
func CheckSweep(t, last Totals, maxGonePercent float64) []Check {
	onList := list(t, last, maxGonePercent)
	standings := equal(CheckStandings, t.Listed, t.Sum(), fmt.Sprintf("%d listed; %d clear + %d blocked + %d unknown + %d excluded = %d",
		t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Sum()))
	if !onList.OK {
		return []Check{onList, standings} // nobody was asked for, so the others have nothing to compare
	}
	return []Check{
		onList,
		standings,
		equal(CheckContinuity, last.Listed+t.New-t.Gone, t.Listed, fmt.Sprintf("last run %d + %d new - %d gone = %d; this run has %d",
			last.Listed, t.New, t.Gone, last.Listed+t.New-t.Gone, t.Listed)),
		equal(CheckGone, t.Gone, t.GoneConfirmed, fmt.Sprintf("%d gone, %d of them said so by a read", t.Gone, t.GoneConfirmed)),
		held(t),
	}
}

// CheckRecheck computes the control totals of a recheck: nobody came and nobody went.
func CheckRecheck(t, last Totals) []Check {
	return []Check{
		equal(CheckContinuity, last.Listed, t.Listed, fmt.Sprintf("last run %d; this run has %d", last.Listed, t.Listed)),
		held(t),
	}
}

// ListShrank reports whether a list that lost missing of the last run's customers, or held none, is too short to be believed. Then nobody may be
// called gone. Those that the last run's list did not hold either, and that were still there, count once only.
func ListShrank(onList, missing int, last Totals, maxGonePercent float64) bool {
	return onList == 0 || missing-last.FoundUnlisted > mostMissing(last.Listed, maxGonePercent)
}

// mostMissing is at least one: of a partner with few customers, one is more than a few percent.
func mostMissing(last int, maxGonePercent float64) int {
	return max(1, int(float64(last)*maxGonePercent/100))
}

func list(t, last Totals, maxGonePercent float64) Check {
	onList, most := t.Listed-t.FoundUnlisted, mostMissing(last.Listed, maxGonePercent)+last.FoundUnlisted
	c := Check{Name: CheckList, Expected: most, Found: t.Unlisted, OK: !ListShrank(onList, t.Unlisted, last, maxGonePercent)}
	c.Detail = fmt.Sprintf("%d on the list, %d of last run's %d missing, at most %d (%g %%) may be", onList, t.Unlisted, last.Listed, most, maxGonePercent)
	return c
}

func held(t Totals) Check {
	c := equal(CheckLedger, t.Sum(), t.Ledger.Sum(), fmt.Sprintf("%d read; the ledger holds %d clear, %d blocked, %d unknown, %d excluded",
		t.Sum(), t.Ledger.Clear, t.Ledger.Blocked, t.Ledger.Unknown, t.Ledger.Excluded))
	c.OK = t.Standings == t.Ledger
	return c
}

func equal(name CheckName, expected, found int, detail string) Check {
	return Check{Name: name, Expected: expected, Found: found, OK: expected == found, Detail: detail}
}

// AllPassed reports whether every check holds. Without checks nothing is balanced.
func AllPassed(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}
