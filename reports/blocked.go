package reports

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

type blockedRow = ofPartner[ledger.BlockedCustomer]

// blocked is the sheet that the morning begins with: what to do, for whom, since when, why, and
// what is at stake.
func (r *report) blocked() table {
	t := newTable(sheetBlocked, r.blockedColumns(), r.total(blockedRows), eachOf(r, blockedRows, r.blockedOf))
	t.across, t.bar = 2, "days_blocked"
	t.until("signer")
	t.rules = []rule{
		{"days_blocked", func(at func(string) string) string {
			return fmt.Sprintf("%s>%d", at("days_blocked"),
				longBlocked)
		}, alert},
	}
	t.marks = []mark{
		{"exception", "exception", string(ledger.ExceptionExpired), alert},
		{"exception", "exception", string(ledger.ExceptionOverdue), caution},
		{"exception", "exception", string(ledger.ExceptionAccepted), fine},
	}
	return t
}

func blockedRows(c counts) int { return c.blocked }

func (r *report) blockedOf(ctx context.Context, p PartnerRun) iter.Seq2[ledger.BlockedCustomer, error] {
	return r.source.Blocked(ctx, p.Partner.ID, p.Run.ID, r.snapshot())
}

func (r *report) blockedColumns() []column[blockedRow] {
	return []column[blockedRow]{
		code("next_step", 27, r.stepWords, func(b *blockedRow) string { return nextStep(b.partner, b.row) }),
		col("customer", 36, func(b *blockedRow) Cell { return Text(b.row.Name) }),
		col("partner", 15, func(b *blockedRow) Cell { return Text(b.partner.Partner.Name) }),
		col("reseller", 30, func(b *blockedRow) Cell { return resellerName(b.row.Reseller) }),
		since("blocked_since", func(b *blockedRow) Cell { return Instant(b.row.BlockedSince) }),
		num("days_blocked", 9, func(b *blockedRow) Cell { return r.daysBlocked(b.partner, b.row.Record) }),
		code("reason", 22, r.say.Words["reason"], func(b *blockedRow) string { return string(b.row.Reason) }),
		code("attestation_state", 28, r.say.Words["state"],
			func(b *blockedRow) string { return string(b.row.AttestationState) }),
		num("subscriptions", 13, func(b *blockedRow) Cell { return ifRead(b.row, Count(b.row.Purchases.Active)) }),
		num("seats", 9, func(b *blockedRow) Cell { return ifRead(b.row, Count(b.row.Seats)) }),
		col("next_lapse", 12, func(b *blockedRow) Cell { return ifRead(b.row, Day(b.row.Purchases.NextLapse)) }),
		col("next_renewal", 12, func(b *blockedRow) Cell { return ifRead(b.row, Day(b.row.Purchases.NextRenewal)) }),
		code("exception", 12, r.say.Words["exception"],
			func(b *blockedRow) string { return exceptionStatus(b.partner, b.row.Exception) }),
		col("owner", 17, func(b *blockedRow) Cell { return Text(b.row.Exception.Owner) }),
		col("due_date", 13, func(b *blockedRow) Cell { return Day(b.row.Exception.DueOn) }),
		col("accepted_until", 13, func(b *blockedRow) Cell { return Day(b.row.Exception.AcceptedUntil) }),
		col("comment", 40, func(b *blockedRow) Cell { return Text(b.row.Exception.Comment) }),
		since("invited_at", func(b *blockedRow) Cell { return Instant(b.row.InvitedAt) }),
		col("last_accepted", 13, func(b *blockedRow) Cell { return Day(b.row.Newest.Agreed) }),
		col("signer", 22, func(b *blockedRow) Cell { return Text(fullName(b.row.Newest.Signer)) }),
		code("subscriptions_read", 23, r.say.Words["subscriptions_read"],
			func(b *blockedRow) string { return string(b.row.PurchasesRead) }),
		col("attestation", 13, func(b *blockedRow) Cell { return Text(attestationName(b.row.Attestation)) }),
		event("last_event", func(b *blockedRow) int64 { return b.row.LastEvent }),
		col("domain", 29, func(b *blockedRow) Cell { return Text(b.row.Domain) }),
		col("tenant_id", 38, func(b *blockedRow) Cell { return tenantID(b.row.Customer) }),
		col("reseller_id", 38, func(b *blockedRow) Cell { return Text(b.row.Reseller.ID) }),
		code("since_is", 11, r.say.Words["precision"],
			func(b *blockedRow) string { return precision(b.partner, b.row.Record) }),
		col("reason_code", 24, func(b *blockedRow) Cell { return Text(string(b.row.Reason)) }).inWorkbook(),
		col("portal_link", 88, func(b *blockedRow) Cell { return Text(portalLink(b.row.ID)) }),
	}
}

// longBlocked: blocks of more days than this are marked as long.
const longBlocked = 90

// tenantID is a customer's tenant id as the service first spelled it.
func tenantID(c standing.Customer) Cell { return Text(cmp.Or(c.DisplayID, c.ID)) }

// resellerName is the name of an indirect reseller; its id until the name is known.
func resellerName(r ledger.Reseller) Cell { return Text(cmp.Or(r.Name, r.ID)) }

// exceptionStatus says what an exception asks of people on the day of the run shown, in UTC.
func exceptionStatus(p PartnerRun, e ledger.Exception) string {
	if e.IsEmpty() {
		return ""
	}
	return string(e.Status(standing.DateOf(p.Run.StartedAt)))
}

func ifRead(c ledger.BlockedCustomer, cell Cell) Cell {
	if c.PurchasesRead != standing.Read {
		return Cell{}
	}
	return cell
}

// The precision of an instant at which something was first seen.
const (
	exact   = "exact"
	atLeast = "at_least" // it was so in the partner's first run: nobody knows since when
)

func precision(p PartnerRun, rec standing.Record) string {
	switch {
	case rec.BlockedSince.IsZero():
		return ""
	case !rec.BlockedSince.After(p.first):
		return atLeast
	}
	return exact
}

// daysBlocked counts calendar days up to the run shown.
func (r *report) daysBlocked(p PartnerRun, rec standing.Record) Cell {
	if rec.BlockedSince.IsZero() {
		return Cell{}
	}
	c := Days(xlsx.DaysBetween(rec.BlockedSince, p.Run.StartedAt, r.book.Location),
		xlsx.DaysBetween(rec.BlockedSince, p.Run.StartedAt, time.UTC))
	if precision(p, rec) == atLeast {
		c.kind = atLeastCell
	}
	return c
}

func fullName(c standing.Contact) string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// portalLink is the customer's page in Partner Center (docs/partner-center.md, Agreements). It
// stays plain text: Excel takes 65,530 hyperlinks a sheet.
func portalLink(id string) string {
	return "https://partner.microsoft.com/dashboard/v2/customers/" + id + "/account"
}
