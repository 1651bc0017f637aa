package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// odd is a service that answers as a test wants, with a ledger and the real client before it.
type odd struct {
	store *store.Store
	job   jobs.Reconcile

	mu    sync.Mutex
	asked map[string]int                                                // requests by path
	list  func(w http.ResponseWriter, r *http.Request)                  // nil: all customers on one page
	read  func(w http.ResponseWriter, r *http.Request, id, what string) // nil: everybody attested in 2024
	login func(w http.ResponseWriter)                                   // nil: a token
	ids   []string
}

// id is the tenant id of customer n.
func id(n int) string { return fmt.Sprintf("%08d-aaaa-4bbb-8ccc-%012d", n, n) }

func newOdd(t *testing.T, customers int) *odd {
	t.Helper()
	o := &odd{asked: map[string]int{}}
	for n := range customers {
		o.ids = append(o.ids, id(n))
	}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	var err error
	o.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { o.store.Close() })
	require.NoError(t, o.store.Migrate(t.Context()))
	options := partnercenter.Options{APIURL: server.URL, RequestsPerMinute: 1_000_000, Concurrency: 8,
		Timeout: 20 * time.Second, Attempts: 1, Application: "test", Kind: partner.Kind,
		Credentials: partnercenter.Credentials{LoginURL: server.URL, TenantID: partner.ID, ClientID: "client",
			ClientSecret: "secret"}}
	o.job = jobs.Reconcile{
		Policy: standing.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}, Kind: partner.Kind,
		Concurrency: 4, MaxGonePercent: 5, ResumeWithin: 6 * time.Hour, Version: "test", CorrelationID: id(999),
		Connect: func(correlationID string) (jobs.Service, error) {
			client, err := partnercenter.New(options)
			if err != nil {
				return nil, err
			}
			return client.ForRun(correlationID), nil
		},
	}
	return o
}

func (o *odd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked[r.URL.Path]++
	o.mu.Unlock()
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/customers/"), "/")
	switch {
	case strings.HasSuffix(r.URL.Path, "/token"):
		if o.login != nil {
			o.login(w)
			return
		}
		answer(w, 200, `{"access_token":"access","expires_in":3599}`)
	case r.URL.Path == "/v1/customers" && o.list != nil:
		o.list(w, r)
	case r.URL.Path == "/v1/customers":
		answer(w, 200, page("", o.ids...))
	case o.read != nil:
		o.read(w, r, part[0], strings.Join(part[1:], "/"))
	default:
		attested(w, part[0], strings.Join(part[1:], "/"), "2024-05-06")
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// page is one page of a list; next is where it goes on.
func page(next string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items,
			fmt.Sprintf(`{"id":%q,"companyProfile":{"companyName":"Customer"},"relationshipToPartner":"reseller"}`, id))
	}
	link := ""
	if next != "" {
		link = fmt.Sprintf(`,"links":{"next":{"uri":%q}}`, next)
	}
	return fmt.Sprintf(`{"totalCount":%d,"items":[%s]%s}`, len(items), strings.Join(items, ","), link)
}

// attested answers the reads of a customer whose agreement is of a day.
func attested(w http.ResponseWriter, id, what, day string) {
	switch what {
	case "":
		answer(w, 200, fmt.Sprintf(`{"id":%q,"relationshipToPartner":"reseller"}`, id))
	case "agreements":
		answer(w, 200, fmt.Sprintf(`{"totalCount":1,"items":[{"type":"MicrosoftCustomerAgreement","dateAgreed":%q}]}`,
			day))
	default:
		answer(w, 200, `{"isSigned":false}`)
	}
}

// night runs the job n days after today.
func (o *odd) night(t *testing.T, n int) (result jobs.Result, err error) {
	t.Helper()
	return o.run(t, clock(today.AddDate(0, 0, n)))
}

func (o *odd) run(t *testing.T, now func() time.Time) (result jobs.Result, err error) {
	t.Helper()
	err = o.store.Hold(t.Context(), partner, func(ctx context.Context, lease *store.Lease) error {
		result, err = o.job.Run(ctx, lease, now)
		return err
	})
	return result, err
}

func (o *odd) good(t *testing.T, n int) jobs.Result {
	t.Helper()
	result, err := o.night(t, n)
	require.NoError(t, err)
	return result
}

// standings are the customers of the last completed run by standing and reason.
func (o *odd) standings(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, record := range o.records(t) {
		counts[string(record.Standing)+" "+string(record.Reason)]++
	}
	return counts
}

func (o *odd) records(t *testing.T) (records []standing.Record) {
	t.Helper()
	runs, err := o.store.CompletedRuns(t.Context(), partner.ID, today.AddDate(1, 0, 0), 1)
	require.NoError(t, err)
	if len(runs) == 0 {
		return nil
	}
	for record, err := range o.store.Records(t.Context(), partner.ID, runs[0].ID, "") {
		require.NoError(t, err)
		records = append(records, record)
	}
	return records
}

func (o *odd) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = map[string]int{}
}

func (o *odd) requests(of string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for path, times := range o.asked {
		if strings.Contains(path, of) {
			n += times
		}
	}
	return n
}

// A fault of the list is nobody's standing, although customers of its first page are being read.
func TestFaultOfTheListSaysNothingOfItsCustomers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request){
		"404 with the code of a missing tenant": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 404, `{"code":1000}`)
		},
		"403 with the code of an ended one": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 403, `{"code":20002}`)
		},
		"an empty 404": func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "") },
		"an empty 403": func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "") },
		"500":          func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "") },
		"401": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 401, `{"code":400}`)
		},
		"a page of a gateway": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 200, "<html>")
		},
		"a page without items": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 200, `{"totalCount":7}`)
		},
		"a pause of a day": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			answer(w, 429, "")
		},
		"a closed connection":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a link to another host": nil,
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		},
		"a list that goes in circle": func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, 200, page("/customers?size=500", id(99)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOdd(t, 30)
			reading := make(chan struct{})
			var once sync.Once
			o.read = func(_ http.ResponseWriter, r *http.Request, _, _ string) {
				once.Do(func() { close(reading) })
				<-r.Context().Done() // until the client hangs up
			}
			o.list = func(w http.ResponseWriter, r *http.Request) {
				second := r.URL.Query().Has("second")
				switch {
				case second:
					<-reading
					fault(w, r)
				case fault == nil:
					answer(w, 200, page("https://evil.example/v1/customers?second=1", o.ids...))
				default:
					answer(w, 200, page("/customers?second=1", o.ids...))
				}
			}
			result, err := o.night(t, 0)
			require.ErrorContains(t, err, "list customers")
			require.Equal(t, ledger.Running, result.Run.State)
			run, err := o.store.Run(t.Context(), result.Run.ID)
			require.NoError(t, err)
			require.Contains(t, run.Failure.Message, "list customers", "the workbook can say why")

			o.list, o.read = nil, nil
			again, err := o.run(t, clock(today.Add(time.Minute)))
			require.NoError(t, err)
			require.Equal(t, map[string]int{"clear attested": 30}, o.standings(t))
			require.Equal(t, 30, again.Run.Totals.Clear)
		})
	}
}

// Waves are not believed: the run fails a named check, no standing changes, and what was read is
// kept.
func TestWavesAreNotBelieved(t *testing.T) {
	t.Parallel()
	const customers = 40
	for name, c := range map[string]struct {
		status int
		body   string
		check  ledger.CheckName
		seen   string
	}{
		"not found, for everybody": {404, `{"code":60003,"message":"Tenant not found"}`, ledger.CheckPresent,
			"404, code 60003"},
		"no relationship, for everybody":  {403, `{"code":20002}`, ledger.CheckPresent, "403, code 20002"},
		"no relationship, the other code": {403, `{"code":"900159"}`, ledger.CheckPresent, "403, code 900159"},
		"an empty 404":                    {404, ``, ledger.CheckReadable, "answered 404"},
		"a 404 of a gateway that has JSON": {404, `{"statusCode":404,"message":"Resource not found"}`,
			ledger.CheckReadable, "answered 404"},
		"a moved address":                  {301, ``, ledger.CheckReadable, "answered 301"},
		"gone":                             {410, ``, ledger.CheckReadable, "answered 410"},
		"the role is missing":              {403, ``, ledger.CheckReadable, "answered 403"},
		"the partner agreement is missing": {403, `{"code":900124}`, ledger.CheckReadable, "403, code 900124"},
		"an agreement of an unknown type": {200,
			`{"items":[{"type":"MicrosoftCustomerAgreementV2","dateAgreed":"2026-01-01"}],"isSigned":false}`,
			ledger.CheckReadable, "answered 200"},
		"an answer that makes no sense":      {200, `{"items":7}`, ledger.CheckReadable, "answered 200"},
		"a conflict that nobody understands": {409, `{"code":4711}`, ledger.CheckReadable, "409, code 4711"},
	} {
		for scope, share := range map[string]int{"everybody": 1, "every fourth": 4} {
			t.Run(name+", "+scope, func(t *testing.T) {
				t.Parallel()
				o := newOdd(t, customers)
				o.good(t, 0)
				before := o.records(t)
				wave := func(w http.ResponseWriter, _ *http.Request, id, what string) {
					if slices.Index(o.ids, id)%share == 0 {
						answer(w, c.status, c.body)
						return
					}
					attested(w, id, what, "2024-05-06")
				}
				o.read = wave
				_, err := o.night(t, 1)
				unbalanced, ok := errors.AsType[*jobs.UnbalancedError](err)
				require.True(t, ok, "%v", err)
				require.Contains(t, err.Error(), c.seen, "the sentence says what was seen")
				require.NotContains(t, unbalanced.Hint(), "this customer", "the hint is about all of them")
				if c.check == ledger.CheckPresent {
					require.Contains(t, unbalanced.Hint(), "tenant_id")
				}
				for _, check := range unbalanced.Run.Checks {
					require.Equal(t, check.Name != c.check, check.OK, check.Name)
				}
				require.Equal(t, ledger.Failed, unbalanced.Run.State)
				require.Equal(t, before, o.records(t), "no standing changes")

				o.read = nil
				o.forget()
				again, err := o.run(t, clock(today.AddDate(0, 0, 1).Add(time.Hour)))
				require.NoError(t, err)
				require.Equal(t, share > 1, again.Resumed)
				require.Equal(t, customers/share, o.requests("/agreements"), "what was read is not read again")
				require.Equal(t, map[string]int{"clear attested": customers}, o.standings(t))
				require.Zero(t, again.Run.Totals.NewlyClear+again.Run.Totals.New+again.Run.Totals.Gone)
			})
		}
	}
}

// A service that has lost its records answers as if nobody had ever accepted. That is not believed
// either, and nothing of it is kept for the next attempt.
func TestLostAcceptancesAreNotBelieved(t *testing.T) {
	t.Parallel()
	const customers = 40
	o := newOdd(t, customers)
	o.good(t, 0)
	before := o.records(t)
	o.read = func(w http.ResponseWriter, _ *http.Request, _, _ string) {
		answer(w, 200, `{"items":[],"isSigned":false}`)
	}
	_, err := o.night(t, 1)
	unbalanced, ok := errors.AsType[*jobs.UnbalancedError](err)
	require.True(t, ok, "%v", err)
	require.Contains(t, err.Error(), "40 of the 40 customers that could buy lost their acceptance")
	require.Contains(t, unbalanced.Hint(), "max_gone_percent")
	require.Equal(t, before, o.records(t), "no standing changes")

	o.read = nil
	o.forget()
	again, err := o.run(t, clock(today.AddDate(0, 0, 1).Add(time.Hour)))
	require.NoError(t, err)
	require.Equal(t, customers, o.requests("/agreements"), "all are read again")
	require.Zero(t, again.Run.Totals.NewlyClear+again.Run.Totals.NewlyBlocked)

	o.read = func(w http.ResponseWriter, _ *http.Request, _, _ string) {
		answer(w, 200, `{"items":[],"isSigned":false}`)
	}
	o.job.MaxGonePercent = 100
	believed, err := o.night(t, 2)
	require.NoError(t, err)
	require.Equal(t, customers, believed.Run.Totals.NewlyBlocked, "a person believes it")
}

func TestFirstNightOnWhichNobodyIsReadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		customers, status int
		body              string
		fails             ledger.CheckName // empty: it is a good night
	}{
		{40, 403, ``, ledger.CheckReadable},
		{40, 404, ``, ledger.CheckReadable},
		{40, 403, `{"code":20002}`, ledger.CheckPresent},
		{1, 403, ``, ledger.CheckReadable},
		{1, 403, `{"code":20002}`, ""},
		{1, 404, `{"code":1000}`, ""},
	} {
		t.Run(fmt.Sprint(c.customers, " customers answered ", c.status, c.body), func(t *testing.T) {
			t.Parallel()
			o := newOdd(t, c.customers)
			o.read = func(w http.ResponseWriter, _ *http.Request, _, _ string) { answer(w, c.status, c.body) }
			_, err := o.night(t, 0)
			if c.fails == "" {
				require.NoError(t, err)
				return
			}
			unbalanced, ok := errors.AsType[*jobs.UnbalancedError](err)
			require.True(t, ok, "%v", err)
			require.ErrorContains(t, err, string(c.fails)+" (")
			require.Contains(t, unbalanced.Hint(), "max_gone_percent")
		})
	}
}

func TestOneCustomerInTwoSpellings(t *testing.T) {
	t.Parallel()
	o := newOdd(t, 3)
	upper := strings.ToUpper(o.ids[1])
	o.list = func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, page("", o.ids[0], upper, o.ids[1], o.ids[2]))
	}
	first := o.good(t, 0)
	require.Equal(t, 3, first.Run.Totals.Listed)
	require.Equal(t, 1, o.requests(upper+"/agreements"), "the service is asked in its own spelling")
	require.Equal(t, 3, o.requests("/agreements"))
	for _, record := range o.records(t) {
		require.Equal(t, strings.ToLower(record.ID), record.ID)
		if record.ID == o.ids[1] {
			require.Equal(t, upper, record.DisplayID)
		}
	}
	for n, spelling := range []string{o.ids[1], "{" + upper + "}", strings.ReplaceAll(o.ids[1], "-", ""), upper} {
		o.list = func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, page("", o.ids[0], spelling, o.ids[2])) }
		next := o.good(t, n+1)
		require.Zero(t, next.Run.Totals.New+next.Run.Totals.Gone+next.Run.Totals.Unlisted)
		for _, record := range o.records(t) {
			if record.ID == o.ids[1] {
				require.Equal(t, upper, record.DisplayID, "the first spelling is kept")
			}
		}
	}
}

func TestEndlessListsEnd(t *testing.T) {
	t.Parallel()
	t.Run("in circles under ever new tokens", func(t *testing.T) {
		t.Parallel()
		o := newOdd(t, 5)
		pages := 0
		o.list = func(w http.ResponseWriter, _ *http.Request) {
			pages++
			answer(w, 200, page(fmt.Sprintf("/customers?token=%d", pages), o.ids...))
		}
		_, err := o.night(t, 0)
		require.ErrorContains(t, err, "named no new customer")
		coded, ok := errors.AsType[jobs.CodedError](err)
		require.True(t, ok)
		require.Equal(t, "list_endless", coded.Code())
		require.NotEmpty(t, coded.Hint())
		require.Less(t, pages, 20)
	})
	t.Run("of empty pages", func(t *testing.T) {
		t.Parallel()
		o := newOdd(t, 0)
		pages := 0
		o.list = func(w http.ResponseWriter, _ *http.Request) {
			pages++
			answer(w, 200, page(fmt.Sprintf("/customers?token=%d", pages)))
		}
		_, err := o.night(t, 0)
		require.ErrorContains(t, err, "named no new customer")
	})
	t.Run("of ever new customers", func(t *testing.T) {
		t.Parallel()
		o := newOdd(t, 5)
		o.good(t, 0)
		pages := 0
		o.list = func(w http.ResponseWriter, _ *http.Request) {
			pages++
			var ids []string
			for n := range 500 {
				ids = append(ids, id(pages*1000+n))
			}
			answer(w, 200, page(fmt.Sprintf("/customers?token=%d", pages), ids...))
		}
		_, err := o.night(t, 1)
		require.ErrorContains(t, err, "the list is endless")
		require.Less(t, pages, 30)
	})
	t.Run("some pages without anybody new are no circle", func(t *testing.T) {
		t.Parallel()
		o := newOdd(t, 5)
		pages := 0
		o.list = func(w http.ResponseWriter, _ *http.Request) {
			if pages++; pages < 9 {
				answer(w, 200, page(fmt.Sprintf("/customers?token=%d", pages)))
				return
			}
			answer(w, 200, page("", o.ids...))
		}
		require.Equal(t, 5, o.good(t, 0).Run.Totals.Listed)
	})
}

func TestPartnerWithoutCustomers(t *testing.T) {
	t.Parallel()
	o := newOdd(t, 1)
	all := o.ids
	o.ids = nil
	require.Zero(t, o.good(t, 0).Run.Totals.Listed)
	require.Zero(t, o.good(t, 1).Run.Totals.Listed)
	o.ids = all
	require.Equal(t, 1, o.good(t, 2).Run.Totals.New)
	o.ids = nil
	o.read = func(w http.ResponseWriter, _ *http.Request, _, _ string) { answer(w, 404, `{"code":1000}`) }
	last := o.good(t, 3).Run.Totals
	require.Equal(t, []int{0, 1, 1}, []int{last.Listed, last.Gone, last.GoneConfirmed},
		"a read says that the only customer left")
	require.Empty(t, o.records(t))
}

func TestUnlistedCustomersAreGoneOnlyWhenTheServiceSaysSo(t *testing.T) {
	t.Parallel()
	for body, gone := range map[string]int{`{"code":1000}`: 1, `{"code":60003}`: 1, ``: 0, `{"code":4711}`: 0,
		`{"statusCode":404}`: 0} {
		o := newOdd(t, 30)
		o.good(t, 0)
		left := o.ids[7]
		o.ids = slices.Delete(slices.Clone(o.ids), 7, 8)
		o.read = func(w http.ResponseWriter, _ *http.Request, id, what string) {
			if id == left {
				answer(w, 404, body)
				return
			}
			attested(w, id, what, "2024-05-06")
		}
		totals := o.good(t, 1).Run.Totals
		require.Equal(t, gone, totals.Gone, body)
		require.Equal(t, 1-gone, totals.Unreadable, body)
	}
}

func TestUnknownAgreementTypeIsUnreadable(t *testing.T) {
	t.Parallel()
	const unknown = `{"type":"MicrosoftCustomerAgreementV2","dateAgreed":"2026-01-01"}`
	const old = `{"type":"MicrosoftCustomerAgreement","dateAgreed":"2020-01-01"}`
	const recent = `{"type":"MicrosoftCustomerAgreement","dateAgreed":"2024-01-01"}`
	answers := map[string]string{id(0): unknown, id(1): old + "," + unknown, id(2): unknown + "," + recent,
		id(3): unknown, id(4): recent}
	o := newOdd(t, len(answers))
	o.read = func(w http.ResponseWriter, _ *http.Request, id, what string) {
		switch {
		case what == "agreements":
			answer(w, 200, `{"items":[`+answers[id]+`]}`)
		default:
			answer(w, 200, fmt.Sprintf(`{"isSigned":%t}`, id == o.ids[3]))
		}
	}
	o.good(t, 0)
	want := map[string]standing.Reason{id(0): standing.Unreadable, id(1): standing.Unreadable, id(2): standing.Attested,
		id(3): standing.AcceptedDirectly, id(4): standing.Attested}
	for _, record := range o.records(t) {
		require.Equal(t, want[record.ID], record.Reason, record.ID)
		if record.Reason == standing.Unreadable {
			require.Contains(t, record.ReadError.Message, "MicrosoftCustomerAgreementV2")
		}
	}
}

// The effects of a change of policy are told apart from what customers did.
func TestPolicyChange(t *testing.T) {
	t.Parallel()
	dates := map[string]string{id(0): "2024-05-06", id(1): "2023-06-01", id(2): "2023-06-01", id(3): "2020-01-01",
		id(4): "2020-01-01"}
	direct := map[string]bool{id(5): true, id(6): true}
	o := newOdd(t, 7)
	o.read = func(w http.ResponseWriter, _ *http.Request, id, what string) {
		if what == "agreements" && dates[id] == "" {
			answer(w, 404, `{"code":600009}`)
		} else if what == "agreements" {
			attested(w, id, what, dates[id])
		} else {
			answer(w, 200, fmt.Sprintf(`{"isSigned":%t}`, direct[id]))
		}
	}
	first := o.good(t, 0).Run.Totals
	require.Equal(t, []int{5, 2, 2}, []int{first.Clear, first.Blocked, first.NewlyBlocked})

	o.job.Policy = standing.Policy{AcceptedSince: "2024-01-01", TrustDirectAcceptance: false}
	dates[id(2)], dates[id(3)] = "2020-01-01", "2025-01-01" // these two changed by themselves
	second := o.good(t, 1).Run.Totals
	require.Equal(t, []int{2, 5}, []int{second.Clear, second.Blocked})
	require.Equal(t, []int{4, 3}, []int{second.NewlyBlocked, second.BlockedByPolicy},
		"one of the four would be blocked under the old policy too")
	require.Equal(t, []int{1, 0}, []int{second.NewlyClear, second.ClearedByPolicy})
	byPolicy := map[string]bool{}
	for _, record := range o.records(t) {
		byPolicy[record.ID] = record.PolicyChanged
	}
	want := map[string]bool{id(0): false, id(1): true, id(2): false, id(3): false, id(4): false, id(5): true,
		id(6): true}
	require.True(t, maps.Equal(want, byPolicy), "%v", byPolicy)

	third := o.good(t, 2).Run.Totals
	require.Zero(t, third.NewlyBlocked+third.NewlyClear+third.BlockedByPolicy)

	o.job.Policy = standing.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}
	fourth := o.good(t, 3).Run.Totals
	require.Equal(t, []int{3, 3}, []int{fourth.NewlyClear, fourth.ClearedByPolicy})
}

func TestFewCustomersAreReadAgain(t *testing.T) {
	t.Parallel()
	o := newOdd(t, 6)
	recheck := func(ids ...string) jobs.Result {
		t.Helper()
		o.job.Scope = jobs.These(ids...)
		defer func() { o.job.Scope = jobs.All() }()
		return o.good(t, 0)
	}
	require.Zero(t, recheck(o.ids[0]), "before the first night there is nothing to do")
	o.read = func(w http.ResponseWriter, _ *http.Request, id, what string) { attested(w, id, what, "2020-05-06") }
	o.good(t, 0)
	o.read = nil
	o.forget()
	again := recheck(o.ids[1], o.ids[4], id(77))
	require.Equal(t, ledger.Recheck, again.Run.Kind)
	require.Equal(t, 2, o.requests("/agreements"))
	require.Equal(t, []int{6, 4, 2, 2}, []int{again.Run.Totals.Listed, again.Run.Totals.Blocked,
		again.Run.Totals.NoLongerBlocked, again.Run.Totals.NewlyClear})
	require.Equal(t, map[string]int{"clear attested": 2, "blocked outdated": 4}, o.standings(t))

	require.Zero(t, recheck(), "nobody is nobody")
	require.Zero(t, recheck(id(77)))
	o.job.Policy.AcceptedSince = "2024-01-01"
	require.Zero(t, recheck(o.ids[0]), "under another policy than the others were judged by, it waits for the night")
}

func TestFailureOfAnAttemptIsKept(t *testing.T) {
	t.Parallel()
	o := newOdd(t, 3)
	o.login = func(w http.ResponseWriter) {
		answer(w, 400, `{"error":"invalid_grant","error_description":"AADSTS53003: jan@partner.example is blocked"}`)
	}
	result, err := o.night(t, 0)
	require.ErrorContains(t, err, "AADSTS53003")
	run, err := o.store.Run(t.Context(), result.Run.ID)
	require.NoError(t, err)
	require.Equal(t, "sign_in_failed", run.Failure.Code)
	require.Contains(t, run.Failure.Message, "AADSTS53003")
	require.NotContains(t, run.Failure.Message, "jan@")
	require.Contains(t, run.Failure.Hint, "Conditional Access")

	o.login = nil
	good := o.good(t, 0)
	require.Zero(t, good.Run.Failure)
	run, err = o.store.Run(t.Context(), good.Run.ID)
	require.NoError(t, err)
	require.Zero(t, run.Failure)
}
