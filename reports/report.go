package reports

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// report is one workbook in the making.
type report struct {
	book      Book
	source    Source
	say       catalogue
	english   catalogue      // names columns where machines read
	file      *excelize.File // of the workbook, as are the next two; nil: none is made
	style     styles
	sheets    int      // of file so far
	counts    []counts // by partner, as in book.Partners
	heads     []ledger.BatchHead
	chain     ledger.Chain
	tally     map[string]ledger.DeliveryTotals // by partner, "" for nobody's
	bought    standing.PurchasesCount          // of the blocked customers
	longest   []waiting                        // the longest blocked, for the summary
	resellers []resellersOf                    // of the indirect providers
	controls  []control                        // every check, as the sheet Checks lists them
}

// counts are the rows that one partner brings to each sheet. They are known before the first row is written, because
// tables, dimensions and the verdict on every sheet depend on them.
type counts struct {
	customers, blocked, unread int
	changes                    changeCounts
	changedOnce                bool // nobody changed in two of the runs that the changes span
}

// changeCounts are the rows of Changes, and those of the kinds that runs count too.
type changeCounts struct {
	rows, new, gone, newlyBlocked, newlyClear int
}

// gather is what every format begins with: how many rows there are, and whether they are to be believed.
func gather(ctx context.Context, book Book, source Source) (*report, error) {
	say, err := catalogueOf(book.Language)
	if err != nil {
		return nil, err
	}
	if book.Location == nil {
		book.Location = time.UTC
	}
	r := &report{book: book, source: source, say: say, english: english()}
	if err := r.count(ctx); err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	r.controls = r.balance()
	return r, nil
}

// begin begins a workbook, which the caller closes.
func (r *report) begin() (err error) {
	r.file = excelize.NewFile()
	if r.style, err = newStyles(r.file, r.say); err != nil {
		r.file.Close()
		return fmt.Errorf("make the styles: %w", err)
	}
	return nil
}

func (r *report) count(ctx context.Context) error {
	r.counts = make([]counts, len(r.book.Partners))
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		c, err := r.countPartner(ctx, p)
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
		r.counts[i] = c
	}
	return r.countAttestations(ctx)
}

// readSummary reads what only the summary shows.
func (r *report) readSummary(ctx context.Context) error {
	if err := r.readBlocked(ctx); err != nil {
		return err
	}
	return r.readResellers(ctx)
}

func (r *report) countAttestations(ctx context.Context) (err error) {
	if r.heads, err = r.source.Heads(ctx, r.book.Through); err != nil {
		return fmt.Errorf("batches: %w", err)
	}
	if r.chain, err = r.source.Chain(ctx, r.book.Through); err != nil {
		return fmt.Errorf("the event chain: %w", err)
	}
	if r.tally, err = r.source.Tally(ctx, r.cut()); err != nil {
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
	if c.changes.rows, err = r.source.CountChanges(ctx, p.Partner.ID, p.Run.ID, p.against()); err != nil {
		return c, fmt.Errorf("changes: %w", err)
	}
	if c.changedOnce, err = r.changedOnce(ctx, p, c.changes.rows); err != nil {
		return c, fmt.Errorf("changes of each run: %w", err)
	}
	if p.Against == nil { // everybody is new: one pass over all of them saved
		c.changes.new = c.changes.rows
		return c, nil
	}
	for change, err := range r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()) {
		if err != nil {
			return c, fmt.Errorf("changes: %w", err)
		}
		c.changes.add(change.Change())
	}
	return c, nil
}

// changedOnce reports whether nobody changed in two of the runs that the changes span: then there are as many changes from run to run
// as there are from end to end. Who changed twice counts twice on the way, and once at the end or not at all.
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

// add counts a row by its kind.
func (c *changeCounts) add(kind standing.Change) {
	switch kind {
	case standing.New:
		c.new++
	case standing.Gone:
		c.gone++
	case standing.NewlyBlocked:
		c.newlyBlocked++
	case standing.NewlyClear:
		c.newlyClear++
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

// eachRecord hands every customer with a standing to row, partner by partner, and fails unless there are as many as counted.
func (r *report) eachRecord(ctx context.Context, which standing.Standing, of func(counts) int, row func(PartnerRun, standing.Record) error) error {
	return eachOf(ctx, r, of, func(p PartnerRun) iter.Seq2[standing.Record, error] {
		return r.source.Records(ctx, p.Partner.ID, p.Run.ID, which)
	}, row)
}

// eachOf is eachRecord for any rows of a run.
func eachOf[T any](ctx context.Context, r *report, of func(counts) int, from func(PartnerRun) iter.Seq2[T, error], row func(PartnerRun, T) error) error {
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		n, err := each(ctx, from(p), func(v T) error { return row(p, v) })
		if counted := of(r.counts[i]); err == nil && n != counted {
			err = shortfall(n, counted)
		}
		if err != nil {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
		}
	}
	return nil
}

// each hands what comes from the source to row until ctx ends, and counts it.
func each[T any](ctx context.Context, from iter.Seq2[T, error], row func(T) error) (n int, err error) {
	for v, err := range from {
		if err != nil {
			return n, err
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if err := row(v); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// shortfall is the error for rows that are not as many as were counted.
func shortfall(came, counted int) error {
	return fmt.Errorf("%d rows came, %d were counted: the ledger changed while the report was read; write the report again", came, counted)
}
