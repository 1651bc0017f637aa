package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
)

const (
	main            = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	officeRelations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
)

var limits = Limits{Unpacked: 1 << 30, Ratio: 250, Text: 1 << 20}

// usual are the parts of a workbook with one row: the shared texts Ana and Souza, a date and a
// telephone number.
func usual() map[string]string {
	return map[string]string{
		"_rels/.rels": `<Relationships><Relationship Id="r" Type="` + officeRelations +
			`/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook ` + main + ` xmlns:r="` + officeRelations +
			`"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": workbookRelations("worksheets/sheet1.xml", "sharedStrings.xml", "styles.xml"),
		"xl/worksheets/sheet1.xml": `<worksheet ` + main + `><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c ` +
			`r="B1" t="s"><v>1</v></c><c r="C1" s="1"><v>46173</v></c>` +
			`<c r="D1" s="2"><v>5511987654321</v></c></row></sheetData></worksheet>`,
		"xl/sharedStrings.xml": `<sst ` + main + `><si><t>Ana</t></si><si><t>Souza</t></si></sst>`,
		"xl/styles.xml": `<styleSheet ` + main + `><numFmts count="1"><numFmt numFmtId="164" ` +
			`formatCode="&quot;+&quot;0"/></numFmts>` +
			`<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs></styleSheet>`,
	}
}

func workbookRelations(sheet, texts, styles string) string {
	return `<Relationships><Relationship Id="r1" Type="` + officeRelations + `/worksheet" ` +
		`Target="` + sheet + `"/><Relationship Id="r2" Type="` + officeRelations +
		`/sharedStrings" Target="` + texts + `"/><Relationship Id="r3" Type="` + officeRelations + `/styles" ` +
		`Target="` + styles + `"/></Relationships>`
}

// rename moves a part.
func rename(parts map[string]string, from, to string) {
	parts[to] = parts[from]
	delete(parts, from)
}

func open(t *testing.T, parts map[string]string) (*Book, error) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(part, parts[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return Open(bytes.NewReader(b.Bytes()), int64(b.Len()), limits)
}

// texts are the cells of the first sheet, dates as days.
func texts(t *testing.T, parts map[string]string) ([][]string, error) {
	t.Helper()
	book, err := open(t, parts)
	if err != nil {
		return nil, err
	}
	defer book.Close()
	var all [][]string
	for row, err := range book.Read(book.Sheets[0]).Rows() {
		if err != nil {
			return all, err
		}
		var cells []string
		for _, c := range row.Cells {
			if day, ok := book.Day(c.Number); ok && c.Kind == Date {
				c.Text = day.Format(time.DateTime)
			}
			cells = append(cells, c.Text)
		}
		all = append(all, cells)
	}
	return all, nil
}

// Each of these workbooks is as some program writes it, and says the same as the usual one.
func TestWorkbooksOfManyPrograms(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(parts map[string]string){
		"the usual one": func(map[string]string) {},
		"the main part is at the root": func(p map[string]string) {
			p["_rels/.rels"] = strings.ReplaceAll(p["_rels/.rels"], "xl/", "")
			for _, name := range []string{"workbook.xml", "_rels/workbook.xml.rels", "worksheets/sheet1.xml",
				"sharedStrings.xml", "styles.xml"} {
				rename(p, "xl/"+name, name)
			}
		},
		"other names of parts": func(p map[string]string) {
			p["xl/_rels/workbook.xml.rels"] = workbookRelations("/xl/one.xml", "texts.xml", "formats.xml")
			rename(p, "xl/worksheets/sheet1.xml", "xl/one.xml")
			rename(p, "xl/sharedStrings.xml", "xl/texts.xml")
			rename(p, "xl/styles.xml", "xl/formats.xml")
		},
		"other case of names": func(p map[string]string) { rename(p, "xl/sharedStrings.xml", "xl/SharedStrings.xml") },
		"a name with an escape": func(p map[string]string) {
			p["xl/_rels/workbook.xml.rels"] = workbookRelations("worksheets/sheet%201.xml", "sharedStrings.xml",
				"styles.xml")
			rename(p, "xl/worksheets/sheet1.xml", "xl/worksheets/sheet 1.xml")
		},
		"backslashes": func(p map[string]string) {
			p["xl/_rels/workbook.xml.rels"] = workbookRelations(`worksheets\sheet1.xml`, "sharedStrings.xml",
				"styles.xml")
			for _, name := range slices.Collect(maps.Keys(p)) {
				rename(p, name, strings.ReplaceAll(name, "/", `\`))
			}
		},
		"UTF-16": func(p map[string]string) {
			for _, name := range []string{"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"} {
				text, err := unicode.UTF16(unicode.LittleEndian,
					unicode.UseBOM).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?>` + p[name])
				require.NoError(t, err)
				p[name] = text
			}
		},
		"names with prefixes": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.NewReplacer("<", "<x:", "<x:/", "</x:", "xmlns=",
				"xmlns:x=").Replace(p["xl/worksheets/sheet1.xml"])
			p["xl/worksheets/sheet1.xml"] = strings.ReplaceAll(p["xl/worksheets/sheet1.xml"], "<x:/", "</x:")
		},
		"no references": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.NewReplacer(` r="1"`, "", ` r="A1"`, "", ` r="B1"`, "", ` r="C1"`,
				"", ` r="D1"`, "").Replace(p["xl/worksheets/sheet1.xml"])
		},
		"cells in another order": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"],
				`<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>`, `<c r="B1" t="s"><v>1</v></c><c r="A1" `+
					`t="s"><v>0</v></c>`, 1)
		},
		"an inline text beside a value": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], `t="s"><v>0</v>`,
				`t="inlineStr"><v>5</v><is><t>A</t><r><t>na</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is>`, 1)
		},
		"white space around values": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.NewReplacer("<v>", "<v>\n ", "</v>",
				" </v>\n").Replace(p["xl/worksheets/sheet1.xml"])
		},
		"a strict workbook": func(p map[string]string) {
			p["_rels/.rels"] = strings.ReplaceAll(p["_rels/.rels"], officeRelations,
				"http://purl.oclc.org/ooxml/officeDocument/relationships")
			p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], `s="1"><v>46173`,
				`s="1" t="d"><v>2026-05-31 00:00:00`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := usual()
			change(parts)
			rows, err := texts(t, parts)
			require.NoError(t, err)
			require.Equal(t, [][]string{{"Ana", "Souza", "2026-05-31 00:00:00", "+5511987654321"}}, rows)
		})
	}
}

func TestAnEmptyCellTakesItsColumn(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{`<c/>`, `<c t="s"></c>`, `<c t="s"><v></v></c>`,
		`<c t="inlineStr"><is><t></t></is></c>`, `<c s="1"/>`} {
		parts := usual()
		parts["xl/worksheets/sheet1.xml"] = `<worksheet ` + main + `><sheetData><row>` + empty + `<c ` +
			`t="s"><v>1</v></c></row></sheetData></worksheet>`
		rows, err := texts(t, parts)
		require.NoError(t, err, empty)
		require.Equal(t, [][]string{{"", "Souza"}}, rows, empty)
	}
}

func TestNoFormatsWithoutTheirPart(t *testing.T) {
	t.Parallel()
	parts := usual()
	delete(parts, "xl/styles.xml")
	rows, err := texts(t, parts)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"Ana", "Souza", "46173", "5511987654321"}}, rows)
}

func TestTheFirstPropertiesOfAWorkbookCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{`<workbookPr date1904="1"/>`: true,
		`<workbookPr date1904="true"/><extLst><ext><x14:workbookPr/></ext></extLst>`: true, `<workbookPr/>`: false,
		"": false} {
		parts := usual()
		parts["xl/workbook.xml"] = strings.Replace(parts["xl/workbook.xml"], "<sheets>", text+"<sheets>", 1)
		book, err := open(t, parts)
		require.NoError(t, err)
		require.Equal(t, want, book.From1904, text)
	}
}

// What cannot be read to its end is an error: its rows would be missing silently.
func TestDamagedWorkbooks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(parts map[string]string){
		"the sheet ends in the middle": func(
			p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = p["xl/worksheets/sheet1.xml"][:150]
		},
		"the texts end in the middle": func(
			p map[string]string) {
			p["xl/sharedStrings.xml"] = p["xl/sharedStrings.xml"][:100]
		},
		"a text is missing": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], "<v>1</v>", "<v>99</v>", 1)
		},
		"the sheet is missing": func(p map[string]string) { delete(p, "xl/worksheets/sheet1.xml") },
		"rows are not in order": func(p map[string]string) {
			p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], "<sheetData>",
				`<sheetData><row r="2"/>`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts := usual()
			change(parts)
			_, err := texts(t, parts)
			_, damaged := errors.AsType[*DamagedError](err)
			require.True(t, damaged, "%v", err)
		})
	}
}

func TestOtherArchivesAreNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"word/document.xml": "docx", "ppt/presentation.xml": "pptx",
		"xl/workbook.bin": "xlsb", "mimetype": "odf", "Index/Document.iwa": "iwork", "list.csv": "zip"} {
		_, err := open(t, map[string]string{name: "x"})
		wrong, ok := errors.AsType[*FormatError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, want, wrong.Is)
	}
}

func TestNumbersWithSignsBetweenTheirDigits(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`"+"0`: "+5511987654321", `\+0`: "+5511987654321", `+#`: "+5511987654321",
		`+00 (00) 00000-0000`: "+55 (11) 98765-4321", `"+"00\ "("00")"\ 00000\-0000`: "+55 (11) 98765-4321",
		`"+55 "0`: "+55 5511987654321", `[$-416]+0;-0`: "+5511987654321", `"+10"0`: "+105511987654321",
	} {
		require.NotEmpty(t, maskOf(code), code)
		require.Equal(t, want, masked(maskOf(code), "5511987654321"), code)
	}
	for _, code := range []string{"General", "0", "#", "#,##0", "0.00E+00", "+0.00", "yyyy-mm-dd", `"+"`, `+@`,
		"[>0]+0.0"} {
		require.Empty(t, maskOf(code), code)
	}
	require.Equal(t, "+00 (1) 2", masked("+00 (0) 0", "12"))
	require.Equal(t, "+ (1) 2", masked("+## (#) #", "12"))
	require.Equal(t, "00123", masked(maskOf("00000"), "123"))
}

func TestSerialTimes(t *testing.T) {
	t.Parallel()
	for serial, want := range map[float64]string{
		46173: "2026-05-31 00:00:00", 46173.584027777775: "2026-05-31 14:01:00",
		46173.99999998843: "2026-05-31 23:59:59", 46173.999999999993: "2026-06-01 00:00:00",
		46173.0000000001: "2026-05-31 00:00:00", 61: "1900-03-01 00:00:00",
	} {
		require.Equal(t, want, SerialTime(serial, false).Format(time.DateTime))
	}
	require.Equal(t, "2026-05-31 00:00:00", SerialTime(44711, true).Format(time.DateTime))
}

func TestDateFormats(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"dd/mm/yyyy": true, `[$-416]dd\/mmm\/yy;@`: true, "yyyy": true,
		`"day "0`: false, "[Red]0": false, "h:mm": false, `\d0`: false, "General": false, `0 "yd"`: false} {
		require.Equal(t, want, isDateFormat(code), code)
	}
}
