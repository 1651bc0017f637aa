package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

type simulateReply struct {
	envelope
	Address  string          `json:"address"`
	Stats    simulator.Stats `json:"stats"`
	Accounts []demo.Served   `json:"accounts"` // of a demo that is continued
}

func (a *app) simulateCommand() *cobra.Command {
	r := &simulateReply{envelope: envelope{Command: "simulate"}, Accounts: []demo.Served{}}
	options := simulator.Options{Seed: 1, Customers: 2000, Mix: simulator.MixRealistic}
	listen, folder, saved := "127.0.0.1:8080", "", ""
	var cmd *cobra.Command
	cmd = a.command("simulate", "serve a simulated Partner Center on this machine, until interrupted", r,
		func(ctx context.Context) error {
			if saved == "" && !anyChanged(cmd) {
				if _, err := os.Stat(demo.SavedFile); err == nil {
					saved = demo.SavedFile
				}
			}
			if saved != "" {
				return a.continueDemo(ctx, saved, r)
			}
			options.AsOf = a.Now()
			return a.simulate(ctx, options, listen, folder, r)
		})
	cmd.Long = `simulate serves a Partner Center that behaves as Microsoft's does; its flags make calls fail in the
ways that are known. In the folder of a demo, without flags, it serves the accounts of the demo as
the demo left them, and each day since then counts as a night.`
	example(cmd, "mcaledger simulate --write-config sandbox",
		"mcaledger simulate --customers 20000 --quota 500 --latency 100ms",
		"mcaledger simulate --continue demo/simulator.json")
	cmd.Flags().StringVar(&listen, "listen", listen, "address and port to serve on; port 0 takes a free one")
	cmd.Flags().StringVar(&folder, "write-config", "", "folder to write a configuration for the simulated partner to")
	cmd.Flags().StringVar(&saved, "continue", "",
		"serve the accounts that a demo saved in this file (without any flag: ./simulator.json, if there is one)")
	simulatorFlags(cmd.Flags(), &options)
	return cmd
}

// anyChanged reports whether a flag of the command itself is given.
func anyChanged(cmd *cobra.Command) (changed bool) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { changed = changed || f.Changed })
	return changed
}

// simulate serves one partner.
func (a *app) simulate(ctx context.Context, options simulator.Options, listen, folder string, r *simulateReply) error {
	sim, err := simulator.New(options)
	if err != nil {
		return usageError{err}
	}
	server, err := simulator.Serve(sim, listen)
	if err != nil {
		return fmt.Errorf("%w; name another address with --listen, port 0 takes a free one", err)
	}
	defer server.Close()
	r.Address = server.Address
	a.log().Info("serving", "address", server.Address)
	settings := demo.OnePartner(server.Address)
	if folder != "" {
		if err := settings.Write(folder); err != nil {
			return err
		}
		a.printf("Partner Center is simulated at %s; try: mcaledger --config %s reconcile\n", r.Address,
			filepath.Join(folder, demo.ConfigFile))
	} else {
		a.printf("Partner Center is simulated at %s for this configuration (--write-config FOLDER writes it):\n\n%s\n",
			r.Address, settings)
	}
	<-ctx.Done()
	r.Stats = sim.Stats()
	a.printf("%d requests, %d of them refused with 429\n", r.Stats.APIRequests, r.Stats.Throttled)
	return nil // being interrupted is how it ends
}

// continueDemo serves the accounts of a demo.
func (a *app) continueDemo(ctx context.Context, saved string, r *simulateReply) error {
	served, err := demo.Continue(saved, a.Now())
	if err != nil {
		return err
	}
	for _, account := range served.Accounts() {
		a.log().Info("serving", "partner", account.Name, "address", account.Address)
		a.printf("%s is simulated at %s\n", account.Name, account.Address)
	}
	a.printf("Try, in another terminal: mcaledger --config %s nightly\n",
		filepath.Join(filepath.Dir(saved), demo.ConfigFile))
	<-ctx.Done()
	r.Accounts = served.Accounts()
	return served.Close(a.Now())
}

// simulatorFlags adds a flag for each option of the simulator.
func simulatorFlags(f *pflag.FlagSet, o *simulator.Options) {
	f.Uint64Var(&o.Seed, "seed", o.Seed, "draws the world and its accidents")
	f.IntVar(&o.Customers, "customers", o.Customers, "how many customers")
	f.IntVar(&o.Night, "night", 1, "the night to begin with; POST /simulator/night?n=2 moves on")
	choice(f, &o.Mix, "mix", "shares of the kinds of customers: empty for realistic ones, \"all kinds\", or behind: "+
		"more are blocked")
	choice(f, &o.Dates, "dates", "form of dates: empty for all, \"no zone\", Z, \"7 digits\", offset")
	f.DurationVar(&o.Latency, "latency", 0, "time of each request")
	f.DurationVar(&o.Jitter, "jitter", 0, "up to so much more")
	f.IntVar(&o.Quota, "quota", 0, "requests in a window before 429; 0 for no limit")
	f.DurationVar(&o.Window, "window", time.Minute, "length of a window")
	choice(f, &o.RetryAfter, "retry-after", "form of Retry-After: empty for seconds, date, missing")
	choice(f, &o.BOM, "bom", "byte-order marks: empty for success bodies, never, always")
	choice(f, &o.Names, "names", "names in JSON: empty for camelCase, pascal, mixed")
	choice(f, &o.NextLink, "next-link", "form of next links: empty for without /v1, v1, absolute")
	f.IntVar(&o.PageSizeCap, "page-size", 0, "most customers on a page; 0 for 500")
	choice(f, &o.EmptyAgreements, "empty-agreements", "no agreement is said by: empty for both ways, list, error")
	f.BoolVar(&o.IndirectProvider, "indirect-provider", false, "some customers have an indirect reseller")
	f.Float64Var(&o.RepeatedIDs, "repeated-ids", 0, "share of customers listed twice")
	f.Float64Var(&o.DroppedFromList, "dropped", 0, "share of customers missing from the list but still there")
	f.Float64Var(&o.TruncatedList, "truncated-list", 0, "part of the list that is served; 0 for all")
	f.BoolVar(&o.EmptyList, "empty-list", false, "serve an empty list")
	f.IntVar(&o.ListAccidentsFrom, "list-accidents-from", 0, "first night of the last three")
	f.IntVar(&o.ListAccidentsUntil, "list-accidents-until", 0, "last night of them; 0 for none")
	f.StringVar(&o.Home, "home", "", "country of most customers, such as BR, with the names of ordinary companies; "+
		"empty for names of all kinds")
	f.Float64Var(&o.Faults.ServerError, "fault-500", 0, "share of calls that meet a 500")
	f.Float64Var(&o.Faults.GatewayPage, "fault-503-page", 0, "share of calls that meet a gateway's page")
	f.Float64Var(&o.Faults.PageWithStatus200, "fault-200-page", 0, "share of calls that meet a page with status 200")
	f.Float64Var(&o.Faults.Reset, "fault-reset", 0, "share of calls that meet a closed connection")
	f.Float64Var(&o.Faults.Truncated, "fault-truncated", 0, "share of calls that meet half a body")
	f.Float64Var(&o.Faults.Slow, "fault-slow", 0, "share of calls that are slow")
	f.DurationVar(&o.Faults.SlowFor, "slow-for", 20*time.Second, "how long a slow call takes")
	f.Float64Var(&o.BrokenCustomers, "broken", 0, "share of customers that always answer 500")
	f.DurationVar(&o.Login.TokenLifetime, "token-lifetime", 0, "expires_in of access tokens; 0 for an hour")
	f.IntVar(&o.Login.Unavailable, "login-unavailable", 0, "token requests to answer 503 first")
	f.BoolVar(&o.Login.ExpiredRefreshToken, "expired-refresh-token", false, "refuse every refresh token")
	f.BoolVar(&o.Login.DemandMFA, "demand-mfa", false, "refuse every refresh token until somebody signs in with MFA")
	f.BoolVar(&o.Login.WrongClientSecret, "wrong-client-secret", false, "refuse every client")
	f.IntVar(&o.KillTokensEvery, "kill-tokens-every", 0, "make access tokens worthless after so many requests")
	f.BoolVar(&o.MissingMFA, "missing-mfa", false, "refuse App+User tokens (900421)")
	f.BoolVar(&o.WrongAudience, "wrong-audience", false, "refuse every token (900420)")
	choice(f, &o.MissingRole, "missing-role",
		"refuse calls for want of a role: empty for none, agreements, writes, everywhere")
	f.BoolVar(&o.IndirectReseller, "indirect-reseller", false,
		"the partner is an indirect reseller: attestations are refused")
	signInFlags(f, &o.SignIn)
	f.BoolVar(&o.EmptyForbidden, "empty-forbidden", false, "such refusals come without a body")
	writesFlags(f, &o.Writes)
	choice(f, &o.ClassicRetired, "classic-retired",
		"every classic attestation is refused: empty for none, 404, 410, 403")
	enhancedFlags(f, &o.Enhanced)
}

// enhancedFlags are the flags of the enhanced route.
func enhancedFlags(f *pflag.FlagSet, e *simulator.Enhanced) {
	f.StringVar(&e.EmailField, "enhanced-email-field", "",
		"name of the e-mail address when an attestation is created; empty for emailAddress")
	f.StringVar(&e.PhoneField, "enhanced-phone-field", "", "name of the telephone number; empty for phoneNumber")
	f.StringVar(&e.ExpiryField, "enhanced-expiry-field", "",
		"name of the minutes until the link expires; empty for expirationInMinutes")
	f.StringVar(&e.IDField, "enhanced-id-field", "", "name of the id in answers; empty for attestationId")
	f.StringVar(&e.LinkField, "enhanced-link-field", "", "name of the link in answers; empty for attestationUrl")
	f.StringVar(&e.StatusField, "enhanced-status-field", "",
		"name of the status in answers; empty for attestationStatus")
	f.StringVar(&e.DateField, "enhanced-date-field", "",
		"name of the day of acceptance in answers; empty for dateAgreed")
	f.StringVar(&e.StatusPath, "enhanced-status-path", "",
		"path to ask for the status; empty for /v1/attestations/enhanced/{id}")
	f.StringVar(&e.Pending, "enhanced-pending", "", "word for a link that was not accepted; empty for Pending")
	f.StringVar(&e.Accepted, "enhanced-accepted", "", "word for an accepted one; empty for Accepted")
	f.StringVar(&e.Expired, "enhanced-expired", "", "word for an expired one; empty for Expired")
	f.BoolVar(&e.WithoutLink, "enhanced-without-link", false, "answers do not have the link")
	f.BoolVar(&e.WithoutDate, "enhanced-without-date", false, "answers do not have the day of acceptance")
	f.IntVar(&e.AcceptWithin, "enhanced-accept-within", 0,
		"nights in which signatories accept by themselves; 0 for never")
	f.Float64Var(&e.AcceptShare, "enhanced-accept-share", 0, "share of signatories who do so; 0 for all")
	f.IntVar(&e.DuplicateAt, "enhanced-duplicate-at", 0,
		"step that answers 600061 to a signatory on record: 1 or 3; 0 for 3")
	f.BoolVar(&e.UserForAgreement, "enhanced-agreement-with-user", false,
		"refuse app-only tokens when the agreement is created")
	f.BoolVar(&e.DocumentsGone, "enhanced-documents-gone", false, "answer 404 to the addresses of accepted agreements")
}

// signInFlags are the flags of the sign-in pages.
func signInFlags(f *pflag.FlagSet, s *simulator.SignIn) {
	f.IntVar(&s.Refused, "sign-in-refused", 0, fmt.Sprintf("AADSTS number that every sign-in ends with, one of %v",
		simulator.SignInErrors()))
	choice(f, &s.RefusedAt, "sign-in-refused-at", "where it ends: empty for the way back to the program, page, token")
	f.BoolVar(&s.WithoutMFA, "sign-in-without-mfa", false, "make tokens of users without a second factor")
	f.BoolVar(&s.OtherTenant, "sign-in-other-tenant", false, "make tokens of another tenant")
	f.BoolVar(&s.OtherState, "sign-in-other-state", false, "send the browser back with another state")
	f.BoolVar(&s.OtherNonce, "sign-in-other-nonce", false, "make ID tokens with another nonce")
	f.BoolVar(&s.NoRefreshToken, "sign-in-no-refresh-token", false, "leave the refresh token out")
	f.StringVar(&s.RedirectURI, "redirect-uri", "", "the redirect URI that is registered; empty for http://localhost")
	f.IntVar(&s.DevicePolls, "device-polls", 0,
		"polls until somebody signs in for a device; 0 waits for the page /devicelogin")
	f.IntVar(&s.DeviceSlowDown, "device-slow-down", 0, "polls of a device to answer slow_down first")
	f.DurationVar(&s.DeviceInterval, "device-interval", 0, "how often a device should ask; 0 for 5s")
	f.DurationVar(&s.DeviceLife, "device-life", 0, "how long the code of a device lives; 0 for 15m")
}

// writesFlags are the flags of attestation calls.
func writesFlags(f *pflag.FlagSet, w *simulator.Writes) {
	f.IntVar(&w.Quota, "write-quota", 0, "attestations in a window before 429; 0 for no limit of their own")
	f.DurationVar(&w.RememberFor, "remember-for", 0, "how long a request id is remembered; 0 for 10 minutes")
	f.BoolVar(&w.NeverRemembers, "never-remembers", false, "take every repeat of an attestation for a new one")
	f.BoolVar(&w.DuplicatesAllowed, "duplicates-allowed", false,
		"take an attestation although the same contact is on record (else 600061)")
	f.IntVar(&w.AlreadyExistsStatus, "already-exists-status", 0, "status of 600061: 400 or 409; 0 for 409")
	f.Float64Var(&w.LostRequests.ServerError, "lost-request-500", 0, "share of attestations not taken, that meet a 500")
	f.Float64Var(&w.LostRequests.GatewayPage, "lost-request-page", 0,
		"share of attestations not taken, that meet a gateway's page")
	f.Float64Var(&w.LostRequests.PageWithStatus200, "lost-request-200-page", 0,
		"share of attestations not taken, that meet a page with status 200")
	f.Float64Var(&w.LostRequests.Reset, "lost-request-reset", 0,
		"share of attestations not taken, that meet a closed connection")
	f.Float64Var(&w.LostRequests.Late, "late", 0, "share of attestations that are taken only after --write-slow-for")
	f.Float64Var(&w.LostAnswers.ServerError, "lost-answer-500", 0, "share of attestations done, that meet a 500")
	f.Float64Var(&w.LostAnswers.GatewayPage, "lost-answer-page", 0,
		"share of attestations done, that meet a gateway's page")
	f.Float64Var(&w.LostAnswers.PageWithStatus200, "lost-answer-200-page", 0,
		"share of attestations done, that meet a page with status 200")
	f.Float64Var(&w.LostAnswers.Reset, "lost-answer-reset", 0,
		"share of attestations done, that meet a closed connection")
	f.Float64Var(&w.LostAnswers.Truncated, "lost-answer-truncated", 0,
		"share of attestations done, that meet half a body")
	f.Float64Var(&w.LostAnswers.Slow, "lost-answer-slow", 0,
		"share of attestations done, whose answer takes --write-slow-for")
	f.DurationVar(&w.SlowFor, "write-slow-for", 20*time.Second, "how long a slow attestation takes")
	f.IntVar(&w.MaxInARow, "write-faults-in-a-row", 0, "the most such accidents of one customer; 0 for 3")
}

// choice makes a flag of a setting that is one of a few words; the simulator itself says which.
func choice[T ~string](f *pflag.FlagSet, value *T, name, usage string) {
	f.Func(name, usage, func(text string) error {
		*value = T(text)
		return nil
	})
}
