package reports

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// aboutWidth is how many characters of a meaning fit on a line, whatever the font.
const aboutWidth = 112

// about is what an auditor needs to read the rest: what the workbook shows, room to sign, the runs,
// and what every column and code means.
func (f *frame) about(tables []table) error {
	if _, err := f.newSheet(f.name(sheetAbout)); err != nil {
		return err
	}
	a := &aboutSheet{f, &draft{file: f.file, sheet: f.name(sheetAbout)}}
	a.width(1, 24)
	a.width(2, 34)
	a.width(3, aboutWidth)
	a.put(1, 1, f.say.Texts.About, f.style.page)
	a.height(1, 33)

	row := a.facts(3, tables)
	row = a.signOff(row+1, tables)
	row = a.runs(row + 1)
	row = a.dictionary(row+1, tables)
	row = a.codes(row + 1)
	row = a.batches(row + 1)

	f.print(a.draft)
	return a.finish(3, row-1)
}

// aboutSheet draws the sheet About.
type aboutSheet struct {
	*frame
	*draft
}

// section is a heading and the heads of the three columns below it.
func (a *aboutSheet) section(row int, title string, heads ...string) (next int) {
	a.put(1, row, title, a.frame.style.section)
	a.height(row, 22)
	for i, head := range heads {
		a.put(i+1, row+1, head, a.frame.style.header)
	}
	return row + 2
}

func (a *aboutSheet) line(row int, first, second string, value any, style int) (next int) {
	a.put(1, row, first, a.frame.style.keyText)
	a.put(2, row, second, a.frame.style.key)
	a.put(3, row, value, style)
	if text, ok := value.(string); ok && xlsx.Units(text) > aboutWidth {
		a.height(row, float64(xlsx.LineHeight*(1+xlsx.Units(text)/aboutWidth)))
	}
	return row + 1
}

func (a *aboutSheet) facts(row int, tables []table) (next int) {
	say, style := a.say.Texts, a.frame.style
	row = a.section(row, say.Report, "", say.Fact, say.Value)
	row = a.line(row, "", say.MadeAt, xlsx.TimeSerial(a.book.AsOf, a.book.Location), style.keyInstant)
	row = a.line(row, "", say.AsOf, a.book.Through.UTC().Format(time.RFC3339Nano), style.keyText)
	zone := a.book.Location.String() + " (" + a.book.AsOf.In(a.book.Location).Format("-07:00") + ")"
	row = a.line(row, "", say.Zone, zone, style.keyText)
	row = a.line(row, "", say.Version, a.book.Version, style.keyText)
	row = a.line(row, "", say.LogHead, a.chain.Head.String(), style.keyText)
	if len(tables) == 0 {
		return row
	}
	row = a.line(row, "", say.Digest, digestPlace, style.keyText)
	if a.book.Reseller.ID != "" { // the provider alone can make it again
		return row
	}
	files := make([]string, len(tables))
	for i, t := range tables {
		files[i] = t.key + ".csv"
	}
	return a.line(row, "", say.DigestHow, fmt.Sprintf(say.DigestHowText, strings.Join(files, " ")), style.keyText)
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
	for i, head := range say.SignOffHeads {
		a.put(i+1, row, head, style.header)
	}
	for _, role := range say.SignOffRoles {
		row++
		a.put(1, row, role, style.signatory)
		a.put(2, row, nil, style.signature)
		a.put(3, row, nil, style.signature)
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
	if r.book.Reseller.ID != "" {
		names = append(names, r.reseller())
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

func (a *aboutSheet) runs(row int) (next int) {
	say := a.say.Texts
	row = a.section(row, say.Runs, a.say.head(table{}, "partner"), say.Fact, say.Value)
	for _, p := range a.book.Partners {
		for _, run := range p.shown() {
			row = a.run(row, p, run)
		}
	}
	return row
}

// run writes the facts of a run, in the order of RunFacts.
func (a *aboutSheet) run(row int, p PartnerRun, run ledger.Run) (next int) {
	style, names := a.frame.style, a.say.Texts.RunFacts
	facts := []struct {
		value any
		style int
	}{
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
	if a.book.Reseller.ID != "" { // what it took is of all customers
		facts = slices.Delete(facts, 6, 11)
		names = slices.Delete(slices.Clone(names), 6, 11)
	}
	for i, fact := range facts {
		row = a.line(row, p.Partner.Name, names[i], fact.value, fact.style)
	}
	return row
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
	row = a.section(row, say.Dictionary, say.Sheet, say.Column, say.Meaning)
	for _, t := range tables {
		for _, c := range t.columns {
			text := a.say.columnText(t, c.key)
			row = a.line(row, a.name(t.key), text.label(), text.text(), a.frame.style.keyText)
		}
	}
	return row
}

// codes explains the words and the codes that CSV and JSON have for them.
func (a *aboutSheet) codes(row int) (next int) {
	say := a.say.Texts
	row = a.section(row, say.Codes, say.Word, say.Code, say.Meaning)
	for _, kind := range slices.Sorted(maps.Keys(a.say.Words)) {
		for _, code := range slices.Sorted(maps.Keys(a.say.Words[kind])) {
			if word := a.say.Words[kind][code]; word.text() != "" {
				row = a.line(row, word.label(), code, word.text(), a.frame.style.keyText)
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
	row = a.section(row, say.Batches, a.say.head(table{}, "batch"), say.File, say.BatchHead)
	for _, h := range a.heads {
		row = a.line(row, strconv.FormatInt(h.Batch, 10), h.File, a.say.count(say.Events, int(h.Events))+": "+h.Hash,
			a.frame.style.keyText)
	}
	return row
}
