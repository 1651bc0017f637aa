package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/xlsx"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// textWidth is how wide a text is in the characters that columns are measured in: those of a text
// in Calibri are narrower than a digit on average.
func textWidth(text string) float64 { return 0.88*float64(xlsx.Units(text)) + 0.7 }

// What a word says is never cut by the cell on its right, and a header fits into its two lines, in
// every language.
func TestWordsAndHeadersFitTheirColumns(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for _, language := range texts.Languages() {
		say := catalogueIn(t, language)
		book.Language = language
		r, err := gather(t.Context(), book, source)
		require.NoError(t, err)
		for _, table := range r.tables(dataSheets()) {
			for _, c := range table.columns {
				header := say.head(table, c.key)
				rows := lines(header, int(c.width/0.95)) // bold
				assert.LessOrEqual(t, len(rows), 2, "%s: the header %q of %s", language, header, table.key)
				for _, row := range rows {
					assert.LessOrEqual(t, 0.95*float64(xlsx.Units(row)), c.width, "%s: the header %q of %s", language,
						header, table.key)
				}
				if c.wrap {
					continue
				}
				for _, word := range c.words {
					assert.LessOrEqual(t, textWidth(word.label()), c.width, "%s: %q in %s.%s", language, word.label(),
						table.key, c.key)
				}
			}
		}
	}
}
