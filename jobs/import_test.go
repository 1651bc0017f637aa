package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// upload is a file of rows that are understood.
type upload []intake.Row

func (u upload) Rows() iter.Seq2[intake.Row, error] {
	return func(yield func(intake.Row, error) bool) {
		for i, row := range u {
			row.Line = i + 2
			row.Cells = []string{row.Record.Email}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (upload) Header() []string { return []string{"email"} }
func (upload) Understanding() intake.Understanding {
	return intake.Understanding{Format: intake.Format{Kind: intake.CSV}}
}
func (upload) SHA256() string { return "abc" }

func says(customer, signer string) intake.Row {
	return intake.Row{Record: intake.Record{TenantID: customer, FirstName: signer, LastName: "Souza", Email: signer +
		"@example.com", DateAgreed: "2024-05-06"}}
}

func wrong(row intake.Row) intake.Row {
	row.Refusals = []intake.Refusal{{Column: "note", Message: "m", Hint: "h", Value: "secret"}}
	return row
}

// importLab is a store without a single sweep: every customer is looked up.
type importLab struct {
	*store.Store
	asked int
	job   jobs.Import
}

func newImportLab(t *testing.T) *importLab {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	require.NoError(t, s.Migrate(t.Context()))
	return importLabOf(s)
}

func importLabOf(s *store.Store) *importLab {
	lab := &importLab{Store: s}
	lab.job = jobs.Import{Partners: []ledger.Partner{partner}, Since: "2023-04-01", By: attestation.Actor{Name: "ana"},
		Policy: attestation.ApprovalPolicy{Required: true}, LookUp: func(_ context.Context, _ ledger.Partner,
			id string) (standing.Customer, bool, error) {
			lab.asked++
			return standing.Customer{ID: id, Name: "Contoso " + id, Relationship: "reseller"}, id[0] == 'c', nil
		}}
	return lab
}

func (l *importLab) Import(ctx context.Context, b attestation.NewBatch, fill func(jobs.BatchWriter) error,
	report jobs.ReportRows) (attestation.Batch, error) {
	return l.Store.Import(ctx, b, func(i *store.Import) error { return fill(i) }, report)
}

// unreported is a report that nobody reads.
func unreported(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil }

// words imports rows and returns state and reason of each.
func (l *importLab) words(t *testing.T, rows ...intake.Row) (words []string) {
	t.Helper()
	b, err := l.job.Run(t.Context(), upload(rows), "may.csv", l, today, true, unreported)
	require.NoError(t, err)
	require.Equal(t, len(rows), b.Rows)
	require.Equal(t, b.Rows, b.Queued+b.Refused+b.Duplicates+b.AlreadyKnown)
	for a, err := range l.Attestations(t.Context(), b.ID) {
		require.NoError(t, err)
		require.NotContains(t, a.Message, "secret")
		words = append(words, string(a.State)+" "+string(a.Reason))
	}
	found, err := l.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Problems)
	return words
}

func TestRowsOfOneCustomer(t *testing.T) {
	const queued, conflict, same, bad = "queued ", "refused conflicting_rows", "duplicate same_row",
		"refused unreadable_row"
	tests := map[string]struct {
		rows []intake.Row
		want []string
	}{
		"identical rows are one": {[]intake.Row{says("c1", "ana"), says("c1", "ana"),
			says("c1", "ana")}, []string{queued, same, same}},
		"rows that differ are both refused": {[]intake.Row{says("c1", "ana"), says("c1", "bea")},
			[]string{conflict, conflict}},
		"nor is a repetition of one of them saved": {[]intake.Row{says("c1", "ana"), says("c1", "ana"),
			says("c1", "bea")}, []string{conflict, conflict, conflict}},
		"two that differ, both unreadable, and a good one": {[]intake.Row{wrong(says("c1", "ana")),
			wrong(says("c1", "bea")), says("c1", "ana")}, []string{bad, bad, conflict}},
		"nor does a fourth one": {[]intake.Row{says("c1", "ana"), says("c1", "bea"),
			says("c1", "ana"), says("c1", "ana")}, []string{conflict, conflict, conflict, conflict}},
		"the same twice does not outweigh an unreadable": {[]intake.Row{wrong(says("c1", "bea")), says("c1", "ana"),
			says("c1", "ana")}, []string{bad, conflict, conflict}},
		"a third one does not save the first": {[]intake.Row{says("c1", "ana"), says("c1", "bea"),
			says("c1", "ana")}, []string{conflict, conflict, conflict}},
		"an unreadable row contradicts, before": {[]intake.Row{wrong(says("c1", "bea")), says("c1", "ana")},
			[]string{bad, conflict}},
		"an unreadable row contradicts, after": {[]intake.Row{says("c1", "ana"), wrong(says("c1", "bea"))},
			[]string{conflict, bad}},
		"two that differ, one of them once unreadable": {[]intake.Row{wrong(says("c1", "bea")), says("c1", "bea"),
			says("c1", "ana"), says("c1", "bea")}, []string{bad, conflict, conflict, conflict}},
		"the same row, once unreadable, before": {[]intake.Row{wrong(says("c1", "ana")), says("c1", "ana")},
			[]string{bad, queued}},
		"the same row, once unreadable, after": {[]intake.Row{says("c1", "ana"), wrong(says("c1", "ana"))},
			[]string{queued, bad}},
		"customers who are nobody's do not contradict": {[]intake.Row{says("z1", "ana"), says("z1", "bea")},
			[]string{"refused unknown_customer", "refused unknown_customer"}},
		"rows of different customers do not contradict": {[]intake.Row{says("c1", "ana"), says("c2", "bea")},
			[]string{queued, queued}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, newImportLab(t).words(t, test.rows...)) })
	}
}

func TestRowsOfOneCustomerFarApart(t *testing.T) {
	lab := newImportLab(t)
	rows := []intake.Row{says("c1", "ana"), says("c3", "eva")}
	for range 5000 {
		rows = append(rows, says("c2", "cid"))
	}
	rows = append(rows, says("c1", "bea"), says("c3", "eva"))
	words := lab.words(t, rows...)
	require.Equal(t, "refused conflicting_rows", words[0])
	require.Equal(t, "queued ", words[1])
	require.Equal(t, []string{"refused conflicting_rows", "duplicate same_row"}, words[len(words)-2:])
	require.Equal(t, 4999,
		len(slices.DeleteFunc(words[2:len(words)-2], func(w string) bool { return w != "duplicate same_row" })))
	require.Equal(t, 3, lab.asked, "each customer is looked up once")
	again := lab.words(t, rows...)
	require.NotContains(t, again[1:len(again)-2], "queued ", "the same file again queues nothing")
}

func TestContradictionsFarApart(t *testing.T) {
	lab := newImportLab(t)
	rows := []intake.Row{says("c1", "ana")}
	between := func(from int) {
		for n := range 2500 {
			row := says(fmt.Sprintf("c%d", from+n%900), "cid")
			rows = append(rows, row)
		}
	}
	between(10)
	rows = append(rows, says("c1", "bea"))
	between(10)
	rows = append(rows, says("c1", "ana"), says("c1", "ana"), says("c1", "bea"))
	words := lab.words(t, rows...)
	for _, n := range []int{0, 2501, 5002, 5003, 5004} {
		require.Equal(t, "refused conflicting_rows", words[n], n)
	}
	require.Equal(t, "queued ", words[1])
}

func TestManyRowsOfOneCustomer(t *testing.T) {
	t.Parallel()
	lab := newImportLab(t)
	rows := []intake.Row{says("c1", "ana"), says("c2", "eva")}
	for range 33_000 { // more than a statement can name
		rows = append(rows, says("c3", "fay"))
	}
	for n := range 900 {
		rows = append(rows, says(fmt.Sprintf("c1%d", n), "cid"))
	}
	rows = append(rows, says("c1", "bea"), says("c2", "eva"), says("c1", "ana"), says("c3", "fay"))
	b, err := lab.job.Run(t.Context(), upload(rows), "may.csv", lab, today, true, unreported)
	require.NoError(t, err)
	require.Equal(t, attestation.Counts{Rows: 33_906, Queued: 902, Refused: 3, Duplicates: 33_001}, b.Counts)
	found, err := lab.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Problems)
}

// A row that names another company does not count for its customer, but the same without it does.
func TestTheRowThatCounts(t *testing.T) {
	t.Parallel()
	company := func(row intake.Row, name string) intake.Row {
		row.Record.CompanyName = name
		return row
	}
	const queued, same, other, bad = "queued ", "duplicate same_row", "refused other_company", "refused unreadable_row"
	for name, test := range map[string]struct {
		rows []intake.Row
		want []string
	}{
		"the first names another company": {[]intake.Row{company(says("c1", "ana"), "Fabrikam"), says("c1", "ana"),
			says("c1", "ana")}, []string{other, queued, same}},
		"the first two do": {[]intake.Row{company(says("c1", "ana"), "Fabrikam"),
			company(says("c1", "ana"), "Fabrikam"), says("c1", "ana"), says("c1", "ana")}, []string{other, other,
			queued, same}},
		"a later one does": {[]intake.Row{says("c1", "ana"), company(says("c1", "ana"), "Fabrikam"),
			says("c1", "ana")}, []string{queued, other, same}},
		"all do": {[]intake.Row{company(says("c1", "ana"), "Fabrikam"),
			company(says("c1", "ana"), "Fabrikam")}, []string{other, other}},
		"one contradicts all the same": {[]intake.Row{company(says("c1", "bea"), "Fabrikam"), says("c1", "ana")},
			[]string{other, "refused conflicting_rows"}},
		"after one that cannot be read": {[]intake.Row{wrong(says("c1", "ana")),
			company(says("c1", "ana"), "Fabrikam"), says("c1", "ana"), says("c1", "ana")}, []string{bad, other, queued,
			same}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, newImportLab(t).words(t, test.rows...))
		})
	}
}

func TestOneTenantOfTwoPartners(t *testing.T) {
	lab := newImportLab(t)
	other := ledger.Partner{ID: "22222222-2222-4222-8222-222222222222", Name: "Other", Kind: partner.Kind}
	require.Equal(t, []string{"queued "}, lab.words(t, says("c1", "ana")))
	require.Equal(t, []string{"duplicate same_row"}, lab.words(t, says("c1", "ana")))
	lab.job.Partners = []ledger.Partner{other}
	require.Equal(t, []string{"queued ", "duplicate same_row"}, lab.words(t, says("c1", "ana"), says("c1", "ana")),
		"nothing was said to this partner")
}

func TestStrangersAreBounded(t *testing.T) {
	lab := newImportLab(t)
	var rows []intake.Row
	for i := range 1002 {
		rows = append(rows, says(fmt.Sprintf("c%d", i), "ana"))
	}
	words := lab.words(t, rows...)
	require.Equal(t, 1000, lab.asked)
	require.Equal(t, []string{"queued ", "refused unknown_customer", "refused unknown_customer"}, words[999:])
	a, err := lab.Attestation(t.Context(), attestation.ID{Batch: 1, Line: 1003})
	require.NoError(t, err)
	require.Contains(t, a.Message, "1000 others", "it does not say that nobody has the customer")
}

func TestAServiceThatIsDownRefusesNobody(t *testing.T) {
	lab := newImportLab(t)
	lab.job.LookUp = func(context.Context, ledger.Partner, string) (standing.Customer, bool, error) {
		return standing.Customer{}, false, errors.New("connection refused")
	}
	_, err := lab.job.Run(t.Context(), upload{says("c1", "ana")}, "may.csv", lab, today, true, unreported)
	require.EqualError(t, err, "look up customer c1: connection refused")
	batches, err := lab.RecentBatches(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, batches)
}
