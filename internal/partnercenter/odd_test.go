package partnercenter

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Whoever answers with Retry-After is not called before, on every kind of answer and by nobody.
func TestRetryAfterIsHonouredOnEveryAnswer(t *testing.T) {
	t.Parallel()
	attest := func(s *service) error {
		_, _, err := s.client.Attest(s.t.Context(), attestation.Attestation{CustomerID: customerID},
			attestation.Request{ID: correlationID})
		return err
	}
	list := func(s *service) error { _, err := s.list(); return err }
	for _, status := range []int{429, 500, 502, 503, 504, 408, 403, 404, 409} {
		for form, value := range map[string]string{"seconds": "90", "a date": "Sat, 01 Jan 2000 00:01:30 GMT",
			"with spaces": " 90 ", "a fraction": "89.5"} {
			for name, send := range map[string]func(*service) error{"a read": (*service).ask, "a list": list,
				"an attestation": attest} {
				t.Run(fmt.Sprint(name, " answered ", status, " with ", form), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := newService(t, inTurn(saying(status, `{"code":1}`, "Retry-After", value),
							saying(200, signed)))
						s.t = t
						_ = send(s) // it may fail; the next one has to wait
						require.NoError(t, s.ask())
						calls := s.arrivals()
						assert.GreaterOrEqual(t, calls[1].at.Sub(calls[0].at), 89*time.Second)
						assert.Less(t, calls[1].at.Sub(calls[0].at), 100*time.Second)
					})
				})
			}
		}
	}
}

func TestRetryAfterOfTokenServer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503, 500, 400} {
		for form, value := range map[string]string{"seconds": "90", "a date": "Sat, 01 Jan 2000 00:01:30 GMT"} {
			t.Run(fmt.Sprint(status, " with ", form), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var at []time.Time
					s := newService(t, saying(200, signed))
					s.login = func(w http.ResponseWriter, _ *http.Request) {
						if at = append(at, time.Now()); len(at) == 1 {
							say(w, status, `{"error":"invalid_grant"}`, "Retry-After", value)
							return
						}
						say(w, 200, `{"access_token":"access","expires_in":3599}`)
					}
					together(16, func(int) { _ = s.ask() })
					require.NoError(t, s.ask())
					require.Len(t, at, 2)
					assert.GreaterOrEqual(t, at[1].Sub(at[0]), 90*time.Second)
				})
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(200, signed))
		s.login = saying(503, "", "Retry-After", "86400")
		begun := time.Now()
		e := s.refusal()
		assert.Equal(t, Throttled, e.Kind)
		assert.True(t, e.Fatal())
		assert.Equal(t, Throttled, s.refusal().Kind)
		assert.Len(t, s.signIns(), 1, "told to wait for a day, nobody asks again")
		assert.Less(t, time.Since(begun), time.Minute)
	})
}

func TestWaitInWordsWhereTheHeaderIsMissing(t *testing.T) {
	t.Parallel()
	for _, headers := range [][]string{nil, {"Retry-After", "soon"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t, inTurn(saying(429, tooManyInWords, headers...), saying(200, signed)))
			require.NoError(t, s.ask())
			calls := s.arrivals()
			assert.Equal(t, 57*time.Second, calls[1].at.Sub(calls[0].at))
		})
	}
}

// What a token server may answer besides a token: the token that is sent, and the errors that stop
// the run at once.
func TestOddTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		sent string // the Authorization header; empty: the run stops
	}{
		"a lifetime as a text":         {`{"access_token":"access","expires_in":"3599"}`, "Bearer access"},
		"a lifetime with a fraction":   {`{"access_token":"access","expires_in":3599.5}`, "Bearer access"},
		"a lifetime of nothing":        {`{"access_token":"access","expires_in":0}`, "Bearer access"},
		"a lifetime below nothing":     {`{"access_token":"access","expires_in":-1}`, "Bearer access"},
		"a lifetime of many centuries": {`{"access_token":"access","expires_in":1e30}`, "Bearer access"},
		"a lifetime that is an object": {`{"access_token":"access","expires_in":{"s":1}}`, "Bearer access"},
		"a lifetime of null":           {`{"access_token":"access","expires_in":null}`, "Bearer access"},
		"names in PascalCase":          {`{"Access_Token":"access","Expires_In":3599}`, "Bearer access"},
		"another type of token": {`{"token_type":"pop","access_token":"access","expires_in":3599}`,
			"Bearer access"},
		"a type in small letters": {`{"token_type":"bearer","access_token":"access","expires_in":3599}`,
			"Bearer access"},
		"fields that nobody knows":         {`{"access_token":"access","foci":"1","client_info":{"x":[]},"expires_in":3599}`, "Bearer access"},
		"a refresh token that is a number": {`{"access_token":"access","refresh_token":7}`, "Bearer access"},
		"a refresh token of two lines":     {`{"access_token":"access","refresh_token":"a\nb"}`, "Bearer access"},
		"an empty refresh token":           {`{"access_token":"access","refresh_token":""}`, "Bearer access"},
		"a refresh token that stands twice": {`{"access_token":"access","refresh_token":"a","Refresh_Token":"b"}`,
			"Bearer access"},
		"an error of null beside the token":  {`{"access_token":"access","error":null}`, "Bearer access"},
		"a token of two lines":               {`{"access_token":"a\r\nX-Evil: 1"}`, ""},
		"a token with a space":               {`{"access_token":"a b"}`, ""},
		"an empty token":                     {`{"access_token":""}`, ""},
		"a token of null":                    {`{"access_token":null}`, ""},
		"a token that is an object":          {`{"access_token":{"value":"x"}}`, ""},
		"a token that stands twice":          {`{"access_token":"a","Access_Token":"b"}`, ""},
		"no token":                           {`{"token_type":"Bearer"}`, ""},
		"an error beside the token":          {`{"access_token":"access","error":"invalid_grant"}`, ""},
		"an error of the service's own form": {`{"code":1000,"description":"Not found"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				file := saved(t, "refresh-0\n")
				s := newService(t, saying(200, signed), withRefreshToken(file))
				s.login = saying(200, c.body)
				if c.sent == "" {
					e := s.refusal()
					assert.Equal(t, SignInFailed, e.Kind)
					assert.NotEmpty(t, e.Hint())
					assert.Len(t, s.signIns(), 1)
					assert.Empty(t, s.arrivals())
				} else {
					for range 20 {
						require.NoError(t, s.ask())
					}
					assert.Equal(t, c.sent, s.arrivals()[0].header.Get("Authorization"))
					assert.Len(t, s.signIns(), 1, "a token is used for a while, whatever it says of its life")
				}
				assert.Equal(t, "refresh-0\n", contents(t, file), "the saved token is only replaced by a token")
			})
		})
	}
}

// The token server's answers that are none of its own.
func TestTokenServerThatIsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   Kind
	}{
		"a page with 404":   {saying(404, "<html>"), SignInFailed},
		"a page with 403":   {saying(403, "<html>blocked by the firewall"), SignInFailed},
		"an empty 400":      {saying(400, ""), SignInFailed},
		"an empty 401":      {saying(401, ""), SignInFailed},
		"a list":            {saying(400, "[]"), SignInFailed},
		"a page with 503":   {saying(503, "<html>"), Down},
		"an error with 500": {saying(500, `{"error":"invalid_client"}`), Down},
		"a transient error with 400": {saying(400,
			`{"error":"invalid_request","error_description":"AADSTS90033: transient"}`), Down},
		"temporarily unavailable, 400":  {saying(400, `{"error":"temporarily_unavailable"}`), Down},
		"throttled for ever":            {saying(429, ""), Down},
		"an answer that is far too big": {saying(200, `{"access_token":"`+strings.Repeat("x", 5<<20)+`"}`), Down},
		"nothing in time":               {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(200, signed))
				s.login = c.answer
				e := s.refusal()
				assert.Equal(t, c.kind.String(), e.Kind.String())
				assert.True(t, e.Fatal())
				assert.NotContains(t, e.Hint(), "multi-factor")
				attempts := 1
				if c.kind == Down {
					attempts = 4
				}
				assert.Len(t, s.signIns(), attempts)
			})
		})
	}
}

func TestAppOnlyCallsHaveTheirOwnToken(t *testing.T) {
	t.Parallel()
	s := newService(t, saying(200, signed), withRefreshToken(saved(t, "refresh-0")), func(o *Options) {
		o.App = Credentials{ClientID: "other-app", ClientSecret: "other-s3cret"}
	})
	require.NoError(t, s.client.CheckToken(t.Context()))
	require.NoError(t, s.client.CheckAppToken(t.Context()))
	forms := s.signIns()
	require.Len(t, forms, 2)
	assert.Equal(t, []string{"refresh_token", "app"}, []string{forms[0].Get("grant_type"), forms[0].Get("client_id")})
	assert.Equal(t, []string{"client_credentials", "other-app", "other-s3cret"},
		[]string{forms[1].Get("grant_type"), forms[1].Get("client_id"), forms[1].Get("client_secret")})

	s = newService(t, saying(200, signed), withRefreshToken(saved(t, "refresh-0")))
	require.NoError(t, s.client.CheckAppToken(t.Context()))
	assert.Equal(t, "app", s.signIns()[0].Get("client_id"), "the same app, if none is named")
	assert.Empty(t, s.signIns()[0].Get("refresh_token"))
}
