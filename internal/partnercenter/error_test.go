package partnercenter

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

func TestErrorBodies(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		body    string // or
		example string
		kind    Kind
		code    string
		message string
	}{
		{name: "form A has its code as a number", status: 403, example: "error_a_20002_number.json",
			kind: RelationshipEnded, code: "20002",
			message: "Access denied: there is no relationship between the partner and the customer."},
		{name: "form B has its code as a text", status: 401, example: "error_b_900421_text.json",
			kind: MFAMissing, code: "900421", message: "MFA required for the request."},
		{name: "form C has a message before its description", status: 404, example: "error_c_600009.json",
			kind: NoAgreement, code: "600009", message: "The customer has no agreement."},
		{name: "form C of a refusal that the table does not name", status: 409,
			example: "error_c_600061_already_exists.json", kind: Refused, code: "600061",
			message: "The partner confirmed agreement already exists."},
		{name: "form E has only a message", status: 400, example: "error_e_message_only.json",
			kind: Refused, message: "The request is invalid."},
		{name: "form F is only a status", status: 403, example: "error_f_empty_403.txt", kind: RoleMissing},
		{name: "form G may come from the API, too", status: 401, example: "error_g_token_expired.json",
			kind: TokenRefused, code: "invalid_grant",
			message: "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on " +
				"2026-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00. Trace ID: " +
				"2b1c0d9e-8f7a-4b6c-9d5e-4f3a2b1c0d00 Correlation ID: 7c6d5e4f-3a2b-4c1d-8e0f-9a8b7c6d5e00 " +
				"Timestamp: 2026-11-22 03:00:00Z"},
		{name: "a page of a gateway", status: 503, example: "gateway_503.html", kind: Unavailable},
		{name: "a gateway's 404 does not say that the customer is gone", status: 404, example: "gateway_503.html",
			kind: Unavailable},
		{name: "a gateway's plain words do not either", status: 404, body: "no healthy upstream", kind: Unavailable},
		{name: "a gateway's 403 does not say that the role is missing", status: 403, example: "gateway_503.html",
			kind: Unavailable},

		{name: "the token was made for a dead audience", status: 401, body: `{"code":900420}`, kind: WrongAudience,
			code: "900420"},
		{name: "app-only tokens are refused", status: 403, body: `{"code":"900329"}`, kind: AppOnly, code: "900329"},
		{name: "access denied", status: 401, body: `{"code":400,"description":"Access denied"}`, kind: TokenRefused,
			code: "400", message: "Access denied"},
		{name: "the role is missing", status: 403, body: `{"code":900308}`, kind: RoleMissing, code: "900308"},
		{name: "the tenant is not found", status: 404, body: `{"code":60003}`, kind: NotFound, code: "60003"},
		{name: "invalid input", status: 400, body: `{"code":600002,"message":"dateAgreed"}`, kind: Refused,
			code: "600002", message: "dateAgreed"},

		{name: "no agreement, said with 400", status: 400, body: `{"code":600009}`, kind: NoAgreement, code: "600009"},
		{name: "no agreement, said with 403", status: 403, body: `{"code":"600009"}`, kind: NoAgreement,
			code: "600009"},
		{name: "no agreement, said with 500", status: 500, body: `{"code":600009}`, kind: NoAgreement, code: "600009"},
		{name: "an ended relationship, said with 500", status: 500, body: `{"code":20002}`, kind: RelationshipEnded,
			code: "20002"},
		{name: "an ended relationship, said with 401", status: 401, body: `{"code":20002}`, kind: RelationshipEnded,
			code: "20002"},

		{name: "names in PascalCase", status: 403, body: `{"Code":20002,"Description":"gone","Data":null}`,
			kind: RelationshipEnded,
			code: "20002", message: "gone"},
		{name: "the other code of an ended relationship", status: 403, body: `{"code":900159}`, kind: RelationshipEnded,
			code: "900159"},
		{name: "a byte-order mark", status: 403, body: "\ufeff" + `{"code":20002}`, kind: RelationshipEnded,
			code: "20002"},
		{name: "a code of null", status: 404, body: `{"code":null,"message":null}`, kind: AddressNotFound},
		{name: "an empty 404 says nothing about the customer", status: 404, kind: AddressNotFound},
		{name: "nor does another code", status: 404, body: `{"code":20003,"description":"Subscription not found"}`,
			kind: AddressNotFound, code: "20003", message: "Subscription not found"},
		{name: "nor a gateway that speaks JSON", status: 404, body: `{"statusCode":404,"message":"Resource not found"}`,
			kind: AddressNotFound, message: "Resource not found"},
		{name: "nor the right code with another status", status: 400, body: `{"code":1000}`, kind: Refused,
			code: "1000"},
		{name: "nor a code that stands twice", status: 404, body: `{"code":1000,"Code":4711}`, kind: AddressNotFound},
		{name: "what was there once is gone", status: 410, body: `{"code":1000}`, kind: AddressNotFound, code: "1000"},
		{name: "the resource is not found", status: 404, body: `{"Code":"1000","Description":"Not found"}`,
			kind: NotFound, code: "1000", message: "Not found"},
		{name: "OData, version 4", status: 404,
			body: `{"error":{"code":"60003","message":"Tenant not found","innererror":{"x":1}}}`, kind: NotFound,
			code: "60003", message: "Tenant not found"},
		{name: "OData, version 3", status: 403,
			body: `{"odata.error":{"code":"20002","message":{"lang":"en-US","value":"No relationship"}}}`,
			kind: RelationshipEnded,
			code: "20002", message: "No relationship"},
		{name: "OData with an unknown code", status: 400,
			body: `{"error":{"code":"Request_BadRequest","message":{"value":"x"}}}`, kind: Refused,
			code: "Request_BadRequest", message: "x"},
		{name: "one odd field does not hide the code", status: 403, body: `{"description":{"lang":"en"},"code":20002}`,
			kind: RelationshipEnded, code: "20002"},
		{name: "a 403 whose code is not known", status: 403, body: `{"error":{"code":"x"}}`, kind: Forbidden,
			code: "x"},
		{name: "the partner's agreement is not accepted", status: 403, body: `{"code":900124}`, kind: Forbidden,
			code: "900124"},
		{name: "a list", status: 400, body: `["no"]`, kind: Refused},
		{name: "a number", status: 404, body: `7`, kind: AddressNotFound},
		{name: "an unknown success", status: 204, kind: Malformed},
		{name: "a redirect is not followed", status: 302, kind: Redirected,
			message: "a redirect to the host elsewhere.example"},
		{name: "a redirect is one, whatever it says", status: 308, body: `{"code":20002}`, kind: Redirected,
			code: "20002", message: "a redirect to the host elsewhere.example"},
		{name: "a proxy wants a password", status: 407, kind: ProxyFailed},
		{name: "too early", status: 425, kind: Unavailable},
		{name: "a time-out that the service noticed", status: 408, kind: Unavailable},
		{name: "an unknown code of an unknown status", status: 418, body: `{"code":"teapot"}`, kind: Refused,
			code: "teapot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.example != "" {
					c.body = example(t, c.example)
				}
				s := newService(t, saying(c.status, c.body, "Location", "https://elsewhere.example/"))

				e := s.refusal()
				assert.Equal(t, c.kind.String(), e.Kind.String())
				assert.Equal(t, c.status, e.Status)
				assert.Equal(t, c.code, e.ServiceCode)
				assert.Equal(t, c.message, e.Message)
				assert.Empty(t, s.astray)
				holdsNothing(t, e.Error())
				if c.kind == Refused || c.kind == Forbidden || c.kind == AddressNotFound || c.kind == Redirected ||
					c.kind == RoleMissing || c.kind == NotFound || c.kind == RelationshipEnded ||
					c.kind == NoAgreement {
					assert.Len(t, s.arrivals(), 1, "a definite answer is not asked for twice")
				}
			})
		})
	}
}

func TestErrorKeepsBothIDs(t *testing.T) {
	t.Run("those of the answer", func(t *testing.T) {
		s := newService(t, saying(404, "", "MS-RequestId", "request", "MS-CorrelationId", "correlation"))
		e := s.refusal()
		assert.Equal(t, "request", e.RequestID)
		assert.Equal(t, "correlation", e.CorrelationID)
		assert.Equal(t, standing.ReadError{Status: 404, RequestID: "request", CorrelationID: "correlation"},
			e.ReadError())
		assert.Equal(t, "read direct acceptance of customer "+customerID+
			": answered 404 Not Found [MS-RequestId request, MS-CorrelationId correlation]", e.Error())
	})
	t.Run("ours when the answer has none", func(t *testing.T) {
		for _, answer := range []http.HandlerFunc{saying(404, ""), saying(200, "{}"), reset, saying(200, "[]"),
			saying(200, "<html>")} {
			s := newService(t, answer, func(o *Options) { o.Attempts = 1 })
			e := s.refusal()
			assert.Equal(t, s.arrivals()[0].header.Get("MS-RequestId"), e.RequestID)
			assert.Equal(t, correlationID, e.CorrelationID)
		}
	})
}

func TestUntrustedTextIsCleaned(t *testing.T) {
	words := strings.Repeat("Zürich\r\n\x1b[2J\u009b\u2028 ", 1000)
	body := `{"code":"` + strings.Repeat("7", 5000) + `\n","message":` + quoted(words) + `}`
	s := newService(t, saying(400, body, "MS-RequestId", strings.Repeat("x", 5000)+"\xff\x01"))
	e := s.refusal()
	for _, text := range []string{e.ServiceCode, e.Message, e.RequestID, e.Error()} {
		assert.LessOrEqual(t, len([]rune(text)), 1300)
		assert.NotContains(t, text, "\uFFFD\uFFFD")
		for _, r := range text {
			require.Falsef(t, unicode.IsControl(r) || r == '\u2028', "%q", r)
		}
	}
}

func TestTransportErrorHasNoAddress(t *testing.T) {
	s := newService(t, reset, func(o *Options) { o.Attempts = 1 })
	e := s.refusal()
	assert.Equal(t, Unavailable, e.Kind)
	assert.Equal(t, 0, e.Status)
	assert.Contains(t, e.Error(), "connection reset by peer")
	assert.Equal(t, "connection reset by peer", e.ReadError().Message)
	holdsNothing(t, e.Error(), "api.example")
}

func TestTransportErrorIsOneLine(t *testing.T) {
	e := &Error{Op: "ask", cause: errors.New("malformed HTTP response \r\n\x1b[2J" + strings.Repeat("x", 5000))}
	assert.True(t, strings.HasPrefix(e.Error(), "ask: malformed HTTP response [2Jxxx"), e.Error())
	assert.Less(t, len(e.Error()), 400)
	assert.Equal(t, "ask: no answer", (&Error{Op: "ask"}).Error())
}

func TestKinds(t *testing.T) {
	fatal := map[Kind]bool{TokenRefused: true, SignInFailed: true, MFAMissing: true, WrongAudience: true, AppOnly: true,
		Throttled: true, Down: true, HostNotFound: true, ConnectionRefused: true, ProxyFailed: true, TLSFailed: true,
		Unexpected: true}
	codes := map[string]bool{}
	for kind := Unavailable; kind <= Down; kind++ {
		e := &Error{Kind: kind}
		assert.Equal(t, kind.String(), e.Code())
		assert.NotEmpty(t, e.Hint(), kind)
		assert.False(t, codes[e.Code()] || e.Code() == "", kind)
		codes[e.Code()] = true
		assert.Equal(t, fatal[kind], e.Fatal(), kind)
		switch kind {
		case RelationshipEnded:
			assert.Equal(t, standing.OutcomeRelationshipEnded, e.Outcome())
		case NotFound:
			assert.Equal(t, standing.OutcomeNotFound, e.Outcome())
		default:
			assert.Equal(t, standing.OutcomeUnreadable, e.Outcome(), kind)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, name := range []string{"error_a_20002_number.json", "error_b_900421_text.json", "error_c_600009.json",
		"error_d_429.json", "error_e_message_only.json", "error_f_empty_403.txt", "error_g_token_expired.json",
		"gateway_503.html"} {
		f.Add(404, example(f, name))
	}
	f.Add(200, `{"code":{"a":[1e999]},"message":7}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := &Error{Op: "ask", Status: status}
		e.read([]byte(body))
		e.Kind = classify(e, []byte(body))
		require.NotEmpty(t, e.Kind.String())
		for _, r := range e.Error() {
			require.Falsef(t, unicode.IsControl(r), "%q", r)
		}
		require.LessOrEqual(t, len([]rune(e.ServiceCode)), 301)
		require.LessOrEqual(t, len([]rune(e.Message)), 301)
	})
}

func quoted(text string) string {
	return `"` + strings.NewReplacer("\r", `\r`, "\n", `\n`, "\x1b", `\u001b`).Replace(text) + `"`
}
