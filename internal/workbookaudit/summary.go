package workbookaudit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// section is the table below a title: its head, and the rows down to an empty one or a sentence.
// Another table may stand on its right.
func (b workbook) section(t testing.TB, sheet, title string) (head []string, rows [][]string) {
	t.Helper()
	all, at := b.rows[sheet], -1
	i := slices.IndexFunc(all, func(row []string) bool { at = slices.Index(row, title); return at >= 0 })
	require.GreaterOrEqual(t, i, 0, "%s has no %q", sheet, title)
	head = all[i+1][at:]
	if len(head) > 8 && head[7] == "" && head[8] != "" && sheet == "Summary" {
		head = head[:8]
	}
	for head[len(head)-1] == "" {
		head = head[:len(head)-1]
	}
	for _, row := range all[i+2:] {
		if row = row[min(at, len(row)):]; len(row) > len(head) {
			row = row[:len(head)]
		}
		if cell(row, 0) == "" || strings.Join(row[1:], "") == "" {
			break
		}
		rows = append(rows, row)
	}
	return head, rows
}

// table compares a table of Summary, whose columns may be several cells wide.
func (b workbook) table(t testing.TB, v View, title, head string, want [][]any) {
	t.Helper()
	got, rows := b.section(t, "Summary", title)
	names := strings.Split(head, " | ")
	require.ElementsMatch(t, names, slices.DeleteFunc(slices.Clone(got), func(name string) bool { return name == "" }),
		title)
	if !assert.Len(t, rows, len(want), title) {
		return
	}
	for i, row := range rows {
		for n, name := range names {
			raw := cell(row, slices.Index(got, name))
			if complaint := v.differs(want[i][n], raw, kindOf(want[i][n])); complaint != "" {
				t.Errorf("Summary, %s, %s of %v: %s", title, name, row[0], complaint)
			}
		}
	}
}

func (b workbook) summary(t testing.TB, v View) {
	t.Helper()
	const standings = "Partner | Listed | Clear | Blocked | Unknown | Out of scope | Could not be read | Accepted " +
		"directly, date not known"
	var now, forward, ages, cost [][]any
	all, forwards, aged, spent := make(total, 11), make(total, 5), make(total, 5), make(total, 6)
	for _, p := range v.partners {
		changes := v.changed(p)
		numbers := append(v.tally(p.id, p.run).cells(), changes["newly_blocked"], changes["newly_clear"],
			changes["new"], changes["gone"])
		now = append(now, all.add(p.name, numbers))
		f := v.forward(p)
		forward = append(forward, forwards.add(p.name, []any{f[0], f[1], -f[2], -f[3], f[4]}))
		ages = append(ages, aged.add(p.name, v.ages(p)))
		for _, r := range append(failed(p), v.night(p)...) {
			cost = append(cost, spent.add(p.name, []any{r.number("id"), r.when("started_at"), r.number("requests"),
				r.number("retries"), r.number("throttled"), r["seconds"].(float64) / 86400}))
		}
	}
	b.table(t, v, "Customers", standings+" | Newly blocked | Newly clear | New | Gone", append(now, all.row()))
	b.table(t, v, "Blocked customers since the last run",
		"Partner | Opening | Newly blocked | No longer blocked | Gone | Blocked now", append(forward, forwards.row()))
	b.table(t, v, "Blocked customers by days blocked",
		"Partner | 0–30 days | 31–60 days | 61–90 days | Over 90 days | All", append(ages, aged.row()))
	spent[0] = nil // a sum of run numbers means nothing
	b.table(t, v, "Active subscriptions of blocked customers",
		"Partner | Lapse in 0–30 days | 31–60 days | 61–90 days | Later | Renew automatically | Date not known",
		v.stakes())
	b.table(t, v, "API usage", "Partner | Run | Date | API calls | Retries | Throttled | Duration",
		append(cost, spent.row()))
	b.figures(t, v)
	b.nextSteps(t, v)
	b.first(t, v)
	b.purchases(t, v)
	b.resellers(t, v)
	b.history(t, v)
}

// figures are the big numbers with their changes.
func (b workbook) figures(t testing.TB, v View) {
	t.Helper()
	type numbers struct{ listed, blocked, long, lapsing, unknown int }
	var now, before numbers
	count := func(to *numbers, p shownPartner, run record, at time.Time) {
		n := v.tally(p.id, run)
		to.listed, to.blocked, to.unknown = to.listed+n.listed, to.blocked+n.blocked, to.unknown+n.unknown
		for id, c := range v.customers(p.id, run) {
			if c.text("standing") == "blocked" {
				to.lapsing += v.lapsingSoon(p, id, run, at)
				if v.days(c.when("blocked_since"), run.when("started_at")).local > 90 {
					to.long++
				}
			}
		}
	}
	for _, p := range v.partners {
		count(&now, p, p.run, time.Unix(1<<40, 0))
		if then := p.against; then != nil {
			count(&before, p, then, p.run.when("started_at"))
		} else {
			count(&before, p, p.run, time.Unix(1<<40, 0))
		}
	}
	share := func(n numbers) float64 { return float64(n.blocked) / float64(n.listed) }
	change := func(delta int) string {
		if delta == 0 {
			return "unchanged"
		}
		return fmt.Sprintf("%+d since the last run", delta)
	}
	ofShare := fmt.Sprintf("%+.1f points since the last run", 100*(share(now)-share(before)))
	if strings.HasPrefix(ofShare, "+0.0") || strings.HasPrefix(ofShare, "-0.0") {
		ofShare = "unchanged"
	}
	all := b.rows["Summary"]
	i := slices.IndexFunc(all, func(row []string) bool {
		return cell(row, 0) == "Blocked" &&
			cell(row, 3) == "Share of customers"
	})
	require.GreaterOrEqual(t, i, 0)
	first := !slices.ContainsFunc(v.partners, func(p shownPartner) bool { return p.against != nil })
	for n, want := range []struct {
		label  string
		value  any
		change string
	}{
		{"Blocked", now.blocked, change(now.blocked - before.blocked)}, {"Share of customers", share(now), ofShare},
		{"Blocked over 90 days", now.long, change(now.long - before.long)}, {"Lapsing in 30 days", now.lapsing,
			change(now.lapsing - before.lapsing)},
		{"Unknown", now.unknown, change(now.unknown - before.unknown)},
	} {
		if first {
			want.change = "first run"
		}
		assert.Equal(t, want.label, cell(all[i], 3*n))
		assert.Empty(t, v.differs(want.value, cell(all[i+1], 3*n), kindOf(want.value)), want.label)
		assert.Equal(t, want.change, cell(all[i+2], 3*n), want.label)
	}
}

// lapsingSoon counts the subscriptions of a customer that lapse within 30 days after a run, as they
// were known at an instant.
func (l db) lapsingSoon(p shownPartner, customer string, run record, at time.Time) (n int) {
	var newest record
	for _, b := range l.purchases {
		if b.text("partner_id") == p.id && b.text("customer_id") == customer && !b.when("since").After(at) {
			newest = b
		}
	}
	if newest == nil || !newest.yes("readable") {
		return 0
	}
	for _, d := range l.held(newest) {
		if d.text("ends") == "" || d.yes("auto_renew") {
			continue
		}
		tonight := run.when("started_at").Truncate(24 * time.Hour)
		if days := wall(d.text("ends")).Sub(tonight) / (24 * time.Hour); 0 <= days && days <= 30 {
			n++
		}
	}
	return n
}

// nextSteps are the attestations that are not at their end, by what comes next.
func (b workbook) nextSteps(t testing.TB, v View) {
	t.Helper()
	want := map[string]string{}
	counts, since := map[string]int{}, map[string]time.Time{}
	for _, a := range v.attestations {
		step, at := v.next(a), v.stateSince(a).(time.Time)
		if state := a.text("state"); step == "" || state == "refused" || state == "approved" {
			continue
		}
		word := in("attestation_step", step).(word).text
		if counts[word]++; since[word].IsZero() || at.Before(since[word]) {
			since[word] = at
		}
	}
	if len(counts) == 0 {
		assert.NotContains(t, fmt.Sprint(b.rows["Summary"]), "Attestations by next step")
		return
	}
	for word, n := range counts {
		want[word] = fmt.Sprint(n, " ", since[word].In(v.zone).Format(time.DateOnly))
	}
	got := map[string]string{}
	_, rows := b.section(t, "Summary", "Attestations by next step")
	for _, row := range rows {
		serial, err := strconv.ParseFloat(cell(row, 3), 64)
		require.NoError(t, err)
		got[row[0]] = cell(row, 2) + " " + time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0,
			int(serial)).Format(time.DateOnly)
	}
	assert.Equal(t, want, got)
}

// stakes count the subscriptions at stake, by partner and in all.
func (v View) stakes() (rows [][]any) {
	all := make(total, 6)
	for _, p := range v.partners {
		var n [6]int
		for _, row := range v.atStake() {
			if row[2] != p.name {
				continue
			}
			switch at := map[string]int{"within_30": 0, "within_60": 1, "within_90": 2, "later": 3}; plain(row[0]) {
			case "no_date":
				n[5]++
			case "renews":
				n[4]++
			default:
				if i, ok := at[plain(row[7])]; ok {
					n[i]++
				}
			}
		}
		rows = append(rows, all.add(p.name, []any{n[0], n[1], n[2], n[3], n[4], n[5]}))
	}
	return append(rows, all.row())
}

// ages are the blocked customers of a partner by days: up to 30, 60, 90, more, and all.
func (v View) ages(p shownPartner) []any {
	var n [5]int
	for _, c := range v.customers(p.id, p.run) {
		if c.text("standing") != "blocked" {
			continue
		}
		n[4]++
		switch days := v.days(c.when("blocked_since"), p.run.when("started_at")).local; {
		case days <= 30:
			n[0]++
		case days <= 60:
			n[1]++
		case days <= 90:
			n[2]++
		default:
			n[3]++
		}
	}
	return []any{n[0], n[1], n[2], n[3], n[4]}
}

// total adds numbers up, column by column; a column that has none stays empty.
type total []any

func (all total) add(partner string, cells []any) []any {
	for i, c := range cells {
		switch c := c.(type) {
		case int:
			before, _ := all[i].(int)
			all[i] = before + c
		case float64:
			before, _ := all[i].(float64)
			all[i] = before + c
		}
	}
	return append([]any{partner}, cells...)
}

// row is the line below the partners.
func (all total) row() []any { return append([]any{"All partners"}, all...) }

// first are ten of the customers on Blocked, each with its row there: those for which there is
// something to do before those that wait, those with subscriptions before the others, then the
// longest blocked.
func (b workbook) first(t testing.TB, v View) {
	t.Helper()
	head, rows := b.section(t, "Summary", "What to do first")
	blocked := v.blocked()
	assert.Len(t, rows, min(10, len(blocked)))
	urgency := func(row []any) int { // more comes first
		active, _ := row[8].(int)
		todo := 0 // while the program or the customer acts, the partner has nothing to do
		if !slices.Contains([]string{"send", "confirm", "create", "wait", "retry"}, plain(row[0])) {
			todo = 1
		}
		return todo*10_000_000 + lapsing(v, row)*1_000_000 + min(active, 1)*100_000 + row[5].(days).local
	}
	slices.SortStableFunc(blocked, func(a, b []any) int { return cmp.Compare(urgency(b), urgency(a)) })
	for i, row := range rows {
		at, err := strconv.Atoi(cell(row, slices.Index(head, "Row on Blocked")))
		require.NoError(t, err)
		there := b.rows["Blocked"][at-1]
		for column, name := range map[int]string{0: "Next step", 1: "Customer", 2: "Partner"} {
			assert.Equal(t, cell(there, column), cell(row, slices.Index(head, name)), "Summary, what to do first, %s",
				name)
		}
		key := cell(there, 2) + "|" + cell(there, 24)
		n := slices.IndexFunc(blocked, func(want []any) bool { return keyOf(want, []int{2, 24}) == key })
		require.GreaterOrEqual(t, n, 0)
		assert.Equal(t, urgency(blocked[i]), urgency(blocked[n]), "the %dth", i+1)
		active := "–"
		if blocked[n][8] != nil {
			active = plain(blocked[n][8])
		}
		days, plural := blocked[n][5].(days).local, "s"
		if days == 1 {
			plural = ""
		}
		want := fmt.Sprintf("Blocked for %d day%s", days, plural)
		switch first := plain(blocked[n][26]) == "at_least"; {
		case first && days == 0:
			want = "Already blocked in the first run"
		case first:
			want = fmt.Sprintf("Blocked for ≥ %d day%s", days, plural)
		}
		want += "; active subscriptions: " + active
		if lapsing(v, blocked[n]) > 0 {
			want += fmt.Sprintf("; a subscription lapses on %s", blocked[n][10])
		}
		assert.Equal(t, want, cell(row, slices.Index(head, "Why")))
	}
}

// lapsing is 1 for a row of Blocked with a subscription that lapses within 30 days of the run.
func lapsing(v View, row []any) int {
	lapse, ok := row[10].(day)
	for _, p := range v.partners {
		if ok && p.name == row[2] &&
			wall(string(lapse)).Sub(p.run.when("started_at").Truncate(24*time.Hour)) <= 30*24*time.Hour {
			return 1
		}
	}
	return 0
}

func (b workbook) purchases(t testing.TB, v View) {
	t.Helper()
	var some, none, unread int
	for _, row := range v.blocked() {
		switch row[8] {
		case nil:
			unread++
		case 0:
			none++
		default:
			some++
		}
	}
	want := fmt.Sprintf("Blocked customers: %d. With active subscriptions: %d; they may be unable to accept "+
		"directly, and then only an attestation helps. "+
		"With none: %d; they can also be asked to accept in the admin center. Not read: %d.", some+none+unread, some,
		none, unread)
	var text []string
	for _, row := range b.rows["Summary"] {
		text = append(text, cell(row, 0))
	}
	assert.Contains(t, strings.Join(text, " "), want)
}

// resellers are the customers of the indirect provider by their indirect reseller.
func (b workbook) resellers(t testing.TB, v View) {
	t.Helper()
	provider := v.partners[len(v.partners)-1]
	of := map[string]string{}
	for _, a := range v.associations { // the newest row comes last
		if a.text("partner_id") == provider.id {
			of[a.text("customer_id")] = "Indirect reseller not read"
			if a.yes("readable") {
				name, _ := v.reseller(provider.id, a.text("customer_id"))
				of[a.text("customer_id")] = cmp.Or(name, "Without an indirect reseller")
			}
		}
	}
	want := map[string]tally{}
	for id, c := range v.customers(provider.id, provider.run) {
		for _, name := range []string{cmp.Or(of[id], "Indirect reseller not read"), "All customers"} {
			n := want[name]
			n.add(c)
			want[name] = n
		}
	}
	head, rows := b.section(t, "Summary", "By indirect reseller: "+provider.name)
	assert.Equal(t, "Indirect reseller |  | Listed | Clear | Blocked | Unknown | Out of scope",
		strings.Join(head, " | "))
	assert.Len(t, rows, len(want))
	for _, row := range rows {
		var numbers []string
		for _, n := range want[row[0]].cells()[:5] {
			numbers = append(numbers, plain(n))
		}
		assert.Equal(t, numbers, row[2:7], "Summary, by indirect reseller: %s", row[0])
	}
}

// history is the number of blocked customers on each of the last 90 days, after the last run of the
// day.
func (b workbook) history(t testing.TB, v View) {
	t.Helper()
	want := map[string]string{}
	for _, p := range v.partners {
		for _, r := range v.completed(p.id) {
			day := r.when("started_at").In(v.zone).Format(time.DateOnly)
			want[fmt.Sprintf("%g %s", serial(wall(day)), p.name)] = strconv.Itoa(v.tally(p.id, r).blocked)
		}
	}
	head, rows := b.section(t, "Summary", "Figures behind the charts")
	got := map[string]string{}
	for _, row := range rows {
		for column := 1; column < len(row); column++ {
			if row[column] != "" {
				got[row[0]+" "+head[column]] = row[column]
			}
		}
	}
	assert.Equal(t, want, got, "Summary, figures behind the charts")
}
