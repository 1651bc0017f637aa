package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/powercut"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// recorded is the program on a machine of which it is known what it has on disk.
func recorded() {
	if err := powercut.Record(os.Getenv("RECORD_FOLDER")); err != nil {
		panic(err)
	}
	main()
}

// The power is cut twenty times during nights that import and submit attestations, against a
// service that loses answers, forgets request ids and takes duplicates. Of the ledger only what was
// synced is left each time, of other files everything. No row is lost, and none is sent twice.
func TestTwentyPowerCuts(t *testing.T) {
	t.Parallel()
	const cuts, rows = 20, 6 // so many rows each night
	k := newKillableWith(t, "sqlite:mcaledger.db", simulator.Options{Seed: 23, Customers: 4 * cuts * rows,
		Mix: simulator.MixAllKinds, Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true,
			MaxInARow: 2, LostAnswers: simulator.LostAnswers{Reset: 0.05, ServerError: 0.05},
			LostRequests: simulator.LostRequests{ServerError: 0.05}}})
	k.counts = func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/")
	}
	disk, inbox := filepath.Join(k.folder, "disk"), filepath.Join(k.folder, "inbox")
	k.program = "mcaledger-recorded"
	k.env = []string{"RECORD_FOLDER=" + disk, "MCALEDGER_ATTESTATION_APPROVAL=none",
		"MCALEDGER_ATTESTATION_INBOX=inbox"}
	require.NoError(t, k.reconcile(t))
	_, list := k.blockedList(t, cuts*rows)
	lines := strings.SplitAfter(list, "\n")
	require.NoError(t, os.MkdirAll(inbox, 0o700))
	dice := rand.New(rand.NewPCG(23, 23))
	for n, cut := 0, 0; cut < cuts; {
		if n < cuts {
			name := filepath.Join(inbox, fmt.Sprintf("list-%02d.csv", n))
			require.NoError(t, os.WriteFile(name, []byte(lines[0]+strings.Join(lines[1+n*rows:1+(n+1)*rows], "")),
				0o600))
			long := time.Now().Add(-time.Hour)
			require.NoError(t, os.Chtimes(name, long, long))
			n++
		}
		k.killAt.Store(k.requests.Load() + 1 + dice.Int64N(rows))
		k.run(t, "nightly")
		if k.signalled {
			cut++
			require.NoError(t, powercut.Cut(filepath.Join(k.folder, "mcaledger.db"), disk))
		} else {
			require.Less(t, n, cuts, "all is sent after %d cuts", cut)
		}
	}
	k.killAt.Store(0)
	for try := 0; k.run(t, "nightly") != nil && try < 5; try++ {
	}
	require.NoError(t, k.run(t, "verify"))
	k.tookEffectOnce(t, list)
}
