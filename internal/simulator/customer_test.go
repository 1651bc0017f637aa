package simulator

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	mcaAgreements = "/agreements?agreementType=MicrosoftCustomerAgreement"
	directStatus  = "/directSignedMicrosoftCustomerAgreementStatus"
)

func TestEachKindAnswersAsItShould(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 500, Mix: MixAllKinds})
	type want struct{ detail, agreements, direct, subscriptions string }
	fine := want{"200", "200", "200", "200"}
	cases := map[Kind]want{
		NotReseller:       {"200", "403 20002", "403 20002", "403 20002"},
		RelationshipEnded: {"403 20002", "403 20002", "403 20002", "403 20002"},
		Vanished:          {"404", "404", "404", "404"},
		RoleMissing:       {"200", "403", "403", "200"},
	}
	for i := range 500 {
		kind := ask.sim.World().Customer(i).Kind
		want, odd := cases[kind]
		if !odd {
			want = fine
		}
		check := func(what, want string) {
			got := ask.about(i, what)
			short := strings.TrimSpace(
				strings.Join([]string{strings.Split("200 400 401 403 404 500", " ")[indexOf(got.status)],
					codeOf(t, got)}, " "))
			if want == "404" {
				require.Contains(t, []string{"404 60003", "404 1000"}, short, "%s %s", kind, what)
				return
			}
			if want == "403" {
				require.Contains(t, []string{"403 900308", "403"}, short, "%s %s", kind, what)
				return
			}
			if short == "404 600009" || short == "400 600009" {
				require.Contains(t, []Kind{NeverAcceptedError, AcceptedDirectly}, kind)
				require.Equal(t, mcaAgreements, what)
				return
			}
			require.Equal(t, want, short, "%s %s", kind, what)
		}
		check("", want.detail)
		check(mcaAgreements, want.agreements)
		check(directStatus, want.direct)
		check("/subscriptions", want.subscriptions)
	}
}

func indexOf(status int) int {
	for n, known := range []int{200, 400, 401, 403, 404, 500} {
		if status == known {
			return n
		}
	}
	return -1
}

func codeOf(t *testing.T, a answer) string {
	t.Helper()
	if a.status == 200 {
		return ""
	}
	return a.code(t)
}

func TestAgreementsAreWhatTheWorldSays(t *testing.T) {
	type item struct {
		PrimaryContact *Contact
		TemplateID     string
		DateAgreed     *string
		Type           string
	}
	read := func(got answer) []item {
		var list struct{ Items []item }
		require.Equal(t, 200, got.status, got.body)
		require.NoError(t, json.Unmarshal(bytes.TrimPrefix([]byte(got.body), []byte(byteOrderMark)), &list))
		return list.Items
	}
	for _, names := range []NameCase{CamelCase, PascalCase, MixedCase} {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds, Names: names,
			EmptyAgreements: EmptyAsList})
		for i := range 300 {
			c := ask.sim.World().Customer(i)
			if standing, reason := c.Expect(true); standing == "excluded" || reason == "relationship_ended" ||
				reason == "not_found" || c.Kind == RoleMissing {
				continue
			}
			for query, wanted := range map[string]string{
				"":                            cloudType,
				"?agreementType=*":            "",
				"?agreementType=" + mcaType:   mcaType,
				"?agreementType=" + cloudType: cloudType,
				"?agreementType=" + strings.ToLower(mcaType): mcaType,
			} {
				got := read(ask.about(i, "/agreements"+query))
				var want []Agreement
				for _, a := range c.Agreements {
					if wanted == "" || a.Type == wanted {
						want = append(want, a)
					}
				}
				require.Len(t, got, len(want), "%s %s", c.Kind, query)
				for n, a := range want {
					assert.Equal(t, a.Contact, got[n].PrimaryContact)
					assert.Equal(t, a.TemplateID, got[n].TemplateID)
					if a.DateAgreed == "" {
						assert.Nil(t, got[n].DateAgreed)
					} else {
						assert.Equal(t, a.DateAgreed, *got[n].DateAgreed)
					}
				}
			}
			var direct struct{ IsSigned *bool }
			text := ask.about(i, directStatus).body
			require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(text, byteOrderMark)), &direct))
			assert.Equal(t, c.IsSigned, *direct.IsSigned)
		}
	}
}

func TestNoAgreementCanAlwaysBeAnErrorOrAList(t *testing.T) {
	for form, want := range map[EmptyAgreements][]int{EmptyAsList: {200}, EmptyAsError: {400, 404}} {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds, EmptyAgreements: form})
		for i := range 300 {
			switch ask.sim.World().Customer(i).Kind {
			case NeverAccepted, NeverAcceptedError, CloudOnly, AcceptedDirectly:
				assert.Contains(t, want, ask.about(i, mcaAgreements).status)
			}
		}
	}
}

func TestRoleMissingCanAlwaysHaveNoBody(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds, EmptyForbidden: true})
	got := ask.about(ask.first(RoleMissing), mcaAgreements)
	assert.Equal(t, 403, got.status)
	assert.Empty(t, got.body)
	assert.Empty(t, got.header.Get("Content-Type"))
}

func TestCustomersWhoLeftAnswerLikeStrangers(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds, Night: 10})
	seen := map[int]int{}
	for i := range 300 {
		if !ask.sim.Listed(i) {
			seen[ask.about(i, "").status]++
		}
	}
	assert.Positive(t, seen[403])
	assert.Positive(t, seen[404])
	assert.Len(t, seen, 2)
}

func TestBrokenCustomersNeverHealAndAreExpectedUnreadable(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, BrokenCustomers: 0.1})
	broken := 0
	for i := range 300 {
		_, reason := ask.sim.World().Customer(i).Expect(true)
		_, expected := ask.sim.Expect(i, true)
		if reason == expected {
			continue
		}
		broken++
		assert.Equal(t, "unreadable", expected)
		for range 5 {
			assert.Equal(t, 500, ask.about(i, mcaAgreements).status)
		}
	}
	assert.InDelta(t, 30, broken, 15)
}

func TestStrangersAndNonsense(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 10})
	for path, want := range map[string]int{
		"/v1/customers/" + uuid.NewString():     404,
		"/v1/customers/me":                      400,
		"/v1/nothing":                           404,
		"/v1/customers/a/b/c":                   404,
		"/v1":                                   404,
		"/elsewhere":                            404,
		"/v1/agreements?agreementType=Other":    400,
		"/v1/agreementtemplates/x/document":     404,
		"/v1/auditrecords?startDate=2020-01-01": 400,
		"/v1/auditrecords?startDate=yesterday":  400,
		"/v1/CUSTOMERS":                         200,
		"/v1/agreementtemplates/" + mcaTemplate + "/document?country=br":                  200,
		"/v1/agreementtemplates/" + cloudTemplate + "/document?language=pt-BR&country=BR": 200,
	} {
		if strings.HasSuffix(path, "country=br") {
			want = 400
		}
		assert.Equal(t, want, ask.get(path).status, path)
	}
	for path, allowed := range map[string]string{"/v1/customers": "GET", "/v1/customers/" + uuid.NewString() +
		"/agreements": "GET, POST"} {
		got := ask.send(ask.request("PUT", path))
		assert.Equal(t, 405, got.status)
		assert.Equal(t, allowed, got.header.Get("Allow"))
	}
	assert.Equal(t, 405, ask.send(ask.request("POST", "/v1/customers")).status)
}

func TestMetadataKnowsBothTemplates(t *testing.T) {
	ask := signedIn(t, Options{})
	for query, want := range map[string]int{"": 1, "?agreementType=" + mcaType: 1, "?agreementType=*": 2} {
		assert.Len(t, ask.get("/v1/agreements" + query).fields(t)["items"], want, query)
	}
	assert.Contains(t, ask.get("/v1/agreements").body, cloudTemplate, "without the parameter: the old agreement")
}

func TestActivityLogTellsWhatChanged(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 1000, Mix: MixAllKinds, Night: 40})
	operations, ids := map[string]int{}, map[string]bool{}
	got := ask.get("/v1/auditrecords?size=50")
	for {
		for _, item := range got.fields(t)["items"].([]any) {
			record := item.(map[string]any)
			operations[record["operationType"].(string)]++
			ids[record["id"].(string)] = true
			assert.GreaterOrEqual(t, record["operationDate"].(string), "2026-10-23")
			assert.Less(t, record["operationDate"].(string), "2026-11-23")
		}
		page := got.listing(t)
		if page.Links.Next == nil {
			break
		}
		got = ask.next(page)
	}
	assert.Len(t, operations, 3)
	total := 0
	for operation, n := range operations {
		assert.Positive(t, n, operation)
		total += n
	}
	assert.Len(t, ids, total, "ids are distinct")
	assert.Equal(t, 20*31, operations["add_customer"], "31 nights of 20 new customers")
}

func TestParticularsAreWhatTheWorldSays(t *testing.T) {
	for _, names := range []NameCase{CamelCase, PascalCase} {
		ask := signedIn(t, Options{Seed: 3, Customers: 200, Names: names, IndirectProvider: true})
		read := func(i int, what string, into any) bool {
			got := ask.about(i, what)
			if got.status == 200 {
				require.NoError(t, json.Unmarshal(bytes.TrimPrefix([]byte(got.body), []byte(byteOrderMark)), into))
			}
			return got.status == 200
		}
		forms := map[int]bool{}
		for i := range 200 {
			c := ask.sim.World().Customer(i)
			var detail struct{ AssociatedPartnerID string }
			if read(i, "", &detail) {
				require.Equal(t, c.ResellerID, detail.AssociatedPartnerID)
			}
			var list struct {
				Items []struct {
					Status            string
					AutoRenewEnabled  bool
					CommitmentEndDate string
				}
			}
			if !read(i, "/subscriptions", &list) {
				continue
			}
			require.Len(t, list.Items, len(c.Subscriptions))
			for n, s := range c.Subscriptions {
				require.Equal(t, s.Status, list.Items[n].Status)
				require.Equal(t, s.AutoRenewEnabled, list.Items[n].AutoRenewEnabled)
				require.Equal(t, s.Written[2], list.Items[n].CommitmentEndDate)
				forms[len(s.Written[2])] = true
			}
		}
		require.Len(t, forms, 6, "every form of dates, and none")
	}
}
