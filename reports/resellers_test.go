package reports

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

func TestResellersAreNamedSummedUpOrUnknown(t *testing.T) {
	r, err := gather(t.Context(), Book{}, memorySource{})
	require.NoError(t, err)
	var counts []ledger.ResellerCount
	for i := range 15 {
		counts = append(counts, ledger.ResellerCount{ResellerID: fmt.Sprint("reseller ", i), Read: true,
			Blocked: 20 - i, Clear: 1})
	}
	counts = append(counts, ledger.ResellerCount{Unknown: 5}, ledger.ResellerCount{Read: true, Excluded: 2})
	var got []string
	for _, line := range r.resellerLines(counts) {
		got = append(got, fmt.Sprintf("%s: %d = %d + %d + %d + %d", line.label, line.listed(), line.Clear, line.Blocked,
			line.Unknown, line.Excluded))
	}
	assert.Len(t, got, 16)
	assert.Equal(t, "reseller 0: 21 = 1 + 20 + 0 + 0", got[0])
	assert.Equal(t, []string{"reseller 11: 10 = 1 + 9 + 0 + 0", "3 others: 24 = 3 + 21 + 0 + 0",
		"Without an indirect reseller: 2 = 0 + 0 + 0 + 2", "Indirect reseller not read: 5 = 0 + 0 + 5 + 0",
		"All customers: 217 = 15 + 195 + 5 + 2"}, got[11:])
}
