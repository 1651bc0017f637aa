package reports

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// report is one workbook in the making.
type report struct {
	book     Book
	source   Source
	say      catalogue
	file     *excelize.File
	style    styles
	counts   []counts // by partner, as in book.Partners
	heads    []attestation.Head
	tally    map[string]attestation.Tally // by partner, "" for nobody's
	controls []control                    // every check, as the sheet Checks lists them
}

// counts are the rows that one partner brings to each sheet. They are known before the first row is written, because
// tables, dimensions and the verdict on every sheet depend on them.
type counts struct {
	customers, blocked, unread, changes int
	new, gone                           int // of changes
}

func open(book Book, source Source) (*report, error) {
	say, err := catalogueOf(book.Language)
	if err != nil {
		return nil, err
	}
	if book.Location == nil {
		book.Location = time.UTC
	}
	r := &report{book: book, source: source, say: say, file: excelize.NewFile()}
	if r.style, err = newStyles(r.file, say); err != nil {
		r.file.Close()
		return nil, fmt.Errorf("make the styles: %w", err)
	}
	return r, nil
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

func (r *report) countAttestations(ctx context.Context) (err error) {
	if r.heads, err = r.source.Heads(ctx, r.book.Through); err != nil {
		return fmt.Errorf("batches: %w", err)
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
	if c.changes, err = r.source.CountChanges(ctx, p.Partner.ID, p.Run.ID, p.against()); err != nil {
		return c, fmt.Errorf("changes: %w", err)
	}
	if p.Against == nil { // everybody is new: one pass over all of them saved
		c.new = c.changes
		return c, nil
	}
	for change, err := range r.source.Changes(ctx, p.Partner.ID, p.Run.ID, p.against()) {
		if err != nil {
			return c, fmt.Errorf("changes: %w", err)
		}
		switch change.Change() {
		case standing.New:
			c.new++
		case standing.Gone:
			c.gone++
		}
	}
	return c, nil
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
