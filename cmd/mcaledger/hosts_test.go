package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/store"
)

// Two hosts drain one queue, and one of them is stopped in the middle of its work, with a request
// of each of its workers on the wire: half of them took effect and their answers wait, half never
// arrive. The other drains on; the claims run out; it settles those too. Then the first one wakes.
// The service catches no repeats and loses answers besides. Whether the stopped process is of
// another host, or lives on this one and can be seen not to be dead, its claims are its own until
// they run out.
func TestAHostIsStoppedAndWakes(t *testing.T) {
	t.Parallel()
	for name, host := range map[string]string{"on another host": "another host", "on the same host": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rows, workers, before = 90, 6, 25
			address := pgtest.Database(t)
			k, list := newQueue(t, address, rows, simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true,
				MaxInARow: 1, LostAnswers: simulator.LostAnswers{Reset: 0.02, ServerError: 0.02},
				LostRequests: simulator.LostRequests{ServerError: 0.02}})
			away := newStoppable(t, k.sim, before)
			stopped := away.submit(t, address, workers)
			for range workers {
				<-away.caught
			}
			require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGSTOP))
			db, err := sqlx.Open("postgres", address)
			require.NoError(t, err)
			defer db.Close()
			if host != "" { // as if the claims had been made there
				db.MustExec("UPDATE attestation SET claim_host = $1 WHERE claim_expires > 0", host)
			}

			here := newStoppable(t, k.sim, 1<<30)
			awake := here.submit(t, address, workers).wait(t)
			require.Equal(t, exitPartial, awake.Exit)
			require.GreaterOrEqual(t, awake.RetryLater, workers,
				"what the stopped one has in its hands is not done, and said not to be")
			confirmed := awake.Confirmed

			// five minutes go by
			db.MustExec("UPDATE attestation SET claim_expires = claim_expires - 300 WHERE claim_expires > 0")
			for try := 0; awake.Exit != exitDone; try++ {
				require.Less(t, try, 5)
				awake = here.submit(t, address, workers).wait(t)
				confirmed += awake.Confirmed
			}

			close(away.release)
			require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGCONT))
			woken := stopped.wait(t)
			require.Equal(t, exitDone, woken.Exit, "what others have settled is not its to report")
			require.Equal(t, rows, confirmed+woken.Confirmed, "each was settled by one of them")
			t.Logf("%d rows: the stopped one settled %d, the other %d, of which %d were in the stopped one's hands",
				rows, woken.Confirmed, confirmed, workers)

			require.NoError(t, k.run(t, "verify"))
			k.tookEffectOnce(t, list)
			k.ledgerAgrees(t, workers/2)
		})
	}
}

// It is stopped in the middle of its transactions: the locks that it holds do not keep the other
// waiting until it wakes.
func TestAHostIsStoppedWithALockInItsHands(t *testing.T) {
	t.Parallel()
	const rows, workers = 20, 2
	address := pgtest.Database(t)
	k, list := newQueue(t, address, rows, simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true})
	db, err := sqlx.Open("postgres", address)
	require.NoError(t, err)
	defer db.Close()
	host := newStoppable(t, k.sim, 1<<30)

	// its workers wait for the chain's lock, and will have it one after the other without knowing
	// it
	lock := db.MustBegin()
	lock.MustExec("SELECT * FROM chain_head FOR UPDATE")
	stopped := host.submit(t, address, workers)
	require.Eventually(t, func() bool {
		var waiting int
		require.NoError(t, db.Get(&waiting, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = "+
			"current_database() AND wait_event_type = 'Lock'"))
		return waiting == workers
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGSTOP))
	require.NoError(t, lock.Commit())

	awake := host.submit(t, address, workers).wait(t)
	require.GreaterOrEqual(t, awake.Confirmed, rows-workers)
	require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGCONT))
	woken := stopped.wait(t)
	require.Contains(t, []int{exitDone, exitPartial}, woken.Exit, "it begins again what was cut off: %v", woken.Error)
	for try := 0; k.run(t, "attest", "submit") != nil; try++ {
		require.Less(t, try, 5)
	}
	require.NoError(t, k.run(t, "verify"))
	k.tookEffectOnce(t, list)
	k.ledgerAgrees(t, 0)
}

// newQueue is a partner of whose customers so many wait to be attested for.
func newQueue(t *testing.T, address string, rows int, writes simulator.Writes) (k *killable, list string) {
	t.Helper()
	k = newKillableWith(t, address, simulator.Options{Seed: 23, Customers: 5 * rows, Mix: simulator.MixAllKinds,
		Latency: 2 * time.Millisecond, Writes: writes})
	require.NoError(t, k.reconcile(t))
	file, list := k.blockedList(t, rows)
	require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
	require.NoError(t, k.run(t, "attest", "import", "--by", "ana", file))
	require.NoError(t, k.run(t, "attest", "approve", "--by", "bea", "1"))
	return k, list
}

// ledgerAgrees holds each row's answer and request id in the ledger against the service's own
// record.
func (k *killable) ledgerAgrees(t *testing.T, readBack int) {
	t.Helper()
	s, err := store.Open(t.Context(), k.address)
	require.NoError(t, err)
	defer s.Close()
	under := map[string]string{}
	for _, e := range k.sim.Effects() {
		under[e.TenantID] = e.RequestID
	}
	for a, err := range s.Attestations(t.Context(), 1) {
		require.NoError(t, err)
		require.Equal(t, attestation.Confirmed, a.State)
		require.Equal(t, a.RequestID, under[a.CustomerID])
		if a.Reason == attestation.ReadBack {
			readBack--
		}
	}
	require.LessOrEqual(t, readBack, 0, "what took effect and was not answered is read back")
}

// stoppable is a host of its own, with its own way to the simulated service, on which attestations
// get stuck from one on.
type stoppable struct {
	folder  string
	caught  chan struct{} // once for each attestation that is stuck
	release chan struct{} // closed: they come to their end
}

func newStoppable(t *testing.T, sim http.Handler, before int64) *stoppable {
	t.Helper()
	s := &stoppable{folder: t.TempDir(), caught: make(chan struct{}, 1000), release: make(chan struct{})}
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int64(0)
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/") {
			n = posts.Add(1)
		}
		if n <= before {
			sim.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		if n%2 == 0 {
			sim.ServeHTTP(answer, r)
		}
		s.caught <- struct{}{}
		<-s.release
		if n%2 != 0 {
			panic(http.ErrAbortHandler) // it never arrived
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = answer.Body.WriteTo(w)
	}))
	t.Cleanup(server.Close)
	require.NoError(t, demo.OnePartner(server.URL).Write(s.folder))
	return s
}

// submitter is a submission under way in a process of its own.
type submitter struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

func (s *stoppable) submit(t *testing.T, address string, workers int) *submitter {
	t.Helper()
	p := &submitter{cmd: exec.Command("mcaledger", "attest", "submit", "--json", "--config",
		filepath.Join(s.folder, "mcaledger.yaml"))}
	p.cmd.Env = append(os.Environ(), "MCALEDGER_DATABASE="+address, "MCALEDGER_ATTESTATION_ROUTE=classic",
		"MCALEDGER_PARTNERS_0_CONCURRENCY="+strconv.Itoa(workers))
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// wait waits for the end of a submission; one that hangs is killed, and fails the test.
func (p *submitter) wait(t *testing.T) (r submitReply) {
	t.Helper()
	hangs := time.AfterFunc(time.Minute, func() { p.cmd.Process.Kill() })
	defer hangs.Stop()
	_ = p.cmd.Wait() // the reply has the exit code
	require.NoError(t, json.Unmarshal(p.stdout.Bytes(), &r), "%s", p.stderr.String())
	return r
}
