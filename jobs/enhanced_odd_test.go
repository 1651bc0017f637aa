package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/partnercenter"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

// An agreement that cannot be created is loud until it is, and is created by itself then.
func TestAcceptedWithoutAgreementIsLoud(t *testing.T) {
	t.Parallel()
	b := enhanced(
		t,
		"sqlite:"+t.TempDir()+"/ledger.db",
		3,
		simulator.Options{Enhanced: simulator.Enhanced{UserForAgreement: true}},
	)
	_, err := b.tonight(t, 0)
	require.NoError(t, err)
	b.accept(t, 0)
	for day := 1; day < 3; day++ {
		done, err := b.tonight(t, day)
		require.Error(t, err)
		require.Equal(t, attestation.Accepted, b.attestation(t, 0).State)
		require.Equal(t, []int{1, 2}, []int{done.Accepted, done.Waiting})
		_, hint := jobs.Explain(err)
		require.NotEmpty(t, hint)
	}
	require.Empty(t, b.sim.Effects())
	b.client.Enhanced.AgreementWithUser = true // the hint
	done, err := b.tonight(t, 3)
	require.NoError(t, err)
	require.Equal(t, 1, done.Confirmed)
	require.Equal(
		t,
		standing.DateOf(today),
		b.attestation(t, 0).AcceptedOn,
		"the signer's day, not that of the agreement",
	)
	b.whole(t)
}

func TestOneRowOfTheEnhancedRouteCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options simulator.Options
		row     func(*attestation.Attestation)
		state   attestation.State
		reason  attestation.Reason
		says    string
		hint    string
	}{
		"a name that the service refuses": {row: func(a *attestation.Attestation) { a.Content.Signer.LastName = " " },
			state: attestation.RefusedByMicrosoft, reason: attestation.ContentRefused, says: "signatoryLastName",
			hint: "Correct the row"},
		"an address with a line break": {
			row:   func(a *attestation.Attestation) { a.Content.Signer.Email = "ana@a.example\nbcc: x@y.example" },
			state: attestation.RefusedByMicrosoft, reason: attestation.ContentRefused, says: "emailAddress",
			hint: "Correct the row"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 3, c.options, c.row)
			_, err := b.tonight(t, 0)
			require.Error(t, err)
			a := b.attestation(t, 0)
			require.Equal(t, []any{c.state, c.reason}, []any{a.State, a.Reason}, "%s", a.Message)
			require.Contains(t, a.Message, c.says)
			require.NotContains(t, a.Message, "@")
			require.Contains(t, a.Hint, c.hint)
			others, err := b.store.CountStatuses(t.Context(), b.rows[1].ID.Batch)
			require.NoError(t, err)
			require.Equal(t, 2, others[attestation.Waiting], "the others are not kept from it")
			require.Len(t, b.drafts(t), 2)
			b.whole(t)
		})
	}
}

// What the row does not say is read from the customer's profile; where that says nothing either,
// the row fails.
func TestCountryOfTheRowOrOfTheProfile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content attestation.Content
		profile standing.Profile
		want    []string // company, country, language; nil: it fails
	}{
		"from the profile": {profile: standing.Profile{Name: "Fabrikam", Country: "BR", Language: "pt"},
			want: []string{"Fabrikam", "BR", "pt-BR"}},
		"from the row": {content: attestation.Content{CompanyName: "Row", Country: "DE", Language: "de-DE"},
			want: []string{"Row", "DE", "de-DE"}},
		"the row first": {content: attestation.Content{Country: "AT"},
			profile: standing.Profile{Name: "P", Country: "BR", Language: "pt"}, want: []string{"P", "AT", "de-DE"}},
		"no language": {profile: standing.Profile{Name: "P", Country: "FR"},
			want: []string{"P", "FR", "fr-FR"}},
		"a language without country": {profile: standing.Profile{Name: "P", Country: "US", Language: "en"},
			want: []string{"P", "US", "en-US"}},
		"another language of country": {profile: standing.Profile{Name: "P", Country: "BR", Language: "en-GB"},
			want: []string{"P", "BR", "en-US"}},
		"no country": {profile: standing.Profile{Name: "P", Language: "pt-BR"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &oneSignatory{profile: c.profile}
			claim := &attestation.Claim{
				Attestation: attestation.Attestation{
					ID:      attestation.ID{Batch: 1, Line: 2},
					State:   attestation.Approved,
					Content: c.content,
				},
			}
			route := &jobs.Enhanced{Service: service, Now: now}
			end, err := route.Advance(t.Context(), claim, service.open(claim))
			require.NoError(t, err)
			if c.want == nil {
				require.Equal(t, []any{attestation.Failed, attestation.NoCountry}, []any{end.State, end.Reason})
				require.Contains(t, end.Hint, "attest retry 1-2")
				require.Empty(t, service.sent)
				return
			}
			require.Equal(
				t,
				c.want,
				[]string{service.sent[0].CompanyName, service.sent[0].Country, service.sent[0].Language},
			)

			// The answer was lost, and meanwhile the profile has changed: the same is sent again.
			claim.MaybeDelivered, service.profile = true, standing.Profile{Name: "Other", Country: "US"}
			claim.TriedSince = now()
			_, err = route.Advance(t.Context(), claim, service.open(claim))
			require.NoError(t, err)
			require.Equal(t, service.sent[0], service.sent[1])
		})
	}
}

func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		service simulator.Enhanced
		hint    func(*partnercenter.Enhanced)
		says    string
		setting string
		goesOn  bool // other attestations are taken further
	}{
		"no id in the answer": {service: simulator.Enhanced{IDField: "reference"}, says: "attestation's id",
			setting: "attestation.enhanced"},
		"another name of the status": {service: simulator.Enhanced{StatusField: "progress"}, says: "the status, called",
			setting: "attestation.enhanced.status_path"},
		"a word that nobody knows": {service: simulator.Enhanced{Pending: "Flabbergasted"}, says: "a known status",
			setting: "attestation.enhanced", goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 3, simulator.Options{Enhanced: c.service})
			_, err := b.tonight(t, 0)
			if err == nil {
				_, err = b.tonight(t, 1)
			}
			require.ErrorContains(t, err, c.says)
			unexpected, ok := errors.AsType[*jobs.UnexpectedAnswerError](err)
			if !c.goesOn {
				require.True(t, ok, "%v", err)
				require.Contains(t, unexpected.Hint(), c.setting)
			}
			_, hint := jobs.Explain(err)
			require.Contains(t, hint, c.setting)
			require.Contains(t, hint, "maintainers")
			files, err2 := filepath.Glob(filepath.Join(b.folder, "answers", "*.json"))
			require.NoError(t, err2)
			require.Len(t, files, 1)
			require.Contains(t, err.Error(), files[0])
			content, err2 := os.ReadFile(files[0])
			require.NoError(t, err2)
			for _, a := range b.sim.Attestations() {
				require.NotContains(t, string(content), a.ID)
				require.NotContains(t, string(content), a.Signatory.Email)
			}
			require.LessOrEqual(t, len(b.sim.Attestations()), 4, "nothing is created in vain: it stops at the first")
			b.whole(t)
		})
	}
}

// 600061 may come when the attestation is created, or when the agreement is.
func TestASignerOnRecordOnTheEnhancedRoute(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 3} {
		b := enhanced(
			t,
			"sqlite:"+t.TempDir()+"/ledger.db",
			2,
			simulator.Options{Enhanced: simulator.Enhanced{DuplicateAt: step, AcceptWithin: 1}},
		)
		b.tonight(t, 0)
		done, err := b.tonight(t, 2)
		require.NoError(t, err)
		require.Equal(t, 2, done.Confirmed)
		// The same signers once more, in spite of that.
		again := b.approvedRows(t, b.rows)
		b.tonight(t, 3)
		b.tonight(t, 5)
		for _, id := range again {
			a, err := b.store.Attestation(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, attestation.AlreadyOnRecord, a.State, "%d: %s %s", step, a.Reason, a.Message)
		}
		require.Len(t, b.sim.Effects(), 2)
		b.whole(t)
	}
}

func TestDocumentsThatAreGoneKeepNoAgreementWaiting(t *testing.T) {
	t.Parallel()
	b := enhanced(
		t,
		"sqlite:"+t.TempDir()+"/ledger.db",
		1,
		simulator.Options{Enhanced: simulator.Enhanced{DocumentsGone: true, WithoutDate: true}},
	)
	_, err := b.tonight(t, 0)
	require.NoError(t, err)
	b.accept(t, 0)
	_, err = b.tonight(t, 1)
	require.NoError(t, err)
	a := b.attestation(t, 0)
	require.Equal(t, attestation.Confirmed, a.State)
	require.Equal(t, standing.DateOf(b.now()), a.AcceptedOn, "Microsoft gives no day: the one on which it was seen")
	require.Contains(t, a.Message, "the accepted document could not be kept")
	require.Empty(t, a.DocumentSHA256)
	id := b.sim.Attestations()[0].ID
	require.NotContains(t, a.Message+a.DocumentURL, id)
	require.Contains(t, a.DocumentURL, "{id}")
	files, err := os.ReadDir(b.setup.EvidenceDir)
	require.NoError(t, err)
	require.Empty(t, files, "nothing is left of the attempt")
	b.whole(t)
}

func TestAnIdThatMicrosoftDoesNotKnow(t *testing.T) {
	t.Parallel()
	b := enhanced(t, "sqlite:"+t.TempDir()+"/ledger.db", 2, simulator.Options{})
	_, err := b.tonight(t, 0)
	require.NoError(t, err)
	b.sim.Reset()
	_, err = b.tonight(t, 1)
	require.ErrorContains(t, err, "could not be taken further now")
	require.Equal(
		t,
		map[attestation.State]int{attestation.Waiting: 2},
		b.states(t),
		"another partner's, or a wrong path: nothing is decided",
	)
	_, hint := jobs.Explain(err)
	require.Contains(t, hint, "status_path")
	_, err = b.tonight(t, 9)
	require.Error(t, err)
	require.Equal(t, map[attestation.State]int{attestation.Expired: 2}, b.states(t))
	require.False(t, strings.Contains(err.Error(), "attestationid"))
}
