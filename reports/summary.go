package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// summaryColumns is how wide the summary is: the partner and eleven counts.
const summaryColumns = 12

// summaryPageRows is how many rows of the summary fit on one printed page; more would be too small to read.
const summaryPageRows = 64

// span is a range of rows; last is before first when there are none.
type span struct{ first, last int }

// summary answers in this order: how many customers cannot buy, can the figures be relied on, how did it change, how old is it, what
// to do first; then the counts in full, the policy, and what it took. The figures behind the trend are below the printed pages.
func (f *frame) summary(tables []table) error {
	if _, err := f.newSheet(f.name(sheetSummary)); err != nil {
		return err
	}
	d := &draft{file: f.file, sheet: f.name(sheetSummary)}
	d.width(1, 30)
	for col := 2; col <= summaryColumns; col++ {
		d.width(col, 12)
	}
	s := &summarySheet{f, d, tables}
	row := s.head()
	row = s.figures(row)
	row = s.rollForward(row)
	row = s.ageing(row)
	row = s.renewalsTable(row)
	row = s.first(row)
	charts := row // where a second page begins
	if f.anyRun() {
		row += chartRows + 1
	}
	row, counted := s.counts(row)
	row = s.resellerTables(row)
	row = s.policy(row)
	row = s.usage(row)
	end := s.charts(charts, row+1, counted)

	f.print(d)
	s.pages(row, charts)
	d.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$L$%d", row-1))
	return d.finish(max(summaryColumns, 1+trendShown+1), end)
}

// summarySheet draws the summary.
type summarySheet struct {
	*frame
	*draft
	tables []table
}

// pages puts a summary that ends before row on one page, or breaks it before the row second. Where a sheet is fitted to pages,
// Excel ignores breaks, so that the width is scaled by hand then.
func (s *summarySheet) pages(row, second int) {
	if one := 1; row <= summaryPageRows {
		s.try(s.frame.file.SetPageLayout(s.sheet, &excelize.PageLayoutOptions{FitToHeight: &one}))
		return
	}
	fit, percent := false, uint(64)
	s.try(s.frame.file.SetSheetProps(s.sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	s.try(s.frame.file.SetPageLayout(s.sheet, &excelize.PageLayoutOptions{AdjustTo: &percent}))
	s.try(s.frame.file.InsertPageBreak(s.sheet, cellName(1, second)))
}

// head is the title, the business in a sentence, and whether the figures can be relied on: small when they can, large and on top when not.
func (s *summarySheet) head() (next int) {
	s.put(1, 1, s.say.Texts.Title, s.frame.style.page)
	s.height(1, 30)
	business, integrity := 2, 3
	if s.verdict() == failed {
		business, integrity = 3, 2
	}
	style, height := s.frame.style.lead, 21.0
	if s.verdict() == failed {
		style, height = s.frame.style.alarmLead, 30
	}
	s.styleRow(integrity, summaryColumns, style)
	s.put(1, integrity, s.integrity(), style)
	if s.verdict() != failed { // LibreOffice gives links a colour of their own, which nobody can read on red
		s.toSheet(1, integrity, sheetChecks)
	}
	s.height(integrity, height)
	tone := s.businessTone()
	s.styleRow(business, summaryColumns, s.frame.style.business[tone])
	s.put(1, business, s.business(), s.frame.style.business[tone])
	s.toSheet(1, business, sheetBlocked)
	s.height(business, 33)
	s.put(1, 4, s.when(), s.frame.style.aside)
	next = 5
	for _, notice := range s.notices() {
		s.styleRow(next, summaryColumns, s.frame.style.alarm)
		s.put(1, next, notice, s.frame.style.alarm)
		next++
	}
	return next + 1
}

// toSheet links a cell to a sheet of the workbook, if it is there.
func (s *summarySheet) toSheet(col, row int, key string) { s.toRows(col, row, key, span{}) }

// toRows links a cell to rows of a sheet, which the click selects.
func (s *summarySheet) toRows(col, row int, key string, rows span) {
	for _, t := range s.tables {
		if t.key != key {
			continue
		}
		place := xlsx.QuotedName(s.name(key)) + "!A1"
		if rows.last >= rows.first && rows.first > 0 {
			place = xlsx.QuotedName(s.name(key)) + fmt.Sprintf("!A%d:%s", rows.first, cellName(t.printed, rows.last))
		}
		s.link(col, row, place, s.name(key))
	}
}

// businessTone is how the number of blocked customers looks.
func (s *summarySheet) businessTone() tone {
	switch {
	case !s.anyRun():
		return caution
	case s.sum().Blocked > 0:
		return alert
	case s.sum().Unknown > 0:
		return caution
	}
	return fine
}

// business is the verdict of the business in words.
func (r *report) business() string {
	t := r.sum()
	switch {
	case !r.anyRun():
		return r.say.Texts.NoFigures
	case t.Blocked == 0:
		return r.say.put(r.say.Texts.EverybodyCanBuy, t.Listed, t.Unknown)
	}
	return r.say.count(r.say.Texts.CannotBuy, t.Blocked, r.say.percent(t.Blocked, t.Listed), r.say.number(t.Listed))
}

// sum adds up the runs shown.
func (r *report) sum() (t ledger.Totals) {
	for _, p := range r.book.Partners {
		if p.Run != nil {
			t.Listed += p.Run.Totals.Listed
			t.Clear += p.Run.Totals.Clear
			t.Blocked += p.Run.Totals.Blocked
			t.Unknown += p.Run.Totals.Unknown
		}
	}
	return t
}

func (r *report) anyRun() bool {
	for _, p := range r.book.Partners {
		if p.Run != nil {
			return true
		}
	}
	return false
}

// anyAgainst reports whether changes of any partner can be told.
func (r *report) anyAgainst() bool {
	for _, p := range r.book.Partners {
		if p.Run != nil && p.Against != nil {
			return true
		}
	}
	return false
}

// whenPartners is how many partners' runs fit into a banner.
const whenPartners = 3

// when says of which runs the figures are.
func (r *report) when() string {
	var runs []string
	for i, p := range r.book.Partners {
		if i == whenPartners {
			runs = append(runs, r.say.put(r.say.Texts.AndMore, len(r.book.Partners)-i))
			break
		}
		if p.Run == nil {
			runs = append(runs, fmt.Sprintf(r.say.Texts.NoRunYet, p.Partner.Name))
			continue
		}
		runs = append(runs, fmt.Sprintf(r.say.Texts.RunOf, p.Partner.Name, runNumber(p.Run), r.at(p.Run)))
	}
	return strings.Join(runs, " · ")
}

func (r *report) at(run *ledger.Run) string { return r.say.at(run.StartedAt, r.book.Location) }

func runNumber(shown *ledger.Run) string { return strconv.FormatInt(shown.ID, 10) }

// notices say of which partners the figures are older than they should be and why, and where the policy changed.
func (r *report) notices() (all []string) {
	for i, p := range r.book.Partners {
		if text := r.oldNotice(p); text != "" {
			all = append(all, text)
		}
		if p.Unfinished != nil && p.Unfinished.Failure.Message != "" {
			all = append(all, fmt.Sprintf(r.say.Texts.RunFailure, p.Unfinished.Failure.Message, p.Unfinished.Failure.Hint))
		}
		if p.Failed != nil {
			all = append(all, r.failedChecks(p)...)
		}
		if p.Run != nil && p.Against != nil && p.Run.Policy != p.Against.Policy {
			changes := r.counts[i].changes
			all = append(all,
				fmt.Sprintf(r.say.Texts.PolicyChanged, p.Partner.Name, r.policySentence(p.Against), r.policySentence(p.Run)),
				fmt.Sprintf(r.say.Texts.PolicyEffects, r.say.number(changes.blockedByPolicy), r.say.number(changes.unblockedByPolicy)))
		}
	}
	for _, last := range r.book.LeftOut {
		all = append(all, fmt.Sprintf(r.say.Texts.LeftOut, last.Partner.Name, runNumber(&last), r.at(&last), r.say.number(last.Totals.Blocked)))
	}
	return all
}

// old reports whether the partner's figures are not those of last night.
func (p PartnerRun) old() bool { return p.Failed != nil || p.Unfinished != nil || p.Stale }

// anyOld reports whether figures of an old night enter the totals.
func (r *report) anyOld() bool {
	for _, p := range r.book.Partners {
		if p.Run != nil && p.old() {
			return true
		}
	}
	return false
}

func (r *report) oldNotice(p PartnerRun) string {
	say, name := r.say.Texts, p.Partner.Name
	switch {
	case p.Failed != nil && p.Run != nil:
		return fmt.Sprintf(say.FailedRun, name, runNumber(p.Failed), r.at(p.Failed), runNumber(p.Run), r.at(p.Run))
	case p.Failed != nil:
		return fmt.Sprintf(say.FailedFirst, name, runNumber(p.Failed), r.at(p.Failed))
	case p.Unfinished != nil && p.Run != nil:
		return fmt.Sprintf(say.UnfinishedRun, name, runNumber(p.Unfinished), r.at(p.Unfinished), runNumber(p.Run), r.at(p.Run))
	case p.Unfinished != nil:
		return fmt.Sprintf(say.UnfinishedFirst, name, runNumber(p.Unfinished), r.at(p.Unfinished))
	case p.Run == nil:
		return fmt.Sprintf(say.Waiting, name)
	case p.Stale:
		return fmt.Sprintf(say.StaleRun, name, runNumber(p.Run), r.at(p.Run))
	}
	return ""
}

// failedChecks are the checks that a failed run failed.
func (r *report) failedChecks(p PartnerRun) (all []string) {
	for _, c := range r.controlsOf(p, *p.Failed) {
		if !c.ok {
			all = append(all, fmt.Sprintf(r.say.Texts.FailedCheck, c.name, c.numbers))
		}
	}
	return all
}

// figures are the few big numbers, each with its change, linked to the sheet behind it.
func (s *summarySheet) figures(row int) (next int) {
	if !s.anyRun() {
		return row
	}
	t, before, long, lapsing := s.sum(), ledger.Totals{}, 0, 0
	for i, p := range s.book.Partners {
		if p.Run != nil && p.Against != nil {
			before.Blocked += p.Against.Totals.Blocked
			before.Unknown += p.Against.Totals.Unknown
		} else if p.Run != nil { // of a first run there is nothing to compare
			before.Blocked += p.Run.Totals.Blocked
			before.Unknown += p.Run.Totals.Unknown
		}
		long += s.insights.ages[i][len(ageLimits)]
		lapsing += s.insights.renewals[i].within30
	}
	share := 0.0
	if t.Listed > 0 {
		share = float64(t.Blocked) / float64(t.Listed)
	}
	say := s.say.Texts
	for i, figure := range []struct {
		label string
		value any
		style int
		delta int
		told  bool // the change
		sheet string
	}{
		{say.Blocked, t.Blocked, s.frame.style.big, t.Blocked - before.Blocked, true, sheetBlocked},
		{say.BlockedShare, share, s.frame.style.bigShare, 0, false, sheetBlocked},
		{say.BlockedLong, long, s.frame.style.big, 0, false, sheetBlocked},
		{say.Lapsing, lapsing, s.frame.style.big, 0, false, sheetRenewals},
		{say.Unknown, t.Unknown, s.frame.style.big, t.Unknown - before.Unknown, true, sheetUnread},
	} {
		col := 1
		if i > 0 {
			col = 2*i + 1
		}
		s.put(col, row, figure.label, s.frame.style.aside)
		s.put(col, row+1, figure.value, figure.style)
		s.toSheet(col, row+1, figure.sheet)
		if figure.told && s.anyAgainst() {
			s.put(col, row+2, s.change(figure.delta), s.frame.style.aside)
		}
	}
	s.height(row+1, 36)
	if s.insights.accepted > 0 {
		s.put(1, row+3, s.say.count(say.Accepted, s.insights.accepted), s.frame.style.plain)
		s.toSheet(1, row+3, sheetExceptions)
		row++
	}
	return row + 4
}

func (s *summarySheet) change(delta int) string {
	if delta == 0 {
		return s.say.Texts.Unchanged
	}
	sign := ""
	if delta > 0 {
		sign = "+"
	}
	return fmt.Sprintf(s.since(), sign+s.say.number(delta))
}

// since says from when on changes are counted.
func (r *report) since() string {
	if r.book.Against == 0 {
		return r.say.Texts.SinceLast
	}
	return strings.ReplaceAll(r.say.Texts.SinceRun, "%[2]s", strconv.FormatInt(r.book.Against, 10))
}

// tableHead is a heading and the header row below it: the partner, and numbers.
func (s *summarySheet) tableHead(row int, section, first string, heads []string) (next int) {
	s.put(1, row, section, s.frame.style.section)
	s.height(row, 22)
	s.put(1, row+1, first, s.frame.style.header)
	for i, head := range heads {
		s.put(i+2, row+1, head, s.frame.style.headerRight)
	}
	s.height(row+1, 48)
	return row + 2
}

// partnerRows writes a row of numbers for each partner, and their totals where there are several. Figures of an old night, and totals
// that they enter, carry a mark.
func (s *summarySheet) partnerRows(row, columns int, of func(i int, p PartnerRun) []int, sheet string) (next int, sums []int) {
	sums = make([]int, columns)
	for i, p := range s.book.Partners {
		s.put(1, row, p.Partner.Name, s.frame.style.label)
		style := s.frame.style.count
		if p.old() {
			style = s.frame.style.countOld
		}
		var numbers []int
		if p.Run != nil {
			numbers = of(i, p)
		}
		for col := range columns {
			if col >= len(numbers) {
				s.put(col+2, row, nil, style)
				continue
			}
			s.put(col+2, row, numbers[col], style)
			s.toRows(col+2, row, sheet, s.rowsOf(i, sheet))
			sums[col] += numbers[col]
		}
		row++
	}
	if len(s.book.Partners) < 2 {
		return row, sums
	}
	style := s.frame.style.total
	if s.anyOld() {
		style = s.frame.style.totalOld
	}
	s.put(1, row, s.say.Texts.Total, s.frame.style.totalLabel)
	for col, n := range sums {
		s.put(col+2, row, n, style)
	}
	return row + 1, sums
}

// rowsOf are a partner's rows on a sheet, as far as they are on its first page.
func (s *summarySheet) rowsOf(partner int, key string) span {
	of := map[string]func(counts) int{sheetBlocked: blockedRows, sheetCustomers: customerRows, sheetRenewals: renewalRows,
		sheetChanges: func(c counts) int { return c.changes.rows }}[key]
	if of == nil {
		return span{}
	}
	first := firstRow
	for _, c := range s.report.counts[:partner] {
		first += of(c)
	}
	return span{first, min(first+of(s.report.counts[partner])-1, xlsx.MaxRows)}
}

// rollForward is how last night's blocked customers became today's.
func (s *summarySheet) rollForward(row int) (next int) {
	if !s.anyRun() {
		return row
	}
	heads := s.say.Texts.RollForwardHeads
	row = s.tableHead(row, s.say.Texts.RollForward, s.say.head(table{}, "partner"), heads)
	next, _ = s.partnerRows(row, len(heads), func(i int, p PartnerRun) []int {
		forward := p.rollForward(s.report.counts[i])
		return []int{forward.opening, forward.newlyBlocked, -forward.noLonger, -forward.gone, forward.closing()}
	}, sheetChanges)
	if s.anyOld() {
		s.put(1, next, s.say.Texts.OldFigures, s.frame.style.aside)
		next++
	}
	return next + 1
}

// ageing groups the blocked customers by days.
func (s *summarySheet) ageing(row int) (next int) {
	if !s.anyRun() {
		return row
	}
	heads := s.say.Texts.AgeingHeads
	row = s.tableHead(row, s.say.Texts.Ageing, s.say.head(table{}, "partner"), heads)
	next, _ = s.partnerRows(row, len(heads), func(i int, p PartnerRun) []int {
		total := 0
		for _, n := range s.insights.ages[i] {
			total += n
		}
		return append(s.insights.ages[i][:], total)
	}, sheetBlocked)
	return next + 1
}

// renewalsTable counts the subscriptions that are at stake.
func (s *summarySheet) renewalsTable(row int) (next int) {
	if !s.anyRun() {
		return row
	}
	heads := s.say.Texts.RenewalHeads
	row = s.tableHead(row, s.say.Texts.Renewals, s.say.head(table{}, "partner"), heads)
	next, _ = s.partnerRows(row, len(heads), func(i int, _ PartnerRun) []int {
		n := s.insights.renewals[i]
		return []int{n.within30, n.within60, n.within90, n.later, n.renew, n.unknown}
	}, sheetRenewals)
	return next + 1
}

// first names the customers to begin with: who, why, the next step, and where. Names run over the empty cells on their right:
// merged cells would be in a screen reader's way.
func (s *summarySheet) first(row int) (next int) {
	if len(s.insights.first) == 0 {
		return row
	}
	say, style := s.say.Texts, s.frame.style
	s.put(1, row, say.First, style.section)
	s.height(row, 22)
	row++
	s.styleRow(row, summaryColumns, style.header)
	at := []int{1, 3, 8, 10, 12} // customer, why, next step, partner, row
	for i, head := range say.FirstHeads {
		s.put(at[i], row, head, style.header)
	}
	s.height(row, 33)
	row++
	for _, c := range s.insights.first {
		s.styleRow(row, summaryColumns, style.cell)
		place := firstRow + c.row
		s.put(at[0], row, c.blockedRow.row.Name, style.label)
		s.put(at[1], row, s.why(c), style.cell)
		s.put(at[2], row, s.say.word("remedy", string(nextStep(c.blockedRow.row))).word, style.cell)
		s.put(at[3], row, c.partner.Partner.Name, style.cell)
		if place <= xlsx.MaxRows {
			s.put(at[4], row, place, style.count)
			s.toRows(at[4], row, sheetBlocked, span{place, place})
		}
		row++
	}
	s.put(1, row, s.purchases(), style.plain)
	return row + 2
}

func (s *summarySheet) why(c firstCustomer) string {
	active := "–"
	if c.blockedRow.row.PurchasesRead == standing.Read {
		active = s.say.number(c.blockedRow.row.Purchases.Active)
	}
	why := s.say.count(s.say.Texts.WhyBlocked, c.days, active)
	if c.lapses {
		why += "; " + fmt.Sprintf(s.say.Texts.WhyLapses, s.say.day(c.blockedRow.row.Purchases.NextLapse))
	}
	return why
}

// purchases says who of the blocked can be expected to accept without the partner (docs/partner-center.md, The rule and its sources).
func (s *summarySheet) purchases() string {
	n := s.insights.purchases
	return s.say.put(s.say.Texts.Purchases, n.some+n.none+n.unread, n.some, n.none, n.unread)
}

// measures are a partner's counts in the order of the summary's columns: first how many there are in the run shown, then how many
// came and went, as Changes has them: a recheck counts only what it changed itself.
func measures(t ledger.Totals, c changeCounts) []int {
	return []int{t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Unreadable, t.DirectUndated, c.of(standing.NewlyBlocked), c.of(standing.NewlyClear), c.new, c.of(standing.Gone)}
}

func (s *summarySheet) counts(row int) (next int, counted span) {
	heads := s.say.Texts.Measures
	row = s.tableHead(row, s.say.Texts.Counts, s.say.head(table{}, "partner"), heads)
	next, _ = s.partnerRows(row, len(heads), func(i int, p PartnerRun) []int {
		return measures(p.Run.Totals, s.report.counts[i].changes)
	}, sheetCustomers)
	s.nameTotals(next - 1)
	return next + 1, span{row, row + len(s.book.Partners) - 1}
}

// totalNames are what formulas in other workbooks call the counts of all partners, as measures orders them. They never change.
var totalNames = []string{"Total_Listed", "Total_Clear", "Total_Blocked", "Total_Unknown", "Total_Excluded", "Total_Unreadable",
	"Total_Direct_undated", "Total_Newly_blocked", "Total_Newly_clear", "Total_New", "Total_Gone"}

// nameTotals names the counts of the row that is about all partners.
func (s *summarySheet) nameTotals(row int) {
	if len(s.book.Partners) == 0 {
		return
	}
	for i, name := range totalNames {
		s.try(s.frame.file.SetDefinedName(&excelize.DefinedName{Name: name, RefersTo: xlsx.Reference(s.sheet, i+2, row, i+2, row)}))
	}
}

// policy puts the policy into words. Partners share one configuration, but a run shown may be older than it.
func (s *summarySheet) policy(row int) (next int) {
	s.put(1, row, s.say.Texts.Policy, s.frame.style.section)
	s.height(row, 22)
	row++
	for _, sentence := range append(s.policies(), s.say.Texts.WhatIsBlocked) {
		s.put(1, row, sentence, s.frame.style.plain)
		row++
	}
	return row + 1
}

func (r *report) policies() (all []string) {
	seen := map[string]bool{}
	for _, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		if sentence := r.policySentence(p.Run); !seen[sentence] {
			seen[sentence] = true
			all = append(all, sentence)
		}
	}
	return all
}

func (r *report) policySentence(run *ledger.Run) string {
	direct := r.say.Texts.NotTrusted
	if run.Policy.TrustDirectAcceptance {
		direct = r.say.Texts.Trusted
	}
	return fmt.Sprintf(r.say.Texts.PolicySince, r.say.day(run.Policy.AcceptedSince)) + " " + direct
}

// shown are the runs that the report tells of: the later one that failed, and those of the night shown, rechecks included.
func (p PartnerRun) shown() (runs []ledger.Run) {
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

// usage is what the night took of the API.
func (s *summarySheet) usage(row int) (next int) {
	heads, style := s.say.Texts.UsageHeads, s.frame.style
	row = s.tableHead(row, s.say.Texts.Usage, s.say.head(table{}, "partner"), heads)
	var all ledger.Cost
	for _, p := range s.book.Partners {
		for _, run := range p.shown() {
			s.put(1, row, p.Partner.Name, style.label)
			s.put(2, row, run.ID, style.count)
			s.instant(3, row, run.StartedAt, s.book.Location, style.shortDay)
			s.costs(4, row, run.Cost, style.count, style.duration)
			all = all.Add(run.Cost)
			row++
		}
	}
	if len(s.book.Partners) > 1 {
		s.put(1, row, s.say.Texts.Total, style.totalLabel)
		s.put(2, row, nil, style.total)
		s.put(3, row, nil, style.total)
		s.costs(4, row, all, style.total, style.totalDuration)
		row++
	}
	return row + 1
}

func (s *summarySheet) costs(col, row int, cost ledger.Cost, count, duration int) {
	for i, n := range []int{cost.Requests, cost.Retries, cost.Throttled} {
		s.put(col+i, row, n, count)
	}
	s.put(col+3, row, xlsx.DurationSerial(cost.Seconds), duration)
}
