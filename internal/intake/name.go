package intake

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// maxName is the most characters of a first or last name.
const maxName = 100

// name is a first or last name: letters of any script, and what stands between them.
func (c *rowCheck) name(col column) string {
	raw := c.cell(col)
	if raw != "" && raw[len(raw)-1] != ' ' && plainName(raw) {
		return raw
	}
	raw = clean(raw)
	if marksText(raw) {
		raw = clean(raw[1:])
	}
	if raw == "" {
		c.missing(col)
		return ""
	}
	p := c.general(raw, false)
	if p == nil {
		p = checkName(raw)
	}
	if p != nil {
		c.refuse(col, *p)
		return ""
	}
	return norm.NFC.String(raw) // macOS writes é as e and an accent
}

// marksText reports whether a name begins with Excel's apostrophe for text. In 't Hooft it is part
// of the name.
func marksText(name string) bool {
	if len(name) < 2 || name[0] != '\'' {
		return false
	}
	next, _ := utf8.DecodeRuneInString(name[1:])
	return !unicode.IsLower(next)
}

func checkName(name string) *problem {
	switch {
	case len(name) > maxName && utf8.RuneCountInString(name) > maxName:
		return &problem{TooLong, fmt.Sprintf("the name is longer than %d characters", maxName),
			"Write the signer's name, and nothing else"}
	case strings.IndexByte(name, '@') >= 0:
		return &problem{SwappedColumns, "an e-mail address where a name belongs",
			"Check whether the cells of this row are in the wrong columns"}
	case isGUID(name):
		return &problem{SwappedColumns, "a tenant id where a name belongs",
			"Check whether the cells of this row are in the wrong columns"}
	}
	if r, found := controlled(name, false); found {
		return controlProblem(r)
	}
	if garbled(name) || mixesScripts(name) {
		return &problem{Garbled,
			"the letters are garbled: the list was read or saved in the wrong encoding before it came " +
				"here", "Export the list again as CSV UTF-8, or write the name anew"}
	}
	letters := false
	for _, r := range name {
		switch {
		case unicode.IsLetter(r):
			letters = true
		case r == '?' || r == '¿':
			return &problem{LostLetters,
				"a question mark in the place of a letter: letters were lost when the list was exported in a " +
					"narrow encoding",
				"Export the list again as CSV UTF-8 (in Windows PowerShell: Export-Csv -Encoding UTF8), or write " +
					"the name anew"}
		case !partOfName(r):
			return &problem{BadName, fmt.Sprintf("a name has no %q", r), "Write the signer's name, and nothing else"}
		}
	}
	if !letters {
		return &problem{BadName, "there is no letter in the name",
			"Write the signer's name; where the cells of this row are in the wrong columns, correct them"}
	}
	return nil
}

// plainName reports whether a name is made of letters of Europe, single spaces and dashes: most
// are.
func plainName(name string) bool {
	if len(name) > maxName {
		return false
	}
	for i, r := range name {
		switch {
		case r|0x20 >= 'a' && r|0x20 <= 'z', r >= 'À' && r < 'ə' && r != '×' && r != '÷':
		case i > 0 && (r == ' ' || r == '-'):
		default:
			return false
		}
	}
	return true
}

// misreadAs are the encodings as which UTF-8 is misread.
var misreadAs = []*charmap.Charmap{charmap.Windows1252, charmap.Windows1250, charmap.Windows1251, charmap.Windows1254,
	charmap.Macintosh,
	charmap.CodePage850, charmap.CodePage437, charmap.CodePage852, charmap.CodePage866}

// garbled reports whether a text is UTF-8 that was read in another encoding, such as JoÃ£o or
// JoĂŁo.
func garbled(text string) bool {
	if strings.IndexFunc(text, beyondASCII) < 0 {
		return false // all encodings read ASCII alike
	}
	for _, misread := range misreadAs {
		bytes, err := misread.NewEncoder().String(text)
		if err == nil && len(bytes) < len(text) && utf8.ValidString(bytes) && strings.IndexFunc(bytes,
			beyondASCII) >= 0 {
			return true
		}
	}
	return false
}

// mixesScripts reports whether a word has letters of two scripts, as "Joгo" does, whose third
// letter is Cyrillic: no name has, but text in the wrong encoding, and names that imitate others.
func mixesScripts(text string) bool {
	var script *unicode.RangeTable
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			script = nil
			continue
		}
		for _, s := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Hebrew,
			unicode.Arabic} {
			if !unicode.Is(s, r) {
				continue
			}
			if script != nil && script != s {
				return true
			}
			script = s
		}
	}
	return false
}

// partOfName reports whether a character other than a letter is found in names.
func partOfName(r rune) bool {
	return unicode.IsMark(r) || unicode.IsDigit(r) || unicode.Is(unicode.Zs,
		r) || strings.ContainsRune(".,'’‘ʼ`´-‐‑–·・()/&ºª\u200C\u200D", r)
}
