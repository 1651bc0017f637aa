package metrics_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/metrics"
)

func night() metrics.Night {
	return metrics.Night{
		Version: "1.0.0", Outcome: "partial",
		Started: time.Unix(1795323600, 0), Finished: time.Unix(1795324440, 500e6),
		Steps: []metrics.Step{{"reconcile", 800.5}, {"report", 39}},
		Partners: []metrics.Partner{
			{
				Name: "contoso \"br\"\\\n", Completed: time.Unix(1795324400, 0),
				RefreshTokenUntil: time.Unix(1800000000, 0), Standings: map[string]int{"clear": 1773, "blocked": 131,
					"unknown": 25, "excluded": 69},
				Changes:  map[string]int{"newly_blocked": 2, "no_longer_blocked": 5, "new": 2, "gone": 4},
				Requests: 2083, Throttled: 3, Retries: 4, Seconds: 790, FailedChecks: 1,
			},
			{Name: "new \xff", Standings: map[string]int{"clear": 0}},
		},
		Attestations:             map[string]int{"queued": 3, "confirmed": 40},
		AcceptedWithoutAgreement: 2, Warnings: 1,
	}
}

func written(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcaledger.prom")
	require.NoError(t, metrics.Write(path, metrics.Night{}), "nothing is known yet")
	require.NoError(t, metrics.Write(path, night()))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func parsed(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	return families
}

func TestWrite(t *testing.T) {
	t.Parallel()
	text := written(t)
	families := parsed(t, text)
	value := func(name string, labels ...string) float64 {
		t.Helper()
		require.Contains(t, families, name)
		for _, m := range families[name].Metric {
			var values []string
			for _, pair := range m.Label {
				values = append(values, pair.GetValue())
			}
			if strings.Join(values, ",") == strings.Join(labels, ",") {
				return m.GetGauge().GetValue()
			}
		}
		t.Fatalf("%s has no %q", name, labels)
		return 0
	}
	const br = "contoso \"br\"\\\n"
	require.EqualValues(t, 1, value("mcaledger_build_info", "1.0.0"))
	require.InDelta(t, 1795324440.5, value("mcaledger_night_end_timestamp_seconds"), 0.001)
	require.InDelta(t, 840.5, value("mcaledger_night_duration_seconds"), 0.001)
	require.EqualValues(t, 1, value("mcaledger_night_outcome", "partial"))
	require.EqualValues(t, 0, value("mcaledger_night_outcome", "failed"))
	require.EqualValues(t, 800.5, value("mcaledger_night_step_duration_seconds", "reconcile"))
	require.EqualValues(t, 3, value("mcaledger_attestations", "queued"))
	require.EqualValues(t, 2, value("mcaledger_attestations_accepted_without_agreement"))
	require.EqualValues(t, 1, value("mcaledger_notifications_failed"))
	require.EqualValues(t, 1795324400, value("mcaledger_run_completed_timestamp_seconds", br))
	require.EqualValues(t, 131, value("mcaledger_customers", br, "blocked"))
	require.EqualValues(t, 5, value("mcaledger_customers_changed", "no_longer_blocked", br))
	require.EqualValues(t, 1, value("mcaledger_run_checks_failed", br))
	require.EqualValues(t, 2083, value("mcaledger_run_api_requests", br))
	require.EqualValues(t, 3, value("mcaledger_run_api_throttled", br))
	require.EqualValues(t, 4, value("mcaledger_run_api_retries", br))
	require.EqualValues(t, 790, value("mcaledger_run_duration_seconds", br))
	require.EqualValues(t, 1800000000, value("mcaledger_refresh_token_expiry_timestamp_seconds", br))
	require.Len(t, families["mcaledger_run_completed_timestamp_seconds"].Metric, 1,
		"a time that is not known is left out")
	require.EqualValues(t, 0, value("mcaledger_customers", "new \ufffd", "clear"))

	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestWriteFailure(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "mcaledger.prom")
	require.ErrorContains(t, metrics.Write(path, night()), "metrics file: ")
}

// The rules, the dashboard and the page name only metrics and labels that are written.
func TestDocumentedMetricsExist(t *testing.T) {
	t.Parallel()
	families := parsed(t, written(t))
	names := regexp.MustCompile(`mcaledger_[a-z_]+`)
	page, err := os.ReadFile("../../docs/monitoring.md")
	require.NoError(t, err)
	for _, file := range []string{
		"monitoring.md", "monitoring/alerts.yml", "monitoring/alerts_test.yml", "monitoring/grafana.json",
	} {
		text, err := os.ReadFile(filepath.Join("../../docs", file))
		require.NoError(t, err)
		for _, name := range names.FindAllString(string(text), -1) {
			require.Contains(t, families, name, file)
		}
	}
	for name := range families {
		require.Contains(t, string(page), "`"+name+"`", "docs/monitoring.md lists every metric")
	}
}
