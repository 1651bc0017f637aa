package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/internal/testsize"
)

// later is the program some days later.
func later() {
	days, err := strconv.Atoi(os.Getenv("DAYS_LATER"))
	if err != nil {
		panic(err)
	}
	ctx, stop := untilSignal(context.Background())
	code := Main(ctx, os.Args[1:], Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(),
		Now: func() time.Time { return time.Now().AddDate(0, 0, days) }})
	stop()
	os.Exit(code)
}

// Attestations take the enhanced route through days on which the program is killed again and
// again: each signer gets one link and the reminders that are due, what was accepted is
// confirmed with its day, what expired is created once more, and nothing is created twice.
// Neither links nor addresses are in anything that is written for others.
func TestEnhancedRouteKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	kills, rows := testsize.Of(15, 100), testsize.Of(60, 500)
	const days = 18
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnhanced(t, address, rows)
			dice := rand.New(rand.NewPCG(29, 29))
			killed := 0
			for day := range days {
				e.on(t, day)
				due := min(kills, kills*(day+2)/10)
				for killed < due {
					e.killAt.Store(e.requests.Load() + 2 + dice.Int64N(int64(rows)/6))
					if e.submit(t) == nil {
						break // the day has too few requests left; the next one makes up for it
					}
					if e.signalled {
						killed++
					}
				}
				e.killAt.Store(0)
				for try := 0; e.submit(t) != nil && try < 4; try++ { // expired links stay for a person
				}
				e.polled = append(e.polled, time.Now().AddDate(0, 0, day))
			}
			t.Logf("killed %d times in %d days: %s", killed, days, e.outcome(t, rows))
			require.Equal(t, kills, killed)
			e.nothingLeaks(t)
			require.NoError(t, e.run(t, "verify"))
		})
	}
}

// enhancedDays is a program that takes the enhanced route, and what it wrote.
type enhancedDays struct {
	*killable
	polled  []time.Time // by day
	written bytes.Buffer
}

func newEnhanced(t *testing.T, address string, rows int) *enhancedDays {
	t.Helper()
	e := &enhancedDays{
		killable: newKillableWith(
			t,
			address,
			simulator.Options{Seed: 29, Customers: 4 * rows, Mix: simulator.MixAllKinds,
				Enhanced: simulator.Enhanced{AcceptWithin: 12, AcceptShare: 0.8},
				Writes: simulator.Writes{
					MaxInARow:    2,
					LostAnswers:  simulator.LostAnswers{Reset: 0.03, ServerError: 0.03},
					LostRequests: simulator.LostRequests{ServerError: 0.03},
				}},
		),
	}
	key := filepath.Join(e.folder, "links.key")
	require.NoError(t, os.WriteFile(key, []byte(strings.Repeat("k", 64)), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(e.folder, "inbox"), 0o700))
	e.program = "mcaledger-later"
	e.env = []string{"DAYS_LATER=0", "MCALEDGER_ATTESTATION_ROUTE=enhanced", "MCALEDGER_ATTESTATION_KEY_FILE=" + key,
		"MCALEDGER_RECONCILE_MAX_GONE_PERCENT=100",
		"MCALEDGER_ATTESTATION_RENEW_EXPIRED=true",
		"MCALEDGER_ATTESTATION_EVIDENCE_DIR=" + filepath.Join(e.folder, "evidence")}
	require.NoError(t, e.reconcile(t))
	file, list := e.blockedList(t, rows)
	require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
	require.NoError(t, e.run(t, "attest", "import", "--by", "ana", file))
	require.NoError(t, e.run(t, "attest", "approve", "--by", "bea", "1"))
	return e
}

// on moves program and service to a day.
func (e *enhancedDays) on(t *testing.T, day int) {
	t.Helper()
	e.env[0] = fmt.Sprintf("DAYS_LATER=%d", day)
	require.NoError(t, e.sim.SetNight(1+day))
}

// submit keeps what the program writes.
func (e *enhancedDays) submit(t *testing.T) error {
	t.Helper()
	return e.record(t, "attest", "submit", "--json")
}

func (e *enhancedDays) record(t *testing.T, arguments ...string) error {
	t.Helper()
	cmd := exec.Command(e.program, append(arguments, "--config", filepath.Join(e.folder, "mcaledger.yaml"))...)
	cmd.Env = e.environ()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	e.process.Store(cmd.Process)
	err := cmd.Wait()
	e.signalled = cmd.ProcessState.ExitCode() < 0
	e.written.Write(output.Bytes())
	if code := cmd.ProcessState.ExitCode(); code > 0 && code != exitPartial {
		require.Fail(t, "exit", "%d %s", code, output.String())
	}
	return err
}

func (e *enhancedDays) drafts(t *testing.T) []string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(e.folder, "drafts"))
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".eml"))
	}
	return names
}

func (e *enhancedDays) store(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), e.database())
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func (e *enhancedDays) database() string {
	return addressIn(e.folder, e.address)
}

// outcome holds the ledger and the drafts against what the service created.
func (e *enhancedDays) outcome(t *testing.T, rows int) string {
	t.Helper()
	created := map[string][]simulator.EnhancedAttestation{}
	for _, a := range e.sim.Attestations() {
		created[a.Signatory.Email] = append(created[a.Signatory.Email], a)
	}
	drafts := e.drafts(t)
	wanted, unclear := map[string]bool{}, map[string]bool{}
	counts := map[string]int{}
	for a, err := range e.store(t).Attestations(t.Context(), 1) {
		require.NoError(t, err)
		counts[string(a.State)]++
		of := created[a.Content.Signer.Email]
		require.Len(t, of, a.Creation, "%s", a.ID)
		require.LessOrEqual(t, len(of), 2, "created once more at most")
		for n, c := range of {
			if n > 0 {
				require.True(t, of[n-1].AcceptedAt.IsZero(), "accepted, and created again")
				require.False(t, c.CreatedAt.Before(of[n-1].ExpiresAt), "created twice")
				counts["renewed"]++
			}
			e.expectDrafts(fmt.Sprintf("attestation-%s-%d-", a.ID, n+1), c, wanted, unclear)
		}
		if a.Reason == attestation.CustomerRefused { // the customer has left, or vanished
			require.Equal(t, attestation.Failed, a.State)
			continue
		}
		last := of[len(of)-1]
		if last.AcceptedAt.IsZero() {
			require.Contains(
				t,
				[]attestation.State{attestation.Expired, attestation.Waiting, attestation.Cleared},
				a.State,
				"%s",
				a.ID,
			)
			continue
		}
		require.Equal(t, attestation.Confirmed, a.State, "%s %s %s", a.ID, a.Reason, a.Message)
		require.Equal(t, standing.DateOf(last.AcceptedAt), a.AcceptedOn)
		require.Equal(t, a.CustomerID, last.TenantID)
		require.NotEmpty(t, a.DocumentSHA256)
	}
	for _, name := range drafts {
		require.True(t, wanted[name] || unclear[name], "%s was not due", name)
		delete(wanted, name)
	}
	require.Empty(t, wanted, "due, and not written")
	effects := map[string]int{}
	for _, effect := range e.sim.Effects() {
		effects[effect.TenantID]++
		require.Equal(t, 1, effects[effect.TenantID])
	}
	require.Len(t, effects, counts["confirmed"])
	require.Greater(t, counts["confirmed"], rows/2)
	require.Positive(t, counts["renewed"])
	for _, name := range drafts {
		counts[name[strings.LastIndex(name, "-")+1:]]++
	}
	return fmt.Sprint(counts)
}

// expectDrafts adds the messages that a signer gets of one link. Whether one is due is not clear
// where the signer accepted about the time of a submission.
func (e *enhancedDays) expectDrafts(prefix string, c simulator.EnhancedAttestation, wanted, unclear map[string]bool) {
	wanted[prefix+"link"] = true
	const about = 20 * time.Minute
	begin := slices.IndexFunc(e.polled, func(at time.Time) bool { return !at.Add(about).Before(c.CreatedAt) })
	reminded := false
	for day := begin; day < len(e.polled); day++ {
		at := e.polled[day]
		if !at.Before(c.ExpiresAt.Add(-about)) {
			return
		}
		kind := ""
		switch age := day - begin; {
		case age >= 5:
			kind = "last"
		case age >= 3 && !reminded:
			kind, reminded = "reminder", true
		}
		if kind == "" {
			continue
		}
		switch open := c.AcceptedAt.Sub(at); {
		case c.AcceptedAt.IsZero() || open > about:
			wanted[prefix+kind] = true
		case open > -about:
			unclear[prefix+kind] = true
		default:
			return
		}
		if kind == "last" {
			return
		}
	}
}

// nothingLeaks looks for links, ids and addresses of signers in all that was written.
func (e *enhancedDays) nothingLeaks(t *testing.T) {
	t.Helper()
	for _, arguments := range [][]string{
		{"attest", "list", "--batch", "1", "--json"}, {"attest", "poll"},
		{"nightly", "--json", "--metrics-file", filepath.Join(e.folder, "night.prom")},
		{"attest", "list", "--batch", "1"}, {"verify", "--json"},
	} {
		e.record(t, arguments...)
	}
	secrets := []string{"attestationid=", simulator.InitialRefreshToken, "Bearer ", strings.Repeat("k", 64)}
	var addresses []string
	for _, a := range e.sim.Attestations() {
		secrets = append(secrets, a.ID)
		addresses = append(addresses, a.Signatory.Email)
	}
	searched := map[string]int{}
	search := func(what string, content []byte, words ...[]string) {
		t.Helper()
		searched[what] += len(content)
		lower := bytes.ToLower(content)
		for _, some := range words {
			for _, word := range some {
				require.False(t, bytes.Contains(lower, bytes.ToLower([]byte(word))), "%s is in %s", word, what)
			}
		}
	}
	search("the output", e.written.Bytes(), secrets, addresses)
	search("the metrics", e.file(t, "night.prom"), secrets, addresses)
	for path, content := range e.files(t, "reports", ".xlsx") {
		for _, part := range unzip(t, content) {
			search("a workbook", part, secrets)
		}
		require.NotEmpty(t, path)
	}
	require.NoError(t, e.record(t, "attest", "results", "1", "--dir", e.folder, "--json"))
	search("the result file", e.file(t, "list.batch-1.result.csv"), secrets)
	tables, err := storetest.Dump(t.Context(), e.database())
	require.NoError(t, err)
	require.Contains(t, tables, "attestation_link")
	for table, rows := range tables {
		if table == "attestation_signer" || table == "run_reading" ||
			table == "standing" { // addresses are their content
			search("table "+table, rows, secrets)
			continue
		}
		search("table "+table, rows, secrets, addresses)
	}
	for _, content := range e.files(t, "", ".db") {
		search("the database file", content, secrets)
	}
	t.Logf("searched bytes: %v", searched)
}

func (e *enhancedDays) file(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(e.folder, name))
	require.NoError(t, err)
	return content
}

// files are the files below a folder with an ending.
func (e *enhancedDays) files(t *testing.T, folder, ending string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	root := os.DirFS(filepath.Join(e.folder, folder))
	require.NoError(t, fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), ending) {
			found[path], err = fs.ReadFile(root, path)
		}
		return err
	}))
	return found
}

func unzip(t *testing.T, content []byte) (parts [][]byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		part, err := io.ReadAll(r)
		require.NoError(t, err)
		parts = append(parts, part)
	}
	return parts
}

// Links are mailed by a program that is killed before, while and after the mail server takes a
// message: no message arrives twice, and the ledger names those of which it does not know.
func TestLinksKilledWhileTheyAreMailed(t *testing.T) {
	t.Parallel()
	const kills, rows = 15, 40
	e := newEnhanced(t, "sqlite:mcaledger.db", rows)
	post := startPost(t, func() { e.process.Load().Kill() })
	e.sendBy(t, post)
	e.on(t, 0)
	dice := rand.New(rand.NewPCG(31, 31))
	killed := 0
	for range kills {
		post.killAt.Store(post.steps.Load() + 1 + dice.Int64N(25))
		if e.submit(t) == nil {
			break
		}
		if e.signalled {
			killed++
		}
	}
	post.killAt.Store(0)
	require.NoError(t, e.submit(t))
	sent := len(post.messages())
	require.NoError(t, e.submit(t))
	require.Len(t, post.messages(), sent, "each signer has the link, or may have it")
	arrived := map[string]int{}
	for _, m := range post.messages() {
		_, id, _ := strings.Cut(m, "Message-ID: <")
		id, _, _ = strings.Cut(id, "@")
		arrived[id]++
		require.Equal(t, 1, arrived[id], "a message arrived twice")
	}
	tables, err := storetest.Dump(t.Context(), e.database())
	require.NoError(t, err)
	unknown := strings.Count(string(tables["attestation_link_result"]), "unknown")
	require.LessOrEqual(t, unknown, killed)
	require.GreaterOrEqual(t, sent, rows-unknown)
	require.Equal(t, rows, strings.Count(string(tables["attestation_link"]), "\n"))
	t.Logf("killed %d times: %d links, %d arrived, %d with an unknown outcome", killed, rows, sent, unknown)
	e.nothingLeaks(t)
	require.NoError(t, e.run(t, "verify"))
}
