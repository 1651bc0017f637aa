package agreement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// English is the language in which every country has the agreement, and that Microsoft gives when a
// country lacks the one that is asked for.
const English = "en-US"

// offered are the languages besides English, with the countries that have them, as Microsoft listed
// them in 2020 and 2021 (docs/partner-center.md, "Template documents"). A language without
// countries has the one in its name.
var offered = map[string]string{
	"ar-SA": "BH EG IQ JO KW LB LY MU OM QA AE YE",
	"de-DE": "AT DE LI CH",
	"es-ES": "AR BZ BO CL CO CR DO ES SV GT HN MX NI PA PY PE UY VE",
	"fr-FR": "CI CM CA FR GF LU MC RW ST SN DZ MA TN CH",
	"nl-NL": "BE NL",
	"pt-BR": "BR",
	"pt-PT": "AO CV PT",
	"ro-RO": "MD RO",
	"ru-RU": "BY KG RU UZ",
	"zh-HK": "HK MO TW",
	"zh-SG": "SG",

	"bg-BG": "", "cs-CZ": "", "da-DK": "", "el-GR": "", "et-EE": "", "fi-FI": "", "he-IL": "", "hi-IN": "", "hr-HR": "",
	"hu-HU": "",
	"id-ID": "", "it-IT": "", "ja-JP": "", "kk-KZ": "", "ko-KR": "", "lt-LT": "", "lv-LV": "", "ms-MY": "", "nb-NO": "",
	"pl-PL": "",
	"sk-SK": "", "sl-SI": "", "sr-Latn-RS": "", "sv-SE": "", "th-TH": "", "tr-TR": "", "uk-UA": "", "vi-VN": "",
}

// Offer is a country that has the agreement in other languages than English, too.
type Offer struct {
	Country   string // ISO 3166-1 alpha-2
	Languages []string
}

// Offers lists the countries that have the agreement in other languages than English, too, by
// country. All others have it in English.
func Offers() []Offer {
	byCountry := map[string][]string{}
	for _, tag := range slices.Sorted(maps.Keys(offered)) {
		countries := strings.Fields(offered[tag])
		if len(countries) == 0 {
			countries = []string{tag[strings.LastIndexByte(tag, '-')+1:]}
		}
		for _, country := range countries {
			byCountry[country] = append(byCountry[country], tag)
		}
	}
	var offers []Offer
	for _, country := range slices.Sorted(maps.Keys(byCountry)) {
		offers = append(offers, Offer{country, append(byCountry[country], English)})
	}
	return offers
}

// Languages are those in which a country has the agreement, English last.
func Languages(country string) []string {
	for _, o := range Offers() {
		if o.Country == country {
			return o.Languages
		}
	}
	return []string{English}
}

// ParseCountry reads a code of ISO 3166-1, in any case.
func ParseCountry(code string) (string, error) {
	region, err := language.ParseRegion(code)
	if err != nil || len(code) != 2 || !region.IsCountry() || region.Canonicalize() != region {
		return "", fmt.Errorf("%q must be the two letters of a country, such as BR", code)
	}
	return region.String(), nil
}

// ParseLanguage reads a language with its country, such as pt-BR, in any case.
func ParseLanguage(tag string) (string, error) {
	parsed, err := language.Parse(tag)
	if err != nil || !strings.ContainsRune(tag, '-') {
		return "", fmt.Errorf("%q must be a language with its country, such as pt-BR", tag)
	}
	return parsed.String(), nil
}
