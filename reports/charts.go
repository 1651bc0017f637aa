package reports

import (
	"fmt"

	"github.com/xuri/excelize/v2"
)

// chartRows is how many rows of the summary the charts lie on.
const chartRows = 15

// charts puts the two charts side by side at row: standing by partner, and blocked customers over the last runs.
func (r *report) charts(d *sheetDraft, row int, counted, nights span) {
	if !r.anyRun() {
		return
	}
	d.try(r.file.AddChart(d.sheet, cellName(1, row), r.standingChart(d.sheet, counted)))
	if chart := r.blockedChart(d.sheet, nights); len(chart.Series) > 0 {
		d.try(r.file.AddChart(d.sheet, cellName(7, row), chart))
	}
}

func (r *report) anyRun() bool {
	for _, p := range r.book.Partners {
		if p.Run != nil {
			return true
		}
	}
	return false
}

func (r *report) standingChart(sheet string, counted span) *excelize.Chart {
	c := frame(r.say.StandingChart, r.say.StandingAlt, 640)
	c.Type = excelize.BarStacked
	gap, overlap := uint(60), 100
	c.GapWidth, c.Overlap = &gap, &overlap
	c.PlotArea.ShowVal = true
	most := 0
	for _, p := range r.book.Partners {
		if p.Run != nil {
			most = max(most, p.Run.Totals.Listed)
		}
	}
	// A piece that is too short for its number has none; the table above has them all.
	c.PlotArea.NumFmt = excelize.ChartNumFmt{CustomNumFmt: fmt.Sprintf(`[<%d]"";#,##0`, 1+most/20)}
	c.XAxis.ReverseOrder = true
	c.XAxis.Font, c.YAxis.Font = axisFont(), axisFont()
	zero := 0.0
	c.YAxis.Minimum = &zero // a bar that begins elsewhere lies about its length
	c.YAxis.None = true
	for i, piece := range []struct{ color, number string }{{moss, paper}, {red, paper}, {ochre, ink}, {muted, paper}} { // clear, blocked, unknown, excluded: columns C to F
		letter := string(rune('C' + i))
		c.Series = append(c.Series, excelize.ChartSeries{
			Name:       reference(sheet, letter, span{counted.first - 1, counted.first - 1}),
			Categories: reference(sheet, "A", counted),
			Values:     reference(sheet, letter, counted),
			Fill:       solid(piece.color),
			DataLabel:  excelize.ChartDataLabel{Font: excelize.Font{Color: piece.number, Bold: true, Size: 9}},
		})
	}
	return c
}

func (r *report) blockedChart(sheet string, nights span) *excelize.Chart {
	c := frame(r.say.BlockedChart, r.say.BlockedAlt, 660)
	c.Type = excelize.Line
	c.ShowBlanksAs = "span" // a partner without a run that night
	c.YAxis.MajorGridLines = true
	c.XAxis.Font, c.YAxis.Font = axisFont(), axisFont()
	c.YAxis.NumFmt = excelize.ChartNumFmt{CustomNumFmt: "#,##0"}
	zero := 0.0
	c.YAxis.Minimum = &zero
	colors, marks := []string{red, blue, moss, purple, amber, navy}, []string{"circle", "square", "diamond", "triangle", "x", "star"}
	for i, p := range r.book.Partners {
		if len(p.History) == 0 {
			continue
		}
		color := colors[i%len(colors)]
		letter, _ := excelize.ColumnNumberToName(i + 2)
		c.Series = append(c.Series, excelize.ChartSeries{
			Name:       reference(sheet, letter, span{nights.first - 1, nights.first - 1}),
			Categories: reference(sheet, "A", nights),
			Values:     reference(sheet, letter, nights),
			Fill:       solid(color),
			Line:       excelize.LineOptions{Width: 2, Type: excelize.LineSolid, Fill: solid(color)},
			Marker:     excelize.ChartMarker{Symbol: marks[i%len(marks)], Size: 6, Fill: solid(color)},
		})
	}
	return c
}

func axisFont() excelize.Font { return excelize.Font{Family: fontName, Size: 9, Color: ink} }

// frame is what both charts have in common.
func frame(title, alt string, width uint) *excelize.Chart {
	return &excelize.Chart{
		Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title,
			Font: &excelize.Font{Family: fontName, Size: 12, Bold: true, Color: navy}}}},
		Legend:    excelize.ChartLegend{Position: "bottom"},
		Dimension: excelize.ChartDimension{Width: width, Height: chartRows*20 - 10},
		Format:    excelize.GraphicOptions{AltText: alt, Name: title, Positioning: "twoCell"},
		Border:    excelize.LineOptions{Type: excelize.LineNone},
	}
}

func reference(sheet, letter string, rows span) string {
	if rows.first == rows.last {
		return fmt.Sprintf("%s!$%s$%d", quoted(sheet), letter, rows.first)
	}
	return fmt.Sprintf("%s!$%[2]s$%[3]d:$%[2]s$%[4]d", quoted(sheet), letter, rows.first, rows.last)
}
