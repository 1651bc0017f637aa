package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Verify compares the whole ledger with its event chain: every event is what was sealed and follows
// the one before, and every table that events speak of says what they say. It reads one state of
// the database, also while others write.
func (s *Store) Verify(ctx context.Context) (found ledger.Verification, err error) {
	err = s.inSnapshot(ctx, func(tx *sqlx.Tx) error {
		v := newVerifier(s, tx)
		for _, check := range []struct {
			name string
			run  func(*verifier, context.Context) error
		}{
			{"database", (*verifier).database},
			{"chain", (*verifier).chain},
			{"runs", (*verifier).runs},
			{"standings", (*verifier).standings},
			{"batches", (*verifier).batches},
			{"rows", (*verifier).rows},
			{"orphans", (*verifier).orphans},
			{"signers", (*verifier).signers},
			{"states", (*verifier).states},
			{"requests", (*verifier).requests},
			{"links", (*verifier).links},
			{"observations", (*verifier).observations},
			{"exceptions", (*verifier).exceptions},
		} {
			v.check = check.name
			if err := check.run(v, ctx); err != nil {
				return fmt.Errorf("check %s: %w", check.name, err)
			}
		}
		found = v.found
		return nil
	})
	return found, err
}

// verifier is one verification under way.
type verifier struct {
	store *Store
	tx    *sqlx.Tx
	found ledger.Verification
	check string // under way
	all   []batchRow

	imports, approvals, purges map[int64]ledger.Event // by batch
	enriched                   map[int64]ledger.Event // by sequence
	closings                   map[int64]ledger.Event // by run, like what follows
	costs                      map[int64][]ledger.Cost
	reported                   map[int64]time.Time
}

func newVerifier(s *Store, tx *sqlx.Tx) *verifier {
	return &verifier{store: s, tx: tx, imports: map[int64]ledger.Event{}, approvals: map[int64]ledger.Event{},
		purges: map[int64]ledger.Event{}, enriched: map[int64]ledger.Event{}, closings: map[int64]ledger.Event{},
		costs: map[int64][]ledger.Cost{}, reported: map[int64]time.Time{}}
}

// maxProblems is how many problems are told; one fault can have very many.
const maxProblems = 1000

func (v *verifier) problem(at ledger.Problem, format string, values ...any) {
	if len(v.found.Problems) == maxProblems {
		return
	}
	at.Check, at.Text = v.check, fmt.Sprintf(format, values...)
	v.found.Problems = append(v.found.Problems, at)
}

// database asks the database whether its file is sound, and whether the log is still protected from
// edits.
func (v *verifier) database(ctx context.Context) error {
	found, err := v.store.damage(ctx, v.tx, "integrity_check")
	if err != nil {
		return err
	}
	for _, text := range found {
		v.problem(ledger.Problem{}, "the database file is damaged: %s", text)
	}
	var triggers int
	if err := v.store.get(ctx, v.tx, &triggers, "count_event_triggers", nil); err != nil {
		return err
	}
	if triggers == 0 {
		v.problem(ledger.Problem{}, "the triggers that keep events from being changed are missing")
	}
	return nil
}

// Damage asks SQLite whether the structure of its file is sound, and returns what is not. It takes
// seconds for a large database. PostgreSQL finds damage by itself, if it was set up with checksums.
func (s *Store) Damage(ctx context.Context) ([]string, error) {
	return s.damage(ctx, s.db, "quick_check")
}

func (s *Store) damage(ctx context.Context, on sqlx.ExtContext, check string) (found []string, err error) {
	if s.dialect != sqlfiles.SQLite {
		return nil, nil
	}
	if err := s.list(ctx, on, &found, check, nil); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(text string) bool { return text == "ok" }), nil
}

// chain walks all events and keeps those that later checks need.
func (v *verifier) chain(ctx context.Context) error {
	var head ledger.ChainHead
	for row, err := range streamOn[eventRow](ctx, v.store, v.tx, "events", nil) {
		if err != nil {
			return err
		}
		e := row.event()
		at := ledger.Problem{Event: e.Sequence, Batch: e.Batch, Line: e.Line, Run: e.Run}
		switch {
		case e.Sequence != head.Sequence+1:
			v.problem(at, "event %d follows event %d: events between them are missing", e.Sequence, head.Sequence)
		case e.Previous != head.Hash:
			v.problem(at, "event %d does not continue event %d", e.Sequence, head.Sequence)
		case !e.Unaltered():
			v.problem(at, "event %d was changed", e.Sequence)
		case e.Line > 0 && e.To != "" && e.From != e.To && !attestation.CanMove(e.From, e.To):
			v.problem(at, "event %d moves the attestation from %s to %s, which is not possible", e.Sequence, e.From,
				e.To)
		}
		v.remember(at, e)
		head = e.Head()
		v.found.Events++
	}
	v.found.Head = head
	var end headRow
	if err := v.store.get(ctx, v.tx, &end, "chain_head", nil); err != nil {
		return err
	}
	if ledger.ChainHead(end) != head {
		v.problem(ledger.Problem{Event: head.Sequence},
			"the chain ends with event %s, but the last one was recorded as %s", head, ledger.ChainHead(end))
	}
	return nil
}

// remember keeps the events that say what other tables must be.
func (v *verifier) remember(at ledger.Problem, e ledger.Event) {
	kept, of := v.imports, e.Batch
	switch {
	case e.Kind == ledger.EventImport:
	case e.Kind == ledger.EventApprove:
		kept = v.approvals
	case e.Kind == ledger.EventPurge:
		v.purges[e.Batch] = e // the last one counts
		return
	case e.Kind == ledger.EventRun:
		kept, of = v.closings, e.Run
	case e.Kind == ledger.EventEnrich && e.Run == 0:
		kept, of = v.enriched, e.Sequence
	default:
		v.rememberLater(at, e)
		return
	}
	if _, twice := kept[of]; twice {
		v.problem(at, "event %d is the second of kind %s", e.Sequence, e.Kind)
	}
	kept[of] = e
}

// imported is the detail of an import's event.
type imported struct {
	SHA256 string `json:"sha256"`
	Rows   int    `json:"rows"`
	Queued int    `json:"queued"`
	Batch  string `json:"batch"`  // digest of the batch's own row
	Digest string `json:"digest"` // of the rows of the file

	Policy attestation.ApprovalPolicy `json:"policy"`
}

// batches compares each batch with the events of its import and approval.
func (v *verifier) batches(ctx context.Context) error {
	if err := v.store.list(ctx, v.tx, &v.all, "batches", nil); err != nil {
		return err
	}
	v.found.Batches = len(v.all)
	there := map[int64]bool{}
	for _, b := range v.all {
		there[b.ID] = true
		at := ledger.Problem{Batch: b.ID}
		e, ok := v.imports[b.ID]
		if !ok {
			v.problem(at, "no event records the import of batch %d", b.ID)
			continue
		}
		if e.Actor != b.importer() || !e.At.Equal(b.ImportedAt) {
			v.problem(at, "the batch says that %+v imported it at %s; the log says %+v at %s", b.importer(),
				b.ImportedAt.UTC(), e.Actor, e.At)
		}
		var detail imported
		if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil || detail.SHA256 != b.SHA256 ||
			detail.Batch != b.digest() {
			v.problem(at, "the file, the counts or the header of the batch are not those that were imported")
		}
		approved := v.approvals[b.ID]
		if when := orZero(b.ApprovedAt); approved.Actor != b.approver() || !approved.At.Equal(when) {
			v.problem(at, "the batch says that %+v approved it at %s; the log says %+v at %s", b.approver(), when,
				approved.Actor, approved.At)
		}
		if policy := policyText(policyThen(detail, approved)); policy != b.ApprovalPolicy {
			v.problem(at, "the batch says that its approval policy was %s; the log says %s", b.ApprovalPolicy, policy)
		}
	}
	for id, e := range v.imports {
		if !there[id] {
			v.problem(ledger.Problem{Event: e.Sequence, Batch: id}, "batch %d was imported and is missing", id)
		}
	}
	return nil
}

// policyThen is the policy that a batch was approved under, or imported under if it was never
// approved.
func policyThen(detail imported, approved ledger.Event) attestation.ApprovalPolicy {
	var said approval
	if json.Unmarshal([]byte(approved.Detail), &said) == nil {
		return said.Policy
	}
	return detail.Policy
}

// rows compares the rows of each batch with the digest taken when it was imported, or purged.
func (v *verifier) rows(ctx context.Context) error {
	for _, b := range v.all {
		digest, err := v.store.digest(ctx, v.tx, b.ID)
		if err != nil {
			return err
		}
		e, purged := v.purges[b.ID]
		if !purged {
			e = v.imports[b.ID]
		}
		var said struct{ Digest string }
		if json.Unmarshal([]byte(e.Detail), &said) != nil || digest != said.Digest {
			v.problem(ledger.Problem{Batch: b.ID}, "the rows of batch %d are not those that were imported", b.ID)
		}
	}
	return nil
}

// orphans looks for rows that belong to nothing. Not all tables that imports fill have foreign
// keys, and who edits by hand can turn them off.
func (v *verifier) orphans(ctx context.Context) error {
	type place struct {
		Table string `db:"place"`
		Batch int64  `db:"batch_id"`
		Line  int    `db:"line"`
	}
	var orphans, unsigned []place
	if err := v.store.list(ctx, v.tx, &orphans, "orphans", nil); err != nil {
		return err
	}
	for _, o := range orphans {
		v.problem(ledger.Problem{Batch: o.Batch, Line: o.Line}, "the row of %s belongs to nothing", o.Table)
	}
	if err := v.store.list(ctx, v.tx, &unsigned, "missing_signers", nil); err != nil {
		return err
	}
	for _, u := range unsigned {
		v.problem(ledger.Problem{Batch: u.Batch, Line: u.Line},
			"the signer is missing, and no event says that the batch was purged")
	}
	return nil
}

// signers compares the persons with the digests in the rows.
func (v *verifier) signers(ctx context.Context) error {
	for _, b := range v.all {
		for row, err := range streamOn[struct {
			personRow
			Digest string `db:"signer_digest"`
		}](ctx, v.store, v.tx, "signer_rows", args{"batch": b.ID}) {
			if err != nil {
				return err
			}
			if row.digest() != row.Digest {
				v.problem(ledger.Problem{Batch: b.ID, Line: row.Line}, "the signer is not the one who was imported")
			}
		}
	}
	return nil
}

// states compares the state of each attestation with the last event that moved it.
func (v *verifier) states(ctx context.Context) error {
	for _, b := range v.all {
		var rows []struct {
			Line  int               `db:"line"`
			State attestation.State `db:"state"`
			Said  attestation.State `db:"said"`
		}
		if err := v.store.list(ctx, v.tx, &rows, "contradictions", args{"batch": b.ID}); err != nil {
			return err
		}
		for _, r := range rows {
			v.problem(ledger.Problem{Batch: b.ID, Line: r.Line}, "the attestation is %s; the log says %s", r.State,
				r.Said)
		}
	}
	return nil
}
