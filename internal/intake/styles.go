package intake

import (
	"encoding/xml"
	"strings"
)

// dateStyles says of each cell style whether it shows a number as a date.
type dateStyles []bool

// isDate reports whether a style, by its number as it stands in a cell, shows dates.
func (d dateStyles) isDate(style string) bool {
	i := digits(style)
	return i >= 0 && i < len(d) && d[i]
}

func (s *xlsxSource) readStyles(part string) (dateStyles, error) {
	formats := map[int]bool{}
	var styles dateStyles
	cellFormats := false
	err := s.each(part, func(e xml.StartElement) {
		switch e.Name.Local {
		case "numFmt":
			formats[digits(attribute(e, "numFmtId"))] = isDateFormat(attribute(e, "formatCode"))
		case "cellXfs":
			cellFormats = true
		case "cellStyles", "dxfs":
			cellFormats = false
		case "xf":
			if cellFormats {
				id := digits(attribute(e, "numFmtId"))
				custom, known := formats[id]
				styles = append(styles, custom || !known && isBuiltInDate(id))
			}
		}
	})
	return styles, err
}

// isBuiltInDate reports whether a number format that workbooks do not spell out is one of dates (ECMA-376, 18.8.30),
// those of East Asian settings included.
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 36 || id >= 50 && id <= 58
}

// isDateFormat reports whether a format shows a day: it has a letter of day or year outside of quoted text, of
// brackets and behind escapes.
func isDateFormat(code string) bool {
	code, _, _ = strings.Cut(strings.ToLower(code), ";")
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '\\', '_', '*':
			i++
		case '"', '[':
			end := strings.IndexByte(code[i+1:], map[byte]byte{'"': '"', '[': ']'}[code[i]])
			if end < 0 {
				return false
			}
			i += end + 1
		case 'd', 'y':
			return true
		}
	}
	return false
}
