package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// balanced is a night in which everything adds up: 100 customers before, 3 new, 2 missing of whom 1 was still there.
func balanced() Totals {
	s := Standings{Clear: 90, Blocked: 8, Unknown: 3, Excluded: 1}
	return Totals{Listed: 102, Unlisted: 2, FoundUnlisted: 1, Standings: s, New: 3, Gone: 1, GoneConfirmed: 1, Ledger: s}
}

func TestBalance(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Totals)
		last   int
		fails  []CheckName
	}{
		"everything adds up":                        {func(*Totals) {}, 100, nil},
		"a listed customer was never read":          {func(t *Totals) { t.Listed++; t.New++ }, 100, []CheckName{CheckStandings}},
		"somebody vanished without a trace":         {func(t *Totals) { t.Gone-- }, 100, []CheckName{CheckContinuity, CheckGone}},
		"gone without a read that says so":          {func(t *Totals) { t.GoneConfirmed = 0 }, 100, []CheckName{CheckGone}},
		"the ledger has one more":                   {func(t *Totals) { t.Ledger.Clear++ }, 100, []CheckName{CheckLedger}},
		"the ledger mixes two standings up":         {func(t *Totals) { t.Ledger.Clear++; t.Ledger.Blocked-- }, 100, []CheckName{CheckLedger}},
		"as many missing as may be":                 {func(t *Totals) { t.Unlisted = 5 }, 100, nil},
		"one more missing than may be":              {func(t *Totals) { t.Unlisted = 6 }, 100, []CheckName{CheckList}},
		"one missing of nineteen is always allowed": {func(t *Totals) { t.Unlisted, t.New = 1, 84 }, 19, nil},
		"two missing of nineteen are too many":      {func(t *Totals) { t.Unlisted, t.New = 2, 84 }, 19, []CheckName{CheckList}},
		"an empty first run is no run":              {func(t *Totals) { *t = Totals{} }, 0, []CheckName{CheckList}},
		"an empty list of a partner that had some":  {func(t *Totals) { *t = Totals{Unlisted: 100} }, 100, []CheckName{CheckList}},
		"only those still there are no list":        {func(t *Totals) { t.FoundUnlisted = 102 }, 100, []CheckName{CheckList}},
	} {
		t.Run(name, func(t *testing.T) {
			totals := balanced()
			c.change(&totals)
			var failed []CheckName
			checks := CheckSweep(totals, Totals{Listed: c.last}, 5)
			for _, check := range checks {
				if !check.OK {
					failed = append(failed, check.Name)
					require.NotEmpty(t, check.Detail)
				}
			}
			require.Equal(t, c.fails, failed)
			require.Equal(t, len(failed) == 0, AllPassed(checks))
		})
	}
}

func TestThoseThatWereMissingBeforeAndStillThereCountOnce(t *testing.T) {
	last := Totals{Listed: 100, FoundUnlisted: 6}
	require.False(t, ListShrank(94, 11, last, 5))
	require.True(t, ListShrank(94, 12, last, 5))
}

func TestARunWithoutChecksIsNotBalanced(t *testing.T) { require.False(t, AllPassed(nil)) }

func TestAddingCosts(t *testing.T) {
	sum := Cost{1, 2, 3, 0.5}.Add(Cost{10, 20, 30, 4})
	require.Equal(t, Cost{11, 22, 33, 4.5}, sum)
	require.Equal(t, Cost{10, 20, 30, 4}, sum.Sub(Cost{1, 2, 3, 0.5}))
}
