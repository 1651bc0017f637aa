// Package config reads the configuration of mcaledger: one YAML file, and environment variables
// that override it. It refuses what it does not know, names the place, and suggests the nearest
// known key.
package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/loopback"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Config is the whole configuration. All paths in it are absolute. docs/configuration.md describes
// every key.
type Config struct {
	Database     string      `yaml:"database"`
	DatabaseFile string      `yaml:"database_file" path:"true"` // Load reads it into Database
	Partners     []Partner   `yaml:"partners"`
	Policy       Policy      `yaml:"policy"`
	Attestation  Attestation `yaml:"attestation"`
	Report       Report      `yaml:"report"`
	Reconcile    Reconcile   `yaml:"reconcile"`
	HTTP         HTTP        `yaml:"http"`
	Mail         Mail        `yaml:"mail"`
	Invite       Invite      `yaml:"invite"`
	Notify       Notify      `yaml:"notify"`

	sources map[string]string // where each key is set
}

// Partner is one Partner Center account and how to sign in to it.
type Partner struct {
	Name              string               `yaml:"name"`
	TenantID          string               `yaml:"tenant_id"`
	Kind              standing.PartnerKind `yaml:"kind"`
	App                                    // for calls with a signed-in user (App+User)
	RefreshTokenFile  string               `yaml:"refresh_token_file" path:"true"`
	AppOnly           App                  `yaml:"app_only"` // for calls without a user; empty: the same app
	APIURL            string               `yaml:"api_url"`
	LoginURL          string               `yaml:"login_url"`
	RequestsPerMinute int                  `yaml:"requests_per_minute"`
	Concurrency       int                  `yaml:"concurrency"` // requests in flight
}

// App is an app registration in Microsoft Entra ID, with a secret or a certificate.
type App struct {
	ClientID        string `yaml:"client_id"`
	ClientSecret    Secret `yaml:"client_secret"`
	CertificateFile string `yaml:"certificate_file" path:"true"`
}

// Policy is standing.Policy with the names of its keys.
type Policy struct {
	AcceptedSince         standing.Date `yaml:"accepted_since"`
	TrustDirectAcceptance bool          `yaml:"trust_direct_acceptance"`
}

// Attestation says how attestations are imported, approved and sent.
type Attestation struct {
	Route           Route        `yaml:"route"`
	Retired         Route        `yaml:"retired"` // the route to move to once Microsoft refuses the classic one
	Approval        Approval     `yaml:"approval"`
	SharedAccount   bool         `yaml:"shared_account"` // several people use one account of the host
	Evidence        EvidenceRule `yaml:"evidence"`
	EvidenceDir     string       `yaml:"evidence_dir" path:"true"` // empty: accepted documents are not kept
	Ceiling         int          `yaml:"ceiling"`                  // the most that one submission may send
	Inbox           string       `yaml:"inbox" path:"true"`
	Dates           DateOrder    `yaml:"dates"`
	KeyFile         string       `yaml:"key_file" path:"true"` // encrypts the links that are stored
	DeliverLinks    LinkDelivery `yaml:"deliver_links"`
	RenewExpired    bool         `yaml:"renew_expired"`
	RemindAfterDays int          `yaml:"remind_after_days"` // 0: never
	// SettleAfter is how long an attestation rests after a lost answer before Microsoft's record of
	// it is read.
	SettleAfter time.Duration `yaml:"settle_after"`
	Enhanced    Enhanced      `yaml:"enhanced"`
}

// Enhanced holds what is not established about the enhanced route; docs/partner-center.md says what
// is known.
type Enhanced struct {
	EmailField     string    `yaml:"email_field"`
	PhoneField     string    `yaml:"phone_field"`
	ExpiryField    string    `yaml:"expiry_field"`
	ExpiryMinutes  int       `yaml:"expiry_minutes"`
	StatusPath     string    `yaml:"status_path"` // {id} stands for the attestation id
	AgreementToken TokenKind `yaml:"agreement_token"`
}

// Report says where workbooks are written and how they look.
type Report struct {
	Dir      string   `yaml:"dir" path:"true"`
	Language Language `yaml:"language"`
	Timezone string   `yaml:"timezone"` // IANA name
	Keep     int      `yaml:"keep"`     // workbooks
}

// Location is the time zone of the report.
func (r Report) Location() (*time.Location, error) { return time.LoadLocation(r.Timezone) }

// Reconcile limits what a run may believe and reuse.
type Reconcile struct {
	MaxGonePercent float64       `yaml:"max_gone_percent"`
	ResumeWithin   time.Duration `yaml:"resume_within"`
}

// HTTP limits one call.
type HTTP struct {
	Timeout  time.Duration `yaml:"timeout"` // of one attempt
	Attempts int           `yaml:"attempts"`
}

// Mail says how mails leave: invitations and attestation links to customers, and notifications.
type Mail struct {
	Host         string   `yaml:"host"` // empty: nothing is sent by SMTP
	Port         int      `yaml:"port"`
	TLS          TLSMode  `yaml:"tls"`
	User         string   `yaml:"user"`
	Password     Secret   `yaml:"password"`
	From         Address  `yaml:"from"`
	Delivery     Delivery `yaml:"delivery"` // of mails to customers
	DraftsDir    string   `yaml:"drafts_dir" path:"true"`
	TemplatesDir string   `yaml:"templates_dir" path:"true"` // empty: the built-in templates
}

// Invite says how customers are invited to accept by themselves.
type Invite struct {
	RepeatAfterDays int `yaml:"repeat_after_days"`
}

// Notify says who is told how a night ended. A night that failed is always told.
type Notify struct {
	When          NotifyWhen `yaml:"when"`
	To            Addresses  `yaml:"to"`              // empty: no mail
	AttachLimitMB int        `yaml:"attach_limit_mb"` // a larger workbook is named by its path
	Webhook       Webhook    `yaml:"webhook"`
	Ping          Ping       `yaml:"ping"`
}

// Webhook is an address that a summary of the night is posted to.
type Webhook struct {
	URL  Secret      `yaml:"url"`
	Kind WebhookKind `yaml:"kind"`
}

// Ping holds the addresses of a service that raises an alarm when a night does not report.
type Ping struct {
	StartURL   Secret `yaml:"start_url"`
	SuccessURL Secret `yaml:"success_url"`
	FailURL    Secret `yaml:"fail_url"`
}

func defaults() Config {
	return Config{
		Database: "sqlite:mcaledger.db",
		Policy:   Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true},
		Attestation: Attestation{
			Approval: ApprovalRequired, Evidence: EvidenceOptional, Ceiling: 1000, Inbox: "./inbox", Dates: DatesAuto,
			DeliverLinks: LinksByMail, RemindAfterDays: 3, SettleAfter: 3 * time.Minute,
			Enhanced: Enhanced{
				EmailField: "emailAddress", PhoneField: "phoneNumber",
				ExpiryField: "expirationInMinutes", ExpiryMinutes: maxExpiryMinutes,
				StatusPath: "/v1/attestations/enhanced/{id}", AgreementToken: TokenAppOnly,
			},
		},
		Report:    Report{Dir: "./reports", Language: "en", Timezone: "UTC", Keep: 400},
		Reconcile: Reconcile{MaxGonePercent: 5, ResumeWithin: 6 * time.Hour},
		HTTP:      HTTP{Timeout: 60 * time.Second, Attempts: 6},
		Mail:      Mail{Port: 587, TLS: TLSStartTLS, Delivery: DeliveryDrafts, DraftsDir: "./drafts"},
		Invite:    Invite{RepeatAfterDays: 14},
		Notify:    Notify{When: NotifyChanges, AttachLimitMB: 10, Webhook: Webhook{Kind: WebhookGeneric}},
	}
}

func defaultPartner() Partner {
	return Partner{
		APIURL:            "https://api.partnercenter.microsoft.com",
		LoginURL:          "https://login.microsoftonline.com",
		RequestsPerMinute: 500,
		Concurrency:       16,
	}
}

// Source says where a key is set: for example "mcaledger.yaml line 12", the name of a variable, or
// "default".
func (c Config) Source(key string) string {
	if source, set := c.sources[key]; set {
		return source
	}
	return "default"
}

// Warning is something that is allowed and probably not meant.
type Warning struct{ Key, Message string }

// Warnings lists what doctor should point out.
func (c Config) Warnings(now time.Time) []Warning {
	var warnings []Warning
	if since := c.Policy.AcceptedSince; since > standing.DateOf(now) {
		warnings = append(warnings, Warning{"policy.accepted_since", fmt.Sprintf(
			"%s is in the future: no attestation counts, and customers without direct acceptance are blocked", since)})
	}
	if c.Mail.Host != "" && c.Mail.TLS == TLSNone && !loopback.Is(c.Mail.Host) {
		warnings = append(warnings, Warning{"mail.tls", "mails, and the links in them, are sent without encryption"})
	}
	a := c.Attestation
	if (a.Route == RouteEnhanced || a.Retired == RouteEnhanced) && a.DeliverLinks == LinksByMail &&
		c.Mail.From.Address == "" {
		warnings = append(warnings, Warning{"mail.from", "is not set: links of attestations wait until mcaledger " +
			"attest links writes them"})
	}
	return warnings
}

// Select returns the partners with the given names or tenant ids, or all of them.
func (c Config) Select(wanted []string) ([]Partner, error) {
	if len(wanted) == 0 {
		return c.Partners, nil
	}
	var selected []Partner
	chosen := map[string]bool{}
	for _, name := range wanted {
		i := slices.IndexFunc(c.Partners, func(p Partner) bool {
			return p.Name == name || strings.EqualFold(p.TenantID, name)
		})
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

// Names lists the names of the partners.
func (c Config) Names() string {
	var names []string
	for _, p := range c.Partners {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// Ledger is the address of the database without user and password.
func (c Config) Ledger() string { return LedgerName(c.Database) }

// LedgerName is the address of a database without user and password.
func LedgerName(address string) string {
	u, err := url.Parse(address)
	switch {
	case strings.HasPrefix(address, "sqlite:"):
		return address
	case err != nil:
		return "postgres"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
