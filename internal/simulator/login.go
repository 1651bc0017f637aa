package simulator

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// loginPath recognises the addresses of the token server below a tenant: /{tenant}/oauth2/token,
// /{tenant}/oauth2/v2.0/token, and beside the latter authorize and devicecode.
func loginPath(path string) (tenant, endpoint string, v2 bool) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch rest {
	case "oauth2/token":
		return tenant, "token", false
	case "oauth2/v2.0/token", "oauth2/v2.0/authorize", "oauth2/v2.0/devicecode":
		return tenant, strings.TrimPrefix(rest, "oauth2/v2.0/"), true
	}
	return "", "", false
}

func (e aadError) sentence() string { return "AADSTS" + strconv.Itoa(e.number) + ": " + e.text }

func isLoginPath(path string) bool {
	_, endpoint, _ := loginPath(path)
	return endpoint != ""
}

// serveLogin is the token server (docs/partner-center.md, "Tokens").
func (s *Simulator) serveLogin(w http.ResponseWriter, r *http.Request) {
	switch tenant, endpoint, _ := loginPath(r.URL.Path); endpoint {
	case "authorize":
		s.serveAuthorize(w, r, tenant)
	case "devicecode":
		s.serveDeviceCode(w, r)
	default:
		s.serveToken(w, r)
	}
}

// tokenRequest is one request for a token.
type tokenRequest struct {
	tenant string
	v2     bool
	grant  grant
	form   url.Values
	id     string // client id
	secret string
	of     session // that the token is for
}

// aadError is a refusal of the token server: form G of the error bodies, and its HTTP status.
type aadError struct {
	status   int
	number   int // AADSTS…
	name     string
	suberror string
	text     string
}

func (s *Simulator) serveToken(w http.ResponseWriter, r *http.Request) {
	if !wait(r, s.takes(s.served.Add(1))) {
		return
	}
	if s.unavailable(w) {
		return
	}
	t, problem := s.readTokenRequest(r)
	if problem == nil {
		problem = s.judge(&t)
	}
	if problem != nil {
		s.stats.refusal(strconv.Itoa(problem.number))
		s.writeAADError(w, *problem)
		return
	}
	s.issue(w, t)
}

// unavailable answers the first token requests with 503, if the options say so.
func (s *Simulator) unavailable(w http.ResponseWriter) bool {
	n := s.tokens.asked.Add(1)
	if n > int64(s.opts.Login.Unavailable) {
		return false
	}
	s.stats.refusal("unavailable")
	if n%2 == 1 {
		s.writeAADError(w, aadError{503, 90033, "temporarily_unavailable", "", "A transient error has occurred. " +
			"Please try again."})
		return true
	}
	w.Header().Set("Content-Type", typeHTML)
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(gatewayPage)) // a caller who has gone away does not read it
	return true
}

// readTokenRequest reads the form and the client's credentials from it, or from basic
// authentication.
func (s *Simulator) readTokenRequest(r *http.Request) (tokenRequest, *aadError) {
	if r.Method != http.MethodPost {
		return tokenRequest{}, &aadError{400, 900561, "invalid_request", "",
			"The endpoint only accepts POST requests. Received a " + r.Method + " request."}
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return tokenRequest{}, &aadError{400, 900144, "invalid_request", "", "The request body could not be read."}
	}
	tenant, _, v2 := loginPath(r.URL.Path)
	t := tokenRequest{
		tenant: tenant, v2: v2, form: r.PostForm, grant: grant(r.PostForm.Get("grant_type")),
		id: r.PostForm.Get("client_id"), secret: r.PostForm.Get("client_secret"),
	}
	if id, secret, ok := r.BasicAuth(); ok {
		t.id, t.secret = unescaped(id), unescaped(secret)
	}
	return t, nil
}

// unescaped undoes the form encoding that RFC 6749 section 2.3.1 asks for in basic authentication.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// judge says why a token request is refused, or nil.
func (s *Simulator) judge(t *tokenRequest) (problem *aadError) {
	if t.grant == "" {
		return missing("grant_type")
	}
	if problem := s.judgeApp(*t); problem != nil {
		return problem
	}
	if problem := s.judgeClient(*t); problem != nil {
		return problem
	}
	// a code has the scopes that it was asked with
	if problem := judgeAudience(*t); problem != nil && !t.grant.signsIn() {
		return problem
	}
	switch t.grant {
	case grantClientCredentials:
	case grantRefreshToken:
		t.of, problem = s.judgeRefresh(*t)
	case grantCode:
		t.of, problem = s.redeem(*t)
	case grantDevice:
		t.of, problem = s.poll(*t)
	default:
		return &aadError{400, 70003, "unsupported_grant_type", "", "The app requested an unsupported grant type '" +
			string(t.grant) + "'."}
	}
	return problem
}

// judgeApp says what is wrong with the tenant or the app.
func (s *Simulator) judgeApp(t tokenRequest) *aadError {
	login := s.opts.Login
	switch {
	case login.TenantID != "" && !strings.EqualFold(t.tenant, login.TenantID):
		return &aadError{400, 90002, "invalid_request", "", "Tenant '" + t.tenant +
			"' not found. Check to make sure you have the correct tenant ID."}
	case t.id == "":
		return missing("client_id")
	case login.ClientID != "" && !strings.EqualFold(t.id, login.ClientID):
		return &aadError{400, 700016, "unauthorized_client", "", "Application with identifier '" + t.id +
			"' was not found in the directory."}
	}
	return nil
}

func missing(parameter string) *aadError {
	return &aadError{400, 900144, "invalid_request", "", "The request body must contain the following parameter: '" +
		parameter + "'."}
}

// judgeClient checks the client's secret, or that its assertion looks like a signed JSON web token.
func (s *Simulator) judgeClient(t tokenRequest) *aadError {
	wrong := &aadError{401, 7000215, "invalid_client", "",
		"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not " +
			"the client secret ID, for a secret added to app '" + t.id + "'."}
	if s.opts.Login.WrongClientSecret {
		return wrong
	}
	if assertion := t.form.Get("client_assertion"); assertion != "" {
		const kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		if t.form.Get("client_assertion_type") != kind || !looksSigned(assertion) {
			return &aadError{401, 50027, "invalid_client", "", "JWT token is invalid or malformed."}
		}
		return nil
	}
	if t.secret == "" {
		return &aadError{401, 7000218, "invalid_client", "",
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	}
	if want := s.opts.Login.ClientSecret; want != "" && t.secret != want {
		return wrong
	}
	return nil
}

// looksSigned says whether a text has the three parts of a JSON web token, the first two of them
// JSON objects.
func looksSigned(assertion string) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 || parts[2] == "" {
		return false
	}
	for n, part := range parts {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return false
		}
		var object map[string]any
		if n < 2 && json.Unmarshal(text, &object) != nil {
			return false
		}
	}
	return true
}

// judgeAudience checks what the token is to be for: resource with v1, scope with v2.
func judgeAudience(t tokenRequest) *aadError {
	if !t.v2 {
		resource := t.form.Get("resource")
		if resource == "" {
			return missing("resource")
		}
		if strings.TrimSuffix(resource, "/") != audience {
			return &aadError{400, 500011, "invalid_resource", "", "The resource principal named " + resource +
				" was not found in the tenant."}
		}
		return nil
	}
	scope := t.form.Get("scope")
	if scope == "" {
		return missing("scope")
	}
	found := false
	for _, word := range strings.Fields(scope) {
		switch word {
		case audience + "/.default":
			found = true
		case audience + "/user_impersonation":
			if t.grant == grantClientCredentials {
				return &aadError{400, 1002012, "invalid_scope", "", "The provided value for scope " + scope +
					" is not valid. Client credential flows must have a scope value with /.default suffixed to the " +
					"resource identifier (application ID URI)."}
			}
			found = true
		case "openid", "profile", "email", "offline_access":
		default:
			return &aadError{400, 70011, "invalid_scope", "",
				"The provided request must include a 'scope' input parameter. The provided value for the input " +
					"parameter 'scope' is not valid. The scope " + scope + " is not valid."}
		}
	}
	if !found {
		return &aadError{400, 70011, "invalid_scope", "", "The scope " + scope + " does not name " + audience + "."}
	}
	return nil
}

func (s *Simulator) judgeRefresh(t tokenRequest) (of session, problem *aadError) {
	token := t.form.Get("refresh_token")
	mfa, ours := s.tokens.isRefresh(token)
	of = session{User: someUser, MFA: mfa}
	switch {
	case token == "":
		return of, missing("refresh_token")
	case token == s.opts.Login.RefreshToken:
		of.MFA = true
	case !ours:
		return of, &aadError{400, 9002313, "invalid_grant", "", "Invalid request. Request is malformed or invalid."}
	}
	switch {
	case s.opts.Login.ExpiredRefreshToken:
		return of, &aadError{400, 700082, "invalid_grant", "",
			"The refresh token has expired due to inactivity. The token was issued on 2026-01-01T00:00:00.0000000Z " +
				"and was inactive for 90.00:00:00."}
	case s.opts.Login.DemandMFA && t.v2:
		return of, &aadError{400, 50076, "invalid_grant", "basic_action", mfaText}
	case s.opts.Login.DemandMFA:
		return of, &aadError{400, 50076, "interaction_required", "", mfaText}
	}
	return of, nil
}

const mfaText = "Due to a configuration change made by your administrator, or because you moved to a new location, " +
	"you must use multi-factor authentication to access 'fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd'."

// issue answers with a token. Version 1 writes numbers as texts, version 2 as numbers.
func (s *Simulator) issue(w http.ResponseWriter, t tokenRequest) {
	now := time.Now()
	life := s.opts.Login.TokenLifetime.Truncate(time.Second)
	if s.opts.SignIn.OtherTenant && t.grant.signsIn() {
		t.tenant = "99999999-9999-4999-8999-999999999999"
	}
	if s.opts.SignIn.WithoutMFA && t.grant.signsIn() {
		t.of.MFA = false
	}
	access, err := s.tokens.access(t, now.Add(life))
	id, errID := s.tokens.id(t, now.Add(life), s.opts.SignIn.OtherNonce)
	if err = errors.Join(err, errID); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b := newBody(false)
	defer b.release()
	seconds := int(life / time.Second)
	b.open("", '{')
	b.text("token_type", "Bearer")
	if t.v2 {
		b.text("scope", audience+"/user_impersonation "+audience+"/.default")
		b.number("expires_in", seconds)
		b.number("ext_expires_in", seconds)
	} else {
		b.text("scope", "user_impersonation")
		b.text("expires_in", strconv.Itoa(seconds))
		b.text("ext_expires_in", strconv.Itoa(seconds))
		b.text("expires_on", strconv.FormatInt(now.Add(life).Unix(), 10))
		b.text("not_before", strconv.FormatInt(now.Add(-5*time.Minute).Unix(), 10))
		b.text("resource", audience)
	}
	b.text("access_token", access)
	if t.grant == grantRefreshToken || t.grant.signsIn() && !s.opts.SignIn.NoRefreshToken {
		b.text("refresh_token", s.tokens.refresh(t.of.MFA))
	}
	if t.of.OpenID {
		b.text("id_token", id)
	}
	b.close('}')
	s.stats.token(string(t.grant))
	writeToken(w, http.StatusOK, b)
}

// writeAADError answers in form G.
func (s *Simulator) writeAADError(w http.ResponseWriter, e aadError) {
	d := newDice(s.opts.Seed, aboutIDs, s.served.Load()+2<<40)
	trace, correlation := d.guid(), d.guid()
	stamp := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	number := strconv.Itoa(e.number)
	b := newBody(false)
	defer b.release()
	b.open("", '{')
	b.text("error", e.name)
	b.text("error_description", e.sentence()+" Trace ID: "+trace.String()+" Correlation ID: "+correlation.String()+
		" Timestamp: "+stamp)
	b.open("error_codes", '[')
	b.separate()
	b.buf = append(b.buf, number...)
	b.close(']')
	b.text("timestamp", stamp)
	b.text("trace_id", trace.String())
	b.text("correlation_id", correlation.String())
	b.text("error_uri", "https://login.microsoftonline.com/error?code="+number)
	if e.suberror != "" {
		b.text("suberror", e.suberror)
	}
	b.close('}')
	writeToken(w, e.status, b)
}

func writeToken(w http.ResponseWriter, status int, b *body) {
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b.buf)))
	w.WriteHeader(status)
	_, _ = w.Write(b.buf) // a caller who has gone away does not read it
}
