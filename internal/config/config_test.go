package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/config"
)

// minimal is a configuration with only what must be given.
const minimal = `partners:
  - name: contoso
    tenant_id: 00000000-0000-0000-0000-00000000000a
    kind: direct_bill
    client_id: app
    client_secret: s3cr3t-value
`

// second is the lines of another partner.
const second = `  - name: fabrikam
    tenant_id: 00000000-0000-0000-0000-00000000000b
    kind: indirect_provider
    client_id: app
    client_secret: s3cr3t-value
`

// write puts a configuration into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcaledger.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// replaced is minimal with another line, or none, for some of its keys: key, line, key, line, …
func replaced(pairs ...string) string {
	text := minimal
	for i := 0; i < len(pairs); i += 2 {
		line := pairs[i+1]
		if line != "" {
			line += "\n"
		}
		text = regexp.MustCompile(`(?m)^    `+pairs[i]+`:.*\n`).ReplaceAllLiteralString(text, line)
	}
	return text
}

func load(t *testing.T, text string, environ ...string) (config.Config, error) {
	t.Helper()
	return config.Load(write(t, text), environ)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	path := write(t, minimal)
	c, err := config.Load(path, nil)
	require.NoError(t, err)
	folder := filepath.Dir(path)

	assert.Equal(t, "sqlite:"+filepath.Join(folder, "mcaledger.db"), c.Database)
	require.Len(t, c.Partners, 1)
	p := c.Partners[0]
	assert.Equal(t, "https://api.partnercenter.microsoft.com", p.APIURL)
	assert.Equal(t, "https://login.microsoftonline.com", p.LoginURL)
	assert.Equal(t, 500, p.RequestsPerMinute)
	assert.Equal(t, 16, p.Concurrency)
	assert.Equal(t, config.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}, c.Policy)
	assert.Equal(t, config.Attestation{
		Route:    config.RouteNone, // without a route nothing is sent
		Approval: config.ApprovalRequired, Evidence: config.EvidenceOptional, Ceiling: 1000, Dates: config.DatesAuto,
		Inbox: filepath.Join(folder, "inbox"), DeliverLinks: config.LinksByMail, RemindAfterDays: 3,
		SettleAfter: 3 * time.Minute, Enhanced: config.Enhanced{EmailField: "emailAddress", PhoneField: "phoneNumber",
			ExpiryField: "expirationInMinutes", ExpiryMinutes: 10080, StatusPath: "/v1/attestations/enhanced/{id}",
			AgreementToken: config.TokenAppOnly},
	}, c.Attestation)
	assert.Equal(t, config.Report{Dir: filepath.Join(folder, "reports"), Language: "en", Timezone: "UTC", Keep: 400},
		c.Report)
	assert.Equal(t, config.Reconcile{MaxGonePercent: 5, ResumeWithin: 6 * time.Hour}, c.Reconcile)
	assert.Equal(t, config.HTTP{Timeout: time.Minute, Attempts: 6}, c.HTTP)
	assert.Equal(t, 587, c.Mail.Port)
	assert.Equal(t, config.TLSStartTLS, c.Mail.TLS)
	assert.Equal(t, config.DeliveryDrafts, c.Mail.Delivery)
	assert.Equal(t, filepath.Join(folder, "drafts"), c.Mail.DraftsDir)
	assert.Equal(t, config.Invite{RepeatAfterDays: 14}, c.Invite)
	assert.Equal(t, config.NotifyChanges, c.Notify.When)
	assert.Equal(t, 10, c.Notify.AttachLimitMB)
	assert.Equal(t, config.WebhookGeneric, c.Notify.Webhook.Kind)
}

func TestSourceSaysWhereAKeyIsSet(t *testing.T) {
	t.Parallel()
	path := write(t, minimal+"attestation: { approval: none }\nreport: { language: ~ }\n")
	c, err := config.Load(path, []string{"MCALEDGER_REPORT_KEEP=3"})
	require.NoError(t, err)
	assert.Equal(t, path+" line 7", c.Source("attestation.approval"))
	assert.Equal(t, "MCALEDGER_REPORT_KEEP", c.Source("report.keep"))
	assert.Equal(t, "default", c.Source("report.language"))
	assert.Equal(t, "default", c.Source("report.dir"))
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 23, 0, 0, 0, time.FixedZone("", -2*3600)) // the 23rd in UTC
	keys := func(text string) (keys []string) {
		t.Helper()
		c, err := load(t, minimal+text)
		require.NoError(t, err)
		for _, warning := range c.Warnings(now) {
			keys = append(keys, warning.Key)
			assert.NotEmpty(t, warning.Message)
		}
		return keys
	}
	assert.Empty(t, keys(""))
	assert.Empty(t, keys("policy: { accepted_since: 2026-11-23 }"), "today in UTC")
	assert.Equal(t, []string{"policy.accepted_since"}, keys("policy: { accepted_since: 2026-11-24 }"))
	assert.Equal(t, []string{"mail.tls"}, keys("mail: { host: mail.example, from: a@b.example, tls: none }"))
	assert.Empty(t, keys("mail: { host: 127.0.0.1, from: a@b.example, tls: none }"))
}

func TestSelect(t *testing.T) {
	t.Parallel()
	a := config.Partner{Name: "a", TenantID: "00000000-0000-0000-0000-00000000000A"}
	b := config.Partner{Name: "b", TenantID: "00000000-0000-0000-0000-00000000000b"}
	c := config.Config{Partners: []config.Partner{a, b}}
	for _, test := range []struct {
		wanted []string
		want   []config.Partner
	}{
		{nil, []config.Partner{a, b}},
		{[]string{"b"}, []config.Partner{b}},
		{[]string{"00000000-0000-0000-0000-00000000000a"}, []config.Partner{a}},
		{[]string{"b", "a", "b", b.TenantID}, []config.Partner{b, a}},
	} {
		got, err := c.Select(test.wanted)
		require.NoError(t, err)
		assert.Equal(t, test.want, got, "%v", test.wanted)
	}
	_, err := c.Select([]string{"a", "c"})
	assert.EqualError(t, err, `there is no partner "c"; the configuration has a, b`)
}

func TestRelativePathsAreRelativeToTheFile(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "etc", "mca.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "etc", "secret"), []byte("s"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(replaced("client_secret", "    client_secret_file: secret")+
		"    refresh_token_file: token\ndatabase: sqlite:../var/a b%20.db\nreport: { dir: ../out }\nattestation: { "+
		"inbox: in }\n"), 0o600))
	t.Chdir(filepath.Dir(folder))
	c, err := config.Load(filepath.Join(filepath.Base(folder), "etc/mca.yaml"), nil)
	require.NoError(t, err)
	assert.Equal(t, "sqlite:"+filepath.Join(folder, "var/a b%20.db"), c.Database)
	secret, err := c.Partners[0].ClientSecret.Read()
	require.NoError(t, err)
	assert.Equal(t, "s", secret)
	assert.Equal(t, filepath.Join(folder, "etc/token"), c.Partners[0].RefreshTokenFile)
	assert.Equal(t, filepath.Join(folder, "out"), c.Report.Dir)
	assert.Equal(t, filepath.Join(folder, "etc/in"), c.Attestation.Inbox)
}

func TestWhereTheFileIsLookedFor(t *testing.T) {
	named := func(name string) string { return fmt.Sprintf("%s# %s\nreport: { dir: /%s }\n", minimal, name, name) }
	first, other := write(t, named("first")), write(t, named("other"))
	t.Chdir(t.TempDir())
	at := func(path string, environ ...string) string {
		t.Helper()
		c, err := config.Load(path, environ)
		require.NoError(t, err)
		return c.Report.Dir
	}
	_, err := config.Load("", nil)
	assert.EqualError(t, err, "there is no configuration: looked for ./mcaledger.yaml and "+
		"/etc/mcaledger/mcaledger.yaml; name one with --config")
	_, err = config.Load("", []string{"MCALEDGER_REPORT_LANGUAGE=en"})
	assert.EqualError(t, err, "environment (there is no file ./mcaledger.yaml or /etc/mcaledger/mcaledger.yaml): "+
		"partners is empty; add at least one Partner Center account")
	_, err = config.Load("nowhere.yaml", nil)
	assert.EqualError(t, err, "read the configuration: open nowhere.yaml: no such file or directory")

	require.NoError(t, os.WriteFile("mcaledger.yaml", []byte(named("here")), 0o600))
	assert.Equal(t, "/here", at(""))
	assert.Equal(t, "/here", at("", "MCALEDGER_CONFIG="))
	assert.Equal(t, "/first", at("", "MCALEDGER_CONFIG="+first))
	assert.Equal(t, "/other", at(other, "MCALEDGER_CONFIG="+first))

	require.NoError(t, os.Remove("mcaledger.yaml"))
	require.NoError(t, os.Symlink("mcaledger.yaml", "mcaledger.yaml"))
	_, err = config.Load("", nil)
	assert.ErrorContains(t, err, "mcaledger.yaml", "a file that cannot be read is not passed over")
}
