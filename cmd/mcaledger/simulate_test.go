package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASimulatedConfigurationIsWrittenOverNothingReal(t *testing.T) {
	for _, name := range []string{"mcaledger.yaml", "mcaledger.db", "refresh-token"} {
		folder := t.TempDir()
		real := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(real, []byte("precious"), 0o600))
		require.Error(t, writeSimulatedConfig(folder, "http://127.0.0.1:1"))
		kept, err := os.ReadFile(real)
		require.NoError(t, err)
		require.Equal(t, "precious", string(kept))
	}
	folder := filepath.Join(t.TempDir(), "new")
	require.NoError(t, writeSimulatedConfig(folder, "http://127.0.0.1:1"))
	require.NoError(t, writeSimulatedConfig(folder, "http://127.0.0.1:2"), "its own it may write again")
}
