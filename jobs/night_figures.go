package jobs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports"
)

// NightLedger is what a night asks of the ledger after its steps.
type NightLedger interface {
	Runs
	// Changes walks the customers whose standing differs between two completed runs.
	Changes(ctx context.Context, partnerID string, run, against int64) iter.Seq2[standing.Transition, error]
	// CountAllStatuses counts the attestations of the ledger by state.
	CountAllStatuses(ctx context.Context) (map[attestation.State]int, error)
}

// NightFigures are what the ledger holds after a night. They agree with the night's workbook.
type NightFigures struct {
	Partners     []PartnerFigures
	Attestations map[attestation.State]int
}

// PartnerFigures are one partner's newest completed run, the rechecks after a submission included,
// and what changed since the night before.
type PartnerFigures struct {
	Partner         ledger.Partner
	Run             *ledger.Run // nil: none has completed yet
	Cost            ledger.Cost // of Run and the other runs of its night
	NewlyBlocked    int
	NoLongerBlocked int
	New             int
	Gone            int
	NewlyUnreadable int
	// Names of newly blocked customers, up to maxNightNames; none on the first night, when all
	// customers are new.
	Names []string
}

const maxNightNames = 20

// figures reads the ledger even if the night was interrupted: that is reported as well.
func (j Nightly) figures(ctx context.Context) (f NightFigures, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if f.Attestations, err = j.Ledger.CountAllStatuses(ctx); err != nil {
		return f, fmt.Errorf("count the attestations: %w", err)
	}
	shown, _, err := j.Report.Show.Find(ctx, j.Ledger, j.Report.Now())
	if err != nil {
		return f, err
	}
	for _, p := range shown {
		figures, err := j.partnerFigures(ctx, p)
		if err != nil {
			return f, fmt.Errorf("changes of %s: %w", p.Partner.Name, err)
		}
		f.Partners = append(f.Partners, figures)
	}
	return f, nil
}

func (j Nightly) partnerFigures(ctx context.Context, p reports.PartnerRun) (PartnerFigures, error) {
	f := PartnerFigures{Partner: p.Partner, Run: p.Run}
	for _, run := range p.History {
		if p.Against == nil || run.ID > p.Against.ID {
			f.Cost = f.Cost.Add(run.Cost)
		}
	}
	switch {
	case p.Run == nil:
		return f, nil
	case p.Against == nil:
		f.NewlyBlocked, f.New, f.NewlyUnreadable = p.Run.Totals.Blocked, p.Run.Totals.Listed, p.Run.Totals.Unreadable
		return f, nil
	}
	f.NewlyUnreadable = max(0, p.Run.Totals.Unreadable-p.Against.Totals.Unreadable)
	for t, err := range j.Ledger.Changes(ctx, p.Partner.ID, p.Run.ID, p.Against.ID) {
		if err != nil {
			return f, err
		}
		f.add(t)
	}
	return f, nil
}

func (f *PartnerFigures) add(t standing.Transition) {
	switch {
	case t.Before == nil:
		f.New++
	case t.After == nil:
		f.Gone++
	case t.Before.Standing == standing.Blocked && t.After.Standing != standing.Blocked:
		f.NoLongerBlocked++
	}
	if t.Change() == standing.NewlyBlocked {
		f.NewlyBlocked++
		if len(f.Names) < maxNightNames {
			f.Names = append(f.Names, t.After.Name)
		}
	}
}
