package charset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// Detector collects what the bytes of a text say about its encoding. The whole text is written to
// it, from the first byte on, in pieces of any size. Its zero value is ready.
type Detector struct {
	head       []byte // the first bytes
	multibyte  int    // well-formed characters of UTF-8 beyond ASCII
	invalid    int    // bytes that are not UTF-8
	replaced   bool   // U+FFFD is in it
	incomplete []byte // the beginning of a character that goes on in the next piece

	words words
}

// headSize is how much of a text is looked at for marks and for the zeros of UTF-16.
const headSize = 4096

// UnknownError says that the encoding of a text is not certain.
type UnknownError struct {
	Likely Encoding // what it may be; empty: no encoding makes sense of the text
}

func (e *UnknownError) Error() string {
	if e.Likely == "" {
		return "no encoding makes sense of the text"
	}
	return fmt.Sprintf("the text may be in %s", e.Likely)
}

// Write takes the next piece of the text into account. It never fails.
func (d *Detector) Write(p []byte) (int, error) {
	n := len(p)
	if more := headSize - len(d.head); more > 0 {
		d.head = append(d.head, p[:min(more, n)]...)
	}
	d.words.add(p)
	if len(d.incomplete) > 0 {
		joined := append(d.incomplete, p[:min(n, utf8.UTFMax)]...)
		if !utf8.FullRune(joined) {
			d.incomplete = joined
			return n, nil
		}
		before := len(d.incomplete)
		p = p[max(0, d.character(joined)-before):]
		d.incomplete = nil
	}
	for p = p[ASCII(p):]; len(p) > 0; p = p[ASCII(p):] {
		if !utf8.FullRune(p) {
			d.incomplete = append([]byte(nil), p...)
			break
		}
		p = p[d.character(p):]
	}
	return n, nil
}

// character counts the first character and returns its length in bytes.
func (d *Detector) character(p []byte) int {
	r, size := utf8.DecodeRune(p)
	switch {
	case r == utf8.RuneError && size <= 1:
		d.invalid++
	case size > 1:
		d.multibyte++
		d.replaced = d.replaced || r == utf8.RuneError
	}
	return size
}

// Encoding returns the encoding of all that was written; the error is an *UnknownError.
//
// A text that is mostly well-formed UTF-8 beyond ASCII is UTF-8: its broken characters are for the
// reader to refuse. Read in another encoding, every é of it would turn into Ã©.
func (d *Detector) Encoding() (Encoding, error) {
	if e, _ := Mark(d.head); e != "" {
		return e, nil
	}
	if e := utf16ByZeros(d.head); e != "" {
		return e, nil
	}
	// A character that the end of the text cuts in two says nothing where there are whole ones. One
	// well-formed character among broken ones may be chance.
	cut := len(d.incomplete) > 0 && d.multibyte == 0
	if d.invalid == 0 && !cut || d.invalid <= d.multibyte && d.multibyte > 1 {
		return UTF8, nil
	}
	d.words.end()
	return d.words.encoding(models{})
}

// IntactUTF8 reports whether all that was written is UTF-8, without a character that another
// program put in the place of one that it could not decode.
func (d *Detector) IntactUTF8() bool {
	return d.invalid == 0 && len(d.incomplete) == 0 && !d.replaced
}

// ASCII returns how many bytes are ASCII before the first one that is not.
func ASCII(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		if word := binary.LittleEndian.Uint64(b[n:]) & 0x8080808080808080; word != 0 {
			return n + bits.TrailingZeros64(word)/8
		}
	}
	for n < len(b) && b[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// maxWords and maxWordBytes bound what is remembered of a text.
const (
	maxWords     = 1000
	maxWordBytes = 64
)

// words are the different words of a text that have bytes beyond ASCII.
type words struct {
	seen   map[string]bool
	word   []byte // the one at the end of the last piece
	beyond bool   // it has a byte beyond ASCII
}

func inWord(b byte) bool {
	return b >= utf8.RuneSelf || b|0x20 >= 'a' && b|0x20 <= 'z'
}

func (w *words) add(p []byte) {
	for len(p) > 0 && len(w.seen) < maxWords {
		if len(w.word) == 0 {
			// Nothing is to be learned from a stretch of ASCII but for the word at its end.
			next := ASCII(p)
			from := next
			for from > 0 && next-from < maxWordBytes && inWord(p[from-1]) {
				from--
			}
			p = p[from:]
		}
		n := bytes.IndexFunc(p, func(r rune) bool { return r < utf8.RuneSelf && !inWord(byte(r)) })
		if n < 0 {
			w.grow(p)
			return
		}
		w.grow(p[:n])
		w.end()
		p = p[n:]
	}
}

func (w *words) grow(p []byte) {
	w.word = append(w.word, p[:min(len(p), maxWordBytes-len(w.word))]...)
	w.beyond = w.beyond || ASCII(p) < len(p)
}

// end takes the word that was being read into account.
func (w *words) end() {
	if w.beyond && len(w.word) > 1 {
		if w.seen == nil {
			w.seen = map[string]bool{}
		}
		w.seen[string(w.word)] = true
	}
	w.word, w.beyond = w.word[:0], false
}
