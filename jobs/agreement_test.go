package jobs_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/jobs"
)

// library is a service that has the agreement for Brazil in Portuguese, and for everybody in
// English.
type library struct {
	content string
	expired int // links that are refused before one is taken
	asked   int // for links
	refusal error
}

func (l *library) AgreementTemplate(context.Context) (agreement.Template, error) {
	return agreement.Template{ID: "117a", Link: "https://docs.example/mca"}, nil
}

func (l *library) Document(_ context.Context, template, language, country string) (agreement.Document, error) {
	if template != "117a" {
		return agreement.Document{}, errors.New("another template")
	}
	l.asked++
	if country != "BR" || language != "pt-BR" {
		language = "en-US"
	}
	link := "https://docs.example/" + country + "/" + language
	return agreement.Document{DisplayURL: link + ".html", DownloadURL: link + ".pdf", Language: language,
		Country: country}, l.refusal
}

func (l *library) Download(_ context.Context, _ string, w io.Writer) error {
	if l.expired > 0 {
		l.expired--
		_, _ = io.WriteString(w, "half of ")
		return answers(partnercenter.Refused)
	}
	_, err := io.WriteString(w, l.content)
	return err
}

func TestAgreementIsSaved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expired, asked int
		language       string
	}{
		"in the language that was asked for": {0, 1, "pt-br"},
		"in the language of the country":     {0, 1, ""},
		"with links that have expired":       {1, 2, "pt-BR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &library{content: "%PDF-1.7", expired: c.expired}
			out := filepath.Join(t.TempDir(), "mca.pdf")
			found, err := jobs.Agreement{Country: "br", Language: c.language, Out: out}.Run(t.Context(), l)
			require.NoError(t, err)
			sum := sha256.Sum256([]byte("%PDF-1.7"))
			require.Equal(t, jobs.AgreementFound{
				Template: agreement.Template{ID: "117a", Link: "https://docs.example/mca"},
				Document: agreement.Document{DisplayURL: "https://docs.example/BR/pt-BR.html",
					DownloadURL: "https://docs.example/BR/pt-BR.pdf", Language: "pt-BR", Country: "BR"},
				Asked: "pt-BR", File: out, Bytes: 8, SHA256: hex.EncodeToString(sum[:]),
			}, found)
			content, err := os.ReadFile(out)
			require.NoError(t, err)
			require.Equal(t, "%PDF-1.7", string(content))
			require.Equal(t, c.asked, l.asked)
		})
	}
}

func TestAgreementInAnotherLanguageIsSavedAndSaid(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "mca.pdf")
	found, err := jobs.Agreement{Country: "BR", Language: "fr-FR", Out: out}.Run(t.Context(),
		&library{content: "%PDF-1.7"})
	require.EqualError(t, err, "Microsoft gives the agreement for BR in en-US, not in fr-FR")
	code, hint := jobs.Explain(err)
	require.Equal(t, "other_language", code)
	require.Equal(t, "Known languages for BR: pt-BR, en-US. mcaledger agreement --list shows all countries.", hint)
	require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
	require.Equal(t, "en-US", found.Language)
	require.FileExists(t, out)
}

func TestAgreementThatIsNotSavedLeavesNoFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		library library
		want    string
	}{
		"links that are always refused": {library{content: "%PDF", expired: 9}, "ask: no answer"},
		"an empty document":             {library{}, "the document is empty"},
		"a country that the service does not know": {library{refusal: answers(partnercenter.Refused)},
			"ask: no answer. Known languages for BR: pt-BR, en-US. mcaledger agreement --list shows all countries."},
		"a sign-in that failed": {library{refusal: answers(partnercenter.SignInFailed)}, "ask: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			_, err := jobs.Agreement{Country: "BR", Language: "pt-BR", Out: filepath.Join(folder,
				"mca.pdf")}.Run(t.Context(), &c.library)
			require.ErrorContains(t, err, c.want)
			files, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Empty(t, files)
		})
	}
}

func TestAgreementAskedForWrongly(t *testing.T) {
	t.Parallel()
	there := filepath.Join(t.TempDir(), "there.pdf")
	require.NoError(t, os.WriteFile(there, nil, 0o600))
	for name, c := range map[string]struct {
		job  jobs.Agreement
		want string
	}{
		"no country": {jobs.Agreement{}, `--country "" must be the two letters of a country, such as BR`},
		"a country by name": {jobs.Agreement{Country: "Brazil"},
			`--country "Brazil" must be the two letters of a country, such as BR`},
		"a language alone": {jobs.Agreement{Country: "BR", Language: "pt"},
			`--language "pt" must be a language with its country, such as pt-BR`},
		"a file that is there": {jobs.Agreement{Country: "BR", Out: there}, "write the agreement " + there +
			": file already exists"},
		"a folder that is there": {jobs.Agreement{Country: "BR", Out: filepath.Dir(there)}, "file already exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &library{}
			_, err := c.job.Run(t.Context(), l)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, l.asked)
		})
	}
}
