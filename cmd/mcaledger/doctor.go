package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

type doctorReply struct {
	envelope
	Checks []findingReply `json:"checks"`
}

// findingReply is one check in JSON; its names are a contract.
type findingReply struct {
	Check   string     `json:"check"`
	OK      bool       `json:"ok"`
	Message string     `json:"message"`
	Hint    string     `json:"hint"`
	Grade   jobs.Grade `json:"grade"`
}

func (a *app) doctorCommand() *cobra.Command {
	r := &doctorReply{envelope: envelope{Command: "doctor"}, Checks: []findingReply{}}
	found := func(f jobs.Finding) {
		reply := findingReply{Check: f.Check, OK: f.Grade != jobs.GradeFail, Message: f.Message, Hint: f.Hint,
			Grade: f.Grade}
		r.Checks = append(r.Checks, reply)
		a.printFinding(reply)
	}
	offline := false
	cmd := a.command("doctor", "check before the night what the night needs", r, func(ctx context.Context) error {
		c, err := a.load()
		if err != nil {
			found(jobs.Finding{Check: "configuration", Grade: jobs.GradeFail, Message: err.Error(),
				Hint: explain(err).Hint})
			return err
		}
		job := a.doctorJob(c)
		job.Offline, job.Found = offline, found
		_, err = job.Run(ctx)
		return err
	})
	cmd.Long = `doctor checks the configuration, folders, rights, clocks, sign-in, one read of each kind and the
attestation route, and says what to do about whatever is not as it should be. It changes nothing.`
	example(cmd, "mcaledger doctor", "mcaledger doctor --offline")
	cmd.Flags().BoolVar(&offline, "offline", false,
		"check the configuration and the files that it names; call neither the database nor Microsoft")
	return cmd
}

// doctorJob wires the checks.
func (a *app) doctorJob(c config.Config) jobs.Doctor {
	job := jobs.Doctor{Now: a.Now, Complete: "complete, for " + c.Names(), Route: string(c.Attestation.Route),
		Secrets: secretFiles(c), Folders: []jobs.DoctorFolder{{Key: "report.dir", Path: c.Report.Dir, Made: true},
			{Key: "attestation.inbox", Path: c.Attestation.Inbox, Optional: !inboxRequired(c)}},
		Database: func(ctx context.Context) (jobs.DoctorDatabase, error) {
			s, err := store.Open(ctx, c.Database)
			if err != nil {
				return nil, atDatabase(c.Database, err)
			}
			return doctorDatabase{s, c}, nil
		},
	}
	job.FallbackRoute = string(c.Attestation.Retired)
	if usesLinks(c) {
		job.LinkKey = func() error {
			_, err := linkKey(c)
			return err
		}
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		job.Ledger = path
	}
	for _, w := range c.Warnings(a.Now()) {
		job.Warnings = append(job.Warnings, w.Key+": "+w.Message)
	}
	byID := map[string]config.Partner{}
	for _, p := range c.Partners {
		partner := jobs.DoctorPartner{Partner: partnerOf(p), TokenFile: p.RefreshTokenFile}
		byID[partner.ID] = p
		job.Partners = append(job.Partners, partner)
	}
	job.Service = func(p jobs.DoctorPartner) (jobs.DoctorService, error) { return a.doctorService(c, byID[p.ID]) }
	return job
}

// secretFiles are the files that only the user of the program should be able to read.
func secretFiles(c config.Config) (files []jobs.DoctorFile) {
	add := func(key, path string) {
		if path != "" {
			files = append(files, jobs.DoctorFile{Key: key, Path: path})
		}
	}
	add("database_file", c.DatabaseFile)
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		add("database", path)
	}
	add("attestation.key_file", c.Attestation.KeyFile)
	add("mail.password_file", c.Mail.Password.File())
	add("notify.webhook.url_file", c.Notify.Webhook.URL.File())
	add("notify.ping.start_url_file", c.Notify.Ping.StartURL.File())
	add("notify.ping.success_url_file", c.Notify.Ping.SuccessURL.File())
	add("notify.ping.fail_url_file", c.Notify.Ping.FailURL.File())
	for _, p := range c.Partners {
		add(p.Name+": client_secret_file", p.ClientSecret.File())
		add(p.Name+": certificate_file", p.CertificateFile)
		add(p.Name+": refresh_token_file", p.RefreshTokenFile)
		add(p.Name+": app_only.client_secret_file", p.AppOnly.ClientSecret.File())
		add(p.Name+": app_only.certificate_file", p.AppOnly.CertificateFile)
	}
	return files
}

func (a *app) printFinding(f findingReply) {
	print := a.printf
	if f.Grade != jobs.GradeOK {
		print = a.answerf
	}
	print("%-4s  %s: %s\n", f.Grade, a.texts().Sentence(f.Check), a.texts().Sentence(f.Message))
	if f.Hint != "" {
		print("      %s\n", a.texts().Sentence(f.Hint))
	}
}

// doctorDatabase names the database in its errors.
type doctorDatabase struct {
	*store.Store
	config config.Config
}

func (d doctorDatabase) Schema(ctx context.Context) (have, know int64, err error) {
	have, know, err = d.Store.Schema(ctx)
	if err == nil && have > know {
		err = fmt.Errorf("%w (%d; this one knows %d)", store.ErrNewerSchema, have, know)
	}
	if err != nil {
		err = atDatabase(d.config.Database, err)
	}
	return have, know, err
}

// doctorService is the client as the doctor sees it.
type doctorService struct{ *partnercenter.Client }

func (a *app) doctorService(c config.Config, p config.Partner) (jobs.DoctorService, error) {
	options, err := a.clientOptions(c, p)
	if err != nil {
		return nil, err
	}
	options.Attempts = min(2, options.Attempts) // a person is waiting
	client, err := partnercenter.New(options)
	if err != nil {
		return nil, configError{err}
	}
	return doctorService{client}, nil
}

func (s doctorService) Clock() (now time.Time, known bool) {
	now = s.ServiceTime()
	return now, !now.IsZero()
}
