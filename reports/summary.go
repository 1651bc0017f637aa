package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// summaryColumns is how wide the summary is. Two tables of a partner and up to six numbers fit side
// by side.
const summaryColumns = 16

// How the summary is printed: its width on A4, landscape, and how many points of rows a page then
// has.
const (
	summaryScale      = 64
	summaryPageHeight = 800.0
)

// How many partners a table has that leaves room below it, how many rows of partners the tables
// have that do not name all of them, and how many fit on a page.
const (
	shortTable     = 8
	partnersShown  = 20
	pageOfPartners = 45
)

// span is a range of rows; last is before first when there are none.
type span struct{ first, last int }

// place is where a table of partners and numbers stands: the columns of the label and of the first
// number.
type place struct{ label, first int }

var left, right = place{1, 2}, place{9, 11}

// wider has another column for labels.
func (p place) wider() place { return place{p.label, p.first + 1} }

// summary answers in this order: how many customers cannot buy, can the figures be relied on, how
// did it change, how old is it, what to do first; then the counts in full, the policy, and what it
// took. The figures behind the trend are below the printed pages.
func (f *frame) summary(tables []table) error {
	if _, err := f.newSheet(f.name(sheetSummary)); err != nil {
		return err
	}
	d := &draft{file: f.file, sheet: f.name(sheetSummary)}
	d.width(1, 24)
	for col := 2; col <= summaryColumns; col++ {
		d.width(col, 13)
	}
	s := &summarySheet{frame: f, draft: d, tables: tables, heights: map[int]float64{}}
	row := s.block(1, s.head)
	row = s.block(row, s.figures)
	for _, draw := range s.body() {
		row = s.block(row, draw)
	}
	end := s.charts(s.chartsAt, row+1, s.counted)

	f.print(d)
	s.pages()
	if len(f.book.Partners) > pageOfPartners { // the last table goes over several pages
		d.define("_xlnm.Print_Titles", fmt.Sprintf("$%[1]d:$%[1]d", s.counted.first-1))
	}
	d.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$P$%d", row-1))
	return d.finish(max(summaryColumns, 1+trendShown+1), end)
}

// summarySheet draws the summary.
type summarySheet struct {
	*frame
	*draft
	tables  []table
	heights map[int]float64 // of rows, in points
	blocks  []span          // rows that belong together on paper
	// Where the charts are, and the rows of the partners in the table of counts.
	chartsAt int
	counted  span
}

// body are the blocks below the big figures. Where partners are many, what to do first and the
// charts are on the first page and the first screen, and the table that has a row for every partner
// comes last, so that its header can stand on each page.
func (s *summarySheet) body() []func(row int) (next int) {
	blocked, risks := sideBySide(s.rollForward, s.ageing), sideBySide(s.renewalsTable, s.nextSteps)
	var further []func(row int) (next int)
	tables := s.resellerTables()
	if !s.book.isPart() {
		tables = append(tables, s.usage)
	}
	for pair := range slices.Chunk(tables, 2) {
		further = append(further, sideBySide(pair...))
	}
	further = append(further, s.policy)
	if len(s.book.Partners) <= shortTable {
		return append([]func(row int) (next int){blocked, s.first, risks, s.roomForCharts, s.counts}, further...)
	}
	return slices.Concat([]func(row int) (next int){s.first, s.roomForCharts, blocked, risks}, further,
		[]func(row int) (next int){s.counts})
}

func (s *summarySheet) roomForCharts(row int) (next int) {
	s.chartsAt = row
	if s.anyRun() {
		row += chartRows + 1
	}
	return row
}

// block draws rows that belong together on paper.
func (s *summarySheet) block(row int, draw func(row int) (next int)) (next int) {
	next = draw(row)
	if next > row {
		s.blocks = append(s.blocks, span{row, next - 1})
	}
	return next
}

// tableOfSummary draws a table from a row on.
type tableOfSummary = func(row int, at place) (next int)

// sideBySide draws two tables beside each other.
func sideBySide(tables ...tableOfSummary) func(row int) (next int) {
	return func(row int) (next int) {
		for i, table := range tables {
			next = max(next, table(row, []place{left, right}[i]))
		}
		return next
	}
}

func (s *summarySheet) height(row int, points float64) {
	s.heights[row] = points
	s.draft.height(row, points)
}

// pages begins a new page before a block that does not fit on the one before. Where a sheet is
// fitted to pages, Excel ignores breaks, so that the width is scaled by hand.
func (s *summarySheet) pages() {
	fit, percent := false, uint(summaryScale)
	s.try(s.frame.file.SetSheetProps(s.sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	s.try(s.frame.file.SetPageLayout(s.sheet, &excelize.PageLayoutOptions{AdjustTo: &percent}))
	used := 0.0
	for _, b := range s.blocks {
		height := 0.0
		for row := b.first; row <= b.last; row++ {
			height += cmp.Or(s.heights[row], xlsx.LineHeight)
		}
		if used > 0 && used+height > summaryPageHeight {
			s.try(s.frame.file.InsertPageBreak(s.sheet, cellName(1, b.first)))
			used = 0
		}
		if used += height; used > summaryPageHeight { // over several pages
			used = math.Mod(used, summaryPageHeight)
		}
	}
}

// head is the title, the business in a sentence, and whether the figures can be relied on: small
// when they can, large and on top when not.
func (s *summarySheet) head(int) (next int) {
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
		for _, line := range lines(notice, lineLength) {
			s.styleRow(next, summaryColumns, s.frame.style.alarm)
			s.put(1, next, line, s.frame.style.alarm)
			next++
		}
	}
	return next + 1
}

// lineLength is how many characters of a sentence fit across the summary.
const lineLength = 240

// lines breaks a text into lines of so many characters at most, as far as its words allow. The
// spaces that a text begins with, further lines begin with.
func lines(text string, length int) (all []string) {
	words := strings.Split(text, " ")
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line := ""
	for i, word := range words {
		switch {
		case i == 0:
			line = word
		case xlsx.Units(line)+1+xlsx.Units(word) > length:
			all, line = append(all, line), indent+word
		default:
			line += " " + word
		}
	}
	return append(all, line)
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

// separator stands between the runs of a banner.
const separator = " · "

// whenPartners is how many partners' runs fit into a banner.
const whenPartners = 3

// when says of which runs the figures are.
func (r *report) when() string {
	var runs []string
	if r.book.isPart() {
		runs = append(runs, r.part())
	}
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
	return strings.Join(runs, separator)
}

// part names the indirect reseller, or the account manager, whose customers alone are shown.
func (r *report) part() string {
	if r.book.Owner == nil {
		return cmp.Or(r.book.Reseller.Name, r.book.Reseller.ID)
	}
	if *r.book.Owner == "" {
		return r.say.Texts.NoOwner
	}
	return r.say.head(table{}, "owner") + ": " + *r.book.Owner
}

func (r *report) at(run *ledger.Run) string { return r.say.at(run.StartedAt, r.book.Location) }

func runNumber(shown *ledger.Run) string { return strconv.FormatInt(shown.ID, 10) }

// notices say of which partners the figures are older than they should be and why, and where the
// policy changed.
func (r *report) notices() (all []string) {
	for i, p := range r.book.Partners {
		if text := r.oldNotice(p); text != "" {
			all = append(all, text)
		}
		if p.Unfinished != nil && p.Unfinished.Failure.Message != "" {
			all = append(all, fmt.Sprintf(r.say.Texts.RunFailure, p.Unfinished.Failure.Message,
				p.Unfinished.Failure.Hint))
		}
		if p.Failed != nil {
			all = append(all, r.failedChecks(p)...)
		}
		if p.Run != nil && p.Against != nil && p.Run.Policy != p.Against.Policy {
			changes := r.counts[i].changes
			all = append(all,
				fmt.Sprintf(r.say.Texts.PolicyChanged, p.Partner.Name, r.policySentence(p.Against),
					r.policySentence(p.Run)),
				fmt.Sprintf(r.say.Texts.PolicyEffects, r.say.number(changes.blockedByPolicy),
					r.say.number(changes.unblockedByPolicy)))
		}
	}
	if due := r.agreementsDue(); due > 0 {
		all = append(all, r.say.count(r.say.Texts.AgreementsDue, due))
	}
	for _, last := range r.book.LeftOut {
		all = append(all, fmt.Sprintf(r.say.Texts.LeftOut, last.Partner.Name, runNumber(&last), r.at(&last),
			r.say.number(last.Totals.Blocked)))
	}
	return all
}

// agreementsDue is how many customers accepted by a link whose agreement is not created yet: they
// go on being blocked.
func (r *report) agreementsDue() (n int) {
	for _, b := range r.batches {
		n += b.States[attestation.Accepted]
	}
	return n
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
		return fmt.Sprintf(say.UnfinishedRun, name, runNumber(p.Unfinished), r.at(p.Unfinished), runNumber(p.Run),
			r.at(p.Run))
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

// bigFigure is one of the few numbers that the summary begins with.
type bigFigure struct {
	label  string
	value  any
	style  int
	change string // since the run that changes are counted from
	sheet  string
}

// figures are the few big numbers, each with its change, linked to the sheet behind it.
func (s *summarySheet) figures(row int) (next int) {
	if !s.anyRun() {
		return row
	}
	for i, figure := range s.bigFigures() {
		col := 1 + 3*i
		s.put(col, row, figure.label, s.frame.style.aside)
		s.put(col, row+1, figure.value, figure.style)
		s.toSheet(col, row+1, figure.sheet)
		if !s.anyAgainst() {
			figure.change = s.say.Texts.FirstRun
		}
		s.put(col, row+2, figure.change, s.frame.style.aside)
	}
	s.height(row+1, 36)
	if s.insights.accepted > 0 {
		s.put(1, row+3, s.say.count(s.say.Texts.Accepted, s.insights.accepted), s.frame.style.plain)
		s.toSheet(1, row+3, sheetExceptions)
		row++
	}
	return row + 4
}

func (s *summarySheet) bigFigures() []bigFigure {
	now, before, long, lapsing := s.sum(), s.sumBefore(), 0, 0
	for i := range s.book.Partners {
		long += s.insights.ages[i][len(ageLimits)]
		lapsing += s.insights.renewals[i].within30
	}
	say, style := s.say.Texts, s.frame.style
	return []bigFigure{
		{say.Blocked, now.Blocked, style.big, s.change(now.Blocked - before.Blocked), sheetBlocked},
		{say.BlockedShare, share(now), style.bigShare, s.changeOfShare(share(now) - share(before)), sheetBlocked},
		{say.BlockedLong, long, style.big, s.change(long - s.insights.longBefore), sheetBlocked},
		{say.Lapsing, lapsing, style.big, s.change(lapsing - s.insights.lapsingBefore), sheetRenewals},
		{say.Unknown, now.Unknown, style.big, s.change(now.Unknown - before.Unknown), sheetUnread},
	}
}

func share(t ledger.Totals) float64 {
	if t.Listed == 0 {
		return 0
	}
	return float64(t.Blocked) / float64(t.Listed)
}

// sumBefore adds up the runs that changes are counted from; a first run counts itself, because
// there is nothing to compare it with.
func (r *report) sumBefore() (t ledger.Totals) {
	for _, p := range r.book.Partners {
		shown := cmp.Or(p.Against, p.Run)
		if p.Run != nil {
			t.Listed += shown.Totals.Listed
			t.Blocked += shown.Totals.Blocked
			t.Unknown += shown.Totals.Unknown
		}
	}
	return t
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

// changeOfShare is a change in percentage points, with one decimal.
func (s *summarySheet) changeOfShare(delta float64) string {
	points := strconv.FormatFloat(100*delta, 'f', 1, 64)
	if points == "0.0" || points == "-0.0" {
		return s.say.Texts.Unchanged
	}
	if delta > 0 {
		points = "+" + points
	}
	return fmt.Sprintf(s.since(), fmt.Sprintf(s.say.Texts.Points, strings.Replace(points, ".", s.say.Format.Decimal,
		1)))
}

// since says from when on changes are counted.
func (r *report) since() string {
	if r.book.Against == 0 {
		return r.say.Texts.SinceLast
	}
	return strings.ReplaceAll(r.say.Texts.SinceRun, "%[2]s", strconv.FormatInt(r.book.Against, 10))
}

// tableHead is a heading and the header row below it: the label, and numbers.
func (s *summarySheet) tableHead(row int, at place, section, label string, heads []string) (next int) {
	s.put(at.label, row, section, s.frame.style.section)
	s.height(row, 22)
	for col := at.label; col < at.first; col++ {
		s.draft.style(col, row+1, s.frame.style.header)
	}
	s.put(at.label, row+1, label, s.frame.style.header)
	for i, head := range heads {
		s.put(at.first+i, row+1, head, s.frame.style.headerRight)
	}
	s.height(row+1, 33)
	return row + 2
}

// partnerTable is a table with a row for each partner; next is the row below it.
func (s *summarySheet) partnerTable(row int, at place, section string, heads []string,
	of func(i int, p PartnerRun) []figure) (next int) {

	row = s.tableHead(row, at, section, s.say.head(table{}, "partner"), heads)
	return s.partnerRows(row, at, len(heads), partnersShown, of)
}

// label is what a row is about; it runs over the empty cells on its right, because merged cells
// would be in a screen reader's way.
func (s *summarySheet) label(row int, at place, text string, style int) {
	for col := at.label; col < at.first; col++ {
		s.draft.style(col, row, style)
	}
	s.put(at.label, row, text, style)
}

// figure is a number with the rows behind it; without a sheet, or when they do not stand together,
// it links to what is there.
type figure struct {
	n     int
	sheet string
	rows  span
}

// partnerRows writes a row of numbers for each partner, and their totals where there are several.
// Of more partners than are shown, those with the most blocked customers have rows of their own,
// and the others one together. Figures of an old night, and totals that they enter, carry a mark.
func (s *summarySheet) partnerRows(row int, at place, columns, shown int,
	of func(i int, p PartnerRun) []figure) (next int) {
	named, others := s.largest(shown)
	sums, rest := make([]int, columns), make([]int, columns)
	add := func(sums []int, figures []figure) {
		for col, f := range figures {
			sums[col] += f.n
		}
	}
	for _, i := range named {
		p := s.book.Partners[i]
		style := s.frame.style.count
		if p.old() {
			style = s.frame.style.countOld
		}
		var figures []figure
		if p.Run != nil {
			figures = of(i, p)
		}
		s.label(row, at, p.Partner.Name, s.frame.style.label)
		s.numbers(row, at, columns, figures, style)
		add(sums, figures)
		row++
	}
	if len(others) > 0 {
		style := s.frame.style.count
		for _, i := range others {
			if p := s.book.Partners[i]; p.Run != nil {
				add(rest, of(i, p))
				if p.old() {
					style = s.frame.style.countOld
				}
			}
		}
		s.label(row, at, s.say.count(s.say.Texts.OtherPartners, len(others)), s.frame.style.label)
		s.numbers(row, at, columns, plainFigures(rest), style)
		add(sums, plainFigures(rest))
		row++
	}
	if len(s.book.Partners) < 2 {
		return row
	}
	style := s.frame.style.total
	if s.anyOld() {
		style = s.frame.style.totalOld
	}
	s.label(row, at, s.say.Texts.Total, s.frame.style.totalLabel)
	s.numbers(row, at, columns, plainFigures(sums), style)
	return row + 1
}

// largest are the partners that a table names, and the others. Where all are named, they are in the
// order of the book, else in that of their blocked customers.
func (s *summarySheet) largest(shown int) (named, others []int) {
	if len(s.book.Partners) <= shown {
		for i := range s.book.Partners {
			named = append(named, i)
		}
		return named, nil
	}
	order := s.byBlocked()
	named = order[:min(len(order), shown)]
	for i := range s.book.Partners {
		if !slices.Contains(named, i) {
			others = append(others, i)
		}
	}
	return named, others
}

// plainFigures are numbers that lead nowhere.
func plainFigures(numbers []int) []figure {
	figures := make([]figure, len(numbers))
	for i, n := range numbers {
		figures[i].n = n
	}
	return figures
}

// numbers writes figures; cells for which there are none stay empty.
func (s *summarySheet) numbers(row int, at place, columns int, figures []figure, style int) {
	for col := range columns {
		if col >= len(figures) {
			s.put(at.first+col, row, nil, style)
			continue
		}
		s.put(at.first+col, row, figures[col].n, style)
		s.toRows(at.first+col, row, figures[col].sheet, figures[col].rows)
	}
}

// rowsOf are a partner's rows on a sheet, as far as they are on its first page.
func (s *summarySheet) rowsOf(partner int, key string) span {
	of := map[string]func(counts) int{sheetBlocked: blockedRows, sheetCustomers: customerRows,
		sheetChanges: changeRows}[key]
	first := firstRow
	for _, c := range s.report.counts[:partner] {
		first += of(c)
	}
	return span{first, min(first+of(s.report.counts[partner])-1, xlsx.MaxRows)}
}

// inSequence links numbers to the rows of a partner that they count, where the sheet has these rows
// in that order after skipped ones.
func (s *summarySheet) inSequence(partner int, key string, skipped int, numbers ...int) (figures []figure) {
	all := s.rowsOf(partner, key)
	at := all.first + skipped
	for _, n := range numbers {
		figures = append(figures, figure{n, key, span{at, min(at+n-1, all.last)}})
		at += n
	}
	return figures
}

// rollForward is how last night's blocked customers became today's.
func (s *summarySheet) rollForward(row int, at place) (next int) {
	if !s.anyRun() {
		return row
	}
	say := s.say.Texts
	next = s.partnerTable(row, at, say.RollForward, say.RollForwardHeads, func(i int, p PartnerRun) []figure {
		changes, blocked := s.rowsOf(i, sheetChanges), s.rowsOf(i, sheetBlocked)
		forward := p.rollForward(s.report.counts[i])
		return []figure{{forward.opening, sheetChanges, changes},
			s.inSequence(i, sheetChanges, 0, forward.newlyBlocked)[0], {-forward.noLonger, sheetChanges, changes},
			{-forward.gone, sheetChanges, changes}, {forward.closing(), sheetBlocked, blocked}}
	})
	if s.anyOld() {
		s.put(at.label, next, s.say.Texts.OldFigures, s.frame.style.aside)
		next++
	}
	return next + 1
}

// ageing groups the blocked customers by days. The sheet Blocked has the oldest first.
func (s *summarySheet) ageing(row int, at place) (next int) {
	if !s.anyRun() {
		return row
	}
	say := s.say.Texts
	next = s.partnerTable(row, at, say.Ageing, say.AgeingHeads, func(i int, _ PartnerRun) []figure {
		ages, total := s.insights.ages[i], 0
		for _, n := range ages {
			total += n
		}
		slices.Reverse(ages[:])
		figures := s.inSequence(i, sheetBlocked, 0, ages[:]...)
		slices.Reverse(figures)
		return append(figures, figure{total, sheetBlocked, s.rowsOf(i, sheetBlocked)})
	})
	return next + 1
}

// renewalsTable counts the subscriptions that are at stake, in the order of their sheet, and links
// each number to the rows of its kind.
func (s *summarySheet) renewalsTable(row int, at place) (next int) {
	if !s.anyRun() {
		return row
	}
	say := s.say.Texts
	var all atRisk
	for _, n := range s.insights.renewals {
		all = all.plus(n)
	}
	groups := all.groups()
	spans := make([]span, len(groups)) // the sheet is in order of these groups over all partners
	first := firstRow + all.past
	for i, n := range groups {
		spans[i] = span{first, min(first+n-1, xlsx.MaxRows)}
		first += n
	}
	next = s.partnerTable(row, at, say.Renewals, say.RenewalHeads, func(i int, _ PartnerRun) (figures []figure) {
		for k, n := range s.insights.renewals[i].groups() {
			figures = append(figures, figure{n, sheetRenewals, spans[k]})
		}
		return figures
	})
	return next + 1
}

// nextSteps counts the attestations that are not at their end by what comes next, and since when
// the oldest waits for it.
func (s *summarySheet) nextSteps(row int, at place) (next int) {
	if len(s.insights.steps) == 0 {
		return row
	}
	row = s.tableHead(row, at, s.say.Texts.NextSteps, s.say.Texts.NextStepsHeads[0], s.say.Texts.NextStepsHeads[1:])
	for _, step := range stepOrder {
		waiting, ok := s.insights.steps[step]
		if !ok {
			continue
		}
		s.label(row, at, s.say.word("attestation_step", step), s.frame.style.label)
		s.put(at.first, row, waiting.n, s.frame.style.count)
		s.toSheet(at.first, row, sheetAttestations)
		s.instant(at.first+1, row, waiting.since, s.book.Location, s.frame.style.shortDay)
		row++
	}
	return row + 1
}

// first names the customers to begin with: who, why, the next step, and where. Names run over the
// empty cells on their right.
func (s *summarySheet) first(row int) (next int) {
	if len(s.insights.first) == 0 {
		return row
	}
	say, style := s.say.Texts, s.frame.style
	s.put(1, row, say.First, style.section)
	s.height(row, 22)
	row++
	s.styleRow(row, summaryColumns, style.header)
	at := []int{1, 4, 11, 14, 16} // customer, why, next step, partner, row
	for i, head := range say.FirstHeads[:4] {
		s.put(at[i], row, head, style.header)
	}
	s.put(at[4], row, say.FirstHeads[4], style.headerRight)
	s.height(row, 33)
	row++
	for _, c := range s.insights.first {
		s.styleRow(row, summaryColumns, style.cell)
		place := firstRow + c.row
		s.put(at[0], row, c.blockedRow.row.Name, style.label)
		s.put(at[1], row, s.why(c), style.cell)
		s.put(at[2], row, wordOf(s.stepWords, c.step), style.cell)
		s.put(at[3], row, c.partner.Partner.Name, style.cell)
		if place <= xlsx.MaxRows {
			s.put(at[4], row, place, style.count)
			s.toRows(at[4], row, sheetBlocked, span{place, place})
		}
		row++
	}
	return s.sentences(row, s.purchases()) + 1
}

// sentences are texts across the whole width.
func (s *summarySheet) sentences(row int, all ...string) (next int) {
	for _, text := range all {
		for _, line := range lines(text, lineLength) {
			s.put(1, row, line, s.frame.style.plain)
			row++
		}
	}
	return row
}

// why says since when a customer is blocked, and what it has at stake.
func (s *summarySheet) why(c firstCustomer) string {
	say, customer := s.say.Texts, c.blockedRow.row
	since := s.say.count(say.WhyBlocked, c.days)
	switch first := precision(c.partner, customer.Record) == atLeast; {
	case first && c.days == 0:
		since = say.WhyBlockedFirst
	case first:
		since = strings.Replace(since, s.say.number(c.days), "≥ "+s.say.number(c.days), 1)
	}
	active := "–"
	if customer.PurchasesRead == standing.Read {
		active = s.say.number(customer.Purchases.Active)
	}
	why := since + "; " + fmt.Sprintf(say.WhyActive, active)
	if c.lapses {
		why += "; " + fmt.Sprintf(say.WhyLapses, s.say.day(customer.Purchases.NextLapse))
	}
	return why
}

// purchases says who of the blocked can be expected to accept without the partner
// (docs/partner-center.md, The rule and its sources).
func (s *summarySheet) purchases() string {
	n := s.insights.purchases
	return s.say.put(s.say.Texts.Purchases, n.some+n.none+n.unread, n.some, n.none, n.unread)
}

// measures are a partner's counts in the order of the summary's columns: first how many there are
// in the run shown, then how many came and went, as Changes has them: a recheck counts only what it
// changed itself.
func measures(t ledger.Totals, c changeCounts) []int {
	return []int{t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Unreadable, t.DirectUndated,
		c.of(standing.NewlyBlocked), c.of(standing.NewlyClear), c.new, c.of(standing.Gone)}
}

// counts has a row for every partner.
func (s *summarySheet) counts(row int) (next int) {
	heads := s.say.Texts.Measures
	row = s.tableHead(row, left, s.say.Texts.Counts, s.say.head(table{}, "partner"), heads)
	s.height(row-1, 48)
	s.counted = span{row, row + len(s.book.Partners) - 1}
	next = s.partnerRows(row, left, len(heads), len(s.book.Partners), func(i int, p PartnerRun) (figures []figure) {
		for _, n := range measures(p.Run.Totals, s.report.counts[i].changes) {
			figures = append(figures, figure{n, sheetCustomers, s.rowsOf(i, sheetCustomers)})
		}
		for column, sheet := range map[int]string{2: sheetBlocked, 7: sheetChanges, 8: sheetChanges, 9: sheetChanges,
			10: sheetChanges} {
			figures[column].sheet, figures[column].rows = sheet, s.rowsOf(i, sheet)
		}
		return figures
	})
	s.nameTotals(next - 1)
	return next + 1
}

// totalNames are what formulas in other workbooks call the counts of all partners, as measures
// orders them. They never change.
var totalNames = []string{"Total_Listed", "Total_Clear", "Total_Blocked", "Total_Unknown", "Total_Excluded",
	"Total_Unreadable", "Total_Direct_undated", "Total_Newly_blocked", "Total_Newly_clear", "Total_New", "Total_Gone"}

// nameTotals names the counts of the row that is about all partners.
func (s *summarySheet) nameTotals(row int) {
	if len(s.book.Partners) == 0 {
		return
	}
	for i, name := range totalNames {
		s.try(s.frame.file.SetDefinedName(&excelize.DefinedName{Name: name, RefersTo: xlsx.Reference(s.sheet, i+2, row,
			i+2, row)}))
	}
}

// policy puts the policy into words. Partners share one configuration, but a run shown may be older
// than it.
func (s *summarySheet) policy(row int) (next int) {
	s.put(1, row, s.say.Texts.Policy, s.frame.style.section)
	s.height(row, 22)
	row++
	return s.sentences(row, append(s.policies(), s.say.Texts.WhatIsBlocked)...) + 1
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

// shown are the runs that the report tells of: the later one that failed, and those of the night
// shown, rechecks included.
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
func (s *summarySheet) usage(row int, at place) (next int) {
	heads, style := s.say.Texts.UsageHeads, s.frame.style
	row = s.tableHead(row, at, s.say.Texts.Usage, s.say.head(table{}, "partner"), heads)
	var all, rest ledger.Cost
	named, others := s.largest(partnersShown)
	for _, i := range named {
		p := s.book.Partners[i]
		for _, run := range p.shown() {
			s.label(row, at, p.Partner.Name, style.label)
			s.put(at.first, row, run.ID, style.count)
			s.instant(at.first+1, row, run.StartedAt, s.book.Location, style.shortDay)
			s.costs(at.first+2, row, run.Cost, style.count, style.duration)
			all = all.Add(run.Cost)
			row++
		}
	}
	if len(others) > 0 {
		for _, i := range others {
			for _, run := range s.book.Partners[i].shown() {
				rest = rest.Add(run.Cost)
			}
		}
		s.label(row, at, s.say.count(s.say.Texts.OtherPartners, len(others)), style.label)
		s.put(at.first, row, nil, style.count)
		s.put(at.first+1, row, nil, style.count)
		s.costs(at.first+2, row, rest, style.count, style.duration)
		all = all.Add(rest)
		row++
	}
	if len(s.book.Partners) > 1 {
		s.label(row, at, s.say.Texts.Total, style.totalLabel)
		s.put(at.first, row, nil, style.total)
		s.put(at.first+1, row, nil, style.total)
		s.costs(at.first+2, row, all, style.total, style.totalDuration)
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
