package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// exceptionRow is a ledger.Exception as the table exception holds it.
type exceptionRow struct {
	Event         int64         `db:"event"`
	PartnerID     string        `db:"partner_id"`
	CustomerID    string        `db:"customer_id"`
	Owner         string        `db:"owner"`
	DueOn         standing.Date `db:"due_on"`
	Comment       string        `db:"comment"`
	AcceptedUntil standing.Date `db:"accepted_until"`
	Removed       bool          `db:"removed"`
	File          string        `db:"file_name"`
	Salt          string        `db:"salt"`
}

// digest stands for the row in the chain. Without the salt what people wrote cannot be guessed from
// it, so that purging the row purges that.
func (r exceptionRow) digest() string {
	digest := newDigester[exceptionRow]("event")
	digest.add(&r)
	return digest.sum()
}

// same reports whether two rows say the same, whatever file said it.
func (r exceptionRow) same(b exceptionRow) bool {
	r.Event, r.File, r.Salt, b.Event, b.File, b.Salt = 0, "", "", 0, "", ""
	return r == b
}

// digested is the detail of an event that records a row of its own.
type digested struct {
	Digest string `json:"digest"`
}

// SetExceptions keeps the exceptions that differ from what the ledger has, all in one transaction,
// and returns how many they are. The same customer may come once only.
func (s *Store) SetExceptions(ctx context.Context, exceptions []ledger.Exception, actor attestation.Actor,
	at time.Time) (changed int, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		changed = 0
		rows, err := s.changedExceptions(ctx, tx, exceptions)
		if err != nil || len(rows) == 0 {
			return err
		}
		events := make([]ledger.Event, len(rows))
		for i, r := range rows {
			if events[i], err = eventOfRow(ledger.EventException, r.PartnerID, r.CustomerID, r.digest(), actor,
				at); err != nil {
				return err
			}
		}
		first, err := s.appendNumbered(ctx, tx, events...)
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i].Event = first + int64(i)
		}
		for chunk := range slices.Chunk(rows, 1000) {
			if _, err := s.exec(ctx, tx, "save_exceptions", chunk); err != nil {
				return err
			}
		}
		changed = len(rows)
		return nil
	})
	return changed, err
}

// Exceptions lists the exceptions of partners' customers as they were at an instant, the oldest
// first. Removed ones are left out.
func (s *Store) Exceptions(ctx context.Context, partners []string, at time.Time) ([]ledger.ExceptionEntry, error) {
	if len(partners) == 0 {
		return nil, nil
	}
	var rows []exceptionEntryRow
	if err := s.list(ctx, s.db, &rows, "exceptions", args{"partners": partners, "at": instant(at)}); err != nil {
		return nil, err
	}
	return exceptionEntries(rows), nil
}

// exceptionEntryRow is an exception with its customer.
type exceptionEntryRow struct {
	exceptionRow
	eventColumns
	DisplayID    string            `db:"display_id"`
	Name         string            `db:"name"`
	Domain       string            `db:"domain"`
	Standing     standing.Standing `db:"standing"`
	BlockedSince *time.Time        `db:"blocked_since"`
}

func exceptionEntries(rows []exceptionEntryRow) []ledger.ExceptionEntry {
	entries := make([]ledger.ExceptionEntry, len(rows))
	for i, r := range rows {
		entries[i] = ledger.ExceptionEntry{
			Event: r.Event,
			Exception: ledger.Exception{PartnerID: r.PartnerID, CustomerID: r.CustomerID, Owner: r.Owner,
				DueOn: r.DueOn, Comment: r.Comment,
				AcceptedUntil: r.AcceptedUntil, File: r.File, Actor: r.actor(), At: r.At.UTC()},
			Customer: standing.Customer{ID: r.CustomerID, DisplayID: r.DisplayID, Name: r.Name, Domain: r.Domain},
			Standing: r.Standing, BlockedSince: orZero(r.BlockedSince),
		}
	}
	return entries
}

// eventColumns say who did something, and when.
type eventColumns struct {
	At     time.Time               `db:"at"`
	Name   string                  `db:"actor"`
	UserID string                  `db:"user_id"`
	Host   string                  `db:"host"`
	Source attestation.ActorSource `db:"source"`
}

func (c eventColumns) actor() attestation.Actor {
	return attestation.Actor{Name: c.Name, UserID: c.UserID, Host: c.Host, Source: c.Source}
}

// changedExceptions are those that say something else than the newest row of their customer. To
// remove what is not there says nothing.
func (s *Store) changedExceptions(ctx context.Context, tx *sqlx.Tx,
	exceptions []ledger.Exception) (changed []exceptionRow, err error) {
	type customer struct{ partner, id string }
	byPartner := map[string][]string{}
	for _, e := range exceptions {
		byPartner[e.PartnerID] = append(byPartner[e.PartnerID], e.CustomerID)
	}
	newest := map[customer]exceptionRow{}
	for partner, customers := range byPartner {
		for chunk := range slices.Chunk(customers, 1000) {
			var rows []exceptionRow
			if err := s.list(ctx, tx, &rows, "newest_exceptions", args{"partner_id": partner,
				"customers": chunk}); err != nil {
				return nil, err
			}
			for _, r := range rows {
				newest[customer{r.PartnerID, r.CustomerID}] = r
			}
		}
	}
	for _, e := range exceptions {
		row := exceptionRow{PartnerID: e.PartnerID, CustomerID: e.CustomerID, Owner: e.Owner, DueOn: e.DueOn,
			Comment:       e.Comment,
			AcceptedUntil: e.AcceptedUntil, Removed: e.Removed, File: e.File, Salt: rand.Text()}
		if before, ok := newest[customer{e.PartnerID, e.CustomerID}]; ok && row.same(before) || !ok && e.Removed {
			continue
		}
		changed = append(changed, row)
	}
	return changed, nil
}

func eventOfRow(kind ledger.EventKind, partnerID, customerID, digest string, actor attestation.Actor,
	at time.Time) (ledger.Event, error) {
	detail, err := json.Marshal(digested{digest})
	return ledger.Event{Kind: kind, At: at, PartnerID: partnerID, CustomerID: customerID, Actor: actor,
		Detail: string(detail)}, err
}
