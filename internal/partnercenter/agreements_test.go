package partnercenter

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

func agreementsIn(t *testing.T, body string) ([]standing.Agreement, error) {
	t.Helper()
	return newService(t, saying(200, body)).client.Agreements(t.Context(), customerID)
}

func TestAgreementTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		item string
		want []standing.Agreement
	}{
		{"a customer agreement", `{"type":"MicrosoftCustomerAgreement","dateAgreed":"2024-05-06T00:00:00Z"}`,
			[]standing.Agreement{{Agreed: "2024-05-06"}}},
		{"its type in other letters", `{"Type":"microsoftcustomeragreement","DateAgreed":"2024-05-06T00:00:00Z"}`,
			[]standing.Agreement{{Agreed: "2024-05-06"}}},
		{"a Cloud agreement never", `{"type":"MicrosoftCloudAgreement","dateAgreed":"2024-05-06T00:00:00Z"}`, nil},
		{"a missing type: there is something, but it clears nobody", `{"dateAgreed":"2024-05-06T00:00:00Z"}`,
			[]standing.Agreement{{}}},
		{"a type of null", `{"type":null,"dateAgreed":"2024-05-06T00:00:00Z"}`, []standing.Agreement{{}}},
		{"a missing date", `{"type":"MicrosoftCustomerAgreement"}`, []standing.Agreement{{}}},
		{"nothing at all", `null`, []standing.Agreement{{}}},
		{"a type that is no text", `{"type":{"name":"MicrosoftCustomerAgreement"},"dateAgreed":"2024-05-06"}`,
			[]standing.Agreement{{}}},
		{"a type that stands twice",
			`{"type":"MicrosoftCloudAgreement","Type":"MicrosoftCustomerAgreement","dateAgreed":"2024-05-06"}`,
			[]standing.Agreement{{}}},
		{"a date that stands twice",
			`{"type":"MicrosoftCustomerAgreement","dateAgreed":"2024-05-06","DateAgreed":"2019-01-01"}`,
			[]standing.Agreement{{}}},
		{"a date that is a number", `{"type":"MicrosoftCustomerAgreement","dateAgreed":1714953600}`,
			[]standing.Agreement{{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := agreementsIn(t, `{"items":[`+c.item+`]}`)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestUnknownAgreementTypeIsNoProofOfAbsence(t *testing.T) {
	for name, c := range map[string]struct {
		items string
		found []standing.Agreement
	}{
		"alone":                    {`{"type":"MicrosoftCustomerAgreementV2","dateAgreed":"2024-05-06"}`, nil},
		"before one that is known": {`{"type":"MicrosoftCustomerAgreementV2"},{"type":"MicrosoftCustomerAgreement","dateAgreed":"2019-05-06"}`, []standing.Agreement{{Agreed: "2019-05-06"}}},
		"behind one that is known": {`{"type":"MicrosoftCustomerAgreement","dateAgreed":"2024-05-06"},{"type":"MicrosoftCustomerAgreementV2"}`, []standing.Agreement{{Agreed: "2024-05-06"}}},
		"beside a Cloud agreement": {`{"type":"MicrosoftCloudAgreement"},{"type":"MicrosoftCustomerAgreementV2"}`,
			nil},
		"by a number, as enums were": {`{"type":"MicrosoftCloudAgreement"},{"type":3,"name":"MicrosoftCustomerAgreementV2"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := agreementsIn(t, `{"items":[`+c.items+`]}`)
			e := failed(t, err)
			assert.Equal(t, Malformed, e.Kind)
			assert.Equal(t, standing.OutcomeUnreadable, e.Outcome())
			assert.Contains(t, e.Message, "not known")
			if name != "by a number, as enums were" {
				assert.Contains(t, e.Message, `"MicrosoftCustomerAgreementV2"`)
			}
			assert.Equal(t, c.found, got, "what is known may still clear the customer")
		})
	}
}

func TestExampleAgreements(t *testing.T) {
	s := newService(t, saying(200, example(t, "agreements.json")))
	got, err := s.client.Agreements(t.Context(), customerID)
	require.NoError(t, err)
	assert.Equal(t, "/v1/customers/"+customerID+"/agreements?agreementType=MicrosoftCustomerAgreement",
		s.arrivals()[0].uri)
	require.Len(t, got, 3)
	assert.Equal(t, standing.Agreement{Agreed: "2019-08-26",
		Signer: standing.Contact{FirstName: "João", LastName: "da Silva", Email: "signer17@fabrikam.example",
			Phone: "+55 11 95550 0123"}}, got[0])
	assert.Equal(t, standing.Agreement{Agreed: "2024-02-29",
		Signer: standing.Contact{FirstName: "Ana", LastName: "Gonçalves",
			Email: "signer4@fabrikam.example"}}, got[1], "without a phone number")

	got, err = agreementsIn(t, example(t, "agreements_pascal_case.json"))
	require.NoError(t, err)
	require.Len(t, got, 3)
	assert.Equal(t, standing.Agreement{Agreed: "2024-05-06",
		Signer: standing.Contact{FirstName: "Alice", LastName: "O'Brien", Email: "signer8@adatum.example"}}, got[0])
}

func TestMissingOrOddSigner(t *testing.T) {
	for contact, want := range map[string]standing.Contact{
		`null`:                    {},
		`{}`:                      {},
		`{"firstName":null}`:      {},
		`{"firstName":"a\u0000"}`: {FirstName: "a\uFFFD"},
		`{"phoneNumber":"\u0000","email":"\u0000","lastName":"\u0000"}`: {Phone: "\uFFFD", Email: "\uFFFD",
			LastName: "\uFFFD"},
	} {
		got, err := agreementsIn(t, fmt.Sprintf(`{"items":[{"type":"MicrosoftCustomerAgreement","primaryContact":%s}]}`,
			contact))
		require.NoError(t, err)
		assert.Equal(t, []standing.Agreement{{Signer: want}}, got)
	}
}

func TestDateForms(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       standing.Date
	}{
		{"no zone is UTC", "2019-08-26T00:00:00", "2019-08-26"},
		{"no zone, seven digits", "2019-08-26T23:59:59.9999999", "2019-08-26"},
		{"Z", "2023-04-01T00:00:00Z", "2023-04-01"},
		{"Z, seven digits", "2023-03-31T23:59:59.9999999Z", "2023-03-31"},
		{"an offset whose day is the one before in UTC", "2023-04-01T01:30:00+02:00", "2023-03-31"},
		{"an offset whose day is the one after in UTC", "2023-03-31T20:00:00.0000000-05:00", "2023-04-01"},
		{"with a space", "2024-02-29 17:30:00", "2024-02-29"},
		{"a day alone", "2024-02-29", "2024-02-29"},
		{"with spaces around", " 2024-02-29T17:30:00Z ", "2024-02-29"},
		{"year 1 is no date", "0001-01-01T00:00:00", ""},
		{"year 1, east of UTC", "0001-01-01T00:00:00+08:00", ""},
		{"the end of time", "9999-12-31T23:59:59.9999999", "9999-12-31"},
		{"the end of time, west of UTC: as a text it would come before all others", "9999-12-31T23:59:59-08:00", ""},
		{"a day that does not exist", "2023-02-29T00:00:00Z", ""},
		{"garbage", "yesterday", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, day(c.text))
		})
	}
}

func TestNoAgreement(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 500} {
		s := newService(t, saying(status, example(t, "error_c_600009.json")))
		got, err := s.client.Agreements(t.Context(), customerID)
		require.NoError(t, err)
		assert.Empty(t, got)
		assert.Len(t, s.arrivals(), 1)
	}
	got, err := agreementsIn(t, example(t, "agreements_none.json"))
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestAgreementsOverSeveralPages(t *testing.T) {
	const first = `{"items":[{"type":"MicrosoftCustomerAgreement","dateAgreed":"2024-05-06"}],"links":{"next":{"uri":"/more"}}}`
	s := newService(t, inTurn(saying(200, first),
		saying(200, `{"items":[{"type":"MicrosoftCustomerAgreement","dateAgreed":"2025-05-06"}]}`)))
	got, err := s.client.Agreements(t.Context(), customerID)
	require.NoError(t, err)
	assert.Equal(t, []standing.Agreement{{Agreed: "2024-05-06"}, {Agreed: "2025-05-06"}}, got)

	s = newService(t, inTurn(saying(200, first), saying(404, `{"code":600009}`)))
	got, err = s.client.Agreements(t.Context(), customerID)
	require.NoError(t, err)
	assert.Equal(t, []standing.Agreement{{Agreed: "2024-05-06"}}, got,
		"no more agreements does not mean that there were none")

	s = newService(t, inTurn(saying(200, first), saying(404, `{"code":60003}`)))
	got, err = s.client.Agreements(t.Context(), customerID)
	require.Error(t, err)
	assert.Empty(t, got, "half a list is none")
}
