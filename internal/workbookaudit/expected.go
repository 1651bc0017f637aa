package workbookaudit

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cell that is expected is a string, an int, a day, a time.Time, a word, days, or nil where it is
// empty.
type day string

// word is a code, which machines get, with the word that people read.
type word struct{ code, text string }

// days are counted in the report's time zone for people, and in UTC for machines.
type days struct{ local, utc int }

// inWords are the words for codes, by kind.
var inWords = map[string]map[string]string{
	"standing": {"clear": "Clear", "blocked": "Blocked", "unknown": "Unknown", "excluded": "Out of scope"},
	"reason": {"attested": "Attested", "accepted_directly": "Accepted directly", "outdated": "Outdated",
		"never_accepted": "Never accepted", "unreadable": "Could not be read",
		"relationship_ended": "Relationship ended", "not_found": "Tenant not found",
		"not_a_reseller_customer": "Not a reseller customer"},
	"remedy": {"attest": "Attest", "ask_indirect_provider": "Ask indirect provider",
		"request_relationship": "Request relationship", "retry": "Wait for next run",
		"check_relationship": "Check relationship",
		"attest_or_invite":   "Attest or invite", "ask_indirect_provider_or_invite": "Ask provider or invite"},
	"invitation": {"accepted": "Accepted directly", "attested": "Attested instead", "open": "No answer yet",
		"not_a_customer": "Not a customer", "invited_again": "Invited again"},
	"invited_to": {"agreement": "Accept the agreement", "relationship": "Accept the relationship"},
	"delivery":   {"delivered": "Delivered", "failed": "Not sent", "unknown": "Not known"},
	"channel":    {"draft": "Draft", "smtp": "E-mail", "file": "List"},
	"outcome": {"read": "Read", "not_read": "Not needed", "unreadable": "Could not be read",
		"relationship_ended": "Relationship ended", "not_found": "Tenant not found"},
	"subscriptions_read": {"read": "Read", "not_read": "Not read yet", "unreadable": "Could not be read"},
	"cause":              {"customer": "Customer"},
	"attestation_step": {"correct": "Correct the row", "allow_retry": "Retry",
		"approve": "Approve the file", "send": "Automatic: send", "confirm": "Awaiting confirmation",
		"create": "Automatic: create agreement", "wait": "Customer to accept"},
	"direct":    {"yes": "Yes", "no": "No", "not_read": "Not needed"},
	"precision": {"exact": "Exact", "at_least": "At least"},
	"change": {"new": "New", "gone": "Gone", "newly_blocked": "Newly blocked", "newly_clear": "Newly clear",
		"newly_unknown": "Newly unknown", "newly_excluded": "Newly out of scope", "read_again": "Read again"},
	"result": {"ok": "OK", "failed": "FAILED"},
	"state": {"refused": "Refused at import", "duplicate": "Duplicate", "already_known": "Already known",
		"queued": "Waiting for approval", "approved": "Approved", "cancelled": "Cancelled by a user",
		"sending": "Being sent", "unsure": "Sent, outcome unknown", "confirmed": "Confirmed",
		"already_on_record": "Already on record", "refused_by_microsoft": "Refused by Microsoft", "failed": "Failed"},
	"attestation_reason": {"unreadable_row": "Row not readable", "unknown_customer": "Unknown customer",
		"not_a_customer": "Not a customer", "conflicting_rows": "Conflicting rows", "same_row": "Same row",
		"under_way": "Another one pending", "same_on_record": "Same on record", "same_signer": "Same signer, outdated",
		"already_clear": "Already clear", "not_settled": "No final answer", "read_back": "Found by reading",
		"content_refused": "Content refused", "customer_refused": "Customer refused",
		"other_company": "Another company"},
	"advice": {
		"request_relationship": "The relationship ended. Send the customer a new relationship request, or leave it " +
			"if that was intended.",
		"find": "Microsoft does not know this tenant. Look the customer up in Partner Center and check the " +
			"relationship.",
		"role": "Give the account that signs in the Admin agent or Sales agent role in Partner Center.",
		"server": "Microsoft's service failed. It is read again in the next run; if this repeats, give " +
			"support the ids on the right.",
		"invalid_answer": "The answer is not valid, such as an agreement without a readable date. Look the customer " +
			"up in Partner Center.",
	},
}

// in is a code with its word; nil when there is none.
func in(kind, code string) any {
	if code == "" {
		return nil
	}
	text, ok := inWords[kind][code]
	if !ok {
		text = fmt.Sprintf("the auditor knows no word for %s of the kind %s", code, kind)
	}
	return word{code, text}
}

// shownPartner is what a workbook shows of a partner.
type shownPartner struct {
	id, name string
	run      record // the newest completed run
	against  record // nil: there was none before
	newest   record // of any state
}

// View is a report as it has to be.
type View struct {
	db
	zone     *time.Location
	partners []shownPartner
}

// Partner is a partner by its tenant id and its name in the configuration.
type Partner struct{ ID, Name string }

// Read returns what a report made now has to show. The partners are in the order of the
// configuration; the last one is an indirect provider.
func Read(t testing.TB, address string, zone *time.Location, partners ...Partner) View {
	t.Helper()
	v := View{db: read(t, address), zone: zone}
	for _, p := range partners {
		v.partners = append(v.partners, v.newest(shownPartner{id: p.ID, name: p.Name}))
	}
	return v
}

// Runs are the ids of the runs that are shown, by partner.
func (v View) Runs() (ids []int) {
	for _, p := range v.partners {
		ids = append(ids, p.run.number("id"))
	}
	return ids
}

// Against is the same view with the changes of the first partner counted from the run of another.
func (v View) Against(earlier View) View {
	v.partners = slices.Clone(v.partners)
	v.partners[0].against = earlier.partners[0].run
	return v
}

// newest shows a partner's newest completed run. Changes are counted from the last completed run of
// the night before: a night is a sweep with the rechecks that follow it.
func (l db) newest(p shownPartner) shownPartner {
	var night int
	for _, r := range l.completed(p.id) {
		if p.run = r; r.text("kind") == "sweep" {
			night = r.number("id")
		}
	}
	for _, r := range l.runs {
		if r.text("partner_id") == p.id {
			p.newest = r
		}
	}
	p.against = l.before(p.id, night)
	if p.run != nil {
		p.name = p.run.text("partner_name") // as it was called then, whatever the configuration calls it by now
	}
	return p
}

// completed are a partner's completed runs, the oldest first.
func (l db) completed(partner string) (runs []record) {
	for _, r := range l.runs {
		if r.text("partner_id") == partner && r.text("state") == "completed" {
			runs = append(runs, r)
		}
	}
	return runs
}

// before is a partner's last completed run before one; nil when there is none.
func (l db) before(partner string, run int) (last record) {
	for _, r := range l.completed(partner) {
		if r.number("id") < run {
			last = r
		}
	}
	return last
}

// customers are a partner's customers as a run left them, by tenant id.
func (l db) customers(partner string, run record) map[string]record {
	found := map[string]record{}
	for _, c := range l.standings {
		ended := c["valid_to"] != nil && c.number("valid_to") <= run.number("id")
		if run != nil && c.text("partner_id") == partner && c.number("valid_from") <= run.number("id") && !ended {
			found[c.text("customer_id")] = c
		}
	}
	return found
}

// lines are what a sheet has of each customer of each partner.
func (v View) lines(line func(p shownPartner, c record) []any) (rows [][]any) {
	for _, p := range v.partners {
		for _, c := range v.customers(p.id, p.run) {
			if row := line(p, c); row != nil {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (v View) blocked() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		if c.text("standing") != "blocked" {
			return nil
		}
		id := c.text("customer_id")
		active, seats, read, renewal, lapse := v.bought(p, id)
		reseller, resellerID := v.reseller(p.id, id)
		x := v.exception(p.id, id)
		name, state := v.newestAttestation(p.id, c.text("customer_id"))
		since := c.when("blocked_since")
		return []any{v.step(p, c), c.text("name"), p.name, reseller, instant(since),
			v.days(since, p.run.when("started_at")), in("reason", c.text("reason")), in("state", state), active, seats,
			lapse, renewal, v.exceptionStatus(p, x), x.text("owner"), date(x.text("due_on")),
			date(x.text("accepted_until")), x.text("comment"), instant(v.lastInvited(p.id, id)),
			date(c.text("date_agreed")), signer(c, "signer_first", "signer_last"), in("subscriptions_read", read), name,
			count(v.lastAbout(p.id, id, math.MaxInt)), c.text("domain"), c.text("display_id"), resellerID,
			in("precision", v.precision(p, since)), c.text("reason"), link(c)}
	})
}

// step is what comes next for a customer: for its attestation, while that has a next step; the next
// run, when Microsoft has got the attestation since; else what would lift the block.
func (v View) step(p shownPartner, c record) any {
	if c.text("standing") != "blocked" {
		return in("remedy", c.text("remedy"))
	}
	for _, a := range slices.Backward(v.attestations) {
		if a.text("partner_id") != p.id || a.text("customer_id") != c.text("customer_id") ||
			slices.Contains([]string{"refused", "duplicate", "cancelled"}, a.text("state")) {
			continue
		}
		if step := v.next(a); step != "" {
			return in("attestation_step", step)
		}
		since, ok := v.stateSince(a).(time.Time)
		if (a.text("state") == "confirmed" || a.text("state") == "already_on_record") && ok &&
			since.After(p.run.when("started_at")) {
			return in("remedy", "retry")
		}
		break
	}
	if active, _, read, _, _ := v.bought(p, c.text("customer_id")); read == "read" && active == 0 {
		return in("remedy", c.text("remedy")+"_or_invite") // nothing keeps it from accepting by itself
	}
	return in("remedy", c.text("remedy"))
}

// precision is "at least" for what was so in a partner's first run.
func (l db) precision(p shownPartner, since time.Time) string {
	if since.After(l.completed(p.id)[0].when("started_at")) {
		return "exact"
	}
	return "at_least"
}

// bought is the number of active subscriptions and the next renewal, as last read.
func (l db) bought(p shownPartner, customer string) (active, seats any, read string, renewal, lapse any) {
	read = "not_read"
	for _, b := range l.purchases { // the newest row comes last
		if b.text("partner_id") != p.id || b.text("customer_id") != customer {
			continue
		}
		if active, seats, read, renewal, lapse = nil, nil, "unreadable", nil, nil; !b.yes("readable") {
			continue
		}
		n, s := 0, 0
		var renews, lapses string
		for _, d := range l.held(b) {
			n, s = n+1, s+d.number("seats")
			if soonest := map[bool]*string{true: &renews, false: &lapses}[d.yes("auto_renew")]; d.text(
				"ends") >= b.when("since").Format(time.DateOnly) &&
				(*soonest == "" || d.text("ends") < *soonest) {
				*soonest = d.text("ends")
			}
		}
		active, seats, read, renewal, lapse = n, s, "read", date(renews), date(lapses)
	}
	return active, seats, read, renewal, lapse
}

// held are the active subscriptions of one reading.
func (l db) held(b record) (all []record) {
	for _, d := range l.subscriptions {
		if d.text("partner_id") == b.text("partner_id") && d.text("customer_id") == b.text("customer_id") &&
			d.when("since").Equal(b.when("since")) &&
			d.text("status") == "active" {
			all = append(all, d)
		}
	}
	return all
}

// reseller is through whom a customer buys: its name, or else its id; and its id.
func (l db) reseller(partner, customer string) (name, id string) {
	for _, a := range l.associations { // the newest row comes last
		if a.text("partner_id") == partner && a.text("customer_id") == customer {
			if id = ""; a.yes("readable") {
				id = a.text("reseller_id")
			}
		}
	}
	name = id
	for _, r := range l.resellers {
		if r.text("partner_id") == partner && r.text("reseller_id") == id {
			name = cmp.Or(r.text("name"), id)
		}
	}
	return name, id
}

// exception is the newest of a customer; nil when it was removed, or there never was one.
func (l db) exception(partner, customer string) (newest record) {
	for _, x := range l.exceptions {
		if x.text("partner_id") == partner && x.text("customer_id") == customer {
			if newest = x; x.yes("removed") {
				newest = nil
			}
		}
	}
	return newest
}

// exceptionStatus is what an exception asks on the day of the run.
func (v View) exceptionStatus(p shownPartner, x record) any {
	today := p.run.when("started_at").Format(time.DateOnly)
	switch {
	case x == nil:
		return nil
	case x.text("accepted_until") != "" && x.text("accepted_until") < today:
		return word{"expired", "Expired"}
	case x.text("due_on") != "" && x.text("due_on") < today:
		return word{"overdue", "Overdue"}
	case x.text("accepted_until") != "":
		return word{"accepted", "Accepted"}
	}
	return word{"open", "Open"}
}

func (v View) excepted() [][]any {
	var rows [][]any
	for _, p := range v.partners {
		seen := map[string]bool{}
		for _, x := range v.exceptions {
			id := x.text("customer_id")
			if x = v.exception(x.text("partner_id"), id); x == nil || x.text("partner_id") != p.id || seen[id] {
				continue
			}
			seen[id] = true
			var c record // as it was last seen
			for _, s := range v.standings {
				if s.text("partner_id") == p.id && s.text("customer_id") == id &&
					s.number("valid_from") <= p.run.number("id") {
					c = s
				}
			}
			now := v.customers(p.id, p.run)[id]
			rows = append(rows, []any{v.exceptionStatus(p, x), c.text("name"), p.name, x.text("owner"),
				date(x.text("due_on")), date(x.text("accepted_until")), x.text("comment"),
				in("standing", now.text("standing")), instant(now.when("blocked_since")), x.text("actor"),
				instant(x.when("at")), x.number("event"), c.text("domain"), c.text("display_id")})
		}
	}
	return rows
}

// atStake is a row for each active subscription of a blocked customer.
func (v View) atStake() (rows [][]any) {
	for _, p := range v.partners {
		for id, c := range v.customers(p.id, p.run) {
			newest := v.lastPurchases(p.id, id)
			if c.text("standing") != "blocked" || newest == nil || !newest.yes("readable") {
				continue
			}
			reseller, _ := v.reseller(p.id, id)
			for _, d := range v.held(newest) {
				risk, window, left := word{"no_date", "Date not known"}, any(nil), any(nil)
				if d.text("ends") != "" {
					days := int(wall(d.text("ends")).Sub(p.run.when("started_at").Truncate(24*time.Hour)).Hours() / 24)
					left, window = days, windowOf(days)
					if risk = (word{"lapses", "Lapses"}); d.yes("auto_renew") {
						risk = word{"renews", "Renews automatically"}
					}
				}
				rows = append(rows, []any{risk, c.text("name"), p.name, d.text("product"), d.number("seats"),
					date(d.text("ends")), left, window, v.step(p, c),
					instant(c.when("blocked_since")), date(v.exception(p.id, id).text("accepted_until")), reseller,
					yesNo(d.yes("auto_renew")), d.text("term"), yesNo(d.yes("trial")), c.text("display_id"),
					d.text("subscription_id")})
			}
		}
	}
	return rows
}

// lastPurchases is the newest reading of a customer's subscriptions; nil when there was none.
func (l db) lastPurchases(partner, customer string) (newest record) {
	for _, b := range l.purchases {
		if b.text("partner_id") == partner && b.text("customer_id") == customer {
			newest = b
		}
	}
	return newest
}

func windowOf(days int) any {
	switch {
	case days < 0:
		return word{"past", "Date passed"}
	case days <= 30:
		return word{"within_30", "0–30 days"}
	case days <= 60:
		return word{"within_60", "31–60 days"}
	case days <= 90:
		return word{"within_90", "61–90 days"}
	}
	return word{"later", "Later"}
}

func yesNo(yes bool) any {
	if yes {
		return word{"yes", "Yes"}
	}
	return word{"no", "No"}
}

func (v View) files() (rows [][]any) {
	for _, b := range v.batches {
		states, latest := map[string]int{}, []time.Time{}
		for _, a := range v.attestations {
			if a.number("batch_id") == b.number("id") {
				states[a.text("state")]++
			}
		}
		for _, e := range v.events {
			if e.number("batch_id") == b.number("id") && (e.text("to_state") == "confirmed" ||
				e.text("to_state") == "already_on_record") {
				latest = append(latest, e.when("at"))
			}
		}
		slices.SortFunc(latest, time.Time.Compare)
		nth := func(n int) any { // hours up to the nth, rounded up
			if len(latest) == 0 {
				return nil
			}
			if took := latest[n-1].Sub(b.when("imported_at")); took > 0 {
				return int(math.Ceil(took.Hours()))
			}
			return nil
		}
		sum := func(names ...string) (n int) {
			for _, name := range names {
				n += states[name]
			}
			return n
		}
		working, stuck := sum("approved", "created", "waiting", "accepted", "unsure"),
			sum("refused_by_microsoft", "failed", "expired")
		status := word{"done", "Done"}
		switch {
		case states["queued"] > 0:
			status = word{"waiting_for_approval", "Waiting for approval"}
		case stuck > 0:
			status = word{"needs_attention", "Needs attention"}
		case working > 0:
			status = word{"in_progress", "In progress"}
		}
		rows = append(rows, []any{status, b.text("file_name"), b.number("id"), b.number("row_count"),
			sum("confirmed", "already_on_record"), states["queued"], working, stuck, states["refused"],
			sum("duplicate", "already_known", "cleared"), states["cancelled"], nth((len(latest) + 1) / 2),
			nth((9*len(latest) + 9) / 10), b.text("imported_by"), instant(b.when("imported_at")), b.text("approved_by"),
			instant(b.when("approved_at")), b.text("sha256")})
	}
	return rows
}

// log are the events about customers.
func (v View) log() (rows [][]any) {
	happened := map[string]string{"import": "Imported", "approve": "Approved", "cancel": "Cancelled",
		"retry": "Retry allowed", "correct": "Corrected", "send": "Sent", "answer": "Answered", "settle": "Settled",
		"exception": "Exception", "invite": "Invited"}
	for _, e := range v.events {
		kind := e.text("kind")
		if !inLog(e) {
			continue
		}
		earlier := v.lastAbout(e.text("partner_id"), e.text("customer_id"), e.number("sequence"))
		if e["batch_id"] != nil {
			earlier = v.lastOf(e.number("batch_id"), e.number("line"), e.number("sequence"))
		}
		var name string
		for _, s := range slices.Backward(v.standings) {
			if s.text("partner_id") == e.text("partner_id") && s.text("customer_id") == e.text("customer_id") &&
				e.text("customer_id") != "" {
				name = s.text("name")
			}
		}
		for _, a := range v.attestations {
			if e["line"] != nil && a.number("batch_id") == e.number("batch_id") &&
				a.number("line") == e.number("line") {
				name = a.text("customer_name")
			}
		}
		rows = append(rows, []any{instant(e.when("at")), word{kind, happened[kind]}, e.text("actor"), name,
			v.label(e.text("partner_id")), in("state", e.text("from_state")), in("state", e.text("to_state")),
			count(earlier), count(e.number("batch_id")), count(e.number("line")), e.text("user_id") + "@" +
				e.text("host"), e.text("detail"), e.text("customer_id"), e.number("sequence"), e.text("hash")})
	}
	return rows
}

// invited are the invitations, the newest first, with the outcome of each.
func (v View) invited() [][]any {
	var rows [][]any
	for _, p := range v.partners {
		for _, i := range slices.Backward(v.invitations) {
			if i.text("partner_id") != p.id {
				continue
			}
			at := i.when("at")
			history := v.invitedRecords(p, i)
			var answer string
			var answered time.Time
			for _, c := range history {
				if answer == "" && c.text("standing") == "clear" && c.when("standing_since").After(at) {
					answered, answer = c.when("standing_since"), map[string]string{"accepted_directly": "accepted",
						"attested": "attested"}[c.text("reason")]
				}
			}
			var now record
			if len(history) > 0 {
				now = v.customers(p.id, p.run)[history[0].text("customer_id")]
			}
			name, id, after := i.text("customer_name"), i.text("customer_id"), any(nil)
			switch {
			case v.invitedBefore(p, i, answered):
				answer, answered = "invited_again", time.Time{}
			case answer != "":
				after = v.days(at, answered)
			case now == nil:
				answer = "not_a_customer"
			default:
				answer = "open"
			}
			if now != nil {
				name, id = now.text("name"), now.text("display_id")
			}
			rows = append(rows, []any{in("invitation", answer), name, p.name, instant(at), instant(answered), after,
				in("standing", now.text("standing")), in("invited_to", i.text("kind")),
				in("delivery", i.text("outcome")), in("channel", i.text("channel")), i.text("language"),
				i.text("actor"), i.text("reason"), i.number("event"), id})
		}
	}
	return rows
}

// invitedBefore reports whether a later invitation of the same customer went out before its answer.
func (v View) invitedBefore(p shownPartner, i record, answered time.Time) bool {
	return slices.ContainsFunc(v.invitations, func(later record) bool {
		same := later.text("customer_id") != "" && later.text("customer_id") == i.text("customer_id") ||
			later.text("customer_id") == "" && i.text("customer_id") == "" &&
				strings.EqualFold(later.text("recipient"), i.text("recipient"))
		return later.text("partner_id") == p.id && same && later.number("event") > i.number("event") &&
			later.text("outcome") != "failed" && (answered.IsZero() || later.when("at").Before(answered))
	})
}

// invitedRecords are the records of the customer of an invitation up to the run that is shown, the
// oldest first.
func (v View) invitedRecords(p shownPartner, i record) (history []record) {
	for _, s := range v.standings {
		its := s.text("customer_id") == i.text("customer_id") || i.text("customer_id") == "" &&
			strings.EqualFold(s.text("domain"), i.text("domain"))
		if s.text("partner_id") == p.id && its && s.number("valid_from") <= p.run.number("id") {
			history = append(history, s)
		}
	}
	return history
}

// lastInvited is when a customer was last invited.
func (l db) lastInvited(partner, customer string) (at time.Time) {
	for _, i := range l.invitations {
		if i.text("partner_id") == partner && i.text("customer_id") == customer && i.text("outcome") != "failed" {
			at = i.when("at")
		}
	}
	return at
}

// newestAttestation is the newest one of a customer that was neither refused at import, nor a
// duplicate, nor cancelled.
func (l db) newestAttestation(partner, customer string) (name any, state string) {
	for _, a := range l.attestations {
		if a.text("partner_id") == partner && a.text("customer_id") == customer &&
			!slices.Contains([]string{"refused", "duplicate", "cancelled"}, a.text("state")) {
			name, state = fmt.Sprintf("%d-%d", a.number("batch_id"), a.number("line")), a.text("state")
		}
	}
	return name, state
}

func (v View) everyone() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		var seen any
		if c.text("direct_acceptance") == "yes" {
			seen = instant(c.when("direct_since"))
		}
		reseller, resellerID := v.reseller(p.id, c.text("customer_id"))
		return []any{in("standing", c.text("standing")), c.text("name"), p.name, in("reason", c.text("reason")),
			instant(c.when("standing_since")), date(c.text("date_agreed")), in("outcome", c.text("agreements")),
			signer(c, "signer_first", "signer_last"), c.text("signer_email"), in("direct", c.text("direct_acceptance")),
			seen, instant(c.when("first_seen")), lastRead(p, c), reseller, c.text("domain"), c.text("display_id"),
			resellerID, c.text("reason"), link(c)}
	})
}

// lastRead is when the standing was last known.
func lastRead(p shownPartner, c record) any {
	if c.text("standing") != "unknown" {
		return instant(p.run.when("oldest_reading"))
	}
	return instant(c.when("last_read"))
}

func (v View) unread() [][]any {
	return v.lines(func(p shownPartner, c record) []any {
		if c.text("standing") != "unknown" {
			return nil
		}
		return []any{in("advice", whatToDo(c)), c.text("name"), p.name, in("reason", c.text("reason")),
			in("remedy", c.text("remedy")), instant(c.when("standing_since")), lastRead(p, c), c.text("error_message"),
			count(c.number("error_status")), c.text("error_code"), c.text("domain"), c.text("display_id"),
			c.text("error_request_id"), c.text("error_correlation_id"), c.text("reason")}
	})
}

func whatToDo(c record) string {
	switch status := c.number("error_status"); {
	case c.text("reason") == "relationship_ended":
		return "request_relationship"
	case c.text("reason") == "not_found":
		return "find"
	case status == http.StatusForbidden:
		return "role"
	case status >= 500:
		return "server"
	case status == 0 && c.text("error_message") == "":
		return "invalid_answer"
	default:
		return fmt.Sprintf("status %d", status)
	}
}

func (v View) changes() (rows [][]any) {
	for _, p := range v.partners {
		before, after := v.customers(p.id, p.against), v.customers(p.id, p.run)
		all := maps.Clone(before)
		maps.Copy(all, after)
		for id, c := range all { // as it is now, or as it was if it is gone
			if change := v.change(p, before[id], after[id]); change != "" {
				rows = append(rows, []any{in("change", change), c.text("name"), p.name,
					in("cause", cause(before[id], after[id])), in("standing", before[id].text("standing")),
					in("reason", before[id].text("reason")), in("standing", after[id].text("standing")),
					in("reason", after[id].text("reason")), instant(c.when("blocked_since")),
					v.changedStep(p, c, after[id]), c.text("display_id"), change, link(c)})
			}
		}
	}
	return rows
}

// changedStep is that of the customer as it is now; who is gone has what the last record says.
func (v View) changedStep(p shownPartner, last, now record) any {
	if now == nil {
		return in("remedy", last.text("remedy"))
	}
	return v.step(p, now)
}

// cause is what changed a customer's standing; the session never changes the policy.
func cause(before, after record) string {
	if before == nil || after == nil || before.text("standing") == after.text("standing") {
		return ""
	}
	return "customer"
}

func (l db) change(p shownPartner, before, after record) string {
	switch {
	case after == nil:
		return "gone"
	case before != nil && before.text("standing") == after.text("standing"):
		return ""
	case after.text("standing") == "blocked":
		return "newly_blocked"
	case before == nil:
		return "new"
	case before.text("standing") == "unknown" && l.lastKnown(p, before) == after.text("standing"):
		return "read_again"
	default:
		return "newly_" + after.text("standing")
	}
}

// lastKnown is how a customer stood before the nights on which it was unknown; empty when it was
// never known.
func (l db) lastKnown(p shownPartner, unknown record) (standing string) {
	for _, c := range l.standings { // the oldest first
		if c.text("partner_id") == p.id && c.text("customer_id") == unknown.text("customer_id") &&
			c.number("valid_from") <= unknown.number("valid_from") &&
			c.text("standing") != "unknown" {
			standing = c.text("standing")
		}
	}
	return standing
}

func (v View) attested() (rows [][]any) {
	for _, a := range v.attestations {
		person, file := v.person(a), v.batch(a.number("batch_id"))
		var approvedBy, approvedAt any = file.text("approved_by"), instant(file.when("approved_at"))
		if a.text("admitted") != "queued" { // nobody approved it
			approvedBy, approvedAt = nil, nil
		}
		to, by := notice(a, person)
		rows = append(rows, []any{in("attestation_step", v.next(a)), a.text("customer_name"),
			v.label(a.text("partner_id")), in("state", a.text("state")), v.stateSince(a), nil,
			in("attestation_reason", a.text("reason")), a.text("message"), signer(person, "first_name", "last_name"),
			person.text("email"), date(a.text("date_agreed")), a.text("evidence"), file.text("imported_by"),
			instant(file.when("imported_at")), approvedBy, approvedAt, instant(a.when("sent_at")),
			count(a.number("answer_status")), a.text("answer_code"), to, by, a.number("batch_id"), a.number("line"),
			replaces(a), v.lastOf(a.number("batch_id"), a.number("line"), math.MaxInt), a.text("customer_id"),
			cmp.Or(a.text("answer_request_id"), a.text("request_id")), a.text("answer_correlation_id"),
			a.text("state")})
	}
	return rows
}

// next is what comes next for an attestation.
func (l db) next(a record) string {
	switch a.text("state") {
	case "refused", "refused_by_microsoft":
		if l.corrected(a) {
			return ""
		}
		return "correct"
	case "failed", "expired":
		return "allow_retry"
	case "queued":
		return "approve"
	case "approved", "created":
		return "send"
	case "unsure":
		return "confirm"
	case "accepted":
		return "create"
	case "waiting":
		return "wait"
	}
	return ""
}

// corrected reports whether another attestation took the place of this one, and nobody decided
// otherwise since.
func (l db) corrected(a record) (corrected bool) {
	for _, e := range l.events { // the newest comes last
		if e.number("batch_id") == a.number("batch_id") && e["line"] != nil && e.number("line") == a.number("line") {
			switch e.text("kind") {
			case "correct":
				corrected = true
			case "cancel", "retry":
				corrected = false
			}
		}
	}
	return corrected
}

// stateSince is when an attestation came into its state: by an event of its own, by the approval of
// its file, or at its import.
func (l db) stateSince(a record) any {
	file := l.batch(a.number("batch_id"))
	since := file.when("imported_at")
	if a.text("state") != a.text("admitted") {
		since = file.when("approved_at")
	}
	for _, e := range l.events {
		if e.number("batch_id") == a.number("batch_id") && e["line"] != nil && e.number("line") == a.number("line") &&
			e.text("to_state") != "" {
			since = e.when("at")
		}
	}
	return instant(since)
}

// lastOf is the newest event before another about an attestation, or else about its file.
func (l db) lastOf(batch, line, before int) int {
	ofRow, ofFile := 0, 0
	for _, e := range l.events {
		switch n := e.number("sequence"); {
		case n >= before || e.number("batch_id") != batch:
		case e["line"] == nil:
			ofFile = max(ofFile, n)
		case e.number("line") == line && line > 0:
			ofRow = max(ofRow, n)
		}
	}
	return cmp.Or(ofRow, ofFile)
}

// lastAbout is the newest event before another about a customer.
func (l db) lastAbout(partner, customer string, before int) (last int) {
	for _, e := range l.events {
		if n := e.number("sequence"); n < before && inLog(e) && customer != "" && e.text("partner_id") == partner &&
			e.text("customer_id") == customer {
			last = max(last, n)
		}
	}
	return last
}

// inLog tells events about customers from those about runs, readings, reports and copies.
func inLog(e record) bool {
	return !slices.Contains([]string{"run", "enrich", "report", "backup", "migrate"}, e.text("kind"))
}

func (l db) person(a record) record {
	for _, p := range l.people {
		if p.number("batch_id") == a.number("batch_id") && p.number("line") == a.number("line") {
			return p
		}
	}
	return nil
}

func (l db) batch(id int) record {
	return l.batches[slices.IndexFunc(l.batches, func(b record) bool { return b.number("id") == id })]
}

// label is how a partner is called; what is nobody's has none.
func (v View) label(partner string) string {
	for _, p := range v.partners {
		if p.id == partner {
			return p.name
		}
	}
	return ""
}

// notice is the mail that Microsoft sends within 30 minutes after an attestation took effect, which
// was at the latest when the answer came.
func notice(a, person record) (to, by any) {
	if a.text("state") != "confirmed" {
		return nil, nil
	}
	return person.text("email"), instant(a.when("answered_at").Add(30 * time.Minute))
}

func replaces(a record) any {
	if a["replaces_batch"] == nil {
		return nil
	}
	return fmt.Sprintf("%d-%d", a.number("replaces_batch"), a.number("replaces_line"))
}

// days counts calendar days.
func (v View) days(from, to time.Time) days {
	count := func(zone *time.Location) int {
		midnight := func(t time.Time) time.Time {
			y, m, d := t.In(zone).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		return int(midnight(to).Sub(midnight(from)) / (24 * time.Hour))
	}
	return days{count(v.zone), count(time.UTC)}
}

func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func date(text string) any {
	if text == "" {
		return nil
	}
	return day(text)
}

func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func signer(r record, first, last string) string {
	return strings.TrimSpace(r.text(first) + " " + r.text(last))
}

func link(c record) string {
	return "https://partner.microsoft.com/dashboard/v2/customers/" + c.text("customer_id") + "/account"
}
