package jobs_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/jobs"
)

// oneBatch is a ledger with one batch that nobody has approved.
type oneBatch struct {
	batch    attestation.Batch
	approved *attestation.Approval
}

func (o *oneBatch) Batch(context.Context, int64) (attestation.Batch, error) { return o.batch, nil }

func (o *oneBatch) Attestations(context.Context, int64) iter.Seq2[attestation.Attestation, error] {
	return func(func(attestation.Attestation, error) bool) {}
}

func (o *oneBatch) Attestation(context.Context, attestation.ID) (a attestation.Attestation, _ error) {
	return a, nil
}

func (o *oneBatch) Approve(_ context.Context, a attestation.Approval) (int64, error) {
	o.approved = &a
	return 3, nil
}

func (o *oneBatch) Decide(context.Context, attestation.ID, attestation.State, attestation.State, attestation.Actor,
	time.Time) error {
	return nil
}

func TestSomebodyElseApproves(t *testing.T) {
	t.Parallel()
	ana := attestation.Actor{Name: "Ana", UserID: "1000", Host: "desk"}
	strict, shared := attestation.ApprovalPolicy{Required: true}, attestation.ApprovalPolicy{Required: true,
		SharedAccount: true}
	for name, c := range map[string]struct {
		by     attestation.Actor
		policy attestation.ApprovalPolicy
		hint   string // empty: approved
	}{
		"another user": {attestation.Actor{Name: "Bea", UserID: "1001", Host: "desk"}, strict,
			""},
		"the importer": {ana, strict, "Ask a colleague"},
		"the importer's name by another user": {attestation.Actor{Name: "ANA", UserID: "1001", Host: "desk"}, strict,
			"Ask a colleague"},
		"the importer under another name": {attestation.Actor{Name: "Bea", UserID: "1000", Host: "desk"}, strict,
			"shared_account"},
		"another name of a shared account": {attestation.Actor{Name: "Bea", UserID: "1000", Host: "desk"}, shared,
			""},
		"a look-alike of a shared account": {attestation.Actor{Name: "\u0410na", UserID: "1000", Host: "desk"},
			shared, "Ask a colleague"},
		"nobody": {attestation.Actor{Name: " ", UserID: "1001", Host: "desk"}, strict,
			"--help"},
		"the importer where nobody has to": {ana, attestation.ApprovalPolicy{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger := &oneBatch{batch: attestation.Batch{ID: 7, SHA256: "abc", ImportedBy: ana}}
			done, err := jobs.Approvals{Store: ledger, Policy: c.policy, By: c.by,
				Now: func() time.Time { return today }}.Approve(t.Context(), 7)
			if c.hint != "" {
				require.Equal(t, jobs.OutcomeUsage, jobs.OutcomeOf(err))
				_, hint := jobs.Explain(err)
				require.Contains(t, hint, c.hint)
				require.Nil(t, ledger.approved)
				return
			}
			require.NoError(t, err)
			require.EqualValues(t, 3, done.Attestations)
			require.Equal(t, &attestation.Approval{Batch: 7, SHA256: "abc", By: c.by, At: today, Policy: c.policy},
				ledger.approved)
		})
	}
}
