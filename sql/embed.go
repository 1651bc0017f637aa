// Package sql holds every statement of the ledger: the migrations of each database, and the queries, which are one text
// for both. It is a Go package only so that go:embed can reach the files.
package sql

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed postgres sqlite queries.sql
var files embed.FS

// Dialect is one of the two databases.
type Dialect struct {
	Name       string
	now        string // the database's own clock, in seconds of the Unix epoch
	skipLocked string // how a worker passes over what another one is about to take; SQLite has one writer at a time
}

var (
	Postgres = Dialect{Name: "postgres", now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
		skipLocked: "FOR UPDATE SKIP LOCKED"}
	SQLite = Dialect{Name: "sqlite", now: "unixepoch('subsec')"}
)

// Migrations are the schema's steps, numbered in the order in which they apply.
func (d Dialect) Migrations() (fs.FS, error) { return fs.Sub(files, d.Name+"/migrations") }

// Queries are the named statements of queries.sql, with named parameters (:customer), and the parts that some of them share put in.
func (d Dialect) Queries() (map[string]string, error) {
	text, err := files.ReadFile("queries.sql")
	if err != nil {
		return nil, err
	}
	queries := map[string]string{}
	for _, part := range strings.Split(string(text), "-- name: ")[1:] {
		name, query, _ := strings.Cut(part, "\n")
		if _, twice := queries[name]; twice {
			return nil, fmt.Errorf("queries.sql: two queries are called %q", name)
		}
		queries[name] = d.words().Replace(withoutComments(query))
	}
	var parts []string
	for name, query := range queries {
		parts = append(parts, "{{"+name+"}}", query)
	}
	within := strings.NewReplacer(parts...)
	for name, query := range queries {
		queries[name] = within.Replace(query)
	}
	return queries, nil
}

// words are what the two databases say differently.
func (d Dialect) words() *strings.Replacer {
	return strings.NewReplacer("{{now}}", d.now, "{{for update skip locked}}", d.skipLocked)
}

// withoutComments drops whole-line comments, whose colons would be taken for parameters.
func withoutComments(query string) string {
	var kept []string
	for line := range strings.Lines(query) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}
