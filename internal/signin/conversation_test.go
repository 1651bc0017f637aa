package signin_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/signin"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// wire leads to a simulated token server, which shares nothing with package signin.
type wire struct{ *simulator.Simulator }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	r.Host = r.URL.Host
	w.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func simulated(t *testing.T, o simulator.SignIn) (signin.App, http.Client) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{SignIn: o,
		Login: simulator.Login{TenantID: tenant, ClientID: appID, ClientSecret: "s3cret"}})
	require.NoError(t, err)
	app := signin.App{
		Credentials: partnercenter.Credentials{LoginURL: "http://login.example", TenantID: tenant, ClientID: appID,
			ClientSecret: "s3cret"},
		HTTP:     partnercenter.TokenClient(wire{sim}, time.Minute),
		Patience: 10 * time.Minute,
	}
	browser := http.Client{Transport: wire{sim}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return app, browser
}

// fillIn opens a page, fills in its form, and follows where it is sent.
func fillIn(browser http.Client, form url.Values) func(address string) {
	return func(address string) {
		go func() {
			resp, err := browser.PostForm(address, form)
			if err != nil {
				return // the test's own result says why
			}
			resp.Body.Close()
			if back, err := resp.Location(); err == nil {
				back.Host = strings.Replace(back.Host, "localhost", "127.0.0.1", 1)
				if resp, err = http.Get(back.String()); err == nil {
					resp.Body.Close()
				}
			}
		}()
	}
}

var person = url.Values{"user": {"ana@contoso.example"}, "password": {"x"}, "factor": {"123456"}}

func TestConversationWithBrowser(t *testing.T) {
	t.Parallel()
	const failed = "sign_in_failed"
	for name, c := range map[string]struct {
		sim    simulator.SignIn
		secret string     // if another one than is registered
		form   url.Values // if another one than person's
		silent bool       // the page shows an error, and the browser never comes back
		want   refusal
	}{
		"signed in": {},
		"no second factor": {form: url.Values{"user": {"ana@contoso.example"}},
			want: refusal{"mfa_missing", "second factor", "multi-factor"}},
		"another state": {sim: simulator.SignIn{OtherState: true},
			want: refusal{failed, "another state", "another sign-in"}},
		"another nonce": {sim: simulator.SignIn{OtherNonce: true}, want: refusal{failed, "nonce", "another sign-in"}},
		"another tenant": {sim: simulator.SignIn{OtherTenant: true},
			want: refusal{failed, "99999999", "partner's tenant"}},
		"no refresh token": {sim: simulator.SignIn{NoRefreshToken: true},
			want: refusal{failed, "no refresh token", "offline access"}},
		"declined":         {form: url.Values{"declined": {"yes"}}, want: refusal{failed, "AADSTS65004", "declined"}},
		"a wrong redirect": {sim: simulator.SignIn{RedirectURI: "https://app.example"}, silent: true},
		"a page that refuses": {sim: simulator.SignIn{Refused: 53003, RefusedAt: simulator.RefusedAtPage},
			silent: true},
		"the secret is wrong": {secret: "x", want: refusal{failed, "7000215", "client secret is wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, browser := simulated(t, c.sim)
			app.Credentials.ClientSecret = cmp.Or(c.secret, app.Credentials.ClientSecret)
			if c.form == nil {
				c.form = person
			}
			if c.silent {
				app.Patience = 100 * time.Millisecond
				c.want = refusal{failed, "nobody signed in", "--device"}
			}
			got, err := app.WithBrowser(t.Context(), fillIn(browser, c.form))
			if c.want.code != "" {
				c.want.check(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "ana@contoso.example", got.User)
			require.Equal(t, []string{"user_impersonation"}, got.Permissions)
			require.NotEmpty(t, got.RefreshToken)
		})
	}
}

// Every error that the simulated token server knows ends a sign-in of either kind with a hint, and
// the hint is "sign in again" only where that helps.
func TestConversationIsRefused(t *testing.T) {
	t.Parallel()
	for _, number := range simulator.SignInErrors() {
		aadsts := fmt.Sprintf("AADSTS%d", number)
		check := func(t *testing.T, err error) {
			t.Helper()
			var e *partnercenter.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Error(), aadsts)
			require.NotEmpty(t, e.Hint())
			require.NotContains(t, e.Hint(), "login.microsoftonline.com/error", "the hint is known")
			if number == 53003 || number == 50105 || number == 700016 {
				require.NotContains(t, strings.ToLower(e.Hint()), "mcaledger login")
			}
		}
		for _, at := range []simulator.RefusedAt{simulator.RefusedAtRedirect, simulator.RefusedAtToken} {
			t.Run(aadsts+" in the browser"+string(at), func(t *testing.T) {
				t.Parallel()
				app, browser := simulated(t, simulator.SignIn{Refused: number, RefusedAt: at})
				_, err := app.WithBrowser(t.Context(), fillIn(browser, person))
				check(t, err)
			})
		}
		t.Run(aadsts+" on a device", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app, browser := simulated(t, simulator.SignIn{Refused: number})
				_, err := app.WithCode(t.Context(), func(c signin.Code) { typeIn(t, browser, c, person) })
				if number == 90033 { // out of order: one asks until the code has expired
					refusal{"sign_in_failed", "nobody signed in", "mcaledger login"}.check(t, err)
					return
				}
				check(t, err)
			})
		})
	}
}

// typeIn types the code in on the page, and signs in.
func typeIn(t *testing.T, browser http.Client, c signin.Code, form url.Values) {
	t.Helper()
	filled := url.Values{"user_code": {c.Code}}
	maps.Copy(filled, form)
	resp, err := browser.PostForm(c.Address, filled)
	require.NoError(t, err)
	resp.Body.Close()
}

func TestConversationWithCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, browser := simulated(t, simulator.SignIn{})
		got, err := app.WithCode(t.Context(), func(c signin.Code) { typeIn(t, browser, c, person) })
		require.NoError(t, err)
		require.Equal(t, "ana@contoso.example", got.User)

		declined := url.Values{"declined": {"yes"}}
		_, err = app.WithCode(t.Context(), func(c signin.Code) { typeIn(t, browser, c, declined) })
		refusal{"sign_in_failed", "AADSTS65004", "declined"}.check(t, err)
	})
}
