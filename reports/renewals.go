package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// renewalRow is a subscription with what comes next for its customer.
type renewalRow struct {
	partner PartnerRun
	row     ledger.Renewal
	step    string
}

// renewals is what blocked customers have at stake: a row for each active subscription, those that
// lapse before those that renew by themselves, the soonest first, whoever the partner is.
func (r *report) renewals() table {
	t := newTable(sheetRenewals, r.renewalColumns(), r.total(renewalRows), r.walkRenewals)
	t.across = 2
	t.until("trial")
	lapsesWithin := func(days int) func(at func(string) string) string {
		return func(at func(string) string) string {
			return fmt.Sprintf("AND(%s=%s,%s<=%d)", at("at_risk"), r.quoted("risk", riskLapses), at("days_left"), days)
		}
	}
	t.rules = []rule{{"at_risk", lapsesWithin(soon), alert}, {"at_risk", lapsesWithin(later), caution}}
	return t
}

func renewalRows(c counts) int { return c.renewals }

// walkRenewals fails unless there are as many subscriptions of each partner as were counted.
func (r *report) walkRenewals(ctx context.Context, row func(renewalRow) error) error {
	var runs []int64
	partners, came := map[string]int{}, make([]int, len(r.book.Partners))
	for i, p := range r.book.Partners {
		if p.Run == nil || r.counts[i].renewals == 0 {
			continue
		}
		if _, err := r.readNextSteps(ctx, i); err != nil {
			return err
		}
		partners[p.Partner.ID], runs = i, append(runs, p.Run.ID)
	}
	if len(runs) == 0 {
		return nil
	}
	_, err := each(ctx, r.source.Renewals(ctx, runs, r.book.AsOf), func(s ledger.Renewal) error {
		i := partners[s.PartnerID]
		came[i]++
		return row(renewalRow{r.book.Partners[i], s, r.steps[i].of(s.Record)})
	})
	for i, c := range r.counts {
		if err == nil && came[i] != c.renewals {
			err = fmt.Errorf("partner %s: %w", r.book.Partners[i].Partner.Name, shortfall(came[i], c.renewals))
		}
	}
	return err
}

func (r *report) renewalColumns() []column[renewalRow] {
	return []column[renewalRow]{
		code("at_risk", 26, r.say.Words["risk"], func(s *renewalRow) string { return risk(s.row) }),
		col("customer", 38, func(s *renewalRow) Cell { return Text(s.row.Name) }),
		col("partner", 17, func(s *renewalRow) Cell { return Text(s.partner.Partner.Name) }),
		col("product", 38, func(s *renewalRow) Cell { return Text(s.row.Product) }),
		num("seats", 10, func(s *renewalRow) Cell { return Count(s.row.Seats) }),
		col("ends", 13, func(s *renewalRow) Cell { return Day(s.row.Ends) }),
		num("days_left", 11, func(s *renewalRow) Cell { return daysLeft(s.partner, s.row) }),
		code("window", 14, r.say.Words["window"], func(s *renewalRow) string { return window(s.partner, s.row) }),
		code("next_step", 28, r.stepWords, func(s *renewalRow) string { return s.step }),
		since("blocked_since", func(s *renewalRow) Cell { return Instant(s.row.BlockedSince) }),
		col("accepted_until", 13, func(s *renewalRow) Cell { return Day(s.row.AcceptedUntil) }),
		col("reseller", 30, func(s *renewalRow) Cell { return resellerName(s.row.Reseller) }),
		code("auto_renew", 16, r.say.Words["yes_no"], func(s *renewalRow) string { return yesNo(s.row.AutoRenew) }),
		col("term", 9, func(s *renewalRow) Cell { return Text(s.row.Term) }),
		code("trial", 10, r.say.Words["yes_no"], func(s *renewalRow) string { return yesNo(s.row.Trial) }),
		col("tenant_id", 38, func(s *renewalRow) Cell { return tenantID(s.row.Customer) }),
		col("subscription_id", 38, func(s *renewalRow) Cell { return Text(s.row.ID) }),
	}
}

// Within how many days the end of a term needs attention, and after how many it does not yet.
const (
	soon  = 30
	later = 90
)

// What happens to a subscription of a blocked customer when its term ends.
const (
	riskLapses  = "lapses"  // it does not renew by itself, and renewing by hand is blocked
	riskRenews  = "renews"  // it renews by itself, in the same quantity
	riskUnknown = "no_date" // when its term ends is not known
)

func risk(s ledger.Renewal) string {
	switch {
	case s.Ends == "":
		return riskUnknown
	case s.AutoRenew:
		return riskRenews
	}
	return riskLapses
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// daysUntil counts the days from the run shown to a day, both in UTC; ok is false when there is no
// such day.
func daysUntil(p PartnerRun, day standing.Date) (days int, ok bool) {
	end, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return 0, false
	}
	return int(end.Sub(p.Run.StartedAt.UTC().Truncate(24*time.Hour)) / (24 * time.Hour)), true
}

func daysLeft(p PartnerRun, s ledger.Renewal) Cell {
	days, ok := daysUntil(p, s.Ends)
	if !ok {
		return Cell{}
	}
	return Count(days)
}

// window groups subscriptions by the days that are left.
func window(p PartnerRun, s ledger.Renewal) string {
	switch days, ok := daysUntil(p, s.Ends); {
	case !ok:
		return ""
	case days < 0:
		return "past"
	case days <= soon:
		return "within_30"
	case days <= 60:
		return "within_60"
	case days <= later:
		return "within_90"
	}
	return "later"
}
