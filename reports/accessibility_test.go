package reports

import (
	"encoding/xml"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/internal/xlsx/xlsxtest"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// These are the rules of Microsoft's accessibility checker for Excel that a file can be asked for,
// and the contrast that WCAG 2.2 asks for (1.4.3). Each is asked of the file as it is written, in
// both languages.

type node = xlsxtest.Node

// opened is a workbook with its parts read.
type opened struct {
	written
	language string
	charts   int
	parts    map[string]node
}

// each hands every part whose path begins so to do; there must be one.
func (w opened) each(t *testing.T, prefix string, do func(path string, root node)) {
	t.Helper()
	parts := 0
	for path, root := range w.parts {
		if strings.HasPrefix(path, prefix) {
			do(path, root)
			parts++
		}
	}
	assert.NotZero(t, parts, prefix)
}

func TestAccessibility(t *testing.T) {
	for _, language := range texts.Languages() {
		usually, source := usual()
		usually.Language = language
		bad := usually
		bad.Partners = slices.Clone(bad.Partners)
		run := *bad.Partners[0].Run
		run.Totals.Blocked++
		bad.Partners[0].Run, bad.Partners[1].Failed = &run, runOf(9, europe, tonight, nil, 2, 0, 0)
		for name, book := range map[string]Book{"usual": usually, "bad": bad, "empty": {Language: language}} {
			made := write(t, book, source)
			parts, err := xlsxtest.Open(made.bytes)
			require.NoError(t, err)
			w := opened{made, language, min(2, len(book.Partners)), parts.Parts}
			for rule, check := range map[string]func(*testing.T, opened){
				"charts have alternative text":                 chartsHaveAlternativeText,
				"tables have a header for every column":        tablesHaveHeaders,
				"tables have no empty rows for layout":         tablesHaveNoEmptyRows,
				"nothing is merged or hidden":                  nothingIsMergedOrHidden,
				"sheets have names of their own":               sheetsHaveNames,
				"no number is told by its colour alone":        coloursAreNotAlone,
				"the document says its title and its language": documentHasTitleAndLanguage,
				"links have text":                              linksHaveText,
				"cells can be read":                            cellsCanBeRead,
				"charts can be read":                           chartsCanBeRead,
			} {
				t.Run(language+"/"+name+"/"+rule, func(t *testing.T) { check(t, w) })
			}
		}
	}
}

func chartsHaveAlternativeText(t *testing.T, w opened) {
	t.Helper()
	if w.charts == 0 {
		return
	}
	pictures := 0
	w.each(t, "xl/drawings/drawing", func(path string, root node) {
		for _, picture := range root.All("cNvPr") {
			assert.Greater(t, len(picture.Attr("descr")), 40, "%s: %s", path, picture.Attr("name"))
			assert.NotEqual(t, picture.Attr("name"), picture.Attr("descr"))
			pictures++
		}
		assert.Len(t, root.All("cNvPr"), len(root.All("clientData")), "every anchor holds something that is described")
	})
	assert.Equal(t, w.charts, pictures)
}

func tablesHaveHeaders(t *testing.T, w opened) {
	t.Helper()
	tables := 0
	w.each(t, "xl/tables/", func(path string, root node) {
		tables++
		assert.NotEqual(t, "0", root.Attr("headerRowCount"), path)
		seen := map[string]bool{}
		for _, c := range root.All("tableColumn") {
			name := strings.ToLower(c.Attr("name"))
			assert.NotEmpty(t, strings.TrimSpace(name), path)
			assert.False(t, seen[name], "%s has two columns %s", path, name)
			assert.NotRegexp(t, `^(column|coluna)\d+$`, name, "Excel's own name")
			seen[name] = true
		}
	})
	assert.Equal(t, len(w.rows), tables, "one for each sheet of data")
}

func tablesHaveNoEmptyRows(t *testing.T, w opened) {
	t.Helper()
	for i, sheet := range w.rows {
		if sheet.Rows == 0 {
			continue // a table has at least one row, be it an empty one
		}
		rows := w.cells(t, w.GetSheetList()[i+1])
		require.Len(t, rows, sheet.Rows+firstRow-1)
		for y, row := range rows[firstRow-1:] {
			assert.NotEmpty(t, strings.Join(row, ""), "%s, row %d", sheet.Sheet, y+firstRow)
		}
	}
}

func nothingIsMergedOrHidden(t *testing.T, w opened) {
	t.Helper()
	w.each(t, "xl/worksheets/sheet", func(path string, root node) {
		assert.Empty(t, root.All("mergeCell"), path)
		for _, name := range []string{"row", "col"} {
			for _, n := range root.All(name) {
				assert.NotContains(t, []string{"1", "true"}, n.Attr("hidden"), "%s: %s %s%s", path, name, n.Attr("r"),
					n.Attr("min"))
			}
		}
		for _, n := range root.All("row") {
			if height := n.Attr("ht"); height != "" {
				points, err := strconv.ParseFloat(height, 64)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, points, 12.0, "%s: row %s", path, n.Attr("r"))
			}
		}
		for _, n := range root.All("col") {
			width, err := strconv.ParseFloat(n.Attr("width"), 64)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, width, 8.0, "%s: column %s", path, n.Attr("min"))
		}
	})
	w.each(t, "xl/workbook.xml", func(path string, root node) {
		for _, name := range []string{"sheet", "definedName"} {
			for _, n := range root.All(name) {
				assert.Contains(t, []string{"", "visible"}, n.Attr("state"), n.Attr("name"))
				assert.NotContains(t, []string{"1", "true"}, n.Attr("hidden"), n.Attr("name"))
			}
		}
	})
}

func sheetsHaveNames(t *testing.T, w opened) {
	t.Helper()
	own := regexp.MustCompile(`(?i)^(sheet|planilha|plan|folha|hoja)\s*\d*$`)
	seen := map[string]bool{}
	for _, name := range w.GetSheetList() {
		assert.NotEmpty(t, strings.TrimSpace(name))
		assert.False(t, own.MatchString(name), name)
		assert.False(t, seen[strings.ToLower(name)], name)
		assert.LessOrEqual(t, xlsx.Units(name), 31, name)
		seen[strings.ToLower(name)] = true
	}
}

func coloursAreNotAlone(t *testing.T, w opened) {
	t.Helper()
	colour := regexp.MustCompile(`(?i)\[(black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)\]`)
	w.each(t, "xl/", func(path string, root node) {
		for _, name := range []string{"numFmt", "formatCode"} {
			for _, n := range root.All(name) {
				format := n.Attr("formatCode") + n.Text
				assert.False(t, colour.MatchString(format), "%s: %s", path, format)
				if parts := strings.Split(format, ";"); path == "xl/styles.xml" && len(parts) > 1 {
					assert.Contains(t, parts[1], "-", "a negative number has its sign: %s", format)
					assert.NotContains(t, parts, "", "no number is left out: %s", format)
				}
			}
		}
		for _, name := range []string{"iconSet", "colorScale"} {
			assert.Empty(t, root.All(name), "%s: only colour would say it", path)
		}
	})
	w.each(t, "xl/styles.xml", func(path string, root node) {
		for _, xf := range root.Child("cellXfs").All("xf") { // the built-in formats with red negatives
			assert.NotContains(t, []string{"6", "8", "38", "40"}, xf.Attr("numFmtId"))
		}
	})
}

func documentHasTitleAndLanguage(t *testing.T, w opened) {
	t.Helper()
	core := w.parts["docProps/core.xml"]
	assert.NotEmpty(t, core.Child("title").Text)
	assert.Equal(t, w.language, core.Child("language").Text)
}

func linksHaveText(t *testing.T, w opened) {
	t.Helper()
	w.each(t, "xl/worksheets/sheet", func(path string, root node) {
		for _, link := range root.All("hyperlink") {
			text := ""
			for _, c := range root.All("c") {
				if c.Attr("r") == link.Attr("ref") {
					text = c.Child("v").Text + c.Child("is", "t").Text
				}
			}
			assert.NotEmpty(t, text+link.Attr("display"), "%s: %s", path, link.Attr("ref"))
		}
	})
}

// A colour as WCAG counts its light.
func luminance(t *testing.T, rgb string) float64 {
	t.Helper()
	require.Regexp(t, `^([0-9A-Fa-f]{2})?[0-9A-Fa-f]{6}$`, rgb, "a colour that this test can read")
	n, err := strconv.ParseUint(rgb[len(rgb)-6:], 16, 32)
	require.NoError(t, err)
	light := func(c uint64) float64 {
		v := float64(c&0xFF) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*light(n>>16) + 0.7152*light(n>>8) + 0.0722*light(n)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func TestContrastIsWCAGs(t *testing.T) {
	assert.InDelta(t, 21, contrast(t, "000000", "FFFFFFFF"), 0.001)
	assert.InDelta(t, 4.54, contrast(t, "767676", "FFFFFF"), 0.01, "the lightest grey that passes on white")
	assert.InDelta(t, 3.998, contrast(t, "FF0000", "FFFFFF"), 0.01)
}

// look is a font and what it stands on.
type look struct {
	color, fill string
	points      float64
	bold        bool
}

// needs is the contrast that WCAG asks of a text of that size.
func (l look) needs() float64 {
	if l.points >= 18 || l.bold && l.points >= 14 {
		return 3
	}
	return 4.5
}

func (l look) readable(t *testing.T, where string) {
	t.Helper()
	got := contrast(t, l.color, l.fill)
	assert.GreaterOrEqual(t, got, l.needs(), "%s: %s on %s is %.2f : 1", where, l.color, l.fill, got)
}

// colorOf reads a colour of a spreadsheet part; the two of the theme that Excel begins with are
// known.
func colorOf(t *testing.T, n node, otherwise string) string {
	t.Helper()
	switch {
	case n.Attr("rgb") != "":
		return n.Attr("rgb")
	case n.Attr("theme") == "0":
		return "FFFFFF"
	case n.Attr("theme") == "1":
		return "000000"
	}
	require.Empty(t, n.Attrs, "a colour that this test cannot read")
	return otherwise
}

// looks are the fonts and fills of the cell formats, in their order.
func looks(t *testing.T, styles node) (all []look) {
	t.Helper()
	fonts, fills := styles.Child("fonts").Children, styles.Child("fills").Children
	for _, xf := range styles.Child("cellXfs").Children {
		font, err := strconv.Atoi(xf.Attr("fontId"))
		require.NoError(t, err)
		fill, err := strconv.Atoi("0" + xf.Attr("fillId"))
		require.NoError(t, err)
		l := look{color: colorOf(t, fonts[font].Child("color"), "000000"), fill: "FFFFFF"}
		l.points, err = strconv.ParseFloat(fonts[font].Child("sz").Attr("val"), 64)
		require.NoError(t, err)
		l.bold = len(fonts[font].All("b")) > 0 && fonts[font].Child("b").Attr("val") != "0"
		if pattern := fills[fill].Child("patternFill"); pattern.Attr("patternType") == "solid" {
			l.fill = colorOf(t, pattern.Child("fgColor"), "FFFFFF")
		}
		all = append(all, l)
	}
	return all
}

// stripe is the darker row of TableStyleLight1.
const stripe = "D9D9D9"

func cellsCanBeRead(t *testing.T, w opened) {
	t.Helper()
	var all []look
	var marks []look
	w.each(t, "xl/styles.xml", func(path string, root node) {
		all = looks(t, root)
		for _, dxf := range root.Child("dxfs").Children {
			marks = append(marks, look{color: colorOf(t, dxf.Child("font", "color"), ink),
				fill: colorOf(t, dxf.Child("fill", "patternFill", "bgColor"), "FFFFFF")})
		}
	})
	require.NotEmpty(t, all)
	require.Len(t, marks, 3)
	for _, l := range append(all, marks...) {
		l.readable(t, "a style")
	}
	tables := map[int]bool{} // sheets of data
	for i := range w.rows {
		tables[i+2] = true
	}
	w.each(t, "xl/worksheets/sheet", func(path string, root node) {
		n, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(path))
		require.NoError(t, err)
		bars := root.All("dataBar")
		for _, c := range root.All("c") {
			_, row, err := excelize.SplitCellName(c.Attr("r"))
			require.NoError(t, err)
			id, err := strconv.Atoi("0" + c.Attr("s"))
			require.NoError(t, err)
			l := all[id]
			if !tables[n] || row < firstRow || w.rows[n-2].Rows == 0 {
				continue
			}
			l.fill = stripe
			l.readable(t, path+" "+c.Attr("r")+" on a stripe")
			for _, bar := range bars {
				l.fill = colorOf(t, bar.Child("color"), "FFFFFF")
				l.readable(t, path+" "+c.Attr("r")+" on a bar")
			}
		}
	})
}

// chartColor is the colour of a fill in a chart; "" when there is none.
func chartColor(t *testing.T, properties node) string {
	t.Helper()
	fill := properties.Child("solidFill")
	if rgb := fill.Child("srgbClr"); rgb.Attr("val") != "" {
		require.Empty(t, rgb.Children, "a colour that this test cannot read")
		return rgb.Attr("val")
	}
	scheme := fill.Child("schemeClr")
	switch scheme.Attr("val") {
	case "":
		return ""
	case "bg1":
		require.Empty(t, scheme.Children, "a colour that this test cannot read")
		return "FFFFFF"
	}
	require.Equal(t, "tx1", scheme.Attr("val"), "a colour that this test cannot read")
	light := 0.0 // of black nothing is left but what is added
	if off := scheme.Child("lumOff"); off.Attr("val") != "" {
		var err error
		light, err = strconv.ParseFloat(off.Attr("val"), 64)
		require.NoError(t, err)
	}
	grey := strconv.FormatUint(uint64(256+light/100_000*255), 16)[1:]
	return strings.Repeat(grey, 3)
}

func chartsCanBeRead(t *testing.T, w opened) {
	t.Helper()
	if w.charts == 0 {
		return
	}
	texts := 0
	w.each(t, "xl/charts/chart", func(path string, root node) {
		behind := "FFFFFF"
		if color := chartColor(t, root.Child("spPr")); color != "" {
			behind = color
		}
		var walk func(n node, behind string)
		walk = func(n node, behind string) {
			if n.XMLName.Local == "ser" { // a label lies on its bar
				if color := chartColor(t, n.Child("spPr")); color != "" {
					for _, labels := range n.All("dLbls") {
						walk(labels, color)
					}
					assert.GreaterOrEqual(t, contrast(t, color, behind), 3.0, "%s: a shape %s on %s (WCAG 1.4.11)",
						path, color, behind)
				}
				return
			}
			if name := n.XMLName.Local; name == "rPr" || name == "defRPr" {
				l := look{color: chartColor(t, n), fill: behind, points: 10, bold: n.Attr("b") == "true" ||
					n.Attr("b") == "1"}
				if size, err := strconv.ParseFloat(n.Attr("sz"), 64); err == nil {
					l.points = size / 100
				}
				if l.color != "" {
					l.readable(t, path)
					texts++
				}
			}
			for _, child := range n.Children {
				walk(child, behind)
			}
		}
		walk(root, behind)
	})
	assert.Greater(t, texts, 6)
}

// A chart that claims to end beyond the cell that it begins in is squeezed into that cell by Excel.
func TestChartsEndInACellOfTheirOwn(t *testing.T) {
	book, source := usual()
	var drawing node
	require.NoError(t, xml.Unmarshal(part(t, write(t, book, source).bytes, "xl/drawings/drawing1.xml"), &drawing))
	anchors := drawing.All("twoCellAnchor")
	assert.Len(t, anchors, 2)
	for _, anchor := range anchors {
		assert.NotEqual(t, anchor.Child("from", "col").Text, anchor.Child("to", "col").Text)
		assert.NotEqual(t, anchor.Child("from", "row").Text, anchor.Child("to", "row").Text)
	}
}
