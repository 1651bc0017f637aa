package intake

import (
	"strings"
	"unicode"
)

// missingWords are words for "no value" in exports, as isNothing compares them.
var missingWords = func() map[string]bool {
	words := map[string]bool{"[object object]": true}
	for word := range strings.FieldsSeq("null (null) <null> [null] \\n n/a n.a. n/d #n/a undefined (undefined) none (none) nan nil na (blank) [blank] (empty) " +
		"- -- — . unknown desconhecido vazio notavailable notapplicable naoinformado naodisponivel naoseaplica naoaplicavel semnome semsobrenome noname") {
		words[word] = true
	}
	return words
}()

// isNothing reports whether a cell is a word for "no value".
func isNothing(cell string) bool {
	return len(cell) <= 32 && (missingWords[strings.ToLower(cell)] || len(cell) > 3 && missingWords[simplified(cell)])
}

// mayBeName reports whether a word for "no value" is also a name that people have: there are persons called Null and
// Na. Exports write NULL, null and None; a person is written with a capital and small letters.
func mayBeName(word string, col column) bool {
	switch strings.ToLower(word) {
	case "null":
		return col == lastName && isCapitalised(word)
	case "nan", "nil", "na":
		return isCapitalised(word)
	}
	return false
}

func isCapitalised(word string) bool {
	runes := []rune(word)
	return unicode.IsUpper(runes[0]) && strings.ToLower(string(runes[1:])) == string(runes[1:])
}

const missingValue = "this is a word for a missing value"

// placeholders refuses words for "no value" where names belong.
func (c *rowCheck) placeholders(r *Record) {
	both := isNothing(r.FirstName) && isNothing(r.LastName)
	for _, name := range []struct {
		column column
		value  *string
	}{{firstName, &r.FirstName}, {lastName, &r.LastName}} {
		if *name.value == "" || !isNothing(*name.value) || !both && mayBeName(*name.value, name.column) {
			continue
		}
		c.refuse(name.column, problem{Placeholder, missingValue, "Write the name of the person who accepted"})
		*name.value = ""
	}
}
