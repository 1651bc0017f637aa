package reports

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// cellLimit is how many UTF-16 units a cell holds.
const cellLimit = 32_767

// appendText appends s as the content of an XML text node, so that a reader of the sheet gets it back letter for letter.
// What no XML document can hold is written as Excel does, _x000B_; what looks like such an escape in s is escaped
// itself. Bytes that are not UTF-8 (lone surrogates among them) become U+FFFD.
func appendText(dst []byte, s string) []byte {
	done := 0 // s[:done] is written
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= ' ' && c != '&' && c != '<' && c != '>' && c != '_' && c != 0xEF {
			continue
		}
		written, n := escapeAt(s[i:])
		if n == 0 {
			continue
		}
		dst = append(append(dst, s[done:i]...), written...)
		done = i + n
		i = done - 1
	}
	return append(dst, s[done:]...)
}

// escapeAt is how the character at the beginning of s is written and how long it is; 0 when it is written as it is.
func escapeAt(s string) (written string, n int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '\r': // a bare one would be read back as a line feed
		return "&#13;", 1
	case c == '_' && looksEscaped(s):
		return "_x005F_", 1
	}
	if n := forbidden(s); n > 0 {
		r, _ := utf8.DecodeRuneInString(s)
		return fmt.Sprintf("_x%04X_", r), n
	}
	return "", 0
}

// looksEscaped reports whether a reader would take the beginning of s, as it will be written, for an escape.
func looksEscaped(s string) bool {
	if len(s) < 7 || s[1] != 'x' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return s[6] == '_' || forbidden(s[6:]) > 0
}

// forbidden is the length of the character at the beginning of s when XML 1.0 cannot hold it, else 0.
func forbidden(s string) int {
	switch c := s[0]; {
	case c < ' ' && c != '\t' && c != '\n' && c != '\r':
		return 1
	case c == 0xEF && (strings.HasPrefix(s, "\uFFFE") || strings.HasPrefix(s, "\uFFFF")):
		return 3
	}
	return 0
}

// fit cuts s to what a cell holds; mark, at its end, says that something is missing.
func fit(s, mark string) string {
	if len(s) <= cellLimit || units(s) <= cellLimit {
		return s
	}
	left := cellLimit - units(mark)
	for i, r := range s {
		if left -= width(r); left < 0 {
			return s[:i] + mark
		}
	}
	return s
}

// units is the length of s as Excel counts it.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// spaced reports whether s has white space that XML readers might change unless told to keep it.
func spaced(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == ' ' && before == ' ' {
			return true
		}
		before = s[i]
	}
	return before == ' ' && s != ""
}
