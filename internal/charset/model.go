package charset

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// model counts the pairs of letters of a language. Its text are the names of countries and
// languages in that language, some 5,000 letters from the CLDR: too few to know the words of a
// language, and enough to know that ã stands before o in Portuguese and that ă does not in
// Romanian.
type model struct {
	letters map[rune]float64
	pairs   map[[2]rune]float64
	total   float64
}

// models are the models that were made, by language.
type models map[string]*model

func (all models) of(tag string) *model {
	if m := all[tag]; m != nil {
		return m
	}
	m := &model{letters: map[rune]float64{}, pairs: map[[2]rune]float64{}}
	spoken := language.MustParse(tag)
	languages, regions := display.Languages(spoken), display.Regions(spoken)
	for _, base := range display.Supported.BaseLanguages() {
		m.add(languages.Name(base))
	}
	for first := 'A'; first <= 'Z'; first++ {
		for second := 'A'; second <= 'Z'; second++ {
			if region, err := language.ParseRegion(string([]rune{first, second})); err == nil {
				m.add(regions.Name(region))
			}
		}
	}
	all[tag] = m
	return m
}

// fold is a text as its letters are counted. Romanian has a comma below its ș and ț since Unicode
// 3, and a cedilla in the older encodings.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); r {
		case 'ş':
			return 'ș'
		case 'ţ':
			return 'ț'
		}
		return r
	}, text)
}

// edge stands for the beginning and the end of a word.
const edge = ' '

func (m *model) add(text string) {
	for word := range strings.FieldsFuncSeq(fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) &&
			!unicode.IsMark(r)
	}) {
		before := edge
		for _, r := range word + string(edge) {
			m.letters[r]++
			m.pairs[[2]rune{before, r}]++
			m.total++
			before = r
		}
	}
}

// score is the logarithm of a word's likelihood; false: it has letters beyond ASCII that the
// language does not.
func (m *model) score(word string) (sum float64, ok bool) {
	before := edge
	for _, r := range fold(word) + string(edge) {
		if r >= utf8.RuneSelf && m.letters[r] == 0 {
			return 0, false
		}
		// A tenth is for pairs that the few words of the text do not have.
		p := 0.1 * (m.letters[r] + 0.1) / m.total
		if n := m.letters[before]; n > 0 {
			p += 0.9 * m.pairs[[2]rune{before, r}] / n
		}
		sum += math.Log(p)
		before = r
	}
	return sum, true
}
