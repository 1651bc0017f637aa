package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The sheets by their English names, which are also the names of their tables in every language: a query on a table
// goes on working when the language changes.
const (
	sheetSummary      = "Summary"
	sheetBlocked      = "Blocked"
	sheetCustomers    = "Customers"
	sheetChanges      = "Changes"
	sheetAttestations = "Attestations"
	sheetUnread       = "Unread"
	sheetChecks       = "Checks"
	sheetAbout        = "About"
)

// dataSheet is a sheet of rows: a banner, a table's header, and what fill writes.
type dataSheet struct {
	key     string // its English name
	columns []column
	frozen  int // columns that stay in sight
	rows    int
	lines   int // of text in a row; 0 is one
	across  int // pages that a row is printed on; 0 is one
	marks   []mark
	bar     column // the column whose numbers get a bar; empty: none
	fill    func(ctx context.Context, out cells) error
}

// mark gives the cells of a column that hold a word a style of their own. The word itself says the same.
type mark struct {
	column column
	word   string
	style  int
}

// page is one Excel sheet of a data sheet, which has more than one when it is full.
type page struct {
	key        string // English name
	path       string // part of the workbook
	rows       int
	head, tail []byte // the shell's bytes before and after the rows
}

// dataSheets are the sheets of rows that are wanted, in workbook order.
func (r *report) dataSheets(wanted []string) []dataSheet {
	all := []dataSheet{r.blocked(), r.customers(), r.changes(), r.attestations(), r.unread(), r.checks()}
	return slices.DeleteFunc(all, func(s dataSheet) bool { return !slices.Contains(wanted, s.key) })
}

// write has the sheet write its rows.
func (s dataSheet) write(ctx context.Context, out cells) error {
	if err := s.fill(ctx, out); err != nil {
		return fmt.Errorf("sheet %s: %w", s.key, err)
	}
	return nil
}

// SheetNames are the English names of the data sheets, in workbook order: what WriteCSV and WriteJSON can write.
func SheetNames() []string {
	return []string{sheetBlocked, sheetCustomers, sheetChanges, sheetAttestations, sheetUnread, sheetChecks}
}

// BookSheetNames are the English names of all sheets of the workbook, in its order.
func BookSheetNames() []string {
	return slices.Concat([]string{sheetSummary}, SheetNames(), []string{sheetAbout})
}

// UnknownSheetError is about a sheet that was asked for and that there is not.
type UnknownSheetError struct {
	Sheet string
	Known []string
}

func (e *UnknownSheetError) Error() string {
	return fmt.Sprintf("there is no sheet %q; there are %s", e.Sheet, strings.Join(e.Known, ", "))
}

// knownSheets spells the sheets that were asked for as they are known; all are when none was asked for.
func knownSheets(asked, known []string) ([]string, error) {
	if len(asked) == 0 {
		return known, nil
	}
	var wanted []string
	for _, name := range asked {
		i := slices.IndexFunc(known, func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			return nil, &UnknownSheetError{name, known}
		}
		wanted = append(wanted, known[i])
	}
	return wanted, nil
}

// shell has excelize lay out every sheet that is wanted but for the rows of the data sheets.
func (r *report) shell(wanted []string, sheets []dataSheet, sheetLimit int) (pages [][]page, err error) {
	if slices.Contains(wanted, sheetSummary) {
		if _, err := r.newSheet(r.say.Sheets[sheetSummary]); err != nil {
			return nil, err
		}
		if err := r.summary(); err != nil {
			return nil, fmt.Errorf("sheet %s: %w", sheetSummary, err)
		}
	}
	pages = make([][]page, len(sheets))
	for i, s := range sheets {
		if pages[i], err = r.layPages(s, sheetLimit); err != nil {
			return nil, fmt.Errorf("sheet %s: %w", s.key, err)
		}
	}
	if slices.Contains(wanted, sheetAbout) {
		if err := r.about(sheets); err != nil {
			return nil, fmt.Errorf("sheet %s: %w", sheetAbout, err)
		}
	}
	return pages, r.properties()
}

// newSheet adds a sheet after the others, and says which part of the workbook it is. The first takes the one that excelize began with.
func (r *report) newSheet(name string) (path string, err error) {
	r.sheets++
	if r.sheets == 1 {
		err = r.file.SetSheetName("Sheet1", name)
	} else {
		_, err = r.file.NewSheet(name)
	}
	return fmt.Sprintf("xl/worksheets/sheet%d.xml", r.sheets), err
}

func (r *report) layPages(s dataSheet, sheetLimit int) ([]page, error) {
	var pages []page
	room := sheetLimit - (firstRow - 1)
	for left, n := s.rows, 1; left > 0 || n == 1; n++ {
		p := page{key: s.key, rows: min(left, room)}
		name, table := r.say.Sheets[s.key], s.key
		if n > 1 {
			p.key, name, table = ordinal(s.key, n), ordinal(name, n), fmt.Sprintf("%s_%d", table, n)
		}
		var err error
		if p.path, err = r.newSheet(name); err != nil {
			return nil, err
		}
		if err := r.layPage(s, name, table, p.rows); err != nil {
			return nil, err
		}
		pages, left = append(pages, p), left-p.rows
	}
	return pages, nil
}

// ordinal names the sheet that another goes on in.
func ordinal(name string, n int) string { return fmt.Sprintf("%s (%d)", name, n) }

func (r *report) layPage(s dataSheet, name, table string, rows int) error {
	last := firstRow - 1 + max(rows, 1) // a table has at least one row, be it an empty one
	right, err := excelize.ColumnNumberToName(len(s.columns))
	if err != nil {
		return err
	}
	d := sheetDraft{file: r.file, sheet: name}
	r.banner(&d, s)
	d.headers(s, r.say, r.style.header)
	if rows == 0 {
		d.put(1, last+1, r.say.Empty[s.key], r.style.note)
		d.try(d.file.SetSheetDimension(name, fmt.Sprintf("A1:%s%d", right, last+1)))
	} else {
		d.try(d.file.SetSheetDimension(name, fmt.Sprintf("A1:%s%d", right, last)))
	}
	d.try(d.file.AddTable(name, &excelize.Table{
		Range: fmt.Sprintf("A%d:%s%d", firstRow-1, right, last), Name: table, StyleName: "TableStyleLight1"}))
	d.freeze(s.frozen, firstRow-1)
	r.marks(&d, s, last)
	r.print(&d)
	r.printRows(&d, s, last)
	return d.err
}

// banner is row 1: what this is, whether to believe it, and of when it is.
func (r *report) banner(d *sheetDraft, s dataSheet) {
	d.put(1, 1, r.say.Sheets[s.key], r.style.title)
	style := r.style.verdict[r.mood()]
	for col := 2; col <= max(s.frozen, 2); col++ {
		d.style(col, 1, style)
	}
	d.put(2, 1, r.verdict(), style)
	d.put(max(s.frozen, 2)+1, 1, r.when(), r.style.aside)
	d.height(1, 27)
}

// marks adds the conditional formats down to row last.
func (r *report) marks(d *sheetDraft, s dataSheet, last int) {
	where := func(c column) string {
		for i, have := range s.columns {
			if have == c {
				letter, _ := excelize.ColumnNumberToName(i + 1)
				return fmt.Sprintf("%[1]s%[2]d:%[1]s%[3]d", letter, firstRow, last)
			}
		}
		return ""
	}
	var order []column
	formats := map[column][]excelize.ConditionalFormatOptions{}
	for _, m := range s.marks {
		if formats[m.column] == nil {
			order = append(order, m.column)
		}
		formats[m.column] = append(formats[m.column], excelize.ConditionalFormatOptions{
			Type: "cell", Criteria: "==", Value: `"` + m.word + `"`, Format: &m.style})
	}
	for _, c := range order {
		d.try(d.file.SetConditionalFormat(d.sheet, where(c), formats[c]))
	}
	if s.bar != "" {
		d.try(d.file.SetConditionalFormat(d.sheet, where(s.bar), []excelize.ConditionalFormatOptions{
			{Type: "data_bar", Criteria: "=", MinType: "num", MinValue: "0", MaxType: "max", BarColor: "#F4B8B0", BarSolid: true}}))
	}
}

// print sets up paper: landscape, one page wide, numbered.
func (r *report) print(d *sheetDraft) {
	landscape, a4, one, many, fit := "landscape", 9, 1, 0, true
	side, edge, foot := 0.4, 0.5, 0.25
	d.try(d.file.SetSheetProps(d.sheet, &excelize.SheetPropsOptions{FitToPage: &fit}))
	d.try(d.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{
		Orientation: &landscape, Size: &a4, FitToWidth: &one, FitToHeight: &many}))
	d.try(d.file.SetPageMargins(d.sheet, &excelize.PageLayoutMarginsOptions{
		Left: &side, Right: &side, Top: &edge, Bottom: &edge, Header: &foot, Footer: &foot}))
	d.try(d.file.SetHeaderFooter(d.sheet, &excelize.HeaderFooterOptions{
		OddFooter: "&L" + strings.ReplaceAll("mcaledger "+r.book.Version, "&", "&&") + "&C&A&R" + r.say.PageOf}))
}

// printRows repeats the header on every page, spreads a sheet that is too wide to be read on one, and leaves out the
// links, which are of no use on paper.
func (r *report) printRows(d *sheetDraft, s dataSheet, last int) {
	columns := len(s.columns)
	if s.columns[columns-1] == colLink {
		columns--
	}
	if s.rows == 0 {
		last++ // the sentence
	}
	right, _ := excelize.ColumnNumberToName(columns)
	titles := fmt.Sprintf("$1:$%d", firstRow-1)
	if s.across > 1 { // whose row it is stands on each of them
		d.try(d.file.SetPageLayout(d.sheet, &excelize.PageLayoutOptions{FitToWidth: &s.across}))
		frozen, _ := excelize.ColumnNumberToName(s.frozen)
		titles = fmt.Sprintf("$A:$%s,%s!%s", frozen, quoted(d.sheet), titles)
	}
	d.define("_xlnm.Print_Titles", titles)
	d.define("_xlnm.Print_Area", fmt.Sprintf("$A$1:$%s$%d", right, last))
}

// properties are what Excel shows under File, Info.
func (r *report) properties() error {
	at := r.book.AsOf.UTC().Format("2006-01-02T15:04:05Z")
	err := r.file.SetDocProps(&excelize.DocProperties{Title: r.say.Title, Subject: r.say.Subject, Creator: "mcaledger",
		LastModifiedBy: "mcaledger", Description: r.verdictWords(), Created: at, Modified: at, Language: r.say.Language})
	if err != nil {
		return err
	}
	r.file.SetActiveSheet(0)
	return r.file.SetAppProps(&excelize.AppProperties{Application: "Microsoft Excel", AppVersion: "16.0300"})
}

func rowsOf(pages [][]page) []SheetRows {
	var all []SheetRows
	for _, sheet := range pages {
		for _, p := range sheet {
			all = append(all, SheetRows{Sheet: p.key, Rows: p.rows})
		}
	}
	return all
}

// quoted is a sheet's name as a reference spells it.
func quoted(sheet string) string { return "'" + strings.ReplaceAll(sheet, "'", "''") + "'" }
