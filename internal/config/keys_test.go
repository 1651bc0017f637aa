package config

import (
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// samples are two values for each key, as they are written and, with the exceptions of rendered, as
// they are printed.
var samples = map[string][2]string{
	"database":         {"sqlite:/var/a.db", "postgres://u:p@h/db"},
	"database_file":    {"DIR/one", "DIR/two"},
	"partners[0].name": {"fabrikam", "12"},
	"partners[0].tenant_id": {"00000000-0000-0000-0000-00000000000b",
		"00000000-0000-0000-0000-00000000000C"},
	"partners[0].kind":                        {"indirect_provider", "indirect_reseller"},
	"partners[0].client_id":                   {"0x1F", "1e3"},
	"partners[0].client_secret":               {"another", "0012"},
	"partners[0].client_secret_file":          {"/one", "/two"},
	"partners[0].certificate_file":            {"/one", "/two"},
	"partners[0].refresh_token_file":          {"/one", "/two"},
	"partners[0].app_only.client_id":          {"1_000", "true"},
	"partners[0].app_only.client_secret":      {"another", ".5"},
	"partners[0].app_only.client_secret_file": {"/one", "/two"},
	"partners[0].app_only.certificate_file":   {"/one", "/two"},
	"partners[0].api_url":                     {"http://127.0.0.1:1", "https://api.example"},
	"partners[0].login_url":                   {"http://[::1]:1", "https://login.example"},
	"partners[0].requests_per_minute":         {"1", "60000"},
	"partners[0].concurrency":                 {"1", "1000"},
	"policy.accepted_since":                   {"2024-02-29", "2020-01-01"},
	"policy.trust_direct_acceptance":          {"false", "true"},
	"attestation.route":                       {"classic", "enhanced"},
	"attestation.retired":                     {"enhanced", ""},
	"attestation.approval":                    {"none", "required"},
	"attestation.shared_account":              {"true", "false"},
	"attestation.evidence":                    {"required", "optional"},
	"attestation.evidence_dir":                {"/one", "/two"},
	"attestation.ceiling":                     {"0", "7"},
	"attestation.inbox":                       {"/one", "/two"},
	"attestation.dates":                       {"dmy", "mdy"},
	"attestation.key_file":                    {"/one", "/two"},
	"attestation.renew_expired":               {"true", "false"},
	"attestation.deliver_links":               {"mail", "file"},
	"attestation.remind_after_days":           {"0", "30"},
	"attestation.settle_after":                {"1s", "10m0s"},
	"attestation.enhanced.email_field":        {"signatoryEmail", "email2"},
	"attestation.enhanced.phone_field":        {"signatoryPhoneNumber", "phone2"},
	"attestation.enhanced.expiry_field":       {"expirationTime", "expiry"},
	"attestation.enhanced.expiry_minutes":     {"5", "10080"},
	"attestation.enhanced.status_path":        {"/v2/{id}/status", "/v1/x?id={id}"},
	"attestation.enhanced.agreement_token":    {"app_user", "app_only"},
	"report.dir":                              {"/one", "/two"},
	"report.language":                         {"pt-BR", "en"},
	"report.timezone":                         {"America/Sao_Paulo", "Asia/Kolkata"},
	"report.keep":                             {"1", "9"},
	"reconcile.max_gone_percent":              {"0", "12.5"},
	"reconcile.resume_within":                 {"0s", "1h30m0s"},
	"http.timeout":                            {"100ms", "2m0s"},
	"http.attempts":                           {"1", "3"},
	"mail.host":                               {"::1", "smtp.example"},
	"mail.port":                               {"1", "65535"},
	"mail.tls":                                {"implicit", "starttls"},
	"mail.user":                               {"ana", "007"},
	"mail.password":                           {"another", "0012"},
	"mail.password_file":                      {"/one", "/two"},
	"mail.from":                               {"<a@b.example>", `"Ana" <c@d.example>`},
	"mail.delivery":                           {"smtp", "drafts"},
	"mail.drafts_dir":                         {"/one", "/two"},
	"mail.templates_dir":                      {"/one", "/two"},
	"invite.repeat_after_days":                {"1", "60"},
	"notify.when":                             {"always", "failure"},
	"notify.to":                               {`<a@b.example>, "Ana, S." <c@d.example>`, "<a@b.example>"},
	"notify.attach_limit_mb":                  {"0", "25"},
	"notify.webhook.url":                      {"http://localhost:1/x", "https://hooks.example/a?sig=b"},
	"notify.webhook.url_file":                 {"/one", "/two"},
	"notify.webhook.kind":                     {"teams", "generic"},
	"notify.ping.start_url":                   {"https://ping.example/a", "https://ping.example/b"},
	"notify.ping.start_url_file":              {"/one", "/two"},
	"notify.ping.success_url":                 {"https://ping.example/a", "https://ping.example/b"},
	"notify.ping.success_url_file":            {"/one", "/two"},
	"notify.ping.fail_url":                    {"https://ping.example/a", "https://ping.example/b"},
	"notify.ping.fail_url_file":               {"/one", "/two"},
}

// base are the keys that others need, by their variables.
var base = map[string]string{
	"partners[0].name": "contoso", "partners[0].tenant_id": "00000000-0000-0000-0000-00000000000a",
	"partners[0].kind": "direct_bill", "partners[0].client_id": "app", "partners[0].client_secret": "s",
	"partners[0].app_only.client_id": "app", "partners[0].app_only.client_secret": "s",
	"mail.host": "mail.example", "mail.from": "a@b.example", "mail.user": "u", "mail.password": "p",
}

// split cuts a path into its section, with the dot, and its name.
func split(path string) (section, name string) {
	i := strings.LastIndexByte(path, '.') + 1
	return path[:i], path[i:]
}

// environmentWithout is base without the key that is tested and what excludes it.
func environmentWithout(path string) []string {
	var environ []string
	for other, value := range base {
		section, name := split(path)
		secretOfCertificate := name == "certificate_file" && other == section+"client_secret"
		if strings.TrimSuffix(path, "_file") != other && !secretOfCertificate {
			environ = append(environ, Prefix+variable(other)+"="+value)
		}
	}
	return environ
}

// document is a YAML file with one key.
func document(path, value string) string {
	var text strings.Builder
	indent := ""
	names := strings.Split(path, ".")
	for i, name := range names {
		plain, isPartner := strings.CutSuffix(name, "[0]")
		text.WriteString(indent + plain + ":")
		indent += "  "
		switch {
		case i == len(names)-1:
			text.WriteString(" " + value + "\n")
		case isPartner:
			text.WriteString("\n" + indent + "-\n")
			indent += "  "
		default:
			text.WriteString("\n")
		}
	}
	return text.String()
}

func exampleConfig() Config { return Config{Partners: []Partner{defaultPartner()}} }

// rendered is the value of a key of a configuration, as text.
func rendered(c Config, path string) string {
	for _, k := range c.keys() {
		if k.path != path {
			continue
		}
		switch target := k.target.(type) {
		case *Addresses:
			var all []string
			for _, address := range *target {
				all = append(all, address.String())
			}
			return strings.Join(all, ", ")
		case *Address:
			if *target == (Address{}) {
				return ""
			}
			return (*mail.Address)(target).String()
		}
		return fmt.Sprint(reflect.ValueOf(k.target).Elem())
	}
	return "no such key"
}

func TestEveryKeyIsReadFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c := exampleConfig()
	for _, k := range c.keys() {
		t.Run(k.path, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for _, name := range []string{"one", "two"} {
				require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("sqlite:x.db\n"), 0o600))
			}
			pair, ok := samples[k.path]
			require.True(t, ok, "a new key: give it two values in samples")
			inFile, inEnvironment := strings.ReplaceAll(pair[0], "DIR", folder),
				strings.ReplaceAll(pair[1], "DIR", folder)
			path := filepath.Join(folder, "mcaledger.yaml")
			text := document(k.path, inFile)
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			environ := environmentWithout(k.path)

			c, err := Load(path, environ)
			require.NoError(t, err, text)
			assert.Equal(t, inFile, rendered(c, k.path))
			assert.Contains(t, c.Source(k.path), path)

			environ = append(environ, "PATH=/bin", Prefix+variable(k.path)+"="+inEnvironment)
			c, err = Load(path, environ)
			require.NoError(t, err, "the environment overrides the file")
			assert.Equal(t, inEnvironment, rendered(c, k.path))
			assert.Equal(t, Prefix+variable(k.path), c.Source(k.path))

			require.NoError(t, os.WriteFile(path, nil, 0o600))
			c, err = Load(path, environ)
			require.NoError(t, err, "the environment alone")
			assert.Equal(t, inEnvironment, rendered(c, k.path))
		})
	}
}

// documentedKey is a row of the table in docs/configuration.md.
var documentedKey = regexp.MustCompile("(?m)^\\| `([a-z_.\\[\\]]+)` \\| (.*?) \\| (.*) \\|$")

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	return string(text)
}

func TestTheDocumentationListsEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.Partners = []Partner{defaultPartner()}
	rows := documentedKey.FindAllStringSubmatch(documentation(t), -1)
	keys := c.keys()
	require.Len(t, rows, len(keys), "docs/configuration.md has another number of keys")
	for i, k := range keys {
		row := rows[i]
		assert.Equal(t, strings.ReplaceAll(k.path, "[0]", "[]"), row[1], "the order is that of the structs")
		want := rendered(c, k.path)
		if want != "" {
			want = "`" + strings.TrimSuffix(strings.TrimSuffix(want, "0s"), "0m") + "`"
		}
		assert.Equal(t, want, row[2], "default of %s", k.path)
		for _, word := range wordsOf(k) {
			assert.Contains(t, row[3], "`"+word+"`", "words of %s", k.path)
		}
	}
}

// wordsOf are the words that a key allows, taken from its message about another one.
func wordsOf(k key) []string {
	switch k.target.(type) {
	case *bool, *Language: // a new language needs no change of the documentation
		return nil
	}
	if k.set("?") == nil || k.path == "attestation.retired" { // validate refuses one of its words
		return nil
	}
	list, isList := strings.CutPrefix(k.set("?").Error(), "must be ")
	list, _, _ = strings.Cut(list, ", not ")
	if !isList || !strings.Contains(list, " or ") || strings.Contains(list, "such as") {
		return nil
	}
	return strings.Split(strings.Replace(list, " or ", ", ", 1), ", ")
}

func TestTheExampleOfTheDocumentationIsComplete(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(documentation(t), "## A complete example\n")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	folder := t.TempDir()
	path := filepath.Join(folder, "mcaledger.yaml")
	require.NoError(t, os.WriteFile(path, []byte(example), 0o600))
	c, err := Load(path, nil)
	require.NoError(t, err)

	for _, k := range c.keys() {
		plain := strings.TrimSuffix(k.path, "_file")
		given := c.Source(k.path) != "default" || c.Source(plain) != "default" || c.Source(plain+"_file") != "default"
		_, name := split(k.path)
		assert.True(t, given || strings.Contains(example, "# "+name+":"), "%s is not in the example", k.path)
	}
}
