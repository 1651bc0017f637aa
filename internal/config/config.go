// Package config reads mcaledger's configuration: one YAML file, over it the environment, and files that hold secrets.
// It refuses what it does not know, naming the nearest thing that it does.
package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Config is the whole configuration. Paths are absolute once it is loaded.
type Config struct {
	Database    string      `yaml:"database" secret:"true"` // sqlite:FILE or postgres://…
	Partners    []Partner   `yaml:"partners"`
	Policy      Policy      `yaml:"policy"`
	Attestation Attestation `yaml:"attestation"`
	Report      Report      `yaml:"report"`
	Reconcile   Reconcile   `yaml:"reconcile"`
	HTTP        HTTP        `yaml:"http"`
}

// Partner is one Partner Center account and how to sign in to it.
type Partner struct {
	Name              string               `yaml:"name"`
	TenantID          string               `yaml:"tenant_id"`
	Kind              standing.PartnerKind `yaml:"kind"`
	ClientID          string               `yaml:"client_id"`
	ClientSecret      string               `yaml:"client_secret" secret:"true"`
	CertificateFile   string               `yaml:"certificate_file"`
	RefreshTokenFile  string               `yaml:"refresh_token_file"`
	APIURL            string               `yaml:"api_url"`
	LoginURL          string               `yaml:"login_url"`
	RequestsPerMinute int                  `yaml:"requests_per_minute"`
	Concurrency       int                  `yaml:"concurrency"`
}

// Policy is standing.Policy as it is written down.
type Policy struct {
	AcceptedSince         standing.Date `yaml:"accepted_since"`
	TrustDirectAcceptance bool          `yaml:"trust_direct_acceptance"`
}

// Attestation says how attestations are taken and sent.
type Attestation struct {
	Route    string `yaml:"route"`    // classic, enhanced, or empty: nothing is ever sent
	Approval string `yaml:"approval"` // required, none
	Evidence string `yaml:"evidence"` // optional, required
	Ceiling  int    `yaml:"ceiling"`  // the most that one submission may send
	Inbox    string `yaml:"inbox"`
	Dates    string `yaml:"dates"` // auto, dmy, mdy
}

// Report says where workbooks go and how they look.
type Report struct {
	Dir      string `yaml:"dir"`
	Language string `yaml:"language"` // en, pt-BR
	Timezone string `yaml:"timezone"` // IANA name
	Keep     int    `yaml:"keep"`     // workbooks
}

// Location is the report's time zone.
func (r Report) Location() (*time.Location, error) { return time.LoadLocation(r.Timezone) }

// Reconcile bounds what a run may believe and reuse.
type Reconcile struct {
	MaxGonePercent float64       `yaml:"max_gone_percent"`
	ResumeWithin   time.Duration `yaml:"resume_within"`
}

// HTTP bounds a call.
type HTTP struct {
	Timeout  time.Duration `yaml:"timeout"`
	Attempts int           `yaml:"attempts"`
}

// defaults are the values of keys that nobody sets.
func defaults() Config {
	return Config{
		Database:    "sqlite:mcaledger.db",
		Policy:      Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true},
		Attestation: Attestation{Approval: "required", Evidence: "optional", Ceiling: 1000, Inbox: "./inbox", Dates: "auto"},
		Report:      Report{Dir: "./reports", Language: "en", Timezone: "UTC", Keep: 400},
		Reconcile:   Reconcile{MaxGonePercent: 5, ResumeWithin: 6 * time.Hour},
		HTTP:        HTTP{Timeout: 60 * time.Second, Attempts: 6},
	}
}

// defaultPartner are the values of a partner's keys that nobody sets.
func defaultPartner() Partner {
	return Partner{
		APIURL:            "https://api.partnercenter.microsoft.com",
		LoginURL:          "https://login.microsoftonline.com",
		RequestsPerMinute: 500,
		Concurrency:       16,
	}
}

// Select returns the partners with the given names or tenant ids, or all of them.
func (c Config) Select(wanted []string) ([]Partner, error) {
	if len(wanted) == 0 {
		return c.Partners, nil
	}
	var selected []Partner
	chosen := map[string]bool{}
	for _, name := range wanted {
		i := slices.IndexFunc(c.Partners, func(p Partner) bool { return p.Name == name || strings.EqualFold(p.TenantID, name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no partner %q; the configuration has %s", name, c.Names())
		}
		if p := c.Partners[i]; !chosen[p.TenantID] {
			selected = append(selected, p)
			chosen[p.TenantID] = true
		}
	}
	return selected, nil
}

// Names lists the partners for people.
func (c Config) Names() string {
	var names []string
	for _, p := range c.Partners {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// Ledger names the database for people: without user and password.
func (c Config) Ledger() string {
	u, err := url.Parse(c.Database)
	switch {
	case strings.HasPrefix(c.Database, "sqlite:"):
		return c.Database
	case err != nil:
		return "postgres"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// resolve makes paths absolute: those in the file are relative to its folder.
func (c *Config) resolve(folder string) {
	absolute := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	absolute(&c.Report.Dir)
	absolute(&c.Attestation.Inbox)
	for i := range c.Partners {
		absolute(&c.Partners[i].CertificateFile)
		absolute(&c.Partners[i].RefreshTokenFile)
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		absolute(&path) // an empty one stays empty, for validate to see
		c.Database = "sqlite:" + path
	}
}
