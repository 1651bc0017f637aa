package attestation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

func TestMoves(t *testing.T) {
	t.Parallel()
	states := attestation.States()
	require.IsIncreasing(t, states)
	sent := []attestation.State{attestation.Created, attestation.Waiting, attestation.Accepted, attestation.Expired,
		attestation.Confirmed, attestation.AlreadyOnRecord, attestation.RefusedByMicrosoft, attestation.Cleared}
	for _, from := range states {
		ends := true
		for _, to := range states {
			if !attestation.CanMove(from, to) {
				continue
			}
			ends = false
			require.NotContains(t, []attestation.State{attestation.Refused, attestation.Duplicate,
				attestation.AlreadyKnown, attestation.Queued}, to,
				"the outcome of a row at import is decided once")
			if from == attestation.Queued {
				require.NotContains(t, sent, to, "nothing is sent that was not approved")
			}
		}
		if ends {
			require.True(t, from.Final(), from)
		}
	}
	require.False(t, attestation.CanMove("lost", attestation.Approved))
	require.False(t, attestation.CanMove(attestation.Confirmed, attestation.Approved),
		"what took effect is never sent again")
	require.False(t, attestation.CanMove(attestation.Accepted, attestation.Cancelled), "an acceptance cannot be undone")
	require.NotContains(t, states, attestation.Unsure)
	require.Contains(t, attestation.Statuses(), attestation.Unsure)
}

func TestWhatAPersonMayDecide(t *testing.T) {
	t.Parallel()
	may := map[[2]attestation.State]bool{
		{attestation.Queued, attestation.Cancelled}: true, {attestation.Approved, attestation.Cancelled}: true,
		{attestation.Created, attestation.Cancelled}: true, {attestation.Waiting, attestation.Cancelled}: true,
		{attestation.Failed, attestation.Cancelled}: true, {attestation.Expired, attestation.Cancelled}: true,
		{attestation.Failed, attestation.Approved}: true, {attestation.Expired, attestation.Approved}: true,
		{attestation.Failed, attestation.Created}: true, {attestation.Failed, attestation.Accepted}: true,
	}
	for _, from := range attestation.States() {
		for _, to := range attestation.States() {
			require.Equal(t, may[[2]attestation.State{from, to}], attestation.MayDecide(from, to), "%s -> %s", from, to)
		}
	}
	open := attestation.Attestation{State: attestation.Approved, OpenRequest: 1}
	require.False(t, open.MayDecide(attestation.Cancelled), "its request may have taken effect")
	require.Equal(t, attestation.Unsure, open.Status())
}

func TestARetryGoesOnAfterTheLastStepThatWasDone(t *testing.T) {
	t.Parallel()
	id := attestation.Enhanced{AcceptLink: "x"}
	accepted := attestation.Enhanced{AcceptLink: "x", AcceptedOn: "2026-11-20"}
	for _, c := range []struct {
		state    attestation.State
		enhanced attestation.Enhanced
		to       attestation.State
		ok       bool
	}{
		{attestation.Failed, attestation.Enhanced{}, attestation.Approved, true},
		{attestation.Failed, id, attestation.Created, true},
		{attestation.Failed, accepted, attestation.Accepted, true},
		{attestation.Expired, id, attestation.Approved, true},
		{attestation.Confirmed, accepted, "", false},
		{attestation.Approved, attestation.Enhanced{}, "", false},
	} {
		to, ok := attestation.Attestation{State: c.state, Enhanced: c.enhanced}.Retried()
		require.Equal(t, []any{c.to, c.ok}, []any{to, ok}, "%+v", c)
	}
}

func TestOpenAndFinal(t *testing.T) {
	for _, s := range attestation.States() {
		if !s.BlocksDuplicate() {
			require.True(t, s.Final(), "%s is over", s)
		}
	}
	for _, s := range []attestation.State{attestation.Confirmed, attestation.AlreadyOnRecord, attestation.Failed} {
		require.True(t, s.BlocksDuplicate() && s.Final(), "%s has an answer: a second one is a duplicate", s)
	}
}

func TestID(t *testing.T) {
	id := attestation.ID{Batch: 12, Line: 345}
	require.Equal(t, "12-345", id.String())
	back, err := attestation.ParseID("12-345")
	require.NoError(t, err)
	require.Equal(t, id, back)
	for _, text := range []string{"", "12", "12-", "-345", "0-1", "1-0", "-1--1", "12-345-6", "12 - 345", "a-b",
		"99999999999999999999-1"} {
		_, err := attestation.ParseID(text)
		require.ErrorContains(t, err, "not the id of an attestation", text)
	}
}
