package seal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/seal"
)

func key(t *testing.T, text string) seal.Key {
	t.Helper()
	k, err := seal.NewKey(text)
	require.NoError(t, err)
	return k
}

func TestWhatWasSealedIsOpenedWithTheSameKeyForTheSameUse(t *testing.T) {
	t.Parallel()
	ours, other := key(t, strings.Repeat("k", 32)), key(t, strings.Repeat("x", 32))
	sealed := ours.Seal([]byte("https://example.com/?id=1"), "7-12")
	require.NotContains(t, sealed, "example")
	require.NotEqual(t, sealed, ours.Seal([]byte("https://example.com/?id=1"), "7-12"), "equal secrets look different")
	secret, err := ours.Open(sealed, "7-12")
	require.NoError(t, err)
	require.Equal(t, "https://example.com/?id=1", string(secret))
	altered := []byte(sealed)
	altered[len(altered)-5] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another key":          func() ([]byte, error) { return other.Open(sealed, "7-12") },
		"another attestation":  func() ([]byte, error) { return ours.Open(sealed, "7-13") },
		"altered":              func() ([]byte, error) { return ours.Open(string(altered), "7-12") },
		"not sealed":           func() ([]byte, error) { return ours.Open("https://example.com/?id=1", "7-12") },
		"empty":                func() ([]byte, error) { return ours.Open("", "7-12") },
		"shorter than a nonce": func() ([]byte, error) { return ours.Open("v1:AAAA", "7-12") },
	} {
		secret, err := open()
		require.ErrorIs(t, err, seal.ErrOtherKey, name)
		require.Empty(t, secret)
	}
}

func TestAKeyMustBeLong(t *testing.T) {
	t.Parallel()
	_, err := seal.NewKey("short")
	require.EqualError(t, err, "the key has 5 characters and must have at least 32")
}
