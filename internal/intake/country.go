package intake

import "strings"

// isoCountries are the codes of ISO 3166-1 alpha-2, and XK, by which Microsoft knows Kosovo.
const isoCountries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

// countryCodes are the codes by their two letters.
type countryCodes [26][26]string

func newCountryCodes() *countryCodes {
	var codes countryCodes
	for code := range strings.FieldsSeq(isoCountries) {
		codes[code[0]-'A'][code[1]-'A'] = code
	}
	return &codes
}

// check reads a country code, in any case.
func (c *countryCodes) check(cell string) (string, *problem) {
	if len(cell) == 2 {
		first, second := cell[0]&^0x20-'A', cell[1]&^0x20-'A'
		if first < 26 && second < 26 && c[first][second] != "" {
			return c[first][second], nil
		}
	}
	p := &problem{BadCountry, "this is not a two-letter country code", "Write the code of ISO 3166-1, such as BR for Brazil"}
	if strings.EqualFold(cell, "UK") {
		p.hint = "Write GB, which is the code of the United Kingdom"
	}
	return "", p
}
