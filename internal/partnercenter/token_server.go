package partnercenter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// This file holds how one talks to the token server and what its errors mean, for the client and
// for package signin.

// OAuth describes the app and its token server to the OAuth library.
func (c Credentials) OAuth() oauth2.Config {
	return oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Scopes: []string{scope},
		Endpoint: oauth2.Endpoint{
			AuthURL: c.endpoint("authorize"), DeviceAuthURL: c.endpoint("devicecode"), TokenURL: c.endpoint("token"),
			AuthStyle: oauth2.AuthStyleInParams,
		}}
}

// assertionLife is long enough for one call.
const assertionLife = 10 * time.Minute

// Assertion is what an app with a certificate adds to a request for a token; nothing for one
// with a secret.
func (c Credentials) Assertion(now time.Time, life time.Duration) (url.Values, error) {
	if c.Certificate == nil {
		return nil, nil
	}
	assertion, err := c.Certificate.assertion(c.ClientID, c.endpoint("token"), now, life)
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}, err
}

// TokenClient is for calls to the token server, each of which takes at most timeout. Without a
// transport it has one of its own.
func TokenClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	if transport == nil {
		transport = newTransport(1)
	}
	return &http.Client{Transport: tokenTransport{transport, timeout}, CheckRedirect: noRedirect}
}

// noRedirect: a redirect would carry the call somewhere that nobody configured.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// SignInError says what an error of the OAuth library means.
func SignInError(err error) *Error {
	e := &Error{Op: signInTask, Kind: Unavailable}
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		e.cause = withoutAddress(err)
		e.Kind, e.reason = connectionKind(err)
		if strings.Contains(err.Error(), "cannot parse json") { // the library's error has no type
			e.reason, e.cause = OddToken, errors.New("the answer is not JSON")
		}
		return e
	}
	e.Status = answer.Response.StatusCode
	e.readSignIn(answer.Body)
	if e.reason == redirected {
		e.Message = redirectTarget(answer.Response)
	}
	return e
}

// RedirectError says what the error means with which the sign-in page sent the browser back.
func RedirectError(query url.Values) *Error {
	e := &Error{Op: signInTask}
	body, err := json.Marshal(map[string]string{"error": query.Get("error"),
		"error_description": query.Get("error_description"), "suberror": query.Get("error_subcode")})
	if err != nil {
		e.cause = err
	}
	e.readSignIn(body)
	return e
}

// The sign-ins that mcaledger itself refuses.
const (
	NobodySignedIn = "nobody_signed_in"
	OtherSignIn    = "other_sign_in" // the answer belongs to another one
	OtherTenant    = "other_tenant"
	NoSecondFactor = "no_second_factor"
	NoRefreshToken = "no_refresh_token"
	OddToken       = "odd_token"
)

// NewSignInError makes an error of a sign-in that mcaledger refuses, for one of these reasons.
func NewSignInError(reason, message string) *Error {
	e := &Error{Op: signInTask, Kind: SignInFailed, reason: reason, cause: errors.New(message)}
	if reason == NoSecondFactor {
		e.Kind = MFAMissing
	}
	return e
}

// readSignIn takes the cause from the token server's answer. Of its text only the numbers of
// errors are kept: the rest may name the user.
func (e *Error) readSignIn(body []byte) {
	var codes []string
	for _, found := range aadsts.FindAllSubmatch(body, -1) {
		codes = append(codes, string(found[1]))
	}
	e.read(body)
	e.Message = ""
	if len(codes) > 0 {
		e.Message = clean("AADSTS" + strings.Join(unique(codes), ", AADSTS"))
	}
	o, _ := readObject(withoutBOM(body))
	var listed []json.Number
	if json.Unmarshal(o["error_codes"], &listed) == nil {
		for _, number := range listed {
			codes = append(codes, number.String())
		}
	}
	slices.SortStableFunc(codes, func(a, b string) int { return wraps(a) - wraps(b) })
	cause, code := causeOf(append(codes, o.text("suberror"), e.ServiceCode)...)
	switch {
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
		e.Kind = Unavailable
	case redirects(e.Status):
		e.Kind, e.reason = SignInFailed, redirected
	case e.Status == http.StatusProxyAuthRequired:
		e.Kind = ProxyFailed
	case code != "":
		e.Kind, e.reason = cause.kind, code
	case e.ServiceCode == "" || e.ServiceCode == noAccessToken:
		e.Kind, e.reason = SignInFailed, OddToken
	default:
		e.Kind = SignInFailed
	}
}

// wraps tells numbers that only say that a sign-in failed, and are followed by the one that says
// why.
func wraps(code string) int {
	if code == "70000" || code == "70002" || code == "50013" {
		return 1
	}
	return 0
}

func unique(texts []string) (once []string) {
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[text] {
			once = append(once, text)
		}
		seen[text] = true
	}
	return once
}

// noAccessToken stands for the error of an answer that neither refuses nor holds a token.
const noAccessToken = "no_access_token"

// tokenTransport gives the OAuth library answers in the one form that it reads: without a
// byte-order mark, with numbers as numbers, called JSON, and with tokens that are tokens.
type tokenTransport struct {
	next    http.RoundTripper
	timeout time.Duration
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body, answerLimit)
	if err != nil {
		return nil, err
	}
	body = normalised(withoutBOM(body), resp.StatusCode)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Type", "application/json") // as plain text the library would take it for a form
	return resp, nil
}

// normalised rewrites an answer of the token server. What is not JSON stays as it is.
func normalised(body []byte, status int) []byte {
	o, ok := readObject(body)
	if !ok || !json.Valid(body) {
		return body
	}
	if inner := o.object("error"); len(inner) > 0 {
		o["error"], o["error_description"] = inner["code"], inner["message"]
	}
	fields := map[string]any{}
	for _, name := range []string{"error", "error_description", "suberror", "scope", "verification_uri",
		"verification_url", "verification_uri_complete", "user_code", "message"} {
		if text := o.text(name); text != "" {
			fields[name] = text
		}
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token", "device_code"} {
		if text := o.string(name); printable.MatchString(text) {
			fields[name] = text
		}
	}
	for _, name := range []string{"expires_in", "interval"} {
		if number, err := strconv.ParseFloat(o.text(name), 64); err == nil && number >= 1 && number < 1<<31 {
			fields[name] = int64(number)
		}
	}
	if codes, ok := o["error_codes"]; ok && len(codes) > 0 {
		fields["error_codes"] = codes
	}
	_, refusal := fields["error"]
	if status == http.StatusOK && !refusal && fields["access_token"] == nil && fields["device_code"] == nil {
		fields["error"] = noAccessToken
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return text
}
