package xlsx

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// TextWriter writes a workbook with one sheet whose cells are all texts, so that +55… and
// 2026-05-31 stay as they are. The first row is the header. Rows go straight into the packed file:
// memory stays flat.
//
// The parts of a workbook that differ from list to list are the sheet's rows alone, so they are
// written by hand; a library would keep the packed file in memory and cut texts silently.
type TextWriter struct {
	file io.Writer
	zip  *zip.Writer
	out  *bufio.Writer
	rows int
	text []byte // room for the XML of a cell
}

// NewTextWriter returns a writer of a workbook to w.
func NewTextWriter(w io.Writer) *TextWriter { return &TextWriter{file: w} }

const mainNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

// textParts are the parts of the workbook beside the sheet. Style 1 is text (format 49, @), style 2
// the same in bold.
var textParts = [...]struct{ name, content string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ` +
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="` + mainNamespace +
		`" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
		`<sheets><sheet name="Attestations" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels",
		`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="` + mainNamespace +
		`"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
		`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>` +
		`<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">` +
		`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`},
}

// head writes everything up to the header row. The header stays in sight, and whole columns are
// formatted as text, so that what is typed below the last row is a text as well.
func (w *TextWriter) head(cells []string) error {
	w.zip = zip.NewWriter(w.file)
	for _, part := range textParts {
		p, err := w.zip.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(p, xmlHead+part.content); err != nil {
			return err
		}
	}
	sheet, err := w.zip.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return err
	}
	w.out = bufio.NewWriterSize(sheet, 64<<10)
	fmt.Fprintf(w.out, `%s<worksheet xmlns="%s"><sheetViews><sheetView workbookViewId="0">`+
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`+
		`<cols><col min="1" max="%d" width="24" style="1" customWidth="1"/></cols><sheetData>`,
		xmlHead, mainNamespace, max(1, len(cells)))
	return w.styled(cells, 2)
}

// Write writes a row; the first one is the header.
func (w *TextWriter) Write(cells []string) error {
	if w.zip == nil {
		return w.head(cells)
	}
	return w.styled(cells, 1)
}

func (w *TextWriter) styled(cells []string, style int) error {
	if w.rows++; w.rows > MaxRows {
		return fmt.Errorf("a sheet has no more than %d rows", MaxRows)
	}
	fmt.Fprintf(w.out, `<row r="%d">`, w.rows)
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		name, err := excelize.CoordinatesToCellName(i+1, w.rows)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.out, `<c r="%s" s="%d" t="inlineStr"><is><t xml:space="preserve">`, name, style)
		w.text = AppendText(w.text[:0], Fit(cell, "…"))
		w.out.Write(w.text)
		w.out.WriteString(`</t></is></c>`)
	}
	_, err := w.out.WriteString(`</row>`)
	return err
}

// Close writes the end of the workbook. The file stays open.
func (w *TextWriter) Close() error {
	w.out.WriteString(`</sheetData></worksheet>`)
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.zip.Close()
}
