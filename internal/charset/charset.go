// Package charset finds out in which encoding a text is written that may not say so.
//
// Only what is certain is taken: a byte-order mark, the zeros of UTF-16, well-formed UTF-8, and
// Windows-1252 when no other encoding makes as much sense of the words. Everything else is for a
// person to say, because a name that is read in the wrong encoding is the name of somebody else.
package charset

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// Encoding is the name of an encoding.
type Encoding string

// The encodings that are recognised. All others are read when they are asked for, see Parse.
const (
	UTF8        Encoding = "UTF-8"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	UTF32LE     Encoding = "UTF-32LE"
	UTF32BE     Encoding = "UTF-32BE"
	GB18030     Encoding = "GB18030"
	Windows1252 Encoding = "Windows-1252"
)

// named are the encodings that have no byte-order mark to skip when they are read: the mark is not
// part of the text.
var named = map[Encoding]encoding.Encoding{
	UTF8:        encoding.Nop, // broken bytes stay as they are
	UTF16LE:     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	UTF16BE:     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	UTF32LE:     utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
	UTF32BE:     utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	GB18030:     simplifiedchinese.GB18030,
	Windows1252: charmap.Windows1252,
}

// Parse returns the encoding of a name such as windows-1250, ISO-8859-2, cp850 or shift_jis, in any
// case.
func Parse(name string) (Encoding, error) {
	name = strings.TrimSpace(name)
	for e := range named {
		if strings.EqualFold(name, string(e)) {
			return e, nil
		}
	}
	switch strings.ToLower(name) {
	case "utf8":
		return UTF8, nil
	case "utf16", "utf-16":
		return UTF16LE, nil
	case "cp1252", "ansi", "latin1", "iso-8859-1":
		return Windows1252, nil
	}
	if _, err := lookUp(name); err != nil {
		return "", fmt.Errorf("encoding %q is not known; names such as UTF-8, windows-1250, iso-8859-2, IBM850 or "+
			"shift_jis are", name)
	}
	return Encoding(name), nil
}

func lookUp(name string) (encoding.Encoding, error) {
	if e := named[Encoding(name)]; e != nil {
		return e, nil
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e, nil
	}
	if number, ok := strings.CutPrefix(strings.ToLower(name), "cp"); ok { // cp1250, as Python and Windows call it
		if e, err := ianaindex.IANA.Encoding("windows-" + number); err == nil && e != nil {
			return e, nil
		}
	}
	return htmlindex.Get(name)
}

// NewReader reads text in the encoding as UTF-8. What cannot be decoded becomes U+FFFD; broken
// UTF-8 stays as it is.
func (e Encoding) NewReader(r io.Reader) io.Reader {
	if e == UTF8 {
		return r
	}
	known, err := lookUp(string(e))
	if err != nil {
		known = encoding.Replacement // of a name that did not come from Parse: nothing is readable
	}
	return known.NewDecoder().Reader(r)
}

var marks = []struct {
	bytes    string
	encoding Encoding
}{
	{"\xEF\xBB\xBF", UTF8},
	{"\xFF\xFE\x00\x00", UTF32LE}, // before UTF-16, whose mark it begins with
	{"\x00\x00\xFE\xFF", UTF32BE},
	{"\xFF\xFE", UTF16LE},
	{"\xFE\xFF", UTF16BE},
	{"\x84\x31\x95\x33", GB18030},
}

// Mark returns the encoding that a byte-order mark at the beginning of a text declares, and the
// length of the mark in bytes. Without one the encoding is empty.
func Mark(head []byte) (Encoding, int) {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return m.encoding, len(m.bytes)
		}
	}
	return "", 0
}

// utf16ByZeros recognises UTF-16 without a byte-order mark: in a list most characters are ASCII, so
// nearly every second byte is zero.
func utf16ByZeros(head []byte) Encoding {
	n := min(len(head), 4096) &^ 1
	var even, odd int
	for i := 0; i < n; i += 2 {
		if head[i] == 0 {
			even++
		}
		if head[i+1] == 0 {
			odd++
		}
	}
	switch pairs := n / 2; {
	case pairs >= 8 && odd > pairs*6/10 && even < pairs/10:
		return UTF16LE
	case pairs >= 8 && even > pairs*6/10 && odd < pairs/10:
		return UTF16BE
	}
	return ""
}
