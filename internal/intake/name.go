package intake

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// longestName is the most characters of a first or last name.
const longestName = 100

// name is a first or last name: letters of any script, and what stands between them.
func (c *checker) name(col column) string {
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
	return raw
}

// marksText reports whether a name begins with Excel's apostrophe for text. In 't Hooft it is part of the name.
func marksText(name string) bool {
	if len(name) < 2 || name[0] != '\'' {
		return false
	}
	next, _ := utf8.DecodeRuneInString(name[1:])
	return !unicode.IsLower(next)
}

func checkName(name string) *problem {
	switch {
	case len(name) > longestName && utf8.RuneCountInString(name) > longestName:
		return &problem{TooLong, fmt.Sprintf("the name is longer than %d characters", longestName), "Write the signer's name, and nothing else"}
	case strings.IndexByte(name, '@') >= 0:
		return &problem{SwappedColumns, "an e-mail address stands where a name belongs", "Look whether the cells of this row slid into the wrong columns"}
	case isGUID(name):
		return &problem{SwappedColumns, "a tenant id stands where a name belongs", "Look whether the cells of this row slid into the wrong columns"}
	}
	if r, found := controlled(name, false); found {
		return controlProblem(r)
	}
	if garbled(name) {
		return &problem{Garbled, "the letters are garbled: somewhere on its way the list was read in the wrong encoding", "Export the list again as CSV UTF-8, or write the name anew"}
	}
	letters := false
	for _, r := range name {
		switch {
		case unicode.IsLetter(r):
			letters = true
		case !partOfName(r):
			return &problem{BadName, fmt.Sprintf("a name has no %q", r), "Write the signer's name, and nothing else"}
		}
	}
	if !letters {
		return &problem{BadName, "there is no letter in the name", "Write the signer's name; where the cells of this row slid into the wrong columns, put them right"}
	}
	return nil
}

// plainName reports whether a name is made of letters of Europe, single spaces and dashes: most are.
func plainName(name string) bool {
	if len(name) > longestName {
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

// garbled reports whether a text is UTF-8 that was read as Windows-1252, such as JoÃ£o.
func garbled(text string) bool {
	if !strings.ContainsAny(text, "ÃÂÄÅâÐ") {
		return false
	}
	bytes, err := charmap.Windows1252.NewEncoder().String(text)
	return err == nil && utf8.ValidString(bytes)
}

// partOfName reports whether a character other than a letter is found in names.
func partOfName(r rune) bool {
	return unicode.IsMark(r) || unicode.IsDigit(r) || unicode.Is(unicode.Zs, r) || strings.ContainsRune(".,'’‘ʼ`´-‐‑–·・()/&ºª\u200C\u200D", r)
}
