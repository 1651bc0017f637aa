package partnercenter

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// answering is a service that gives one answer to every call.
func answering(t *testing.T, body string) *service {
	t.Helper()
	return newService(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 200, body) })
}

func TestProfile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want standing.Profile
	}{
		"as the service writes it": {`{"id":"` + customerID +
			`","companyProfile":{"companyName":"Fabrikam Ltda","domain":"fabrikam.onmicrosoft.com","address":{"country":"BR"}},
			"billingProfile":{"firstName":"Ana","lastName":"Souza","email":" ana@fabrikam.example ","culture":"pt-BR","language":"pt","defaultAddress":{"country":"US"}}}`,
			standing.Profile{Name: "Fabrikam Ltda", Domain: "fabrikam.onmicrosoft.com", Country: "BR",
				Language: "pt-BR",
				Contact:  standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@fabrikam.example"}}},
		"without an address of the company": {`{"Id":"` + customerID +
			`","CompanyProfile":{"address":null},"BillingProfile":{"CompanyName":"Fabrikam","Language":"pt","DefaultAddress":{"Country":"US"}}}`,
			standing.Profile{Name: "Fabrikam", Country: "US", Language: "pt"}},
		"without a billing profile": {`{"id":"` + customerID + `","billingProfile":null}`, standing.Profile{}},
		"of other types": {`{"id":"` + customerID +
			`","billingProfile":[1],"companyProfile":{"address":"BR","companyName":{}}}`, standing.Profile{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := answering(t, c.body)
			got, err := s.client.Profile(t.Context(), customerID)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, "/v1/customers/"+customerID, s.arrivals()[0].uri)
		})
	}
}

func TestRelationshipRequestIsPassedOnAsItIs(t *testing.T) {
	t.Parallel()
	const link = "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship&partnerId=11111111-2222-4333-8444-555555555555&msppId=0&DAP=false#/BillingAccounts/partner-invitation"
	s := answering(t, `{"url":"`+link+`","attributes":{"objectType":"CustomerRelationshipRequest"}}`)
	got, err := s.client.RelationshipRequest(t.Context())
	require.NoError(t, err)
	require.Equal(t, link, got)
	require.Equal(t, "/v1/customers/relationshiprequests", s.arrivals()[0].uri)

	for _, link := range []string{"", "http://admin.microsoft.com/x", "https://admin.microsoft.com.example/x",
		"https://microsoft.com@example.com", "https://evilmicrosoft.com/x",
		"https://user@admin.microsoft.com/x", "javascript:alert(1)", "https://admin.microsoft.com\\u0000/"} {
		_, err := answering(t, `{"url":"`+link+`"}`).client.RelationshipRequest(t.Context())
		requireKind(t, err, Malformed)
	}
}

func requireKind(t *testing.T, err error, kind Kind) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind, e.Kind, "%v", err)
}

func TestAgreementTemplateAndItsDocument(t *testing.T) {
	t.Parallel()
	s := answering(t, `{"items":[{"templateId":"old","agreementType":"MicrosoftCustomerAgreement","versionRank":0,"agreementLink":"https://x.example/old"},
		{"templateId":"new","agreementType":"MicrosoftCustomerAgreement","versionRank":1,"agreementLink":"https://x.example/new"}]}`)
	template, err := s.client.AgreementTemplate(t.Context())
	require.NoError(t, err)
	require.Equal(t, agreement.Template{ID: "new", Link: "https://x.example/new"}, template)

	s = answering(t, `{"displayUri":"https://x.example/view?a=1","downloadUri":"https://x.example/pdf?a=1","language":"en-US","country":"BR"}`)
	d, err := s.client.Document(t.Context(), "new", "pt-BR", "BR")
	require.NoError(t, err)
	require.Equal(t, agreement.Document{DisplayURL: "https://x.example/view?a=1",
		DownloadURL: "https://x.example/pdf?a=1", Language: "en-US", Country: "BR"}, d)
	require.Equal(t, "/v1/agreementtemplates/new/document?country=BR&language=pt-BR", s.arrivals()[0].uri)

	_, err = answering(t, `{"displayUri":"https://x.example/view"}`).client.Document(t.Context(), "new", "pt-BR", "BR")
	requireKind(t, err, Malformed)
}

// documents is a client whose documents are served by the given handler, whatever the host.
func documents(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	return newService(t, nil, func(o *Options) { o.Transport = wire{handler} }).client
}

func TestDownload(t *testing.T) {
	t.Parallel()
	client := documents(t, func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.Header.Get("Authorization"), "the link is the permission")
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "https://other.example/pdf", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "%PDF-1.7")
	})
	for _, link := range []string{"https://documents.example/pdf?sig=s3cret", "https://documents.example/moved",
		"http://127.0.0.1:8080/pdf"} {
		var got strings.Builder
		require.NoError(t, client.Download(t.Context(), link, &got))
		require.Equal(t, "%PDF-1.7", got.String())
	}
}

func TestDownloadThatFails(t *testing.T) {
	t.Parallel()
	const link = "https://documents.example/pdf?sig=s3cret"
	for name, c := range map[string]struct {
		link   string
		answer http.HandlerFunc
		kind   Kind
		text   string
	}{
		"a link that has expired": {link, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, Refused,
			"answered 403 Forbidden"},
		"an unencrypted link": {"http://documents.example/pdf", nil, Malformed,
			"a link that does not begin with https://"},
		"no link": {"", nil, Malformed, "a link that does not begin with https://"},
		"a redirect to http": {link, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r,
				"http://documents.example/pdf", http.StatusFound)
		}, Unavailable, "a redirect that is not followed"},
		"redirects in a circle": {link, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://documents.example/again", http.StatusFound)
		}, Unavailable, "a redirect that is not followed"},
		"a connection that breaks": {link, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "%PDF")
		}, Unavailable, "unexpected EOF"},
		"a document that does not end": {link, func(w http.ResponseWriter, _ *http.Request) {
			_,
				_ = w.Write(make([]byte, documentLimit+1))
		}, Malformed, "a document of more than 33554432 bytes"},
		"a server that resets the calls": {link,
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unavailable,
			"connection reset by peer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := documents(t, c.answer).Download(t.Context(), c.link, io.Discard)
			requireKind(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "documents.example")
		})
	}
}

func TestDownloadThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	client := documents(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "%PDF-1.7") })
	require.Equal(t, full, client.Download(t.Context(), "https://documents.example/pdf", fullDisk{full}))
}

type fullDisk struct{ err error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.err }
