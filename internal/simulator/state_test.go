package simulator

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// restored is a simulator that goes on where another one was, of which only the state is left.
func restored(t *testing.T, from *Simulator, opts Options) *Simulator {
	t.Helper()
	saved, err := json.Marshal(from.State())
	require.NoError(t, err)
	var state State
	require.NoError(t, json.Unmarshal(saved, &state))
	sim := newSimulator(t, opts)
	require.NoError(t, sim.Restore(state))
	return sim
}

func TestRestoredSimulatorGoesOn(t *testing.T) {
	t.Parallel()
	options := Options{Seed: 3, Customers: 300, Mix: MixBehind}
	app := appAlone(t, options)
	attested, invited := app.first(NeverAccepted), -1
	for i := range 300 {
		if i != attested && app.sim.Accept(app.sim.World().Customer(i).TenantID) == nil &&
			app.sim.World().kind(i).blocked() {
			invited = i
			break
		}
	}
	require.NotEqual(t, -1, invited)
	accepted, waiting := app.begun(signatory()),
		app.begun(signatory("emailAddress", "ana@fabrikam.example", "expirationInMinutes", greatestExpiry))
	require.NoError(t, app.sim.AcceptAttestation(accepted))
	require.Equal(t, http.StatusCreated, app.conclude(attested, accepted).status)
	require.NoError(t, app.sim.SetNight(5))

	again := app
	again.sim = restored(t, app.sim, options)
	assert.Equal(t, app.sim.State(), again.sim.State())
	assert.Equal(t, 5, again.sim.World().Night)
	for i, want := range map[int]string{attested: "clear attested", invited: "clear accepted_directly"} {
		standing, reason := again.sim.Expect(i, true)
		assert.Equal(t, want, standing+" "+reason)
	}
	assert.Equal(t, app.sim.withPosted(app.sim.World(), app.sim.World().Customer(attested)),
		again.sim.withPosted(again.sim.World(), again.sim.World().Customer(attested)))
	require.NoError(t, again.sim.AcceptAttestation(waiting), "an open link can still be accepted")
	assert.Equal(t, "Accepted", again.state(waiting).fields(t)["attestationStatus"], "and tokens are those of before")
}

func TestStateWithoutDatesIsRefused(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t, Options{Customers: 10})
	assert.Error(t, sim.Restore(State{Night: 1, Effects: []Effect{{Number: 1}}}))
	assert.Error(t, sim.Restore(State{}), "nights count from 1")
}

func TestClockOfTheCallerMovesTheCalendar(t *testing.T) {
	t.Parallel()
	now := aNight
	app := appAlone(t, Options{Seed: 3, Customers: 300, Clock: func() time.Time { return now }})
	id := app.begun(signatory())
	require.NoError(t, app.sim.SetNight(3))
	assert.Equal(t, "Pending", app.state(id).fields(t)["attestationStatus"], "nights do not move it")
	now = now.AddDate(0, 0, 2)
	assert.Equal(t, "Expired", app.state(id).fields(t)["attestationStatus"])
	assert.Equal(t, now, app.sim.World().AsOf)

	user := app
	user.token = user.signIn("refresh_token")
	i, tomorrow := user.first(NeverAccepted), `"`+now.AddDate(0, 0, 1).Format(time.RFC3339)+`"`
	assert.Equal(t, http.StatusBadRequest, user.post(i, signed("dateAgreed", tomorrow)).status)
	now = now.AddDate(0, 0, 1)
	assert.Equal(t, http.StatusCreated, user.post(i, signed("dateAgreed", tomorrow)).status)
}
