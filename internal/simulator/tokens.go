package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// grant is how an access token was come by.
type grant string

const (
	grantRefreshToken      grant = "refresh_token"
	grantClientCredentials grant = "client_credentials"
	grantCode              grant = "authorization_code"
	grantDevice            grant = "urn:ietf:params:oauth:grant-type:device_code"
)

// signsIn says whether a person signs in for this grant.
func (g grant) signsIn() bool { return g == grantCode || g == grantDevice }

// audience is what access tokens are for.
const audience = "https://api.partnercenter.microsoft.com"

// tokens issues and checks tokens. It remembers none: a token carries what is to be known about it
// and a signature. Of authorization codes it remembers which were used.
type tokens struct {
	key        []byte
	killEvery  uint64
	serial     atomic.Uint64
	generation atomic.Uint64 // tokens of an earlier one are dead
	admitted   atomic.Uint64 // API requests with a good token
	asked      atomic.Int64  // token requests since the last reset
	used       sync.Map      // serial numbers of authorization codes
}

// first says whether an authorization code is used for the first time.
func (t *tokens) first(serial uint64) bool {
	_, used := t.used.LoadOrStore(serial, true)
	return !used
}

func newTokens(o Options) *tokens {
	key := sha256.Sum256(fmt.Appendf(nil, "simulator %d", o.Seed))
	return &tokens{key: key[:], killEvery: uint64(o.KillTokensEvery)}
}

// claims is the middle part of an access token.
type claims struct {
	Audience   string   `json:"aud"`
	Tenant     string   `json:"tid"`
	App        string   `json:"appid"`
	User       string   `json:"upn,omitempty"`
	Methods    []string `json:"amr,omitempty"` // how the user proved who they are
	Scope      string   `json:"scp,omitempty"`
	Grant      grant    `json:"grant"`
	Expires    int64    `json:"exp"` // Unix seconds
	Serial     uint64   `json:"serial"`
	Generation uint64   `json:"generation"`
}

func (c claims) secondFactor() bool { return slices.Contains(c.Methods, "mfa") }

// methods is how the user of a session proved who they are.
func (of session) methods() []string {
	if of.MFA {
		return []string{"pwd", "mfa"}
	}
	return []string{"pwd"}
}

// header of a JSON web token: {"alg":"HS256","typ":"JWT"}.
const tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

func (t *tokens) access(q tokenRequest, expires time.Time) (string, error) {
	c := claims{Audience: audience, Tenant: q.tenant, App: q.id, Grant: q.grant, Expires: expires.Unix(),
		Serial: t.serial.Add(1), Generation: t.generation.Load()}
	if q.grant != grantClientCredentials {
		c.User, c.Methods, c.Scope = q.of.User, q.of.methods(), "user_impersonation"
	}
	return t.token(c)
}

// id makes an ID token. As Entra's of version 2, it does not say how the user proved who they are.
func (t *tokens) id(q tokenRequest, expires time.Time, otherNonce bool) (string, error) {
	nonce := q.of.Nonce
	if otherNonce {
		nonce = "another-nonce"
	}
	return t.token(struct {
		Audience string `json:"aud"`
		Tenant   string `json:"tid"`
		User     string `json:"preferred_username"`
		Nonce    string `json:"nonce,omitempty"`
		Expires  int64  `json:"exp"`
		Version  string `json:"ver"`
	}{q.id, q.tenant, q.of.User, nonce, expires.Unix(), "2.0"})
}

func (t *tokens) token(claims any) (string, error) {
	middle, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := tokenHeader + "." + base64.RawURLEncoding.EncodeToString(middle)
	return signed + "." + t.sign(signed), nil
}

// read checks an access token. It is false for a token that is not ours, has expired or has been
// killed.
func (t *tokens) read(token string, now time.Time) (claims, bool) {
	var c claims
	signed, signature, ok := cutLast(token)
	if !ok || !hmac.Equal([]byte(signature), []byte(t.sign(signed))) {
		return c, false
	}
	middle, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(signed, tokenHeader+"."))
	if err != nil || json.Unmarshal(middle, &c) != nil {
		return c, false
	}
	return c, c.Grant != "" && now.Unix() < c.Expires && c.Generation == t.generation.Load()
}

// refresh makes a new refresh token, of a user who gave a second factor or not. All that were ever
// made stay good.
func (t *tokens) refresh(mfa bool) string {
	name := fmt.Sprintf("0.refresh-%d-%t", t.serial.Add(1), mfa)
	return name + "." + t.sign(name)
}

func (t *tokens) isRefresh(token string) (mfa, ours bool) {
	name, signature, ok := cutLast(token)
	ours = ok && strings.HasPrefix(name, "0.refresh-") && hmac.Equal([]byte(signature), []byte(t.sign(name)))
	return strings.HasSuffix(name, "-true"), ours
}

func (t *tokens) sign(text string) string {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func cutLast(token string) (before, after string, found bool) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return "", "", false
	}
	return token[:at], token[at+1:], true
}

// spend counts an API request with a good token and kills all tokens when it is time; it says
// whether it did.
func (t *tokens) spend() bool {
	if n := t.admitted.Add(1); t.killEvery == 0 || n%t.killEvery != 0 {
		return false
	}
	t.generation.Add(1)
	return true
}

func (t *tokens) forget() { t.asked.Store(0) }

// appMayConclude reports whether a request is step 3 of the enhanced route, which the app alone may
// take.
func (s *Simulator) appMayConclude(q *request) bool {
	return q.call == callAttest && q.attestationID() != "" && !s.opts.Enhanced.UserForAgreement
}

// admit checks the access token of an API request. It returns 0 or the status of the refusal, which
// it has written.
func (s *Simulator) admit(q *request) int {
	bearer, token, _ := strings.Cut(q.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(bearer, "Bearer") {
		s.stats.badHeader("Authorization")
		return q.accessDenied()
	}
	c, ok := s.tokens.read(strings.TrimSpace(token), time.Now())
	if !ok {
		return q.accessDenied()
	}
	if s.tokens.spend() {
		s.stats.kill()
	}
	switch {
	case s.opts.WrongAudience:
		return q.deadAudience()
	case c.Grant != grantClientCredentials && (s.opts.MissingMFA || !c.secondFactor()):
		return q.mfaRequired()
	case c.Grant == grantClientCredentials && q.call.appUserOnly() && !s.appMayConclude(q):
		return q.appOnlyRefused()
	case c.Grant != grantClientCredentials && q.call.appOnly():
		return q.cannotAttest()
	}
	return 0
}
