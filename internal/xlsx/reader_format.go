package xlsx

import (
	"encoding/xml"
	"slices"
	"strings"
)

// numberFormat is how a cell's style shows a number.
type numberFormat struct {
	isDate bool
	mask   string // of a whole number, such as +00 (00) 00000-0000 or 00000; empty: none
}

// readStyles returns the number formats by the number of the style, as it stands in a cell.
func (b *Book) readStyles(part string) ([]numberFormat, error) {
	codes := map[int]numberFormat{}
	var styles []numberFormat
	cellFormats := false
	err := b.each(part, func(e xml.StartElement) {
		switch e.Name.Local {
		case "numFmt":
			code := attribute(e, "formatCode")
			codes[number(attribute(e, "numFmtId"))] = numberFormat{isDateFormat(code), maskOf(code)}
		case "cellXfs":
			cellFormats = true
		case "cellStyles", "dxfs":
			cellFormats = false
		case "xf":
			if cellFormats {
				id := number(attribute(e, "numFmtId"))
				format, known := codes[id]
				if !known {
					format.isDate = isBuiltInDate(id)
				}
				styles = append(styles, format)
			}
		}
	})
	return styles, err
}

// isBuiltInDate reports whether a number format that workbooks do not spell out is one of dates
// (ECMA-376, 18.8.30), those of East Asian settings included.
func isBuiltInDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 36 || id >= 50 && id <= 58
}

// isDateFormat reports whether a format shows a day: it has a letter of day or year outside of
// quoted text, of brackets and behind escapes.
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

// maskOf is the format of whole numbers that shows a plus sign or zeros in front, in which 0 and #
// stand for a digit and every other character for itself; empty: the format is another one. So a
// telephone number that is kept as a number has its plus.
func maskOf(code string) string {
	code, _, _ = strings.Cut(code, ";")
	var mask strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return ""
			}
			writeLiteral(&mask, code[i+1:i+1+end])
			i += end + 1
		case c == '\\' && i+1 < len(code):
			i++
			writeLiteral(&mask, code[i:i+1])
		case c == '_' && i+1 < len(code):
			i++
		case c == '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return ""
			}
			i += end
		case c == '?':
			mask.WriteByte('#')
		case strings.IndexByte("0#+-() ", c) >= 0:
			mask.WriteByte(c)
		default:
			return ""
		}
	}
	all := mask.String()
	if strings.Contains(all, "+") && strings.ContainsAny(all, "0#") || len(all) > 1 && strings.Trim(all, "0") == "" {
		return all
	}
	return ""
}

// A literal 0 or # in a mask, which is no place for a digit.
const (
	literalZero = '\x00'
	literalHash = '\x01'
)

func writeLiteral(mask *strings.Builder, text string) {
	mask.WriteString(strings.NewReplacer("0", string(literalZero), "#", string(literalHash)).Replace(text))
}

// masked is a whole number as a mask shows it: its digits fill the places from the right, and those
// that are left over stand where the first place is.
func masked(mask, digits string) string {
	var reversed []byte
	first := strings.IndexAny(mask, "0#")
	for i := len(mask) - 1; i >= 0; i-- {
		switch place := mask[i] == '0' || mask[i] == '#'; {
		case mask[i] == literalZero:
			reversed = append(reversed, '0')
		case mask[i] == literalHash:
			reversed = append(reversed, '#')
		case !place:
			reversed = append(reversed, mask[i])
		case digits == "":
			if mask[i] == '0' {
				reversed = append(reversed, '0')
			}
		default:
			n := len(digits) - 1
			reversed = append(reversed, digits[n])
			if digits = digits[:n]; i == first {
				for n--; n >= 0; n-- {
					reversed = append(reversed, digits[n])
				}
			}
		}
	}
	slices.Reverse(reversed)
	return string(reversed)
}
