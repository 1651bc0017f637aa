package intake

import (
	"slices"
	"strings"
	"unicode"
)

// maxMissing is the length of the longest word for "no value", in bytes.
const maxMissing = 20

// missingWords are words for "no value" in exports, by their length in bytes.
var missingWords = func() (words [maxMissing + 1][]string) {
	for word := range strings.SplitSeq(`null|(null)|<null>|[null]|\n|n/a|n.a.|n.a|n/d|#n/a|undefined|(undefined)|`+
		`none|(none)|nan|nil|na|(blank)|[blank]|(empty)|[empty]|`+
		`-|--|---|—|.|?|nat|<na>|tbd|tba|nulo|empty|missing|not set|unset|no data|-none-|--none--|unknown|`+
		`desconhecido|vazio|[object object]|not available|not applicable|not provided|no name|noname|`+
		`não informado|nao informado|não definido|nao definido|sem informação|sem informacao|não disponível|nao `+
		`disponivel|não se aplica|nao se aplica|sem nome|sem sobrenome`, "|") {
		words[len(word)] = append(words[len(word)], word)
	}
	return words
}()

// isNothing reports whether a cell is a word for "no value".
func isNothing(cell string) bool {
	if len(cell) > maxMissing {
		return false
	}
	return slices.ContainsFunc(missingWords[len(cell)], func(word string) bool { return strings.EqualFold(word, cell) })
}

// mayBeName reports whether a word for "no value" is also a name that people have: there are
// persons called Null and Na. Exports write NULL, null and None; a person is written with a capital
// and small letters.
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
