package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/bits"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// closing is the detail of the event that records the end of a run.
type closing struct {
	State     ledger.RunState `json:"state"`
	Policy    closingPolicy   `json:"policy"`
	Clear     int             `json:"clear"`
	Blocked   int             `json:"blocked"`
	Unknown   int             `json:"unknown"`
	Excluded  int             `json:"excluded"`
	Cost      ledger.Cost     `json:"cost"`
	Run       string          `json:"run"`                 // digest of the run's row and checks
	Changes   string          `json:"changes,omitempty"`   // digest of the records that began and ended with it
	Standings string          `json:"standings,omitempty"` // sum of the records that are valid in it
}

type closingPolicy struct {
	AcceptedSince standing.Date `json:"accepted_since"`
	TrustDirect   bool          `json:"trust_direct_acceptance"`
}

// recordClosing appends the event of a run that was closed in this transaction.
func (s *Store) recordClosing(ctx context.Context, tx *sqlx.Tx, id int64) error {
	row, detail, err := s.describeRun(ctx, tx, id)
	if err != nil {
		return err
	}
	if row.State == ledger.Completed {
		changes, before, after, err := s.digestChanges(ctx, tx, row)
		if err != nil {
			return err
		}
		sum, err := s.sumBefore(ctx, tx, row)
		if err != nil {
			return err
		}
		detail.Changes, detail.Standings = changes, sum.sub(before).add(after).String()
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return s.append(ctx, tx, ledger.Event{Kind: ledger.EventRun, At: orZero(row.FinishedAt), Run: id,
		PartnerID: row.PartnerID, Actor: automatic(), Detail: string(text)})
}

// describeRun reads a closed run and says of it what needs no look at the standings.
func (s *Store) describeRun(ctx context.Context, on sqlx.ExtContext, id int64) (row runRow, detail closing, err error) {
	if err := s.get(ctx, on, &row, "run", args{"run": id}); err != nil {
		return row, detail, err
	}
	var checks []checkRow
	if err := s.list(ctx, on, &checks, "checks", args{"run": id}); err != nil {
		return row, detail, err
	}
	// What a run cost, and when it was reported, may be added to after its end, by events of their
	// own.
	run, check := newDigester[runRow]("requests", "throttled", "retries", "seconds", "reported_at"),
		newDigester[checkRow]()
	run.add(&row)
	for i := range checks {
		run.hash.Write(check.line(&checks[i]))
	}
	return row, closing{State: row.State, Policy: closingPolicy{row.AcceptedSince, row.TrustDirect},
		Clear: row.Clear, Blocked: row.Blocked, Unknown: row.Unknown, Excluded: row.Excluded, Cost: row.cost(),
		Run: run.sum()}, nil
}

// digestChanges is the digest of the records that began with a run, whole, and of those that ended
// with it, by their keys. It also sums up both.
func (s *Store) digestChanges(ctx context.Context, on sqlx.ExtContext,
	run runRow) (digest string, ended, begun rowSum, err error) {
	where := args{"partner_id": run.PartnerID, "run": run.ID}
	all := sha256.New()
	record := newRecordDigester()
	for row, err := range streamOn[ledgerRow](ctx, s, on, "records_begun", where) {
		if err != nil {
			return "", ended, begun, err
		}
		line := record.one(&row)
		all.Write(line[:])
		begun = begun.add(sumOf(line))
	}
	for row, err := range streamOn[ledgerRow](ctx, s, on, "records_ended", where) {
		if err != nil {
			return "", ended, begun, err
		}
		line := record.one(&row)
		all.Write(fields(nil, "ended", row.CustomerID))
		ended = ended.add(sumOf(line))
	}
	return hex.EncodeToString(all.Sum(nil)), ended, begun, nil
}

// newRecordDigester digests records but for valid_to, which is set when they end.
func newRecordDigester() *digester[ledgerRow] { return newDigester[ledgerRow]("valid_to") }

// sumBefore is the sum of the standings in the last completed run before a run, as that run's event
// has it.
func (s *Store) sumBefore(ctx context.Context, on sqlx.ExtContext, run runRow) (rowSum, error) {
	var detail string
	err := s.get(ctx, on, &detail, "closing_before", args{"partner_id": run.PartnerID, "run": run.ID})
	if errors.Is(err, ErrNotFound) {
		return rowSum{}, nil
	}
	if err != nil {
		return rowSum{}, err
	}
	var before closing
	if err := json.Unmarshal([]byte(detail), &before); err != nil {
		return rowSum{}, fmt.Errorf("read the event of the run before: %w", err)
	}
	return parseSum(before.Standings)
}

// checked walks records of a completed run. Where they are all records of the run, it fails after
// the last one with an *AlteredError when they are not those that the run left.
func checked[R interface{ ledger() ledgerRow }](ctx context.Context, s *Store, arg args,
	records iter.Seq2[R, error]) iter.Seq2[R, error] {
	if arg["standing"] != standing.Standing("") {
		return records
	}
	return func(yield func(R, error) bool) {
		var sum rowSum
		digest := newRecordDigester()
		for r, err := range records {
			if err == nil {
				row := r.ledger()
				sum = sum.add(sumOf(digest.one(&row)))
			}
			if !yield(r, err) {
				return
			}
		}
		if err := s.checkSum(ctx, arg["run"].(int64), sum); err != nil {
			yield(*new(R), err)
		}
	}
}

// CheckRun fails with an *AlteredError when the standings of a completed run are not those that the
// run left.
func (s *Store) CheckRun(ctx context.Context, partnerID string, run int64) error {
	arg := args{"partner_id": partnerID, "run": run, "standing": standing.Standing("")}
	for _, err := range checked(ctx, s, arg, stream[ledgerRow](ctx, s, "records_valid", arg)) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkSum(ctx context.Context, run int64, sum rowSum) error {
	var detail string
	if err := s.get(ctx, s.db, &detail, "closing", args{"run": run}); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	var said closing
	if err := json.Unmarshal([]byte(detail), &said); err != nil || said.Standings != sum.String() {
		return &AlteredError{Run: run}
	}
	return nil
}

// rowSum is the sum of the SHA-256 digests of rows, modulo 2^256. It does not depend on their
// order, and rows can be added and taken away, so that a run's sum follows from the one before. It
// finds what was changed by mistake, by a defect or by an edit by hand; the digests of changes,
// which verify compares, are the ones that nobody can forge.
type rowSum [4]uint64 // the lowest first

func sumOf(digest [sha256.Size]byte) (s rowSum) {
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(digest[8*i:])
	}
	return s
}

func (s rowSum) add(t rowSum) rowSum {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], t[i], carry)
	}
	return s
}

func (s rowSum) sub(t rowSum) rowSum {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], t[i], borrow)
	}
	return s
}

func (s rowSum) String() string {
	var bytes []byte
	for _, word := range s {
		bytes = binary.LittleEndian.AppendUint64(bytes, word)
	}
	return hex.EncodeToString(bytes)
}

func parseSum(text string) (rowSum, error) {
	bytes, err := hex.DecodeString(text)
	if err != nil || len(bytes) != sha256.Size {
		return rowSum{}, fmt.Errorf("%q is not a sum of standings", text)
	}
	return sumOf([sha256.Size]byte(bytes)), nil
}
