package partnercenter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// scope names Partner Center as the resource in every cloud that has agreements; it does not follow api_url.
const scope = "https://api.partnercenter.microsoft.com/.default"

// Credentials say who signs in. With a refresh token the calls are made as an app with a signed-in user (App+User),
// without one as an app alone, which the service refuses for agreements.
type Credentials struct {
	LoginURL         string // for example https://login.microsoftonline.com
	TenantID         string
	ClientID         string
	ClientSecret     string       // or
	Certificate      *Certificate // a certificate instead of a secret
	RefreshTokenFile string       // read at each renewal; every new refresh token replaces it
}

// token is one access token. proven is set once the service has taken it.
type token struct {
	access string
	expiry time.Time
	proven atomic.Bool
}

// tokens gets and renews access tokens, once for all who wait.
type tokens struct {
	credentials Credentials
	http        *http.Client
	timeout     time.Duration
	attempts    int
	log         *slog.Logger

	turn chan struct{} // holds one: a lock that can be waited for with a context
	now  *token
}

const early = 2 * time.Minute // before its end a token is renewed, unless it lives hardly longer itself

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

// renew replaces a token that the service no longer takes, unless somebody already has.
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
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case t.turn <- struct{}{}:
		return nil
	}
}

func (t *tokens) unlock() { <-t.turn }

// fetch asks the token server, with repeats when it gives no usable answer, and keeps what it said.
func (t *tokens) fetch(ctx context.Context) (*token, error) {
	for attempt := 1; ; attempt++ {
		answer, err := t.ask(ctx)
		if err == nil {
			t.save(answer.RefreshToken)
			t.now = &token{access: answer.AccessToken, expiry: renewAt(answer)}
			return t.now, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err.Kind != Unavailable || attempt >= t.attempts {
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
	return time.Now().Add(left - min(early, left/5))
}

// ask exchanges the credentials for an access token once.
func (t *tokens) ask(ctx context.Context) (*oauth2.Token, *Error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	const op = "sign in to Partner Center"
	c := t.credentials
	config := clientcredentials.Config{
		ClientID:       c.ClientID,
		ClientSecret:   c.ClientSecret,
		TokenURL:       strings.TrimRight(c.LoginURL, "/") + "/" + url.PathEscape(c.TenantID) + "/oauth2/v2.0/token",
		Scopes:         []string{scope},
		EndpointParams: url.Values{},
		AuthStyle:      oauth2.AuthStyleInParams,
	}
	if c.RefreshTokenFile != "" {
		saved, err := os.ReadFile(c.RefreshTokenFile)
		if err != nil {
			return nil, &Error{Op: op, Kind: SignInFailed, cause: fmt.Errorf("read refresh_token_file: %w", err)}
		}
		config.EndpointParams.Set("grant_type", "refresh_token")
		config.EndpointParams.Set("refresh_token", string(bytes.TrimSpace(withoutBOM(saved))))
	}
	if c.Certificate != nil {
		assertion, err := c.Certificate.assertion(c.ClientID, config.TokenURL, time.Now())
		if err != nil {
			return nil, &Error{Op: op, Kind: SignInFailed, cause: err}
		}
		config.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		config.EndpointParams.Set("client_assertion", assertion)
	}
	plain := &http.Client{Transport: tolerant{t.http.Transport}, CheckRedirect: t.http.CheckRedirect}
	answer, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, plain))
	if err == nil {
		return answer, nil
	}
	e := &Error{Op: op, Kind: Unavailable}
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		e.Status = refused.Response.StatusCode
		e.read(refused.Body)
		e.Kind = classifySignIn(e)
		e.Message = aadsts.FindString(e.Message) // the rest may name the user
		return nil, e
	}
	e.cause = withoutAddress(err)
	return nil, e
}

var aadsts = regexp.MustCompile(`AADSTS\d+`)

// classifySignIn says what a refusal of the token server means.
func classifySignIn(e *Error) Kind {
	switch {
	case e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Code == "" || e.Code == "temporarily_unavailable":
		return Unavailable
	case e.Code == "interaction_required" || mfa.MatchString(e.Message):
		return MFAMissing
	}
	return SignInFailed
}

// mfa are the token server's ways to say that a multi-factor sign-in is due.
var mfa = regexp.MustCompile(`AADSTS(50072|50074|50076|50078|50079|50158)\b`)

// save keeps a rotated refresh token. The old one keeps working, so a failure to save is a warning, not an error.
func (t *tokens) save(refresh string) {
	path := t.credentials.RefreshTokenFile
	if path == "" || refresh == "" {
		return
	}
	if saved, err := os.ReadFile(path); err == nil && string(bytes.TrimSpace(withoutBOM(saved))) == refresh {
		return
	}
	if err := replaceFile(path, refresh); err != nil {
		t.log.Warn("the new refresh token could not be saved; the old one works until its 90 days are over", "file", path, "error", err)
	}
}

// replaceFile puts text into path in one step, readable by its owner alone. A link is followed, so that it stays one.
func replaceFile(path, text string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// tolerant lets the library read answers that begin with a byte-order mark, or that are JSON without saying so.
type tolerant struct{ next http.RoundTripper }

func (t tolerant) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body, answerLimit)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(withoutBOM(body)))
	resp.Header.Set("Content-Type", "application/json") // as plain text the library would take it for a form
	return resp, nil
}
