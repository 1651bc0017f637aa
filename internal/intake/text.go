package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is a cell without white space around it, of which spreadsheets and web pages know many
// kinds, and without invisible characters.
func clean(cell string) string {
	if cell == "" {
		return ""
	}
	if visible(cell[0]) && visible(cell[len(cell)-1]) {
		return cell
	}
	return strings.TrimFunc(cell, unseen)
}

// unmarked is clean without the apostrophe by which Excel marks a cell as text.
func unmarked(cell string) string {
	cell = clean(cell)
	if cell != "" && cell[0] == '\'' {
		return clean(cell[1:])
	}
	// ="+5511…" is another way of telling Excel.
	if text, ok := strings.CutPrefix(cell, `="`); ok {
		if text, ok = strings.CutSuffix(text, `"`); ok && !strings.Contains(text, `"`) {
			return clean(text)
		}
	}
	return cell
}

// visible reports whether a byte is an ASCII character with ink.
func visible(b byte) bool { return b > ' ' && b < 0x7F }

// isPlain reports whether a text begins with a letter or a digit, ends with ink and has nothing but
// ASCII to be read in it: then nothing can be wrong with it but its length.
func isPlain(text string) bool {
	if text == "" || text[0] < '0' || text[0] == '=' || text[len(text)-1] == ' ' {
		return false
	}
	for i := range len(text) {
		if b := text[i]; b < ' ' || b >= 0x7F {
			return false
		}
	}
	return true
}

// unseen reports whether a character is white space, shows nothing or only directs the text around
// it. U+FFFD is none of them: it stands for something.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || r >= utf8.RuneSelf &&
		(unicode.In(r, unicode.Bidi_Control, unicode.Variation_Selector, invisible))
}

// invisible are the characters without width, and fillers, that Unicode has no class for.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00AD, 0x00AD, 1}, {0x061C, 0x061C, 1}, {0x115F, 0x1160, 1}, {0x180E, 0x180E, 1}, {0x200B, 0x200D, 1},
		{0x2060, 0x2064, 1}, {0x2800, 0x2800, 1}, {0x3164, 0x3164, 1}, {0xFEFF, 0xFEFF, 1}, {0xFFA0, 0xFFA0, 1},
		{0xFFFC, 0xFFFC, 1},
	},
	R32: []unicode.Range32{{0xE0000, 0xE0FFF, 1}},
}

// formulaError reports whether a cell is the error value of a formula, or a number that did not fit
// its column.
func formulaError(cell string) bool {
	if cell == "" || cell[0] != '#' {
		return false
	}
	switch strings.ToUpper(strings.TrimRight(cell, "!?")) {
	case "#N/A", "#REF", "#VALUE", "#NAME", "#DIV/0", "#NUM", "#NULL", "#SPILL", "#CALC", "#GETTING_DATA", "#FIELD",
		"#N/D", "#VALOR", "#NOME", "#NÚM", "#NULO":
		return true
	}
	return len(cell) > 2 && strings.Trim(cell, "#") == ""
}

// controlled is the first control or invisible character of a text. Line breaks and tabs are
// allowed in multiline texts, and the joiners that some scripts need everywhere.
func controlled(text string, multiline bool) (rune, bool) {
	for i := 0; i < len(text); i++ {
		if b := text[i]; b >= utf8.RuneSelf {
			return controlledRune(text[i:], multiline)
		} else if (b < ' ' || b == 0x7F) && !(multiline && (b == '\n' || b == '\r' || b == '\t')) {
			return rune(b), true
		}
	}
	return 0, false
}

func controlledRune(text string, multiline bool) (rune, bool) {
	for _, r := range text {
		switch {
		case r >= 0xA0 && r < 0x0600 && r != '\u00AD': // letters of Europe
		case r == '\u200C', r == '\u200D', multiline && (r == '\n' || r == '\r' || r == '\t'):
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp,
			r), unicode.Is(unicode.Co, r):
			return r, true
		}
	}
	return 0, false
}
