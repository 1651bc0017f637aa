// Package metrics writes what a night left behind as a file of Prometheus metrics, for the textfile
// collector of the node exporter. The names are a contract; docs/monitoring.md describes them.
package metrics

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

// Night is what the metrics are made of.
type Night struct {
	Version                  string
	Outcome                  string // done, partial, held, usage, failed or interrupted
	Started, Finished        time.Time
	Steps                    []Step
	Partners                 []Partner
	Attestations             map[string]int // in each state
	AcceptedWithoutAgreement int            // accepted by the customer, and not yet recorded with Microsoft
	Warnings                 int            // notifications that could not be delivered
}

// Step is a step of the night.
type Step struct {
	Name    string
	Seconds float64
}

// Partner is the state of one partner after the night. Counts are those of the last completed run,
// whenever it was.
type Partner struct {
	Name              string
	Completed         time.Time      // of the last completed run; zero: there is none
	Standings         map[string]int // clear, blocked, unknown, excluded
	Changes           map[string]int // newly_blocked, no_longer_blocked, new, gone
	FailedChecks      int
	Requests          int // of the last run, as are the next four
	Throttled         int
	Retries           int
	Seconds           float64
	RefreshTokenUntil time.Time // when the sign-in lapses; zero: not known
}

// Write replaces the file at path. A reader sees the old metrics or the new ones.
func Write(path string, night Night) error {
	registry := prometheus.NewRegistry()
	for _, m := range families(night) {
		if err := registry.Register(m.collect()); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	gathered, err := registry.Gather()
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	err = atomicfile.Write(path, 0o644, func(w io.Writer) error {
		for _, family := range gathered {
			if _, err := expfmt.MetricFamilyToText(w, family); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("metrics file: %w", err)
	}
	return nil
}

// family is a metric with its values.
type family struct {
	name, help string
	labels     []string
	values     []value
}

type value struct {
	labels []string
	number float64
}

func (f *family) set(number float64, labels ...string) {
	for i, label := range labels {
		labels[i] = strings.ToValidUTF8(label, "\ufffd")
	}
	f.values = append(f.values, value{labels, number})
}

// setTime sets a point in time; a zero one is left out, because Prometheus would show it as 1970.
func (f *family) setTime(t time.Time, labels ...string) {
	if !t.IsZero() {
		f.set(float64(t.UnixMilli())/1000, labels...)
	}
}

func (f *family) collect() prometheus.Collector {
	gauges := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.name, Help: f.help}, f.labels)
	for _, v := range f.values {
		gauges.WithLabelValues(v.labels...).Set(v.number)
	}
	return gauges
}

func families(n Night) []*family {
	return append(nightFamilies(n), partnerFamilies(n.Partners)...)
}

func nightFamilies(n Night) []*family {
	info := &family{name: "mcaledger_build_info", help: "Version of mcaledger; always 1.", labels: []string{"version"}}
	info.set(1, n.Version)
	end := &family{name: "mcaledger_night_end_timestamp_seconds", help: "When the last night ended, however it ended."}
	end.setTime(n.Finished)
	duration := &family{name: "mcaledger_night_duration_seconds", help: "How long the last night took."}
	duration.set(n.Finished.Sub(n.Started).Seconds())
	outcome := &family{
		name: "mcaledger_night_outcome", help: "How the last night ended: 1 for that outcome, 0 for the others.",
		labels: []string{"outcome"},
	}
	for _, name := range []string{"done", "partial", "held", "usage", "failed", "interrupted"} {
		outcome.set(0, name)
	}
	outcome.set(1, n.Outcome)
	steps := &family{
		name: "mcaledger_night_step_duration_seconds", help: "How long a step of the last night took.",
		labels: []string{"step"},
	}
	for _, s := range n.Steps {
		steps.set(s.Seconds, s.Name)
	}
	warnings := &family{
		name: "mcaledger_notifications_failed", help: "Notifications of the last night that could not be delivered.",
	}
	warnings.set(float64(n.Warnings))
	attestations := &family{
		name: "mcaledger_attestations", help: "Attestations of the ledger by state.", labels: []string{"state"},
	}
	for state, count := range n.Attestations {
		attestations.set(float64(count), state)
	}
	accepted := &family{
		name: "mcaledger_attestations_accepted_without_agreement",
		help: "Attestations that the customer accepted and that have no agreement yet: the customer is still blocked.",
	}
	accepted.set(float64(n.AcceptedWithoutAgreement))
	return []*family{info, end, duration, outcome, steps, warnings, attestations, accepted}
}

func partnerFamilies(partners []Partner) []*family {
	byPartner := func(name, help string, more ...string) *family {
		return &family{name: name, help: help, labels: append([]string{"partner"}, more...)}
	}
	completed := byPartner("mcaledger_run_completed_timestamp_seconds",
		"When the last completed run of the partner ended.")
	customers := byPartner("mcaledger_customers", "Customers by standing, after the last completed run.", "standing")
	changes := byPartner("mcaledger_customers_changed",
		"Changes of the last completed run against the one before.", "change")
	checks := byPartner("mcaledger_run_checks_failed", "Control checks of the last completed run that failed.")
	requests := byPartner("mcaledger_run_api_requests", "Calls to Partner Center of the last run, repeats included.")
	throttled := byPartner("mcaledger_run_api_throttled", "Calls of the last run that were answered with 429.")
	retries := byPartner("mcaledger_run_api_retries", "Calls of the last run that were repeats.")
	seconds := byPartner("mcaledger_run_duration_seconds", "How long the last run took.")
	token := byPartner("mcaledger_refresh_token_expiry_timestamp_seconds",
		"When the partner's sign-in lapses unless it is used before (mcaledger login makes a new one).")
	for _, p := range partners {
		completed.setTime(p.Completed, p.Name)
		for standing, count := range p.Standings {
			customers.set(float64(count), p.Name, standing)
		}
		for change, count := range p.Changes {
			changes.set(float64(count), p.Name, change)
		}
		checks.set(float64(p.FailedChecks), p.Name)
		requests.set(float64(p.Requests), p.Name)
		throttled.set(float64(p.Throttled), p.Name)
		retries.set(float64(p.Retries), p.Name)
		seconds.set(p.Seconds, p.Name)
		token.setTime(p.RefreshTokenUntil, p.Name)
	}
	return []*family{completed, customers, changes, checks, requests, throttled, retries, seconds, token}
}
