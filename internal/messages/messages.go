// Package messages holds what people read on a terminal, in other languages than English. The
// English texts stand where they are used; here they are the keys. What programs read, such as
// JSON, log lines and the codes of errors, is never translated.
//
// A language is one file in texts. A new file adds the language to the terminal only; the workbook,
// mails and notifications have texts of their own.
package messages

import (
	"embed"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
)

//go:embed texts/*.yaml
var files embed.FS

const english = "en"

// Catalogue holds the texts of one language. The zero Catalogue is English.
type Catalogue struct {
	formats   map[string]string
	sentences map[string]string
	patterns  []pattern // the longest first
}

// pattern is a sentence with values in it.
type pattern struct {
	english     *regexp.Regexp
	translation string
}

// Load reads the texts of the language that an environment asks for.
func Load(environ []string) Catalogue {
	c, err := load(Preferred(environ, Languages()))
	if err != nil {
		return Catalogue{} // a file that is part of the program can be read
	}
	return c
}

func load(language string) (Catalogue, error) {
	if language == english {
		return Catalogue{}, nil
	}
	text, err := files.ReadFile(path.Join("texts", language+".yaml"))
	if err != nil {
		return Catalogue{}, err
	}
	var content struct {
		Formats   map[string]string `yaml:"formats"`
		Sentences map[string]string `yaml:"sentences"`
	}
	if err := yaml.UnmarshalWithOptions(text, &content, yaml.Strict()); err != nil {
		return Catalogue{}, err
	}
	c := Catalogue{formats: content.Formats, sentences: content.Sentences}
	for key, translation := range content.Sentences {
		if verb.MatchString(key) {
			c.patterns = append(c.patterns, pattern{patternOf(key), translation})
		}
	}
	slices.SortFunc(c.patterns, func(a, b pattern) int { return len(b.english.String()) - len(a.english.String()) })
	return c, nil
}

// Languages are those that the terminal speaks.
func Languages() []string {
	languages := []string{english}
	entries, err := files.ReadDir("texts")
	if err != nil {
		return languages // the folder is part of the program
	}
	for _, entry := range entries {
		languages = append(languages, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	return languages
}

// Preferred is the one of the languages that an environment asks for, by LC_ALL, LC_MESSAGES or
// LANG; English if it asks for none of them.
func Preferred(environ, languages []string) string {
	wanted := ""
	for _, name := range []string{"LC_ALL=", "LC_MESSAGES=", "LANG="} {
		i := slices.IndexFunc(environ, func(line string) bool { return strings.HasPrefix(line, name) && line != name })
		if i >= 0 {
			wanted = strings.TrimPrefix(environ[i], name)
			break
		}
	}
	wanted, _, _ = strings.Cut(wanted, ".") // the encoding
	wanted, _, _ = strings.Cut(wanted, "@") // a modifier
	tag, err := language.Parse(wanted)
	if err != nil { // also C and POSIX
		return english
	}
	known := []language.Tag{language.English}
	for _, name := range languages {
		known = append(known, language.Make(name))
	}
	_, i, confidence := language.NewMatcher(known).Match(tag)
	if i == 0 || confidence == language.No {
		return english
	}
	return languages[i-1]
}

// Format is a format of package fmt, or a text without values.
func (c Catalogue) Format(text string) string {
	if translation, ok := c.formats[text]; ok {
		return translation
	}
	return text
}

// Sentence is a finished sentence. Those values in it that are sentences themselves are translated
// too.
func (c Catalogue) Sentence(text string) string {
	if translation, ok := c.sentences[text]; ok {
		return translation
	}
	for _, p := range c.patterns {
		values := p.english.FindStringSubmatch(text)
		if values == nil {
			continue
		}
		n := 0
		return verb.ReplaceAllStringFunc(p.translation, func(string) string {
			n++
			if !strings.Contains(values[n], " ") { // a name, not a sentence
				return values[n]
			}
			return c.Sentence(values[n])
		})
	}
	return text
}

// verb stands for a value in a sentence. The values of a translation come in the same order.
var verb = regexp.MustCompile(`%[0-9]*[sdqo]`)

func patternOf(key string) *regexp.Regexp {
	parts := verb.Split(key, -1)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `(.*)`) + `$`)
}
