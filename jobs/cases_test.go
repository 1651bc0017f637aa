package jobs_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// TestFilesOfPeopleAreImported imports the files of testdata/intake/cases into a ledger that knows
// their customers, and compares the outcome of their rows with the manifest.
func TestFilesOfPeopleAreImported(t *testing.T) {
	t.Parallel()
	const folder = "../testdata/intake/cases"
	var manifest struct {
		Files []struct {
			File   string
			Expect *struct {
				Rows, Queued, Refused, Duplicates int
				AlreadyKnown                      int `json:"already_known"`
			}
			MayRefuse bool `json:"refusal_of_the_file_is_right_too"`
		}
	}
	content, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &manifest))
	for _, c := range manifest.Files {
		if c.Expect == nil {
			continue // the tests of the intake read them
		}
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			file, err := intake.Open(filepath.Join(folder, c.File), intake.Options{AsOf: today})
			if _, refused := errors.AsType[*intake.FileError](err); refused && c.MayRefuse {
				return
			}
			require.NoError(t, err)
			defer file.Close()
			lab := newImportLab(t)
			names := companyNames(t, filepath.Join(folder, c.File))
			lab.job.LookUp = func(_ context.Context, _ ledger.Partner, id string) (standing.Customer, bool, error) {
				return standing.Customer{ID: id, Name: names[id], Relationship: "reseller"}, true, nil
			}
			b, err := lab.job.Run(t.Context(), file, c.File, lab, today, true, unreported)
			require.NoError(t, err)
			require.Equal(t, *c.Expect, struct {
				Rows, Queued, Refused, Duplicates int
				AlreadyKnown                      int `json:"already_known"`
			}{b.Rows, b.Queued, b.Refused, b.Duplicates, b.AlreadyKnown})
		})
	}
}

// companyNames are the names of the customers, which a file gives as Partner Center does: those of
// other files are made of the customer's number in the signer's address.
func companyNames(t *testing.T, path string) map[string]string {
	t.Helper()
	names := map[string]string{}
	file, err := intake.Open(path, intake.Options{AsOf: today})
	require.NoError(t, err)
	defer file.Close()
	for row, err := range file.Rows() {
		require.NoError(t, err)
		_, host, _ := strings.Cut(row.Record.Email, "@c")
		number, _, _ := strings.Cut(host, ".")
		names[row.Record.TenantID] = "Customer " + number + " Ltd"
	}
	if !strings.HasPrefix(filepath.Base(path), "company_names") {
		return names
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(content), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		names[row[0]] = row[5]
	}
	return names
}
