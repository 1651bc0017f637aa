package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math/bits"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var (
	utf8BOM    = []byte{0xEF, 0xBB, 0xBF}
	utf16LEBOM = []byte{0xFF, 0xFE}
	utf16BEBOM = []byte{0xFE, 0xFF}
)

// bytesSurvey is what a reading of a file's bytes alone says. A CSV that reads well as UTF-8 needs none: its bytes are
// surveyed with its rows.
type bytesSurvey struct {
	sha256     string
	multibyte  bool // some well-formed UTF-8 beyond ASCII
	invalid    bool // some bytes that are not UTF-8
	lineFeed   bool
	incomplete []byte // the beginning of a character that goes on in the next block
}

// surveyBytes reads the file from its beginning to its end. The digest is made beside it.
func surveyBytes(file *os.File) (bytesSurvey, error) {
	var s bytesSurvey
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	digest := sha256.New()
	blocks, done := make(chan []byte), make(chan struct{})
	go func() {
		defer close(done)
		sum(digest, blocks)
	}()
	err := s.read(file, blocks)
	close(blocks)
	<-done
	s.end()
	s.sha256 = hex.EncodeToString(digest.Sum(nil))
	return s, err
}

func sum(digest hash.Hash, blocks <-chan []byte) {
	for b := range blocks {
		digest.Write(b)
	}
}

// read looks at the file block by block. The channel has no room, so a block was digested when the next one is taken
// from it, and two buffers in turn are enough.
func (s *bytesSurvey) read(file io.Reader, blocks chan<- []byte) error {
	buffers := [2][]byte{make([]byte, chunkSize), make([]byte, chunkSize)}
	for i := 0; ; i++ {
		n, err := io.ReadFull(file, buffers[i%2])
		block := buffers[i%2][:n]
		if n > 0 {
			blocks <- block
			s.look(block)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// look takes the next block into account.
func (s *bytesSurvey) look(block []byte) {
	s.lineFeed = s.lineFeed || bytes.IndexByte(block, '\n') >= 0
	if len(s.incomplete) > 0 {
		head := min(len(block), utf8.UTFMax)
		size := s.rune(append(s.incomplete, block[:head]...))
		block = block[max(0, size-len(s.incomplete)):]
		s.incomplete = nil
	}
	for len(block) > 0 {
		block = block[asciiPrefix(block):]
		for len(block) > 0 && block[0] >= utf8.RuneSelf {
			if !utf8.FullRune(block) {
				s.incomplete = append([]byte(nil), block...)
				return
			}
			block = block[s.rune(block):]
		}
	}
}

// end takes into account that nothing follows.
func (s *bytesSurvey) end() { s.invalid = s.invalid || len(s.incomplete) > 0 }

// rune takes one character into account and returns its length in bytes.
func (s *bytesSurvey) rune(b []byte) int {
	r, size := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && size <= 1:
		s.invalid = true
	case size > 1:
		s.multibyte = true
	}
	return size
}

// asciiPrefix is how many bytes are ASCII before the first one that is not.
func asciiPrefix(b []byte) int {
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

// told is the encoding that a file's beginning tells, by a byte-order mark or by the zeros of UTF-16, and how many
// bytes of mark it begins with. Empty: it does not tell.
func told(head []byte) (Encoding, int) {
	switch {
	case bytes.HasPrefix(head, utf8BOM):
		return UTF8, len(utf8BOM)
	case bytes.HasPrefix(head, utf16LEBOM):
		return UTF16LE, len(utf16LEBOM)
	case bytes.HasPrefix(head, utf16BEBOM):
		return UTF16BE, len(utf16BEBOM)
	}
	return utf16ByZeros(head), 0
}

// encoding decides how a file is written that does not tell.
//
// Bytes that are not UTF-8 mean Windows-1252 only when nothing in the file is well-formed UTF-8 beyond ASCII: a file
// that mixes both would otherwise turn every é into Ã©. Its broken characters refuse their rows instead.
func (s bytesSurvey) encoding() (Encoding, *FileError) {
	switch {
	case !s.invalid || s.multibyte:
		return UTF8, nil
	case !s.lineFeed:
		return "", &FileError{Code: UnknownEncoding, Message: "the file has the line ends and the letters of an old Macintosh, whose accents cannot be told from those of Windows",
			Hint: "Save it again as “CSV UTF-8”, and import that file"}
	}
	return Windows1252, nil
}

// utf16ByZeros recognises UTF-16 without a byte-order mark: in a list most characters are ASCII, so nearly every
// second byte is zero.
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

// isEmpty reports whether there is nothing but white space, zeros and byte-order marks.
func isEmpty(b []byte) bool { return len(bytes.Trim(b, " \t\r\n\x00\xEF\xBB\xBF\xFF\xFE")) == 0 }

// wholeRunes is b without the beginning of a character at its end.
func wholeRunes(b []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if last := b[len(b)-back:]; utf8.RuneStart(last[0]) && !utf8.FullRune(last) {
			return b[:len(b)-back]
		}
	}
	return b
}

// decoder reads the encoding as UTF-8. What cannot be decoded becomes U+FFFD, which refuses its row; in a UTF-8 file
// the bytes stay as they are.
func (e Encoding) decoder(r io.Reader) io.Reader {
	switch e {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case Windows1252:
		return charmap.Windows1252.NewDecoder().Reader(r)
	}
	return r
}
