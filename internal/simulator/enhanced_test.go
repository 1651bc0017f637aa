package simulator

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// appAlone makes a simulator and an app-only token for it.
func appAlone(t testing.TB, opts Options) caller {
	t.Helper()
	c := caller{t: t, sim: newSimulator(t, opts)}
	c.token = c.signIn("client_credentials")
	return c
}

// signatory is the body of step 1, changed by names and values in turn; nil takes a name out.
func signatory(changes ...any) map[string]any {
	body := map[string]any{
		"country": "BR", "signatoryFirstName": "João", "signatoryLastName": "da Silva", "companyName": "Fabrikam",
		"language": "pt-BR", "emailAddress": "joao@fabrikam.example", "phoneNumber": "+5511955500123",
		"expirationInMinutes": 60 * 24,
	}
	for n := 0; n < len(changes); n += 2 {
		body[changes[n].(string)] = changes[n+1]
	}
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
	return body
}

// begin sends step 1.
func (c caller) begin(body map[string]any, headers ...string) answer {
	text, err := json.Marshal(body)
	require.NoError(c.t, err)
	r := c.request(http.MethodPost, "/v1/attestations/enhanced", append([]string{"Content-Type", "application/json"},
		headers...)...)
	r.Body = io.NopCloser(strings.NewReader(string(text)))
	return c.send(r)
}

// begun sends step 1 and returns the attestation's id.
func (c caller) begun(body map[string]any) string {
	c.t.Helper()
	got := c.begin(body)
	require.Equal(c.t, http.StatusCreated, got.status, got.body)
	return got.fields(c.t)["attestationId"].(string)
}

func (c caller) state(id string) answer { return c.get("/v1/attestations/enhanced/" + id) }

// conclude sends step 3.
func (c caller) conclude(i int, id string, changes ...string) answer {
	body := signed(changes...)
	return c.post(i, strings.TrimSuffix(body, "}")+`,"attestationId":"`+id+`"}`)
}

// nextNight lets a day pass.
func (c caller) nextNight() {
	require.NoError(c.t, c.sim.SetNight(c.sim.World().night()+1))
}

func TestEnhancedRoute(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{Seed: 3, Customers: 300})
	i := app.first(NeverAccepted)
	got := app.begin(signatory(), "MS-RequestId", anID)
	require.Equal(t, http.StatusCreated, got.status, got.body)
	created := got.fields(t)
	id := created["attestationId"].(string)
	assert.Equal(t, "Pending", created["attestationStatus"])
	assert.NotContains(t, created, "agreementDocumentUrl")
	assert.Equal(t, "Pending", app.state(id).fields(t)["attestationStatus"])
	assert.Equal(t, http.StatusBadRequest, app.conclude(i, id).status, "nobody has accepted")

	page, err := url.Parse(created["attestationUrl"].(string))
	require.NoError(t, err)
	assert.Contains(t, app.get(page.RequestURI()).body, "Please accept")
	assert.Contains(t, app.send(app.request(http.MethodPost, page.RequestURI())).body, "is accepted")
	assert.Contains(t, app.send(app.request(http.MethodPost, page.RequestURI())).body, "is accepted",
		"a link that is opened twice")

	accepted := app.state(strings.ToUpper(id)).fields(t)
	assert.Equal(t, "Accepted", accepted["attestationStatus"])
	assert.Equal(t, "2026-11-22", accepted["dateAgreed"].(string)[:10])
	document, err := url.Parse(accepted["agreementDocumentUrl"].(string))
	require.NoError(t, err)
	assert.Contains(t, app.get(document.Path).body, "%PDF")

	for name, changes := range map[string][]string{
		"another first name": {"firstName", `"Maria"`}, "another address": {"email", `"maria@fabrikam.example"`},
		"no type": {"type", "null"},
	} {
		assert.Equal(t, http.StatusBadRequest, app.conclude(i, id, changes...).status, name)
	}
	require.Equal(t, http.StatusCreated, app.conclude(i, id).status)
	assert.Equal(t, http.StatusConflict, app.conclude(i, id).status, "once")
	other := i + 1
	for app.sim.World().Customer(other).Kind != NeverAccepted {
		other++
	}
	assert.Equal(t, http.StatusConflict, app.conclude(other, id).status, "for one customer")

	effects := app.sim.Effects()
	require.Len(t, effects, 1)
	assert.Equal(t, id, effects[0].AttestationID)
	standing, reason := app.sim.Expect(i, true)
	assert.Equal(t, "clear attested", standing+" "+reason)
	all := app.sim.Attestations()
	require.Len(t, all, 1)
	assert.Equal(t, app.sim.World().Customer(i).TenantID, all[0].TenantID)
	assert.Equal(t, 3, all[0].Opened)
	assert.Equal(t, anID, all[0].RequestID)
}

func TestEnhancedCallsTakeTheirOwnTokens(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]Options{
		"step 3 by the app alone": {}, "step 3 with a user": {Enhanced: Enhanced{UserForAgreement: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts.Seed, opts.Customers = 3, 300
			app := appAlone(t, opts)
			user := app
			user.token = app.signIn("refresh_token")
			i := app.first(NeverAccepted)
			id := app.begun(signatory())
			require.NoError(t, app.sim.AcceptAttestation(id))

			assert.Equal(t, http.StatusForbidden, user.begin(signatory()).status)
			assert.Equal(t, http.StatusForbidden, user.state(id).status)
			assert.Equal(t, "900329", app.post(i, signed()).code(t), "the classic call takes no app-only token")
			by, refused := app, opts.Enhanced.UserForAgreement
			if refused {
				assert.Equal(t, "900329", app.conclude(i, id).code(t))
				by = user
			}
			assert.Equal(t, http.StatusCreated, by.conclude(i, id).status)
		})
	}
}

func TestAttestationsExpire(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{Seed: 3, Customers: 300})
	day, week := app.begun(signatory()), app.begun(signatory("expirationInMinutes", nil))
	for night, want := range []string{"Pending Pending", "Expired Pending", "Expired Pending", "", "", "", "",
		"Expired Expired"} {
		if want != "" {
			seen := app.state(day).fields(t)["attestationStatus"].(string) + " " +
				app.state(week).fields(t)["attestationStatus"].(string)
			assert.Equal(t, want, seen, night)
		}
		app.nextNight()
	}
	assert.ErrorContains(t, app.sim.AcceptAttestation(day), "expired")
	assert.Contains(t, app.get("/mca/?attestationid="+day).body, "has expired")
	assert.Contains(t, app.send(app.request(http.MethodPost, "/mca/?attestationid="+day)).body, "has expired")
	assert.Equal(t, http.StatusBadRequest, app.conclude(app.first(NeverAccepted), day).status)
	assert.Equal(t, http.StatusConflict, app.send(app.request(http.MethodPost, "/simulator/attestations/accept?id="+
		day)).status)
}

func TestSignatoriesAcceptOverTheNights(t *testing.T) {
	t.Parallel()
	const signatories, nights = 200, 5
	app := appAlone(t, Options{Enhanced: Enhanced{AcceptWithin: nights, AcceptShare: 0.5}})
	for range signatories {
		app.begun(signatory("expirationInMinutes", nil))
	}
	var accepted []int
	for range nights + 1 {
		n := 0
		for _, a := range app.sim.Attestations() {
			if !a.AcceptedAt.IsZero() {
				n++
				assert.False(t, a.AcceptedAt.Before(a.CreatedAt))
			}
		}
		accepted = append(accepted, n)
		app.nextNight()
	}
	assert.Zero(t, accepted[0])
	assert.IsIncreasing(t, accepted)
	assert.InDelta(t, signatories/2, accepted[nights], signatories/8)
}

func TestForeignAttestations(t *testing.T) {
	t.Parallel()
	app, other := appAlone(t, Options{Seed: 3, Customers: 300}), appAlone(t, Options{Seed: 4})
	id := other.begun(signatory())
	for _, unknown := range []string{id, anID, "00000000-0000-0000-0000-000000000000", "x"} {
		assert.Equal(t, http.StatusNotFound, app.state(unknown).status, unknown)
	}
	assert.Contains(t, app.get("/mca/?attestationid="+id).body, "not valid")
	assert.Equal(t, http.StatusNotFound, app.get("/mca/?attestationid="+id).status)
	assert.Equal(t, http.StatusNotFound, app.get("/documents/accepted/"+id+".pdf").status)
	assert.Equal(t, http.StatusBadRequest, app.conclude(app.first(NeverAccepted), id).status)
	assert.Error(t, app.sim.AcceptAttestation(id))
}

func TestWrongSignatoriesAreRefused(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{})
	for name, changes := range map[string][]any{
		"no first name":      {"signatoryFirstName", nil},
		"blank last name":    {"signatoryLastName", " "},
		"no address":         {"emailAddress", nil},
		"an address of none": {"emailAddress", "joao"},
		"another field":      {"emailAddress", nil, "email", "joao@fabrikam.example"},
		"no country":         {"country", nil},
		"a small country":    {"country", "br"},
		"a country's name":   {"country", "Brazil"},
		"minutes too few":    {"expirationInMinutes", 4},
		"minutes too many":   {"expirationInMinutes", 7*24*60 + 1},
	} {
		assert.Equal(t, http.StatusBadRequest, app.begin(signatory(changes...)).status, name)
	}
	assert.Equal(t, http.StatusBadRequest, app.begin(nil).status)
	assert.Equal(t, http.StatusMethodNotAllowed, app.get("/v1/attestations/enhanced").status)
	assert.Empty(t, app.sim.Attestations())
}

// The names that the client assumes may all be others.
func TestEnhancedNamesAreOptions(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{Enhanced: Enhanced{
		EmailField: "email", PhoneField: "phone", ExpiryField: "linkExpiryInMinutes", IDField: "id",
		StatusField: "state", DateField: "acceptedOn", StatusPath: "/v1/attestations/{id}/status",
		Pending: "Link generated", WithoutLink: true, WithoutDate: true,
	}})
	got := app.begin(signatory("email", "joao@fabrikam.example", "emailAddress", nil, "linkExpiryInMinutes", 10,
		"expirationInMinutes", 1))
	require.Equal(t, http.StatusCreated, got.status, got.body)
	created := got.fields(t)
	assert.NotContains(t, created, "attestationUrl")
	assert.Equal(t, "Link generated", created["state"])
	id := created["id"].(string)
	assert.Equal(t, http.StatusNotFound, app.state(id).status)
	require.NoError(t, app.sim.AcceptAttestation(id))
	accepted := app.get("/v1/attestations/" + id + "/status").fields(t)
	assert.Equal(t, "Accepted", accepted["state"])
	assert.NotContains(t, accepted, "acceptedOn")
	for _, wrong := range []Enhanced{{DuplicateAt: 2}, {AcceptShare: 2}, {AcceptWithin: -1},
		{StatusPath: "/v1/attestations"}, {StatusPath: "{id}{id}"}} {
		_, err := New(Options{Enhanced: wrong})
		assert.Error(t, err, wrong)
	}
}

func TestSignatoryOnRecord(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 3} {
		app := appAlone(t, Options{Seed: 3, Customers: 300, Enhanced: Enhanced{DuplicateAt: step}})
		i := app.first(NeverAccepted)
		for n := range 2 {
			got := app.begin(signatory())
			if step == 1 && n == 1 {
				assert.Equal(t, "600061", got.code(t))
				continue
			}
			id := got.fields(t)["attestationId"].(string)
			require.NoError(t, app.sim.AcceptAttestation(id))
			got = app.conclude(i, id)
			if n == 0 {
				require.Equal(t, http.StatusCreated, got.status, got.body)
			} else {
				assert.Equal(t, "600061", got.code(t))
			}
		}
		assert.Len(t, app.sim.Effects(), 1)
	}
}

func TestRepeatedStep1HasOneEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := appAlone(t, Options{Writes: Writes{MaxInARow: 1, LostAnswers: LostAnswers{Truncated: 1}}})
		first := app.begin(signatory(), "MS-RequestId", anID)
		again := app.begin(signatory(), "MS-RequestId", anID)
		require.Equal(t, http.StatusCreated, again.status)
		assert.True(t, strings.HasPrefix(again.body, first.body))
		assert.Greater(t, len(again.body), len(first.body))
		assert.Len(t, app.sim.Attestations(), 1)
		assert.Equal(t, http.StatusBadRequest, app.begin(signatory("language", "en-US"), "MS-RequestId", anID).status,
			"an id with another body")
		time.Sleep(10 * time.Minute)
		app.begin(signatory(), "MS-RequestId", anID)
		assert.Len(t, app.sim.Attestations(), 2, "it is forgotten")
	})
}

func TestLossesOfStep1AreByBody(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{Writes: Writes{MaxInARow: 1, LostRequests: LostRequests{ServerError: 0.5}}})
	lost := 0
	for _, name := range strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "") {
		if app.begin(signatory("signatoryLastName", name)).status == http.StatusInternalServerError {
			lost++
			assert.Equal(t, http.StatusCreated, app.begin(signatory("signatoryLastName", name)).status,
				"a repeat heals")
		}
	}
	assert.InDelta(t, 13, lost, 8)
	assert.Len(t, app.sim.Attestations(), 26)
}

func TestDocumentsOfAgreementsCanBeGone(t *testing.T) {
	t.Parallel()
	app := appAlone(t, Options{Enhanced: Enhanced{DocumentsGone: true}})
	id := app.begun(signatory())
	require.NoError(t, app.sim.AcceptAttestation(id))
	assert.Contains(t, app.state(id).fields(t), "agreementDocumentUrl")
	assert.Equal(t, http.StatusNotFound, app.get("/documents/accepted/"+id+".pdf").status)
}

func TestClassicCallIsRetired(t *testing.T) {
	t.Parallel()
	for retired, status := range map[Retired]int{Retired404: 404, Retired410: 410, Retired403: 403} {
		ask := signedIn(t, Options{Seed: 3, Customers: 300, ClassicRetired: retired})
		i := ask.first(NeverAccepted)
		got := ask.post(i, signed())
		assert.Equal(t, status, got.status)
		assert.NotContains(t, []string{"1000", "60003", "900308"}, got.code(t))
		assert.Equal(t, status, ask.send(ask.attestation(0, "{}")).status, "whatever is sent")
		assert.Empty(t, ask.sim.Effects())

		app := ask
		app.token = ask.signIn("client_credentials")
		id := app.begun(signatory())
		require.NoError(t, app.sim.AcceptAttestation(id))
		assert.Equal(t, http.StatusCreated, app.conclude(i, id).status, "the enhanced route goes on")
		assert.Equal(t, http.StatusOK, ask.about(i, "/agreements?agreementType=MicrosoftCustomerAgreement").status)
	}
	_, err := New(Options{ClassicRetired: "500"})
	assert.Error(t, err)
}
