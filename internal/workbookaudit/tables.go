package workbookaudit

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// record is a row of a table by column.
type record map[string]any

func (r record) text(column string) string {
	text, _ := r[column].(string)
	return text
}

func (r record) number(column string) int {
	n, _ := r[column].(int64)
	return int(n)
}

func (r record) yes(column string) bool {
	yes, _ := r[column].(bool)
	return yes || r.number(column) == 1 // SQLite has no truth, only numbers
}

// when is an instant; zero where the column is NULL.
func (r record) when(column string) time.Time {
	when, _ := r[column].(time.Time)
	return when.UTC()
}

// db is the whole database in memory.
type db struct {
	runs, checks, standings, batches, attestations, people, events, purchases, subscriptions, associations, resellers,
	exceptions, invitations []record
}

func read(t testing.TB, address string) (l db) {
	t.Helper()
	driver := "postgres"
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+path
	}
	db, err := sql.Open(driver, address)
	require.NoError(t, err)
	defer db.Close()
	var requests []record
	for statement, rows := range map[string]*[]record{
		"SELECT * FROM run ORDER BY id":                                                                    &l.runs,
		"SELECT * FROM run_check ORDER BY run_id, position":                                                &l.checks,
		"SELECT * FROM standing ORDER BY valid_from":                                                       &l.standings,
		"SELECT * FROM batch ORDER BY id":                                                                  &l.batches,
		"SELECT * FROM attestation ORDER BY batch_id, line":                                                &l.attestations,
		"SELECT * FROM attestation_signer ORDER BY batch_id, line":                                         &l.people,
		"SELECT * FROM attestation_request ORDER BY number":                                                &requests,
		"SELECT * FROM event ORDER BY sequence":                                                            &l.events,
		"SELECT * FROM customer_subscriptions ORDER BY since":                                              &l.purchases,
		"SELECT * FROM customer_subscription ORDER BY since, position":                                     &l.subscriptions,
		"SELECT * FROM customer_reseller ORDER BY since":                                                   &l.associations,
		"SELECT * FROM reseller ORDER BY since":                                                            &l.resellers,
		"SELECT x.*, e.at, e.actor FROM exception x JOIN event e ON e.sequence = x.event ORDER BY x.event": &l.exceptions,
		"SELECT i.*, e.at, e.actor, r.outcome, r.reason FROM invitation i JOIN event e ON e.sequence = i.event " +
			"LEFT JOIN invitation_result r ON r.invitation = i.event ORDER BY i.event": &l.invitations,
	} {
		*rows = records(t, db, statement)
	}
	for _, a := range l.attestations {
		a.requested(requests)
	}
	return l
}

// requested adds to an attestation what its requests say.
func (r record) requested(requests []record) {
	for _, q := range requests {
		if q.number("batch_id") != r.number("batch_id") || q.number("line") != r.number("line") {
			continue
		}
		r["request_id"] = q["request_id"]
		if q.text("kind") != "read" && r["sent_at"] == nil {
			r["sent_at"] = q["sent_at"]
		}
		for _, column := range []string{"answered_at", "reason", "message", "answer_status", "answer_code",
			"answer_request_id", "answer_correlation_id"} {
			r[column] = q[column]
		}
	}
	if r.number("open_request") > 0 {
		r["state"], r["reason"] = "unsure", "not_settled"
	}
}

func records(t testing.TB, db *sql.DB, statement string) (all []record) {
	t.Helper()
	rows, err := db.Query(statement)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		r := record{}
		for i, column := range columns {
			if text, ok := values[i].([]byte); ok {
				values[i] = string(text)
			}
			r[column] = values[i]
		}
		all = append(all, r)
	}
	require.NoError(t, rows.Err())
	return all
}
