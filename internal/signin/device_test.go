package signin_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/signin"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const deviceAnswer = `{"user_code":"ABCD-1234","device_code":"device-1","expires_in":"900","interval":5,
	"verification_uri":"https://login.example/device","message":"…"}`

var pending = refusing("authorization_pending", "AADSTS70016")

func signedIn(url.Values) (int, string) {
	return issuing(jwt(accessClaims()), jwt(idClaims("")), "refresh-1")
}

func TestSignInWithCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &tokenServer{device: deviceAnswer}
		s.tokens = append(s.tokens, pending, refusing("slow_down", ""), pending,
			func(url.Values) (int, string) { return 503, "<html>not now</html>" }, signedIn)
		var shown signin.Code
		got, err := s.app().WithCode(t.Context(), func(c signin.Code) { shown = c })
		require.NoError(t, err)
		require.Equal(t, signin.Code{Address: "https://login.example/device", Code: "ABCD-1234",
			Expires: began.Add(15 * time.Minute).UTC()}, shown)
		require.Equal(t, "refresh-1", got.RefreshToken)
		require.Equal(t, "ana@contoso.example", got.User)
		var waits []time.Duration
		for _, at := range s.times {
			waits = append(waits, at.Sub(began))
		}
		// Every five seconds; every ten after slow_down, and after an answer that was none.
		require.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
			40 * time.Second}, waits)
		require.Equal(t, []string{"device-1", appID, "s3cret"},
			[]string{s.forms[0].Get("device_code"), s.forms[0].Get("client_id"), s.forms[0].Get("client_secret")})
	})
}

func TestCodeIsRefused(t *testing.T) {
	t.Parallel()
	const failed = "sign_in_failed"
	type answers = []func(url.Values) (int, string)
	issuingWith := func(changes object) answers {
		return answers{func(url.Values) (int, string) {
			return issuing(jwt(accessClaims().with(changes)), "",
				"refresh-1")
		}}
	}
	outOfOrder := func(url.Values) (int, string) { return 500, "" }
	for name, c := range map[string]struct {
		device  string // empty: deviceAnswer
		answers answers
		want    refusal
	}{
		"declined": {answers: answers{pending, refusing("authorization_declined", "AADSTS70018")},
			want: refusal{failed, "AADSTS70018", "declined"}},
		"declined, in the word of the RFC": {answers: answers{refusing("access_denied", "")},
			want: refusal{failed, "access_denied", "declined"}},
		"expired": {answers: answers{pending, refusing("expired_token", "AADSTS70020")},
			want: refusal{failed, "expired_token", "in time"}},
		"a code that is not known": {answers: answers{refusing("bad_verification_code", "")},
			want: refusal{failed, "bad_verification_code", "login.microsoftonline.com/error"}},
		"consent is missing": {answers: answers{refusing("invalid_grant", "AADSTS65001")},
			want: refusal{failed, "AADSTS65001", "consent"}},
		"conditional access": {answers: answers{refusing("invalid_grant", "AADSTS53003")},
			want: refusal{failed, "AADSTS53003", "Conditional Access"}},
		"nobody signs in": {answers: answers{pending}, want: refusal{failed, "within 10m0s", "mcaledger login"}},
		"the code lives shorter": {
			device:  `{"user_code":"A","device_code":"d","verification_uri":"https://x.example","expires_in":60}`,
			answers: answers{pending}, want: refusal{failed, "while the code was valid", "mcaledger login"}},
		"a server that stays out of order": {answers: answers{outOfOrder},
			want: refusal{failed, "within 10m0s", "mcaledger login"}},
		"no code in the answer": {device: `{"device_code":"d"}`, want: refusal{failed, "no code", "login_url"}},
		"a page in place of it": {device: `<html>sign in to this network</html>`, want: refusal{"unavailable", "", ""}},
		"without MFA": {answers: issuingWith(object{"amr": []string{"pwd"}}),
			want: refusal{"mfa_missing", "second factor", "multi-factor"}},
		"another tenant": {answers: issuingWith(object{"tid": "99999999-9999-4999-8999-999999999999"}),
			want: refusal{failed, "99999999", "partner's tenant"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &tokenServer{device: cmp.Or(c.device, deviceAnswer), tokens: c.answers}
				got, err := s.app().WithCode(t.Context(), func(signin.Code) {})
				c.want.check(t, err)
				require.Zero(t, got)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &tokenServer{device: deviceAnswer, tokens: []func(url.Values) (int, string){pending}}
		_, err := s.app().WithCode(ctx, func(signin.Code) {
			time.AfterFunc(12*time.Second, func() { cancel(context.Canceled) })
		})
		require.ErrorIs(t, err, context.Canceled)
	})
}
