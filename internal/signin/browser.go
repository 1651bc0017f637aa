package signin

import (
	"context"
	"crypto/subtle"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
)

// Page is what the browser shows when it comes back: a sentence after a sign-in, and one after a
// refusal.
type Page struct{ Done, Refused string }

// WithBrowser lets somebody sign in with a browser that can reach this machine as localhost. show
// is given the address of the sign-in page. This is the authorization code flow with PKCE:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
func (a App) WithBrowser(ctx context.Context, show func(address string)) (SignedIn, error) {
	ctx, cancel := a.wait(ctx)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return SignedIn{}, fmt.Errorf("wait for the browser on this machine: %w", err)
	}
	config := a.oauth()
	// Entra ignores the port of a localhost address, and of no other:
	// https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
	config.RedirectURL = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	state, nonce, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	b := &browser{page: a.Page, state: state, answer: make(chan url.Values, 1)}
	defer b.serve(listener)()
	show(config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce),
		oauth2.SetAuthURLParam("response_mode", "query"), oauth2.SetAuthURLParam("prompt", "select_account")))
	code, err := b.code(ctx)
	if err != nil {
		return SignedIn{}, err
	}
	options, err := a.proof(time.Minute)
	if err != nil {
		return SignedIn{}, err
	}
	token, err := config.Exchange(ctx, code, append(options, oauth2.VerifierOption(verifier))...)
	if err != nil {
		return SignedIn{}, refused(ctx, err)
	}
	return a.check(token, nonce)
}

// browser waits for the browser to come back from the sign-in page.
type browser struct {
	page   Page
	state  string
	answer chan url.Values // the first one
}

// serve answers the browser until the returned function is called.
func (b *browser) serve(listener net.Listener) (stop func()) {
	server := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // for the page to reach the browser
		defer cancel()
		server.Shutdown(ctx)
		server.Close()
		<-ended
	}
}

// ServeHTTP takes the first answer of the sign-in page. Whatever else a browser asks for, such as
// an icon, is not there.
func (b *browser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if r.Method != http.MethodGet || r.URL.Path != "/" || !query.Has("code") && !query.Has("error") {
		http.NotFound(w, r)
		return
	}
	sentence := b.page.Refused
	if b.ours(query) && query.Get("code") != "" {
		sentence = b.page.Done
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Connection", "close")
	_ = lastPage.Execute(w, sentence) // a browser that has gone away does not read it
	select {
	case b.answer <- query:
	default: // not the first
	}
}

var lastPage = template.Must(template.New("").Parse("<!DOCTYPE html>\n<title>mcaledger</title>\n<p>{{.}}</p>\n"))

func (b *browser) ours(query url.Values) bool {
	return subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(b.state)) == 1
}

// code waits for the authorization code.
func (b *browser) code(ctx context.Context) (string, error) {
	var query url.Values
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case query = <-b.answer:
	}
	switch code := query.Get("code"); {
	case !b.ours(query):
		return "", refusal(partnercenter.OtherSignIn, "the browser came back with another state than it was sent with")
	case query.Has("error"):
		return "", partnercenter.RedirectError(query)
	case code == "":
		return "", refusal(partnercenter.OddToken, "the browser came back without a code")
	default:
		return code, nil
	}
}
