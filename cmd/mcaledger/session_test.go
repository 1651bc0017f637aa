package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/internal/workbookaudit"
	"github.com/mcaledger/mcaledger/jobs"
)

// Two partners have some nights with the real commands, and every cell of every workbook is
// computed again from the tables alone.
func TestTheWorkbookIsWhatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, address)
			// The same code makes CSV and JSON of what either database returns. The kinds of values
			// in which the drivers differ are all in the reports of the fourth night and later.
			s.formats = strings.HasPrefix(address, "sqlite:")
			s.live()
		})
	}
}

// session is a company with two partners, each with a simulated Partner Center of its own.
type session struct {
	*testing.T
	address           string // of the database
	folder            string
	contoso, fabrikam *centre
	label             string // of contoso, in the configuration
	clock             time.Time
	formats           bool                    // reports are compared as CSV and JSON too
	books             []workbookaudit.Edition // those made of the newest runs
}

const (
	contosoID  = "11111111-1111-4111-8111-111111111111"
	fabrikamID = "33333333-3333-4333-8333-333333333333"
)

func newSession(t *testing.T, address string) *session {
	t.Helper()
	mix := simulator.MixAllKinds
	return sessionOf(t, address, simulator.Options{Seed: 296, Customers: 220, Mix: mix, AsOf: firstNight},
		simulator.Options{Seed: 110, Customers: 120, Mix: mix, AsOf: firstNight, IndirectProvider: true})
}

var firstNight = time.Date(2026, time.November, 9, 1, 30, 0, 0, time.UTC)

func sessionOf(t *testing.T, address string, contoso, fabrikam simulator.Options) *session {
	t.Helper()
	s := &session{T: t, folder: t.TempDir(), label: "contoso", contoso: newCentre(t, contoso),
		fabrikam: newCentre(t, fabrikam)}
	s.address = addressIn(s.folder, address)
	config := fmt.Sprintf("database: %q\nattestation: { route: classic, shared_account: true, settle_after: 10ms "+
		"}\nreport: { timezone: America/Sao_Paulo }\nmail: { from: licensing@contoso.example }\nhttp: { attempts: 1 "+
		"}\npartners:\n", s.address)
	for _, p := range []struct{ name, id, kind, url string }{
		{"contoso", contosoID, "direct_bill", s.contoso.url}, {"fabrikam", fabrikamID, "indirect_provider",
			s.fabrikam.url},
	} {
		config += fmt.Sprintf("  - { name: %s, tenant_id: %s, kind: %s, client_id: app, client_secret: hush, "+
			"refresh_token_file: %[1]s-token,\n"+
			"      api_url: %[4]q, login_url: %[4]q, requests_per_minute: 60000 }\n", p.name, p.id, p.kind, p.url)
		require.NoError(t, os.WriteFile(s.file(p.name+"-token"), []byte(simulator.InitialRefreshToken), 0o600))
	}
	require.NoError(t, os.WriteFile(s.file("mcaledger.yaml"), []byte(config), 0o600))
	return s
}

func (s *session) file(name string) string { return filepath.Join(s.folder, name) }

// does runs a command, a minute after the one before, and demands its exit code.
func (s *session) does(code int, command ...string) {
	s.Helper()
	s.doesUntil(s.Context(), code, command...)
}

func (s *session) doesUntil(ctx context.Context, code int, command ...string) {
	s.Helper()
	s.clock = s.clock.Add(time.Minute)
	var stdout, stderr bytes.Buffer
	began := time.Now()
	got := Main(ctx, append(command, "--config", s.file("mcaledger.yaml")),
		Env{Stdout: &stdout, Stderr: &stderr, Now: func() time.Time { return s.clock.Add(time.Since(began)) },
			Environ: []string{"MCALEDGER_PARTNERS_0_NAME=" + s.label}})
	require.Equal(s, code, got, "%v\n%s%s", command, stdout.String(), stderr.String())
}

// sub is a part of the test with a name of its own; commands that fail in it fail it.
func (s *session) sub(name string, check func(t *testing.T)) {
	s.Run(name, func(t *testing.T) { s.in(t, func() { check(t) }) })
}

// in does something as a part of the test.
func (s *session) in(t *testing.T, do func()) {
	t.Helper()
	whole := s.T
	s.T = t
	defer func() { s.T = whole }()
	do()
}

// view is what a report of the newest runs has to show.
func (s *session) view() workbookaudit.View {
	s.Helper()
	zone, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(s, err)
	return workbookaudit.Read(s.T, s.address, zone, workbookaudit.Partner{ID: contosoID, Name: s.label},
		workbookaudit.Partner{ID: fabrikamID, Name: "fabrikam"})
}

// night is a sweep of both partners; many customers of their worlds cannot be read.
func (s *session) night(n, code int, utc string) {
	s.Helper()
	var err error
	s.clock, err = time.Parse(time.DateTime, utc)
	require.NoError(s, err)
	require.NoError(s, s.contoso.SetNight(n))
	require.NoError(s, s.fabrikam.SetNight(n))
	s.does(code, "reconcile")
}

// attests writes a file of attestations and imports it.
func (s *session) attests(code int, by, name string, rows ...string) {
	s.Helper()
	text := strings.Join(
		append([]string{"customer_tenant_id,first_name,last_name,email,phone,date_agreed,evidence,note"}, rows...),
		"\r\n") + "\r\n"
	require.NoError(s, os.WriteFile(s.file(name), []byte(text), 0o600))
	s.does(code, "attest", "import", "--by", by, s.file(name))
}

// excepts decides about customers, as an import of exceptions does.
func (s *session) excepts(exceptions ...ledger.Exception) {
	s.Helper()
	s.clock = s.clock.Add(time.Minute)
	l, err := store.Open(s.Context(), s.address)
	require.NoError(s, err)
	defer l.Close()
	for i := range exceptions {
		exceptions[i].CustomerID = standing.CanonicalID(exceptions[i].CustomerID)
	}
	n, err := l.SetExceptions(s.Context(), exceptions, attestation.Actor{Name: "carl", UserID: "1000", Host: "vm1",
		Source: attestation.FromFlag}, s.clock)
	require.NoError(s, err)
	require.Len(s, exceptions, n)
}

// live lives through five nights. A workbook is made in the morning after each of the first four,
// and compared with the tables at once.
func (s *session) live() {
	var (
		never  = s.contoso.find(7, simulator.NeverAccepted, stays)
		sold   = s.fabrikam.find(4, simulator.NeverAccepted, stays)
		clear  = s.contoso.find(2, simulator.Attested, stays)
		stale  = s.contoso.find(1, simulator.OutdatedByOneDay, stays)
		others = s.contoso.find(1, simulator.NotReseller, stays)
		leaver = s.contoso.find(1, simulator.NeverAccepted, leaves)
		freed  = s.contoso.find(1, simulator.NeverAccepted, becomesAttested)
		older  = s.contoso.find(1, simulator.Outdated, hadAnotherSigner)
		alone  = s.contoso.find(2, simulator.NeverAcceptedError, boughtNothing)
	)

	s.night(1, exitPartial, "2026-11-09 01:30:00") // in São Paulo it is still the 8th
	s.report("the first night", exitDone)

	s.does(exitDone, "invite", sold[0].TenantID, "--by", "dora", "--language", "pt-BR")

	s.attests(exitPartial, "ana", "may.csv",
		row(never[0], "Ana,Souza,ana@a.example,+5511987654321", "2024-05-06,SharePoint/=1+1,0012"),
		row(never[0], "ana,souza,ANA@a.example,+5511987654321", "2024-05-06,,the same"),
		row(clear[0], who(microsoftCustomer(clear[0])[0]), "2024-05-06,,already known"),
		row(stale[0], who(microsoftCustomer(stale[0])[0]), "2024-05-06,,the signer of an outdated agreement"),
		row(stale[0], "Ana,Souza,ana@o.example,", "2024-05-06,,against the row above"),
		row(others[0], "Ana,Souza,ana@n.example,", "2024-05-06,,no customer"),
		"99999999-9999-4999-8999-999999999999,Ana,Souza,ana@z.example,,2024-05-06,,nobody's",
		row(never[1], "Bea,Lima,not-an-address,", "2024-05-06,,unreadable"),
		row(clear[1], "Eva,Lima,eva@e.example,", "2024-05-06,,already clear"),
		row(sold[0], "João,Conceição,joao@f.example,", "2024-05-06,DMS 0012,"),
		row(sold[3], "Ana,Souza,ana@s.example,", "06/05/2024,,"),
	)
	s.does(exitDone, "attest", "approve", "1", "--by", "bea")
	s.does(exitDone, "attest", "submit")
	s.attests(exitDone, "ana", "june.csv",
		row(leaver[0], "Ana,Souza,ana@l.example,", "2024-05-06,,will have left"),
		row(never[1], "Bea,Lima,bea@x.example,", "2024-05-06,,"),
		row(sold[1], "Bea,Lima,bea@z.example,", "2024-05-06,,"),
		row(freed[0], who(s.contoso.newest(freed[0])), "2024-05-06,,somebody else will have attested"),
		row(older[0], who(anotherSigner(older[0])), "2024-05-06,,signed long ago"),
		row(never[4], "Bea,Lima,bea@v.example,", "2024-05-06,,to be taken back"),
	)

	s.does(exitDone, "invite", alone[0].TenantID, "--by", "dora")
	s.does(exitDone, "invite", leaver[0].Domain, "--by", "dora")
	s.does(exitDone, "invite", "new.example.com", "--email", "ana@new.example.com", "--company", "=New & Co",
		"--partner", "contoso", "--by", "dora")
	require.NoError(s, s.contoso.Accept(alone[0].TenantID))

	s.contoso.misbehave(badNight, nil)
	s.night(2, exitPartial, "2026-11-10 04:10:00") // two days later in São Paulo, and one in UTC
	s.contoso.misbehave(nil, nil)
	s.does(exitDone, "attest", "approve", "2", "--by", "bea")
	s.does(exitDone, "attest", "cancel", "2-7", "--by", "bea")
	s.does(exitPartial, "attest", "submit")
	s.attests(exitDone, "carl", "july.csv",
		row(never[4], "Bea,Lima,bea@v.example,", "2024-05-06,,again"),
		row(sold[2], "Bea,Lima,bea@u.example,", "2024-05-06,,"),
		row(never[1], "Bea,Lima,bea@x.example,", "2024-05-06,,a duplicate"),
	)
	s.attests(exitDone, "carl", "august.csv", row(never[2], "Bea,Lima,bea@y.example,", "2024-05-06,,"),
		row(never[3], "Bea,Lima,bea@w.example,", "2024-05-06,,"))
	s.does(exitDone, "attest", "approve", "4", "--by", "bea")
	s.interruptedWhileSending(never[2], never[3])
	s.does(exitDone, "attest", "retry", "2-2", "--by", "bea")
	s.does(exitDone, "attest", "correct", "1-2", "--email", "ana.souza@a.example", "--by", "carl")
	s.excepts(ledger.Exception{PartnerID: contosoID, CustomerID: never[5].TenantID, Owner: "Bea", DueOn: "2026-11-11",
		Comment: "=1+1, they sign"},
		ledger.Exception{PartnerID: contosoID, CustomerID: never[6].TenantID, AcceptedUntil: "2026-11-30"},
		ledger.Exception{PartnerID: contosoID, CustomerID: leaver[0].TenantID, AcceptedUntil: "2026-11-30"},
		ledger.Exception{PartnerID: fabrikamID, CustomerID: sold[3].TenantID, AcceptedUntil: "2026-11-11"})
	s.report("the second night", exitDone)

	s.does(exitPartial, "attest", "submit") // the leaver is refused again; what was lost is found out
	s.does(exitDone, "attest", "approve", "3", "--by", "bea")
	s.does(exitDone, "attest", "approve", "5", "--by", "bea")
	s.contoso.Reset()                              // whatever was attested to Microsoft is forgotten there
	s.night(3, exitPartial, "2026-11-12 01:10:00") // in São Paulo the 11th
	unreported := s.view()
	s.does(exitDone, "attest", "submit")
	s.report("the third night", exitDone)

	s.does(exitDone, "invite", alone[1].TenantID, "--by", "dora")
	s.does(exitDone, "invite", alone[0].TenantID, "--again", "--by", "erik") // what it had accepted is forgotten
	require.NoError(s, s.contoso.Accept(alone[1].TenantID))
	s.excepts(ledger.Exception{PartnerID: contosoID, CustomerID: never[5].TenantID, Owner: "Ana", DueOn: "2026-11-20"},
		ledger.Exception{PartnerID: contosoID, CustomerID: leaver[0].TenantID, Removed: true})
	s.does(exitDone, "attest", "cancel", "2-2", "--by", "bea")
	s.attests(exitPartial, "ana", "september.csv",
		row(never[5], "Bea,Lima,bea@t.example,", "2024-05-06,,"),
		row(never[0], "Ana,Souza,ana@a.example,+5511987654321", "2024-05-06,,known"),
		row(never[6], "Bea,Lima,bea@,", "2024-05-06,,unreadable"),
	)
	s.label = "contoso-br"
	s.night(4, exitPartial, "2026-11-18 06:00:00")
	s.formats = true
	s.report("the fourth night", exitDone)
	s.sub("changes of runs that are not neighbours", s.against)
	s.sub("a run that was never reported", func(t *testing.T) {
		t.Helper()
		s.reportOf("unreported", unreported, unreported.Runs()[0]).AuditCustomers(t)
	})
	for _, then := range s.books {
		s.sub(then.Name+" again", func(t *testing.T) {
			t.Helper()
			s.again(t, then)
		})
	}
	s.label = "contoso-latam"
	relabelled := s.report("under another label", exitDone)
	s.sub("under another label, again", func(t *testing.T) {
		t.Helper()
		s.again(t, relabelled)
	})

	s.label = "contoso-br"
	s.night(9, exitFailed, "2026-11-19 06:00:00") // so many have left that the list cannot be believed
	s.report("the night that failed", exitFailed)
	s.sub("the morning before the night that failed, again", func(t *testing.T) {
		t.Helper()
		s.again(t, relabelled)
	})
	s.covered()
}

// interruptedWhileSending stops a submission when it has sent two attestations: the first was done
// and its answer is lost, the second met a 500.
func (s *session) interruptedWhileSending(done, lost simulator.Customer) {
	ctx, stop := context.WithCancelCause(s.Context())
	var sent sync.WaitGroup
	sent.Add(2)
	go func() { sent.Wait(); stop(jobs.ErrInterrupted) }()
	once := map[string]*sync.Once{done.TenantID: {}, lost.TenantID: {}}
	about := func(c simulator.Customer) func(*http.Request) bool {
		return func(r *http.Request) bool {
			if !strings.Contains(r.URL.Path, c.TenantID) || r.Method != http.MethodPost {
				return false
			}
			once[c.TenantID].Do(sent.Done)
			return true
		}
	}
	s.contoso.misbehave(about(lost), about(done))
	s.doesUntil(ctx, exitInterrupted, "attest", "submit")
	s.contoso.misbehave(nil, nil)
}
