package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// pageRows is how many rows of the summary are put on one printed page; more would be too small to read.
const pageRows = 64

// summaryColumns is how wide the summary is: the partner and eleven counts.
const summaryColumns = 12

// summary is a printed page, or two where there are many partners or resellers: whether to believe the workbook, the counts and what changed,
// two charts, who is blocked longest, the rule, and what the night cost. The figures behind the second chart are below the page.
func (r *report) summary() error {
	d := &sheetDraft{file: r.file, sheet: r.say.Sheets[sheetSummary]}
	d.width(1, 38)
	for col := 2; col <= summaryColumns; col++ {
		d.width(col, 14)
	}
	row := r.head(d)
	row, counted := r.countsTable(d, row)
	row = r.deltasTable(d, row)
	charts := row
	if r.anyRun() {
		row += chartRows + 2
	}
	row = r.longestTable(d, row)
	second := row
	row = r.resellerTables(d, row)
	row = r.rule(d, row)
	row = r.costTable(d, row)
	nights, end := r.history(d, row+1)
	r.charts(d, charts, counted, nights)

	r.print(d)
	r.printSummary(d, row, second)
	d.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$L$%d", row-1))
	lines := false
	d.try(r.file.SetSheetView(d.sheet, 0, &excelize.ViewOptions{ShowGridLines: &lines}))
	d.try(r.file.SetSheetDimension(d.sheet, "A1:"+cellName(max(summaryColumns, 1+len(r.book.Partners)), end)))
	return d.err
}

// printSummary puts a summary that ends before row on one page, or breaks it before the row second. Where a sheet is fitted to pages, Excel
// takes no breaks of ours, so that the width is fitted by hand then.
func (r *report) printSummary(d *sheetDraft, row, second int) {
	if one := 1; row <= pageRows {
		d.try(r.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{FitToHeight: &one}))
		return
	}
	fit, percent := false, uint(55)
	d.try(r.file.SetSheetProps(d.sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	d.try(r.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{AdjustTo: &percent}))
	d.try(r.file.InsertPageBreak(d.sheet, cellName(1, second)))
}

// head is the title, the verdict, the one number that matters, and what must be known before any figure is believed.
func (r *report) head(d *sheetDraft) (next int) {
	d.put(1, 1, r.say.Title, r.style.page)
	d.height(1, 33)
	style := r.style.bigVerdict[r.mood()]
	for col := 1; col <= summaryColumns; col++ {
		d.style(col, 2, style)
	}
	d.put(1, 2, r.verdict(), style)
	d.height(2, 30)
	d.put(1, 3, r.lead(), r.style.lead)
	d.height(3, 27)
	d.put(1, 4, r.when(), r.style.aside)
	next = 5
	for _, notice := range r.notices() {
		for col := 1; col <= summaryColumns; col++ {
			d.style(col, next, r.style.alarm)
		}
		d.put(1, next, notice, r.style.alarm)
		next++
	}
	return next + 1
}

func (r *report) lead() string {
	if !r.anyRun() {
		return r.say.NoFigures
	}
	var t ledger.Totals
	for _, p := range r.book.Partners {
		if p.Run != nil {
			t.Listed += p.Run.Totals.Listed
			t.Blocked += p.Run.Totals.Blocked
			t.Unknown += p.Run.Totals.Unknown
		}
	}
	newlyBlocked := r.total(func(c counts) int { return c.changes.newlyBlocked })
	newlyClear := r.total(func(c counts) int { return c.changes.newlyClear })
	return r.say.put(r.say.Lead, t.Blocked, t.Listed, newlyBlocked, newlyClear, t.Unknown)
}

// whenPartners is how many partners' runs fit into a banner.
const whenPartners = 3

// when says of which runs the figures are.
func (r *report) when() string {
	var runs []string
	for i, p := range r.book.Partners {
		if i == whenPartners {
			runs = append(runs, r.say.put(r.say.AndMore, len(r.book.Partners)-i))
			break
		}
		if p.Run == nil {
			runs = append(runs, fmt.Sprintf(r.say.NoRunYet, p.Partner.Name))
			continue
		}
		runs = append(runs, fmt.Sprintf(r.say.RunOf, p.Partner.Name, runNumber(p.Run), r.at(p.Run.StartedAt)))
	}
	return strings.Join(runs, " · ")
}

func (r *report) at(t time.Time) string { return r.say.at(t, r.book.Location) }

func runNumber(shown *ledger.Run) string { return strconv.FormatInt(shown.ID, 10) }

// notices say of which partners the figures are older than they should be, and why.
func (r *report) notices() []string {
	var all []string
	for _, p := range r.book.Partners {
		switch {
		case p.Failed != nil && p.Run != nil:
			all = append(all, fmt.Sprintf(r.say.FailedRun, p.Partner.Name, runNumber(p.Failed), r.at(p.Failed.StartedAt),
				runNumber(p.Run), r.at(p.Run.StartedAt)))
		case p.Failed != nil:
			all = append(all, fmt.Sprintf(r.say.FailedFirst, p.Partner.Name, runNumber(p.Failed), r.at(p.Failed.StartedAt)))
		case p.Unfinished != nil && p.Run != nil:
			all = append(all, fmt.Sprintf(r.say.UnfinishedRun, p.Partner.Name, runNumber(p.Unfinished), r.at(p.Unfinished.StartedAt),
				runNumber(p.Run), r.at(p.Run.StartedAt)))
		case p.Unfinished != nil:
			all = append(all, fmt.Sprintf(r.say.UnfinishedFirst, p.Partner.Name, runNumber(p.Unfinished), r.at(p.Unfinished.StartedAt)))
		case p.Run == nil:
			all = append(all, fmt.Sprintf(r.say.Waiting, p.Partner.Name))
		case p.Stale:
			all = append(all, fmt.Sprintf(r.say.StaleRun, p.Partner.Name, runNumber(p.Run), r.at(p.Run.StartedAt)))
		}
		if p.Failed != nil {
			all = append(all, r.reasons(p)...)
		}
	}
	return all
}

// reasons are the checks that a failed run failed.
func (r *report) reasons(p PartnerRun) []string {
	var all []string
	for _, c := range r.controlsOf(p, *p.Failed) {
		if !c.ok {
			all = append(all, fmt.Sprintf(r.say.Why, c.name, c.sentence))
		}
	}
	return all
}

// measures are a partner's counts in the order of the summary's columns: first how many there are in the run shown, then how many came and
// went, as Changes has them: a recheck counts only what it changed itself.
func measures(t ledger.Totals, c changeCounts) []int {
	return append(stock(t), c.newlyBlocked, c.newlyClear, c.new, c.gone)
}

// stock are the counts of what there is; only these can be compared with another run's.
func stock(t ledger.Totals) []int {
	return []int{t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Unreadable, t.DirectUndated}
}

// span is a range of rows; last is before first when there are none.
type span struct{ first, last int }

func (r *report) tableHead(d *sheetDraft, row int, section string, heads []string) (next int) {
	d.put(1, row, section, r.style.section)
	d.height(row, 22)
	d.put(1, row+1, r.say.Columns[colPartner].Head, r.style.header)
	for i, head := range heads {
		d.put(i+2, row+1, head, r.style.headerRight)
	}
	d.height(row+1, 48)
	return row + 2
}

func (r *report) countsTable(d *sheetDraft, row int) (next int, counted span) {
	row = r.tableHead(d, row, r.say.Counts, r.say.Measures)
	counted = span{row, row - 1}
	sums := make([]int, len(r.say.Measures))
	for at, p := range r.book.Partners {
		d.put(1, row, p.Partner.Name, r.style.label)
		for i := range sums {
			d.style(i+2, row, r.style.count)
		}
		if p.Run != nil {
			for i, n := range measures(p.Run.Totals, r.counts[at].changes) {
				d.put(i+2, row, n, r.style.count)
				sums[i] += n
			}
		}
		counted.last = row
		row++
	}
	next = r.totals(d, row, sums, r.style.total)
	r.nameTotals(d, next-1)
	return next + 1, counted
}

// totalNames are what formulas in other workbooks call the counts of all partners, as measures orders them. They never change.
var totalNames = []string{"Total_Listed", "Total_Clear", "Total_Blocked", "Total_Unknown", "Total_Excluded", "Total_Unreadable",
	"Total_Direct_undated", "Total_Newly_blocked", "Total_Newly_clear", "Total_New", "Total_Gone"}

// nameTotals names the counts of the line that is about all partners.
func (r *report) nameTotals(d *sheetDraft, row int) {
	if len(r.book.Partners) == 0 {
		return
	}
	for i, name := range totalNames {
		letter, _ := excelize.ColumnNumberToName(i + 2)
		d.try(d.file.SetDefinedName(&excelize.DefinedName{Name: name, RefersTo: fmt.Sprintf("%s!$%s$%d", quoted(d.sheet), letter, row)}))
	}
}

// since says from when on changes are counted.
func (r *report) since() string {
	if r.book.Against == 0 {
		return r.say.SinceLast
	}
	return fmt.Sprintf(r.say.SinceRun, strconv.FormatInt(r.book.Against, 10))
}

// deltasTable is the stock less that of the run that changes are counted from.
func (r *report) deltasTable(d *sheetDraft, row int) (next int) {
	sums := make([]int, len(stock(ledger.Totals{})))
	row = r.tableHead(d, row, r.since(), r.say.Measures[:len(sums)])
	for _, p := range r.book.Partners {
		d.put(1, row, p.Partner.Name, r.style.label)
		for i := range sums {
			d.style(i+2, row, r.style.delta)
		}
		switch {
		case p.Run == nil:
		case p.Against == nil:
			d.put(2, row, r.say.FirstRun, r.style.delta)
		default:
			before := stock(p.Against.Totals)
			for i, n := range stock(p.Run.Totals) {
				d.put(i+2, row, n-before[i], r.style.delta)
				sums[i] += n - before[i]
			}
		}
		row++
	}
	return r.totals(d, row, sums, r.style.totalDelta) + 1
}

// totals adds the line that sums up several partners.
func (r *report) totals(d *sheetDraft, row int, sums []int, style int) (next int) {
	if len(r.book.Partners) < 2 {
		return row
	}
	d.put(1, row, r.say.Total, r.style.totalLabel)
	for i, n := range sums {
		d.put(i+2, row, n, style)
	}
	return row + 1
}

// rule puts the policy into words. Partners share one configuration, but a run shown may be older than it.
func (r *report) rule(d *sheetDraft, row int) (next int) {
	d.put(1, row, r.say.PolicyHeading, r.style.section)
	d.height(row, 22)
	row++
	for _, sentence := range r.policy() {
		d.put(1, row, sentence, r.style.plain)
		row++
	}
	d.put(1, row, r.say.WhatIsBlocked+" "+r.say.WhatGoesOn, r.style.plain)
	return row + 2
}

func (r *report) policy() []string {
	var all []string
	seen := map[string]bool{}
	for _, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		sentence := fmt.Sprintf(r.say.PolicySince, r.say.day(p.Run.Policy.AcceptedSince)) + " "
		if p.Run.Policy.TrustDirectAcceptance {
			sentence += r.say.Trusted
		} else {
			sentence += r.say.NotTrusted
		}
		if !seen[sentence] {
			seen[sentence] = true
			all = append(all, sentence)
		}
	}
	return all
}

// told are the runs that the workbook tells of: the later one that failed, and those of the night shown, rechecks included.
func (p PartnerRun) told() (runs []ledger.Run) {
	if p.Failed != nil {
		runs = append(runs, *p.Failed)
	}
	if p.Run == nil {
		return runs
	}
	for i := len(p.History) - 1; i >= 0; i-- {
		if p.History[i].Kind == ledger.Sweep {
			return append(runs, p.History[i:]...)
		}
	}
	return append(runs, *p.Run)
}

func (r *report) costTable(d *sheetDraft, row int) (next int) {
	row = r.tableHead(d, row, r.say.Cost, r.say.CostHeads)
	d.height(row-1, 33)
	var all ledger.Cost
	for _, p := range r.book.Partners {
		for _, told := range p.told() {
			r.costRow(d, row, p, told)
			all = all.Add(told.Cost)
			row++
		}
	}
	if len(r.book.Partners) > 1 {
		for col := 2; col <= 3; col++ {
			d.style(col, row, r.style.total)
		}
		d.put(1, row, r.say.Total, r.style.totalLabel)
		for i, n := range []int{all.Requests, all.Retries, all.Throttled} {
			d.put(i+4, row, n, r.style.total)
		}
		d.put(7, row, all.Seconds/daySeconds, r.style.totalDuration)
		row++
	}
	return row + 1
}

func (r *report) costRow(d *sheetDraft, row int, p PartnerRun, shown ledger.Run) {
	d.put(1, row, p.Partner.Name, r.style.label)
	d.put(2, row, shown.ID, r.style.count)
	d.instant(3, row, shown.StartedAt, r.book.Location, r.style.shortDay)
	d.put(4, row, shown.Cost.Requests, r.style.count)
	d.put(5, row, shown.Cost.Retries, r.style.count)
	d.put(6, row, shown.Cost.Throttled, r.style.count)
	d.put(7, row, shown.Cost.Seconds/daySeconds, r.style.duration)
}
