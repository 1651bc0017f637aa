package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// manyPartners is a night of n partners, of which the i-th has i%7+1 blocked customers.
func manyPartners(n int) (Book, memorySource) {
	book, source := usual()
	book.Partners = nil
	for i := range n {
		p := ledger.Partner{ID: fmt.Sprintf("%s-%03d", brazil.ID[:32], i), Name: fmt.Sprintf("partner-%03d", i),
			Kind: standing.DirectBill}
		var records []standing.Record
		for k := range 10 {
			reason := standing.Attested
			if k <= i%7 {
				reason = standing.NeverAccepted
			}
			records = append(records, customer(1000*i+k, fmt.Sprintf("Customer %d of %d", k, i), reason))
		}
		source.records[p.ID] = records
		run := runOf(int64(1000+i), p, tonight, records, len(records), 0, 0)
		run.Totals.NewlyBlocked = 0
		before := blockedHistory(*run, 2)[0]
		before.Totals.Blocked = run.Totals.Blocked
		book.Partners = append(book.Partners, PartnerRun{Partner: p, Run: run, Against: &before,
			History: blockedHistory(*run, 12)})
	}
	return book, source
}

// Tables of many partners name those with the most blocked customers, and count the others
// together; the one that names everybody comes last, with its header on every page.
func TestSummaryOfManyPartners(t *testing.T) {
	t.Parallel()
	book, source := manyPartners(100)
	w := write(t, book, source)
	rows := w.cells(t, "Summary")
	find := func(title string) (row int) {
		row = slices.IndexFunc(rows, func(r []string) bool { return slices.Contains(r, title) })
		require.Positive(t, row, title)
		return row
	}
	number := func(text string) int {
		n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
		require.NoError(t, err)
		return n
	}
	blocked := 0
	for i := range 100 {
		blocked += i%7 + 1
	}
	for title, col := range map[string]int{"Blocked customers since the last run": 5,
		"Blocked customers by days blocked": 14} {
		first, label := find(title)+2, map[bool]int{true: 0, false: 8}[col == 5]
		assert.Equal(t, "partner-006", rows[first][label], "most blocked customers, first of the configuration")
		sum := 0
		for _, row := range rows[first : first+21] {
			sum += number(row[col])
		}
		assert.Equal(t, "80 others", rows[first+20][label])
		assert.Equal(t, "All partners", rows[first+21][label])
		assert.Equal(t, blocked, number(rows[first+21][col]))
		assert.Equal(t, blocked, sum, title)
	}
	counts, policy := find("Customers"), find("Policy applied")
	assert.Less(t, policy, counts, "the table of all partners is the last")
	assert.Equal(t, "partner-099", rows[counts+2+99][0])
	assert.Equal(t, fmt.Sprint(blocked), rows[counts+2+100][3])
	assert.Contains(t, w.GetDefinedName(), excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: "Summary",
		RefersTo: fmt.Sprintf("'Summary'!$%[1]d:$%[1]d", counts+2)})
	assert.Contains(t, w.GetDefinedName(), excelize.DefinedName{Name: "Total_Blocked", Scope: "Workbook",
		RefersTo: fmt.Sprintf("'Summary'!$D$%d", counts+3+100)})
	assert.Less(t, find("What to do first"), 12, "in sight on the first screen")

	few, source := manyPartners(20)
	w = write(t, few, source)
	rows = w.cells(t, "Summary")
	assert.Equal(t, "All partners", rows[find("Blocked customers since the last run")+2+20][0],
		"twenty have rows of their own")
}
