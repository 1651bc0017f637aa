package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// workspace is a configuration that is loaded and a ledger that is open; the jobs are wired from
// it.
type workspace struct {
	*app
	config   config.Config
	ledger   ledgerStore
	progress *progress
	began    time.Time // the day of a night that goes on past midnight
}

// when writes an instant for people: in the zone of the reports.
func (w *workspace) when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	zone, err := w.config.Report.Location()
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04 MST")
}

// head names the newest event of the ledger, so that a later one can be compared with it.
func (w *workspace) head(ctx context.Context) string {
	head, err := w.ledger.Head(context.WithoutCancel(ctx))
	if err != nil {
		w.log().Warn("the newest event of the ledger cannot be named", "error", err)
		return ""
	}
	w.log().Info("ledger", "head", head)
	return head.String()
}

// withWorkspace makes the work of a command that needs configuration and ledger.
func (a *app) withWorkspace(work func(ctx context.Context, w *workspace) error) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := a.load()
		if err != nil {
			return err
		}
		w, err := a.open(ctx, c)
		if err != nil {
			return err
		}
		defer w.ledger.Close()
		return work(ctx, w)
	}
}

// load reads the configuration.
func (a *app) load() (config.Config, error) {
	c, err := config.Load(a.configPath, a.Environ)
	if err != nil {
		return c, configError{err}
	}
	return c, nil
}

// open opens the ledger and upgrades its schema.
func (a *app) open(ctx context.Context, c config.Config) (*workspace, error) {
	if err := refuseForeignDatabase(c.Database); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, c.Database)
	if err != nil {
		return nil, atDatabase(c.Database, err)
	}
	if err := s.Migrate(ctx); err != nil {
		s.Close()
		return nil, atDatabase(c.Database, err)
	}
	return &workspace{app: a, config: c, ledger: ledgerStore{s}, progress: a.newProgress(), began: a.Now()}, nil
}

// atDatabase says which database an error is about.
func atDatabase(address string, err error) error {
	return databaseError{fmt.Errorf("%s: %w", config.LedgerName(address), err)}
}

// partners are those that a command names, or all of them.
func (w *workspace) partners(wanted []string) (*jobs.Partners, error) {
	selected, err := w.config.Select(wanted)
	if err != nil {
		return nil, usageError{err}
	}
	return w.app.partners(w.config, selected), nil
}

func (a *app) partners(c config.Config, selected []config.Partner) *jobs.Partners {
	partners := &jobs.Partners{}
	byID := map[string]config.Partner{}
	for _, p := range selected {
		partner := partnerOf(p)
		byID[partner.ID] = p
		partners.List = append(partners.List, partner)
	}
	partners.Open = func(p jobs.Partner) (jobs.Connection, error) {
		options, err := a.clientOptions(c, byID[p.ID])
		if err != nil {
			return nil, err
		}
		client, err := partnercenter.New(options)
		if err != nil {
			return nil, configError{err}
		}
		return connection{client}, nil
	}
	return partners
}

func partnerOf(p config.Partner) jobs.Partner {
	return jobs.Partner{Partner: ledger.Partner{ID: strings.ToLower(p.TenantID), Name: p.Name, Kind: p.Kind},
		Concurrency: p.Concurrency}
}

// clientOptions describe a partner to the client. The secrets are read here.
func (a *app) clientOptions(c config.Config, p config.Partner) (partnercenter.Options, error) {
	user, err := clientCredentials(p, p.AppUser, "certificate_file")
	if err != nil {
		return partnercenter.Options{}, err
	}
	alone, err := clientCredentials(p, p.AppAlone, "app_only.certificate_file")
	if err != nil {
		return partnercenter.Options{}, err
	}
	return a.serviceOptions(c, p, user, alone), nil
}

// serviceOptions describe a partner to the client, with credentials that were read.
func (a *app) serviceOptions(c config.Config, p config.Partner, user,
	alone partnercenter.Credentials) partnercenter.Options {
	enhanced := c.Attestation.Enhanced
	return partnercenter.Options{
		APIURL:      p.APIURL,
		Credentials: user,
		App:         alone,
		Kind:        p.Kind,
		Enhanced: partnercenter.Enhanced{EmailField: enhanced.EmailField, PhoneField: enhanced.PhoneField,
			ExpiryField: enhanced.ExpiryField, ExpiryMinutes: enhanced.ExpiryMinutes, StatusPath: enhanced.StatusPath,
			AgreementWithUser: enhanced.AgreementToken == config.TokenAppUser},
		RequestsPerMinute: p.RequestsPerMinute,
		Concurrency:       p.Concurrency,
		Timeout:           c.HTTP.Timeout,
		Attempts:          c.HTTP.Attempts,
		Application:       "mcaledger/" + programVersion(),
		Log:               a.log().With("partner", p.Name),
	}
}

// clientCredentials reads the credentials of a partner's app.
func clientCredentials(p config.Partner, read func() (config.Credentials, error),
	certificateKey string) (partnercenter.Credentials, error) {
	c, err := read()
	if err != nil {
		return partnercenter.Credentials{}, configError{fmt.Errorf("partner %s: %w", p.Name, err)}
	}
	credentials := partnercenter.Credentials{LoginURL: p.LoginURL, TenantID: p.TenantID, ClientID: c.ClientID,
		ClientSecret: c.ClientSecret, RefreshTokenFile: c.RefreshTokenFile}
	if c.CertificateFile != "" {
		if credentials.Certificate, err = partnercenter.ReadCertificate(c.CertificateFile); err != nil {
			return credentials, configError{fmt.Errorf("partner %s: %s: %w", p.Name, certificateKey, err)}
		}
	}
	return credentials, nil
}

// connection is the client of one partner as the jobs see it.
type connection struct{ *partnercenter.Client }

func (c connection) ForRun(correlationID string) jobs.PartnerService {
	return c.Client.ForRun(correlationID)
}

// ledgerStore is the store as the jobs see it: they declare what they need, the store returns its
// own types.
type ledgerStore struct{ *store.Store }

func (l ledgerStore) Hold(ctx context.Context, p ledger.Partner,
	work func(context.Context, jobs.PartnerLedger) error) error {
	return l.Store.Hold(ctx, p, func(ctx context.Context, lease *store.Lease) error { return work(ctx, lease) })
}

func (l ledgerStore) OpenQueue(ctx context.Context, partnerID string) (jobs.PartnerQueue, error) {
	return l.Queue(ctx, partnerID, program())
}

func (l ledgerStore) Import(ctx context.Context, b attestation.NewBatch, fill func(jobs.BatchWriter) error,
	report jobs.ReportRows) (attestation.Batch, error) {
	return l.Store.Import(ctx, b, func(i *store.Import) error { return fill(i) },
		func(b attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) error {
			return report(b, rows)
		})
}

// reconcileJob wires the reconciliation of partners.
func (w *workspace) reconcileJob(partners *jobs.Partners) jobs.ReconcilePartners {
	c := w.config
	return jobs.ReconcilePartners{
		Reconcile: jobs.Reconcile{Scope: jobs.All(), Policy: standing.Policy(c.Policy),
			MaxGonePercent: c.Reconcile.MaxGonePercent, ResumeWithin: c.Reconcile.ResumeWithin,
			Version: programVersion()},
		Partners: partners, Leases: w.ledger, Check: w.rollback().Check, Now: w.Now, Log: w.log(),
		Watch: w.progress.watch,
	}
}
