package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
	"github.com/mcaledger/mcaledger/jobs"
)

// queued puts an approved attestation for every blocked customer of the simulated world into the ledger.
func (b *lab) queued(t *testing.T) (rows []attestation.Attestation) {
	t.Helper()
	world := b.sim.World()
	for i := range world.Len() {
		if word, _ := b.sim.Expect(i, true); word != "blocked" || !world.Listed(i) {
			continue
		}
		c := world.Customer(i)
		rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: len(rows) + 2}, PartnerID: partner.ID, CustomerID: c.TenantID,
			CustomerName: c.CompanyName, State: attestation.Queued, Content: attestation.Content{Agreed: "2026-11-20",
				Signer: standing.Contact{FirstName: "Ana", LastName: fmt.Sprintf("Souza %d", i), Email: fmt.Sprintf("ana%d@example.com", i), Phone: "+5511987654321"}}})
	}
	batch := b.imported(t, rows)
	for i := range rows {
		rows[i].ID.Batch = batch
	}
	return rows
}

// imported makes a batch of rows, and approves it.
func (b *lab) imported(t *testing.T, rows []attestation.Attestation) int64 {
	t.Helper()
	batch, err := b.store.Import(t.Context(), attestation.Batch{SHA256: "abc", ImportedBy: "ana", ImportedAt: today}, true,
		func(i *store.Import) error { return i.Add(t.Context(), rows) },
		func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil })
	require.NoError(t, err)
	_, err = b.store.Approve(t.Context(), batch.ID, "abc", "bea", today)
	require.NoError(t, err)
	return batch.ID
}

func (b *lab) submit(t *testing.T, ctx context.Context) (jobs.Submitted, error) {
	t.Helper()
	b.client.CorrelationID = "33333333-3333-4333-8333-333333333333"
	client, err := partnercenter.New(b.client)
	require.NoError(t, err)
	defer client.Close()
	queue, err := b.store.Queue(ctx, partner.ID, "test")
	require.NoError(t, err)
	return jobs.Submit{Concurrency: 8, Most: 10_000, Since: "2023-04-01", Service: client}.Run(ctx, queue, today)
}

// tookEffectOnce holds the service's own record against the rows: each once, under its one request id, with its words and date.
func (b *lab) tookEffectOnce(t *testing.T, rows []attestation.Attestation) {
	t.Helper()
	effects := map[string][]simulator.Effect{}
	for _, e := range b.sim.Effects() {
		effects[e.TenantID] = append(effects[e.TenantID], e)
	}
	for _, row := range rows {
		a, err := b.store.Attestation(t.Context(), row.ID)
		require.NoError(t, err)
		require.Equal(t, attestation.Confirmed, a.State, "%s %s", a.Reason, a.Message)
		took := effects[row.CustomerID]
		require.Len(t, took, 1, "%s took effect %d times", row.ID, len(took))
		e, s := took[0], row.Content.Signer
		require.Equal(t, a.RequestID, e.RequestID)
		require.Equal(t, []string{s.FirstName, s.LastName, s.Email, s.Phone}, []string{e.Contact.FirstName, e.Contact.LastName, e.Contact.Email, e.Contact.PhoneNumber})
		require.Equal(t, string(row.Content.Agreed)+"T00:00:00Z", e.DateAgreed)
	}
	require.Len(t, b.sim.Effects(), len(rows))
	all, err := b.store.Verify(t.Context())
	require.NoError(t, err)
	for _, v := range all {
		require.Empty(t, v.Problems)
	}
}

func TestEveryAttestationTakesEffectOnce(t *testing.T) {
	for name, options := range map[string]simulator.Options{
		"an easy night": {},
		"lost answers":  {Writes: simulator.Writes{LostAnswers: simulator.LostAnswers{ServerError: 0.1, Reset: 0.1, Truncated: 0.1, GatewayPage: 0.1}}},
		"lost requests": {Writes: simulator.Writes{LostRequests: simulator.LostRequests{ServerError: 0.2, Reset: 0.1}}},
		"a service that does not catch repeats": {Writes: simulator.Writes{NeverRemembers: true,
			LostAnswers: simulator.LostAnswers{ServerError: 0.2, Reset: 0.2}, LostRequests: simulator.LostRequests{ServerError: 0.1}}},
		"a service that catches nothing at all": {Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true,
			LostAnswers: simulator.LostAnswers{ServerError: 0.2, Reset: 0.2, PageWithStatus200: 0.1}}},
		"tokens that die": {KillTokensEvery: 40},
		"429s":            {Writes: simulator.Writes{Quota: 40}, Window: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time goes into waiting for lost answers
			options.Seed, options.Customers, options.Mix = 41, 400, simulator.MixAllKinds
			databases(t, func(t *testing.T, address string) {
				b := set(t, address, options)
				rows := b.queued(t)
				sent := 0
				for sent < len(rows) {
					done, err := b.submit(t, t.Context())
					require.NoError(t, err)
					require.Zero(t, done.Failed+done.Refused+done.AlreadyOnRecord)
					sent += done.Confirmed
				}
				b.tookEffectOnce(t, rows)
				done, err := b.submit(t, t.Context())
				require.NoError(t, err)
				require.Zero(t, done.Sent, "nothing is left")
			})
		})
	}
}

func TestARoleThatMayNotWriteStopsTheSubmission(t *testing.T) {
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 42, Customers: 400, Mix: simulator.MixAllKinds, MissingRole: simulator.RoleMissingOnWrites})
	rows := b.queued(t)
	done, err := b.submit(t, t.Context())
	refused, ok := errors.AsType[*partnercenter.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, partnercenter.RoleMissing, refused.Kind)
	require.LessOrEqual(t, done.Sent, 8, "one for each worker")
	require.Equal(t, done.Sent, done.RetryLater)
	for _, row := range rows {
		a, err := b.store.Attestation(t.Context(), row.ID)
		require.NoError(t, err)
		require.Equal(t, attestation.Approved, a.State)
	}
	require.Empty(t, b.sim.Effects())
}

func TestTwoHostsDrainOneQueue(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		b := set(t, address, simulator.Options{Seed: 43, Customers: 800, Mix: simulator.MixAllKinds,
			Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true, LostAnswers: simulator.LostAnswers{Reset: 0.1}}})
		rows := b.queued(t)
		ends := make(chan error, 3)
		for range cap(ends) {
			go func() {
				_, err := b.submit(t, t.Context())
				ends <- err
			}()
		}
		for range cap(ends) {
			require.NoError(t, <-ends)
		}
		b.tookEffectOnce(t, rows)
	})
}

func TestTheSameSignerIsSettledByReadingBack(t *testing.T) {
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 44, Customers: 400, Mix: simulator.MixAllKinds})
	world := b.sim.World()
	expected := map[string]attestation.State{}
	var rows []attestation.Attestation
	for i := range world.Len() {
		c := world.Customer(i)
		if c.Kind != simulator.Outdated && c.Kind != simulator.Attested || len(c.Agreements) != 1 || c.Agreements[0].Contact == nil || !world.Listed(i) {
			continue
		}
		p := c.Agreements[0].Contact
		rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: len(rows) + 2}, PartnerID: partner.ID, CustomerID: c.TenantID,
			State: attestation.Queued, Content: attestation.Content{Agreed: "2026-11-20",
				Signer: standing.Contact{FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Phone: p.PhoneNumber}}})
		expected[c.TenantID] = attestation.RefusedByMicrosoft
		if c.Kind == simulator.Attested {
			expected[c.TenantID] = attestation.AlreadyOnRecord
		}
	}
	require.NotEmpty(t, rows)
	batch := b.imported(t, rows)
	done, err := b.submit(t, t.Context())
	require.NoError(t, err)
	require.Equal(t, len(rows), done.Refused+done.AlreadyOnRecord)
	for a, err := range b.store.Attestations(t.Context(), batch) {
		require.NoError(t, err)
		require.Equal(t, expected[a.CustomerID], a.State)
		require.Equal(t, "600061", a.Answer.Code)
		if a.State == attestation.RefusedByMicrosoft {
			require.Contains(t, a.Hint, "another signer")
		}
	}
	require.Empty(t, b.sim.Effects())
}
