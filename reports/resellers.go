package reports

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// resellersShown is how many of an indirect provider's resellers the summary names.
const resellersShown = 12

// resellersOf are an indirect provider's customers by indirect reseller.
type resellersOf struct {
	partner PartnerRun
	counts  []ledger.ResellerCount
}

// readResellers reads the resellers of the indirect providers; other partners have none.
func (f *frame) readResellers(ctx context.Context) error {
	for _, p := range f.book.Partners {
		if p.Run == nil || p.Run.Partner.Kind != standing.IndirectProvider {
			continue
		}
		counts, err := f.source.Resellers(ctx, p.Partner.ID, p.Run.ID, f.book.AsOf)
		if err != nil {
			return fmt.Errorf("partner %s, run %d: resellers: %w", p.Partner.Name, p.Run.ID, err)
		}
		if len(counts) > 0 {
			f.resellers = append(f.resellers, resellersOf{p, counts})
		}
	}
	return nil
}

// resellerTables show whose customers are blocked: an indirect provider talks to resellers, not to
// customers.
func (s *summarySheet) resellerTables() (tables []tableOfSummary) {
	for _, of := range s.resellers {
		tables = append(tables, func(row int, at place) (next int) { return s.resellerTable(row, at.wider(), of) })
	}
	return tables
}

func (s *summarySheet) resellerTable(row int, at place, of resellersOf) (next int) {
	heading := fmt.Sprintf(s.say.Texts.ByReseller, of.partner.Partner.Name)
	row = s.tableHead(row, at, heading, s.say.Texts.Reseller, s.say.Texts.Measures[:5])
	lines := s.resellerLines(of.counts)
	for i, line := range lines {
		label, count := s.frame.style.label, s.frame.style.count
		if i == len(lines)-1 {
			label, count = s.frame.style.totalLabel, s.frame.style.total
		}
		s.label(row, at, line.label, label)
		for i, n := range []int{line.listed(), line.Clear, line.Blocked, line.Unknown, line.Excluded} {
			s.put(at.first+i, row, n, count)
		}
		row++
	}
	return row + 1
}

// resellerLine is one line of the table: a reseller, or several customers that have none of those
// named.
type resellerLine struct {
	label string
	ledger.ResellerCount
}

func (l resellerLine) listed() int { return l.Clear + l.Blocked + l.Unknown + l.Excluded }

func (l *resellerLine) add(c ledger.ResellerCount) {
	l.Clear += c.Clear
	l.Blocked += c.Blocked
	l.Unknown += c.Unknown
	l.Excluded += c.Excluded
}

// resellerLines are the resellers with the most blocked customers, the others together, the
// customers without a reseller and those whose reseller is not known, and all of them.
func (r *report) resellerLines(counts []ledger.ResellerCount) (lines []resellerLine) {
	others, without, unread, all := resellerLine{}, resellerLine{label: r.say.Texts.NoReseller},
		resellerLine{label: r.say.Texts.ResellerNotRead}, resellerLine{label: r.say.Texts.AllResellers}
	n := 0
	for _, c := range counts {
		all.add(c)
		switch {
		case !c.Read:
			unread.add(c)
		case c.ResellerID == "":
			without.add(c)
		case len(lines) < resellersShown:
			lines = append(lines, resellerLine{cmp.Or(c.Name, c.ResellerID), c})
		default:
			n++
			others.add(c)
		}
	}
	others.label = r.say.count(r.say.Texts.OtherResellers, n)
	for _, line := range []resellerLine{others, without, unread} {
		if line.listed() > 0 {
			lines = append(lines, line)
		}
	}
	return append(lines, all)
}
