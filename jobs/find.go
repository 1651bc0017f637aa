package jobs

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Target is what a person names: one attestation, or a whole batch.
type Target struct {
	Batch       int64
	Attestation attestation.ID // zero: the batch
}

// ParseTarget reads a batch's number ("7") or an attestation's id ("7-12").
func ParseTarget(text string) (Target, error) {
	if strings.Contains(text, "-") {
		id, err := ParseAttestation(text)
		return Target{Attestation: id}, err
	}
	batch, err := ParseBatch(text)
	return Target{Batch: batch}, err
}

// ParseBatch reads the number of a batch.
func ParseBatch(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, usageErrorf("%q is not the number of a batch; mcaledger attest list shows them", text)
	}
	return id, nil
}

// ParseAttestation reads the id of an attestation.
func ParseAttestation(text string) (attestation.ID, error) {
	id, err := attestation.ParseID(text)
	if err != nil {
		return id, &UsageError{err}
	}
	return id, nil
}

// BatchFinder finds batches; its error for one that does not exist has the code "not_found".
type BatchFinder interface {
	Batch(ctx context.Context, id int64) (attestation.Batch, error)
	Attestations(ctx context.Context, batch int64) iter.Seq2[attestation.Attestation, error]
}

// AttestationFinder finds attestations; its error for one that does not exist has the code
// "not_found".
type AttestationFinder interface {
	Attestation(ctx context.Context, id attestation.ID) (attestation.Attestation, error)
}

// FindBatch finds the batch that a person named.
func FindBatch(ctx context.Context, batches BatchFinder, id int64) (attestation.Batch, error) {
	b, err := batches.Batch(ctx, id)
	if isNotFound(err) {
		err = usageErrorf("there is no batch %d; mcaledger attest list shows them", id)
	}
	return b, err
}

// FindAttestation finds the attestation that a person named.
func FindAttestation(ctx context.Context, attestations AttestationFinder,
	id attestation.ID) (attestation.Attestation, error) {
	a, err := attestations.Attestation(ctx, id)
	if isNotFound(err) {
		err = usageErrorf("there is no attestation %s", id)
	}
	return a, err
}

func isNotFound(err error) bool {
	coded, ok := errors.AsType[CodedError](err)
	return ok && coded.Code() == "not_found"
}
