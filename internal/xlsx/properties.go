package xlsx

import (
	"fmt"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Properties are what Excel shows under File, Info.
type Properties struct {
	Title, Subject, Description, Language string
	Program                               string
	Created                               time.Time
	Custom                                []Property
}

// Property is a custom property of a workbook.
type Property struct{ Name, Value string }

const (
	coreProperties   = "docProps/core.xml"
	appProperties    = "docProps/app.xml"
	customProperties = "docProps/custom.xml"
)

// fingerprintName is the custom property that tells a workbook that nobody has changed since this
// program wrote it.
const fingerprintName = "mcaledger fingerprint"

// noFingerprint stands where the fingerprint will; it is as long as one.
var noFingerprint = strings.Repeat("0", 64)

// LateParts are the parts that are written after the rows: these, and those with the properties.
func LateParts(parts ...string) []string {
	return append(parts, coreProperties, appProperties, customProperties)
}

// SetProperties has the frame make room for the properties; WriteProperties writes them.
func SetProperties(frame *excelize.File) error {
	off := false
	if err := frame.SetWorkbookProps(&excelize.WorkbookPropsOptions{FilterPrivacy: &off}); err != nil {
		return err
	}
	if err := frame.SetDocProps(&excelize.DocProperties{}); err != nil {
		return err
	}
	if err := frame.SetAppProps(&excelize.AppProperties{}); err != nil {
		return err
	}
	return frame.SetCustomProps(excelize.CustomProperty{Name: fingerprintName, Value: noFingerprint})
}

// WriteProperties writes the properties' parts itself: excelize leaves out the prefixes by which
// other programs know them.
func (w *Writer) WriteProperties(p Properties) error {
	for part, content := range map[string]string{
		coreProperties: p.core(),
		appProperties: xmlHead + `<Properties xmlns="` + appNamespace + `"><Application>` + escaped(p.Program) +
			`</Application></Properties>`,
		customProperties: p.custom(),
	} {
		if err := w.Replace(part, []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

const (
	xmlHead         = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	appNamespace    = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
	customNamespace = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
	typesNamespace  = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
	customFormat    = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
)

func (p Properties) core() string {
	var b strings.Builder
	b.WriteString(xmlHead +
		`<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"` +
		` xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"` +
		` xmlns:dcmitype="http://purl.org/dc/dcmitype/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	for _, e := range []struct{ name, value string }{
		{"dc:title", p.Title}, {"dc:subject", p.Subject}, {"dc:creator", p.Program}, {"dc:description", p.Description},
		{"cp:lastModifiedBy", p.Program}, {"dc:language", p.Language},
	} {
		fmt.Fprintf(&b, "<%[1]s>%[2]s</%[1]s>", e.name, escaped(e.value))
	}
	for _, name := range []string{"created", "modified"} {
		fmt.Fprintf(&b, `<dcterms:%[1]s xsi:type="dcterms:W3CDTF">%[2]s</dcterms:%[1]s>`, name,
			p.Created.UTC().Format("2006-01-02T15:04:05Z"))
	}
	b.WriteString(`</cp:coreProperties>`)
	return b.String()
}

func (p Properties) custom() string {
	var b strings.Builder
	fmt.Fprintf(&b, `%s<Properties xmlns="%s" xmlns:vt="%s">`, xmlHead, customNamespace, typesNamespace)
	for i, c := range append(p.Custom, Property{fingerprintName, noFingerprint}) {
		fmt.Fprintf(&b, `<property fmtid="%s" pid="%d" name="%s"><vt:lpwstr>%s</vt:lpwstr></property>`, customFormat,
			i+2, strings.ReplaceAll(escaped(c.Name), `"`, "&quot;"), escaped(c.Value))
	}
	b.WriteString(`</Properties>`)
	return b.String()
}

func escaped(s string) string { return string(AppendText(nil, s)) }
