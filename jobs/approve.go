package jobs

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Approvals are the decisions of a person about imported attestations.
type Approvals struct {
	Store  ApprovalStore
	Policy attestation.ApprovalPolicy
	By     attestation.Actor
	Now    func() time.Time
}

// ApprovalStore is what a decision asks of the ledger.
type ApprovalStore interface {
	BatchFinder
	AttestationFinder
	Approve(ctx context.Context, a attestation.Approval) (approved int64, err error)
	Decide(ctx context.Context, id attestation.ID, from, to attestation.State, by attestation.Actor, at time.Time) error
}

// Approved is a batch that may be sent from now on.
type Approved struct {
	Batch        attestation.Batch
	Attestations int64
}

// Approve lets a batch be sent.
func (j Approvals) Approve(ctx context.Context, batchID int64) (Approved, error) {
	b, err := FindBatch(ctx, j.Store, batchID)
	if err != nil {
		return Approved{}, err
	}
	done := Approved{Batch: b}
	if err := checkActor(j.By, "approves"); err != nil {
		return done, err
	}
	switch {
	case !b.ApprovedAt.IsZero():
		return done, fmt.Errorf("batch %d is already approved, by %s", b.ID, b.ApprovedBy.Name)
	case j.Policy.Required && j.By.SamePerson(b.ImportedBy, j.Policy.SharedAccount):
		return done, &SamePersonError{b, j.By}
	}
	done.Attestations, err = j.Store.Approve(ctx, attestation.Approval{Batch: b.ID, SHA256: b.SHA256, By: j.By,
		At: j.Now(), Policy: j.Policy})
	return done, err
}

// SamePersonError: the approver is, or may be, the importer.
type SamePersonError struct {
	Batch attestation.Batch
	By    attestation.Actor
}

func (e *SamePersonError) Error() string {
	text := fmt.Sprintf("batch %d was imported by %s; somebody else has to approve it", e.Batch.ID,
		e.Batch.ImportedBy.Name)
	if e.byAccount() {
		text += fmt.Sprintf(" (user id %s of host %s imported it, and is not somebody else under the name %s)",
			e.By.UserID, e.By.Host, e.By.Name)
	}
	return text
}

// byAccount reports whether only the account says that both are one person.
func (e *SamePersonError) byAccount() bool { return !e.By.SamePerson(e.Batch.ImportedBy, true) }

// Code is "usage": nothing was done.
func (e *SamePersonError) Code() string { return "usage" }

// Hint says how to go on.
func (e *SamePersonError) Hint() string {
	if e.byAccount() {
		return "Approve as another user of the host. Where several people share one account, say so: " +
			"attestation.shared_account: true."
	}
	return "Ask a colleague to approve it."
}

// Purger removes personal data from the ledger.
type Purger interface {
	Purge(ctx context.Context, batch int64, actor attestation.Actor, at time.Time) (signers int64, err error)
}

// Purge removes the personal data of a batch whose attestations are all settled, and returns how
// many signers it removed. What happened to them stays on record.
func (j Approvals) Purge(ctx context.Context, store Purger, batchID int64) (signers int64, err error) {
	if err := checkActor(j.By, "purges"); err != nil {
		return 0, err
	}
	b, err := FindBatch(ctx, j.Store, batchID)
	if err != nil {
		return 0, err
	}
	return store.Purge(ctx, b.ID, j.By, j.Now())
}

// checkActor refuses a name that is empty, or that could steer a terminal.
func checkActor(by attestation.Actor, does string) error {
	switch {
	case strings.TrimSpace(by.Name) == "":
		return usageErrorf("--by must not be empty: say who %s", does)
	case strings.ContainsFunc(by.Name, unicode.IsControl) || !utf8.ValidString(by.Name):
		return usageErrorf("--by must not hold control characters, as %q does", by.Name)
	}
	return nil
}

// Decided is one attestation that a person moved.
type Decided struct {
	ID       attestation.ID
	From, To attestation.State
}

// Cancel takes attestations out of the queue before they are sent: one, or all of a batch for which
// it can be done.
func (j Approvals) Cancel(ctx context.Context, targets []Target) ([]Decided, error) {
	return j.decide(ctx, targets, attestation.Cancelled)
}

// Retry lets failed attestations be sent again.
func (j Approvals) Retry(ctx context.Context, targets []Target) ([]Decided, error) {
	return j.decide(ctx, targets, attestation.Approved)
}

func (j Approvals) decide(ctx context.Context, targets []Target, to attestation.State) (done []Decided, err error) {
	if err := checkActor(j.By, "decides"); err != nil {
		return nil, err
	}
	for _, target := range targets {
		chosen, err := j.movable(ctx, target, to)
		if err != nil {
			return done, err
		}
		for _, a := range chosen {
			decided := Decided{a.ID, a.State, to}
			if to == attestation.Approved {
				decided.To, _ = a.Retried()
			}
			if err := j.Store.Decide(ctx, a.ID, decided.From, decided.To, j.By, j.Now()); err != nil {
				return done, fmt.Errorf("attestation %s: %w", a.ID, err)
			}
			done = append(done, decided)
		}
	}
	return done, nil
}

// movable are the attestations of a target that can be moved to a state. A single one that cannot
// is an error.
func (j Approvals) movable(ctx context.Context, target Target,
	to attestation.State) (chosen []attestation.Attestation, err error) {
	if target.Attestation != (attestation.ID{}) {
		a, err := FindAttestation(ctx, j.Store, target.Attestation)
		if err == nil && !a.MayDecide(to) {
			err = usageErrorf("attestation %s is %s and cannot become %s", a.ID, a.Status(), to)
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
		if a.MayDecide(to) {
			chosen = append(chosen, a)
		}
	}
	return chosen, nil
}
