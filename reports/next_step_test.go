package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

func TestNextStepOfABlockedCustomer(t *testing.T) {
	t.Parallel()
	run := ledger.Run{StartedAt: tonight}
	p := PartnerRun{Partner: brazil, Run: &run}
	for state, want := range map[attestation.State]string{
		"": "attest", attestation.Queued: "approve", attestation.Approved: "send", attestation.Created: "send",
		attestation.Unsure: "confirm", attestation.Waiting: "wait", attestation.Accepted: "create",
		attestation.Expired: "allow_retry", attestation.Failed: "allow_retry",
		attestation.RefusedByMicrosoft: "correct", attestation.Confirmed: "attest",
		attestation.AlreadyOnRecord: "attest", attestation.AlreadyKnown: "attest", attestation.Cleared: "attest",
	} {
		c := ledger.BlockedCustomer{Record: customer(1, "a", standing.NeverAccepted), AttestationState: state,
			ConfirmedAt: tonight.Add(-time.Hour)}
		assert.Equal(t, want, nextStep(p, c), "%q; what Microsoft got before the run did not lift the block", state)
		c.PurchasesRead = standing.Read
		if want == "attest" {
			want = "attest_or_invite"
		}
		assert.Equal(t, want, nextStep(p, c), "%q, nothing bought", state)
	}
	c := ledger.BlockedCustomer{Record: customer(1, "a", standing.NeverAccepted),
		AttestationState: attestation.Confirmed, ConfirmedAt: tonight.Add(time.Hour)}
	assert.Equal(t, "retry", nextStep(p, c), "the next run sees what Microsoft got after this one")
}

// What to do first names those for whom there is something to do: while a link is open, or the
// program has the next step, a customer takes nobody's place.
func TestWhatToDoFirstIsNotAboutThoseWhoWait(t *testing.T) {
	t.Parallel()
	var s insights
	s.ages = make([][len(ageLimits) + 1]int, 1)
	for i, step := range []string{stepWait, "attest", stepApprove, stepSend, "attest", "retry", stepRetry, stepCreate,
		stepConfirm, stepCorrect} {
		s.add(0, firstCustomer{step: step, days: 100 - i, lapses: step == stepWait})
	}
	s.add(0, firstCustomer{step: "attest", days: 1})
	s.add(0, firstCustomer{step: "attest", days: 500, accepted: true})
	var order []string
	for _, c := range s.first {
		order = append(order, c.step)
	}
	require.Equal(t, []string{"attest", stepApprove, "attest", stepRetry, stepCorrect, "attest", stepWait, stepSend,
		"retry", stepCreate}, order)
}
