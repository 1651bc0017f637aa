package reports

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

func asCSV(t *testing.T, book Book, source Source, sheet string) (text []byte, rows int) {
	t.Helper()
	var out bytes.Buffer
	written, err := WriteCSV(t.Context(), &out, book, source, sheet)
	require.NoError(t, err)
	require.Len(t, written.Sheets, 1)
	require.Equal(t, sheet, written.Sheets[0].Sheet)
	return out.Bytes(), written.Sheets[0].Rows
}

// letters reads RFC 4180 letter for letter: encoding/csv makes one line end of two characters.
func letters(text []byte) (rows [][]string) {
	var row []string
	for rest := string(text); rest != ""; {
		field := ""
		if strings.HasPrefix(rest, `"`) {
			for rest = rest[1:]; ; {
				before, after, _ := strings.Cut(rest, `"`)
				if field, rest = field+before, after; !strings.HasPrefix(rest, `"`) {
					break
				}
				field, rest = field+`"`, rest[1:]
			}
		} else {
			end := strings.IndexAny(rest, ",\r")
			field, rest = rest[:end], rest[end:]
		}
		row = append(row, field)
		if rest[0] == ',' {
			rest = rest[1:]
			continue
		}
		rows, row, rest = append(rows, row), nil, strings.TrimPrefix(rest, "\r\n")
	}
	return rows
}

// asShown is a machine's cell as the workbook shows it.
func asShown(cell string) string {
	if at, err := time.Parse(time.RFC3339, cell); err == nil {
		return at.In(saoPaulo).Format("2006-01-02 15:04")
	}
	return fit(strings.TrimPrefix(cell, "'"), english().Cut)
}

func TestCSVHoldsWhatTheWorkbookShows(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	for i, sheet := range SheetNames() {
		text, rows := asCSV(t, book, source, sheet)
		assert.Equal(t, w.rows[i], SheetRows{sheet, rows})
		got := letters(text)
		read, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		require.NoError(t, err, sheet)
		require.Len(t, read, rows+1, sheet)
		shown := w.cells(t, sheet)[1:]
		require.Len(t, shown, rows+1)
		for y, row := range got {
			require.Len(t, row, len(got[0]), "%s, row %d", sheet, y)
			for x, cell := range row {
				assert.Equal(t, strings.ReplaceAll(cell, "\r\n", "\n"), read[y][x], "encoding/csv reads the same")
				want := ""
				if x < len(shown[y]) {
					want = shown[y][x]
				}
				assert.Equal(t, want, asShown(cell), "%s, row %d, column %s", sheet, y, got[0][x])
			}
		}
	}
}

func TestCSVSaysTheSameInEveryLanguageButForSentences(t *testing.T) {
	book, source := usual()
	inEnglish, _ := asCSV(t, book, source, "Customers")
	book.Language = "pt-BR"
	text, _ := asCSV(t, book, source, "Customers")
	assert.True(t, strings.HasPrefix(string(text), "Partner,Customer,Tenant ID,"))
	assert.Equal(t, inEnglish[:bytes.IndexByte(inEnglish, '\n')], text[:bytes.IndexByte(text, '\n')])
	assert.Contains(t, string(text), "não lido", "a sentence")
	assert.Contains(t, string(text), ",2026-11-22T05:30:04Z,", "not as the language writes dates, and not where the report is read")
}

func TestHostileTextIsTextInCSVToo(t *testing.T) {
	long := strings.Repeat("long 🙂 ", 7000)
	for name, want := range map[string]string{
		"=1+1":                       "'=1+1",
		"+551199999999":              "'+551199999999",
		"-2+3":                       "'-2+3",
		"@SUM(A1)":                   "'@SUM(A1)",
		"  =1+1":                     `"'  =1+1"`,
		"\t=1+1":                     "'\t=1+1",
		"\tharmless":                 "'\tharmless",
		"\rx":                        "\"'\rx\"",
		"\n=x":                       "\"'\n=x\"",
		"\u00A0=1":                   "'\u00A0=1",
		"\uFEFF@x":                   "'\uFEFF@x",
		"\x00=x":                     "'\x00=x",
		"\uFF1D1":                    "'\uFF1D1",
		`=HYPERLINK("http://x","y")`: `"'=HYPERLINK(""http://x"",""y"")"`,
		" spaces ":                   `" spaces "`,
		"a,b":                        `"a,b"`,
		"'quoted'":                   "'quoted'",
		"1-2":                        "1-2",
		"Österreich =":               "Österreich =",
		"a\r\nb":                     "\"a\r\nb\"",
		"Loja;=1+41;fim":             "Loja;'=1+41;fim",
		"one\n@two;-3; =4":           "\"one\n'@two;'-3; =4\"",
		";=1":                        ";'=1",
		"x\r=2":                      "\"x\r'=2\"",
		"bad \xff byte":              "bad \uFFFD byte",
		"":                           "",
		" ":                          `" "`,
		long:                         `"` + long + `"`,
	} {
		out := &csvRows{columns: 1}
		out.text(name)
		assert.Equal(t, want, string(out.buf), "%q", name)
	}
	numbers := &csvRows{columns: 1}
	numbers.number(-5)
	assert.Equal(t, "-5", string(numbers.buf), "a number is no formula")
}

func TestJSONHoldsWhatCSVHolds(t *testing.T) {
	book, source := usual()
	var out bytes.Buffer
	written, err := WriteJSON(t.Context(), &out, book, source)
	require.NoError(t, err)
	assert.Equal(t, Written{Sheets: write(t, book, source).rows}, written)

	var got struct {
		MadeAt  time.Time `json:"made_at"`
		Verdict string
		Runs    []map[string]any
		Sheets  map[string][]map[string]any
		SHA256  string
	}
	decoder := json.NewDecoder(bytes.NewReader(out.Bytes()))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&got))
	_, err = decoder.Token()
	require.ErrorIs(t, err, io.EOF, "one object and nothing else")
	assert.Equal(t, book.AsOf, got.MadeAt)
	assert.Equal(t, "ok", got.Verdict)
	assert.Equal(t, []map[string]any{
		{"partner": "contoso-br", "run": json.Number("12"), "started_at": "2026-11-22T05:30:00Z", "against": json.Number("11")},
		{"partner": "contoso-eu", "run": json.Number("1"), "started_at": "2026-11-22T05:31:00Z", "against": nil},
	}, got.Runs)
	assert.Len(t, got.Sheets, len(SheetNames()))
	for _, sheet := range SheetNames() {
		text, rows := asCSV(t, book, source, sheet)
		table := letters(text)
		require.Len(t, got.Sheets[sheet], rows)
		for y, row := range got.Sheets[sheet] {
			require.Len(t, row, len(table[0]))
			for x, key := range table[0] {
				value, ok := row[key]
				assert.True(t, ok, "%s has %s", sheet, key)
				switch cell := table[y+1][x]; v := value.(type) {
				case nil:
					assert.Empty(t, cell, "%s, row %d, %s", sheet, y, key)
				case json.Number:
					assert.Equal(t, cell, v.String(), "%s, row %d, %s", sheet, y, key)
				default:
					if looksLikeFormula(v.(string)) {
						assert.Equal(t, cell, "'"+v.(string), "%s, row %d, %s", sheet, y, key)
					} else {
						assert.Equal(t, cell, v, "%s, row %d, %s", sheet, y, key)
					}
				}
			}
		}
	}
	assert.Equal(t, digestOf(t, book, source, SheetNames()), got.SHA256)
	first := got.Sheets["Blocked"][0]
	assert.Equal(t, json.Number("41"), first["Days blocked"])
	assert.Equal(t, "2026-10-12T05:30:00Z", first["Blocked since"])
	assert.Equal(t, "2019-08-26", first["Last accepted"])
}

func TestJSONKeysAreInTheOrderOfColumns(t *testing.T) {
	book, source := usual()
	var out bytes.Buffer
	written, err := WriteJSON(t.Context(), &out, book, source, "unread", "Changes")
	require.NoError(t, err)
	assert.Equal(t, []SheetRows{{"Changes", 8}, {"Unread", 6}}, written.Sheets, "in the order of the workbook")
	assert.Contains(t, out.String(), "\n\"Changes\":[\n{\"Partner\":\"contoso-br\",\"Customer\":\"Outdated GmbH\",\"Tenant ID\":\"00000005-")
	assert.Contains(t, out.String(), digestOf(t, book, source, []string{"Changes", "Unread"}))
	assert.NotContains(t, out.String(), `"Customers"`)
}

func TestJSONOfABookWithoutPartnersOrRows(t *testing.T) {
	var out bytes.Buffer
	_, err := WriteJSON(t.Context(), &out, Book{AsOf: tonight, Through: tonight, Partners: []PartnerRun{{Partner: brazil}}}, memorySource{}, "Blocked")
	require.NoError(t, err)
	assert.JSONEq(t, fmt.Sprintf(`{"made_at":"2026-11-22T05:30:00Z","as_of":"2026-11-22T05:30:00Z","verdict":"failed","sheets":{"Blocked":[]},
		"runs":[{"partner":"contoso-br","run":null,"started_at":null,"against":null}],"sha256":%q}`,
		digestOf(t, Book{Partners: []PartnerRun{{Partner: brazil}}}, memorySource{}, []string{"Blocked"})), out.String())
	out.Reset()
	_, err = WriteJSON(t.Context(), &out, Book{AsOf: tonight}, memorySource{}, "Checks")
	require.NoError(t, err)
	assert.Contains(t, out.String(), `"verdict":"nothing_to_check","runs":[]`)
}

func FuzzJSONTextComesBack(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		require.NoError(t, json.Unmarshal(appendJSON(nil, valid(s)), &got))
		assert.Equal(t, valid(s), got)
	})
}

func FuzzCSVTextComesBack(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		out := &csvRows{columns: 2, out: io.Discard}
		out.text(a)
		out.text(b)
		require.NoError(t, out.end())
		rows := letters(out.buf)
		require.Len(t, rows, 1)
		require.Len(t, rows[0], 2)
		for i, s := range []string{valid(a), valid(b)} {
			if s != "" && looksLikeFormula(s) {
				s = "'" + s
			}
			assert.Equal(t, s, rows[0][i])
		}
		if first := strings.TrimLeft(rows[0][0], " "); first != "" {
			assert.NotContains(t, "=+-@\t\r", first[:1])
		}
	})
}

// digestOf is what an auditor computes: cat *.csv | sha256sum.
func digestOf(t *testing.T, book Book, source Source, sheets []string) string {
	t.Helper()
	sum := sha256.New()
	for _, sheet := range sheets {
		text, _ := asCSV(t, book, source, sheet)
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestAboutHasTheDigestOfTheData(t *testing.T) {
	for language, label := range map[string]string{"en": "SHA-256 of the data", "pt-BR": "SHA-256 dos dados"} {
		book, source := usual()
		book.Language = language
		say, err := catalogueOf(language)
		require.NoError(t, err)
		about := func(w written) string {
			for _, row := range w.cells(t, say.Sheets[sheetAbout]) {
				if len(row) > 2 && row[1] == label {
					return row[2]
				}
			}
			return ""
		}
		want := digestOf(t, book, source, SheetNames())
		assert.Equal(t, want, about(write(t, book, source)))
		assert.Equal(t, want, about(writeWith(t, writer{sheetLimit: 22}, book, source)), "a sheet that goes on in another is one file")
		book.AsOf = book.AsOf.AddDate(1, 0, 0)
		assert.Equal(t, want, about(write(t, book, source)), "whenever it is made")
		book.Sheets = []string{"Unread", "About", "Blocked"}
		assert.Equal(t, digestOf(t, book, source, []string{"Blocked", "Unread"}), about(write(t, book, source)), "of the sheets that are there")
		source.records[brazil.ID][4].Name += "."
		assert.NotEqual(t, want, about(write(t, book, source)))
	}
}

func TestOnlyTheSheetsThatAreWanted(t *testing.T) {
	book, source := usual()
	for _, c := range []struct {
		wanted, have []string
		rows         []SheetRows
	}{
		{[]string{"Blocked"}, []string{"Blocked"}, []SheetRows{{"Blocked", 4}}},
		{[]string{"unread", "changes"}, []string{"Changes", "Unread"}, []SheetRows{{"Changes", 8}, {"Unread", 6}}},
		{[]string{"About", "Summary"}, []string{"Summary", "About"}, nil},
		{[]string{"About", "Changes"}, []string{"Changes", "About"}, []SheetRows{{"Changes", 8}}},
	} {
		book.Sheets = c.wanted
		w := write(t, book, source)
		assert.Equal(t, c.have, w.GetSheetList())
		assert.Equal(t, c.rows, w.rows)
		for _, sheet := range c.rows {
			whole := book
			whole.Sheets = nil
			assert.Equal(t, write(t, whole, source).cells(t, sheet.Sheet), w.cells(t, sheet.Sheet), "as in the whole workbook")
		}
		assert.NotContains(t, string(part(t, w.bytes, sharedStrings)), digestPlace)
	}
	assert.Equal(t, []string{"Summary", "Blocked", "Customers", "Changes", "Attestations", "Unread", "Checks", "About"}, BookSheetNames())
}

func TestAnUnknownSheetIsRefused(t *testing.T) {
	book, source := usual()
	_, err := WriteCSV(t.Context(), io.Discard, book, source, "Summary")
	assert.EqualError(t, err, `there is no sheet "Summary"; there are Blocked, Customers, Changes, Attestations, Unread, Checks`)
	unknown, ok := errors.AsType[*UnknownSheetError](err)
	require.True(t, ok)
	assert.Equal(t, SheetNames(), unknown.Known)
	_, err = WriteJSON(t.Context(), io.Discard, book, source, "Blocked", "Bloqueados")
	assert.ErrorContains(t, err, `there is no sheet "Bloqueados"`)
	book.Sheets = []string{"Sheet1"}
	_, err = Write(t.Context(), io.Discard, book, source)
	assert.ErrorContains(t, err, "Summary, Blocked")
}

func TestMachinesHearOfErrorsToo(t *testing.T) {
	book, source := usual()
	broken := errors.New("connection reset")
	_, err := WriteCSV(t.Context(), io.Discard, book, liar{memorySource: source, err: broken}, "Blocked")
	require.ErrorIs(t, err, broken)
	_, err = WriteJSON(t.Context(), io.Discard, book, liar{memorySource: source, err: broken})
	require.ErrorIs(t, err, broken)
	_, err = WriteCSV(t.Context(), io.Discard, book, liar{memorySource: source, more: 1}, "Customers")
	assert.ErrorContains(t, err, "write the report again")
	for _, left := range []int{0, 100, 3000} {
		_, err = WriteCSV(t.Context(), &fullDisk{left}, book, source, "Customers")
		assert.ErrorContains(t, err, "no space left")
		_, err = WriteJSON(t.Context(), &fullDisk{left}, book, source)
		assert.ErrorContains(t, err, "no space left")
	}
	_, err = WriteCSV(t.Context(), io.Discard, Book{Language: "tlh"}, memorySource{}, "Blocked")
	assert.ErrorContains(t, err, "is not known")
}

func TestARowWithOtherThanItsColumnsIsAnError(t *testing.T) {
	r, err := gather(t.Context(), Book{}, memorySource{})
	require.NoError(t, err)
	s := r.blocked()
	for _, out := range []cells{r.newCSV(s, io.Discard), r.newJSON(s, io.Discard)} {
		out.text("x")
		assert.ErrorContains(t, out.end(), "row 1 has 1 cells")
		assert.ErrorContains(t, out.end(), "row 1 has 1 cells", "it is kept")
	}
}

func TestWhatIsNoUTF8IsMadeUTF8InEveryFormat(t *testing.T) {
	r, err := gather(t.Context(), Book{}, memorySource{})
	require.NoError(t, err)
	s, bad := r.changes(), "\xff"
	s.rows, s.columns = 1, s.columns[:3]
	s.fill = func(_ context.Context, out cells) error {
		out.text(bad)
		out.wrapped(bad)
		out.date(standing.Date(bad))
		return out.end()
	}
	var sheet, array, table bytes.Buffer
	data := r.newCSV(s, &table)
	for _, out := range []cells{
		r.newRows(s, []page{{rows: 1}}, func(page) (io.Writer, error) { return &sheet, nil }), r.newJSON(s, &array)} {
		require.NoError(t, s.write(t.Context(), digested{out, data}))
		require.NoError(t, out.(interface{ close() error }).close())
	}
	require.NoError(t, s.write(t.Context(), data))
	require.NoError(t, data.close())
	for _, text := range []string{sheet.String(), array.String(), table.String()} {
		assert.True(t, utf8.ValidString(text))
		assert.Zero(t, strings.Count(text, "\uFFFD")%3)
		assert.Contains(t, text, "\uFFFD")
	}
}

func TestTotalsHaveNames(t *testing.T) {
	assert.Len(t, totalNames, len(measures(ledger.Totals{}, changeCounts{})))
	for _, language := range []string{"en", "pt-BR"} {
		book, source := usual()
		book.Language = language
		for _, partners := range [][]PartnerRun{book.Partners, book.Partners[:1]} {
			book.Partners = partners
			w := write(t, book, source)
			got := map[string]string{}
			for _, name := range w.GetDefinedName() {
				if strings.HasPrefix(name.Name, "Total_") {
					assert.Equal(t, "Workbook", name.Scope)
					sheet, at, _ := strings.Cut(name.RefersTo, "!")
					got[name.Name] = cell(t, w, strings.Trim(sheet, "'"), strings.ReplaceAll(at, "$", ""))
				}
			}
			sums := make([]int, len(totalNames))
			r, err := gather(t.Context(), book, source)
			require.NoError(t, err)
			for at, p := range partners {
				for i, n := range measures(p.Run.Totals, r.counts[at].changes) {
					sums[i] += n
				}
			}
			want := map[string]string{}
			for i, name := range totalNames {
				want[name] = strconv.Itoa(sums[i])
			}
			assert.Equal(t, want, got)
		}
	}
	for _, name := range write(t, Book{}, memorySource{}).GetDefinedName() {
		assert.NotContains(t, name.Name, "Total_")
	}
}

// hops is a ledger that counts changes by the runs that they lie between.
type hops struct {
	memorySource
	changes map[[2]int64]int // from, to
}

func (h hops) CountChanges(_ context.Context, _ string, run, against int64) (int, error) {
	n, ok := h.changes[[2]int64{against, run}]
	if !ok {
		return 0, fmt.Errorf("nobody should ask for the changes from run %d to %d", against, run)
	}
	return n, nil
}

// nights are runs of a partner, oldest first, the first of them number 1.
func nights(totals ...ledger.Totals) []ledger.Run {
	runs := make([]ledger.Run, len(totals))
	for i := range runs {
		runs[i] = ledger.Run{ID: int64(i + 1), Totals: totals[i]}
	}
	return runs
}

func TestChangesAreComparedWithWhatRunsCountedWhereThatCanBeDone(t *testing.T) {
	first := ledger.Totals{Listed: 9, New: 9}
	quiet := ledger.Totals{Listed: 9}
	busy := ledger.Totals{Listed: 9, New: 2, Gone: 2, NewlyBlocked: 3, NewlyClear: 4}
	recheck := ledger.Totals{Listed: 9, NewlyClear: 1}
	came, went := ledger.Totals{New: 2}, ledger.Totals{Gone: 1}
	type pair struct{ a, b int }
	type steps = map[[2]int64]int
	for _, c := range []struct {
		name            string
		runs            []ledger.Run
		against         int64
		steps           steps // those that are asked for beside the one from end to end
		all             int   // changes from end to end
		turnover, moves *pair
	}{
		{"the run before", nights(first, busy), 1, nil, 11, &pair{2, 2}, &pair{3, 4}},
		{"the first run, against none", nights(first), 0, nil, 9, &pair{9, 0}, &pair{0, 0}},
		{"a night and a recheck of somebody else", nights(first, busy, recheck), 1, steps{{1, 2}: 11, {2, 3}: 1}, 12, &pair{2, 2}, &pair{3, 5}},
		{"a night and a recheck of one who was newly blocked", nights(first, busy, recheck), 1, steps{{1, 2}: 11, {2, 3}: 1}, 10, &pair{2, 2}, nil},
		{"a night and a recheck of one who was new", nights(first, busy, recheck), 1, steps{{1, 2}: 11, {2, 3}: 1}, 11, &pair{2, 2}, nil},
		{"a quiet night and a recheck", nights(first, quiet, recheck), 1, steps{{1, 2}: 0, {2, 3}: 1}, 1, &pair{0, 0}, &pair{0, 1}},
		{"a night, and a recheck that found nothing", nights(first, busy, quiet), 1, steps{{1, 2}: 11, {2, 3}: 0}, 11, &pair{2, 2}, &pair{3, 4}},
		{"the first night and rechecks, against none", nights(first, recheck, recheck), 0, steps{{0, 1}: 9, {1, 2}: 1, {2, 3}: 1}, 9, &pair{9, 0}, nil},
		{"a recheck against the night", nights(first, busy, recheck), 2, nil, 1, &pair{0, 0}, &pair{0, 1}},
		{"two nights back, with turnover in both: who came may have gone", nights(first, busy, busy), 1, steps{{1, 2}: 11, {2, 3}: 11}, 18, nil, nil},
		{"two nights back, with turnover in both, of others", nights(first, busy, busy), 1, steps{{1, 2}: 11, {2, 3}: 11}, 22, &pair{4, 4}, &pair{6, 8}},
		{"two nights back, who came went", nights(first, came, went), 1, steps{{1, 2}: 2, {2, 3}: 1}, 1, nil, nil},
		{"two nights back, customers came twice and one moved", nights(first, came, came), 1, steps{{1, 2}: 2, {2, 3}: 3}, 4, &pair{4, 0}, nil},
		{"two nights back, customers went twice and one moved", nights(first, went, went), 1, steps{{1, 2}: 2, {2, 3}: 1}, 2, &pair{0, 2}, nil},
		{"the run itself", nights(first, busy), 2, nil, 0, &pair{0, 0}, &pair{0, 0}},
		{"a run older than the history", nights(first, busy)[1:], 1, nil, 11, nil, nil},
		{"a run against none, with a history that is full", nights(make([]ledger.Totals, HistoryRuns)...), 0, nil, 9, nil, nil},
	} {
		shown := c.runs[len(c.runs)-1]
		p := PartnerRun{Run: &shown, History: c.runs}
		if c.against > 0 {
			p.Against = &ledger.Run{ID: c.against}
		}
		r := &report{source: hops{changes: c.steps}}
		once, err := r.changedOnce(t.Context(), p, c.all)
		require.NoError(t, err, c.name)
		turnover, moves := p.changed(once)
		var gotTurnover, gotMoves *pair
		if turnover != nil {
			gotTurnover = &pair{turnover.New, turnover.Gone}
		}
		if moves != nil {
			gotMoves = &pair{moves.NewlyBlocked, moves.NewlyClear}
		}
		assert.Equal(t, c.turnover, gotTurnover, c.name)
		assert.Equal(t, c.moves, gotMoves, c.name)
	}
	_, moves := PartnerRun{Run: &ledger.Run{ID: 7}}.changed(true)
	assert.Nil(t, moves, "no history")
}

func TestMovesOtherThanCountedFailACheck(t *testing.T) {
	for _, change := range []func(*ledger.Totals){
		func(t *ledger.Totals) { t.NewlyBlocked++ }, func(t *ledger.Totals) { t.NewlyClear-- },
		func(t *ledger.Totals) { t.New++ }, func(t *ledger.Totals) { t.Gone-- },
	} {
		book, source := usual()
		history := book.Partners[0].History
		change(&history[len(history)-1].Totals)
		assert.Equal(t, "✘ 1 check FAILS: see Checks", cell(t, write(t, book, source), "Checks", "B1"))
	}
	book, source := usual()
	_, rows := asCSV(t, book, source, "Checks")
	book.Partners[0].Against = &book.Partners[0].History[3]
	assert.Equal(t, "✔ All checks balance", cell(t, write(t, book, source), "Checks", "B1"))
	_, fewer := asCSV(t, book, source, "Checks")
	assert.Equal(t, rows-4, fewer, "they cannot be said of runs that are far apart")
}

func TestAboutHasRoomToSign(t *testing.T) {
	for language, labels := range map[string][]string{"en": {"Prepared by", "Reviewed by", "Date"}, "pt-BR": {"Preparado por", "Revisado por", "Data"}} {
		book, source := usual()
		book.Language = language
		say, err := catalogueOf(language)
		require.NoError(t, err)
		w, sheet := write(t, book, source), say.Sheets[sheetAbout]
		points, found := 0.0, []string{}
		for i := range w.cells(t, sheet) {
			height, err := w.GetRowHeight(sheet, i+1)
			require.NoError(t, err)
			points += height
			label := cell(t, w, sheet, fmt.Sprintf("B%d", i+1))
			if !slices.Contains(labels, label) || height != signatureHeight {
				continue
			}
			found = append(found, label)
			assert.Empty(t, cell(t, w, sheet, fmt.Sprintf("C%d", i+1)))
			id, err := w.GetCellStyle(sheet, fmt.Sprintf("C%d", i+1))
			require.NoError(t, err)
			style, err := w.GetStyle(id)
			require.NoError(t, err)
			require.Len(t, style.Border, 1)
			assert.Equal(t, "bottom", style.Border[0].Type)
			assert.Less(t, points, 450.0, "A4 on its side has 523 points between our margins")
		}
		assert.Equal(t, labels, found)
	}
}
