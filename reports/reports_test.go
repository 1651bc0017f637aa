package reports

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/internal/xlsx/xlsxtest"
	"github.com/mcaledger/mcaledger/reports/texts"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/golden")
	dump   = flag.String("dump", "", "keep the workbooks that tests write in this directory, for looking at")
)

// written is a workbook read back by a reader that has not written its rows.
type written struct {
	*excelize.File
	bytes []byte
	rows  []SheetRows
}

func write(t *testing.T, book Book, source Source) written {
	t.Helper()
	return writeWith(t, writer{rowLimit: xlsx.MaxRows}, book, source)
}

func writeWith(t *testing.T, wr writer, book Book, source Source) written {
	t.Helper()
	var buf bytes.Buffer
	made, err := wr.write(t.Context(), &buf, book, source)
	require.NoError(t, err)
	if *dump != "" {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".xlsx"
		require.NoError(t, os.WriteFile(filepath.Join(*dump, name), buf.Bytes(), 0o600))
	}
	assert.Empty(t, xlsxtest.Validate(buf.Bytes()))
	f, err := excelize.OpenReader(bytes.NewReader(buf.Bytes()))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return written{f, buf.Bytes(), made.Sheets}
}

// cells is a sheet as its reader shows it.
func (w written) cells(t *testing.T, sheet string) [][]string {
	t.Helper()
	rows, err := w.GetRows(sheet)
	require.NoError(t, err)
	return rows
}

func TestGolden(t *testing.T) {
	for _, language := range texts.Languages() {
		book, source := usual()
		book.Language = language
		w := write(t, book, source)
		say, err := catalogueOf(language)
		require.NoError(t, err)
		for _, sheet := range bookSheets() {
			t.Run(language+"/"+sheet, func(t *testing.T) {
				name := sheet + ".csv"
				if language != "en" {
					name = sheet + "." + language + ".csv"
				}
				compareGolden(t, name, w.cells(t, say.Sheets[sheet].label()))
			})
		}
	}
}

// visible keeps a golden file a text file.
var visible = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\x00`, "\x01", `\x01`, "\x0b", `\x0b`,
	"\x1f", `\x1f`, "\uFFFE", `\uFFFE`, "\uFFFF", `\uFFFF`)

func compareGolden(t *testing.T, name string, rows [][]string) {
	t.Helper()
	for _, row := range rows {
		for i, cell := range row {
			if len(cell) > 200 && strings.HasPrefix(cell, "long ") { // the end is what the test is about
				cell = "long ... " + cell[strings.LastIndex(cell, " ["):]
			}
			row[i] = visible.Replace(cell)
		}
	}
	var got bytes.Buffer
	out := csv.NewWriter(&got)
	require.NoError(t, out.WriteAll(rows))
	path := filepath.Join("..", "testdata", "golden", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test ./reports -run TestGolden -update")
	assert.Equal(t, string(want), got.String(),
		"%s differs. If that is meant: go test ./reports -run TestGolden -update", path)
}

func TestSheetsInOrderWithTheirRows(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	assert.Equal(t, []string{"Summary", "Blocked", "Renewals at risk", "Exceptions", "Changes", "Invitations",
		"Attestations", "Batches", "Could not be read", "Checks", "Customers", "Events", "About"}, w.GetSheetList())
	assert.Equal(t, []SheetRows{{"Blocked", 4}, {"Renewals at risk", 6}, {"Exceptions", 3}, {"Changes", 8},
		{"Invitations", 4}, {"Attestations", 32}, {"Batches", 3}, {"Could not be read", 6}, {"Checks", 37},
		{"Customers", 34}, {"Events", 16}}, w.rows)

	book.Language = "pt-BR"
	w = write(t, book, source)
	assert.Equal(t, []string{"Resumo", "Bloqueados", "Renovações em risco", "Exceções", "Mudanças", "Convites",
		"Atestados", "Lotes", "Não foi possível ler", "Verificações", "Clientes", "Eventos", "Sobre"}, w.GetSheetList())
	assert.Equal(t, "Blocked", w.rows[0].Sheet, "the English name, for programs")
}

func TestNamesComeBackLetterForLetter(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	texts, err := xlsxtest.InlineStrings(part(t, w.bytes, "xl/worksheets/sheet11.xml"))
	require.NoError(t, err)
	evidence, err := xlsxtest.InlineStrings(part(t, w.bytes, "xl/worksheets/sheet7.xml"))
	require.NoError(t, err)
	for _, name := range hostile {
		assert.Contains(t, texts, strings.ToValidUTF8(name, "\uFFFD"))
		assert.Contains(t, evidence, strings.ToValidUTF8(name, "\uFFFD"))
	}
	for _, file := range unzip(t, w.bytes) {
		formula := strings.HasPrefix(file.name, "xl/worksheets/") && regexp.MustCompile(`<f[ >/]`).Match(file.content)
		assert.False(t, formula, "%s holds a formula", file.name)
	}
}

func TestDatesAndNumbersAreTyped(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	raw := func(sheet, cell string) string {
		v, err := w.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
		kind, err := w.GetCellType(sheet, cell)
		require.NoError(t, err)
		assert.NotEqual(t, excelize.CellTypeInlineString, kind, "%s!%s is text", sheet, cell)
		return v
	}
	assert.Equal(t, "43703", raw("Blocked", "S4"), "26 August 2019")
	assert.Equal(t, "41", raw("Blocked", "F4"), "days blocked")
	blockedSince, err := w.GetCellValue("Blocked", "E4")
	require.NoError(t, err)
	assert.Equal(t, "2026-10-12", blockedSince, "05:30 UTC in São Paulo")
	kind, err := w.GetCellType("Blocked", "S6")
	require.NoError(t, err)
	assert.Equal(t, excelize.CellTypeInlineString, kind, "a day before 1900 stays text")
}

func TestTheSameBookGivesTheSameBytes(t *testing.T) {
	book, source := usual()
	assert.True(t, bytes.Equal(write(t, book, source).bytes, write(t, book, source).bytes))
}

func TestEveryPartIsWellFormed(t *testing.T) {
	book, source := usual()
	for name, book := range map[string]Book{"usual": book, "empty": {Location: saoPaulo, MadeAt: tonight}} {
		for _, file := range unzip(t, write(t, book, source).bytes) {
			decoder := xml.NewDecoder(bytes.NewReader(file.content))
			for {
				if _, err := decoder.Token(); err != nil {
					require.ErrorIs(t, err, io.EOF, "%s: %s", name, file.name)
					break
				}
			}
		}
	}
}

func TestTablesCoverTheirRows(t *testing.T) {
	book, source := usual()
	w := write(t, book, source)
	for _, sheet := range w.rows {
		tables, err := w.GetTables(sheet.Sheet)
		require.NoError(t, err)
		require.Len(t, tables, 1)
		assert.Equal(t, strings.ReplaceAll(sheet.Sheet, " ", "_"), tables[0].Name)
		dimension, err := w.GetSheetDimension(sheet.Sheet)
		require.NoError(t, err)
		assert.Equal(t, tables[0].Range, strings.Replace(dimension, "A1", "A3", 1))
		_, last, err := excelize.SplitCellName(strings.Split(dimension, ":")[1])
		require.NoError(t, err)
		assert.Equal(t, sheet.Rows+firstRow-1, last)
	}
}

func TestABookWithoutPartnersOrRows(t *testing.T) {
	w := write(t, Book{MadeAt: tonight}, memorySource{})
	assert.Equal(t, "– Nothing to check yet", cell(t, w, "Summary", "A3"))
	assert.Equal(t, "No customer is blocked.", cell(t, w, "Blocked", "A5"), "below the table's one empty row")
	assert.Equal(t, "No attestation has been imported yet.", cell(t, w, "Attestations", "A5"))

	quiet := runOf(1, brazil, tonight, nil, 0, 0, 0)
	w = write(t, Book{MadeAt: tonight,
		Partners: []PartnerRun{{Partner: brazil, Run: quiet, History: []ledger.Run{*quiet}}}}, memorySource{})
	assert.Equal(t, []SheetRows{{"Blocked", 0}, {"Renewals at risk", 0}, {"Exceptions", 0}, {"Changes", 0},
		{"Invitations", 0}, {"Attestations", 0}, {"Batches", 0}, {"Could not be read", 0}, {"Checks", 17},
		{"Customers", 0}, {"Events", 0}}, w.rows)
	assert.Equal(t, "✔ All ", cell(t, w, "Customers", "A2")[:len("✔ All ")],
		"a partner without customers is a good night")
}

func TestAFailedRunHeadsTheWorkbook(t *testing.T) {
	book, source := usual()
	failed := runOf(13, brazil, tonight, everyone()[:3], 32, 0, 29)
	failed.State = ledger.Failed
	book.Partners[0].Run.StartedAt = night(1)
	book.Partners[0].Failed = failed
	w := write(t, book, source)
	assert.Equal(t, "✘ 1 of", cell(t, w, "Summary", "A2")[:len("✘ 1 of")])
	assert.Equal(t, "contoso-br: run 13 of 2026-11-22 02:30 failed its checks and changed nothing. The figures are "+
		"those of run 12 of 2026-11-21 02:30.",
		cell(t, w, "Summary", "A5"))
	assert.Contains(t, cell(t, w, "Summary", "A6"), "FAILED: The customer list is complete")
	assert.Equal(t, "13", cell(t, w, "Checks", "D4"))
	assert.Equal(t, "FAILED", cell(t, w, "Checks", "A4"))

	book.Partners[0].Run, book.Partners[0].Against, book.Partners[0].History = nil, nil, nil
	w = write(t, book, source)
	assert.Contains(t, cell(t, w, "Summary", "A5"), "No run has completed yet")
}

func TestSummaryNamesWhatElseChangesTheFigures(t *testing.T) {
	t.Parallel()
	book, source := usual()
	old := runOf(4, ledger.Partner{ID: "old", Name: "contoso-old"}, night(1), everyone()[:3], 0, 0, 0)
	old.Totals.Blocked = 1234
	book.LeftOut = []ledger.Run{*old}
	book.Partners[1].Unfinished = runOf(14, europe, tonight, nil, 0, 0, 0)
	book.Partners[1].Unfinished.Failure = ledger.Failure{Code: "sign_in_failed", Message: "sign in: answered 400",
		Hint: "Ask for consent."}
	policy := book.Partners[0].Against.Policy
	policy.TrustDirectAcceptance = !policy.TrustDirectAcceptance
	against := *book.Partners[0].Against
	against.Policy = policy
	book.Partners[0].Against = &against
	w := write(t, book, source)
	var notices []string
	for row := 5; cell(t, w, "Summary", fmt.Sprintf("A%d", row)) != ""; row++ {
		notices = append(notices, cell(t, w, "Summary", fmt.Sprintf("A%d", row)))
	}
	text := strings.Join(notices, "\n")
	assert.Contains(t, text, "contoso-old is not in this report")
	assert.Contains(t, text, "had 1,234 blocked customers")
	assert.Contains(t, text, "    Why: sign in: answered 400. Ask for consent.")
	assert.Contains(t, text, "contoso-br: the policy changed")
	assert.Contains(t, text, "Because of the policy alone, 0 customers became blocked")
}

func TestEffectsOfPolicyAreCountedApart(t *testing.T) {
	t.Parallel()
	record := func(s standing.Standing, policy bool) *standing.Record {
		return &standing.Record{State: standing.State{Standing: s}, PolicyChanged: policy}
	}
	var c changeCounts
	for _, change := range []standing.Transition{
		{Before: record(standing.Clear, false), After: record(standing.Blocked, true)},
		{Before: record(standing.Clear, false), After: record(standing.Blocked, false)},
		{Before: record(standing.Unknown, false), After: record(standing.Blocked, true)},
		{Before: record(standing.Blocked, true), After: record(standing.Clear, true)},
		{Before: record(standing.Blocked, true), After: record(standing.Clear, false)},
		{Before: record(standing.Clear, true), After: record(standing.Unknown, true)},
		{After: record(standing.Blocked, true)},
		{Before: record(standing.Blocked, true)},
	} {
		c.add(change)
	}
	assert.Equal(t, []int{4, 2, 2, 1}, []int{c.of(standing.NewlyBlocked), c.blockedByPolicy, c.unblocked,
		c.unblockedByPolicy})
	assert.Empty(t, cause(standing.Transition{After: record(standing.Blocked, true)}), "a new customer")
}

func TestRowsThatDisagreeWithTheRunFailACheck(t *testing.T) {
	book, source := usual()
	book.Partners[0].Run.Totals.Blocked++
	w := write(t, book, source)
	assert.Equal(t, "✘ 2 of", cell(t, w, "Summary", "A2")[:len("✘ 2 of")], "the rows, and the roll-forward")
}

func TestAFullSheetGoesOnInAnother(t *testing.T) {
	book, source := usual()
	w := writeWith(t, writer{rowLimit: 22}, book, source)
	assert.Equal(t, []string{"Summary", "Blocked", "Renewals at risk", "Exceptions", "Changes", "Invitations",
		"Attestations", "Attestations (2)", "Batches", "Could not be read", "Checks", "Checks (2)", "Customers",
		"Customers (2)", "Events", "About"}, w.GetSheetList())
	assert.Contains(t, w.rows, SheetRows{"Customers", 19})
	assert.Contains(t, w.rows, SheetRows{"Customers (2)", 15})
	assert.Contains(t, w.rows, SheetRows{"Attestations", 19})
	assert.Contains(t, w.rows, SheetRows{"Attestations (2)", 13})
	tables, err := w.GetTables("Customers (2)")
	require.NoError(t, err)
	assert.Equal(t, "Customers_2", tables[0].Name)
	assert.Equal(t, "A3:S18", tables[0].Range)

	whole := write(t, book, source).cells(t, "Customers")
	first, second := w.cells(t, "Customers"), w.cells(t, "Customers (2)")
	assert.Equal(t, whole[firstRow-2], second[firstRow-2], "the header is there again")
	assert.Equal(t, whole[firstRow-1:], slices.Concat(first[firstRow-1:], second[firstRow-1:]))
}

func TestAnExactlyFullSheetStaysAlone(t *testing.T) {
	book, source := usual()
	w := writeWith(t, writer{rowLimit: 37}, book, source)
	assert.NotContains(t, w.GetSheetList(), "Customers (2)")
}

// liar counts other than it yields, or fails while it yields.
type liar struct {
	memorySource
	more int
	err  error
}

func (l liar) CountRecords(ctx context.Context, partner string, run int64, which standing.Standing) (int, error) {
	n, err := l.memorySource.CountRecords(ctx, partner, run, which)
	return n + l.more, err
}

func (l liar) CustomerEntries(ctx context.Context, partner string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	return func(yield func(ledger.CustomerEntry, error) bool) {
		if l.err != nil {
			yield(ledger.CustomerEntry{}, l.err)
			return
		}
		l.memorySource.CustomerEntries(ctx, partner, run, which, at)(yield)
	}
}

func (l liar) Blocked(ctx context.Context, partner string, run int64,
	cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return func(yield func(ledger.BlockedCustomer, error) bool) {
		if l.err != nil {
			yield(ledger.BlockedCustomer{}, l.err)
			return
		}
		l.memorySource.Blocked(ctx, partner, run, cut)(yield)
	}
}

// forger says of attestations what their rows do not bear out.
type forger struct {
	memorySource
	more ledger.DeliveryTotals // of contoso-br
}

func (f forger) Tally(ctx context.Context, cut ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	tally, err := f.memorySource.Tally(ctx, cut)
	t := tally[brazil.ID]
	t.Rows += f.more.Rows
	t.Answered += f.more.Answered
	tally[brazil.ID] = t
	return tally, err
}

func TestRowsOtherThanCountedAreAnError(t *testing.T) {
	book, source := usual()
	for _, more := range []int{1, -1} {
		_, err := Write(t.Context(), io.Discard, book, liar{memorySource: source, more: more})
		require.Error(t, err)
		assert.Contains(t, err.Error(), "write the report again")
	}
}

func TestAttestationsOtherThanCountedAreAnError(t *testing.T) {
	book, source := usual()
	for _, more := range []int{1, -1} {
		_, err := Write(t.Context(), io.Discard, book, forger{source, ledger.DeliveryTotals{Rows: more}})
		require.Error(t, err)
		assert.Contains(t, err.Error(), "sheet attestations: ")
		assert.Contains(t, err.Error(), "write the report again")
	}
}

func TestAnAnswerToWhatWasNeverSentFailsACheck(t *testing.T) {
	book, source := usual()
	w := write(t, book, forger{source, ledger.DeliveryTotals{Answered: 1}})
	assert.Equal(t, "✘ 1 of", cell(t, w, "Attestations", "A2")[:len("✘ 1 of")])
}

func TestAttestationsOfOtherPartnersAreCounted(t *testing.T) {
	book, source := usual()
	book.Partners = book.Partners[:1]
	w := write(t, book, source)
	assert.Contains(t, w.rows, SheetRows{"Attestations", 30})
	checks := w.cells(t, "Checks")
	assert.Equal(t, []string{"OK", "Rows imported = attestations in the ledger", "", "", "32", "32",
		"Files imported: 3. Rows in them: 32. In the ledger: 32. On Attestations: 30. Of partners that are not in " +
			"this report: 2.", "rows_imported"},
		checks[len(checks)-1])
}

func TestAttestationsNeedNoRun(t *testing.T) {
	_, source := usual()
	w := write(t, Book{MadeAt: tonight, Partners: []PartnerRun{{Partner: brazil}}}, source)
	assert.Contains(t, w.rows, SheetRows{"Attestations", 30})
}

func TestNoticeIsDueWhenAnAttestationTookEffect(t *testing.T) {
	t.Parallel()
	ana := standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@customer.example"}
	sent, answered := night(1), night(1).Add(5*time.Minute)
	for _, c := range []struct {
		name           string
		state          attestation.State
		signer         standing.Contact
		sent, answered time.Time
		to             string
	}{
		{"half an hour after the answer", attestation.Confirmed, ana, sent, answered, ana.Email},
		{"without the answer's time, after it was sent", attestation.Confirmed, ana, answered, time.Time{}, ana.Email},
		{"Microsoft had it already", attestation.AlreadyOnRecord, ana, sent, answered, ""},
		{"nothing was sent", attestation.Confirmed, ana, time.Time{}, answered, ""},
		{"the answer was lost", attestation.Unsure, ana, sent, answered, ""},
		{"refused", attestation.RefusedByMicrosoft, ana, sent, answered, ""},
		{"the person was purged", attestation.Confirmed, standing.Contact{}, sent, answered, ""},
	} {
		to, by := notice(attestation.Attestation{State: c.state, Content: attestation.Content{Signer: c.signer},
			SentAt: c.sent, AnsweredAt: c.answered})
		assert.Equal(t, c.to, to, c.name)
		if c.to != "" {
			assert.Equal(t, answered.Add(30*time.Minute), by, c.name)
		} else {
			assert.Zero(t, by, c.name)
		}
	}
}

func codesOf[T ~string](words []T) (codes []string) {
	for _, w := range words {
		codes = append(codes, string(w))
	}
	return codes
}

// Every code that the data can hold has a word in every language.
func TestEveryCodeHasAWord(t *testing.T) {
	t.Parallel()
	var states []string
	for _, state := range attestation.States() {
		states = append(states, string(state))
	}
	for _, language := range texts.Languages() {
		say := catalogueIn(t, language)
		for kind, codes := range map[string][]string{
			"state":    states,
			"standing": {"clear", "blocked", "unknown", "excluded"},
			"reason": {"not_a_reseller_customer", "relationship_ended", "not_found", "attested",
				"accepted_directly", "unreadable", "outdated", "never_accepted"},
			"remedy": {"attest", "ask_indirect_provider", "request_relationship", "retry",
				"check_relationship"},
			"outcome":            {"not_read", "read", "unreadable", "relationship_ended", "not_found"},
			"direct":             {"not_read", "no", "yes"},
			"precision":          {exact, atLeast},
			"cause":              {byCustomer, byPolicy},
			"attestation_step":   {stepCorrect, stepRetry, stepApprove, stepSend, stepConfirm, stepCreate, stepWait},
			"subscriptions_read": {"not_read", "read", "unreadable", "relationship_ended", "not_found"},
			"result":             {resultOK, resultFailed},
			"risk":               {riskLapses, riskRenews, riskUnknown},
			"exception":          codesOf(ledger.ExceptionStatuses()),
			"event": {"import", "approve", "cancel", "retry", "correct", "send", "answer", "settle", "expire", "renew",
				"link", "remind", "invite", "exception", "purge", "resume_sending"},
			"invitation":   {"accepted", "attested", "open", "not_a_customer", "invited_again"},
			"invited_to":   codesOf(ledger.InvitationKinds()),
			"delivery":     codesOf(ledger.InvitationOutcomes()),
			"channel":      codesOf(ledger.Channels()),
			"batch_status": {batchUnapproved, batchProgress, batchAttention, batchDone},
			"run_state":    {"running", "completed", "failed", "abandoned"},
			"change": {"new", "gone", "newly_blocked", "newly_clear", "newly_unknown", "newly_excluded",
				"read_again"},
			"advice": {string(adviceRelationship), string(adviceFind), string(adviceRole), string(adviceUser),
				string(adviceSignIn), string(adviceThrottled), string(adviceServer), string(adviceNoAnswer),
				string(adviceInvalid), string(adviceSupport)},
		} {
			for _, code := range codes {
				assert.NotEmpty(t, say.Words[kind][code].label(), "%s: %s %s", language, kind, code)
			}
		}
	}
}

// What is printed has at least 7 points: of Calibri 11, about 149 characters fit across A4
// landscape at full size.
func TestSheetsArePrintedLargeEnoughToRead(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for _, language := range texts.Languages() {
		book.Language = language
		w, say := write(t, book, source), catalogueIn(t, language)
		for _, table := range allTables(t, book, source) {
			name := say.Sheets[table.key].label()
			layout, err := w.GetPageLayout(name)
			require.NoError(t, err)
			width, repeated := 0.0, 0.0
			for i, c := range table.columns[:table.printed] {
				width += c.width
				if i < frozen {
					repeated += c.width
				}
			}
			pages := float64(*layout.FitToWidth)
			perPage := (width + (pages-1)*repeated) / pages
			assert.GreaterOrEqual(t, 11*149/perPage, 7.0, "%s prints %.0f characters on a page", name, perPage)
			if pages > 1 {
				last, _ := excelize.ColumnNumberToName(frozen)
				assert.Contains(t, w.GetDefinedName(), excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: name,
					RefersTo: fmt.Sprintf("'%[1]s'!$A:$%[2]s,'%[1]s'!$1:$3", name,
						last)}, "whose row it is stands on each page")
			}
		}
	}
}

func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	book, source := usual()
	broken := errors.New("connection reset")
	_, err := Write(t.Context(), io.Discard, book, liar{memorySource: source, err: broken})
	require.ErrorIs(t, err, broken)
	assert.Contains(t, err.Error(), "partner contoso-br, run 12")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Write(ctx, io.Discard, book, source)
	require.ErrorIs(t, err, context.Canceled)
}

type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestAFullDiskIsAnError(t *testing.T) {
	book, source := usual()
	size := len(write(t, book, source).bytes)
	for _, left := range []int{0, 10, size / 2, size - 1} {
		_, err := Write(t.Context(), &fullDisk{left}, book, source)
		assert.ErrorContains(t, err, "no space left", "after %d bytes", left)
	}
}

func TestAnUnknownLanguageIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Write(t.Context(), io.Discard, Book{Language: "tlh"}, memorySource{})
	assert.EqualError(t, err, `report language "tlh" is not known; set report.language to one of `+
		strings.Join(texts.Languages(), ", "))
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	model := catalogueIn(t, "en")
	for _, language := range texts.Languages() {
		say := catalogueIn(t, language)
		assert.Equal(t, language, say.Language)
		whole(t, language, reflect.ValueOf(model), reflect.ValueOf(say))
		assert.Len(t, say.Texts.Measures, len(measures(ledger.Totals{}, changeCounts{})), language)
		assert.Len(t, say.Texts.RunFacts, 15, language)
		names := map[string]bool{}
		for _, sheet := range say.Sheets {
			assert.LessOrEqual(t, xlsx.Units(sheet.label()), 31, language)
			names[sheet.label()] = true
		}
		assert.Len(t, names, len(say.Sheets), language)
	}
}

// whole fails for every text that model has and say has not, and for every one with other verbs.
func whole(t *testing.T, at string, model, say reflect.Value) {
	t.Helper()
	switch model.Kind() {
	case reflect.String:
		assert.Equal(t, model.String() == "", say.String() == "", at)
		for _, verb := range []string{"%[1]s", "%[2]s", "%[3]s", "%[4]s", "%[5]s", "%[6]s", "%[7]s", "%[8]s", "%[9]s"} {
			assert.Equal(t, strings.Contains(model.String(), verb), strings.Contains(say.String(), verb), "%s: %s", at,
				verb)
		}
	case reflect.Struct:
		for i := range model.NumField() {
			whole(t, at+"."+model.Type().Field(i).Name, model.Field(i), say.Field(i))
		}
	case reflect.Array:
		for i := range model.Len() {
			whole(t, at, model.Index(i), say.Index(i))
		}
	case reflect.Slice:
		assert.NotZero(t, say.Len(), at)
		if assert.Equal(t, model.Len(), say.Len(), at) {
			for i := range model.Len() {
				whole(t, at, model.Index(i), say.Index(i))
			}
		}
	case reflect.Map:
		assert.Equal(t, model.Len(), say.Len(), at)
		for _, key := range model.MapKeys() {
			if value := say.MapIndex(key); assert.True(t, value.IsValid(), "%s: %s", at, key) {
				whole(t, at+"."+key.String(), model.MapIndex(key), value)
			}
		}
	}
}

func TestEveryColumnIsExplained(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	say := catalogueIn(t, "en")
	for _, table := range allTables(t, Book{}, memorySource{}) {
		heads, keys := map[string]bool{}, map[string]bool{}
		for _, c := range table.columns {
			key := c.key
			if _, own := say.Columns[table.key+"."+key]; own {
				key = table.key + "." + key
			}
			used[key] = true
			head := say.head(table, c.key)
			assert.NotEmpty(t, head, c.key)
			assert.Regexp(t, `^[a-z][a-z0-9]*(_[a-z0-9]+)*$`, c.key, "snake_case")
			assert.False(t, heads[head], "%s has two columns %s", table.key, head)
			assert.False(t, keys[c.key], "%s has two columns %s", table.key, c.key)
			heads[head], keys[c.key] = true, true
		}
	}
	for key := range say.Columns {
		assert.True(t, used[key], "no sheet has the column %s", key)
	}
}

func TestAdviceFollowsTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		reason standing.Reason
		answer standing.ReadError
		want   advice
	}{
		{"the relationship ended", standing.RelationshipEnded, trouble(403, "20002", ""), adviceRelationship},
		{"no such tenant", standing.NotFound, trouble(404, "60003", ""), adviceFind},
		{"a right is missing", standing.Unreadable, trouble(403, "900150", ""), adviceRole},
		{"403 and nothing else", standing.Unreadable, trouble(403, "", ""), adviceRole},
		{"the application alone is not enough", standing.Unreadable, trouble(403, "900329", ""), adviceUser},
		{"a 403 that nobody knows", standing.Unreadable, trouble(403, "77", ""), adviceSupport},
		{"no MFA", standing.Unreadable, trouble(401, "900421", ""), adviceSignIn},
		{"throttled to the end", standing.Unreadable, trouble(429, "", ""), adviceThrottled},
		{"the service is down", standing.Unreadable, trouble(503, "", ""), adviceServer},
		{"no answer", standing.Unreadable, standing.ReadError{Message: "timeout"}, adviceNoAnswer},
		{"no readable date", standing.Unreadable, standing.ReadError{}, adviceInvalid},
		{"an answer that is no JSON", standing.Unreadable, trouble(200, "", "not JSON"), adviceInvalid},
		{"another refusal", standing.Unreadable, trouble(400, "3000", ""), adviceSupport},
	} {
		assert.Equal(t, c.want, adviceFor(standing.State{Reason: c.reason, ReadError: c.answer}), c.name)
	}
}

func cell(t *testing.T, w written, sheet, name string) string {
	t.Helper()
	v, err := w.GetCellValue(sheet, name)
	require.NoError(t, err)
	return v
}

type file struct {
	name    string
	content []byte
}

func unzip(t *testing.T, book []byte) []file {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	require.NoError(t, err)
	var files []file
	for _, entry := range archive.File {
		in, err := entry.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(in)
		require.NoError(t, err)
		files = append(files, file{entry.Name, content})
	}
	return files
}

func part(t *testing.T, book []byte, name string) []byte {
	t.Helper()
	for _, f := range unzip(t, book) {
		if f.name == name {
			return f.content
		}
	}
	require.Fail(t, "no part "+name)
	return nil
}
