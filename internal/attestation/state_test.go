package attestation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

func TestMoves(t *testing.T) {
	states := attestation.States()
	require.IsIncreasing(t, states)
	for _, from := range states {
		ends := true
		for _, to := range states {
			if attestation.CanMove(from, to) {
				ends = false
				require.NotContains(t, []attestation.State{attestation.Refused, attestation.Duplicate, attestation.AlreadyKnown, attestation.Queued}, to,
					"what came of a row at import is decided once")
			}
			if to == attestation.Sending && attestation.CanMove(from, to) {
				require.Contains(t, []attestation.State{attestation.Approved, attestation.Sending, attestation.Unsure}, from, "nothing is sent that was not approved")
			}
		}
		if ends {
			require.True(t, from.Final(), from)
		}
	}
	require.False(t, attestation.CanMove("lost", attestation.Sending))
	require.False(t, attestation.CanMove(attestation.Confirmed, attestation.Approved), "never a second POST of what took effect")
	require.False(t, attestation.CanMove(attestation.Unsure, attestation.Approved), "what is unsure is settled, not begun again")
}

func TestAPersonDecides(t *testing.T) {
	may := map[[2]attestation.State]bool{
		{attestation.Queued, attestation.Cancelled}: true, {attestation.Approved, attestation.Cancelled}: true,
		{attestation.Failed, attestation.Cancelled}: true, {attestation.Expired, attestation.Cancelled}: true,
		{attestation.Failed, attestation.Approved}: true, {attestation.Expired, attestation.Approved}: true,
	}
	for _, from := range attestation.States() {
		for _, to := range attestation.States() {
			require.Equal(t, may[[2]attestation.State{from, to}], attestation.MayDecide(from, to), "%s -> %s", from, to)
		}
	}
}

func TestOpenAndFinal(t *testing.T) {
	for _, s := range attestation.States() {
		if !s.Open() {
			require.True(t, s.Final(), "%s is over", s)
		}
	}
	for _, s := range []attestation.State{attestation.Confirmed, attestation.AlreadyOnRecord, attestation.Failed} {
		require.True(t, s.Open() && s.Final(), "%s has an answer, and a second one like it is a duplicate", s)
	}
}

func TestID(t *testing.T) {
	id := attestation.ID{Batch: 12, Line: 345}
	require.Equal(t, "12-345", id.String())
	back, err := attestation.ParseID("12-345")
	require.NoError(t, err)
	require.Equal(t, id, back)
	for _, text := range []string{"", "12", "12-", "-345", "0-1", "1-0", "-1--1", "12-345-6", "12 - 345", "a-b", "99999999999999999999-1"} {
		_, err := attestation.ParseID(text)
		require.ErrorContains(t, err, "not the id of an attestation", text)
	}
}
