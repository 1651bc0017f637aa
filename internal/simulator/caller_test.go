package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// aNight is a fixed day for worlds under test.
var aNight = time.Date(2026, time.November, 22, 3, 0, 0, 0, time.UTC)

// caller asks a simulator directly, without a network between.
type caller struct {
	t     testing.TB
	sim   *Simulator
	token string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func newSimulator(t testing.TB, opts Options) *Simulator {
	t.Helper()
	if opts.AsOf.IsZero() {
		opts.AsOf = aNight
	}
	sim, err := New(opts)
	require.NoError(t, err)
	return sim
}

// signedIn makes a simulator and an App+User token for it.
func signedIn(t testing.TB, opts Options) caller {
	t.Helper()
	c := caller{t: t, sim: newSimulator(t, opts)}
	c.token = c.signIn("refresh_token")
	return c
}

func (c caller) signIn(grant string) string {
	c.t.Helper()
	got := c.login("/contoso/oauth2/token", loginForm("grant_type", grant))
	require.Equal(c.t, http.StatusOK, got.status, got.body)
	return got.fields(c.t)["access_token"].(string)
}

// loginForm is a good version 1 form, changed by keys and values in turn; an empty value takes a
// key out.
func loginForm(changes ...string) url.Values {
	return change(url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"app"}, "client_secret": {"secret"},
		"resource": {"https://api.partnercenter.microsoft.com"}, "refresh_token": {InitialRefreshToken},
	}, changes...)
}

// change sets keys and values in turn; an empty value takes a key out.
func change(form url.Values, changes ...string) url.Values {
	for n := 0; n < len(changes); n += 2 {
		form.Del(changes[n])
		if changes[n+1] != "" {
			form.Set(changes[n], changes[n+1])
		}
	}
	return form
}

func (c caller) login(path string, form url.Values) answer {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(r)
}

// get asks with all headers that a good client sends, changed by keys and values in turn.
func (c caller) get(path string, headers ...string) answer {
	return c.send(c.request(http.MethodGet, path, headers...))
}

func (c caller) request(method, path string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("MS-RequestId", uuid.NewString())
	r.Header.Set("MS-CorrelationId", "11111111-2222-4333-8444-555555555555")
	for n := 0; n < len(headers); n += 2 {
		if headers[n+1] == "" {
			r.Header.Del(headers[n])
		} else {
			r.Header.Set(headers[n], headers[n+1])
		}
	}
	return r
}

func (c caller) send(r *http.Request) answer {
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	require.NoError(c.t, err)
	return answer{status: w.Code, header: w.Header(), body: string(body)}
}

// about asks for something of customer i.
func (c caller) about(i int, what string) answer {
	return c.get("/v1/customers/" + c.sim.World().Customer(i).TenantID + what)
}

// first finds the first customer of a kind.
func (c caller) first(kind Kind) int {
	c.t.Helper()
	for i := range c.sim.World().Len() {
		if c.sim.World().Customer(i).Kind == kind {
			return i
		}
	}
	require.FailNow(c.t, "no customer of the kind", kind)
	return 0
}

// post sends a body as an attestation for customer i, with headers changed by keys and values in
// turn.
func (c caller) post(i int, body string, headers ...string) answer {
	return c.send(c.attestation(i, body, headers...))
}

func (c caller) attestation(i int, body string, headers ...string) *http.Request {
	headers = append([]string{"Content-Type", "application/json"}, headers...)
	r := c.request(http.MethodPost, "/v1/customers/"+c.sim.World().Customer(i).TenantID+"/agreements", headers...)
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

// signed is the body of a good attestation, changed by names and values in turn; the value null
// takes a name out.
func signed(changes ...string) string {
	fields := map[string]string{
		"firstName": `"João"`, "lastName": `"da Silva"`, "email": `"joao@fabrikam.example"`,
		"phoneNumber": `"+5511955500123"`, "templateId": `"` + mcaTemplate + `"`,
		"dateAgreed": `"2026-11-20T00:00:00Z"`, "type": `"MicrosoftCustomerAgreement"`,
	}
	for n := 0; n < len(changes); n += 2 {
		fields[changes[n]] = changes[n+1]
	}
	write := func(names ...string) string {
		var parts []string
		for _, name := range names {
			if fields[name] != "null" {
				parts = append(parts, `"`+name+`":`+fields[name])
			}
		}
		return strings.Join(parts, ",")
	}
	return `{"primaryContact":{` + write("firstName", "lastName", "email", "phoneNumber") + `},` +
		write("templateId", "dateAgreed", "type") + `}`
}

const byteOrderMark = "\ufeff"

// fields decodes an object, with a byte-order mark or without.
func (a answer) fields(t testing.TB) map[string]any {
	t.Helper()
	var fields map[string]any
	require.NoError(t, json.Unmarshal(bytes.TrimPrefix([]byte(a.body), []byte(byteOrderMark)), &fields), a.body)
	return fields
}

// refusal is the status, the error and the AADSTS number of a refusal of the token server; empty if
// it is none.
func (a answer) refusal(t testing.TB) string {
	t.Helper()
	if a.status == http.StatusOK {
		return ""
	}
	fields := a.fields(t)
	return fmt.Sprintf("%d %s %.0f", a.status, fields["error"], fields["error_codes"].([]any)[0])
}

// code is the code of an error body, a number or a text; empty when there is none.
func (a answer) code(t testing.TB) string {
	t.Helper()
	if a.body == "" {
		return ""
	}
	switch code := a.fields(t)["code"].(type) {
	case string:
		return code
	case float64:
		number, err := json.Marshal(code)
		require.NoError(t, err)
		return string(number)
	default:
		return ""
	}
}

// listing is one page of the list as a client sees it.
type listing struct {
	TotalCount int
	Items      []struct {
		ID             string
		CompanyProfile struct{ CompanyName string }
	}
	Links struct {
		Next *struct {
			URI     string
			Headers []struct{ Key, Value string }
		}
	}
}

func (a answer) listing(t testing.TB) listing {
	t.Helper()
	var page listing
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.NoError(t, json.Unmarshal(bytes.TrimPrefix([]byte(a.body), []byte(byteOrderMark)), &page))
	return page
}

// next asks for the page after one, with its query and headers as they came.
func (c caller) next(page listing) answer {
	var headers []string
	for _, h := range page.Links.Next.Headers {
		headers = append(headers, h.Key, h.Value)
	}
	uri := strings.TrimPrefix(page.Links.Next.URI, "http://example.com")
	return c.get("/v1"+strings.TrimPrefix(uri, "/v1"), headers...)
}

// pages reads the whole list.
func (c caller) pages(path string) []listing {
	c.t.Helper()
	pages := []listing{c.get(path).listing(c.t)}
	for pages[len(pages)-1].Links.Next != nil {
		require.Less(c.t, len(pages), 10000, "the list does not end")
		pages = append(pages, c.next(pages[len(pages)-1]).listing(c.t))
	}
	return pages
}
