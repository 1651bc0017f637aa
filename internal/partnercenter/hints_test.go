package partnercenter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Each sign-in error has the hint that helps, and "sign in again" stands only where it does.
func TestSignInHints(t *testing.T) {
	t.Parallel()
	const again, no = true, false
	for code, c := range map[string]struct {
		word        string
		kind        Kind
		hint        string
		signInAgain bool
	}{
		"AADSTS65001":     {"invalid_grant", SignInFailed, "consent", again},
		"AADSTS53003":     {"invalid_grant", SignInFailed, "Conditional Access", no},
		"AADSTS53000":     {"invalid_grant", SignInFailed, "Conditional Access", no},
		"AADSTS700016":    {"unauthorized_client", SignInFailed, "client_id", no},
		"AADSTS90002":     {"invalid_request", SignInFailed, "tenant_id", no},
		"AADSTS7000112":   {"unauthorized_client", SignInFailed, "disabled in the tenant", no},
		"AADSTS50034":     {"invalid_grant", SignInFailed, "not in this tenant", again},
		"AADSTS50057":     {"invalid_grant", SignInFailed, "account is disabled", again},
		"AADSTS50053":     {"invalid_grant", SignInFailed, "locked", no},
		"AADSTS50105":     {"invalid_grant", SignInFailed, "assign", no},
		"AADSTS50173":     {"invalid_grant", SignInFailed, "password", again},
		"AADSTS700024":    {"invalid_client", SignInFailed, "clock", no},
		"AADSTS700027":    {"invalid_client", SignInFailed, "not registered", no},
		"AADSTS700082":    {"invalid_grant", SignInFailed, "expired or was revoked", again},
		"AADSTS7000215":   {"invalid_client", SignInFailed, "client secret is wrong", no},
		"AADSTS7000222":   {"invalid_client", SignInFailed, "client secret has expired", no},
		"AADSTS7000218":   {"invalid_client", SignInFailed, "certificate_file", no},
		"AADSTS50076":     {"interaction_required", MFAMissing, "multi-factor", again},
		"AADSTS50079":     {"interaction_required", MFAMissing, "multi-factor", again},
		"AADSTS50158":     {"interaction_required", MFAMissing, "multi-factor", again},
		"AADSTS500011":    {"invalid_resource", SignInFailed, "resource", no},
		"AADSTS9002313":   {"invalid_grant", SignInFailed, "damaged", again},
		"AADSTS70011":     {"invalid_scope", SignInFailed, "scope", no},
		"AADSTS50011":     {"invalid_request", SignInFailed, "redirect URI", no},
		"AADSTS1000502":   {"invalid_client", SignInFailed, "certificate_file has expired", no},
		"AADSTS99999999":  {"invalid_client", SignInFailed, "client secret is wrong", no},
		"AADSTS88888888":  {"invalid_grant", SignInFailed, "refuses the refresh token", again},
		"AADSTS77777777":  {"something_new", SignInFailed, "login.microsoftonline.com/error", no},
		"no number here":  {"invalid_client", SignInFailed, "client secret is wrong", no},
		"nor is one here": {"consent_required", SignInFailed, "consent", again},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newService(t, saying(200, signed))
			s.login = saying(400, fmt.Sprintf(`{"error":%q,"error_description":"%s: jan@partner.example"}`, c.word,
				code))
			e := s.refusal()
			assert.Equal(t, c.kind.String(), e.Kind.String())
			assert.Contains(t, e.Hint(), c.hint)
			assert.Equal(t, c.signInAgain, strings.Contains(strings.ToLower(e.Hint()), "mcaledger login"), e.Hint())
			if !c.signInAgain {
				assert.NotContains(t, e.Hint(), "multi-factor")
			}
			holdsNothing(t, e.Error(), "jan@")
		})
	}
}

func TestHintsOfTheService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		partner standing.PartnerKind
		status  int
		body    string
		hint    string
	}{
		"MFA is missing from the token":        {standing.DirectBill, 401, `{"code":"900421"}`, "multi-factor"},
		"the role is missing":                  {standing.DirectBill, 403, `{"code":900308}`, "Admin agent"},
		"an empty 403":                         {standing.DirectBill, 403, ``, "Admin agent"},
		"an empty 403 of an indirect reseller": {standing.IndirectReseller, 403, ``, "indirect provider"},
		"the partner agreement is not accepted": {standing.DirectBill, 403, `{"code":900124}`,
			"Microsoft Partner Agreement"},
		"the reseller's is not": {standing.IndirectProvider, 403, `{"code":900123}`,
			"indirect reseller"},
		"the program is not active": {standing.DirectBill, 403, `{"code":"800039"}`, "program"},
		"Conditional Access": {standing.DirectBill, 403, `{"code":900309}`,
			"Conditional Access"},
		"the customer is under review": {standing.DirectBill, 403, `{"code":800073}`, "review"},
		"a code that is not known":     {standing.DirectBill, 403, `{"code":4711}`, "does not know"},
		"no relationship": {standing.DirectBill, 403, `{"code":20002}`,
			"relationship request"},
		"the address is not there": {standing.DirectBill, 404, ``, "api_url"},
		"a redirect":               {standing.DirectBill, 301, ``, "redirect"},
		"a refusal as OData says it, of the role code": {standing.DirectBill, 403, `{"error":{"code":"900308"}}`,
			"Admin agent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, saying(c.status, c.body), func(o *Options) { o.Kind = c.partner })
			hint := s.refusal().Hint()
			assert.Contains(t, hint, c.hint)
			if !strings.Contains(c.hint, "multi-factor") {
				assert.NotContains(t, hint, "Sign in")
			}
		})
	}
	s := newService(t, saying(200, `{"items":[{"templateId":"x","agreementType":"MicrosoftCloudAgreement"}]}`))
	_, err := s.client.Template(t.Context())
	e := failed(t, err)
	assert.Equal(t, NoTemplate, e.Kind)
	assert.Contains(t, e.Hint(), "api_url")
}

func TestEveryCodeHasOneCause(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, cause := range signInCauses {
		require.NotEmpty(t, cause.hint)
		require.True(t, strings.HasSuffix(cause.hint, "."), cause.hint)
		for _, code := range cause.codes {
			require.False(t, seen[code], code)
			seen[code] = true
		}
	}
	require.True(t, slices.ContainsFunc(signInCauses, func(c signInCause) bool { return c.kind == Unavailable }))
}

// Of several numbers in one text the one counts that names the cause, wherever it stands.
func TestSeveralNumbersInOneText(t *testing.T) {
	t.Parallel()
	for body, hint := range map[string]string{
		`{"error":"invalid_grant","error_description":"AADSTS70002: Error validating credentials. AADSTS70008: The refresh token has expired."}`:      "expired or was revoked",
		`{"error":"invalid_grant","error_description":"AADSTS70002: Error validating credentials. AADSTS50173: The grant was revoked."}`:              "password",
		`{"error":"invalid_client","error_description":"AADSTS70002: Error validating credentials. AADSTS50012: Invalid client secret."}`:             "client secret is wrong",
		`{"error":"invalid_client","error_description":"AADSTS50013: Assertion failed. AADSTS500133: Assertion is not within its valid time range."}`: "clock",
		`{"error":"invalid_grant","error_description":"AADSTS70000: The grant is invalid. AADSTS53003: Blocked by Conditional Access."}`:              "Conditional Access",
		`{"error":"invalid_grant","error_description":"AADSTS50076: MFA. Trace: AADSTS700082"}`:                                                       "multi-factor",
		`{"error":"invalid_grant","error_codes":[70002,700082]}`:                                                                                      "expired or was revoked",
		`{"error":"invalid_grant","error_codes":["70002","700082"]}`:                                                                                  "expired or was revoked",
		`{"error":"invalid_client","error_description":"AADSTS70002: Error validating credentials."}`:                                                 "client secret is wrong",
		`{"error":{"code":"invalid_grant","message":"AADSTS700082: expired"}}`:                                                                        "expired or was revoked",
		"{\"error\":\"invalid_grant\",\"error_description\":\"\xff AADSTS50057\"}":                                                                    "account is disabled",
	} {
		s := newService(t, saying(200, signed))
		s.login = saying(400, body)
		assert.Contains(t, s.refusal().Hint(), hint, body)
	}
}
