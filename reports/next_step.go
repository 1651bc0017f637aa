package reports

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// nextStep is what comes next for a blocked customer: the next step of its newest attestation as
// long as that has one; another run once Microsoft has the attestation; else what can lift the
// block, as far as it is known what the customer has bought.
func nextStep(p PartnerRun, c ledger.BlockedCustomer) string {
	if step := stepAfter(c.AttestationState); step != "" {
		return step
	}
	if hasIt(c.AttestationState) && c.ConfirmedAt.After(p.Run.StartedAt) {
		return string(standing.Retry)
	}
	return string(standing.NextStep(c.Remedy, c.PurchasesRead, c.Purchases))
}

func hasIt(state attestation.State) bool {
	return state == attestation.Confirmed || state == attestation.AlreadyOnRecord
}

// waits reports whether nobody of the partner has anything to do for a next step.
func waits(step string) bool {
	switch step {
	case stepSend, stepConfirm, stepCreate, stepWait, string(standing.Retry):
		return true
	}
	return false
}

// stepsInWords are the words for next steps: remedies and the steps of attestations have different
// codes.
func (c catalogue) stepsInWords() map[string]labelled {
	words := maps.Clone(c.Words["remedy"])
	maps.Copy(words, c.Words["attestation_step"])
	return words
}

// nextSteps are the next steps of the blocked customers of a partner that differ from the remedies
// of their standings. They are found by a hash of 64 bits of the customer's id, because the ids of
// a large partner would take many times the memory; that two of 100,000 customers have the same
// hash is less likely than one in a thousand million.
type nextSteps map[uint64]uint8

var hashSeed = maphash.MakeSeed()

// allSteps are the steps that a nextSteps holds, by number.
var allSteps = []string{stepRetry, stepCorrect, stepApprove, stepSend, stepConfirm, stepCreate, stepWait,
	string(standing.Retry), string(standing.AttestOrInvite), string(standing.AskIndirectProviderOrInvite)}

func (s nextSteps) note(p PartnerRun, c ledger.BlockedCustomer) {
	step := nextStep(p, c)
	if n := slices.Index(allSteps, step); n >= 0 && step != string(c.Remedy) {
		s[maphash.String(hashSeed, c.ID)] = uint8(n)
	}
}

// of is the next step of a customer.
func (s nextSteps) of(rec standing.Record) string {
	if rec.Standing == standing.Blocked {
		if n, ok := s[maphash.String(hashSeed, rec.ID)]; ok {
			return allSteps[n]
		}
	}
	return string(rec.Remedy)
}

// readNextSteps reads the next steps of a partner's blocked customers, unless the summary has done
// so.
func (r *report) readNextSteps(ctx context.Context, partner int) (nextSteps, error) {
	p := r.book.Partners[partner]
	if r.steps[partner] != nil || p.Run == nil {
		return r.steps[partner], nil
	}
	steps := nextSteps{}
	_, err := each(ctx, r.blockedOf(ctx, p), func(c ledger.BlockedCustomer) error {
		steps.note(p, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("partner %s, run %d: next steps: %w", p.Partner.Name, p.Run.ID, err)
	}
	r.steps[partner] = steps
	return steps, nil
}
