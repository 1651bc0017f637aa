package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/powercut"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// actions are what the program does before it acts outside of the database. Each is done on a
// ledger with an approved batch.
var actions = map[string]func(*testing.T, *store.Store){
	"migrate": func(*testing.T, *store.Store) {},
	"import":  imported,
	"approve": func(t *testing.T, s *store.Store) {
		t.Helper()
		imported(t, s)
		require.NoError(t, <-approving(t, t.Context(), s))
	},
	"save a request before it leaves": func(t *testing.T, s *store.Store) {
		t.Helper()
		imported(t, s)
		require.NoError(t, <-approving(t, t.Context(), s))
		queue, err := s.Queue(t.Context(), "p", somebody)
		require.NoError(t, err)
		claim, err := queue.Claim(t.Context(), standing.DateOf(time.Now()), attestation.ApprovedWork)
		require.NoError(t, err)
		require.NoError(t, queue.Open(t.Context(), claim, attestation.Request{Kind: attestation.AttestRequest, ID: "r",
			SentAt: time.Now()}, time.Minute))
	},
	"close a run": func(t *testing.T, s *store.Store) {
		t.Helper()
		err := s.Hold(t.Context(), ledger.Partner{ID: "p", Kind: standing.DirectBill},
			func(ctx context.Context, lease *store.Lease) error {
				r, _, err := lease.Begin(ctx, ledger.Run{Kind: ledger.Sweep, StartedAt: time.Now()}, time.Now())
				require.NoError(t, err)
				customer := standing.CustomerOf("c")
				_, _, err = lease.RecordListed(ctx, r, []standing.Customer{customer}, false)
				require.NoError(t, err)
				record := standing.Next(nil, standing.State{Customer: customer, Standing: standing.Blocked,
					Reason: standing.NeverAccepted, Agreements: standing.Read,
					Direct: standing.DirectNo}, time.Now(), time.Time{})
				require.NoError(t, lease.SaveReadings(ctx, r, time.Now(),
					[]ledger.Reading{{Record: record, Differs: true, Change: standing.New}}))
				r.FinishedAt = time.Now()
				_, err = lease.CloseRun(ctx, r,
					func(ledger.Totals) []ledger.Check { return []ledger.Check{{OK: true}} })
				return err
			})
		require.NoError(t, err)
	},
	"record a report": func(t *testing.T, s *store.Store) {
		t.Helper()
		require.NoError(t, s.RecordReport(t.Context(), ledger.WrittenReport{File: "r.xlsx"}, somebody, time.Now()))
	},
}

// TestActBeforePowerCut is the child of TestAPowerCutTakesNothingThatWasActedOn.
func TestActBeforePowerCut(t *testing.T) {
	name, folder := os.Getenv("POWERCUT_ACTION"), os.Getenv("POWERCUT_FOLDER")
	if name == "" {
		return
	}
	require.NoError(t, powercut.Record(filepath.Join(folder, "disk")))
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "ledger.db"))
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	actions[name](t, s)
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	fmt.Printf("head %s\n", head)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// What a caller was told is done is on disk, whatever of the files the operating system had not
// written yet.
func TestAPowerCutTakesNothingThatWasActedOn(t *testing.T) {
	t.Parallel()
	for name := range actions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			child := exec.Command(os.Args[0], "-test.run=^TestActBeforePowerCut$")
			child.Env = append(os.Environ(), "POWERCUT_ACTION="+name, "POWERCUT_FOLDER="+folder)
			output, _ := child.CombinedOutput()
			_, said, found := bytes.Cut(output, []byte("head "))
			require.True(t, found, "%s", output)
			head, err := ledger.ParseChainHead(string(said))
			require.NoError(t, err)

			database := filepath.Join(folder, "ledger.db")
			require.NoError(t, powercut.Cut(database, filepath.Join(folder, "disk")))
			s, err := store.Open(t.Context(), "sqlite:"+database)
			require.NoError(t, err)
			defer s.Close()
			have, know, err := s.Schema(t.Context())
			require.NoError(t, err)
			require.Equal(t, know, have)
			left, err := s.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, head, left)
			whole(t, s)
		})
	}
}
