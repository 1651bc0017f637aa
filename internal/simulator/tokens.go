package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// grant is how an access token was come by.
type grant string

const (
	grantRefreshToken      grant = "refresh_token"
	grantClientCredentials grant = "client_credentials"
)

// audience is what access tokens are for.
const audience = "https://api.partnercenter.microsoft.com"

// tokens issues and checks tokens. It remembers none: a token carries what is to be known about it and a signature.
type tokens struct {
	key        []byte
	killEvery  uint64
	serial     atomic.Uint64
	generation atomic.Uint64 // tokens of an earlier one are dead
	admitted   atomic.Uint64 // API requests with a good token
	asked      atomic.Int64  // token requests since the last reset
}

func newTokens(o Options) *tokens {
	key := sha256.Sum256(fmt.Appendf(nil, "simulator %d", o.Seed))
	return &tokens{key: key[:], killEvery: uint64(o.KillTokensEvery)}
}

// claims is the middle part of an access token.
type claims struct {
	Audience   string `json:"aud"`
	Tenant     string `json:"tid"`
	Grant      grant  `json:"grant"`
	Expires    int64  `json:"exp"` // Unix seconds
	Serial     uint64 `json:"serial"`
	Generation uint64 `json:"generation"`
}

// header of a JSON web token: {"alg":"HS256","typ":"JWT"}.
const tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

func (t *tokens) access(tenant string, g grant, expires time.Time) (string, error) {
	middle, err := json.Marshal(claims{
		Audience: audience, Tenant: tenant, Grant: g, Expires: expires.Unix(),
		Serial: t.serial.Add(1), Generation: t.generation.Load(),
	})
	if err != nil {
		return "", err
	}
	signed := tokenHeader + "." + base64.RawURLEncoding.EncodeToString(middle)
	return signed + "." + t.sign(signed), nil
}

// read checks an access token. It is false for a token that is not ours, has expired or has been killed.
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

// refresh makes a new refresh token. All that were ever made stay good.
func (t *tokens) refresh() string {
	name := fmt.Sprintf("0.refresh-%d", t.serial.Add(1))
	return name + "." + t.sign(name)
}

func (t *tokens) isRefresh(token string) bool {
	name, signature, ok := cutLast(token)
	return ok && strings.HasPrefix(name, "0.refresh-") && hmac.Equal([]byte(signature), []byte(t.sign(name)))
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

// spend counts an API request with a good token and kills all tokens when it is time; it says whether it did.
func (t *tokens) spend() bool {
	if n := t.admitted.Add(1); t.killEvery == 0 || n%t.killEvery != 0 {
		return false
	}
	t.generation.Add(1)
	return true
}

func (t *tokens) forget() { t.asked.Store(0) }

// admit checks the access token of an API request. It returns 0 or the status of the refusal, which it has written.
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
	case s.opts.MissingMFA && c.Grant == grantRefreshToken:
		return q.mfaRequired()
	case c.Grant == grantClientCredentials && q.call.appUserOnly():
		return q.appOnlyRefused()
	}
	return 0
}
