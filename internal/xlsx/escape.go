package xlsx

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// What Excel allows. A cell's limit counts UTF-16 units.
const (
	MaxRows     = 1_048_576
	MaxCellText = 32_767
)

// AppendText appends s as the content of an XML text node, so that a reader of the sheet gets the
// same text back. What XML cannot hold is written as Excel does, _x000B_; what looks like such an
// escape in s is escaped itself. Bytes that are not UTF-8 become U+FFFD.
func AppendText(dst []byte, s string) []byte {
	s = ValidText(s)
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

// plain reports whether s stands in XML as it is, and without xml:space="preserve". Nearly all
// texts do, and to look at each byte once takes half the time of what the others need.
func plain(s string) bool {
	for i := range len(s) {
		if plainBytes[s[i]] {
			continue
		}
		switch {
		case s[i] == ' ' && i > 0 && i+1 < len(s) && s[i+1] != ' ':
		case s[i] == '_' && (i+1 == len(s) || s[i+1] != 'x'):
		default:
			return false
		}
	}
	return true
}

// plainBytes are the bytes that are plain wherever they stand.
var plainBytes = func() (is [256]bool) {
	for c := '!'; c <= '~'; c++ {
		is[c] = !strings.ContainsRune("&<>_", c)
	}
	return is
}()

// ValidText returns s with U+FFFD for whatever is not UTF-8, such as a lone surrogate.
func ValidText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// escapeAt is how the first character of s is written and its length; 0 when it is written as it
// is.
func escapeAt(s string) (written string, n int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '\r': // XML readers turn a bare one into a line feed
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

// looksEscaped reports whether a reader would take the beginning of s, as it will be written, for
// an escape.
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

// forbidden is the length of the first character of s when XML 1.0 cannot hold it, else 0.
func forbidden(s string) int {
	switch c := s[0]; {
	case c < ' ' && c != '\t' && c != '\n' && c != '\r':
		return 1
	case c == 0xEF && (strings.HasPrefix(s, "\uFFFE") || strings.HasPrefix(s, "\uFFFF")):
		return 3
	}
	return 0
}

// Fit cuts s to what a cell holds; mark, at its end, says that something is missing.
func Fit(s, mark string) string {
	if len(s) <= MaxCellText || Units(s) <= MaxCellText {
		return s
	}
	left := MaxCellText - Units(mark)
	for i, r := range s {
		if left -= units(r); left < 0 {
			return s[:i] + mark
		}
	}
	return s
}

// Units is the length of s as Excel counts it, in UTF-16 units.
func Units(s string) int {
	n := 0
	for _, r := range s {
		n += units(r)
	}
	return n
}

func units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// NeedsPreserve reports whether s has white space that XML readers drop unless told
// xml:space="preserve".
func NeedsPreserve(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == ' ' && before == ' ' {
			return true
		}
		before = s[i]
	}
	return before == ' ' && s != ""
}
