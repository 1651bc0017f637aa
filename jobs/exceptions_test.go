package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/testsize"
	"github.com/mcaledger/mcaledger/jobs"
)

// decisions is a ledger of exceptions about a few customers.
type decisions struct {
	customers []attestation.Customer
	history   []ledger.Exception
	broken    error
}

func (d *decisions) Customers(_ context.Context, partners []string,
	named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
	found := map[attestation.Identity][]attestation.Customer{}
	for _, c := range d.customers {
		for _, key := range []attestation.Identity{{TenantID: c.ID}, {Domain: strings.ToLower(c.Name) + ".com"}} {
			if slices.Contains(named, key) && slices.Contains(partners, c.PartnerID) &&
				!slices.Contains(found[key], c) {
				found[key] = append(found[key], c)
			}
		}
	}
	return found, nil
}

func (d *decisions) Exceptions(_ context.Context, partners []string, at time.Time) (entries []ledger.ExceptionEntry,
	_ error) {
	newest := map[[2]string]ledger.Exception{}
	for _, e := range d.history {
		if !e.At.After(at) && slices.Contains(partners, e.PartnerID) {
			newest[[2]string{e.PartnerID, e.CustomerID}] = e
		}
	}
	for _, e := range newest {
		if !e.Removed {
			entries = append(entries, ledger.ExceptionEntry{Exception: e})
		}
	}
	return entries, nil
}

func (d *decisions) SetExceptions(_ context.Context, exceptions []ledger.Exception, actor attestation.Actor,
	at time.Time) (int, error) {
	for _, e := range exceptions {
		e.Actor, e.At = actor, at
		d.history = append(d.history, e)
	}
	return len(exceptions), d.broken
}

const (
	tenantA = "aaaaaaaa-0000-4000-8000-000000000001"
	tenantB = "bbbbbbbb-0000-4000-8000-000000000002"
	tenantC = "cccccccc-0000-4000-8000-000000000003"
	tenantD = "dddddddd-0000-4000-8000-000000000004"
)

var other = ledger.Partner{ID: "22222222-2222-4222-8222-222222222222", Name: "fabrikam",
	Kind: standing.IndirectProvider}

// decided is a ledger in which Alpha has an exception; Beta is a customer of both partners.
func decided() *decisions {
	return &decisions{
		customers: []attestation.Customer{{PartnerID: partner.ID, ID: tenantA, Name: "Alpha"},
			{PartnerID: partner.ID, ID: tenantB, Name: "Beta"},
			{PartnerID: other.ID, ID: tenantB, Name: "Beta"}, {PartnerID: partner.ID, ID: tenantC, Name: "Gamma"}},
		history: []ledger.Exception{{PartnerID: partner.ID, CustomerID: tenantA, Owner: "Bea", DueOn: "2026-12-01",
			Comment: "called", AcceptedUntil: "2026-11-20",
			At: today.AddDate(0, 0, -7)}},
	}
}

func exceptionsJob(store jobs.ExceptionStore) jobs.ImportExceptions {
	return jobs.ImportExceptions{Log: slog.New(slog.DiscardHandler), Exceptions: jobs.Exceptions{Store: store,
		Partners: []ledger.Partner{partner, other},
		By:       attestation.Actor{Name: "ana"}, Today: standing.DateOf(today),
		Now: func() time.Time { return today }}}
}

func saidOf(e ledger.Exception) string {
	if e.Removed {
		return e.CustomerID[:1] + " removed"
	}
	return fmt.Sprintf("%s %s|%s|%s|%s", e.CustomerID[:1], e.Owner, e.DueOn, e.Comment, e.AcceptedUntil)
}

func TestRowsOfExceptions(t *testing.T) {
	t.Parallel()
	const header = "tenant_id,customer,partner,owner,due_date,comment,accepted_until\n"
	for name, c := range map[string]struct {
		file      string
		set       []string
		unchanged int
		refusals  []string
		empty     int
		kept      int
	}{
		"a new exception": {file: header + tenantC + ",,,Carl,,,2026-12-31\n",
			set: []string{"c Carl|||2026-12-31"}},
		"what the ledger has already": {file: header + tenantA +
			",Alpha,contoso,Bea,2026-12-01,called,2026-11-20\n", unchanged: 1},
		"a cell that was changed": {file: header + tenantA + ",,,Carl,2026-12-01,called,2026-11-20\n",
			set: []string{"a Carl|2026-12-01|called|2026-11-20"}},
		"a cell that was emptied": {file: header + tenantA + ",,,Bea,,,\n", set: []string{"a Bea|||"}},
		"a column that is not there": {file: "tenant_id,accepted_until\n" + tenantA + ",2026-12-31\n",
			set: []string{"a Bea|2026-12-01|called|2026-12-31"}},
		"all cells empty": {file: header + tenantA + ",Alpha,contoso,,,,\n" + tenantC +
			",Gamma,contoso,,,,\n", empty: 2, kept: 1},
		"a dash and nothing else":     {file: header + tenantA + ",,,-,,,\n", set: []string{"a removed"}},
		"a dash where there was none": {file: header + tenantC + ",,,-,,,\n", unchanged: 1},
		"by domain": {file: "customer_domain,owner\nGAMMA.com,Carl\n",
			set: []string{"c Carl|||"}},
		"in capitals": {file: header + strings.ToUpper(tenantC) + ",GAMMA,Contoso,Carl,,,\n",
			set: []string{"c Carl|||"}},
		"a customer of several partners": {file: header + tenantB + ",,,Carl,,,\n",
			refusals: []string{"2 several_partners"}},
		"a customer of the partner named": {file: header + tenantB + ",,fabrikam,Carl,,,\n",
			set: []string{"b Carl|||"}},
		"a partner by its tenant id": {file: header + tenantB + ",," + strings.ToUpper(other.ID) + ",Carl,,,\n",
			set: []string{"b Carl|||"}},
		"a customer of another partner": {file: header + tenantC + ",,fabrikam,Carl,,,\n",
			refusals: []string{"2 unknown_partner"}},
		"a partner whose name has changed": {file: header + tenantC + ",,tailspin,Carl,,,\n",
			set: []string{"c Carl|||"}},
		"a name that does not tell which one": {file: header + tenantB + ",,tailspin,Carl,,,\n",
			refusals: []string{"2 several_partners"}},
		"nobody's customer": {file: header + tenantD + ",,,Carl,,,\n",
			refusals: []string{"2 unknown_customer"}},
		"another customer's name": {file: header + tenantC + ",Alpha,,Carl,,,\n",
			refusals: []string{"2 other_company"}},
		"accepted until yesterday": {file: header + tenantC + ",,,Carl,,,2026-11-21\n",
			refusals: []string{"2 accepted_in_the_past"}},
		"accepted until today": {file: header + tenantC + ",,,Carl,,,2026-11-22\n",
			set: []string{"c Carl|||2026-11-22"}},
		"an acceptance that expired stays": {file: header + tenantA + ",,,Carl,2026-12-01,called,2026-11-20\n",
			set: []string{"a Carl|2026-12-01|called|2026-11-20"}},
		"cells that cannot be read": {file: header + tenantC + ",,,Carl,soon,,03/04/2027\n",
			refusals: []string{"2 unreadable_row due_date", "2 unreadable_row accepted_until"}},
		"two rows that say the same": {file: header + tenantC + ",,,Carl,,,\n" + tenantC + ",,,Carl,,,\n",
			set: []string{"c Carl|||"}, unchanged: 1},
		"two rows that contradict": {file: header + tenantC + ",,,Carl,,,\n" + tenantC + ",,,Dora,,,\n",
			refusals: []string{"2 conflicting_rows", "3 conflicting_rows"}},
		"of two rows one says nothing new": {file: header + tenantA + ",,,Bea,2026-12-01,called,2026-11-20\n" +
			tenantA + ",,,Carl,2026-12-01,called,2026-11-20\n", set: []string{"a Carl|2026-12-01|called|2026-11-20"},
			unchanged: 1},
		"good and bad rows, each for itself": {file: header + tenantD + ",,,Carl,,,\n" + tenantC + ",,,Carl,,,\n",
			set: []string{"c Carl|||"}, refusals: []string{"2 unknown_customer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := decided()
			path := filepath.Join(t.TempDir(), "list.csv")
			require.NoError(t, os.WriteFile(path, []byte(c.file), 0o600))
			done, err := exceptionsJob(d).Run(t.Context(), path)
			var set, refusals []string
			for _, e := range d.history[1:] {
				set = append(set, saidOf(e))
				require.Equal(t, "ana", e.Actor.Name)
				require.Equal(t, "list.csv", e.File)
			}
			lines := map[int]bool{}
			for _, r := range done.Refusals {
				refusals = append(refusals, strings.TrimSpace(fmt.Sprint(r.Line, " ", r.Reason, " ", r.Column)))
				lines[r.Line] = true
				require.NotEmpty(t, r.Hint)
			}
			require.Equal(t, c.set, set)
			require.Equal(t, c.refusals, refusals)
			require.Equal(t, []int{len(c.set), c.unchanged, len(lines), c.empty, c.kept},
				[]int{done.Taken, done.Unchanged, done.Refused, done.Empty, done.Kept})
			require.Equal(t, done.Rows, done.Taken+done.Unchanged+done.Refused)
			if len(lines) == 0 {
				require.NoError(t, err)
				require.Empty(t, done.RefusedFile)
				return
			}
			require.Equal(t, jobs.OutcomePartial, jobs.OutcomeOf(err))
			content, err := os.ReadFile(done.RefusedFile)
			require.NoError(t, err)
			require.Equal(t, len(lines)+1, strings.Count(string(content), "\n"))
		})
	}
}

// A report of last week that comes back does not undo what was decided since.
func TestCellsThatAReportShowedAreNoChange(t *testing.T) {
	t.Parallel()
	d := decided()
	monday := d.history[0].At
	d.history = append(d.history, ledger.Exception{PartnerID: partner.ID, CustomerID: tenantA, Owner: "Carl",
		DueOn: "2026-12-01", Comment: "wrote", AcceptedUntil: "2026-11-20", At: monday.Add(24 * time.Hour)})
	const header = "tenant_id,owner,due_date,comment,accepted_until\n"
	for name, c := range map[string]struct{ row, want string }{
		"nothing was changed": {tenantA + ",Bea,2026-12-01,called,2026-11-20\n", "unchanged"},
		"another cell was changed": {tenantA + ",Bea,2026-12-24,called,2026-11-20\n",
			"a Carl|2026-12-24|wrote|2026-11-20"},
		"the same cell, to the same": {tenantA + ",Carl,2026-12-01,called,2026-11-20\n", "unchanged"},
		"the same cell, to something else": {tenantA + ",Dora,2026-12-01,called,2026-11-20\n",
			"changed_meanwhile"},
		"a new exception":                        {tenantC + ",Dora,,,\n", "c Dora|||"},
		"emptied, and changed by nobody else":    {tenantA + ",Bea,,called,2026-11-20\n", "a Carl||wrote|2026-11-20"},
		"removed, although it was changed since": {tenantA + ",-,,,\n", "changed_meanwhile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &decisions{customers: d.customers, history: slices.Clone(d.history)}
			path := filepath.Join(t.TempDir(), "report.csv")
			require.NoError(t, os.WriteFile(path, []byte(header+c.row), 0o600))
			job := exceptionsJob(d)
			job.MadeAt = func(string) (time.Time, bool) { return monday.Add(time.Hour), true }
			done, _ := job.Run(t.Context(), path)
			switch {
			case done.Refused == 1:
				require.Equal(t, c.want, string(done.Refusals[0].Reason))
			case done.Unchanged == 1:
				require.Equal(t, c.want, "unchanged")
			default:
				require.Equal(t, c.want, saidOf(d.history[2]))
			}
		})
	}
}

func TestExceptionsAreListedByUrgency(t *testing.T) {
	t.Parallel()
	d := &decisions{}
	for i, e := range []ledger.Exception{{AcceptedUntil: "2026-12-31"}, {Owner: "Bea"}, {DueOn: "2026-11-20"},
		{AcceptedUntil: "2026-11-20"}, {DueOn: "2026-11-24"}, {AcceptedUntil: "2026-11-01"},
		{AcceptedUntil: "2026-12-24"}} {
		e.PartnerID, e.CustomerID, e.At = partner.ID, fmt.Sprint(i), today
		d.history = append(d.history, e)
	}
	entries, err := exceptionsJob(d).List(t.Context())
	require.NoError(t, err)
	var order []string
	for _, e := range entries {
		order = append(order, e.CustomerID)
	}
	require.Equal(t, []string{"5", "3", "2", "4", "1", "6", "0"}, order)
}

func TestExceptionOfOneCustomer(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	d := decided()
	job := exceptionsJob(d).Exceptions
	says := intake.Exception{Owner: text("Carl")}
	_, err := job.Set(t.Context(), "alpha.com", says)
	require.NoError(t, err)
	require.Equal(t, "a Carl|2026-12-01|called|2026-11-20", saidOf(d.history[1]))
	yesterday := standing.Date("2026-11-21")
	_, err = job.Set(t.Context(), tenantA, intake.Exception{AcceptedUntil: &yesterday})
	require.ErrorContains(t, err, "the day until which the block is accepted is in the past")
	_, err = job.Set(t.Context(), tenantB, says)
	require.EqualError(t, err, tenantB+" is a customer of several partners; name one with --partner")
	_, err = job.Set(t.Context(), tenantD, says)
	require.ErrorContains(t, err, "no partner has a customer "+tenantD)

	d.customers = d.customers[1:]
	job.Now = func() time.Time { return today.Add(time.Hour) }
	_, err = job.Remove(t.Context(), strings.ToUpper(tenantA))
	require.NoError(t, err, "the exception of a customer that left")
	require.Equal(t, "a removed", saidOf(d.history[2]))
	_, err = job.Remove(t.Context(), tenantC)
	require.EqualError(t, err, "customer "+tenantC+" has no exception")
	job.By.Name = " "
	_, err = job.Remove(t.Context(), tenantC)
	require.EqualError(t, err, "--by must not be empty: say who decides")
}

// blockedSheet writes the sheet Blocked of a report, in a language, and lets a person fill it in.
func (b *lab) blockedSheet(t *testing.T, run ledger.Run, header []string, at time.Time,
	edit func(customer standing.Record, cells []any)) string {
	t.Helper()
	entries, err := b.store.Exceptions(t.Context(), []string{partner.ID}, at)
	require.NoError(t, err)
	shown := map[string]ledger.Exception{}
	for _, e := range entries {
		shown[e.CustomerID] = e.Exception
	}
	day := func(d standing.Date) any {
		when, err := time.Parse(time.DateOnly, string(d))
		if err != nil {
			return nil
		}
		return when
	}
	book := excelize.NewFile()
	defer book.Close()
	require.NoError(t, book.SetSheetName("Sheet1", "Blocked"))
	require.NoError(t, book.SetCellStr("Blocked", "A1", "All control checks passed"))
	require.NoError(t, book.SetSheetRow("Blocked", "A2", &header))
	line := 3
	for record, err := range b.store.Records(t.Context(), partner.ID, run.ID, standing.Blocked) {
		require.NoError(t, err)
		e := shown[record.ID]
		cells := []any{record.Name, record.ID, e.Owner, day(e.DueOn), e.Comment, day(e.AcceptedUntil)}
		edit(record, cells[2:])
		require.NoError(t, book.SetSheetRow("Blocked", fmt.Sprint("A", line), &cells))
		line++
	}
	path := filepath.Join(t.TempDir(), "report.xlsx")
	require.NoError(t, book.SaveAs(path))
	return path
}

var blockedHeaders = [][]string{
	{"Customer", "Tenant ID", "Owner", "Due date", "Comment", "Accepted until"},
	{"Cliente", "ID do locatário", "Responsável", "Prazo", "Comentário", "Aceito até"},
	{"Cliente", "Id. de inquilino", "Responsable", "Fecha límite", "Comentario", "Aceptado hasta"},
}

// Ten nights: a person fills in the sheet Blocked each morning, in a report of any language;
// acceptances expire, customers become clear, and one of them leaves.
func TestExceptionsThroughTenNights(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 5, Customers: testsize.Of(250, 400), Mix: simulator.MixAllKinds})
		b.job.MaxGonePercent = 100
		want := map[string]ledger.Exception{} // what a person wrote last
		leaver := b.leaver(t, 10)
		edited, cleared, gone := 0, 0, 0
		for n := 1; n <= 10; n++ {
			result := b.good(t, n)
			now := today.AddDate(0, 0, n-1).Add(6 * time.Hour)
			day := standing.DateOf(now)
			job := exceptionsJob(b.store)
			job.Partners, job.Today, job.Now = []ledger.Partner{partner}, day, func() time.Time { return now }
			job.MadeAt = func(string) (time.Time, bool) { return now.Add(-time.Hour), true }
			taken := 0
			path := b.blockedSheet(t, result.Run, blockedHeaders[n%len(blockedHeaders)], now.Add(-time.Hour),
				func(c standing.Record, cells []any) {
					switch k := int(c.ID[0]) + n; {
					case c.ID == leaver && n == 1, k%7 == 0: // accepted for three days
						cells[0], cells[3] = "Bea", now.AddDate(0, 0, 3).Truncate(24*time.Hour)
					case k%11 == 0:
						cells[2] = fmt.Sprintf("night %d", n)
					case k%13 == 0 && want[c.ID].Owner != "":
						cells[0], cells[1], cells[2], cells[3] = "-", nil, nil, nil
					default:
						return
					}
					taken++
					e := want[c.ID]
					e.Owner, e.Comment = cells[0].(string), fmt.Sprint(cells[2])
					if until, ok := cells[3].(time.Time); ok {
						e.AcceptedUntil = standing.DateOf(until)
					}
					if e.Owner == "-" {
						delete(want, c.ID)
						cleared++
						return
					}
					want[c.ID] = e
					edited++
				})
			done, err := job.Run(t.Context(), path)
			require.NoError(t, err)
			require.Equal(t, []int{taken, 0}, []int{done.Taken, done.Refused}, "night %d: %+v", n, done)
			require.Equal(t, done.Rows, done.Taken+done.Unchanged)

			entries, err := job.List(t.Context())
			require.NoError(t, err)
			require.Len(t, entries, len(want))
			statuses := ledger.ExceptionStatuses()
			require.True(t, slices.IsSortedFunc(entries, func(a, b ledger.ExceptionEntry) int {
				return slices.Index(statuses, a.Status(day)) - slices.Index(statuses, b.Status(day))
			}), "expired ones on top")
			gone = 0
			for _, e := range entries {
				w := want[e.CustomerID]
				require.Equal(t, []any{w.Owner, w.Comment, w.AcceptedUntil}, []any{e.Owner, e.Comment, e.AcceptedUntil})
				require.Equal(t, w.AcceptedUntil != "" && w.AcceptedUntil < day,
					e.Status(day) == ledger.ExceptionExpired)
				if e.Standing == "" {
					gone++
				}
			}
		}
		require.Positive(t, gone, "the customer that left is still listed, as one that is none any more")
		require.Greater(t, edited, 20)
		require.Positive(t, cleared)
		verified, err := b.store.Verify(t.Context())
		require.NoError(t, err)
		require.Empty(t, verified.Problems)

		job := exceptionsJob(b.store)
		job.Partners, job.Now = []ledger.Partner{partner}, func() time.Time { return today.AddDate(0, 0, 10) }
		path := filepath.Join(t.TempDir(), "list.csv")
		require.NoError(t, os.WriteFile(path, []byte("tenant_id,owner\n"+leaver+",Bea\n"), 0o600))
		done, err := job.Run(t.Context(), path)
		require.ErrorContains(t, err, "1 row was refused")
		require.Equal(t, jobs.NotOurCustomer, done.Refusals[0].Reason)
		_, err = job.Remove(t.Context(), leaver)
		require.NoError(t, err)
	})
}

// leaver is a customer that is blocked on the first night and has left by a later one.
func (b *lab) leaver(t *testing.T, night int) string {
	t.Helper()
	require.NoError(t, b.sim.SetNight(night))
	later := b.sim.World()
	require.NoError(t, b.sim.SetNight(1))
	for i := range b.sim.World().Len() {
		if is, _ := b.sim.Expect(i, true); is == "blocked" && !later.Listed(i) {
			return b.sim.World().Customer(i).TenantID
		}
	}
	require.FailNow(t, "nobody leaves")
	return ""
}
