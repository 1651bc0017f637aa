package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
)

// withPostgres stops the throwaway server of a package's tests at their end.
type withPostgres struct{ *testing.M }

func (w withPostgres) Run() int { return storetest.Main(w.M) }

// A sweep that is killed again and again ends right, and costs little more than one that is left alone.
func TestKilledTenTimes(t *testing.T) {
	const customers, kills = 3000, 10
	for name, address := range map[string]string{
		"sqlite":   "sqlite:mcaledger.db",
		"postgres": storetest.Postgres(t),
	} {
		t.Run(name, func(t *testing.T) {
			undisturbed := newKillable(t, "sqlite:mcaledger.db", customers)
			require.NoError(t, undisturbed.reconcile(t))
			alone := undisturbed.requests.Load()

			k := newKillable(t, address, customers)
			for i := range kills {
				k.killAt.Store(alone * int64(i+1) / (kills + 2))
				_, isExit := errors.AsType[*exec.ExitError](k.reconcile(t))
				require.True(t, isExit, "attempt %d was not killed", i+1)
			}
			k.killAt.Store(0)
			require.NoError(t, k.reconcile(t))
			require.True(t, k.reply.Runs[0].Resumed)
			require.True(t, k.reply.Runs[0].Balanced)
			require.Equal(t, undisturbed.reply.Runs[0].Clear, k.reply.Runs[0].Clear)
			require.Equal(t, undisturbed.records(t), k.records(t))
			ratio := float64(k.requests.Load()) / float64(alone)
			t.Logf("%d kills cost %.3f times the %d requests of a sweep that was left alone", kills, ratio, alone)
			require.LessOrEqual(t, ratio, 1.3)
		})
	}
}

// killable is a simulated partner whose client is killed when it has made a number of requests.
type killable struct {
	folder           string
	address          string
	requests, killAt atomic.Int64
	process          atomic.Pointer[os.Process]
	reply            reconcileReply
}

func newKillable(t *testing.T, address string, customers int) *killable {
	k := &killable{folder: t.TempDir(), address: address}
	sim, err := simulator.New(simulator.Options{Seed: 21, Customers: customers, Mix: simulator.MixAllKinds})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") && k.requests.Add(1) == k.killAt.Load() {
			k.process.Load().Kill()
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	require.NoError(t, writeSimulatedConfig(k.folder, server.URL))
	return k
}

// reconcile runs the real program until it ends or is killed.
func (k *killable) reconcile(t *testing.T) error {
	cmd := exec.Command("mcaledger", "reconcile", "--json", "--config", filepath.Join(k.folder, "mcaledger.yaml"))
	cmd.Env = append(os.Environ(), "MCALEDGER_DATABASE="+k.address)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	k.process.Store(cmd.Process)
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() >= 0 {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &k.reply), "%s", stderr.String())
		if k.reply.Exit == exitPartial { // the world has customers that nobody may read
			return nil
		}
	}
	return err
}

// records are the standings that the ledger ends with.
func (k *killable) records(t *testing.T) map[string]string {
	address := strings.Replace(k.address, "sqlite:", "sqlite:"+k.folder+"/", 1)
	s, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	found := map[string]string{}
	for record, err := range s.Records(t.Context(), "11111111-1111-4111-8111-111111111111", k.reply.Runs[0].Run, "") {
		require.NoError(t, err)
		found[record.ID] = string(record.Standing) + " " + string(record.Reason)
	}
	return found
}
