package reports

import (
	"context"
	"iter"
	"strings"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// blocked is the sheet that the morning is about: who cannot buy, since when, why, and what to do.
func (r *report) blocked() dataSheet {
	return dataSheet{
		key: sheetBlocked,
		columns: []column{colPartner, colCustomer, colTenant, colDomain, colReason, colBlockedSince, colDays, colLastAccepted,
			colSigner, colRemedy, colAttestation, colBought, colRenewal, colLink},
		frozen: 2,
		rows:   r.total(blockedRows),
		bar:    colDays,
		fill:   r.fillBlocked,
	}
}

func blockedRows(c counts) int { return c.blocked }

func (r *report) fillBlocked(ctx context.Context, out cells) error {
	customers := func(p PartnerRun) iter.Seq2[ledger.BlockedCustomer, error] {
		return r.source.Blocked(ctx, p.Partner.ID, p.Run.ID, r.cut())
	}
	return eachOf(ctx, r, blockedRows, customers, func(p PartnerRun, rec ledger.BlockedCustomer) error {
		out.text(p.Partner.Name)
		out.text(rec.Name)
		out.text(rec.ID)
		out.text(rec.Domain)
		out.text(string(rec.Reason))
		out.instant(rec.BlockedSince)
		if rec.BlockedSince.IsZero() {
			out.skip()
		} else {
			out.number(daysBetween(rec.BlockedSince, p.Run.StartedAt, r.book.Location))
		}
		out.date(rec.Newest.Agreed)
		out.text(signer(rec.Newest.Signer))
		out.text(string(rec.Remedy))
		out.text(attested(rec))
		if rec.PurchasesRead == standing.Read {
			out.number(rec.Purchases.Active)
		} else {
			out.text(r.say.NotRead)
		}
		out.date(rec.Purchases.NextRenewal)
		out.text(portalLink(rec.ID))
		return out.end()
	})
}

// signer is the name of the person who accepted.
func signer(c standing.Contact) string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// attested is which attestation may already help the customer, and where it stands.
func attested(c ledger.BlockedCustomer) string {
	return strings.TrimSpace(named(c.Attestation) + " " + string(c.AttestationState))
}

// portalLink is the customer's page in Partner Center (PARTNER-CENTER.md, "Agreements"). It stays plain text: Excel
// takes 65,530 hyperlinks a sheet.
func portalLink(id string) string {
	return "https://partner.microsoft.com/dashboard/v2/customers/" + id + "/account"
}
