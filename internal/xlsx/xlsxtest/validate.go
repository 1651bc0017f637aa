// Package xlsxtest checks workbooks: against the ECMA-376 transitional schemas, as far as this
// program uses them, and against rules that Excel enforces beyond them, a breach of which makes it
// repair a file when it is opened.
package xlsxtest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Node is an element of a part.
type Node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []Node     `xml:",any"`
	Text     string     `xml:",chardata"`
}

// Attr is the value of an attribute; "" when there is none.
func (n Node) Attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// All are the elements of a name, wherever they are below n, and n itself.
func (n Node) All(name string) (found []Node) {
	if n.XMLName.Local == name {
		found = append(found, n)
	}
	for _, child := range n.Children {
		found = append(found, child.All(name)...)
	}
	return found
}

// Child is the first element along a path of names; the zero Node when there is none.
func (n Node) Child(names ...string) Node {
	for _, name := range names {
		i := slices.IndexFunc(n.Children, func(c Node) bool { return c.XMLName.Local == name })
		if i < 0 {
			return Node{}
		}
		n = n.Children[i]
	}
	return n
}

// Workbook is a workbook with its XML parts read.
type Workbook struct {
	Parts map[string]Node
	names []string
	found []string // violations
}

// Open reads a workbook's parts.
func Open(book []byte) (*Workbook, error) {
	archive, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		return nil, err
	}
	w := &Workbook{Parts: map[string]Node{}}
	for _, entry := range archive.File {
		in, err := entry.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		var root Node
		if err := xml.Unmarshal(content, &root); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		w.Parts[entry.Name] = root
		w.names = append(w.names, entry.Name)
	}
	return w, nil
}

// Validate returns the violations of a workbook; none when it is as the standard and Excel want it.
func Validate(book []byte) []string {
	w, err := Open(book)
	if err != nil {
		return []string{err.Error()}
	}
	w.packaging()
	for _, name := range w.names {
		w.schema(name, w.Parts[name])
	}
	w.styles()
	w.sheets()
	w.tables()
	w.charts()
	return w.found
}

func (w *Workbook) violation(format string, values ...any) {
	if len(w.found) < 100 {
		w.found = append(w.found, fmt.Sprintf(format, values...))
	}
}

// ---- The schemas.

var grammars = map[string]map[string]element{
	"http://schemas.openxmlformats.org/spreadsheetml/2006/main":                 parseGrammar(spreadsheetML),
	"http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing":       parseGrammar(drawingML),
	"http://schemas.openxmlformats.org/drawingml/2006/chart":                    parseGrammar(drawingML),
	"http://schemas.openxmlformats.org/package/2006/content-types":              parseGrammar(packaging),
	"http://schemas.openxmlformats.org/package/2006/relationships":              parseGrammar(packaging),
	"http://schemas.openxmlformats.org/package/2006/metadata/core-properties":   parseGrammar(packaging),
	"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties": parseGrammar(appProperties),
	"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties":   parseGrammar(customProperties),
}

// schema checks a part; the theme is excelize's own and constant.
func (w *Workbook) schema(name string, root Node) {
	if strings.HasPrefix(name, "xl/theme/") {
		return
	}
	grammar, ok := grammars[root.XMLName.Space]
	if !ok {
		w.violation("%s: unknown namespace %q", name, root.XMLName.Space)
		return
	}
	w.element(name, grammar, "", root)
}

func (w *Workbook) element(part string, grammar map[string]element, parent string, n Node) {
	name := n.XMLName.Local
	e, ok := grammar[parent+"/"+name]
	if !ok {
		e, ok = grammar[name]
	}
	if !ok {
		w.violation("%s: unknown element %s in %s", part, name, parent)
		return
	}
	var children strings.Builder
	for _, c := range n.Children {
		children.WriteString(c.XMLName.Local + ",")
	}
	if e.children == nil {
		return
	}
	if !e.children.MatchString(children.String()) {
		w.violation("%s: %s has the children %.300s", part, name, children.String())
	}
	if !e.text && strings.TrimSpace(n.Text) != "" {
		w.violation("%s: %s has text", part, name)
	}
	w.attributes(part, name, e, n)
	for _, c := range n.Children {
		w.element(part, grammar, name, c)
	}
}

func (w *Workbook) attributes(part, name string, e element, n Node) {
	for _, a := range n.Attrs {
		// the next may be ignored by readers
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" || a.Name.Local == "Ignorable" ||
			strings.HasPrefix(a.Name.Space, "http://schemas.microsoft.com/") {
			continue
		}
		known, ok := e.attributes[a.Name.Local]
		switch {
		case !ok:
			w.violation("%s: %s has an attribute %s", part, name, a.Name.Local)
		case !known.value.MatchString(a.Value):
			w.violation("%s: %s %s=%q", part, name, a.Name.Local, a.Value)
		}
	}
	for key, a := range e.attributes {
		if a.required && !slices.ContainsFunc(n.Attrs, func(have xml.Attr) bool { return have.Name.Local == key }) {
			w.violation("%s: %s lacks %s", part, name, key)
		}
	}
}

// ---- The package.

func (w *Workbook) packaging() {
	seen := map[string]bool{}
	for _, name := range w.names {
		if low := strings.ToLower(name); seen[low] {
			w.violation("two parts are called %s", name)
		} else {
			seen[low] = true
		}
	}
	types := w.Parts["[Content_Types].xml"]
	typed, extensions := map[string]bool{}, map[string]bool{}
	for _, o := range types.All("Override") {
		name := strings.TrimPrefix(o.Attr("PartName"), "/")
		if typed[name] = true; !seen[strings.ToLower(name)] {
			w.violation("the content types name %s, which is not there", name)
		}
	}
	for _, d := range types.All("Default") {
		extensions[d.Attr("Extension")] = true
	}
	for _, name := range w.names {
		if name != "[Content_Types].xml" && !typed[name] && !(extensions["rels"] && strings.HasSuffix(name, ".rels")) {
			w.violation("%s has no content type of its own", name)
		}
	}
	for _, name := range w.names {
		if strings.HasSuffix(name, ".rels") {
			w.relationships(name)
		}
	}
}

// source is the part whose relationships a part holds.
func source(rels string) string {
	return path.Join(path.Dir(path.Dir(rels)), strings.TrimSuffix(path.Base(rels), ".rels"))
}

func (w *Workbook) relationships(rels string) {
	ids := map[string]bool{}
	for _, r := range w.Parts[rels].All("Relationship") {
		if ids[r.Attr("Id")] {
			w.violation("%s has the id %s twice", rels, r.Attr("Id"))
		}
		ids[r.Attr("Id")] = true
		if r.Attr("TargetMode") == "External" {
			continue
		}
		if _, ok := w.Parts[target(rels, r)]; !ok {
			w.violation("%s: %s is not there", rels, r.Attr("Target"))
		}
	}
	for _, id := range relationshipIDs(w.Parts[source(rels)]) {
		if !ids[id] {
			w.violation("%s uses the relationship %s, which is not there", source(rels), id)
		}
	}
}

func target(rels string, r Node) string {
	if absolute, ok := strings.CutPrefix(r.Attr("Target"), "/"); ok {
		return absolute
	}
	return path.Join(path.Dir(source(rels)), r.Attr("Target"))
}

func relationshipIDs(n Node) (ids []string) {
	for _, a := range n.Attrs {
		if a.Name.Space == "http://schemas.openxmlformats.org/officeDocument/2006/relationships" &&
			a.Name.Local == "id" {
			ids = append(ids, a.Value)
		}
	}
	for _, c := range n.Children {
		ids = append(ids, relationshipIDs(c)...)
	}
	return ids
}

// related are the parts that a part names, by type.
func (w *Workbook) related(part, kind string) (names []string) {
	rels := path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
	for _, r := range w.Parts[rels].All("Relationship") {
		if strings.HasSuffix(r.Attr("Type"), "/"+kind) {
			names = append(names, target(rels, r))
		}
	}
	return names
}

// ---- Styles.

func (w *Workbook) styles() {
	root := w.Parts["xl/styles.xml"]
	for _, list := range root.Children {
		if count := list.Attr("count"); count != "" && count != strconv.Itoa(len(list.Children)) {
			w.violation("styles: %s counts %s and has %d", list.XMLName.Local, count, len(list.Children))
		}
	}
	formats := map[string]bool{}
	for _, f := range root.Child("numFmts").Children {
		formats[f.Attr("numFmtId")] = true
		if id, _ := strconv.Atoi(f.Attr("numFmtId")); id < 164 || len(f.Attr("formatCode")) > 255 {
			w.violation("styles: number format %s", f.Attr("numFmtId"))
		}
	}
	sizes := map[string]int{"fontId": len(root.Child("fonts").Children), "fillId": len(root.Child("fills").Children),
		"borderId": len(root.Child("borders").Children)}
	for _, xf := range root.Child("cellXfs").Children {
		for key, size := range sizes {
			if n, _ := strconv.Atoi(xf.Attr(key)); n >= size {
				w.violation("styles: %s %d of %d", key, n, size)
			}
		}
		if id, _ := strconv.Atoi(xf.Attr("numFmtId")); id >= 164 && !formats[xf.Attr("numFmtId")] {
			w.violation("styles: number format %d is not there", id)
		}
	}
	for i, want := range []string{"none", "gray125"} {
		if fills := root.Child("fills").Children; len(fills) < 2 ||
			fills[i].Child("patternFill").Attr("patternType") != want {
			w.violation("styles: fill %d is reserved for %s", i, want)
		}
	}
}

// ---- Sheets.

var badSheetName = regexp.MustCompile(`[\\/?*:\[\]]|^'|'$`)

func (w *Workbook) sheetParts() (parts []string, names map[string]string) {
	names = map[string]string{}
	byID := map[string]string{}
	for _, r := range w.Parts["xl/_rels/workbook.xml.rels"].All("Relationship") {
		byID[r.Attr("Id")] = target("xl/_rels/workbook.xml.rels", r)
	}
	for _, s := range w.Parts["xl/workbook.xml"].All("sheet") {
		part := byID[s.Attr("id")]
		parts = append(parts, part)
		names[s.Attr("name")] = part
	}
	return parts, names
}

func (w *Workbook) sheets() {
	parts, names := w.sheetParts()
	seen := map[string]bool{}
	for name := range names {
		if low := strings.ToLower(name); len(utf16.Encode([]rune(name))) > 31 || name == "" ||
			badSheetName.MatchString(name) || seen[low] {
			w.violation("the sheet name %q", name)
		} else {
			seen[low] = true
		}
	}
	w.definedNames(names)
	for _, part := range parts {
		w.cells(part)
		w.sheetRules(part, names)
	}
}

var reference = regexp.MustCompile(
	`^(?:'((?:[^']|'')+)'|([A-Za-z0-9_.]+))!\$?[A-Z]{0,3}\$?\d*(?::\$?[A-Z]{0,3}\$?\d*)?$`)

// refersTo checks that a reference, or several with commas between, names sheets that are there.
func (w *Workbook) refersTo(where, text string, names map[string]string) {
	for _, ref := range splitReferences(text) {
		m := reference.FindStringSubmatch(ref)
		if m == nil {
			w.violation("%s: %q is not a reference", where, ref)
			continue
		}
		if name := strings.ReplaceAll(m[1], "''", "'") + m[2]; names[name] == "" {
			w.violation("%s: there is no sheet %q", where, name)
		}
	}
}

func splitReferences(text string) (all []string) {
	quoted, begin := false, 0
	for i, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ',' && !quoted:
			all = append(all, text[begin:i])
			begin = i + 1
		}
	}
	return append(all, text[begin:])
}

var validName = regexp.MustCompile(`^[\pL_\\][\pL\pN_.\\]*$`)

func (w *Workbook) definedNames(names map[string]string) {
	seen := map[string]bool{}
	for _, n := range w.Parts["xl/workbook.xml"].All("definedName") {
		key := strings.ToLower(n.Attr("name") + "|" + n.Attr("localSheetId"))
		if seen[key] || !validName.MatchString(n.Attr("name")) || len(n.Attr("name")) > 255 {
			w.violation("the defined name %s", key)
		}
		seen[key] = true
		w.refersTo("defined name "+n.Attr("name"), n.Text, names)
	}
}

var cellReference = regexp.MustCompile(`^([A-Z]{1,3})(\d+)$`)

// column is the number of a column's letters.
func column(letters string) (n int) {
	for _, c := range letters {
		n = n*26 + int(c-'A'+1)
	}
	return n
}

func (w *Workbook) cells(part string) {
	root := w.Parts[part]
	styles, strings_ := len(w.Parts["xl/styles.xml"].Child("cellXfs").Children),
		len(w.Parts["xl/sharedStrings.xml"].Children)
	lastRow, right, bottom := 0, 0, 0
	for _, row := range root.Child("sheetData").Children {
		r, _ := strconv.Atoi(row.Attr("r"))
		if height, _ := strconv.ParseFloat(row.Attr("ht"), 64); r <= lastRow || r > 1_048_576 || height > 409.5 {
			w.violation("%s: row %d after %d, %g points high", part, r, lastRow, height)
		}
		lastRow, bottom = r, max(bottom, r)
		lastColumn := 0
		for _, c := range row.Children {
			m := cellReference.FindStringSubmatch(c.Attr("r"))
			if m == nil || m[2] != strconv.Itoa(r) || column(m[1]) <= lastColumn || column(m[1]) > 16_384 {
				w.violation("%s: cell %s in row %d", part, c.Attr("r"), r)
				continue
			}
			lastColumn = column(m[1])
			right = max(right, lastColumn)
			w.cell(part, c, styles, strings_)
		}
	}
	if last := regexp.MustCompile(`([A-Z]+)(\d+)$`).FindStringSubmatch(
		root.Child("dimension").Attr("ref")); last != nil {
		if rows, _ := strconv.Atoi(last[2]); rows < bottom || column(last[1]) < right {
			w.violation("%s: the dimension %s is smaller than the sheet", part, root.Child("dimension").Attr("ref"))
		}
	}
}

func (w *Workbook) cell(part string, c Node, styles, sharedStrings int) {
	if s, _ := strconv.Atoi(c.Attr("s")); s >= styles {
		w.violation("%s: %s has the style %d of %d", part, c.Attr("r"), s, styles)
	}
	value := c.Child("v").Text
	switch c.Attr("t") {
	case "s":
		if n, err := strconv.Atoi(value); err != nil || n >= sharedStrings {
			w.violation("%s: %s is string %q of %d", part, c.Attr("r"), value, sharedStrings)
		}
	case "inlineStr":
		if len(utf16.Encode([]rune(Unescape(c.Child("is", "t").Text)))) > 32_767 {
			w.violation("%s: %s is too long", part, c.Attr("r"))
		}
	case "", "n":
		if _, err := strconv.ParseFloat(value, 64); err != nil && value != "" || strings.ContainsAny(value, "NnIi") {
			w.violation("%s: %s is the number %q", part, c.Attr("r"), value)
		}
	}
}

func (w *Workbook) sheetRules(part string, names map[string]string) {
	root := w.Parts[part]
	last := 0
	for _, c := range root.All("col") {
		low, _ := strconv.Atoi(c.Attr("min"))
		high, _ := strconv.Atoi(c.Attr("max"))
		if width, _ := strconv.ParseFloat(c.Attr("width"), 64); low <= last || high < low || width > 255 {
			w.violation("%s: columns %d to %d, %g wide", part, low, high, width)
		}
		last = high
	}
	priorities := map[string]bool{}
	dxfs := len(w.Parts["xl/styles.xml"].Child("dxfs").Children)
	for _, rule := range root.All("cfRule") {
		if rule.XMLName.Space != root.XMLName.Space { // an extension of the same rule
			continue
		}
		if n, _ := strconv.Atoi(rule.Attr("dxfId")); n >= max(dxfs, 1) {
			w.violation("%s: conditional style %d of %d", part, n, dxfs)
		}
		if priorities[rule.Attr("priority")] {
			w.violation("%s: two conditional formats have the priority %s", part, rule.Attr("priority"))
		}
		priorities[rule.Attr("priority")] = true
	}
	links := root.All("hyperlink")
	if len(links) > 65_530 {
		w.violation("%s: %d hyperlinks", part, len(links))
	}
	for _, l := range links {
		if location := l.Attr("location"); location != "" {
			w.refersTo(part+" link "+l.Attr("ref"), location, names)
		}
		if len(utf16.Encode([]rune(l.Attr("tooltip")))) > 255 {
			w.violation("%s: the tooltip of %s is too long", part, l.Attr("ref"))
		}
	}
	for _, name := range []string{"oddHeader", "oddFooter"} {
		if text := root.Child("headerFooter", name).Text; len(utf16.Encode([]rune(text))) > 255 {
			w.violation("%s: %s is too long", part, name)
		}
	}
	for _, v := range root.All("dataValidation") {
		if len(v.Child("formula1").Text) > 257 || len(v.Attr("prompt")) > 255 || len(v.Attr("promptTitle")) > 32 {
			w.violation("%s: data validation of %s", part, v.Attr("sqref"))
		}
	}
}

// ---- Tables.

func (w *Workbook) tables() {
	names, ids := map[string]bool{}, map[string]bool{}
	parts, _ := w.sheetParts()
	for _, sheet := range parts {
		for _, part := range w.related(sheet, "table") {
			t := w.Parts[part]
			name := strings.ToLower(t.Attr("displayName"))
			if names[name] || ids[t.Attr("id")] || !validName.MatchString(name) ||
				cellReference.MatchString(strings.ToUpper(name)) {
				w.violation("%s: the table %s, id %s", part, t.Attr("displayName"), t.Attr("id"))
			}
			names[name], ids[t.Attr("id")] = true, true
			w.table(sheet, part, t)
		}
	}
}

var area = regexp.MustCompile(`^([A-Z]+)(\d+):([A-Z]+)(\d+)$`)

// table checks that the header cells hold the names of the columns, letter for letter, and that
// there is a row for data.
func (w *Workbook) table(sheet, part string, t Node) {
	m := area.FindStringSubmatch(t.Attr("ref"))
	columns := t.Child("tableColumns").Children
	if m == nil || t.Child("autoFilter").Attr("ref") != t.Attr("ref") {
		w.violation("%s: the range %s", part, t.Attr("ref"))
		return
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[4])
	if last <= first || column(m[3])-column(m[1])+1 != len(columns) ||
		t.Child("tableColumns").Attr("count") != strconv.Itoa(len(columns)) {
		w.violation("%s: %d columns in %s", part, len(columns), t.Attr("ref"))
	}
	head := map[string]string{}
	for _, row := range w.Parts[sheet].Child("sheetData").Children {
		if row.Attr("r") == m[2] {
			for _, c := range row.Children {
				head[strings.TrimRight(c.Attr("r"), "0123456789")] = w.text(c)
			}
		}
	}
	seen := map[string]bool{}
	for i, c := range columns {
		letters := ""
		for n := column(m[1]) + i; n > 0; n = (n - 1) / 26 {
			letters = string(rune('A'+(n-1)%26)) + letters
		}
		if name := strings.ToLower(c.Attr("name")); seen[name] || head[letters] != c.Attr("name") {
			w.violation("%s: column %s is %q in the table and %q in its cell", part, letters, c.Attr("name"),
				head[letters])
		} else {
			seen[name] = true
		}
	}
}

// text is the text of a cell.
func (w *Workbook) text(c Node) string {
	switch c.Attr("t") {
	case "s":
		n, _ := strconv.Atoi(c.Child("v").Text)
		if items := w.Parts["xl/sharedStrings.xml"].Children; n < len(items) {
			return Unescape(items[n].Child("t").Text)
		}
	case "inlineStr":
		return Unescape(c.Child("is", "t").Text)
	}
	return c.Child("v").Text
}

// ---- Charts.

func (w *Workbook) charts() {
	_, names := w.sheetParts()
	for _, part := range w.names {
		if strings.HasPrefix(part, "xl/drawings/drawing") {
			w.drawing(part)
		}
		if !strings.HasPrefix(part, "xl/charts/chart") {
			continue
		}
		root := w.Parts[part]
		axes := map[string]bool{}
		for _, kind := range []string{"catAx", "dateAx", "valAx"} {
			for _, a := range root.All(kind) {
				axes[a.Child("axId").Attr("val")] = true
			}
		}
		for _, a := range append(root.All("axId"), root.All("crossAx")...) {
			if !axes[a.Attr("val")] {
				w.violation("%s: there is no axis %s", part, a.Attr("val"))
			}
		}
		for _, f := range root.All("f") {
			w.refersTo(part, f.Text, names)
		}
		for _, kind := range []string{"strRef", "numRef"} {
			for _, r := range root.All(kind) {
				w.cache(part, r, names)
			}
		}
	}
}

// cache checks that a chart's copy of its figures is what the cells hold.
func (w *Workbook) cache(part string, r Node, names map[string]string) {
	points := r.All("pt")
	count := 0
	for _, c := range r.All("ptCount") {
		count, _ = strconv.Atoi(c.Attr("val"))
	}
	m := regexp.MustCompile(`^'((?:[^']|'')+)'!\$([A-Z]+)\$(\d+)(?::\$([A-Z]+)\$(\d+))?$`).FindStringSubmatch(
		r.Child("f").Text)
	if m == nil {
		return // refersTo says so
	}
	first, _ := strconv.Atoi(m[3])
	last := first
	if m[5] != "" {
		last, _ = strconv.Atoi(m[5])
	}
	if last-first+1 != count {
		w.violation("%s: %s has %d cells and %d points", part, r.Child("f").Text, last-first+1, count)
	}
	cached := map[int]string{}
	for _, p := range points {
		i, _ := strconv.Atoi(p.Attr("idx"))
		cached[first+i] = p.Child("v").Text
	}
	for _, row := range w.Parts[names[strings.ReplaceAll(m[1], "''", "'")]].Child("sheetData").Children {
		n, _ := strconv.Atoi(row.Attr("r"))
		if n < first || n > last {
			continue
		}
		for _, c := range row.Children {
			if strings.TrimRight(c.Attr("r"), "0123456789") == m[2] && Unescape(cached[n]) != w.text(c) {
				w.violation("%s: %s is %q in the chart and %q in the cell", part, c.Attr("r"), cached[n], w.text(c))
			}
		}
	}
}

func (w *Workbook) drawing(part string) {
	ids := map[string]bool{}
	for _, p := range w.Parts[part].All("cNvPr") {
		if ids[p.Attr("id")] {
			w.violation("%s: two shapes have the id %s", part, p.Attr("id"))
		}
		ids[p.Attr("id")] = true
	}
	for _, a := range w.Parts[part].All("twoCellAnchor") {
		for _, axis := range []string{"col", "row"} {
			from, _ := strconv.Atoi(a.Child("from", axis).Text)
			to, _ := strconv.Atoi(a.Child("to", axis).Text)
			if to <= from { // Excel squeezes it into one cell
				w.violation("%s: a shape from %s %d to %d", part, axis, from, to)
			}
		}
	}
}

// ---- Texts.

var escapes = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// Unescape decodes ST_Xstring.
func Unescape(s string) string {
	return escapes.ReplaceAllStringFunc(s, func(e string) string {
		code, _ := strconv.ParseUint(e[2:6], 16, 32)
		return string(rune(code))
	})
}

// InlineStrings are the texts of a sheet as a reader of the format decodes them.
func InlineStrings(sheet []byte) (all []string, err error) {
	var root Node
	if err := xml.Unmarshal(sheet, &root); err != nil {
		return nil, err
	}
	for _, t := range root.All("t") {
		all = append(all, Unescape(t.Text))
	}
	return all, nil
}
