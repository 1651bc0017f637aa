package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// RecordReader reads what Microsoft has on record of a customer.
type RecordReader interface {
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
}

// approvedLately is how long after its approval an attestation is normally sent: in the next night.
const approvedLately = 24 * time.Hour

// settleIfCovered settles an attestation that was never sent and need not be any more: its customer
// can buy meanwhile, or the same acceptance is on record. ok is false when it is to be sent.
func (s *submission) settleIfCovered(ctx context.Context, c *attestation.Claim) (end attestation.Settlement,
	ok bool, err error) {
	if c.State != attestation.Approved || c.MaybeDelivered {
		return end, false, nil
	}
	today := standing.DateOf(s.now())
	if end, ok := c.CoveredByStanding(s.Since, today); ok {
		return end, true, nil
	}
	if !s.mayHaveBeenSent(c) {
		return end, false, nil
	}
	found, err := s.Record.Agreements(ctx, c.ServiceID())
	if e, gone := errors.AsType[serviceError](err); gone && e.Outcome() != standing.OutcomeUnreadable {
		end := customerRejected(c, answerOf(e), err)
		end.Read = true
		return end, true, nil
	}
	if err != nil {
		return attestation.Settlement{State: c.State, Wait: s.Cooldown}, true, ifFatal(err)
	}
	end, ok = c.Covered(found, s.Since, today)
	return end, ok, nil
}

// mayHaveBeenSent reports whether the attestation may have been sent by a ledger that knew more
// than this one: before a backup was restored, or by another database. Then what Microsoft has is
// read first. A new row is sent within a day, and before the next run reads its customer. What was
// settled by reading is read again when a person retries it.
func (s *submission) mayHaveBeenSent(c *attestation.Claim) bool {
	return c.LastRequest.Kind == attestation.ReadRequest || c.ImportedAt.Before(c.LastRead) ||
		c.ImportedAt.Before(c.CopiedAt) ||
		s.now().Sub(c.ApprovedAt) > approvedLately
}
