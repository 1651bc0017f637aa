package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// validate says everything that is wrong with a configuration, not only the first thing.
func (c Config) validate() error {
	var mistakes []error
	wrong := func(format string, values ...any) { mistakes = append(mistakes, fmt.Errorf(format, values...)) }
	oneOf := func(key, value string, allowed ...string) {
		for _, a := range allowed {
			if value == a {
				return
			}
		}
		wrong("%s: %q is not one of %s%s", key, value, strings.Join(allowed, ", "), nearest(value, allowed))
	}

	if len(c.Partners) == 0 {
		wrong("partners: there is none; name at least one Partner Center account")
	}
	names, tenants := map[string]bool{}, map[string]bool{}
	for i, p := range c.Partners {
		for _, err := range p.mistakes() {
			wrong("partners[%d] (%s): %w", i, p.Name, err)
		}
		if names[p.Name] {
			wrong("partners[%d].name: %q is the name of two partners", i, p.Name)
		}
		tenant := strings.ToLower(p.TenantID)
		if tenants[tenant] {
			wrong("partners[%d].tenant_id: %s is the tenant of two partners", i, p.TenantID)
		}
		names[p.Name], tenants[tenant] = true, true
	}
	switch {
	case strings.HasPrefix(c.Database, "sqlite:"), strings.HasPrefix(c.Database, "postgres://"), strings.HasPrefix(c.Database, "postgresql://"):
	default:
		wrong("database: it must begin with sqlite: or postgres://")
	}
	if _, err := time.Parse(time.DateOnly, string(c.Policy.AcceptedSince)); err != nil {
		wrong("policy.accepted_since: %q is not a day such as 2023-04-01", c.Policy.AcceptedSince)
	}
	if c.Attestation.Route != "" {
		oneOf("attestation.route", c.Attestation.Route, "classic", "enhanced")
	}
	oneOf("attestation.approval", c.Attestation.Approval, "required", "none")
	oneOf("attestation.evidence", c.Attestation.Evidence, "optional", "required")
	oneOf("attestation.dates", c.Attestation.Dates, "auto", "dmy", "mdy")
	oneOf("report.language", c.Report.Language, "en", "pt-BR")
	if _, err := c.Report.Location(); err != nil || c.Report.Timezone == "" {
		wrong("report.timezone: %q is not a time zone such as UTC or America/Sao_Paulo", c.Report.Timezone)
	}
	if c.Attestation.Ceiling < 0 {
		wrong("attestation.ceiling: %d is less than 0", c.Attestation.Ceiling)
	}
	if c.Report.Keep < 1 {
		wrong("report.keep: %d is less than 1", c.Report.Keep)
	}
	if c.Reconcile.MaxGonePercent < 0 || c.Reconcile.MaxGonePercent > 100 {
		wrong("reconcile.max_gone_percent: %g is not from 0 to 100", c.Reconcile.MaxGonePercent)
	}
	if c.Reconcile.ResumeWithin < 0 {
		wrong("reconcile.resume_within: %s is less than 0", c.Reconcile.ResumeWithin)
	}
	if c.HTTP.Timeout < 100*time.Millisecond {
		wrong("http.timeout: %s is shorter than any answer; write a unit, such as 60s", c.HTTP.Timeout)
	}
	if c.HTTP.Attempts < 1 {
		wrong("http.attempts: %d is less than 1", c.HTTP.Attempts)
	}
	return errors.Join(mistakes...)
}

func (p Partner) mistakes() []error {
	var mistakes []error
	wrong := func(format string, values ...any) { mistakes = append(mistakes, fmt.Errorf(format, values...)) }
	if p.Name == "" {
		wrong("name: it is missing; it labels the partner on every report")
	}
	if uuid.Validate(p.TenantID) != nil || len(p.TenantID) != 36 {
		wrong("tenant_id: %q is not a tenant id such as 00000000-0000-0000-0000-000000000000", p.TenantID)
	}
	switch p.Kind {
	case standing.DirectBill, standing.IndirectProvider, standing.IndirectReseller:
	default:
		kinds := []string{string(standing.DirectBill), string(standing.IndirectProvider), string(standing.IndirectReseller)}
		wrong("kind: %q is not one of %s%s", p.Kind, strings.Join(kinds, ", "), nearest(string(p.Kind), kinds))
	}
	if p.ClientID == "" {
		wrong("client_id: it is missing; it is the application id of the app registration")
	}
	switch {
	case p.ClientSecret == "" && p.CertificateFile == "":
		wrong("client_secret: it is missing or empty; give client_secret, client_secret_file or certificate_file")
	case p.ClientSecret != "" && p.CertificateFile != "":
		wrong("client_secret and certificate_file are both given; give one")
	}
	readable := func(key, path, cure string) {
		if _, err := os.ReadFile(path); path != "" && err != nil {
			wrong("%s: the secret cannot be read: %w; %s", key, err, cure)
		}
	}
	readable("certificate_file", p.CertificateFile, "put the certificate and its key there in PEM form")
	readable("refresh_token_file", p.RefreshTokenFile, "sign in with multi-factor authentication and save the refresh token there")
	address := func(key, text string) {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong("%s: %q is not an address such as https://…", key, text)
		}
	}
	address("api_url", p.APIURL)
	address("login_url", p.LoginURL)
	if p.RequestsPerMinute < 1 {
		wrong("requests_per_minute: %d is less than 1", p.RequestsPerMinute)
	}
	if p.Concurrency < 1 || p.Concurrency > 1000 {
		wrong("concurrency: %d is not from 1 to 1000", p.Concurrency)
	}
	return mistakes
}
