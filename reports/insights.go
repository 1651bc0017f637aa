package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// insights is what the summary says of blocked customers. It is gathered in one pass over them.
type insights struct {
	ages      [][len(ageLimits) + 1]int // by partner, as in Book.Partners
	renewals  []atRisk                  // the same
	purchases struct{ some, none, unread int }
	accepted  int             // blocked customers whose block a person has accepted
	first     []firstCustomer // those to begin with
	// In the runs that changes are counted from: customers blocked for long, and subscriptions that
	// were to lapse soon.
	longBefore, lapsingBefore int
	steps                     map[string]waiting // by what comes next for an attestation
}

// waiting counts what waits for a step, and says since when the oldest does.
type waiting struct {
	n     int
	since time.Time
}

// atRisk counts the active subscriptions of blocked customers: those that lapse, by the days that
// are left, those that renew by themselves, and those whose end is not known. Those that have
// lapsed already are past.
type atRisk struct{ past, within30, within60, within90, later, renew, unknown int }

func (n atRisk) plus(o atRisk) atRisk {
	return atRisk{n.past + o.past, n.within30 + o.within30, n.within60 + o.within60, n.within90 + o.within90,
		n.later + o.later, n.renew + o.renew, n.unknown + o.unknown}
}

// groups are the numbers as the summary and the sheet order them, but for those that have lapsed,
// which the sheet has first.
func (n atRisk) groups() [6]int {
	return [6]int{n.within30, n.within60, n.within90, n.later, n.renew, n.unknown}
}

// ageLimits are the last days of the age groups: 0-30, 31-60, 61-90, over 90.
var ageLimits = [...]int{30, 60, longBlocked}

// firstShown is how many customers the summary names to begin with.
const firstShown = 10

// firstCustomer is a blocked customer with its place on the sheet Blocked.
type firstCustomer struct {
	blockedRow
	row  int // counted from 0 over all partners
	days int
	step string // what comes next
	// Whether a subscription lapses within 30 days, and whether a person accepted the block.
	lapses, accepted bool
}

// readSummary reads what only the summary shows.
func (f *frame) readSummary(ctx context.Context) error {
	f.insights.ages = make([][len(ageLimits) + 1]int, len(f.book.Partners))
	f.insights.renewals = make([]atRisk, len(f.book.Partners))
	row := 0
	for i, p := range f.book.Partners {
		if p.Run == nil {
			continue
		}
		steps := nextSteps{}
		_, err := each(ctx, f.blockedOf(ctx, p), func(c ledger.BlockedCustomer) error {
			left, ok := daysUntil(p, c.Purchases.NextLapse)
			steps.note(p, c)
			f.insights.add(i, firstCustomer{blockedRow: blockedRow{p, c}, row: row, step: nextStep(p, c),
				days: int(f.daysBlocked(p, c.Record).n), lapses: ok && left <= soon,
				accepted: c.Exception.Accepts(standing.DateOf(p.Run.StartedAt))})
			row++
			return nil
		})
		f.steps[i] = steps
		if err == nil {
			f.insights.renewals[i], err = f.countAtRisk(ctx, p, f.book.AsOf)
		}
		if err == nil {
			err = f.readBefore(ctx, i, p)
		}
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
	}
	if err := f.readSteps(ctx); err != nil {
		return fmt.Errorf("attestations: %w", err)
	}
	return f.readResellers(ctx)
}

// countAtRisk counts a partner's subscriptions at stake, as they were known at an instant.
func (f *frame) countAtRisk(ctx context.Context, p PartnerRun, at time.Time) (n atRisk, err error) {
	_, err = each(ctx, f.source.Renewals(ctx, []int64{p.Run.ID}, at), func(s ledger.Renewal) error {
		n.add(p, s)
		return nil
	})
	return n, err
}

// readBefore finds the figures of the run that changes are counted from. A first run is compared
// with nothing.
func (f *frame) readBefore(ctx context.Context, i int, p PartnerRun) error {
	if p.Against == nil {
		f.insights.longBefore += f.insights.ages[i][len(ageLimits)]
		f.insights.lapsingBefore += f.insights.renewals[i].within30
		return nil
	}
	then := PartnerRun{Partner: p.Partner, Run: p.Against}
	_, err := each(ctx, f.source.CustomerEntries(ctx, p.Partner.ID, p.Against.ID, standing.Blocked, p.Run.StartedAt),
		func(c ledger.CustomerEntry) error {
			if f.daysBlocked(then, c.Record).n > longBlocked {
				f.insights.longBefore++
			}
			return nil
		})
	if err != nil {
		return err
	}
	atRisk, err := f.countAtRisk(ctx, then, p.Run.StartedAt)
	f.insights.lapsingBefore += atRisk.within30
	return err
}

// stepOrder is the order in which the summary lists what comes next for attestations.
var stepOrder = []string{stepRetry, stepCorrect, stepCreate, stepConfirm, stepSend, stepWait, stepApprove}

// errSettled ends a walk over attestations: what comes now needs nothing.
var errSettled = errors.New("the others are settled")

// readSteps counts the attestations of which something is due. They come first; those that were
// approved and not sent come with the settled ones, and are counted by their batches.
func (f *frame) readSteps(ctx context.Context) error {
	f.insights.steps = map[string]waiting{}
	for _, h := range f.holders() {
		_, err := each(ctx, f.source.Entries(ctx, h.id, f.snapshot()), func(e ledger.AttestationEntry) error {
			step := attestationStep(e)
			if step == "" || e.State == attestation.Approved && e.OpenRequest == 0 || e.State == attestation.Refused {
				return errSettled
			}
			w := f.insights.steps[step]
			if w.n++; w.since.IsZero() || e.Since.Before(w.since) {
				w.since = e.Since
			}
			f.insights.steps[step] = w
			return nil
		})
		if err != nil && !errors.Is(err, errSettled) {
			return err
		}
	}
	return nil
}

// add counts a customer, and keeps it if it is among those to begin with.
func (s *insights) add(partner int, c firstCustomer) {
	s.ages[partner][ageGroup(c.days)]++
	switch {
	case c.blockedRow.row.PurchasesRead != standing.Read:
		s.purchases.unread++
	case c.blockedRow.row.Purchases.Active > 0:
		s.purchases.some++
	default:
		s.purchases.none++
	}
	if c.accepted {
		s.accepted++
	}
	at, _ := slices.BinarySearchFunc(s.first, c, moreUrgent)
	if at < firstShown {
		s.first = slices.Insert(s.first, at, c)
		s.first = s.first[:min(len(s.first), firstShown)]
	}
}

func ageGroup(days int) int {
	i, _ := slices.BinarySearch(ageLimits[:], days)
	return i
}

func (n *atRisk) add(p PartnerRun, s ledger.Renewal) {
	switch risk(s) {
	case riskUnknown:
		n.unknown++
		return
	case riskRenews:
		n.renew++
		return
	}
	switch window(p, s) {
	case "past":
		n.past++
	case "within_30":
		n.within30++
	case "within_60":
		n.within60++
	case "within_90":
		n.within90++
	case "later":
		n.later++
	}
}

// moreUrgent orders customers by what a person should look at first: not those whose block is
// accepted, and not those for which there is nothing to do but wait; those with a subscription that
// lapses within 30 days, those with active subscriptions, the longest blocked, in the order of the
// sheet Blocked.
func moreUrgent(a, b firstCustomer) int {
	first := func(yes, other bool) int {
		switch {
		case yes == other:
			return 0
		case yes:
			return -1
		}
		return 1
	}
	return cmp.Or(first(!a.accepted, !b.accepted), first(!waits(a.step), !waits(b.step)), first(a.lapses, b.lapses),
		-cmp.Compare(min(a.blockedRow.row.Purchases.Active, 1), min(b.blockedRow.row.Purchases.Active, 1)),
		-cmp.Compare(a.days, b.days), cmp.Compare(a.row, b.row))
}
