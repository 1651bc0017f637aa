package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

type doctorReply struct {
	head
	Checks []findingReply `json:"checks"`
}

// findingReply is one check in JSON; its names are a contract.
type findingReply struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func (a *app) doctorCommand() *cobra.Command {
	r := &doctorReply{head: head{Command: "doctor"}, Checks: []findingReply{}}
	found := func(f jobs.Finding) {
		reply := findingReply{Check: f.Check, OK: f.Err == nil, Message: f.Message}
		if p := explain(f.Err); p != nil {
			reply.Hint = p.Hint
		}
		r.Checks = append(r.Checks, reply)
		a.printFinding(reply)
	}
	return a.command("doctor", "check configuration, database, sign-in, clock and one read of each kind", r, func(ctx context.Context) error {
		c, err := a.load()
		if err != nil {
			found(jobs.Finding{Check: "configuration", Err: err, Message: err.Error()})
			return err
		}
		found(jobs.Finding{Check: "configuration", Message: "complete, for " + c.Names()})
		job := jobs.Doctor{Now: a.Now, Found: found,
			Database: func(ctx context.Context) (jobs.DoctorDatabase, error) {
				s, err := store.Open(ctx, c.Database)
				if err != nil {
					return nil, atDatabase(c, err)
				}
				return doctorDatabase{s, c}, nil
			},
		}
		byID := map[string]config.Partner{}
		for _, p := range c.Partners {
			partner := partnerOf(p)
			byID[partner.ID] = p
			job.Partners = append(job.Partners, partner)
		}
		job.Service = func(p jobs.Partner) (jobs.DoctorService, error) { return a.doctorService(c, byID[p.ID]) }
		_, err = job.Run(ctx)
		return err
	})
}

func (a *app) printFinding(f findingReply) {
	if f.OK {
		a.printf("OK    %s: %s\n", f.Check, f.Message)
	} else {
		a.answerf("FAIL  %s: %s\n      %s\n", f.Check, f.Message, f.Hint)
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
		err = atDatabase(d.config, err)
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
