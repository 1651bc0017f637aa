package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// caseFile is a file of testdata/intake/cases with what a sensible person expects of it; see
// "about" in its manifest.
type caseFile struct {
	File   string
	Why    string
	Expect *struct {
		Rows, Queued, Refused, Duplicates int
	}
	Truth      string
	MaySay     bool   `json:"refusal_of_the_file_is_right_too"`
	MustSay    string `json:"must_say"`
	MustNotSay string `json:"must_not_say"`
}

type manifest struct {
	Truths map[string][][]string
	Files  []caseFile
}

const cases = corpus + "/cases"

// TestCases reads the files of other programs and people. No row may say something else than its
// truth.
func TestCases(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(cases, "manifest.json"))
	require.NoError(t, err)
	var all manifest
	require.NoError(t, json.Unmarshal(content, &all))
	require.Len(t, all.Files, 30)
	for _, c := range all.Files {
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			rows, said, fileRefused := readCase(t, filepath.Join(cases, c.File))
			t.Log(said)
			truth := map[string]string{}
			for _, row := range all.Truths[c.Truth] {
				truth[row[0]] = norm.NFC.String(strings.Join(row, " "))
			}
			counted, good := 0, map[string]int{}
			for _, row := range rows {
				if row.Skip != "" {
					continue
				}
				counted++
				if r := row.Record; len(row.Refusals) == 0 {
					require.Equal(t, truth[r.TenantID], fmt.Sprintf("%s %s %s %s %s", r.TenantID, r.FirstName,
						r.LastName, r.Email, r.DateAgreed), c.Why)
					good[r.TenantID]++
				}
			}
			if c.MustSay != "" && (c.Expect == nil || c.Expect.Refused > 0) {
				require.Regexp(t, regexp.MustCompile(c.MustSay), said)
			}
			if c.MustNotSay != "" {
				require.NotRegexp(t, regexp.MustCompile(c.MustNotSay), said)
			}
			if c.Expect == nil || fileRefused && c.MaySay {
				return
			}
			require.False(t, fileRefused, said)
			require.Equal(t, c.Expect.Rows, counted, c.Why)
			require.Len(t, good, c.Expect.Queued, c.Why)
			require.Equal(t, c.Expect.Rows-c.Expect.Refused-c.Expect.Duplicates, len(good))
		})
	}
}

// readCase returns the rows of a file and everything that is said about it.
func readCase(t *testing.T, path string) (rows []Row, said string, refused bool) {
	t.Helper()
	f, err := Open(path, Options{AsOf: asOf})
	if wrong, ok := errors.AsType[*FileError](err); ok {
		return nil, wrong.Error(), true
	}
	require.NoError(t, err)
	defer f.Close()
	u, err := json.Marshal(f.Understanding())
	require.NoError(t, err)
	said = string(u) + "\n" + strings.Join(f.Understanding().Sentences(), "\n")
	rows, err = collected(f.Rows())
	require.NoError(t, err)
	for _, row := range rows {
		for _, r := range row.Refusals {
			said += "\n" + r.String()
		}
	}
	return rows, said, false
}
