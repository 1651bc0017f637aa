package reports

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/xlsx"
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
	t.Parallel()
	book, source := usual()
	made, err := WriteCSV(t.Context(), io.Discard, book, source, "Checks")
	require.NoError(t, err)
	assert.Zero(t, made.Failing)
	for name, c := range map[string]struct {
		source Source
		change func(*Book)
		want   []string
	}{
		"an event is missing":       {tampered{memorySource: source, events: 1}, nil, []string{"log_complete"}},
		"an attestation is missing": {tampered{memorySource: source, rows: 1}, nil, []string{"rows_imported"}},
		"one more was blocked": {source, func(b *Book) { b.Partners[0].Run.Totals.Blocked++ },
			[]string{"rows_blocked", "roll_forward"}},
		"one more was blocked before": {source, func(b *Book) { b.Partners[0].Against.Totals.Blocked++ },
			[]string{"roll_forward"}},
		"nothing was read lately": {source, func(b *Book) { b.Partners[1].Stale = true }, []string{"newest_run"}},
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
				failing = append(failing, control.code)
			}
		}
		assert.Equal(t, c.want, failing, name)
		made, err := WriteCSV(t.Context(), io.Discard, book, c.source, "Could not be read")
		require.NoError(t, err)
		assert.Equal(t, len(c.want), made.Failing, "also where the checks are not asked for")
	}
}

func TestOldFiguresHaveANoticeAndAMark(t *testing.T) {
	t.Parallel()
	book, source := usual()
	book.Partners[1].Stale = true
	w := write(t, book, source)
	assert.Equal(t, "✘ 1 of 37 control checks FAILED: see Checks", cell(t, w, "Summary", "A2"))
	assert.Equal(t, "contoso-eu: nothing was read for more than 36 hours. The figures are those of run 1 of "+
		"2026-11-22 02:31.", cell(t, w, "Summary", "A5"))
	_, rows := section(t, w, "Summary", "Blocked customers since the last run")
	assert.Equal(t, []string{"contoso-br", "3", "2", "-1", "-1", "3"}, trimmed(rows[0]))
	assert.Equal(t, []string{"contoso-eu", "0†", "1†", "0†", "0†", "1†"}, trimmed(rows[1]))
	assert.Equal(t, []string{"All partners", "3†", "3†", "-1†", "-1†", "4†"}, trimmed(rows[2]))
	assert.Equal(t, "† Figures of an old night, and totals that contain them.", rows[3][0])
}

// section is a table of a sheet without tables: its head, and the rows down to an empty one.
// Another table may stand on its right.
func section(t *testing.T, w written, sheet, title string) (head []string, rows [][]string) {
	t.Helper()
	all, col := w.cells(t, sheet), -1
	i := slices.IndexFunc(all, func(row []string) bool { col = slices.Index(row, title); return col >= 0 })
	require.GreaterOrEqual(t, i, 0, "%s has no %q", sheet, title)
	for _, row := range all[i+1:] {
		if col >= len(row) || row[col] == "" {
			break
		}
		row = row[col:]
		if len(head) > 7 && head[7] == "" && len(row) > 7 {
			row = row[:7]
		}
		if head == nil {
			head = row
			continue
		}
		rows = append(rows, row)
	}
	return head, rows
}

// trimmed is a row without the empty cells at its end.
func trimmed(row []string) []string {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}

func TestChangesSinceARunThatSomebodyChose(t *testing.T) {
	t.Parallel()
	book, source := usual()
	book.Partners[0].Run.Totals.Unknown++
	assert.Equal(t, "+1 since the last run", cell(t, write(t, book, source), "Summary", "M8"))
	book.Against = 11
	assert.Equal(t, "+1 since run 11", cell(t, write(t, book, source), "Summary", "M8"))
	assert.Equal(t, "unchanged", cell(t, write(t, book, source), "Summary", "A8"))
}

// Whoever reads a total by its name, or a bar by its legend, must get what the head of its column
// says.
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
	names := map[string]string{"Total_Listed": "Listed", "Total_Clear": "Clear", "Total_Blocked": "Blocked",
		"Total_Unknown": "Unknown", "Total_Excluded": "Out of scope", "Total_Unreadable": "Could not be read",
		"Total_Direct_undated": "Accepted directly, date not known", "Total_Newly_blocked": "Newly blocked",
		"Total_Newly_clear": "Newly clear", "Total_New": "New", "Total_Gone": "Gone"}
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

	chart := string(part(t, w.bytes, "xl/charts/chart1.xml"))
	for letter, head := range map[string]string{"C": "Clear", "D": "Blocked", "E": "Unknown", "F": "Excluded"} {
		if head == "Excluded" {
			head = "Out of scope"
		}
		assert.Equal(t, head, heads[letter])
		assert.Regexp(t, `<c:tx><c:strRef><c:f>'Summary'!\$`+letter+
			`\$\d+</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>`+head+`</c:v>`, chart)
		assert.Regexp(t, `<c:val><c:numRef><c:f>'Summary'!\$`+letter+`\$\d+:\$`+letter+`\$\d+</c:f>`, chart,
			"the bars of "+head)
	}
	assert.Equal(t, 4, strings.Count(chart, "<c:ser>"))
}

// The trend has a row for each of the last 90 days on which a run completed, with the figure of the
// day's last run.
func TestTheTrendGoesBackNinetyDays(t *testing.T) {
	t.Parallel()
	book, source := usual()
	shown := *book.Partners[0].Run
	book.Partners = book.Partners[:1]
	book.Partners[0].History = blockedHistory(shown, 101)
	again := shown // a recheck on the same day
	again.StartedAt, again.Totals.Blocked = shown.StartedAt.Add(time.Hour), 77
	book.Partners[0].History = append(book.Partners[0].History, again)
	w := write(t, book, source)
	head, rows := section(t, w, "Summary", "Figures behind the charts")
	assert.Equal(t, []string{"Night", "contoso-br"}, trimmed(head))
	require.Len(t, rows, 90)
	assert.Equal(t, []string{"2026-08-25"}, rows[0][:1])
	assert.Equal(t, []string{"2026-11-22", "77"}, trimmed(rows[89]))
	chart := string(part(t, w.bytes, "xl/charts/chart2.xml"))
	assert.Contains(t, chart, "<c:dateAx>")
	assert.Contains(t, chart, `<c:ptCount val="90"/><c:pt idx="0"><c:v>46259</c:v></c:pt>`)
	assert.Contains(t, chart, `<c:pt idx="89"><c:v>77</c:v></c:pt>`)
}

// With many partners, the bars are of those with the most blocked customers and of the others
// together, and the trend is of all.
func TestChartsOfManyPartners(t *testing.T) {
	t.Parallel()
	book, source := usual()
	model := book.Partners[0]
	book.Partners = nil
	for i := range 20 {
		p, run := model, *model.Run
		run.Totals.Blocked, run.Totals.Listed = 10*i, 100+10*i
		p.Partner.ID, p.Partner.Name = fmt.Sprintf("%s-%02d", brazil.ID[:33], i), fmt.Sprintf("partner-%02d", i)
		p.Run, p.History, p.Against = &run, []ledger.Run{run}, nil
		source.records[p.Partner.ID] = source.records[brazil.ID]
		book.Partners = append(book.Partners, p)
	}
	w := write(t, book, source)
	bars := string(part(t, w.bytes, "xl/charts/chart1.xml"))
	assert.Contains(t, bars, `<c:ptCount val="11"/><c:pt idx="0"><c:v>partner-19</c:v></c:pt>`)
	assert.Contains(t, bars, `<c:pt idx="10"><c:v>10 others</c:v></c:pt>`)
	assert.Contains(t, bars, `<c:pt idx="10"><c:v>450</c:v></c:pt>`, "0 + 10 + … + 90")
	assert.Contains(t, bars, `<c:grouping val="percentStacked"/>`)
	lines := string(part(t, w.bytes, "xl/charts/chart2.xml"))
	assert.Equal(t, 1, strings.Count(lines, "<c:ser>"))
	assert.Contains(t, lines, "<c:v>All partners</c:v>")
	assert.Contains(t, lines, "<c:v>1900</c:v>", "0 + 10 + … + 190")
}

// A partner whose night failed keeps its figure in the sum of all.
func TestTheTrendOfAllHasNoDips(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	got := together([]line{{"a", map[string]int{"2026-11-01": 5, "2026-11-02": 6, "2026-11-04": 7}},
		{"b", map[string]int{"2026-11-02": 10}}}, "all", day(1), day(4))
	assert.Equal(t, line{"all", map[string]int{"2026-11-01": 5, "2026-11-02": 16, "2026-11-04": 17}}, got)
}

// From a row, a click on the number of an event leads to the event, and from there to the one
// before.
func TestNumbersOfEventsLeadToThem(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for limit, least := range map[int]int{xlsx.MaxRows: 15, 12: 15} { // in one sheet, and in several
		w := writeWith(t, writer{rowLimit: limit}, book, source)
		links := 0
		for _, sheet := range w.GetSheetList() {
			rows := w.cells(t, sheet)
			if len(rows) < firstRow {
				continue
			}
			for col, head := range rows[firstRow-2] {
				if head != "Last event" && head != "Event before" {
					continue
				}
				for n, row := range rows[firstRow-1:] {
					if col >= len(row) || row[col] == "" {
						continue
					}
					linked, place, err := w.GetCellHyperLink(sheet, cellName(col+1, firstRow+n))
					require.NoError(t, err)
					if !slices.Contains(numbersOf(source), row[col]) {
						assert.False(t, linked)
						continue
					}
					require.True(t, linked, "%s!%s", sheet, cellName(col+1, firstRow+n))
					events, at, _ := strings.Cut(place, "!")
					event, err := w.GetRows(strings.Trim(events, "'"))
					require.NoError(t, err)
					line, err := strconv.Atoi(strings.TrimPrefix(at, "A"))
					require.NoError(t, err)
					assert.Equal(t, row[col], event[line-1][slices.Index(event[firstRow-2], "Number")])
					links++
				}
			}
		}
		assert.Greater(t, links, least)
	}
}

func numbersOf(source memorySource) (numbers []string) {
	for _, e := range source.log() {
		numbers = append(numbers, strconv.FormatInt(e.Sequence, 10))
	}
	return numbers
}
