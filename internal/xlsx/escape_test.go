package xlsx

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/xlsx/xlsxtest"
)

func FuzzTextComesBack(f *testing.F) {
	for _, s := range []string{"control \x00\x0b\x1f characters", `literal _x0041_ and _x005F_`,
		"escape before a control _x0041\x01 character", "line one\nline two\r\nthree\rand\ttab",
		`<b>"Tom" & 'Jerry'</b> ]]> &amp;`, "  spaces  ", "noncharacters \uFFFE\uFFFF", "_x_x0041__x0041_x005F_", "never_accepted", "a b", "a  b",
		"_x000\x0b_", "invalid \xED\xA0\x80 bytes \xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		part := append([]byte(`<?xml version="1.0" encoding="UTF-8"?><r><t xml:space="preserve">`),
			AppendText(nil, s)...)
		texts, err := xlsxtest.InlineStrings(append(part, "</t></r>"...))
		require.NoError(t, err)
		require.Len(t, texts, 1)
		assert.Equal(t, strings.ToValidUTF8(s, "\uFFFD"), texts[0])
		assert.True(t, utf8.ValidString(texts[0]))
		if plain(s) {
			assert.Equal(t, s, string(AppendText(nil, s)))
			assert.False(t, NeedsPreserve(s), "%q", s)
		}
	})
}

func TestLongTextIsCutWithAMark(t *testing.T) {
	t.Parallel()
	const mark = " […cut]"
	assert.Equal(t, strings.Repeat("a", MaxCellText), Fit(strings.Repeat("a", MaxCellText), mark))
	for _, long := range []string{strings.Repeat("a", MaxCellText+1), strings.Repeat("🙂", MaxCellText), "a" +
		strings.Repeat("🙂", MaxCellText)} {
		cut := Fit(long, mark)
		assert.LessOrEqual(t, Units(cut), MaxCellText)
		assert.GreaterOrEqual(t, Units(cut), MaxCellText-1)
		assert.True(t, strings.HasSuffix(cut, mark))
	}
}

func TestDaySerial(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]float64{"1970-01-01": 25569, "1900-03-01": 61, "2026-11-22": 46348,
		"9999-12-31": 2958465} {
		got, ok := DaySerial(day)
		assert.True(t, ok, day)
		assert.InDelta(t, want, got, 0, day)
	}
	for _, day := range []string{"", "1900-02-28", "0001-01-01", "2026-02-30", "yesterday"} {
		_, ok := DaySerial(day)
		assert.False(t, ok, day)
	}
}
