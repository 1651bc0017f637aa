package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// tampering is the contract of what verify finds.
var tampering = map[string]func(*testing.T, *fixture){
	"an edit of any column of any table is found":     everyColumnIsVerified,
	"a row that is deleted or added by hand is found": everyRowIsVerified,
	"a chain that was rewritten has another head":     rewrittenChains,
}

// unverified are the columns that verify does not compare, each with the reason why an edit cannot
// matter or why nothing can be compared. A table's name stands for all its columns.
var unverified = map[string]string{
	"schema_version": "another version is refused when the database is opened",
	"lease":          "says who works now; whoever has not the newest number writes nothing",
	"partner":        "written again from the configuration by each run; what a run or a report showed is in its run",
	"run_listing":    "of the run under way; emptied when it closes, and what came of it is then recorded",
	"run_reading": "of the run under way, or of a failed one that the next takes over; what comes of it is " +
		"recorded when that closes",

	"customer_subscriptions.read_at": "moves with each reading that says the same; tells how fresh a reading is",
	"customer_reseller.read_at":      "moves with each reading that says the same; tells how fresh a reading is",
	"reseller.read_at":               "moves with each reading that says the same; tells how fresh a reading is",

	"attestation.next_attempt_at": "when it is tried again: a changed one only delays or hastens that",
	"batch.inbox_file":            "a file of the inbox that is still to be put away",

	"attestation.claim_number":  "the claim of a worker at work: a changed one ends its work",
	"attestation.claim_expires": "the claim of a worker at work: a changed one ends its work",
	"attestation.claim_host":    "the claim of a worker at work: a changed one ends its work",
	"attestation.claim_pid":     "the claim of a worker at work: a changed one ends its work",
	"attestation.claim_started": "the claim of a worker at work: a changed one ends its work",
}

func reasonFor(table, column string) string {
	if reason := unverified[table]; reason != "" {
		return reason
	}
	return unverified[table+"."+column]
}

// Fill puts something into every table of an empty database.
func Fill(t *testing.T, address string) {
	t.Helper()
	open(t, address).full(t)
}

// full is a ledger with something in every table.
func (l *fixture) full(t *testing.T) {
	t.Helper()
	first := l.sweep(t, 1, clear("a"), blocked("b"), blocked("c"))
	l.sweep(t, 2, clear("a"), clear("b"), blocked("c"))
	l.hold(t, func(lease *store.Lease) { // a night that fails, and one that is given up
		r := begin(t, lease, 3)
		list(t, lease, r, clear("a"))
		_, err := lease.CloseRun(t.Context(), finished(r, 3),
			func(ledger.Totals) []ledger.Check { return []ledger.Check{{Name: ledger.CheckList, Detail: "empty"}} })
		require.NoError(t, err)
		begin(t, lease, 4)
		begin(t, lease, 5)
	})
	l.story(t)
	l.linked(t, "e")
	gone := blocked("c")
	gone.Name = "Another name"
	l.hold(t, func(lease *store.Lease) {
		ctx := t.Context()
		require.NoError(t, lease.AddCost(ctx, first.ID, ledger.Cost{Requests: 3, Seconds: 0.1}))
		require.NoError(t, lease.SaveSubscriptions(ctx, night(6),
			[]standing.SubscriptionsReading{bought("c", 2, "2026-12-24"), bought("b", 0, "")}))
		require.NoError(t, lease.SaveCustomerResellers(ctx, night(6), []standing.ResellerReading{buysFrom("r1", "c"),
			buysFrom("", "a")}))
		require.NoError(t, lease.SaveResellers(ctx, night(6), []standing.ResellerName{{ID: "r1", Name: "One"}}))
	})
	_, err := l.SetExceptions(t.Context(), []ledger.Exception{{PartnerID: contoso.ID, CustomerID: "c", Owner: "Bea",
		DueOn: "2026-12-01"}}, ana, night(6))
	require.NoError(t, err)
	id, err := l.BeginInvitation(t.Context(), ledger.Invitation{PartnerID: contoso.ID, CustomerID: "c",
		Kind: ledger.InviteToAgreement, Channel: ledger.BySMTP, Recipient: "admin@example.com", Language: "en",
		TemplateDigest: "d"}, night(6), ana, night(6))
	require.NoError(t, err)
	require.NoError(t, l.EndInvitation(t.Context(), id, ledger.InvitationFailed, "refused", ana, night(6)))
	require.NoError(t, l.RecordReport(t.Context(), ledger.WrittenReport{File: "r.xlsx", Newest: []int64{first.ID},
		AsOf: night(6)}, ana, night(6)))
	l.whole(t)
}

func finished(r ledger.Run, n int) ledger.Run {
	r.FinishedAt = night(n).Add(time.Minute)
	return r
}

// table is a table of the schema and its columns; those of the key come with true.
type table struct {
	name    string
	columns []string
	key     map[string]bool
	kinds   map[string]string // declared types
}

func (l *fixture) tables(t *testing.T) (tables []table) {
	t.Helper()
	var names []string
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	columns := "SELECT name, lower(type) AS kind, pk > 0 AS key FROM pragma_table_info(?)"
	if l.raw.DriverName() == "postgres" {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = " +
			"'BASE TABLE' ORDER BY table_name"
		columns = `SELECT a.attname AS name, lower(format_type(a.atttypid, NULL)) AS kind, COALESCE(a.attnum = ANY (i.indkey), FALSE) AS key
			FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
			WHERE a.attrelid = CAST(? AS regclass) AND a.attnum > 0 AND NOT a.attisdropped`
	}
	require.NoError(t, l.raw.Select(&names, query))
	for _, name := range names {
		var rows []struct {
			Name string
			Kind string
			Key  bool
		}
		require.NoError(t, l.raw.Select(&rows, l.raw.Rebind(columns), name))
		found := table{name: name, key: map[string]bool{}, kinds: map[string]string{}}
		for _, r := range rows {
			found.columns = append(found.columns, r.Name)
			found.kinds[r.Name] = r.Kind
			if r.Key {
				found.key[r.Name] = true
			}
		}
		tables = append(tables, found)
	}
	return tables
}

// editor edits a database by hand: neither triggers nor foreign keys keep it from that, and it
// leaves the triggers in place.
type editor struct {
	*sqlx.Conn
	triggers map[string]string // of SQLite, by name
}

func (l *fixture) editor(t *testing.T) editor {
	t.Helper()
	conn, err := l.raw.Connx(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	e := editor{conn, map[string]string{}}
	if l.raw.DriverName() == "postgres" {
		_, err = conn.ExecContext(t.Context(), "SET session_replication_role = replica")
		require.NoError(t, err)
		return e
	}
	var triggers []struct{ Name, SQL string }
	require.NoError(t, conn.SelectContext(t.Context(), &triggers, "SELECT name, sql FROM sqlite_master WHERE type = "+
		"'trigger'"))
	for _, trigger := range triggers {
		e.triggers[trigger.Name] = trigger.SQL
	}
	return e
}

func (e editor) edit(ctx context.Context, statement string, values ...any) error {
	for name := range e.triggers {
		if _, err := e.ExecContext(ctx, "DROP TRIGGER "+name); err != nil {
			return err
		}
	}
	_, err := e.ExecContext(ctx, e.Rebind(statement), values...)
	for _, text := range e.triggers {
		if _, err := e.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return err
}

type row = map[string]any

// rows are the first and the last row of a table.
func (of table) rows(t *testing.T, conn editor) (rows []row) {
	t.Helper()
	found, err := conn.QueryxContext(t.Context(), "SELECT * FROM "+of.name+" ORDER BY "+
		strings.Join(slices.Sorted(maps.Keys(of.key)), ", "))
	require.NoError(t, err)
	defer found.Close()
	for found.Next() {
		r := row{}
		require.NoError(t, found.MapScan(r))
		rows = append(rows, r)
	}
	require.NoError(t, found.Err())
	if len(rows) > 2 {
		rows = []row{rows[0], rows[len(rows)-1]}
	}
	return rows
}

// where finds a row by its key.
func (of table) where(r row) (condition string, values []any) {
	for _, c := range slices.Sorted(maps.Keys(of.key)) {
		condition += " AND " + c + " = ?"
		values = append(values, r[c])
	}
	return " WHERE " + strings.TrimPrefix(condition, " AND "), values
}

// other is another value than the one that a column has.
func other(value any, kind string) any {
	switch v := value.(type) {
	case []byte:
		return string(v) + "x"
	case string:
		return v + "x"
	case int64:
		return v + 1
	case float64:
		return v + 1
	case bool:
		return !v
	case time.Time:
		return v.Add(time.Second)
	}
	switch {
	case strings.HasPrefix(kind, "timestamp"):
		return night(9).Truncate(time.Microsecond)
	case strings.Contains(kind, "int"):
		return int64(1)
	}
	return "x"
}

// found reports whether verify finds a problem, or cannot even read what was edited.
func (l *fixture) found(t *testing.T) bool {
	verified, err := l.Verify(t.Context())
	return err != nil || len(verified.Problems) > 0
}

func everyColumnIsVerified(t *testing.T, l *fixture) {
	l.full(t)
	conn := l.editor(t)
	edits := map[string]int{}
	for _, of := range l.tables(t) {
		for _, r := range of.rows(t, conn) {
			for _, c := range of.columns {
				edits[l.editColumn(t, conn, of, r, c)]++
			}
		}
	}
	require.False(t, l.found(t), "every edit was taken back")
	t.Logf("edits of %d tables, by outcome: %v", len(l.tables(t)), edits)
	require.Greater(t, edits[editFound], 300)
}

// What becomes of an edit by hand.
const (
	editFound    = "found"
	editRefused  = "refused by a constraint"
	editHarmless = "cannot matter"
)

func (l *fixture) editColumn(t *testing.T, conn editor, of table, r row, column string) (outcome string) {
	t.Helper()
	if of.name == "run" && fmt.Sprint(r["state"]) == "running" {
		return editHarmless // nothing is recorded of it yet
	}
	edited := maps.Clone(r)
	edited[column] = other(r[column], of.kinds[column])
	if !of.set(t.Context(), conn, r, column, edited[column]) {
		return editRefused
	}
	outcome = editHarmless
	if reason := reasonFor(of.name, column); reason == "" {
		outcome = editFound
		assert.True(t, l.found(t), "%s.%s was changed from %v to %v, and verify finds nothing", of.name, column,
			r[column], edited[column])
	}
	require.True(t, of.set(t.Context(), conn, edited, column, r[column]))
	return outcome
}

// set reports whether the database let a column be set.
func (of table) set(ctx context.Context, conn editor, r row, column string, value any) bool {
	condition, values := of.where(r)
	return conn.edit(ctx, "UPDATE "+of.name+" SET "+column+" = ?"+condition, append([]any{value}, values...)...) == nil
}

func everyRowIsVerified(t *testing.T, l *fixture) {
	l.full(t)
	conn := l.editor(t)
	for _, of := range l.tables(t) {
		if reasonFor(of.name, "") != "" {
			continue
		}
		rows := of.rows(t, conn)
		require.NotEmpty(t, rows, "the ledger has nothing in %s", of.name)
		for _, r := range rows {
			if of.name == "run" && fmt.Sprint(r["state"]) == "running" {
				continue
			}
			condition, values := of.where(r)
			require.NoError(t, conn.edit(t.Context(), "DELETE FROM "+of.name+condition, values...))
			assert.True(t, l.found(t), "%v was deleted from %s, and verify finds nothing", r, of.name)
			require.NoError(t, of.insert(t.Context(), conn, r))
			l.addRow(t, conn, of, r)
		}
	}
	require.False(t, l.found(t), "every edit was taken back")
}

// addRow adds a copy of a row under another key.
func (l *fixture) addRow(t *testing.T, conn editor, of table, r row) {
	t.Helper()
	added := maps.Clone(r)
	for c := range of.key {
		added[c] = other(r[c], of.kinds[c])
		if n, ok := r[c].(int64); ok {
			added[c] = n + 1000
		}
	}
	if of.insert(t.Context(), conn, added) != nil {
		return // a CHECK or a unique index refuses the row
	}
	assert.True(t, l.found(t), "%v was added to %s, and verify finds nothing", added, of.name)
	condition, values := of.where(added)
	require.NoError(t, conn.edit(t.Context(), "DELETE FROM "+of.name+condition, values...))
}

func (of table) insert(ctx context.Context, conn editor, r row) error {
	values := make([]any, len(of.columns))
	for i, c := range of.columns {
		if values[i] = r[c]; r[c] != nil {
			if bytes, ok := r[c].([]byte); ok {
				values[i] = string(bytes)
			}
		}
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	return conn.edit(ctx, "INSERT INTO "+of.name+" ("+strings.Join(of.columns, ", ")+") VALUES ("+marks+")", values...)
}

// rewrittenChains: whoever may write the database and knows the program can make a chain that
// verifies. The head that a workbook or a log shows tells the difference.
func rewrittenChains(t *testing.T, l *fixture) {
	l.full(t)
	before, err := l.Head(t.Context())
	require.NoError(t, err)
	conn := l.editor(t)
	var events []struct {
		Sequence int64
		Hash     string
	}
	require.NoError(t, conn.SelectContext(t.Context(), &events, "SELECT sequence, hash FROM event ORDER BY sequence"))
	last := events[len(events)-1]
	require.NoError(t, conn.edit(t.Context(), "DELETE FROM event WHERE kind = 'report'"))
	require.NoError(t, conn.edit(t.Context(), "UPDATE run SET reported_at = NULL"))
	end := events[len(events)-2]
	require.NoError(t, conn.edit(t.Context(), "UPDATE chain_head SET sequence = ?, hash = ?", end.Sequence, end.Hash))
	require.False(t, l.found(t), "the tail was cut together with the head, and with all that it recorded")
	has, err := l.HasHead(t.Context(), before)
	require.NoError(t, err)
	require.False(t, has)
	require.Equal(t, before, ledger.ChainHead{Sequence: last.Sequence, Hash: last.Hash})

	l.batch(t, "b")
	has, err = l.HasHead(t.Context(), before)
	require.NoError(t, err)
	require.False(t, has, "also once the chain is as long as it was")
}
