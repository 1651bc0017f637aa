package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SignIn is how people sign in, on the page of the authorization code flow or with the code of a
// device. The zero SignIn lets everybody in.
type SignIn struct {
	// RedirectURI is the only one that is registered; its port is ignored if its host is localhost.
	// Empty is http://localhost.
	RedirectURI string
	// Refused ends every sign-in with this AADSTS number (SignInErrors has those that it can be); 0
	// is none.
	Refused int
	// RefusedAt is where it ends.
	RefusedAt RefusedAt
	// WithoutMFA makes tokens of users who gave no second factor, whatever they typed.
	WithoutMFA bool
	// OtherTenant makes tokens of another tenant.
	OtherTenant bool
	// OtherState and OtherNonce send another one back than came.
	OtherState, OtherNonce bool
	// NoRefreshToken leaves the refresh token out.
	NoRefreshToken bool

	// DevicePolls is how often a device is told that the authorization is pending before somebody
	// signs in; 0 waits for somebody to use the page /devicelogin.
	DevicePolls int
	// DeviceSlowDown is how often it is told first to slow down.
	DeviceSlowDown int
	// DeviceInterval is how often a device should ask; 0 is 5 seconds.
	DeviceInterval time.Duration
	// DeviceLife is how long its code lives; 0 is 15 minutes.
	DeviceLife time.Duration
}

// RefusedAt is where a sign-in ends that is refused.
type RefusedAt string

const (
	// RefusedAtRedirect, the default, sends the browser back with the error.
	RefusedAtRedirect RefusedAt = ""
	// RefusedAtPage shows the error on the page: the browser never comes back.
	RefusedAtPage RefusedAt = "page"
	// RefusedAtToken sends the browser back with a code, and refuses the code.
	RefusedAtToken RefusedAt = "token"
)

// signInErrors are the refusals of a sign-in:
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var signInErrors = map[int]aadError{
	50034: {400, 50034, "invalid_grant", "", "The user account does not exist in the directory."},
	50053: {400, 50053, "invalid_grant", "",
		"The account is locked, you've tried to sign in too many times with an incorrect user ID or password."},
	50055: {400, 50055, "invalid_grant", "", "The password is expired."},
	50057: {400, 50057, "invalid_grant", "", "The user account is disabled."},
	50076: {400, 50076, "interaction_required", "basic_action", mfaText},
	50079: {400, 50079, "interaction_required", "basic_action",
		"Due to a configuration change made by your administrator, you must enroll in multi-factor authentication."},
	50105: {400, 50105, "invalid_grant", "", "The signed in user is not assigned to a role for the application."},
	50158: {400, 50158, "interaction_required", "", "External security challenge was not satisfied."},
	53000: {400, 53000, "invalid_grant", "", "Your device is required to be managed to access this resource."},
	53003: {400, 53003, "invalid_grant", "",
		"Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."},
	65001: {400, 65001, "invalid_grant", "consent_required",
		"The user or administrator has not consented to use the application."},
	65004: {400, 65004, "access_denied", "", "User declined to consent to access the app."},
	90033: {503, 90033, "temporarily_unavailable", "", "A transient error has occurred. Please try again."},
	90094: {400, 90094, "access_denied", "",
		"Admin consent is required for the permissions requested by this application."},
	700016: {400, 700016, "unauthorized_client", "", "The application was not found in the directory."},
}

// SignInErrors are the AADSTS numbers that SignIn.Refused can be.
func SignInErrors() []int { return slices.Sorted(maps.Keys(signInErrors)) }

// session is a sign-in that has been made.
type session struct {
	Tenant, Client, User string
	RedirectURI          string
	Challenge            string // of PKCE; empty: none was sent
	Nonce                string
	OpenID               bool // an ID token is wanted
	MFA                  bool
	Expires              int64 // Unix seconds
	Serial               uint64
}

// codeLife is how long an authorization code lives.
const codeLife = 10 * time.Minute

// serveAuthorize is the page of the authorization code flow:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
func (s *Simulator) serveAuthorize(w http.ResponseWriter, r *http.Request, tenant string) {
	query := r.URL.Query()
	if problem := s.judgeAuthorize(tenant, query); problem != nil {
		showProblem(w, *problem)
		return
	}
	if r.Method != http.MethodPost {
		showPage(w, http.StatusOK, signInPage, pageData{})
		return
	}
	problem := s.refusalOfSignIn()
	if r.PostFormValue("declined") != "" {
		declined := signInErrors[65004]
		problem = &declined
	}
	switch {
	case problem == nil, s.opts.SignIn.RefusedAt == RefusedAtToken:
		s.sendBack(w, r, url.Values{"code": {s.newCode(s.sessionOf(r, tenant, query))}})
	case s.opts.SignIn.RefusedAt == RefusedAtPage:
		showProblem(w, *problem)
	default:
		s.stats.refusal(strconv.Itoa(problem.number))
		s.sendBack(w, r, url.Values{"error": {problem.name}, "error_description": {problem.sentence()}})
	}
}

// judgeAuthorize says why there is no page to sign in on. The browser is not sent anywhere: the
// address to send it to is not trusted yet.
func (s *Simulator) judgeAuthorize(tenant string, query url.Values) *aadError {
	t := tokenRequest{tenant: tenant, v2: true, form: query, id: query.Get("client_id"), grant: grantCode}
	if problem := s.judgeApp(t); problem != nil {
		return problem
	}
	uri := query.Get("redirect_uri")
	switch {
	case !registered(s.opts.SignIn.RedirectURI, uri):
		return &aadError{400, 50011, "invalid_request", "", "The redirect URI '" + uri +
			"' specified in the request does not match the redirect URIs configured for the application '" + t.id +
			"'."}
	case query.Get("response_type") != "code":
		return &aadError{400, 700054, "unsupported_response_type", "",
			"response_type '" + query.Get("response_type") + "' is not enabled for the application."}
	case query.Has("code_challenge") && query.Get("code_challenge_method") != "S256":
		return &aadError{400, 9002313, "invalid_request", "", "The code_challenge_method is not supported."}
	}
	return judgeAudience(t)
}

// registered says whether a redirect URI is the one that is registered:
// https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
func registered(known, given string) bool {
	a, errA := url.Parse(known)
	b, errB := url.Parse(given)
	if errA != nil || errB != nil || a.Scheme != b.Scheme || a.Hostname() != b.Hostname() {
		return false
	}
	samePort := a.Port() == b.Port() || a.Hostname() == "localhost" || a.Hostname() == "127.0.0.1"
	return samePort && strings.TrimSuffix(a.Path, "/") == strings.TrimSuffix(b.Path, "/") && a.RawQuery == b.RawQuery
}

func (s *Simulator) refusalOfSignIn() *aadError {
	if problem, ok := signInErrors[s.opts.SignIn.Refused]; ok {
		return &problem
	}
	return nil
}

// sessionOf is the sign-in that a form on a page makes. A second factor is any code.
func (s *Simulator) sessionOf(r *http.Request, tenant string, query url.Values) session {
	return session{
		Tenant: tenant, Client: query.Get("client_id"), RedirectURI: query.Get("redirect_uri"),
		User: r.PostFormValue("user"), MFA: r.PostFormValue("factor") != "",
		Challenge: query.Get("code_challenge"), Nonce: query.Get("nonce"), OpenID: wantsIdentity(query),
		Expires: time.Now().Add(codeLife).Unix(), Serial: s.tokens.serial.Add(1),
	}
}

func wantsIdentity(form url.Values) bool {
	return slices.Contains(strings.Fields(form.Get("scope")), "openid")
}

// sendBack sends the browser back to the app, as Entra does: with a path, and the state.
func (s *Simulator) sendBack(w http.ResponseWriter, r *http.Request, answer url.Values) {
	query := r.URL.Query()
	if state := query.Get("state"); state != "" {
		if s.opts.SignIn.OtherState {
			state = "another-state"
		}
		answer.Set("state", state)
	}
	answer.Set("session_state", "8a29a5b3-6cc1-4d8e-8a44-3f5d4a9f2f11")
	uri, err := url.Parse(query.Get("redirect_uri"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if uri.Path == "" {
		uri.Path = "/"
	}
	uri.RawQuery = answer.Encode()
	http.Redirect(w, r, uri.String(), http.StatusFound)
}

// newCode makes an authorization code. The code carries the sign-in and a signature.
func (s *Simulator) newCode(of session) string {
	text, err := json.Marshal(of)
	if err != nil {
		return "" // texts and numbers have a JSON
	}
	name := "1." + base64.RawURLEncoding.EncodeToString(text)
	return name + "." + s.tokens.sign(name)
}

// redeem says what an authorization code stands for, once.
func (s *Simulator) redeem(t tokenRequest) (of session, problem *aadError) {
	code := t.form.Get("code")
	if code == "" {
		return of, missing("code")
	}
	name, signature, _ := cutLast(code)
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(name, "1."))
	if err != nil || signature != s.tokens.sign(name) || json.Unmarshal(text, &of) != nil {
		return of, &aadError{400, 9002313, "invalid_grant", "", "Invalid request. Request is malformed or invalid."}
	}
	sum := sha256.Sum256([]byte(t.form.Get("code_verifier")))
	verified := base64.RawURLEncoding.EncodeToString(sum[:]) == of.Challenge
	refused := func(number int, name, text string) (session, *aadError) {
		return of, &aadError{400, number, name, "", text}
	}
	switch {
	case !strings.EqualFold(of.Client, t.id) || !strings.EqualFold(of.Tenant, t.tenant):
		return refused(700005, "invalid_grant",
			"Provided Authorization Code is intended to use against other tenant or application.")
	case of.RedirectURI != t.form.Get("redirect_uri"):
		return refused(500112, "invalid_client",
			"The reply address does not match the reply address provided when requesting Authorization code.")
	case of.Challenge != "" && !verified:
		return refused(501481, "invalid_grant",
			"The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	case time.Now().Unix() >= of.Expires:
		return refused(70008, "invalid_grant",
			"The provided authorization code or refresh token has expired due to inactivity.")
	case !s.tokens.first(of.Serial):
		return refused(54005, "invalid_grant",
			"OAuth2 Authorization code was already redeemed, please retry with a new valid code.")
	}
	if s.opts.SignIn.RefusedAt == RefusedAtToken {
		return of, s.refusalOfSignIn()
	}
	return of, nil
}

type pageData struct {
	Problem string
	Device  bool // the page asks for the code of a device
	Code    string
}

var signInPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in to your account (simulated)</title></head>
<body>
<h1>Sign in (simulated)</h1>
{{if .Problem}}<p id="problem">{{.Problem}}</p>{{end}}
<form method="post">
{{if .Device}}<p><label>Code <input name="user_code" id="user_code" value="{{.Code}}" autocomplete="off" required>
</label></p>{{end}}
<p><label>User <input name="user" id="user" value="admin.agent@contoso.example" required></label></p>
<p><label>Password <input name="password" id="password" type="password"></label></p>
<p><label>Code of the second factor, any (without one, the token says that there was none)
<input name="factor" id="factor" autocomplete="off"></label></p>
<p><button id="sign-in">Sign in</button>
<button name="declined" value="yes" id="decline" formnovalidate>Cancel</button></p>
</form>
</body></html>
`))

var messagePage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in to your account (simulated)</title></head>
<body><p id="problem">{{.Problem}}</p></body></html>
`))

// showProblem shows an error on a page: the browser stays there.
func showProblem(w http.ResponseWriter, e aadError) {
	showPage(w, http.StatusBadRequest, messagePage,
		pageData{Problem: "Sorry, but we’re having trouble signing you in. " + e.sentence()})
}

func showPage(w http.ResponseWriter, status int, page *template.Template, data pageData) {
	w.Header().Set("Content-Type", typeHTML+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, data) // a caller who has gone away does not read it
}
