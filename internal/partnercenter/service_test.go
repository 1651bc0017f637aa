package partnercenter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

const (
	correlationID = "11111111-2222-4333-8444-555555555555"
	customerID    = "4b2c5f0e-6a2e-4d0b-9a35-1d1f6f3b8a11"
)

// service is a client, and a service and token server for it that answer as a test wants, on a
// wire without sockets.
type service struct {
	t      testing.TB
	client *Client
	api    http.HandlerFunc
	login  http.HandlerFunc

	mu     sync.Mutex
	calls  []arrival
	logins []url.Values
	astray []string // hosts that nobody configured
}

// arrival is one request as the service saw it.
type arrival struct {
	at     time.Time
	uri    string
	header http.Header
	body   string
}

// newService makes a service whose API is served by api. Its token server gives access-1,
// access-2, …
func newService(t testing.TB, api http.HandlerFunc, changes ...func(*Options)) *service {
	t.Helper()
	s := &service{t: t, api: api}
	s.login = func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"access_token":"access-%d"}`,
			len(s.signIns())))
	}
	opts := Options{
		APIURL: "https://api.example",
		Credentials: Credentials{LoginURL: "https://login.example", TenantID: "tenant", ClientID: "app",
			ClientSecret: "s3cret"},
		RequestsPerMinute: 60_000_000,
		Concurrency:       16,
		Timeout:           time.Minute,
		Attempts:          4,
		Application:       "mcaledger-test",
		Transport:         wire{s},
	}
	for _, change := range changes {
		change(&opts)
	}
	client, err := New(opts)
	require.NoError(t, err)
	s.client = client.ForRun(correlationID)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	switch r.Host {
	case "api.example":
		body, _ := io.ReadAll(r.Body) // an unreadable body shows in the test
		s.calls = append(s.calls, arrival{at: time.Now(), uri: r.RequestURI, header: r.Header.Clone(),
			body: string(body)})
		s.mu.Unlock()
		s.api(w, r)
	case "login.example":
		_ = r.ParseForm() // an unreadable form shows in the test
		s.logins = append(s.logins, r.PostForm)
		s.mu.Unlock()
		s.login(w, r)
	default:
		s.astray = append(s.astray, r.Host)
		s.mu.Unlock()
	}
}

func (s *service) arrivals() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.calls...)
}

func (s *service) signIns() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]url.Values(nil), s.logins...)
}

// ask makes the smallest call there is.
func (s *service) ask() error { return s.askWith(s.t.Context()) }

func (s *service) askWith(ctx context.Context) error {
	_, err := s.client.DirectAcceptance(ctx, customerID)
	return err
}

// refusal makes the smallest call there is and expects an *Error.
func (s *service) refusal() *Error {
	s.t.Helper()
	return failed(s.t, s.ask())
}

func failed(t testing.TB, err error) *Error {
	t.Helper()
	require.Error(t, err)
	e, ok := errors.AsType[*Error](err)
	require.Truef(t, ok, "%T: %v", err, err)
	return e
}

// list walks all customers.
func (s *service) list() (found []standing.Customer, err error) {
	for page, err := range s.client.Customers(s.t.Context()) {
		if err != nil {
			return found, err
		}
		found = append(found, page...)
	}
	return found, nil
}

const signed = `{"isSigned":true}`

// say answers; headers are keys and values in turn.
func say(w http.ResponseWriter, status int, body string, headers ...string) {
	for n := 0; n < len(headers); n += 2 {
		w.Header().Set(headers[n], headers[n+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func saying(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { say(w, status, body, headers...) }
}

// inTurn answers each request with the next handler, and from then on with the last.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := -1
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n = min(n+1, len(answers)-1)
		answer := answers[n]
		mu.Unlock()
		answer(w, r)
	}
}

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// halfOf promises a body and sends half of it.
func halfOf(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		say(w, status, body[:len(body)/2], "Content-Length", strconv.Itoa(len(body)))
	}
}

// example reads one of the example answers that client and simulator agree on.
func example(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../testdata/api", name))
	require.NoError(t, err)
	return string(text)
}

// wire is a transport to a handler in the same process: within a synctest bubble no socket may
// be waited for.
type wire struct{ handler http.Handler }

func (w wire) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if r := recover(); r == http.ErrAbortHandler {
			resp, err = nil, errors.New("connection reset by peer")
		} else if r != nil {
			panic(r)
		}
	}()
	in := req.Clone(req.Context())
	in.Host, in.RequestURI = req.URL.Host, req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if req.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{}
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, in)
	if req.Context().Err() != nil {
		return nil, req.Context().Err()
	}
	resp = out.Result()
	if resp.ContentLength > int64(out.Body.Len()) {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, broken{}))
	}
	return resp, nil
}

// broken is the end of a body that came too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// together runs n senders and waits for all of them.
func together(n int, send func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { send(i) })
	}
	group.Wait()
}

// holdsNothing fails when a text holds one of the things that no error may tell.
func holdsNothing(t testing.TB, text string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, "s3cret", "access-", "Bearer", "://", "\n") {
		require.Falsef(t, strings.Contains(text, secret), "%q in %q", secret, text)
	}
}
