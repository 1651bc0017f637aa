package workbookaudit

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func (b workbook) about(t testing.TB, v View) {
	t.Helper()
	head, rows := b.section(t, "About", "Runs")
	got := map[string]string{}
	for _, row := range rows {
		for i, fact := range head[1:] {
			got[row[0]+" "+fact] = cell(row, i+1)
		}
	}
	for _, p := range v.partners {
		var against any // of a first run there is none
		if p.against != nil {
			against = p.against.number("id")
		}
		direct := map[bool]string{true: "yes", false: "no"}[p.run.yes("trust_direct")]
		for fact, want := range map[string]any{
			"Run": p.run.number("id"), "State": word{"completed", "Completed"}, "Changes counted from run": against,
			"Started": p.run.when("started_at"), "Finished": p.run.when("finished_at"),
			"Oldest reading": p.run.when("oldest_reading"), "Duration": p.run["seconds"].(float64) / 86400,
			"API calls": p.run.number("requests"), "Retries": p.run.number("retries"),
			"Throttled (429)": p.run.number("throttled"), "Attempts": p.run.number("attempt"),
			"Policy: accepted since": day(p.run.text("accepted_since")), "Policy: direct acceptance counts": direct,
			"Program version": p.run.text("version"), "MS-CorrelationId": p.run.text("correlation_id"),
		} {
			raw, known := got[p.name+" "+fact]
			if !assert.True(t, known, "About says nothing of %s of %s", fact, p.name) {
				continue
			}
			assert.Empty(t, v.differs(want, raw, kindOf(want)), "About, %s of %s", fact, p.name)
			delete(got, p.name+" "+fact)
		}
	}
	assert.Empty(t, got, "About has more facts than the auditor knows")
	b.heads(t, v)
}

// heads are the last events of the batches.
func (b workbook) heads(t testing.TB, v View) {
	t.Helper()
	if len(v.batches) == 0 {
		return
	}
	var want [][]string
	for _, batch := range slices.Backward(v.batches) {
		events, hash := 0, ""
		for _, e := range v.events {
			if e.number("batch_id") == batch.number("id") {
				events, hash = events+1, e.text("hash")
			}
		}
		plural := "s"
		if events == 1 {
			plural = ""
		}
		want = append(want, []string{strconv.Itoa(batch.number("id")), batch.text("file_name"), "", "", "", "",
			fmt.Sprintf("%d event%s: %s", events, plural, hash)})
	}
	_, rows := b.section(t, "About", "Files of attestations, and the last event of each")
	assert.Equal(t, want, rows, "About, files of attestations")
}

// digest is the sum that About prints.
func (b workbook) digest(t testing.TB) string {
	t.Helper()
	for _, row := range b.rows["About"] {
		if cell(row, 0) == "SHA-256 of the data" {
			return row[4]
		}
	}
	t.Fatal("About has no sum")
	return ""
}
