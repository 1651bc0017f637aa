package jobs_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

// codedError is an error of the service with a code.
type codedError struct{ code string }

func (e codedError) Error() string { return "answered " + e.code }
func (e codedError) Code() string  { return e.code }
func (e codedError) Hint() string  { return "the hint of " + e.code }

// loginService gives a new refresh token with each use, as the token server does.
type loginService struct {
	list       error
	customers  int
	agreements map[string]error
	closed     bool
}

func (s *loginService) RefreshToken() string { return "newer-token" }
func (s *loginService) Close()               { s.closed = true }

func (s *loginService) Customers(context.Context) iter.Seq2[[]standing.Customer, error] {
	return func(yield func([]standing.Customer, error) bool) {
		var page []standing.Customer
		for i := range s.customers {
			page = append(page, standing.Customer{ID: string(rune('a' + i)), Relationship: standing.Reseller})
		}
		yield(page, s.list)
	}
}

func (s *loginService) Agreements(_ context.Context, id string) ([]standing.Agreement, error) {
	return nil, s.agreements[id]
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		service        loginService
		signIn         error
		code           string // of the error; empty: none
		saved          bool
		agreementsRead bool
	}{
		"the user may do all that a night does": {service: loginService{customers: 3}, saved: true,
			agreementsRead: true},
		"there is no customer yet": {saved: true},
		"one customer cannot be read, for reasons of its own": {saved: true, agreementsRead: true,
			service: loginService{customers: 3, agreements: map[string]error{"a": gone{},
				"b": codedError{"role_missing"}}}},
		"nobody signed in": {signIn: codedError{"sign_in_failed"}, code: "sign_in_failed"},
		"a role is missing": {service: loginService{list: codedError{"role_missing"}},
			code: "role_missing"},
		"a role is missing, and a user": {service: loginService{list: codedError{"forbidden"}}, code: "forbidden"},
		"no agreement can be read": {code: "role_missing", service: loginService{customers: 2,
			agreements: map[string]error{"a": codedError{"role_missing"}, "b": codedError{"role_missing"}}}},
		"Microsoft does not see the second factor": {service: loginService{list: codedError{"mfa_missing"}},
			code: "mfa_missing"},
		"Microsoft is out of order": {service: loginService{list: codedError{"unavailable"}},
			code: "not_tried", saved: true},
		"Microsoft is out of order half-way": {saved: true, code: "not_tried",
			service: loginService{customers: 2, agreements: map[string]error{"a": codedError{"throttled"}}}},
		"all customers have left": {saved: true, code: "not_tried",
			service: loginService{customers: 2, agreements: map[string]error{"a": gone{}, "b": gone{}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "token")
			saved := ""
			got, err := jobs.Login{
				TokenFile: file,
				SignIn: func(context.Context) (jobs.SignedIn, error) {
					return jobs.SignedIn{RefreshToken: "token", User: "ana@contoso.example"}, c.signIn
				},
				Service: func(token string) (jobs.LoginService, error) {
					require.Equal(t, "token", token)
					return &c.service, nil
				},
				Save: func(path, token string) error {
					require.Equal(t, file, path)
					saved = token
					return nil
				},
				Now: func() time.Time { return today },
			}.Run(t.Context())
			if c.code == "" {
				require.NoError(t, err)
			} else {
				code, hint := jobs.Explain(err)
				require.Equal(t, c.code, code)
				if c.code != "not_tried" {
					require.Equal(t, "the hint of "+code, hint)
				}
			}
			require.Equal(t, c.saved, got.Saved)
			require.Equal(t, c.agreementsRead, got.AgreementsRead)
			require.Equal(t, c.signIn == nil, c.service.closed)
			if c.saved {
				require.Equal(t, "newer-token", saved)
				require.Equal(t, today.AddDate(0, 0, 90), got.LapsesAt)
			} else {
				require.Empty(t, saved)
			}
		})
	}
}

// Nobody signs in for a token that cannot be kept.
func TestLoginLooksForThePlaceFirst(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	for _, path := range []string{folder, filepath.Join(folder, "missing", "token"),
		filepath.Join(folder, "file", "token")} {
		_, err := jobs.Login{TokenFile: path, SignIn: func(context.Context) (jobs.SignedIn, error) {
			require.FailNow(t, "somebody was asked to sign in")
			return jobs.SignedIn{}, nil
		}}.Run(t.Context())
		var pathError *fs.PathError
		require.ErrorAs(t, err, &pathError)
		require.ErrorContains(t, err, "save the refresh token")
		require.ErrorContains(t, err, folder)
	}
}

func TestLoginSaysThatTheTokenCouldNotBeSaved(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	got, err := jobs.Login{
		TokenFile: filepath.Join(t.TempDir(), "token"),
		SignIn:    func(context.Context) (jobs.SignedIn, error) { return jobs.SignedIn{RefreshToken: "token"}, nil },
		Service:   func(string) (jobs.LoginService, error) { return &loginService{}, nil },
		Save:      func(string, string) error { return full },
	}.Run(t.Context())
	require.ErrorIs(t, err, full)
	require.False(t, got.Saved)
}
