package signin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/signin"
)

const (
	tenant = "11111111-1111-4111-8111-111111111111"
	appID  = "22222222-2222-4222-8222-222222222222"
)

// tokenServer answers the requests of a sign-in, on a wire without sockets.
type tokenServer struct {
	device string // the answer to a request for a code
	tokens []func(form url.Values) (status int, body string)

	mu    sync.Mutex
	forms []url.Values
	times []time.Time
}

func (s *tokenServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/devicecode") {
		fmt.Fprint(w, s.device)
		return w.Result(), nil
	}
	answer := s.tokens[min(len(s.forms), len(s.tokens)-1)]
	s.forms, s.times = append(s.forms, r.PostForm), append(s.times, time.Now())
	status, body := answer(r.PostForm)
	w.WriteHeader(status)
	fmt.Fprint(w, body)
	return w.Result(), nil
}

func (s *tokenServer) app() signin.App {
	return signin.App{
		Credentials: partnercenter.Credentials{LoginURL: "https://login.example", TenantID: tenant, ClientID: appID,
			ClientSecret: "s3cret"},
		HTTP:     partnercenter.TokenClient(s, time.Minute),
		Patience: 10 * time.Minute,
		Page:     signin.Page{Done: "signed in", Refused: "not signed in"},
	}
}

// refusing is a refusal of the token server, with an AADSTS number or without.
func refusing(word, number string) func(url.Values) (int, string) {
	return func(url.Values) (int, string) {
		return 400, fmt.Sprintf(`{"error":%q,"error_description":"%s: ana@contoso.example did something"}`, word,
			number)
	}
}

type object map[string]any

// jwt is a token with these claims. Nobody here can check its signature.
func jwt(c object) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(text) + ".c2ln"
}

// with is claims with others in their place; nil takes one away.
func (o object) with(changes object) object {
	o = maps.Clone(o)
	maps.Copy(o, changes)
	maps.DeleteFunc(o, func(_ string, value any) bool { return value == nil })
	return o
}

func accessClaims() object {
	return object{"aud": "https://api.partnercenter.microsoft.com", "tid": tenant, "amr": []string{"pwd", "mfa"},
		"scp": "user_impersonation", "upn": "ana@contoso.example", "exp": time.Now().Add(time.Hour).Unix()}
}

func idClaims(nonce string) object {
	return object{"aud": appID, "tid": tenant, "nonce": nonce, "preferred_username": "ana@contoso.example",
		"exp": time.Now().Add(time.Hour).Unix()}
}

// issuing gives these tokens. An empty one is left out.
func issuing(access, id, refresh string) (int, string) {
	answer := object{"token_type": "Bearer", "expires_in": 3599, "access_token": access, "id_token": id,
		"refresh_token": refresh}
	for name, value := range answer {
		if value == "" {
			delete(answer, name)
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return 200, string(text)
}

// refusal is a refusal with a hint; message and hint are parts of theirs. It says nothing of the
// user.
type refusal struct{ code, message, hint string }

func (r refusal) check(t *testing.T, err error) {
	t.Helper()
	var e *partnercenter.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, r.code, e.Code())
	require.Contains(t, e.Error(), r.message)
	require.Contains(t, e.Hint(), r.hint)
	for _, secret := range []string{"ana@", "s3cret", "refresh-1"} {
		require.NotContains(t, e.Error()+e.Hint(), secret)
	}
}

// comesBack is a browser in which somebody signs in: it comes back with what answer says.
func comesBack(t *testing.T, answer func(asked url.Values) url.Values) func(string) {
	t.Helper()
	return func(address string) {
		page, err := url.Parse(address)
		require.NoError(t, err)
		asked := page.Query()
		go func() {
			back := answer(asked)
			// Browsers ask for more than they are sent to.
			for _, path := range []string{"/favicon.ico", "/", "/?" + back.Encode()} {
				resp, err := http.Get(callback(asked) + path)
				if err != nil {
					return // the listener has gone: the test's own result says why
				}
				resp.Body.Close()
			}
		}()
	}
}

// callback is where the browser is sent back to, whatever the name localhost means to this host.
func callback(asked url.Values) string {
	return strings.Replace(asked.Get("redirect_uri"), "localhost", "127.0.0.1", 1)
}

func withCode(asked url.Values) url.Values {
	return url.Values{"code": {"code-1"}, "state": {asked.Get("state")}, "session_state": {"x"}}
}

func TestSignInWithBrowser(t *testing.T) {
	t.Parallel()
	var asked url.Values
	s := &tokenServer{}
	s.tokens = append(s.tokens, func(url.Values) (int, string) {
		return issuing(jwt(accessClaims()), jwt(idClaims(asked.Get("nonce"))), "refresh-1")
	})
	got, err := s.app().WithBrowser(t.Context(), comesBack(t, func(q url.Values) url.Values {
		asked = q
		return withCode(q)
	}))
	require.NoError(t, err)
	require.Equal(t, signin.SignedIn{RefreshToken: "refresh-1", User: "ana@contoso.example",
		Permissions: []string{"user_impersonation"}}, got)

	for name, value := range map[string]string{
		"client_id": appID, "response_type": "code", "code_challenge_method": "S256", "response_mode": "query",
		"prompt": "select_account",
		"scope":  "https://api.partnercenter.microsoft.com/.default openid profile offline_access",
	} {
		require.Equal(t, value, asked.Get(name), name)
	}
	require.Regexp(t, `^http://localhost:[0-9]+$`, asked.Get("redirect_uri"))
	form := s.forms[0]
	for name, value := range map[string]string{"grant_type": "authorization_code", "code": "code-1", "client_id": appID,
		"client_secret": "s3cret", "redirect_uri": asked.Get("redirect_uri")} {
		require.Equal(t, value, form.Get(name), name)
	}
	require.Equal(t, asked.Get("code_challenge"), challengeOf(form.Get("code_verifier")))
	for _, secret := range []string{"state", "nonce", "code_challenge"} {
		require.GreaterOrEqual(t, len(asked.Get(secret)), 43, secret)
	}
	require.NotEqual(t, asked.Get("state"), asked.Get("nonce"))
}

func TestBrowserComesBackWrong(t *testing.T) {
	t.Parallel()
	back := func(pairs ...string) func(url.Values) url.Values {
		return func(asked url.Values) url.Values {
			q := url.Values{"state": {asked.Get("state")}}
			for i := 0; i < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			return q
		}
	}
	const failed, another = "sign_in_failed", "another state"
	for name, c := range map[string]struct {
		back func(url.Values) url.Values
		want refusal
	}{
		"another state": {back("state", "x", "code", "code-1"), refusal{failed, another, "Close such pages"}},
		"no state":      {back("state", "", "code", "code-1"), refusal{failed, another, "Close such pages"}},
		"an error of another state": {back("state", "x", "error", "access_denied"),
			refusal{failed, another, "Close such pages"}},
		"an empty code": {back("code", ""), refusal{failed, "without a code", "login_url"}},
		"declined": {back("error", "access_denied", "error_description", "AADSTS65004: ana@contoso.example declined"),
			refusal{failed, "AADSTS65004", "declined"}},
		"consent is missing": {back("error", "consent_required", "error_description", "AADSTS65001: x"),
			refusal{failed, "AADSTS65001", "consent"}},
		"an administrator must consent": {back("error", "access_denied", "error_description", "AADSTS90094: x"),
			refusal{failed, "AADSTS90094", "consent"}},
		"conditional access": {back("error", "access_denied", "error_description", "AADSTS53003: x"),
			refusal{failed, "AADSTS53003", "Conditional Access"}},
		"a second factor is missing": {back("error", "interaction_required", "error_description", "AADSTS50076: x"),
			refusal{"mfa_missing", "AADSTS50076", "multi-factor"}},
		"the token server is out of order": {back("error", "server_error", "error_description", "AADSTS90033: x"),
			refusal{"unavailable", "AADSTS90033", "Run again"}},
		"an error without a text": {back("error", "access_denied"), refusal{failed, "code access_denied", "declined"}},
		"an error that is not known": {back("error", "x\x1b[31m", "error_description", "AADSTS1: x"),
			refusal{failed, "AADSTS1", "login.microsoftonline.com/error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tokenServer{}
			got, err := s.app().WithBrowser(t.Context(), comesBack(t, c.back))
			c.want.check(t, err)
			require.NotContains(t, err.Error(), "\x1b")
			require.Zero(t, got)
			require.Empty(t, s.forms, "no code was exchanged")
		})
	}
}

func TestBrowserIsShownTheEnd(t *testing.T) {
	t.Parallel()
	for answer, sentence := range map[string]string{"code": "<p>signed in</p>", "error": "<p>not signed in</p>"} {
		shown := make(chan string, 1)
		s := &tokenServer{tokens: []func(url.Values) (int, string){refusing("invalid_grant", "")}}
		s.app().WithBrowser(t.Context(), func(address string) {
			page, err := url.Parse(address)
			require.NoError(t, err)
			back := url.Values{answer: {"x"}, "state": {page.Query().Get("state")}}
			go func() {
				resp, err := http.Get(callback(page.Query()) + "/?" + back.Encode())
				if err != nil {
					shown <- err.Error()
					return
				}
				text := new(strings.Builder)
				resp.Write(text)
				shown <- text.String()
			}()
		})
		text := <-shown
		require.Contains(t, text, sentence)
		require.Contains(t, text, "Cache-Control: no-store")
	}
}

func TestBrowserNeverComesBack(t *testing.T) {
	t.Parallel()
	app := (&tokenServer{}).app()
	app.Patience = 20 * time.Millisecond
	_, err := app.WithBrowser(t.Context(), func(string) {})
	refusal{"sign_in_failed", "nobody signed in within 20ms", "--device"}.check(t, err)

	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = (&tokenServer{}).app().WithBrowser(ctx, func(string) { cancel(context.Canceled) })
	require.ErrorIs(t, err, context.Canceled)
}

// A token that cannot be used is not handed out.
func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	const failed, other = "sign_in_failed", "99999999-9999-4999-8999-999999999999"
	otherSignIn := func(message string) refusal { return refusal{failed, message, "another sign-in"} }
	noMFA := refusal{"mfa_missing", "second factor", "multi-factor"}
	ago := func(d time.Duration) object { return object{"exp": time.Now().Add(-d).Unix()} }
	for name, c := range map[string]struct {
		access, id object // what is changed in the claims
		opaque     bool   // the access token
		noID       bool
		noRefresh  bool
		want       refusal
	}{
		"as it should be":                      {},
		"an access token that nobody can read": {opaque: true, id: object{"amr": []string{"mfa"}}},
		"the tenant in capitals":               {access: object{"tid": strings.ToUpper(tenant)}},
		"one method as a text":                 {access: object{"amr": "mfa"}},
		"a key of the device":                  {access: object{"amr": []string{"rsa", "ngcmfa"}}},
		"the clock is two minutes off":         {id: ago(2 * time.Minute)},
		"another nonce":                        {id: object{"nonce": "x"}, want: otherSignIn("nonce")},
		"no nonce":                             {id: object{"nonce": nil}, want: otherSignIn("nonce")},
		"no ID token":                          {noID: true, want: otherSignIn("nonce")},
		"for another app":                      {id: object{"aud": other}, want: otherSignIn("another app")},
		"of yesterday":                         {id: ago(24 * time.Hour), want: refusal{failed, "clock", "login_url"}},
		"another tenant": {access: object{"tid": other},
			want: refusal{failed, other, "partner's tenant"}},
		"another tenant in the ID token": {id: object{"tid": other},
			want: refusal{failed, other, "partner's tenant"}},
		"no tenant": {access: object{"tid": nil}, id: object{"tid": nil},
			want: refusal{failed, "of which tenant", "login_url"}},
		"a password alone": {access: object{"amr": []string{"pwd"}}, want: noMFA},
		"a password, whatever the ID token says": {access: object{"amr": []string{"pwd"}},
			id: object{"amr": []string{"mfa"}}, want: noMFA},
		"no word about how":      {access: object{"amr": nil}, want: noMFA},
		"an opaque token alone":  {opaque: true, want: noMFA},
		"no refresh token given": {noRefresh: true, want: refusal{failed, "no refresh token", "offline access"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked url.Values
			s := &tokenServer{}
			s.tokens = append(s.tokens, func(url.Values) (int, string) {
				access, refresh := jwt(accessClaims().with(c.access)), "refresh-1"
				id := jwt(idClaims(asked.Get("nonce")).with(c.id))
				if c.opaque {
					access = "opaque"
				}
				if c.noID {
					id = ""
				}
				if c.noRefresh {
					refresh = ""
				}
				return issuing(access, id, refresh)
			})
			got, err := s.app().WithBrowser(t.Context(), comesBack(t, func(q url.Values) url.Values {
				asked = q
				return withCode(q)
			}))
			if c.want.code == "" {
				require.NoError(t, err)
				require.Equal(t, "refresh-1", got.RefreshToken)
				require.Equal(t, "ana@contoso.example", got.User)
				return
			}
			c.want.check(t, err)
			require.Zero(t, got)
		})
	}
}
