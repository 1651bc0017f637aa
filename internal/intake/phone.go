package intake

import (
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// phone reads a telephone number; national ones by the row's country.
func (c *rowCheck) phone(country string) string {
	return c.checked(phone, func(cell string) (string, *problem) {
		if isE164(cell) {
			return cell, nil
		}
		return checkPhone(cell, country)
	})
}

// isE164 reports whether a number is in its plain international form. Whether it is in use is not
// our question.
func isE164(text string) bool {
	if len(text) < 8 || len(text) > 16 || text[0] != '+' || text[1] == '0' {
		return false
	}
	for i := 1; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// checkPhone reads numbers as people write them. Nothing is left out silently: letters and
// extensions are refused.
func checkPhone(cell, country string) (string, *problem) {
	const hint = "Write it as +5511987654321: a plus, the country's number, and digits only"
	switch {
	case len(cell) > 64:
		return "", &problem{TooLong, "this is too long for a telephone number", hint}
	case scientific(cell):
		return "", &problem{ScientificNumber,
			"a spreadsheet has taken the telephone number for a number and rounded it",
			"Format the column as text, and type the number again, as +5511987654321"}
	case hasAddress(cell):
		return "", &problem{SwappedColumns, "an e-mail address where the telephone number belongs",
			"Check whether the cells of this row are in the wrong columns"}
	case strings.IndexFunc(cell, unicode.IsLetter) >= 0:
		return "", &problem{BadPhone, "there are letters in the telephone number, or an extension", hint +
			", without the extension"}
	case cell[0] != '+' && country == "":
		return "", &problem{PhoneNeedsCountry,
			"the number does not begin with + and a country's number, and the row has no country to read it by", hint}
	}
	if i := strings.IndexFunc(cell, notInPhone); i >= 0 {
		return "", &problem{BadPhone, "there are characters in the telephone number that do not belong there", hint}
	}
	n, err := phonenumbers.Parse(cell, country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", &problem{BadPhone, "this is not a telephone number that is in use", hint}
	}
	if n.GetExtension() != "" {
		return "", &problem{BadPhone, "the telephone number has an extension", hint + ", without the extension"}
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// notInPhone reports whether a character is neither a digit nor one of those that people write
// between digits.
func notInPhone(r rune) bool {
	return !unicode.IsDigit(r) && !unicode.Is(unicode.Zs, r) && !unicode.Is(unicode.Pd,
		r) && !strings.ContainsRune("+().,/", r)
}

// scientific reports whether a text is a number such as 5.51199E+12.
func scientific(text string) bool {
	mantissa, exponent, found := strings.Cut(strings.ToUpper(text), "E")
	if !found || digits(strings.TrimLeft(exponent, "+-")) < 0 {
		return false
	}
	whole, fraction, pointed := strings.Cut(strings.Replace(mantissa, ",", ".", 1), ".")
	return digits(whole) >= 0 && len(whole) <= 3 && (!pointed || strings.Trim(fraction, "0123456789") == "")
}
