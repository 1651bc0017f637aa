package jobs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Approvals are the decisions of a person about imported attestations.
type Approvals struct {
	Store    ApprovalStore
	Required bool // an approval is by somebody other than the importer
	By       string
	Now      func() time.Time
}

// ApprovalStore is what a decision asks of the ledger.
type ApprovalStore interface {
	BatchFinder
	AttestationFinder
	Approve(ctx context.Context, batch int64, sha256, by string, at time.Time) (approved int64, err error)
	Decide(ctx context.Context, id attestation.ID, from, to attestation.State, by string, at time.Time) error
}

// Approved is a batch that may be sent from now on.
type Approved struct {
	Batch        attestation.Batch
	By           string
	Attestations int64
}

// Approve lets a batch be sent.
func (j Approvals) Approve(ctx context.Context, batchID int64) (Approved, error) {
	b, err := FindBatch(ctx, j.Store, batchID)
	if err != nil {
		return Approved{}, err
	}
	done := Approved{Batch: b, By: j.By}
	switch {
	case !b.ApprovedAt.IsZero():
		return done, fmt.Errorf("batch %d is already approved, by %s", b.ID, b.ApprovedBy)
	case strings.TrimSpace(j.By) == "":
		return done, usageErrorf("--by must not be empty: say who approves")
	case j.Required && strings.EqualFold(strings.TrimSpace(j.By), strings.TrimSpace(b.ImportedBy)):
		return done, usageErrorf("batch %d was imported by %s; somebody else has to approve it", b.ID, b.ImportedBy)
	}
	done.Attestations, err = j.Store.Approve(ctx, b.ID, b.SHA256, j.By, j.Now())
	return done, err
}

// Decided is one attestation that a person moved.
type Decided struct {
	ID       attestation.ID
	From, To attestation.State
}

// Cancel takes attestations out of the queue before they are sent: one, or all of a batch for which it can be done.
func (j Approvals) Cancel(ctx context.Context, targets []Target) ([]Decided, error) {
	return j.decide(ctx, targets, attestation.Cancelled)
}

// Retry lets failed attestations be sent again.
func (j Approvals) Retry(ctx context.Context, targets []Target) ([]Decided, error) {
	return j.decide(ctx, targets, attestation.Approved)
}

func (j Approvals) decide(ctx context.Context, targets []Target, to attestation.State) (done []Decided, err error) {
	if strings.TrimSpace(j.By) == "" {
		return nil, usageErrorf("--by must not be empty: say who decides")
	}
	for _, target := range targets {
		chosen, err := j.movable(ctx, target, to)
		if err != nil {
			return done, err
		}
		for _, a := range chosen {
			if err := j.Store.Decide(ctx, a.ID, a.State, to, j.By, j.Now()); err != nil {
				return done, fmt.Errorf("attestation %s: %w", a.ID, err)
			}
			done = append(done, Decided{a.ID, a.State, to})
		}
	}
	return done, nil
}

// movable are the attestations of a target that can be moved to a state. A single one that cannot is an error.
func (j Approvals) movable(ctx context.Context, target Target, to attestation.State) (chosen []attestation.Attestation, err error) {
	if target.Attestation != (attestation.ID{}) {
		a, err := FindAttestation(ctx, j.Store, target.Attestation)
		if err == nil && !attestation.MayDecide(a.State, to) {
			err = usageErrorf("attestation %s is %s and cannot become %s", a.ID, a.State, to)
		}
		return []attestation.Attestation{a}, err
	}
	b, err := FindBatch(ctx, j.Store, target.Batch)
	if err != nil {
		return nil, err
	}
	for a, err := range j.Store.Attestations(ctx, b.ID) {
		if err != nil {
			return nil, err
		}
		if attestation.MayDecide(a.State, to) {
			chosen = append(chosen, a)
		}
	}
	return chosen, nil
}
