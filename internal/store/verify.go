package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// Verified is what a walk along a batch's chain found.
type Verified struct {
	Batch    int64
	Events   int
	Head     string   // hash of the last event
	Problems []string // empty: the chain is whole and the ledger says what it says
}

// Verify walks the chain of every batch: each event is what was sealed, follows the one before, and the last is the one the batch names; the rows are
// those that were imported; each attestation stands where the log left it; each person is the one who was imported, or was purged.
func (s *Store) Verify(ctx context.Context) ([]Verified, error) {
	var batches []batchRow
	if err := s.list(ctx, s.db, &batches, "batches", nil); err != nil {
		return nil, err
	}
	var all []Verified
	for _, b := range batches {
		v, err := s.verify(ctx, b)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (s *Store) verify(ctx context.Context, b batchRow) (Verified, error) {
	v := Verified{Batch: b.ID}
	problem := func(format string, values ...any) {
		if len(v.Problems) < 100 {
			v.Problems = append(v.Problems, fmt.Sprintf(format, values...))
		}
	}
	var first, approved, last attestation.Event
	for row, err := range stream[eventRow](ctx, s, "events", args{"batch": b.ID}) {
		if err != nil {
			return v, err
		}
		e := row.event()
		v.Events++
		switch {
		case e.Sequence != last.Sequence+1:
			problem("event %d follows event %d", e.Sequence, last.Sequence)
		case e.Previous != last.Hash:
			problem("event %d does not continue the one before", e.Sequence)
		case !e.Whole():
			problem("event %d was changed", e.Sequence)
		case e.Line > 0 && !attestation.CanMove(e.From, e.To):
			problem("event %d moves line %d from %s to %s", e.Sequence, e.Line, e.From, e.To)
		}
		if v.Events == 1 {
			first = e
		}
		if e.Line == 0 && e.To == attestation.Approved {
			approved = e
		}
		last = e
	}
	v.Head = last.Hash
	if last.Sequence != b.HeadSequence || last.Hash != b.HeadHash {
		problem("the chain ends with event %d, the batch says %d", last.Sequence, b.HeadSequence)
	}
	if first.Actor != b.ImportedBy || !first.At.Equal(b.ImportedAt) {
		problem("the batch says that %q imported it at %s, the log says %q at %s", b.ImportedBy, b.ImportedAt.UTC(), first.Actor, first.At)
	}
	if at := orZero(b.ApprovedAt); approved.Actor != b.ApprovedBy || !approved.At.Equal(at) {
		problem("the batch says that %q approved it at %s, the log says %q at %s", b.ApprovedBy, at, approved.Actor, approved.At)
	}
	if err := s.verifyRows(ctx, b, first, problem); err != nil {
		return v, err
	}
	if err := s.verifyAnswers(ctx, b.ID, problem); err != nil {
		return v, err
	}
	return v, s.verifyStates(ctx, b.ID, problem)
}

// verifyAnswers compares what the ledger holds of the last answer to each attestation with what the log says of it.
func (s *Store) verifyAnswers(ctx context.Context, batch int64, problem func(string, ...any)) error {
	type answer struct {
		Line        int                `db:"line"`
		Reason      attestation.Reason `db:"reason" json:"reason"`
		Status      int                `db:"answer_status" json:"status"`
		Code        string             `db:"answer_code" json:"code"`
		Request     string             `db:"answer_request" json:"request_id"`
		Correlation string             `db:"answer_correlation" json:"correlation_id"`
	}
	for row, err := range stream[struct {
		answer
		Detail string `db:"detail"`
	}](ctx, s, "answers", args{"batch": batch}) {
		if err != nil {
			return err
		}
		said := answer{Line: row.Line}
		if err := json.Unmarshal([]byte(row.Detail), &said); err != nil || said != row.answer {
			problem("line %d: the answer is not the one that was logged", row.Line)
		}
	}
	return nil
}

// verifyRows compares the batch's rows and persons with the digests taken at import.
func (s *Store) verifyRows(ctx context.Context, b batchRow, first attestation.Event, problem func(string, ...any)) error {
	var imported struct{ SHA256, Digest string }
	if err := json.Unmarshal([]byte(first.Detail), &imported); err != nil {
		problem("the import's own event cannot be read")
	}
	if imported.SHA256 != b.SHA256 {
		problem("the file's SHA-256 is not the one that was imported")
	}
	digest, err := s.digest(ctx, s.db, b.ID)
	if err != nil {
		return err
	}
	if digest != imported.Digest {
		problem("the rows are not those that were imported")
	}
	for row, err := range stream[struct {
		personRow
		Digest string `db:"signer_digest"`
	}](ctx, s, "signer_rows", args{"batch": b.ID}) {
		if err != nil {
			return err
		}
		if row.digest() != row.Digest {
			problem("line %d: the person is not the one who was imported", row.Line)
		}
	}
	return nil
}

func (s *Store) verifyStates(ctx context.Context, batch int64, problem func(string, ...any)) error {
	var rows []struct {
		Line  int               `db:"line"`
		State attestation.State `db:"state"`
		Said  attestation.State `db:"said"`
	}
	if err := s.list(ctx, s.db, &rows, "contradictions", args{"batch": batch}); err != nil {
		return err
	}
	for _, r := range rows {
		problem("line %d is %s, the log says %s", r.Line, r.State, r.Said)
	}
	return nil
}
