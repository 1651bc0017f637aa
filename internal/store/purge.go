package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// purged is the detail of the event of a purge.
type purged struct {
	Signers int64  `json:"signers"`
	Digest  string `json:"digest"` // of the rows of the batch from now on
}

// Purge removes the personal data of a batch: signers, cells, and what messages say. Rows, states,
// requests and the chain stay. It returns how many signers were removed; ErrNotFound when there is
// no such batch, ErrUnfinished when some of its attestations still need their signers.
func (s *Store) Purge(ctx context.Context, batch int64, actor attestation.Actor,
	at time.Time) (signers int64, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		var row batchRow
		if err := s.get(ctx, tx, &row, "batch", args{"batch": batch}); err != nil {
			return err
		}
		var unfinished int
		if err := s.get(ctx, tx, &unfinished, "count_unfinished",
			args{"batch": batch, "states": statesThatNeedSigners()}); err != nil {
			return err
		}
		if unfinished > 0 {
			return ErrUnfinished
		}
		for _, statement := range []string{"purge_rows", "purge_requests", "purge_cells"} {
			if signers, err = s.exec(ctx, tx, statement, args{"batch": batch}); err != nil {
				return err
			}
		}
		digest, err := s.digest(ctx, tx, batch)
		if err != nil {
			return err
		}
		detail, err := json.Marshal(purged{Signers: signers, Digest: digest})
		if err != nil {
			return err
		}
		return s.append(ctx, tx, ledger.Event{Kind: ledger.EventPurge, At: at, Batch: batch, Actor: actor,
			Detail: string(detail)})
	})
	return signers, err
}

// statesThatNeedSigners are those of attestations that may still be sent, now or after a retry.
func statesThatNeedSigners() []attestation.State {
	return slices.DeleteFunc(attestation.States(), func(s attestation.State) bool {
		return !slices.Contains(statesUnderWay(), s) && !attestation.CanMove(s, attestation.Approved)
	})
}
