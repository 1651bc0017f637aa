package config

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// validate says everything that is wrong with a configuration, not only the first thing, to wrong: the key, and what is wrong with it.
func (c Config) validate(wrong func(key, format string, values ...any)) {
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			wrong(key, "%q is not one of %s%s", value, strings.Join(allowed, ", "), nearest(value, allowed))
		}
	}
	atLeast := func(least int, key string, value int) {
		if value < least {
			wrong(key, "%d is less than %d", value, least)
		}
	}

	if len(c.Partners) == 0 {
		wrong("partners", "there is none; name at least one Partner Center account")
	}
	names, tenants := map[string]bool{}, map[string]bool{}
	for i, p := range c.Partners {
		at := fmt.Sprintf("partners[%d].", i)
		p.validate(func(key, format string, values ...any) { wrong(at+key, format, values...) })
		tenant := strings.ToLower(p.TenantID)
		if names[p.Name] && p.Name != "" {
			wrong(at+"name", "%q is the name of two partners", p.Name)
		}
		if tenants[tenant] && tenant != "" {
			wrong(at+"tenant_id", "%s is the tenant of two partners", p.TenantID)
		}
		names[p.Name], tenants[tenant] = true, true
	}
	if problem := badDatabase(c.Database); problem != "" {
		wrong("database", "%s", problem)
	}
	if _, err := time.Parse(time.DateOnly, string(c.Policy.AcceptedSince)); err != nil {
		wrong("policy.accepted_since", "%q is not a day such as 2023-04-01", c.Policy.AcceptedSince)
	}
	if c.Attestation.Route != "" {
		oneOf("attestation.route", c.Attestation.Route, "classic", "enhanced")
	}
	oneOf("attestation.approval", c.Attestation.Approval, "required", "none")
	oneOf("attestation.evidence", c.Attestation.Evidence, "optional", "required")
	oneOf("attestation.dates", c.Attestation.Dates, "auto", "dmy", "mdy")
	oneOf("report.language", c.Report.Language, "en", "pt-BR")
	if _, err := c.Report.Location(); err != nil || c.Report.Timezone == "" {
		wrong("report.timezone", "%q is not a time zone such as UTC or America/Sao_Paulo", c.Report.Timezone)
	}
	atLeast(0, "attestation.ceiling", c.Attestation.Ceiling)
	atLeast(1, "report.keep", c.Report.Keep)
	atLeast(1, "http.attempts", c.HTTP.Attempts)
	if p := c.Reconcile.MaxGonePercent; !(p >= 0 && p <= 100) { // NaN is neither
		wrong("reconcile.max_gone_percent", "%g is not from 0 to 100", p)
	}
	if c.Reconcile.ResumeWithin < 0 {
		wrong("reconcile.resume_within", "%s is less than 0", c.Reconcile.ResumeWithin)
	}
	if c.HTTP.Timeout < 100*time.Millisecond {
		wrong("http.timeout", "%s is shorter than any answer; write a time such as 60s", c.HTTP.Timeout)
	}
}

// badDatabase says what is wrong with a database's address, without repeating it: it may hold a password.
func badDatabase(address string) string {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		switch {
		case path == "":
			return "after sqlite: the file is missing; write sqlite:mcaledger.db"
		case strings.HasPrefix(path, "//"):
			return "after sqlite: comes the file, without // before it; write sqlite:mcaledger.db or sqlite:/var/lib/mcaledger/mcaledger.db"
		}
		return ""
	}
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return "it must begin with sqlite: or postgres://"
	}
	if _, err := url.Parse(address); err != nil {
		return "it is not an address such as postgres://user:password@host/name; in the password write %2F for /, %23 for #, %3F for ?, %40 for @, %25 for %"
	}
	return ""
}

// validate is Config's for the keys of one partner.
func (p Partner) validate(wrong func(key, format string, values ...any)) {
	if p.Name == "" {
		wrong("name", "it is missing; it labels the partner on every report")
	}
	if uuid.Validate(p.TenantID) != nil || len(p.TenantID) != 36 {
		wrong("tenant_id", "%q is not a tenant id such as 00000000-0000-0000-0000-000000000000", p.TenantID)
	}
	switch p.Kind {
	case standing.DirectBill, standing.IndirectProvider, standing.IndirectReseller:
	default:
		kinds := []string{string(standing.DirectBill), string(standing.IndirectProvider), string(standing.IndirectReseller)}
		wrong("kind", "%q is not one of %s%s", p.Kind, strings.Join(kinds, ", "), nearest(string(p.Kind), kinds))
	}
	if p.ClientID == "" {
		wrong("client_id", "it is missing; it is the application id of the app registration")
	}
	switch {
	case p.ClientSecret == "" && p.CertificateFile == "":
		wrong("client_secret", "it is missing or empty; give client_secret, client_secret_file or certificate_file")
	case p.ClientSecret != "" && p.CertificateFile != "":
		wrong("client_secret", "it and certificate_file are both given; give one")
	}
	readable := func(key, path, cure string) {
		if path == "" {
			return
		}
		if text, err := os.ReadFile(path); err != nil {
			wrong(key, "the secret cannot be read: %w; %s", err, cure)
		} else if len(bytes.TrimSpace(text)) == 0 {
			wrong(key, "%s is empty; %s", path, cure)
		}
	}
	readable("certificate_file", p.CertificateFile, "put the certificate and its key there in PEM form")
	readable("refresh_token_file", p.RefreshTokenFile, "sign in with multi-factor authentication and save the refresh token there")
	address := func(key, text string) {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong(key, "%q is not an address such as https://…", text)
		}
	}
	address("api_url", p.APIURL)
	address("login_url", p.LoginURL)
	if p.RequestsPerMinute < 1 {
		wrong("requests_per_minute", "%d is less than 1", p.RequestsPerMinute)
	}
	if p.Concurrency < 1 || p.Concurrency > 1000 {
		wrong("concurrency", "%d is not from 1 to 1000", p.Concurrency)
	}
}
