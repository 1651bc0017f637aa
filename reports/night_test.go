package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

func TestANightIsItsSweepAndItsRechecks(t *testing.T) {
	book, source := usual()
	p := &book.Partners[0]
	before, sweep, recheck := *p.Against, *p.Run, *p.Run
	before.ID, before.Kind = 10, ledger.Sweep
	sweep.ID, sweep.Kind = 11, ledger.Sweep
	sweep.Cost = ledger.Cost{Requests: 100, Seconds: 60}
	// it is not new what the sweep has seen already
	recheck.Kind, recheck.Totals.New, recheck.Totals.NewlyBlocked = ledger.Recheck, 0, 0
	recheck.Cost = ledger.Cost{Requests: 7, Seconds: 1}
	p.History, p.Run, p.Against = []ledger.Run{before, sweep, recheck}, &recheck, &before

	r, err := gather(t.Context(), book, source)
	require.NoError(t, err)
	runs := map[int64]int{}
	for _, c := range r.controls {
		if c.partner == brazil.Name {
			runs[c.run]++
		}
	}
	assert.Positive(t, runs[11], "the sweep's checks")
	assert.Greater(t, runs[12], runs[11], "those of the run shown, and of its rows")
	assert.Zero(t, runs[10])

	w := write(t, book, source)
	_, cost := section(t, w, "Summary", "API usage")
	require.Len(t, cost, 4)
	assert.Equal(t, []string{"contoso-br", "", "11", "2026-11-22", "100", "0", "0", "0:01:00"}, cost[0])
	assert.Equal(t, []string{"contoso-br", "", "12", "2026-11-22", "7", "0", "0", "0:00:01"}, cost[1])
	assert.Equal(t, "111", cost[3][4], "with the other partner's")
}
