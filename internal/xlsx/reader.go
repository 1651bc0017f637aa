package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Limits bound what a workbook may ask of the machine that reads it.
type Limits struct {
	Unpacked int64 // bytes of all parts together
	Ratio    int64 // a part unpacked to packed, for parts over 16 MiB
	Text     int   // bytes of one text
}

// ratioFloor is the size below which a part may be packed as tightly as it likes: short lists of
// the same words over and over pack very well.
const ratioFloor = 16 << 20

// DamagedError says that a workbook cannot be read to its end.
type DamagedError struct {
	What string // the part, or what is wrong
	Err  error
}

func (e *DamagedError) Error() string { return e.What + ": " + e.Err.Error() }
func (e *DamagedError) Unwrap() error { return e.Err }

// FormatError says that a file is a zip archive and not an XLSX workbook.
type FormatError struct {
	Is string // the format that it is instead: xlsb, docx, pptx, odf, iwork or zip
}

func (e *FormatError) Error() string { return "this is not an XLSX workbook but " + e.Is }

// LimitError says which of the Limits a workbook exceeds.
type LimitError struct {
	Part  string // of Ratio and Text
	Limit string // unpacked, ratio or text
}

func (e *LimitError) Error() string { return "the workbook exceeds the limit " + e.Limit }

// Sheet is a worksheet of a workbook.
type Sheet struct {
	Name   string
	Hidden bool
	part   string
}

// Book is an opened workbook. Parts are unpacked as streams, and only those that are needed.
type Book struct {
	Sheets   []Sheet // in the order of their tabs
	From1904 bool    // days are counted from 1904

	limits  Limits
	parts   map[string]*zip.File // by lower-case name
	formats []numberFormat       // by the number of the cell's style
	strings *sharedStrings
}

// Open reads which sheets there are, the number formats and the shared strings. The file stays the
// caller's, and must stay open until the workbook is closed.
func Open(file io.ReaderAt, size int64, limits Limits) (*Book, error) {
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return nil, &DamagedError{"it is not a whole zip archive", err}
	}
	b := &Book{limits: limits, parts: map[string]*zip.File{}}
	for _, part := range archive.File {
		b.parts[partName(part.Name)] = part
	}
	if err := b.tooBig(archive.File); err != nil {
		return nil, err
	}
	main, err := b.mainPart()
	if err != nil {
		return nil, err
	}
	if err := b.openMain(main); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close removes what the workbook keeps on disk. A second Close does nothing.
func (b *Book) Close() error { return b.strings.close() }

// partName is the name by which a part is found: some programs write backslashes, or a slash at the
// beginning.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// tooBig refuses archives that would unpack to more than the limits, by what they say of
// themselves; part holds them to it.
func (b *Book) tooBig(parts []*zip.File) error {
	var unpacked uint64
	for _, p := range parts {
		unpacked += p.UncompressedSize64
		if p.UncompressedSize64 > ratioFloor && p.UncompressedSize64/max(1,
			p.CompressedSize64) > uint64(b.limits.Ratio) {
			return &LimitError{Part: p.Name, Limit: "ratio"}
		}
	}
	if unpacked > uint64(b.limits.Unpacked) {
		return &LimitError{Limit: "unpacked"}
	}
	return nil
}

// mainPart finds the part that names the sheets, by the relationships of the package.
func (b *Book) mainPart() (string, error) {
	main := "xl/workbook.xml"
	if b.parts["_rels/.rels"] != nil {
		found, err := b.relationships("")
		if err != nil {
			return "", err
		}
		for _, r := range found {
			if r.kind == "officeDocument" {
				main = r.target
			}
		}
	}
	if b.parts[partName(main)] != nil && strings.HasSuffix(partName(main), ".xml") && b.otherFormat() == "" {
		return main, nil
	}
	if other := b.otherFormat(); other != "" {
		return "", &FormatError{other}
	}
	return "", &FormatError{"zip"}
}

// otherFormat is the format that the names of the parts show, if it is not that of a workbook.
func (b *Book) otherFormat() string {
	for name, format := range map[string]string{"xl/workbook.bin": "xlsb", "word/document.xml": "docx",
		"ppt/presentation.xml": "pptx",
		"mimetype":             "odf", "index/document.iwa": "iwork"} {
		if b.parts[name] != nil {
			return format
		}
	}
	return ""
}

// relationship is how a part refers to another one.
type relationship struct {
	id     string
	kind   string // the last element of its type
	target string // the part's name
}

// relationships are those of a part; an empty name: those of the package.
func (b *Book) relationships(part string) ([]relationship, error) {
	folder, file := path.Split(part)
	name := folder + "_rels/" + file + ".rels"
	if b.parts[partName(name)] == nil {
		return nil, nil
	}
	var all []relationship
	err := b.each(name, func(e xml.StartElement) {
		if e.Name.Local != "Relationship" {
			return
		}
		target := strings.ReplaceAll(attribute(e, "Target"), `\`, "/")
		if plain, err := url.PathUnescape(target); err == nil && b.parts[partName(path.Join(folder, target))] == nil {
			target = plain // such as sheet%201.xml, where the archive has a space
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join(folder, target)
		}
		all = append(all, relationship{attribute(e, "Id"), path.Base(attribute(e, "Type")),
			strings.TrimPrefix(target, "/")})
	})
	return all, err
}

func (b *Book) openMain(main string) error {
	related, err := b.relationships(main)
	if err != nil {
		return err
	}
	sheets := map[string]string{} // parts by relationship
	texts := ""
	for _, r := range related {
		switch r.kind {
		case "worksheet":
			sheets[r.id] = r.target
		case "sharedStrings":
			texts = r.target
		case "styles":
			// Without the part there are no formats: some programs name it and do not write it.
			if b.parts[partName(r.target)] != nil {
				if b.formats, err = b.readStyles(r.target); err != nil {
					return err
				}
			}
		}
	}
	properties := false // were seen: extensions have elements of the same name
	err = b.each(main, func(e xml.StartElement) {
		switch e.Name.Local {
		case "workbookPr":
			if !properties {
				b.From1904, _ = strconv.ParseBool(attribute(e, "date1904"))
			}
			properties = true
		case "sheet":
			if part := sheets[relationshipID(e)]; part != "" {
				hidden := strings.Contains(strings.ToLower(attribute(e, "state")), "hidden")
				b.Sheets = append(b.Sheets, Sheet{Name: attribute(e, "name"), Hidden: hidden, part: part})
			}
		}
	})
	if err != nil {
		return err
	}
	b.strings, err = b.readSharedStrings(texts)
	return err
}

// relationshipID is the id by which a sheet refers to its part: the attribute id with a prefix,
// beside sheetId.
func relationshipID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return attribute(e, "id")
}

func damaged(part, what string) error {
	return &DamagedError{part, errors.New(what)}
}

// number is the number that a text of decimal digits alone means; negative: it is none.
func number(text string) int {
	if text == "" || len(text) > 9 || strings.Trim(text, "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
