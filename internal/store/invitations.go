package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// invitationRow is a ledger.Invitation as the table invitation holds it.
type invitationRow struct {
	Event          int64                 `db:"event"`
	PartnerID      string                `db:"partner_id"`
	CustomerID     *string               `db:"customer_id"`
	CustomerName   string                `db:"customer_name"`
	Domain         string                `db:"domain"`
	Kind           ledger.InvitationKind `db:"kind"`
	Channel        ledger.Channel        `db:"channel"`
	Recipient      string                `db:"recipient"`
	Language       string                `db:"language"`
	TemplateDigest string                `db:"template_digest"`
	Salt           string                `db:"salt"`
}

// digest is like that of an exception.
func (r invitationRow) digest() string {
	digest := newDigester[invitationRow]("event")
	digest.add(&r)
	return digest.sum()
}

// invitationResultRow is what became of an invitation. Its event has the same values.
type invitationResultRow struct {
	Invitation int64                    `db:"invitation" json:"invitation"`
	Event      int64                    `db:"event" json:"-"`
	Outcome    ledger.InvitationOutcome `db:"outcome" json:"outcome"`
	Reason     string                   `db:"reason" json:"reason,omitempty"`
}

// BeginInvitation records an invitation that is about to be sent, and returns its number. It fails
// with ErrInvitedMeanwhile when its customer was invited at or after since: of several processes
// one sends the message.
func (s *Store) BeginInvitation(ctx context.Context, v ledger.Invitation, since time.Time, actor attestation.Actor,
	at time.Time) (id int64, err error) {
	row := invitationRow{PartnerID: v.PartnerID, CustomerID: nullIfZero(v.CustomerID), CustomerName: v.CustomerName,
		Domain: v.Domain, Kind: v.Kind,
		Channel: v.Channel, Recipient: v.Recipient, Language: v.Language, TemplateDigest: v.TemplateDigest,
		Salt: rand.Text()}
	event, err := eventOfRow(ledger.EventInvite, v.PartnerID, v.CustomerID, row.digest(), actor, at)
	if err != nil {
		return 0, err
	}
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		if row.Event, err = s.appendNumbered(ctx, tx, event); err != nil {
			return err
		}
		// The chain is locked now: nobody else records an invitation until this one is committed.
		last, err := s.lastInvitations(ctx, tx, []ledger.Invitation{v})
		if err != nil {
			return err
		}
		if found, ok := last[v.Key()]; ok && !found.At.Before(since) {
			return ErrInvitedMeanwhile
		}
		_, err = s.exec(ctx, tx, "save_invitation", row)
		return err
	})
	return row.Event, err
}

// EndInvitation records what became of sending an invitation, once.
func (s *Store) EndInvitation(ctx context.Context, id int64, outcome ledger.InvitationOutcome, reason string,
	actor attestation.Actor, at time.Time) error {
	row := invitationResultRow{Invitation: id, Outcome: outcome, Reason: reason}
	detail, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var of struct {
			PartnerID  string  `db:"partner_id"`
			CustomerID *string `db:"customer_id"`
		}
		if err := s.get(ctx, tx, &of, "invitation_partner", args{"invitation": id}); err != nil {
			return err
		}
		row.Event, err = s.appendNumbered(ctx, tx, ledger.Event{Kind: ledger.EventInvite, At: at,
			PartnerID:  of.PartnerID,
			CustomerID: zeroIfNull(of.CustomerID), Actor: actor, Detail: string(detail)})
		if err != nil {
			return err
		}
		_, err = s.exec(ctx, tx, "save_invitation_result", row)
		return err
	})
}

// LastInvitations finds, for each of these invitations, the newest earlier one that was sent or may
// have been and that asked the same of the same customer, or of the same recipient where there is
// no tenant id. They are keyed by Invitation.Key.
func (s *Store) LastInvitations(ctx context.Context, of []ledger.Invitation) (map[string]ledger.LastInvitation, error) {
	return s.lastInvitations(ctx, s.db, of)
}

func (s *Store) lastInvitations(ctx context.Context, on sqlx.ExtContext,
	of []ledger.Invitation) (map[string]ledger.LastInvitation, error) {
	last := map[string]ledger.LastInvitation{}
	for chunk := range slices.Chunk(of, 1000) {
		asked := map[string]ledger.Invitation{}
		customers, recipients := []string{""}, []string{""} // no list may be empty
		for _, v := range chunk {
			asked[v.Key()] = v
			if v.CustomerID != "" {
				customers = append(customers, v.CustomerID)
			} else {
				recipients = append(recipients, v.Key())
			}
		}
		var rows []struct {
			invitationRow
			At      time.Time                `db:"at"`
			Outcome ledger.InvitationOutcome `db:"outcome"`
		}
		err := s.list(ctx, on, &rows, "last_invitations", args{"customers": customers, "recipients": recipients})
		if err != nil {
			return nil, err
		}
		for _, r := range rows { // the newest comes last
			earlier := ledger.Invitation{PartnerID: r.PartnerID, CustomerID: zeroIfNull(r.CustomerID), Kind: r.Kind,
				Recipient: r.Recipient}
			if asked[earlier.Key()].Repeats(earlier) {
				last[earlier.Key()] = ledger.LastInvitation{ID: r.Event, At: r.At.UTC(), Outcome: r.Outcome}
			}
		}
	}
	return last, nil
}

// Invitable walks the customers of a partner that are blocked now, the longest blocked first, with
// what decides whether they can be asked to accept by themselves, as it is known at an instant.
func (s *Store) Invitable(ctx context.Context, partnerID string, at time.Time) iter.Seq2[ledger.Invitable, error] {
	type invitableRow struct {
		CustomerID      string          `db:"customer_id"`
		DisplayID       string          `db:"display_id"`
		Name            string          `db:"name"`
		Domain          string          `db:"domain"`
		Reason          standing.Reason `db:"reason"`
		ResellerID      string          `db:"reseller_id"`
		AttestationOpen bool            `db:"attestation_open"`
		AcceptedUntil   standing.Date   `db:"accepted_until"`
		purchasesColumns
	}
	arg := args{"partner_id": partnerID, "fresh": instant(at.Add(-freshness)), "under_way": statesUnderWay()}
	return func(yield func(ledger.Invitable, error) bool) {
		for row, err := range stream[invitableRow](ctx, s, "invitable", arg) {
			found := ledger.Invitable{
				Customer: standing.Customer{ID: row.CustomerID, DisplayID: row.DisplayID, Name: row.Name,
					Domain: row.Domain},
				Reason: row.Reason, ResellerID: row.ResellerID, AttestationOpen: row.AttestationOpen,
				AcceptedUntil: row.AcceptedUntil,
			}
			found.PurchasesRead, found.Purchases = row.purchases()
			if !yield(found, err) {
				return
			}
		}
	}
}

// statesUnderWay are the states of attestations of which an end may be expected.
func statesUnderWay() []attestation.State {
	return slices.DeleteFunc(attestation.States(), func(s attestation.State) bool {
		return !s.BlocksDuplicate() || s.Final()
	})
}

// Invitations walks the invitations of a partner as they were at an instant, the newest first, with
// what their customers had done by a completed run.
func (s *Store) Invitations(ctx context.Context, partnerID string, run int64,
	at time.Time) iter.Seq2[ledger.InvitationEntry, error] {
	type entryRow struct {
		invitationRow
		eventColumns
		InvitedDomain string                   `db:"invited_domain"`
		Outcome       ledger.InvitationOutcome `db:"outcome"`
		Reason        string                   `db:"reason"`
		FoundID       string                   `db:"found_id"`
		DisplayID     string                   `db:"display_id"`
		FoundName     string                   `db:"name"`
		FoundDomain   string                   `db:"domain"`
		Standing      standing.Standing        `db:"standing"`
		Again         bool                     `db:"invited_again"`
		AnsweredAt    *time.Time               `db:"answered_at"`
		AnsweredBy    standing.Reason          `db:"answered_by"`
	}
	return func(yield func(ledger.InvitationEntry, error) bool) {
		for row, err := range stream[entryRow](ctx, s, "invitations", args{"partner_id": partnerID, "run": run,
			"at": instant(at)}) {
			entry := ledger.InvitationEntry{
				Invitation: ledger.Invitation{ID: row.Event, PartnerID: row.PartnerID,
					CustomerID:   zeroIfNull(row.CustomerID),
					CustomerName: row.CustomerName, Domain: row.InvitedDomain, Kind: row.Kind, Channel: row.Channel,
					Recipient: row.Recipient,
					Language:  row.Language, TemplateDigest: row.TemplateDigest, Actor: row.actor(), At: row.At.UTC(),
					Outcome: row.Outcome, Reason: row.Reason},
				Standing: row.Standing, Again: row.Again,
			}
			if !row.Again {
				entry.AnsweredAt, entry.AnsweredBy = orZero(row.AnsweredAt), row.AnsweredBy
			}
			if row.FoundID != "" {
				entry.Customer = standing.Customer{ID: row.FoundID, DisplayID: row.DisplayID, Name: row.FoundName,
					Domain: row.FoundDomain}
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}
