package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

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

// screenWidth is how many characters of columns are in sight on a screen of 1,920 pixels: Excel
// leaves 1,856 of them to cells, at 7 pixels a character and 5 beside each.
const screenWidth = 1856

// What there is to do, for whom, since when, why, at what stake, and who deals with it is in sight
// without scrolling.
func TestActionsAreOnTheFirstScreen(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for _, table := range allTables(t, book, source) {
		last := map[string]string{sheetBlocked: "owner", sheetRenewals: "reseller", sheetExceptions: "comment",
			sheetAttestations: "signer", sheetInvitations: "invited_by", sheetUnread: "code",
			sheetBatches: "imported_by", sheetChanges: "next_step", sheetCustomers: "signer_email",
			sheetChecks: "found", sheetEvents: "row"}[table.key]
		pixels := 0.0
		for _, c := range table.columns[:1+table.index(last)] {
			pixels += 7*c.width + 5
		}
		assert.LessOrEqual(t, pixels, float64(screenWidth), table.key)
	}
}

// A long name of a company is not cut by the date, the number or the word on its right.
func TestNamesFitTheirColumns(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for _, table := range allTables(t, book, source) {
		for _, c := range table.columns {
			switch c.key {
			case "customer", "reseller", "file":
				assert.GreaterOrEqual(t, c.width, textWidth("Contoso Vineyards GmbH & Co. KG"), "%s.%s", table.key,
					c.key)
			}
		}
	}
}

// The verdict on top of a sheet is not cut by the runs beside it, in any language.
func TestVerdictsAreNotCut(t *testing.T) {
	t.Parallel()
	book, source := usual()
	for _, language := range texts.Languages() {
		book.Language = language
		made := write(t, book, source)
		file, err := excelize.OpenReader(bytes.NewReader(made.bytes))
		require.NoError(t, err)
		say := catalogueIn(t, language)
		for _, key := range dataSheets() {
			sheet := say.Sheets[key].label()
			rows := made.cells(t, sheet)
			verdict, width := rows[1][0], 0.0
			for i := 0; i == 0 || rows[0][i] == ""; i++ {
				column, err := excelize.ColumnNumberToName(i + 1)
				require.NoError(t, err)
				columnWidth, err := file.GetColWidth(sheet, column)
				require.NoError(t, err)
				width += columnWidth
			}
			assert.NotEmpty(t, verdict)
			assert.GreaterOrEqual(t, width, 0.95*float64(xlsx.Units(verdict)), "%s, %s: %s", language, sheet, verdict)
		}
	}
}
