package intake

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the .want files of testdata/intake with what is read now")

const corpus = "../../testdata/intake"

// optionsOf are the options by which a file of the corpus is read; few need other than the usual
// ones.
func optionsOf(name string) Options {
	o := Options{AsOf: asOf}
	switch {
	case strings.Contains(name, "asked_for_dmy"):
		o.Dates = DayFirst
	case strings.Contains(name, "enhanced_route"):
		o.DateOptional = true
	case strings.Contains(name, "evidence"):
		o.EvidenceRequired = true
	}
	return o
}

// corpusFiles are the files of the corpus, without what is expected of them.
func corpusFiles(tb testing.TB) []string {
	tb.Helper()
	all, err := filepath.Glob(filepath.Join(corpus, "*_*"))
	require.NoError(tb, err)
	var files []string
	for _, path := range all {
		if filepath.Ext(path) != ".want" {
			files = append(files, path)
		}
	}
	return files
}

// TestCorpus reads every file of testdata/intake and compares what was understood with the .want
// file beside it. `go test ./internal/intake -run Corpus -update` rewrites those; look at what
// changed.
func TestCorpus(t *testing.T) {
	if *update {
		writeWorkbooks(t)
	}
	files := corpusFiles(t)
	require.GreaterOrEqual(t, len(files), 60)
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			got, verdict := understood(t, path)
			require.True(t, strings.HasPrefix(name, verdict), "the file's name says otherwise: %s", verdict)
			if *update {
				require.NoError(t, os.WriteFile(path+".want", []byte(got), 0o644))
			}
			want, err := os.ReadFile(path + ".want")
			require.NoError(t, err, "no expectation yet: run with -update, and read what it wrote")
			require.Equal(t, string(want), got)
		})
	}
}

// understood is everything that is read from a file, as text, and the verdict in one word.
func understood(t *testing.T, path string) (text, verdict string) {
	t.Helper()
	f, err := Open(path, optionsOf(filepath.Base(path)))
	if wrong, ok := errors.AsType[*FileError](err); ok {
		wrong.File = filepath.Base(path)
		return fmt.Sprintf("file error %s\n%s\n", wrong.Code, wrong), "file_error"
	}
	require.NoError(t, err)
	defer f.Close()

	var b strings.Builder
	u := f.Understanding()
	fmt.Fprintf(&b, "%+v\n", f.Format())
	for _, note := range u.Sentences() {
		fmt.Fprintln(&b, "note:", note)
	}
	good, refused, skipped := 0, 0, 0
	for row, err := range f.Rows() {
		require.NoError(t, err)
		switch {
		case row.Skip != "":
			skipped++
			fmt.Fprintf(&b, "line %d skipped: %s\n", row.Line, row.Skip)
		case len(row.Refusals) > 0:
			refused++
			fmt.Fprintf(&b, "line %d refused\n", row.Line)
			for _, r := range row.Refusals {
				require.Equal(t, row.Line, r.Line)
				fmt.Fprintf(&b, "\t%s %s: %q: %s. %s\n", r.Reason, r.Column, r.Value, r.Message, r.Hint)
			}
		default:
			good++
			fmt.Fprintf(&b, "line %d good%s\n", row.Line, fields(row.Record))
		}
	}
	fmt.Fprintf(&b, "rows %d = good %d + refused %d; not rows %d\n", good+refused, good, refused, skipped)
	if refused > 0 {
		return b.String(), "refused"
	}
	return b.String(), "ok"
}

// fields are the fields of a record that are not empty.
func fields(r Record) string {
	var b strings.Builder
	for _, field := range []struct{ name, value string }{
		{"tenant", r.TenantID}, {"domain", r.Domain}, {"first", r.FirstName}, {"last", r.LastName}, {"email", r.Email},
		{"date", string(r.DateAgreed)}, {"phone", r.Phone}, {"company", r.CompanyName}, {"country", r.Country},
		{"language", r.Language}, {"evidence", r.Evidence}, {"note", r.Note},
	} {
		if field.value != "" {
			fmt.Fprintf(&b, " %s=%q", field.name, field.value)
		}
	}
	if r.Held {
		b.WriteString(" held")
	}
	return b.String()
}
