package intake

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/standing"
)

const (
	anID    = "8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718"
	otherID = "9d4e3b2f-6c8e-4fa0-b2c3-d4e5f6071829"
)

// exceptionsOf reads a list of exceptions; rows that say nothing are left out.
func exceptionsOf(t *testing.T, path string, titles map[string]string, o Options) (rows []ExceptionRow,
	skipped map[SkipReason]int, f *ExceptionFile) {
	t.Helper()
	f, err := OpenExceptions(path, titles, o)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	skipped = map[SkipReason]int{}
	for row, err := range f.Rows() {
		require.NoError(t, err)
		if row.Skip != "" {
			skipped[row.Skip]++
			continue
		}
		rows = append(rows, row)
	}
	return rows, skipped, f
}

// shownException is what a row says, in one line.
func shownException(row ExceptionRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", row.Line)
	for _, r := range row.Refusals {
		fmt.Fprintf(&b, " %s(%s)", r.Reason, r.Column)
	}
	if len(row.Refusals) > 0 {
		return b.String()
	}
	text := func(name string, value *string) {
		if value != nil {
			fmt.Fprintf(&b, " %s=%q", name, *value)
		}
	}
	e := row.Says
	text("owner", e.Owner)
	text("due", (*string)(e.DueOn))
	text("comment", e.Comment)
	text("until", (*string)(e.AcceptedUntil))
	return b.String()
}

func shownExceptions(rows []ExceptionRow) (shown []string) {
	for _, row := range rows {
		shown = append(shown, shownException(row))
	}
	return shown
}

func TestExceptionsOfACSV(t *testing.T) {
	t.Parallel()
	const header = "customer_tenant_id,owner,due_date,comment,accepted_until\n"
	for name, c := range map[string]struct {
		content string
		options Options
		want    []string
	}{
		"what was said": {header + anID + ",Bea,2026-12-01,writes to them,2026-12-31\n", Options{},
			[]string{`2 owner="Bea" due="2026-12-01" comment="writes to them" until="2026-12-31"`}},
		"empty cells of a row that says something": {header + anID + ",Bea,,,\n", Options{},
			[]string{`2 owner="Bea" due="" comment="" until=""`}},
		"a row of empty cells says nothing": {header + anID + ",,, ,\n" + otherID + ",Bea,,,\n", Options{},
			[]string{`3 owner="Bea" due="" comment="" until=""`}},
		"a dash empties a cell": {header + anID + ",-,–,—,-\n", Options{},
			[]string{`2 owner="" due="" comment="" until=""`}},
		"a word for no date empties the date": {header + anID + ",Bea,n/a,,none\n", Options{},
			[]string{`2 owner="Bea" due="" comment="" until=""`}},
		"a comment may begin with a dash": {header + anID + ",,,-5 % agreed,\n", Options{},
			[]string{`2 owner="" due="" comment="-5 % agreed" until=""`}},
		"the mark of a CSV report is no text": {header + anID + ",,,'-5 % agreed,\n", Options{},
			[]string{`2 owner="" due="" comment="-5 % agreed" until=""`}},
		"a column that is not there is not said": {"tenant_id;accepted until\n" + anID + ";2026-12-31\n", Options{},
			[]string{`2 until="2026-12-31"`}},
		"by domain": {"customer_domain,owner\ncontoso.com,Bea\n", Options{},
			[]string{`2 owner="Bea"`}},
		"no customer": {header + ",Bea,,,\n", Options{},
			[]string{`2 missing(customer_tenant_id)`}},
		"not a tenant id": {header + "contoso,Bea,,,\n", Options{},
			[]string{`2 bad_tenant_id(customer_tenant_id)`}},
		"an ambiguous date": {header + anID + ",Bea,,,03/04/2027\n", Options{},
			[]string{`2 ambiguous_date(accepted_until)`}},
		"an order that was asked for": {header + anID + ",Bea,,,03/04/2027\n", Options{Dates: DayFirst},
			[]string{`2 owner="Bea" due="" comment="" until="2027-04-03"`}},
		"an order that the column proves": {header + anID + ",Bea,,,03/04/2027\n" + otherID +
			",Bea,,,25/12/2026\n", Options{}, []string{`2 owner="Bea" due="" comment="" until="2027-04-03"`,
			`3 owner="Bea" due="" comment="" until="2026-12-25"`}},
		"an order that another column proves": {header + anID + ",Bea,25/12/2026,,03/04/2027\n", Options{},
			[]string{`2 ambiguous_date(accepted_until)`}},
		"each column proves its own order": {header + anID + ",Bea,25/12/2026,,03/04/2027\n" + otherID +
			",Bea,03/04/2027,,04/13/2027\n", Options{},
			[]string{`2 owner="Bea" due="2026-12-25" comment="" until="2027-03-04"`,
				`3 owner="Bea" due="2027-04-03" comment="" until="2027-04-13"`}},
		"a refused row proves nothing": {header + anID + ",Bea,,,03/04/2027\ncontoso,Bea,,,25/12/2026\n",
			Options{}, []string{`2 ambiguous_date(accepted_until)`, `3 bad_tenant_id(customer_tenant_id)`}},
		"no date": {header + anID + ",Bea,,,soon\n", Options{},
			[]string{`2 bad_date(accepted_until)`}},
		"a year that is not plausible": {header + anID + ",Bea,,,2206-01-01\n", Options{},
			[]string{`2 bad_date(accepted_until)`}},
		"a comment of several lines": {header + anID + ",Bea,,\"first\nsecond\",\n", Options{},
			[]string{"2 owner=\"Bea\" due=\"\" comment=\"first\\nsecond\" until=\"\""}},
		"an owner of several lines": {header + anID + ",\"B\nea\",,,\n", Options{},
			[]string{`2 control_character(owner)`}},
		"a comment that is too long": {header + anID + ",Bea,," + strings.Repeat("é", 2001) + ",\n",
			Options{}, []string{`2 too_long(comment)`}},
		"a formula": {header + anID + ",Bea,,=A1,\n", Options{},
			[]string{`2 formula(comment)`}},
		"a row with a cell too many": {header + anID + ",Bea,,called, they agreed,2026-12-31\n",
			Options{}, []string{`2 bad_date(accepted_until) too_many_cells()`}},
		"the header again": {header + anID + ",Bea,,,\n" + header + otherID + ",Bea,,,\n",
			Options{}, []string{`2 owner="Bea" due="" comment="" until=""`,
				`4 owner="Bea" due="" comment="" until=""`}},
		"in Portuguese, as Excel of Brazil writes it": {"sep=;\nID do locatário;Responsável;Prazo;Comentário;Aceito " +
			"até\n" + anID + ";Bea;31/12/2026;;31/01/2027\n", Options{},
			[]string{`3 owner="Bea" due="2026-12-31" comment="" until="2027-01-31"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _, _ := exceptionsOf(t, upload(t, c.content), nil, c.options)
			require.Equal(t, c.want, shownExceptions(rows))
		})
	}
}

func TestFilesThatAreNoListOfExceptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"no column of an exception": {"tenant_id,domain,customer\n" + anID + ",contoso.com,Contoso\n",
			" line 1: the required columns owner, due_date, comment, accepted_until are missing. " +
				"One of them is enough. Add what is missing to the header and fill it in"},
		"no customer": {"owner,comment\nBea,called\n",
			" line 1: the required column customer_tenant_id is missing. A column customer_domain can be used " +
				"instead of customer_tenant_id. Add what is missing to the header and fill it in"},
		"a column twice": {"tenant_id,owner,comment,notes\n" + anID + ",Bea,called,wrote\n",
			" line 1, column notes: columns 3 (comment) and 4 (notes) both mean comment. Keep the right one, and " +
				"delete or rename the other"},
		"no header": {anID + ",Bea,2026-12-01\n",
			" line 1: the file begins with a customer's row; a header that names the columns is missing. Put a line " +
				"with customer_tenant_id, owner, due_date, comment and accepted_until above the rows, or send the " +
				"sheet Blocked of a report"},
		"both orders": {"tenant_id,due_date\n" + anID + ",25/12/2026\n" + otherID + ",12/26/2026\n",
			` line 3: "12/26/2026": the month cannot stand where it stands in line 2 (25/12/2026): the file mixes dates with the day first and dates with the month first. Write all dates as 2026-05-31; where a list was pasted together from two sources, import each as a file of its own`},
		"nothing at all": {"", ": the file is empty. Check whether the export went wrong, and import the file that " +
			"it should have been"},
		"another program": {"%PDF-1.7",
			": this is a PDF document, not a CSV or XLSX file. A list is needed: export the table as XLSX or CSV, " +
				"and import that file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := upload(t, c.content)
			_, err := OpenExceptions(path, nil, Options{})
			require.EqualError(t, err, path+c.want)
		})
	}
}

// sheet is a sheet of a workbook as a report lays it out: a banner, a header and rows.
type sheet struct {
	name   string
	header []string
	rows   [][]any
}

func workbook(t *testing.T, change func(*excelize.File), sheets ...sheet) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, s := range sheets {
		if i == 0 {
			require.NoError(t, book.SetSheetName("Sheet1", s.name))
		} else {
			_, err := book.NewSheet(s.name)
			require.NoError(t, err)
		}
		require.NoError(t, book.SetCellStr(s.name, "A1", "22 November 2026: all control checks passed"))
		require.NoError(t, book.SetSheetRow(s.name, "A2", &s.header))
		for n, row := range s.rows {
			require.NoError(t, book.SetSheetRow(s.name, fmt.Sprintf("A%d", n+3), &row))
		}
	}
	if change != nil {
		change(book)
	}
	path := filepath.Join(t.TempDir(), "report.xlsx")
	require.NoError(t, book.SaveAs(path))
	return path
}

func TestExceptionsOfAReport(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for language, header := range map[string][]string{
		"en": {"Next step", "Customer", "Partner", "Reason", "Tenant ID", "Owner", "Due date", "Comment",
			"Accepted until"},
		"pt-BR": {"Próximo passo", "Cliente", "Parceiro", "Motivo", "ID do locatário", "Responsável", "Prazo",
			"Comentário", "Aceito até"},
		"es": {"Próximo paso", "Cliente", "Partner", "Motivo", "Id. de inquilino", "Responsable", "Fecha límite",
			"Comentario", "Aceptado hasta"},
		"other": {"x", "Kunde", "y", "z", "Mandant", "Wer", "Bis wann", "Was", "In Ordnung bis"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var titles map[string]string
			if language == "other" {
				titles = map[string]string{"Kunde": "customer", "Mandant": "tenant_id", "Wer": "owner",
					"Bis wann": "due_date", "Was": "comment", "In Ordnung bis": "accepted_until", "x": "next_step"}
			}
			path := workbook(t, nil, sheet{"Summary", []string{"Blocked", "36"}, nil}, sheet{"Blocked", header, [][]any{
				{"Attest", "Contoso", "contoso-br", "Never accepted", anID, "Bea", until.AddDate(0, 0, -31), "called",
					until},
				{"Attest", "Fabrikam", "contoso-br", "Never accepted", otherID},
			}})
			rows, skipped, f := exceptionsOf(t, path, titles, Options{})
			require.Equal(t, []string{`3 owner="Bea" due="2026-12-31" comment="called" until="2027-01-31"`},
				shownExceptions(rows))
			require.Equal(t, anID, rows[0].Says.TenantID)
			require.Equal(t, "Contoso", rows[0].Says.CompanyName)
			require.Equal(t, map[SkipReason]int{NoException: 1}, skipped)
			require.Equal(t, []string{"Blocked"}, f.Sheets())
			require.Equal(t, []string{anID, "", "Contoso"}, rows[0].Cells[:3])
		})
	}
}

func TestEveryVisibleListOfExceptionsInAWorkbookIsRead(t *testing.T) {
	t.Parallel()
	header := []string{"Tenant ID", "Customer", "Owner", "Comment"}
	path := workbook(t, func(book *excelize.File) {
		require.NoError(t, book.SetSheetVisible("Old", false))
	},
		sheet{"Blocked", header, [][]any{{anID, "Contoso", "Bea", "called"}}},
		sheet{"Customers", []string{"Tenant ID", "Customer", "Domain"}, [][]any{{anID, "Contoso", "contoso.com"}}},
		sheet{"Renewals at risk", []string{"Tenant ID", "Customer", "Owner", "Product"},
			[][]any{{anID, "Contoso", "Bea", "Office"}}},
		sheet{"Exceptions", header, [][]any{{otherID, "Fabrikam", "Carl", ""}}},
		sheet{"Old", header, [][]any{{otherID, "Fabrikam", "Dora", ""}}})
	rows, _, f := exceptionsOf(t, path, nil, Options{})
	require.Equal(t, []string{`3 owner="Bea" comment="called"`, `3 owner="Carl" comment=""`}, shownExceptions(rows))
	require.Equal(t, []string{"Blocked", "Exceptions"}, f.Sheets())
	require.Equal(t, "Exceptions", rows[1].Sheet)
	require.Equal(t, []string{`Nothing is read from sheet "Renewals at risk", which lacks columns of a list of exceptions.`,
		`Nothing is read from the hidden sheet "Old", which looks like a list of exceptions.`}, f.Notes())

	rows, _, _ = exceptionsOf(t, path, nil, Options{Sheet: "exceptions"})
	require.Equal(t, []string{`3 owner="Carl" comment=""`}, shownExceptions(rows))
}

// When Excel opens texts in another order than they were written in, some become real dates with
// day and month changed.
func TestRealDatesAmongTextsAreDoubted(t *testing.T) {
	t.Parallel()
	path := workbook(t, nil, sheet{"Blocked", []string{"Tenant ID", "Owner", "Accepted until"}, [][]any{
		{anID, "Bea", "25/12/2026"}, {otherID, "Bea", time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)},
		{otherID, "Bea", time.Date(2027, 3, 14, 0, 0, 0, 0, time.UTC)},
	}})
	rows, _, _ := exceptionsOf(t, path, nil, Options{})
	require.Equal(t, "2026-12-25", rows[0].Cells[7], "alone it would prove no order")
	require.Equal(t, "2027-03-04 ?", rows[1].Cells[7])
	require.Equal(t, []string{`3 owner="Bea" until="2026-12-25"`, "4 ambiguous_date(Accepted until)",
		`5 owner="Bea" until="2027-03-14"`}, shownExceptions(rows))
}

func TestExceptionsFromAPipe(t *testing.T) {
	t.Parallel()
	f, err := ReadExceptions(strings.NewReader("tenant_id,owner\n"+anID+",Bea\n"), "standard input", nil, Options{})
	require.NoError(t, err)
	defer f.Close()
	for row, err := range f.Rows() {
		require.NoError(t, err)
		require.Equal(t, `2 owner="Bea"`, shownException(row))
	}
	_, err = ReadExceptions(strings.NewReader(""), "standard input", nil, Options{})
	require.EqualError(t, err,
		"standard input: the file is empty. Check whether the export went wrong, and import the file that it should "+
			"have been")
}

func TestTooManyExceptionsAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "many.csv")
	require.NoError(t, os.WriteFile(path, []byte("tenant_id,owner\n"+strings.Repeat(anID+",Bea\n", maxExceptions+1)),
		0o600))
	_, err := OpenExceptions(path, nil, Options{})
	require.EqualError(t, err,
		path+" line 100002: the list has more than 100000 exceptions. Split it into several files")
}

func TestResultsOfExceptionsCanBeImportedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{CSV, XLSX} {
		path := filepath.Join(t.TempDir(), "refused")
		file, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, WriteExceptionResults(file, Format{Kind: kind}, []ExceptionResult{
			{[]string{anID, "", "Contoso", "", "Bea", "2026-12-01", "said \"yes\"\nand paid", ""}, "refused",
				"ambiguous_date", "Write it as 2026-05-31"}}))
		require.NoError(t, file.Close())
		rows, _, _ := exceptionsOf(t, path, nil, Options{})
		require.Len(t, rows, 1)
		require.Empty(t, rows[0].Refusals)
		require.Equal(t, "said \"yes\"\nand paid", *rows[0].Says.Comment)
		require.Equal(t, standing.Date("2026-12-01"), *rows[0].Says.DueOn)
	}
}

func TestExceptionSaidByCommand(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	got, err := ExceptionOf(text("Bea"), nil, text(""), text("2026-12-31"))
	require.NoError(t, err)
	require.Equal(t, ` owner="Bea" comment="" until="2026-12-31"`, shownException(ExceptionRow{Says: got})[1:])
	require.Empty(t, got.TenantID)
	_, err = ExceptionOf(nil, text("03/04/2026"), nil, nil)
	require.ErrorContains(t, err, `due_date "03/04/2026": day and month cannot be told apart`)
	_, err = ExceptionOf(text("a\nb"), nil, nil, nil)
	require.ErrorContains(t, err, "owner")
	_, err = ExceptionOf(nil, nil, nil, nil)
	require.EqualError(t, err, "nothing is said of the exception")
	_, err = ExceptionOf(text(""), nil, nil, nil)
	require.NoError(t, err)
}
