package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/signin"
	"github.com/mcaledger/mcaledger/jobs"
)

// loginReply is a login in JSON; its names are a contract.
type loginReply struct {
	envelope
	Partner        string    `json:"partner"`
	TenantID       string    `json:"tenant_id"`
	User           string    `json:"user"`
	Permissions    []string  `json:"permissions"`
	ListRead       bool      `json:"list_read"`
	AgreementsRead bool      `json:"agreements_read"`
	Saved          bool      `json:"saved"`
	TokenFile      string    `json:"token_file"`
	LapsesAt       time.Time `json:"lapses_at,omitzero"`
}

func (a *app) loginCommand() *cobra.Command {
	r := &loginReply{envelope: envelope{Command: "login"}, Permissions: []string{}}
	partner, device, patience := "", false, 10*time.Minute
	cmd := a.command("login", "sign in for a partner, and save the refresh token", r, func(ctx context.Context) error {
		return a.login(ctx, r, partner, device, patience)
	})
	cmd.Long = `login lets a user of the partner's tenant sign in with multi-factor authentication, in the browser
of this machine or, with --device, on any other one. It checks that the user may do what a night
does, by one call for the list and one for agreements, and saves the refresh token in the
partner's refresh_token_file. A sign-in that fails, or that Microsoft does not accept, changes
nothing.

The token works until 90 days after its last use, and every run uses it.`
	f := cmd.Flags()
	f.StringVar(&partner, "partner", "", "the partner to sign in for (name or tenant id; needed if there are several)")
	f.BoolVar(&device, "device", false, "show a code to sign in with on another machine, which has a browser")
	f.DurationVar(&patience, "timeout", patience, "how long to wait for the sign-in")
	return example(cmd, "mcaledger login", "mcaledger login --partner contoso-br --device")
}

func (a *app) login(ctx context.Context, r *loginReply, wanted string, device bool, patience time.Duration) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	p, err := onePartner(c, wanted)
	if err != nil {
		return err
	}
	r.Partner, r.TenantID, r.TokenFile = p.Name, strings.ToLower(p.TenantID), p.RefreshTokenFile
	switch {
	case p.RefreshTokenFile == "":
		return configError{fmt.Errorf("partner %s has no refresh_token_file; name a file for its refresh token",
			p.Name)}
	case patience <= 0:
		return usageErrorf("--timeout must be more than 0, not %s", patience)
	}
	if err := refuseForeignFile(p.RefreshTokenFile); err != nil {
		return err
	}
	job, err := a.loginJob(c, p, device, patience)
	if err != nil {
		return err
	}
	done, err := job.Run(ctx)
	r.User, r.Permissions = done.User, append(r.Permissions, done.Permissions...)
	r.ListRead, r.AgreementsRead, r.Saved, r.LapsesAt = done.ListRead, done.AgreementsRead, done.Saved, done.LapsesAt
	if done.User != "" {
		a.printLogin(p, done)
	}
	return err
}

// onePartner is the one that is named, or the only one.
func onePartner(c config.Config, wanted string) (config.Partner, error) {
	if wanted == "" {
		if len(c.Partners) > 1 {
			return config.Partner{}, usageErrorf("there are several partners; name one with --partner: %s", c.Names())
		}
		return c.Partners[0], nil
	}
	selected, err := c.Select([]string{wanted})
	if err != nil {
		return config.Partner{}, usageError{err}
	}
	return selected[0], nil
}

// loginJob wires a login. The secrets are read here, so that a person is asked for nothing while
// one is missing.
func (a *app) loginJob(c config.Config, p config.Partner, device bool, patience time.Duration) (jobs.Login, error) {
	credentials, err := clientCredentials(p, p.SignIn, "certificate_file")
	if err != nil {
		return jobs.Login{}, err
	}
	target := signin.App{Credentials: credentials, HTTP: partnercenter.TokenClient(nil, c.HTTP.Timeout),
		Patience: patience, Page: signin.Page{Done: a.sprintf("Go back to mcaledger: it goes on there. This page can " +
			"be closed."),
			Refused: a.sprintf("The sign-in was refused. mcaledger says why, and what to do. This page can be " +
				"closed.")}}
	return jobs.Login{
		TokenFile: p.RefreshTokenFile, Save: partnercenter.SaveRefreshToken, Now: a.Now,
		SignIn: func(ctx context.Context) (jobs.SignedIn, error) {
			if device {
				got, err := target.WithCode(ctx, a.showCode)
				return jobs.SignedIn(got), err
			}
			got, err := target.WithBrowser(ctx, func(address string) { a.showPage(address, patience) })
			return jobs.SignedIn(got), err
		},
		Service: func(refreshToken string) (jobs.LoginService, error) {
			options := a.serviceOptions(c, p, credentials, partnercenter.Credentials{})
			options.Credentials.RefreshTokenFile, options.Credentials.RefreshToken = "", refreshToken
			options.Attempts = min(2, options.Attempts) // a person is waiting
			return partnercenter.New(options)
		},
	}, nil
}

func (a *app) showCode(c signin.Code) {
	a.instruct("On any device, open %s and enter the code %s.\n", c.Address, c.Code)
	if !c.Expires.IsZero() {
		a.instruct("The code is valid until %s.\n", c.Expires.Local().Format(time.TimeOnly))
	}
	a.instruct("Sign in as the user whom the nights use, with the role Admin agent or Sales agent.\n")
}

// showPage opens the sign-in page, and prints its address too: the browser may be another one than
// the person wants.
func (a *app) showPage(address string, patience time.Duration) {
	if a.openBrowser(address) {
		a.instruct("Go on in the browser that opens, or open this address on this machine:\n\n%s\n\n", address)
	} else {
		a.instruct("No browser was found. Open this address on this machine, or use mcaledger login "+
			"--device:\n\n%s\n\n", address)
	}
	a.instruct("Sign in as the user whom the nights use, with the role Admin agent or Sales agent.\n")
	a.instruct("Waiting for %s; Ctrl-C gives up.\n", patience)
}

func (a *app) printLogin(p config.Partner, done jobs.LoggedIn) {
	a.printf("Signed in for %s: %s, with multi-factor authentication\n", p.Name, done.User)
	a.printf("  permissions:          %s\n", strings.Join(done.Permissions, " "))
	a.printf("  list of customers:    %s\n", a.readOrNot(done.ListRead))
	if done.NoCustomer {
		a.printf("  agreements:           there is no customer to read\n")
	} else {
		a.printf("  agreements:           %s\n", a.readOrNot(done.AgreementsRead))
	}
	if done.Saved {
		a.printf("  refresh token:        %s\n", p.RefreshTokenFile)
		a.printf("  it works until:       %s, 90 days after its last use; every run uses it\n",
			done.LapsesAt.Format(time.DateOnly))
		a.printf("Next: mcaledger doctor\n")
	}
}

func (a *app) readOrNot(read bool) string {
	if read {
		return a.sprintf("read")
	}
	return a.sprintf("not read")
}
