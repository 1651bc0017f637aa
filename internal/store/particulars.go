package store

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// keptRow says of whom a row of purchases or association is, and when it was read. ReadAt moves while readings say the same.
type keptRow struct {
	PartnerID  string    `db:"partner_id"`
	CustomerID string    `db:"customer_id"`
	Since      time.Time `db:"since"`
	ReadAt     time.Time `db:"read_at"`
}

func (k *keptRow) kept() *keptRow { return k }

type purchasesRow struct {
	keptRow
	Readable    bool          `db:"readable"`
	Active      int           `db:"active"`
	NextRenewal standing.Date `db:"next_renewal"`
}

type associationRow struct {
	keptRow
	Readable   bool   `db:"readable"`
	ResellerID string `db:"reseller_id"`
}

// PurchasesDue walks the customers that are blocked now and whose purchases were never read, were read at or before stale, or hold a
// renewal from before today.
func (l *Lease) PurchasesDue(ctx context.Context, stale time.Time, today standing.Date) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		const page = 500
		for after := ""; ; {
			var customers []string
			err := l.store.list(ctx, l.store.db, &customers, "subscriptions_due",
				args{"partner_id": l.partner.ID, "stale": instant(stale), "today": today, "after": after, "limit": page})
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range customers {
				if !yield(id, nil) {
					return
				}
			}
			if len(customers) < page {
				return
			}
			after = customers[len(customers)-1]
		}
	}
}

// ResellersDue returns up to limit customers whose indirect reseller was never read, or was read at or before stale; one that the service
// refused to name, at or before refused. Those that were never read come first, the blocked ones before the others.
func (l *Lease) ResellersDue(ctx context.Context, stale, refused time.Time, limit int) (customers []string, err error) {
	err = l.store.list(ctx, l.store.db, &customers, "resellers_due",
		args{"partner_id": l.partner.ID, "stale": instant(stale), "refused": instant(refused), "limit": limit})
	return customers, err
}

// SavePurchases keeps a chunk of readings made at the instant at: all of them or none. No customer may come twice.
func (l *Lease) SavePurchases(ctx context.Context, at time.Time, readings []standing.PurchasesReading) error {
	rows := make([]purchasesRow, len(readings))
	for i, r := range readings {
		rows[i] = purchasesRow{keptRow{CustomerID: r.CustomerID}, r.Readable, r.Active, r.NextRenewal}
	}
	return keepOnChange(ctx, l, "newest_subscriptions", "save_subscriptions", freshness, at, rows)
}

// SaveResellers is SavePurchases for indirect resellers.
func (l *Lease) SaveResellers(ctx context.Context, at time.Time, readings []standing.ResellerReading) error {
	rows := make([]associationRow, len(readings))
	for i, r := range readings {
		rows[i] = associationRow{keptRow{CustomerID: r.CustomerID}, r.Readable, r.ResellerID}
	}
	return keepOnChange(ctx, l, "newest_resellers", "save_reseller", forGood, at, rows)
}

// freshness is how long a reading of particulars is shown: they are read every week, and who could not be asked for two has none. A row's readings
// are never further apart, so that this can be told of any instant of the past.
const freshness = 14 * 24 * time.Hour

// forGood: however old, a reading is shown.
const forGood = 1<<63 - 1

// keepOnChange dates rows and saves them. One that says what the customer's newest row says goes on in that row, if that was read within a time.
func keepOnChange[R comparable, P interface {
	*R
	kept() *keptRow
}](ctx context.Context, l *Lease, newest, save string, within time.Duration, at time.Time, rows []R) error {
	customers := make([]string, len(rows))
	for i := range rows {
		customers[i] = P(&rows[i]).kept().CustomerID
	}
	return l.write(ctx, func(tx *sqlx.Tx) error {
		var before []R
		if err := l.store.list(ctx, tx, &before, newest, args{"partner_id": l.partner.ID, "customers": customers}); err != nil {
			return err
		}
		known := make(map[string]R, len(before))
		for _, b := range before {
			known[P(&b).kept().CustomerID] = b
		}
		for i := range rows {
			row := P(&rows[i]).kept()
			b, found := known[row.CustomerID]
			old, again := *P(&b).kept(), rows[i]
			*P(&again).kept() = old
			*row = keptRow{PartnerID: l.partner.ID, CustomerID: row.CustomerID, Since: instant(at), ReadAt: instant(at)}
			if at.Before(old.Since) { // the clock went back: the reading must not be hidden behind an older one
				row.Since, row.ReadAt = instant(old.Since), instant(old.Since)
			}
			if found && again == b && instant(at).Sub(old.ReadAt) <= within {
				row.Since = instant(old.Since)
			}
		}
		_, err := l.store.exec(ctx, tx, save, rows)
		return err
	})
}

// purchasesColumns are what a row of another table brings of its customer's purchases.
type purchasesColumns struct {
	Readable    *bool          `db:"readable"` // nil: not read yet
	Active      *int           `db:"active"`
	NextRenewal *standing.Date `db:"next_renewal"`
}

func (c purchasesColumns) purchases() (standing.Outcome, standing.Purchases) {
	switch {
	case c.Readable == nil:
		return standing.NotRead, standing.Purchases{}
	case !*c.Readable:
		return standing.Failed, standing.Purchases{}
	}
	return standing.Read, standing.Purchases{Active: *c.Active, NextRenewal: *c.NextRenewal}
}

// Resellers counts the customers of a completed run by indirect reseller, as it was known at the instant through: the most blocked
// customers first, then by id. Those whose reseller nobody knows come too.
func (s *Store) Resellers(ctx context.Context, partnerID string, run int64, through time.Time) ([]ledger.ResellerCount, error) {
	var rows []struct {
		ResellerID string `db:"reseller_id"`
		Read       bool   `db:"is_read"`
		Clear      int    `db:"clear"`
		Blocked    int    `db:"blocked"`
		Unknown    int    `db:"unknown"`
		Excluded   int    `db:"excluded"`
	}
	if err := s.list(ctx, s.db, &rows, "resellers", args{"partner_id": partnerID, "run": run, "through": instant(through)}); err != nil {
		return nil, err
	}
	counts := make([]ledger.ResellerCount, len(rows))
	for i, r := range rows {
		counts[i] = ledger.ResellerCount{ResellerID: r.ResellerID, Read: r.Read, Clear: r.Clear, Blocked: r.Blocked, Unknown: r.Unknown, Excluded: r.Excluded}
	}
	slices.SortFunc(counts, func(a, b ledger.ResellerCount) int {
		return cmp.Or(b.Blocked-a.Blocked, cmp.Compare(a.ResellerID, b.ResellerID))
	})
	return counts, nil
}
