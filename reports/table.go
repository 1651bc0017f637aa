package reports

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// column is what a column of rows T shows.
type column[T any] struct {
	columnLayout
	cell func(row *T) Cell
}

// columnLayout is a column without its rows. The key names it in CSV and JSON and in the
// catalogues.
type columnLayout struct {
	key     string
	width   float64 // in characters: what it usually holds fits
	only    where
	words   map[string]labelled // by code: what workbooks show instead; nil: the column has no codes
	wrap    bool                // text is broken into lines
	right   bool                // numbers: the header is aligned with them
	dayOnly bool                // an instant of which people see the day; the cell has the time as well
	event   bool                // numbers of events
}

// where a column is shown.
type where uint8

const (
	everywhere where = iota
	workbook         // other formats hold the code anyway, or do not need it
)

// col is a column of every format.
func col[T any](key string, width float64, cell func(row *T) Cell) column[T] {
	return column[T]{columnLayout{key: key, width: width}, cell}
}

// code is a column of codes, which workbooks show as words.
func code[T any](key string, width float64, words map[string]labelled, of func(row *T) string) column[T] {
	return column[T]{columnLayout{key: key, width: width, words: words}, func(row *T) Cell { return Code(of(row)) }}
}

// num is a column of numbers.
func num[T any](key string, width float64, cell func(row *T) Cell) column[T] {
	return column[T]{columnLayout{key: key, width: width, right: true}, cell}
}

// since is a column of instants of which people see the day.
func since[T any](key string, cell func(row *T) Cell) column[T] {
	return column[T]{columnLayout{key: key, width: 13, dayOnly: true}, cell}
}

// event is a column with the number of an event, which leads to it on the sheet Events.
func event[T any](key string, number func(row *T) int64) column[T] {
	return column[T]{columnLayout{key: key, width: 10, event: true}, func(row *T) Cell { return ID(number(row)) }}
}

// inWorkbook is the column shown in workbooks only.
func (c column[T]) inWorkbook() column[T] {
	c.only = workbook
	return c
}

// wide is the column with another width, for a long header.
func (c column[T]) wide(width float64) column[T] {
	c.width = width
	return c
}

// wrapped is the column with its text broken into lines.
func (c column[T]) wrapped() column[T] {
	c.wrap = true
	return c
}

// table is a sheet of rows: a banner, a header, and what fill writes.
type table struct {
	key     string // names it in every format and in the catalogues
	columns []columnLayout
	printed int // columns that are printed
	rows    int
	lines   int // of text in a row; 0 is one
	across  int // pages that a row is printed on; 0 is one
	marks   []mark
	rules   []rule
	bar     string // key of the column whose numbers get a bar
	fill    func(ctx context.Context, out rowWriter) error
}

// mark gives the cells of a column that hold a word a style of their own. The word itself says the
// same.
type mark struct {
	column string
	words  string // of the catalogue
	code   string
	tone   tone
}

// rule gives the cells of a column a style of their own in the rows for which a formula is true; at
// names the row's cell of a column. Rules go before marks.
type rule struct {
	column  string
	formula func(at func(key string) string) string
	tone    tone
}

type tone int

const (
	alert tone = iota
	caution
	fine
)

// newTable makes a table whose rows come from walk.
func newTable[T any](key string, columns []column[T], rows int, walk func(context.Context, func(T) error) error) table {
	t := table{key: key, rows: rows}
	for _, c := range columns {
		t.columns = append(t.columns, c.columnLayout)
	}
	t.printed = len(columns)
	t.fill = func(ctx context.Context, out rowWriter) error {
		cells := make([]Cell, len(columns))
		var current T // declared here: one heap allocation for the table instead of one for each row
		err := walk(ctx, func(row T) error {
			current = row
			for i := range columns {
				cells[i] = columns[i].cell(&current)
			}
			return out.WriteRow(cells)
		})
		if err != nil {
			return fmt.Errorf("sheet %s: %w", key, err)
		}
		return nil
	}
	return t
}

// until prints the columns up to the one with the key.
func (t *table) until(key string) {
	t.printed = 1 + t.index(key)
}

func (t *table) index(key string) int {
	return slices.IndexFunc(t.columns, func(c columnLayout) bool { return c.key == key })
}

// The keys of the sheets. JSON has them as they are; the tables of a workbook are called Blocked,
// Renewals_at_risk, … in every language, so that a query on a table goes on working when the
// language changes.
const (
	sheetSummary      = "summary"
	sheetBlocked      = "blocked"
	sheetRenewals     = "renewals_at_risk"
	sheetExceptions   = "exceptions"
	sheetInvitations  = "invitations"
	sheetBatches      = "batches"
	sheetEvents       = "events"
	sheetCustomers    = "customers"
	sheetChanges      = "changes"
	sheetAttestations = "attestations"
	sheetUnread       = "could_not_be_read"
	sheetChecks       = "checks"
	sheetAbout        = "about"
)

// SheetNames are the English names of the sheets of data, in workbook order: what WriteCSV and
// WriteJSON can write.
func SheetNames() []string { return englishNames(dataSheets()) }

// BookSheetNames are the English names of all sheets of the workbook, in its order.
func BookSheetNames() []string { return englishNames(bookSheets()) }

// PrintSheetNames are the English names of the sheets that are worth printing: those with a row for
// every customer, attestation and event would take hundreds of pages.
func PrintSheetNames() []string {
	return englishNames([]string{sheetSummary, sheetBlocked, sheetRenewals, sheetExceptions, sheetChanges, sheetUnread,
		sheetChecks, sheetAbout})
}

// sheets are the sheets of data, in workbook order.
var sheets = [...]struct {
	key   string
	build func(*report) table
}{
	{sheetBlocked, (*report).blocked}, {sheetRenewals, (*report).renewals},
	{sheetExceptions, (*report).exceptionsTable}, {sheetChanges, (*report).changes},
	{sheetInvitations, (*report).invitationsTable}, {sheetAttestations, (*report).attestations},
	{sheetBatches, (*report).batchesTable}, {sheetUnread, (*report).unread}, {sheetChecks, (*report).checks},
	{sheetCustomers, (*report).customers}, {sheetEvents, (*report).events},
}

// dataSheets are the keys of the sheets of data.
func dataSheets() []string {
	keys := make([]string, len(sheets))
	for i, s := range sheets {
		keys[i] = s.key
	}
	return keys
}

func bookSheets() []string {
	return slices.Concat([]string{sheetSummary}, dataSheets(), []string{sheetAbout})
}

func englishNames(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = englishName(key)
	}
	return names
}

// IsSheet reports whether a sheet with an English name is asked for: by that name or by its key, in
// any case.
func IsSheet(name, asked string) bool {
	return strings.EqualFold(name, asked) || strings.EqualFold(strings.ReplaceAll(name, " ", "_"), asked)
}

// LocalSheetNames are the names of the sheets in a language, by their English names.
func LocalSheetNames(language string) (map[string]string, error) {
	say, err := catalogueOf(language)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, key := range bookSheets() {
		names[englishName(key)] = say.Sheets[key].label()
	}
	return names, nil
}

// englishName is the English name of a sheet, made of its key: could_not_be_read is "Could not be
// read".
func englishName(key string) string {
	return strings.ToUpper(key[:1]) + strings.ReplaceAll(key[1:], "_", " ")
}

// tableName is the name of a sheet's table.
func tableName(key string) string { return strings.ToUpper(key[:1]) + key[1:] }

// UnknownSheetError is about a sheet that was asked for and that there is not.
type UnknownSheetError struct {
	Sheet string
	Known []string
}

func (e *UnknownSheetError) Error() string {
	return fmt.Sprintf("there is no sheet %q; there are %s", e.Sheet, strings.Join(e.Known, ", "))
}

// knownSheets are the keys of the sheets asked for, by key or English name in any case; all when
// none was asked for.
func knownSheets(asked, known []string) ([]string, error) {
	if len(asked) == 0 {
		return known, nil
	}
	var wanted []string
	for _, name := range asked {
		i := slices.IndexFunc(known, func(key string) bool { return IsSheet(englishName(key), name) })
		if i < 0 {
			return nil, &UnknownSheetError{name, englishNames(known)}
		}
		wanted = append(wanted, known[i])
	}
	return wanted, nil
}

// tables are the sheets of data that are wanted, in workbook order.
func (r *report) tables(wanted []string) (tables []table) {
	for _, s := range sheets {
		if slices.Contains(wanted, s.key) {
			tables = append(tables, s.build(r))
		}
	}
	return tables
}

// each hands what comes from the source to row until ctx ends, and counts it.
func each[T any](ctx context.Context, from iter.Seq2[T, error], row func(T) error) (n int, err error) {
	for v, err := range from {
		if err != nil {
			return n, err
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if err := row(v); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// ofPartner is a row with the partner that it is of.
type ofPartner[T any] struct {
	partner PartnerRun
	row     T
}

// eachOf walks the rows of every partner's run, and fails unless there are as many as counted.
func eachOf[T any](r *report, counted func(counts) int, from func(context.Context, PartnerRun) iter.Seq2[T, error],
) func(context.Context, func(ofPartner[T]) error) error {
	return func(ctx context.Context, row func(ofPartner[T]) error) error {
		for i, p := range r.book.Partners {
			if p.Run == nil {
				continue
			}
			n, err := each(ctx, from(ctx, p), func(v T) error { return row(ofPartner[T]{p, v}) })
			if want := counted(r.counts[i]); err == nil && n != want {
				err = shortfall(n, want)
			}
			if err != nil {
				return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
			}
		}
		return nil
	}
}

// ErrLedgerChanged: another process wrote about the instant that is shown while the report was
// read.
var ErrLedgerChanged = errors.New("the ledger changed while the report was read; write the report again")

// shortfall is the error for rows that are not as many as were counted.
func shortfall(came, counted int) error {
	return fmt.Errorf("%d rows came, %d were counted: %w", came, counted, ErrLedgerChanged)
}
