package demo_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/demo"
)

func TestConfigurationOfASimulationOverwritesNothingReal(t *testing.T) {
	t.Parallel()
	for _, name := range []string{demo.ConfigFile, "mcaledger.db", "refresh-token"} {
		folder := t.TempDir()
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
		require.Error(t, demo.OnePartner("http://127.0.0.1:1").Write(folder))
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, "precious", string(kept))
	}
	folder := filepath.Join(t.TempDir(), "new")
	require.NoError(t, demo.OnePartner("http://127.0.0.1:1").Write(folder))
	require.NoError(t, demo.OnePartner("http://127.0.0.1:2").Write(folder), "its own may be overwritten")

	c, err := config.Load(filepath.Join(folder, demo.ConfigFile), nil)
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1:2", c.Partners[0].APIURL)
	assert.Empty(t, c.Attestation.Route)
}

func TestConfigurationOfTheDemoCanBeLoaded(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	settings := demo.OnePartner("http://127.0.0.1:1")
	settings.AcceptedSince, settings.Route = "2022-01-01", "classic"
	require.NoError(t, settings.Write(folder))
	c, err := config.Load(filepath.Join(folder, demo.ConfigFile), nil)
	require.NoError(t, err)
	assert.EqualValues(t, "classic", c.Attestation.Route)
	key, err := c.Attestation.Key()
	require.NoError(t, err)
	assert.Greater(t, len(key), 32)
	assert.EqualValues(t, "2022-01-01", c.Policy.AcceptedSince)
}
