package config

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/loopback"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// reporter takes a mistake: the key, and what is wrong with its value as the end of a sentence.
type reporter func(key, format string, values ...any)

// in is the reporter for the keys of a section.
func (wrong reporter) in(section string) reporter {
	return func(key, format string, values ...any) { wrong(section+"."+key, format, values...) }
}

func (wrong reporter) atLeast(key string, value, least int) {
	if value < least {
		wrong(key, "must be at least %d, not %d", least, value)
	}
}

func (wrong reporter) between(key string, value, least, most int) {
	if value < least || value > most {
		wrong(key, "must be from %d to %d, not %d", least, most, value)
	}
}

// problem reports a problem, unless there is none.
func (wrong reporter) problem(key, problem string) {
	if problem != "" {
		wrong(key, "%s", problem)
	}
}

// validate reports everything that is wrong with a configuration, not only the first mistake.
func (c Config) validate(wrong reporter) {
	wrong.problem("database", BadDatabase(c.Database))
	c.validatePartners(wrong)
	if c.Policy.AcceptedSince == "" {
		wrong("policy.accepted_since", "is empty; write a day such as 2023-04-01")
	}
	c.Attestation.validate(wrong.in("attestation"))
	c.Report.validate(wrong.in("report"))
	c.Reconcile.validate(wrong.in("reconcile"))
	c.HTTP.validate(wrong.in("http"))
	c.Mail.validate(wrong.in("mail"))
	wrong.atLeast("invite.repeat_after_days", c.Invite.RepeatAfterDays, 1)
	c.Notify.validate(wrong.in("notify"))
	if len(c.Notify.To) > 0 && c.Mail.Host == "" {
		wrong("notify.to", "needs mail.host")
	}
}

func (c Config) validatePartners(wrong reporter) {
	if len(c.Partners) == 0 {
		wrong("partners", "is empty; add at least one Partner Center account")
	}
	for i, p := range c.Partners {
		wrong := wrong.in(fmt.Sprintf("partners[%d]", i))
		p.validate(wrong)
		for _, other := range c.Partners[:i] {
			if p.Name != "" && p.Name == other.Name {
				wrong("name", "%q is the name of another partner too", p.Name)
			}
			if p.TenantID != "" && strings.EqualFold(p.TenantID, other.TenantID) {
				wrong("tenant_id", "%s is the tenant of another partner too", p.TenantID)
			}
		}
	}
	c.validateTokenFiles(wrong)
}

// validateTokenFiles reports files of refresh tokens that have another use: they are overwritten
// with each new token.
func (c Config) validateTokenFiles(wrong reporter) {
	keys := c.keys()
	for i, k := range keys {
		token, isText := k.target.(*string)
		if !isText || *token == "" || !strings.HasSuffix(k.path, ".refresh_token_file") {
			continue
		}
		for j, other := range keys {
			path, isText := other.target.(*string)
			isToken := strings.HasSuffix(other.path, ".refresh_token_file")
			if i != j && isText && other.isPath && (!isToken || j < i) && sameFile(*token, *path) {
				wrong(k.path, "is the file of %s too; every refresh token needs a file of its own", other.path)
			}
		}
	}
}

// sameFile reports whether two paths are known to lead to one file, whose content is not read.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

func (p Partner) validate(wrong reporter) {
	if p.Name == "" {
		wrong("name", "is missing; it labels the partner on every report")
	}
	if uuid.Validate(p.TenantID) != nil || len(p.TenantID) != 36 {
		wrong("tenant_id", "must be a tenant id such as 00000000-0000-0000-0000-000000000000, not %q", p.TenantID)
	}
	if p.Kind == "" {
		wrong("kind", "is missing; write %s, %s or %s", standing.DirectBill, standing.IndirectProvider,
			standing.IndirectReseller)
	}
	p.App.validate(wrong)
	if p.AppOnly.isGiven() {
		p.AppOnly.validate(wrong.in("app_only"))
	}
	wrong.problem("api_url", badServiceURL(p.APIURL))
	wrong.problem("login_url", badServiceURL(p.LoginURL))
	wrong.atLeast("requests_per_minute", p.RequestsPerMinute, 1)
	wrong.between("concurrency", p.Concurrency, 1, 1000)
}

func (a App) isGiven() bool {
	return a.ClientID != "" || a.ClientSecret.IsSet() || a.CertificateFile != ""
}

func (a App) validate(wrong reporter) {
	if a.ClientID == "" {
		wrong("client_id", "is missing; it is the application id of the app registration")
	}
	switch {
	case !a.ClientSecret.IsSet() && a.CertificateFile == "":
		wrong("client_secret", "is missing or empty; give client_secret, client_secret_file or certificate_file")
	case a.ClientSecret.IsSet() && a.CertificateFile != "":
		wrong("client_secret", "and certificate_file are both given; give one")
	}
}

const (
	minExpiryMinutes = 5
	maxExpiryMinutes = 7 * 24 * 60
)

func (a Attestation) validate(wrong reporter) {
	if a.Retired == RouteClassic {
		wrong("retired", "must be enhanced or empty, not %q", a.Retired)
	}
	wrong.atLeast("ceiling", a.Ceiling, 0)
	wrong.atLeast("remind_after_days", a.RemindAfterDays, 0)
	if a.SettleAfter < 0 {
		wrong("settle_after", "must be at least 0s, not %s", a.SettleAfter)
	}
	if a.Inbox == "" {
		wrong("inbox", "is empty; name a folder")
	}
	a.Enhanced.validate(wrong.in("enhanced"))
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

func (e Enhanced) validate(wrong reporter) {
	names := []struct{ key, value string }{
		{"email_field", e.EmailField}, {"phone_field", e.PhoneField}, {"expiry_field", e.ExpiryField},
	}
	for i, name := range names {
		if !fieldName.MatchString(name.value) {
			wrong(name.key, "must be the name of a field of JSON, in letters and digits, not %q", name.value)
		}
		for _, other := range names[:i] {
			if other.value == name.value {
				wrong(name.key, "%q is the value of %s too", name.value, other.key)
			}
		}
	}
	wrong.between("expiry_minutes", e.ExpiryMinutes, minExpiryMinutes, maxExpiryMinutes)
	u, err := url.Parse(e.StatusPath)
	if err != nil || !strings.HasPrefix(e.StatusPath, "/") || u.Host != "" || strings.Count(e.StatusPath, "{id}") != 1 {
		wrong("status_path", "must be a path that begins with / and holds {id} once, not %q", e.StatusPath)
	}
}

func (r Report) validate(wrong reporter) {
	if r.Dir == "" {
		wrong("dir", "is empty; name a folder")
	}
	if _, err := r.Location(); err != nil || r.Timezone == "" || r.Timezone == "Local" {
		wrong("timezone", "must be a time zone such as UTC or America/Sao_Paulo, not %q", r.Timezone)
	}
	wrong.atLeast("keep", r.Keep, 1)
}

func (r Reconcile) validate(wrong reporter) {
	if p := r.MaxGonePercent; !(p >= 0 && p <= 100) { // also true of NaN
		wrong("max_gone_percent", "must be from 0 to 100, not %g", p)
	}
	if r.ResumeWithin < 0 {
		wrong("resume_within", "must be at least 0s, not %s", r.ResumeWithin)
	}
}

func (h HTTP) validate(wrong reporter) {
	if h.Timeout < 100*time.Millisecond {
		wrong("timeout", "must be at least 100ms, not %s", h.Timeout)
	}
	wrong.atLeast("attempts", h.Attempts, 1)
}

func (m Mail) validate(wrong reporter) {
	wrong.between("port", m.Port, 1, 65535)
	if m.Delivery == DeliverySMTP && m.Host == "" {
		wrong("delivery", "is smtp, which needs mail.host")
	}
	if m.Host == "" {
		return
	}
	if !hostName.MatchString(m.Host) {
		wrong("host", "must be the name or the address of a mail server, without port, not %q", m.Host)
	}
	if m.From.Address == "" {
		wrong("from", "is missing; it is the sender of every mail")
	}
	if (m.User != "") != m.Password.IsSet() {
		wrong("user", "and password belong together; give both or none")
	}
	if m.Password.IsSet() && m.TLS == TLSNone && !loopback.Is(m.Host) {
		wrong("tls", "must be starttls or implicit where a password is sent")
	}
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9a-fA-F:]+$`)

func (n Notify) validate(wrong reporter) {
	wrong.atLeast("attach_limit_mb", n.AttachLimitMB, 0)
	wrong.problem("webhook.url", n.Webhook.URL.badURL())
	wrong.problem("ping.start_url", n.Ping.StartURL.badURL())
	wrong.problem("ping.success_url", n.Ping.SuccessURL.badURL())
	wrong.problem("ping.fail_url", n.Ping.FailURL.badURL())
}

// badURL says what is wrong with a secret that is an address; one in a file is judged when it is
// read.
func (s Secret) badURL() string {
	if s.text == "" {
		return ""
	}
	return badSecretURL(s.text)
}

// BadDatabase says what is wrong with the address of a database, without repeating it: it may hold
// a password.
func BadDatabase(address string) string {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		switch {
		case path == "":
			return "needs a file after sqlite:; write sqlite:mcaledger.db"
		case strings.HasPrefix(path, "//"):
			return "needs the file directly after sqlite:, without //; " +
				"write sqlite:mcaledger.db or sqlite:/var/lib/mcaledger/mcaledger.db"
		}
		return ""
	}
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return "must begin with sqlite: or postgres://"
	}
	if _, err := url.Parse(address); err != nil {
		return "must be an address such as postgres://user:password@host/name; " +
			"in the password write %2F for /, %23 for #, %3F for ?, %40 for @, %25 for %"
	}
	return ""
}

// badServiceURL says what is wrong with an address of Partner Center or of its token server.
func badServiceURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, "@?#"): // not repeated: it may hold a password
		return "must be an address without user, password, query and fragment"
	case err != nil || u.Hostname() == "" || !validPort(u) || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Sprintf("must be an address such as https://login.microsoftonline.com, not %q", text)
	case u.Scheme == "http" && !loopback.Is(u.Hostname()):
		return fmt.Sprintf("must begin with https://, not %q: over http, secrets and tokens could be read on the way",
			text)
	}
	return ""
}

// validPort reports whether an address names a port that exists, or none.
func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// badSecretURL says what is wrong with an address that is a secret, without repeating it.
func badSecretURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Fragment != "":
		return "must be an address such as https://hooks.example.com/…"
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback.Is(u.Hostname())):
		return "must begin with https://"
	}
	return ""
}
