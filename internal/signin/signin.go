// Package signin lets a person sign in to Partner Center with a second factor: in a browser of this
// machine, or with a code on any other one. What comes back is checked before it is handed out:
// that it answers this sign-in, and that it is of the partner's tenant and made with a second
// factor.
//
// What the token server's errors mean stands in package partnercenter. Keeping the refresh token is
// left to the caller.
package signin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
)

// App is the app that somebody signs in to.
type App struct {
	Credentials partnercenter.Credentials
	HTTP        *http.Client  // of partnercenter.TokenClient
	Patience    time.Duration // how long to wait for the person
	Page        Page          // what the browser shows in the end
}

// SignedIn is what somebody signed in to, and who.
type SignedIn struct {
	RefreshToken string
	User         string   // usually an address, such as ana@contoso.example
	Permissions  []string // scopes and roles of the token
}

// identity asks for an ID token, which repeats the nonce, and for a refresh token.
var identity = []string{"openid", "profile", "offline_access"}

func (a App) oauth() oauth2.Config {
	config := a.Credentials.OAuth()
	config.Scopes = append(config.Scopes, identity...)
	return config
}

// wait is a context that ends when the person has taken too long.
func (a App) wait(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithValue(ctx, oauth2.HTTPClient, a.HTTP), a.Patience,
		refusal(partnercenter.NobodySignedIn, "nobody signed in within %s", a.Patience))
}

// proof is what an app with a certificate adds to a request for a token.
func (a App) proof(life time.Duration) ([]oauth2.AuthCodeOption, error) {
	assertion, err := a.Credentials.Assertion(time.Now(), life)
	if err != nil {
		return nil, err
	}
	var options []oauth2.AuthCodeOption
	for _, name := range slices.Sorted(maps.Keys(assertion)) {
		options = append(options, oauth2.SetAuthURLParam(name, assertion.Get(name)))
	}
	return options, nil
}

// refusal is a sign-in that is not good enough, for one of the reasons of package partnercenter.
func refusal(reason, format string, values ...any) error {
	return partnercenter.NewSignInError(reason, fmt.Sprintf(format, values...))
}

// refused says why there is no token. That the context has ended goes before what it did to a call.
func refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return partnercenter.SignInError(err)
}
