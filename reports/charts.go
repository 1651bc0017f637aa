package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// chartRows is how many rows of the summary the charts lie on.
const chartRows = 15

// How many partners the charts show by name. Of more, the bars show the others together, and the
// trend shows all of them in one line: beside the sum of many, the line of one lies flat on the
// axis.
const (
	barsShown  = 10
	trendShown = 5
)

// trendDays is how many days the trend goes back.
const trendDays = 90

// HistoryRuns is how many runs of a partner a PartnerRun's History holds: enough for the trend with
// rechecks.
const HistoryRuns = 180

// charts puts two charts side by side at row: customers by standing and partner, and blocked
// customers over the nights. Figures behind them that stand nowhere else begin at the row behind.
func (s *summarySheet) charts(row, behind int, counted span) (end int) {
	if !s.anyRun() {
		return behind
	}
	s.put(1, behind, s.say.Texts.Behind, s.frame.style.section)
	s.height(behind, 22)
	bars, next := s.standingChart(behind+1, counted)
	s.addChart(row, 1, 780, bars, s.standingAlt())
	trend, end, alt := s.trend(next)
	s.addChart(row, 9, 705, trend, alt)
	return end
}

func (s *summarySheet) addChart(row, col int, width uint, c xlsx.Chart, alt string) {
	c.Language, c.Font, c.Ink = s.say.Language, fontName, ink
	part, err := xlsx.AddChart(s.frame.file, s.sheet, xlsx.Placement{Cell: cellName(col, row), Width: width,
		Height: chartRows*20 - 10, Name: c.Title, AltText: alt}, len(s.frame.charts)+1)
	s.try(err)
	s.frame.charts = append(s.frame.charts, drawnChart{part, c})
}

// byBlocked are the partners with a run, the most blocked first.
func (r *report) byBlocked() (order []int) {
	for i, p := range r.book.Partners {
		if p.Run != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(r.book.Partners[b].Run.Totals.Blocked, r.book.Partners[a].Run.Totals.Blocked)
	})
	return order
}

// standingChart shows the customers by standing: of every partner where they are few, else of those
// with the most blocked customers and of the others together, whose figures are written at the row
// behind.
func (s *summarySheet) standingChart(behind int, counted span) (c xlsx.Chart, next int) {
	names, figures := s.standings()
	head, next := counted.first-1, behind
	if len(s.book.Partners) > barsShown {
		head, next = behind, behind+len(names)+2
		for i, title := range s.say.Texts.Measures[:5] {
			s.put(i+2, head, title, s.frame.style.headerRight)
		}
		for i, name := range names {
			s.put(1, head+1+i, name, s.frame.style.label)
			for k, n := range figures[i] {
				s.put(k+2, head+1+i, n, s.frame.style.count)
			}
		}
	}
	first, last := head+1, head+len(names)
	most := 0
	for _, numbers := range figures {
		if numbers != nil {
			most = max(most, numbers[0])
		}
	}
	c = xlsx.Chart{Title: s.say.Texts.StandingChart,
		// a piece that is too short for its number has none; the table has them all
		NumberFormat: fmt.Sprintf(`[<%d]"";#,##0`, 1+most/20),
		Categories:   xlsx.Categories{Reference: xlsx.Reference(s.sheet, 1, first, 1, last), Labels: names}}
	if len(s.book.Partners) > barsShown { // the others together are too many to compare in numbers
		c.Title, c.Shares, c.NumberFormat = s.say.Texts.SharesChart, true, ";;;"
	}
	for i, piece := range []struct{ color, number string }{{moss, paper}, {red, paper}, {ochre, ink}, {muted, paper}} {
		series := xlsx.Series{Name: s.say.Texts.Measures[i+1], NameReference: xlsx.Reference(s.sheet, i+3, head, i+3,
			head),
			Reference: xlsx.Reference(s.sheet, i+3, first, i+3, last), Color: piece.color, LabelColor: piece.number}
		for _, numbers := range figures {
			if numbers == nil { // no run yet: its cells are empty
				series.Values = append(series.Values, math.NaN())
				continue
			}
			series.Values = append(series.Values, float64(numbers[i+1]))
		}
		c.Series = append(c.Series, series)
	}
	return c, next
}

// standings are the bars of the chart: listed, clear, blocked, unknown, excluded; nil for a partner
// without a run.
func (s *summarySheet) standings() (names []string, figures [][]int) {
	of := func(i int) []int { return measures(s.book.Partners[i].Run.Totals, s.report.counts[i].changes)[:5] }
	if len(s.book.Partners) <= barsShown {
		for i, p := range s.book.Partners {
			var numbers []int
			if p.Run != nil {
				numbers = of(i)
			}
			names, figures = append(names, p.Partner.Name), append(figures, numbers)
		}
		return names, figures
	}
	order := s.byBlocked()
	for _, i := range order[:min(len(order), barsShown)] {
		names, figures = append(names, s.book.Partners[i].Partner.Name), append(figures, of(i))
	}
	if rest := order[len(figures):]; len(rest) > 0 {
		sum := make([]int, 5)
		for _, i := range rest {
			for k, n := range of(i) {
				sum[k] += n
			}
		}
		names, figures = append(names, s.say.count(s.say.Texts.OtherPartners, len(rest))), append(figures, sum)
	}
	return names, figures
}

// standingAlt states what the bars show.
func (s *summarySheet) standingAlt() string {
	worst := s.book.Partners[s.byBlocked()[0]]
	return fmt.Sprintf(s.say.Texts.StandingAlt, s.business(), worst.Partner.Name,
		s.say.number(worst.Run.Totals.Blocked))
}

// line is the number of blocked customers of a partner, or of several together, by day.
type line struct {
	name string
	at   map[string]int
}

// lines are the trends of the partners, the one with the most blocked customers first, or of all of
// them together where they are many. A day's figure is that of its last run.
func (s *summarySheet) lines() (lines []line, first, last time.Time) {
	day := func(run ledger.Run) time.Time {
		y, m, d := run.StartedAt.In(s.book.Location).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	order := s.byBlocked()
	for _, i := range order {
		last = latest(last, day(*s.book.Partners[i].Run))
	}
	first = last
	for _, i := range order {
		l := line{s.book.Partners[i].Partner.Name, map[string]int{}}
		for _, run := range s.book.Partners[i].History {
			if d := day(run); d.After(last.AddDate(0, 0, -trendDays)) {
				l.at[d.Format(time.DateOnly)] = run.Totals.Blocked
				if d.Before(first) {
					first = d
				}
			}
		}
		lines = append(lines, l)
	}
	if len(lines) > trendShown {
		lines = []line{together(lines, s.say.Texts.Total, first, last)}
	}
	return lines, first, last
}

// together adds lines up. On a day on which a partner has no run, its customers are those of its
// last one.
func together(lines []line, name string, first, last time.Time) line {
	all, now := line{name, map[string]int{}}, make([]int, len(lines))
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		key, sum, ran := d.Format(time.DateOnly), 0, false
		for i, l := range lines {
			if n, ok := l.at[key]; ok {
				now[i], ran = n, true
			}
			sum += now[i]
		}
		if ran {
			all.at[key] = sum
		}
	}
	return all
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// trend lists the blocked customers of the last nights, a row a day on which there was a run, and
// draws them on a time axis.
func (s *summarySheet) trend(row int) (c xlsx.Chart, end int, alt string) {
	lines, first, last := s.lines()
	head := row
	s.put(1, head, s.say.Texts.Night, s.frame.style.header)
	for i, l := range lines {
		s.put(i+2, head, l.name, s.frame.style.headerRight)
	}
	var days []float64
	values := make([][]float64, len(lines))
	end = head
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		key := d.Format(time.DateOnly)
		if !slices.ContainsFunc(lines, func(l line) bool { _, ok := l.at[key]; return ok }) {
			continue
		}
		end++
		serial, _ := xlsx.DaySerial(key)
		days = append(days, serial)
		s.put(1, end, serial, s.frame.style.dayLabel)
		for i, l := range lines {
			n, ok := l.at[key]
			if !ok {
				values[i] = append(values[i], math.NaN())
				continue
			}
			values[i] = append(values[i], float64(n))
			s.put(i+2, end, n, s.frame.style.count)
		}
	}
	c = xlsx.Chart{Title: s.say.Texts.TrendChart, Lines: true,
		Categories: xlsx.Categories{Reference: xlsx.Reference(s.sheet, 1, head+1, 1, end), Days: days,
			DayFormat: s.say.Format.ShortDay, DaysApart: daysApart(first, last)}}
	colors, marks := []string{red, blue, moss, purple, amber}, []string{"circle", "square", "diamond", "triangle", "x"}
	dashes := []string{"solid", "dash", "sysDot", "lgDash", "dashDot"}
	for i, l := range lines {
		if len(days) > markedDays {
			marks[i] = "none"
		}
		c.Series = append(c.Series, xlsx.Series{Name: l.name, NameReference: xlsx.Reference(s.sheet, i+2, head, i+2,
			head),
			Reference: xlsx.Reference(s.sheet, i+2, head+1, i+2, end), Values: values[i], Color: colors[i],
			Marker: marks[i], Dash: dashes[i]})
	}
	return c, end, s.trendAlt(lines, first, last)
}

// markedDays is how many points of a line are told apart.
const markedDays = 20

// daysApart is how far the labels of the trend are apart, so that there is room for each.
func daysApart(first, last time.Time) int {
	switch days := last.Sub(first).Hours() / 24; {
	case days <= 10:
		return 1
	case days <= 20:
		return 2
	case days <= 62:
		return 7
	}
	return 14
}

// trendAlt states how the number of all partners changed between the first and the last day.
func (s *summarySheet) trendAlt(lines []line, first, last time.Time) string {
	sum := func(day time.Time) (n int) {
		for _, l := range lines {
			n += l.at[day.Format(time.DateOnly)]
		}
		return n
	}
	return fmt.Sprintf(s.say.Texts.TrendAlt, first.Format(s.say.Format.Day), s.say.number(sum(first)),
		last.Format(s.say.Format.Day), s.say.number(sum(last)))
}
