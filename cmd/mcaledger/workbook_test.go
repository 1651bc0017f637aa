package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/pgtest"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// An auditor's test: two partners live through some nights with the real commands, and every cell
// of every workbook is computed again from the tables alone. What a column means is taken from the
// data dictionary on the workbook's own sheet About and from the comments of the schema; no
// statement and no function of the report is used.
//
// Order is compared where it is said: columns, partners (as configured), and customers by name_key
// ("name as it is sorted"). Where nobody says it (the rows of Attestations and Changes, the
// resellers, customers of one name_key) rows are matched by what names them.
func TestTheWorkbookIsWhatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{
		"SQLite":     func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db") },
		"PostgreSQL": pgtest.Database,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, database(t))
			s.live()
		})
	}
}

// ---- The session.

// session is a company with two partners, each with a simulated Partner Center of its own.
type session struct {
	*testing.T
	address           string // of the database
	folder            string
	contoso, fabrikam *centre
	label             string // of contoso, in the configuration
	clock             time.Time
	quality           int // the exit code of the reports made now
	books             []edition
}

// edition is a workbook that was made of the newest runs, with what the tables said then.
type edition struct {
	workbook
	view
}

const (
	contosoID  = "11111111-1111-4111-8111-111111111111"
	fabrikamID = "33333333-3333-4333-8333-333333333333"
)

func newSession(t *testing.T, address string) *session {
	t.Helper()

	first := time.Date(2026, time.November, 9, 1, 30, 0, 0, time.UTC)
	s := &session{T: t, address: address, folder: t.TempDir(), label: "contoso",
		contoso: newCentre(t, simulator.Options{Seed: 296, Customers: 220, Mix: simulator.MixAllKinds, AsOf: first}),
		fabrikam: newCentre(t, simulator.Options{Seed: 110, Customers: 120, Mix: simulator.MixAllKinds, AsOf: first,
			IndirectProvider: true})}
	config := fmt.Sprintf("database: %q\nattestation: { route: classic, shared_account: true, settle_after: 10ms "+
		"}\nreport: { timezone: America/Sao_Paulo }\nmail: { from: licensing@contoso.example }\nhttp: { attempts: 1 "+
		"}\npartners:\n", address)
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
	s.Run(name, func(t *testing.T) {
		whole := s.T
		s.T = t
		defer func() { s.T = whole }()
		check(t)
	})
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
	s.report("the fourth night", exitDone)
	s.sub("changes of runs that are not neighbours", s.against)
	s.sub("a run that was never reported", func(t *testing.T) {
		t.Helper()
		s.unreported(t, unreported)
	})
	for _, then := range s.books {
		s.sub(then.path+" again", func(t *testing.T) {
			t.Helper()
			s.again(t, exitDone, then)
		})
	}
	s.label = "contoso-latam"
	relabelled := s.report("under another label", exitDone)
	s.sub("under another label, again", func(t *testing.T) {
		t.Helper()
		s.again(t, exitDone, relabelled)
	})

	s.label = "contoso-br"
	s.night(9, exitFailed, "2026-11-19 06:00:00") // so many have left that the list cannot be believed
	s.report("the night that failed", exitFailed)
	s.sub("the morning before the night that failed, again", func(t *testing.T) {
		t.Helper()
		s.again(t, exitDone, relabelled)
	})
	s.covered()
}

// covered demands that the session had something of everything.
func (s *session) covered() {
	seen := map[string]map[any]bool{"states": {}, "reasons": {}, "changes": {}, "answers": {}}
	for _, e := range s.books {
		for kind, words := range map[string]struct {
			rows   [][]any
			column int
		}{"states": {e.attested(), 3}, "reasons": {e.everyone(), 3}, "changes": {e.changes(), 0},
			"answers": {e.invited(), 0}} {
			for _, row := range words.rows {
				seen[kind][plain(row[words.column])] = true
			}
		}
	}
	for kind, words := range map[string]string{
		"states": "already_known already_on_record approved cancelled confirmed duplicate failed queued refused " +
			"refused_by_microsoft unsure",
		"reasons": "accepted_directly attested never_accepted not_a_reseller_customer not_found outdated " +
			"relationship_ended unreadable",
		"changes": "gone new newly_blocked newly_clear newly_unknown read_again",
		"answers": "accepted attested open not_a_customer",
	} {
		for _, word := range strings.Fields(words) {
			assert.True(s, seen[kind][word], "no workbook has %s among its %s", word, kind)
		}
	}
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

// ---- The simulated partners.

// centre is a simulated Partner Center with moods.
type centre struct {
	*simulator.Simulator
	url string

	mu    sync.Mutex
	fails func(*http.Request) bool // these requests meet a 500
	deaf  func(*http.Request) bool // these are done, and the answer is lost
}

func newCentre(t *testing.T, o simulator.Options) *centre {
	t.Helper()

	sim, err := simulator.New(o)
	require.NoError(t, err)
	c := &centre{Simulator: sim}
	c.misbehave(nil, nil)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *centre) misbehave(fails, deaf func(*http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails, c.deaf = fails, deaf
}

func (c *centre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	fails, deaf := c.fails != nil && c.fails(r), c.deaf != nil && c.deaf(r)
	c.mu.Unlock()
	switch {
	case fails:
		http.Error(w, "", http.StatusInternalServerError)
	case deaf:
		c.Simulator.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		c.Simulator.ServeHTTP(w, r)
	}
}

// badNight fails every read of one customer in thirty: more would be a wave.
func badNight(r *http.Request) bool {
	id, single := strings.CutPrefix(r.URL.Path, "/v1/customers/")
	return single && id[:2] < "08"
}

// find are the customers of a kind on the first night whose later nights fit. Of fewer than least
// the session could not be lived.
func (c *centre) find(least int, kind simulator.Kind, fits func(nights []simulator.Customer,
	listed bool) bool) (found []simulator.Customer) {
	for i := range c.World().Customers {
		var nights []simulator.Customer
		var listed [5]bool
		for n := 1; n <= 4; n++ {
			world := c.World()
			world.Night = n
			nights, listed[n] = append(nights, world.Customer(i)), world.Listed(i)
		}
		if nights[0].Kind == kind && listed[1] && fits(nights, listed[2]) && nights[0].TenantID[:2] >= "08" {
			found = append(found, nights[0])
		}
	}
	if len(found) < least {
		panic(fmt.Sprintf("the simulated world has %d customers of the kind %q that fit, and %d are needed: take "+
			"another seed", len(found), kind, least))
	}
	return found
}

func stays(nights []simulator.Customer, _ bool) bool {
	return !slices.ContainsFunc(nights, func(c simulator.Customer) bool { return c.Kind != nights[0].Kind })
}

// boughtNothing fits customers that may accept directly.
func boughtNothing(nights []simulator.Customer, listed bool) bool {
	return stays(nights, listed) &&
		!slices.ContainsFunc(nights[0].Subscriptions,
			func(s simulator.Subscription) bool { return s.Status == "active" })
}

func leaves(_ []simulator.Customer, listed bool) bool { return !listed }

// becomesAttested is a customer for whom somebody else attests on the second night, with a signer
// who has no phone number: the service writes those in its own way.
func becomesAttested(nights []simulator.Customer, _ bool) bool {
	return nights[1].Kind == simulator.Attested && microsoftCustomer(nights[1])[0].Contact.PhoneNumber == ""
}

func hadAnotherSigner(nights []simulator.Customer, listed bool) bool {
	return stays(nights, listed) && anotherSigner(nights[0]).Contact != nil
}

// anotherSigner is an agreement whose signer did not sign the newest one and gave no phone number.
func anotherSigner(c simulator.Customer) simulator.Agreement {
	agreements := microsoftCustomer(c)
	for _, a := range agreements[1:] {
		if a.Contact.PhoneNumber == "" && a.Contact.Email != agreements[0].Contact.Email {
			return a
		}
	}
	return simulator.Agreement{}
}

// newest is the newest agreement of a customer on the second night.
func (c *centre) newest(customer simulator.Customer) simulator.Agreement {
	two := c.World()
	two.Night = 2
	return microsoftCustomer(two.Customer(customer.Index))[0]
}

// microsoftCustomer are the agreements that count, the newest first.
func microsoftCustomer(c simulator.Customer) []simulator.Agreement {
	agreements := slices.DeleteFunc(slices.Clone(c.Agreements),
		func(a simulator.Agreement) bool { return a.Type != "MicrosoftCustomerAgreement" })
	slices.SortFunc(agreements, func(a, b simulator.Agreement) int { return b.When.Compare(a.When) })
	return agreements
}

// row is a line of a file of attestations.
func row(c simulator.Customer, signer, rest string) string {
	return c.TenantID + "," + signer + "," + rest
}

// who are the four fields of the signer of an agreement.
func who(a simulator.Agreement) string {
	return strings.Join([]string{a.Contact.FirstName, a.Contact.LastName, a.Contact.Email,
		strings.ReplaceAll(a.Contact.PhoneNumber, " ", "")}, ",")
}

// ---- Reports.

// report makes a workbook of the newest runs and compares all of it, and the other formats.
func (s *session) report(name string, code int) edition {
	path := s.file(name + ".xlsx")
	s.quality = code
	s.does(code, "report", "--out", path)
	e := edition{openWorkbook(s.T, path), s.view()}
	e.path = name
	s.books = append(s.books, e)
	s.sub(name, func(t *testing.T) {
		t.Helper()

		digest, tables := sha256.New(), s.json(t, e, name)
		for _, sheet := range dataSheets {
			s.sub(sheet.name, func(t *testing.T) {
				t.Helper()

				rows := e.compare(t, e.view, sheet.name, sheet.keys, sheet.wants(e.view))
				e.order(t, sheet.name, rows)
				table := s.csv(t, name, sheet.name, digest)
				compareTexts(t, "CSV", sheet.name, rows, table, neutral)
				compareTexts(t, "JSON", sheet.name, rows, tables[sheet.key()], func(text string) string { return text })
			})
		}
		assert.Equal(t, fmt.Sprintf("%x", digest.Sum(nil)), e.digest(t), "the sum on About is that of the CSV files")
		t.Run("verdict", func(t *testing.T) { e.verdict(t, e.view) })
		t.Run("Summary", func(t *testing.T) { e.summary(t, e.view) })
		t.Run("About", func(t *testing.T) { e.about(t, e.view) })
	})
	return e
}

// csv is a sheet as CSV, its head apart.
func (s *session) csv(t *testing.T, name, sheet string, digest io.Writer) [][]string {
	t.Helper()

	path := s.file(name + "." + sheet + ".csv")
	s.does(s.quality, "report", "--format", "csv", "--sheet", sheet, "--out", path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	_, _ = digest.Write(text) // a hash takes everything
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, keys(sheet), rows[0])
	return rows[1:]
}

// json are all sheets as JSON, with the values as texts.
func (s *session) json(t *testing.T, e edition, name string) map[string][][]string {
	t.Helper()

	path := s.file(name + ".json")
	s.does(s.quality, "report", "--format", "json", "--out", path)
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var found struct{ Sheets map[string][]map[string]any }
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&found))
	tables := map[string][][]string{}
	for sheet, rows := range found.Sheets {
		head := keys(sheetNamed(sheet))
		for _, row := range rows {
			assert.Len(t, row, len(head))
			var texts []string
			for _, column := range head {
				value, there := row[column]
				assert.True(t, there, "%s has no %s", sheet, column)
				texts = append(texts, plain(value))
			}
			tables[sheet] = append(tables[sheet], texts)
		}
	}
	return tables
}

// compareTexts holds another format against the rows of the workbook.
func compareTexts(t *testing.T, format, sheet string, want [][]any, got [][]string, spelt func(string) string) {
	t.Helper()

	if !assert.Len(t, got, len(want), "%s of %s", format, sheet) {
		return
	}
	for i := range want {
		var texts []string
		for column, c := range want[i] {
			if columns[sheet][column].key == "" {
				continue // in the workbook only
			}
			text := plain(c)
			if _, isText := c.(string); isText {
				text = spelt(text)
			}
			texts = append(texts, text)
		}
		if !assert.Equal(t, texts, got[i], "%s of %s, row %d", format, sheet, i+1) {
			return
		}
	}
}

// neutral is a text as CSV has it: no formula for a reader that is a spreadsheet. Go's own reader
// makes one character of a line's two-character end.
func neutral(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// again makes the workbook of an earlier run once more, by the run of each partner: every sheet is
// as it was, and so is the sum.
func (s *session) again(t *testing.T, code int, then edition) {
	t.Helper()

	for _, p := range then.partners {
		path := s.file(then.path + " again.xlsx")
		s.does(code, "report", "--run", strconv.Itoa(p.run.number("id")), "--out", path)
		now := openWorkbook(t, path)
		for sheet, rows := range then.rows {
			if sheet != "About" { // which says when it was made
				assert.Empty(t, firstDifference(rows, now.rows[sheet]), "%s, by run %d of %s", sheet,
					p.run.number("id"), p.name)
			}
		}
		assert.Equal(t, then.digest(t), now.digest(t), "the sum, by run %d of %s", p.run.number("id"), p.name)
		now.about(t, then.view)
	}
}

// firstDifference names the first cell that two sheets do not have in common.
func firstDifference(then, now [][]string) string {
	for i := range max(len(then), len(now)) {
		if i >= len(then) || i >= len(now) {
			return fmt.Sprintf("%d rows then, %d now", len(then), len(now))
		}
		for column := range max(len(then[i]), len(now[i])) {
			if was, is := cell(then[i], column), cell(now[i], column); was != is {
				return fmt.Sprintf("row %d, column %d: %q then, %q now", i+1, column+1, was, is)
			}
		}
	}
	return ""
}

// unreported makes a report of sweeps that no workbook ever showed: of customers it says what was
// known when they ended.
func (s *session) unreported(t *testing.T, v view) {
	t.Helper()

	path := s.file("unreported.xlsx")
	s.does(exitDone, "report", "--run", strconv.Itoa(v.partners[0].run.number("id")), "--out", path)
	b := openWorkbook(t, path)
	b.compare(t, v, "Customers", []int{2, 15}, v.everyone())
	b.compare(t, v, "Changes", []int{2, 10}, v.changes())
	b.compare(t, v, "Could not be read", []int{2, 11}, v.unread())
}

// against counts changes from runs that are not neighbours: of the newest run, and of a past one.
func (s *session) against(t *testing.T) {
	t.Helper()

	first := s.books[0].partners[0].run
	for _, then := range []edition{s.books[1], s.books[2], s.books[3]} {
		v := then.view
		v.partners = slices.Clone(v.partners)
		v.partners[0].against = first
		path := s.file("against.xlsx")
		s.does(exitDone, "report", "--run", strconv.Itoa(v.partners[0].run.number("id")), "--against",
			strconv.Itoa(first.number("id")), "--out", path)
		b := openWorkbook(t, path)
		b.compare(t, v, "Changes", []int{2, 10}, v.changes())
		b.compare(t, v, "Customers", []int{2, 15}, v.everyone())
		b.about(t, v)
		for _, row := range b.data("Checks") {
			assert.NotEqual(t, "FAILED", cell(row, 0), "%q", row)
		}
	}
}

// ---- The tables.

// record is a row of a table by column.
type record map[string]any

func (r record) text(column string) string {
	text, _ := r[column].(string)
	return text
}

func (r record) number(column string) int {
	n, _ := r[column].(int64)
	return int(n)
}

func (r record) yes(column string) bool {
	yes, _ := r[column].(bool)
	return yes || r.number(column) == 1 // SQLite has no truth, only numbers
}

// when is an instant; zero where the column is NULL.
func (r record) when(column string) time.Time {
	when, _ := r[column].(time.Time)
	return when.UTC()
}

// ledger is the whole database in memory.
type db struct {
	runs, checks, standings, batches, attestations, people, events, purchases, subscriptions, associations, resellers,
	exceptions, invitations []record
}

func (s *session) read() (l db) {
	db := s.open()
	defer db.Close()
	var requests []record
	for statement, rows := range map[string]*[]record{
		"SELECT * FROM run ORDER BY id":                                                                    &l.runs,
		"SELECT * FROM run_check ORDER BY run_id, position":                                                &l.checks,
		"SELECT * FROM standing ORDER BY valid_from":                                                       &l.standings,
		"SELECT * FROM batch ORDER BY id":                                                                  &l.batches,
		"SELECT * FROM attestation ORDER BY batch_id, line":                                                &l.attestations,
		"SELECT * FROM attestation_signer ORDER BY batch_id, line":                                         &l.people,
		"SELECT * FROM attestation_request ORDER BY number":                                                &requests,
		"SELECT * FROM event ORDER BY sequence":                                                            &l.events,
		"SELECT * FROM customer_subscriptions ORDER BY since":                                              &l.purchases,
		"SELECT * FROM customer_subscription ORDER BY since, position":                                     &l.subscriptions,
		"SELECT * FROM customer_reseller ORDER BY since":                                                   &l.associations,
		"SELECT * FROM reseller ORDER BY since":                                                            &l.resellers,
		"SELECT x.*, e.at, e.actor FROM exception x JOIN event e ON e.sequence = x.event ORDER BY x.event": &l.exceptions,
		"SELECT i.*, e.at, e.actor, r.outcome, r.reason FROM invitation i JOIN event e ON e.sequence = i.event " +
			"LEFT JOIN invitation_result r ON r.invitation = i.event ORDER BY i.event": &l.invitations,
	} {
		*rows = records(s.T, db, statement)
	}
	for _, a := range l.attestations {
		a.requested(requests)
	}
	return l
}

// requested adds to an attestation what its requests say.
func (a record) requested(requests []record) {
	for _, r := range requests {
		if r.number("batch_id") != a.number("batch_id") || r.number("line") != a.number("line") {
			continue
		}
		a["request_id"] = r["request_id"]
		if r.text("kind") != "read" && a["sent_at"] == nil {
			a["sent_at"] = r["sent_at"]
		}
		for _, column := range []string{"answered_at", "reason", "message", "answer_status", "answer_code",
			"answer_request_id", "answer_correlation_id"} {
			a[column] = r[column]
		}
	}
	if a.number("open_request") > 0 {
		a["state"], a["reason"] = "unsure", "not_settled"
	}
}

func (s *session) open() *sql.DB {
	driver, address := "postgres", s.address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, address)
	require.NoError(s, err)
	return db
}

func records(t *testing.T, db *sql.DB, statement string) (all []record) {
	t.Helper()

	rows, err := db.Query(statement)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		r := record{}
		for i, column := range columns {
			if text, ok := values[i].([]byte); ok {
				values[i] = string(text)
			}
			r[column] = values[i]
		}
		all = append(all, r)
	}
	require.NoError(t, rows.Err())
	return all
}

// ---- What a workbook has to say.

// A cell that is expected is a string, an int, a day, a time.Time, a word, days, or nil where it is
// empty.
type day string

// word is a code, which machines get, with the word that people read.
type word struct{ code, text string }

// days are counted in the report's time zone for people, and in UTC for machines.
type days struct{ local, utc int }

// inWords are the words for codes, by kind.
var inWords = map[string]map[string]string{
	"standing": {"clear": "Clear", "blocked": "Blocked", "unknown": "Unknown", "excluded": "Out of scope"},
	"reason": {"attested": "Attested", "accepted_directly": "Accepted directly", "outdated": "Outdated",
		"never_accepted": "Never accepted", "unreadable": "Could not be read",
		"relationship_ended": "Relationship ended", "not_found": "Tenant not found",
		"not_a_reseller_customer": "Not a reseller customer"},
	"remedy": {"attest": "Attest", "ask_indirect_provider": "Ask indirect provider", "invite": "Invite",
		"retry": "Wait for next run", "check_relationship": "Check relationship",
		"attest_or_invite": "Attest or invite", "ask_indirect_provider_or_invite": "Ask provider or invite"},
	"invitation": {"accepted": "Accepted directly", "attested": "Attested instead", "open": "No answer yet",
		"not_a_customer": "Not a customer"},
	"invited_to": {"agreement": "Accept the agreement", "relationship": "Accept the relationship"},
	"delivery":   {"delivered": "Delivered", "failed": "Not sent", "unknown": "Not known"},
	"channel":    {"draft": "Draft", "smtp": "E-mail", "file": "List"},
	"outcome": {"read": "Read", "not_read": "Not needed", "unreadable": "Could not be read",
		"relationship_ended": "Relationship ended", "not_found": "Tenant not found"},
	"subscriptions_read": {"read": "Read", "not_read": "Not read yet", "unreadable": "Could not be read"},
	"cause":              {"customer": "Customer"},
	"attestation_step": {"correct": "Correct the row", "retry": "Retry", "approve": "Approve the file", "send": "Automatic: send",
		"create": "Automatic: create agreement", "wait": "Customer to accept"},
	"direct":    {"yes": "Yes", "no": "No", "not_read": "Not needed"},
	"precision": {"exact": "Exact", "at_least": "At least"},
	"change": {"new": "New", "gone": "Gone", "newly_blocked": "Newly blocked", "newly_clear": "Newly clear",
		"newly_unknown": "Newly unknown", "newly_excluded": "Newly out of scope", "read_again": "Read again"},
	"result": {"ok": "OK", "failed": "FAILED"},
	"state": {"refused": "Refused at import", "duplicate": "Duplicate", "already_known": "Already known",
		"queued": "Waiting for approval", "approved": "Approved", "cancelled": "Cancelled by a user",
		"sending": "Being sent", "unsure": "Sent, outcome unknown", "confirmed": "Confirmed",
		"already_on_record": "Already on record", "refused_by_microsoft": "Refused by Microsoft", "failed": "Failed"},
	"attestation_reason": {"unreadable_row": "Row not readable", "unknown_customer": "Unknown customer",
		"not_a_customer": "Not a customer", "conflicting_rows": "Conflicting rows", "same_row": "Same row",
		"under_way": "Another one pending", "same_on_record": "Same on record", "same_signer": "Same signer, outdated",
		"already_clear": "Already clear", "not_settled": "No final answer", "read_back": "Found by reading",
		"content_refused": "Content refused", "customer_refused": "Customer refused",
		"other_company": "Another company"},
	"advice": {
		"invite": "The relationship ended. Send the customer a new invitation, or leave it if that was " +
			"intended.",
		"find": "Microsoft does not know this tenant. Look the customer up in Partner Center and check the " +
			"relationship.",
		"role": "Give the account that signs in the Admin agent or Sales agent role in Partner Center.",
		"server": "Microsoft's service failed. It is read again in the next run; if this repeats, give " +
			"support the ids on the right.",
		"invalid_answer": "The answer is not valid, such as an agreement without a readable date. Look the customer " +
			"up in Partner Center.",
	},
}

// in is a code with its word; nil when there is none.
func in(kind, code string) any {
	if code == "" {
		return nil
	}
	text, ok := inWords[kind][code]
	if !ok {
		text = fmt.Sprintf("the auditor knows no word for %s of the kind %s", code, kind)
	}
	return word{code, text}
}

// shownPartner is what a workbook shows of a partner.
type shownPartner struct {
	id, kind string
	name     string
	run      record // the newest completed run
	against  record // nil: there was none before
	newest   record // of any state
}

// view is a report as it has to be.
type view struct {
	db
	zone     *time.Location
	partners []shownPartner
}

func (s *session) view() view {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(s, err)
	v := view{db: s.read(), zone: zone}
	for _, p := range []shownPartner{{id: contosoID, kind: "direct_bill", name: s.label},
		{id: fabrikamID, kind: "indirect_provider", name: "fabrikam"}} {
		v.partners = append(v.partners, v.newest(p))
	}
	return v
}

// newest shows a partner's newest completed run. Changes are counted from the last completed run of
// the night before: a night is a sweep with the rechecks that follow it.
func (l db) newest(p shownPartner) shownPartner {
	var night int
	for _, r := range l.completed(p.id) {
		if p.run = r; r.text("kind") == "sweep" {
			night = r.number("id")
		}
	}
	for _, r := range l.runs {
		if r.text("partner_id") == p.id {
			p.newest = r
		}
	}
	p.against = l.before(p.id, night)
	if p.run != nil {
		p.name = p.run.text("partner_name") // as it was called then, whatever the configuration calls it by now
	}
	return p
}

// completed are a partner's completed runs, the oldest first.
func (l db) completed(partner string) (runs []record) {
	for _, r := range l.runs {
		if r.text("partner_id") == partner && r.text("state") == "completed" {
			runs = append(runs, r)
		}
	}
	return runs
}

// before is a partner's last completed run before one; nil when there is none.
func (l db) before(partner string, run int) (last record) {
	for _, r := range l.completed(partner) {
		if r.number("id") < run {
			last = r
		}
	}
	return last
}

// customers are a partner's customers as a run left them, by tenant id.
func (l db) customers(partner string, run record) map[string]record {
	found := map[string]record{}
	for _, c := range l.standings {
		ended := c["valid_to"] != nil && c.number("valid_to") <= run.number("id")
		if run != nil && c.text("partner_id") == partner && c.number("valid_from") <= run.number("id") && !ended {
			found[c.text("customer_id")] = c
		}
	}
	return found
}

// lines are what a sheet has of each customer of each partner.
func (v view) lines(line func(p shownPartner, c record) []any) (rows [][]any) {
	for _, p := range v.partners {
		for _, c := range v.customers(p.id, p.run) {
			if row := line(p, c); row != nil {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (v view) blocked() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		if c.text("standing") != "blocked" {
			return nil
		}
		id := c.text("customer_id")
		active, seats, read, renewal, lapse := v.bought(p, id)
		reseller, resellerID := v.reseller(p.id, id)
		x := v.exception(p.id, id)
		name, state := v.newestAttestation(p.id, c.text("customer_id"))
		since := c.when("blocked_since")
		step := c.text("remedy")
		if read == "read" && active == 0 { // nothing keeps it from accepting by itself
			step += "_or_invite"
		}
		return []any{in("remedy", step), c.text("name"), p.name, reseller, instant(since),
			v.days(since, p.run.when("started_at")), in("reason", c.text("reason")), in("state", state), active, seats,
			lapse, renewal, v.exceptionStatus(p, x), x.text("owner"), date(x.text("due_on")),
			date(x.text("accepted_until")), x.text("comment"), instant(v.lastInvited(p.id, id)),
			date(c.text("date_agreed")), signer(c, "signer_first", "signer_last"), in("subscriptions_read", read), name,
			count(v.lastAbout(p.id, id, math.MaxInt)), c.text("domain"), c.text("display_id"), resellerID,
			in("precision", v.precision(p, since)), c.text("reason"), link(c)}
	})
}

// precision is "at least" for what was so in a partner's first run.
func (l db) precision(p shownPartner, since time.Time) string {
	if since.After(l.completed(p.id)[0].when("started_at")) {
		return "exact"
	}
	return "at_least"
}

// bought is the number of active subscriptions and the next renewal, as last read.
func (l db) bought(p shownPartner, customer string) (active, seats any, read string, renewal, lapse any) {
	read = "not_read"
	for _, b := range l.purchases { // the newest row comes last
		if b.text("partner_id") != p.id || b.text("customer_id") != customer {
			continue
		}
		if active, seats, read, renewal, lapse = nil, nil, "unreadable", nil, nil; !b.yes("readable") {
			continue
		}
		n, s := 0, 0
		var renews, lapses string
		for _, d := range l.held(b) {
			n, s = n+1, s+d.number("seats")
			if soonest := map[bool]*string{true: &renews, false: &lapses}[d.yes("auto_renew")]; d.text(
				"ends") >= b.when("since").Format(time.DateOnly) &&
				(*soonest == "" || d.text("ends") < *soonest) {
				*soonest = d.text("ends")
			}
		}
		active, seats, read, renewal, lapse = n, s, "read", date(renews), date(lapses)
	}
	return active, seats, read, renewal, lapse
}

// held are the active subscriptions of one reading.
func (l db) held(b record) (all []record) {
	for _, d := range l.subscriptions {
		if d.text("partner_id") == b.text("partner_id") && d.text("customer_id") == b.text("customer_id") &&
			d.when("since").Equal(b.when("since")) &&
			d.text("status") == "active" {
			all = append(all, d)
		}
	}
	return all
}

// reseller is through whom a customer buys: its name, or else its id; and its id.
func (l db) reseller(partner, customer string) (name, id string) {
	for _, a := range l.associations { // the newest row comes last
		if a.text("partner_id") == partner && a.text("customer_id") == customer {
			if id = ""; a.yes("readable") {
				id = a.text("reseller_id")
			}
		}
	}
	name = id
	for _, r := range l.resellers {
		if r.text("partner_id") == partner && r.text("reseller_id") == id {
			name = cmp.Or(r.text("name"), id)
		}
	}
	return name, id
}

// exception is the newest of a customer; nil when it was removed, or there never was one.
func (l db) exception(partner, customer string) (newest record) {
	for _, x := range l.exceptions {
		if x.text("partner_id") == partner && x.text("customer_id") == customer {
			if newest = x; x.yes("removed") {
				newest = nil
			}
		}
	}
	return newest
}

// exceptionStatus is what an exception asks on the day of the run.
func (v view) exceptionStatus(p shownPartner, x record) any {
	today := p.run.when("started_at").Format(time.DateOnly)
	switch {
	case x == nil:
		return nil
	case x.text("accepted_until") != "" && x.text("accepted_until") < today:
		return word{"expired", "Expired"}
	case x.text("due_on") != "" && x.text("due_on") < today:
		return word{"overdue", "Overdue"}
	case x.text("accepted_until") != "":
		return word{"accepted", "Accepted"}
	}
	return word{"open", "Open"}
}

func (v view) excepted() [][]any {
	var rows [][]any
	for _, p := range v.partners {
		seen := map[string]bool{}
		for _, x := range v.exceptions {
			id := x.text("customer_id")
			if x = v.exception(x.text("partner_id"), id); x == nil || x.text("partner_id") != p.id || seen[id] {
				continue
			}
			seen[id] = true
			var c record // as it was last seen
			for _, s := range v.standings {
				if s.text("partner_id") == p.id && s.text("customer_id") == id &&
					s.number("valid_from") <= p.run.number("id") {
					c = s
				}
			}
			now := v.customers(p.id, p.run)[id]
			rows = append(rows, []any{v.exceptionStatus(p, x), c.text("name"), p.name, x.text("owner"),
				date(x.text("due_on")), date(x.text("accepted_until")), x.text("comment"),
				in("standing", now.text("standing")), instant(now.when("blocked_since")), x.text("actor"),
				instant(x.when("at")), x.number("event"), c.text("domain"), c.text("display_id")})
		}
	}
	return rows
}

// atStake is a row for each active subscription of a blocked customer.
func (v view) atStake() (rows [][]any) {
	for _, p := range v.partners {
		for id, c := range v.customers(p.id, p.run) {
			var newest record
			for _, b := range v.purchases {
				if b.text("partner_id") == p.id && b.text("customer_id") == id {
					newest = b
				}
			}
			if c.text("standing") != "blocked" || newest == nil || !newest.yes("readable") {
				continue
			}
			reseller, _ := v.reseller(p.id, id)
			for _, d := range v.held(newest) {
				risk, window, left := word{"no_date", "Date not known"}, any(nil), any(nil)
				if d.text("ends") != "" {
					days := int(wall(d.text("ends")).Sub(p.run.when("started_at").Truncate(24*time.Hour)).Hours() / 24)
					left, window = days, windowOf(days)
					if risk = (word{"lapses", "Lapses"}); d.yes("auto_renew") {
						risk = word{"renews", "Renews automatically"}
					}
				}
				rows = append(rows, []any{risk, c.text("name"), p.name, d.text("product"), d.number("seats"),
					date(d.text("ends")), left, window, in("remedy", c.text("remedy")),
					instant(c.when("blocked_since")), date(v.exception(p.id, id).text("accepted_until")), reseller,
					yesNo(d.yes("auto_renew")), d.text("term"), yesNo(d.yes("trial")), c.text("display_id"),
					d.text("subscription_id")})
			}
		}
	}
	return rows
}

func windowOf(days int) any {
	switch {
	case days < 0:
		return word{"past", "Date passed"}
	case days <= 30:
		return word{"within_30", "0–30 days"}
	case days <= 60:
		return word{"within_60", "31–60 days"}
	case days <= 90:
		return word{"within_90", "61–90 days"}
	}
	return word{"later", "Later"}
}

func yesNo(yes bool) any {
	if yes {
		return word{"yes", "Yes"}
	}
	return word{"no", "No"}
}

func (v view) files() (rows [][]any) {
	for _, b := range v.batches {
		states, latest := map[string]int{}, []time.Time{}
		for _, a := range v.attestations {
			if a.number("batch_id") == b.number("id") {
				states[a.text("state")]++
			}
		}
		for _, e := range v.events {
			if e.number("batch_id") == b.number("id") && (e.text("to_state") == "confirmed" ||
				e.text("to_state") == "already_on_record") {
				latest = append(latest, e.when("at"))
			}
		}
		slices.SortFunc(latest, time.Time.Compare)
		nth := func(n int) any { // hours up to the nth, rounded up
			if len(latest) == 0 {
				return nil
			}
			if took := latest[n-1].Sub(b.when("imported_at")); took > 0 {
				return int(math.Ceil(took.Hours()))
			}
			return nil
		}
		sum := func(names ...string) (n int) {
			for _, name := range names {
				n += states[name]
			}
			return n
		}
		working, stuck := sum("approved", "created", "waiting", "accepted", "unsure"),
			sum("refused_by_microsoft", "failed", "expired")
		status := word{"done", "Done"}
		switch {
		case states["queued"] > 0:
			status = word{"waiting_for_approval", "Waiting for approval"}
		case stuck > 0:
			status = word{"needs_attention", "Needs attention"}
		case working > 0:
			status = word{"in_progress", "In progress"}
		}
		rows = append(rows, []any{status, b.text("file_name"), b.number("id"), b.number("row_count"),
			sum("confirmed", "already_on_record"), states["queued"], working, stuck, states["refused"],
			sum("duplicate", "already_known", "cleared"), states["cancelled"], nth((len(latest) + 1) / 2),
			nth((9*len(latest) + 9) / 10), b.text("imported_by"), instant(b.when("imported_at")), b.text("approved_by"),
			instant(b.when("approved_at")), b.text("sha256")})
	}
	return rows
}

// log are the events about customers.
func (v view) log() (rows [][]any) {
	happened := map[string]string{"import": "Imported", "approve": "Approved", "cancel": "Cancelled",
		"retry": "Retry allowed", "correct": "Corrected", "send": "Sent", "answer": "Answered", "settle": "Settled",
		"exception": "Exception", "invite": "Invited"}
	for _, e := range v.events {
		kind := e.text("kind")
		if !inLog(e) {
			continue
		}
		earlier := v.lastAbout(e.text("partner_id"), e.text("customer_id"), e.number("sequence"))
		if e["batch_id"] != nil {
			earlier = v.lastOf(e.number("batch_id"), e.number("line"), e.number("sequence"))
		}
		var name string
		for _, s := range slices.Backward(v.standings) {
			if s.text("partner_id") == e.text("partner_id") && s.text("customer_id") == e.text("customer_id") &&
				e.text("customer_id") != "" {
				name = s.text("name")
			}
		}
		for _, a := range v.attestations {
			if e["line"] != nil && a.number("batch_id") == e.number("batch_id") &&
				a.number("line") == e.number("line") {
				name = a.text("customer_name")
			}
		}
		rows = append(rows, []any{instant(e.when("at")), word{kind, happened[kind]}, e.text("actor"), name,
			v.label(e.text("partner_id")), in("state", e.text("from_state")), in("state", e.text("to_state")),
			count(earlier), count(e.number("batch_id")), count(e.number("line")), e.text("user_id") + "@" +
				e.text("host"), e.text("detail"), e.text("customer_id"), e.number("sequence"), e.text("hash")})
	}
	return rows
}

// invited are the invitations, the newest first, with the outcome of each.
func (v view) invited() [][]any {
	var rows [][]any
	for _, p := range v.partners {
		for _, i := range slices.Backward(v.invitations) {
			if i.text("partner_id") != p.id {
				continue
			}
			at := i.when("at")
			history := v.invitedRecords(p, i)
			var answer string
			var answered time.Time
			for _, c := range history {
				if answer == "" && c.text("standing") == "clear" && c.when("standing_since").After(at) {
					answered, answer = c.when("standing_since"), map[string]string{"accepted_directly": "accepted",
						"attested": "attested"}[c.text("reason")]
				}
			}
			var now record
			if len(history) > 0 {
				now = v.customers(p.id, p.run)[history[0].text("customer_id")]
			}
			name, id, after := i.text("customer_name"), i.text("customer_id"), any(nil)
			switch {
			case answer != "":
				after = v.days(at, answered)
			case now == nil:
				answer = "not_a_customer"
			default:
				answer = "open"
			}
			if now != nil {
				name, id = now.text("name"), now.text("display_id")
			}
			rows = append(rows, []any{in("invitation", answer), name, p.name, instant(at), instant(answered), after,
				in("standing", now.text("standing")), in("invited_to", i.text("kind")),
				in("delivery", i.text("outcome")), in("channel", i.text("channel")), i.text("language"),
				i.text("actor"), i.text("reason"), i.number("event"), id})
		}
	}
	return rows
}

// invitedRecords are the records of the customer of an invitation up to the run that is shown, the
// oldest first.
func (v view) invitedRecords(p shownPartner, i record) (history []record) {
	for _, s := range v.standings {
		its := s.text("customer_id") == i.text("customer_id") || i.text("customer_id") == "" &&
			strings.EqualFold(s.text("domain"), i.text("domain"))
		if s.text("partner_id") == p.id && its && s.number("valid_from") <= p.run.number("id") {
			history = append(history, s)
		}
	}
	return history
}

// lastInvited is when a customer was last invited.
func (l db) lastInvited(partner, customer string) (at time.Time) {
	for _, i := range l.invitations {
		if i.text("partner_id") == partner && i.text("customer_id") == customer && i.text("outcome") != "failed" {
			at = i.when("at")
		}
	}
	return at
}

// newestAttestation is the newest one of a customer that was neither refused at import, nor a
// duplicate, nor cancelled.
func (l db) newestAttestation(partner, customer string) (name any, state string) {
	for _, a := range l.attestations {
		if a.text("partner_id") == partner && a.text("customer_id") == customer &&
			!slices.Contains([]string{"refused", "duplicate", "cancelled"}, a.text("state")) {
			name, state = fmt.Sprintf("%d-%d", a.number("batch_id"), a.number("line")), a.text("state")
		}
	}
	return name, state
}

func (v view) everyone() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		var seen any
		if c.text("direct_acceptance") == "yes" {
			seen = instant(c.when("direct_since"))
		}
		reseller, resellerID := v.reseller(p.id, c.text("customer_id"))
		return []any{in("standing", c.text("standing")), c.text("name"), p.name, in("reason", c.text("reason")),
			instant(c.when("standing_since")), date(c.text("date_agreed")), in("outcome", c.text("agreements")),
			signer(c, "signer_first", "signer_last"), c.text("signer_email"), in("direct", c.text("direct_acceptance")),
			seen, instant(c.when("first_seen")), lastRead(p, c), reseller, c.text("domain"), c.text("display_id"),
			resellerID, c.text("reason"), link(c)}
	})
}

// lastRead is when the standing was last known.
func lastRead(p shownPartner, c record) any {
	if c.text("standing") != "unknown" {
		return instant(p.run.when("oldest_reading"))
	}
	return instant(c.when("last_read"))
}

func (v view) unread() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		if c.text("standing") != "unknown" {
			return nil
		}
		return []any{in("advice", whatToDo(c)), c.text("name"), p.name, in("reason", c.text("reason")),
			in("remedy", c.text("remedy")), instant(c.when("standing_since")), lastRead(p, c), c.text("error_message"),
			count(c.number("error_status")), c.text("error_code"), c.text("domain"), c.text("display_id"),
			c.text("error_request_id"), c.text("error_correlation_id"), c.text("reason")}
	})
}

func whatToDo(c record) string {
	switch status := c.number("error_status"); {
	case c.text("reason") == "relationship_ended":
		return "invite"
	case c.text("reason") == "not_found":
		return "find"
	case status == http.StatusForbidden:
		return "role"
	case status >= 500:
		return "server"
	case status == 0 && c.text("error_message") == "":
		return "invalid_answer"
	default:
		return fmt.Sprintf("status %d", status)
	}
}

func (v view) changes() (rows [][]any) {
	for _, p := range v.partners {
		before, after := v.customers(p.id, p.against), v.customers(p.id, p.run)
		all := maps.Clone(before)
		maps.Copy(all, after)
		for id, c := range all { // as it is now, or as it was if it is gone
			if change := v.change(p, before[id], after[id]); change != "" {
				rows = append(rows, []any{in("change", change), c.text("name"), p.name,
					in("cause", cause(before[id], after[id])), in("standing", before[id].text("standing")),
					in("reason", before[id].text("reason")), in("standing", after[id].text("standing")),
					in("reason", after[id].text("reason")), instant(c.when("blocked_since")),
					in("remedy", c.text("remedy")), c.text("display_id"), change, link(c)})
			}
		}
	}
	return rows
}

// cause is what changed a customer's standing; the session never changes the policy.
func cause(before, after record) string {
	if before == nil || after == nil || before.text("standing") == after.text("standing") {
		return ""
	}
	return "customer"
}

func (l db) change(p shownPartner, before, after record) string {
	switch {
	case after == nil:
		return "gone"
	case before != nil && before.text("standing") == after.text("standing"):
		return ""
	case after.text("standing") == "blocked":
		return "newly_blocked"
	case before == nil:
		return "new"
	case before.text("standing") == "unknown" && l.lastKnown(p, before) == after.text("standing"):
		return "read_again"
	default:
		return "newly_" + after.text("standing")
	}
}

// lastKnown is how a customer stood before the nights on which it was unknown; empty when it was
// never known.
func (l db) lastKnown(p shownPartner, unknown record) (standing string) {
	for _, c := range l.standings { // the oldest first
		if c.text("partner_id") == p.id && c.text("customer_id") == unknown.text("customer_id") &&
			c.number("valid_from") <= unknown.number("valid_from") &&
			c.text("standing") != "unknown" {
			standing = c.text("standing")
		}
	}
	return standing
}

func (v view) attested() (rows [][]any) {
	for _, a := range v.attestations {
		person, file := v.person(a), v.batch(a.number("batch_id"))
		var approvedBy, approvedAt any = file.text("approved_by"), instant(file.when("approved_at"))
		if a.text("admitted") != "queued" { // nobody approved it
			approvedBy, approvedAt = nil, nil
		}
		to, by := notice(a, person)
		rows = append(rows, []any{in("attestation_step", v.next(a)), a.text("customer_name"),
			v.label(a.text("partner_id")), in("state", a.text("state")), v.stateSince(a), nil,
			in("attestation_reason", a.text("reason")), a.text("message"), signer(person, "first_name", "last_name"),
			person.text("email"), date(a.text("date_agreed")), a.text("evidence"), file.text("imported_by"),
			instant(file.when("imported_at")), approvedBy, approvedAt, instant(a.when("sent_at")),
			count(a.number("answer_status")), a.text("answer_code"), to, by, a.number("batch_id"), a.number("line"),
			replaces(a), v.lastOf(a.number("batch_id"), a.number("line"), math.MaxInt), a.text("customer_id"),
			cmp.Or(a.text("answer_request_id"), a.text("request_id")), a.text("answer_correlation_id"),
			a.text("state")})
	}
	return rows
}

// next is what comes next for an attestation.
func (l db) next(a record) string {
	switch a.text("state") {
	case "refused", "refused_by_microsoft":
		if l.corrected(a) {
			return ""
		}
		return "correct"
	case "failed", "expired":
		return "retry"
	case "queued":
		return "approve"
	case "approved", "created", "unsure":
		return "send"
	case "accepted":
		return "create"
	case "waiting":
		return "wait"
	}
	return ""
}

// corrected reports whether another attestation took the place of this one, and nobody decided
// otherwise since.
func (l db) corrected(a record) (corrected bool) {
	for _, e := range l.events { // the newest comes last
		if e.number("batch_id") == a.number("batch_id") && e["line"] != nil && e.number("line") == a.number("line") {
			switch e.text("kind") {
			case "correct":
				corrected = true
			case "cancel", "retry":
				corrected = false
			}
		}
	}
	return corrected
}

// stateSince is when an attestation came into its state: by an event of its own, by the approval of
// its file, or at its import.
func (l db) stateSince(a record) any {
	file := l.batch(a.number("batch_id"))
	since := file.when("imported_at")
	if a.text("state") != a.text("admitted") {
		since = file.when("approved_at")
	}
	for _, e := range l.events {
		if e.number("batch_id") == a.number("batch_id") && e["line"] != nil && e.number("line") == a.number("line") &&
			e.text("to_state") != "" {
			since = e.when("at")
		}
	}
	return instant(since)
}

// lastOf is the newest event before another about an attestation, or else about its file.
func (l db) lastOf(batch, line, before int) int {
	ofRow, ofFile := 0, 0
	for _, e := range l.events {
		switch n := e.number("sequence"); {
		case n >= before || e.number("batch_id") != batch:
		case e["line"] == nil:
			ofFile = max(ofFile, n)
		case e.number("line") == line && line > 0:
			ofRow = max(ofRow, n)
		}
	}
	return cmp.Or(ofRow, ofFile)
}

// lastAbout is the newest event before another about a customer.
func (l db) lastAbout(partner, customer string, before int) (last int) {
	for _, e := range l.events {
		if n := e.number("sequence"); n < before && inLog(e) && customer != "" && e.text("partner_id") == partner &&
			e.text("customer_id") == customer {
			last = max(last, n)
		}
	}
	return last
}

// inLog tells events about customers from those about runs, readings, reports and copies.
func inLog(e record) bool {
	return !slices.Contains([]string{"run", "enrich", "report", "backup", "migrate"}, e.text("kind"))
}

func (l db) person(a record) record {
	for _, p := range l.people {
		if p.number("batch_id") == a.number("batch_id") && p.number("line") == a.number("line") {
			return p
		}
	}
	return nil
}

func (l db) batch(id int) record {
	return l.batches[slices.IndexFunc(l.batches, func(b record) bool { return b.number("id") == id })]
}

// label is how a partner is called; what is nobody's has none.
func (v view) label(partner string) string {
	for _, p := range v.partners {
		if p.id == partner {
			return p.name
		}
	}
	return ""
}

// notice is the mail that Microsoft sends within 30 minutes after an attestation took effect, which
// was at the latest when the answer came.
func notice(a, person record) (to, by any) {
	if a.text("state") != "confirmed" {
		return nil, nil
	}
	return person.text("email"), instant(a.when("answered_at").Add(30 * time.Minute))
}

func replaces(a record) any {
	if a["replaces_batch"] == nil {
		return nil
	}
	return fmt.Sprintf("%d-%d", a.number("replaces_batch"), a.number("replaces_line"))
}

// days counts calendar days.
func (v view) days(from, to time.Time) days {
	count := func(zone *time.Location) int {
		midnight := func(t time.Time) time.Time {
			y, m, d := t.In(zone).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		return int(midnight(to).Sub(midnight(from)) / (24 * time.Hour))
	}
	return days{count(v.zone), count(time.UTC)}
}

func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func date(text string) any {
	if text == "" {
		return nil
	}
	return day(text)
}

func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func signer(r record, first, last string) string {
	return strings.TrimSpace(r.text(first) + " " + r.text(last))
}

func link(c record) string {
	return "https://partner.microsoft.com/dashboard/v2/customers/" + c.text("customer_id") + "/account"
}

// ---- The sheet Checks.

func (v view) control() (rows [][]any) {
	for _, p := range v.partners {
		add := func(code, name string, expected, found int, numbers string, values ...any) {
			rows = append(rows, check(p.name, p.run.number("id"), code, name, expected, found, numbers, values...))
		}
		if shown, newest := p.run.number("id"), p.newest.number("id"); p.newest.text("state") == "failed" {
			rows = append(rows, v.balance(p, p.newest)...) // why the newest is not shown
		} else {
			add("newest_run", "The newest run is the one shown, and it is of last night", newest, shown,
				"The newest run is %d; this report shows run %d (0: none).", newest, shown)
		}
		for _, r := range v.night(p) {
			rows = append(rows, v.balance(p, r)...)
		}
		now := v.tally(p.id, p.run)
		counts := func(code, name string, counted, rows int) {
			add(code, name, counted, rows, "The run counted %d; this report has %d.", counted, rows)
		}
		counts("rows_customers", "Rows on Customers = listed", p.run.number("listed"), now.listed)
		counts("rows_blocked", "Rows on Blocked = blocked", p.run.number("blocked"), now.blocked)
		counts("rows_unread", "Rows on Could not be read = unknown", p.run.number("unknown"), now.unknown)
		counted, changes := v.counted(p), v.changed(p)
		comparable := []string{"new", "gone", "newly blocked", "newly clear"}
		if v.movedTwice(p) { // the runs counted steps, and the sheet shows what they came to
			comparable = comparable[:2]
		}
		for _, change := range comparable {
			code := strings.ReplaceAll(change, " ", "_")
			counts("rows_"+code, fmt.Sprintf("%s%s rows on Changes = %s", strings.ToUpper(change[:1]), change[1:],
				change), counted[change], changes[code])
		}
		f := v.forward(p)
		add("roll_forward", "Opening + newly blocked − no longer blocked − gone = blocked", f[4],
			p.run.number("blocked"),
			"Opening %d + %d newly blocked − %d no longer blocked − %d gone = %d; blocked are %d.", f[0], f[1], f[2],
			f[3], f[4], p.run.number("blocked"))
	}
	if len(v.batches) > 0 {
		for _, p := range v.partners {
			rows = append(rows, v.sendings(p))
		}
		rows = append(rows, v.chains(), v.imports())
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(plain(a[0]), plain(b[0])) }) // failed, ok
	return rows
}

// forward is how the blocked customers of one run became those of another: opening, newly blocked,
// no longer blocked, gone, closing.
func (v view) forward(p shownPartner) (f [5]int) {
	before, after := v.customers(p.id, p.against), v.customers(p.id, p.run)
	for id, c := range before {
		if c.text("standing") != "blocked" {
			continue
		}
		f[0]++
		switch now, there := after[id]; {
		case !there:
			f[3]++
		case now.text("standing") != "blocked":
			f[2]++
		}
	}
	for id, c := range after {
		if c.text("standing") == "blocked" {
			f[4]++
			if before[id].text("standing") != "blocked" {
				f[1]++
			}
		}
	}
	return f
}

func check(partner string, run any, code, name string, expected, found int, numbers string, values ...any) []any {
	result := "ok"
	if expected != found {
		result = "failed"
	}
	return []any{in("result", result), word{code, name}, partner, run, expected, found, fmt.Sprintf(numbers, values...),
		code}
}

// night are the runs that a workbook tells of: the last sweep, which found who is there and who is
// gone, and the rechecks after it.
func (l db) night(p shownPartner) (runs []record) {
	for _, r := range l.completed(p.id) {
		if r.number("id") > p.run.number("id") {
			break
		}
		if r.text("kind") == "sweep" {
			runs = nil
		}
		runs = append(runs, r)
	}
	return runs
}

// failed is the newest run of a partner if its checks did not hold.
func failed(p shownPartner) []record {
	if p.newest.text("state") == "failed" {
		return []record{p.newest}
	}
	return nil
}

// movedTwice reports whether a customer changed in two of the runs since the one that changes are
// counted from.
func (v view) movedTwice(p shownPartner) bool {
	moves, before := map[string]int{}, v.customers(p.id, p.against)
	for _, r := range v.completed(p.id) {
		if r.number("id") <= p.against.number("id") || r.number("id") > p.run.number("id") {
			continue
		}
		after := v.customers(p.id, r)
		all := maps.Clone(before)
		maps.Copy(all, after)
		for id := range all {
			if v.change(p, before[id], after[id]) != "" {
				moves[id]++
			}
		}
		before = after
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(moves)), func(n int) bool { return n > 1 })
}

// balance are the control totals with which a run was closed, in the order of run_check: the
// numbers are those of the run and of the ledger.
func (v view) balance(p shownPartner, r record) (rows [][]any) {
	id, last, held := r.number("id"), v.before(p.id, r.number("id")), v.tally(p.id, r)
	n := r.number
	most := max(1, last.number("listed")*5/100) + last.number("found_unlisted")
	read := n("clear") + n("blocked") + n("unknown") + n("excluded")
	should := last.number("listed") + n("new") - n("gone")
	rolled := last.number("blocked") + n("newly_blocked") - n("no_longer_blocked") - n("gone_blocked")
	all := map[string][]any{
		"list": check(p.name, id, "list", "The customer list is complete", most, n("unlisted"),
			"On the list: %d. Missing of the last run's customers: %d; at most %d may be missing.",
			n("listed")-n("found_unlisted"), n("unlisted"), most),
		"standings": check(p.name, id, "standings", "Listed = clear + blocked + unknown + out of scope", n("listed"),
			read, "%d listed; %d clear + %d blocked + %d unknown + %d out of scope = %d.", n("listed"), n("clear"),
			n("blocked"), n("unknown"), n("excluded"), read),
		"continuity": check(p.name, id, "continuity", "Last run + new − gone = this run", should, n("listed"),
			"Last run %d + %d new − %d gone = %d; this run has %d.", last.number("listed"), n("new"), n("gone"), should,
			n("listed")),
		"readable": check(p.name, id, "readable", "No wave of unreadable customers", v.believed(p, r, "unreadable"),
			n("unreadable"), "Could not be read: %d of %d customers; at most %d are believed at once.", n("unreadable"),
			n("listed")-n("excluded"), v.believed(p, r, "unreadable")),
		"present": check(p.name, id, "present", "No wave of missing tenants or relationships",
			v.believed(p, r, "absent"), n("absent"),
			"Not found, or without a relationship: %d of %d customers; at most %d are believed at once.", n("absent"),
			n("listed")-n("excluded"), v.believed(p, r, "absent")),
		"blocked": check(p.name, id, "blocked", "Blocked in the last run + newly − no longer − gone = blocked", rolled,
			n("blocked"), "%d + %d newly blocked − %d no longer blocked − %d gone = %d; blocked now: %d.",
			last.number("blocked"), n("newly_blocked"), n("no_longer_blocked"), n("gone_blocked"), rolled,
			n("blocked")),
		"gone": check(p.name, id, "gone", "Nobody is gone without a reading that confirms it", n("gone"),
			n("gone_confirmed"), "Gone: %d. Confirmed by a reading: %d.", n("gone"), n("gone_confirmed")),
		"ledger": check(p.name, id, "ledger", "The ledger holds what was read", read, held.listed,
			"Read: %d clear, %d blocked, %d unknown, %d out of scope. The ledger holds %d, %d, %d and %d.",
			n("clear"), n("blocked"), n("unknown"), n("excluded"), held.clear, held.blocked, held.unknown,
			held.excluded),
	}
	if all["list"][0] = in("result", "ok"); n("listed") == n("found_unlisted") || n("unlisted") > most {
		all["list"][0] = in("result", "failed")
	}
	for check, what := range map[string]string{"readable": "unreadable", "present": "absent"} {
		all[check][0] = in("result", map[bool]string{true: "ok", false: "failed"}[n(what) <= v.believed(p, r, what)])
	}
	for _, c := range v.checks {
		if row := all[c.text("name")]; c.number("run_id") == id {
			result := in("result", map[bool]string{true: "ok", false: "failed"}[c.yes("ok")])
			closed := slices.Concat([]any{result}, row[1:4], []any{c.number("expected"), c.number("found")}, row[6:])
			rows = append(rows, closed)
			if !slices.Equal(row, closed) {
				rows = append(rows, row) // the run closed with other numbers: this line is nowhere in the workbook
			}
		}
	}
	return rows
}

// believed is how many customers may be unknown for a reason.
func (v view) believed(p shownPartner, r record, what string) int {
	last := v.before(p.id, r.number("id"))
	most := last.number(what) + max(1, max(last.number("listed"), r.number("listed"))*5/100)
	if last.number("listed") == 0 {
		most = r.number("listed")
	}
	if r.number("clear")+r.number("blocked") == 0 && r.number(what) > last.number(what) {
		if most = last.number(what); what == "absent" {
			most = max(1, most)
		}
	}
	return most
}

// counted is what the runs of the night said of changes.
func (v view) counted(p shownPartner) map[string]int {
	counts := map[string]int{}
	for _, r := range v.completed(p.id) {
		if r.number("id") > p.against.number("id") && r.number("id") <= p.run.number("id") {
			for _, change := range []string{"new", "gone", "newly blocked", "newly clear"} {
				counts[change] += r.number(strings.ReplaceAll(change, " ", "_"))
			}
		}
	}
	return counts
}

// changed counts a partner's rows on Changes.
func (v view) changed(p shownPartner) map[string]int {
	counts := map[string]int{}
	for _, row := range v.changes() {
		if row[2] != p.name {
			continue
		}
		if counts[plain(row[0])]++; row[4] == nil && plain(row[0]) != "new" { // it came, and blocked
			counts["new"]++
		}
	}
	return counts
}

func (v view) sendings(p shownPartner) []any {
	var sent, answered, unsettled, returned int
	for _, a := range v.attestations {
		if a.text("partner_id") != p.id || a["sent_at"] == nil {
			continue
		}
		sent++
		switch a.text("state") {
		case "unsure":
			unsettled++
		case "approved", "cancelled":
			returned++
		default:
			answered++
		}
	}
	return check(p.name, nil, "sent_answered", "Sent = answered + outcome unknown + to be sent again or cancelled",
		sent, answered+unsettled+returned,
		"Sent: %d. Answered: %d. Being sent, or outcome unknown: %d. To be sent again, or cancelled: %d.", sent,
		answered, unsettled, returned)
}

func (v view) chains() []any {
	events := v.events
	// to write a report changes nothing that the next one says
	for len(events) > 0 && events[len(events)-1].text("kind") == "report" {
		events = events[:len(events)-1]
	}
	whole, last := 0, record{}
	for _, e := range events {
		if e.number("sequence") == last.number("sequence")+1 && e.text("previous") == last.text("hash") &&
			e.text("hash") != "" {
			whole++
		}
		last = e
	}
	return check("", nil, "log_complete", "The event log is complete and unaltered", len(events), whole,
		"Events in the log: %d. Unaltered, each following the one before: %d. “mcaledger verify” says more.",
		len(events), whole)
}

func (v view) imports() []any {
	rows := 0
	for _, b := range v.batches {
		rows += b.number("row_count")
	}
	n := len(v.attestations)
	return check("", nil, "rows_imported", "Rows imported = attestations in the ledger", rows, n,
		"Files imported: %d. Rows in them: %d. In the ledger: %d. On Attestations: %d. Of partners that are not in "+
			"this report: 0.", len(v.batches), rows, n, n)
}

// tally counts customers.
type tally struct{ listed, clear, blocked, unknown, excluded, unreadable, undated int }

func (l db) tally(partner string, run record) (n tally) {
	for _, c := range l.customers(partner, run) {
		n.add(c)
	}
	return n
}

func (n *tally) add(c record) {
	n.listed++
	switch c.text("standing") {
	case "clear":
		n.clear++
	case "blocked":
		n.blocked++
	case "unknown":
		n.unknown++
	default:
		n.excluded++
	}
	if c.text("reason") == "unreadable" {
		n.unreadable++
	}
	if c.text("reason") == "accepted_directly" && c.when("direct_since").IsZero() {
		n.undated++
	}
}

func (n tally) cells() []any {
	return []any{n.listed, n.clear, n.blocked, n.unknown, n.excluded, n.unreadable, n.undated}
}

// ---- The workbook against the tables.

// auditedSheet is a sheet of data with the columns that name a row.
type auditedSheet struct {
	name  string
	keys  []int
	wants func(view) [][]any
}

func (s auditedSheet) key() string { return strings.ToLower(strings.ReplaceAll(s.name, " ", "_")) }

// sheetNamed is the name of the sheet with a key.
func sheetNamed(key string) string {
	i := slices.IndexFunc(dataSheets, func(s auditedSheet) bool { return s.key() == key })
	return dataSheets[i].name
}

// dataSheets are the sheets of data, in the order of the digest.
var dataSheets = []auditedSheet{
	{"Blocked", []int{2, 24}, view.blocked},
	{"Renewals at risk", []int{2, 15, 16}, view.atStake},
	{"Exceptions", []int{2, 13}, view.excepted},
	{"Changes", []int{2, 10}, view.changes},
	{"Invitations", []int{13}, view.invited},
	{"Attestations", []int{21, 22}, view.attested},
	{"Batches", []int{2}, view.files},
	{"Could not be read", []int{2, 11}, view.unread},
	{"Checks", []int{2, 3, 7}, view.control},
	{"Customers", []int{2, 15}, view.everyone},
	{"Events", []int{13}, view.log},
}

// auditedColumn is a column's header, and its key for machines; "" where only the workbook has it.
type auditedColumn struct{ head, key string }

// columns are the data dictionary's.
var columns = map[string][]auditedColumn{
	"Blocked": columnsOf("Next step=next_step, Customer=customer, Partner=partner, Indirect reseller=reseller, " +
		"Blocked since=blocked_since, " +
		"Days blocked=days_blocked, Reason=reason, Attestation status=attestation_state, Active " +
		"subscriptions=subscriptions, Seats=seats, " +
		"Next lapse=next_lapse, Next renewal=next_renewal, Exception=exception, Owner=owner, Due date=due_date, " +
		"Accepted until=accepted_until, " +
		"Comment=comment, Invited at=invited_at, Last accepted=last_accepted, Signer=signer, " +
		"Subscriptions=subscriptions_read, " +
		"Attestation=attestation, Last event=last_event, Domain=domain, Tenant ID=tenant_id, Reseller " +
		"ID=reseller_id, Since is=since_is, " +
		"Reason code=, Portal link=portal_link"),
	"Renewals at risk": columnsOf("What happens=at_risk, Customer=customer, Partner=partner, Product=product, " +
		"Seats=seats, Term ends=ends, " +
		"Days left=days_left, Window=window, Next step=next_step, Blocked since=blocked_since, Accepted " +
		"until=accepted_until, " +
		"Indirect reseller=reseller, Renews automatically=auto_renew, Term=term, Trial=trial, Tenant ID=tenant_id, " +
		"Subscription ID=subscription_id"),
	"Exceptions": columnsOf("Exception=exception, Customer=customer, Partner=partner, Owner=owner, Due " +
		"date=due_date, Accepted until=accepted_until, " +
		"Comment=comment, Status=standing, Blocked since=blocked_since, Set by=set_by, Set at=set_at, Last " +
		"event=last_event, Domain=domain, " +
		"Tenant ID=tenant_id"),
	"Changes": columnsOf("Change=change, Customer=customer, Partner=partner, Cause=cause, Status " +
		"before=standing_before, Reason before=reason_before, " +
		"Status after=standing_after, Reason after=reason_after, Blocked since=blocked_since, Next step=next_step, " +
		"Tenant ID=tenant_id, Change code=, " +
		"Portal link=portal_link"),
	"Invitations": columnsOf("Answer=invitation, Customer=customer, Partner=partner, Invited at=invited_at, Answered " +
		"at=answered_at, " +
		"Days to answer=days_to_answer, Status=standing, Invited to=invited_to, Delivery=delivery, Channel=channel, " +
		"Language=language, " +
		"Invited by=invited_by, Failure=reason, Last event=last_event, Tenant ID=tenant_id"),
	"Attestations": columnsOf("Next step=next_step, Customer=customer, Partner=partner, Status=state, Status " +
		"since=state_since, Link expires=expires_at, " +
		"Reason=reason, Message=message, Signer=signer, Signer e-mail=signer_email, " +
		"Date agreed=date_agreed, Evidence=evidence, Imported by=imported_by, Imported at=imported_at, Approved " +
		"by=approved_by, Approved at=approved_at, " +
		"Sent at=sent_at, Answer=answer, Answer code=answer_code, Notice to=notice_to, Notice by=notice_by, " +
		"Batch=batch, Row=row, Replaces=replaces, " +
		"Last event=last_event, Tenant ID=tenant_id, Request ID=request_id, Correlation ID=correlation_id, Status " +
		"code="),
	"Batches": columnsOf("Status=batch_status, File=file, Batch=batch, Rows=rows, Confirmed=confirmed, Waiting for " +
		"approval=waiting_for_approval, " +
		"In progress=in_progress, Needs attention=needs_attention, Refused at import=refused_at_import, Not " +
		"needed=not_needed, Cancelled=cancelled, " +
		"Median hours=median_hours, 90 % hours=nine_in_ten_hours, Imported by=imported_by, Imported at=imported_at, " +
		"Approved by=approved_by, " +
		"Approved at=approved_at, SHA-256=sha256"),
	"Could not be read": columnsOf("What to do=what_to_do, Customer=customer, Partner=partner, Reason=reason, Next " +
		"step=next_step, Unknown since=unknown_since, " +
		"Last read=last_read, Message=message, HTTP status=http_status, Code=code, Domain=domain, Tenant " +
		"ID=tenant_id, Request ID=request_id, " +
		"Correlation ID=correlation_id, Reason code="),
	"Checks": columnsOf("Result=result, Check=check, Partner=partner, Run=run, Expected=expected, Found=found, In " +
		"numbers=, Check code="),
	"Customers": columnsOf("Status=standing, Customer=customer, Partner=partner, Reason=reason, Status " +
		"since=standing_since, Agreement date=date_agreed, " +
		"Agreements=agreements_read, Signer=signer, Signer e-mail=signer_email, Direct acceptance=direct_acceptance, " +
		"Direct acceptance seen=direct_acceptance_seen, First seen=first_seen, Last read=last_read, Indirect " +
		"reseller=reseller, Domain=domain, " +
		"Tenant ID=tenant_id, Reseller ID=reseller_id, Reason code=, Portal link=portal_link"),
	"Events": columnsOf("When=at, Event=event, Who=actor, Customer=customer, Partner=partner, Status " +
		"before=state_before, Status after=state_after, " +
		"Event before=earlier_event, Batch=batch, Row=row, Account=account, Detail=detail, Tenant ID=tenant_id, " +
		"Number=sequence, Hash=hash"),
}

func columnsOf(text string) (all []auditedColumn) {
	for field := range strings.SplitSeq(text, ", ") {
		head, key, _ := strings.Cut(field, "=")
		all = append(all, auditedColumn{head, key})
	}
	return all
}

// keys are the header of a sheet as CSV.
func keys(sheet string) (all []string) {
	for _, c := range columns[sheet] {
		if c.key != "" {
			all = append(all, c.key)
		}
	}
	return all
}

// workbook is a workbook that was read: sheets of raw cells, row 1 first.
type workbook struct {
	*excelize.File
	path string
	rows map[string][][]string
}

func openWorkbook(t *testing.T, path string) workbook {
	t.Helper()

	f, err := excelize.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	b := workbook{f, path, map[string][][]string{}}
	for _, sheet := range f.GetSheetList() {
		b.rows[sheet], err = f.GetRows(sheet, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
	}
	return b
}

// cell is a cell of a row; excelize leaves the empty ones at its end out.
func cell(row []string, column int) string {
	if column < len(row) {
		return row[column]
	}
	return ""
}

// data are the rows below the head; a table without rows has a sentence instead.
func (b workbook) data(sheet string) [][]string {
	rows := b.rows[sheet][3:]
	if len(rows) > 0 && len(rows[0]) == 0 {
		return nil
	}
	return rows
}

// compare holds every cell of a sheet against what is wanted, and returns what is wanted in the
// sheet's order.
func (b workbook) compare(t *testing.T, v view, sheet string, keys []int, wanted [][]any) (ordered [][]any) {
	t.Helper()

	var head []string
	for _, c := range columns[sheet] {
		head = append(head, c.head)
	}
	require.Equal(t, head, b.rows[sheet][2])
	byKey := map[string][]any{}
	for _, row := range wanted {
		byKey[keyOf(row, keys)] = row
	}
	require.Len(t, byKey, len(wanted), "two rows are named alike")
	wrong := 0
	for i, got := range b.data(sheet) {
		var key []string
		for _, column := range keys {
			key = append(key, cell(got, column))
		}
		want, ok := byKey[strings.Join(key, "|")]
		if !assert.True(t, ok, "row %d is of nobody: %q", i+4, got) {
			continue
		}
		delete(byKey, strings.Join(key, "|"))
		ordered = append(ordered, want)
		for column := range head {
			if complaint := v.differs(want[column], cell(got, column),
				b.kind(t, sheet, column, i+4)); complaint != "" && wrong < 20 {
				wrong++
				t.Errorf("%s!%s%d, %s of %v: %s", sheet, string(rune('A'+column)), i+4, head[column], key, complaint)
			}
		}
	}
	for key, row := range byKey {
		t.Errorf("%s has no row %s: %v", sheet, key, row)
	}
	t.Logf("%d rows, %d cells", len(ordered), len(ordered)*len(head))
	return ordered
}

func keyOf(row []any, keys []int) string {
	var key []string
	for _, column := range keys {
		key = append(key, plain(row[column]))
	}
	return strings.Join(key, "|")
}

func (b workbook) kind(t *testing.T, sheet string, column, row int) excelize.CellType {
	t.Helper()

	name, err := excelize.CoordinatesToCellName(column+1, row)
	require.NoError(t, err)
	kind, err := b.GetCellType(sheet, name)
	require.NoError(t, err)
	return kind
}

// differs says what is wrong with a raw cell; nothing when it is as it should be.
func (v view) differs(want any, got string, kind excelize.CellType) string {
	text := kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString
	number, notANumber := strconv.ParseFloat(got, 64)
	same := false
	switch want := want.(type) {
	case nil:
		return complain(got == "", want, got)
	case string:
		return complain(got == want && (text || want == ""), want, got)
	case word:
		return complain(got == want.text && text, want, got)
	case days:
		same = got == strconv.Itoa(want.local)
	case int:
		same = got == strconv.Itoa(want)
	case float64:
		same = notANumber == nil && max(number-want, want-number) < 1e-9
	case day:
		same = notANumber == nil && number == serial(wall(string(want)))
	case time.Time:
		_, offset := want.In(v.zone).Zone()
		same = notANumber == nil && max(number-serial(want)-float64(offset)/86400, serial(want)+
			float64(offset)/86400-number) < 0.5/86400
	}
	return complain(same && !text, want, got)
}

// kindOf is the kind of cell for a value, where only the text of a cell is compared.
func kindOf(want any) excelize.CellType {
	switch want.(type) {
	case string, word:
		return excelize.CellTypeSharedString
	}
	return excelize.CellTypeUnset
}

func complain(same bool, want any, got string) string {
	if same {
		return ""
	}
	return fmt.Sprintf("%q, and should be %T %q", got, want, plain(want))
}

// serial is an instant as a spreadsheet counts it: days since 1899-12-30, to the second.
func serial(t time.Time) float64 {
	return t.Truncate(time.Second).Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Seconds() / 86400
}

func wall(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return t
}

// plain is a cell as CSV and JSON have it.
func plain(c any) string {
	switch c := c.(type) {
	case nil:
		return ""
	case time.Time:
		return c.UTC().Format("2006-01-02T15:04:05Z")
	case word:
		return c.code
	case days:
		return strconv.Itoa(c.utc)
	default:
		return fmt.Sprint(c)
	}
}

// order checks the order that is documented.
func (v view) order(t *testing.T, sheet string, rows [][]any) {
	t.Helper()

	names := []string{}
	for _, p := range v.partners {
		names = append(names, p.name)
	}
	names = append(names, "")
	// what concerns all partners, or all files, comes after the partners' own
	if sheet != "Checks" && sheet != "Batches" && sheet != "Events" {
		assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
			return cmp.Compare(slices.Index(names, a[2].(string)), slices.Index(names, b[2].(string)))
		}), "partners are in the order of the configuration")
	}
	switch sheet {
	case "Attestations":
		v.entriesInOrder(t, rows)
	case "Changes":
		kinds := []string{"newly_blocked", "newly_unknown", "gone", "newly_clear", "new", "newly_excluded",
			"read_again"}
		inOrder(t, rows, func(row []any) []int { return []int{slices.Index(kinds, plain(row[0]))} })
	case "Renewals at risk":
		risks := []string{"lapses", "renews", "no_date"}
		inOrder(t, rows, func(row []any) []int {
			left, _ := row[6].(int)
			return []int{slices.Index(risks, plain(row[0])), left}
		})
	}
	if sheet != "Customers" {
		return
	}
	key := map[string]string{}
	for _, p := range v.partners {
		for _, c := range v.customers(p.id, p.run) {
			key[p.name+c.text("display_id")] = c.text("name_sort")
		}
	}
	assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
		if a[2] != b[2] {
			return 0
		}
		return strings.Compare(key[a[2].(string)+a[15].(string)], key[b[2].(string)+b[15].(string)])
	}), "customers are in the order of name_key")
}

// inOrder checks that the rows of each partner are sorted.
func inOrder(t *testing.T, rows [][]any, by func(row []any) []int) {
	t.Helper()

	assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
		if a[2] != b[2] {
			return 0
		}
		return slices.Compare(by(a), by(b))
	}))
}

// entriesInOrder checks that attestations that need a person come first, then by what they wait
// for, then the newest.
func (v view) entriesInOrder(t *testing.T, rows [][]any) {
	t.Helper()

	inOrder(t, rows, func(row []any) []int {
		batch, line := row[21].(int), row[22].(int)
		a := v.attestations[slices.IndexFunc(v.attestations,
			func(a record) bool { return a.number("batch_id") == batch && a.number("line") == line })]
		need := map[string]int{"failed": 0, "refused_by_microsoft": 0, "expired": 0, "accepted": 1, "unsure": 2,
			"created": 3, "waiting": 3, "queued": 4}
		n, ok := need[a.text("state")]
		if !ok || n == 0 && v.corrected(a) {
			n = 5
		}
		return []int{n, -batch, line}
	})
}

// verdict is in sight on every sheet of data and on Summary: all checks passed, or some failed;
// then it stands on top.
func (b workbook) verdict(t *testing.T, v view) {
	t.Helper()

	all, failed := v.control(), 0
	for _, row := range all {
		if plain(row[0]) == "failed" {
			failed++
		}
	}
	want := fmt.Sprintf("✔ All control checks passed (%[1]d of %[1]d)", len(all))
	at := 2
	if failed > 0 {
		want, at = fmt.Sprintf("✘ %d of %d control checks FAILED: see Checks", failed, len(all)), 1
	}
	assert.Equal(t, want, cell(b.rows["Summary"][at], 0))
	for _, sheet := range dataSheets {
		assert.Equal(t, want, cell(b.rows[sheet.name][1], 0))
	}
	everybody := tally{}
	for _, p := range v.partners {
		n := v.tally(p.id, p.run)
		everybody.listed, everybody.blocked = everybody.listed+n.listed, everybody.blocked+n.blocked
	}
	assert.Equal(t, fmt.Sprintf("%d customers cannot buy: %.1f %% of %d", everybody.blocked,
		100*float64(everybody.blocked)/float64(everybody.listed), everybody.listed),
		cell(b.rows["Summary"][3-at], 0), "the business in a sentence")
}

// ---- Summary.

// section is the table below a title: its head, and the rows down to an empty one or a sentence.
// Another table may stand on its right.
func (b workbook) section(t *testing.T, sheet, title string) (head []string, rows [][]string) {
	t.Helper()
	all, at := b.rows[sheet], -1
	i := slices.IndexFunc(all, func(row []string) bool { at = slices.Index(row, title); return at >= 0 })
	require.GreaterOrEqual(t, i, 0, "%s has no %q", sheet, title)
	head = all[i+1][at:]
	if len(head) > 8 && head[7] == "" && head[8] != "" {
		head = head[:8]
	}
	for head[len(head)-1] == "" {
		head = head[:len(head)-1]
	}
	for _, row := range all[i+2:] {
		if row = row[min(at, len(row)):]; len(row) > len(head) {
			row = row[:len(head)]
		}
		if cell(row, 0) == "" || strings.Join(row[1:], "") == "" {
			break
		}
		rows = append(rows, row)
	}
	return head, rows
}

// table compares a table of Summary, whose columns may be several cells wide.
func (b workbook) table(t *testing.T, v view, title, head string, want [][]any) {
	t.Helper()
	got, rows := b.section(t, "Summary", title)
	names := strings.Split(head, " | ")
	require.ElementsMatch(t, names, slices.DeleteFunc(slices.Clone(got), func(name string) bool { return name == "" }),
		title)
	if !assert.Len(t, rows, len(want), title) {
		return
	}
	for i, row := range rows {
		for n, name := range names {
			raw := cell(row, slices.Index(got, name))
			if complaint := v.differs(want[i][n], raw, kindOf(want[i][n])); complaint != "" {
				t.Errorf("Summary, %s, %s of %v: %s", title, name, row[0], complaint)
			}
		}
	}
}

func (b workbook) summary(t *testing.T, v view) {
	t.Helper()

	const standings = "Partner | Listed | Clear | Blocked | Unknown | Out of scope | Could not be read | Accepted " +
		"directly, date not known"
	var now, forward, ages, cost [][]any
	all, forwards, aged, spent := make(total, 11), make(total, 5), make(total, 5), make(total, 6)
	for _, p := range v.partners {
		changes := v.changed(p)
		numbers := append(v.tally(p.id, p.run).cells(), changes["newly_blocked"], changes["newly_clear"],
			changes["new"], changes["gone"])
		now = append(now, all.add(p.name, numbers))
		f := v.forward(p)
		forward = append(forward, forwards.add(p.name, []any{f[0], f[1], -f[2], -f[3], f[4]}))
		ages = append(ages, aged.add(p.name, v.ages(p)))
		for _, r := range append(failed(p), v.night(p)...) {
			cost = append(cost, spent.add(p.name, []any{r.number("id"), r.when("started_at"), r.number("requests"),
				r.number("retries"), r.number("throttled"), r["seconds"].(float64) / 86400}))
		}
	}
	b.table(t, v, "Customers", standings+" | Newly blocked | Newly clear | New | Gone", append(now, all.row()))
	b.table(t, v, "Blocked customers since the last run",
		"Partner | Opening | Newly blocked | No longer blocked | Gone | Blocked now", append(forward, forwards.row()))
	b.table(t, v, "Blocked customers by days blocked",
		"Partner | 0–30 days | 31–60 days | 61–90 days | Over 90 days | All", append(ages, aged.row()))
	spent[0] = nil // a sum of run numbers means nothing
	b.table(t, v, "Active subscriptions of blocked customers",
		"Partner | Lapse in 0–30 days | 31–60 days | 61–90 days | Later | Renew automatically | Date not known",
		v.stakes())
	b.table(t, v, "API usage", "Partner | Run | Date | API calls | Retries | Throttled | Duration",
		append(cost, spent.row()))
	b.figures(t, v)
	b.nextSteps(t, v)
	b.first(t, v)
	b.purchases(t, v)
	b.resellers(t, v)
	b.history(t, v)
}

// figures are the big numbers with their changes.
func (b workbook) figures(t *testing.T, v view) {
	t.Helper()

	type numbers struct{ listed, blocked, long, lapsing, unknown int }
	var now, before numbers
	count := func(to *numbers, p shownPartner, run record, at time.Time) {
		n := v.tally(p.id, run)
		to.listed, to.blocked, to.unknown = to.listed+n.listed, to.blocked+n.blocked, to.unknown+n.unknown
		for id, c := range v.customers(p.id, run) {
			if c.text("standing") == "blocked" {
				to.lapsing += v.lapsingSoon(p, id, run, at)
				if v.days(c.when("blocked_since"), run.when("started_at")).local > 90 {
					to.long++
				}
			}
		}
	}
	for _, p := range v.partners {
		count(&now, p, p.run, time.Unix(1<<40, 0))
		if then := p.against; then != nil {
			count(&before, p, then, p.run.when("started_at"))
		} else {
			count(&before, p, p.run, time.Unix(1<<40, 0))
		}
	}
	share := func(n numbers) float64 { return float64(n.blocked) / float64(n.listed) }
	change := func(delta int) string {
		if delta == 0 {
			return "unchanged"
		}
		return fmt.Sprintf("%+d since the last run", delta)
	}
	ofShare := fmt.Sprintf("%+.1f points since the last run", 100*(share(now)-share(before)))
	if strings.HasPrefix(ofShare, "+0.0") || strings.HasPrefix(ofShare, "-0.0") {
		ofShare = "unchanged"
	}
	all := b.rows["Summary"]
	i := slices.IndexFunc(all, func(row []string) bool {
		return cell(row, 0) == "Blocked" &&
			cell(row, 3) == "Share of customers"
	})
	require.GreaterOrEqual(t, i, 0)
	first := !slices.ContainsFunc(v.partners, func(p shownPartner) bool { return p.against != nil })
	for n, want := range []struct {
		label  string
		value  any
		change string
	}{
		{"Blocked", now.blocked, change(now.blocked - before.blocked)}, {"Share of customers", share(now), ofShare},
		{"Blocked over 90 days", now.long, change(now.long - before.long)}, {"Lapsing in 30 days", now.lapsing,
			change(now.lapsing - before.lapsing)},
		{"Unknown", now.unknown, change(now.unknown - before.unknown)},
	} {
		if first {
			want.change = "first run"
		}
		assert.Equal(t, want.label, cell(all[i], 3*n))
		assert.Empty(t, v.differs(want.value, cell(all[i+1], 3*n), kindOf(want.value)), want.label)
		assert.Equal(t, want.change, cell(all[i+2], 3*n), want.label)
	}
}

// lapsingSoon counts the subscriptions of a customer that lapse within 30 days after a run, as they
// were known at an instant.
func (l db) lapsingSoon(p shownPartner, customer string, run record, at time.Time) (n int) {
	var newest record
	for _, b := range l.purchases {
		if b.text("partner_id") == p.id && b.text("customer_id") == customer && !b.when("since").After(at) {
			newest = b
		}
	}
	if newest == nil || !newest.yes("readable") {
		return 0
	}
	for _, d := range l.held(newest) {
		if d.text("ends") == "" || d.yes("auto_renew") {
			continue
		}
		tonight := run.when("started_at").Truncate(24 * time.Hour)
		if days := wall(d.text("ends")).Sub(tonight) / (24 * time.Hour); 0 <= days && days <= 30 {
			n++
		}
	}
	return n
}

// nextSteps are the attestations that are not at their end, by what comes next.
func (b workbook) nextSteps(t *testing.T, v view) {
	t.Helper()

	want := map[string]string{}
	counts, since := map[string]int{}, map[string]time.Time{}
	for _, a := range v.attestations {
		step, at := v.next(a), v.stateSince(a).(time.Time)
		if state := a.text("state"); step == "" || state == "refused" || state == "approved" {
			continue
		}
		word := in("attestation_step", step).(word).text
		if counts[word]++; since[word].IsZero() || at.Before(since[word]) {
			since[word] = at
		}
	}
	if len(counts) == 0 {
		assert.NotContains(t, fmt.Sprint(b.rows["Summary"]), "Attestations by next step")
		return
	}
	for word, n := range counts {
		want[word] = fmt.Sprint(n, " ", since[word].In(v.zone).Format(time.DateOnly))
	}
	got := map[string]string{}
	_, rows := b.section(t, "Summary", "Attestations by next step")
	for _, row := range rows {
		serial, err := strconv.ParseFloat(cell(row, 3), 64)
		require.NoError(t, err)
		got[row[0]] = cell(row, 2) + " " + time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0,
			int(serial)).Format(time.DateOnly)
	}
	assert.Equal(t, want, got)
}

// stakes count the subscriptions at stake, by partner and in all.
func (v view) stakes() (rows [][]any) {
	all := make(total, 6)
	for _, p := range v.partners {
		var n [6]int
		for _, row := range v.atStake() {
			if row[2] != p.name {
				continue
			}
			switch at := map[string]int{"within_30": 0, "within_60": 1, "within_90": 2, "later": 3}; plain(row[0]) {
			case "no_date":
				n[5]++
			case "renews":
				n[4]++
			default:
				if i, ok := at[plain(row[7])]; ok {
					n[i]++
				}
			}
		}
		rows = append(rows, all.add(p.name, []any{n[0], n[1], n[2], n[3], n[4], n[5]}))
	}
	return append(rows, all.row())
}

// ages are the blocked customers of a partner by days: up to 30, 60, 90, more, and all.
func (v view) ages(p shownPartner) []any {
	var n [5]int
	for _, c := range v.customers(p.id, p.run) {
		if c.text("standing") != "blocked" {
			continue
		}
		n[4]++
		switch days := v.days(c.when("blocked_since"), p.run.when("started_at")).local; {
		case days <= 30:
			n[0]++
		case days <= 60:
			n[1]++
		case days <= 90:
			n[2]++
		default:
			n[3]++
		}
	}
	return []any{n[0], n[1], n[2], n[3], n[4]}
}

// total adds numbers up, column by column; a column that has none stays empty.
type total []any

func (all total) add(partner string, cells []any) []any {
	for i, c := range cells {
		switch c := c.(type) {
		case int:
			before, _ := all[i].(int)
			all[i] = before + c
		case float64:
			before, _ := all[i].(float64)
			all[i] = before + c
		}
	}
	return append([]any{partner}, cells...)
}

// row is the line below the partners.
func (all total) row() []any { return append([]any{"All partners"}, all...) }

// first are ten of the customers on Blocked, each with its row there: those with subscriptions
// before the others, then the longest blocked.
func (b workbook) first(t *testing.T, v view) {
	t.Helper()

	head, rows := b.section(t, "Summary", "What to do first")
	blocked := v.blocked()
	assert.Len(t, rows, min(10, len(blocked)))
	urgency := func(row []any) int { // more comes first
		active, _ := row[8].(int)
		return lapsing(v, row)*1_000_000 + min(active, 1)*100_000 + row[5].(days).local
	}
	slices.SortStableFunc(blocked, func(a, b []any) int { return cmp.Compare(urgency(b), urgency(a)) })
	for i, row := range rows {
		at, err := strconv.Atoi(cell(row, slices.Index(head, "Row on Blocked")))
		require.NoError(t, err)
		there := b.rows["Blocked"][at-1]
		for column, name := range map[int]string{0: "Next step", 1: "Customer", 2: "Partner"} {
			assert.Equal(t, cell(there, column), cell(row, slices.Index(head, name)), "Summary, what to do first, %s",
				name)
		}
		key := cell(there, 2) + "|" + cell(there, 24)
		n := slices.IndexFunc(blocked, func(want []any) bool { return keyOf(want, []int{2, 24}) == key })
		require.GreaterOrEqual(t, n, 0)
		assert.Equal(t, urgency(blocked[i]), urgency(blocked[n]), "the %dth", i+1)
		active := "–"
		if blocked[n][8] != nil {
			active = plain(blocked[n][8])
		}
		days, plural := blocked[n][5].(days).local, "s"
		if days == 1 {
			plural = ""
		}
		want := fmt.Sprintf("Blocked for %d day%s", days, plural)
		switch first := plain(blocked[n][26]) == "at_least"; {
		case first && days == 0:
			want = "Already blocked in the first run"
		case first:
			want = fmt.Sprintf("Blocked for ≥ %d day%s", days, plural)
		}
		want += "; active subscriptions: " + active
		if lapsing(v, blocked[n]) > 0 {
			want += fmt.Sprintf("; a subscription lapses on %s", blocked[n][10])
		}
		assert.Equal(t, want, cell(row, slices.Index(head, "Why")))
	}
}

// lapsing is 1 for a row of Blocked with a subscription that lapses within 30 days of the run.
func lapsing(v view, row []any) int {
	lapse, ok := row[10].(day)
	for _, p := range v.partners {
		if ok && p.name == row[2] &&
			wall(string(lapse)).Sub(p.run.when("started_at").Truncate(24*time.Hour)) <= 30*24*time.Hour {
			return 1
		}
	}
	return 0
}

func (b workbook) purchases(t *testing.T, v view) {
	t.Helper()

	var some, none, unread int
	for _, row := range v.blocked() {
		switch row[8] {
		case nil:
			unread++
		case 0:
			none++
		default:
			some++
		}
	}
	want := fmt.Sprintf("Blocked customers: %d. With active subscriptions: %d; they may be unable to accept "+
		"directly, and then only an attestation helps. "+
		"With none: %d; they can also be asked to accept in the admin center. Not read: %d.", some+none+unread, some,
		none, unread)
	var text []string
	for _, row := range b.rows["Summary"] {
		text = append(text, cell(row, 0))
	}
	assert.Contains(t, strings.Join(text, " "), want)
}

// resellers are the customers of the indirect provider by their indirect reseller.
func (b workbook) resellers(t *testing.T, v view) {
	t.Helper()

	provider := v.partners[1]
	of := map[string]string{}
	for _, a := range v.associations { // the newest row comes last
		if a.text("partner_id") == provider.id {
			of[a.text("customer_id")] = "Indirect reseller not read"
			if a.yes("readable") {
				name, _ := v.reseller(provider.id, a.text("customer_id"))
				of[a.text("customer_id")] = cmp.Or(name, "Without an indirect reseller")
			}
		}
	}
	want := map[string]tally{}
	for id, c := range v.customers(provider.id, provider.run) {
		for _, name := range []string{cmp.Or(of[id], "Indirect reseller not read"), "All customers"} {
			n := want[name]
			n.add(c)
			want[name] = n
		}
	}
	head, rows := b.section(t, "Summary", "By indirect reseller: "+provider.name)
	assert.Equal(t, "Indirect reseller |  | Listed | Clear | Blocked | Unknown | Out of scope",
		strings.Join(head, " | "))
	assert.Len(t, rows, len(want))
	for _, row := range rows {
		var numbers []string
		for _, n := range want[row[0]].cells()[:5] {
			numbers = append(numbers, plain(n))
		}
		assert.Equal(t, numbers, row[2:7], "Summary, by indirect reseller: %s", row[0])
	}
}

// history is the number of blocked customers on each of the last 90 days, after the last run of the
// day.
func (b workbook) history(t *testing.T, v view) {
	t.Helper()

	want := map[string]string{}
	for _, p := range v.partners {
		for _, r := range v.completed(p.id) {
			day := r.when("started_at").In(v.zone).Format(time.DateOnly)
			want[fmt.Sprintf("%g %s", serial(wall(day)), p.name)] = strconv.Itoa(v.tally(p.id, r).blocked)
		}
	}
	head, rows := b.section(t, "Summary", "Figures behind the charts")
	got := map[string]string{}
	for _, row := range rows {
		for column := 1; column < len(row); column++ {
			if row[column] != "" {
				got[row[0]+" "+head[column]] = row[column]
			}
		}
	}
	assert.Equal(t, want, got, "Summary, figures behind the charts")
}

// ---- About.

func (b workbook) about(t *testing.T, v view) {
	t.Helper()

	_, rows := b.section(t, "About", "Runs")
	got := map[string]string{}
	for _, row := range rows {
		got[row[0]+" "+row[1]] = cell(row, 2)
	}
	for _, p := range v.partners {
		var against any // of a first run there is none
		if p.against != nil {
			against = p.against.number("id")
		}
		direct := map[bool]string{true: "yes", false: "no"}[p.run.yes("trust_direct")]
		for fact, want := range map[string]any{
			"Run": p.run.number("id"), "State": word{"completed", "Completed"}, "Changes counted from run": against,
			"Started": p.run.when("started_at"), "Finished": p.run.when("finished_at"),
			"Oldest reading": p.run.when("oldest_reading"), "Duration": p.run["seconds"].(float64) / 86400,
			"API calls": p.run.number("requests"), "Retries": p.run.number("retries"),
			"Throttled (429)": p.run.number("throttled"), "Attempts": p.run.number("attempt"),
			"Policy: accepted since": day(p.run.text("accepted_since")), "Policy: direct acceptance counts": direct,
			"Program version": p.run.text("version"), "MS-CorrelationId": p.run.text("correlation_id"),
		} {
			raw, known := got[p.name+" "+fact]
			if !assert.True(t, known, "About says nothing of %s of %s", fact, p.name) {
				continue
			}
			assert.Empty(t, v.differs(want, raw, kindOf(want)), "About, %s of %s", fact, p.name)
			delete(got, p.name+" "+fact)
		}
	}
	assert.Empty(t, got, "About has more facts than the auditor knows")
	b.heads(t, v)
}

// heads are the last events of the batches.
func (b workbook) heads(t *testing.T, v view) {
	t.Helper()

	if len(v.batches) == 0 {
		return
	}
	var want [][]string
	for _, batch := range slices.Backward(v.batches) {
		events, hash := 0, ""
		for _, e := range v.events {
			if e.number("batch_id") == batch.number("id") {
				events, hash = events+1, e.text("hash")
			}
		}
		plural := "s"
		if events == 1 {
			plural = ""
		}
		want = append(want, []string{strconv.Itoa(batch.number("id")), batch.text("file_name"),
			fmt.Sprintf("%d event%s: %s", events, plural, hash)})
	}
	_, rows := b.section(t, "About", "Files of attestations, and the last event of each")
	assert.Equal(t, want, rows, "About, files of attestations")
}

// digest is the sum that About prints.
func (b workbook) digest(t *testing.T) string {
	t.Helper()

	for _, row := range b.rows["About"] {
		if cell(row, 1) == "SHA-256 of the data" {
			return row[2]
		}
	}
	t.Fatal("About has no sum")
	return ""
}
