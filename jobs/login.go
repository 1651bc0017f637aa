package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Login lets a person sign in for a partner, and keeps the refresh token once Microsoft has
// accepted it. Until then nothing is written, so that a sign-in which fails leaves the old token at
// work.
type Login struct {
	TokenFile string // where the refresh token is kept
	SignIn    func(ctx context.Context) (SignedIn, error)
	Service   func(refreshToken string) (LoginService, error)
	Save      func(path, refreshToken string) error
	Now       func() time.Time
}

// SignedIn is what somebody signed in to, and who.
type SignedIn struct {
	RefreshToken string
	User         string
	Permissions  []string
}

// LoginService is what is asked of a partner's service to see what the user may do.
type LoginService interface {
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
	// RefreshToken is the newest one that the token server gave.
	RefreshToken() string
	Close()
}

// LoggedIn is the result of a login.
type LoggedIn struct {
	SignedIn
	Saved          bool
	LapsesAt       time.Time // of the refresh token, if it is not used
	ListRead       bool
	AgreementsRead bool // of one customer
	NoCustomer     bool // whose agreements could be read
}

// Run signs in, makes one list call and one agreement read, and saves the token. If these calls get
// no answer that is about the sign-in, the token is saved all the same, and the error is a
// *PartialError.
func (j Login) Run(ctx context.Context) (l LoggedIn, err error) {
	if err := j.place(); err != nil {
		return l, err
	}
	if l.SignedIn, err = j.SignIn(ctx); err != nil {
		return l, err
	}
	service, err := j.Service(l.RefreshToken)
	if err != nil {
		return l, err
	}
	defer service.Close()
	untried := l.try(ctx, service)
	switch {
	case ctx.Err() != nil:
		return l, context.Cause(ctx)
	case untried != nil && blamesSignIn(untried):
		return l, fmt.Errorf("the refresh token was not saved: %w", untried)
	}
	l.RefreshToken = service.RefreshToken()
	if err := j.Save(j.TokenFile, l.RefreshToken); err != nil {
		return l, fmt.Errorf("save the refresh token: %w", err)
	}
	l.Saved, l.LapsesAt = true, j.Now().Add(RefreshTokenLife)
	if untried != nil {
		return l, partial("not_tried", fmt.Sprintf("the refresh token is saved, and could not be tried: %s", untried),
			untried)
	}
	return l, nil
}

// place looks whether the token can be saved, before a person takes the trouble to sign in.
func (j Login) place() error {
	if info, err := os.Stat(j.TokenFile); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "save the refresh token", Path: j.TokenFile,
			Err: errors.New("it exists and is not a regular file")}
	}
	folder := filepath.Dir(j.TokenFile)
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("save the refresh token: %w", err)
	}
	if err := writable(folder); err != nil {
		return &fs.PathError{Op: "save the refresh token in", Path: folder, Err: err}
	}
	return nil
}

// try reads a page of the list, and the agreements of one of its customers. A customer that cannot
// be read for reasons of its own says nothing about the user: the next one is asked.
func (l *LoggedIn) try(ctx context.Context, service LoginService) (err error) {
	customers, err := someResellerCustomers(ctx, service)
	if err != nil {
		return err
	}
	l.ListRead, l.NoCustomer = true, len(customers) == 0
	for _, c := range customers {
		if _, err = service.Agreements(ctx, c.ID); err == nil {
			l.AgreementsRead = true
			return nil
		}
		if !ofCustomerAlone(err) && !blamesSignIn(err) {
			return err
		}
	}
	return err
}

// blamesSignIn reports whether an error says that this user, or this app, may not do what a night
// does.
func blamesSignIn(err error) bool {
	code, _ := Explain(err)
	return slices.Contains([]string{"token_refused", "sign_in_failed", "mfa_missing", "wrong_audience",
		"app_only_refused", "role_missing", "forbidden"}, code)
}
