package reports

import (
	"context"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// blocked is the sheet that the morning is about: who cannot buy, since when, why, and what to do.
func (r *report) blocked() dataSheet {
	return dataSheet{
		key: sheetBlocked,
		columns: []column{colPartner, colCustomer, colTenant, colDomain, colReason, colBlockedSince, colDays, colLastAccepted,
			colSigner, colRemedy, colLink},
		frozen: 2,
		rows:   r.total(blockedRows),
		bar:    colDays,
		fill:   r.fillBlocked,
	}
}

func blockedRows(c counts) int { return c.blocked }

func (r *report) fillBlocked(ctx context.Context, out *rows) error {
	return r.eachRecord(ctx, standing.Blocked, blockedRows, func(p PartnerRun, rec standing.Record) error {
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
		out.text(portalLink(rec.ID))
		return out.end()
	})
}

// signer is the name of the person who accepted.
func signer(c standing.Contact) string { return strings.TrimSpace(c.FirstName + " " + c.LastName) }

// portalLink is the customer's page in Partner Center (PARTNER-CENTER.md, "Agreements"). It stays plain text: Excel
// takes 65,530 hyperlinks a sheet.
func portalLink(id string) string {
	return "https://partner.microsoft.com/dashboard/v2/customers/" + id + "/account"
}
