package intake

import (
	"strings"

	tags "golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// places reads countries and languages, by code or by name. The names are made when the first one
// is met.
type places struct {
	countries map[string]string // codes by the simplified names in English and Portuguese
	languages map[string]string // tags by the simplified names
	read      map[string]string // tags of cells that were read before: there are few in a file
	codes     map[string]string // likewise of countries
}

// maxRemembered bounds how many cells are remembered.
const maxRemembered = 256

// otherCountryNames are names in common use that the CLDR does not have as the name of the country.
var otherCountryNames = map[string]string{
	"uk": "GB", "greatbritain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northernireland": "GB",
	"inglaterra": "GB", "unitedkingdomofgreatbritainandnorthernireland": "GB",
	"unitedstatesofamerica": "US", "us": "US", "eua": "US", "estadosunidosdaamerica": "US", "korea": "KR",
	"republicofkorea": "KR", "korearepublicof": "KR", "coreia": "KR",
	"russianfederation": "RU", "czechrepublic": "CZ", "republicacheca": "CZ", "holland": "NL", "holanda": "NL",
	"thenetherlands": "NL", "macedonia": "MK",
	"vietnam": "VN", "hongkong": "HK", "macau": "MO", "macao": "MO", "taiwan": "TW", "ivorycoast": "CI", "burma": "MM",
	"swaziland": "SZ", "turkey": "TR", "turkiye": "TR",
	"uae": "AE", "bolivia": "BO", "venezuela": "VE", "tanzania": "TZ", "moldova": "MD", "iran": "IR", "syria": "SY",
	"laos": "LA", "palestine": "PS", "capeverde": "CV",
}

// country reads a country: its code of ISO 3166-1 in two or three letters, or its name in English,
// Portuguese or its own language.
func (p *places) country(cell string) (string, *problem) {
	if code := p.codes[cell]; code != "" {
		return code, nil
	}
	code, wrong := p.countryOf(cell)
	if p.codes == nil {
		p.codes = map[string]string{}
	}
	if wrong == nil && len(p.codes) < maxRemembered {
		p.codes[strings.Clone(cell)] = code
	}
	return code, wrong
}

func (p *places) countryOf(cell string) (string, *problem) {
	if len(cell) == 2 || len(cell) == 3 {
		if code, ok := countryCode(cell); ok {
			return code, nil
		}
	}
	if p.countries == nil {
		p.countries = countryNames()
	}
	for _, name := range []string{cell, withoutHints(cell)} {
		word := simplified(name)
		if code := p.countries[word]; code != "" {
			return code, nil
		}
		if code, ok := countryCode(word); ok { // U.S.A.
			return code, nil
		}
	}
	return "", &problem{BadCountry, "this is not a country",
		"Write its two-letter code of ISO 3166-1, such as BR for Brazil"}
}

// notCountries are codes that x/text takes for countries: withdrawn ones, and those reserved for
// parts or unions of countries (AC to TA, EZ, UN).
const notCountries = "AN CS FQ NT PC SU YU AC CP CQ DG EA IC TA EZ UN"

// countryCode is the two-letter code of a country that exists.
func countryCode(cell string) (string, bool) {
	region, err := tags.ParseRegion(cell)
	if err != nil || strings.ContainsAny(cell, "0123456789") || !region.IsCountry() || region.Canonicalize() != region {
		return "", false
	}
	code := region.String()
	if len(code) != 2 || len(cell) == 2 && !strings.EqualFold(code, cell) || strings.Contains(notCountries, code) {
		return "", false
	}
	return code, true
}

func countryNames() map[string]string {
	names := map[string]string{}
	for first := 'A'; first <= 'Z'; first++ {
		for second := 'A'; second <= 'Z'; second++ {
			code, ok := countryCode(string([]rune{first, second}))
			if !ok {
				continue
			}
			namers := []display.Namer{display.English.Regions(), display.Regions(tags.BrazilianPortuguese),
				display.Regions(tags.EuropeanPortuguese)}
			if own, _ := tags.Make("und-" + code).Base(); display.Regions(tags.Make(own.String())) != nil {
				namers = append(namers, display.Regions(tags.Make(own.String()))) // Deutschland, España
			}
			for _, in := range namers {
				names[simplified(in.Name(tags.MustParseRegion(code)))] = code
			}
		}
	}
	for name, code := range otherCountryNames {
		names[name] = code
	}
	return names
}

// language reads a language: a BCP 47 tag, or its name in English or Portuguese, with or without a
// country behind it, such as Portuguese (Brazil).
func (p *places) language(cell string) (string, *problem) {
	if known, ok := p.read[cell]; ok {
		return known, nil
	}
	tag, ok := p.tag(cell)
	if !ok {
		return "", &problem{BadLanguage, "this is not a language", "Write its tag, such as pt-BR or en-US"}
	}
	if p.read == nil {
		p.read = map[string]string{}
	}
	if len(p.read) < maxRemembered {
		p.read[strings.Clone(cell)] = tag
	}
	return tag, nil
}

func (p *places) tag(cell string) (string, bool) {
	if tag, err := tags.Parse(strings.ReplaceAll(cell, "_", "-")); err == nil && tag != tags.Und {
		return tag.String(), true
	}
	if p.languages == nil {
		p.languages = languageNames()
	}
	if tag := p.languages[simplified(cell)]; tag != "" {
		return tag, true
	}
	name, rest, _ := strings.Cut(cell, "(")
	tag := p.languages[simplified(name)]
	country, wrong := p.country(clean(strings.TrimSuffix(clean(rest), ")")))
	if tag == "" || rest == "" || wrong != nil {
		return "", false
	}
	return tag + "-" + country, true
}

func languageNames() map[string]string {
	names := map[string]string{}
	for _, base := range display.Supported.BaseLanguages() {
		for _, in := range []display.Namer{display.English.Languages(), display.Languages(tags.Portuguese),
			display.Self} {
			if name := simplified(in.Name(tags.Make(base.String()))); name != "" {
				names[name] = base.String()
			}
		}
	}
	return names
}
