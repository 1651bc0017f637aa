package reports

import (
	"context"
	"fmt"
	"iter"
	"slices"
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

// OfReseller restricts a book, and the source of its rows, to the customers of one indirect
// reseller of one of its partners. Nothing of other customers is left in them: the totals and
// control checks of the runs are made again of the rows.
func OfReseller(ctx context.Context, book Book, source Source, partnerID string,
	reseller ledger.Reseller) (Book, Source, error) {
	i := slices.IndexFunc(book.Partners, func(p PartnerRun) bool { return p.Partner.ID == partnerID && p.Run != nil })
	if i < 0 {
		return book, source, fmt.Errorf("partner %s has no completed run in this report", partnerID)
	}
	p := book.Partners[i]
	s := resellerSource{all: source, customers: map[string]bool{}, standings: map[int64]ledger.Standings{}}
	totals, err := s.read(ctx, p, p.Run, reseller.ID, book.Through)
	if err != nil {
		return book, source, err
	}
	shown := PartnerRun{Partner: p.Partner, Run: ofReseller(*p.Run), Stale: p.Stale, Unfinished: unfinished(p)}
	before := ledger.Totals{}
	if p.Against != nil {
		if before, err = s.read(ctx, p, p.Against, reseller.ID, book.Through); err != nil {
			return book, source, err
		}
		shown.Against = ofReseller(*p.Against)
		shown.Against.Totals = before
		shown.History = []ledger.Run{*shown.Against}
	}
	if err := s.countChanges(ctx, p, &totals); err != nil {
		return book, source, err
	}
	shown.Run.Totals, shown.Run.Checks = totals, resellerChecks(totals, before)
	shown.History = append(shown.History, *shown.Run)
	book.Partners, book.LeftOut, book.Reseller = []PartnerRun{shown}, nil, reseller
	return book, s, nil
}

// ofReseller is what is said of a run to a reseller: when it was, and by which policy.
func ofReseller(run ledger.Run) *ledger.Run {
	return &ledger.Run{ID: run.ID, Kind: ledger.Sweep, Partner: run.Partner, Policy: run.Policy, State: run.State,
		Attempt: run.Attempt, Version: run.Version, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
		OldestReading: run.OldestReading}
}

// unfinished is the later run that the figures are older than; why it failed is told to the
// provider.
func unfinished(p PartnerRun) *ledger.Run {
	for _, run := range []*ledger.Run{p.Failed, p.Unfinished} {
		if run != nil {
			return ofReseller(*run)
		}
	}
	return nil
}

// resellerChecks are the control checks that can be made of a part of the customers.
func resellerChecks(now, before ledger.Totals) []ledger.Check {
	checks := ledger.CheckSweep(now, before, ledger.Limits{MaxGonePercent: 100})
	return slices.DeleteFunc(checks, func(c ledger.Check) bool {
		return c.Name != ledger.CheckStandings && c.Name != ledger.CheckContinuity && c.Name != ledger.CheckBlocked
	})
}

// resellerSource leaves out what is not of the customers.
type resellerSource struct {
	all Source // not embedded: what is added to Source has to be restricted too
	// of the run shown and of the one that changes are counted from, by their reseller of today
	customers map[string]bool
	standings map[int64]ledger.Standings // of the same runs, by their number
}

// read notes the customers of the reseller in a run, and counts them.
func (s resellerSource) read(ctx context.Context, p PartnerRun, run *ledger.Run, resellerID string,
	at time.Time) (t ledger.Totals, err error) {
	_, err = each(ctx, s.all.CustomerEntries(ctx, p.Partner.ID, run.ID, "", at), func(c ledger.CustomerEntry) error {
		if c.Reseller.ID == resellerID {
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

func (s resellerSource) countChanges(ctx context.Context, p PartnerRun, t *ledger.Totals) error {
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

func (s resellerSource) FirstRun(ctx context.Context, partnerID string) (time.Time, error) {
	return s.all.FirstRun(ctx, partnerID)
}

// CountRecords knows the customers of the run without another walk over those of all resellers.
func (s resellerSource) CountRecords(_ context.Context, _ string, run int64, which standing.Standing) (int, error) {
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

func (s resellerSource) CustomerEntries(ctx context.Context, partnerID string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	return only(s.all.CustomerEntries(ctx, partnerID, run, which, at),
		func(c *ledger.CustomerEntry) bool { return s.customers[c.ID] })
}

// Blocked leaves out what the provider decided, and numbers of its files and events.
func (s resellerSource) Blocked(ctx context.Context, partnerID string, run int64,
	cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return only(s.all.Blocked(ctx, partnerID, run, cut), func(c *ledger.BlockedCustomer) bool {
		c.Exception, c.LastEvent, c.Attestation = ledger.Exception{}, 0, attestation.ID{}
		return s.customers[c.ID]
	})
}

func (s resellerSource) CountRenewals(ctx context.Context, _ string, run int64, at time.Time) (int, error) {
	return each(ctx, s.Renewals(ctx, []int64{run}, at), func(ledger.Renewal) error { return nil })
}

func (s resellerSource) Renewals(ctx context.Context, runs []int64,
	at time.Time) iter.Seq2[ledger.Renewal, error] {
	return only(s.all.Renewals(ctx, runs, at), func(r *ledger.Renewal) bool {
		r.AcceptedUntil = ""
		return s.customers[r.Customer.ID]
	})
}

func (s resellerSource) CountChanges(ctx context.Context, partnerID string, run, against int64) (int, error) {
	return each(ctx, s.Changes(ctx, partnerID, run, against), func(standing.Transition) error { return nil })
}

func (s resellerSource) Changes(ctx context.Context, partnerID string, run,
	against int64) iter.Seq2[standing.Transition, error] {
	return only(s.all.Changes(ctx, partnerID, run, against), func(t *standing.Transition) bool {
		return t.After != nil && s.customers[t.After.ID] || t.Before != nil && s.customers[t.Before.ID]
	})
}

func (s resellerSource) ExceptionsThen(context.Context, string, int64, time.Time) ([]ledger.ExceptionEntry, error) {
	return nil, nil
}

func (s resellerSource) Invitations(context.Context, string, int64, time.Time) iter.Seq2[ledger.InvitationEntry,
	error] {
	return none[ledger.InvitationEntry]
}

func (s resellerSource) Batches(context.Context, ledger.Snapshot) ([]ledger.BatchSummary, error) {
	return nil, nil
}

func (s resellerSource) EventNumbers(context.Context, time.Time) ([]int64, error) { return nil, nil }

func (s resellerSource) EventLog(context.Context, time.Time) iter.Seq2[ledger.LogEntry, error] {
	return none[ledger.LogEntry]
}

func (s resellerSource) Resellers(context.Context, string, int64, time.Time) ([]ledger.ResellerCount, error) {
	return nil, nil
}

func (s resellerSource) Heads(context.Context, time.Time) ([]ledger.BatchHead, error) {
	return nil, nil
}

func (s resellerSource) Chain(context.Context, time.Time) (ledger.Chain, error) {
	return ledger.Chain{}, nil
}

func (s resellerSource) Tally(context.Context, ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	return nil, nil
}

func (s resellerSource) Entries(context.Context, string, ledger.Snapshot) iter.Seq2[ledger.AttestationEntry, error] {
	return none[ledger.AttestationEntry]
}
