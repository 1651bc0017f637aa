package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const anID, otherID = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"

func TestAttestationTakesEffectAndIsReadBack(t *testing.T) {
	type item struct {
		UserID                       string
		PrimaryContact               *Contact
		TemplateID, DateAgreed, Type string
	}
	read := func(t *testing.T, body string, into any) {
		t.Helper()
		require.NoError(t, json.Unmarshal(bytes.TrimPrefix([]byte(body), []byte(byteOrderMark)), into), body)
	}
	who := Contact{FirstName: " =João\u2028", LastName: `O"Brien\`, Email: "JOAO@fabrikam.example"}
	const name = `" =João\u2028"`
	instant := time.Date(2026, time.November, 20, 2, 30, 0, 0, time.UTC)
	for _, form := range []DateForm{DatesMixed, DatesNoZone, DatesZulu, DatesSevenDigits, DatesOffset} {
		for date, when := range map[string]time.Time{
			"2026-11-20T02:30:00Z": instant, "2026-11-20T02:30:00": instant, "2026-11-19T23:30:00-03:00": instant,
			"2026-11-20T02:30:00.1234567Z": instant.Add(123456700),
		} {
			t.Run(string(form)+" "+date, func(t *testing.T) {
				ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds, Dates: form})
				i := ask.first(Outdated)
				before := len(ask.sim.World().Customer(i).Agreements)
				body := signed("firstName", name, "lastName", `"O\"Brien\\"`, "email", `"`+who.Email+`"`, "phoneNumber",
					`""`, "dateAgreed", `"`+date+`"`)
				got := ask.post(i, strings.NewReplacer("firstName", "FIRSTNAME", "dateAgreed",
					"DateAgreed").Replace(body), "MS-RequestId", anID)
				require.Equal(t, 201, got.status, got.body)
				assert.True(t, strings.HasPrefix(got.body, byteOrderMark))

				var created item
				read(t, got.body, &created)
				assert.NotEmpty(t, created.UserID)
				var list struct{ Items []item }
				read(t, ask.about(i, "/agreements?agreementType=*").body, &list)
				assert.Len(t, list.Items, before+1)
				found := 0
				for _, a := range append(list.Items, created) {
					if a.PrimaryContact == nil || *a.PrimaryContact != who {
						continue
					}
					found++
					written, readable := readInstant(a.DateAgreed)
					assert.True(t, readable, a.DateAgreed)
					assert.Equal(t, when, written)
					assert.Equal(t, mcaTemplate, a.TemplateID)
					assert.Equal(t, mcaType, a.Type)
				}
				assert.Equal(t, 2, found)
				effects := ask.sim.Effects()
				require.Len(t, effects, 1)
				effect := effects[0]
				assert.WithinDuration(t, aNight, effect.At, time.Minute)
				effect.At, effect.when = time.Time{}, time.Time{}
				assert.Equal(t, Effect{
					Number: 1, Night: 1, Customer: i, TenantID: ask.sim.World().Customer(i).TenantID, RequestID: anID,
					CorrelationID: "11111111-2222-4333-8444-555555555555", Contact: who, TemplateID: mcaTemplate,
					DateAgreed: date, Type: mcaType,
				}, effect)
			})
		}
	}
}

func TestWrongAttestationsAreRefused(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300})
	seen := map[string]bool{}
	for name, body := range map[string]string{
		"no body":    "",
		"no JSON":    "<agreement/>",
		"half of it": signed()[:60],
		"two of it":  signed() + signed(),
		"null":       "null",
		"a list":     "[" + signed() + "]",
		"not UTF-8":  signed("firstName", "\"Jo\xe3o\""),
		"too long":   signed("lastName", `"`+strings.Repeat("x", greatestBody)+`"`),
		"no contact": `{"templateId":"` + mcaTemplate + `","dateAgreed":"2026-11-20T00:00:00Z","type":"` +
			mcaType + `"}`,
		"no first name":         signed("firstName", "null"),
		"empty first name":      signed("firstName", `"  "`),
		"number for first name": signed("firstName", "7"),
		"no last name":          signed("lastName", "null"),
		"empty last name":       signed("lastName", `""`),
		"no e-mail":             signed("email", "null"),
		"e-mail without @":      signed("email", `"joao.fabrikam.example"`),
		"e-mail with two":       signed("email", `"joao@x@fabrikam.example"`),
		"e-mail without dot":    signed("email", `"joao@fabrikam"`),
		"e-mail with space":     signed("email", `"joao @fabrikam.example"`),
		"e-mail with name":      signed("email", `"João <joao@fabrikam.example>"`),
		"no type":               signed("type", "null"),
		"type Cloud":            signed("type", `"MicrosoftCloudAgreement"`),
		"no template":           signed("templateId", "null"),
		"template Cloud":        signed("templateId", `"`+cloudTemplate+`"`),
		"unknown template":      signed("templateId", `"`+anID+`"`),
		"no date":               signed("dateAgreed", "null"),
		"a date for people":     signed("dateAgreed", `"20/11/2026"`),
		"a date that is not":    signed("dateAgreed", `"2026-02-30T00:00:00Z"`),
		"a date alone":          signed("dateAgreed", `"2026-11-20"`),
		"a date as a number":    signed("dateAgreed", "20261120"),
	} {
		for i := range 20 {
			got := ask.post(i, body)
			require.Contains(t, []int{400, 403, 404}, got.status, name)
			if got.status != 400 {
				continue
			}
			seen[fmt.Sprintf("%s %T", got.code(t), got.fields(t)["code"])] = true
		}
	}
	assert.Equal(t, map[string]bool{"600002 float64": true, "3000 float64": true, "3000 string": true,
		"800002 float64": true, "800002 string": true}, seen)
	assert.Equal(t, 415, ask.post(0, signed(), "Content-Type", "text/plain").status)
	assert.Equal(t, 400, ask.post(0, signed(), "MS-RequestId", "row-1").status)
	assert.Empty(t, ask.sim.Effects())
	assert.Zero(t, ask.sim.Stats().Attestations.TookEffect)
}

func TestTheFutureBeginsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Seed: 3, Customers: 300})
		i := ask.first(NeverAccepted)
		soon := signed("dateAgreed", `"`+aNight.Add(time.Minute).Format(time.RFC3339)+`"`)
		got := ask.post(i, soon)
		assert.Equal(t, 400, got.status)
		assert.Equal(t, "600002", got.code(t))
		assert.Equal(t, 400, ask.post(i, signed("dateAgreed", `"2026-11-22T01:00:00-03:00"`)).status, "04:00 in UTC")
		require.NoError(t, ask.sim.SetNight(5))
		assert.Equal(t, 400, ask.post(i, soon).status, "nights do not move the clock")
		time.Sleep(time.Minute)
		assert.Equal(t, 201, ask.post(i, soon).status)
		assert.Equal(t, aNight.Add(time.Minute), ask.sim.Effects()[0].At)
	})
}

func TestWhoMayNotAttest(t *testing.T) {
	world := Options{Seed: 3, Customers: 400, Mix: MixAllKinds}
	for name, c := range map[string]struct {
		change func(*Options)
		grant  string
		want   []string
		reads  int
	}{
		"app-only": {func(*Options) {}, "client_credentials", []string{"403 900329"}, 403},
		"no MFA": {func(o *Options) { o.MissingMFA = true }, "refresh_token", []string{"401 900421"},
			401},
		"no role to write": {func(o *Options) { o.MissingRole = RoleMissingOnWrites }, "refresh_token",
			[]string{"403 900308"}, 200},
		"no role, without words": {func(o *Options) { o.MissingRole, o.EmptyForbidden = RoleMissingOnWrites, true },
			"refresh_token", []string{"403 "}, 200},
		"no role for agreements": {func(o *Options) { o.MissingRole = RoleMissingOnAgreements }, "refresh_token",
			[]string{"403 900308"}, 403},
		"indirect reseller": {func(o *Options) { o.IndirectReseller = true }, "refresh_token",
			[]string{"403 900150", "403 1002"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			opts := world
			c.change(&opts)
			ask := signedIn(t, opts)
			ask.token = ask.signIn(c.grant)
			seen := map[string]bool{}
			for i := range 20 {
				got := ask.post(i, signed())
				answered := fmt.Sprintf("%d %s", got.status, got.code(t))
				require.Contains(t, c.want, answered)
				seen[answered] = true
			}
			assert.Len(t, seen, len(c.want))
			assert.Equal(t, c.reads, ask.about(ask.first(Attested), mcaAgreements).status)
			assert.Empty(t, ask.sim.Effects())
		})
	}
}

func TestCustomersWhoCannotBeReadCannotBeAttestedFor(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 400, Mix: MixAllKinds, BrokenCustomers: 0.05})
	for i := range 400 {
		read := ask.about(i, directStatus).status
		_, reason := ask.sim.Expect(i, true)
		got := ask.post(i, signed())
		if read == 200 {
			require.Equal(t, 201, got.status, got.body)
			continue
		}
		require.Equal(t, read, got.status, reason)
		if read != 403 && read != 404 {
			require.Equal(t, 500, got.status)
		}
		_, after := ask.sim.Expect(i, true)
		assert.Equal(t, reason, after)
	}
	assert.Equal(t, 404, ask.send(func() *http.Request {
		r := ask.attestation(0, signed())
		r.URL.Path = "/v1/customers/" + uuid.NewString() + "/agreements"
		return r
	}()).status)
}

func TestSameContactIsOnRecordAlready(t *testing.T) {
	for status, want := range map[int]int{0: 409, 409: 409, 400: 400} {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds,
			Writes: Writes{AlreadyExistsStatus: status}})
		i := ask.first(Outdated)
		var old Contact
		for _, a := range ask.sim.World().Customer(i).Agreements {
			if a.Type == mcaType {
				old = *a.Contact
			}
		}
		quoted := func(text string) string { return `"` + text + `"` }
		body := func(c Contact) string {
			return signed("firstName", quoted(c.FirstName), "lastName", quoted(c.LastName), "email", quoted(c.Email),
				"phoneNumber", quoted(c.PhoneNumber))
		}
		got := ask.post(i, body(old))
		assert.Equal(t, want, got.status, "however old")
		assert.Equal(t, "600061", got.code(t))
		assert.Equal(t, "PartnerConfirmedAgreementAlreadyExists", got.fields(t)["errorName"])

		changed := old
		changed.Email = "new." + old.Email
		assert.Equal(t, 201, ask.post(i, body(changed)).status)
		assert.Equal(t, want, ask.post(i, body(changed)).status, "the new one is on record too")
		changed.PhoneNumber += "1"
		assert.Equal(t, 201, ask.post(i, body(changed)).status)
		changed.Email = strings.ToUpper(changed.Email)
		assert.Equal(t, want, ask.post(i, body(changed)).status)

		got2 := ask.sim.Stats().Attestations
		assert.Equal(t, AttestationStats{Received: 5, TookEffect: 2, Refused: map[string]int64{"600061": 3},
			CustomersWithSeveral: 1}, got2)
	}
}

func TestRepeatsUnderOneRequestID(t *testing.T) {
	type step struct {
		after   time.Duration
		id      string
		body    string
		want    int
		effects int
	}
	first, other, bad := signed(), signed("email", `"maria@fabrikam.example"`), signed("email", `"maria"`)
	for name, c := range map[string]struct {
		writes        Writes
		steps         []step
		again, reused int64
	}{
		"caught for ten minutes": {Writes{}, []step{
			{0, anID, first, 201, 1}, {time.Minute, anID, first, 201, 1}, {8*time.Minute + 59*time.Second, anID, first,
				201, 1},
			{time.Second, anID, first, 409, 1}, {0, otherID, first, 409, 1},
		}, 2, 0},
		"with other bytes": {Writes{}, []step{
			{0, anID, first, 201, 1}, {0, anID, other, 400, 1}, {0, anID, first + " ", 400, 1},
			{0, anID, first, 201, 1}, {0, otherID, other, 201, 2},
			{10 * time.Minute, anID, signed("email", `"third@fabrikam.example"`), 201, 3},
		}, 1, 2},
		"of a refusal": {Writes{}, []step{
			{0, anID, bad, 400, 0}, {0, anID, bad, 400, 0}, {0, anID, first, 400, 0}, {0, otherID, first, 201, 1},
		}, 1, 1},
		"caught for a second": {Writes{RememberFor: time.Second}, []step{
			{0, anID, first, 201, 1}, {999 * time.Millisecond, anID, first, 201, 1},
			{time.Millisecond, anID, first, 409, 1}, {0, anID, first, 409, 1},
		}, 2, 0},
		"never caught": {Writes{NeverRemembers: true}, []step{
			{0, anID, first, 201, 1}, {0, anID, first, 409, 1}, {0, anID, other, 201, 2},
		}, 0, 0},
		"never caught, and done twice": {Writes{NeverRemembers: true, DuplicatesAllowed: true}, []step{
			{0, anID, first, 201, 1}, {0, anID, first, 201, 2}, {0, anID, first, 201, 3},
		}, 0, 0},
		"caught, then done twice": {Writes{DuplicatesAllowed: true}, []step{
			{0, anID, first, 201, 1}, {time.Minute, anID, first, 201, 1}, {10 * time.Minute, anID, first, 201, 2},
			{0, otherID, first, 201, 3},
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: c.writes})
				i := ask.first(NeverAccepted)
				bodies := map[string]string{}
				for n, step := range c.steps {
					time.Sleep(step.after)
					before := ask.sim.Stats().Attestations.AnsweredAgain
					got := ask.post(i, step.body, "MS-RequestId", step.id)
					require.Equal(t, step.want, got.status, "step %d: %s", n, got.body)
					require.Len(t, ask.sim.Effects(), step.effects, "step %d", n)
					if ask.sim.Stats().Attestations.AnsweredAgain > before {
						assert.Equal(t, bodies[step.id+step.body], got.body, "the same answer, byte by byte")
					}
					bodies[step.id+step.body] = got.body
				}
				got := ask.sim.Stats().Attestations
				assert.Equal(t, c.again, got.AnsweredAgain)
				assert.Equal(t, c.reused, got.ReusedRequestIDs)
				refused := int64(0)
				for _, n := range got.Refused {
					refused += n
				}
				assert.Equal(t, got.Received, got.TookEffect+got.AnsweredAgain+got.ReusedRequestIDs+refused)
			})
		})
	}
}

func TestRequestIDOfAnotherCustomer(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300})
	i := ask.first(NeverAccepted)
	assert.Equal(t, 201, ask.post(i, signed(), "MS-RequestId", anID).status)
	assert.Equal(t, 400, ask.post(ask.first(Outdated), signed(), "MS-RequestId", strings.ToUpper(anID)).status)
	assert.Len(t, ask.sim.Effects(), 1)
	assert.EqualValues(t, 1, ask.sim.Stats().Attestations.ReusedRequestIDs)
}

func TestMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, Writes: Writes{RememberFor: time.Minute}})
		for range 5 {
			for i := range 100 {
				ask.post(i, signed())
			}
			time.Sleep(time.Minute)
		}
		ask.post(0, signed())
		assert.Len(t, ask.sim.posted.answers, 1)
		assert.Len(t, ask.sim.posted.ages, 1)
	})
}

func TestExpectAfterAnAttestation(t *testing.T) {
	for date, recent := range map[string]bool{
		"2026-11-22T03:00:00Z": true, "2023-04-01T00:00:00Z": true, "2023-03-31T22:00:00-03:00": true,
		"2023-03-31T23:59:59.9999999Z": false, "2023-04-01T01:00:00+02:00": false, "2019-08-26T00:00:00": false,
	} {
		ask := signedIn(t, Options{Seed: 3, Customers: 600, Mix: MixAllKinds})
		for _, kind := range Kinds() {
			i := ask.first(kind)
			done := ask.post(i, signed("dateAgreed", `"`+date+`"`)).status == 201
			for _, trust := range []bool{true, false} {
				before, because := kind.Expect(trust)
				standing, reason := ask.sim.Expect(i, trust)
				switch {
				case !done:
					assert.Contains(t, []Kind{NotReseller, RelationshipEnded, Vanished, RoleMissing}, kind)
					assert.Equal(t, because, reason)
				case recent:
					assert.Equal(t, [2]string{"clear", "attested"}, [2]string{standing, reason}, kind)
				case before == "clear":
					assert.Equal(t, because, reason)
				default:
					assert.Equal(t, [2]string{"blocked", "outdated"}, [2]string{standing, reason}, kind)
				}
			}
		}
	}
}

func TestWhatWasPostedOutlivesNightsUntilTheCustomerLeaves(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300, Mix: MixAllKinds})
	for i := range 300 {
		ask.post(i, signed())
	}
	effects := ask.sim.Effects()
	require.NoError(t, ask.sim.SetNight(10))
	left := 0
	for _, e := range effects {
		_, reason := ask.sim.Expect(e.Customer, true)
		if ask.sim.World().Listed(e.Customer) {
			assert.Equal(t, "attested", reason)
			assert.Contains(t, ask.about(e.Customer, mcaAgreements).body, "joao@fabrikam.example")
			continue
		}
		left++
		assert.NotEqual(t, "attested", reason)
		assert.Contains(t, []int{403, 404}, ask.post(e.Customer, signed()).status)
	}
	assert.Positive(t, left)
}

func TestActivityLogTellsWhatWasPosted(t *testing.T) {
	ask := signedIn(t, Options{Seed: 3, Customers: 300})
	i := ask.first(NeverAccepted)
	require.Equal(t, 201, ask.post(i, signed()).status)
	records := func() (ids, days []any) {
		for _, item := range ask.get("/v1/auditrecords").fields(t)["items"].([]any) {
			record := item.(map[string]any)
			if record["operationType"] == "create_agreement" &&
				record["customerId"] == ask.sim.World().Customer(i).TenantID {
				ids, days = append(ids, record["id"]), append(days, record["operationDate"].(string)[:10])
			}
		}
		return ids, days
	}
	ids, days := records()
	assert.Equal(t, []any{"2026-11-22"}, days)
	require.NoError(t, ask.sim.SetNight(3))
	later, days := records()
	assert.Equal(t, []any{"2026-11-20"}, days[len(days)-1:])
	assert.Equal(t, ids, later[len(later)-1:])
}
