package reports

import (
	"context"
	"iter"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

type customerRow = ofPartner[ledger.CustomerEntry]

// customers is every customer, with the evidence.
func (r *report) customers() table {
	t := newTable(sheetCustomers, r.customerColumns(), r.total(customerRows), eachOf(r, customerRows, r.recordsOf("")))
	t.until("signer_email")
	t.marks = []mark{
		{"standing", "standing", string(standing.Blocked), alert},
		{"standing", "standing", string(standing.Unknown), caution},
	}
	return t
}

func customerRows(c counts) int { return c.customers }

// recordsOf walks the customers of a partner's run with a standing, or all of them ("").
func (r *report) recordsOf(which standing.Standing) func(context.Context, PartnerRun) iter.Seq2[ledger.CustomerEntry,
	error] {
	return func(ctx context.Context, p PartnerRun) iter.Seq2[ledger.CustomerEntry, error] {
		return r.source.CustomerEntries(ctx, p.Partner.ID, p.Run.ID, which, r.book.AsOf)
	}
}

func (r *report) customerColumns() []column[customerRow] {
	return []column[customerRow]{
		code("standing", 16, r.say.Words["standing"], func(c *customerRow) string { return string(c.row.Standing) }),
		col("customer", 38, func(c *customerRow) Cell { return Text(c.row.Name) }),
		col("partner", 17, func(c *customerRow) Cell { return Text(c.partner.Partner.Name) }),
		code("reason", 24, r.say.Words["reason"], func(c *customerRow) string { return string(c.row.Reason) }),
		since("standing_since", func(c *customerRow) Cell { return Instant(c.row.StandingSince) }),
		col("date_agreed", 17, func(c *customerRow) Cell { return Day(c.row.Newest.Agreed) }),
		code("agreements_read", 23, r.say.Words["outcome"],
			func(c *customerRow) string { return string(c.row.Agreements) }),
		col("signer", 22, func(c *customerRow) Cell { return Text(fullName(c.row.Newest.Signer)) }),
		col("signer_email", 29, func(c *customerRow) Cell { return Text(c.row.Newest.Signer.Email) }),
		code("direct_acceptance", 14, r.say.Words["direct"],
			func(c *customerRow) string { return string(c.row.Direct) }),
		since("direct_acceptance_seen", func(c *customerRow) Cell { return directSeen(c.row.Record) }).wide(17),
		since("first_seen", func(c *customerRow) Cell { return Instant(c.row.FirstSeen) }),
		since("last_read", func(c *customerRow) Cell { return lastRead(c.partner, c.row.Record) }),
		col("reseller", 30, func(c *customerRow) Cell { return resellerName(c.row.Reseller) }),
		col("domain", 29, func(c *customerRow) Cell { return Text(c.row.Domain) }),
		col("tenant_id", 38, func(c *customerRow) Cell { return tenantID(c.row.Customer) }),
		col("reseller_id", 38, func(c *customerRow) Cell { return Text(c.row.Reseller.ID) }),
		col("reason_code", 24, func(c *customerRow) Cell { return Text(string(c.row.Reason)) }).inWorkbook(),
		col("portal_link", 88, func(c *customerRow) Cell { return Text(portalLink(c.row.ID)) }),
	}
}

// directSeen is the first night on which direct acceptance was seen after a night on which it was
// seen that there was none.
func directSeen(rec standing.Record) Cell {
	if rec.Direct != standing.DirectYes {
		return Cell{}
	}
	return Instant(rec.DirectSince)
}

// lastRead is when the customer's standing was last known. The run's readings are dated by the
// oldest of them.
func lastRead(p PartnerRun, rec standing.Record) Cell {
	if rec.Standing != standing.Unknown {
		return Instant(p.Run.OldestReading)
	}
	return Instant(rec.LastRead)
}
