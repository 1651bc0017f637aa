package reports

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// tampered is a ledger of which somebody took an event, or a row, away.
type tampered struct {
	memorySource
	events, rows int
}

func (l tampered) Chain(ctx context.Context, at time.Time) (ledger.Chain, error) {
	chain, err := l.memorySource.Chain(ctx, at)
	chain.Verified -= int64(l.events)
	return chain, err
}

func (l tampered) Tally(ctx context.Context, cut ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	tally, err := l.memorySource.Tally(ctx, cut)
	nobodys := tally[""]
	nobodys.Rows -= l.rows
	tally[""] = nobodys
	return tally, err
}

func TestWhatDoesNotAddUpIsCounted(t *testing.T) {
	book, source := usual()
	made, err := WriteCSV(t.Context(), io.Discard, book, source, "Checks")
	require.NoError(t, err)
	assert.Zero(t, made.Failing)
	for name, c := range map[string]struct {
		source Source
		change func(*Book)
	}{
		"The log of attestations is whole":                         {tampered{memorySource: source, events: 1}, nil},
		"Rows imported = attestations in the ledger":               {tampered{memorySource: source, rows: 1}, nil},
		"Rows on Blocked = blocked":                                {source, func(b *Book) { b.Partners[0].Run.Totals.Blocked++ }},
		"The newest run is the one shown, and it is of last night": {source, func(b *Book) { b.Partners[1].Stale = true }},
	} {
		book, _ := usual()
		if c.change != nil {
			c.change(&book)
		}
		r, err := gather(t.Context(), book, c.source)
		require.NoError(t, err)
		var failing []string
		for _, control := range r.controls {
			if !control.ok {
				failing = append(failing, control.name)
			}
		}
		assert.Equal(t, []string{name}, failing)
		made, err := WriteCSV(t.Context(), io.Discard, book, c.source, "Unread")
		require.NoError(t, err)
		assert.Equal(t, 1, made.Failing, "also where the checks are not asked for")
	}
}

func TestOldFiguresHaveANotice(t *testing.T) {
	book, source := usual()
	book.Partners[1].Stale = true
	w := write(t, book, source)
	assert.Equal(t, "✘ 1 check FAILS: see Checks", cell(t, w, "Summary", "A2"))
	assert.Equal(t, "contoso-eu: nothing was read for more than 36 hours. The figures are those of run 1 of 2026-11-22 02:31.", cell(t, w, "Summary", "A5"))
}

func TestChangesSinceARunThatSomebodyChose(t *testing.T) {
	book, source := usual()
	book.Against = 11
	w := write(t, book, source)
	rows, err := w.GetRows("Summary")
	require.NoError(t, err)
	var heads []string
	for _, row := range rows {
		if len(row) == 1 {
			heads = append(heads, row[0])
		}
	}
	assert.Contains(t, heads, "Change since run 11")
}

// Whoever reads a total by its name, or a bar by its legend, must get what the head of its column says.
func TestNamesAndBarsAreOfTheColumnsThatTheySay(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	heads, total := map[string]string{}, map[string]string{} // by column
	rows, err := w.GetRows("Summary")
	require.NoError(t, err)
	for i, row := range rows {
		if len(row) > 0 && row[0] == "Customers" {
			for col, head := range rows[i+1] {
				letter, _ := excelize.ColumnNumberToName(col + 1)
				heads[letter], total[head] = head, rows[i+4][col]
			}
		}
	}
	names := map[string]string{"Total_Listed": "Listed", "Total_Clear": "Clear", "Total_Blocked": "Blocked", "Total_Unknown": "Unknown",
		"Total_Excluded": "Excluded", "Total_Unreadable": "Unreadable", "Total_Direct_undated": "Accepted directly, date not known",
		"Total_Newly_blocked": "Newly blocked", "Total_Newly_clear": "Newly clear", "Total_New": "New", "Total_Gone": "Gone"}
	found := 0
	for _, name := range w.GetDefinedName() {
		if head, ours := names[name.Name]; ours {
			found++
			sheet, at, _ := strings.Cut(name.RefersTo, "!")
			at = strings.ReplaceAll(at, "$", "")
			assert.Equal(t, head, heads[strings.TrimRight(at, "0123456789")], name.Name)
			assert.Equal(t, total[head], cell(t, w, strings.Trim(sheet, "'"), at), name.Name)
		}
	}
	assert.Equal(t, len(names), found)

	chart := strings.ReplaceAll(string(part(t, w.bytes, "xl/charts/chart1.xml")), "&#39;", "'")
	for letter, head := range map[string]string{"C": "Clear", "D": "Blocked", "E": "Unknown", "F": "Excluded"} {
		assert.Equal(t, head, heads[letter])
		assert.Contains(t, chart, "<tx><strRef><f>'Summary'!$"+letter+"$", "the legend of "+head)
		assert.Regexp(t, `<val><numRef><f>'Summary'!\$`+letter+`\$\d+:\$`+letter+`\$\d+</f>`, chart, "the bars of "+head)
	}
	assert.Equal(t, 4, strings.Count(chart, "<ser>"))
}

func TestHistoryHoldsAsManyRunsAsTheChartShows(t *testing.T) {
	book, source := usual()
	shown := *book.Partners[0].Run
	book.Partners = book.Partners[:1]
	book.Partners[0].History = blockedHistory(shown, 31)
	w := write(t, book, source)
	rows, err := w.GetRows("Summary")
	require.NoError(t, err)
	nights := -1
	for _, row := range rows {
		if nights >= 0 && len(row) > 1 {
			nights++
		}
		if len(row) > 0 && row[0] == "Night" {
			nights = 0
		}
	}
	assert.Equal(t, 30, nights)
	assert.Equal(t, ledger.Completed, shown.State)
}
