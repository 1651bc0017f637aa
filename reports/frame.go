package reports

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// frame is a workbook without its data rows, as excelize lays it out.
type frame struct {
	*report
	file   *excelize.File
	style  styles
	sheets int // so far
	charts []drawnChart
	// What only the summary shows.
	insights  insights
	resellers []resellersOf // of the indirect providers
}

// drawnChart is a chart and the part of the workbook that it replaces.
type drawnChart struct {
	part  string
	chart xlsx.Chart
}

// layout is a table with the sheets that its rows fill.
type layout struct {
	table
	pages []xlsx.Page
	names []string // English names of the pages
}

// firstRow is where data begins: two rows of banner and the table's header are above it.
const firstRow = 4

// frozen is how many columns of a table stay in sight, and on each printed page: whose row it is.
const frozen = 2

// lay lays out the wanted sheets. rowLimit is how many rows a sheet has, banner and header
// included.
func (f *frame) lay(wanted []string, rowLimit int) (layouts []layout, err error) {
	tables := f.tables(wanted)
	for _, key := range wanted {
		switch key {
		case sheetSummary:
			err = f.summary(tables)
		case sheetAbout:
			err = f.about(tables)
		default:
			var l layout
			l, err = f.layTable(tables[len(layouts)], rowLimit)
			layouts = append(layouts, l)
		}
		if err != nil {
			return nil, fmt.Errorf("sheet %s: %w", key, err)
		}
	}
	f.file.SetActiveSheet(0)
	return layouts, nil
}

// name is a sheet's name in the language of the book.
func (r *report) name(key string) string { return r.say.Sheets[key].label() }

// newSheet adds a sheet after the others, and says which part of the workbook it is. The first
// takes the one that excelize began with.
func (f *frame) newSheet(name string) (part string, err error) {
	f.sheets++
	if f.sheets == 1 {
		err = f.file.SetSheetName("Sheet1", name)
	} else {
		_, err = f.file.NewSheet(name)
	}
	return fmt.Sprintf("xl/worksheets/sheet%d.xml", f.sheets), err
}

func (f *frame) layTable(t table, rowLimit int) (layout, error) {
	l := layout{table: t}
	room := rowLimit - (firstRow - 1)
	for left, n := t.rows, 1; left > 0 || n == 1; n++ {
		page := xlsx.Page{Rows: min(left, room)}
		name, tableName, english := f.name(t.key), tableName(t.key), englishName(t.key)
		if n > 1 {
			name, tableName, english = nth(name, n), fmt.Sprintf("%s_%d", tableName, n), nth(english, n)
		}
		var err error
		if page.Part, err = f.newSheet(name); err != nil {
			return l, err
		}
		if err := f.layPage(t, name, tableName, page.Rows); err != nil {
			return l, err
		}
		l.pages, l.names, left = append(l.pages, page), append(l.names, english), left-page.Rows
	}
	return l, nil
}

// nth names the sheet that another continues in.
func nth(name string, n int) string { return fmt.Sprintf("%s (%d)", name, n) }

func (f *frame) layPage(t table, name, tableName string, rows int) error {
	last := firstRow - 1 + max(rows, 1) // a table has at least one row, be it an empty one
	right, err := excelize.ColumnNumberToName(len(t.columns))
	if err != nil {
		return err
	}
	d := &draft{file: f.file, sheet: name}
	f.banner(d, t)
	for i, c := range t.columns {
		style := f.style.header
		if c.right {
			style = f.style.headerNumber
		}
		d.put(i+1, firstRow-1, f.say.head(t, c.key), style)
		d.width(i+1, c.width)
	}
	d.height(firstRow-1, 33)
	bottom := last
	if rows == 0 {
		bottom++
		d.put(1, bottom, f.say.Sheets[t.key].text(), f.style.note)
	}
	d.try(f.file.SetSheetDimension(name, fmt.Sprintf("A1:%s%d", right, bottom)))
	d.try(f.file.AddTable(name, &excelize.Table{
		Range: fmt.Sprintf("A%d:%s%d", firstRow-1, right, last), Name: tableName, StyleName: "TableStyleLight1"}))
	d.freeze(frozen, firstRow-1)
	f.formats(d, t, last)
	f.print(d)
	f.printRows(d, t, bottom)
	return d.err
}

// banner says what this is, of when it is, and, in the columns that stay in sight, whether it can
// be relied on.
func (f *frame) banner(d *draft, t table) {
	d.put(1, 1, f.name(t.key), f.style.title)
	verdict := t.columnsOf(f.integrity())
	for i, line := range whenLines(f.when()) {
		d.put(verdict+1, i+1, line, f.style.aside)
	}
	d.height(1, 24)
	d.styleRow(2, verdict, f.style.verdict[f.verdict()])
	d.put(1, 2, f.integrity(), f.style.verdict[f.verdict()])
	d.height(2, 21) // whole pixels: LibreOffice prints the header over the first row otherwise
}

// columnsOf is how many columns, from the first one on, a bold text takes: those that stay in
// sight, and more where they are narrow.
func (t *table) columnsOf(text string) (n int) {
	for width := 0.0; n < len(t.columns) && (n < frozen || width < boldWidth*float64(xlsx.Units(text))); n++ {
		width += t.columns[n].width
	}
	return n
}

// boldWidth is how wide a bold character is on average, of a column's characters.
const boldWidth = 0.97

// whenLength is how many characters of the runs shown fit across a printed page.
const whenLength = 95

// whenLines are the runs shown in the two rows of the banner.
func whenLines(when string) []string {
	if xlsx.Units(when) <= whenLength {
		return []string{when}
	}
	runs, first := strings.Split(when, separator), 1
	for first < len(runs)-1 && xlsx.Units(strings.Join(runs[:first+1], separator)) <= whenLength {
		first++
	}
	return []string{strings.Join(runs[:first], separator), strings.Join(runs[first:], separator)}
}

// formats adds the conditional formats down to row last.
func (f *frame) formats(d *draft, t table, last int) {
	letter := func(key string) string {
		name, _ := excelize.ColumnNumberToName(t.index(key) + 1)
		return name
	}
	where := func(key string) string {
		return fmt.Sprintf("%[1]s%[2]d:%[1]s%[3]d", letter(key), firstRow, last)
	}
	var order []string
	formats := map[string][]excelize.ConditionalFormatOptions{}
	add := func(column string, format excelize.ConditionalFormatOptions) {
		if formats[column] == nil {
			order = append(order, column)
		}
		formats[column] = append(formats[column], format)
	}
	for _, r := range t.rules {
		formula := r.formula(func(key string) string { return fmt.Sprintf("$%s%d", letter(key), firstRow) })
		add(r.column, excelize.ConditionalFormatOptions{Type: "formula", Criteria: formula,
			Format: &f.style.tones[r.tone], StopIfTrue: true})
	}
	for _, m := range t.marks {
		add(m.column, excelize.ConditionalFormatOptions{Type: "cell", Criteria: "==", Value: f.quoted(m.words, m.code),
			Format: &f.style.tones[m.tone]})
	}
	for _, key := range order {
		d.try(f.file.SetConditionalFormat(d.sheet, where(key), formats[key]))
	}
	if t.bar != "" {
		d.try(f.file.SetConditionalFormat(d.sheet, where(t.bar), []excelize.ConditionalFormatOptions{
			{Type: "data_bar", Criteria: "=", MinType: "num", MinValue: "0", MaxType: "max", BarColor: "#" + grey,
				BarSolid: true}}))
	}
}

// quoted is a word as formulas have texts.
func (r *report) quoted(words, code string) string {
	return `"` + strings.ReplaceAll(r.say.word(words, code), `"`, `""`) + `"`
}

// print sets up paper: A4, landscape, one page wide, numbered.
func (f *frame) print(d *draft) {
	landscape, a4, one, many, fit := "landscape", 9, 1, 0, true
	side, edge, foot := 0.4, 0.5, 0.25
	d.try(f.file.SetSheetProps(d.sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	d.try(f.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{
		Orientation: &landscape, Size: &a4, FitToWidth: &one, FitToHeight: &many}))
	d.try(f.file.SetPageMargins(d.sheet, &excelize.PageLayoutMarginsOptions{
		Left: &side, Right: &side, Top: &edge, Bottom: &edge, Header: &foot, Footer: &foot}))
	d.try(f.file.SetHeaderFooter(d.sheet, &excelize.HeaderFooterOptions{
		OddFooter: "&L" + strings.ReplaceAll("mcaledger "+f.book.Version, "&", "&&") + "&C&A&R" + f.say.Texts.PageOf}))
}

// printRows repeats the header on every page, spreads a sheet that is too wide to be read on one,
// and leaves out the ids at the right, which are of no use on paper.
func (f *frame) printRows(d *draft, t table, last int) {
	right, _ := excelize.ColumnNumberToName(t.printed)
	titles := fmt.Sprintf("$1:$%d", firstRow-1)
	if t.across > 1 { // whose row it is stands on each of them
		d.try(f.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{FitToWidth: &t.across}))
		repeated, _ := excelize.ColumnNumberToName(frozen)
		titles = fmt.Sprintf("$A:$%s,%s!%s", repeated, xlsx.QuotedName(d.sheet), titles)
	}
	d.define("_xlnm.Print_Titles", titles)
	d.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$%s$%d", right, last))
}

// properties are what Excel shows under File, Info. The custom ones say how the workbook can be
// made again.
func (f *frame) properties(request, digest string) xlsx.Properties {
	return xlsx.Properties{Title: f.say.Texts.Title, Subject: f.say.Texts.Subject, Description: f.integrityWords(),
		Language: f.say.Language, Program: "mcaledger", Created: f.book.MadeAt,
		Custom: []xlsx.Property{{Name: requestProperty, Value: request}, {Name: digestProperty, Value: digest}}}
}

// draft puts cells on a sheet through excelize and keeps the first error, so that layout reads as
// layout. It is for the few cells of the frame; data rows go through tableWriter.
type draft struct {
	file  *excelize.File
	sheet string
	err   error
}

func (d *draft) try(err error) { d.err = cmp.Or(d.err, err) }

// put sets a cell: text, a number, or a date's serial number; nil only styles it.
func (d *draft) put(col, row int, value any, style int) {
	cell := cellName(col, row)
	switch v := value.(type) {
	case nil:
	case string:
		d.try(d.file.SetCellStr(d.sheet, cell, xlsx.Fit(printable(v), "")))
	default:
		d.try(d.file.SetCellValue(d.sheet, cell, v))
	}
	d.style(col, row, style)
}

func (d *draft) style(col, row, style int) {
	cell := cellName(col, row)
	d.try(d.file.SetCellStyle(d.sheet, cell, cell, style))
}

// styleRow styles the first columns of a row.
func (d *draft) styleRow(row, columns, style int) {
	d.try(d.file.SetCellStyle(d.sheet, cellName(1, row), cellName(columns, row), style))
}

// link lets a click on a cell go to a place of the workbook.
func (d *draft) link(col, row int, place, tip string) {
	d.try(d.file.SetCellHyperLink(d.sheet, cellName(col, row), place, "Location",
		excelize.HyperlinkOpts{Tooltip: &tip}))
}

func (d *draft) height(row int, points float64) { d.try(d.file.SetRowHeight(d.sheet, row, points)) }

func (d *draft) width(col int, chars float64) {
	letter, _ := excelize.ColumnNumberToName(col)
	d.try(d.file.SetColWidth(d.sheet, letter, letter, chars))
}

// instant sets an instant as the clock shows it at location.
func (d *draft) instant(col, row int, t time.Time, location *time.Location, style int) {
	if t.IsZero() {
		d.put(col, row, nil, style)
		return
	}
	d.put(col, row, xlsx.TimeSerial(t, location), style)
}

// define names a range of the sheet.
func (d *draft) define(name, cells string) {
	d.try(d.file.SetDefinedName(&excelize.DefinedName{Name: name, Scope: d.sheet, RefersTo: xlsx.QuotedName(d.sheet) +
		"!" + cells}))
}

func (d *draft) freeze(cols, rows int) {
	corner := cellName(cols+1, rows+1)
	d.try(d.file.SetPanes(d.sheet, &excelize.Panes{Freeze: true, XSplit: cols, YSplit: rows, TopLeftCell: corner,
		ActivePane: "bottomRight",
		Selection:  []excelize.Selection{{SQRef: corner, ActiveCell: corner, Pane: "bottomRight"}}}))
}

// finish sets what sheets without a table have in common.
func (d *draft) finish(columns, rows int) error {
	lines := false
	d.try(d.file.SetSheetView(d.sheet, 0, &excelize.ViewOptions{ShowGridLines: &lines}))
	d.try(d.file.SetSheetDimension(d.sheet, "A1:"+cellName(columns, rows)))
	return d.err
}

// cellName is a reference such as B7; the frame never leaves the sheet.
func cellName(col, row int) string {
	name, _ := excelize.CoordinatesToCellName(col, row)
	return name
}

// printable is text that any XML part can hold: control characters become U+FFFD.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == '\uFFFE' || r == '\uFFFF' {
			return '\uFFFD'
		}
		return r
	}, xlsx.ValidText(s))
}
