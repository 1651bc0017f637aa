package store

import (
	"time"

	"golang.org/x/text/cases"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// recordRow is a standing.Record as the tables standing and run_reading hold it.
type recordRow struct {
	CustomerID       string            `db:"customer_id"`
	DisplayID        string            `db:"display_id"`
	Name             string            `db:"name"`
	NameSort         string            `db:"name_sort"`
	Domain           string            `db:"domain"`
	Relationship     string            `db:"relationship"`
	Standing         standing.Standing `db:"standing"`
	Reason           standing.Reason   `db:"reason"`
	Remedy           standing.Remedy   `db:"remedy"`
	Agreements       standing.Outcome  `db:"agreements"`
	DateAgreed       standing.Date     `db:"date_agreed"`
	SignerFirst      string            `db:"signer_first"`
	SignerLast       string            `db:"signer_last"`
	SignerEmail      string            `db:"signer_email"`
	SignerPhone      string            `db:"signer_phone"`
	Direct           standing.Direct   `db:"direct_acceptance"`
	DirectLast       standing.Direct   `db:"direct_acceptance_last_known"`
	ErrorStatus      int               `db:"error_status"`
	ErrorCode        string            `db:"error_code"`
	ErrorMessage     string            `db:"error_message"`
	ErrorRequest     string            `db:"error_request_id"`
	ErrorCorrelation string            `db:"error_correlation_id"`
	FirstSeen        *time.Time        `db:"first_seen"`
	StandingSince    *time.Time        `db:"standing_since"`
	PolicyChanged    bool              `db:"policy_changed"`
	BlockedSince     *time.Time        `db:"blocked_since"`
	DirectSince      *time.Time        `db:"direct_since"`
	LastRead         *time.Time        `db:"last_read"`
}

// ledgerRow is a record of the table standing.
type ledgerRow struct {
	recordRow
	PartnerID string `db:"partner_id"`
	ValidFrom int64  `db:"valid_from"`
	ValidTo   *int64 `db:"valid_to"`
}

func (r ledgerRow) ledger() ledgerRow { return r }

func rowOf(r standing.Record) recordRow {
	return recordRow{
		CustomerID: r.ID, DisplayID: r.DisplayID, Name: r.Name, NameSort: cases.Fold().String(r.Name), Domain: r.Domain,
		Relationship: r.Relationship, Standing: r.Standing, Reason: r.Reason, Remedy: r.Remedy,
		Agreements: r.Agreements, DateAgreed: r.Newest.Agreed, SignerFirst: r.Newest.Signer.FirstName,
		SignerLast: r.Newest.Signer.LastName, SignerEmail: r.Newest.Signer.Email, SignerPhone: r.Newest.Signer.Phone,
		Direct: r.Direct, DirectLast: r.DirectLast, ErrorStatus: r.ReadError.Status, ErrorCode: r.ReadError.Code,
		ErrorMessage: r.ReadError.Message, ErrorRequest: r.ReadError.RequestID,
		ErrorCorrelation: r.ReadError.CorrelationID, FirstSeen: orNull(r.FirstSeen),
		StandingSince: orNull(r.StandingSince), PolicyChanged: r.PolicyChanged, BlockedSince: orNull(r.BlockedSince),
		DirectSince: orNull(r.DirectSince), LastRead: orNull(r.LastRead),
	}
}

func (r recordRow) record() standing.Record {
	return standing.Record{
		State: standing.State{
			Customer: standing.Customer{ID: r.CustomerID, DisplayID: r.DisplayID, Name: r.Name, Domain: r.Domain,
				Relationship: r.Relationship},
			Standing: r.Standing, Reason: r.Reason, Remedy: r.Remedy, Agreements: r.Agreements,
			Newest: standing.Agreement{Agreed: r.DateAgreed,
				Signer: standing.Contact{FirstName: r.SignerFirst, LastName: r.SignerLast, Email: r.SignerEmail,
					Phone: r.SignerPhone}},
			Direct: r.Direct,
			ReadError: standing.ReadError{Status: r.ErrorStatus, Code: r.ErrorCode, Message: r.ErrorMessage,
				RequestID: r.ErrorRequest, CorrelationID: r.ErrorCorrelation},
		},
		DirectLast: r.DirectLast,
		FirstSeen:  orZero(r.FirstSeen), StandingSince: orZero(r.StandingSince), PolicyChanged: r.PolicyChanged,
		BlockedSince: orZero(r.BlockedSince), DirectSince: orZero(r.DirectSince), LastRead: orZero(r.LastRead),
	}
}

// orNull stores an instant as both databases keep it: UTC, to the microsecond; the zero time as
// NULL.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = instant(t)
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
