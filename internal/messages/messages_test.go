package messages

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fromConfig are what internal/config says of values that a person typed in.
var fromConfig = []string{
	"It is missing; it labels the partner on every report.",
	"It is missing; it is the application id of the app registration.", "It must be a tenant id such as %s, not %s.",
	"It must be a time zone such as UTC or America/Sao_Paulo, not %s.", "It must be %s, not %s.",
	"%s; did you mean %s?",
}

// Every text has a translation in every language, and every translation a text.
func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	s := readSources(t)
	for _, text := range fromConfig {
		s.sentences[text] = true
	}
	require.Greater(t, len(s.formats), 100)
	require.Greater(t, len(s.sentences), 150)
	for _, language := range Languages()[1:] {
		c, err := load(language)
		require.NoError(t, err)
		file := "internal/messages/texts/" + language + ".yaml: "
		for what, kind := range map[string]struct {
			texts        map[string]bool
			translations map[string]string
		}{"formats": {s.formats, c.formats}, "sentences": {s.sentences, c.sentences}} {
			for text := range kind.texts {
				require.NotEmpty(t, kind.translations[text], "%s%s has no translation of %q", file, what, text)
			}
			for text, translation := range kind.translations {
				require.True(t, kind.texts[text], "%s%s has a translation of what nobody says: %q", file, what, text)
				checkTranslation(t, text, translation)
			}
		}
	}
}

var anyVerb = regexp.MustCompile(`%[-+ #0-9.]*[a-z]`)

// checkTranslation checks that a translation takes the same values, and has the same lines.
func checkTranslation(t *testing.T, text, translation string) {
	t.Helper()
	require.Equal(t, anyVerb.FindAllString(text, -1), anyVerb.FindAllString(translation, -1), "%q: %q", text,
		translation)
	require.Equal(t, strings.Count(text, "\n"), strings.Count(translation, "\n"), "%q: %q", text, translation)
	require.Equal(t, strings.HasSuffix(text, "\n"), strings.HasSuffix(translation, "\n"), "%q: %q", text, translation)
	indent := func(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }
	require.Equal(t, indent(text), indent(translation), "%q: %q", text, translation)
	require.NotContains(t, translation, "\t")
	for _, name := range namesIn.FindAllString(text, -1) {
		require.Contains(t, translation, strings.TrimRight(name, "."), "%q", text)
	}
}

// namesIn are names of keys, commands, flags and files, and addresses.
var namesIn = regexp.MustCompile(
	`[a-z]+(?:_[a-z]+)+|mcaledger (?:login|reconcile|verify|doctor|attest|migrate|runs)\b|--[a-z]+|` +
		`https?://\S+|docs/\S+\.md|AADSTS\d+`)

func TestPreferred(t *testing.T) {
	t.Parallel()
	all := []string{"en", "es", "pt-BR"}
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{nil, "en"},
		{[]string{"LANG=pt_BR.UTF-8"}, "pt-BR"},
		{[]string{"LANG=pt_BR"}, "pt-BR"},
		{[]string{"LANG=pt"}, "pt-BR"},
		{[]string{"LANG=pt_PT.UTF-8@euro"}, "pt-BR"},
		{[]string{"LANG=es_MX.UTF-8"}, "es"},
		{[]string{"LANG=en_GB.UTF-8"}, "en"},
		{[]string{"LANG=de_DE.UTF-8"}, "en"},
		{[]string{"LANG=C.UTF-8"}, "en"},
		{[]string{"LANG=POSIX"}, "en"},
		{[]string{"LANG=???"}, "en"},
		{[]string{"LANG=pt_BR.UTF-8", "LC_ALL=C"}, "en"},
		{[]string{"LANG=en_US.UTF-8", "LC_ALL=pt_BR.UTF-8"}, "pt-BR"},
		{[]string{"LANG=en_US.UTF-8", "LC_MESSAGES=pt_BR.UTF-8"}, "pt-BR"},
		{[]string{"LC_ALL=", "LANG=pt_BR.UTF-8"}, "pt-BR"},
	} {
		require.Equal(t, c.want, Preferred(c.environ, all), "%q", c.environ)
	}
	require.Equal(t, "en", Preferred([]string{"LANG=es_MX.UTF-8"}, []string{"en", "pt-BR"}))
}

func TestTranslation(t *testing.T) {
	t.Parallel()
	c := Load([]string{"LANG=pt_BR.UTF-8"})
	require.Equal(t, "Ninguém foi convidado.\n", c.Format("Nobody has been invited.\n"))
	require.Equal(t, "vale por mais 12 dias", c.Sentence("good for 12 days"))
	require.Equal(t, "não foi possível ler 1 cliente; o status é desconhecido, não liberado",
		c.Sentence("1 customer could not be read; they are unknown, not clear"))
	require.Equal(t, "Execute como esse usuário: sudo -u readable mcaledger …",
		c.Sentence("Run it as that user: sudo -u readable mcaledger …"), "a name is not translated")
	for _, text := range []string{"", "what nobody translated", "two\nlines"} {
		require.Equal(t, text, c.Sentence(text))
		require.Equal(t, text, c.Format(text))
	}
	english := Load(nil)
	for _, text := range slices.Sorted(maps.Keys(c.sentences)) {
		require.Equal(t, text, english.Sentence(text))
	}
}
