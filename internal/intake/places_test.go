package intake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// isoCountries are the codes of ISO 3166-1 alpha-2, and XK, by which Microsoft knows Kosovo.
const isoCountries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR " +
	"BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO " +
	"FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM " +
	"JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR " +
	"MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

func TestCountryCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for code := range strings.FieldsSeq(isoCountries) {
		exists[code] = true
	}
	for first := 'A'; first <= 'Z'; first++ {
		for second := 'A'; second <= 'Z'; second++ {
			code := string([]rune{first, second})
			got, ok := countryCode(strings.ToLower(code))
			require.Equal(t, exists[code], ok, code)
			if ok {
				require.Equal(t, code, got)
			}
		}
	}
}

func TestCountriesByName(t *testing.T) {
	t.Parallel()
	p := &places{}
	for name, want := range map[string]string{
		"Brazil": "BR", "brasil": "BR", "BRA": "BR", "br": "BR", "USA": "US", "United States": "US",
		"United States of America": "US", "Estados Unidos": "US", "UK": "GB",
		"United Kingdom": "GB", "Reino Unido": "GB", "Germany": "DE", "Alemanha": "DE", "DEU": "DE",
		"Côte d’Ivoire": "CI", "Cote d'Ivoire": "CI", "Ivory Coast": "CI",
		"South Korea": "KR", "Korea, Republic of": "KR", "Russian Federation": "RU", "Czech Republic": "CZ",
		"Czechia": "CZ", "Viet Nam": "VN", "Netherlands": "NL",
		"The Netherlands": "NL", "Holanda": "NL", "São Tomé e Príncipe": "ST", "Turkey": "TR", "Hong Kong": "HK",
		"Hong Kong SAR China": "HK", "NA": "NA", "Namibia": "NA",
		"Ireland": "IE", "U.S.A.": "US", "U.K.": "GB", "Brazil (BR)": "BR", "Deutschland": "DE", "España": "ES",
		"日本": "JP", "Россия": "RU", "Irlanda": "IE", "Portugal": "PT", "Espanha": "ES", "Cabo Verde": "CV",
		"Vietnã": "VN", "Vietname": "VN",
	} {
		got, wrong := p.country(name)
		require.Nil(t, wrong, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"SU", "YU", "EU", "ZZ", "XX", "UN", "AN", "DDR", "55", "076", "001", "Europe",
		"Atlantis", "B", ""} {
		_, wrong := p.country(name)
		require.NotNil(t, wrong, name)
	}
}

func TestLanguagesByName(t *testing.T) {
	t.Parallel()
	p := &places{}
	for name, want := range map[string]string{
		"pt-BR": "pt-BR", "pt_br": "pt-BR", "por": "pt", "Portuguese": "pt", "português": "pt", "English": "en",
		"inglês": "en", "Deutsch": "de", "Portuguese (Brazil)": "pt-BR",
		"Português (Brasil)": "pt-BR", "English (United States)": "en-US", "zh-Hant-TW": "zh-Hant-TW",
	} {
		got, wrong := p.language(name)
		require.Nil(t, wrong, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"xx", "und", "55", "Klingonese", "Portuguese (Atlantis)", "pt-BR-"} {
		_, wrong := p.language(name)
		require.NotNil(t, wrong, name)
	}
}
