package reports

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// aboutColumns are the widths of the columns of About: of the facts of a run, in the order of
// RunFacts, after the partner. Texts run over the empty cells on their right.
var aboutColumns = []float64{22, 8, 12, 11, 16.5, 16.5, 16.5, 10, 10, 11, 11, 11, 12, 12, 18, 37}

// Where the texts of About begin that are not in the first column: values and meanings of columns,
// names of columns, codes, meanings of codes, dates of signatures.
const (
	aboutValue, aboutColumn, aboutCode, aboutMeaning, aboutDate = 5, 2, 4, 7, 9
)

// about is what an auditor needs to read the rest: what the workbook shows, room to sign, the runs,
// and what every column and code means. What is printed ends with the runs.
func (f *frame) about(tables []table) error {
	if _, err := f.newSheet(f.name(sheetAbout)); err != nil {
		return err
	}
	a := &aboutSheet{f, &draft{file: f.file, sheet: f.name(sheetAbout)}}
	for i, width := range aboutColumns {
		a.width(i+1, width)
	}
	a.put(1, 1, f.say.Texts.About, f.style.page)
	a.height(1, 33)

	row := a.facts(3, tables)
	row = a.signOff(row+1, tables)
	row = a.runs(row + 1)
	printed := row - 1
	row = a.dictionary(row+1, tables)
	row = a.codes(row + 1)
	row = a.batches(row + 1)

	f.print(a.draft)
	right, _ := excelize.ColumnNumberToName(len(aboutColumns))
	a.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$%s$%d", right, printed))
	return a.finish(len(aboutColumns), row-1)
}

// aboutSheet draws the sheet About.
type aboutSheet struct {
	*frame
	*draft
}

// heads are titles of columns by the column in which they begin.
type heads map[int]string

// section is a heading and the heads of the columns below it.
func (a *aboutSheet) section(row int, title string, of heads) (next int) {
	a.put(1, row, title, a.frame.style.section)
	a.height(row, 22)
	a.styleRow(row+1, len(aboutColumns), a.frame.style.headerLine)
	for _, col := range slices.Sorted(maps.Keys(of)) {
		a.put(col, row+1, of[col], a.frame.style.headerLine)
	}
	return row + 2
}

// text writes a text from a column on, broken into lines that fit to the right edge.
func (a *aboutSheet) text(row, col int, text string) (next int) {
	room := 0.0
	for _, width := range aboutColumns[col-1:] {
		room += width
	}
	for _, line := range lines(text, int(room)) {
		a.put(col, row, line, a.frame.style.keyText)
		row++
	}
	return row
}

func (a *aboutSheet) fact(row int, name, value string) (next int) {
	a.put(1, row, name, a.frame.style.key)
	return a.text(row, aboutValue, value)
}

func (a *aboutSheet) facts(row int, tables []table) (next int) {
	say := a.say.Texts
	row = a.section(row, say.Report, heads{1: say.Fact, aboutValue: say.Value})
	a.put(1, row, say.MadeAt, a.frame.style.key)
	a.put(aboutValue, row, xlsx.TimeSerial(a.book.MadeAt, a.book.Location), a.frame.style.keyInstant)
	row = a.fact(row+1, say.AsOf, a.book.AsOf.UTC().Format(time.RFC3339Nano))
	zone := a.book.Location.String() + " (" + a.book.MadeAt.In(a.book.Location).Format("-07:00") + ")"
	row = a.fact(row, say.Zone, zone)
	row = a.fact(row, say.Version, a.book.Version)
	row = a.fact(row, say.LogHead, a.chain.Head.String())
	if len(tables) == 0 {
		return row
	}
	row = a.fact(row, say.Digest, digestPlace)
	if a.book.isPart() { // the provider alone can make it again
		return row
	}
	files := make([]string, len(tables))
	for i, t := range tables {
		files[i] = t.key + ".csv"
	}
	return a.fact(row, say.DigestHow, fmt.Sprintf(say.DigestHowText, strings.Join(files, " ")))
}

// signatureHeight is room for a hand that writes on paper, in points.
const signatureHeight = 36

// signOff is where people put their names to what they reviewed: it names the scope, the period and
// the digest. It is on the first page of paper.
func (a *aboutSheet) signOff(row int, tables []table) (next int) {
	say, style := a.say.Texts, a.frame.style
	a.put(1, row, say.SignOff, style.section)
	a.height(row, 22)
	digest := "–"
	if len(tables) > 0 {
		digest = digestPlace
	}
	for _, text := range []string{fmt.Sprintf(say.SignOffText, a.scope(), a.period()), say.Digest + ": " + digest} {
		row++
		a.put(1, row, text, style.plain)
	}
	row++
	a.styleRow(row, len(aboutColumns), style.headerLine)
	for i, col := range []int{1, aboutColumn, aboutDate} {
		a.put(col, row, say.SignOffHeads[i], style.headerLine)
	}
	for _, role := range say.SignOffRoles {
		row++
		for col := aboutColumn; col <= len(aboutColumns); col++ {
			a.put(col, row, nil, style.signature)
		}
		a.put(1, row, role, style.signatory)
		a.height(row, signatureHeight)
	}
	return row + 1
}

// scope names the partners.
func (r *report) scope() string {
	var names []string
	for _, p := range r.book.Partners {
		names = append(names, p.Partner.Name)
	}
	if r.book.isPart() {
		names = append(names, r.part())
	}
	return strings.Join(names, ", ")
}

// period is from the oldest run that changes are counted from to the newest run shown.
func (r *report) period() string {
	var from, to time.Time
	for _, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		to = latest(to, p.Run.StartedAt)
		begin := p.Run.StartedAt
		if p.Against != nil {
			begin = p.Against.StartedAt
		}
		if from.IsZero() || begin.Before(from) {
			from = begin
		}
	}
	return r.say.at(from, r.book.Location) + " – " + r.say.at(to, r.book.Location)
}

// runs is a row for each run that is shown.
func (a *aboutSheet) runs(row int) (next int) {
	of := heads{1: a.say.head(table{}, "partner")}
	for i, name := range a.runFacts() {
		of[i+2] = name
	}
	row = a.section(row, a.say.Texts.Runs, of)
	a.styleRow(row-1, len(aboutColumns), a.frame.style.header) // of several lines
	a.height(row-1, 63)
	for _, p := range a.book.Partners {
		for _, run := range p.shown() {
			a.put(1, row, p.Partner.Name, a.frame.style.keyText)
			for i, fact := range a.factsOf(p, run) {
				a.put(i+2, row, fact.value, fact.style)
			}
			row++
		}
	}
	return row
}

// What a run cost is of all customers, so that it is not told to a reseller.
const firstCost, afterCosts = 6, 11

func (a *aboutSheet) runFacts() []string {
	if a.book.isPart() {
		return slices.Delete(slices.Clone(a.say.Texts.RunFacts), firstCost, afterCosts)
	}
	return a.say.Texts.RunFacts
}

// runFact is what is said of a run.
type runFact struct {
	value any
	style int
}

// factsOf are the facts of a run, in the order of RunFacts.
func (a *aboutSheet) factsOf(p PartnerRun, run ledger.Run) []runFact {
	style := a.frame.style
	facts := []runFact{
		{run.ID, style.keyID},
		{a.say.word("run_state", string(run.State)), style.keyText},
		{comparedWith(p, run), style.keyID},
		{a.moment(run.StartedAt), style.keyInstant},
		{a.moment(run.FinishedAt), style.keyInstant},
		{a.moment(run.OldestReading), style.keyInstant},
		{xlsx.DurationSerial(run.Cost.Seconds), style.keyDuration},
		{run.Cost.Requests, style.keyNumber},
		{run.Cost.Retries, style.keyNumber},
		{run.Cost.Throttled, style.keyNumber},
		{run.Attempt, style.keyNumber},
		{calendarDay(run.Policy.AcceptedSince), style.keyDate},
		{a.yesOrNo(run.Policy.TrustDirectAcceptance), style.keyText},
		{run.Version, style.keyText},
		{run.CorrelationID, style.keyText},
	}
	if a.book.isPart() {
		return slices.Delete(facts, firstCost, afterCosts)
	}
	return facts
}

// moment is an instant as a cell holds it; nil when there is none.
func (r *report) moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return xlsx.TimeSerial(t, r.book.Location)
}

// calendarDay is a day as a cell holds it: a number where Excel has one.
func calendarDay(d standing.Date) any {
	if serial, ok := xlsx.DaySerial(string(d)); ok {
		return serial
	}
	return string(d)
}

func (r *report) yesOrNo(yes bool) string {
	if yes {
		return r.say.Texts.Yes
	}
	return r.say.Texts.No
}

// comparedWith is the run that the changes of the run shown are counted from; a failed run changed
// nothing.
func comparedWith(p PartnerRun, shown ledger.Run) any {
	if p.Against == nil || p.Run == nil || shown.ID != p.Run.ID {
		return nil
	}
	return p.Against.ID
}

func (a *aboutSheet) dictionary(row int, tables []table) (next int) {
	say := a.say.Texts
	row = a.section(row, say.Dictionary, heads{1: say.Sheet, aboutColumn: say.Column, aboutValue: say.Meaning})
	for _, t := range tables {
		for _, c := range t.columns {
			text := a.say.columnText(t, c.key)
			a.put(1, row, a.name(t.key), a.frame.style.keyText)
			a.put(aboutColumn, row, text.label(), a.frame.style.key)
			row = a.text(row, aboutValue, text.text())
		}
	}
	return row
}

// codes explains the words and the codes that CSV and JSON have for them.
func (a *aboutSheet) codes(row int) (next int) {
	say := a.say.Texts
	row = a.section(row, say.Codes, heads{1: say.Word, aboutCode: say.Code, aboutMeaning: say.Meaning})
	for _, kind := range slices.Sorted(maps.Keys(a.say.Words)) {
		for _, code := range slices.Sorted(maps.Keys(a.say.Words[kind])) {
			if word := a.say.Words[kind][code]; word.text() != "" {
				a.put(1, row, word.label(), a.frame.style.key)
				a.put(aboutCode, row, code, a.frame.style.keyText)
				row = a.text(row, aboutMeaning, word.text())
			}
		}
	}
	return row
}

// batches is the end of every batch's log: whoever keeps the workbook can tell later whether the
// log was rewritten. It comes last, because it grows.
func (a *aboutSheet) batches(row int) (next int) {
	if len(a.heads) == 0 {
		return row - 1
	}
	say := a.say.Texts
	row = a.section(row, say.Batches, heads{1: a.say.head(table{}, "batch"), aboutColumn: say.File,
		aboutMeaning: say.BatchHead})
	for _, h := range a.heads {
		a.put(1, row, strconv.FormatInt(h.Batch, 10), a.frame.style.keyText)
		a.put(aboutColumn, row, h.File, a.frame.style.key)
		row = a.text(row, aboutMeaning, a.say.count(say.Events, int(h.Events))+": "+h.Hash)
	}
	return row
}
