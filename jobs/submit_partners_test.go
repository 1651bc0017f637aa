package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/jobs"
)

// connection is a client as cmd wires it.
type connection struct{ *partnercenter.Client }

func (c connection) ForRun(correlationID string) jobs.PartnerService {
	return c.Client.ForRun(correlationID)
}

// OpenQueue makes the lab's store the queues of a submission.
func (b *lab) OpenQueue(ctx context.Context, partnerID string) (jobs.PartnerQueue, error) {
	return b.store.Queue(ctx, partnerID, attestation.Actor{Name: "test"})
}

func (b *lab) submitPartners(t *testing.T) (jobs.SubmittedAll, error) {
	t.Helper()
	partners := &jobs.Partners{List: []jobs.Partner{{Partner: partner, Concurrency: 4}},
		Open: func(jobs.Partner) (jobs.Connection, error) {
			client, err := partnercenter.New(b.client)
			return connection{client}, err
		}}
	defer partners.Close()
	return jobs.SubmitPartners{Partners: partners, Queues: b, Route: "classic", Ceiling: 1000, Since: "2023-04-01",
		Cooldown: 20 * time.Millisecond, Recheck: func(context.Context, jobs.Partner, []string) error { return nil },
		Now: now, Log: slog.New(slog.DiscardHandler)}.Run(t.Context())
}

// refusing puts a server before the lab's, which answers attestations itself.
func (b *lab) refusing(t *testing.T, status int, body string) {
	t.Helper()
	target, err := url.Parse(b.client.APIURL)
	require.NoError(t, err)
	behind := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/v1/") {
			w.WriteHeader(status)
			w.Write([]byte(body))
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b.client.APIURL = server.URL
}

// Microsoft retired the classic call: nothing fails, and one sentence says what happened and how to
// go on.
func TestTheClassicCallIsRetired(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"404 without a code":    {404, ``},
		"410":                   {410, `{"code":"Gone","description":"The API is retired."}`},
		"403 with unknown code": {403, `{"code":990011,"description":"Use the enhanced flow."}`},
		"405":                   {405, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 47, Customers: 300,
				Mix: simulator.MixAllKinds})
			rows := b.approved(t, 20, simulator.NeverAccepted)
			b.refusing(t, answer.status, answer.body)
			for range 2 {
				done, err := b.submitPartners(t)
				retired, ok := errors.AsType[*jobs.RetiredError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, len(rows), retired.Approved)
				require.Contains(t, err.Error(), "retired in January 2026; 20 attestations stay approved")
				require.Contains(t, retired.Hint(), "attestation.route to enhanced")
				require.Equal(t, "attestation_retired", retired.Code())
				require.Zero(t, done.Failed+done.Refused)
			}
			for _, row := range rows {
				a, err := b.store.Attestation(t.Context(), row.ID)
				require.NoError(t, err)
				require.Equal(t, attestation.Approved, a.Status())
			}
		})
	}
}

func TestSubmitPartnersCountsWhatIsLeft(t *testing.T) {
	t.Parallel()
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 48, Customers: 300,
		Mix: simulator.MixAllKinds})
	rows := b.approved(t, 5, simulator.NeverAccepted)
	done, err := b.submitPartners(t)
	require.NoError(t, err)
	require.Equal(t, len(rows), done.Confirmed)
	require.Zero(t, done.RetryLater)
}
