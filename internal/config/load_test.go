package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/config"
)

func TestAWholeConfigurationCanComeFromTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	var environ []string
	for n := range 12 { // partner 10 follows partner 9, not partner 1
		variable := fmt.Sprintf("MCALEDGER_PARTNERS_%d_", n)
		environ = append(environ, variable+fmt.Sprintf("NAME=p%d", n),
			variable+fmt.Sprintf("TENANT_ID=00000000-0000-0000-0000-%012d", n),
			variable+"KIND=direct_bill", variable+"CLIENT_ID=app", variable+"CLIENT_SECRET=a=b=c")
	}
	check := func(c config.Config, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Len(t, c.Partners, 12)
		assert.Equal(t, "p10", c.Partners[10].Name)
		assert.Equal(t, 16, c.Partners[10].Concurrency)
		secret, err := c.Partners[11].ClientSecret.Read()
		require.NoError(t, err)
		assert.Equal(t, "a=b=c", secret)
	}
	check(config.Load("", environ))
	check(load(t, "partners:\n", environ...))
	check(load(t, "partners: []\n", environ...))
	check(load(t, "partners: [{name: other}]\n", environ...))
}

func TestAnEmptyVariableIsAnEmptyValueNotTheDefault(t *testing.T) {
	t.Parallel()
	c, err := load(t, minimal+"    refresh_token_file: /nowhere\n", "MCALEDGER_PARTNERS_0_REFRESH_TOKEN_FILE=")
	require.NoError(t, err)
	assert.Empty(t, c.Partners[0].RefreshTokenFile)

	_, err = load(t, minimal+"database: postgres://host/db\n", "MCALEDGER_DATABASE=")
	assert.EqualError(t, err, "MCALEDGER_DATABASE: database must begin with sqlite: or postgres://",
		"nobody would notice a night in a new database")
}

func TestVariablesOfKubernetesAreNotOurs(t *testing.T) {
	t.Parallel()
	_, err := load(t, minimal, "MCALEDGER_SERVICE_HOST=10.0.0.1", "MCALEDGER_SERVICE_PORT=80",
		"MCALEDGER_SERVICE_PORT_HTTP=80",
		"MCALEDGER_PORT=tcp://10.0.0.1:80", "MCALEDGER_PORT_80_TCP=tcp://10.0.0.1:80",
		"MCALEDGER_PORT_80_TCP_PROTO=tcp", "MCALEDGER_PORT_80_TCP_PORT=80", "MCALEDGER_PORT_80_TCP_ADDR=10.0.0.1",
		"MCALEDGER_POSTGRES_SERVICE_HOST=10.0.0.1", "MCALEDGER_POSTGRES_PORT=tcp://10.0.0.1:5432",
		"MCALEDGER_POSTGRES_PORT_5432_TCP_ADDR=10.0.0.1", "MCALEDGER_MAIL_PORT=tcp://10.0.0.1:25")
	require.NoError(t, err)
	c, err := load(t, minimal, "MCALEDGER_MAIL_PORT=25")
	require.NoError(t, err)
	assert.Equal(t, 25, c.Mail.Port)
	for _, name := range []string{"MCALEDGER_PORTAL", "MCALEDGER_MIAL_PORT", "MCALEDGER_SERVICE",
		"MCALEDGER_SERVICES_HOST"} {
		_, err := load(t, minimal, name+"=1")
		assert.ErrorContains(t, err, "there is no key for "+name)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text    string
		environ []string
		want    string // FILE stands for the path of the configuration, DIR for its folder
	}{
		"unknown key": {minimal + "databse: x\n", nil,
			"FILE line 7: there is no key databse; did you mean database?"},
		"unknown key of a section": {minimal + "report:\n  language: en\n  direktory: x\n  timezon: UTC\n", nil,
			"FILE line 9: there is no key report.direktory\nFILE line 10: there is no key report.timezon; did you " +
				"mean report.timezone?"},
		"unknown key, deep": {minimal + "attestation: { enhanced: { emial_field: x } }\n", nil,
			"FILE line 7: there is no key attestation.enhanced.emial_field; did you mean " +
				"attestation.enhanced.email_field?"},
		"unknown key in braces": {minimal + "reconcile: { max_gone_procent: 5 }\n", nil,
			"FILE line 7: there is no key reconcile.max_gone_procent; did you mean reconcile.max_gone_percent?"},
		"unknown key without value": {minimal + "databse:\n", nil,
			"FILE line 7: there is no key databse; did you mean database?"},
		"unknown section": {minimal + "reprot:\n  language: en\n  dir: x\n", nil,
			"FILE line 7: there is no key reprot; did you mean report?"},
		"unknown section, deep": {minimal + "notify: { webhok: { url: x } }\n", nil,
			"FILE line 7: there is no key notify.webhok; did you mean notify.webhook?"},
		"unknown key of a partner": {minimal + "    client_secrt: hush-hush\n", nil,
			"FILE line 7: there is no key partners[0].client_secrt; did you mean partners[0].client_secret?"},
		"secret without its file": {minimal + "    refresh_token: hush-hush\n", nil,
			"FILE line 7: there is no key partners[0].refresh_token; did you mean partners[0].refresh_token_file?"},
		"known key in the wrong place": {minimal + "approval: none\n", nil,
			"FILE line 7: there is no key approval; did you mean attestation.approval?"},
		"case matters, and is said": {minimal + "Database: sqlite:x\n", nil,
			"FILE line 7: there is no key Database; did you mean database?"},
		"nothing like it": {minimal + "qqqq: 1\n", nil, "FILE line 7: there is no key qqqq"},
		"merge key": {minimal + "    <<: { name: x }\n", nil,
			"FILE line 7: there is no key partners[0].<<"},

		"unknown variable": {minimal, []string{"MCALEDGER_DATABSE=hush-hush"},
			"environment: there is no key for MCALEDGER_DATABSE; did you mean MCALEDGER_DATABASE?"},
		"unknown variable of a partner": {minimal, []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRT=hush-hush"},
			"environment: there is no key for MCALEDGER_PARTNERS_0_CLIENT_SECRT; did you mean " +
				"MCALEDGER_PARTNERS_0_CLIENT_SECRET?"},
		"variable of a section": {minimal, []string{"MCALEDGER_HTTP=x"},
			"environment: there is no key for MCALEDGER_HTTP"},
		"variable of the list": {minimal, []string{"MCALEDGER_PARTNERS=x"},
			"environment: there is no key for MCALEDGER_PARTNERS"},
		"variable after a gap": {minimal, []string{"MCALEDGER_PARTNERS_2_NAME=late"},
			"environment: there is no key for MCALEDGER_PARTNERS_2_NAME; did you mean MCALEDGER_PARTNERS_0_NAME?"},
		"leading zero": {minimal, []string{"MCALEDGER_PARTNERS_00_NAME=late"},
			"environment: there is no key for MCALEDGER_PARTNERS_00_NAME; did you mean MCALEDGER_PARTNERS_0_NAME?"},
		"variable and its file": {minimal, []string{"MCALEDGER_DATABASE=sqlite:a", "MCALEDGER_DATABASE_FILE=b"},
			"MCALEDGER_DATABASE_FILE: database and database_file are both given; give one"},
		"secret and its file, too": {replaced("client_secret", ""),
			[]string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET=hush-hush", "MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE=b"},
			"MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE: partners[0].client_secret and partners[0].client_secret_file " +
				"are both given; give one"},

		"duplicate key": {minimal + "database: sqlite:a\nhttp: {attempts: 3}\ndatabase: sqlite:b\n", nil,
			"FILE line 9: database is given twice, first on line 7"},
		"duplicate key, below": {minimal + "    name: again\n", nil,
			"FILE line 7: name is given twice, first on line 2"},
		"duplicate key in braces": {minimal + "http: { attempts: 3, attempts: 4 }\n", nil,
			"FILE line 7: attempts is given twice, first on line 7"},
		"duplicate section": {minimal + "http: { attempts: 3 }\nhttp: { timeout: 3s }\n", nil,
			"FILE line 8: http is given twice, first on line 7"},
		"duplicate key, quoted": {minimal + "database: sqlite:a\n\"database\": sqlite:b\n", nil,
			"FILE line 8: database is given twice, first on line 7"},
		"secret and file": {minimal + "    client_secret_file: x\n", nil,
			"FILE line 7: partners[0].client_secret and partners[0].client_secret_file are both given; give one"},
		"file and secret": {"database_file: x\ndatabase: y\n" + minimal, nil,
			"FILE line 2: database and database_file are both given; give one"},
		"unreadable database": {minimal + "database_file: x\n", nil,
			"FILE line 7: database_file: open DIR/x: no such file or directory; write the address of the database " +
				"to it"},
		"empty database file": {minimal + "database_file: /dev/null\n", nil,
			"FILE line 7: database_file: read /dev/null: it is not a regular file"},
		"no secret": {replaced("client_secret", "    client_secret_file:"), nil,
			"FILE line 2: partners[0].client_secret is missing or empty; give client_secret, client_secret_file or " +
				"certificate_file"},
		"empty secret": {replaced("client_secret", "    client_secret: ''"), nil,
			"FILE line 6: partners[0].client_secret is missing or empty; give client_secret, client_secret_file or " +
				"certificate_file"},
		"secret and certificate": {minimal + "    certificate_file: /etc/hostname\n", nil,
			"FILE line 6: partners[0].client_secret and certificate_file are both given; give one"},
		"app without secret": {minimal + "    app_only: { client_id: x }\n", nil,
			"FILE line 7: partners[0].app_only.client_secret is missing or empty; give client_secret, " +
				"client_secret_file or certificate_file"},
		"secret without app": {minimal + "    app_only: { client_secret: hush-hush }\n", nil,
			"FILE line 7: partners[0].app_only.client_id is missing; it is the application id of the app registration"},

		"whole number": {minimal + "http: { attempts: six }\n", nil,
			`FILE line 7: http.attempts must be a whole number, not "six"`},
		"octal": {minimal + "http: { attempts: 0o7 }\n", nil,
			`FILE line 7: http.attempts must be a whole number, not "0o7"`},
		"fraction": {minimal + "    concurrency: 1.5\n", nil,
			`FILE line 7: partners[0].concurrency must be a whole number, not "1.5"`},
		"number": {minimal + "reconcile: { max_gone_percent: 5% }\n", nil,
			`FILE line 7: reconcile.max_gone_percent must be a number, not "5%"`},
		"not a number": {minimal + "reconcile: { max_gone_percent: nan }\n", nil,
			"FILE line 7: reconcile.max_gone_percent must be from 0 to 100, not NaN"},
		"yes or no": {minimal + "policy: { trust_direct_acceptance: perhaps }\n", nil,
			`FILE line 7: policy.trust_direct_acceptance must be true or false, not "perhaps"`},
		"duration without unit": {minimal + "http: { timeout: 60 }\n", nil,
			`FILE line 7: http.timeout must be a duration such as 90s or 6h, not "60"`},
		"duration in days": {minimal + "reconcile: { resume_within: 1d }\n", nil,
			`FILE line 7: reconcile.resume_within must be a duration such as 90s or 6h, not "1d"`},
		"duration, variable": {minimal, []string{"MCALEDGER_HTTP_TIMEOUT=60"},
			`MCALEDGER_HTTP_TIMEOUT: http.timeout must be a duration such as 90s or 6h, not "60"`},
		"list for a value": {minimal + "database: [a, b]\n", nil, "FILE line 7: database must be a single value"},
		"keys for a value": {minimal + "database: {sqlite: b}\n", nil,
			"FILE line 7: database must be a single value"},
		"keys for addresses": {minimal + "notify: { to: [{a: b}] }\n", nil,
			"FILE line 7: notify.to must be a single value"},
		"list for a secret": {replaced("client_secret", "    client_secret_file: [a]"), nil,
			"FILE line 6: partners[0].client_secret_file must be a single value"},
		"value for a section": {minimal + "http: 60s\n", nil,
			"FILE line 7: http must hold keys and values, one per line"},
		"list for a section": {minimal + "http:\n  - timeout: 60s\n", nil,
			"FILE line 7: http must hold keys and values, one per line"},
		"keys for the list": {"partners:\n  name: contoso\n", nil,
			"FILE line 1: partners must be a list; begin each partner with a dash"},
		"text for a partner": {"partners:\n  - contoso\n", nil,
			"FILE line 1: partners must be a list; begin each partner with a dash"},
		"text for one partner": {minimal + "  - contoso\n", nil,
			"FILE line 7: partners[1] must hold keys and values, one per line"},
		"section and variable": {minimal + "report: ./reports\n", []string{"MCALEDGER_REPORT_LANGUAGE=en"},
			"FILE line 7: report must hold keys and values, one per line"},
		"not keys": {"- a\n- b\n", nil,
			"FILE line 1: the configuration must hold keys and values, one per line"},
		"a text": {"hush-hush\n", nil,
			"FILE line 1: the configuration must hold keys and values, one per line"},
		"empty file": {"", nil, "FILE: partners is empty; add at least one Partner Center account"},
		"comments only": {"# nothing\n---\n", nil,
			"FILE: partners is empty; add at least one Partner Center account"},
		"empty list": {"database: sqlite:x\npartners: []\n", nil,
			"FILE line 2: partners is empty; add at least one Partner Center account"},
		"two documents": {minimal + "---\ndatabase: sqlite:x\n", nil,
			"FILE holds more than one document; remove the line --- and what follows, or join them"},
		"syntax": {minimal + "report: { dir: x\n", nil,
			"FILE line 7: could not find flow mapping end token '}'; check indentation, colons and quotes"},
		"syntax, tab": {"partners:\n\t- name: a\n", nil,
			"FILE line 2: found character '\t' that cannot start any token; check indentation, colons and quotes"},
		"syntax, first line": {"a: b: c\n", nil,
			"FILE line 1: mapping value is not allowed in this context; check indentation, colons and quotes"},
		"syntax, half a quote": {minimal + "database: 'sqlite:x\n", nil,
			"FILE line 7: could not find end character of single-quoted text; check indentation, colons and quotes"},
		"syntax, binary": {"\x00\x01\x02", nil,
			"FILE line 1: the configuration must hold keys and values, one per line"},
		"no comma in braces": {minimal + "report: { dir: a language: en }\n", nil,
			"FILE line 7: a comma or a quote is missing"},
		"control character": {strings.Replace(minimal, "contoso", `"a\r\nBcc: x"`, 1), nil,
			"FILE line 2: partners[0].name must be one line without control characters"},
		"two lines": {replaced("client_secret", "    client_secret: |\n      hush\n      hush"), nil,
			"FILE line 6: partners[0].client_secret must be one line without control characters"},
		"secret like an alias": {replaced("client_secret", "    client_secret: *hush-hush"), nil,
			"FILE line 6: a value begins with &, * or !; put it in quotes"},
		"secret like an anchor": {replaced("client_secret", "    client_secret: &hush-hush x"), nil,
			"FILE line 6: a value begins with &, * or !; put it in quotes"},
		"secret like a tag": {replaced("client_secret", "    client_secret: !hush-hush"), nil,
			"FILE line 6: a value begins with &, * or !; put it in quotes"},
		"endless alias": {minimal + "http: &a { attempts: *a }\n", nil,
			"FILE line 7: a value begins with &, * or !; put it in quotes"},

		"kind": {replaced("kind", "    kind: direct-bill"), nil, `FILE line 4: partners[0].kind must be direct_bill, indirect_provider or indirect_reseller, not "direct-bill"; did you mean direct_bill?`},
		"kind missing": {replaced("kind", ""), nil,
			`FILE line 2: partners[0].kind is missing; write direct_bill, indirect_provider or indirect_reseller`},
		"name missing": {replaced("tenant_id", "    tenant_id: 00000000-0000-0000-0000-00000000000a\n    "+
			"concurrency: 3") + "  - kind: direct_bill\n    tenant_id: 00000000-0000-0000-0000-00000000000b\n    " +
			"client_id: a\n    client_secret: b\n", nil,
			"FILE line 8: partners[1].name is missing; it labels the partner on every report"},
		"tenant":           {replaced("tenant_id", "    tenant_id: contoso.com"), nil, `FILE line 3: partners[0].tenant_id must be a tenant id such as 00000000-0000-0000-0000-000000000000, not "contoso.com"`},
		"tenant in braces": {replaced("tenant_id", "    tenant_id: '{00000000-0000-0000-0000-00000000000a}'"), nil, `FILE line 3: partners[0].tenant_id must be a tenant id such as 00000000-0000-0000-0000-000000000000, not "{00000000-0000-0000-0000-00000000000a}"`},
		"client id": {replaced("client_id", ""), nil,
			"FILE line 2: partners[0].client_id is missing; it is the application id of the app registration"},
		"requests per minute": {minimal + "    requests_per_minute: 0\n", nil,
			"FILE line 7: partners[0].requests_per_minute must be at least 1, not 0"},
		"concurrency": {minimal + "    concurrency: 1001\n", nil,
			"FILE line 7: partners[0].concurrency must be from 1 to 1000, not 1001"},
		"day": {minimal + "policy: { accepted_since: 01/04/2023 }\n", nil,
			`FILE line 7: policy.accepted_since must be a day such as 2023-04-01, not "01/04/2023"`},
		"no such day": {minimal + "policy: { accepted_since: 2023-02-29 }\n", nil,
			`FILE line 7: policy.accepted_since must be a day such as 2023-04-01, not "2023-02-29"`},
		"route": {minimal + "attestation: { route: clasic }\n", nil,
			`FILE line 7: attestation.route must be classic or enhanced, not "clasic"; did you mean classic?`},
		"retired": {minimal + "attestation: { retired: classic }\n", nil,
			`FILE line 7: attestation.retired must be enhanced or empty, not "classic"`},
		"approval": {minimal + "attestation: { approval: false }\n", nil,
			`FILE line 7: attestation.approval must be required or none, not "false"`},
		"evidence": {minimal + "attestation: { evidence: require }\n", nil,
			`FILE line 7: attestation.evidence must be optional or required, not "require"; did you mean required?`},
		"dates": {minimal + "attestation: { dates: ymd }\n", nil,
			`FILE line 7: attestation.dates must be auto, dmy or mdy, not "ymd"`},
		"ceiling": {minimal + "attestation: { ceiling: -1 }\n", nil,
			"FILE line 7: attestation.ceiling must be at least 0, not -1"},
		"inbox": {minimal + "attestation: { inbox: '' }\n", nil,
			"FILE line 7: attestation.inbox is empty; name a folder"},
		"field": {minimal + "attestation: { enhanced: { email_field: e-mail } }\n", nil, `FILE line 7: attestation.enhanced.email_field must be the name of a field of JSON, in letters and digits, not "e-mail"`},
		"field twice": {minimal + "attestation: { enhanced: { phone_field: emailAddress } }\n", nil,
			`FILE line 7: attestation.enhanced.phone_field "emailAddress" is the value of email_field too`},
		"expiry": {minimal + "attestation: { enhanced: { expiry_minutes: 10081 } }\n", nil,
			"FILE line 7: attestation.enhanced.expiry_minutes must be from 5 to 10080, not 10081"},
		"status path":       {minimal + "attestation: { enhanced: { status_path: /v1/x } }\n", nil, `FILE line 7: attestation.enhanced.status_path must be a path that begins with / and holds {id} once, not "/v1/x"`},
		"status path, host": {minimal + "attestation: { enhanced: { status_path: '//evil.example/{id}' } }\n", nil, `FILE line 7: attestation.enhanced.status_path must be a path that begins with / and holds {id} once, not "//evil.example/{id}"`},
		"token kind": {minimal + "attestation: { enhanced: { agreement_token: app } }\n", nil,
			`FILE line 7: attestation.enhanced.agreement_token must be app_only or app_user, not "app"`},
		"language, case": {minimal + "report: { language: pt-br }\n", nil,
			`FILE line 7: report.language must be LANGUAGES, not "pt-br"; did you mean pt-BR?`},
		"time zone": {minimal + "report: { timezone: Brazil/Nowhere }\n", nil,
			`FILE line 7: report.timezone must be a time zone such as UTC or America/Sao_Paulo, not "Brazil/Nowhere"`},
		"time zone of a host": {minimal + "report: { timezone: Local }\n", nil,
			`FILE line 7: report.timezone must be a time zone such as UTC or America/Sao_Paulo, not "Local"`},
		"keep": {minimal + "report: { keep: 0 }\n", nil,
			"FILE line 7: report.keep must be at least 1, not 0"},
		"percent": {minimal + "reconcile: { max_gone_percent: 101 }\n", nil,
			"FILE line 7: reconcile.max_gone_percent must be from 0 to 100, not 101"},
		"negative duration": {minimal + "reconcile: { resume_within: -1h }\n", nil,
			"FILE line 7: reconcile.resume_within must be at least 0s, not -1h0m0s"},
		"short timeout": {minimal + "http: { timeout: 60ns }\n", nil,
			"FILE line 7: http.timeout must be at least 100ms, not 60ns"},
		"attempts": {minimal + "http: { attempts: 0 }\n", nil,
			"FILE line 7: http.attempts must be at least 1, not 0"},
		"invitations": {minimal + "invite: { repeat_after_days: 0 }\n", nil,
			"FILE line 7: invite.repeat_after_days must be at least 1, not 0"},
		"database": {minimal + "database: mysql://u:hush-hush@h/db\n", nil,
			"FILE line 7: database must begin with sqlite: or postgres://"},
		"database file": {minimal + "database_file: /etc/hostname\n", nil,
			"FILE line 7: database must begin with sqlite: or postgres://"},
		"database, empty": {minimal + "database: 'sqlite:'\n", nil,
			"FILE line 7: database needs a file after sqlite:; write sqlite:mcaledger.db"},
		"database, slashes": {minimal + "database: sqlite://x.db\n", nil,
			"FILE line 7: database needs the file directly after sqlite:, without //; write sqlite:mcaledger.db or " +
				"sqlite:/var/lib/mcaledger/mcaledger.db"},
		"one name twice": {minimal + strings.Replace(second, "fabrikam", "contoso", 1), nil,
			`FILE line 7: partners[1].name "contoso" is the name of another partner too`},
		"one tenant twice": {minimal + strings.Replace(second, "00000b", "00000A", 1), nil,
			"FILE line 8: partners[1].tenant_id 00000000-0000-0000-0000-00000000000A is the tenant of another " +
				"partner too"},
		"mail without sender": {minimal + "mail: { host: mail.example }\n", nil,
			"FILE line 7: mail.from is missing; it is the sender of every mail"},
		"mail host with port": {minimal + "mail: { host: 'mail.example:25', from: a@b.example }\n", nil, `FILE line 7: mail.host must be the name or the address of a mail server, without port, not "mail.example:25"`},
		"mail port": {minimal + "mail: { port: 65536 }\n", nil,
			"FILE line 7: mail.port must be from 1 to 65535, not 65536"},
		"mail sender": {minimal + "mail: { host: mail.example, from: 'a@b.example, c@d.example' }\n", nil,
			`FILE line 7: mail.from must be one mail address, not "a@b.example, c@d.example"`},
		"mail without server": {minimal + "mail: { delivery: smtp }\n", nil,
			"FILE line 7: mail.delivery is smtp, which needs mail.host"},
		"mail half signed in": {minimal + "mail: { host: mail.example, from: a@b.example, password: hush-hush }\n",
			nil, "FILE line 7: mail.user and password belong together; give both or none"},
		"mail password, clear": {minimal + "mail: { host: mail.example, from: a@b.example, tls: none, user: u, " +
			"password: hush-hush }\n", nil,
			"FILE line 7: mail.tls must be starttls or implicit where a password is sent"},
		"mail mode": {minimal + "mail: { tls: ssl }\n", nil,
			`FILE line 7: mail.tls must be starttls, implicit or none, not "ssl"`},
		"addresses": {minimal + "notify: { to: 'a@b.example; c@d.example' }\n", nil,
			`FILE line 7: notify.to must hold mail addresses with commas between them, not "a@b.example; c@d.example"`},
		"addresses, no server": {minimal + "notify: { to: a@b.example }\n", nil,
			"FILE line 7: notify.to needs mail.host"},
		"attachment": {minimal + "notify: { attach_limit_mb: -1 }\n", nil,
			"FILE line 7: notify.attach_limit_mb must be at least 0, not -1"},
		"webhook": {minimal + "notify: { webhook: { url: 'http://hooks.example/hush-hush' } }\n", nil,
			"FILE line 7: notify.webhook.url must begin with https://"},
		"webhook kind": {minimal + "notify: { webhook: { kind: slack } }\n", nil,
			`FILE line 7: notify.webhook.kind must be generic or teams, not "slack"`},
		"ping": {minimal + "notify: { ping: { fail_url: hush-hush } }\n", nil,
			"FILE line 7: notify.ping.fail_url must be an address such as https://hooks.example.com/…"},
	}
	_, err := load(t, minimal+"report: { language: '?' }\n")
	_, languages, _ := strings.Cut(err.Error(), "report.language must be ")
	languages, _, _ = strings.Cut(languages, ", not ")
	require.Contains(t, languages, "en")

	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.text)
			_, err := config.Load(path, test.environ)
			require.Error(t, err)
			want := strings.Replace(test.want, "LANGUAGES", languages, 1)
			assert.Equal(t, want, strings.NewReplacer(path, "FILE", filepath.Dir(path), "DIR").Replace(err.Error()))
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, minimal+"databse: x\nhttp: { timeout: 60, attemps: 3 }\n", "MCALEDGER_POLCY_ACCEPTED_SINCE=x")
	require.Error(t, err)
	for _, word := range []string{"databse", "http.timeout", "http.attemps", "MCALEDGER_POLCY_ACCEPTED_SINCE"} {
		assert.ErrorContains(t, err, word)
	}
	_, err = load(t, replaced("kind", "", "client_id", "")+"report: { keep: 0 }\nhttp: { attempts: 0 }\n")
	require.Error(t, err)
	for _, word := range []string{"partners[0].kind", "partners[0].client_id", "report.keep", "http.attempts"} {
		assert.ErrorContains(t, err, word)
	}
}

func TestServiceAddresses(t *testing.T) {
	t.Parallel()
	check := func(address string) error {
		t.Helper()
		_, err := load(t, minimal+"    api_url: '"+address+"'\n")
		_, other := load(t, minimal+"    login_url: '"+address+"'\n")
		assert.Equal(t, err == nil, other == nil, "api_url and login_url are judged alike: %s", address)
		return err
	}
	for _, address := range []string{"https://api.partnercenter.microsoft.com", "https://proxy.example:8443/pc/",
		"HTTPS://x.example",
		"http://127.0.0.1:1", "http://127.255.255.254", "http://[::1]:8080/x", "http://localhost:80",
		"http://LOCALHOST"} {
		assert.NoError(t, check(address), address)
	}
	for _, address := range []string{"http://api.partnercenter.microsoft.com", "http://10.0.0.1", "http://0.0.0.0",
		"http://[::]",
		"http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://128.0.0.1", "http://127.1",
		"http://2130706433",
		"http://[::ffff:127.0.0.1]", "http://[::1%25eth0]", "http://localhost.", "http://[::ffff:10.0.0.1]"} {
		assert.ErrorContains(t, check(address), "must begin with https://", address)
	}
	for _, address := range []string{"https://user:hush@x.example", "https://hush@x.example",
		"https://x.example?key=hush",
		"https://x.example/#hush", "https://x.example?", "http://127.0.0.1@evil.example", "https://x.example#",
		"https://@x.example"} {
		err := check(address)
		assert.ErrorContains(t, err, "without user, password, query and fragment", address)
		assert.NotContains(t, err.Error(), "hush")
	}
	for _, address := range []string{"", "api.partnercenter.microsoft.com", "ftp://x.example", "https://",
		"https:///path", "https://:443",
		"https:x.example", "//x.example", "https://x y.example", "https://x.example:port", "https://x.example:99999",
		"https://x.example:0", "https://x.example:"} {
		assert.ErrorContains(t, check(address), "must be an address such as", address)
	}
}

// The pieces of a password with special characters appear in the messages of net/url and lib/pq.
func TestNoPasswordIsRepeated(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"postgres://u:hu#sh@h/db", "postgres://u:hu/sh@h/db", "postgres://u:hu?sh@h/db",
		"postgres://u:%zzhush@h/db", "postgres://u:hu sh@h/db", "Postgres://u:hush@h/db", "postgres:u:hush@h",
		"u:hush@h/db",
		"sqlite ://hush"} {
		_, err := load(t, minimal+"database: '"+address+"'\n")
		require.Error(t, err, address)
		_, message, named := strings.Cut(err.Error(), "mcaledger.yaml")
		require.True(t, named, "the file is named")
		assert.NotRegexp(t, `hu\b|\bsh|hush`, message, address)
	}
	for _, secret := range []string{"*hush", "&hush x", "!hush", "!hush x", "!!binary hush!", "!!int hush", "@hush",
		"`hush", "%hush", "{hush", "[hush", "'hush", `"hush\q"`, `"hush\xZZ"`, "hush: hush", "|hush", ">hush",
		"a\n  hush", "a\nhush", "- hush", "? hush"} {
		_, err := load(t, replaced("client_secret", "    client_secret: "+secret))
		if err != nil {
			assert.NotContains(t, err.Error(), "hush", secret)
		}
	}
	c, err := load(t, minimal+"database: postgres://u:hush@h:5432/db?password=hush\n")
	require.NoError(t, err)
	assert.Equal(t, "postgres://h:5432/db", c.Ledger())
}

func TestValuesAreTakenAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2024-05-06", "'2024-05-06'", `"2024-05-06"`} {
		c, err := load(t, minimal+"policy: { accepted_since: "+text+" }\n")
		require.NoError(t, err, text)
		assert.EqualValues(t, "2024-05-06", c.Policy.AcceptedSince)
	}
	c, err := load(t, minimal+"http: { attempts: '3', timeout: \"90s\" }\npolicy: { trust_direct_acceptance: "+
		"'false' }\n")
	require.NoError(t, err)
	assert.Equal(t, config.HTTP{Attempts: 3, Timeout: 90 * time.Second}, c.HTTP)
	assert.False(t, c.Policy.TrustDirectAcceptance)

	for text, want := range map[string]string{"0012": "0012", "1e3": "1e3", "0x1F": "0x1F", "1_000": "1_000",
		".5": ".5", "2024-05-06": "2024-05-06", "true": "true", "12:30:45": "12:30:45", "a#b": "a#b", "'a #b'": "a #b",
		"'it''s'": "it's", `"a\"b\u0041"`: `a"bA`, "|\n      a b\n": "a b", ">-\n      a\n      b": "a b", "'~'": "~",
		"'null'": "null", "+5": "+5", "-a": "-a", "a: b": ""} {
		c, err := load(t, replaced("client_secret", "    client_secret: "+text))
		if want == "" {
			assert.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		secret, err := c.Partners[0].ClientSecret.Read()
		require.NoError(t, err)
		assert.Equal(t, want, secret, text)
	}
}

func TestAKeyWithoutAValueKeepsItsDefault(t *testing.T) {
	t.Parallel()
	c, err := load(t, minimal+"    api_url:\nhttp:\nreport: { dir: ~, language: null }\nattestation: {}\nnotify: { "+
		"to: [] }\n")
	require.NoError(t, err)
	assert.Equal(t, "https://api.partnercenter.microsoft.com", c.Partners[0].APIURL)
	assert.Equal(t, 6, c.HTTP.Attempts)
	assert.EqualValues(t, "en", c.Report.Language)
	assert.Empty(t, c.Notify.To)
}

func TestAddressesMayBeAList(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"a@b.example, c@d.example", "[a@b.example, c@d.example]",
		"\n  - a@b.example\n  - Ana <c@d.example>"} {
		c, err := load(t, minimal+"mail: { host: mail.example, from: a@b.example }\nnotify:\n  to: "+
			strings.ReplaceAll(to, "\n", "\n  ")+"\n")
		require.NoError(t, err, to)
		require.Len(t, c.Notify.To, 2)
		assert.Equal(t, "c@d.example", c.Notify.To[1].Address)
	}
}

func TestAFileAsOtherProgramsWriteIt(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"byte-order mark":     "\ufeff" + minimal,
		"Windows line ends":   strings.ReplaceAll(minimal, "\n", "\r\n"),
		"without line end":    strings.TrimSuffix(minimal, "\n"),
		"document markers":    "---\n" + minimal + "...\n",
		"comments":            "# a\n" + strings.ReplaceAll(minimal, "\n", " # b\n") + "# c\n",
		"JSON":                `{"partners":[{"name":"contoso","tenant_id":"00000000-0000-0000-0000-00000000000a","kind":"direct_bill","client_id":"app","client_secret":"s3cr3t-value"}]}`,
		"list not indented":   strings.NewReplacer("\n  - ", "\n- ", "\n    ", "\n  ").Replace(minimal),
		"dash alone":          strings.Replace(minimal, "- name", "-\n    name", 1),
		"directive":           "%YAML 1.2\n---\n" + minimal,
		"two empty documents": "---\n" + minimal + "---\n# end\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := load(t, text)
			require.NoError(t, err)
			assert.Equal(t, "contoso", c.Partners[0].Name)
			secret, err := c.Partners[0].ClientSecret.Read()
			require.NoError(t, err)
			assert.Equal(t, "s3cr3t-value", secret)
		})
	}
}

func TestEveryRefreshTokenNeedsAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	token, link, hard := filepath.Join(folder, "token"), filepath.Join(folder, "link"), filepath.Join(folder, "hard")
	require.NoError(t, os.WriteFile(token, []byte("t"), 0o600))
	require.NoError(t, os.Symlink(token, link))
	require.NoError(t, os.Link(token, hard))
	two := func(first, other string) string {
		return minimal + "    refresh_token_file: " + first + "\n" + second + "    refresh_token_file: " + other + "\n"
	}
	for _, pair := range [][2]string{{token, token}, {token, link}, {link, token}, {token, hard},
		{folder + "/./token", folder + "/x/../token"}, {"/nowhere/token", "/nowhere/token"}, {"token", "./token"}} {
		_, err := load(t, two(pair[0], pair[1]))
		assert.ErrorContains(t, err, "line 13: partners[1].refresh_token_file is the file of "+
			"partners[0].refresh_token_file too", "%v", pair)
	}
	_, err := load(t, two(token, filepath.Join(folder, "other")))
	assert.NoError(t, err)

	_, err = load(t, replaced("client_secret", "    client_secret_file: token")+"    refresh_token_file: token\n")
	assert.ErrorContains(t, err, "partners[0].refresh_token_file is the file of partners[0].client_secret_file too")
	_, err = load(t, minimal+"    refresh_token_file: token\nattestation: { key_file: token }\n")
	assert.ErrorContains(t, err, "partners[0].refresh_token_file is the file of attestation.key_file too")
	_, err = load(t, minimal+"    client_secret_file: secret\n"+second+"    client_secret_file: secret\n",
		"MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE=secret", "MCALEDGER_PARTNERS_1_CLIENT_SECRET_FILE=secret")
	assert.NoError(t, err, "partners may share an app")
}
