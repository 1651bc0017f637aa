package partnercenter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

const attestationID = "7f1e2d3c-4b5a-4968-8776-655443322110"

var (
	signatory = attestation.Signatory{Contact: standing.Contact{FirstName: "João", LastName: "da Silva",
		Email: "joao@fabrikam.example", Phone: "+5511955500123"},
		CompanyName: "Fabrikam Ltda.", Country: "br", Language: "pt-BR"}
	request = attestation.Request{ID: correlationID, TemplateID: "117a77b0-9360-443b-8795-c6dedc750cf9"}
)

func create(t *testing.T, s *service) (attestation.AcceptLink, attestation.SendResult, error) {
	t.Helper()
	link, _, result, err := s.client.CreateAttestation(t.Context(), signatory, request)
	return link, result, err
}

func fields(t *testing.T, body string) (fields map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(body), &fields))
	return fields
}

func TestCreateAttestation(t *testing.T) {
	t.Parallel()
	s := newService(t, saying(201, `{"attestationId":"`+strings.ToUpper(attestationID)+
		`","expirationTime":"2026-12-03T10:00:00Z"}`), withRefreshToken(saved(t, "refresh-0")))
	link, result, err := create(t, s)
	require.NoError(t, err)
	require.Equal(t, attestation.ResultSucceeded, result)
	assert.Equal(t, attestationID, link.ExternalID)
	assert.Equal(t, "https://cdn.partner.microsoft.com/mca/?attestationid="+attestationID, link.URL)
	assert.Equal(t, "2026-12-03T10:00:00Z", link.ExpiresAt.Format("2006-01-02T15:04:05Z07:00"))

	call := s.arrivals()[0]
	assert.Equal(t, "/v1/attestations/enhanced", call.uri)
	assert.Equal(t, correlationID, call.header.Get("MS-RequestId"))
	assert.Equal(t, "client_credentials", s.signIns()[0].Get("grant_type"), "the app alone")
	assert.Equal(t, map[string]any{"country": "BR", "signatoryFirstName": "João", "signatoryLastName": "da Silva",
		"companyName": "Fabrikam Ltda.", "emailAddress": "joao@fabrikam.example", "phoneNumber": "+5511955500123",
		"language": "pt-BR", "expirationInMinutes": 10080.0}, fields(t, call.body))

	s = newService(t, saying(202, `{"AttestationId":"`+attestationID+`"}`), func(o *Options) {
		o.Enhanced = Enhanced{EmailField: "signatoryEmail", PhoneField: "signatoryPhoneNumber",
			ExpiryField: "expirationTime", ExpiryMinutes: 60}
	})
	_, _, err = create(t, s)
	require.NoError(t, err)
	sent := fields(t, s.arrivals()[0].body)
	assert.Equal(t, "joao@fabrikam.example", sent["signatoryEmail"])
	assert.Equal(t, "+5511955500123", sent["signatoryPhoneNumber"])
	assert.InDelta(t, 60, sent["expirationTime"], 0)
	assert.NotContains(t, sent, "emailAddress")
	assert.NotContains(t, sent, "expirationInMinutes")
}

func TestAcceptLinks(t *testing.T) {
	t.Parallel()
	built := "https://cdn.partner.microsoft.com/mca/?attestationid=" + attestationID
	for url, want := range map[string]string{
		"https://cdn.partner.microsoft.com/mca2/?id=x": "https://cdn.partner.microsoft.com/mca2/?id=x",
		"https://ADMIN.Microsoft.com/a":                "https://ADMIN.Microsoft.com/a",
		"http://127.0.0.1:8080/mca/":                   "http://127.0.0.1:8080/mca/",
		"http://cdn.partner.microsoft.com/mca":         built,
		"https://microsoft.com.evil.example/mca":       built,
		"https://evilmicrosoft.com/mca":                built,
		"https://user@cdn.partner.microsoft.com/mca":   built,
		"javascript:alert(1)":                          built,
		"":                                             built,
	} {
		link, _, err := create(t, newService(t, saying(201, `{"attestationId":"`+attestationID+`","attestationUrl":"`+
			url+`"}`)))
		require.NoError(t, err)
		assert.Equal(t, want, link.URL, url)
	}
}

func TestCreateAttestationResults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		means  attestation.SendResult
		kind   Kind
	}{
		"created with 200": {saying(200, `{"attestationId":"`+attestationID+`"}`),
			attestation.ResultSucceeded, 0},
		"within another object": {saying(201, `{"attestation":{"attestationId":"`+attestationID+`"}}`),
			attestation.ResultSucceeded, 0},
		"the id alone":       {saying(201, `{"id":"`+attestationID+`"}`), attestation.ResultSucceeded, 0},
		"the same signatory": {saying(409, `{"code":600061}`), attestation.ResultDuplicateSigner, Refused},
		"invalid input":      {saying(400, `{"code":600002}`), attestation.ResultContentRejected, Refused},
		"invalid input, E": {saying(400, `{"message":"The request is invalid."}`),
			attestation.ResultContentRejected, Refused},
		"no such address":  {saying(404, ``), attestation.ResultForbidden, AddressNotFound},
		"gone":             {saying(410, ``), attestation.ResultForbidden, AddressNotFound},
		"a user is needed": {saying(403, `{"code":900150}`), attestation.ResultForbidden, RoleMissing},
		"an error":         {saying(500, ``), attestation.ResultUnknown, Unavailable},
		"a page":           {saying(200, `<html>`), attestation.ResultUnknown, Unavailable},
		"a lost answer":    {reset, attestation.ResultUnknown, Unavailable},
		"half an answer": {halfOf(201, `{"attestationId":"`+attestationID+`"}`), attestation.ResultUnknown,
			Unavailable},
		"no body": {saying(204, ``), attestation.ResultUnknown, Unexpected},
		"another name of the id": {saying(201, `{"enhancedId":"`+attestationID+`"}`), attestation.ResultUnknown,
			Unexpected},
		"an id that is no GUID": {saying(201, `{"attestationId":"17"}`), attestation.ResultUnknown, Unexpected},
		"an id that stands twice": {saying(201, `{"attestationId":"`+attestationID+`","AttestationId":"`+customerID+
			`"}`), attestation.ResultUnknown, Unexpected},
		"a list": {saying(201, `["`+attestationID+`"]`), attestation.ResultUnknown, Unexpected},
		"throttled and then accepted": {inTurn(saying(429, ``, "Retry-After", "1"),
			saying(201, `{"attestationId":"`+attestationID+`"}`)), attestation.ResultSucceeded, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, c.answer)
				link, result, err := create(t, s)
				assert.Equal(t, c.means, result)
				if c.means == attestation.ResultSucceeded {
					require.NoError(t, err)
					require.Equal(t, attestationID, link.ExternalID)
					return
				}
				e := failed(t, err)
				assert.Equal(t, c.kind.String(), e.Kind.String())
				holdsNothing(t, e.Error(), attestationID, "joao@", "Silva")
				assert.Equal(t, c.kind == Unexpected, link.Unexpected != nil)
				assert.Len(t, s.arrivals(), 1, "never repeated by itself")
			})
		})
	}
}

// An unexpected answer is kept as it came, without links and personal data.
func TestUnexpectedAnswersAreRedacted(t *testing.T) {
	t.Parallel()
	body := `{"EnhancedAttestationId":"` + attestationID + `","link":"https://cdn.partner.microsoft.com/mca/?attestationid=` + attestationID + `",
		"signatory":{"firstName":"João","email":"joao@fabrikam.example","phone":5511955500123,"title":null},"attestationStatus":"Pending","expires":"2026-12-03T10:00:00Z",
		"history":[{"State":"Created","by":"jan"},"jan@partner.example",true],"countryCode":"BR","language":"pt-BR","status":"joao silva"}`
	link, _, err := create(t, newService(t, saying(201, "\ufeff"+body)))
	require.Equal(t, Unexpected, failed(t, err).Kind)
	assert.Equal(t, 201, link.Unexpected.Status)
	assert.Contains(t, link.Unexpected.Expected, "attestationId")
	assert.JSONEq(t, `{"EnhancedAttestationId":"[an id]","link":"[a link]",
		"signatory":{"firstName":"[a text of 4 characters]","email":"[an address]","phone":"[a number]","title":null},"attestationStatus":"Pending","expires":"2026-12-03T10:00:00Z",
		"history":[{"State":"Created","by":"[a text of 3 characters]"},"[an address]",true],"countryCode":"BR","language":"pt-BR","status":"[a text of 10 characters]"}`, link.Unexpected.Body)
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       attestation.Acceptance
		unexpected bool
	}{
		{"pending", `{"attestationStatus":"Pending"}`, attestation.Acceptance{State: attestation.Waiting,
			Word: "Pending"}, false},
		{"accepted", `{"attestationId":"x","attestationStatus":"Accepted","dateAgreed":"2025-09-10 00:00:00"}`,
			attestation.Acceptance{State: attestation.Accepted, Word: "Accepted", AcceptedOn: "2025-09-10"}, false},
		{"accepted, in other words and letters",
			`{"Status":"CUSTOMER_ACCEPTED","AcceptedDate":"2026-11-20T23:30:00-03:00"}`,
			attestation.Acceptance{State: attestation.Accepted, Word: "CUSTOMER_ACCEPTED", AcceptedOn: "2026-11-21"},
			false},
		{"accepted, without a date", `{"status":"accepted"}`, attestation.Acceptance{State: attestation.Accepted,
			Word: "accepted"}, false},
		{"the document", `{"status":"accepted","agreementLink":"https://documents.example/x"}`,
			attestation.Acceptance{State: attestation.Accepted, Word: "accepted",
				DocumentURL: "https://documents.example/x"}, false},
		{"a document without encryption", `{"status":"accepted","agreementLink":"http://documents.example/x"}`,
			attestation.Acceptance{State: attestation.Accepted, Word: "accepted"}, false},
		{"expired", `{"state":"link expired"}`, attestation.Acceptance{State: attestation.Expired,
			Word: "link expired"}, false},
		{"the agreement is there", `{"status":"AgreementCreated","dateAgreed":"2026-11-20"}`,
			attestation.Acceptance{State: attestation.Confirmed, Word: "AgreementCreated", AcceptedOn: "2026-11-20"},
			false},
		{"a date of what is not accepted", `{"status":"pending","dateAgreed":"2026-11-20"}`,
			attestation.Acceptance{State: attestation.Waiting, Word: "pending"}, false},
		{"in an inner object", `{"result":{"attestationStatus":"Accepted"}}`,
			attestation.Acceptance{State: attestation.Accepted, Word: "Accepted"}, false},
		{"a word that is not known is pending", `{"status":"UnderReview"}`,
			attestation.Acceptance{State: attestation.Waiting, Word: "UnderReview"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, saying(200, c.body))
			got, err := s.client.Acceptance(t.Context(), attestationID)
			require.NoError(t, err)
			assert.Equal(t, c.unexpected, got.Unexpected != nil)
			got.Unexpected = nil
			assert.Equal(t, c.want, got)
			assert.Equal(t, "/v1/attestations/enhanced/"+attestationID, s.arrivals()[0].uri)
		})
	}

	for body, kind := range map[string]Kind{`{}`: Unexpected, `[]`: Unexpected, `{"status":7}`: Unexpected,
		`{"attestation":"Accepted"}`: Unexpected} {
		got, err := newService(t, saying(200, body)).client.Acceptance(t.Context(), attestationID)
		e := failed(t, err)
		assert.Equal(t, kind, e.Kind, body)
		assert.True(t, e.Fatal())
		assert.Equal(t, "attestation.enhanced.status_path", got.Unexpected.Setting)
		holdsNothing(t, e.Error(), attestationID)
	}
	for body, kind := range map[string]Kind{``: AddressNotFound, `{"code":1000}`: NotFound} {
		s := newService(t, saying(404, body), func(o *Options) { o.Enhanced.StatusPath = "/v1/mca/{id}/state" })
		_, err := s.client.Acceptance(t.Context(), attestationID)
		e := failed(t, err)
		assert.Equal(t, kind, e.Kind)
		assert.Equal(t, "/v1/mca/"+attestationID+"/state", s.arrivals()[0].uri)
		assert.Contains(t, e.Hint(), "status_path")
	}
}

func TestCreateAgreement(t *testing.T) {
	t.Parallel()
	accepted := attestation.Attestation{CustomerID: customerID, Content: attestation.Content{Signer: signatory.Contact},
		Enhanced: attestation.Enhanced{ExternalID: attestationID, AcceptedOn: "2026-11-20",
			DocumentURL: "https://documents.example/x"}}
	for name, c := range map[string]struct {
		user  bool
		grant string
	}{"by the app alone": {false, "client_credentials"}, "by the app with its user": {true, "refresh_token"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, saying(201, `{}`), withRefreshToken(saved(t, "refresh-0")),
				func(o *Options) { o.Enhanced.AgreementWithUser = c.user })
			answer, result, err := s.client.CreateAgreement(t.Context(), accepted, request)
			require.NoError(t, err)
			assert.Equal(t, attestation.ResultSucceeded, result)
			assert.Equal(t, correlationID, answer.RequestID)
			assert.Equal(t, c.grant, s.signIns()[0].Get("grant_type"))
			call := s.arrivals()[0]
			assert.Equal(t, "/v1/customers/"+customerID+"/agreements", call.uri)
			assert.Equal(t, map[string]any{"attestationId": attestationID,
				"agreementLink": "https://documents.example/x", "dateAgreed": "2026-11-20T00:00:00Z",
				"type": "MicrosoftCustomerAgreement", "templateId": request.TemplateID,
				"primaryContact": map[string]any{
					"firstName": "João", "lastName": "da Silva", "email": "joao@fabrikam.example",
					"phoneNumber": "+5511955500123"}}, fields(t, call.body))
		})
	}
	for status, means := range map[int]attestation.SendResult{400: attestation.ResultContentRejected,
		404: attestation.ResultForbidden, 500: attestation.ResultUnknown, 403: attestation.ResultForbidden} {
		s := newService(t, saying(status, ``))
		_, result, err := s.client.CreateAgreement(t.Context(), accepted, request)
		e := failed(t, err)
		assert.Equal(t, means, result, status)
		assert.NotEqual(t, Retired, e.Kind, "it is the classic call that is retired")
		holdsNothing(t, e.Error(), attestationID)
	}
}

func TestCheckEnhanced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		good   bool
	}{
		"not found": {404, `{"code":1000}`, true}, "an empty 404": {404, ``, true},
		"invalid": {400, `{"code":3000}`, true}, "no right": {403, ``, false},
		"the app is refused": {401, `{"code":400}`, false}, "an error": {500, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := newService(t, saying(c.status, c.body)).client.CheckEnhanced(t.Context())
				assert.Equal(t, c.good, err == nil, "%v", err)
			})
		})
	}
}

func TestStoppedEnhancedCallsAreUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		s := newService(t, func(_ http.ResponseWriter, r *http.Request) { cancel(enough); <-r.Context().Done() })
		_, _, result, err := s.client.CreateAttestation(ctx, signatory, request)
		require.ErrorIs(t, err, enough)
		assert.Equal(t, attestation.ResultUnknown, result)
	})
}
