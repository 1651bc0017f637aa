package simulator

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	v1 = "/contoso/oauth2/token"
	v2 = "/contoso/oauth2/v2.0/token"
)

func TestNumbersAreTextsInV1AndNumbersInV2(t *testing.T) {
	ask := caller{t: t, sim: newSimulator(t, Options{Login: Login{TokenLifetime: 90 * time.Second}})}
	one := ask.login(v1, loginForm()).fields(t)
	assert.Equal(t, "90", one["expires_in"])
	assert.Equal(t, audience, one["resource"])
	for _, scope := range []string{audience + "/.default", "openid " + audience +
		"/user_impersonation offline_access profile"} {
		two := ask.login(v2, loginForm("resource", "", "scope", scope)).fields(t)
		assert.EqualValues(t, 90.0, two["expires_in"])
	}
	app := ask.login(v1, loginForm("grant_type", "client_credentials")).fields(t)
	assert.NotContains(t, app, "refresh_token")
	assert.Equal(t, map[string]int64{"refresh_token": 3, "client_credentials": 1}, ask.sim.Stats().Tokens)
}

func TestRefreshTokensRotateAndTheOldOnesStayGood(t *testing.T) {
	ask := caller{t: t, sim: newSimulator(t, Options{})}
	first := ask.login(v1, loginForm()).fields(t)["refresh_token"].(string)
	second := ask.login(v1, loginForm("refresh_token", first)).fields(t)["refresh_token"].(string)
	assert.NotEqual(t, first, second)
	for _, token := range []string{InitialRefreshToken, first, second} {
		assert.Equal(t, 200, ask.login(v1, loginForm("refresh_token", token)).status)
	}
	assert.Equal(t, 400, ask.login(v1, loginForm("refresh_token", first+"x")).status)
}

func TestTokenServerRefuses(t *testing.T) {
	jwt := func(parts ...string) string {
		for n, part := range parts {
			parts[n] = base64.RawURLEncoding.EncodeToString([]byte(part))
		}
		return strings.Join(parts, ".")
	}
	const bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	asserted := func(assertion string) []string {
		return []string{"client_secret", "", "client_assertion", assertion, "client_assertion_type", bearer}
	}
	strict := Login{TenantID: "contoso", ClientID: "app", ClientSecret: "secret", RefreshToken: "mine"}
	for name, c := range map[string]struct {
		login   Login
		path    string
		changes []string
		want    string // status, error and AADSTS number; empty when it is granted
	}{
		"good":                     {},
		"good, everything checked": {login: strict, changes: []string{"refresh_token", "mine"}},
		"another tenant": {login: strict, path: "/other/oauth2/token",
			want: "400 invalid_request 90002"},
		"another client": {login: strict, changes: []string{"client_id", "x"},
			want: "400 unauthorized_client 700016"},
		"another secret": {login: strict, changes: []string{"client_secret", "x"},
			want: "401 invalid_client 7000215"},
		"another refresh token": {login: strict, want: "400 invalid_grant 9002313"},
		"any secret is wrong":   {login: Login{WrongClientSecret: true}, want: "401 invalid_client 7000215"},
		"no secret":             {changes: []string{"client_secret", ""}, want: "401 invalid_client 7000218"},
		"no client":             {changes: []string{"client_id", ""}, want: "400 invalid_request 900144"},
		"no grant":              {changes: []string{"grant_type", ""}, want: "400 invalid_request 900144"},
		"no refresh token":      {changes: []string{"refresh_token", ""}, want: "400 invalid_request 900144"},
		"another grant": {changes: []string{"grant_type", "password"},
			want: "400 unsupported_grant_type 70003"},
		"assertion": {changes: asserted(jwt(`{"alg":"RS256"}`, `{"iss":"app"}`, "signature"))},
		"assertion of two parts": {changes: asserted(jwt(`{"alg":"RS256"}`, `{"iss":"app"}`)),
			want: "401 invalid_client 50027"},
		"assertion without JSON": {changes: asserted(jwt("a", "b", "c")), want: "401 invalid_client 50027"},
		"assertion not signed":   {changes: asserted(jwt(`{}`, `{}`) + "."), want: "401 invalid_client 50027"},
		"no resource":            {changes: []string{"resource", ""}, want: "400 invalid_request 900144"},
		"another resource": {changes: []string{"resource", "https://graph.windows.net"},
			want: "400 invalid_resource 500011"},
		"v2 with a resource only": {path: v2, want: "400 invalid_request 900144"},
		"v2 another scope": {path: v2, changes: []string{"scope", "https://graph.microsoft.com/.default"},
			want: "400 invalid_scope 70011"},
		"v2 only identity scopes": {path: v2, changes: []string{"scope", "openid offline_access"},
			want: "400 invalid_scope 70011"},
		"v2 app with a user's scope": {path: v2, changes: []string{"grant_type", "client_credentials", "scope",
			audience + "/user_impersonation"}, want: "400 invalid_scope 1002012"},
		"v2 app": {path: v2, changes: []string{"grant_type", "client_credentials", "scope",
			audience + "/.default"}},
		"expired refresh token": {login: Login{ExpiredRefreshToken: true}, want: "400 invalid_grant 700082"},
		"MFA demanded, v1":      {login: Login{DemandMFA: true}, want: "400 interaction_required 50076"},
		"MFA demanded, v2": {login: Login{DemandMFA: true}, path: v2, changes: []string{"scope", audience +
			"/.default"}, want: "400 invalid_grant 50076"},
		"app tokens need no such thing": {login: Login{DemandMFA: true, ExpiredRefreshToken: true},
			changes: []string{"grant_type", "client_credentials"}},
	} {
		t.Run(name, func(t *testing.T) {
			ask := caller{t: t, sim: newSimulator(t, Options{Login: c.login})}
			orDefault(&c.path, v1)
			got := ask.login(c.path, loginForm(c.changes...))
			if c.want == "" {
				require.Equal(t, 200, got.status, got.body)
				return
			}
			assert.Equal(t, c.want, got.refusal(t))
			number := c.want[strings.LastIndexByte(c.want, ' ')+1:]
			assert.Contains(t, got.fields(t)["error_description"], "AADSTS"+number+":")
			assert.Len(t, got.fields(t)["error_codes"], 1)
			assert.EqualValues(t, 1, ask.sim.Stats().TokenRefusals[number])
		})
	}
}

func TestTokenServerIsUnavailableAtFirst(t *testing.T) {
	ask := caller{t: t, sim: newSimulator(t, Options{Login: Login{Unavailable: 2}})}
	first, second := ask.login(v1, loginForm()), ask.login(v1, loginForm())
	assert.Equal(t, 503, first.status)
	assert.Equal(t, "temporarily_unavailable", first.fields(t)["error"])
	assert.Equal(t, 503, second.status)
	assert.Equal(t, "text/html", second.header.Get("Content-Type"))
	assert.Equal(t, 200, ask.login(v1, loginForm()).status)
	assert.EqualValues(t, 2, ask.sim.Stats().TokenRefusals["unavailable"])
}

func TestBasicAuthenticationOfTheClient(t *testing.T) {
	ask := caller{t: t, sim: newSimulator(t, Options{Login: Login{ClientSecret: "se+cr:et"}})}
	form := loginForm("client_id", "", "client_secret", "")
	r := httptest.NewRequest("POST", v1, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("app", "se%2Bcr%3Aet")
	assert.Equal(t, 200, ask.send(r).status)
	assert.Equal(t, 400, ask.get(v1).status, "only POST")
}

func TestBearerIsRequired(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5})
	for _, value := range []string{"", "Bearer", "Bearer x", "Bearer a.b.c", "Basic " + ask.token, "Bearer " +
		ask.token + "x"} {
		got := ask.get("/v1/customers", "Authorization", value)
		assert.Equal(t, 401, got.status, value)
		assert.Equal(t, "400", got.code(t), value)
	}
	other := signedIn(t, Options{Seed: 99})
	assert.Equal(t, 401, ask.get("/v1/customers", "Authorization", "Bearer "+other.token).status)
	refresh := ask.login(v1, loginForm()).fields(t)["refresh_token"].(string)
	assert.Equal(t, 401, ask.get("/v1/customers", "Authorization", "Bearer "+refresh).status)
}

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Customers: 5, Login: Login{TokenLifetime: time.Minute}})
		time.Sleep(59 * time.Second)
		assert.Equal(t, 200, ask.get("/v1/customers").status)
		time.Sleep(time.Second)
		assert.Equal(t, 401, ask.get("/v1/customers").status)
	})
}

func TestTokensAreKilledInMidRun(t *testing.T) {
	ask := signedIn(t, Options{Customers: 5, KillTokensEvery: 3})
	for range 3 {
		assert.Equal(t, 200, ask.get("/v1/customers").status)
	}
	for range 5 {
		got := ask.get("/v1/customers")
		assert.Equal(t, 401, got.status)
		assert.Equal(t, "400", got.code(t))
	}
	ask.token = ask.signIn("refresh_token")
	assert.Equal(t, 200, ask.get("/v1/customers").status)
	assert.EqualValues(t, 1, ask.sim.Stats().TokensKilled)
	ask.sim.Reset()
	assert.Zero(t, ask.sim.Stats().TokensKilled)
	assert.Equal(t, 200, ask.get("/v1/customers").status, "a reset kills nobody's token")
}

func TestAppOnlyTokensAreRefusedWhereTheyAre(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 50})
	ask.token = ask.signIn("client_credentials")
	one := "/v1/customers/" + ask.sim.World().Customer(ask.first(Attested)).TenantID
	for path, want := range map[string]int{
		"/v1/customers": 200, one: 200, one + "/subscriptions": 200, "/v1/auditrecords": 200,
		one + mcaAgreements: 403, one + directStatus: 403, "/v1/agreements": 403,
		"/v1/agreementtemplates/" + mcaTemplate + "/document": 403, "/v1/customers/relationshiprequests": 403,
	} {
		got := ask.get(path)
		assert.Equal(t, want, got.status, path)
		if want == 403 {
			assert.Equal(t, "900329", got.code(t), path)
		}
	}
}

func TestTroublesWithTheSignedInUser(t *testing.T) {
	for name, c := range map[string]struct {
		opts             Options
		list, agreements string
	}{
		"no MFA":                  {Options{MissingMFA: true}, "401 900421", "401 900421"},
		"a dead audience":         {Options{WrongAudience: true}, "401 900420", "401 900420"},
		"no role":                 {Options{MissingRole: RoleMissingOnAgreements}, "200", "403 900308"},
		"no role, no body":        {Options{MissingRole: RoleMissingOnAgreements, EmptyForbidden: true}, "200", "403"},
		"no role for anything":    {Options{MissingRole: RoleMissingEverywhere}, "403 900308", "403 900308"},
		"nothing is wrong at all": {Options{}, "200", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Seed, c.opts.Customers = 1, 20
			ask := signedIn(t, c.opts)
			short := func(got answer) string {
				status := strings.Fields("200 400 401 403")[indexOf(got.status)]
				return strings.TrimSpace(status + " " + codeOf(t, got))
			}
			assert.Equal(t, c.list, short(ask.get("/v1/customers")))
			assert.Equal(t, c.agreements, short(ask.about(ask.first(Attested), mcaAgreements)))
		})
	}
	app := signedIn(t, Options{Customers: 5, MissingMFA: true})
	app.token = app.signIn("client_credentials")
	assert.Equal(t, 200, app.get("/v1/customers").status, "an app has no MFA")
}
