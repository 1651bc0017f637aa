package reports

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// ledger is a Source in memory, by partner.
type memorySource struct {
	records map[string][]standing.Record
	changes map[string][]standing.Transition
	entries []ledger.AttestationEntry // of all partners, by batch and line
}

func (l memorySource) FirstRun(_ context.Context, partner string) (time.Time, error) {
	if partner == europe.ID {
		return tonight.Add(time.Minute), nil
	}
	return night(100), nil
}

func (l memorySource) CountRecords(_ context.Context, partner string, _ int64, which standing.Standing) (int, error) {
	return len(l.set(partner, which)), nil
}

func (l memorySource) CustomerEntries(_ context.Context, partner string, _ int64, which standing.Standing,
	_ time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	return func(yield func(ledger.CustomerEntry, error) bool) {
		for _, rec := range l.set(partner, which) {
			if !yield(ledger.CustomerEntry{Record: rec, Reseller: resellerOf(partner, rec)}, nil) {
				return
			}
		}
	}
}

// resellerOf is through whom a customer of the indirect provider buys.
func resellerOf(partner string, rec standing.Record) ledger.Reseller {
	if partner != europe.ID {
		return ledger.Reseller{}
	}
	return ledger.Reseller{Read: true, ID: "5e11e400-0000-4000-8000-000000000007", Name: "Nordic & Söhne = resale"}
}

// sequence yields values.
func sequence[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// subscriptionsOf are what blocked customers of contoso-br have: one of each kind.
func (l memorySource) subscriptionsOf(partner string) (all []ledger.Renewal) {
	if partner != brazil.ID {
		return nil
	}
	for _, rec := range l.set(partner, standing.Blocked) {
		if read, has := bought(rec); read != standing.Read || has.Active == 0 {
			continue
		}
		for i, ends := range []standing.Date{"2026-11-29", "2026-12-01", "2027-01-10", "2027-02-01", "2027-11-22", ""} {
			all = append(all, ledger.Renewal{Record: rec, PartnerID: partner,
				ID:      fmt.Sprintf("5ab5c000-0000-4000-8000-%012d", i),
				Product: "=Microsoft 365 " + string(ends), Seats: 10 * i, Term: "P1Y", Ends: ends, AutoRenew: i == 1,
				Trial: i == 2})
		}
	}
	return all
}

func (l memorySource) CountRenewals(_ context.Context, partner string, _ int64, _ time.Time) (int, error) {
	return len(l.subscriptionsOf(partner)), nil
}

// Renewals are those of all partners in one order, as a store has them.
func (l memorySource) Renewals(_ context.Context, runs []int64, _ time.Time) iter.Seq2[ledger.Renewal, error] {
	var all []ledger.Renewal
	for _, run := range runs {
		all = append(all, l.subscriptionsOf(map[bool]string{true: europe.ID, false: brazil.ID}[run == 1])...)
	}
	slices.SortStableFunc(all, func(a, b ledger.Renewal) int {
		risks := []string{riskLapses, riskRenews, riskUnknown}
		return cmp.Or(cmp.Compare(slices.Index(risks, risk(a)), slices.Index(risks, risk(b))),
			cmp.Compare(a.Ends, b.Ends), cmp.Compare(a.PartnerID, b.PartnerID))
	})
	return sequence(all)
}

// exceptionOf is what was decided about a customer.
func exceptionOf(rec standing.Record) ledger.Exception {
	switch rec.Name {
	case "Outdated GmbH":
		return ledger.Exception{PartnerID: brazil.ID, CustomerID: rec.ID, Owner: "Bea Lima", DueOn: "2026-12-01",
			Comment: "=1+1 they sign next week", Actor: attestation.Actor{Name: "carl"}, At: night(2)}
	case "Never Accepted Inc.":
		return ledger.Exception{PartnerID: brazil.ID, CustomerID: rec.ID, Owner: "Ana", AcceptedUntil: "2026-12-31",
			Actor: attestation.Actor{Name: "carl"}, At: night(3)}
	case "Signed before Excel's time":
		return ledger.Exception{PartnerID: brazil.ID, CustomerID: rec.ID, AcceptedUntil: "2026-11-21",
			Actor: attestation.Actor{Name: "carl"}, At: night(9)}
	}
	return ledger.Exception{}
}

func (l memorySource) ExceptionsThen(_ context.Context, partner string, _ int64,
	_ time.Time) (all []ledger.ExceptionEntry, _ error) {
	for _, rec := range l.records[partner] {
		if e := exceptionOf(rec); !e.IsEmpty() {
			all = append(all, ledger.ExceptionEntry{Exception: e, Customer: rec.Customer, Standing: rec.Standing,
				BlockedSince: rec.BlockedSince})
		}
	}
	return all, nil
}

// Invitations are one of each answer.
func (l memorySource) Invitations(_ context.Context, partner string, _ int64,
	_ time.Time) iter.Seq2[ledger.InvitationEntry, error] {
	records := l.records[partner]
	if partner != brazil.ID || len(records) < 6 {
		return sequence[ledger.InvitationEntry](nil)
	}
	invited := func(rec standing.Record, ago int, outcome ledger.InvitationOutcome) ledger.InvitationEntry {
		return ledger.InvitationEntry{Invitation: ledger.Invitation{PartnerID: partner, CustomerID: rec.ID,
			Kind: ledger.InviteToAgreement, Channel: ledger.BySMTP, Recipient: "ana@customer.example",
			Language: "pt-BR", Actor: attestation.Actor{Name: "ana.lima"}, At: night(ago), Outcome: outcome},
			Customer: rec.Customer, Standing: rec.Standing}
	}
	accepted, attested := invited(records[2], 20, ledger.InvitationDelivered),
		invited(records[0], 5, ledger.InvitationUnknown)
	accepted.AnsweredAt, accepted.AnsweredBy = night(17), standing.AcceptedDirectly
	attested.AnsweredAt, attested.AnsweredBy = night(1), standing.Attested
	failed := invited(records[5], 1, ledger.InvitationFailed)
	failed.Reason = "the mail server refused the recipient"
	stranger := ledger.InvitationEntry{Invitation: ledger.Invitation{PartnerID: partner, CustomerName: "Not yet ours",
		Kind: ledger.InviteToRelationship, Channel: ledger.ByDraft, Recipient: "info@new.example", Language: "en",
		Actor: attestation.Actor{Name: "ana.lima"}, At: night(30)}}
	return sequence([]ledger.InvitationEntry{failed, attested, accepted, stranger})
}

func (l memorySource) Batches(context.Context, ledger.Snapshot) (all []ledger.BatchSummary, _ error) {
	for _, e := range slices.Backward(l.entries) {
		if len(all) == 0 || all[len(all)-1].ID != e.Batch.ID {
			batch := e.Batch
			batch.SHA256 = strings.Repeat("5eed", 16)
			all = append(all, ledger.BatchSummary{Batch: batch, States: map[attestation.State]int{}})
		}
		b := &all[len(all)-1]
		b.Rows++
		b.States[e.Status()]++
		if e.State == attestation.Confirmed {
			b.Median, b.NineInTen = 90*time.Minute, 49*time.Hour
		}
	}
	return all, nil
}

// log has an event of each kind that the sheet shows.
func (l memorySource) log() (all []ledger.LogEntry) {
	if len(l.entries) == 0 {
		return nil
	}
	for i, kind := range ledger.EventKinds() {
		switch kind {
		case ledger.EventRun, ledger.EventEnrich, ledger.EventReport, ledger.EventBackup, ledger.EventMigrate:
			continue
		}
		e := ledger.LogEntry{CustomerName: hostile[i%len(hostile)]}
		e.Sequence, e.At, e.Kind, e.Batch, e.Line, e.PartnerID = int64(100-i), night(i), kind, 12, i, brazil.ID
		e.Actor = attestation.Actor{Name: "ana.lima", UserID: "1000", Host: "vm1", Source: attestation.FromFlag}
		e.Detail, e.Hash, e.From, e.To = `{"digest":"5eed"}`, strings.Repeat("5eed", 16), attestation.Approved,
			attestation.Confirmed
		if len(all) > 0 {
			all[len(all)-1].Earlier = e.Sequence
		}
		all = append(all, e)
	}
	return all
}

func (l memorySource) EventNumbers(context.Context, time.Time) (numbers []int64, _ error) {
	for _, e := range l.log() {
		numbers = append(numbers, e.Sequence)
	}
	return numbers, nil
}

func (l memorySource) EventLog(context.Context, time.Time) iter.Seq2[ledger.LogEntry, error] {
	return sequence(l.log())
}

func (l memorySource) CountChanges(_ context.Context, partner string, _, against int64) (int, error) {
	return len(l.changed(partner, against)), nil
}

func (l memorySource) Changes(_ context.Context, partner string, _, against int64) iter.Seq2[standing.Transition,
	error] {
	return func(yield func(standing.Transition, error) bool) {
		for _, change := range l.changed(partner, against) {
			if !yield(change, nil) {
				return
			}
		}
	}
}

func (l memorySource) Blocked(_ context.Context, partner string, _ int64,
	_ ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return func(yield func(ledger.BlockedCustomer, error) bool) {
		for _, rec := range l.set(partner, standing.Blocked) {
			customer := ledger.BlockedCustomer{Record: rec, Reseller: resellerOf(partner, rec),
				Exception: exceptionOf(rec), LastEvent: 96}
			if rec.Name == "Never Accepted Inc." {
				customer.InvitedAt = night(1)
			}
			customer.PurchasesRead, customer.Purchases = bought(rec)
			for _, e := range l.entered(partner) {
				if e.CustomerID == rec.ID && e.State != attestation.Refused {
					customer.Attestation, customer.AttestationState = e.ID, e.State
					break
				}
			}
			if !yield(customer, nil) {
				return
			}
		}
	}
}

// bought is what a blocked customer has: those that once accepted have something, of the eldest
// nobody would say.
func bought(rec standing.Record) (standing.Outcome, standing.Purchases) {
	switch {
	case rec.Reason != standing.Outdated:
		return standing.Read, standing.Purchases{}
	case rec.Newest.Agreed < "2000":
		return standing.OutcomeUnreadable, standing.Purchases{}
	}
	return standing.Read, standing.Purchases{Active: 6, NextRenewal: "2026-12-01", NextLapse: "2026-11-29"}
}

// Resellers are a different one for each customer of a partner, but for the first two.
func (l memorySource) Resellers(_ context.Context, partner string, _ int64,
	_ time.Time) (counts []ledger.ResellerCount, _ error) {
	for i, rec := range l.records[partner] {
		c := ledger.ResellerCount{ResellerID: fmt.Sprintf("5e11e400-0000-4000-8000-%012d", i), Read: i > 0}
		if i < 2 {
			c.ResellerID = ""
		}
		*map[standing.Standing]*int{standing.Clear: &c.Clear, standing.Blocked: &c.Blocked,
			standing.Unknown: &c.Unknown, standing.Excluded: &c.Excluded}[rec.Standing]++
		counts = append(counts, c)
	}
	slices.SortStableFunc(counts, func(a, b ledger.ResellerCount) int { return cmp.Compare(b.Blocked, a.Blocked) })
	return counts, nil
}

func (l memorySource) Heads(context.Context, time.Time) ([]ledger.BatchHead, error) {
	var heads []ledger.BatchHead
	for _, e := range slices.Backward(l.entries) {
		if len(heads) == 0 || heads[len(heads)-1].Batch != e.ID.Batch {
			heads = append(heads, ledger.BatchHead{Batch: e.ID.Batch, File: e.Batch.File,
				Hash: strings.Repeat("5eed", 16)})
		}
		head := &heads[len(heads)-1]
		head.Rows++
		head.Events += 1 + int64(e.Requests)
	}
	return heads, nil
}

func (l memorySource) Chain(ctx context.Context, at time.Time) (chain ledger.Chain, _ error) {
	heads, err := l.Heads(ctx, at)
	for _, h := range heads {
		chain.Events += h.Events
	}
	chain.Verified = chain.Events
	return chain, err
}

func (l memorySource) Tally(context.Context, ledger.Snapshot) (map[string]ledger.DeliveryTotals, error) {
	tally := map[string]ledger.DeliveryTotals{}
	for _, e := range l.entries {
		t := tally[e.PartnerID]
		t.Rows++
		if !e.SentAt.IsZero() {
			t.Sent++
			switch e.State {
			case attestation.Unsure:
				t.Unsettled++
			case attestation.Approved, attestation.Cancelled:
				t.Returned++
			default:
				t.Answered++
			}
		}
		tally[e.PartnerID] = t
	}
	return tally, nil
}

func (l memorySource) Entries(_ context.Context, partner string, _ ledger.Snapshot) iter.Seq2[ledger.AttestationEntry,
	error] {
	return func(yield func(ledger.AttestationEntry, error) bool) {
		for _, e := range l.entered(partner) {
			e.LastEvent = 100 - int64(e.ID.Line%5)
			if !yield(e, nil) {
				return
			}
		}
	}
}

// entered are a partner's attestations, the newest batch first.
func (l memorySource) entered(partner string) []ledger.AttestationEntry {
	var wanted []ledger.AttestationEntry
	for _, e := range l.entries {
		if e.PartnerID == partner {
			wanted = append(wanted, e)
		}
	}
	slices.SortFunc(wanted, func(a, b ledger.AttestationEntry) int {
		return cmp.Or(cmp.Compare(b.ID.Batch, a.ID.Batch), cmp.Compare(a.ID.Line, b.ID.Line))
	})
	return wanted
}

func (l memorySource) set(partner string, which standing.Standing) []standing.Record {
	var wanted []standing.Record
	for _, rec := range l.records[partner] {
		if which == "" || which == rec.Standing {
			wanted = append(wanted, rec)
		}
	}
	return wanted
}

func (l memorySource) changed(partner string, against int64) []standing.Transition {
	if against != 0 {
		return l.changes[partner]
	}
	var all []standing.Transition
	for i := range l.records[partner] {
		all = append(all, standing.Transition{After: &l.records[partner][i]})
	}
	return all
}

var (
	saoPaulo = time.FixedZone("America/Sao_Paulo", -3*60*60)
	tonight  = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)
	policy   = standing.Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}
)

func night(ago int) time.Time { return tonight.AddDate(0, 0, -ago) }

// customer makes a record of the standing that belongs to reason.
func customer(n int, name string, reason standing.Reason) standing.Record {
	rec := standing.Record{FirstSeen: night(200), StandingSince: night(90)}
	rec.Customer = standing.Customer{ID: fmt.Sprintf("%08d-0000-4000-8000-%012d", n, n), Name: name,
		Domain: fmt.Sprintf("customer%d.example", n), Relationship: standing.Reseller}
	rec.Reason, rec.Direct, rec.Agreements = reason, standing.DirectNotRead, standing.Read
	switch reason {
	case standing.Attested:
		rec.Standing, rec.Newest = standing.Clear, agreement("2025-03-14")
	case standing.AcceptedDirectly:
		rec.Standing, rec.Direct, rec.Agreements = standing.Clear, standing.DirectYes, standing.NotRead
	case standing.Outdated:
		rec.Standing, rec.Remedy, rec.Direct, rec.Newest = standing.Blocked, standing.Attest, standing.DirectNo,
			agreement("2019-08-26")
		rec.BlockedSince = night(41)
	case standing.NeverAccepted:
		rec.Standing, rec.Remedy, rec.Direct = standing.Blocked, standing.Attest, standing.DirectNo
		rec.BlockedSince = night(3)
	case standing.NotAResellerCustomer:
		rec.Standing, rec.Agreements, rec.Relationship = standing.Excluded, standing.NotRead, "advisor"
	case standing.RelationshipEnded:
		rec.Standing, rec.Remedy, rec.Agreements = standing.Unknown, standing.RequestRelationship,
			standing.OutcomeRelationshipEnded
		rec.ReadError = trouble(403, "20002", "The partner does not have a relationship with the customer.")
	case standing.NotFound:
		rec.Standing, rec.Remedy, rec.Agreements = standing.Unknown, standing.CheckRelationship,
			standing.OutcomeNotFound
		rec.ReadError = trouble(404, "60003", "Tenant not found.")
	default:
		rec.Standing, rec.Remedy, rec.Agreements = standing.Unknown, standing.Retry, standing.OutcomeUnreadable
		rec.ReadError = trouble(503, "", "upstream connect error")
	}
	if rec.Standing == standing.Unknown {
		rec.LastRead = night(9)
	}
	return rec
}

func agreement(day standing.Date) standing.Agreement {
	return standing.Agreement{Agreed: day, Signer: standing.Contact{FirstName: "Ana", LastName: "Souza",
		Email: "ana@customer.example"}}
}

func trouble(status int, code, message string) standing.ReadError {
	return standing.ReadError{Status: status, Code: code, Message: message,
		RequestID: "5f0c3a52-7a2e-4a5c-9f6b-0d6f1c8f7a11", CorrelationID: "c0ffee00-7a2e-4a5c-9f6b-0d6f1c8f7a11"}
}

// hostile are names that a customer may well have, or that somebody types to see what happens.
var hostile = []string{
	`=HYPERLINK("http://evil.example","Click")`,
	`+551199999999`,
	`-2+3+cmd|' /C calc'!A0`,
	`@SUM(A1:A9)`,
	`  two spaces on both sides  `,
	"line one\nline two\r\nline three\rand\ttab",
	"control \x00\x0b\x1f characters",
	`literal _x0041_ and _x005F_ and _x0041_x0042_`,
	"escape before a control _x0041\x01 character",
	`<b>"Tom" & 'Jerry'</b> ]]> &amp;`,
	`0012`,
	`1e5`,
	`TRUE`,
	`2026-11-22`,
	`👩‍👩‍👧‍👦 Família & Cia 🇧🇷`,
	`شركة المثال المحدودة`,
	"noncharacters \uFFFE\uFFFF and invalid \xED\xA0\x80 bytes \xff",
}

// everyone is a customer of every standing and reason, and every hostile name.
func everyone() []standing.Record {
	undated, asked := customer(2, "Directly, date not known Ltda.", standing.AcceptedDirectly),
		customer(3, "Directly, dated", standing.AcceptedDirectly)
	asked.DirectSince = night(17)
	both := customer(4, "Attested, direct read too", standing.Attested)
	both.Direct = standing.DirectNo
	role, silent, dateless := customer(11, "Role missing", standing.Unreadable),
		customer(12, "No answer", standing.Unreadable), customer(13, "No readable date", standing.Unreadable)
	role.ReadError, role.LastRead = trouble(403, "900308", "Access denied"), time.Time{}
	silent.ReadError = standing.ReadError{Message: "context deadline exceeded"}
	dateless.ReadError, dateless.Agreements = standing.ReadError{}, standing.Read
	ancient := customer(14, "Signed before Excel's time", standing.Outdated)
	ancient.Newest.Agreed = "0001-01-01"
	ancient.BlockedSince = night(100)
	all := []standing.Record{
		customer(1, "Attested S.A.", standing.Attested), undated, asked, both,
		customer(5, "Outdated GmbH", standing.Outdated), customer(6, "Never Accepted Inc.", standing.NeverAccepted),
		customer(7, "Advisor only", standing.NotAResellerCustomer), customer(8, "Ended", standing.RelationshipEnded),
		customer(9, "Not found", standing.NotFound), customer(10, "Server error", standing.Unreadable), role, silent,
		dateless, ancient,
	}
	for i, name := range append(hostile, strings.Repeat("long 🙂 ", 7000)) {
		all = append(all, customer(100+i, name, standing.Attested))
	}
	return all
}

// runOf is a completed run that counted records, with its checks balanced.
func runOf(id int64, p ledger.Partner, at time.Time, records []standing.Record, last, added, gone int) *ledger.Run {
	t := ledger.Totals{Listed: len(records), New: added, Gone: gone, GoneConfirmed: gone, Unlisted: gone}
	for _, rec := range records {
		switch rec.Standing {
		case standing.Clear:
			t.Clear++
			if rec.Reason == standing.AcceptedDirectly && rec.DirectSince.IsZero() {
				t.DirectUndated++
			}
		case standing.Blocked:
			t.Blocked++
		case standing.Unknown:
			t.Unknown++
			if rec.Reason == standing.Unreadable {
				t.Unreadable++
			} else {
				t.Absent++
			}
		default:
			t.Excluded++
		}
	}
	t.Ledger = t.Standings
	if last == 0 {
		t.NewlyBlocked = t.Blocked
	}
	before := ledger.Totals{Listed: last, Standings: ledger.Standings{Blocked: t.Blocked - t.NewlyBlocked},
		Unreadable: t.Unreadable, Absent: t.Absent}
	return &ledger.Run{ID: id, Partner: p, Policy: policy, State: ledger.Completed, Attempt: 1,
		CorrelationID: fmt.Sprintf("c0ffee00-0000-4000-8000-%012d", id), Version: "1.0.0",
		StartedAt: at, FinishedAt: at.Add(14*time.Minute + 3*time.Second), OldestReading: at.Add(4 * time.Second),
		Totals: t, Cost: ledger.Cost{Requests: 2 * len(records), Throttled: 3, Retries: 5, Seconds: 843},
		Checks: ledger.CheckSweep(t, before, ledger.Limits{MaxGonePercent: 5})}
}

// blockedHistory is a run a night, ending with last, with a few more or fewer blocked each.
func blockedHistory(last ledger.Run, nights int) []ledger.Run {
	runs := make([]ledger.Run, nights)
	for i := range runs {
		runs[i] = last
		ago := nights - 1 - i
		runs[i].ID -= int64(ago)
		runs[i].StartedAt = last.StartedAt.AddDate(0, 0, -ago)
		runs[i].Totals.Blocked += (ago*ago)%7 + ago/2
	}
	return runs
}

var (
	brazil = ledger.Partner{ID: "b0000000-0000-4000-8000-000000000001", Name: "contoso-br", Kind: standing.DirectBill}
	europe = ledger.Partner{ID: "e0000000-0000-4000-8000-000000000002", Name: "contoso-eu",
		Kind: standing.IndirectProvider}
)

// entry is a row of a batch about a customer that has come to a state.
func entry(batch attestation.Batch, line int, partner string, c standing.Record,
	state attestation.State) ledger.AttestationEntry {
	e := ledger.AttestationEntry{Batch: batch}
	e.ID = attestation.ID{Batch: batch.ID, Line: line}
	e.PartnerID, e.CustomerID, e.CustomerName, e.State = partner, c.ID, c.Name, state
	e.Content = attestation.Content{Agreed: "2026-11-19", Evidence: fmt.Sprintf("dms/2026/%04d.pdf", line),
		Signer: standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@customer.example"}}
	if state.BlocksDuplicate() && state != attestation.Queued && state != attestation.Approved ||
		state == attestation.RefusedByMicrosoft {
		e.Requests, e.SentAt, e.RequestID = 1, tonight.Add(time.Duration(line)*time.Second),
			fmt.Sprintf("5e2d0000-7a2e-4a5c-9f6b-%012d", line)
	}
	if state.Final() && e.Requests > 0 {
		e.AnsweredAt = e.SentAt.Add(2 * time.Second)
		e.Answer = attestation.Answer{Status: 201, RequestID: e.RequestID,
			CorrelationID: "c0ffee00-7a2e-4a5c-9f6b-0d6f1c8f7a11"}
	}
	return e
}

// lately are attestations in every state of the classic route, of two partners and of nobody, with
// hostile and with purged rows.
func lately(records, few []standing.Record) []ledger.AttestationEntry {
	april := attestation.Batch{ID: 7, File: "=april.csv", ImportedBy: attestation.Actor{Name: "ana.lima"},
		ImportedAt: night(40), ApprovedBy: attestation.Actor{Name: "bea"}, ApprovedAt: night(39)}
	may := attestation.Batch{ID: 12, File: "may & june.xlsx", ImportedBy: attestation.Actor{Name: "ana.lima"},
		ImportedAt: night(2), ApprovedBy: attestation.Actor{Name: "bea"}, ApprovedAt: night(1)}
	fresh := attestation.Batch{ID: 13, File: "today.csv", ImportedBy: attestation.Actor{Name: "ana.lima"},
		ImportedAt: tonight.Add(-time.Hour)}
	purged := entry(april, 2, brazil.ID, records[0], attestation.Confirmed)
	purged.Content.Signer, purged.SentAt, purged.AnsweredAt = standing.Contact{}, night(39), night(39)
	confirmed := entry(may, 2, brazil.ID, records[0], attestation.Confirmed)
	confirmed.Replaces = purged.ID
	known := entry(may, 3, brazil.ID, records[3], attestation.AlreadyOnRecord)
	known.Reason, known.Message = attestation.SameOnRecord, "Microsoft has this signer's acceptance of 2026-11-02"
	known.Answer.Status, known.Answer.Code = 409, "600061"
	no := entry(may, 4, brazil.ID, records[4], attestation.RefusedByMicrosoft)
	no.Reason, no.Message = attestation.ContentRefused,
		"Invalid input: the e-mail address of the primary contact is not valid."
	no.Answer.Status, no.Answer.Code = 400, "600002"
	failed := entry(may, 5, brazil.ID, records[7], attestation.Failed)
	failed.Reason, failed.Message = attestation.CustomerRefused,
		"The partner does not have a relationship with the customer."
	failed.Answer.Status, failed.Answer.Code = 403, "20002"
	lost := entry(may, 6, brazil.ID, records[5], attestation.Unsure)
	lost.Reason = attestation.NotSettled
	again := entry(may, 7, brazil.ID, records[1], attestation.Approved)
	again.Requests, again.SentAt = 1, tonight
	refused := entry(may, 9, brazil.ID, records[4], attestation.Refused)
	refused.Reason, refused.Message = attestation.OtherCompany, `the customer with this id is called "Outdated GmbH"`
	nobodys := entry(may, 10, "", standing.Record{}, attestation.Refused)
	nobodys.Reason, nobodys.Message = attestation.UnknownCustomer,
		"no partner has a customer with this tenant id or domain"
	repeated := entry(may, 11, brazil.ID, records[0], attestation.Duplicate)
	repeated.Reason, repeated.Message = attestation.SameRow, "it is attestation 12-2 already (confirmed)"
	dateless := entry(may, 12, europe.ID, few[0], attestation.AlreadyKnown)
	dateless.Content.Agreed, dateless.Reason = "", attestation.SameOnRecord
	attack := entry(may, 14, brazil.ID, records[6], attestation.Confirmed)
	attack.Content.Signer = standing.Contact{FirstName: hostile[0], Email: hostile[3]}
	all := []ledger.AttestationEntry{purged, confirmed, known, no, failed, lost, again,
		entry(may, 8, brazil.ID, records[2], attestation.Cancelled), refused, nobodys, repeated, dateless,
		entry(may, 13, europe.ID, few[1], attestation.Approved), attack}
	for i, text := range append(hostile, strings.Repeat("long 🙂 ", 7000)) {
		e := entry(fresh, 2+i, brazil.ID, records[14+i], attestation.Queued)
		e.CustomerName, e.Content.Evidence, e.Content.Signer.FirstName, e.Content.Signer.LastName = text, text, text, ""
		all = append(all, e)
	}
	return all
}

// usual is a night of two partners with everything that can happen in it.
func usual() (Book, memorySource) {
	records := everyone()
	gone := customer(90, "Gone yesterday", standing.NeverAccepted)
	was := customer(5, "Outdated GmbH", standing.AcceptedDirectly)
	cleared := customer(1, "Attested S.A.", standing.NeverAccepted)
	changes := []standing.Transition{
		{Before: &was, After: &records[4]},
		{Before: &cleared, After: &records[0]},
		{Before: &was, After: &records[7]},
		{Before: &was, After: &records[6]},
		{After: &records[5]},
		{Before: &gone},
	}
	shown := runOf(12, brazil, tonight, records, len(records), 1, 1)
	shown.Totals.NewlyBlocked, shown.Totals.NewlyClear = 2, 1
	before := blockedHistory(*shown, 2)[0]
	// one became blocked, one arrived blocked, one was cleared, one blocked left
	before.Totals.Blocked = shown.Totals.Blocked
	few := []standing.Record{customer(200, "Österreich AG", standing.Attested),
		customer(201, "Ålesund AS", standing.NeverAccepted)}
	first := runOf(1, europe, tonight.Add(time.Minute), few, 0, len(few), 0)
	book := Book{
		Partners: []PartnerRun{
			{Partner: brazil, Run: shown, Against: &before, History: blockedHistory(*shown, 12)},
			{Partner: europe, Run: first, History: []ledger.Run{*first}},
		},
		AsOf: tonight.Add(15 * time.Minute), MadeAt: tonight.Add(20 * time.Minute), Location: saoPaulo, Language: "en",
		Version: "1.0.0",
	}
	return book, memorySource{
		records: map[string][]standing.Record{brazil.ID: records, europe.ID: few},
		changes: map[string][]standing.Transition{brazil.ID: changes},
		entries: lately(records, few),
	}
}
