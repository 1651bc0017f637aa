package partnercenter

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// The table of codes of PARTNER-CENTER.md, as an attestation meets it.
func TestAttestResults(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		means  attestation.SendResult
	}{
		"created":                              {201, `{}`, attestation.ResultSucceeded},
		"access denied, also with a new token": {401, `{"code":400}`, attestation.ResultNotSent},
		"a dead audience":                      {401, `{"code":900420}`, attestation.ResultNotSent},
		"no multi-factor sign-in":              {401, `{"code":"900421"}`, attestation.ResultNotSent},
		"an app-only token":                    {403, `{"code":900329}`, attestation.ResultNotSent},
		"the role lacks the right, 900308":     {403, `{"code":900308}`, attestation.ResultForbidden},
		"the role lacks the right, 900150":     {403, `{"code":"900150"}`, attestation.ResultForbidden},
		"the role lacks the right, 1002":       {403, `{"code":1002}`, attestation.ResultForbidden},
		"the role lacks the right, 2032":       {403, `{"code":"2032"}`, attestation.ResultForbidden},
		"a 403 without a word":                 {403, ``, attestation.ResultForbidden},
		"a 403 with a code that nobody knows":  {403, `{"code":4711}`, attestation.ResultForbidden},
		"the relationship ended": {403, `{"code":20002}`,
			attestation.ResultCustomerRejected},
		"the tenant is not there, 60003": {404, `{"code":60003}`,
			attestation.ResultCustomerRejected},
		"the customer is not there, 1000": {404, `{"code":"1000"}`,
			attestation.ResultCustomerRejected},
		"a 404 that names nothing may be the address's": {404, ``, attestation.ResultForbidden},
		"no agreement, whatever that means here": {404, `{"code":600009}`,
			attestation.ResultCustomerRejected},
		"the same signer, 409": {409, `{"code":600061}`,
			attestation.ResultDuplicateSigner},
		"the same signer, 400": {400, `{"code":"600061"}`,
			attestation.ResultDuplicateSigner},
		"the same signer, said with 500, is read back": {500, `{"code":600061}`,
			attestation.ResultDuplicateSigner},
		"invalid input, 600002": {400, `{"code":600002}`,
			attestation.ResultContentRejected},
		"invalid input, 3000": {400, `{"code":3000}`, attestation.ResultContentRejected},
		"invalid input, 800002": {400, `{"code":"800002"}`,
			attestation.ResultContentRejected},
		"invalid, without a code": {400, `{"message":"The request is invalid."}`,
			attestation.ResultContentRejected},
		"another conflict": {409, `{"code":4711}`,
			attestation.ResultCustomerRejected},
		"the route is closed, 405": {405, `{"message":"no"}`, attestation.ResultForbidden},
		"the route is closed, 410": {410, ``, attestation.ResultForbidden},
		"the route has moved":      {302, ``, attestation.ResultForbidden},
		"a 500":                    {500, `{"code":999}`, attestation.ResultUnknown},
		"a 5xx is no definite answer, whatever its code":     {500, `{"code":20002}`, attestation.ResultUnknown},
		"nor is one that calls the content wrong":            {503, `{"code":600002}`, attestation.ResultUnknown},
		"a success that nobody knows":                        {202, ``, attestation.ResultUnknown},
		"a gateway's page":                                   {403, `<html>`, attestation.ResultUnknown},
		"a gateway's page that looks like a success":         {200, `<html>`, attestation.ResultUnknown},
		"a time-out of the service":                          {408, ``, attestation.ResultUnknown},
		"a created agreement that is not what was asked for": {201, `[]`, attestation.ResultUnknown},
		"the route is closed, with a web page":               {404, `<html>`, attestation.ResultForbidden},
		"created, and repeated": {201,
			`{"primaryContact":{"email":" ANA@Customer.example"},"type":"MicrosoftCustomerAgreement"}`,
			attestation.ResultSucceeded},
		"a success that holds an error": {200, `{"code":600002,"description":"no"}`,
			attestation.ResultUnknown},
		"a success that holds the code of another spelling": {201, `{"Code":"20002"}`, attestation.ResultUnknown},
		"a success that holds an OData error": {200, `{"error":{"code":"900308"}}`,
			attestation.ResultUnknown},
		"a success that holds two codes": {200, `{"code":"","code":600061}`,
			attestation.ResultUnknown},
		"a success with an empty code is one": {201, `{"code":null,"type":"MicrosoftCustomerAgreement"}`,
			attestation.ResultSucceeded},
		"somebody else's agreement": {201,
			`{"primaryContact":{"email":"bia@customer.example"}}`, attestation.ResultUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, saying(c.status, c.body))
				a := attestation.Attestation{CustomerID: customerID}
				a.Content.Signer.Email = "ana@customer.example"
				answer, means, err := s.client.Attest(t.Context(), a, attestation.Request{ID: correlationID})
				require.Equal(t, c.means, means, "%v", err)
				require.Equal(t, c.means == attestation.ResultSucceeded, err == nil)
				if c.status >= 300 && c.status != 401 {
					require.Equal(t, c.status, answer.Status)
				}
				if c.means == attestation.ResultUnknown {
					require.Len(t, s.arrivals(), 1, "the client never repeats by itself what may have been done")
				}
			})
		})
	}
}

func TestThrottledAttestationWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, saying(429, ``, "Retry-After", "1"))
		_, means, err := s.client.Attest(t.Context(), attestation.Attestation{CustomerID: customerID},
			attestation.Request{ID: correlationID})
		require.Equal(t, attestation.ResultNotSent, means)
		require.Equal(t, Throttled, failed(t, err).Kind)
	})
}

// Microsoft retired the classic call; how it refuses is not documented.
func TestCheckAttest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind // 0: the call exists
	}{
		"invalid input":                      {400, `{"code":3000}`, 0},
		"invalid input, without a code":      {400, ``, 0},
		"no such customer":                   {404, `{"code":60003}`, 0},
		"no relationship with this customer": {403, `{"code":20002}`, 0},
		"gone":                               {410, ``, Retired},
		"not found":                          {404, ``, Retired},
		"not found, by a gateway":            {404, `{"statusCode":404,"message":"Resource not found"}`, Retired},
		"a code of another thing":            {404, `{"code":20003}`, Retired},
		"not allowed":                        {405, `{"message":"no"}`, Retired},
		"not found, as a web page":           {404, `<html>`, Retired},
		"gone, as a web page":                {410, `<html>`, Retired},
		"not allowed, as a web page":         {405, `<html>`, Retired},
		"moved":                              {301, ``, Redirected},
		"moved, with the method kept":        {308, ``, Redirected},
		"a code that is not known":           {403, `{"code":900999}`, Forbidden},
		"the role is missing":                {403, `{"code":900308}`, RoleMissing},
		"an error":                           {500, ``, Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, saying(c.status, c.body, "Location", "https://elsewhere.example/"))
			err := s.client.CheckAttest(t.Context(), correlationID)
			if c.kind == 0 && c.status < 500 {
				require.NoError(t, err)
			} else {
				e := failed(t, err)
				require.Equal(t, c.kind.String(), e.Kind.String())
				require.Equal(t, c.kind == Retired || c.kind == Forbidden,
					strings.Contains(e.Hint(), "attestation.route"), e.Hint())
			}
			require.Equal(t, "/v1/customers/00000000-0000-0000-0000-000000000000/agreements", s.arrivals()[0].uri)
		})
	}
}

// A service need not know every spelling of an id.
func TestAttestUsesTheSpellingOfTheService(t *testing.T) {
	t.Parallel()
	s := newService(t, saying(201, `{}`))
	a := attestation.Attestation{CustomerID: customerID, DisplayID: strings.ToUpper(customerID)}
	_, _, err := s.client.Attest(t.Context(), a, attestation.Request{ID: correlationID})
	require.NoError(t, err)
	require.Equal(t, "/v1/customers/"+strings.ToUpper(customerID)+"/agreements", s.arrivals()[0].uri)
}
