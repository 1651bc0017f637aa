package loopback_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/loopback"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "LocalHost", "127.0.0.1", "127.8.9.10", "::1"} {
		require.True(t, loopback.Is(host), host)
	}
	for _, host := range []string{
		"", "localhost.example.com", "localhost.", "127.0.0.1.example.com", "128.0.0.1", "127.1", "0.0.0.0", "::",
		"[::1]", "::ffff:127.0.0.1", "::1%eth0", "0x7f.1", "2130706433",
	} {
		require.False(t, loopback.Is(host), host)
	}
}
