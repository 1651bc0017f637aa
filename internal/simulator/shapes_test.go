package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shape is the paths of a JSON value, each with its type. Items of a list are laid over each other.
type shape map[string]string

func (s shape) add(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		s.note(path, "object")
		for name, inner := range v {
			s.add(path+"."+name, inner)
		}
	case []any:
		s.note(path, "list")
		for _, inner := range v {
			s.add(path+"[]", inner)
		}
	case nil:
		s.note(path, "null")
	default:
		s.note(path, fmt.Sprintf("%T", v))
	}
}

// note keeps null only where nothing else was seen.
func (s shape) note(path, kind string) {
	if was, ok := s[path]; !ok || was == "null" {
		s[path] = kind
	}
}

func (s shape) addText(t *testing.T, text []byte) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(bytes.TrimPrefix(text, []byte(byteOrderMark)), &value), string(text))
	s.add("", value)
}

func example(t *testing.T, names ...string) shape {
	t.Helper()
	s := shape{}
	for _, name := range names {
		s.addText(t, exampleText(t, name))
	}
	return s
}

func exampleText(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "api", name))
	require.NoError(t, err)
	return text
}

func TestAnswersHaveTheShapesOfTheExamples(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 400, Mix: MixAllKinds, IndirectProvider: true, Night: 3})
	pascal := signedIn(t, Options{Seed: 1, Customers: 400, Mix: MixAllKinds, Names: PascalCase})
	everybody := func(ask caller, what string) (texts []string) {
		for i := range 400 {
			if got := ask.about(i, what); got.status == 200 {
				texts = append(texts, got.body)
			}
		}
		return texts
	}
	const mca = "/agreements?agreementType=MicrosoftCustomerAgreement"
	request := string(exampleText(t, "agreement_request.json"))
	for name, c := range map[string]struct {
		examples []string
		answers  []string
	}{
		"page with next": {[]string{"customers_page_with_next.json"},
			[]string{ask.get("/v1/customers?size=10").body}},
		"last page":         {[]string{"customers_page_last.json"}, []string{ask.get("/v1/customers").body}},
		"pascal page":       {[]string{"customers_page_pascal_case.json"}, []string{pascal.get("/v1/customers").body}},
		"customer":          {[]string{"customer.json"}, everybody(ask, "")},
		"agreements":        {[]string{"agreements.json", "agreements_none.json"}, everybody(ask, mca)},
		"pascal agreements": {[]string{"agreements_pascal_case.json"}, everybody(pascal, mca)},
		"direct": {[]string{"direct_signed.json", "direct_not_signed.json"},
			everybody(ask, "/directSignedMicrosoftCustomerAgreementStatus")},
		"subscriptions": {[]string{"subscriptions.json"}, everybody(ask, "/subscriptions")},
		"metadata": {[]string{"agreement_metadata.json"},
			[]string{ask.get("/v1/agreements?agreementType=MicrosoftCustomerAgreement").body}},
		"document": {[]string{"agreement_document.json"},
			[]string{ask.get("/v1/agreementtemplates/" + mcaTemplate + "/document").body}},
		"invitation": {[]string{"relationship_request.json"},
			[]string{ask.get("/v1/customers/relationshiprequests").body}},
		"resellers": {[]string{"resellers.json"},
			[]string{ask.get("/v1/relationships?relationship_type=IsIndirectCloudSolutionProviderOf").body}},
		"audit": {[]string{"audit_records.json"}, []string{ask.get("/v1/auditrecords").body}},
		"token v1": {[]string{"token_v1.json"},
			[]string{ask.login("/contoso/oauth2/token", loginForm()).body}},
		"token v2": {[]string{"token_v2.json"}, []string{
			ask.login("/contoso/oauth2/v2.0/token", loginForm("resource", "", "scope", audience+
				"/.default offline_access")).body}},
		"form G": {[]string{"error_g_token_expired.json"},
			[]string{ask.login("/contoso/oauth2/token", loginForm("refresh_token", "x")).body}},
		"form E": {[]string{"error_e_message_only.json"},
			[]string{ask.get("/v1/customers", "MS-RequestId", "x").body}},
		"created": {[]string{"agreement_created.json"},
			[]string{ask.post(ask.first(NeverAccepted), request).body}},
		"pascal created": {[]string{"agreement_created_pascal_case.json"},
			[]string{pascal.post(pascal.first(NeverAccepted), signed("phoneNumber", "null")).body}},
		"already exists": {[]string{"error_c_600061_already_exists.json"},
			[]string{ask.post(ask.first(NeverAccepted), request).body}},
		"future date": {[]string{"error_c_600002_future_date.json"}, []string{
			ask.post(ask.first(NeverAccepted), signed("dateAgreed", `"2026-11-23T00:00:00Z"`)).body}},
		"form C": {[]string{"error_c_600009.json", "error_c_600061_already_exists.json"},
			[]string{ask.about(ask.first(NeverAcceptedError), mca).body}},
	} {
		t.Run(name, func(t *testing.T) {
			got := shape{}
			for _, text := range c.answers {
				got.addText(t, []byte(text))
			}
			assert.Equal(t, example(t, c.examples...), got)
		})
	}
}

func TestErrorsComeInFormsAAndB(t *testing.T) {
	ask := signedIn(t, Options{Seed: 1, Customers: 400, Mix: MixAllKinds})
	forms := []shape{example(t, "error_a_20002_number.json"), example(t, "error_b_900421_text.json")}
	seen := map[string]bool{}
	for i := range 400 {
		if ask.sim.World().Customer(i).Kind != RelationshipEnded {
			continue
		}
		got := ask.about(i, "")
		require.Equal(t, 403, got.status)
		require.Equal(t, "20002", got.code(t))
		s := shape{}
		s.addText(t, []byte(got.body))
		assert.Contains(t, forms, s)
		seen[s[".code"]] = true
	}
	assert.Len(t, seen, 2)
}

func TestExamplesOfSuccessStartWithAByteOrderMark(t *testing.T) {
	for _, name := range []string{"customers_page_with_next.json", "agreements.json", "direct_signed.json"} {
		assert.True(t, bytes.HasPrefix(exampleText(t, name), []byte(byteOrderMark)), name)
	}
	assert.Empty(t, exampleText(t, "error_f_empty_403.txt"))
	assert.Equal(t, gatewayPage, string(exampleText(t, "gateway_503.html")))
}

func TestRefusalsOfAttestationsAreThoseOfTheExamples(t *testing.T) {
	for name, ask := range map[string]caller{
		"error_a_3000_number.json":  signedIn(t, Options{Seed: 1, Customers: 200}),
		"error_b_900150_text.json":  signedIn(t, Options{Seed: 1, Customers: 200, IndirectReseller: true}),
		"error_b_900421_text.json":  signedIn(t, Options{Seed: 1, Customers: 200, MissingMFA: true}),
		"error_a_20002_number.json": signedIn(t, Options{Seed: 1, Customers: 200, Mix: MixAllKinds}),
		"error_f_empty_403.txt": signedIn(t, Options{Seed: 1, Customers: 200, MissingRole: RoleMissingOnWrites,
			EmptyForbidden: true}),
	} {
		var answers []string
		for i := range 200 {
			answers = append(answers, ask.post(i, signed("email", `"x"`)).body)
		}
		assert.Contains(t, answers, strings.TrimSuffix(string(exampleText(t, name)), "\n"))
	}
}
