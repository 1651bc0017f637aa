package partnercenter

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tlsServer serves with the given TLS settings.
func tlsServer(t *testing.T, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, 200, signed) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{}
	change(server.TLS)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// certificateFor makes a certificate that signs itself.
func certificateFor(t *testing.T, host string, from, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host},
		DNSNames: []string{host}, NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// trusting is a transport that trusts one certificate.
func trusting(certificate tls.Certificate) *http.Transport {
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	transport := newTransport(1).(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return transport
}

// Each of these is a fault of the way to the service, not an outage: it is named at once,
// with its hint.
func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good := certificateFor(t, "127.0.0.1", now.Add(-time.Hour), now.Add(time.Hour))
	listening := func(t *testing.T, certificate tls.Certificate) string {
		t.Helper()
		return tlsServer(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{certificate} }).URL
	}
	proxied := func(to string) *http.Transport {
		transport := newTransport(1).(*http.Transport)
		at, _ := url.Parse(to)
		transport.Proxy = http.ProxyURL(at)
		return transport
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, 200, signed) }))
	t.Cleanup(plain.Close)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { say(w, 407, "no") }))
	t.Cleanup(refusing.Close)

	for name, c := range map[string]struct {
		address   func(*testing.T) string
		transport func() http.RoundTripper
		kind      Kind
		hint      string
	}{
		"a certificate that is not trusted": {func(t *testing.T) string {
			t.Helper()
			return listening(t, good)
		}, nil, TLSFailed,
			"SSL_CERT_FILE"},
		"a certificate of another host": {func(t *testing.T) string {
			t.Helper()
			return listening(t, certificateFor(t, "api.example", now.Add(-time.Hour), now.Add(time.Hour)))
		}, nil, TLSFailed, "another host"},
		"an expired certificate": {func(t *testing.T) string {
			t.Helper()
			return listening(t, certificateFor(t, "127.0.0.1", now.Add(-2*time.Hour), now.Add(-time.Hour)))
		}, nil, TLSFailed, "clock"},
		"a certificate that is not valid yet": {func(t *testing.T) string {
			t.Helper()
			return listening(t, certificateFor(t, "127.0.0.1", now.Add(time.Hour), now.Add(2*time.Hour)))
		}, nil, TLSFailed, "clock"},
		"a server that speaks TLS 1.1 alone": {func(t *testing.T) string {
			t.Helper()
			return tlsServer(t, func(c *tls.Config) {
				c.Certificates, c.MinVersion, c.MaxVersion = []tls.Certificate{good}, tls.VersionTLS10, tls.VersionTLS11
			}).URL
		}, func() http.RoundTripper { return trusting(good) }, TLSFailed, "port"},
		"a server that wants a client's certificate": {func(t *testing.T) string {
			t.Helper()
			return tlsServer(t, func(c *tls.Config) {
				c.Certificates, c.ClientAuth = []tls.Certificate{good},
					tls.RequireAnyClientCert
			}).URL
		}, func() http.RoundTripper { return trusting(good) }, TLSFailed, "port"},
		"a server that speaks no TLS": {func(*testing.T) string {
			return "https" +
				strings.TrimPrefix(plain.URL, "http")
		}, nil, TLSFailed, "port"},
		"nothing listens": {func(*testing.T) string { return closed.URL }, nil, ConnectionRefused,
			"firewall"},
		"a host that does not exist": {func(*testing.T) string { return "https://no-such-host.invalid" },
			func() http.RoundTripper {
				return failing{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host",
					Name: "no-such-host.invalid", IsNotFound: true}}}
			}, HostNotFound, "DNS"},
		"a network that cannot be reached": {func(*testing.T) string { return "https://api.example" },
			func() http.RoundTripper {
				return failing{fmt.Errorf("dial tcp: %w", syscall.ENETUNREACH)}
			}, ConnectionRefused, "firewall"},
		"a proxy that is not there": {func(*testing.T) string { return "https://api.example" },
			func() http.RoundTripper { return proxied(closed.URL) }, ProxyFailed, "HTTPS_PROXY"},
		"a proxy that refuses": {func(*testing.T) string { return "https://api.example" },
			func() http.RoundTripper { return proxied(refusing.URL) }, ProxyFailed, "HTTPS_PROXY"},
		"a proxy that answers plain http itself": {func(*testing.T) string { return "http://127.0.0.1:1" },
			func() http.RoundTripper { return proxied(refusing.URL) }, ProxyFailed, "HTTPS_PROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := c.address(t)
			for _, fault := range []string{"api", "login"} {
				sent := 0
				login := saying(200, `{"access_token":"access","expires_in":3599}`)
				transport := newTransport(1)
				if c.transport != nil {
					transport = c.transport()
				}
				options := Options{APIURL: address, Credentials: Credentials{LoginURL: "https://login.example",
					TenantID: "t", ClientID: "c", ClientSecret: "s3cret"},
					RequestsPerMinute: 60_000, Concurrency: 1, Timeout: 10 * time.Second, Attempts: 4,
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						if fault == "api" && r.URL.Host == "login.example" {
							return wire{login}.RoundTrip(r)
						}
						sent++
						return transport.RoundTrip(r)
					})}
				if fault == "login" {
					options.Credentials.LoginURL = address
				}
				client, err := New(options)
				require.NoError(t, err)
				_, err = client.DirectAcceptance(t.Context(), customerID)
				e := failed(t, err)
				assert.Equal(t, c.kind.String(), e.Kind.String(), "%v", e)
				assert.True(t, e.Fatal())
				assert.Contains(t, e.Hint(), c.hint)
				assert.NotContains(t, e.Hint(), "Sign in")
				assert.Equal(t, 1, sent, "not repeated as an outage")
				holdsNothing(t, e.Error())
				client.Close()
			}
		})
	}
}

// failing is a transport that never connects.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What another try may mend is an outage.
func TestConnectionOutagesAreRepeated(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	notFound := &net.DNSError{Err: "no such host", IsNotFound: true}
	for name, c := range map[string]struct {
		reached bool
		err     error
	}{
		"a name server that does not answer": {false, &net.DNSError{Err: "i/o timeout", IsTimeout: true,
			IsTemporary: true}},
		"a reset":                                        {false, &net.OpError{Op: "read", Err: syscall.ECONNRESET}},
		"an end in the middle":                           {false, errors.New("unexpected EOF")},
		"a broken record":                                {false, errors.New("local error: tls: bad record MAC")},
		"a handshake that takes too long":                {false, errors.New("net/http: TLS handshake timeout")},
		"an address that answered before, refused":       {true, refused},
		"an address that answered before, gone from DNS": {true, notFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(200, signed))
				if c.reached {
					require.NoError(t, s.ask())
				}
				inner, sent := s.client.http.Transport, 0
				s.client.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					if sent++; sent <= 2 {
						return nil, c.err
					}
					return inner.RoundTrip(r)
				})
				require.NoError(t, s.ask())
				assert.Equal(t, 3, sent)
			})
		})
	}
}

func TestRedirectOfTokenServerIsNamed(t *testing.T) {
	t.Parallel()
	s := newService(t, saying(200, signed))
	s.login = saying(302, "", "Location", "https://portal.example/login?secret=x")
	e := s.refusal()
	assert.Equal(t, SignInFailed, e.Kind)
	assert.Contains(t, e.Error(), "portal.example")
	assert.Contains(t, e.Hint(), "redirect")
	holdsNothing(t, e.Error(), "secret=x")
	assert.Len(t, s.signIns(), 1)
	assert.Empty(t, s.astray)
}
