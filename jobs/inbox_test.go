//go:build unix

package jobs_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// inboxLab is an inbox and an empty ledger: every customer is looked up.
type inboxLab struct {
	*importLab
	folder string
	job    jobs.Inbox
}

func newInboxLab(t *testing.T) *inboxLab {
	t.Helper()
	return inboxOf(t, newImportLab(t))
}

func inboxOf(t *testing.T, ledger *importLab) *inboxLab {
	t.Helper()
	l := &inboxLab{importLab: ledger, folder: t.TempDir()}
	l.job = jobs.Inbox{Folder: l.folder, Host: "desk", Batches: l,
		ImportFiles: jobs.ImportFiles{Import: l.importLab.job, Intake: intake.Options{Dates: intake.Auto},
			Store: l, Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
	return l
}

const (
	goodList = "customer_tenant_id,first_name,last_name,email,date_agreed\nc0000000-0000-4000-8000-000000000001,Ana,Souza,ana@a.example,2024-05-06\n"
	noList   = "first_name\nAna\n"
)

// put puts a file into the inbox that has been there for two minutes.
func (l *inboxLab) put(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(l.folder, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	then := time.Now().Add(-2 * time.Minute)
	require.NoError(t, os.Chtimes(path, then, then))
}

func (l *inboxLab) take(t *testing.T) jobs.InboxResult {
	t.Helper()
	done, err := l.job.Run(t.Context())
	require.NoError(t, err)
	return done
}

func (l *inboxLab) batches(t *testing.T) []attestation.Batch {
	t.Helper()
	batches, err := l.RecentBatches(t.Context(), 100)
	require.NoError(t, err)
	return batches
}

// holds lists everything under the inbox.
func (l *inboxLab) holds(t *testing.T) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(l.folder, func(path string, e os.DirEntry, err error) error {
		if name, _ := filepath.Rel(l.folder, path); !e.IsDir() {
			names = append(names, name)
		}
		return err
	}))
	return names
}

func TestInboxTakesWhatIsReady(t *testing.T) {
	t.Parallel()
	l := newInboxLab(t)
	l.put(t, "may.csv", goodList)
	done := l.take(t)
	require.Len(t, done.Files, 1)
	require.Equal(t, filepath.Join(l.folder, "done/may.csv"), done.Files[0].Path)
	require.Equal(t, filepath.Join(l.folder, "done/may.batch-1.result.csv"), done.Files[0].All)
	require.Equal(t, 1, done.Unapproved[0].Queued)
	require.Equal(t, []string{"done/may.batch-1.result.csv", "done/may.csv"}, l.holds(t))
	b := l.batches(t)[0]
	require.Equal(t, attestation.FromFileOwner, b.ImportedBy.Source)
	require.Empty(t, b.InboxFile)

	l.put(t, "june.csv", noList)
	l.put(t, "may.csv", goodList)
	done, err := l.job.Run(t.Context())
	require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
	require.Len(t, done.Files, 1)
	require.Equal(t, 1, done.Files[0].Batch.Duplicates)
	require.Equal(t, []string{"done/may-2.batch-2.result.csv", "done/may-2.csv", "done/may.batch-1.result.csv",
		"done/may.csv", "refused/june.csv", "refused/june.csv.reason.txt"}, l.holds(t))

	l.put(t, "june.csv", noList) // corrected, or so somebody thought
	_, err = l.job.Run(t.Context())
	require.Equal(t, jobs.OutcomeFailed, jobs.OutcomeOf(err))
	require.FileExists(t, filepath.Join(l.folder, "refused/june-2.csv.reason.txt"))
}

func TestInboxFollowsNoLink(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "list.csv"), []byte(goodList), 0o600))
	for name, link := range map[string]string{"a file": "list.csv", "done": "done", "refused": "refused"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newInboxLab(t)
			l.put(t, "may.csv", goodList)
			l.put(t, "june.csv", noList)
			target := outside
			if name == "a file" {
				target = filepath.Join(outside, "list.csv")
			}
			require.NoError(t, os.Symlink(target, filepath.Join(l.folder, link)))
			_, err := l.job.Run(t.Context())
			require.Error(t, err)
			entries, err := os.ReadDir(outside)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing is written elsewhere")
			if name != "done" {
				require.Len(t, l.batches(t), 1)
			} else {
				require.Empty(t, l.batches(t), "without a place for its answers a file is not taken")
				require.FileExists(t, filepath.Join(l.folder, "may.csv"))
			}
		})
	}
}

func TestInboxSaysWhatStays(t *testing.T) {
	t.Parallel()
	l := newInboxLab(t)
	l.put(t, "may.csv", goodList)
	future := time.Now().Add(48 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(l.folder, "may.csv"), future, future))
	done, err := l.job.Run(t.Context())
	code, hint := jobs.Explain(err)
	require.Equal(t, "files_stay", code)
	require.NotEmpty(t, hint)
	require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
	require.ErrorContains(t, err, "may.csv (its time is in the future)")
	require.Equal(t, []jobs.LeftFile{{Name: "may.csv", Reason: "its time is in the future", Stays: true}}, done.Left)
}

func TestInboxThatIsMissing(t *testing.T) {
	t.Parallel()
	l := newInboxLab(t)
	l.job.Folder = filepath.Join(l.folder, "nowhere")
	l.take(t)
	l.job.Required = true
	_, err := l.job.Run(t.Context())
	code, _ := jobs.Explain(err)
	require.Equal(t, "inbox_missing", code)
	require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
}

// A run is killed between the commit of a batch and the move of its file, or right after the move.
func TestInboxFinishesWhatAKillLeft(t *testing.T) {
	t.Parallel()
	for name, moved := range map[string]bool{"before the move": false, "after the move": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newInboxLab(t)
			l.put(t, "may.csv", goodList)
			killed := l.job.ImportFiles
			killed.InboxFile, killed.By.Host = "may.csv", "desk"
			_, err := killed.Run(t.Context(), []string{filepath.Join(l.folder, "may.csv")})
			require.NoError(t, err)
			require.NoError(t, os.Remove(filepath.Join(l.folder, "may.batch-1.result.csv")))
			if moved {
				require.NoError(t, os.Remove(filepath.Join(l.folder, "may.csv")))
			}
			done := l.take(t)
			require.Len(t, l.batches(t), 1)
			if moved {
				require.Empty(t, done.Files)
			} else {
				require.EqualValues(t, 1, done.Files[0].Batch.ID)
				require.Equal(t, []string{"done/may.batch-1.result.csv", "done/may.csv"}, l.holds(t))
			}
			unfinished, err := l.UnfinishedInboxBatches(t.Context())
			require.NoError(t, err)
			require.Empty(t, unfinished)
			require.Empty(t, l.take(t).Files)
		})
	}
}

func TestTwoRunsTakeOneFileOnce(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		s, err := store.Open(t.Context(), address)
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		require.NoError(t, s.Migrate(t.Context()))
		ledger := importLabOf(s)
		l := inboxOf(t, ledger)
		for i := range 5 {
			l.put(t, string(rune('a'+i))+".csv", goodList)
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					_, err := l.job.Run(t.Context())
					require.NoError(t, err)
				})
			}
			both.Wait()
			require.Len(t, l.batches(t), i+1)
		}
		require.Len(t, l.holds(t), 10, "each file and one result of each")
	})
}

// Who writes to a file has not finished it: it is taken the next night, and this one is good.
func TestFileThatGrowsWhileItIsReadIsLeft(t *testing.T) {
	t.Parallel()
	l := newInboxLab(t)
	l.put(t, "may.csv", goodList)
	l.job.ImportFiles.Now = func() time.Time { // asked for once the file is open
		l.put(t, "may.csv", goodList+"\n")
		return time.Now()
	}
	done := l.take(t)
	require.Empty(t, done.Files)
	require.Empty(t, l.batches(t))
	require.Equal(t, []string{"may.csv"}, l.holds(t))

	l.job.ImportFiles.Now = time.Now
	require.Len(t, l.take(t).Files, 1)
}

// The names of results are longer than that of the file, and the file system takes 255 bytes.
func TestFilesWithLongNames(t *testing.T) {
	t.Parallel()
	l := newInboxLab(t)
	long := strings.Repeat("ç", 125) + "a.csv" // 255 bytes
	extension := "x." + strings.Repeat("e", 253)
	for range 2 {
		l.put(t, long, strings.Replace(goodList, "2024-05-06", "never", 1))
		l.put(t, "no"+long[2:], noList)
		_, err := l.job.Run(t.Context())
		require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err), "%v", err)
	}
	l.put(t, extension, goodList)
	l.take(t)
	require.Len(t, l.batches(t), 3)
	found := l.holds(t)
	require.Len(t, found, 2*3+2*2+2, "%v", found)
	for _, name := range found {
		require.True(t, strings.HasPrefix(name, "done/") || strings.HasPrefix(name, "refused/"), name)
		require.True(t, utf8.ValidString(name), name)
	}
}
