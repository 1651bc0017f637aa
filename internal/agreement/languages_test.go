package agreement

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The document and the program hold the same table.
func TestTheTableIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/partner-center.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## Template documents")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.+) \| (.+) \|$`).FindAllStringSubmatch(section, -1) {
		languages, countries := strings.Split(row[1], ", "), strings.Split(row[2], "; ")
		if row[1] == "one country each" {
			languages = strings.Fields(row[2])
			countries = nil
			for _, tag := range languages {
				countries = append(countries, tag[len(tag)-2:])
			}
		}
		if !strings.Contains(row[2], " ") && len(row[2]) > 2 || row[1] == "language" {
			continue
		}
		require.Len(t, countries, len(languages), row[0])
		for i, tag := range languages {
			for country := range strings.FieldsSeq(countries[i]) {
				documented[country] = append(documented[country], tag)
			}
		}
	}
	got := map[string][]string{}
	for _, o := range Offers() {
		require.Equal(t, English, o.Languages[len(o.Languages)-1])
		got[o.Country] = o.Languages[:len(o.Languages)-1]
	}
	for _, languages := range documented {
		slices.Sort(languages)
	}
	require.Equal(t, documented, got)
	require.Greater(t, len(got), 90)
}

func TestLanguagesOfACountry(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"pt-BR", "en-US"}, Languages("BR"))
	require.Equal(t, []string{"de-DE", "fr-FR", "en-US"}, Languages("CH"))
	require.Equal(t, []string{"en-US"}, Languages("US"))
	for _, o := range Offers() {
		_, err := ParseCountry(o.Country)
		require.NoError(t, err)
		for _, tag := range o.Languages {
			canonical, err := ParseLanguage(strings.ToLower(tag))
			require.NoError(t, err)
			require.Equal(t, tag, canonical)
		}
	}
}

func TestCountriesAndLanguagesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "B", "BRA", "Brazil", "ZZ", "76", "UK", "B1"} {
		_, err := ParseCountry(code)
		require.Error(t, err, code)
	}
	for _, tag := range []string{"", "pt", "portuguese", "pt_", "x-x-x-x-", "p-BR"} {
		_, err := ParseLanguage(tag)
		require.Error(t, err, tag)
	}
	code, err := ParseCountry("br")
	require.NoError(t, err)
	require.Equal(t, "BR", code)
}
