package intake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

func TestMonthsByName(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{
		"31-May-2026", "31 May 2026", "May 31, 2026", "31 de maio de 2026", "31/mai/2026", "Sunday, 31 May 2026",
		"31 MAY 2026", "31MAY2026", "31st of May 2026", "May 31st, 2026",
		"2026-May-31", "domingo, 31 de maio de 2026", "31.mai.2026", "Sun, 31 May 2026 10:15:00 GMT",
		"May 31 2026 12:00AM", "31 May 2026, 10:15", "31 de Maio de 2026 às 10:15",
	} {
		day, bad := dateReader{order: Auto}.day(cell)
		if strings.Contains(cell, "às") {
			require.NotNil(t, bad, cell)
			continue
		}
		require.Nil(t, bad, cell)
		require.Equal(t, standing.Date("2026-05-31"), day, cell)
	}
	for cell, want := range map[string]string{"1º de março de 2026": "2026-03-01", "1 Sept 2026": "2026-09-01",
		"5 out 2026": "2026-10-05", "29 February 2024": "2024-02-29"} {
		day, bad := dateReader{order: Auto}.day(cell)
		require.Nil(t, bad, cell)
		require.Equal(t, standing.Date(want), day)
	}
	for cell, want := range map[string]Code{
		"31-May-26": TwoDigitYear, "Monday, 31 May 2026": BadDate, "29 February 2026": BadDate, "May 2026": BadDate,
		"31 Foo 2026": BadDate, "May 31 June 2026": BadDate, "31 May 20266": BadDate,
		"May the fourth": BadDate, "31 May 2026 25:00": BadDate,
	} {
		_, bad := dateReader{order: Auto}.day(cell)
		require.NotNil(t, bad, cell)
		require.Equal(t, want, bad.code, cell)
	}
}

// rowsOfText reads a list of one header and some rows.
func rowsOfText(t *testing.T, header string, rows ...string) []Row {
	t.Helper()
	f, err := Open(upload(t, header+"\n"+strings.Join(rows, "\n")+"\n"), Options{AsOf: asOf})
	require.NoError(t, err, header)
	defer f.Close()
	all, err := collected(f.Rows())
	require.NoError(t, err)
	return all
}

const usualHeader = "customer_tenant_id,first_name,last_name,email,date_agreed"

func TestWordsForMissingValuesAreNoNames(t *testing.T) {
	t.Parallel()
	for names, good := range map[string]bool{
		"Ana,Null": true, "Na,Li": true, "Nan,Goldin": true, "Nil,Puig": true, "Li,Na": true, "Ana,Nascimento": true,
		"None Such,Silva": true, "Una,Nil": true,
		"NULL,NULL": false, "null,null": false, "Null,Null": false, "N/A,N/A": false, "Ana,N/A": false,
		"n.a.,Silva": false, "undefined,undefined": false, "Ana,undefined": false,
		"nan,nan": false, "NaN,NaN": false, "None,None": false, "Ana,None": false, "NULL,Silva": false,
		"Ana,NULL": false, "Ana,null": false, "(null),(null)": false, "nil,nil": false,
		"-,-": false, "Unknown,Unknown": false, "não informado,não informado": false, "[object Object],x": false,
		"\\N,\\N": false, "TBD,TBD": false, "'NULL,Silva": false, " null ,Silva": false,
	} {
		rows := rowsOfText(t, usualHeader, "8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,"+names+",a@contoso.com,2026-05-31")
		require.Equal(t, good, len(rows[0].Refusals) == 0, "%s: %v", names, rows[0].Refusals)
	}
}

func TestNamesInTheWrongEncodingAreRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Code{
		"JoÃ£o": Garbled, "JoĂŁo": Garbled, "Jo├úo": Garbled, "Jo√£o": Garbled, "JoГЈo": Garbled, "РћР»СЊРіР°": Garbled,
		"Jo\u0433o": Garbled, "\u05a4igo": Garbled,
		"Jo?o": LostLetters, "????": LostLetters, "Jo¿o": LostLetters, "Jo\ufffdo": Unreadable,
		"João": "", "Łukasz": "", "Иван": "", "Ольга": "", "Γιώργος": "", "Åsa": "", "Đorđe": "", "Şükrü": "",
		"Jānis": "", "Nguyễn": "", "太郎": "", "김": "", "O’Neill": "", "Müller-Lüdenscheidt": "",
		"Сергій": "", "Ґалаґан": "", "Їжак": "", "Ёлкин": "", "Ľubomír": "", "Ştefan": "", "Björk": "", "Ærø": "",
		"Àngels": "", "Éowyn": "", "ÉLISE": "", "JOÃO": "",
	} {
		p := checkName(name)
		if want == Unreadable {
			rows := rowsOfText(t, usualHeader,
				"8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,"+name+",Silva,a@contoso.com,2026-05-31")
			require.Equal(t, Unreadable, rows[0].Refusals[0].Reason)
			continue
		}
		if want == "" {
			require.Nil(t, p, name)
			continue
		}
		require.NotNil(t, p, name)
		require.Equal(t, want, p.code, name)
	}
}

func TestHeadersWithHints(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"Customer Tenant ID *,First name *,Last name *,E-mail *,Date agreed (YYYY-MM-DD)",
		"Tenant ID [GUID],First name (as signed),Last name {required},E-mail <address>,Date agreed YYYY-MM-DD",
		"*Tenant ID,First name:,Last name - required,Email: work,Date agreed – dd/mm/yyyy",
		"\u2066Tenant ID\u2069,First\u00a0name,LAST_NAME,e-mail,\"Date agreed\n(YYYY-MM-DD)\"",
		"Tenant ID / ID do locatário,Nome,Sobrenome (obrigatório),E-mail,Data do aceite (dd/mm/aaaa)",
	} {
		rows := rowsOfText(t, header, aRow)
		require.Empty(t, rows[len(rows)-1].Refusals, header)
		require.Equal(t, "Maria da Silva maria.silva@contoso.com 2026-05-31",
			rows[0].Record.FirstName+" "+rows[0].Record.LastName+" "+rows[0].Record.Email+" "+
				""+string(rows[0].Record.DateAgreed), header)
	}
}

// A vague name is believed when nothing else may be meant, and is a question when another column
// may.
func TestVagueColumns(t *testing.T) {
	t.Parallel()
	const maria = "8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,Maria,Silva,maria@contoso.com,2026-05-31"
	for header, second := range map[string]string{
		"Tenant ID,First name,Last name,Email,Date,Renewal date":                                  "2027-01-01",
		"Tenant ID,First name,Last name,Email,Date,Signed?":                                       "TRUE",
		"Tenant ID,First name,Last name,Email,date_agreed,MCA signed on":                          "2026-05-30",
		"Tenant ID,First name,Last name,Email,Date agreed,Billing e-mail of the company":          "b@contoso.com",
		"Tenant ID,First name,Last name,Signer email,Date agreed,Contact person's e-mail address": "b@contoso.com",
		"Customer ID,First name,Last name,Email,Date agreed,Microsoft domain":                     "contoso.com",
	} {
		rows := rowsOfText(t, header, maria+","+second)
		require.Empty(t, rows[0].Refusals, header)
		require.Equal(t, standing.Date("2026-05-31"), rows[0].Record.DateAgreed)
	}
	for header, second := range map[string]string{
		"Tenant ID,First name,Last name,Email,Date,MCA accepted on":           "2026-05-30",
		"Tenant ID,Nome,Sobrenome,E-mail,Data,Aceite do MCA":                  "30/05/2026",
		"Tenant ID,First name,Last name,Email,Date,Signature timestamp":       "30 May 2026 10:15",
		"Tenant ID,First name,Last name,Email,Date agreed,Signatory's e-mail": "b@contoso.com",
		"Customer ID,First name,Last name,Email,Date agreed,Entra directory":  "1f0e6d52-93ab-4c1d-8e77-0a1b2c3d4e5f",
	} {
		wrong := refusedFile(t, upload(t, header+"\n"+maria+","+second+"\n"), Options{AsOf: asOf})
		require.Equal(t, AmbiguousColumn, wrong.Code, header)
		columns := strings.Split(header, ",")
		require.Contains(t, wrong.Error(), columns[len(columns)-1])
	}
}

func TestOtherDelimitersAreNamed(t *testing.T) {
	t.Parallel()
	for delimiter, said := range map[string]string{"~": `"~"`, "^": `"^"`, "||": "", ":": `":"`, "\x01": `"\x01"`,
		" ; ": "", "   ": "spaces", "#": `"#"`, "¬": `"¬"`, "!!": `"!!"`} {
		list := strings.ReplaceAll(usualHeader+"\n"+aRow+"\n", ",", delimiter)
		if said == "" {
			f, err := Open(upload(t, list), Options{AsOf: asOf})
			require.NoError(t, err, delimiter)
			require.NoError(t, f.Close())
			continue
		}
		require.Contains(t, refusedFile(t, upload(t, list), Options{AsOf: asOf}).Error(), "separated by "+said+",")
	}
}

func TestASheetIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Old", "old"} { // a hidden one, too
		f, err := Open(corpus+"/ok_sheetjs_very_hidden_list.xlsx", Options{AsOf: asOf, Sheet: name})
		require.NoError(t, err)
		require.Equal(t, "Old", f.Format().Sheet)
		require.NoError(t, f.Close())
	}
	wrong := refusedFile(t, corpus+"/file_error_sheetjs_two_months.xlsx", Options{AsOf: asOf, Sheet: "July"})
	require.Contains(t, wrong.Error(), `the workbook has no sheet "July". Its sheets are "Customers", "June"`)
}
