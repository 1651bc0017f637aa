package reports

import (
	"context"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// customers is everyone, with the evidence.
func (r *report) customers() dataSheet {
	return dataSheet{
		key: sheetCustomers,
		columns: []column{colPartner, colCustomer, colTenant, colDomain, colStanding, colReason, colAgreed, colSigner, colEmail,
			colDirect, colFirstSeen, colSince, colLastRead, colLink},
		frozen: 2,
		rows:   r.total(customerRows),
		marks: []mark{
			{colStanding, string(standing.Blocked), r.style.redWord},
			{colStanding, string(standing.Unknown), r.style.amberWord},
		},
		fill: r.fillCustomers,
	}
}

func customerRows(c counts) int { return c.customers }

func (r *report) fillCustomers(ctx context.Context, out cells) error {
	return r.eachRecord(ctx, "", customerRows, func(p PartnerRun, rec standing.Record) error {
		out.text(p.Partner.Name)
		out.text(rec.Name)
		out.text(rec.ID)
		out.text(rec.Domain)
		out.text(string(rec.Standing))
		out.text(string(rec.Reason))
		r.agreed(out, rec)
		out.text(signer(rec.Newest.Signer))
		out.text(rec.Newest.Signer.Email)
		r.direct(out, rec)
		out.instant(rec.FirstSeen)
		out.instant(rec.StandingSince)
		r.lastRead(out, p, rec)
		out.text(portalLink(rec.ID))
		return out.end()
	})
}

// agreed is the day of the agreement that counts; nothing when it was read that there is none.
func (r *report) agreed(out cells, rec standing.Record) {
	if rec.Newest.Agreed == "" && rec.Agreements != standing.Read {
		out.text(r.say.NotRead)
		return
	}
	out.date(rec.Newest.Agreed)
}

// direct is what this reading said of direct acceptance, and the first night of it where somebody was watching.
func (r *report) direct(out cells, rec standing.Record) {
	switch {
	case rec.Direct == standing.DirectNo:
		out.text(r.say.No)
	case rec.Direct != standing.DirectYes:
		out.text(r.say.NotRead)
	case rec.DirectSince.IsZero():
		out.text(r.say.YesUndated)
	default:
		out.day(rec.DirectSince)
	}
}

// lastRead is when the customer's standing was last known. The run's readings are dated by the oldest of them.
func (r *report) lastRead(out cells, p PartnerRun, rec standing.Record) {
	switch {
	case rec.Standing != standing.Unknown:
		out.instant(p.Run.OldestReading)
	case rec.LastRead.IsZero():
		out.text(r.say.Never)
	default:
		out.instant(rec.LastRead)
	}
}
