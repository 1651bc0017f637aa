package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// aboutLine is how many characters of a meaning fit on a line, whatever the font.
const aboutLine = 112

// about is what an auditor needs to read the rest: which runs these are, and what every column and word means.
func (r *report) about(sheets []dataSheet) error {
	name := r.say.Sheets[sheetAbout]
	if _, err := r.newSheet(name); err != nil {
		return err
	}
	d := &sheetDraft{file: r.file, sheet: name}
	d.width(1, 24)
	d.width(2, 34)
	d.width(3, aboutLine)
	d.put(1, 1, r.say.AboutTitle, r.style.page)
	d.height(1, 33)

	row := r.aboutReport(d, 3, sheets)
	row = r.signOff(d, row+1)
	row = r.aboutRuns(d, row+1)
	row = r.aboutColumns(d, row+1, sheets)
	row = r.aboutWords(d, row+1)
	row = r.aboutBatches(d, row+1)

	r.print(d)
	lines := false
	d.try(r.file.SetSheetView(name, 0, &excelize.ViewOptions{ShowGridLines: &lines}))
	d.try(r.file.SetSheetDimension(name, "A1:"+cellName(3, row-1)))
	return d.err
}

// section is a heading and the heads of the three columns below it.
func (r *report) section(d *sheetDraft, row int, title string, heads ...string) (next int) {
	d.put(1, row, title, r.style.section)
	d.height(row, 22)
	for i, head := range heads {
		d.put(i+1, row+1, head, r.style.header)
	}
	return row + 2
}

func (r *report) line(d *sheetDraft, row int, first, second string, value any, style int) (next int) {
	d.put(1, row, first, r.style.keyText)
	d.put(2, row, second, r.style.key)
	d.put(3, row, value, style)
	if text, ok := value.(string); ok && units(text) > aboutLine {
		d.height(row, float64(lineHeight*(1+units(text)/aboutLine)))
	}
	return row + 1
}

func (r *report) aboutReport(d *sheetDraft, row int, sheets []dataSheet) (next int) {
	row = r.section(d, row, r.say.AboutReport, "", r.say.Fact, r.say.Value)
	row = r.line(d, row, "", r.say.MadeAt, instantSerial(r.book.AsOf, r.book.Location), r.style.keyInstant)
	row = r.line(d, row, "", r.say.KnownAt, r.book.Through.UTC().Format(time.RFC3339Nano), r.style.keyText)
	zone := r.book.Location.String() + " (" + r.book.AsOf.In(r.book.Location).Format("-07:00") + ")"
	row = r.line(d, row, "", r.say.ZoneName, zone, r.style.keyText)
	row = r.line(d, row, "", r.say.ProgramVersion, r.book.Version, r.style.keyText)
	if len(sheets) == 0 {
		return row
	}
	row = r.line(d, row, "", r.say.Digest, digestPlace, r.style.keyText)
	files := make([]string, len(sheets))
	for i, s := range sheets {
		files[i] = s.key + ".csv"
	}
	return r.line(d, row, "", r.say.DigestHow, fmt.Sprintf(r.say.SayDigestHow, strings.Join(files, " ")), r.style.keyText)
}

// signatureHeight is room for a hand that writes on paper, in points.
const signatureHeight = 36

// signOff is where people put their names to the workbook. It is on the first page of paper.
func (r *report) signOff(d *sheetDraft, row int) (next int) {
	d.put(1, row, r.say.SignOff, r.style.section)
	d.height(row, 22)
	row++
	for _, label := range r.say.Signatures {
		d.put(2, row, label, r.style.signatory)
		d.put(3, row, nil, r.style.signature)
		d.height(row, signatureHeight)
		row++
	}
	return row
}

func (r *report) aboutRuns(d *sheetDraft, row int) (next int) {
	row = r.section(d, row, r.say.AboutRuns, r.say.Columns[colPartner].Head, r.say.Fact, r.say.Value)
	for _, p := range r.book.Partners {
		for _, told := range p.told() {
			row = r.aboutRun(d, row, p, told)
		}
	}
	return row
}

func (r *report) aboutRun(d *sheetDraft, row int, p PartnerRun, shown ledger.Run) (next int) {
	says, style := r.say.RunFacts, r.style
	for _, fact := range []struct {
		name  string
		value any
		style int
	}{
		{says.Run, shown.ID, style.keyID},
		{says.State, string(shown.State), style.keyText},
		{says.Against, comparedWith(p, shown), style.keyID},
		{says.Started, r.moment(shown.StartedAt), style.keyInstant},
		{says.Finished, r.moment(shown.FinishedAt), style.keyInstant},
		{says.OldestReading, r.moment(shown.OldestReading), style.keyInstant},
		{says.Duration, shown.Cost.Seconds / daySeconds, style.keyDuration},
		{says.Requests, shown.Cost.Requests, style.keyNumber},
		{says.Retries, shown.Cost.Retries, style.keyNumber},
		{says.Throttled, shown.Cost.Throttled, style.keyNumber},
		{says.Attempt, shown.Attempt, style.keyNumber},
		{says.Since, calendarDay(shown.Policy.AcceptedSince), style.keyDate},
		{says.Direct, r.yesOrNo(shown.Policy.TrustDirectAcceptance), style.keyText},
		{says.Version, shown.Version, style.keyText},
		{says.CorrelationID, shown.CorrelationID, style.keyText},
	} {
		row = r.line(d, row, p.Partner.Name, fact.name, fact.value, fact.style)
	}
	return row
}

// moment is an instant as a cell holds it; nil when there is none.
func (r *report) moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instantSerial(t, r.book.Location)
}

// calendarDay is a day as a cell holds it: a number where Excel has one.
func calendarDay(d standing.Date) any {
	if serial, ok := daySerial(d); ok {
		return serial
	}
	return string(d)
}

func (r *report) yesOrNo(yes bool) string {
	if yes {
		return r.say.Yes
	}
	return r.say.No
}

// comparedWith is the run that the changes of the run shown are counted from; a failed run changed nothing.
func comparedWith(p PartnerRun, shown ledger.Run) any {
	if p.Against == nil || p.Run == nil || shown.ID != p.Run.ID {
		return nil
	}
	return p.Against.ID
}

func (r *report) aboutColumns(d *sheetDraft, row int, sheets []dataSheet) (next int) {
	row = r.section(d, row, r.say.AboutColumns, r.say.SheetHead, r.say.ColumnHead, r.say.Meaning)
	for _, s := range sheets {
		for _, c := range s.columns {
			row = r.line(d, row, r.say.Sheets[s.key], r.say.Columns[c].Head, r.say.Columns[c].Meaning, r.style.keyText)
		}
	}
	return row
}

func (r *report) aboutWords(d *sheetDraft, row int) (next int) {
	row = r.section(d, row, r.say.AboutWords, r.say.ColumnHead, r.say.Word, r.say.Meaning)
	for _, w := range r.say.Words {
		row = r.line(d, row, r.say.Columns[w.Column].Head, w.Word, w.Meaning, r.style.keyText)
	}
	return row
}

// aboutBatches is the end of every batch's chain: whoever keeps the workbook can tell later whether the log was rewritten. It comes
// last, because it grows.
func (r *report) aboutBatches(d *sheetDraft, row int) (next int) {
	if len(r.heads) == 0 {
		return row - 1
	}
	row = r.section(d, row, r.say.AboutBatches, r.say.Columns[colBatch].Head, r.say.File, r.say.ChainHead)
	for _, h := range r.heads {
		row = r.line(d, row, strconv.FormatInt(h.Batch, 10), h.File, r.say.counted(r.say.Events, int(h.Events))+": "+h.Hash, r.style.keyText)
	}
	return row
}
