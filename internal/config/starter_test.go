package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports/texts"
)

func starter() Starter {
	return Starter{Partner: "contoso-br", TenantID: "00000000-0000-0000-0000-00000000000a", Kind: standing.DirectBill,
		ClientID: "00000000-0000-0000-0000-00000000000b", Language: "pt-BR", Timezone: "America/Sao_Paulo"}
}

// started is the configuration of the file that a starter writes, changed before it is read.
func started(t require.TestingT, folder string, s Starter, change func(string) string) Config {
	text, err := s.Text()
	require.NoError(t, err)
	path := filepath.Join(folder, "mcaledger.yaml")
	require.NoError(t, os.WriteFile(path, []byte(change(text)), 0o600))
	c, err := Load(path, nil)
	require.NoError(t, err)
	return c
}

func asItIs(text string) string { return text }

func TestStarterLoads(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c := started(t, folder, starter(), asItIs)
	p := c.Partners[0]
	require.Equal(t, []string{"contoso-br", starter().TenantID, "direct_bill", starter().ClientID},
		[]string{p.Name, p.TenantID, string(p.Kind), p.ClientID})
	require.Equal(t, filepath.Join(folder, "contoso-br.secret"), p.ClientSecret.File())
	require.Equal(t, filepath.Join(folder, "contoso-br.token"), p.RefreshTokenFile)
	require.Equal(t, "sqlite:"+filepath.Join(folder, "mcaledger.db"), c.Database)
	require.Equal(t, "default", c.Source("attestation.inbox"), "a folder that is named has to exist")
	require.Equal(t, []string{"pt-BR", "America/Sao_Paulo"}, []string{string(c.Report.Language), c.Report.Timezone})

	s := starter()
	s.Folder, s.Certificate = "/var/lib/mcaledger", "/etc/app.pem"
	s.APIURL, s.LoginURL = "http://127.0.0.1:1", "http://127.0.0.1:2"
	c = started(t, folder, s, asItIs)
	p = c.Partners[0]
	require.False(t, p.ClientSecret.IsSet())
	require.Equal(t, []string{"/etc/app.pem", "/var/lib/mcaledger/contoso-br.token", s.APIURL, s.LoginURL,
		"/var/lib/mcaledger/reports", "/var/lib/mcaledger/inbox"},
		[]string{p.CertificateFile, p.RefreshTokenFile, p.APIURL, p.LoginURL, c.Report.Dir, c.Attestation.Inbox})
}

// Whatever a partner is called, the file says the same.
func TestStarterKeepsNames(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s := starter()
		odd := rapid.SampledFrom([]string{"null", "NULL", "~", "true", "0012", "1e3", "0x1F", "2023-04-01", "a: b",
			"a:", "x #y", "#x", "it's", "- a", "{a}", "[a]", "&a", "*a", "!a", "a\"b", `C:\x`, "---", "...", "% a",
			"@a", "`a`", "?", "x", "é", " a "})
		name := rapid.OneOf(odd, rapid.String()).Filter(func(text string) bool {
			return text != "" && !strings.ContainsFunc(text, unicode.IsControl)
		})
		s.Partner, s.ClientID = name.Draw(t, "name"), name.Draw(t, "client id")
		p := started(t, folder, s, asItIs).Partners[0]
		require.Equal(t, s.Partner, p.Name)
		require.Equal(t, s.ClientID, p.ClientID)
		require.Equal(t, folder, filepath.Dir(p.RefreshTokenFile))
	})
}

var commentedOut = regexp.MustCompile(`(?m)^( *)#((?:  )*[a-z_]+:)`)

// Each key stands in the file, and a line that is commented out is right when it is not: it shows
// the default, or an example of a key without one.
func TestStarterShowsEveryKey(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "database.address"), []byte("sqlite:mcaledger.db"), 0o600))
	text, err := starter().Text()
	require.NoError(t, err)
	c := started(t, folder, starter(), func(text string) string {
		text = regexp.MustCompile(`(?m)^ *# *certificate_file:.*\n`).ReplaceAllString(text, "") // instead of the secret
		text = regexp.MustCompile(`(?m)^database: .*\n`).ReplaceAllString(text, "")             // instead of the file
		return commentedOut.ReplaceAllString(text, "$1$2")
	})
	standard := defaults()
	standard.Partners = []Partner{defaultPartner()}
	standard.resolve(folder)
	shown := standard.keys()
	for i, k := range c.keys() {
		name := k.path[strings.LastIndexByte(k.path, '.')+1:]
		line := regexp.MustCompile(`(?m)^[ #-]*` + strings.TrimSuffix(name, "_file") + `(_file)?:`)
		require.Regexp(t, line, text, k.path)
		if alternative := c.sources[k.path] == ""; alternative {
			continue
		}
		def, got := reflect.ValueOf(shown[i].target).Elem(), reflect.ValueOf(k.target).Elem()
		mine := k.path == "report.language" || k.path == "report.timezone"
		if !def.IsZero() && !mine {
			require.Equal(t, def.Interface(), got.Interface(), k.path)
		}
	}
}

func TestCreateOverwritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcaledger.yaml")
	require.NoError(t, starter().Create(path))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	other := starter()
	other.Partner = "fabrikam"
	require.ErrorIs(t, other.Create(path), os.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.ErrorIs(t, starter().Create(filepath.Join(path+".d", "mcaledger.yaml")), os.ErrNotExist)
}

// languages is the list in a sentence.
func languages() string {
	all := texts.Languages()
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"partners[0].name", "contoso", ""},
		{"partners[0].name", "", "is missing"},
		{"partners[0].name", "a\nb", "one line"},
		{"partners[0].tenant_id", "00000000-0000-0000-0000-00000000000a", ""},
		{"partners[0].tenant_id", "contoso.onmicrosoft.com", "must be a tenant id such as"},
		{"partners[0].kind", "directbill", "did you mean direct_bill?"},
		{"partners[0].client_id", "", "is missing"},
		{"partners[0].api_url", "http://pc.example", "must begin with https://"},
		{"report.language", "pt", "must be " + languages()},
		{"report.timezone", "Local", "must be a time zone such as"},
		{"report.timezone", "Europe/Berlin", ""},
	} {
		err := CheckKey(c[0], c[1])
		if c[2] == "" {
			require.NoError(t, err, c)
		} else {
			require.ErrorContains(t, err, c[2], c)
		}
	}
}
