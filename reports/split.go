package reports

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// SplitSheetNames are the English names of the sheets of a workbook for an indirect reseller. What
// the provider decided, imported and sent stays with the provider.
func SplitSheetNames() []string {
	return englishNames([]string{sheetSummary, sheetBlocked, sheetRenewals, sheetChanges, sheetUnread, sheetChecks,
		sheetCustomers, sheetAbout})
}

// OwnerSheetNames are the English names of the sheets of a workbook for an account manager.
func OwnerSheetNames() []string {
	return englishNames([]string{sheetSummary, sheetBlocked, sheetRenewals, sheetExceptions, sheetChanges, sheetUnread,
		sheetChecks, sheetCustomers, sheetAbout})
}

// OfReseller restricts a book, and the source of its rows, to the customers of one indirect
// reseller of one of its partners. Nothing of other customers is left in them: the totals and
// control checks of the runs are made again of the rows.
func OfReseller(ctx context.Context, book Book, source Source, partnerID string,
	reseller ledger.Reseller) (Book, Source, error) {
	book.Reseller = reseller
	s := newPart(source, false)
	return s.restrict(ctx, book, partnerID, func(c ledger.CustomerEntry) bool { return c.Reseller.ID == reseller.ID })
}

// OfOwner restricts a book and its source, as OfReseller does, to the customers whose exceptions
// name an owner, or to those of nobody (""). An account manager sees what was decided about them.
func OfOwner(ctx context.Context, book Book, source Source, partnerID, owner string) (Book, Source, error) {
	owners, err := ownersOf(ctx, book, source, partnerID)
	if err != nil {
		return book, source, err
	}
	book.Owner = &owner
	s := newPart(source, true)
	return s.restrict(ctx, book, partnerID, func(c ledger.CustomerEntry) bool { return owners[c.ID] == owner })
}

// Owners are the owners of a partner's customers, sorted, and "" for the customers of nobody, who
// come last.
func Owners(ctx context.Context, book Book, source Source, partnerID string) ([]string, error) {
	owners, err := ownersOf(ctx, book, source, partnerID)
	if err != nil {
		return nil, err
	}
	all := slices.Compact(slices.Sorted(maps.Values(owners)))
	all = slices.DeleteFunc(all, func(owner string) bool { return owner == "" })
	return append(all, ""), nil
}

// ownersOf are the owners that the exceptions of a partner's customers name, by customer.
func ownersOf(ctx context.Context, book Book, source Source, partnerID string) (map[string]string, error) {
	p, err := book.partner(partnerID)
	if err != nil {
		return nil, err
	}
	exceptions, err := source.ExceptionsThen(ctx, partnerID, p.Run.ID, book.AsOf)
	if err != nil {
		return nil, fmt.Errorf("partner %s: exceptions: %w", p.Partner.Name, err)
	}
	owners := map[string]string{}
	for _, e := range exceptions {
		owners[e.CustomerID] = strings.TrimSpace(e.Owner)
	}
	return owners, nil
}

func (b Book) partner(id string) (PartnerRun, error) {
	i := slices.IndexFunc(b.Partners, func(p PartnerRun) bool { return p.Partner.ID == id && p.Run != nil })
	if i < 0 {
		return PartnerRun{}, fmt.Errorf("partner %s has no completed run in this report", id)
	}
	return b.Partners[i], nil
}

// isPart reports whether the book is about a part of the customers alone.
func (b Book) isPart() bool { return b.Reseller.ID != "" || b.Owner != nil }

func (s partSource) restrict(ctx context.Context, book Book, partnerID string,
	belongs func(ledger.CustomerEntry) bool) (Book, Source, error) {
	p, err := book.partner(partnerID)
	if err != nil {
		return book, s, err
	}
	totals, err := s.read(ctx, p, p.Run, belongs, book.AsOf)
	if err != nil {
		return book, s, err
	}
	shown := PartnerRun{Partner: p.Partner, Run: ofPart(*p.Run), Stale: p.Stale, Unfinished: unfinished(p)}
	before := ledger.Totals{}
	if p.Against != nil {
		if before, err = s.read(ctx, p, p.Against, belongs, book.AsOf); err != nil {
			return book, s, err
		}
		shown.Against = ofPart(*p.Against)
		shown.Against.Totals = before
		shown.History = []ledger.Run{*shown.Against}
	}
	if err := s.countChanges(ctx, p, &totals); err != nil {
		return book, s, err
	}
	shown.Run.Totals, shown.Run.Checks = totals, partChecks(totals, before)
	shown.History = append(shown.History, *shown.Run)
	book.Partners, book.LeftOut = []PartnerRun{shown}, nil
	return book, s, nil
}

// ofPart is what is said of a run in a part: when it was, and by which policy.
func ofPart(run ledger.Run) *ledger.Run {
	return &ledger.Run{ID: run.ID, Kind: ledger.Sweep, Partner: run.Partner, Policy: run.Policy, State: run.State,
		Attempt: run.Attempt, Version: run.Version, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
		OldestReading: run.OldestReading}
}

// unfinished is the later run that the figures are older than; why it failed is told to the
// provider.
func unfinished(p PartnerRun) *ledger.Run {
	for _, run := range []*ledger.Run{p.Failed, p.Unfinished} {
		if run != nil {
			return ofPart(*run)
		}
	}
	return nil
}

// partChecks are the control checks that can be made of a part of the customers.
func partChecks(now, before ledger.Totals) []ledger.Check {
	checks := ledger.CheckSweep(now, before, ledger.Limits{MaxGonePercent: 100})
	return slices.DeleteFunc(checks, func(c ledger.Check) bool {
		return c.Name != ledger.CheckStandings && c.Name != ledger.CheckContinuity && c.Name != ledger.CheckBlocked
	})
}

// partSource leaves out what is not of the customers.
type partSource struct {
	all Source // not embedded: what is added to Source has to be restricted too
	// whether it is for an account manager, who sees what was decided
	owned bool
	// of the run shown and of the one that changes are counted from, by their reseller of today
	customers map[string]bool
	standings map[int64]ledger.Standings // of the same runs, by their number
}

func newPart(all Source, owned bool) partSource {
	return partSource{all: all, owned: owned, customers: map[string]bool{}, standings: map[int64]ledger.Standings{}}
}

// read notes the customers of the part in a run, and counts them.
func (s partSource) read(ctx context.Context, p PartnerRun, run *ledger.Run,
	belongs func(ledger.CustomerEntry) bool, at time.Time) (t ledger.Totals, err error) {
	_, err = each(ctx, s.all.CustomerEntries(ctx, p.Partner.ID, run.ID, "", at), func(c ledger.CustomerEntry) error {
		if belongs(c) {
			s.customers[c.ID] = true
			countRecord(&t, c.Record)
		}
		return nil
	})
	t.Ledger, s.standings[run.ID] = t.Standings, t.Standings
	return t, err
}

func countRecord(t *ledger.Totals, rec standing.Record) {
	t.Listed++
	switch rec.Standing {
	case standing.Clear:
		t.Clear++
		if rec.Reason == standing.AcceptedDirectly && rec.DirectSince.IsZero() {
			t.DirectUndated++
		}
	case standing.Blocked:
		t.Blocked++
	case standing.Unknown:
		t.Unknown++
		if rec.Reason == standing.Unreadable {
			t.Unreadable++
		} else {
			t.Absent++
		}
	default:
		t.Excluded++
	}
}

func (s partSource) countChanges(ctx context.Context, p PartnerRun, t *ledger.Totals) error {
	var c changeCounts
	_, err := each(ctx, s.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()), func(change standing.Transition) error {
		c.add(change)
		return nil
	})
	t.New, t.Gone, t.GoneConfirmed = c.new, c.of(standing.Gone), c.of(standing.Gone)
	t.NewlyBlocked, t.NewlyClear = c.of(standing.NewlyBlocked), c.of(standing.NewlyClear)
	t.NoLongerBlocked, t.GoneBlocked = c.unblocked, c.goneBlocked
	return err
}

// only yields the values that are kept.
func only[T any](all iter.Seq2[T, error], keep func(*T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if (err != nil || keep(&v)) && !yield(v, err) {
				return
			}
		}
	}
}

func none[T any](func(T, error) bool) {}

func (s partSource) FirstRun(ctx context.Context, partnerID string) (time.Time, error) {
	return s.all.FirstRun(ctx, partnerID)
}

// CountRecords knows the customers of the run without another walk over all of them.
func (s partSource) CountRecords(_ context.Context, _ string, run int64, which standing.Standing) (int, error) {
	n := s.standings[run]
	switch which {
	case standing.Clear:
		return n.Clear, nil
	case standing.Blocked:
		return n.Blocked, nil
	case standing.Unknown:
		return n.Unknown, nil
	case standing.Excluded:
		return n.Excluded, nil
	}
	return n.Sum(), nil
}

func (s partSource) CustomerEntries(ctx context.Context, partnerID string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	return only(s.all.CustomerEntries(ctx, partnerID, run, which, at),
		func(c *ledger.CustomerEntry) bool { return s.customers[c.ID] })
}

// Blocked leaves out what the provider decided, unless it is for an account manager, and numbers of
// its files and events.
func (s partSource) Blocked(ctx context.Context, partnerID string, run int64,
	cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return only(s.all.Blocked(ctx, partnerID, run, cut), func(c *ledger.BlockedCustomer) bool {
		c.LastEvent, c.Attestation = 0, attestation.ID{}
		if !s.owned {
			c.Exception = ledger.Exception{}
		}
		return s.customers[c.ID]
	})
}

func (s partSource) CountRenewals(ctx context.Context, _ string, run int64, at time.Time) (int, error) {
	return each(ctx, s.Renewals(ctx, []int64{run}, at), func(ledger.Renewal) error { return nil })
}

func (s partSource) Renewals(ctx context.Context, runs []int64,
	at time.Time) iter.Seq2[ledger.Renewal, error] {
	return only(s.all.Renewals(ctx, runs, at), func(r *ledger.Renewal) bool {
		if !s.owned {
			r.AcceptedUntil = ""
		}
		return s.customers[r.Customer.ID]
	})
}

func (s partSource) CountChanges(ctx context.Context, partnerID string, run, against int64) (int, error) {
	return each(ctx, s.Changes(ctx, partnerID, run, against), func(standing.Transition) error { return nil })
}

func (s partSource) Changes(ctx context.Context, partnerID string, run,
	against int64) iter.Seq2[standing.Transition, error] {
	return only(s.all.Changes(ctx, partnerID, run, against), func(t *standing.Transition) bool {
		return t.After != nil && s.customers[t.After.ID] || t.Before != nil && s.customers[t.Before.ID]
	})
}

func (s partSource) ExceptionsThen(ctx context.Context, partnerID string, run int64,
	at time.Time) ([]ledger.ExceptionEntry, error) {
	if !s.owned {
		return nil, nil
	}
	all, err := s.all.ExceptionsThen(ctx, partnerID, run, at)
	return slices.DeleteFunc(all, func(e ledger.ExceptionEntry) bool { return !s.customers[e.CustomerID] }), err
}

func (s partSource) Invitations(context.Context, string, int64, time.Time) iter.Seq2[ledger.InvitationEntry,
	error] {
	return none[ledger.InvitationEntry]
}

func (s partSource) Batches(context.Context, ledger.Snapshot) ([]ledger.BatchSummary, error) {
	return nil, nil
}

func (s partSource) EventNumbers(context.Context, time.Time) ([]int64, error) { return nil, nil }

func (s partSource) EventLog(context.Context, time.Time) iter.Seq2[ledger.LogEntry, error] {
	return none[ledger.LogEntry]
}

func (s partSource) Resellers(context.Context, string, int64, time.Time) ([]ledger.ResellerCount, error) {
	return nil, nil
}

func (s partSource) Heads(context.Context, time.Time) ([]ledger.BatchHead, error) {
	return nil, nil
}

func (s partSource) Chain(context.Context, time.Time) (ledger.Chain, error) {
	return ledger.Chain{}, nil
}

func (s partSource) Tally(context.Context, ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	return nil, nil
}

func (s partSource) Entries(context.Context, string, ledger.Snapshot) iter.Seq2[ledger.AttestationEntry, error] {
	return none[ledger.AttestationEntry]
}
