package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/notify"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/reports"
)

// receiver takes pings and webhook posts.
type receiver struct {
	mu     sync.Mutex
	called []string
	nights []notify.Night
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.called = append(r.called, req.URL.Path)
	if req.URL.Path == "/unknown" {
		w.WriteHeader(http.StatusNotFound)
	}
	var night notify.Night
	if body, _ := io.ReadAll(req.Body); len(body) > 0 && json.Unmarshal(body, &night) == nil {
		r.nights = append(r.nights, night)
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	told := &receiver{}
	server := httptest.NewServer(told)
	t.Cleanup(server.Close)
	s := newSession(t, "sqlite:mcaledger.db")
	s.clock = time.Date(2026, time.November, 9, 1, 30, 0, 0, time.UTC)
	configure := func(keys string) {
		file, err := os.OpenFile(s.file("mcaledger.yaml"), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString(keys)
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	configure("notify: { webhook: { url: " + server.URL + "/hook-secret }, ping: { start_url: " + server.URL +
		"/start, " +
		"success_url: " + server.URL + "/success, fail_url: " + server.URL + "/fail } }\n")
	require.NoError(t, os.Mkdir(s.file("inbox"), 0o750))
	metricsFile := s.file("mcaledger.prom")

	s.does(exitPartial, "nightly", "--metrics-file", metricsFile) // some customers cannot be read
	slices.Sort(told.called[1:])
	require.Equal(t, []string{"/start", "/hook-secret", "/success"}, told.called)
	first := told.nights[0]
	require.Equal(t, notify.Partial, first.Outcome)
	require.Equal(t, []string{"contoso", "fabrikam"}, []string{first.Partners[0].Name, first.Partners[1].Name})
	require.Positive(t, first.Partners[0].Blocked)
	require.FileExists(t, first.Workbook)
	require.NotEmpty(t, first.Problems)
	values := readMetrics(t, metricsFile)
	require.EqualValues(t, first.Partners[0].Blocked, values["mcaledger_customers contoso blocked"])
	require.EqualValues(t, 1, values["mcaledger_night_outcome partial"])
	require.Positive(t, values["mcaledger_run_completed_timestamp_seconds fabrikam"])
	require.Positive(t, values["mcaledger_refresh_token_expiry_timestamp_seconds contoso"])
	require.Positive(t, values["mcaledger_run_api_requests contoso"])

	// The same customers cannot be read: nothing new.
	told.called = nil
	s.does(exitPartial, "nightly", "--metrics-file", metricsFile)
	require.ElementsMatch(t, []string{"/start", "/success"}, told.called)
	values = readMetrics(t, metricsFile)

	// A night that fails for every partner.
	told.called = nil
	s.contoso.misbehave(func(*http.Request) bool { return true }, nil)
	s.fabrikam.misbehave(func(*http.Request) bool { return true }, nil)
	s.does(exitFailed, "nightly", "--metrics-file", metricsFile)
	require.Contains(t, told.called, "/fail")
	require.NotContains(t, told.called, "/success")
	require.Equal(t, notify.Failed, told.nights[1].Outcome)
	require.Contains(t, told.nights[1].Problems[0].Message, "contoso: ")
	again := readMetrics(t, metricsFile)
	require.EqualValues(t, 1, again["mcaledger_night_outcome failed"])
	const completed = "mcaledger_run_completed_timestamp_seconds contoso"
	require.Equal(t, values[completed], again[completed], "the last good run stays where it was")

	// A night that cannot begin.
	told.called = nil
	require.NoError(t, os.WriteFile(s.file("broken.db"), []byte("not a database, and longer than its head"), 0o600))
	s.doesWith(exitFailed, []string{"MCALEDGER_DATABASE=sqlite:" + s.file("broken.db")}, "nightly")
	require.Equal(t, "/start", told.called[0])
	require.Contains(t, told.called, "/fail")
	require.Equal(t, notify.Failed, told.nights[2].Outcome)
	require.NotEmpty(t, told.nights[2].Problems)
}

// On a night that submits attestations, the customers are read again after the sweep. What is told
// of the night counts both, as the workbook does.
func TestNotificationsAgreeWithTheWorkbook(t *testing.T) {
	t.Parallel()
	told := &receiver{}
	server := httptest.NewServer(told)
	t.Cleanup(server.Close)
	s := newSession(t, "sqlite:mcaledger.db")
	s.night(1, exitPartial, "2026-11-09 01:30:00")
	attested := s.contoso.find(2, simulator.NeverAccepted, stays)
	s.attests(exitDone, "ana", "may.csv", row(attested[0], "Ana,Souza,ana@a.example,", "2024-05-06,,"),
		row(attested[1], "Ana,Souza,ana@b.example,", "2024-05-06,,"))
	s.does(exitDone, "attest", "approve", "1", "--by", "bea")

	require.NoError(t, s.contoso.SetNight(2))
	require.NoError(t, s.fabrikam.SetNight(2))
	s.clock = s.clock.Add(23 * time.Hour)
	metricsFile, report := s.file("mcaledger.prom"), s.file("report.json")
	s.doesWith(exitPartial, []string{"MCALEDGER_NOTIFY_WEBHOOK_URL=" + server.URL + "/hook",
		"MCALEDGER_NOTIFY_WHEN=always"}, "nightly", "--metrics-file", metricsFile)
	s.does(exitDone, "report", "--format", "json", "--out", report)

	require.Equal(t, 2, told.nights[0].Attestations.Confirmed)
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	var shown struct {
		Sheets struct {
			Customers []struct{ Partner, Standing string }
			Changes   []struct{ Partner, Change string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &shown))
	blocked, changes := map[string]int{}, map[string]int{}
	for _, r := range shown.Sheets.Customers {
		if r.Standing == "blocked" {
			blocked[r.Partner]++
		}
	}
	for _, r := range shown.Sheets.Changes {
		changes[r.Partner+" "+r.Change]++
	}
	values := readMetrics(t, metricsFile)
	for _, p := range told.nights[0].Partners {
		require.Equal(t, blocked[p.Name], p.Blocked, p.Name)
		require.Equal(t, changes[p.Name+" newly_blocked"], p.NewlyBlocked, p.Name)
		require.Equal(t, changes[p.Name+" gone"], p.Gone, p.Name)
		require.Len(t, p.Names, min(p.NewlyBlocked, 20), p.Name)
		require.EqualValues(t, p.NewlyBlocked, values["mcaledger_customers_changed newly_blocked "+p.Name])
		require.EqualValues(t, p.NoLongerBlocked, values["mcaledger_customers_changed no_longer_blocked "+p.Name])
	}
	_, digest, err := reports.ReadRequest(told.nights[0].Workbook)
	require.NoError(t, err)
	db, err := sqlx.Open("sqlite", strings.TrimPrefix(s.address, "sqlite:"))
	require.NoError(t, err)
	defer db.Close()
	var recorded string
	require.NoError(t, db.Get(&recorded, "SELECT detail FROM event WHERE kind = 'report'"))
	require.Contains(t, recorded, digest, "the ledger records what the workbook shows")
	contoso := told.nights[0].Partners[0]
	require.Positive(t, contoso.NewlyBlocked, "this night has some")
	require.GreaterOrEqual(t, contoso.NoLongerBlocked, 2, "those attested")
	require.Greater(t, values["mcaledger_run_api_requests contoso"], 200.0, "the sweep's and the recheck's")
}

func TestNotificationThatFailsIsAWarning(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&receiver{})
	t.Cleanup(server.Close)
	s := newSession(t, "sqlite:mcaledger.db")
	s.clock = time.Date(2026, time.November, 9, 1, 30, 0, 0, time.UTC)
	secret := filepath.Join(t.TempDir(), "missing")
	stdout, stderr := s.doesWith(exitPartial, []string{
		"MCALEDGER_NOTIFY_WEBHOOK_URL=" + server.URL + "/unknown?sig=secret",
		"MCALEDGER_NOTIFY_PING_START_URL_FILE=" + secret,
		"MCALEDGER_NOTIFY_TO=finance@contoso.example", "MCALEDGER_MAIL_HOST=127.0.0.1", "MCALEDGER_MAIL_PORT=1",
		"MCALEDGER_MAIL_FROM=mcaledger@contoso.example",
	}, "nightly", "--json", "--metrics-file", filepath.Join(secret, "x.prom"))
	for _, cause := range []string{
		"webhook: 127.0.0.1: answer 404", "notify.ping.start_url_file", "connection refused. Check mail.host",
		"metrics file: ",
	} {
		require.Contains(t, stderr, cause)
	}
	require.NotContains(t, stdout+stderr, "sig=secret")
	require.Contains(t, stdout, `"warnings":["notify.ping.start_url_file`)
}

// doesWith runs a command with further environment variables, and returns what it wrote.
func (s *session) doesWith(code int, environ []string, command ...string) (stdout, stderr string) {
	s.Helper()
	var out, messages bytes.Buffer
	got := Main(s.Context(), append(command, "--config", s.file("mcaledger.yaml")), Env{
		Stdout: &out, Stderr: &messages, Now: func() time.Time { return s.clock }, Environ: environ,
	})
	require.Equal(s, code, got, "%v\n%s%s", command, out.String(), messages.String())
	return out.String(), messages.String()
}

// readMetrics are the values of a metrics file by name and labels.
func readMetrics(t *testing.T, path string) map[string]float64 {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(file)
	require.NoError(t, err)
	values := map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			key := name
			for _, label := range m.Label {
				key += " " + label.GetValue()
			}
			values[key] = m.GetGauge().GetValue()
		}
	}
	return values
}
