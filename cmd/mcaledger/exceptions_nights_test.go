package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// Exceptions are set, edited, imported and removed in the course of ten nights; they expire,
// one is accepted again, and one is of a customer who leaves. Every morning's report shows what
// was decided until then, and nothing else.
func TestExceptionsThroughTenNights(t *testing.T) {
	t.Parallel()
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sessionOf(t, address, simulator.Options{Seed: 19, Customers: 100, AsOf: firstNight},
				simulator.Options{Seed: 110, Customers: 5, AsOf: firstNight})
			m := mornings{session: s, decided: map[string]*decision{}}
			m.live()
		})
	}
}

// decision is what the people of this test decided about a customer.
type decision struct{ owner, due, until, comment string }

// status is what a decision is on a day, as docs/exceptions.md says it.
func (d decision) status(today string) string {
	switch {
	case d.until != "" && d.until < today:
		return "expired"
	case d.due != "" && d.due < today:
		return "overdue"
	case d.until != "":
		return "accepted"
	}
	return "open"
}

// mornings is a session of ten nights with the decisions that are in force.
type mornings struct {
	*session
	decided map[string]*decision // by tenant id
	seen    map[string]bool      // statuses
	left    bool                 // the customer who leaves was seen as no customer
}

func (m *mornings) live() {
	stay, leaves := m.customers(4)
	a, b, c, d := stay[0].TenantID, stay[1].TenantID, stay[2].TenantID, stay[3].TenantID
	m.seen = map[string]bool{}
	date := func(night int) string { return firstNight.AddDate(0, 0, night-1).Format(time.DateOnly) }
	for night := 1; night <= 10; night++ {
		m.night(night, exitDone, firstNight.AddDate(0, 0, night-1).Format(time.DateTime))
		switch night {
		case 1:
			m.set(a, decision{owner: "Ana", due: date(3)})
			m.set(b, decision{until: date(4), comment: "winds down"})
			m.set(leaves.TenantID, decision{owner: "Bea", until: date(9)})
		case 3:
			m.set(a, decision{owner: "Ana", due: date(8), comment: "called"})
		case 4:
			m.set(c, decision{owner: "Carl"})
		case 6:
			m.set(b, decision{until: date(10), comment: "one more week"})
		case 7:
			m.does(exitDone, "exceptions", "remove", c, "--by", "carl")
			delete(m.decided, c)
		case 8:
			m.imports(c, d, date(9))
		}
		m.check(night, date(night))
	}
	for _, status := range []string{"open", "overdue", "expired", "accepted"} {
		assert.True(m, m.seen[status], status)
	}
	assert.True(m, m.left)
}

// customers are some who stay blocked for ten nights, and one who is blocked and leaves.
func (m *mornings) customers(least int) (stay []simulator.Customer, leaves simulator.Customer) {
	for i := range m.contoso.World().Customers {
		kept, listed := true, 0
		var first simulator.Customer
		for n := 1; n <= 10; n++ {
			world := m.contoso.World()
			world.Night = n
			c := world.Customer(i)
			if n == 1 {
				first = c
			}
			kept = kept && c.Kind == simulator.NeverAccepted
			if world.Listed(i) && listed == n-1 {
				listed = n
			}
		}
		switch {
		case kept && listed == 10:
			stay = append(stay, first)
		case first.Kind == simulator.NeverAccepted && 1 < listed && listed < 9:
			leaves = first
		}
	}
	require.GreaterOrEqual(m, len(stay), least)
	require.NotEmpty(m, leaves.TenantID)
	return stay, leaves
}

func (m *mornings) set(customer string, d decision) {
	m.Helper()
	m.does(exitDone, "exceptions", "set", customer, "--by", "carl", "--owner", d.owner, "--due", d.due,
		"--accepted-until", d.until, "--comment", d.comment)
	m.decided[customer] = &d
}

// imports sets two exceptions by a file.
func (m *mornings) imports(one, other, due string) {
	m.Helper()
	path := m.file("exceptions.csv")
	text := fmt.Sprintf("customer_tenant_id,owner,due_date,comment,accepted_until\n%s,Eva,%s,,\n%s,,,\"two, "+
		"lines\",%[2]s\n", one, due, other)
	require.NoError(m, os.WriteFile(path, []byte(text), 0o600))
	m.does(exitDone, "exceptions", "import", "--by", "eva", path)
	m.decided[one] = &decision{owner: "Eva", due: due}
	m.decided[other] = &decision{until: due, comment: "two, lines"}
}

// check compares the morning's report with what was decided.
func (m *mornings) check(night int, today string) {
	m.Helper()
	path := m.file("exceptions.json")
	m.does(exitDone, "report", "--format", "json", "--sheet", "Exceptions", "--sheet", "Blocked", "--out", path)
	text, err := os.ReadFile(path)
	require.NoError(m, err)
	var found struct {
		Sheets map[string][]map[string]any
	}
	require.NoError(m, json.Unmarshal(text, &found))
	said := func(row map[string]any) decision {
		word := func(key string) string { s, _ := row[key].(string); return s }
		return decision{word("owner"), word("due_date"), word("accepted_until"), word("comment")}
	}
	rank := []string{"expired", "overdue", "open", "accepted"}
	last := 0
	for _, row := range found.Sheets["exceptions"] {
		want := m.decided[row["tenant_id"].(string)]
		require.NotNil(m, want, "night %d: %v", night, row)
		assert.Equal(m, *want, said(row), "night %d", night)
		status := want.status(today)
		assert.Equal(m, status, row["exception"], "night %d: %v", night, row)
		m.seen[status] = true
		m.left = m.left || row["standing"] == nil
		at := slices.Index(rank, status)
		assert.GreaterOrEqual(m, at, last, "night %d: the most urgent first", night)
		last = at
	}
	assert.Len(m, found.Sheets["exceptions"], len(m.decided), "night %d", night)
	for _, row := range found.Sheets["blocked"] {
		want, ok := m.decided[row["tenant_id"].(string)]
		if !ok {
			want = &decision{}
			assert.Nil(m, row["exception"])
		}
		assert.Equal(m, *want, said(row), "night %d, on Blocked", night)
	}
}
