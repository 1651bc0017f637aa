package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/testsize"
)

// withPostgres stops the throwaway server of a package's tests at their end.
type withPostgres struct{ *testing.M }

func (w withPostgres) Run() int { return pgtest.Main(w.M) }

// A sweep that is killed again and again ends right, and costs little more than one that is left
// alone.
func TestKilledFiveTimes(t *testing.T) {
	t.Parallel()
	const customers, kills = 1500, 5
	undisturbed := newKillable(t, "sqlite:mcaledger.db", customers)
	require.NoError(t, undisturbed.reconcile(t))
	alone, records := undisturbed.requests.Load(), undisturbed.records(t)
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
			require.Equal(t, records, k.records(t))
			ratio := float64(k.requests.Load()) / float64(alone)
			t.Logf("%d kills cost %.3f times the %d requests of a sweep that was left alone", kills, ratio, alone)
			require.LessOrEqual(t, ratio, 1.3)
		})
	}
}

// A submission that is killed again and again, against a service that loses answers and does not
// catch repeats: every row takes effect exactly once, under one request id, with the content and
// the date of the file.
func TestSubmissionKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const seed = 22
	draws, rows := drawKills(seed, testsize.Of(50, 400))
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKillableWith(t, address, simulator.Options{Seed: seed, Customers: 4 * rows,
				Mix: simulator.MixAllKinds, Latency: 2 * time.Millisecond,
				Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true, MaxInARow: 2,
					LostAnswers:  simulator.LostAnswers{Reset: 0.1, ServerError: 0.1},
					LostRequests: simulator.LostRequests{ServerError: 0.05}}})
			require.NoError(t, k.reconcile(t))
			file, list := k.blockedList(t, rows)
			require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
			require.NoError(t, k.run(t, "attest", "import", "--by", "ana", file))
			require.NoError(t, k.run(t, "attest", "approve", "--by", "bea", "1"))

			killed := 0
			for try := 0; killed < len(draws); try++ {
				require.Less(t, try, 10*len(draws))
				k.killAt.Store(k.requests.Load() + draws[killed])
				require.Error(t, k.run(t, "attest", "submit"), "all is sent after %d kills", killed)
				if k.signalled { // else rows whose outcome is unknown are still to be settled
					killed++
				}
			}
			k.killAt.Store(0)
			for try := 0; k.run(t, "attest", "submit") != nil; try++ {
				require.Less(t, try, 20)
			}
			require.NoError(t, k.run(t, "verify"))
			k.tookEffectOnce(t, list)
			t.Logf("killed %d times while submitting %d rows", killed, rows)
		})
	}
}

// drawKills draws the number of requests after which each process is killed, and their sum. As many
// rows are enough for all kills, however fast the host is.
func drawKills(seed uint64, kills int) (draws []int64, sum int) {
	dice := rand.New(rand.NewPCG(seed, seed))
	for range kills {
		n := 2 + dice.Int64N(12)
		draws, sum = append(draws, n), sum+int(n)
	}
	return draws, sum
}

// blockedList is a file of attestations for customers that are blocked.
func (k *killable) blockedList(t *testing.T, rows int) (path, list string) {
	t.Helper()
	lines := []string{"customer_tenant_id,first_name,last_name,email,date_agreed"}
	world := k.sim.World()
	for i := range world.Len() {
		if word, _ := k.sim.Expect(i, true); word == "blocked" && world.Listed(i) && len(lines) <= rows {
			lines = append(lines, fmt.Sprintf("%s,Ana,Souza,ana%d@example.com,2026-11-%02d", world.Customer(i).TenantID,
				i, 1+i%20))
		}
	}
	require.Len(t, lines, rows+1)
	return filepath.Join(k.folder, "list.csv"), strings.Join(lines, "\n") + "\n"
}

func (k *killable) tookEffectOnce(t *testing.T, list string) {
	t.Helper()
	effects := map[string]simulator.Effect{}
	for _, e := range k.sim.Effects() {
		_, twice := effects[e.TenantID]
		require.False(t, twice, "%s took effect twice", e.TenantID)
		effects[e.TenantID] = e
	}
	for _, line := range strings.Split(strings.TrimSpace(list), "\n")[1:] {
		cells := strings.Split(line, ",")
		e := effects[cells[0]]
		require.Equal(t, cells[1:], []string{e.Contact.FirstName, e.Contact.LastName, e.Contact.Email,
			e.DateAgreed[:10]})
	}
	require.Len(t, effects, strings.Count(list, "\n")-1)
}

// killable is a simulated partner whose client is killed when it has made a number of requests. The
// last of them takes effect.
type killable struct {
	folder           string
	address          string
	program          string // instead of mcaledger
	env              []string
	sim              *simulator.Simulator
	counts           func(*http.Request) bool // which requests do
	requests, killAt atomic.Int64
	process          atomic.Pointer[os.Process]
	reply            reconcileReply
	signalled        bool // the last process was killed
}

func newKillable(t *testing.T, address string, customers int) *killable {
	t.Helper()
	return newKillableWith(t, address, simulator.Options{Seed: 21, Customers: customers, Mix: simulator.MixAllKinds})
}

func newKillableWith(t *testing.T, address string, options simulator.Options) *killable {
	t.Helper()
	k := &killable{folder: t.TempDir(), address: address}
	k.counts = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }
	sim, err := simulator.New(options)
	require.NoError(t, err)
	k.sim = sim
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.counts(r) {
			if n, last := k.requests.Add(1), k.killAt.Load(); last > 0 && n >= last {
				k.process.Load().Kill()
				if n > last { // sent before the signal came: it does not arrive
					panic(http.ErrAbortHandler)
				}
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	require.NoError(t, demo.OnePartner(server.URL).Write(k.folder))
	return k
}

// reconcile runs a sweep until it ends or is killed.
func (k *killable) reconcile(t *testing.T) error {
	t.Helper()
	return k.run(t, "reconcile")
}

// run runs the real program until it ends or is killed. Rows or customers that could not be done
// are no error.
func (k *killable) run(t *testing.T, arguments ...string) error {
	t.Helper()
	cmd := exec.Command(cmp.Or(k.program, "mcaledger"), append(arguments, "--json", "--config",
		filepath.Join(k.folder, "mcaledger.yaml"))...)
	cmd.Env = k.environ("MCALEDGER_ATTESTATION_ROUTE=classic", "MCALEDGER_ATTESTATION_CEILING=100000")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	k.process.Store(cmd.Process)
	err := cmd.Wait()
	k.signalled = cmd.ProcessState.ExitCode() < 0
	if !k.signalled {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &k.reply), "%s", stderr.String())
		if k.reply.Exit == exitPartial && arguments[0] == "reconcile" { // the world has customers that nobody may read
			return nil
		}
		if k.reply.Exit != exitPartial && k.reply.Exit != exitDone {
			require.Fail(t, "exit", "%d %s", k.reply.Exit, stderr.String())
		}
	}
	return err
}

// environ has six workers: those of the default would spend most of their time before the kill on
// opening sixteen connections to PostgreSQL.
func (k *killable) environ(more ...string) []string {
	own := []string{"MCALEDGER_DATABASE=" + k.address, "MCALEDGER_PARTNERS_0_CONCURRENCY=6"}
	return slices.Concat(os.Environ(), own, more, k.env)
}

// records are the standings that the ledger ends with.
func (k *killable) records(t *testing.T) map[string]string {
	t.Helper()
	address := addressIn(k.folder, k.address)
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
