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
	"github.com/mcaledger/mcaledger/internal/testsize"
	"github.com/mcaledger/mcaledger/jobs"
)

// queued puts an approved attestation for every blocked customer of the simulated world into the
// ledger.
func (b *lab) queued(t *testing.T) (rows []attestation.Attestation) {
	t.Helper()
	world := b.sim.World()
	for i := range world.Len() {
		if word, _ := b.sim.Expect(i, true); word != "blocked" || !world.Listed(i) {
			continue
		}
		c := world.Customer(i)
		rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: len(rows) + 2}, PartnerID: partner.ID,
			CustomerID: c.TenantID, CustomerName: c.CompanyName, State: attestation.Queued,
			Content: attestation.Content{Agreed: "2026-11-20",
				Signer: standing.Contact{FirstName: "Ana", LastName: fmt.Sprintf("Souza %d", i),
					Email: fmt.Sprintf("ana%d@example.com", i), Phone: "+5511987654321"}}})
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
	return b.importedAt(t, rows, today)
}

func (b *lab) importedAt(t *testing.T, rows []attestation.Attestation, at time.Time) int64 {
	t.Helper()
	batch, err := b.store.Import(t.Context(),
		attestation.NewBatch{Batch: attestation.Batch{SHA256: "abc", ImportedBy: attestation.Actor{Name: "ana"},
			ImportedAt: at}, Keep: true}, func(i *store.Import) error { return i.Add(t.Context(), rows) },
		func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error { return nil })
	require.NoError(t, err)
	_, err = b.store.Approve(t.Context(), attestation.Approval{Batch: batch.ID, SHA256: "abc",
		By: attestation.Actor{Name: "bea"}, At: today})
	require.NoError(t, err)
	return batch.ID
}

func (b *lab) submit(t *testing.T, ctx context.Context) (jobs.Submitted, error) {
	t.Helper()
	client, err := partnercenter.New(b.client)
	require.NoError(t, err)
	defer client.Close()
	queue, err := b.store.Queue(ctx, partner.ID, attestation.Actor{Name: "test"})
	require.NoError(t, err)
	return jobs.Submit{Route: &jobs.Classic{Service: client, Since: "2023-04-01"}, Record: client, Since: "2023-04-01",
		Concurrency: 8, Most: 10_000, Cooldown: 20 * time.Millisecond}.
		Run(ctx, queue, now)
}

func now() time.Time { return today }

// tookEffectOnce holds the service's own record against the rows: each once, under its one request
// id, with its words and date.
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
		require.Equal(t, []string{s.FirstName, s.LastName, s.Email, s.Phone},
			[]string{e.Contact.FirstName, e.Contact.LastName, e.Contact.Email, e.Contact.PhoneNumber})
		require.Equal(t, string(row.Content.Agreed)+"T00:00:00Z", e.DateAgreed)
	}
	require.Len(t, b.sim.Effects(), len(rows))
	found, err := b.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Problems)
}

func TestEveryAttestationTakesEffectOnce(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]simulator.Options{
		"an easy night": {},
		"lost answers": {Writes: simulator.Writes{LostAnswers: simulator.LostAnswers{ServerError: 0.1, Reset: 0.1,
			Truncated: 0.1, GatewayPage: 0.1}}},
		"lost requests": {Writes: simulator.Writes{LostRequests: simulator.LostRequests{ServerError: 0.2, Reset: 0.1}}},
		"a service that does not catch repeats": {Writes: simulator.Writes{NeverRemembers: true,
			LostAnswers:  simulator.LostAnswers{ServerError: 0.2, Reset: 0.2},
			LostRequests: simulator.LostRequests{ServerError: 0.1}}},
		"a service that catches nothing at all": {Writes: simulator.Writes{NeverRemembers: true,
			DuplicatesAllowed: true, LostAnswers: simulator.LostAnswers{ServerError: 0.2, Reset: 0.2,
				PageWithStatus200: 0.1}}},
		"tokens that die": {KillTokensEvery: 40},
		"429s":            {Writes: simulator.Writes{Quota: 40}, Window: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time goes into waiting for lost answers
			options.Seed, options.Customers, options.Mix = 41, testsize.Of(200, 400), simulator.MixAllKinds
			takesEffectOnce := func(t *testing.T, address string) {
				t.Helper()
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
			}
			// Of a fault the ledger learns only whether the outcome is known. All outcomes occur
			// where nothing is caught, so the other faults need one database.
			if name == "an easy night" || name == "a service that catches nothing at all" {
				databases(t, takesEffectOnce)
			} else {
				takesEffectOnce(t, sqliteLedger(t))
			}
		})
	}
}

func TestARoleThatMayNotWriteStopsTheSubmission(t *testing.T) {
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 42, Customers: 400,
		Mix: simulator.MixAllKinds, MissingRole: simulator.RoleMissingOnWrites})
	rows := b.queued(t)
	done, err := b.submit(t, t.Context())
	refused, ok := errors.AsType[*partnercenter.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, partnercenter.RoleMissing, refused.Kind)
	require.LessOrEqual(t, done.Sent, 10+8, "ten customers in a row, and what the workers have in their hands")
	require.Equal(t, done.Sent, done.RetryLater)
	for _, row := range rows {
		a, err := b.store.Attestation(t.Context(), row.ID)
		require.NoError(t, err)
		require.Equal(t, attestation.Approved, a.State)
	}
	require.Empty(t, b.sim.Effects())
}

// approved puts attestations for all customers of some kinds into the ledger, in the order of the
// kinds.
func (b *lab) approved(t *testing.T, most int, kinds ...simulator.Kind) (rows []attestation.Attestation) {
	t.Helper()
	return b.approvedAt(t, today, most, kinds...)
}

// approvedAt is approved, imported at an instant.
func (b *lab) approvedAt(t *testing.T, at time.Time, most int,
	kinds ...simulator.Kind) (rows []attestation.Attestation) {
	t.Helper()
	world := b.sim.World()
	for _, kind := range kinds {
		some := most
		for i := range world.Len() {
			if c := world.Customer(i); c.Kind == kind && world.Listed(i) && some > 0 {
				some--
				rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: len(rows) + 2},
					PartnerID: partner.ID, CustomerID: c.TenantID, State: attestation.Queued,
					Content: attestation.Content{Agreed: "2026-11-20",
						Signer: standing.Contact{FirstName: "Ana", LastName: "Souza",
							Email: fmt.Sprintf("ana%d@example.com", i)}}})
			}
		}
	}
	batch := b.importedAt(t, rows, at)
	for i := range rows {
		rows[i].ID.Batch = batch
	}
	return rows
}

func TestOneCustomersMissingRightFailsItsRowAlone(t *testing.T) {
	for name, empty := range map[string]bool{"900308": false, "an empty 403": true} {
		t.Run(name, func(t *testing.T) {
			b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 45, Customers: 400,
				Mix: simulator.MixAllKinds, EmptyForbidden: empty})
			// fewer refused ones in a row than would be refused for the caller's sake
			rows := b.approved(t, 3, simulator.RoleMissing, simulator.RelationshipEnded, simulator.Vanished,
				simulator.NeverAccepted)
			done, err := b.submit(t, t.Context())
			require.NoError(t, err)
			require.Equal(t, jobs.Submitted{Sent: 12, Confirmed: 3, Failed: 9, Customers: done.Customers}, done)
			for i, row := range rows {
				a, err := b.store.Attestation(t.Context(), row.ID)
				require.NoError(t, err)
				if i >= 9 {
					require.Equal(t, attestation.Confirmed, a.State)
					continue
				}
				require.Equal(t, attestation.Failed, a.State)
				require.Equal(t, attestation.CustomerRefused, a.Reason)
				require.Contains(t, a.Hint, []string{"Admin agent or Sales agent", "relationship request",
					"does not know this customer"}[i/3])
				require.Contains(t, a.Hint, "attest retry "+row.ID.String())
				require.Equal(t, []int{403, 403, 404}[i/3], a.Answer.Status)
			}
		})
	}
}

func TestWhereNobodyIsTakenNothingIsDecided(t *testing.T) {
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 45, Customers: 400,
		Mix: simulator.MixAllKinds})
	rows := b.approved(t, 3, simulator.RoleMissing)
	for range 2 {
		done, err := b.submit(t, t.Context())
		refused, ok := errors.AsType[*partnercenter.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, partnercenter.RoleMissing, refused.Kind)
		require.Equal(t, jobs.Submitted{Sent: 3, RetryLater: 3}, done)
		for _, row := range rows {
			a, err := b.store.Attestation(t.Context(), row.ID)
			require.NoError(t, err)
			require.Equal(t, attestation.Approved, a.State)
		}
	}
}

// desk is a queue and a service in one, of which a test knows what each attestation meets.
type desk struct {
	claims   []attestation.Claim
	tooLate  map[int]error // lines whose claim is over when the request is to leave
	answer   func(line int) (attestation.SendResult, error)
	open     int
	settled  map[int]attestation.Settlement
	attested []int

	onRecord  []standing.Agreement
	readError error
	read      int // reads of what is on record
}

func (d *desk) Template(context.Context) (string, error) { return "template", nil }

func (d *desk) Agreements(context.Context, string) ([]standing.Agreement, error) {
	d.read++
	return d.onRecord, d.readError
}

func (d *desk) Attest(_ context.Context, a attestation.Attestation,
	_ attestation.Request) (attestation.Answer, attestation.SendResult, error) {
	d.attested = append(d.attested, a.ID.Line)
	result, err := d.answer(a.ID.Line)
	return attestation.Answer{}, result, err
}

func (d *desk) Claim(context.Context, standing.Date, attestation.Work) (*attestation.Claim, error) {
	if len(d.claims) == 0 {
		return nil, nil
	}
	c := d.claims[0]
	d.claims = d.claims[1:]
	return &c, nil
}

func (d *desk) Open(ctx context.Context, c *attestation.Claim, _ attestation.Request, _ time.Duration) error {
	if d.tooLate[c.ID.Line] == context.DeadlineExceeded {
		<-ctx.Done() // and the database did not answer until then
	}
	if d.tooLate[c.ID.Line] == nil {
		c.OpenRequest++
	}
	return d.tooLate[c.ID.Line]
}

func (d *desk) OpenRequests(context.Context) (int, time.Duration, error) { return d.open, 0, nil }

func (d *desk) Settle(_ context.Context, c *attestation.Claim, s attestation.Settlement, _ time.Time) error {
	d.settled[c.ID.Line] = s
	return nil
}

// newDesk is a desk with a claim for each line; those that may be delivered were sent before.
func newDesk(lines int, maybeDelivered bool) *desk {
	d := &desk{tooLate: map[int]error{}, settled: map[int]attestation.Settlement{},
		answer: func(int) (attestation.SendResult, error) { return attestation.ResultSucceeded, nil }}
	for line := range lines {
		d.claims = append(d.claims,
			attestation.Claim{Attestation: attestation.Attestation{ID: attestation.ID{Batch: 1, Line: line},
				State: attestation.Approved},
				Until: time.Now().Add(time.Minute), MaybeDelivered: maybeDelivered, ImportedAt: today,
				ApprovedAt: today})
	}
	return d
}

func (d *desk) submit(t *testing.T) (jobs.Submitted, error) {
	t.Helper()
	return jobs.Submit{Route: &jobs.Classic{Service: d, Since: "2023-04-01"}, Record: d, Since: "2023-04-01",
		Concurrency: 1, Most: 1000, Cooldown: time.Minute}.Run(t.Context(), d, now)
}

// The process was woken, and its claim was over though nobody had taken it: the others are sent all
// the same.
func TestAClaimThatIsOverDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	for _, maybeDelivered := range []bool{false, true} {
		for _, over := range []error{attestation.ErrClaimLost, context.DeadlineExceeded} {
			d := newDesk(3, maybeDelivered)
			d.tooLate[1], d.claims[1].Until = over, time.Now().Add(10*time.Millisecond)
			_, err := d.submit(t)
			require.NoError(t, err)
			require.Equal(t, []int{0, 2}, d.attested)
			require.Equal(t, attestation.Approved, d.settled[1].State)
			require.Empty(t, d.settled[1].Result, "nothing is known that was not known before")
		}
	}
}

func TestARequestMayNotOutlastItsClaim(t *testing.T) {
	t.Parallel()
	d := newDesk(1, false)
	d.claims[0].Until = time.Now()
	left := make(chan bool, 1)
	route := &jobs.Classic{Service: deadlined{d, left}}
	_, err := jobs.Submit{Route: route, Concurrency: 1, Most: 1}.Run(t.Context(), d, now)
	require.NoError(t, err)
	require.False(t, <-left, "the claim was over before the request left")
}

// deadlined tells whether a request had time left.
type deadlined struct {
	*desk
	left chan bool
}

func (d deadlined) Attest(ctx context.Context, a attestation.Attestation,
	r attestation.Request) (attestation.Answer, attestation.SendResult, error) {
	d.left <- ctx.Err() == nil
	return d.desk.Attest(ctx, a, r)
}

// A request that was refused this time may have taken effect the time before, when the answer was
// lost.
func TestAnUnknownOutcomeStaysUnknown(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]attestation.SendResult{"the caller has to wait": attestation.ResultNotSent,
		"nobody was accepted": attestation.ResultForbidden} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(1, true)
			d.answer = func(int) (attestation.SendResult, error) { return result, errors.New("no") }
			_, err := d.submit(t)
			require.ErrorContains(t, err, "no")
			require.Equal(t, attestation.ResultUnknown, d.settled[0].Result)
			require.Equal(t, attestation.Approved, d.settled[0].State)
		})
	}
}

func TestAForbiddenCustomerWaitsForTheOthers(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for name, c := range map[string]struct {
		forbidden func(line int) bool
		stops     bool
		done      jobs.Submitted
	}{
		"nine in a row, then one is accepted": {func(line int) bool { return line < 9 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 21, Failed: 9}},
		"ten in a row are the caller": {func(line int) bool { return line < 10 }, true,
			jobs.Submitted{Sent: 10, RetryLater: 10}},
		"every other one": {func(line int) bool { return line%2 == 0 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 15, Failed: 15}},
		"the last ones, after many were accepted": {func(line int) bool { return line >= 25 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 25, Failed: 5}},
		"the role is taken away in the middle": {func(line int) bool { return line >= 15 }, true,
			jobs.Submitted{Sent: 25, Confirmed: 15, RetryLater: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(30, false)
			d.answer = func(line int) (attestation.SendResult, error) {
				if c.forbidden(line) {
					return attestation.ResultForbidden, no
				}
				return attestation.ResultSucceeded, nil
			}
			done, err := d.submit(t)
			require.Equal(t, c.stops, errors.Is(err, no))
			c.done.Customers = done.Customers
			require.Equal(t, c.done, done)
		})
	}
}

// That a customer is not there is believed of single ones, not of one after the other before any
// was accepted.
func TestRejectedCustomersInARowAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rejected func(line int) bool
		stops    bool
		done     jobs.Submitted
	}{
		"all of them": {func(int) bool { return true }, true,
			jobs.Submitted{Sent: 10, RetryLater: 10}},
		"all of a short list": {func(line int) bool { return line < 9 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 21, Failed: 9}},
		"every other one": {func(line int) bool { return line%2 == 0 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 15, Failed: 15}},
		"many in a row, after one was accepted": {func(line int) bool { return line > 0 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 1, Failed: 29}},
		"the last ones, after many were accepted": {func(line int) bool { return line >= 25 }, false,
			jobs.Submitted{Sent: 30, Confirmed: 25, Failed: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(30, false)
			d.answer = func(line int) (attestation.SendResult, error) {
				if c.rejected(line) {
					return attestation.ResultCustomerRejected, nil
				}
				return attestation.ResultSucceeded, nil
			}
			done, err := d.submit(t)
			_, all := errors.AsType[*jobs.AllRejectedError](err)
			require.Equal(t, c.stops, all, "%v", err)
			c.done.Customers = done.Customers
			require.Equal(t, c.done, done)
			if c.stops {
				require.Equal(t, attestation.Approved, d.settled[0].State)
				code, hint := jobs.Explain(err)
				require.Equal(t, "all_rejected", code)
				require.NotEmpty(t, hint)
			}
		})
	}
	d := newDesk(3, false) // few customers may all have left
	d.answer = func(int) (attestation.SendResult, error) { return attestation.ResultCustomerRejected, nil }
	done, err := d.submit(t)
	require.NoError(t, err)
	require.Equal(t, 3, done.Failed)
}

// An answer was lost, and before this host looked again another one had found out.
func TestWhatAnotherHostSettledIsNotLeftForLater(t *testing.T) {
	t.Parallel()
	d := newDesk(2, false)
	d.answer = func(line int) (attestation.SendResult, error) {
		return []attestation.SendResult{attestation.ResultUnknown, attestation.ResultSucceeded}[line], nil
	}
	done, err := d.submit(t)
	require.NoError(t, err)
	require.Equal(t, jobs.Submitted{Sent: 1, Confirmed: 1, Customers: []string{""}}, done)
	require.Equal(t, time.Minute, d.settled[0].Wait, "it cools down")
}

// A submission waits for those whose answer was lost, and works on them again, but not for ever.
func TestALostAnswerIsLookedIntoAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(1, false)
	d.open = 1
	for range 5 {
		d.claims = append(d.claims, attestation.Claim{Attestation: d.claims[0].Attestation, Until: d.claims[0].Until,
			MaybeDelivered: true})
	}
	d.answer = func(int) (attestation.SendResult, error) { return attestation.ResultUnknown, nil }
	var waited []int
	submit := jobs.Submit{Route: &jobs.Classic{Service: d}, Concurrency: 1, Most: 1,
		Waiting: func(n int, _ time.Duration) { waited = append(waited, n) }}
	done, err := submit.Run(t.Context(), d, now)
	require.NoError(t, err)
	require.Equal(t, jobs.Submitted{Sent: 1, RetryLater: 1}, done)
	require.Equal(t, []int{1, 1}, waited)
	require.Equal(t, []int{0, 0, 0}, d.attested)
}

func TestTwoHostsDrainOneQueue(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := set(t, address, simulator.Options{Seed: 43, Customers: 800, Mix: simulator.MixAllKinds,
			Writes: simulator.Writes{NeverRemembers: true, DuplicatesAllowed: true,
				LostAnswers: simulator.LostAnswers{Reset: 0.1}}})
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
	b := set(t, "sqlite:"+t.TempDir()+"/ledger.db", simulator.Options{Seed: 44, Customers: 400,
		Mix: simulator.MixAllKinds})
	world := b.sim.World()
	expected := map[string]attestation.State{}
	var rows []attestation.Attestation
	for i := range world.Len() {
		c := world.Customer(i)
		if c.Kind != simulator.Outdated && c.Kind != simulator.Attested || len(c.Agreements) != 1 ||
			c.Agreements[0].Contact == nil || !world.Listed(i) {
			continue
		}
		p := c.Agreements[0].Contact
		rows = append(rows, attestation.Attestation{ID: attestation.ID{Line: len(rows) + 2}, PartnerID: partner.ID,
			CustomerID: c.TenantID, State: attestation.Queued, Content: attestation.Content{Agreed: "2026-11-20",
				Signer: standing.Contact{FirstName: p.FirstName, LastName: p.LastName, Email: p.Email,
					Phone: p.PhoneNumber}}})
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
