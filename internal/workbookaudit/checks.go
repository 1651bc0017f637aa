package workbookaudit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (v View) control() (rows [][]any) {
	for _, p := range v.partners {
		add := func(code, name string, expected, found int, numbers string, values ...any) {
			rows = append(rows, check(p.name, p.run.number("id"), code, name, expected, found, numbers, values...))
		}
		if shown, newest := p.run.number("id"), p.newest.number("id"); p.newest.text("state") == "failed" {
			rows = append(rows, v.balance(p, p.newest)...) // why the newest is not shown
		} else {
			add("newest_run", "The newest run is the one shown, and it is of last night", newest, shown,
				"The newest run is %d; this report shows run %d (0: none).", newest, shown)
		}
		for _, r := range v.night(p) {
			rows = append(rows, v.balance(p, r)...)
		}
		now := v.tally(p.id, p.run)
		counts := func(code, name string, counted, rows int) {
			add(code, name, counted, rows, "The run counted %d; this report has %d.", counted, rows)
		}
		counts("rows_customers", "Rows on Customers = listed", p.run.number("listed"), now.listed)
		counts("rows_blocked", "Rows on Blocked = blocked", p.run.number("blocked"), now.blocked)
		counts("rows_unread", "Rows on Could not be read = unknown", p.run.number("unknown"), now.unknown)
		counted, changes := v.counted(p), v.changed(p)
		comparable := []string{"new", "gone", "newly blocked", "newly clear"}
		if v.movedTwice(p) { // the runs counted steps, and the sheet shows what they came to
			comparable = comparable[:2]
		}
		for _, change := range comparable {
			code := strings.ReplaceAll(change, " ", "_")
			counts("rows_"+code, fmt.Sprintf("%s%s rows on Changes = %s", strings.ToUpper(change[:1]), change[1:],
				change), counted[change], changes[code])
		}
		f := v.forward(p)
		add("roll_forward", "Opening + newly blocked − no longer blocked − gone = blocked", f[4],
			p.run.number("blocked"),
			"Opening %d + %d newly blocked − %d no longer blocked − %d gone = %d; blocked are %d.", f[0], f[1], f[2],
			f[3], f[4], p.run.number("blocked"))
	}
	if len(v.batches) > 0 {
		for _, p := range v.partners {
			rows = append(rows, v.sendings(p))
		}
		rows = append(rows, v.chains(), v.imports())
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(plain(a[0]), plain(b[0])) }) // failed, ok
	return rows
}

// forward is how the blocked customers of one run became those of another: opening, newly blocked,
// no longer blocked, gone, closing.
func (v View) forward(p shownPartner) (f [5]int) {
	before, after := v.customers(p.id, p.against), v.customers(p.id, p.run)
	for id, c := range before {
		if c.text("standing") != "blocked" {
			continue
		}
		f[0]++
		switch now, there := after[id]; {
		case !there:
			f[3]++
		case now.text("standing") != "blocked":
			f[2]++
		}
	}
	for id, c := range after {
		if c.text("standing") == "blocked" {
			f[4]++
			if before[id].text("standing") != "blocked" {
				f[1]++
			}
		}
	}
	return f
}

func check(partner string, run any, code, name string, expected, found int, numbers string, values ...any) []any {
	result := "ok"
	if expected != found {
		result = "failed"
	}
	return []any{in("result", result), word{code, name}, partner, run, expected, found, fmt.Sprintf(numbers, values...),
		code}
}

// night are the runs that a workbook tells of: the last sweep, which found who is there and who is
// gone, and the rechecks after it.
func (l db) night(p shownPartner) (runs []record) {
	for _, r := range l.completed(p.id) {
		if r.number("id") > p.run.number("id") {
			break
		}
		if r.text("kind") == "sweep" {
			runs = nil
		}
		runs = append(runs, r)
	}
	return runs
}

// failed is the newest run of a partner if its checks did not hold.
func failed(p shownPartner) []record {
	if p.newest.text("state") == "failed" {
		return []record{p.newest}
	}
	return nil
}

// movedTwice reports whether a customer changed in two of the runs since the one that changes are
// counted from.
func (v View) movedTwice(p shownPartner) bool {
	moves, before := map[string]int{}, v.customers(p.id, p.against)
	for _, r := range v.completed(p.id) {
		if r.number("id") <= p.against.number("id") || r.number("id") > p.run.number("id") {
			continue
		}
		after := v.customers(p.id, r)
		all := maps.Clone(before)
		maps.Copy(all, after)
		for id := range all {
			if v.change(p, before[id], after[id]) != "" {
				moves[id]++
			}
		}
		before = after
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(moves)), func(n int) bool { return n > 1 })
}

// balance are the control totals with which a run was closed, in the order of run_check: the
// numbers are those of the run and of the ledger.
func (v View) balance(p shownPartner, r record) (rows [][]any) {
	id, last, held := r.number("id"), v.before(p.id, r.number("id")), v.tally(p.id, r)
	n := r.number
	most := max(1, last.number("listed")*5/100) + last.number("found_unlisted")
	read := n("clear") + n("blocked") + n("unknown") + n("excluded")
	should := last.number("listed") + n("new") - n("gone")
	rolled := last.number("blocked") + n("newly_blocked") - n("no_longer_blocked") - n("gone_blocked")
	all := map[string][]any{
		"list": check(p.name, id, "list", "The customer list is complete", most, n("unlisted"),
			"On the list: %d. Missing of the last run's customers: %d; at most %d may be missing.",
			n("listed")-n("found_unlisted"), n("unlisted"), most),
		"standings": check(p.name, id, "standings", "Listed = clear + blocked + unknown + out of scope", n("listed"),
			read, "%d listed; %d clear + %d blocked + %d unknown + %d out of scope = %d.", n("listed"), n("clear"),
			n("blocked"), n("unknown"), n("excluded"), read),
		"continuity": check(p.name, id, "continuity", "Last run + new − gone = this run", should, n("listed"),
			"Last run %d + %d new − %d gone = %d; this run has %d.", last.number("listed"), n("new"), n("gone"), should,
			n("listed")),
		"readable": check(p.name, id, "readable", "The number of unreadable customers is plausible",
			v.believed(p, r, "unreadable"),
			n("unreadable"), "Could not be read: %d of %d customers; at most %d are believed at once.", n("unreadable"),
			n("listed")-n("excluded"), v.believed(p, r, "unreadable")),
		"present": check(p.name, id, "present", "The number of missing tenants or relationships is plausible",
			v.believed(p, r, "absent"), n("absent"),
			"Not found, or without a relationship: %d of %d customers; at most %d are believed at once.", n("absent"),
			n("listed")-n("excluded"), v.believed(p, r, "absent")),
		"blocked": check(p.name, id, "blocked", "Blocked in the last run + newly − no longer − gone = blocked", rolled,
			n("blocked"), "%d + %d newly blocked − %d no longer blocked − %d gone = %d; blocked now: %d.",
			last.number("blocked"), n("newly_blocked"), n("no_longer_blocked"), n("gone_blocked"), rolled,
			n("blocked")),
		"gone": check(p.name, id, "gone", "Nobody is gone without a reading that confirms it", n("gone"),
			n("gone_confirmed"), "Gone: %d. Confirmed by a reading: %d.", n("gone"), n("gone_confirmed")),
		"ledger": check(p.name, id, "ledger", "The ledger holds what was read", read, held.listed,
			"Read: %d clear, %d blocked, %d unknown, %d out of scope. The ledger holds %d, %d, %d and %d.",
			n("clear"), n("blocked"), n("unknown"), n("excluded"), held.clear, held.blocked, held.unknown,
			held.excluded),
	}
	if all["list"][0] = in("result", "ok"); n("listed") == n("found_unlisted") || n("unlisted") > most {
		all["list"][0] = in("result", "failed")
	}
	for check, what := range map[string]string{"readable": "unreadable", "present": "absent"} {
		all[check][0] = in("result", map[bool]string{true: "ok", false: "failed"}[n(what) <= v.believed(p, r, what)])
	}
	for _, c := range v.checks {
		if row := all[c.text("name")]; c.number("run_id") == id {
			result := in("result", map[bool]string{true: "ok", false: "failed"}[c.yes("ok")])
			closed := slices.Concat([]any{result}, row[1:4], []any{c.number("expected"), c.number("found")}, row[6:])
			rows = append(rows, closed)
			if !slices.Equal(row, closed) {
				rows = append(rows, row) // the run closed with other numbers: this line is nowhere in the workbook
			}
		}
	}
	return rows
}

// believed is how many customers may be unknown for a reason.
func (v View) believed(p shownPartner, r record, what string) int {
	last := v.before(p.id, r.number("id"))
	most := last.number(what) + max(1, max(last.number("listed"), r.number("listed"))*5/100)
	if last.number("listed") == 0 {
		most = r.number("listed")
	}
	if r.number("clear")+r.number("blocked") == 0 && r.number(what) > last.number(what) {
		if most = last.number(what); what == "absent" {
			most = max(1, most)
		}
	}
	return most
}

// counted is what the runs of the night said of changes.
func (v View) counted(p shownPartner) map[string]int {
	counts := map[string]int{}
	for _, r := range v.completed(p.id) {
		if r.number("id") > p.against.number("id") && r.number("id") <= p.run.number("id") {
			for _, change := range []string{"new", "gone", "newly blocked", "newly clear"} {
				counts[change] += r.number(strings.ReplaceAll(change, " ", "_"))
			}
		}
	}
	return counts
}

// changed counts a partner's rows on Changes.
func (v View) changed(p shownPartner) map[string]int {
	counts := map[string]int{}
	for _, row := range v.changes() {
		if row[2] != p.name {
			continue
		}
		if counts[plain(row[0])]++; row[4] == nil && plain(row[0]) != "new" { // it came, and blocked
			counts["new"]++
		}
	}
	return counts
}

func (v View) sendings(p shownPartner) []any {
	var sent, answered, unsettled, returned int
	for _, a := range v.attestations {
		if a.text("partner_id") != p.id || a["sent_at"] == nil {
			continue
		}
		sent++
		switch a.text("state") {
		case "unsure":
			unsettled++
		case "approved", "cancelled":
			returned++
		default:
			answered++
		}
	}
	return check(p.name, nil, "sent_answered", "Sent = answered + outcome unknown + to be sent again or cancelled",
		sent, answered+unsettled+returned,
		"Sent: %d. Answered: %d. Being sent, or outcome unknown: %d. To be sent again, or cancelled: %d.", sent,
		answered, unsettled, returned)
}

func (v View) chains() []any {
	events := v.events
	// to write a report changes nothing that the next one says
	for len(events) > 0 && events[len(events)-1].text("kind") == "report" {
		events = events[:len(events)-1]
	}
	whole, last := 0, record{}
	for _, e := range events {
		if e.number("sequence") == last.number("sequence")+1 && e.text("previous") == last.text("hash") &&
			e.text("hash") != "" {
			whole++
		}
		last = e
	}
	return check("", nil, "log_complete", "The event log is complete and unaltered", len(events), whole,
		"Events in the log: %d. Unaltered, each following the one before: %d. “mcaledger verify” says more.",
		len(events), whole)
}

func (v View) imports() []any {
	rows := 0
	for _, b := range v.batches {
		rows += b.number("row_count")
	}
	n := len(v.attestations)
	return check("", nil, "rows_imported", "Rows imported = attestations in the ledger", rows, n,
		"Files imported: %d. Rows in them: %d. In the ledger: %d. On Attestations: %d. Of partners that are not in "+
			"this report: 0.", len(v.batches), rows, n, n)
}

// tally counts customers.
type tally struct{ listed, clear, blocked, unknown, excluded, unreadable, undated int }

func (l db) tally(partner string, run record) (n tally) {
	for _, c := range l.customers(partner, run) {
		n.add(c)
	}
	return n
}

func (n *tally) add(c record) {
	n.listed++
	switch c.text("standing") {
	case "clear":
		n.clear++
	case "blocked":
		n.blocked++
	case "unknown":
		n.unknown++
	default:
		n.excluded++
	}
	if c.text("reason") == "unreadable" {
		n.unreadable++
	}
	if c.text("reason") == "accepted_directly" && c.when("direct_since").IsZero() {
		n.undated++
	}
}

func (n tally) cells() []any {
	return []any{n.listed, n.clear, n.blocked, n.unknown, n.excluded, n.unreadable, n.undated}
}
