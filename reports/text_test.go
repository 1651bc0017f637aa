package reports

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inlineStrings are the texts of a sheet as a reader of the format decodes them (ECMA-376, ST_Xstring).
func inlineStrings(t *testing.T, sheet []byte) []string {
	t.Helper()
	var all []string
	decoder := xml.NewDecoder(bytes.NewReader(sheet))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "t" {
			var s string
			require.NoError(t, decoder.DecodeElement(&s, &start))
			all = append(all, unescape(s))
		}
	}
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func unescape(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(e string) string {
		code, _ := strconv.ParseUint(e[2:6], 16, 32)
		return string(rune(code))
	})
}

func FuzzTextComesBack(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("_x_x0041__x0041_x005F_")
	f.Add("_x000\x0b_")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		part := append([]byte(`<?xml version="1.0" encoding="UTF-8"?><r><t xml:space="preserve">`), appendText(nil, s)...)
		texts := inlineStrings(t, append(part, "</t></r>"...))
		require.Len(t, texts, 1)
		assert.Equal(t, s, texts[0])
		assert.True(t, utf8.ValidString(texts[0]))
	})
}
