package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCustomersAccept(t *testing.T) {
	t.Parallel()
	ask := signedIn(t, Options{Seed: 3, Customers: 300})
	accepted, refused := 0, 0
	for i := range 300 {
		c := ask.sim.World().Customer(i)
		if standing, _ := ask.sim.Expect(i, true); standing != "blocked" {
			continue
		}
		require.False(t, ask.about(i, directStatus).fields(t)["isSigned"].(bool))
		got := ask.send(ask.request("POST", "/simulator/accept?customer="+strings.ToUpper(c.TenantID)))
		standing, reason := ask.sim.Expect(i, true)
		if got.status == 409 {
			refused++
			assert.Contains(t, got.body, "reach out to your partner")
			assert.Equal(t, "blocked", standing)
			continue
		}
		accepted++
		require.Equal(t, 200, got.status)
		assert.Equal(t, "clear accepted_directly", standing+" "+reason)
		untrusted, _ := ask.sim.Expect(i, false)
		assert.Equal(t, "blocked", untrusted)
		assert.True(t, ask.about(i, directStatus).fields(t)["isSigned"].(bool))
	}
	require.Positive(t, accepted)
	require.Positive(t, refused)
	assert.Equal(t, 409, ask.send(ask.request("POST", "/simulator/accept?customer=nobody")).status)
}

func TestDocumentsAreServedForFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ask := signedIn(t, Options{})
		links := ask.get("/v1/agreementtemplates/" + mcaTemplate + "/document?country=BR&language=pt-BR").fields(t)
		assert.Equal(t, "pt-BR", links["language"])
		_, path, _ := strings.Cut(strings.TrimPrefix(links["downloadUri"].(string), "http://"), "/")
		got := ask.get("/" + path)
		assert.Equal(t, 200, got.status)
		assert.Contains(t, got.body, "%PDF-1.7")
		assert.Contains(t, got.body, "BR/pt-BR.pdf")
		time.Sleep(documentLife + 2*time.Second)
		assert.Equal(t, 403, ask.get("/"+path).status)
		assert.Equal(t, 403, ask.get("/documents/x").status)
	})
	assert.Equal(t, "en-US", signedIn(t, Options{}).get("/v1/agreementtemplates/" + mcaTemplate +
		"/document?country=BR&language=fr-FR").fields(t)["language"],
		"what the country lacks is in English")
}
