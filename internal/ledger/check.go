package ledger

import (
	"fmt"
	"slices"
)

// CheckName identifies a control total; reports put it into words.
type CheckName string

// The control totals of a run.
const (
	CheckList       CheckName = "list"       // the list did not lose too many customers at once
	CheckReadable   CheckName = "readable"   // not too many customers became unreadable at once
	CheckPresent    CheckName = "present"    // not too many tenants or relationships disappeared at once
	CheckAccepted   CheckName = "accepted"   // not too many acceptances or reseller relationships disappeared at once
	CheckStandings  CheckName = "standings"  // listed = clear + blocked + unknown + excluded
	CheckContinuity CheckName = "continuity" // last run + new - gone = this run
	CheckBlocked    CheckName = "blocked"    // blocked in the last run + newly - no longer - gone = blocked
	CheckGone       CheckName = "gone"       // every customer that is gone was confirmed by a read
	CheckLedger     CheckName = "ledger"     // the ledger holds what was read
)

// OfService reports whether the check judges what the service answered.
func (c CheckName) OfService() bool {
	return c == CheckList || c == CheckReadable || c == CheckPresent || c == CheckAccepted
}

// Check is one control total: two numbers found in different ways, and whether they agree as they
// should.
type Check struct {
	Name     CheckName
	Expected int // for the checks of the service the greatest number that is plausible
	Found    int
	OK       bool
	Detail   string // the numbers in a sentence
}

// Limits say how much may change from one run to the next and still be plausible.
type Limits struct {
	MaxGonePercent float64 // of the customers
	CommonError    string  // the most frequent error of this run's reads, for the sentences; may be empty
}

// most is at least 1: a few percent of a small partner rounds down to 0.
func (l Limits) most(customers int) int {
	return max(1, int(float64(customers)*l.MaxGonePercent/100))
}

// CheckSweep computes the control totals of a run. last are those of the last completed run (zero:
// no such run).
func CheckSweep(t, last Totals, limits Limits) []Check {
	checks := []Check{list(t, last, limits)}
	if checks[0].OK { // otherwise missing customers were not read, and the other checks have nothing to compare
		checks = append(checks, readable(t, last, limits), present(t, last, limits))
		if lost := accepted(t, last, limits); !lost.OK {
			checks = append(checks, lost)
		}
	}
	checks = append(checks, equal(CheckStandings, t.Listed, t.Sum(),
		fmt.Sprintf("%d listed; %d clear + %d blocked + %d unknown + %d out of scope = %d",
			t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Sum())))
	if !checks[0].OK {
		return checks
	}
	return append(checks,
		equal(CheckContinuity, last.Listed+t.New-t.Gone, t.Listed,
			fmt.Sprintf("last run %d + %d new - %d gone = %d; this run has %d",
				last.Listed, t.New, t.Gone, last.Listed+t.New-t.Gone, t.Listed)),
		rollForward(t, last),
		equal(CheckGone, t.Gone, t.GoneConfirmed, fmt.Sprintf("%d gone, %d of them confirmed by a read", t.Gone,
			t.GoneConfirmed)),
		stored(t),
	)
}

// CheckRecheck computes the control totals of a recheck: no customer is new and none is gone.
func CheckRecheck(t, last Totals) []Check {
	return []Check{
		equal(CheckContinuity, last.Listed, t.Listed, fmt.Sprintf("last run %d; this run has %d", last.Listed,
			t.Listed)),
		rollForward(t, last),
		stored(t),
	}
}

// ListShrank reports whether a list that lost missing of the last run's customers is too short to
// be believed. Then no customer counts as gone. Customers that the last run's list did not hold
// either, and that were found by a read, do not count again. An empty list is plausible where
// there was no customer before, or one.
func ListShrank(onList, missing int, last Totals, limits Limits) bool {
	return onList == 0 && last.Listed > 1 || missing-last.FoundUnlisted > limits.most(last.Listed)
}

func list(t, last Totals, limits Limits) Check {
	onList, most := t.Listed-t.FoundUnlisted, limits.most(last.Listed)+last.FoundUnlisted
	return Check{Name: CheckList, Expected: most, Found: t.Unlisted, OK: !ListShrank(onList, t.Unlisted, last, limits),
		Detail: fmt.Sprintf("%d on the list, %d of the last run's %d missing, at most %d (%g %%) may be",
			onList, t.Unlisted, last.Listed, most, limits.MaxGonePercent)}
}

// readable finds a night in which far more customers than usual could not be read, or none could.
func readable(t, last Totals, limits Limits) Check {
	return surge(CheckReadable, t, last, limits, t.Unreadable, last.Unreadable, "could not be read")
}

// present finds a night in which far more tenants or relationships than usual were not there.
// Customers leave one by one: many at once are a fault of the service, or of the connection to it.
func present(t, last Totals, limits Limits) Check {
	return surge(CheckPresent, t, last, limits, t.Absent, last.Absent,
		"were not found or had no relationship with the partner")
}

// fewCustomers is how many customers may lose their acceptance in one night, whatever share of a
// small partner that is.
const fewCustomers = 10

// accepted finds a night in which more than half of the customers that could buy have no acceptance
// any more, or are none of the partner's. Records of acceptances do not disappear, but a service
// that has lost its data, or asks for another kind of agreement, answers with empty lists. What
// only a change of policy did does not count.
func accepted(t, last Totals, limits Limits) Check {
	lost := last.Clear + t.NewlyClear - t.Clear - t.BlockedByPolicy - max(0, t.Unknown-last.Unknown) - t.Gone
	most := max(fewCustomers, last.Clear/2)
	return Check{Name: CheckAccepted, Expected: most, Found: max(0, lost), OK: lost <= most ||
		limits.MaxGonePercent >= 100,
		Detail: fmt.Sprintf("%d of the %d customers that could buy lost their acceptance, or their relationship with "+
			"the partner, at most %d are believed at once",
			lost, last.Clear, most)}
}

// surge compares how many customers are unknown for a reason with the last run. The first run has
// nothing to compare with. A night in which no customer could be read is plausible only where the
// service says of a single customer that it is not there.
func surge(name CheckName, t, last Totals, limits Limits, now, before int, what string) Check {
	most := before + limits.most(max(last.Listed, t.Listed))
	if last.Listed == 0 {
		most = t.Listed
	}
	if nobody := t.Clear+t.Blocked == 0 && limits.MaxGonePercent < 100; nobody && now > before {
		most = before
		if name == CheckPresent {
			most = max(1, before)
		}
	}
	c := Check{Name: name, Expected: most, Found: now, OK: now <= most}
	c.Detail = fmt.Sprintf("%d of %d customers %s (last run: %d of %d), at most %d are believed at once",
		now, t.Listed-t.Excluded, what, before, last.Listed-last.Excluded, most)
	if !c.OK && limits.CommonError != "" {
		c.Detail += "; most often: " + limits.CommonError
	}
	return c
}

func rollForward(t, last Totals) Check {
	expected := last.Blocked + t.NewlyBlocked - t.NoLongerBlocked - t.GoneBlocked
	return equal(CheckBlocked, expected, t.Blocked,
		fmt.Sprintf("%d blocked in the last run + %d newly blocked - %d no longer blocked - %d gone = %d; %d are "+
			"blocked",
			last.Blocked, t.NewlyBlocked, t.NoLongerBlocked, t.GoneBlocked, expected, t.Blocked))
}

func stored(t Totals) Check {
	c := equal(CheckLedger, t.Sum(), t.Ledger.Sum(),
		fmt.Sprintf("%d read; the ledger holds %d clear, %d blocked, %d unknown, %d out of scope",
			t.Sum(), t.Ledger.Clear, t.Ledger.Blocked, t.Ledger.Unknown, t.Ledger.Excluded))
	c.OK = t.Standings == t.Ledger
	return c
}

func equal(name CheckName, expected, found int, detail string) Check {
	return Check{Name: name, Expected: expected, Found: found, OK: expected == found, Detail: detail}
}

// AllPassed reports whether every check holds. Without checks nothing is proved.
func AllPassed(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return len(checks) > 0
}

// OnlyServiceFailed reports whether only the service's answers were implausible; the arithmetic is
// right.
func OnlyServiceFailed(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return !c.OK && !c.Name.OfService() })
}

// ReadingsAreGood reports whether what was read in a run that failed may be used by the next one:
// the answers are implausible as a whole, and each of them is not.
func ReadingsAreGood(checks []Check) bool {
	return OnlyServiceFailed(checks) &&
		!slices.ContainsFunc(checks, func(c Check) bool { return !c.OK && c.Name == CheckAccepted })
}
