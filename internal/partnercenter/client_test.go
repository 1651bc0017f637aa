package partnercenter

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnansweredCallIsRepeatedWithSameRequestID(t *testing.T) {
	for name, accident := range map[string]http.HandlerFunc{
		"500":                            saying(500, `{"code":"internal","description":"x"}`),
		"503 with a gateway's page":      saying(503, "<html>"),
		"a page with status 200":         saying(200, "<html>"),
		"an empty answer with 200":       saying(200, ""),
		"a reset connection":             reset,
		"half an answer":                 halfOf(200, signed),
		"half of a refusal":              halfOf(404, `{"code":60003}`),
		"a refusal whose body got lost":  saying(404, "", "Content-Length", "40"),
		"no agreement, but half of it":   halfOf(404, `{"code":600009,"message":"none"}`),
		"a gateway's 404":                saying(404, "<html>"),
		"a gateway's 400 in plain words": saying(400, "bad gateway"),
		"no answer within the time-out":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, inTurn(accident, accident, saying(200, signed)))
				require.NoError(t, s.ask())
				calls := s.arrivals()
				require.Len(t, calls, 3)
				assert.Equal(t, calls[0].header, calls[1].header)
				assert.Equal(t, calls[0].header, calls[2].header)
				assert.True(t, calls[0].at.Before(calls[1].at), "a repeat comes later")
				assert.Equal(t, 2, s.client.Cost().Retries)
				assert.Equal(t, 3, s.client.Cost().Requests)
			})
		})
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(500, ""))
		e := s.refusal()
		assert.Equal(t, Unavailable, e.Kind)
		assert.Equal(t, 4, e.Attempts)
		assert.Len(t, s.arrivals(), 4)
		assert.Contains(t, e.Error(), "after 4 attempts")
		assert.False(t, e.Fatal(), "one customer's trouble does not end a run")
	})
}

func TestDefiniteAnswerIsNotRepeated(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409} {
		s := newService(t, saying(status, `{"code":1}`))
		s.refusal()
		assert.Len(t, s.arrivals(), 1, status)
	}
}

func TestRequestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, inTurn(saying(503, ""), saying(200, signed)))
		require.NoError(t, s.ask())
		require.NoError(t, s.ask())
		ids := map[string]int{}
		for _, call := range s.arrivals() {
			assert.Equal(t, "Bearer access-1", call.header.Get("Authorization"))
			assert.Equal(t, "application/json", call.header.Get("Accept"))
			assert.Equal(t, correlationID, call.header.Get("MS-CorrelationId"))
			assert.Equal(t, "mcaledger-test", call.header.Get("MS-PartnerCenter-Application"))
			id, err := uuid.Parse(call.header.Get("MS-RequestId"))
			require.NoError(t, err)
			ids[id.String()]++
		}
		assert.Len(t, ids, 2, "a new id for a new call, the same for its repeats")
	})
}

func TestManyUnansweredCallsInARowMeanServiceDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := saying(500, "")
		s := newService(t, func(w http.ResponseWriter, r *http.Request) { answer(w, r) })
		for range 49 {
			assert.Equal(t, Unavailable, s.refusal().Kind)
		}
		answer = saying(404, `{"code":1000}`)
		assert.Equal(t, NotFound, s.refusal().Kind, "this is an answer: the count begins again")
		answer = saying(500, "")
		for range 49 {
			assert.Equal(t, Unavailable, s.refusal().Kind)
		}
		assert.Equal(t, Down, s.refusal().Kind)
	})
}

func TestMalformedAnswerIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"longer than any answer":     saying(200, `{"isSigned":true,"x":"`+strings.Repeat("x", answerLimit)+`"}`),
		"a list instead of a record": saying(200, `[]`),
		"words instead of a bool":    saying(200, `{"isSigned":"true"}`),
		"without what was asked for": saying(200, `{}`),
		"null":                       saying(200, `null`),
		"null for what was asked":    saying(200, `{"IsSigned":null}`),
		"twice, in two spellings":    saying(200, `{"isSigned":true,"IsSigned":false}`),
		"twice the same":             saying(200, `{"isSigned":true,"isSigned":true}`),
		"nested too deep": saying(200, `{"isSigned":true,"x":`+strings.Repeat("[", 20_000)+
			strings.Repeat("]", 20_000)+`}`),
		"nested too deep, in names": saying(200, strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat("}", 20_000)),
		"a text":                    saying(200, `"isSigned"`),
		"a number":                  saying(201, `7`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, answer)
			signed, err := s.client.DirectAcceptance(t.Context(), customerID)
			e := failed(t, err)
			assert.False(t, signed)
			assert.Equal(t, Malformed, e.Kind)
			assert.Equal(t, 2, e.Status/100)
			assert.NotEmpty(t, e.Message)
			assert.Len(t, s.arrivals(), 1)
		})
	}
}

func TestDirectAcceptance(t *testing.T) {
	for name, want := range map[string]bool{"direct_signed.json": true, "direct_not_signed.json": false} {
		s := newService(t, saying(200, example(t, name)))
		got, err := s.client.DirectAcceptance(t.Context(), customerID)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, "/v1/customers/"+customerID+"/directSignedMicrosoftCustomerAgreementStatus",
			s.arrivals()[0].uri)
	}
}

func TestCallEndsWithContext(t *testing.T) {
	enough := errors.New("enough")
	for name, answer := range map[string]http.HandlerFunc{
		"while the answer is awaited":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"while it waits to ask again":     saying(500, ""),
		"while the service is throttling": saying(429, "", "Retry-After", "600"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, answer, func(o *Options) { o.Timeout = time.Hour; o.Attempts = 1000 })
				ctx, cancel := context.WithCancelCause(t.Context())
				begun := time.Now()
				time.AfterFunc(100*time.Second, func() { cancel(enough) })
				together(16, func(int) { assert.ErrorIs(t, s.askWith(ctx), enough) })
				assert.Equal(t, 100*time.Second, time.Since(begun), "of the bubble's clock")
			})
		})
	}
}

func TestUnusableAddressesAreRefused(t *testing.T) {
	t.Parallel()
	const good = "https://login.example"
	for _, address := range []string{"", "api.example", "localhost:8080", "https://", "://", "ftp://api.example",
		"http://api.example",
		"http://192.0.2.1:80", "http://127.0.0.1.example", "http://localhost.example",
		"https://user:secret@api.example", "https://api.example?x=1",
		"https://api.example/#x", "HTTP://API.EXAMPLE"} {
		_, err := New(Options{APIURL: address, Credentials: Credentials{LoginURL: good}})
		assert.ErrorContainsf(t, err, "api_url", "%q", address)
		_, err = New(Options{APIURL: good, Credentials: Credentials{LoginURL: address}})
		assert.ErrorContainsf(t, err, "login_url", "%q", address)
	}
	for _, address := range []string{"https://api.example", "https://api.example/pc/", "http://127.0.0.1:8080",
		"http://127.8.9.10", "http://[::1]:1", "http://LocalHost"} {
		_, err := New(Options{APIURL: address, Credentials: Credentials{LoginURL: address}})
		assert.NoErrorf(t, err, "%q", address)
	}
}

func TestCallEndsWithContextButNotWithItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(o *Options) { o.Timeout = time.Hour })
		answerToAnother := &Error{Op: "list customers", Kind: NotFound, Status: 404, ServiceCode: "1000"}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(answerToAnother) })
		err := s.askWith(ctx)
		require.ErrorIs(t, err, answerToAnother)
		require.ErrorIs(t, err, context.Canceled)
		_, isAnswer := errors.AsType[*Error](err)
		require.False(t, isAnswer, "the answer to another call is no answer to this one")
		assert.ErrorContains(t, err, "stopped: list customers")

		err = s.askWith(ctx) // also before anything is sent
		_, isAnswer = errors.AsType[*Error](err)
		require.False(t, isAnswer)
		assert.Len(t, s.arrivals(), 1)
	})
}

func TestOverANetwork(t *testing.T) {
	answers := inTurn(reset, halfOf(200, signed), saying(200, signed))
	s := newService(t, answers)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "api.example"
		if strings.Contains(r.URL.Path, "/oauth2/") {
			r.Host = "login.example"
		}
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	opts := s.client.opts
	opts.APIURL, opts.Credentials.LoginURL, opts.Transport = server.URL+"/", server.URL+"/", nil
	client, err := New(opts)
	require.NoError(t, err)
	assert.Zero(t, client.ServiceTime())
	defer client.Close()

	require.NoError(t, client.CheckToken(t.Context()))
	assert.Empty(t, s.arrivals(), "to check the token needs no API call")
	got, err := client.DirectAcceptance(t.Context(), customerID)
	require.NoError(t, err)
	assert.True(t, got)
	assert.WithinDuration(t, time.Now(), client.ServiceTime(), time.Minute)
}

func TestClientsOfRunsShareTokenAndThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, inTurn(saying(429, "", "Retry-After", "60"), saying(200, signed)))
		const otherRun = "99999999-2222-4333-8444-555555555555"
		other := s.client.ForRun(otherRun)
		begun := time.Now()
		require.NoError(t, s.ask())
		_, err := other.DirectAcceptance(t.Context(), customerID)
		require.NoError(t, err)
		assert.Equal(t, 60*time.Second, time.Since(begun))
		calls := s.arrivals()
		require.Len(t, calls, 3)
		assert.Equal(t, correlationID, calls[0].header.Get("MS-CorrelationId"))
		assert.Equal(t, otherRun, calls[2].header.Get("MS-CorrelationId"))
		assert.Len(t, s.signIns(), 1)
		assert.Equal(t, 2, s.client.Cost().Requests, "each counts its own")
		assert.Equal(t, 1, other.Cost().Requests)
	})
}
