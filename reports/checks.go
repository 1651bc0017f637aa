package reports

import (
	"context"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// control is one line of the sheet Checks: a control total of a run, or one of this report's own
// rows.
type control struct {
	partner         string // empty: it is about all of them
	run             int64  // 0: it is about no run
	code            string
	name            string // in words
	expected, found int
	ok              bool
	numbers         string // a sentence
}

// checks is where finance looks first: every control total, and whether the report shows what was
// counted. Failed checks come first.
func (r *report) checks() table {
	t := newTable(sheetChecks, r.checkColumns(), len(r.controls), r.walkControls)
	t.marks = []mark{{"result", "result", resultFailed, alert}, {"result", "result", resultOK, fine}}
	t.until("numbers")
	t.lines = 2
	return t
}

const (
	resultOK     = "ok"
	resultFailed = "failed"
)

func (r *report) checkColumns() []column[control] {
	names := map[string]labelled{}
	for _, c := range r.controls {
		names[c.code] = labelled{c.name}
	}
	return []column[control]{
		code("result", 12, r.say.Words["result"], func(c *control) string { return result(c.ok) }),
		code("check", 66, names, func(c *control) string { return c.code }),
		col("partner", 17, func(c *control) Cell { return Text(c.partner) }),
		col("run", 10, func(c *control) Cell { return ID(c.run) }),
		num("expected", 13, func(c *control) Cell { return Count(c.expected) }),
		num("found", 13, func(c *control) Cell { return Count(c.found) }),
		col("numbers", 100, func(c *control) Cell { return Text(c.numbers) }).inWorkbook().wrapped(),
		col("check_code", 22, func(c *control) Cell { return Text(c.code) }).inWorkbook(),
	}
}

func result(ok bool) string {
	if ok {
		return resultOK
	}
	return resultFailed
}

func (r *report) walkControls(_ context.Context, row func(control) error) error {
	for _, ok := range []bool{false, true} {
		for _, c := range r.controls {
			if c.ok != ok {
				continue
			}
			if err := row(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// controlChecks gathers every check of the report: of a failed run, of the run shown, and of the
// report's own rows.
func (r *report) controlChecks() []control {
	var all []control
	for i, p := range r.book.Partners {
		if p.Failed == nil {
			all = append(all, r.newestRun(p))
		}
		for _, shown := range p.shown() {
			all = append(all, r.controlsOf(p, shown)...)
		}
		if p.Run != nil {
			all = append(all, r.rowControls(p, r.counts[i])...)
		}
	}
	return append(all, r.attestationControls()...)
}

// newestRun says whether the figures are last night's: a partner whose night could not be read to
// its end must not look well.
func (r *report) newestRun(p PartnerRun) control {
	c := control{partner: p.Partner.Name, code: "newest_run", name: r.say.Texts.NewestRun}
	if p.Run != nil {
		c.run, c.found, c.expected = p.Run.ID, int(p.Run.ID), int(p.Run.ID)
	}
	if p.Unfinished != nil {
		c.run, c.expected = p.Unfinished.ID, int(p.Unfinished.ID)
	}
	c.ok = p.Run != nil && c.expected == c.found && !p.Stale && p.Future != p.Run.ID
	c.numbers = r.say.put(r.say.Texts.NewestRunNumbers, c.expected, c.found)
	if p.Stale {
		c.numbers += " " + r.say.Texts.Stale
	}
	if p.Future != 0 {
		c.numbers += " " + r.say.put(r.say.Texts.FutureRun, int(p.Future))
	}
	return c
}

// controlsOf are the control totals that a run closed with. A closed run without any cannot be
// believed.
func (r *report) controlsOf(p PartnerRun, shown ledger.Run) []control {
	if len(shown.Checks) == 0 {
		return []control{{partner: p.Partner.Name, run: shown.ID, code: "has_checks", name: r.say.Texts.NoControlTotals,
			numbers: r.say.Texts.NoControlTotalsNumbers}}
	}
	all := make([]control, len(shown.Checks))
	for i, c := range shown.Checks {
		all[i] = control{partner: p.Partner.Name, run: shown.ID, code: string(c.Name), name: r.say.checkName(c),
			expected: c.Expected, found: c.Found, ok: c.OK, numbers: r.say.checkNumbers(c, shown.Totals)}
	}
	return all
}

// rowControls compare the rows of this report with what the run counted.
func (r *report) rowControls(p PartnerRun, c counts) []control {
	t, say := p.Run.Totals, r.say.Texts
	of := func(code, name string, counted, rows int) control {
		return control{partner: p.Partner.Name, run: p.Run.ID, code: code, name: name, expected: counted, found: rows,
			ok: counted == rows, numbers: r.say.put(say.RowsNumbers, counted, rows)}
	}
	all := []control{
		of("rows_customers", say.RowsCustomers, t.Listed, c.customers),
		of("rows_blocked", say.RowsBlocked, t.Blocked, c.blocked),
		of("rows_unread", say.RowsUnread, t.Unknown, c.unread),
	}
	turnover, moves := p.changed(c.changedOnce)
	if turnover != nil {
		all = append(all, of("rows_new", say.RowsNew, turnover.New, c.changes.new),
			of("rows_gone", say.RowsGone, turnover.Gone, c.changes.of(standing.Gone)))
	}
	if moves != nil {
		all = append(all, of("rows_newly_blocked", say.RowsNewlyBlocked, moves.NewlyBlocked,
			c.changes.of(standing.NewlyBlocked)),
			of("rows_newly_clear", say.RowsNewlyClear, moves.NewlyClear, c.changes.of(standing.NewlyClear)))
	}
	forward := p.rollForward(c)
	return append(all, control{partner: p.Partner.Name, run: p.Run.ID, code: "roll_forward", name: say.RollForwardCheck,
		expected: forward.closing(), found: t.Blocked, ok: forward.closing() == t.Blocked,
		numbers: r.say.put(say.RollForwardNumbers, forward.opening, forward.newlyBlocked, forward.noLonger,
			forward.gone, forward.closing(), t.Blocked)})
}

// rollForward is how the blocked customers of one run became those of another.
type rollForward struct{ opening, newlyBlocked, noLonger, gone int }

func (f rollForward) closing() int { return f.opening + f.newlyBlocked - f.noLonger - f.gone }

func (p PartnerRun) rollForward(c counts) rollForward {
	f := rollForward{0, c.changes.of(standing.NewlyBlocked), c.changes.unblocked, c.changes.goneBlocked}
	if p.Against != nil {
		f.opening = p.Against.Totals.Blocked
	}
	return f
}

// changed is what runs counted of the changes that the workbook shows, where that can be said: who
// came and went, and who moved between standings. A run counts against the completed run just
// before it, and a workbook may compare runs that are further apart: a night and the rechecks after
// it, or any two. once says that nobody changed in two of the runs in between.
func (p PartnerRun) changed(once bool) (turnover, moves *ledger.Totals) {
	between, ok := p.between()
	if !ok {
		return nil, nil
	}
	var sum ledger.Totals
	turned := 0 // runs in which somebody came or went
	for _, shown := range between {
		t := shown.Totals
		sum.New, sum.Gone = sum.New+t.New, sum.Gone+t.Gone
		sum.NewlyBlocked, sum.NewlyClear = sum.NewlyBlocked+t.NewlyBlocked, sum.NewlyClear+t.NewlyClear
		if t.New+t.Gone > 0 {
			turned++
		}
	}
	if once || turned <= 1 || sum.New == 0 || sum.Gone == 0 { // else one and the same customer may have come and gone
		turnover = &sum
	}
	if once {
		moves = &sum
	}
	return turnover, moves
}

// between are the completed runs after the one that changes are counted from, up to the one shown;
// ok is false when they are not all known.
func (p PartnerRun) between() (runs []ledger.Run, ok bool) {
	last := len(p.History) - 1
	switch at := slices.IndexFunc(p.History, func(r ledger.Run) bool { return r.ID == p.against() }); {
	case last < 0 || p.History[last].ID != p.Run.ID:
		return nil, false
	case at >= 0:
		return p.History[at+1:], true
	default: // without one, everybody is new since the first run
		return p.History, p.Against == nil && len(p.History) < HistoryRuns
	}
}

// attestationControls say whether every imported row is still there, and whether everything sent is
// accounted for.
func (r *report) attestationControls() []control {
	if len(r.heads) == 0 && len(r.tally) == 0 {
		return nil
	}
	var all []control
	say := r.say.Texts
	for _, h := range r.holders() {
		t := r.tally[h.id]
		if found := t.Answered + t.Unsettled + t.Returned; t.Sent > 0 || found > 0 {
			all = append(all, control{partner: h.name, code: "sent_answered", name: say.SentAnswered, expected: t.Sent,
				found: found, ok: t.Sent == found, numbers: r.say.put(say.SentAnsweredNumbers, t.Sent, t.Answered,
					t.Unsettled, t.Returned)})
		}
	}
	imported, held, shown := 0, 0, r.entries()
	for _, h := range r.heads {
		imported += h.Rows
	}
	events, verified := int(r.chain.Events), int(r.chain.Verified)
	all = append(all, control{code: "log_complete", name: say.LogComplete, expected: events, found: verified,
		ok: events == verified, numbers: r.say.put(say.LogCompleteNumbers, events, verified)})
	for _, t := range r.tally {
		held += t.Rows
	}
	return append(all, control{code: "rows_imported", name: say.RowsImported, expected: imported, found: held,
		ok: imported == held, numbers: r.say.put(say.RowsImportedNumbers, len(r.heads), imported, held, shown,
			held-shown)})
}

// failures is how many checks do not hold.
func (r *report) failures() int {
	n := 0
	for _, c := range r.controls {
		if !c.ok {
			n++
		}
	}
	return n
}

// verdict is what all checks say together.
type verdict int

const (
	noChecks verdict = iota
	passed
	failed
)

func (r *report) verdict() verdict {
	switch {
	case len(r.controls) == 0:
		return noChecks
	case r.failures() > 0:
		return failed
	}
	return passed
}

// integrity is the verdict in words, with a sign in front.
func (r *report) integrity() string {
	return [...]string{noChecks: "– ", passed: "✔ ", failed: "✘ "}[r.verdict()] + r.integrityWords()
}

func (r *report) integrityWords() string {
	switch r.verdict() {
	case noChecks:
		return r.say.Texts.NothingToCheck
	case failed:
		return r.say.count(r.say.Texts.ChecksFailed, r.failures(), r.say.number(len(r.controls)))
	}
	return r.say.put(r.say.Texts.ChecksPassed, len(r.controls), len(r.controls))
}
