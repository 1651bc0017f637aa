package partnercenter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/mcaledger/mcaledger/internal/loopback"
)

// ProxyError is a proxy's refusal to open a connection.
type ProxyError struct{ Status string }

func (e *ProxyError) Error() string { return "the proxy answered " + clean(e.Status) }

// connectionKind says what a failed connection means, and the more exact reason that the hints
// know. What a second try might mend is Unavailable.
func connectionKind(err error) (kind Kind, reason string) {
	if reason := tlsReason(err); reason != "" {
		return TLSFailed, reason
	}
	operation, _ := errors.AsType[*net.OpError](err)
	dns, _ := errors.AsType[*net.DNSError](err)
	switch _, refused := errors.AsType[*ProxyError](err); {
	case refused, operation != nil && operation.Op == "proxyconnect":
		return ProxyFailed, ""
	case dns != nil && dns.IsNotFound:
		return HostNotFound, ""
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EHOSTUNREACH):
		return ConnectionRefused, ""
	}
	return Unavailable, ""
}

// The reasons of TLSFailed.
const (
	tlsName     = "tls_name"
	tlsTrust    = "tls_trust"
	tlsExpired  = "tls_expired"
	tlsProtocol = "tls_protocol"
)

func tlsReason(err error) string {
	_, name := errors.AsType[x509.HostnameError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, roots := errors.AsType[x509.SystemRootsError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case name:
		return tlsName
	case isInvalid && invalid.Reason == x509.Expired:
		return tlsExpired
	case unknown, roots, isInvalid, verification:
		return tlsTrust
	case record, err != nil && handshakeFailed(err.Error()):
		return tlsProtocol
	}
	return ""
}

// handshakeFailed knows the errors of a handshake that have no exported type. A broken record may
// pass by itself.
func handshakeFailed(text string) bool {
	if strings.Contains(text, "bad record MAC") || strings.Contains(text, "tls: internal error") {
		return false
	}
	return strings.Contains(text, "tls: ") || strings.Contains(text, "server gave HTTP response to HTTPS client")
}

// withoutAddress strips the URL from a transport error: ids in a path are noise, and a query may
// hold more.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// checkAddress refuses an address of the service that would send secrets unencrypted, or that is
// none. Plain http is for this machine alone.
func checkAddress(key, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s %q is not an address such as https://api.partnercenter.microsoft.com", key, address)
	case u.Scheme == "http" && !loopback.Is(u.Hostname()):
		return fmt.Errorf("%s must begin with https://: over http:// secrets would be sent unencrypted", key)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s must not hold a user name, a query or a fragment", key)
	}
	return nil
}

// sameHost reports whether a URL names the host of another, in whatever spelling: letters of
// either case, the default port, a dot at the end.
func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && hostOf(a) == hostOf(b) && a.User == nil
}

func hostOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port)
}

// newTransport keeps enough idle connections and names a proxy's refusal.
func newTransport(concurrency int) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = concurrency + 1 // the default of 2 costs 2.3 times the CPU
	t.MaxIdleConns = 0
	t.MaxResponseHeaderBytes = 1 << 20
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return &ProxyError{answer.Status}
		}
		return nil
	}
	return t
}
