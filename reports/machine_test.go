package reports

import (
	"archive/zip"
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
	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/reports/texts"
)

func asCSV(t *testing.T, book Book, source Source, sheet string) (text []byte, rows int) {
	t.Helper()
	var out bytes.Buffer
	written, err := WriteCSV(t.Context(), &out, book, source, sheet)
	require.NoError(t, err)
	require.Len(t, written.Sheets, 1)
	require.Contains(t, []string{sheet, englishName(sheet)}, written.Sheets[0].Sheet)
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

// asShown is a machine's cell as the workbook in English shows it: words for codes, clocks in the
// report's zone.
func asShown(t *testing.T, say catalogue, key, cell string) string {
	t.Helper()
	if key == "next_step" {
		return wordOf(say.stepsInWords(), cell)
	}
	if kind := wordKinds[key]; kind != "" && cell != "" {
		return say.word(kind, cell)
	}
	if at, err := time.Parse(time.RFC3339, cell); err == nil {
		return at.In(saoPaulo).Format("2006-01-02 15:04")
	}
	return xlsx.Fit(strings.TrimPrefix(cell, "'"), say.Texts.Cut)
}

// wordKinds are the columns that hold codes.
var wordKinds = map[string]string{"standing": "standing", "standing_before": "standing", "standing_after": "standing",
	"blocked.reason": "reason", "customers.reason": "reason", "could_not_be_read.reason": "reason",
	"attestations.reason": "attestation_reason", "reason_before": "reason", "reason_after": "reason",
	"next_step": "remedy", "agreements_read": "outcome", "subscriptions_read": "subscriptions_read",
	"attestations.next_step": "attestation_step", "direct_acceptance": "direct", "since_is": "precision",
	"change": "change", "cause": "cause", "what_to_do": "advice", "state": "state", "attestation_state": "state",
	"result": "result", "at_risk": "risk", "window": "window", "auto_renew": "yes_no", "trial": "yes_no",
	"exception": "exception", "invitation": "invitation", "invited_to": "invited_to", "delivery": "delivery",
	"channel": "channel", "batch_status": "batch_status", "event": "event", "state_before": "state",
	"state_after": "state"}

func TestCSVHoldsWhatTheWorkbookShows(t *testing.T) {
	t.Parallel()
	book, source := usual()
	w := write(t, book, source)
	say := catalogueIn(t, "en")
	for i, table := range allTables(t, book, source) {
		sheet := englishName(table.key)
		text, rows := asCSV(t, book, source, sheet)
		assert.Equal(t, w.rows[i], SheetRows{sheet, rows})
		got := letters(text)
		read, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		require.NoError(t, err, sheet)
		require.Len(t, read, rows+1, sheet)
		shown := w.cells(t, sheet)[firstRow-1:]
		require.Len(t, shown, rows)
		for y, row := range got[1:] {
			x := 0
			for column, c := range table.columns {
				if c.only == workbook {
					continue
				}
				assert.Equal(t, c.key, got[0][x])
				assert.Equal(t, strings.ReplaceAll(row[x], "\r\n", "\n"), read[y+1][x], "encoding/csv reads the same")
				key := c.key
				if wordKinds[table.key+"."+key] != "" {
					key = table.key + "." + key
				}
				want, cell := "", strings.TrimPrefix(asShown(t, say, key, row[x]), "≥ ")
				if column < len(shown[y]) {
					want = strings.TrimPrefix(shown[y][column], "≥ ")
				}
				if c.dayOnly {
					cell = cell[:min(len(cell), len(time.DateOnly))]
				}
				if table.key != sheetChecks || c.key != "check" { // names of checks are in the workbook only
					assert.Equal(t, want, cell, "%s, row %d, column %s", sheet, y, c.key)
				}
				x++
			}
			require.Len(t, row, x, "%s, row %d", sheet, y)
		}
	}
}

// allTables are the tables of a report.
func allTables(t *testing.T, book Book, source Source) []table {
	t.Helper()
	r, err := gather(t.Context(), book, source)
	require.NoError(t, err)
	return r.tables(dataSheets())
}

func catalogueIn(t *testing.T, language string) catalogue {
	t.Helper()
	say, err := catalogueOf(language)
	require.NoError(t, err)
	return say
}

// The same facts give the same bytes for machines, and so the same digest, in every language and
// time zone, with every version.
func TestMachinesGetTheSameInEveryLanguageAndZone(t *testing.T) {
	t.Parallel()
	book, source := usual()
	want := map[string]string{}
	for _, key := range dataSheets() {
		text, _ := asCSV(t, book, source, englishName(key))
		want[key] = string(text)
	}
	digest := digestOf(t, book, source, dataSheets())
	for _, language := range texts.Languages() {
		for _, zone := range []*time.Location{time.UTC, saoPaulo, time.FixedZone("Kiritimati", 14*60*60),
			time.FixedZone("Baker", -12*60*60)} {
			book.Language, book.Location, book.Version = language, zone, "9.9.9-"+language
			for _, key := range dataSheets() {
				text, _ := asCSV(t, book, source, key)
				assert.Equal(t, want[key], string(text), "%s, %s, %s", language, zone, key)
			}
			assert.Equal(t, digest, propertiesOf(t, write(t, book, source))[digestProperty])
			var out bytes.Buffer
			_, err := WriteJSON(t.Context(), &out, book, source)
			require.NoError(t, err)
			assert.Contains(t, out.String(), digest)
		}
	}
	assert.True(t, strings.HasPrefix(want[sheetCustomers], "standing,customer,partner,reason,"))
	assert.Contains(t, want[sheetCustomers], ",2026-11-22T05:30:04Z,")
	assert.Contains(t, want[sheetBlocked], "correct,Outdated GmbH,")
}

// propertiesOf are a workbook's custom properties.
func propertiesOf(t *testing.T, w written) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(w.bytes), int64(len(w.bytes)))
	require.NoError(t, err)
	properties, err := xlsx.CustomProperties(archive)
	require.NoError(t, err)
	return properties
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
		assert.Equal(t, want, string(appendCSV(nil, name)), "%q", name)
	}
	numbers := &csvWriter{columns: make([]columnLayout, 1), instants: make([]instantText, 1)}
	require.NoError(t, numbers.WriteRow([]Cell{Count(-5)}))
	assert.Equal(t, "-5\r\n", string(numbers.buf), "a number is not a formula")
}

func TestJSONHoldsWhatCSVHolds(t *testing.T) {
	book, source := usual()
	var out bytes.Buffer
	written, err := WriteJSON(t.Context(), &out, book, source)
	require.NoError(t, err)
	assert.Equal(t, Written{Sheets: write(t, book, source).rows}, written)

	var got struct {
		SchemaVersion int       `json:"schema_version"`
		MadeAt        time.Time `json:"made_at"`
		Verdict       string
		Runs          []map[string]any
		Sheets        map[string][]map[string]any
		SHA256        string
	}
	decoder := json.NewDecoder(bytes.NewReader(out.Bytes()))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&got))
	_, err = decoder.Token()
	require.ErrorIs(t, err, io.EOF, "one object and nothing else")
	assert.Equal(t, SchemaVersion, got.SchemaVersion)
	assert.Equal(t, book.MadeAt, got.MadeAt)
	assert.Equal(t, "ok", got.Verdict)
	assert.Equal(t, []map[string]any{
		{"partner": "contoso-br", "run": json.Number("12"), "started_at": "2026-11-22T05:30:00Z",
			"against": json.Number("11")},
		{"partner": "contoso-eu", "run": json.Number("1"), "started_at": "2026-11-22T05:31:00Z", "against": nil},
	}, got.Runs)
	assert.Len(t, got.Sheets, len(dataSheets()))
	for _, sheet := range dataSheets() {
		text, rows := asCSV(t, book, source, englishName(sheet))
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
	assert.Equal(t, digestOf(t, book, source, dataSheets()), got.SHA256)
	first := got.Sheets["blocked"][0]
	assert.Equal(t, json.Number("41"), first["days_blocked"])
	assert.Equal(t, "2026-10-12T05:30:00Z", first["blocked_since"])
	assert.Equal(t, "2019-08-26", first["last_accepted"])
	assert.Equal(t, "outdated", first["reason"])
}

func TestJSONKeysAreInTheOrderOfColumns(t *testing.T) {
	book, source := usual()
	var out bytes.Buffer
	written, err := WriteJSON(t.Context(), &out, book, source, "could_not_be_read", "Changes")
	require.NoError(t, err)
	assert.Equal(t, []SheetRows{{"Changes", 8}, {"Could not be read", 6}}, written.Sheets,
		"in the order of the workbook")
	assert.Contains(t, out.String(), "\n\"changes\":[\n{\"change\":\"newly_blocked\",\"customer\":\"Outdated "+
		"GmbH\",\"partner\":\"contoso-br\",\"cause\":\"customer\",\"standing_before\":\"clear\"")
	assert.Contains(t, out.String(), digestOf(t, book, source, []string{"Changes", "Could not be read"}))
	assert.NotContains(t, out.String(), `"customers"`)
}

func TestJSONOfABookWithoutPartnersOrRows(t *testing.T) {
	var out bytes.Buffer
	_, err := WriteJSON(t.Context(), &out, Book{MadeAt: tonight, AsOf: tonight,
		Partners: []PartnerRun{{Partner: brazil}}}, memorySource{}, "Blocked")
	require.NoError(t, err)
	assert.JSONEq(t, fmt.Sprintf(`{"made_at":"2026-11-22T05:30:00Z","as_of":"2026-11-22T05:30:00Z","schema_version":1,"verdict":"failed","sheets":{"blocked":[]},
		"runs":[{"partner":"contoso-br","run":null,"started_at":null,"against":null}],"sha256":%q}`,
		digestOf(t, Book{Partners: []PartnerRun{{Partner: brazil}}}, memorySource{},
			[]string{"Blocked"})), out.String())
	out.Reset()
	_, err = WriteJSON(t.Context(), &out, Book{MadeAt: tonight}, memorySource{}, "Checks")
	require.NoError(t, err)
	assert.Contains(t, out.String(), `"verdict":"nothing_to_check","runs":[]`)
}

func FuzzJSONTextComesBack(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		require.NoError(t, json.Unmarshal(appendJSON(nil, xlsx.ValidText(s)), &got))
		assert.Equal(t, xlsx.ValidText(s), got)
	})
}

func FuzzCSVTextComesBack(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if a != "" && plain(a) {
			assert.Equal(t, a, inert(xlsx.ValidText(a)))
			assert.False(t, needsQuotes(a) || looksLikeFormula(a), "%q", a)
		}
		out := &csvWriter{columns: make([]columnLayout, 2), instants: make([]instantText, 2), out: io.Discard}
		require.NoError(t, out.WriteRow([]Cell{Text(a), Text(b)}))
		rows := letters(out.buf)
		require.Len(t, rows, 1)
		require.Len(t, rows[0], 2)
		for i, s := range []string{inert(xlsx.ValidText(a)), inert(xlsx.ValidText(b))} {
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

func TestAboutAndThePropertiesHaveTheDigestOfTheData(t *testing.T) {
	t.Parallel()
	for _, language := range texts.Languages() {
		book, source := usual()
		book.Language = language
		say := catalogueIn(t, language)
		about := func(w written) string {
			digest := ""
			for _, row := range w.cells(t, say.Sheets[sheetAbout].label()) {
				if len(row) >= aboutValue && row[0] == say.Texts.Digest {
					digest = row[aboutValue-1]
				}
			}
			assert.Equal(t, digest, propertiesOf(t, w)[digestProperty])
			return digest
		}
		want := digestOf(t, book, source, dataSheets())
		assert.Equal(t, want, about(write(t, book, source)))
		assert.Equal(t, want, about(writeWith(t, writer{rowLimit: 22}, book, source)),
			"a sheet that continues in another is one file")
		book.MadeAt = book.MadeAt.AddDate(1, 0, 0)
		assert.Equal(t, want, about(write(t, book, source)), "whenever it is made")
		book.Sheets = []string{"Could not be read", "About", "Blocked"}
		assert.Equal(t, digestOf(t, book, source, []string{"Blocked", "Could not be read"}),
			about(write(t, book, source)), "of the sheets that are there")
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
		{[]string{"could_not_be_read", "changes"}, []string{"Changes", "Could not be read"},
			[]SheetRows{{"Changes", 8}, {"Could not be read", 6}}},
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
			assert.Equal(t, write(t, whole, source).cells(t, sheet.Sheet), w.cells(t, sheet.Sheet),
				"as in the whole workbook")
		}
		assert.NotContains(t, string(part(t, w.bytes, sharedStrings)), digestPlace)
	}
	assert.Equal(t, []string{"Summary", "Blocked", "Renewals at risk", "Exceptions", "Changes", "Invitations",
		"Attestations", "Batches", "Could not be read", "Checks", "Customers", "Events", "About"}, BookSheetNames())
}

func TestAnUnknownSheetIsRefused(t *testing.T) {
	book, source := usual()
	_, err := WriteCSV(t.Context(), io.Discard, book, source, "Summary")
	assert.EqualError(t, err, `there is no sheet "Summary"; there are Blocked, Renewals at risk, Exceptions, Changes, Invitations, Attestations, Batches, Could not be read, Checks, Customers, Events`)
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

func TestInvalidUTF8IsReplacedInEveryFormat(t *testing.T) {
	t.Parallel()
	book, source := usual()
	source.records[brazil.ID][4].Name = "bad \xff name"
	csvText, _ := asCSV(t, book, source, "Blocked")
	var array bytes.Buffer
	_, err := WriteJSON(t.Context(), &array, book, source, "Blocked")
	require.NoError(t, err)
	sheet := part(t, write(t, book, source).bytes, "xl/worksheets/sheet2.xml")
	for _, text := range []string{string(csvText), array.String(), string(sheet)} {
		assert.True(t, utf8.ValidString(text))
		assert.Contains(t, text, "bad \uFFFD name")
	}
}

func TestTotalsHaveNames(t *testing.T) {
	assert.Len(t, totalNames, len(measures(ledger.Totals{}, changeCounts{})))
	for _, language := range texts.Languages() {
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
		{"a night and a recheck of somebody else", nights(first, busy, recheck), 1, steps{{1, 2}: 11, {2, 3}: 1}, 12,
			&pair{2, 2}, &pair{3, 5}},
		{"a night and a recheck of one who was newly blocked", nights(first, busy, recheck), 1,
			steps{{1, 2}: 11, {2, 3}: 1}, 10, &pair{2, 2}, nil},
		{"a night and a recheck of one who was new", nights(first, busy, recheck), 1, steps{{1, 2}: 11, {2, 3}: 1}, 11,
			&pair{2, 2}, nil},
		{"a quiet night and a recheck", nights(first, quiet, recheck), 1, steps{{1, 2}: 0, {2, 3}: 1}, 1, &pair{0, 0},
			&pair{0, 1}},
		{"a night, and a recheck that found nothing", nights(first, busy, quiet), 1, steps{{1, 2}: 11, {2, 3}: 0}, 11,
			&pair{2, 2}, &pair{3, 4}},
		{"the first night and rechecks, against none", nights(first, recheck, recheck), 0,
			steps{{0, 1}: 9, {1, 2}: 1, {2, 3}: 1}, 9, &pair{9, 0}, nil},
		{"a recheck against the night", nights(first, busy, recheck), 2, nil, 1, &pair{0, 0}, &pair{0, 1}},
		{"two nights back, with turnover in both: who came may have gone", nights(first, busy, busy), 1,
			steps{{1, 2}: 11, {2, 3}: 11}, 18, nil, nil},
		{"two nights back, with turnover in both, of others", nights(first, busy, busy), 1,
			steps{{1, 2}: 11, {2, 3}: 11}, 22, &pair{4, 4}, &pair{6, 8}},
		{"two nights back, who came went", nights(first, came, went), 1, steps{{1, 2}: 2, {2, 3}: 1}, 1, nil, nil},
		{"two nights back, customers came twice and one moved", nights(first, came, came), 1,
			steps{{1, 2}: 2, {2, 3}: 3}, 4, &pair{4, 0}, nil},
		{"two nights back, customers went twice and one moved", nights(first, went, went), 1,
			steps{{1, 2}: 2, {2, 3}: 1}, 2, &pair{0, 2}, nil},
		{"the run itself", nights(first, busy), 2, nil, 0, &pair{0, 0}, &pair{0, 0}},
		{"a run older than the history", nights(first, busy)[1:], 1, nil, 11, nil, nil},
		{"a run against none, with a history that is full", nights(make([]ledger.Totals, HistoryRuns)...), 0, nil, 9,
			nil, nil},
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
		assert.Equal(t, "✘ 1 of 37 control checks FAILED: see Checks", cell(t, write(t, book, source), "Checks", "A2"))
	}
	book, source := usual()
	_, rows := asCSV(t, book, source, "Checks")
	book.Partners[0].Against = &book.Partners[0].History[3]
	book.Partners[0].Against.Totals.Blocked = book.Partners[0].Run.Totals.Blocked
	assert.Regexp(t, "^✔ All control checks passed", cell(t, write(t, book, source), "Checks", "A2"))
	_, fewer := asCSV(t, book, source, "Checks")
	assert.Equal(t, rows-4, fewer, "they cannot be said of runs that are far apart")
}

func TestAboutHasRoomToSignForScopePeriodAndDigest(t *testing.T) {
	t.Parallel()
	for _, language := range texts.Languages() {
		book, source := usual()
		book.Language = language
		say := catalogueIn(t, language)
		w, sheet := write(t, book, source), say.Sheets[sheetAbout].label()
		points, roles, lines := 0.0, []string{}, []string{}
		for i := range w.cells(t, sheet) {
			height, err := w.GetRowHeight(sheet, i+1)
			require.NoError(t, err)
			points += height
			label := cell(t, w, sheet, fmt.Sprintf("A%d", i+1))
			lines = append(lines, label)
			if !slices.Contains(say.Texts.SignOffRoles, label) {
				continue
			}
			assert.EqualValues(t, signatureHeight, height)
			roles = append(roles, label)
			for _, col := range []string{"B", "I"} { // name, date
				assert.Empty(t, cell(t, w, sheet, fmt.Sprintf("%s%d", col, i+1)))
				id, err := w.GetCellStyle(sheet, fmt.Sprintf("%s%d", col, i+1))
				require.NoError(t, err)
				style, err := w.GetStyle(id)
				require.NoError(t, err)
				require.Len(t, style.Border, 1)
				assert.Equal(t, "bottom", style.Border[0].Type)
			}
			assert.Less(t, points, 500.0, "A4 landscape has 523 points between the margins")
		}
		assert.Equal(t, say.Texts.SignOffRoles, roles)
		assert.Contains(t, lines, say.Texts.Digest+": "+digestOf(t, book, source, dataSheets()))
		assert.Contains(t, lines, fmt.Sprintf(say.Texts.SignOffText, "contoso-br, contoso-eu",
			say.at(book.Partners[0].Against.StartedAt, saoPaulo)+" – "+say.at(book.Partners[1].Run.StartedAt,
				saoPaulo)))
	}
}
