// Package partnercenter is the client of Microsoft's Partner Center API. All senders of a partner
// share one throttle and its tokens; waiting, repeating and reading follow docs/partner-center.md.
//
// It returns the types of package standing and knows neither the ledger's storage nor the jobs.
package partnercenter

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Options describe one partner and how to call the service for it. All fields but App, Kind,
// Enhanced, Transport and Log are required.
type Options struct {
	APIURL            string               // for example https://api.partnercenter.microsoft.com, without /v1
	Credentials       Credentials          // of the app with a signed-in user
	App               Credentials          // of the app alone, for the calls that take no user; zero: the same app
	Kind              standing.PartnerKind // chooses what errors advise
	Enhanced          Enhanced             // what is assumed about the enhanced route
	RequestsPerMinute int                  // the limit that the service sets; the client stays a little under it
	Concurrency       int                  // requests in flight, at most
	Timeout           time.Duration        // of one try
	Attempts          int                  // tries of one call, the first included
	Application       string               // sent as MS-PartnerCenter-Application

	Transport http.RoundTripper // nil: a transport that keeps Concurrency connections
	Log       *slog.Logger      // nil: silent
}

// Client calls one partner's account. It is safe for concurrent use; Close it when done.
type Client struct {
	*connection
	correlationID string

	requests, throttled, retries atomic.Int64
}

// connection is what all clients of a partner share.
type connection struct {
	opts      Options
	base      *url.URL
	http      *http.Client
	throttle  *throttle
	user, app *tokens
	log       *slog.Logger

	reached    atomic.Bool  // the address has answered before
	unanswered atomic.Int64 // calls in a row that ended without a usable answer
	clock      atomic.Pointer[time.Time]
}

// New makes a client. It sends nothing yet.
func New(opts Options) (*Client, error) {
	for key, address := range map[string]string{"api_url": opts.APIURL, "login_url": opts.Credentials.LoginURL} {
		if err := checkAddress(key, address); err != nil {
			return nil, err
		}
	}
	base, err := url.Parse(strings.TrimRight(opts.APIURL, "/"))
	if err != nil {
		return nil, err
	}
	if opts.Transport == nil {
		opts.Transport = newTransport(opts.Concurrency)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	c := &connection{
		opts: opts, base: base, log: opts.Log,
		http:     &http.Client{Transport: opts.Transport, CheckRedirect: noRedirect},
		throttle: newThrottle(opts.RequestsPerMinute, opts.Concurrency),
	}
	c.user = newTokens(opts.Credentials, c)
	c.app = c.user
	if opts.Credentials.ofUser() {
		c.app = newTokens(opts.appCredentials(), c)
	}
	return &Client{connection: c, correlationID: uuid.NewString()}, nil
}

// appCredentials are those of the app alone.
func (o Options) appCredentials() Credentials {
	app := o.App
	if app.ClientID == "" {
		app = o.Credentials
	}
	app.LoginURL, app.TenantID, app.RefreshTokenFile, app.RefreshToken = o.Credentials.LoginURL, o.Credentials.TenantID,
		"", ""
	return app
}

// ForRun returns a client that sends the run's MS-CorrelationId and counts its own cost. It shares
// everything else.
func (c *Client) ForRun(correlationID string) *Client {
	return &Client{connection: c.connection, correlationID: correlationID}
}

// Close drops idle connections, also those of clients that were derived from this one.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Cost is what this client has asked of the service so far. Seconds is left to the caller.
func (c *Client) Cost() ledger.Cost {
	return ledger.Cost{Requests: int(c.requests.Load()), Throttled: int(c.throttled.Load()),
		Retries: int(c.retries.Load())}
}

// ServiceTime is the service's clock as its last answer showed it; the zero time before the first
// answer.
func (c *Client) ServiceTime() time.Time {
	if at := c.clock.Load(); at != nil {
		return *at
	}
	return time.Time{}
}
