package store

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// subscriptionsRow sums the subscriptions of a customer up, as the table customer_subscriptions
// holds them.
type subscriptionsRow struct {
	observation
	CustomerID  string        `db:"customer_id"`
	Readable    bool          `db:"readable"`
	Active      int           `db:"active"`
	NextRenewal standing.Date `db:"next_renewal"`
	NextLapse   standing.Date `db:"next_lapse"`
	Digest      string        `db:"digest"`
}

func (r *subscriptionsRow) key() string { return r.CustomerID }

// subscriptionRow is one subscription as the table customer_subscription holds it.
type subscriptionRow struct {
	PartnerID      string        `db:"partner_id"`
	CustomerID     string        `db:"customer_id"`
	Since          time.Time     `db:"since"`
	Position       int           `db:"position"`
	SubscriptionID string        `db:"subscription_id"`
	Product        string        `db:"product"`
	Seats          int           `db:"seats"`
	Status         string        `db:"status"`
	Term           string        `db:"term"`
	Ends           standing.Date `db:"ends"`
	AutoRenew      bool          `db:"auto_renew"`
	Trial          bool          `db:"trial"`
}

func rowsOfSubscriptions(customerID string, subscriptions []standing.Subscription) []subscriptionRow {
	rows := make([]subscriptionRow, len(subscriptions))
	for i, s := range subscriptions {
		rows[i] = subscriptionRow{CustomerID: customerID, SubscriptionID: s.ID, Product: s.Product, Seats: s.Seats,
			Status: strings.ToLower(s.Status), Term: s.Term, Ends: s.Ends, AutoRenew: s.AutoRenew, Trial: s.Trial}
	}
	// The service may list them in another order each time; that is no change.
	content := newDigester[subscriptionRow]()
	slices.SortFunc(rows, func(a, b subscriptionRow) int {
		return cmp.Or(cmp.Compare(a.SubscriptionID, b.SubscriptionID), cmp.Compare(string(content.line(&a)),
			string(content.line(&b))))
	})
	for i := range rows {
		rows[i].Position = i + 1
	}
	return rows
}

func digestOfSubscriptions(rows []subscriptionRow) string {
	digest := newDigester[subscriptionRow]("partner_id", "customer_id", "since")
	for i := range rows {
		digest.add(&rows[i])
	}
	return digest.sum()
}

// customerResellerRow is the indirect reseller of a customer as the table customer_reseller holds
// it.
type customerResellerRow struct {
	observation
	CustomerID string `db:"customer_id"`
	Readable   bool   `db:"readable"`
	ResellerID string `db:"reseller_id"`
}

func (r *customerResellerRow) key() string { return r.CustomerID }

// resellerRow is an indirect reseller as the table reseller holds it.
type resellerRow struct {
	observation
	ResellerID string `db:"reseller_id"`
	Name       string `db:"name"`
}

func (r *resellerRow) key() string { return r.ResellerID }

// SubscriptionsDue walks the customers that are blocked now and whose subscriptions were never
// read, were read at or before stale, or renewed or lapsed before today.
func (l *Lease) SubscriptionsDue(ctx context.Context, stale time.Time, today standing.Date) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		const page = 500
		for after := ""; ; {
			var customers []string
			err := l.store.list(ctx, l.store.db, &customers, "subscriptions_due",
				args{"partner_id": l.partner.ID, "stale": instant(stale), "today": today, "after": after,
					"limit": page})
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

// ResellersDue returns up to limit customers whose indirect reseller was never read, or was read at
// or before stale; one that the service refused to name, at or before refused. Those that were
// never read come first, the blocked ones before the others.
func (l *Lease) ResellersDue(ctx context.Context, stale, refused time.Time, limit int) (customers []string, err error) {
	err = l.store.list(ctx, l.store.db, &customers, "resellers_due",
		args{"partner_id": l.partner.ID, "stale": instant(stale), "refused": instant(refused), "limit": limit})
	return customers, err
}

// freshness is how long a reading of subscriptions is shown: they are read every week, and a
// customer that could not be asked about for two has none. The readings of a row are never further
// apart, so that this can be told of any instant.
const freshness = 14 * 24 * time.Hour

var (
	keptSubscriptions = changeTable{"customer_subscriptions", "newest_subscriptions", "save_subscriptions",
		freshness}
	keptCustomerResellers = changeTable{"customer_reseller", "newest_customer_resellers", "save_customer_resellers",
		forever}
	keptResellers = changeTable{"reseller", "newest_resellers", "save_resellers", forever}
)

// SaveSubscriptions keeps a chunk of readings made at the instant at: all of them or none. No
// customer may come twice.
func (l *Lease) SaveSubscriptions(ctx context.Context, at time.Time, readings []standing.SubscriptionsReading) error {
	rows := make([]subscriptionsRow, len(readings))
	details := make(map[string][]subscriptionRow, len(readings))
	for i, r := range readings {
		bought := standing.Bought(r.Subscriptions, standing.DateOf(at))
		details[r.CustomerID] = rowsOfSubscriptions(r.CustomerID, r.Subscriptions)
		rows[i] = subscriptionsRow{CustomerID: r.CustomerID, Readable: r.Readable, Active: bought.Active,
			NextRenewal: bought.NextRenewal, NextLapse: bought.NextLapse,
			Digest: digestOfSubscriptions(details[r.CustomerID])}
	}
	return l.write(ctx, func(tx *sqlx.Tx) error {
		begun, err := keepOnChange(ctx, l, tx, keptSubscriptions, at, rows)
		if err != nil {
			return err
		}
		for _, header := range begun {
			some := details[header.CustomerID]
			for i := range some {
				some[i].PartnerID, some[i].Since = header.PartnerID, header.Since
			}
			for chunk := range slices.Chunk(some, 1000) {
				if _, err := l.store.exec(ctx, tx, "save_subscription", chunk); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// SaveCustomerResellers is SaveSubscriptions for the indirect resellers of customers.
func (l *Lease) SaveCustomerResellers(ctx context.Context, at time.Time, readings []standing.ResellerReading) error {
	rows := make([]customerResellerRow, len(readings))
	for i, r := range readings {
		rows[i] = customerResellerRow{CustomerID: r.CustomerID, Readable: r.Readable, ResellerID: r.ResellerID}
	}
	return saveObservations(ctx, l, keptCustomerResellers, at, rows)
}

// SaveResellers is SaveSubscriptions for the names of indirect resellers.
func (l *Lease) SaveResellers(ctx context.Context, at time.Time, resellers []standing.ResellerName) error {
	rows := make([]resellerRow, len(resellers))
	for i, r := range resellers {
		rows[i] = resellerRow{ResellerID: r.ID, Name: r.Name}
	}
	for chunk := range slices.Chunk(rows, 500) {
		if err := saveObservations(ctx, l, keptResellers, at, chunk); err != nil {
			return err
		}
	}
	return nil
}

func saveObservations[R comparable, P observed[R]](ctx context.Context, l *Lease, in changeTable, at time.Time,
	rows []R) error {
	return l.write(ctx, func(tx *sqlx.Tx) error {
		_, err := keepOnChange[R, P](ctx, l, tx, in, at, rows)
		return err
	})
}

// purchasesColumns are what a row of another table brings of its customer's purchases.
type purchasesColumns struct {
	Readable    *bool          `db:"readable"` // nil: not read yet
	Active      *int           `db:"active"`
	NextRenewal *standing.Date `db:"next_renewal"`
	NextLapse   *standing.Date `db:"next_lapse"`
}

func (c purchasesColumns) purchases() (standing.Outcome, standing.Purchases) {
	switch {
	case c.Readable == nil:
		return standing.NotRead, standing.Purchases{}
	case !*c.Readable:
		return standing.OutcomeUnreadable, standing.Purchases{}
	}
	return standing.Read, standing.Purchases{Active: *c.Active, NextRenewal: *c.NextRenewal, NextLapse: *c.NextLapse}
}

// Resellers counts the customers of a completed run by indirect reseller, as it was known at the
// instant through: the most blocked customers first, then by id. Those whose reseller nobody knows
// come too.
func (s *Store) Resellers(ctx context.Context, partnerID string, run int64,
	through time.Time) ([]ledger.ResellerCount, error) {
	var rows []struct {
		ResellerID string `db:"reseller_id"`
		Read       bool   `db:"is_read"`
		Name       string `db:"name"`
		Clear      int    `db:"clear"`
		Blocked    int    `db:"blocked"`
		Unknown    int    `db:"unknown"`
		Excluded   int    `db:"excluded"`
	}
	if err := s.list(ctx, s.db, &rows, "resellers", args{"partner_id": partnerID, "run": run,
		"at": instant(through)}); err != nil {
		return nil, err
	}
	counts := make([]ledger.ResellerCount, len(rows))
	for i, r := range rows {
		counts[i] = ledger.ResellerCount{ResellerID: r.ResellerID, Name: r.Name, Read: r.Read,
			Clear: r.Clear, Blocked: r.Blocked, Unknown: r.Unknown, Excluded: r.Excluded}
	}
	slices.SortFunc(counts, func(a, b ledger.ResellerCount) int {
		return cmp.Or(b.Blocked-a.Blocked, cmp.Compare(a.ResellerID, b.ResellerID))
	})
	return counts, nil
}
