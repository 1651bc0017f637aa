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
	"github.com/xuri/excelize/v2"
)

// auditedSheet is a sheet of data with the columns that name a row.
type auditedSheet struct {
	name  string
	keys  []int
	wants func(View) [][]any
}

func (s auditedSheet) key() string { return strings.ToLower(strings.ReplaceAll(s.name, " ", "_")) }

// sheetNamed is the name of the sheet with a key.
func sheetNamed(key string) string {
	i := slices.IndexFunc(dataSheets, func(s auditedSheet) bool { return s.key() == key })
	return dataSheets[i].name
}

// dataSheets are the sheets of data, in the order of the digest.
var dataSheets = []auditedSheet{
	{"Blocked", []int{2, 24}, View.blocked},
	{"Renewals at risk", []int{2, 15, 16}, View.atStake},
	{"Exceptions", []int{2, 13}, View.excepted},
	{"Changes", []int{2, 10}, View.changes},
	{"Invitations", []int{13}, View.invited},
	{"Attestations", []int{21, 22}, View.attested},
	{"Batches", []int{2}, View.files},
	{"Could not be read", []int{2, 11}, View.unread},
	{"Checks", []int{2, 3, 7}, View.control},
	{"Customers", []int{2, 15}, View.everyone},
	{"Events", []int{13}, View.log},
}

// auditedColumn is a column's header, and its key for machines; "" where only the workbook has it.
type auditedColumn struct{ head, key string }

// columns are the data dictionary's.
var columns = map[string][]auditedColumn{
	"Blocked": columnsOf("Next step=next_step, Customer=customer, Partner=partner, Indirect reseller=reseller, " +
		"Blocked since=blocked_since, " +
		"Days blocked=days_blocked, Reason=reason, Attestation status=attestation_state, Active " +
		"subscriptions=subscriptions, Seats=seats, " +
		"Next lapse=next_lapse, Next renewal=next_renewal, Exception=exception, Owner=owner, Due date=due_date, " +
		"Accepted until=accepted_until, " +
		"Comment=comment, Invited at=invited_at, Last accepted=last_accepted, Signer=signer, " +
		"Subscriptions=subscriptions_read, " +
		"Attestation=attestation, Last event=last_event, Domain=domain, Tenant ID=tenant_id, Reseller " +
		"ID=reseller_id, Since is=since_is, " +
		"Reason code=, Portal link=portal_link"),
	"Renewals at risk": columnsOf("What happens=at_risk, Customer=customer, Partner=partner, Product=product, " +
		"Seats=seats, Term ends=ends, " +
		"Days left=days_left, Window=window, Next step=next_step, Blocked since=blocked_since, Accepted " +
		"until=accepted_until, " +
		"Indirect reseller=reseller, Renews automatically=auto_renew, Term=term, Trial=trial, Tenant ID=tenant_id, " +
		"Subscription ID=subscription_id"),
	"Exceptions": columnsOf("Exception=exception, Customer=customer, Partner=partner, Owner=owner, Due " +
		"date=due_date, Accepted until=accepted_until, " +
		"Comment=comment, Status=standing, Blocked since=blocked_since, Set by=set_by, Set at=set_at, Last " +
		"event=last_event, Domain=domain, " +
		"Tenant ID=tenant_id"),
	"Changes": columnsOf("Change=change, Customer=customer, Partner=partner, Cause=cause, Status " +
		"before=standing_before, Reason before=reason_before, " +
		"Status after=standing_after, Reason after=reason_after, Blocked since=blocked_since, Next step=next_step, " +
		"Tenant ID=tenant_id, Change code=, " +
		"Portal link=portal_link"),
	"Invitations": columnsOf("Answer=invitation, Customer=customer, Partner=partner, Invited at=invited_at, Answered " +
		"at=answered_at, " +
		"Days to answer=days_to_answer, Status=standing, Invited to=invited_to, Delivery=delivery, Channel=channel, " +
		"Language=language, " +
		"Invited by=invited_by, Failure=reason, Last event=last_event, Tenant ID=tenant_id"),
	"Attestations": columnsOf("Next step=next_step, Customer=customer, Partner=partner, Status=state, Status " +
		"since=state_since, Link expires=expires_at, " +
		"Reason=reason, Message=message, Signer=signer, Signer e-mail=signer_email, " +
		"Date agreed=date_agreed, Evidence=evidence, Imported by=imported_by, Imported at=imported_at, Approved " +
		"by=approved_by, Approved at=approved_at, " +
		"Sent at=sent_at, Answer=answer, Answer code=answer_code, Notice to=notice_to, Notice by=notice_by, " +
		"Batch=batch, Row=row, Replaces=replaces, " +
		"Last event=last_event, Tenant ID=tenant_id, Request ID=request_id, Correlation ID=correlation_id, Status " +
		"code="),
	"Batches": columnsOf("Status=batch_status, File=file, Batch=batch, Rows=rows, Confirmed=confirmed, Waiting for " +
		"approval=waiting_for_approval, " +
		"In progress=in_progress, Needs attention=needs_attention, Refused at import=refused_at_import, Not " +
		"needed=not_needed, Cancelled=cancelled, " +
		"Median hours=median_hours, 90 % hours=nine_in_ten_hours, Imported by=imported_by, Imported at=imported_at, " +
		"Approved by=approved_by, " +
		"Approved at=approved_at, SHA-256=sha256"),
	"Could not be read": columnsOf("What to do=what_to_do, Customer=customer, Partner=partner, Reason=reason, Next " +
		"step=next_step, Unknown since=unknown_since, " +
		"Last read=last_read, Message=message, HTTP status=http_status, Code=code, Domain=domain, Tenant " +
		"ID=tenant_id, Request ID=request_id, " +
		"Correlation ID=correlation_id, Reason code="),
	"Checks": columnsOf("Result=result, Check=check, Partner=partner, Run=run, Expected=expected, Found=found, In " +
		"numbers=, Check code="),
	"Customers": columnsOf("Status=standing, Customer=customer, Partner=partner, Reason=reason, Status " +
		"since=standing_since, Agreement date=date_agreed, " +
		"Agreements=agreements_read, Signer=signer, Signer e-mail=signer_email, Direct acceptance=direct_acceptance, " +
		"Direct acceptance seen=direct_acceptance_seen, First seen=first_seen, Last read=last_read, Indirect " +
		"reseller=reseller, Domain=domain, " +
		"Tenant ID=tenant_id, Reseller ID=reseller_id, Reason code=, Portal link=portal_link"),
	"Events": columnsOf("When=at, Event=event, Who=actor, Customer=customer, Partner=partner, Status " +
		"before=state_before, Status after=state_after, " +
		"Event before=earlier_event, Batch=batch, Row=row, Account=account, Detail=detail, Tenant ID=tenant_id, " +
		"Number=sequence, Hash=hash"),
}

func columnsOf(text string) (all []auditedColumn) {
	for field := range strings.SplitSeq(text, ", ") {
		head, key, _ := strings.Cut(field, "=")
		all = append(all, auditedColumn{head, key})
	}
	return all
}

// keys are the header of a sheet as CSV.
func keys(sheet string) (all []string) {
	for _, c := range columns[sheet] {
		if c.key != "" {
			all = append(all, c.key)
		}
	}
	return all
}

// workbook is a workbook that was read: sheets of raw cells, row 1 first.
type workbook struct {
	*excelize.File
	rows map[string][][]string
}

func openWorkbook(t testing.TB, path string) workbook {
	t.Helper()
	f, err := excelize.OpenFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	b := workbook{f, map[string][][]string{}}
	for _, sheet := range f.GetSheetList() {
		b.rows[sheet], err = f.GetRows(sheet, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
	}
	return b
}

// cell is a cell of a row; excelize leaves the empty ones at its end out.
func cell(row []string, column int) string {
	if column < len(row) {
		return row[column]
	}
	return ""
}

// data are the rows below the head; a table without rows has a sentence instead.
func (b workbook) data(sheet string) [][]string {
	rows := b.rows[sheet][3:]
	if len(rows) > 0 && len(rows[0]) == 0 {
		return nil
	}
	return rows
}

// compare holds every cell of a sheet against what is wanted, and returns what is wanted in the
// sheet's order.
func (b workbook) compare(t testing.TB, v View, sheet string, keys []int, wanted [][]any) (ordered [][]any) {
	t.Helper()
	var head []string
	for _, c := range columns[sheet] {
		head = append(head, c.head)
	}
	require.Equal(t, head, b.rows[sheet][2])
	byKey := map[string][]any{}
	for _, row := range wanted {
		byKey[keyOf(row, keys)] = row
	}
	require.Len(t, byKey, len(wanted), "two rows are named alike")
	wrong := 0
	for i, got := range b.data(sheet) {
		var key []string
		for _, column := range keys {
			key = append(key, cell(got, column))
		}
		want, ok := byKey[strings.Join(key, "|")]
		if !assert.True(t, ok, "row %d is of nobody: %q", i+4, got) {
			continue
		}
		delete(byKey, strings.Join(key, "|"))
		ordered = append(ordered, want)
		for column := range head {
			if complaint := v.differs(want[column], cell(got, column),
				b.kind(t, sheet, column, i+4)); complaint != "" && wrong < 20 {
				wrong++
				t.Errorf("%s!%s%d, %s of %v: %s", sheet, string(rune('A'+column)), i+4, head[column], key, complaint)
			}
		}
	}
	for key, row := range byKey {
		t.Errorf("%s has no row %s: %v", sheet, key, row)
	}
	t.Logf("%d rows, %d cells", len(ordered), len(ordered)*len(head))
	return ordered
}

func keyOf(row []any, keys []int) string {
	var key []string
	for _, column := range keys {
		key = append(key, plain(row[column]))
	}
	return strings.Join(key, "|")
}

func (b workbook) kind(t testing.TB, sheet string, column, row int) excelize.CellType {
	t.Helper()
	name, err := excelize.CoordinatesToCellName(column+1, row)
	require.NoError(t, err)
	kind, err := b.GetCellType(sheet, name)
	require.NoError(t, err)
	return kind
}

// differs says what is wrong with a raw cell; nothing when it is as it should be.
func (v View) differs(want any, got string, kind excelize.CellType) string {
	text := kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString
	number, notANumber := strconv.ParseFloat(got, 64)
	same := false
	switch want := want.(type) {
	case nil:
		return complain(got == "", want, got)
	case string:
		return complain(got == want && (text || want == ""), want, got)
	case word:
		return complain(got == want.text && text, want, got)
	case days:
		same = got == strconv.Itoa(want.local)
	case int:
		same = got == strconv.Itoa(want)
	case float64:
		same = notANumber == nil && max(number-want, want-number) < 1e-9
	case day:
		same = notANumber == nil && number == serial(wall(string(want)))
	case time.Time:
		_, offset := want.In(v.zone).Zone()
		same = notANumber == nil && max(number-serial(want)-float64(offset)/86400, serial(want)+
			float64(offset)/86400-number) < 0.5/86400
	}
	return complain(same && !text, want, got)
}

// kindOf is the kind of cell for a value, where only the text of a cell is compared.
func kindOf(want any) excelize.CellType {
	switch want.(type) {
	case string, word:
		return excelize.CellTypeSharedString
	}
	return excelize.CellTypeUnset
}

func complain(same bool, want any, got string) string {
	if same {
		return ""
	}
	return fmt.Sprintf("%q, and should be %T %q", got, want, plain(want))
}

// serial is an instant as a spreadsheet counts it: days since 1899-12-30, to the second.
func serial(t time.Time) float64 {
	return t.Truncate(time.Second).Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Seconds() / 86400
}

// wall is a calendar day. Text that is none becomes the year 1, which no cell shows.
func wall(date string) time.Time {
	t, _ := time.Parse(time.DateOnly, date)
	return t
}

// plain is a cell as CSV and JSON have it.
func plain(c any) string {
	switch c := c.(type) {
	case nil:
		return ""
	case time.Time:
		return c.UTC().Format("2006-01-02T15:04:05Z")
	case word:
		return c.code
	case days:
		return strconv.Itoa(c.utc)
	default:
		return fmt.Sprint(c)
	}
}

// order checks the order that is documented.
func (v View) order(t testing.TB, sheet string, rows [][]any) {
	t.Helper()
	names := []string{}
	for _, p := range v.partners {
		names = append(names, p.name)
	}
	names = append(names, "")
	// what concerns all partners, or all files, comes after the partners' own
	if !slices.Contains([]string{"Checks", "Batches", "Events", "Renewals at risk"}, sheet) {
		assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
			return cmp.Compare(slices.Index(names, a[2].(string)), slices.Index(names, b[2].(string)))
		}), "partners are in the order of the configuration")
	}
	switch sheet {
	case "Attestations":
		v.entriesInOrder(t, rows)
	case "Changes":
		kinds := []string{"newly_blocked", "newly_unknown", "gone", "newly_clear", "new", "newly_excluded",
			"read_again"}
		inOrder(t, rows, func(row []any) []int { return []int{slices.Index(kinds, plain(row[0]))} })
	case "Renewals at risk":
		risks := []string{"lapses", "renews", "no_date"}
		assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
			return cmp.Or(cmp.Compare(slices.Index(risks, plain(a[0])), slices.Index(risks, plain(b[0]))),
				cmp.Compare(plain(a[5]), plain(b[5])), cmp.Compare(a[2].(string), b[2].(string)))
		}), "what lapses next comes first, whoever the partner is")
	}
	if sheet != "Customers" {
		return
	}
	key := map[string]string{}
	for _, p := range v.partners {
		for _, c := range v.customers(p.id, p.run) {
			key[p.name+c.text("display_id")] = c.text("name_sort")
		}
	}
	assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
		if a[2] != b[2] {
			return 0
		}
		return strings.Compare(key[a[2].(string)+a[15].(string)], key[b[2].(string)+b[15].(string)])
	}), "customers are in the order of name_key")
}

// inOrder checks that the rows of each partner are sorted.
func inOrder(t testing.TB, rows [][]any, by func(row []any) []int) {
	t.Helper()
	assert.True(t, slices.IsSortedFunc(rows, func(a, b []any) int {
		if a[2] != b[2] {
			return 0
		}
		return slices.Compare(by(a), by(b))
	}))
}

// entriesInOrder checks that attestations that need a person come first, then by what they wait
// for, then the newest.
func (v View) entriesInOrder(t testing.TB, rows [][]any) {
	t.Helper()
	inOrder(t, rows, func(row []any) []int {
		batch, line := row[21].(int), row[22].(int)
		a := v.attestations[slices.IndexFunc(v.attestations,
			func(a record) bool { return a.number("batch_id") == batch && a.number("line") == line })]
		need := map[string]int{"failed": 0, "refused_by_microsoft": 0, "expired": 0, "accepted": 1, "unsure": 2,
			"created": 3, "waiting": 3, "queued": 4}
		n, ok := need[a.text("state")]
		if !ok || n == 0 && v.corrected(a) {
			n = 5
		}
		return []int{n, -batch, line}
	})
}

// verdict is in sight on every sheet of data and on Summary: all checks passed, or some failed;
// then it stands on top.
func (b workbook) verdict(t testing.TB, v View) {
	t.Helper()
	all, failed := v.control(), 0
	for _, row := range all {
		if plain(row[0]) == "failed" {
			failed++
		}
	}
	want := fmt.Sprintf("✔ All control checks passed (%[1]d of %[1]d)", len(all))
	at := 2
	if failed > 0 {
		want, at = fmt.Sprintf("✘ %d of %d control checks FAILED: see Checks", failed, len(all)), 1
	}
	assert.Equal(t, want, cell(b.rows["Summary"][at], 0))
	for _, sheet := range dataSheets {
		assert.Equal(t, want, cell(b.rows[sheet.name][1], 0))
	}
	everybody := tally{}
	for _, p := range v.partners {
		n := v.tally(p.id, p.run)
		everybody.listed, everybody.blocked = everybody.listed+n.listed, everybody.blocked+n.blocked
	}
	assert.Equal(t, fmt.Sprintf("%d customers cannot buy: %.1f %% of %d", everybody.blocked,
		100*float64(everybody.blocked)/float64(everybody.listed), everybody.listed),
		cell(b.rows["Summary"][3-at], 0), "the business in a sentence")
}
