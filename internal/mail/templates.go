package mail

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/text/language"
)

//go:embed templates/*.txt
var builtIn embed.FS

// Templates holds the texts of messages: the built-in ones, and those of the partner in place of
// them.
//
// A template is a file KIND.LANGUAGE.txt, such as attestation.pt-BR.txt. Its first line is the
// subject. An HTML part is made from the text, unless a file KIND.LANGUAGE.html stands beside it.
type Templates struct {
	byKind map[Kind]map[string]*messageTemplate // by language
}

type messageTemplate struct {
	text   *template.Template
	html   *htmltemplate.Template // nil: made from the text
	digest string
}

// LoadTemplates reads the built-in templates and those of a folder. Each template of the folder is
// tried with sample values, so that a mistake shows before the first message. An empty folder name
// means the built-in ones alone.
func LoadTemplates(folder string) (*Templates, error) {
	t := &Templates{byKind: map[Kind]map[string]*messageTemplate{}}
	texts, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, err
	}
	if err := t.add(texts, ""); err != nil {
		return nil, err
	}
	if folder == "" {
		return t, nil
	}
	return t, t.add(os.DirFS(folder), folder)
}

// add reads the templates of a folder. All mistakes are returned, not only the first one.
func (t *Templates) add(folder fs.FS, path string) error {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return fmt.Errorf("read the folder of mail templates %s: %w", path, err)
	}
	var names []string
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); ext == ".txt" || ext == ".html" {
			names = append(names, strings.TrimSuffix(entry.Name(), ext))
		}
	}
	var mistakes []error
	for _, name := range slices.Compact(names) {
		if err := t.addTemplate(folder, name); err != nil {
			mistakes = append(mistakes, fmt.Errorf("mail template in %s: %w", path, err))
		}
	}
	return errors.Join(mistakes...)
}

// addTemplate reads NAME.txt and, if it is there, NAME.html. An error begins with the name of a
// file.
func (t *Templates) addTemplate(folder fs.FS, name string) error {
	kind, lang, err := parseName(name)
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(folder, name+".txt")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s.html: there must also be a %s.txt, for readers without HTML", name, name)
	}
	if err != nil {
		return err
	}
	html, err := fs.ReadFile(folder, name+".html")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	m, err := parseTemplate(name, string(text), string(html))
	if err != nil {
		return err
	}
	if t.byKind[kind] == nil {
		t.byKind[kind] = map[string]*messageTemplate{}
	}
	t.byKind[kind][lang] = m
	return nil
}

// parseName splits a name such as attestation.pt-BR.
func parseName(name string) (Kind, string, error) {
	kind, lang, _ := strings.Cut(name, ".")
	if !slices.Contains(kinds, Kind(kind)) {
		return "", "", fmt.Errorf("%s: the name must begin with %s, %s or %s, as in attestation.pt-BR.txt",
			name, Attestation, Agreement, Relationship)
	}
	tag, err := language.Parse(lang)
	if err != nil {
		return "", "", fmt.Errorf("%s: %q is not a language, as in attestation.pt-BR.txt", name, lang)
	}
	return Kind(kind), tag.String(), nil
}

func parseTemplate(name, text, html string) (*messageTemplate, error) {
	sum := sha256.Sum256([]byte(text + "\x00" + html))
	m := &messageTemplate{digest: hex.EncodeToString(sum[:])}
	var err error
	if m.text, err = template.New(name + ".txt").Parse(normalize(text)); err != nil {
		return nil, templateError(err)
	}
	for _, t := range m.text.Templates() {
		if err := checkFields(t.Tree); err != nil {
			return nil, err
		}
	}
	if html != "" {
		if m.html, err = htmltemplate.New(name + ".html").Parse(html); err != nil {
			return nil, templateError(err)
		}
		for _, t := range m.html.Templates() {
			if err := checkFields(t.Tree); err != nil {
				return nil, err
			}
		}
	}
	return m, m.try(fallback)
}

// try executes the template with sample values for every kind of message.
func (m *messageTemplate) try(lang string) error {
	for _, reminder := range []Reminder{First, Repeated, LastReminder} {
		for _, optional := range []string{"", "sample"} {
			f := Fields{
				Partner: "Contoso", Contact: optional, ContactAddress: "licensing@contoso.com", Customer: "Fabrikam",
				Name: "Ana Souza", Link: "https://example.com/sample", Expires: optional, Reminder: string(reminder),
			}
			_, text, html, err := m.execute(f, lang)
			if err != nil {
				return err
			}
			if !strings.Contains(text, f.Link) {
				return fmt.Errorf("%s: the text has no {{.Link}}, so the reader cannot accept", m.text.Name())
			}
			if !strings.Contains(html, f.Link) {
				return fmt.Errorf("%s: the text has no {{.Link}}, so the reader cannot accept", m.html.Name())
			}
		}
	}
	return nil
}

const subjectPrefix = "Subject: "

func (m *messageTemplate) execute(f Fields, lang string) (subject, text, html string, err error) {
	var out strings.Builder
	if err := m.text.Execute(&out, f); err != nil {
		return "", "", "", templateError(err)
	}
	first, text, _ := strings.Cut(out.String(), "\n")
	subject, found := strings.CutPrefix(first, subjectPrefix)
	if subject = strings.TrimSpace(subject); !found || subject == "" {
		return "", "", "", fmt.Errorf("%s line 1: must be %q and the subject of the message", m.text.Name(),
			subjectPrefix)
	}
	text = strings.TrimSpace(emptyLines.ReplaceAllString(text, "\n\n")) + "\n"
	plain := headingMark.ReplaceAllString(text, "")
	if m.html == nil {
		html, err = toHTML(subject, text, lang, f.Link)
		return subject, plain, html, err
	}
	out.Reset()
	if err := m.html.Execute(&out, f); err != nil {
		return "", "", "", templateError(err)
	}
	return subject, plain, out.String(), nil
}

var (
	emptyLines  = regexp.MustCompile(`\n\s*\n`)
	headingMark = regexp.MustCompile(`(?m)^# `)
)

// normalize takes the byte-order mark and the line ends of Windows editors away.
func normalize(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
}

// Compose makes the message in the best language there is.
func (t *Templates) Compose(c Content) (Message, error) {
	m, lang := t.choose(c.Kind, c.Languages)
	f, err := c.fields(lang)
	if err != nil {
		return Message{}, err
	}
	subject, text, html, err := m.execute(f, lang)
	if err != nil {
		return Message{}, err
	}
	return Message{
		ID: c.ID, Date: c.Date, From: c.From, To: c.To, Subject: subject, Text: text, HTML: html,
		Language: lang, TemplateDigest: m.digest,
	}, nil
}

// choose finds the template in the language that fits best.
func (t *Templates) choose(kind Kind, languages []string) (*messageTemplate, string) {
	available := slices.Sorted(maps.Keys(t.byKind[kind]))
	available = append([]string{fallback}, available...) // the matcher takes the first one when nothing fits
	var tags []language.Tag
	for _, name := range available {
		tags = append(tags, language.Make(name))
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), languages...)
	return t.byKind[kind][available[i]], available[i]
}

const fallback = "en"
