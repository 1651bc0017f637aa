package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/workbookaudit"
)

// report makes a workbook of the newest runs and compares all of it.
func (s *session) report(name string, code int) workbookaudit.Edition {
	path := s.file(name + ".xlsx")
	s.does(code, "report", "--out", path)
	e := workbookaudit.Open(s.T, path, name, s.view())
	s.books = append(s.books, e)
	s.sub(name, func(t *testing.T) {
		t.Helper()
		var other *workbookaudit.Formats
		if s.formats {
			other = &workbookaudit.Formats{JSON: s.exports(t, code, name+".json", "--format", "json"),
				CSV: func(t *testing.T, sheet string) []byte {
					t.Helper()
					return s.exports(t, code, name+"."+sheet+".csv", "--format", "csv", "--sheet", sheet)
				}}
		}
		e.Audit(t, other)
	})
	return e
}

// exports makes a report in another format.
func (s *session) exports(t *testing.T, code int, file string, flags ...string) []byte {
	t.Helper()
	s.in(t, func() { s.does(code, append([]string{"report", "--out", s.file(file)}, flags...)...) })
	content, err := os.ReadFile(s.file(file))
	require.NoError(t, err)
	return content
}

// again makes the workbook of an earlier run once more, by the run of each partner.
func (s *session) again(t *testing.T, then workbookaudit.Edition) {
	t.Helper()
	for _, run := range then.Runs() {
		then.Same(t, s.reportOf(then.Name+" again, by run "+strconv.Itoa(run), then.View, run))
	}
}

// reportOf makes a workbook of a run that is not the newest.
func (s *session) reportOf(name string, v workbookaudit.View, run int, flags ...string) workbookaudit.Edition {
	s.Helper()
	path := s.file(name + ".xlsx")
	s.does(exitDone, append([]string{"report", "--run", strconv.Itoa(run), "--out", path}, flags...)...)
	return workbookaudit.Open(s.T, path, name, v)
}

// against counts changes from runs that are not neighbours: of the newest run, and of past ones.
func (s *session) against(t *testing.T) {
	t.Helper()
	first := s.books[0]
	for _, then := range s.books[1:4] {
		v := then.Against(first.View)
		s.reportOf(then.Name+" against", v, v.Runs()[0], "--against", strconv.Itoa(first.Runs()[0])).AuditChanges(t)
	}
}

// covered demands that the session had something of everything.
func (s *session) covered() {
	for kind, words := range map[string]string{
		"states": "already_known already_on_record approved cancelled confirmed duplicate failed queued refused " +
			"refused_by_microsoft unsure",
		"reasons": "accepted_directly attested never_accepted not_a_reseller_customer not_found outdated " +
			"relationship_ended unreadable",
		"changes": "gone new newly_blocked newly_clear newly_unknown read_again",
		"answers": "accepted attested open not_a_customer",
	} {
		seen := map[string]bool{}
		for _, e := range s.books {
			for word := range e.Words()[kind] {
				seen[word] = true
			}
		}
		for _, word := range strings.Fields(words) {
			assert.True(s, seen[word], "no workbook has %s among its %s", word, kind)
		}
	}
}
