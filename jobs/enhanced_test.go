package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/seal"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store/storetest"
	"github.com/mcaledger/mcaledger/jobs"
)

// enhancedLab is a lab that submits on the enhanced route, a night a day.
type enhancedLab struct {
	*lab
	rows    []attestation.Attestation
	setup   jobs.EnhancedSetup
	route   string
	retired string
	channel ledger.Channel
	day     int
	clock   func() time.Time
	sender  jobs.MailSender
	folder  string // of drafts, evidence and answers that do not fit
}

func enhanced(
	t *testing.T,
	address string,
	rows int,
	options simulator.Options,
	first ...func(*attestation.Attestation),
) *enhancedLab {
	t.Helper()
	options.Seed, options.Customers, options.Mix = 51, 400, simulator.MixAllKinds
	b := &enhancedLab{lab: set(t, address, options), route: "enhanced", channel: ledger.ByDraft, clock: clock(today),
		folder: t.TempDir()}
	b.rows = b.approvedAt(t, b.now(), rows, simulator.NeverAccepted)
	if len(first) > 0 && first[0] != nil { // the first row is odd
		require.NoError(
			t,
			b.store.Decide(
				t.Context(),
				b.rows[0].ID,
				attestation.Approved,
				attestation.Cancelled,
				attestation.Actor{Name: "ana"},
				b.now(),
			),
		)
		odd := b.rows[0]
		first[0](&odd)
		b.rows[0].ID = b.approvedRows(t, []attestation.Attestation{odd})[0]
	}
	key, err := seal.NewKey(strings.Repeat("k", 32))
	require.NoError(t, err)
	b.sender = mail.Drafts{Folder: filepath.Join(b.folder, "drafts")}
	b.setup = jobs.EnhancedSetup{Cipher: key, Lifetime: 7 * 24 * time.Hour, RemindAfter: 3,
		EvidenceDir: filepath.Join(b.folder, "evidence"), Links: b.links(t),
		KeepUnexpected: (&jobs.UnexpectedAnswers{Folder: filepath.Join(b.folder, "answers"), Now: b.now}).Keep}
	return b
}

// approvedRows imports rows once more, and approves them.
func (b *enhancedLab) approvedRows(t *testing.T, rows []attestation.Attestation) (ids []attestation.ID) {
	t.Helper()
	again := slices.Clone(rows)
	for i := range again {
		again[i].ID = attestation.ID{Line: i + 2}
	}
	batch := b.importedAt(t, again, b.now())
	for _, a := range again {
		ids = append(ids, attestation.ID{Batch: batch, Line: a.ID.Line})
	}
	return ids
}

// oneSignatory is a service that creates whatever it is asked for.
type oneSignatory struct {
	jobs.EnhancedService
	profile standing.Profile
	sent    []attestation.Signatory
}

func (s *oneSignatory) Profile(context.Context, string) (standing.Profile, error) {
	return s.profile, nil
}

func (s *oneSignatory) CreateAttestation(_ context.Context, who attestation.Signatory, _ attestation.Request) (
	attestation.AcceptLink, attestation.Answer, attestation.SendResult, error) {
	s.sent = append(s.sent, who)
	return attestation.AcceptLink{}, attestation.Answer{}, attestation.ResultUnknown, nil
}

func (s *oneSignatory) open(c *attestation.Claim) jobs.OpenRequest {
	return func(_ context.Context, r attestation.Request) error {
		c.LastRequest = r
		return nil
	}
}

func (b *enhancedLab) links(t *testing.T) func(jobs.Partner, jobs.LinkStore) *jobs.Links {
	t.Helper()
	templates, err := mail.LoadTemplates("")
	require.NoError(t, err)
	return func(p jobs.Partner, store jobs.LinkStore) *jobs.Links {
		return &jobs.Links{Mails: templates, Sender: b.sender, Channel: b.channel,
			From: netmail.Address{Name: "Bea", Address: "bea@contoso.example"}, Partner: p.Name, Language: "en",
			Zone: time.UTC, Store: store, Now: b.now}
	}
}

// now is the simulator's calendar, and goes on within a night.
func (b *enhancedLab) now() time.Time { return b.clock().AddDate(0, 0, b.day) }

// submission is a submission of this night.
func (b *enhancedLab) submission(t *testing.T) (jobs.SubmitPartners, func()) {
	t.Helper()
	partners := &jobs.Partners{List: []jobs.Partner{{Partner: partner, Concurrency: 4}},
		Open: func(jobs.Partner) (jobs.Connection, error) {
			client, err := partnercenter.New(b.client)
			return connection{client}, err
		}}
	return jobs.SubmitPartners{Partners: partners, Queues: b, Route: b.route, FallbackRoute: b.retired,
		Enhanced: &b.setup,
		Ceiling:  1000, Since: "2023-04-01", Cooldown: 20 * time.Millisecond,
		Recheck: func(context.Context, jobs.Partner, []string) error { return nil }, Now: b.now,
		Log: slog.New(slog.DiscardHandler)}, partners.Close
}

// tonight submits on the next day.
func (b *enhancedLab) tonight(t *testing.T, day int) (jobs.SubmittedAll, error) {
	t.Helper()
	b.day = day
	require.NoError(t, b.sim.SetNight(1+day))
	job, closeAll := b.submission(t)
	defer closeAll()
	return job.Run(t.Context())
}

// drafts are the names of the drafts that were written.
func (b *enhancedLab) drafts(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(b.folder, "drafts"))
	require.NoError(t, err)
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".eml"))
	}
	return names
}

func (b *enhancedLab) attestation(t *testing.T, n int) attestation.Attestation {
	t.Helper()
	a, err := b.store.Attestation(t.Context(), b.rows[n].ID)
	require.NoError(t, err)
	return a
}

func (b *enhancedLab) whole(t *testing.T) {
	t.Helper()
	found, err := b.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Problems)
}

// accept lets the signer of a row accept.
func (b *enhancedLab) accept(t *testing.T, n int) {
	t.Helper()
	signer := b.rows[n].Content.Signer.Email
	for _, a := range slices.Backward(b.sim.Attestations()) {
		if a.Signatory.Email == signer {
			require.NoError(t, b.sim.AcceptAttestation(a.ID))
			return
		}
	}
	t.Fatalf("nothing was created for %s", signer)
}

func TestEnhancedRouteFromApprovalToAgreement(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, address string) {
		t.Helper()
		b := enhanced(t, address, 4, simulator.Options{})
		b.setup.RenewExpired = true
		id := func(n, creation int, kind string) string {
			return fmt.Sprintf("attestation-%s-%d-%s", b.rows[n].ID, creation, kind)
		}
		done, err := b.tonight(t, 0)
		require.NoError(t, err)
		require.Equal(t, []int{4, 4, 0}, []int{done.Sent, done.Waiting, done.Created},
			"created, and the links handed over")
		links := []string{id(0, 1, "link"), id(1, 1, "link"), id(2, 1, "link"), id(3, 1, "link")}
		require.Equal(t, links, b.drafts(t))

		b.accept(t, 0)
		done, err = b.tonight(t, 1)
		require.NoError(t, err)
		require.Equal(t, []int{1, 1, 3}, []int{done.Sent, done.Confirmed, done.Waiting})
		first := b.attestation(t, 0)
		require.Equal(t, attestation.Confirmed, first.State)
		require.Equal(t, standing.DateOf(b.now().AddDate(0, 0, -1)), first.AcceptedOn, "the day that Microsoft says")
		require.Len(t, first.DocumentSHA256, 64)
		document, err := os.ReadFile(filepath.Join(b.setup.EvidenceDir, jobs.EvidenceFile(first.ID)))
		require.NoError(t, err)
		require.Contains(t, string(document), "accepted "+string(first.AcceptedOn))

		done, err = b.tonight(t, 2)
		require.NoError(t, err)
		require.Equal(t, links, b.drafts(t), "too early for a reminder")
		for day := 3; day < 5; day++ {
			done, err = b.tonight(t, day)
			require.NoError(t, err)
			require.Equal(t, []string{links[0], links[1], id(1, 1, "reminder"), links[2], id(2, 1, "reminder"),
				links[3], id(3, 1, "reminder")}, b.drafts(t))
		}
		b.accept(t, 1)
		done, err = b.tonight(t, 5)
		require.NoError(t, err)
		require.Equal(t, []int{1, 2}, []int{done.Confirmed, done.Waiting})
		require.Contains(t, b.drafts(t), id(2, 1, "last"))
		require.NotContains(t, b.drafts(t), id(1, 1, "last"), "it has accepted")
		_, err = b.tonight(t, 6)
		require.NoError(t, err)
		require.Len(t, b.drafts(t), 9)

		done, err = b.tonight(t, 8)
		require.NoError(t, err)
		require.Equal(t, []int{2, 2, 2}, []int{done.Expired, done.Renewed, done.Waiting})
		require.Contains(t, b.drafts(t), id(2, 2, "link"))
		b.accept(t, 2)
		done, err = b.tonight(t, 9)
		require.NoError(t, err)
		require.Equal(t, []int{1, 1}, []int{done.Confirmed, done.Waiting})

		done, err = b.tonight(t, 17)
		require.ErrorContains(t, err, "1 links expired", "it is renewed once")
		require.Zero(t, done.Renewed)
		require.Equal(t, attestation.Expired, b.attestation(t, 3).State)
		require.Len(t, b.sim.Attestations(), 6)
		require.Len(t, b.sim.Effects(), 3)
		b.whole(t)
	})
}

func TestAnswersOfTheEnhancedRouteAreLost(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]simulator.Options{
		"answers": {Writes: simulator.Writes{LostAnswers: simulator.LostAnswers{ServerError: 0.15, Reset: 0.15,
			Truncated: 0.1, GatewayPage: 0.1}}},
		"requests": {Writes: simulator.Writes{LostRequests: simulator.LostRequests{ServerError: 0.2, Reset: 0.2}}},
		"everything": {Faults: simulator.Faults{ServerError: 0.1, Reset: 0.1}, Writes: simulator.Writes{
			LostAnswers:  simulator.LostAnswers{ServerError: 0.1, Reset: 0.1},
			LostRequests: simulator.LostRequests{Reset: 0.1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.Enhanced.AcceptWithin = 4
			takesEffectOnce := func(t *testing.T, address string) {
				t.Helper()
				b := enhanced(t, address, 30, options)
				for day := range 7 {
					for range 3 { // what is left is tried again
						if _, err := b.tonight(t, day); err == nil {
							break
						}
					}
				}
				b.confirmedOnce(t)
			}
			if name == "everything" { // what the ledger learns of the others is among it
				databases(t, takesEffectOnce)
			} else {
				takesEffectOnce(t, sqliteLedger(t))
			}
		})
	}
}

// confirmedOnce holds the service's record against the rows: one attestation, one agreement and one
// link each, and the day on which its signer accepted.
func (b *enhancedLab) confirmedOnce(t *testing.T) {
	t.Helper()
	created := map[string]simulator.EnhancedAttestation{}
	for _, a := range b.sim.Attestations() {
		require.NotContains(t, created, a.Signatory.Email, "created twice")
		created[a.Signatory.Email] = a
	}
	require.Len(t, b.sim.Effects(), len(b.rows))
	links := 0
	for _, name := range b.drafts(t) {
		if strings.HasSuffix(name, "-link") {
			links++
		}
	}
	require.Equal(t, len(b.rows), links)
	for n, row := range b.rows {
		a := b.attestation(t, n)
		require.Equal(t, attestation.Confirmed, a.State, "%s %s %s", a.ID, a.Reason, a.Message)
		require.Equal(t, standing.DateOf(created[row.Content.Signer.Email].AcceptedAt), a.AcceptedOn)
		require.Equal(t, row.CustomerID, created[row.Content.Signer.Email].TenantID)
		require.Empty(t, a.ExternalID)
		require.NotContains(t, a.AcceptLink, created[row.Content.Signer.Email].ID)
	}
	b.whole(t)
}

// The answer to step 1 was lost so long ago that the service may not recognise the request: whether
// it is created again is for a person to say.
func TestACreationWithoutAnswerIsNeverRepeatedBlindly(t *testing.T) {
	t.Parallel()
	address := "sqlite:" + t.TempDir() + "/ledger.db"
	b := enhanced(t, address, 1, simulator.Options{
		Writes: simulator.Writes{LostAnswers: simulator.LostAnswers{Reset: 1}, NeverRemembers: true,
			MaxInARow: 1 << 20}})
	b.setup.RenewExpired = true
	job, closeAll := b.submission(t)
	defer closeAll()
	job.Cooldown = time.Hour // as if the process had been stopped
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := job.Run(ctx)
	require.Error(t, err)
	require.Len(t, b.sim.Attestations(), 1)
	require.NoError(t, storetest.Exec(t.Context(), address, "UPDATE attestation SET next_attempt_at = 0"))
	done, err := b.tonight(t, 1)
	require.ErrorContains(t, err, "1 failed")
	require.Equal(t, 1, done.Failed)
	require.Len(t, b.sim.Attestations(), 1)
	a := b.attestation(t, 0)
	require.Equal(t, []any{attestation.Failed, attestation.NoAnswer}, []any{a.State, a.Reason})
	require.Contains(t, a.Hint, "attest retry "+a.ID.String())
	b.whole(t)
}

// refusingSender fails for some recipients, and remembers to whom it sent what.
type refusingSender struct {
	mail.Drafts
	fail func(to string) error
	sent map[string]int // by message
}

func (s *refusingSender) Send(ctx context.Context, m mail.Message) error {
	s.sent[m.ID]++
	if err := s.fail(m.To.Address); err != nil {
		return err
	}
	return s.Drafts.Send(ctx, m)
}

func TestLinksThatCannotBeHandedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure mail.SendError
		states  map[attestation.State]int // of the first night
		again   map[attestation.State]int // when the server is well again
		sends   int                       // of the message that failed first, in both nights
		says    string
	}{
		"one recipient is refused": {mail.SendError{Outcome: mail.Permanent, Address: "mx",
			Step: "the recipient was not accepted", Code: 550},
			map[attestation.State]int{attestation.Waiting: 19, attestation.Failed: 1},
			map[attestation.State]int{attestation.Waiting: 19, attestation.Failed: 1}, 1, "1 failed"},
		"one mailbox is full today": {mail.SendError{Outcome: mail.Temporary, Address: "mx",
			Step: "the recipient was not accepted", Code: 452},
			map[attestation.State]int{attestation.Waiting: 19, attestation.Created: 1},
			map[attestation.State]int{attestation.Waiting: 20}, 2, "1 links not handed over"},
		"nobody knows about one": {mail.SendError{Outcome: mail.Unknown, Address: "mx", Step: "no answer"},
			map[attestation.State]int{attestation.Waiting: 20}, map[attestation.State]int{attestation.Waiting: 20}, 1,
			""},
		"the server is down": {mail.SendError{Outcome: mail.Temporary, Server: true, Address: "mx", Step: "connect"},
			map[attestation.State]int{attestation.Created: 20}, map[attestation.State]int{attestation.Waiting: 20}, 2,
			"20 could not be taken further now, for example: attestation "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 20, simulator.Options{})
			unlucky, well := b.rows[7].Content.Signer.Email, false
			sender := &refusingSender{Drafts: mail.Drafts{Folder: filepath.Join(b.folder, "drafts")},
				sent: map[string]int{}}
			sender.fail = func(to string) error {
				if well || to != unlucky && !c.failure.Server {
					return nil
				}
				return &c.failure
			}
			b.sender = sender
			b.channel = ledger.BySMTP
			_, err := b.tonight(t, 0)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
				require.NotContains(t, err.Error(), "@")
			}
			require.Equal(t, c.states, b.states(t))
			well = true
			b.tonight(t, 1)
			require.Equal(t, c.again, b.states(t))
			most := 0
			for _, n := range sender.sent {
				most = max(most, n)
			}
			require.Equal(t, c.sends, most)
			require.Len(t, b.sim.Attestations(), 20)
			for _, row := range b.rows {
				a, err := b.store.Attestation(t.Context(), row.ID)
				require.NoError(t, err)
				if c.failure.Outcome == mail.Unknown && row.Content.Signer.Email == unlucky {
					require.Contains(t, a.Message, "not known whether the link was sent")
					require.Contains(t, a.Hint, "attest links --again")
				}
				if a.State == attestation.Failed {
					require.Equal(t, attestation.LinkNotDelivered, a.Reason)
					require.Contains(t, a.Hint, "attest links")
				}
			}
			b.whole(t)
		})
	}
}

func (b *enhancedLab) states(t *testing.T) map[attestation.State]int {
	t.Helper()
	counts, err := b.store.CountStatuses(t.Context(), b.rows[0].ID.Batch)
	require.NoError(t, err)
	return counts
}

// OpenQueue of a person.
type byAna struct{ *lab }

func (b byAna) OpenQueue(ctx context.Context, partnerID string) (jobs.PartnerQueue, error) {
	return b.store.Queue(ctx, partnerID, attestation.Actor{Name: "ana"})
}

func (b *enhancedLab) linkFile(path string) jobs.LinkFile {
	return jobs.LinkFile{Partners: []jobs.Partner{{Partner: partner}}, Queues: byAna{b.lab}, Cipher: b.setup.Cipher,
		Path: path, Check: func(context.Context) error { return nil }, Now: b.now}
}

func TestLinksAreWrittenToAFile(t *testing.T) {
	t.Parallel()
	b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 3, simulator.Options{})
	b.setup.Links = nil
	_, err := b.tonight(t, 0)
	require.ErrorContains(t, err, "3 links not handed over")
	require.Equal(t, map[attestation.State]int{attestation.Created: 3}, b.states(t))

	_, err = b.linkFile(filepath.Join(b.folder, "missing", "links.csv")).Run(t.Context())
	require.Error(t, err)
	require.Equal(t, map[attestation.State]int{attestation.Created: 3}, b.states(t), "nobody has them")

	path := filepath.Join(b.folder, "links.csv")
	n, err := b.linkFile(path).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, map[attestation.State]int{attestation.Waiting: 3}, b.states(t))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, a := range b.sim.Attestations() {
		require.Contains(t, string(content), a.Signatory.Email)
		require.Contains(t, string(content), "attestationid="+a.ID)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	events, err := b.store.Events(t.Context(), b.rows[0].ID)
	require.NoError(t, err)
	var links []string
	for _, e := range events {
		if e.Kind == ledger.EventLink {
			links = append(links, e.Actor.Name+" "+e.Detail)
			require.NotContains(t, e.Detail, "@")
		}
	}
	require.Len(t, links, 2)
	require.Contains(t, links[0], `ana {"creation":1,"kind":"link","channel":"file"`)

	n, err = b.linkFile(path).Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "all are handed over")
	again := b.linkFile(path)
	again.Again = true
	require.Eventually(t, func() bool { // a link that was just looked at rests for a millisecond
		n, err := again.Run(t.Context())
		return err == nil && n == 3
	}, time.Minute, 5*time.Millisecond)
	b.accept(t, 0)
	_, err = b.tonight(t, 1)
	require.NoError(t, err)
	require.Equal(t, map[attestation.State]int{attestation.Waiting: 2, attestation.Confirmed: 1}, b.states(t))
	b.whole(t)
}

func TestAnotherKey(t *testing.T) {
	t.Parallel()
	b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 2, simulator.Options{})
	_, err := b.tonight(t, 0)
	require.NoError(t, err)
	other, err := seal.NewKey(strings.Repeat("x", 32))
	require.NoError(t, err)
	ours := b.setup.Cipher
	b.setup.Cipher = other
	b.accept(t, 0)
	_, err = b.tonight(t, 1)
	require.ErrorContains(t, err, "was not encrypted with the key in attestation.key_file")
	_, hint := jobs.Explain(err)
	require.Contains(t, hint, "earlier key file")
	b.setup.Cipher = ours
	done, err := b.tonight(t, 1)
	require.NoError(t, err)
	require.Equal(t, 1, done.Confirmed, "nothing was lost")
}

func TestTheRetiredClassicRouteMovesToTheEnhancedOne(t *testing.T) {
	t.Parallel()
	for _, retired := range []simulator.Retired{simulator.Retired404, simulator.Retired410, simulator.Retired403} {
		t.Run(string(retired), func(t *testing.T) {
			t.Parallel()
			b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 15, simulator.Options{ClassicRetired: retired})
			b.route, b.retired = "classic", "enhanced"
			done, err := b.tonight(t, 0)
			require.NoError(t, err)
			require.Equal(t, 15, done.Waiting)
			b.accept(t, 0)
			done, err = b.tonight(t, 1)
			require.NoError(t, err)
			require.Equal(t, []int{1, 14}, []int{done.Confirmed, done.Waiting})
			b.whole(t)
		})
	}
}
