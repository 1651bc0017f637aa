package reports

import (
	"context"
	"slices"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// The two results of a check, which are data and never translated.
const (
	resultOK   = "OK"
	resultFail = "FAIL"
)

// control is one line of the sheet Checks: a control total of a run, or one of this report's own rows.
type control struct {
	partner         string // empty: it is about all of them
	run             int64  // 0: it is about no run
	name            string // in words
	expected, found int
	ok              bool
	sentence        string
}

// checks is where finance looks first: every control total, and whether this workbook shows what was counted.
func (r *report) checks() dataSheet {
	return dataSheet{
		key:     sheetChecks,
		columns: []column{colPartner, colRun, colCheck, colExpected, colFound, colResult, colSentence},
		frozen:  3,
		rows:    len(r.controls),
		marks: []mark{
			{colResult, resultFail, r.style.redWord},
			{colResult, resultOK, r.style.greenWord},
		},
		fill: r.fillChecks,
	}
}

func (r *report) fillChecks(_ context.Context, out cells) error {
	for _, c := range r.controls {
		out.text(c.partner)
		if c.run == 0 {
			out.skip()
		} else {
			out.id(c.run)
		}
		out.text(c.name)
		out.number(c.expected)
		out.number(c.found)
		out.text(result(c.ok))
		out.text(c.sentence)
		if err := out.end(); err != nil {
			return err
		}
	}
	return nil
}

func result(ok bool) string {
	if ok {
		return resultOK
	}
	return resultFail
}

// balance gathers every check of the workbook: of a failed run first, of the run shown, and of the report's own rows.
func (r *report) balance() []control {
	var all []control
	for i, p := range r.book.Partners {
		if p.Failed == nil {
			all = append(all, r.newest(p))
		}
		for _, told := range p.told() {
			all = append(all, r.controlsOf(p, told)...)
		}
		if p.Run != nil {
			all = append(all, r.rowControls(p, r.counts[i])...)
		}
	}
	return append(all, r.attestationControls()...)
}

// newest says whether the figures are last night's: a partner whose night could not be read to its end must not look well.
func (r *report) newest(p PartnerRun) control {
	c := control{partner: p.Partner.Name, name: r.say.NewestShown}
	if p.Run != nil {
		c.run, c.found, c.expected = p.Run.ID, int(p.Run.ID), int(p.Run.ID)
	}
	if p.Unfinished != nil {
		c.run, c.expected = p.Unfinished.ID, int(p.Unfinished.ID)
	}
	c.ok = p.Run != nil && c.expected == c.found && !p.Stale
	c.sentence = r.say.put(r.say.SayNewest, c.expected, c.found)
	if p.Stale {
		c.sentence += " " + r.say.SayStale
	}
	return c
}

// controlsOf are the control totals that a run closed with. A closed run without any cannot be believed.
func (r *report) controlsOf(p PartnerRun, shown ledger.Run) []control {
	if len(shown.Checks) == 0 {
		return []control{{partner: p.Partner.Name, run: shown.ID, name: r.say.NoChecks, sentence: r.say.NoChecksSentence}}
	}
	all := make([]control, len(shown.Checks))
	for i, c := range shown.Checks {
		all[i] = control{partner: p.Partner.Name, run: shown.ID, name: r.say.checkName(c), expected: c.Expected, found: c.Found,
			ok: c.OK, sentence: r.say.checkSentence(c, shown.Totals)}
	}
	return all
}

// rowControls compare the rows of this workbook with what the run counted.
func (r *report) rowControls(p PartnerRun, c counts) []control {
	t := p.Run.Totals
	of := func(name string, counted, rows int) control {
		return control{partner: p.Partner.Name, run: p.Run.ID, name: name, expected: counted, found: rows, ok: counted == rows,
			sentence: r.say.rowSentence(counted, rows)}
	}
	all := []control{
		of(r.say.RowsCustomers, t.Listed, c.customers),
		of(r.say.RowsBlocked, t.Blocked, c.blocked),
		of(r.say.RowsUnread, t.Unknown, c.unread),
	}
	turnover, moves := p.changed(c.changedOnce)
	if turnover != nil {
		all = append(all, of(r.say.RowsNew, turnover.New, c.changes.new), of(r.say.RowsGone, turnover.Gone, c.changes.gone))
	}
	if moves != nil {
		all = append(all, of(r.say.RowsNewlyBlocked, moves.NewlyBlocked, c.changes.newlyBlocked), of(r.say.RowsNewlyClear, moves.NewlyClear, c.changes.newlyClear))
	}
	return all
}

// changed is what runs counted of the changes that the workbook shows, where that can be said: who came and went, and who moved
// between standings. A run counts against the completed run just before it, and a workbook may compare runs that are further apart: a
// night and the rechecks after it, or any two. once says that nobody changed in two of the runs in between.
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

// between are the completed runs after the one that changes are counted from, up to the one shown; ok is false when they are not all known.
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

// attestationControls say whether every imported row is still there, and whether everything sent is accounted for.
func (r *report) attestationControls() []control {
	if len(r.heads) == 0 && len(r.tally) == 0 {
		return nil
	}
	var all []control
	for _, h := range r.holders() {
		t := r.tally[h.id]
		if found := t.Answered + t.Unsettled + t.Returned; t.Sent > 0 || found > 0 {
			all = append(all, control{partner: h.name, name: r.say.SentAnswered, expected: t.Sent, found: found, ok: t.Sent == found,
				sentence: r.say.put(r.say.SaySent, t.Sent, t.Answered, t.Unsettled, t.Returned)})
		}
	}
	imported, held, shown := 0, 0, r.entries()
	for _, h := range r.heads {
		imported += h.Rows
	}
	events, verified := int(r.chain.Events), int(r.chain.Verified)
	all = append(all, control{name: r.say.ChainWhole, expected: events, found: verified, ok: events == verified,
		sentence: r.say.put(r.say.SayWhole, events, verified)})
	for _, t := range r.tally {
		held += t.Rows
	}
	return append(all, control{name: r.say.RowsImported, expected: imported, found: held, ok: imported == held,
		sentence: r.say.put(r.say.SayImported, len(r.heads), imported, held, shown, held-shown)})
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

// mood is what all checks say together.
type mood int

const (
	nothing mood = iota // there is nothing to check
	good
	bad
)

func (r *report) mood() mood {
	switch {
	case len(r.controls) == 0:
		return nothing
	case r.failures() > 0:
		return bad
	}
	return good
}

// verdict is the mood in words, with a sign in front.
func (r *report) verdict() string {
	return [...]string{nothing: "– ", good: "✔ ", bad: "✘ "}[r.mood()] + r.verdictWords()
}

func (r *report) verdictWords() string {
	switch r.mood() {
	case nothing:
		return r.say.NothingToCheck
	case bad:
		return r.say.counted(r.say.ChecksFail, r.failures())
	}
	return r.say.AllBalance
}
