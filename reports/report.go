package reports

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// report is what a report shows, whatever its format.
type report struct {
	book      Book
	source    Source
	say       catalogue
	counts    []counts // by partner, as in book.Partners
	heads     []ledger.BatchHead
	chain     ledger.Chain
	tally     map[string]ledger.DeliveryTotals // by partner; "" for rows without one
	batches   []ledger.BatchSummary
	logged    []int64             // numbers of the events on the sheet Events, the newest first
	controls  []control           // every check, as the sheet Checks lists them
	steps     []nextSteps         // by partner; nil where they have not been read
	stepWords map[string]labelled // of next steps of customers
}

// counts are the rows that one partner brings to each sheet. They are known before the first row is
// written, because tables, dimensions and the verdict on every sheet depend on them.
type counts struct {
	customers, blocked, unread int
	renewals, invitations      int
	exceptions                 []ledger.ExceptionEntry // the most urgent first
	changes                    changeCounts
	changedOnce                bool // nobody changed in two of the runs that the changes span
}

// changeCounts are the rows of Changes by kind, and what they did to the number of blocked
// customers.
type changeCounts struct {
	rows  int
	kinds [len(changeOrder)]int // in the order of changeOrder
	new   int                   // customers that were not there, blocked or not

	unblocked, goneBlocked             int // customers that were blocked and are not: still there, and gone
	blockedByPolicy, unblockedByPolicy int // those that only a change of the policy made so
}

// of is how many rows are of a kind.
func (c *changeCounts) of(change standing.Change) int {
	return c.kinds[slices.Index(changeOrder[:], change)]
}

// gather is what every format begins with: how many rows there are, and whether the control checks
// pass.
func gather(ctx context.Context, book Book, source Source) (*report, error) {
	say, err := catalogueOf(book.Language)
	if err != nil {
		return nil, err
	}
	if book.Location == nil {
		book.Location = time.UTC
	}
	r := &report{book: book, source: source, say: say, steps: make([]nextSteps, len(book.Partners)),
		stepWords: say.stepsInWords()}
	if err := r.count(ctx); err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	r.controls = r.controlChecks()
	return r, nil
}

func (r *report) count(ctx context.Context) error {
	r.counts = make([]counts, len(r.book.Partners))
	r.book.Partners = slices.Clone(r.book.Partners)
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		first, err := r.source.FirstRun(ctx, p.Partner.ID)
		if err != nil {
			return fmt.Errorf("partner %s: first run: %w", p.Partner.Name, err)
		}
		r.book.Partners[i].first = first
		c, err := r.countPartner(ctx, p)
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
		r.counts[i] = c
	}
	return r.countAttestations(ctx)
}

func (r *report) countAttestations(ctx context.Context) (err error) {
	if r.heads, err = r.source.Heads(ctx, r.book.AsOf); err != nil {
		return fmt.Errorf("batches: %w", err)
	}
	if r.chain, err = r.source.Chain(ctx, r.book.AsOf); err != nil {
		return fmt.Errorf("the event chain: %w", err)
	}
	if r.batches, err = r.source.Batches(ctx, r.snapshot()); err != nil {
		return fmt.Errorf("files of attestations: %w", err)
	}
	if r.logged, err = r.source.EventNumbers(ctx, r.book.AsOf); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if r.tally, err = r.source.Tally(ctx, r.snapshot()); err != nil {
		return fmt.Errorf("attestations: %w", err)
	}
	return nil
}

func (r *report) countPartner(ctx context.Context, p PartnerRun) (c counts, err error) {
	for _, want := range []struct {
		which standing.Standing
		n     *int
	}{{"", &c.customers}, {standing.Blocked, &c.blocked}, {standing.Unknown, &c.unread}} {
		if *want.n, err = r.source.CountRecords(ctx, p.Partner.ID, p.Run.ID, want.which); err != nil {
			return c, fmt.Errorf("count customers %q: %w", want.which, err)
		}
	}
	if c.renewals, err = r.source.CountRenewals(ctx, p.Partner.ID, p.Run.ID, r.book.AsOf); err != nil {
		return c, fmt.Errorf("count subscriptions: %w", err)
	}
	if c.exceptions, err = r.readExceptions(ctx, p); err != nil {
		return c, err
	}
	c.invitations, err = each(ctx, r.invitationsOf(ctx, p), func(ledger.InvitationEntry) error { return nil })
	if err != nil {
		return c, fmt.Errorf("invitations: %w", err)
	}
	rows, err := r.source.CountChanges(ctx, p.Partner.ID, p.Run.ID, p.against())
	if err != nil {
		return c, fmt.Errorf("changes: %w", err)
	}
	if c.changedOnce, err = r.changedOnce(ctx, p, rows); err != nil {
		return c, fmt.Errorf("changes of each run: %w", err)
	}
	if p.Against == nil { // everybody is new: one pass over all of them saved
		c.changes.allNew(rows, c.blocked)
		return c, nil
	}
	_, err = each(ctx, r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()), func(t standing.Transition) error {
		c.changes.add(t)
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("changes: %w", err)
	}
	return c, nil
}

// changedOnce reports whether nobody changed in two of the runs that the changes span: then there
// are as many changes from run to run as there are from end to end. Who changed twice counts twice
// on the way, and once at the end or not at all.
func (r *report) changedOnce(ctx context.Context, p PartnerRun, rows int) (bool, error) {
	between, ok := p.between()
	if !ok || len(between) <= 1 {
		return ok, nil
	}
	before, sum := p.against(), 0
	for _, shown := range between {
		n, err := r.source.CountChanges(ctx, p.Partner.ID, shown.ID, before)
		if err != nil {
			return false, err
		}
		before, sum = shown.ID, sum+n
	}
	return sum == rows, nil
}

// allNew counts the rows of a first run.
func (c *changeCounts) allNew(rows, blocked int) {
	c.rows, c.new = rows, rows
	c.kinds[slices.Index(changeOrder[:], standing.NewlyBlocked)] = blocked
	c.kinds[slices.Index(changeOrder[:], standing.New)] = rows - blocked
}

// add counts a row. A new customer that is blocked is newly blocked too.
func (c *changeCounts) add(t standing.Transition) {
	policy := cause(t) == byPolicy
	c.rows++
	c.kinds[slices.Index(changeOrder[:], t.Change())]++
	if t.Before == nil {
		c.new++
	}
	was := t.Before != nil && t.Before.Standing == standing.Blocked
	is := t.After != nil && t.After.Standing == standing.Blocked
	switch {
	case was && t.After == nil:
		c.goneBlocked++
	case was && !is:
		c.unblocked++
		if policy {
			c.unblockedByPolicy++
		}
	case !was && is && policy:
		c.blockedByPolicy++
	}
}

// against is the run that changes are counted from; 0 when there is none.
func (p PartnerRun) against() int64 {
	if p.Against == nil {
		return 0
	}
	return p.Against.ID
}

// total adds up one of the counts over all partners.
func (r *report) total(of func(counts) int) int {
	n := 0
	for _, c := range r.counts {
		n += of(c)
	}
	return n
}
