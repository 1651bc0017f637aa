package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/config"
)

// least is a configuration with nothing but what must be given.
const least = `partners:
  - name: contoso
    tenant_id: 00000000-0000-0000-0000-00000000000a
    kind: direct_bill
    client_id: app
    client_secret: s3cr3t-value
`

// written puts a configuration into a folder of its own.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcaledger.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// replaced is least with another line, or none, for some of its keys: key, line, key, line, …
func replaced(pairs ...string) string {
	text := least
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
	return config.Load(written(t, text), environ)
}

func TestWhatNobodySetsHasTheDocumentedDefault(t *testing.T) {
	path := written(t, least)
	c, err := config.Load(path, nil)
	require.NoError(t, err)
	folder := filepath.Dir(path)
	assert.Equal(t, config.Config{
		Database: "sqlite:" + filepath.Join(folder, "mcaledger.db"),
		Partners: []config.Partner{{
			Name: "contoso", TenantID: "00000000-0000-0000-0000-00000000000a", Kind: "direct_bill", ClientID: "app", ClientSecret: "s3cr3t-value",
			APIURL: "https://api.partnercenter.microsoft.com", LoginURL: "https://login.microsoftonline.com",
			RequestsPerMinute: 500, Concurrency: 16,
		}},
		Policy:      config.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true},
		Attestation: config.Attestation{Approval: "required", Evidence: "optional", Ceiling: 1000, Inbox: filepath.Join(folder, "inbox"), Dates: "auto"},
		Report:      config.Report{Dir: filepath.Join(folder, "reports"), Language: "en", Timezone: "UTC", Keep: 400},
		Reconcile:   config.Reconcile{MaxGonePercent: 5, ResumeWithin: 6 * time.Hour},
		HTTP:        config.HTTP{Timeout: time.Minute, Attempts: 6},
	}, c)
	assert.Empty(t, c.Attestation.Route, "no default: without it nothing is ever sent")
}

// key is one key of the configuration, found by reflection so that none is forgotten.
type key struct {
	path   string // partners[0].client_secret
	kind   reflect.Type
	secret bool
	field  func(config.Config) any
}

func (k key) variable() string {
	return "MCALEDGER_" + strings.ToUpper(strings.NewReplacer("[", "_", "]", "", ".", "_").Replace(k.path))
}

func everyKey(t reflect.Type, at string, of func(config.Config) reflect.Value) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		path := at + f.Tag.Get("yaml")
		field := func(c config.Config) reflect.Value { return of(c).Field(i) }
		switch f.Type.Kind() {
		case reflect.Struct:
			keys = append(keys, everyKey(f.Type, path+".", field)...)
		case reflect.Slice:
			keys = append(keys, everyKey(f.Type.Elem(), path+"[0].", func(c config.Config) reflect.Value { return field(c).Index(0) })...)
		default:
			keys = append(keys, key{path, f.Type, f.Tag.Get("secret") != "", func(c config.Config) any { return field(c).Interface() }})
		}
	}
	return keys
}

var keys = everyKey(reflect.TypeFor[config.Config](), "", func(c config.Config) reflect.Value { return reflect.ValueOf(c) })

// samples are two different values for a key: as they are written, and as they are meant.
func samples(t *testing.T, path string) [2][2]any {
	t.Helper()
	folder := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte("something\n"), 0o600))
		return path
	}
	one, two := file("one"), file("two")
	pairs := map[string][2][2]any{
		"database":                        {{"sqlite:/var/a.db", "sqlite:/var/a.db"}, {"postgres://u:p@h/db", "postgres://u:p@h/db"}},
		"partners[0].name":                {{"fabrikam", "fabrikam"}, {"12", "12"}},
		"partners[0].tenant_id":           {{"00000000-0000-0000-0000-00000000000b", "00000000-0000-0000-0000-00000000000b"}, {"00000000-0000-0000-0000-00000000000C", "00000000-0000-0000-0000-00000000000C"}},
		"partners[0].kind":                {{"indirect_provider", "indirect_provider"}, {"indirect_reseller", "indirect_reseller"}},
		"partners[0].client_id":           {{"other", "other"}, {"1e3", "1e3"}},
		"partners[0].client_secret":       {{"another", "another"}, {"0012", "0012"}},
		"partners[0].certificate_file":    {{one, one}, {two, two}},
		"partners[0].refresh_token_file":  {{one, one}, {two, two}},
		"partners[0].api_url":             {{"http://127.0.0.1:1", "http://127.0.0.1:1"}, {"https://api.example", "https://api.example"}},
		"partners[0].login_url":           {{"http://127.0.0.1:1", "http://127.0.0.1:1"}, {"https://login.example", "https://login.example"}},
		"partners[0].requests_per_minute": {{"1", 1}, {"60000", 60000}},
		"partners[0].concurrency":         {{"1", 1}, {"1000", 1000}},
		"policy.accepted_since":           {{"2024-02-29", "2024-02-29"}, {"2020-01-01", "2020-01-01"}},
		"policy.trust_direct_acceptance":  {{"false", false}, {"true", true}},
		"attestation.route":               {{"classic", "classic"}, {"enhanced", "enhanced"}},
		"attestation.approval":            {{"none", "none"}, {"required", "required"}},
		"attestation.evidence":            {{"required", "required"}, {"optional", "optional"}},
		"attestation.ceiling":             {{"0", 0}, {"7", 7}},
		"attestation.inbox":               {{"/in", "/in"}, {"/box", "/box"}},
		"attestation.dates":               {{"dmy", "dmy"}, {"mdy", "mdy"}},
		"report.dir":                      {{"/out", "/out"}, {"/reports", "/reports"}},
		"report.language":                 {{"pt-BR", "pt-BR"}, {"en", "en"}},
		"report.timezone":                 {{"America/Sao_Paulo", "America/Sao_Paulo"}, {"Asia/Kolkata", "Asia/Kolkata"}},
		"report.keep":                     {{"1", 1}, {"9", 9}},
		"reconcile.max_gone_percent":      {{"0", 0.0}, {"12.5", 12.5}},
		"reconcile.resume_within":         {{"0s", time.Duration(0)}, {"90m", 90 * time.Minute}},
		"http.timeout":                    {{"100ms", 100 * time.Millisecond}, {"2m", 2 * time.Minute}},
		"http.attempts":                   {{"1", 1}, {"3", 3}},
	}
	pair, ok := pairs[path]
	require.True(t, ok, "%s is a new key: give it two values here", path)
	return pair
}

// withKey is a configuration with one key set to a value, at its place; without says which lines must go for that.
func withKey(path, value string) string {
	if name, ok := strings.CutPrefix(path, "partners[0]."); ok {
		if name == "name" { // it carries the list's dash
			return strings.Replace(least, "contoso", value, 1)
		}
		return without(path, name) + "    " + name + ": " + value + "\n"
	}
	if section, name, ok := strings.Cut(path, "."); ok {
		return least + section + ":\n  " + name + ": " + value + "\n"
	}
	return least + path + ": " + value + "\n"
}

// without is least with what must go when a key is set.
func without(path, name string) string {
	if path == "partners[0].certificate_file" {
		name = "client_secret"
	}
	return replaced(name, "")
}

func TestEveryKeyIsReadFromFileAndEnvironment(t *testing.T) {
	for _, k := range keys {
		t.Run(k.path, func(t *testing.T) {
			s := samples(t, k.path)
			text := withKey(k.path, s[0][0].(string))
			same := func(want any, c config.Config) {
				t.Helper()
				assert.EqualValues(t, want, k.field(c))
			}

			c, err := load(t, text)
			require.NoError(t, err, text)
			same(s[0][1], c)

			c, err = load(t, text, "PATH=/bin", k.variable()+"="+s[1][0].(string))
			require.NoError(t, err, "the environment wins over the file")
			same(s[1][1], c)

			c, err = load(t, without(k.path, "nothing"), k.variable()+"="+s[1][0].(string))
			require.NoError(t, err, "the environment without the file")
			same(s[1][1], c)
		})
	}
}

func TestAWholeConfigurationCanComeFromTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	var environ []string
	for n := range 12 { // so many that partner 10 must not be taken before partner 2
		environ = append(environ, fmt.Sprintf("MCALEDGER_PARTNERS_%d_NAME=p%d", n, n), fmt.Sprintf("MCALEDGER_PARTNERS_%d_TENANT_ID=00000000-0000-0000-0000-%012d", n, n),
			fmt.Sprintf("MCALEDGER_PARTNERS_%d_KIND=direct_bill", n), fmt.Sprintf("MCALEDGER_PARTNERS_%d_CLIENT_ID=app", n),
			fmt.Sprintf("MCALEDGER_PARTNERS_%d_CLIENT_SECRET=a=b=c", n))
	}
	c, err := config.Load("", environ)
	require.NoError(t, err)
	require.Len(t, c.Partners, 12)
	assert.Equal(t, "p10", c.Partners[10].Name)
	assert.Equal(t, "a=b=c", c.Partners[11].ClientSecret)

	c, err = load(t, "partners:\n", environ...)
	require.NoError(t, err, "over an empty list in a file")
	assert.Len(t, c.Partners, 12)
}

func TestAVariableMayAddAPartnerButNotLeaveAGap(t *testing.T) {
	_, err := load(t, least, "MCALEDGER_PARTNERS_2_NAME=late")
	assert.EqualError(t, err, "environment: MCALEDGER_PARTNERS_2_NAME: partner 2 is set, but there is no partner 1")
}

func TestAnEmptyVariableIsAnEmptyTextNotTheDefault(t *testing.T) {
	c, err := load(t, least+"    refresh_token_file: /nowhere\n", "MCALEDGER_PARTNERS_0_REFRESH_TOKEN_FILE=")
	require.NoError(t, err)
	assert.Empty(t, c.Partners[0].RefreshTokenFile)

	_, err = load(t, least+"database: postgres://host/db\n", "MCALEDGER_DATABASE=")
	assert.EqualError(t, err, "MCALEDGER_DATABASE: database: it must begin with sqlite: or postgres://",
		"a night in a database of its own would not be noticed")
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "mcaledger.yaml")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("mcaledger.yaml", replaced("client_secret", "    client_secret_file: secret")+"database_file: ./database\n")
	write("secret", "\ufeffs3cr3t from file \r\n")
	write("database", "postgres://u:p@h/db\n")
	write("other", "other")

	c, err := config.Load(path, nil)
	require.NoError(t, err)
	assert.Equal(t, "s3cr3t from file", c.Partners[0].ClientSecret, "without byte-order mark and line end")
	assert.Equal(t, "postgres://u:p@h/db", c.Database)

	c, err = config.Load(path, []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET=direct", "MCALEDGER_DATABASE_FILE=other"})
	assert.EqualError(t, err, "MCALEDGER_DATABASE_FILE: database: it must begin with sqlite: or postgres://")
	assert.Empty(t, c)

	c, err = config.Load(path, []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET=direct", "MCALEDGER_DATABASE=sqlite:x.db"})
	require.NoError(t, err, "a variable wins over both forms in the file")
	assert.Equal(t, "direct", c.Partners[0].ClientSecret)
	assert.Equal(t, "sqlite:"+filepath.Join(folder, "x.db"), c.Database)

	for _, k := range keys {
		if !k.secret {
			continue
		}
		_, err := config.Load(path, []string{k.variable() + "=a", k.variable() + "_FILE=b"})
		assert.ErrorContains(t, err, k.path, "a variable and its file")
	}
}

func TestMistakesSayWhereWhatAndWhatToDo(t *testing.T) {
	cases := map[string]struct {
		text    string
		environ []string
		want    string // FILE stands for the configuration's path, FOLDER for its folder
	}{
		"unknown key":                  {least + "databse: x\n", nil, "FILE line 7: there is no key databse; did you mean database?"},
		"unknown key, below":           {least + "report:\n  language: en\n  direktory: x\n  timezon: UTC\n", nil, "FILE line 9: there is no key report.direktory\nFILE line 10: there is no key report.timezon; did you mean report.timezone?"},
		"unknown key in braces":        {least + "reconcile: { max_gone_procent: 5 }\n", nil, "FILE line 7: there is no key reconcile.max_gone_procent; did you mean reconcile.max_gone_percent?"},
		"unknown key of a partner":     {least + "    client_secrt: hush-hush\n", nil, "FILE line 7: there is no key partners[0].client_secrt; did you mean partners[0].client_secret?"},
		"secret without its file":      {least + "    refresh_token: hush-hush\n", nil, "FILE line 7: there is no key partners[0].refresh_token; did you mean partners[0].refresh_token_file?"},
		"known key in the wrong place": {least + "approval: none\n", nil, "FILE line 7: there is no key approval; did you mean attestation.approval?"},
		"case matters, and is said":    {least + "Database: sqlite:x\n", nil, "FILE line 7: there is no key Database; did you mean database?"},
		"nothing like it":              {least + "qqqq: 1\n", nil, "FILE line 7: there is no key qqqq"},
		"no space after the colon":     {least + "report: {language:pt-BR}\n", nil, "FILE line 7: a space is missing after report.language:"},
		"unknown variable":             {least, []string{"MCALEDGER_DATABSE=hush-hush"}, "environment: there is no key for MCALEDGER_DATABSE; did you mean MCALEDGER_DATABASE?"},
		"unknown variable of a partner": {least, []string{"MCALEDGER_PARTNERS_3_CLIENT_SECRT=hush-hush"},
			"environment: there is no key for MCALEDGER_PARTNERS_3_CLIENT_SECRT; did you mean MCALEDGER_PARTNERS_3_CLIENT_SECRET?"},
		"variable of a section": {least, []string{"MCALEDGER_HTTP=x"}, "environment: there is no key for MCALEDGER_HTTP"},
		"variable of the list":  {least, []string{"MCALEDGER_PARTNERS=x"}, "environment: there is no key for MCALEDGER_PARTNERS"},
		"variable below a text": {least + "report: ./reports\n", []string{"MCALEDGER_REPORT_LANGUAGE=en"}, "environment: MCALEDGER_REPORT_LANGUAGE: the file has something else where the variable needs keys and values\nFILE line 7: report must hold keys and values, one a line"},
		"duplicate key":         {least + "database: sqlite:a\nhttp: {attempts: 3}\ndatabase: sqlite:b\n", nil, "FILE line 9: database is given twice"},
		"duplicate key, below":  {least + "    name: again\n", nil, "FILE line 7: partners[0].name is given twice"},
		"secret and file":       {least + "    client_secret_file: x\n", nil, "FILE line 7: partners[0].client_secret and partners[0].client_secret_file are both given; give one"},
		"file and secret":       {"database_file: x\ndatabase: y\n" + least, nil, "FILE line 1: database_file: the secret cannot be read: open FOLDER/x: no such file or directory\nFILE line 2: database and database_file are both given; give one"},
		"unreadable secret":     {replaced("client_secret", "    client_secret_file: run/secret"), nil, "FILE line 6: partners[0].client_secret_file: the secret cannot be read: open FOLDER/run/secret: no such file or directory"},
		"unreadable secret, variable": {replaced("client_secret", ""), []string{"MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE=/run/nowhere"},
			"MCALEDGER_PARTNERS_0_CLIENT_SECRET_FILE: partners[0].client_secret_file: the secret cannot be read: open /run/nowhere: no such file or directory"},
		"unreadable certificate": {replaced("client_secret", "    certificate_file: cert.pem"), nil, "FILE line 6: partners[0].certificate_file: the secret cannot be read: open FOLDER/cert.pem: no such file or directory; put the certificate and its key there in PEM form"},
		"unreadable token":       {least + "    refresh_token_file: token\n", nil, "FILE line 7: partners[0].refresh_token_file: the secret cannot be read: open FOLDER/token: no such file or directory; sign in with multi-factor authentication and save the refresh token there"},
		"empty token":            {least + "    refresh_token_file: /dev/null\n", nil, "FILE line 7: partners[0].refresh_token_file: /dev/null is empty; sign in with multi-factor authentication and save the refresh token there"},
		"empty secret":           {replaced("client_secret", "    client_secret_file: /dev/null"), nil, "FILE line 6: partners[0].client_secret: it is missing or empty; give client_secret, client_secret_file or certificate_file"},
		"no secret":              {replaced("client_secret", "    client_secret_file:"), nil, "FILE line 6: partners[0].client_secret: it is missing or empty; give client_secret, client_secret_file or certificate_file"},
		"secret and certificate": {least + "    certificate_file: /etc/hostname\n", nil, "FILE line 6: partners[0].client_secret: it and certificate_file are both given; give one"},

		"whole number":            {least + "http: { attempts: six }\n", nil, `FILE line 7: http.attempts: "six" is not a whole number`},
		"fraction":                {least + "    concurrency: 1.5\n", nil, `FILE line 7: partners[0].concurrency: "1.5" is not a whole number`},
		"number":                  {least + "reconcile: { max_gone_percent: 5% }\n", nil, `FILE line 7: reconcile.max_gone_percent: "5%" is not a number`},
		"not a number":            {least + "reconcile: { max_gone_percent: nan }\n", nil, "FILE line 7: reconcile.max_gone_percent: NaN is not from 0 to 100"},
		"yes or no":               {least + "policy: { trust_direct_acceptance: perhaps }\n", nil, `FILE line 7: policy.trust_direct_acceptance: "perhaps" is not true or false`},
		"time without unit":       {least + "http: { timeout: 60 }\n", nil, `FILE line 7: http.timeout: "60" is not a time such as 90s or 6h`},
		"time without unit, .5":   {least + "reconcile: { resume_within: 6.5 }\n", nil, `FILE line 7: reconcile.resume_within: "6.5" is not a time such as 90s or 6h`},
		"time in days":            {least + "reconcile: { resume_within: 1d }\n", nil, `FILE line 7: reconcile.resume_within: "1d" is not a time such as 90s or 6h`},
		"time in a variable":      {least, []string{"MCALEDGER_HTTP_TIMEOUT=60"}, `MCALEDGER_HTTP_TIMEOUT: http.timeout: "60" is not a time such as 90s or 6h`},
		"list for a value":        {least + "database: [a, b]\n", nil, "FILE line 7: database must be a single value"},
		"list for a secret":       {replaced("client_secret", "    client_secret_file: [a]"), nil, "FILE line 6: partners[0].client_secret_file must be a single value"},
		"value for a section":     {least + "http: 60s\n", nil, "FILE line 7: http must hold keys and values, one a line"},
		"mapping for the list":    {"partners:\n  name: contoso\n", nil, "FILE line 2: partners must be a list, each entry beginning with a dash"},
		"text for a partner":      {"partners:\n  - contoso\n", nil, "FILE line 2: partners[0] must hold keys and values, one a line"},
		"not a mapping":           {"- a\n- b\n", nil, "FILE line 1: the configuration must hold keys and values, one a line"},
		"a text":                  {"hush-hush\n", nil, "FILE line 1: the configuration must hold keys and values, one a line"},
		"not a mapping, variable": {"- a\n", []string{"MCALEDGER_DATABASE=sqlite:a"}, "environment: MCALEDGER_DATABASE: the file has something else where the variable needs keys and values\nFILE line 1: the configuration must hold keys and values, one a line"},
		"empty file":              {"", nil, "FILE: partners: there is none; name at least one Partner Center account"},
		"comments only":           {"# nothing\n---\n", nil, "FILE: partners: there is none; name at least one Partner Center account"},
		"empty list":              {"database: sqlite:x\npartners: []\n", nil, "FILE line 2: partners: there is none; name at least one Partner Center account"},
		"two documents":           {least + "---\ndatabase: sqlite:x\n", nil, "FILE holds more than one document; take out the line --- and what follows, or join them"},
		"syntax":                  {least + "report: { dir: x\n", nil, "FILE near line 7: did not find expected ',' or '}'"},
		"syntax, tab":             {"partners:\n\t- name: a\n", nil, "FILE near line 2: found character that cannot start any token"},
		"syntax, first line":      {"a: b: c\n", nil, "FILE near line 1: mapping values are not allowed in this context"},
		"syntax, indentation":     {least + "   kind: x\n", nil, "FILE near line 2: did not find expected '-' indicator"},
		"syntax, half a quote":    {least + "database: 'sqlite:x\n", nil, "FILE near line 7: found unexpected end of stream"},
		"secret like an alias":    {replaced("client_secret", "    client_secret: *hush-hush"), nil, "FILE has a value that begins with * and is no alias; put it in quotes"},

		"kind":              {replaced("kind", "    kind: direct-bill"), nil, `FILE line 4: partners[0].kind: "direct-bill" is not one of direct_bill, indirect_provider, indirect_reseller; did you mean direct_bill?`},
		"kind missing":      {replaced("kind", ""), nil, `FILE line 2: partners[0].kind: "" is not one of direct_bill, indirect_provider, indirect_reseller`},
		"tenant":            {replaced("tenant_id", "    tenant_id: contoso.com"), nil, `FILE line 3: partners[0].tenant_id: "contoso.com" is not a tenant id such as 00000000-0000-0000-0000-000000000000`},
		"tenant in braces":  {replaced("tenant_id", "    tenant_id: '{00000000-0000-0000-0000-00000000000a}'"), nil, `FILE line 3: partners[0].tenant_id: "{00000000-0000-0000-0000-00000000000a}" is not a tenant id such as 00000000-0000-0000-0000-000000000000`},
		"client id":         {replaced("client_id", ""), nil, "FILE line 2: partners[0].client_id: it is missing; it is the application id of the app registration"},
		"address":           {least + "    api_url: api.partnercenter.microsoft.com\n", nil, `FILE line 7: partners[0].api_url: "api.partnercenter.microsoft.com" is not an address such as https://…`},
		"login address":     {least + "    login_url: ftp://x\n", nil, `FILE line 7: partners[0].login_url: "ftp://x" is not an address such as https://…`},
		"pace":              {least + "    requests_per_minute: 0\n", nil, "FILE line 7: partners[0].requests_per_minute: 0 is less than 1"},
		"concurrency":       {least + "    concurrency: 1001\n", nil, "FILE line 7: partners[0].concurrency: 1001 is not from 1 to 1000"},
		"day":               {least + "policy: { accepted_since: 01/04/2023 }\n", nil, `FILE line 7: policy.accepted_since: "01/04/2023" is not a day such as 2023-04-01`},
		"no such day":       {least + "policy: { accepted_since: 2023-02-29 }\n", nil, `FILE line 7: policy.accepted_since: "2023-02-29" is not a day such as 2023-04-01`},
		"route":             {least + "attestation: { route: clasic }\n", nil, `FILE line 7: attestation.route: "clasic" is not one of classic, enhanced; did you mean classic?`},
		"approval":          {least + "attestation: { approval: false }\n", nil, `FILE line 7: attestation.approval: "false" is not one of required, none`},
		"evidence":          {least + "attestation: { evidence: require }\n", nil, `FILE line 7: attestation.evidence: "require" is not one of optional, required; did you mean required?`},
		"dates":             {least + "attestation: { dates: ymd }\n", nil, `FILE line 7: attestation.dates: "ymd" is not one of auto, dmy, mdy`},
		"ceiling":           {least + "attestation: { ceiling: -1 }\n", nil, "FILE line 7: attestation.ceiling: -1 is less than 0"},
		"language":          {least + "report: { language: pt }\n", nil, `FILE line 7: report.language: "pt" is not one of en, pt-BR`},
		"language, case":    {least + "report: { language: pt-br }\n", nil, `FILE line 7: report.language: "pt-br" is not one of en, pt-BR; did you mean pt-BR?`},
		"time zone":         {least + "report: { timezone: Brazil/Nowhere }\n", nil, `FILE line 7: report.timezone: "Brazil/Nowhere" is not a time zone such as UTC or America/Sao_Paulo`},
		"keep":              {least + "report: { keep: 0 }\n", nil, "FILE line 7: report.keep: 0 is less than 1"},
		"percent":           {least + "reconcile: { max_gone_percent: 101 }\n", nil, "FILE line 7: reconcile.max_gone_percent: 101 is not from 0 to 100"},
		"negative time":     {least + "reconcile: { resume_within: -1h }\n", nil, "FILE line 7: reconcile.resume_within: -1h0m0s is less than 0"},
		"short time":        {least + "http: { timeout: 60ns }\n", nil, "FILE line 7: http.timeout: 60ns is shorter than any answer; write a time such as 60s"},
		"attempts":          {least + "http: { attempts: 0 }\n", nil, "FILE line 7: http.attempts: 0 is less than 1"},
		"database":          {least + "database: mysql://u:hush-hush@h/db\n", nil, "FILE line 7: database: it must begin with sqlite: or postgres://"},
		"database file":     {least + "database_file: /etc/hostname\n", nil, "FILE line 7: database: it must begin with sqlite: or postgres://"},
		"database, empty":   {least + "database: 'sqlite:'\n", nil, "FILE line 7: database: after sqlite: the file is missing; write sqlite:mcaledger.db"},
		"database, slashes": {least + "database: sqlite://x.db\n", nil, "FILE line 7: database: after sqlite: comes the file, without // before it; write sqlite:mcaledger.db or sqlite:/var/lib/mcaledger/mcaledger.db"},
		"two of one name": {least + strings.ReplaceAll(strings.TrimPrefix(least, "partners:\n"), "0a", "0b"), nil,
			`FILE line 7: partners[1].name: "contoso" is the name of two partners`},
		"two of one tenant": {least + strings.NewReplacer("contoso", "fabrikam", "0a", "0A").Replace(strings.TrimPrefix(least, "partners:\n")), nil,
			"FILE line 8: partners[1].tenant_id: 00000000-0000-0000-0000-00000000000A is the tenant of two partners"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			path := written(t, test.text)
			_, err := config.Load(path, test.environ)
			require.Error(t, err)
			assert.Equal(t, test.want, strings.NewReplacer(path, "FILE", filepath.Dir(path), "FOLDER").Replace(err.Error()))
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.NotContains(t, err.Error(), "hush-hush")
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := load(t, least+"databse: x\nhttp: { timeout: 60, attemps: 3 }\n", "MCALEDGER_POLCY_ACCEPTED_SINCE=x")
	require.Error(t, err)
	for _, word := range []string{"databse", "http.timeout", "http.attemps", "MCALEDGER_POLCY_ACCEPTED_SINCE"} {
		assert.ErrorContains(t, err, word)
	}
	_, err = load(t, replaced("kind", "    kind: x", "client_id", "")+"report: { keep: 0 }\nhttp: { attempts: 0 }\n")
	require.Error(t, err)
	for _, word := range []string{"partners[0].kind", "partners[0].client_id", "report.keep", "http.attempts"} {
		assert.ErrorContains(t, err, word)
	}
}

// The parts of a password that its special characters leave over end up in the words of net/url and lib/pq.
func TestNoPasswordIsEverRepeated(t *testing.T) {
	for _, address := range []string{"postgres://u:hu#sh@h/db", "postgres://u:hu/sh@h/db", "postgres://u:hu?sh@h/db", "postgres://u:%zzhush@h/db",
		"postgres://u:hu sh@h/db", "Postgres://u:hush@h/db", "postgres:u:hush@h", "u:hush@h/db", "sqlite ://hush"} {
		_, err := load(t, least+"database: '"+address+"'\n")
		require.Error(t, err, address)
		assert.NotRegexp(t, `hu\b|\bsh|hush`, strings.ReplaceAll(err.Error(), "/", " "), address)
	}
	for _, secret := range []string{"*hush", "&hush x", "!hush", "!!binary hush!", "!!int hush", "@hush", "`hush", "%hush", "{hush", "[hush", "'hush", `"hush\q"`, "hush: hush", "|hush", ">hush", "a\n  hush"} {
		_, err := load(t, replaced("client_secret", "    client_secret: "+secret))
		if err != nil {
			assert.NotContains(t, err.Error(), "hush", secret)
		}
	}
	c, err := load(t, least+"database: postgres://u:hush@h:5432/db?password=hush\n")
	require.NoError(t, err)
	assert.Equal(t, "postgres://h:5432/db", c.Ledger())
}

func TestAcceptedSinceIsADayHoweverItIsWritten(t *testing.T) {
	for _, text := range []string{"2024-05-06", "'2024-05-06'", `"2024-05-06"`, "!!str 2024-05-06"} {
		c, err := load(t, least+"policy: { accepted_since: "+text+" }\n")
		require.NoError(t, err, text)
		assert.EqualValues(t, "2024-05-06", c.Policy.AcceptedSince)
	}
}

func TestQuotedNumbersAndTruthsAreTaken(t *testing.T) {
	c, err := load(t, least+"http: { attempts: '3', timeout: \"90s\" }\npolicy: { trust_direct_acceptance: 'false' }\n")
	require.NoError(t, err)
	assert.Equal(t, config.HTTP{Attempts: 3, Timeout: 90 * time.Second}, c.HTTP)
	assert.False(t, c.Policy.TrustDirectAcceptance)
}

func TestAKeyWithoutAValueIsAsIfItWereNotThere(t *testing.T) {
	c, err := load(t, least+"    api_url:\nhttp:\nreport: { dir: ~, language: null }\nattestation: {}\n")
	require.NoError(t, err)
	assert.Equal(t, "https://api.partnercenter.microsoft.com", c.Partners[0].APIURL)
	assert.Equal(t, 6, c.HTTP.Attempts)
	assert.Equal(t, "en", c.Report.Language)
}

func TestAliasesStandForWhatTheyName(t *testing.T) {
	c, err := load(t, strings.Replace(least, "app", "&app shared", 1)+strings.NewReplacer("contoso", "fabrikam", "0a", "0b", "app", "*app").Replace(strings.TrimPrefix(least, "partners:\n")))
	require.NoError(t, err)
	assert.Equal(t, "shared", c.Partners[1].ClientID)
}

func TestRelativePathsAreRelativeToTheFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	secret, token := write("etc/secret", "s"), write("etc/token", "t")
	write("etc/mca.yaml", replaced("client_secret", "    client_secret_file: secret")+
		"    refresh_token_file: token\ndatabase: sqlite:../var/a b%20.db\nreport: { dir: ../out }\nattestation: { inbox: in }\n")
	t.Chdir(filepath.Dir(folder))
	c, err := config.Load(filepath.Join(filepath.Base(folder), "etc/mca.yaml"), nil)
	require.NoError(t, err)
	assert.Equal(t, "sqlite:"+filepath.Join(folder, "var/a b%20.db"), c.Database)
	assert.Equal(t, "s", c.Partners[0].ClientSecret, secret)
	assert.Equal(t, token, c.Partners[0].RefreshTokenFile)
	assert.Equal(t, filepath.Join(folder, "out"), c.Report.Dir)
	assert.Equal(t, filepath.Join(folder, "etc/in"), c.Attestation.Inbox)
}

func TestWhereTheFileIsLookedFor(t *testing.T) {
	named := func(name string) string { return strings.Replace(least, "contoso", name, 1) }
	first, second := written(t, named("first")), written(t, named("second"))
	t.Chdir(t.TempDir())
	at := func(path string, environ ...string) string {
		t.Helper()
		c, err := config.Load(path, environ)
		require.NoError(t, err)
		return c.Partners[0].Name
	}
	_, err := config.Load("", nil)
	assert.EqualError(t, err, "there is no configuration: looked for ./mcaledger.yaml and /etc/mcaledger/mcaledger.yaml; name one with --config")
	_, err = config.Load("", []string{"MCALEDGER_REPORT_LANGUAGE=en"})
	assert.EqualError(t, err, "environment (there is no file ./mcaledger.yaml or /etc/mcaledger/mcaledger.yaml): partners: there is none; name at least one Partner Center account")
	_, err = config.Load("nowhere.yaml", nil)
	assert.EqualError(t, err, "read the configuration: open nowhere.yaml: no such file or directory")

	places := config.Places
	t.Cleanup(func() { config.Places = places })
	config.Places = []string{"./mcaledger.yaml", second}
	assert.Equal(t, "second", at(""))
	require.NoError(t, os.WriteFile("mcaledger.yaml", []byte(named("here")), 0o600))
	assert.Equal(t, "here", at(""))
	assert.Equal(t, "here", at("", "MCALEDGER_CONFIG="))
	assert.Equal(t, "first", at("", "MCALEDGER_CONFIG="+first))
	assert.Equal(t, "second", at(second, "MCALEDGER_CONFIG="+first))
}

func TestSelect(t *testing.T) {
	a, b := config.Partner{Name: "a", TenantID: "00000000-0000-0000-0000-00000000000A"}, config.Partner{Name: "b", TenantID: "00000000-0000-0000-0000-00000000000b"}
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
