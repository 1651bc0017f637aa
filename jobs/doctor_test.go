//go:build unix

package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

// sickService is a partner's service of which single calls fail.
type sickService struct {
	customers  int
	agreements map[string]error // by customer
	attest     error
	asked      []string
}

func (s *sickService) CheckToken(context.Context) error          { return nil }
func (s *sickService) CheckAttest(context.Context, string) error { return s.attest }
func (s *sickService) CheckEnhanced(context.Context) error       { return s.attest }
func (s *sickService) Clock() (time.Time, bool)                  { return today, true }
func (s *sickService) Close()                                    {}

func (s *sickService) Customers(context.Context) iter.Seq2[[]standing.Customer, error] {
	return func(yield func([]standing.Customer, error) bool) {
		page := []standing.Customer{{ID: "not ours", Relationship: "none"}}
		for i := range s.customers {
			page = append(page, standing.Customer{ID: fmt.Sprint("c", i), DisplayID: fmt.Sprint("c", i),
				Relationship: standing.Reseller})
		}
		yield(page, nil)
	}
}

func (s *sickService) Agreements(_ context.Context, id string) ([]standing.Agreement, error) {
	s.asked = append(s.asked, id)
	return nil, s.agreements[id]
}

func (s *sickService) DirectAcceptance(context.Context, string) (bool, error) { return false, nil }

// gone is what the service says of a customer that has left.
type gone struct{}

func (gone) Error() string                 { return "no relationship" }
func (gone) Fatal() bool                   { return false }
func (gone) Outcome() standing.Outcome     { return standing.OutcomeRelationshipEnded }
func (gone) ReadError() standing.ReadError { return standing.ReadError{} }

// healthyDatabase is a database without faults.
type healthyDatabase struct{ missing []string }

func (healthyDatabase) Schema(context.Context) (have, know int64, err error) { return 4, 4, nil }
func (healthyDatabase) Now(context.Context) (time.Time, error) {
	return today.Add(30 * time.Second), nil
}
func (d healthyDatabase) MissingRights(context.Context) (m []string, err error) {
	return d.missing, nil
}
func (healthyDatabase) Damage(context.Context) ([]string, error) { return nil, nil }
func (healthyDatabase) Close() error                             { return nil }

// examine returns the grade and message of each check.
func examine(t *testing.T,
	change func(*jobs.Doctor, *sickService)) (grades map[string]jobs.Grade, texts map[string]string, err error) {
	t.Helper()
	service := &sickService{customers: 7}
	doctor := jobs.Doctor{Now: func() time.Time { return today }, Found: func(jobs.Finding) {}, Route: "classic",
		Partners: []jobs.DoctorPartner{{Partner: jobs.Partner{Partner: partner}}},
		Database: func(context.Context) (jobs.DoctorDatabase, error) { return healthyDatabase{}, nil },
		Service:  func(jobs.DoctorPartner) (jobs.DoctorService, error) { return service, nil }}
	change(&doctor, service)
	findings, err := doctor.Run(t.Context())
	grades, texts = map[string]jobs.Grade{}, map[string]string{}
	for _, f := range findings {
		grades[f.Check], texts[f.Check] = f.Grade, f.Message
		require.Equal(t, f.Grade != jobs.GradeOK, f.Hint != "", "%+v: whatever is not fine has a hint", f)
	}
	return grades, texts, err
}

func TestDoctorPartner(t *testing.T) {
	t.Parallel()
	grades, _, err := examine(t, func(*jobs.Doctor, *sickService) {})
	require.NoError(t, err)
	require.NotContains(t, grades, jobs.GradeFail)
	require.Len(t, grades, 12)

	grades, _, err = examine(t, func(_ *jobs.Doctor, s *sickService) {
		s.agreements = map[string]error{"c0": gone{}, "c1": gone{}}
	})
	require.NoError(t, err, "that customers left is no fault of the partner")
	require.Equal(t, jobs.GradeOK, grades["contoso: agreements"])

	grades, _, err = examine(t, func(_ *jobs.Doctor, s *sickService) {
		s.customers, s.agreements = 2, map[string]error{"c0": gone{}, "c1": gone{}}
	})
	require.NoError(t, err)
	require.Equal(t, jobs.GradeWarn, grades["contoso: agreements"])

	grades, _, err = examine(t, func(_ *jobs.Doctor, s *sickService) { s.attest = hinted{"retired"} })
	require.ErrorContains(t, err, "1 of 12 checks failed")
	require.Equal(t, jobs.GradeFail, grades["contoso: attestations"])

	grades, _, err = examine(t, func(d *jobs.Doctor, _ *sickService) {
		d.Database = func(context.Context) (jobs.DoctorDatabase, error) {
			return healthyDatabase{missing: []string{"INSERT on run"}}, nil
		}
	})
	require.Error(t, err)
	require.Equal(t, jobs.GradeFail, grades["rights in the database"])
}

// hinted is an error with a hint.
type hinted struct{ text string }

func (h hinted) Error() string { return h.text }
func (h hinted) Code() string  { return "x" }
func (h hinted) Hint() string  { return "a hint" }

func TestDoctorFolders(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		folder jobs.DoctorFolder
		grade  jobs.Grade
	}{
		"that is there": {jobs.DoctorFolder{Path: folder}, jobs.GradeOK},
		"that the first run makes": {jobs.DoctorFolder{Path: filepath.Join(folder, "new"), Made: true},
			jobs.GradeOK},
		"that cannot be made": {jobs.DoctorFolder{Path: filepath.Join(folder, "no", "new"),
			Made: true}, jobs.GradeFail},
		"that nobody needs": {jobs.DoctorFolder{Path: filepath.Join(folder, "new"), Optional: true},
			jobs.GradeOK},
		"that is missing": {jobs.DoctorFolder{Path: filepath.Join(folder, "new")},
			jobs.GradeFail},
		"that is a file":                        {jobs.DoctorFolder{Path: file}, jobs.GradeFail},
		"that is a file, and would be optional": {jobs.DoctorFolder{Path: file, Optional: true}, jobs.GradeFail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.folder.Key = "folder"
			grades, _, err := examine(t, func(d *jobs.Doctor, _ *sickService) {
				d.Offline, d.Folders = true, []jobs.DoctorFolder{c.folder}
			})
			require.Equal(t, c.grade, grades["folder"])
			require.Equal(t, c.grade == jobs.GradeFail, err != nil)
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing is made")
		})
	}
}

func TestDoctorTokenAndSecrets(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, nil, 0o600))
	for days, want := range map[int]struct {
		grade jobs.Grade
		text  string
	}{0: {jobs.GradeOK, "90 days"}, 75: {jobs.GradeOK, "15 days"}, 77: {jobs.GradeWarn, "lapses in 13 days"},
		91: {jobs.GradeWarn, "more than 90 days ago"}} {
		then := today.Add(-time.Duration(days) * 24 * time.Hour)
		require.NoError(t, os.Chtimes(token, then, then))
		grades, texts, err := examine(t, func(d *jobs.Doctor, _ *sickService) {
			d.Partners[0].TokenFile, d.Secrets = token, []jobs.DoctorFile{{Key: "secret", Path: token}}
		})
		require.NoError(t, err)
		require.Equal(t, want.grade, grades["contoso: refresh token"], days)
		require.Contains(t, texts["contoso: refresh token"], want.text)
		require.NotContains(t, grades, "secret")
	}
	link, then := filepath.Join(t.TempDir(), "link"), today.Add(-80*24*time.Hour)
	require.NoError(t, os.Symlink(token, link))
	require.NoError(t, os.Chtimes(token, then, then))
	grades, _, err := examine(t, func(d *jobs.Doctor, _ *sickService) { d.Partners[0].TokenFile = link })
	require.NoError(t, err)
	require.Equal(t, jobs.GradeWarn, grades["contoso: refresh token"], "of the file that the link leads to")
	require.NoError(t, os.Chmod(filepath.Dir(token), 0o500))
	grades, _, err = examine(t, func(d *jobs.Doctor, _ *sickService) { d.Partners[0].TokenFile = token })
	require.NoError(t, err)
	if os.Geteuid() != 0 { // who may write everywhere
		require.Equal(t, jobs.GradeWarn, grades["contoso: refresh token"])
	}
	require.NoError(t, os.Chmod(filepath.Dir(token), 0o700))
	require.NoError(t, os.Chmod(token, 0o604))
	grades, _, err = examine(t, func(d *jobs.Doctor, _ *sickService) {
		d.Secrets = []jobs.DoctorFile{{Key: "secret", Path: token}, {Key: "missing", Path: token + "x"}}
	})
	require.NoError(t, err)
	require.Equal(t, jobs.GradeWarn, grades["secret"])
	require.NotContains(t, grades, "missing")
}

func TestDoctorDatabaseIsNotMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ledger.db")
	grades, _, err := examine(t, func(d *jobs.Doctor, _ *sickService) {
		d.Ledger = file
		d.Database = func(context.Context) (jobs.DoctorDatabase, error) { return nil, errors.New("it was opened") }
	})
	require.NoError(t, err)
	require.Equal(t, jobs.GradeOK, grades["database"])
}
