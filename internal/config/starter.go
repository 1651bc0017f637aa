package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// Starter is what a first configuration has to know. It holds no secret, and neither does the file.
type Starter struct {
	Partner     string
	TenantID    string
	Kind        standing.PartnerKind
	ClientID    string
	Certificate string // file with the app's certificate; empty: the app has a secret
	Folder      string // of the ledger and all other files; empty: that of the configuration
	Language    string
	Timezone    string
	APIURL      string // empty: the usual one
	LoginURL    string
}

// SecretFile is the name of the file that the client secret is to be put into.
func (s Starter) SecretFile() string { return s.fileName() + ".secret" }

// TokenFile is the name of the file of the refresh token.
func (s Starter) TokenFile() string { return s.fileName() + ".token" }

// fileName is the partner's name in characters that every file system takes.
func (s Starter) fileName() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, s.Partner)
}

// Path is the path of one of the files, as the configuration names it.
func (s Starter) Path(name string) string {
	if s.Folder == "" {
		return name
	}
	return filepath.Join(s.Folder, name)
}

//go:embed starter.yaml
var starterText string

// Text is a configuration file with comments. The error names what is wrong with the values.
func (s Starter) Text() (string, error) {
	page, err := template.New("").Funcs(template.FuncMap{"quote": quote, "file": s.Path}).Parse(starterText)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = page.Execute(&text, s)
	return text.String(), err
}

// Languages are those of the workbooks.
func (Starter) Languages() string { return either(texts.Languages()) }

// plain is what YAML takes as it is written, without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9./][A-Za-z0-9._/:@+-]*[A-Za-z0-9]$`)

// quote writes a text so that YAML reads the same text back. Double quotes of JSON are those of
// YAML.
func quote(text string) (string, error) {
	if plain.MatchString(text) && !strings.EqualFold(text, "null") {
		return text, nil
	}
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSuffix(quoted.String(), "\n"), err
}

// Create writes the configuration to a file that does not exist yet.
func (s Starter) Create(path string) error {
	text, err := s.Text()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// CheckKey says what is wrong with a value of a key such as partners[0].tenant_id, as the end of a
// sentence.
func CheckKey(path, value string) error {
	c := defaults()
	c.Partners = []Partner{defaultPartner()}
	for _, k := range c.keys() {
		if k.path != path {
			continue
		}
		if err := k.set(value); err != nil {
			return err
		}
	}
	var problem error
	c.validate(func(key, format string, values ...any) {
		if key == path && problem == nil {
			problem = fmt.Errorf(format, values...)
		}
	})
	return problem
}
