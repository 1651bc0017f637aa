package intake

import (
	"encoding/xml"
	"path"
	"strconv"
	"strings"
)

// workbook is what xl/workbook.xml says.
type workbook struct {
	sheets   []bookSheet
	from1904 bool
}

type bookSheet struct{ name, part string }

func (b workbook) name(part string) string {
	for _, s := range b.sheets {
		if s.part == part {
			return s.name
		}
	}
	return ""
}

const bookPart = "xl/workbook.xml"

// openBook reads which sheets there are, the styles that are dates, and the shared strings. Hidden sheets are passed
// over: nobody means them.
func (s *xlsxSource) openBook() error {
	parts := map[string]string{} // by relationship
	stylesPart, stringsPart := "", ""
	err := s.each("xl/_rels/workbook.xml.rels", func(e xml.StartElement) {
		target := attribute(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(path.Dir(bookPart), target)
		}
		target = strings.TrimPrefix(target, "/")
		switch kind := attribute(e, "Type"); {
		case strings.HasSuffix(kind, "/worksheet"):
			parts[attribute(e, "Id")] = target
		case strings.HasSuffix(kind, "/styles"):
			stylesPart = target
		case strings.HasSuffix(kind, "/sharedStrings"):
			stringsPart = target
		}
	})
	if err != nil {
		return err
	}
	err = s.each(bookPart, func(e xml.StartElement) {
		switch e.Name.Local {
		case "workbookPr":
			on, _ := strconv.ParseBool(attribute(e, "date1904"))
			s.book.from1904 = on
		case "sheet":
			if part := parts[relationship(e)]; part != "" && !strings.Contains(strings.ToLower(attribute(e, "state")), "hidden") {
				s.book.sheets = append(s.book.sheets, bookSheet{attribute(e, "name"), part})
			}
		}
	})
	if err != nil {
		return err
	}
	if stylesPart != "" {
		if s.styles, err = s.readStyles(stylesPart); err != nil {
			return err
		}
	}
	s.strings, err = s.readSharedStrings(stringsPart)
	return err
}

// relationship is the id by which a sheet refers to its part: the attribute id with a prefix, beside sheetId.
func relationship(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return attribute(e, "id")
}
