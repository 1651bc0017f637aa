package partnercenter

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/secretfile"
)

// scope names Partner Center as the resource in every cloud that has agreements; it does not follow
// api_url.
const scope = "https://api.partnercenter.microsoft.com/.default"

// Credentials say who signs in. With a refresh token the calls are made by an app with a signed-in
// user (App+User), without one by the app alone, which the service refuses for agreements.
type Credentials struct {
	LoginURL         string // for example https://login.microsoftonline.com
	TenantID         string
	ClientID         string
	ClientSecret     string       // or
	Certificate      *Certificate // a certificate instead of a secret
	RefreshTokenFile string       // read at each renewal; every new refresh token replaces its content; or
	RefreshToken     string       // a refresh token that is in no file yet
}

// ofUser reports whether the calls are made by an app with a signed-in user.
func (c Credentials) ofUser() bool { return c.RefreshTokenFile != "" || c.RefreshToken != "" }

func (c Credentials) endpoint(name string) string {
	return strings.TrimRight(c.LoginURL, "/") + "/" + url.PathEscape(c.TenantID) + "/oauth2/v2.0/" + name
}

// token is one access token. worked is set once the service has accepted it.
type token struct {
	access string
	expiry time.Time
	worked atomic.Bool
}

// tokens gets and renews access tokens, once for all who wait.
type tokens struct {
	credentials Credentials
	client      *connection
	http        *http.Client

	turn    chan struct{} // holds one: a lock that can be waited for with a context
	now     *token
	until   time.Time // the token server asked not to be called before
	reached bool      // it has answered before
}

const (
	early      = 2 * time.Minute  // before its end a token is renewed, unless its life is short
	minLife    = 30 * time.Second // of a token that claims to expire at once
	signInTask = "sign in to Partner Center"
)

func newTokens(credentials Credentials, c *connection) *tokens {
	return &tokens{credentials: credentials, client: c, turn: make(chan struct{}, 1),
		http: TokenClient(c.opts.Transport, c.opts.Timeout)}
}

// CheckToken gets an access token of the app with its user, or says why there is none.
func (c *Client) CheckToken(ctx context.Context) error {
	_, err := c.user.current(ctx)
	return err
}

// CheckAppToken gets an access token of the app alone, or says why there is none.
func (c *Client) CheckAppToken(ctx context.Context) error {
	_, err := c.app.current(ctx)
	return err
}

// RefreshToken is the newest refresh token of a client whose credentials hold one that is in no
// file.
func (c *Client) RefreshToken() string {
	c.user.turn <- struct{}{}
	defer c.user.unlock()
	return c.user.credentials.RefreshToken
}

// current returns a token that is still good for a while.
func (t *tokens) current(ctx context.Context) (*token, error) {
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer t.unlock()
	if t.now == nil || !time.Now().Before(t.now.expiry) {
		return t.fetch(ctx)
	}
	return t.now, nil
}

// renew replaces a token that the service no longer accepts, unless another caller already has.
func (t *tokens) renew(ctx context.Context, refused *token) error {
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	if t.now != refused {
		return nil
	}
	_, err := t.fetch(ctx)
	return err
}

func (t *tokens) lock(ctx context.Context) error {
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	select {
	case <-ctx.Done():
		return stopped(ctx)
	case t.turn <- struct{}{}:
		return nil
	}
}

func (t *tokens) unlock() { <-t.turn }

// fetch asks the token server, repeatedly while it gives no usable answer, and keeps what it said.
func (t *tokens) fetch(ctx context.Context) (*token, error) {
	for attempt := 1; ; attempt++ {
		if wait := time.Until(t.until); wait > maxWait {
			return nil, &Error{Op: signInTask, Kind: Throttled, cause: errLongPause}
		} else if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		answer, err := t.ask(ctx)
		if err == nil {
			t.save(answer.RefreshToken)
			t.now = &token{access: answer.AccessToken, expiry: renewAt(answer)}
			return t.now, nil
		}
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		if err.Kind != Unavailable || attempt >= t.client.opts.Attempts {
			err.Attempts = attempt
			if err.Kind == Unavailable {
				err.Kind = Down
			}
			return nil, err
		}
		if err := sleep(ctx, backoff(attempt)); err != nil {
			return nil, err
		}
	}
}

func renewAt(answer *oauth2.Token) time.Time {
	left := time.Until(answer.Expiry)
	if answer.Expiry.IsZero() {
		left = time.Hour
	}
	return time.Now().Add(max(minLife, left-min(early, left/5)))
}

// ask exchanges the credentials for an access token once.
func (t *tokens) ask(ctx context.Context) (*oauth2.Token, *Error) {
	config := clientcredentials.Config{
		ClientID:       t.credentials.ClientID,
		ClientSecret:   t.credentials.ClientSecret,
		TokenURL:       t.credentials.endpoint("token"),
		Scopes:         []string{scope},
		EndpointParams: url.Values{},
		AuthStyle:      oauth2.AuthStyleInParams,
	}
	if err := t.credentials.prove(config.EndpointParams, time.Now()); err != nil {
		return nil, err
	}
	answer, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.http))
	if err != nil {
		return nil, t.refused(err)
	}
	t.reached = true
	if tenant := t.credentials.foreignTenant(answer.AccessToken); tenant != "" {
		return nil, NewSignInError(OtherTenant, fmt.Sprintf("the token is of the tenant %s, and the partner's is %s",
			tenant, t.credentials.TenantID))
	}
	return answer, nil
}

// foreignTenant is the tenant of an access token that is another than the partner's; empty: it is
// the partner's, or the token does not tell. With another tenant's token the list would be of that
// tenant's customers.
func (c Credentials) foreignTenant(access string) string {
	_, rest, _ := strings.Cut(access, ".")
	claims, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		return ""
	}
	o, _ := readObject(text)
	tenant, noGUID := uuid.Parse(o.string("tid"))
	ours, unknown := uuid.Parse(c.TenantID)
	if noGUID != nil || unknown != nil || tenant == ours {
		return ""
	}
	return tenant.String()
}

// prove adds what proves who asks: the refresh token, if there is one, and the certificate's
// assertion.
func (c Credentials) prove(form url.Values, now time.Time) *Error {
	refresh := c.RefreshToken
	if c.RefreshTokenFile != "" {
		var err error
		if refresh, err = readToken(c.RefreshTokenFile); err != nil {
			return &Error{Op: signInTask, Kind: SignInFailed, reason: tokenFile,
				cause: fmt.Errorf("refresh_token_file: %w", err)}
		}
	}
	if refresh != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", refresh)
	}
	assertion, err := c.Assertion(now, assertionLife)
	if err != nil {
		return &Error{Op: signInTask, Kind: SignInFailed, cause: err}
	}
	maps.Copy(form, assertion)
	return nil
}

var errNoToken = errors.New("the file holds no refresh token: one line without spaces")

// readToken reads a saved refresh token.
func readToken(path string) (string, error) {
	saved, err := secretfile.Read(path)
	if err != nil {
		return "", err
	}
	if !printable.MatchString(saved) {
		return "", fmt.Errorf("%s: %w", path, errNoToken)
	}
	return saved, nil
}

// printable is what tokens consist of.
var printable = regexp.MustCompile(`^[\x21-\x7e]+$`)

// refused makes an error of what the token server answered, or of why it did not.
func (t *tokens) refused(err error) *Error {
	e := SignInError(err)
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		t.reached = true
		if wait := retryAfter(answer.Response.Header, time.Now()); wait > 0 {
			t.until = time.Now().Add(wait)
		}
	}
	if t.reached && (e.Kind == HostNotFound || e.Kind == ConnectionRefused) {
		e.Kind = Unavailable
	}
	return e
}

// save keeps a rotated refresh token. The old one keeps working, so a failure to save is a warning,
// not an error.
func (t *tokens) save(refresh string) {
	path := t.credentials.RefreshTokenFile
	switch {
	case refresh == "":
		return
	case len(refresh) >= secretfile.MaxSize: // it could not be read back
		t.client.log.Warn("the new refresh token is too long to be one; the old one is kept", "bytes", len(refresh))
		return
	case path == "":
		if t.credentials.RefreshToken != "" {
			t.credentials.RefreshToken = refresh
		}
		return
	}
	if saved, err := readToken(path); err == nil && saved == refresh {
		return
	}
	if err := SaveRefreshToken(path, refresh); err != nil {
		t.client.log.Warn("the new refresh token could not be saved; the old one works until 90 days after its issue",
			"file", path, "error", err)
	}
}

// SaveRefreshToken writes a refresh token so that its owner alone can read it. A file that is there
// keeps its owner and mode.
func SaveRefreshToken(path, refresh string) error {
	return atomicfile.Write(path, 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, refresh+"\n")
		return err
	})
}
