package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/config"
)

// secretFiles is a configuration in which every secret is a file of the folder.
const secretFiles = `partners:
  - name: contoso
    tenant_id: 00000000-0000-0000-0000-00000000000a
    kind: direct_bill
    client_id: app
    client_secret_file: secret
    refresh_token_file: token
    app_only: { client_id: alone, certificate_file: certificate }
attestation: { key_file: key }
mail: { host: mail.example, from: a@b.example, user: u, password_file: password }
notify: { webhook: { url_file: webhook }, ping: { start_url_file: start, success_url_file: success, fail_url_file: fail } }
`

func TestLoadOpensNoSecret(t *testing.T) {
	t.Parallel()
	path := write(t, secretFiles)
	c, err := config.Load(path, nil) // none of the files exists
	require.NoError(t, err)
	p, folder := c.Partners[0], filepath.Dir(path)

	_, err = p.AppUser()
	assert.EqualError(t, err, fmt.Sprintf(`client_secret_file: open %[1]s/secret: no such file or directory; write the secret to it, or correct the path
refresh_token_file: open %[1]s/token: no such file or directory; sign in with mcaledger login`, folder))
	_, err = p.AppAlone()
	assert.EqualError(t, err, fmt.Sprintf("app_only.certificate_file: open %s/certificate: no such file or "+
		"directory; put the certificate and its private key there in PEM form", folder))
	_, err = c.Attestation.Key()
	assert.EqualError(t, err, "attestation.key_file: open "+folder+
		"/key: no such file or directory; write a key to it, or correct the path")
	for key, secret := range map[string]config.Secret{"mail.password_file": c.Mail.Password,
		"notify.webhook.url_file": c.Notify.Webhook.URL, "notify.ping.start_url_file": c.Notify.Ping.StartURL} {
		assert.True(t, secret.IsSet())
		_, err := secret.ReadURL()
		assert.ErrorContains(t, err, key+": open "+folder)
	}
}

func TestSecretsAreReadWhenAsked(t *testing.T) {
	t.Parallel()
	path := write(t, secretFiles)
	c, err := config.Load(path, nil)
	require.NoError(t, err)
	folder, p := filepath.Dir(path), c.Partners[0]
	put := func(name, text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}

	put("secret", "\ufeffs3cr3t from file \r\n")
	put("token", " \n")
	_, err = p.AppUser()
	assert.EqualError(t, err, "refresh_token_file: "+folder+"/token is empty; sign in with mcaledger login")
	put("token", "t")
	got, err := p.AppUser()
	require.NoError(t, err)
	assert.Equal(t, config.Credentials{ClientID: "app", ClientSecret: "s3cr3t from file", RefreshTokenFile: folder +
		"/token"}, got,
		"without byte-order mark and line end")

	put("certificate", "PEM")
	got, err = p.AppAlone()
	require.NoError(t, err)
	assert.Equal(t, config.Credentials{ClientID: "alone", CertificateFile: folder + "/certificate"}, got)
	p.AppOnly = config.App{}
	got, err = p.AppAlone()
	require.NoError(t, err)
	assert.Equal(t, config.Credentials{ClientID: "app", ClientSecret: "s3cr3t from file"}, got,
		"the same app, without the user")

	put("key", "k\n")
	key, err := c.Attestation.Key()
	require.NoError(t, err)
	assert.Equal(t, "k", key)

	put("webhook", "http://hooks.example/hush")
	_, err = c.Notify.Webhook.URL.ReadURL()
	assert.EqualError(t, err, "notify.webhook.url must begin with https://")
	put("webhook", "https://hooks.example/hush\n")
	address, err := c.Notify.Webhook.URL.ReadURL()
	require.NoError(t, err)
	assert.Equal(t, "https://hooks.example/hush", address)
}

func TestSecretsOfTheEnvironmentOverrideTheFile(t *testing.T) {
	t.Parallel()
	path := write(t, replaced("client_secret", "    client_secret_file: nowhere")+"database_file: nowhere\n")
	c, err := config.Load(path, []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET=direct", "MCALEDGER_DATABASE=sqlite:x.db"})
	require.NoError(t, err, "a variable overrides both forms")
	got, err := c.Partners[0].AppUser()
	require.NoError(t, err)
	assert.Equal(t, "direct", got.ClientSecret)
	assert.Equal(t, "sqlite:"+filepath.Dir(path)+"/x.db", c.Database)

	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "address"), []byte("sqlite:y.db\n"), 0o600))
	c, err = config.Load(path, []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE=address",
		"MCALEDGER_DATABASE_FILE=address"})
	require.NoError(t, err)
	assert.Equal(t, "sqlite:"+filepath.Dir(path)+"/y.db", c.Database)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c, err := load(t, minimal)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, c.Partners), "s3cr3t", verb)
		assert.NotContains(t, fmt.Sprintf(verb, c.Partners[0].ClientSecret), "s3cr3t", verb)
	}
}
