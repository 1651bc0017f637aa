package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// report is one workbook in the making.
type report struct {
	book     Book
	source   Source
	say      catalogue
	file     *excelize.File
	style    styles
	counts   []counts  // by partner, as in book.Partners
	controls []control // every check, as the sheet Checks lists them
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
	for i, p := range r.book.Partners {
		if p.Run == nil {
			continue
		}
		n := 0
		for rec, err := range r.source.Records(ctx, p.Partner.ID, p.Run.ID, which) {
			if err != nil {
				return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := row(p, rec); err != nil {
				return err
			}
			n++
		}
		if counted := of(r.counts[i]); n != counted {
			return fmt.Errorf("partner %s, run %d: %w", p.Partner.Name, p.Run.ID, shortfall(n, counted))
		}
	}
	return nil
}

// shortfall is the error for rows that are not as many as were counted.
func shortfall(came, counted int) error {
	return fmt.Errorf("%d rows came, %d were counted: the ledger changed while the report was read; write the report again", came, counted)
}
