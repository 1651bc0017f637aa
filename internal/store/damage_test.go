package store_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

// A disk that gives back another bit than was written is found by verify, wherever the bit is.
func TestAFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	address := file(t)
	path := address[len("sqlite:"):]
	storetest.Fill(t, address)
	s, _ := opened(t, address)
	event, err := s.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, storetest.Exec(t.Context(), address, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"))
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	const page = 4096
	for n := 1; n < len(whole)/page; n++ {
		flipped := append([]byte(nil), whole...)
		flipped[n*page+4] ^= 2 // how many entries the page has
		require.NoError(t, os.WriteFile(path, flipped, 0o600))
		require.True(t, damageFound(t, address), "page %d", n+1)
	}
	for _, text := range []string{event.Hash, "@example"} {
		places := positions(whole, text)
		require.NotEmpty(t, places)
		for _, at := range places {
			flipped := append([]byte(nil), whole...)
			flipped[at] ^= 1
			require.NoError(t, os.WriteFile(path, flipped, 0o600))
			require.True(t, damageFound(t, address), "%q at %d", whole[at-20:at+40], at)
		}
	}
}

// damageFound reports whether the ledger cannot be read, or verify finds a problem.
func damageFound(t *testing.T, address string) bool {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		return true
	}
	defer s.Close()
	found, err := s.Verify(t.Context())
	return err != nil || len(found.Problems) > 0
}

// positions are the places of a text in a file.
func positions(in []byte, text string) (places []int) {
	for at := range len(in) - len(text) {
		if string(in[at:at+len(text)]) == text {
			places = append(places, at)
		}
	}
	return places
}
