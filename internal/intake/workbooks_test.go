package intake

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// listHeader and the rows below are the list that most workbooks of the corpus hold.
var (
	listHeader = []any{"customer_tenant_id", "first_name", "last_name", "email", "date_agreed", "phone", "country"}
	maria      = []any{"8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718", "Maria", "da Silva", "maria.silva@contoso.com",
		"2026-05-31", "+5511987654321", "BR"}
	john = []any{"1f0e6d52-93ab-4c1d-8e77-0a1b2c3d4e5f", "John", "Smith", "john.smith@fabrikam.com", "2026-06-02",
		"", "GB"}
	ana = []any{"b7d91c04-2e5f-4a38-9c61-7f8e9d0a1b2c", "Ana", "Souza", "ana@adventure-works.com", "2026-06-03",
		"", ""}
)

// dated is a row with another date.
func dated(row []any, date any) []any {
	row = append([]any(nil), row...)
	row[4] = date
	return row
}

// workbooks are the workbooks of the corpus, by name. `go test -run Corpus -update` writes them.
func workbooks(t *testing.T) map[string][]byte {
	t.Helper()
	day := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	template := func(kind Kind) []byte {
		var b bytes.Buffer
		require.NoError(t, Template(&b, Format{Kind: kind}))
		return b.Bytes()
	}
	whole := book(t, rowsOf(listHeader, maria, john), nil)
	return map[string][]byte{
		"ok_template.csv":  template(CSV),
		"ok_template.xlsx": template(XLSX),
		"ok_excel.xlsx": book(t, rowsOf(listHeader, dated(maria, day), dated(john,
			day.Add(14*time.Hour+time.Minute))), nil),
		"ok_excel_title_and_blank_rows.xlsx": book(t, rowsOf([]any{"MCA acceptances"}, nil, listHeader, maria, nil, nil,
			john), nil),
		"ok_excel_1904.xlsx": parts(sheetXML(`<row r="1">`+text("A1", "Tenant ID")+text("B1", "First name")+text("C1",
			"Last name")+text("D1", "E-mail")+text("E1", "Date agreed")+`</row>`+
			`<row r="2">`+text("A2", maria[0])+text("B2", "Maria")+text("C2", "da Silva")+text("D2",
			maria[3])+`<c r="E2" s="1"><v>44711</v></c></row>`+
			`<row r="3">`+text("A3", john[0])+text("B3", "John")+text("C3", "Smith")+text("D3",
			john[3])+`<c r="E3"><v>44711.5</v></c></row>`), `date1904="1"`),
		"refused_excel_1904_number_as_text.xlsx": parts(sheetXML(`<row r="1">`+text("A1", "Tenant ID")+text("B1",
			"First name")+text("C1", "Last name")+text("D1", "E-mail")+text("E1", "Date agreed")+`</row>`+
			`<row r="2">`+text("A2", maria[0])+text("B2", "Maria")+text("C2", "da Silva")+text("D2",
			maria[3])+text("E2", "44711")+`</row>`), `date1904="true"`),
		"ok_without_references.xlsx": parts(sheetXML(`<row>`+text("", "Tenant ID")+text("", "Nome")+text("",
			"Sobrenome")+text("", "E-mail")+text("", "Data do aceite")+`</row>`+
			`<row>`+text("", maria[0])+`<c t="inlineStr"><is><r><t>Ma</t></r><r><rPr><b/></rPr><t>ria</t></r><rPh `+
			`sb="0" eb="1"><t>MARIA</t></rPh></is></c>`+text("", "da_x0020_Silva")+text("", maria[3])+text("",
			"2026-05-31")+`</row>`), ""),
		"ok_prefixed_xml.xlsx": parts(`<x:worksheet xmlns:x="`+mainNamespace+`"><x:sheetData><x:row r="1"><x:c `+
			`r="A1" t="s"><x:v>0</x:v></x:c><x:c r="B1" t="s"><x:v>1</x:v></x:c><x:c r="C1" `+
			`t="s"><x:v>2</x:v></x:c><x:c r="D1" t="s"><x:v>3</x:v></x:c><x:c r="E1" t="s"><x:v>4</x:v></x:c></x:row>`+
			`<x:row r="2"><x:c r="A2" t="str"><x:v>`+maria[0].(string)+`</x:v></x:c><x:c r="B2" `+
			`t="str"><x:v>Maria</x:v></x:c><x:c r="C2" t="str"><x:v>Silva</x:v></x:c><x:c r="D2" `+
			`t="str"><x:v>maria.silva@contoso.com</x:v></x:c><x:c r="E2" `+
			`t="d"><x:v>2026-05-31T00:00:00</x:v></x:c></x:row></x:sheetData></x:worksheet>`, ""),
		"ok_list_on_the_second_sheet.xlsx": book(t, rowsOf([]any{"Please fill in the sheet Customers"}),
			func(f *excelize.File) {
				addSheet(t, f, "Customers", listHeader, maria)
			}),
		"ok_hidden_first_sheet.xlsx": book(t, rowsOf(listHeader, ana), func(f *excelize.File) {
			addSheet(t, f, "Customers", listHeader, maria)
			f.SetActiveSheet(1)
			require.NoError(t, f.SetSheetVisible("Sheet1", false))
		}),
		"file_error_two_lists.xlsx": book(t, rowsOf(listHeader, maria),
			func(f *excelize.File) { addSheet(t, f, "June", listHeader, john) }),
		"ok_hidden_rows.xlsx": book(t, rowsOf(listHeader, maria, john, ana), func(f *excelize.File) {
			require.NoError(t, f.SetRowVisible("Sheet1", 3, false))
			require.NoError(t, f.SetColVisible("Sheet1", "F", false))
		}),
		"ok_formulas_with_values.xlsx": parts(sheetXML(`<row r="1">`+text("A1", "Tenant ID")+text("B1",
			"First name")+text("C1", "Last name")+text("D1", "E-mail")+text("E1", "Date agreed")+`</row>`+
			`<row r="2">`+text("A2", maria[0])+`<c r="B2" t="str"><f>"Mar"&amp;"ia"</f><v>Maria</v></c>`+text("C2",
			"da Silva")+text("D2", maria[3])+`<c r="E2" s="1"><f>DATE(2026,5,31)</f><v>46173</v></c></row>`), ""),
		"ok_numbers.xlsx": book(t, rowsOf(listHeader, append(dated(maria[:5], 46173), 5511987654321, "BR"),
			append(dated(john[:5], 46173.75), 442071838750.0, "GB")), nil),
		"ok_text_dates_day_first.xlsx": book(t, rowsOf(listHeader, dated(maria, "03/04/2026"), dated(john,
			"31/05/2026")), nil),
		"refused_formula_errors.xlsx": parts(sheetXML(`<row r="1">`+text("A1", "Tenant ID")+text("B1",
			"First name")+text("C1", "Last name")+text("D1", "E-mail")+text("E1", "Date agreed")+`</row>`+
			`<row r="2">`+text("A2",
			maria[0])+`<c r="B2" t="e"><f>VLOOKUP(A2,x,2)</f><v>#N/A</v></c><c r="C2"><f>B2&amp;"x"</f></c>`+text("D2",
			maria[3])+`<c r="E2"><v>46173</v></c></row>`), ""),
		"refused_merged_cells.xlsx": book(t, rowsOf(listHeader, maria, append([]any{john[0], "", ""}, john[3:]...)),
			func(f *excelize.File) {
				require.NoError(t, f.MergeCell("Sheet1", "B2", "C3"))
			}),
		"refused_real_dates_among_text_dates.xlsx": book(t, rowsOf(listHeader, dated(maria, "31/05/2026"), dated(john,
			time.Date(2026, 4, 3, 0, 0, 0, 0, time.UTC)), dated(ana, day)), nil),
		"refused_ten_megabytes_in_a_cell.xlsx": parts(sheetXML(`<row r="1">`+text("A1", "Tenant ID")+text("B1",
			"First name")+text("C1", "Last name")+text("D1", "E-mail")+text("E1", "Date "+
			"agreed")+text("F1", "Note")+`</row>`+
			`<row r="2">`+text("A2", maria[0])+text("B2", "Maria")+text("C2", "da Silva")+text("D2",
			maria[3])+text("E2", "2026-05-31")+text("F2", strings.Repeat("ten megabytes ", 10<<20/14))+`</row>`+
			`<row r="3">`+text("A3", john[0])+text("B3", "John")+text("C3", "Smith")+text("D3", john[3])+text("E3",
			"2026-05-31")+`</row>`), ""),
		"file_error_twenty_megabytes_in_a_cell.xlsx": parts(sheetXML(`<row r="1">`+text("A1",
			strings.Repeat(randomText(4<<10), 20<<20/(4<<10)))+`</row>`), ""),
		"file_error_zip_bomb.xlsx":    parts(sheetXML(strings.Repeat(" ", 20<<20)), ""),
		"file_error_half_a_file.xlsx": whole[:len(whole)/2],
		"file_error_sheet_ends_in_the_middle.xlsx": parts(strings.TrimSuffix(sheetXML(`<row r="1">`+text("A1",
			"Tenant ID")+text("B1", "First name")+text("C1", "Last name")+text("D1", "E-mail")+text("E1",
			"Date agreed")+`</row>`), `</sheetData></worksheet>`), ""),
		"file_error_missing_text.xlsx": parts(sheetXML(`<row r="1"><c r="A1" t="s"><v>99</v></c></row>`),
			""),
		"file_error_empty_workbook.xlsx": book(t, nil, nil),
		"file_error_header_only.xlsx":    book(t, rowsOf(listHeader), nil),
		"file_error_password.xlsx":       protected(t, rowsOf(listHeader, maria)),
		"file_error_xlsb.xlsx": otherDocument("xl/workbook.bin",
			"application/vnd.ms-excel.sheet.binary.macroEnabled.main", "\x83\x01"),
		"file_error_docx.xlsx": otherDocument("word/document.xml",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml", "<w:document/>"),
		"file_error_zip.csv": packed(part{"customers.csv", "customer_tenant_id,first_name"}),
	}
}

func rowsOf(rows ...[]any) [][]any { return rows }

// book is a workbook as Excel writes it, with the rows on its first sheet; change is called before
// it is saved.
func book(t *testing.T, rows [][]any, change func(*excelize.File)) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, newBook(t, rows, change).Write(&b))
	return b.Bytes()
}

func newBook(t *testing.T, rows [][]any, change func(*excelize.File)) *excelize.File {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, f.SetSheetRow("Sheet1", cell, &row))
	}
	if change != nil {
		change(f)
	}
	return f
}

// protected is a workbook with a password. Its bytes differ from time to time.
func protected(t *testing.T, rows [][]any) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, newBook(t, rows, nil).Write(&b, excelize.Options{Password: "secret"}))
	return b.Bytes()
}

func addSheet(t *testing.T, f *excelize.File, name string, rows ...[]any) {
	t.Helper()
	_, err := f.NewSheet(name)
	require.NoError(t, err)
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, f.SetSheetRow(name, cell, &row))
	}
}

// text is a cell of a sheet written by hand.
func text(reference string, value any) string {
	if reference != "" {
		reference = ` r="` + reference + `"`
	}
	return `<c` + reference + ` t="inlineStr"><is><t>` + value.(string) + `</t></is></c>`
}

func sheetXML(rows string) string {
	return `<worksheet xmlns="` + mainNamespace + `"><sheetData>` + rows + `</sheetData></worksheet>`
}

// The relationships of a package, and of a workbook to its parts.
const (
	mainNamespace    = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	packageNamespace = "http://schemas.openxmlformats.org/package/2006/"
	officeNamespace  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	mainType         = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// part is a part of a package.
type part struct{ name, content string }

// parts is a workbook written by hand around one sheet; properties are those of <workbookPr>.
func parts(sheet, properties string) []byte {
	return packed(
		part{"[Content_Types].xml", contentTypes("xl/workbook.xml", mainType+"sheet.main+xml",
			"xl/worksheets/sheet1.xml", mainType+"worksheet+xml",
			"xl/styles.xml", mainType+"styles+xml", "xl/sharedStrings.xml", mainType+"sharedStrings+xml")},
		part{"_rels/.rels", relationships(relation("rId1", "officeDocument", "xl/workbook.xml"))},
		part{"xl/workbook.xml", `<workbook xmlns="` + mainNamespace + `" xmlns:r="` + officeNamespace +
			`"><workbookPr ` + properties + `/>` +
			`<sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		part{"xl/_rels/workbook.xml.rels", relationships(relation("rId1", "worksheet", "/xl/worksheets/sheet1.xml"),
			relation("rId2", "styles", "styles.xml"),
			relation("rId3", "sharedStrings", "sharedStrings.xml"))},
		part{"xl/styles.xml", `<styleSheet xmlns="` + mainNamespace +
			`"><numFmts count="1"><numFmt numFmtId="164" formatCode="[$-416]dd\/mmm\/yy;@"/></numFmts>` +
			`<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills ` +
			`count="1"><fill><patternFill patternType="none"/></fill></fills>` +
			`<borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" ` +
			`borderId="0"/></cellStyleXfs>` +
			`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="164" ` +
			`fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>` +
			`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
		part{"xl/sharedStrings.xml", `<sst xmlns="` + mainNamespace +
			`" count="5" uniqueCount="5"><si><t>customer_tenant_id</t></si><si><t>first_name</t></si>` +
			`<si><r><t>last</t></r><r><t>_name</t></r></si><si><t>email</t></si><si><t>date_agreed</t><rPh sb="0" ` +
			`eb="1"><t>no text</t></rPh></si></sst>`},
		part{"xl/worksheets/sheet1.xml", sheet},
	)
}

// otherDocument is a package whose main part is no workbook in XML.
func otherDocument(main, kind, content string) []byte {
	return packed(part{"[Content_Types].xml", contentTypes(main, kind)},
		part{"_rels/.rels", relationships(relation("rId1", "officeDocument", main))}, part{main, content})
}

func contentTypes(namesAndTypes ...string) string {
	var b strings.Builder
	b.WriteString(`<Types xmlns="` + packageNamespace +
		`content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`)
	for pair := range slices.Chunk(namesAndTypes, 2) {
		b.WriteString(`<Override PartName="/` + pair[0] + `" ContentType="` + pair[1] + `"/>`)
	}
	return b.String() + `</Types>`
}

func relationships(all ...string) string {
	return `<Relationships xmlns="` + packageNamespace + `relationships">` + strings.Join(all, "") + `</Relationships>`
}

func relation(id, kind, target string) string {
	return `<Relationship Id="` + id + `" Type="` + officeNamespace + "/" + kind + `" Target="` + target + `"/>`
}

// packed is a zip archive, the same bytes each time.
func packed(all ...part) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range all {
		f, err := w.Create(p.name)
		if err == nil {
			_, err = f.Write([]byte(p.content))
		}
		if err != nil {
			return nil
		}
	}
	if w.Close() != nil {
		return nil
	}
	return b.Bytes()
}

// randomText is text that packs badly, the same each time.
func randomText(n int) string {
	b := make([]byte, n)
	seed := uint32(1)
	for i := range b {
		seed = seed*1664525 + 1013904223
		b[i] = 'a' + byte(seed>>24)%26
	}
	return string(b)
}

// writeWorkbooks writes the workbooks of the corpus. The one with a password is written once, as it
// never comes out the same.
func writeWorkbooks(t *testing.T) {
	t.Helper()
	for name, content := range workbooks(t) {
		path := filepath.Join(corpus, name)
		if _, err := os.Stat(path); err == nil && strings.Contains(name, "password") {
			continue
		}
		require.NoError(t, os.WriteFile(path, content, 0o644))
	}
}
