package xlsx

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Chart is a chart of figures that stand on a sheet. It carries a copy of them, so that programs
// that do not calculate show it, and its dates lie on a true time axis; excelize offers neither.
type Chart struct {
	Title        string
	Language     string // such as pt-BR
	Font, Ink    string // of all texts
	NumberFormat string
	Lines        bool // lines over dates; else horizontal bars, stacked, the first on top
	Shares       bool // bars are of the same length
	Categories   Categories
	Series       []Series
}

// Categories are what the series have values for: labels of bars, or days.
type Categories struct {
	Reference string
	Labels    []string
	Days      []float64 // serial numbers, for lines
	DayFormat string
	DaysApart int // between the labels of days
}

// Series are the values of one name. NaN is a gap.
type Series struct {
	Name, NameReference string
	Reference           string
	Values              []float64
	Color, LabelColor   string // LabelColor empty: the values are not written on the bars
	Marker              string // of a line: circle, square, …; none
	Dash                string // of a line: solid, dash, sysDot, …
}

// Placement is where a chart lies on a sheet.
type Placement struct {
	Cell          string
	Width, Height uint // pixels
	Name, AltText string
}

// AddChart has the frame make room for a chart and names the part that its XML replaces; nth counts
// the charts of the frame from 1.
func AddChart(frame *excelize.File, sheet string, p Placement, nth int) (part string, err error) {
	err = frame.AddChart(sheet, p.Cell, &excelize.Chart{
		Type:      excelize.Bar,
		Series:    []excelize.ChartSeries{{Values: Reference(sheet, 1, 1, 1, 1)}},
		Dimension: excelize.ChartDimension{Width: p.Width, Height: p.Height},
		Format:    excelize.GraphicOptions{AltText: p.AltText, Name: p.Name, Positioning: "twoCell"},
	})
	return fmt.Sprintf("xl/charts/chart%d.xml", nth), err
}

// Reference names a range of cells, as formulas do.
func Reference(sheet string, column, row, lastColumn, lastRow int) string {
	first, last := absolute(column, row), absolute(lastColumn, lastRow)
	if first == last {
		return QuotedName(sheet) + "!" + first
	}
	return QuotedName(sheet) + "!" + first + ":" + last
}

func absolute(column, row int) string {
	name, _ := excelize.CoordinatesToCellName(column, row, true)
	return name
}

// QuotedName is a sheet's name as a reference spells it.
func QuotedName(sheet string) string { return "'" + strings.ReplaceAll(sheet, "'", "''") + "'" }

// chartXML writes elements in the order of the schema, CT_ChartSpace of ECMA-376 part 1, 21.2.
type chartXML struct {
	strings.Builder
	Chart
}

// XML is the chart's part.
func (c Chart) XML() []byte {
	x := &chartXML{Chart: c}
	x.WriteString(xmlHead + `<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"` +
		` xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">`)
	x.value("date1904", "0")
	x.value("lang", c.Language)
	x.value("roundedCorners", "0")
	x.WriteString(`<c:chart><c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr/></a:pPr><a:r>`)
	x.font("rPr", 1200, true, c.Ink)
	fmt.Fprintf(x, `<a:t>%s</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title>`, escaped(c.Title))
	x.value("autoTitleDeleted", "0")
	x.WriteString(`<c:plotArea><c:layout/>`)
	x.plot()
	x.WriteString(`</c:plotArea><c:legend><c:legendPos val="b"/><c:overlay val="0"/>`)
	x.texts(900, false, c.Ink)
	x.WriteString(`</c:legend>`)
	x.value("plotVisOnly", "1")
	x.value("dispBlanksAs", "gap")
	x.WriteString(`</c:chart><c:spPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill><a:ln><a:noFill/></a:ln></c:spPr></c:chartSpace>`)
	return []byte(x.String())
}

func (x *chartXML) value(element, value string) { fmt.Fprintf(x, `<c:%s val="%s"/>`, element, value) }

func (x *chartXML) font(element string, size int, bold bool, color string) {
	b := 0
	if bold {
		b = 1
	}
	fmt.Fprintf(x, `<a:%[1]s sz="%[2]d" b="%[3]d"><a:solidFill><a:srgbClr val="%[4]s"/></a:solidFill><a:latin typeface="%[5]s"/></a:%[1]s>`,
		element, size, b, color, x.Font)
}

func (x *chartXML) texts(size int, bold bool, color string) {
	x.WriteString(`<c:txPr><a:bodyPr/><a:p><a:pPr>`)
	x.font("defRPr", size, bold, color)
	fmt.Fprintf(x, `</a:pPr><a:endParaRPr lang="%s"/></a:p></c:txPr>`, x.Language)
}

const categoryAxis, valueAxis = "100000001", "100000002"

func (x *chartXML) plot() {
	if x.Lines {
		x.WriteString(`<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>`)
	} else {
		grouping := "stacked"
		if x.Shares {
			grouping = "percentStacked"
		}
		fmt.Fprintf(x, `<c:barChart><c:barDir val="bar"/><c:grouping val="%s"/><c:varyColors val="0"/>`, grouping)
	}
	for i, s := range x.Series {
		x.series(i, s)
	}
	if x.Lines {
		x.WriteString(`<c:marker val="1"/>`)
	} else {
		x.WriteString(`<c:gapWidth val="60"/><c:overlap val="100"/>`)
	}
	x.value("axId", categoryAxis)
	x.value("axId", valueAxis)
	if x.Lines {
		x.WriteString(`</c:lineChart>`)
		x.dateAxis()
	} else {
		x.WriteString(`</c:barChart>`)
		x.labelAxis()
	}
	x.valueAxis()
}

func (x *chartXML) series(i int, s Series) {
	fmt.Fprintf(x, `<c:ser><c:idx val="%[1]d"/><c:order val="%[1]d"/><c:tx><c:strRef><c:f>%[2]s</c:f><c:strCache><c:ptCount val="1"/>`+
		`<c:pt idx="0"><c:v>%[3]s</c:v></c:pt></c:strCache></c:strRef></c:tx>`, i, escaped(s.NameReference),
		escaped(s.Name))
	fill := `<a:solidFill><a:srgbClr val="` + s.Color + `"/></a:solidFill>`
	switch {
	case x.Lines:
		fmt.Fprintf(x, `<c:spPr><a:ln w="22225">%[1]s<a:prstDash val="%[3]s"/></a:ln></c:spPr><c:marker><c:symbol val="%[2]s"/>`+
			`<c:size val="4"/><c:spPr>%[1]s</c:spPr></c:marker>`,
			fill, s.Marker, s.Dash)
	default:
		fmt.Fprintf(x, `<c:spPr>%s</c:spPr><c:invertIfNegative val="0"/>`, fill)
		x.labels(s)
	}
	x.categories()
	fmt.Fprintf(x, `<c:val><c:numRef><c:f>%s</c:f><c:numCache><c:formatCode>%s</c:formatCode>`, escaped(s.Reference),
		escaped("#,##0"))
	x.points(s.Values)
	x.WriteString(`</c:numCache></c:numRef></c:val>`)
	if x.Lines {
		x.WriteString(`<c:smooth val="0"/>`)
	}
	x.WriteString(`</c:ser>`)
}

func (x *chartXML) labels(s Series) {
	if s.LabelColor == "" {
		return
	}
	fmt.Fprintf(x, `<c:dLbls><c:numFmt formatCode="%s" sourceLinked="0"/><c:spPr><a:noFill/></c:spPr>`,
		strings.ReplaceAll(escaped(x.NumberFormat), `"`, "&quot;"))
	x.texts(900, true, s.LabelColor)
	x.WriteString(`<c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/>` +
		`<c:showBubbleSize val="0"/></c:dLbls>`)
}

func (x *chartXML) categories() {
	c := x.Categories
	if x.Lines {
		fmt.Fprintf(x, `<c:cat><c:numRef><c:f>%s</c:f><c:numCache><c:formatCode>%s</c:formatCode>`,
			escaped(c.Reference), escaped(c.DayFormat))
		x.points(c.Days)
		x.WriteString(`</c:numCache></c:numRef></c:cat>`)
		return
	}
	fmt.Fprintf(x, `<c:cat><c:strRef><c:f>%s</c:f><c:strCache><c:ptCount val="%d"/>`, escaped(c.Reference),
		len(c.Labels))
	for i, label := range c.Labels {
		fmt.Fprintf(x, `<c:pt idx="%d"><c:v>%s</c:v></c:pt>`, i, escaped(label))
	}
	x.WriteString(`</c:strCache></c:strRef></c:cat>`)
}

func (x *chartXML) points(values []float64) {
	fmt.Fprintf(x, `<c:ptCount val="%d"/>`, len(values))
	for i, v := range values {
		if !math.IsNaN(v) {
			fmt.Fprintf(x, `<c:pt idx="%d"><c:v>%s</c:v></c:pt>`, i, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
}

const gridLine = `<a:ln w="9525"><a:solidFill><a:srgbClr val="CBD5E1"/></a:solidFill></a:ln>`

func (x *chartXML) labelAxis() {
	fmt.Fprintf(x, `<c:catAx><c:axId val="%s"/><c:scaling><c:orientation val="maxMin"/></c:scaling><c:delete val="0"/><c:axPos val="l"/>`+
		`<c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:spPr>%s</c:spPr>`,
		categoryAxis, gridLine)
	x.texts(900, false, x.Ink)
	fmt.Fprintf(x, `<c:crossAx val="%s"/><c:crosses val="autoZero"/><c:auto val="1"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/><c:noMultiLvlLbl val="1"/></c:catAx>`,
		valueAxis)
}

func (x *chartXML) dateAxis() {
	fmt.Fprintf(x, `<c:dateAx><c:axId val="%s"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="b"/>`+
		`<c:numFmt formatCode="%s" sourceLinked="0"/><c:majorTickMark val="out"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:spPr>%s</c:spPr>`,
		categoryAxis, escaped(x.Categories.DayFormat), gridLine)
	x.texts(900, false, x.Ink)
	fmt.Fprintf(x, `<c:crossAx val="%s"/><c:crosses val="autoZero"/><c:auto val="1"/><c:lblOffset val="100"/><c:baseTimeUnit val="days"/>`+
		`<c:majorUnit val="%d"/><c:majorTimeUnit val="days"/></c:dateAx>`, valueAxis, x.Categories.DaysApart)
}

// valueAxis begins at zero: a bar or a line that begins elsewhere exaggerates.
func (x *chartXML) valueAxis() {
	position, orientation := "b", "minMax"
	if x.Lines {
		position = "l"
	}
	fmt.Fprintf(x, `<c:valAx><c:axId val="%s"/><c:scaling><c:orientation val="%s"/><c:min val="0"/></c:scaling>`,
		valueAxis, orientation)
	if x.Lines {
		fmt.Fprintf(x, `<c:delete val="0"/><c:axPos val="%s"/><c:majorGridlines><c:spPr>%s</c:spPr></c:majorGridlines>`,
			position, gridLine)
	} else {
		fmt.Fprintf(x, `<c:delete val="1"/><c:axPos val="%s"/>`, position)
	}
	fmt.Fprintf(x, `<c:numFmt formatCode="%s" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>`, "#,##0")
	x.texts(900, false, x.Ink)
	crosses := "autoZero"
	if !x.Lines {
		crosses = "max"
	}
	fmt.Fprintf(x, `<c:crossAx val="%s"/><c:crosses val="%s"/><c:crossBetween val="between"/></c:valAx>`, categoryAxis,
		crosses)
}
