package partnercenter

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withRefreshToken makes a client that signs in with the refresh token in file.
func withRefreshToken(file string) func(*Options) {
	return func(o *Options) { o.Credentials.RefreshTokenFile = file }
}

func saved(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "refresh-token")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func contents(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestSignInWithSecret(t *testing.T) {
	s := newService(t, saying(200, signed))
	require.NoError(t, s.client.CheckToken(t.Context()))
	assert.Equal(t, []url.Values{{
		"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"s3cret"}, "scope": {scope},
	}}, s.signIns())
}

func TestSignInWithRefreshToken(t *testing.T) {
	for name, text := range map[string]string{
		"as it is": "refresh-0", "with a line end": "refresh-0\r\n", "with a byte-order mark": "\ufeffrefresh-0\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, saying(200, signed), withRefreshToken(saved(t, text)))
			require.NoError(t, s.client.CheckToken(t.Context()))
			assert.Equal(t, []url.Values{{
				"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}, "client_id": {"app"},
				"client_secret": {"s3cret"}, "scope": {scope},
			}}, s.signIns())
		})
	}
}

func TestSignInWithCertificate(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	file, der := certificateFile(t, key, &key.PublicKey)
	certificate, err := ReadCertificate(file)
	require.NoError(t, err)
	s := newService(t, saying(200, signed), func(o *Options) {
		o.Credentials.ClientSecret, o.Credentials.Certificate = "", certificate
	})
	require.NoError(t, s.client.CheckToken(t.Context()))

	form := s.signIns()[0]
	assert.Equal(t, "client_credentials", form.Get("grant_type"))
	assert.Equal(t, "app", form.Get("client_id"))
	assert.Empty(t, form.Get("client_secret"))
	assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form.Get("client_assertion_type"))

	parts := strings.Split(form.Get("client_assertion"), ".")
	require.Len(t, parts, 3)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	require.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], unbase64(t, parts[2])))

	thumbprint := sha1.Sum(der)
	var header map[string]string
	require.NoError(t, json.Unmarshal(unbase64(t, parts[0]), &header))
	assert.Equal(t, map[string]string{"alg": "RS256", "typ": "JWT",
		"x5t": base64.RawURLEncoding.EncodeToString(thumbprint[:])}, header)

	var claims struct {
		Aud, Iss, Sub, Jti string
		Nbf, Iat, Exp      int64
	}
	require.NoError(t, json.Unmarshal(unbase64(t, parts[1]), &claims))
	assert.Equal(t, "https://login.example/tenant/oauth2/v2.0/token", claims.Aud)
	assert.Equal(t, "app", claims.Iss)
	assert.Equal(t, "app", claims.Sub)
	assert.NotEmpty(t, claims.Jti)
	assert.Less(t, claims.Nbf, claims.Iat)
	assert.Less(t, claims.Iat, claims.Exp)
}

func TestUnusableCertificateFiles(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	file, _ := certificateFile(t, key, &key.PublicKey)
	_, err = ReadCertificate(file)
	assert.ErrorContains(t, err, "not RSA")
	_, err = ReadCertificate(saved(t, "neither"))
	assert.ErrorContains(t, err, "must hold a certificate and its private key in PEM form")
	_, err = ReadCertificate(filepath.Join(t.TempDir(), "missing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func certificateFile(t testing.TB, key, public any) (file string, der []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"},
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return saved(t, string(append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...))), der
}

func unbase64(t testing.TB, text string) []byte {
	t.Helper()
	plain, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return plain
}

func TestTokenAnswers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"version 1, with numbers as texts": saying(200, example(t, "token_v1.json")),
		"version 2": saying(200, example(t, "token_v2.json"), "Content-Type",
			"application/json; charset=utf-8"),
		"with a byte-order mark":         saying(200, "\ufeff"+example(t, "token_v2.json")),
		"as plain text, which it is not": saying(200, example(t, "token_v2.json"), "Content-Type", "text/plain"),
		"after a 503": inTurn(saying(503, `{"error":"temporarily_unavailable"}`),
			saying(200, example(t, "token_v2.json"))),
		"after a gateway's page": inTurn(saying(503, example(t, "gateway_503.html")),
			saying(200, example(t, "token_v2.json"))),
		"after a gateway's page that is 200": inTurn(saying(200, "<html>"), saying(200, example(t, "token_v2.json"))),
		"after a 429":                        inTurn(saying(429, ""), saying(200, example(t, "token_v2.json"))),
		"after a reset":                      inTurn(reset, saying(200, example(t, "token_v2.json"))),
		"after half an answer": inTurn(halfOf(200, example(t, "token_v2.json")),
			saying(200, example(t, "token_v2.json"))),
		"after no answer in time": inTurn(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			saying(200, example(t, "token_v2.json"))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(200, signed))
				s.login = answer
				require.NoError(t, s.ask())
				assert.Equal(t, "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl",
					s.arrivals()[0].header.Get("Authorization"))
				left := time.Until(s.client.user.now.expiry)
				assert.InDelta(t, (3599*time.Second - early).Seconds(), left.Seconds(), 1)
			})
		})
	}
}

func TestRefusedSignIn(t *testing.T) {
	g := func(code, description string) string {
		text, err := json.Marshal(map[string]string{"error": code, "error_description": description})
		require.NoError(t, err)
		return string(text)
	}
	for _, c := range []struct {
		name    string
		status  int
		body    string
		kind    Kind
		code    string
		message string
	}{
		{"the refresh token has expired", 400, example(t, "error_g_token_expired.json"), SignInFailed, "invalid_grant",
			"AADSTS700082"},
		{"a multi-factor sign-in is due", 400, g("invalid_grant", "AADSTS50076: jan@partner.example must use MFA"),
			MFAMissing, "invalid_grant", "AADSTS50076"},
		{"a multi-factor sign-in is due, in version 1", 400,
			g("interaction_required", "AADSTS50079: jan@partner.example"), MFAMissing, "interaction_required",
			"AADSTS50079"},
		{"a person has to sign in, and nobody says why", 400, g("interaction_required", "jan@partner.example"),
			SignInFailed, "interaction_required", ""},
		{"the first of several numbers is the cause", 400,
			g("invalid_grant", "AADSTS700082: expired. AADSTS50076: jan@partner.example. AADSTS700082"), SignInFailed,
			"invalid_grant", "AADSTS700082, AADSTS50076"},
		{"numbers behind a long text", 400, g("invalid_grant", strings.Repeat("jan@partner.example ", 100)+
			"AADSTS50076"), MFAMissing, "invalid_grant", "AADSTS50076"},
		{"a number in the list alone", 400,
			`{"error":"invalid_grant","error_description":"jan@partner.example","error_codes":[50076]}`, MFAMissing,
			"invalid_grant", ""},
		{"another number that begins alike", 400, g("invalid_grant", "AADSTS500760: jan@partner.example"), SignInFailed,
			"invalid_grant", "AADSTS500760"},
		{"the secret is wrong", 401, g("invalid_client", "AADSTS7000215: s3cret of app jan@partner.example"),
			SignInFailed, "invalid_client", "AADSTS7000215"},
		{"a refusal with status 200", 200, g("invalid_grant", "jan@partner.example"), SignInFailed, "invalid_grant",
			""},
		{"a code that is none", 400, g("x\r\n"+strings.Repeat("y", 1000), ""), SignInFailed, "x " +
			strings.Repeat("y", 298) + "…", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(200, signed), withRefreshToken(saved(t, "refresh-0")))
				s.login = saying(c.status, c.body)
				e := s.refusal()
				assert.Equal(t, c.kind.String(), e.Kind.String())
				assert.Equal(t, c.status, e.Status)
				assert.Equal(t, c.code, e.ServiceCode)
				assert.Equal(t, c.message, e.Message)
				assert.True(t, e.Fatal())
				holdsNothing(t, e.Error(), "refresh-0", "jan@", "login.example")
				assert.Len(t, s.signIns(), 1, "a definite no is not asked for twice")
				assert.Empty(t, s.arrivals())
			})
		})
	}
}

func TestTokenServerDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(200, signed))
		s.login = saying(503, "<html>")
		e := s.refusal()
		assert.Equal(t, Down, e.Kind)
		assert.Equal(t, 4, e.Attempts)
		assert.Len(t, s.signIns(), 4)
	})
}

func TestUnusableRefreshTokenFiles(t *testing.T) {
	t.Parallel()
	missing, folder := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	for _, file := range []string{missing, folder, saved(t, ""), saved(t, " \n"), saved(t, "two words"),
		saved(t, "a\nb"), saved(t, "n\u00e4in"), saved(t, strings.Repeat("x", 70_000))} {
		s := newService(t, saying(200, signed), withRefreshToken(file))
		e := s.refusal()
		assert.Equal(t, SignInFailed, e.Kind)
		assert.Contains(t, e.Error(), file)
		assert.Contains(t, e.Hint(), "refresh_token_file")
		assert.Empty(t, s.signIns())
		assert.Equal(t, file == missing, errors.Is(e, os.ErrNotExist))
	}
}

func TestExpiredTokenIsRenewedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served atomic.Int64
		s := newService(t, func(w http.ResponseWriter, r *http.Request) {
			good := "Bearer access-1"
			if served.Add(1) > 100 {
				good = "Bearer access-2"
			}
			time.Sleep(100 * time.Millisecond)
			if r.Header.Get("Authorization") != good {
				say(w, 401, `{"code":400,"description":"Access denied"}`)
				return
			}
			say(w, 200, signed)
		})
		answer := s.login
		s.login = func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			answer(w, r)
		}
		together(16, func(int) {
			for range 20 {
				assert.NoError(t, s.ask())
			}
		})
		assert.Len(t, s.signIns(), 2)
		assert.LessOrEqual(t, len(s.arrivals()), 16*20+2*16,
			"one refused try for each sender, or two for one who was late")
	})
}

func TestRefusedNewTokenEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(401, `{"code":400,"description":"Access denied"}`))
		e := s.refusal()
		assert.Equal(t, TokenRefused, e.Kind)
		assert.True(t, e.Fatal())
		assert.Equal(t, "400", e.ServiceCode)
		calls := s.arrivals()
		require.Len(t, calls, 2)
		assert.Equal(t, "Bearer access-1", calls[0].header.Get("Authorization"))
		assert.Equal(t, "Bearer access-2", calls[1].header.Get("Authorization"))
		assert.Equal(t, calls[0].header.Get("MS-RequestId"), calls[1].header.Get("MS-RequestId"))
	})
}

func TestCallWhoseTokenIsAlwaysRefusedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "poison") {
				say(w, 401, `{"code":400}`)
				return
			}
			say(w, 404, `{"code":1000}`) // proves the token as well as a success does
		})
		for range 2 {
			_, err := s.client.Customer(t.Context(), "poison")
			assert.Equal(t, TokenRefused, failed(t, err).Kind)
			assert.Equal(t, NotFound, s.refusal().Kind)
		}
	})
}

func TestExpiredTokenIsNoFailedAttempt(t *testing.T) {
	dead, accident := saying(401, `{"code":400}`), saying(500, "")
	for _, answers := range [][]http.HandlerFunc{
		{accident, accident, dead, accident, saying(200, signed)},
		{accident, accident, accident, dead, saying(200, signed)},
	} {
		synctest.Test(t, func(t *testing.T) {
			require.NoError(t, newService(t, inTurn(answers...)).ask())
		})
	}
}

func TestRefusalOfOneCallProvesTokenForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unlucky := inTurn(saying(401, `{"code":400}`), saying(500, ""), saying(401, `{"code":400}`),
			saying(200, `{"id":"unlucky"}`))
		s := newService(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/customers/unlucky" {
				unlucky(w, r)
				return
			}
			say(w, 404, `{"code":1000}`)
		})
		together(2, func(i int) {
			if i == 0 {
				_, err := s.client.Customer(t.Context(), "unlucky")
				assert.NoError(t, err, "access-2 worked until it was refused, too")
				return
			}
			time.Sleep(100 * time.Millisecond) // while the other waits to ask again after its 500
			assert.Equal(t, NotFound, s.refusal().Kind)
		})
		assert.Len(t, s.signIns(), 3)
	})
}

func TestRefusalsThatNoNewTokenChanges(t *testing.T) {
	for code, kind := range map[string]Kind{"900420": WrongAudience, "900421": MFAMissing, "900329": AppOnly} {
		s := newService(t, saying(401, `{"code":`+code+`}`))
		e := s.refusal()
		assert.Equal(t, kind, e.Kind)
		assert.True(t, e.Fatal())
		assert.Len(t, s.arrivals(), 1)
		assert.Len(t, s.signIns(), 1)
	}
}

func TestTokenIsRenewedEarly(t *testing.T) {
	for _, c := range []struct {
		name     string
		lifetime int
		good     time.Duration
	}{
		{"two minutes before an hour is over", 3600, 58 * time.Minute},
		{"a fifth early when it lives shortly", 100, 80 * time.Second},
		{"an hour when it does not say", 0, 58 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(200, signed))
				s.login = saying(200, fmt.Sprintf(`{"access_token":"access","expires_in":%d}`, c.lifetime))
				require.NoError(t, s.ask())
				time.Sleep(c.good - time.Second)
				require.NoError(t, s.ask())
				assert.Len(t, s.signIns(), 1)
				time.Sleep(time.Second)
				together(16, func(int) { assert.NoError(t, s.ask()) })
				assert.Len(t, s.signIns(), 2)
			})
		})
	}
}

func TestWaitForTokenEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		s := newService(t, saying(200, signed))
		s.login = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		begun := time.Now()
		slow, stop := context.WithCancel(t.Context())
		defer stop()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, enough)
		defer cancel()
		together(5, func(i int) {
			if i == 0 {
				assert.ErrorIs(t, s.askWith(slow), context.Canceled)
				return
			}
			// the first holds the lock by now, and a minute longer than the others want to wait
			time.Sleep(time.Millisecond)
			assert.ErrorIs(t, s.askWith(ctx), enough)
			assert.Equal(t, time.Second, time.Since(begun), "of the bubble's clock")
			stop()
		})
	})
}

// rotating gives a new refresh token with every sign-in.
func rotating(s *service) {
	s.login = func(w http.ResponseWriter, _ *http.Request) {
		n := len(s.signIns())
		say(w, 200, fmt.Sprintf(`{"access_token":"access-%d","expires_in":3599,"refresh_token":"refresh-%d"}`, n, n))
	}
}

func TestRotatedRefreshTokenIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := saved(t, "refresh-0\n")
		link := filepath.Join(t.TempDir(), "link")
		require.NoError(t, os.Symlink(file, link))
		require.NoError(t, os.Chmod(file, 0o640))
		s := newService(t, saying(200, signed), withRefreshToken(link))
		rotating(s)

		require.NoError(t, s.ask())
		assert.Equal(t, "refresh-1\n", contents(t, file))
		time.Sleep(time.Hour)
		require.NoError(t, s.ask())
		assert.Equal(t, "refresh-1", s.signIns()[1].Get("refresh_token"), "the new one is used")
		assert.Equal(t, "refresh-2\n", contents(t, link))

		about, err := os.Lstat(link)
		require.NoError(t, err)
		assert.NotZero(t, about.Mode()&os.ModeSymlink, "the link is still one")
		about, err = os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), about.Mode(),
			"the mode is kept: another user of the group may renew the token")
		left, err := os.ReadDir(filepath.Dir(file))
		require.NoError(t, err)
		assert.Len(t, left, 1, "nothing else is left behind")
	})
}

func TestUnchangedRefreshTokenIsNotWritten(t *testing.T) {
	file := saved(t, "refresh-0\r\n")
	s := newService(t, saying(200, signed), withRefreshToken(file))
	require.NoError(t, s.ask()) // newService's token server sends none
	assert.Equal(t, "refresh-0\r\n", contents(t, file))
}

func TestUnsavedRefreshTokenIsAWarning(t *testing.T) {
	var log bytes.Buffer
	file := saved(t, "refresh-0")
	s := newService(t, saying(200, signed), withRefreshToken(file),
		func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	rotating(s)
	rotate := s.login
	s.login = func(w http.ResponseWriter, r *http.Request) {
		// A folder in the file's place cannot be replaced, whoever runs the test.
		assert.NoError(t, os.Remove(file))
		assert.NoError(t, os.MkdirAll(filepath.Join(file, "full"), 0o700))
		rotate(w, r)
	}
	require.NoError(t, s.ask())
	assert.Contains(t, log.String(), "could not be saved")
	holdsNothing(t, strings.ReplaceAll(log.String(), "\n", " "), "refresh-1")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing half-written is left behind")
}

// A token file that is a pipe or a device must not hold up a night.
func TestTokenFileIsRegular(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	s := newService(t, saying(200, signed), withRefreshToken(pipe))
	e := s.refusal()
	assert.Equal(t, SignInFailed, e.Kind)
	assert.Contains(t, e.Error(), "not a regular file")
}

// What could not be read back the next night never replaces a token that works.
func TestTooLongRefreshTokenIsNotSaved(t *testing.T) {
	t.Parallel()
	for length, kept := range map[int]bool{64<<10 - 1: true, 64 << 10: false, 1 << 19: false} {
		file := saved(t, "refresh-0\n")
		s := newService(t, saying(200, signed), withRefreshToken(file))
		long := strings.Repeat("r", length)
		s.login = saying(200, `{"access_token":"access","refresh_token":"`+long+`"}`)
		require.NoError(t, s.ask())
		saved := strings.TrimSpace(contents(t, file))
		assert.Equal(t, kept, saved == long)
		assert.Equal(t, !kept, saved == "refresh-0")
	}
}

// With another tenant's token, the list would be of that tenant's customers.
func TestTokenOfAnotherTenantIsRefused(t *testing.T) {
	t.Parallel()
	const ours, other = "4b2c5f0e-6a2e-4d0b-9a35-1d1f6f3b8a11", "99999999-9999-4999-8999-999999999999"
	token := func(claims string) string {
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
	}
	for access, accepted := range map[string]bool{
		token(`{"tid":"` + ours + `"}`): true, token(`{"tid":"` + strings.ToUpper(ours) + `"}`): true,
		token(`{}`): true, "opaque": true, "a.b.c": true, token(`{"tid":7}`): true,
		token(`{"tid":"` + other + `"}`): false,
	} {
		s := newService(t, saying(200, signed), func(o *Options) { o.Credentials.TenantID = ours })
		s.login = saying(200, `{"access_token":"`+access+`"}`)
		err := s.ask()
		if accepted {
			require.NoError(t, err)
			continue
		}
		e := failed(t, err)
		assert.Equal(t, SignInFailed, e.Kind)
		assert.Contains(t, e.Error(), other)
		assert.Contains(t, e.Hint(), "tenant_id")
		assert.Empty(t, s.arrivals())
	}
}

// A page in place of a token is asked for again, as a gateway may stand in for a moment; then it
// has its own hint.
func TestPageInPlaceOfToken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`<html>Sign in</html>`, ``, `{"access_token":`, "\ufeff"} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t, saying(200, signed))
			s.login = saying(200, body)
			e := s.refusal()
			assert.Equal(t, Down, e.Kind)
			assert.Len(t, s.signIns(), 4)
			assert.Contains(t, e.Error(), "not JSON")
			assert.Contains(t, e.Hint(), "login_url")
		})
	}
}
