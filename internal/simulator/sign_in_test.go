package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	authorize  = "/contoso/oauth2/v2.0/authorize"
	devicecode = "/contoso/oauth2/v2.0/devicecode"
	verifier   = "a-verifier-of-at-least-forty-three-characters-0"
)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func authorizeQuery(changes ...string) url.Values {
	return change(url.Values{
		"client_id": {"app"}, "response_type": {"code"}, "redirect_uri": {"http://localhost:4711"},
		"state": {"state-1"}, "nonce": {"nonce-1"}, "scope": {"openid offline_access " + audience + "/.default"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}, changes...)
}

func codeForm(code string, changes ...string) url.Values {
	return change(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "client_secret": {"secret"}, "code": {code},
		"redirect_uri": {"http://localhost:4711"}, "code_verifier": {verifier},
	}, changes...)
}

var person = url.Values{"user": {"ana@contoso.example"}, "password": {"x"}, "factor": {"123456"}}

// submit sends a form to a page.
func (c caller) submit(path string, form url.Values) *http.Response {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	return w.Result()
}

// back is where the sign-in page sends the browser.
func (c caller) back(query, form url.Values) *url.URL {
	c.t.Helper()
	resp := c.submit(authorize+"?"+query.Encode(), form)
	require.Equal(c.t, http.StatusFound, resp.StatusCode)
	location, err := resp.Location()
	require.NoError(c.t, err)
	return location
}

// claimsOf are what a token says.
func claimsOf(t testing.TB, token any) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token.(string), ".")[1])
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal(text, &all))
	return all
}

func TestSignInOnThePage(t *testing.T) {
	t.Parallel()
	ask := caller{t: t, sim: newSimulator(t, Options{})}
	resp := httptest.NewRecorder()
	ask.sim.ServeHTTP(resp, httptest.NewRequest(http.MethodGet, authorize+"?"+authorizeQuery().Encode(), nil))
	assert.Equal(t, 200, resp.Code)
	assert.Contains(t, resp.Body.String(), `name="factor"`)

	back := ask.back(authorizeQuery(), person)
	assert.Equal(t, "http://localhost:4711/", back.Scheme+"://"+back.Host+back.Path)
	assert.Equal(t, "state-1", back.Query().Get("state"))
	got := ask.login(v2, codeForm(back.Query().Get("code"))).fields(t)
	assert.Subset(t, claimsOf(t, got["access_token"]), map[string]any{"tid": "contoso", "upn": "ana@contoso.example",
		"amr": []any{"pwd", "mfa"}, "scp": "user_impersonation", "aud": audience})
	assert.Subset(t, claimsOf(t, got["id_token"]), map[string]any{"tid": "contoso", "nonce": "nonce-1", "aud": "app",
		"preferred_username": "ana@contoso.example"})
	assert.Equal(t, 200, ask.login(v1, loginForm("refresh_token", got["refresh_token"].(string))).status)
}

// Without a second factor there is a token, and the API refuses it; so do the tokens that come of
// its refresh token.
func TestWithoutSecondFactor(t *testing.T) {
	t.Parallel()
	ask := caller{t: t, sim: newSimulator(t, Options{})}
	code := ask.back(authorizeQuery(), url.Values{"user": {"ana@contoso.example"}}).Query().Get("code")
	got := ask.login(v2, codeForm(code)).fields(t)
	assert.Equal(t, []any{"pwd"}, claimsOf(t, got["access_token"])["amr"])
	renewed := ask.login(v1, loginForm("refresh_token", got["refresh_token"].(string))).fields(t)
	for _, token := range []any{got["access_token"], renewed["access_token"]} {
		ask.token = token.(string)
		refused := ask.get("/v1/customers")
		assert.Equal(t, 401, refused.status)
		assert.Contains(t, refused.body, "900421")
	}
}

func TestCodesAreRedeemedOnceByTheirApp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query, form []string
		path        string
		want        string
	}{
		"no code":          {form: []string{"code", ""}, want: "400 invalid_request 900144"},
		"a code of nobody": {form: []string{"code", "1.x.y"}, want: "400 invalid_grant 9002313"},
		"another redirect URI": {form: []string{"redirect_uri", "http://localhost:1"},
			want: "400 invalid_client 500112"},
		"another verifier":      {form: []string{"code_verifier", "x"}, want: "400 invalid_grant 501481"},
		"no verifier":           {form: []string{"code_verifier", ""}, want: "400 invalid_grant 501481"},
		"another app":           {form: []string{"client_id", "other"}, want: "400 invalid_grant 700005"},
		"another tenant":        {path: "/other/oauth2/v2.0/token", want: "400 invalid_grant 700005"},
		"no secret":             {form: []string{"client_secret", ""}, want: "401 invalid_client 7000218"},
		"without a challenge":   {query: []string{"code_challenge", ""}, form: []string{"code_verifier", ""}},
		"used for the 1st time": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := caller{t: t, sim: newSimulator(t, Options{})}
			form := codeForm(ask.back(authorizeQuery(c.query...), person).Query().Get("code"), c.form...)
			path := c.path
			if path == "" {
				path = v2
			}
			got := ask.login(path, form)
			assert.Equal(t, c.want, got.refusal(t))
			if c.want == "" {
				assert.Equal(t, "400 invalid_grant 54005", ask.login(path, form).refusal(t))
			}
		})
	}
}

// The page sends the browser nowhere while it cannot trust the address.
func TestPageRefuses(t *testing.T) {
	t.Parallel()
	strict := Options{Login: Login{TenantID: "contoso", ClientID: "app"}}
	elsewhere := Options{SignIn: SignIn{RedirectURI: "https://app.example/back"}}
	for name, c := range map[string]struct {
		opts   Options
		path   string
		change []string
		want   string
	}{
		"another redirect URI":    {change: []string{"redirect_uri", "http://127.0.0.1:4711"}, want: "AADSTS50011"},
		"no redirect URI":         {change: []string{"redirect_uri", ""}, want: "AADSTS50011"},
		"a path":                  {change: []string{"redirect_uri", "http://localhost:4711/x"}, want: "AADSTS50011"},
		"another host registered": {opts: elsewhere, want: "AADSTS50011"},
		"another tenant":          {opts: strict, path: "/other/oauth2/v2.0/authorize", want: "AADSTS90002"},
		"another app":             {opts: strict, change: []string{"client_id", "x"}, want: "AADSTS700016"},
		"another response type":   {change: []string{"response_type", "token"}, want: "AADSTS700054"},
		"another scope": {change: []string{"scope", "https://graph.microsoft.com/.default"},
			want: "AADSTS70011"},
		"a challenge that is none": {change: []string{"code_challenge_method", "plain"}, want: "AADSTS9002313"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := caller{t: t, sim: newSimulator(t, c.opts)}
			path := c.path
			if path == "" {
				path = authorize
			}
			resp := ask.submit(path+"?"+authorizeQuery(c.change...).Encode(), person)
			assert.Equal(t, 400, resp.StatusCode)
			text := new(strings.Builder)
			require.NoError(t, resp.Write(text))
			assert.Contains(t, text.String(), c.want)
		})
	}
}

func TestEverySignInIsRefused(t *testing.T) {
	t.Parallel()
	for _, number := range SignInErrors() {
		refused := func(at RefusedAt) caller {
			return caller{t: t, sim: newSimulator(t, Options{SignIn: SignIn{Refused: number, RefusedAt: at}})}
		}
		aadsts := signInErrors[number].sentence()
		back := refused(RefusedAtRedirect).back(authorizeQuery(), person).Query()
		assert.Contains(t, back.Get("error_description"), aadsts)
		assert.Equal(t, signInErrors[number].name, back.Get("error"))
		assert.Equal(t, "state-1", back.Get("state"))
		assert.False(t, back.Has("code"))

		assert.Equal(t, 400, refused(RefusedAtPage).submit(authorize+"?"+authorizeQuery().Encode(), person).StatusCode)

		ask := refused(RefusedAtToken)
		assert.Contains(t, ask.login(v2, codeForm(ask.back(authorizeQuery(), person).Query().Get("code"))).body, aadsts)
	}
	_, err := New(Options{SignIn: SignIn{Refused: 1}})
	assert.ErrorContains(t, err, "65001")

	ask := caller{t: t, sim: newSimulator(t, Options{})}
	declined := ask.back(authorizeQuery(), url.Values{"declined": {"yes"}}).Query()
	assert.Contains(t, declined.Get("error_description"), "AADSTS65004")
}

func TestSignInGoesWrong(t *testing.T) {
	t.Parallel()
	signIn := func(o SignIn) (back url.Values, answer map[string]any) {
		ask := caller{t: t, sim: newSimulator(t, Options{SignIn: o})}
		back = ask.back(authorizeQuery(), person).Query()
		return back, ask.login(v2, codeForm(back.Get("code"))).fields(t)
	}
	back, _ := signIn(SignIn{OtherState: true})
	assert.NotEqual(t, "state-1", back.Get("state"))
	_, answer := signIn(SignIn{OtherNonce: true})
	assert.NotEqual(t, "nonce-1", claimsOf(t, answer["id_token"])["nonce"])
	_, answer = signIn(SignIn{OtherTenant: true})
	assert.NotEqual(t, "contoso", claimsOf(t, answer["access_token"])["tid"])
	assert.NotEqual(t, "contoso", claimsOf(t, answer["id_token"])["tid"])
	_, answer = signIn(SignIn{WithoutMFA: true})
	assert.Equal(t, []any{"pwd"}, claimsOf(t, answer["access_token"])["amr"])
	_, answer = signIn(SignIn{NoRefreshToken: true})
	assert.NotContains(t, answer, "refresh_token")
}

func deviceForm(code any, changes ...string) url.Values {
	form := url.Values{"grant_type": {string(grantDevice)}, "client_id": {"app"}, "client_secret": {"secret"}}
	if text, ok := code.(string); ok {
		form.Set("device_code", text)
	}
	return change(form, changes...)
}

func (c caller) deviceCode() map[string]any {
	c.t.Helper()
	return c.login(devicecode, url.Values{"client_id": {"app"}, "scope": {"openid " + audience + "/.default"}}).fields(
		c.t)
}

func TestDeviceWaitsForThePage(t *testing.T) {
	t.Parallel()
	ask := caller{t: t, sim: newSimulator(t, Options{SignIn: SignIn{DeviceSlowDown: 1, DeviceInterval: time.Second}})}
	got := ask.deviceCode()
	assert.EqualValues(t, 1, got["interval"])
	assert.EqualValues(t, 900, got["expires_in"])
	poll := func() answer { return ask.login(v2, deviceForm(got["device_code"])) }
	assert.Equal(t, "400 slow_down 70016", poll().refusal(t))
	for range 3 {
		assert.Equal(t, "400 authorization_pending 70016", poll().refusal(t))
	}
	page := func(code string, more ...string) string {
		form := url.Values{"user_code": {code}, "user": {"ana@contoso.example"}, "factor": {"1"}}
		text := new(strings.Builder)
		require.NoError(t, ask.submit(deviceLogin, change(form, more...)).Write(text))
		return text.String()
	}
	assert.Contains(t, page("NOBODY"), "code didn&#39;t work")
	assert.Contains(t, page(" "+strings.ToLower(got["user_code"].(string))), "You have signed in")
	token := poll().fields(t)
	assert.Subset(t, claimsOf(t, token["access_token"]),
		map[string]any{"tid": "contoso", "upn": "ana@contoso.example", "amr": []any{"pwd", "mfa"}})
	assert.Contains(t, token, "id_token")
	assert.Equal(t, "400 bad_verification_code 70018", poll().refusal(t))

	got = ask.deviceCode()
	page(got["user_code"].(string), "declined", "yes")
	assert.Equal(t, "400 authorization_declined 65004", poll().refusal(t))
	assert.Equal(t, "400 invalid_request 900144", ask.login(v2, deviceForm(nil)).refusal(t))
	other := deviceForm(got["device_code"], "client_id", "other")
	assert.Equal(t, "400 bad_verification_code 70018", ask.login(v2, other).refusal(t))
}

func TestDeviceCodesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ask := caller{t: t, sim: newSimulator(t, Options{SignIn: SignIn{DeviceLife: time.Minute, DevicePolls: 1}})}
		first, second := ask.deviceCode(), ask.deviceCode()
		assert.NotEqual(t, first["device_code"], second["device_code"])
		assert.Equal(t, "400 authorization_pending 70016", ask.login(v2, deviceForm(first["device_code"])).refusal(t))
		assert.Equal(t, 200, ask.login(v2, deviceForm(first["device_code"])).status, "somebody signed in")
		time.Sleep(time.Minute)
		assert.Equal(t, "400 expired_token 70020", ask.login(v2, deviceForm(second["device_code"])).refusal(t))
	})
	ask := caller{t: t, sim: newSimulator(t, Options{SignIn: SignIn{DevicePolls: 1, Refused: 53003}})}
	code := ask.deviceCode()["device_code"]
	ask.login(v2, deviceForm(code))
	assert.Equal(t, "400 invalid_grant 53003", ask.login(v2, deviceForm(code)).refusal(t))
}
