package partnercenter

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// pageOf is a page with one customer and, where uri is not empty, a link to the next.
func pageOf(id, uri string, headers ...string) string {
	var list []string
	for n := 0; n < len(headers); n += 2 {
		list = append(list, fmt.Sprintf(`{"key":%q,"value":%q}`, headers[n], headers[n+1]))
	}
	return "\ufeff" + fmt.Sprintf(
		`{"totalCount":99,"items":[{"id":%q}],"links":{"next":{"uri":%q,"method":"GET","headers":[%s]}}}`,
		id, uri, strings.Join(list, ","))
}

func ids(customers []standing.Customer) (ids []string) {
	for _, c := range customers {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestNextLinks(t *testing.T) {
	const query = "size=500&seekOperation=Next&x=%2f+%C3%A9;b=1&&x=A%20b"
	for _, c := range []struct{ name, base, uri, want string }{
		{"without a version", "", "/customers?" + query, "/v1/customers?" + query},
		{"with a version", "", "/v1/customers?" + query, "/v1/customers?" + query},
		{"without a slash", "", "customers?" + query, "/v1/customers?" + query},
		{"with a version but no slash", "", "v1/customers?" + query, "/v1/customers?" + query},
		{"without a query", "", "/customers/more", "/v1/customers/more"},
		{"with an escaped path", "", "/v1/customers/a%2Fb?" + query, "/v1/customers/a%2Fb?" + query},
		{"a whole address", "", "https://api.example/v1/customers?" + query, "/v1/customers?" + query},
		{"a whole address in capitals", "", "HTTPS://API.example/v1/customers?" + query, "/v1/customers?" + query},
		{"a whole address with the default port", "", "https://api.example:443/v1/customers?" + query,
			"/v1/customers?" + query},
		{"a whole address with a dot at its end", "", "https://Api.Example.:443/V1/customers?" + query,
			"/v1/customers?" + query},
		{"without a scheme", "", "//api.example/v1/customers?" + query, "/v1/customers?" + query},
		{"a version in capitals", "", "/V1/customers?" + query, "/v1/customers?" + query},
		{"a whole address without a version", "", "https://api.example/customers?" + query, "/v1/customers?" + query},
		{"behind a proxy, without its path", "/pc", "/v1/customers?" + query, "/pc/v1/customers?" + query},
		{"behind a proxy, with its path", "/pc", "/pc/v1/customers?" + query, "/pc/v1/customers?" + query},
		{"behind a proxy, with a path that begins alike", "/pc", "/pcs?" + query, "/pc/v1/pcs?" + query},
		{"behind a proxy, a whole address", "/pc/", "https://api.example/pc/v1/customers?" + query,
			"/pc/v1/customers?" + query},
		{"behind a proxy, a whole address without its path", "/pc", "https://api.example/v1/customers?" + query,
			"/pc/v1/customers?" + query},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, inTurn(saying(200, pageOf("a", c.uri)), saying(200, pageOf("b", ""))),
				func(o *Options) { o.APIURL += c.base })
			found, err := s.list()
			require.NoError(t, err)
			assert.Equal(t, []string{"a", "b"}, ids(found))
			assert.Equal(t, c.want, s.arrivals()[1].uri)
		})
	}
}

func TestLinkToAnotherHostIsNotFollowed(t *testing.T) {
	for _, uri := range []string{
		"https://evil.example/v1/customers", "//evil.example/v1/customers", "https://api.example.evil.example/v1",
		"https://api.example:80/v1/customers", "http://api.example/v1/customers",
		"https://api.example:8443/v1/customers", "https://api.example@evil.example/v1", "https:customers",
		"file:///etc/passwd", "http://[", "%zz",
	} {
		t.Run(uri, func(t *testing.T) {
			s := newService(t, saying(200, pageOf("a", uri)))
			found, err := s.list()
			e := failed(t, err)
			assert.Equal(t, Malformed, e.Kind)
			assert.NotEmpty(t, e.RequestID)
			assert.Contains(t, e.Error(), "list customers, page 1: answered 200 OK")
			holdsNothing(t, e.Error(), "evil")
			assert.Equal(t, []string{"a"}, ids(found), "what came before it stays")
			assert.Len(t, s.arrivals(), 1)
			assert.Empty(t, s.astray)
		})
	}
}

func TestHeadersOfNextLinkAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, inTurn(
			saying(200, pageOf("a", "/customers?size=500&seekOperation=Next", "MS-ContinuationToken", "one==",
				"MS-SeekSession", "two", "X-Twice", "1", "X-Twice", "2")),
			saying(503, ""),
			saying(200, pageOf("b", "/customers?size=500&seekOperation=Next", "MS-ContinuationToken", "three",
				"Authorization", "Bearer stolen", "MS-RequestId", "theirs")),
			saying(200, pageOf("c", ""))))
		found, err := s.list()
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b", "c"}, ids(found))

		calls := s.arrivals()
		require.Len(t, calls, 4)
		assert.Equal(t, "/v1/customers?size=500", calls[0].uri)
		assert.Equal(t, "one==", calls[1].header.Get("MS-ContinuationToken"))
		assert.Equal(t, "two", calls[1].header.Get("MS-SeekSession"))
		assert.Equal(t, []string{"1", "2"}, calls[1].header.Values("X-Twice"))
		assert.Equal(t, calls[1].header, calls[2].header, "a repeat of a page is the same request")
		assert.Equal(t, "three", calls[3].header.Get("MS-ContinuationToken"))
		assert.Empty(t, calls[3].header.Get("MS-SeekSession"), "the headers of one page do not stay for the next")
		assert.Equal(t, "Bearer access-1", calls[3].header.Get("Authorization"), "a link does not choose the token")
		assert.NotEqual(t, "theirs", calls[3].header.Get("MS-RequestId"))
		assert.NotEqual(t, calls[2].header.Get("MS-RequestId"), calls[3].header.Get("MS-RequestId"),
			"each page is a new call")
		assert.Equal(t, correlationID, calls[3].header.Get("MS-CorrelationId"))
	})
}

func TestEndOfList(t *testing.T) {
	for name, links := range map[string]string{
		"without links":            ``,
		"with links of null":       `,"links":null`,
		"without a next link":      `,"links":{"self":{"uri":"/customers"}}`,
		"with a next of null":      `,"Links":{"Next":null}`,
		"with a next to nowhere":   `,"links":{"next":{"uri":"","headers":null}}`,
		"with a next to null":      `,"links":{"next":{"uri":null}}`,
		"with a next to nothing":   `,"links":{"next":{}}`,
		"with a count of far more": `,"TotalCount":100000`,
		"with a count of none":     `,"totalCount":0`,
		"with links of nothing":    `,"links":{}`,
		"with links as a list":     `,"links":[]`,
		"with a next as a list":    `,"links":{ "next" : [] }`,
		"with a next of false":     `,"links":{"next":false}`,
		"with a count in words":    `,"totalCount":"many"`,
		"with a count of objects":  `,"totalCount":{"value":[1]},"totalcount":-1e999`,
		"with odd attributes":      `,"attributes":7,"Attributes":[],"x":{"x":{"x":null}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, saying(200, `{"items":[{"id":"a","links":"x","companyProfile":{"companyName":{"a":1},"links":7},"phoneNumber":[]}]`+links+`}`))
			found, err := s.list()
			require.NoError(t, err)
			assert.Equal(t, []string{"a"}, ids(found))
			assert.Len(t, s.arrivals(), 1)
		})
	}
}

func TestCircularList(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []string
	}{
		{"back to itself", []string{pageOf("a", "/v1/customers?size=500")}},
		{"to the same page", []string{pageOf("a", "/customers?x=1", "T", "1"), pageOf("b", "/v1/customers?x=1", "T",
			"1")}},
		{"around three pages", []string{pageOf("a", "/customers?x=1"), pageOf("b", "/customers?x=2"),
			pageOf("c", "/v1/customers?x=1")}},
		{"around three tokens", []string{pageOf("a", "/c", "T", "1"), pageOf("b", "/c", "T", "2"),
			pageOf("c", "/c", "T", "1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var answers []http.HandlerFunc
			for _, page := range c.pages {
				answers = append(answers, saying(200, page))
			}
			s := newService(t, inTurn(answers...))
			found, err := s.list()
			e := failed(t, err)
			assert.Equal(t, Malformed, e.Kind)
			assert.Contains(t, e.Error(), fmt.Sprintf("list customers, page %d: ", len(c.pages)))
			assert.Len(t, found, len(c.pages))
			assert.Len(t, s.arrivals(), len(c.pages))
		})
	}
}

func TestUnreadablePages(t *testing.T) {
	for name, body := range map[string]string{
		"an empty object":         `{}`,
		"null":                    `null`,
		"items of null":           `{"items":null}`,
		"a count without items":   `{"totalCount":2}`,
		"items that are none":     `{"items":{}}`,
		"a list":                  `[]`,
		"an error with 200":       `{"code":20002,"description":"gone"}`,
		"a customer of null":      `{"items":[{"id":"a"},null]}`,
		"a customer without id":   `{"items":[{"id":"a"},{"companyProfile":{"companyName":"Contoso"}}]}`,
		"an id that is a number":  `{"items":[{"id":7}]}`,
		"an id that stands twice": `{"items":[{"id":"a","Id":"b"}]}`,
		"items that stand twice":  `{"items":[{"id":"a"}],"Items":[{"id":"b"}]}`,
		"an item that is a text":  `{"items":["a"]}`,
		"a name of ten megabytes": `{"items":[{"id":"a","companyProfile":{"companyName":"` +
			strings.Repeat("x", 10<<20) + `"}}]}`,
		"links that are a text":    `{"items":[{"id":"a"}],"links":"/customers?x=1"}`,
		"a next that is a text":    `{"items":[{"id":"a"}],"links":{"next":"/customers?x=1"}}`,
		"a next that stands twice": `{"items":[{"id":"a"}],"links":{"next":{"uri":"/customers?x=1"},"Next":null}}`,
		"a uri that is no text":    `{"items":[{"id":"a"}],"links":{"next":{"uri":{"a":1}}}}`,
		"headers by name":          `{"items":[{"id":"a"}],"links":{"next":{"uri":"/c","headers":{"MS-ContinuationToken":"x"}}}}`,
		"a header without a name":  `{"items":[{"id":"a"}],"links":{"next":{"uri":"/c","headers":[{"value":"x"}]}}}`,
		"a header of two lines":    `{"items":[{"id":"a"}],"links":{"next":{"uri":"/c","headers":[{"key":"T","value":"x\r\nHost: evil"}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, saying(200, body))
			found, err := s.list()
			assert.Equal(t, Malformed, failed(t, err).Kind)
			assert.Empty(t, found, "not even the part that could be read")
			assert.Len(t, s.arrivals(), 1)
		})
	}
}

func TestEmptyList(t *testing.T) {
	for name, body := range map[string]string{
		"no items": `{"totalCount":0,"items":[]}`, "no count": `{"items":[]}`,
		"a count of none, in nulls": `{"TotalCount":0,"Items":null,"Links":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			found, err := newService(t, saying(200, body)).list()
			require.NoError(t, err)
			assert.Empty(t, found)
		})
	}
}

func TestEmptyPageIsNotTheEnd(t *testing.T) {
	s := newService(t, inTurn(saying(200, `{"items":[],"links":{"next":{"uri":"/customers?x=1"}}}`),
		saying(200, pageOf("a", ""))))
	found, err := s.list()
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, ids(found))
}

func TestCustomerSpellings(t *testing.T) {
	const id = "0d7a0e0f-2f3b-4b8e-8f0a-5a4c3c2b1a00"
	for name, want := range map[string][]standing.Customer{
		"customers_page_last.json": {{ID: id, DisplayID: id, Name: "=1+1", Domain: "litware3.onmicrosoft.com",
			Relationship: "reseller"}},
		"customers_page_pascal_case.json": {{ID: id, DisplayID: id, Name: "Litware Media Inc.",
			Domain: "litware3.onmicrosoft.com", Relationship: "reseller"}},
	} {
		for _, body := range []string{example(t, name), strings.TrimPrefix(example(t, name), "\ufeff")} {
			found, err := newService(t, saying(200, body)).list()
			require.NoError(t, err)
			assert.Equal(t, want, found)
		}
	}
	found, err := newService(t, saying(200,
		`{"items":[{"id":null,"companyProfile":{"tenantId":"t","companyName":"a\u0000b","domain":null},"relationshipToPartner":"something_new"}]}`)).list()
	require.NoError(t, err)
	assert.Equal(t, []standing.Customer{{ID: "t", DisplayID: "t", Name: "a\uFFFDb", Relationship: "something_new"}},
		found)
	for _, spelling := range []string{strings.ToUpper(id), "{" + id + "}", strings.ReplaceAll(id, "-", "")} {
		found, err = newService(t, saying(200, `{"items":[{"id":"`+spelling+`"}]}`)).list()
		require.NoError(t, err)
		assert.Equal(t, []standing.Customer{{ID: id, DisplayID: spelling}}, found)
	}
}

func TestExamplePages(t *testing.T) {
	s := newService(t, inTurn(saying(200, example(t, "customers_page_with_next.json")),
		saying(200, example(t, "customers_page_last.json"))))
	found, err := s.list()
	require.NoError(t, err)
	assert.Len(t, found, 3)
	second := s.arrivals()[1].header
	assert.NotEmpty(t, second.Get("MS-ContinuationToken"))
	assert.NotEmpty(t, second.Get("MS-SeekSession"))
}

func TestEndlessListOfOneCustomerEnds(t *testing.T) {
	t.Parallel()
	n := 0
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		say(w, 200, fmt.Sprintf(`{"items":[],"links":{"next":{"uri":"/more?x=%d"}}}`, n))
	})
	_, err := s.client.Agreements(t.Context(), customerID)
	assert.Equal(t, Malformed, failed(t, err).Kind)
	assert.Len(t, s.arrivals(), maxPages+1)
}

func TestErrorEndsList(t *testing.T) {
	s := newService(t, inTurn(saying(200, pageOf("a", "/customers?x=1")), saying(400, `{"code":3000}`)))
	found, err := s.list()
	assert.Equal(t, Refused, failed(t, err).Kind)
	assert.ErrorContains(t, err, "list customers, page 2: ")
	assert.Equal(t, []string{"a"}, ids(found))
}

// What the codes of a customer mean for a customer, they do not mean for the partner's list.
func TestErrorOfListIsAboutNoCustomer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind
		hint   string
	}{
		"no relationship":            {403, `{"code":20002,"description":"Access denied"}`, Forbidden, "tenant_id"},
		"no relationship, as text":   {403, `{"code":"900159"}`, Forbidden, "tenant_id"},
		"no such tenant":             {404, `{"code":60003}`, AddressNotFound, "api_url"},
		"no such resource":           {404, `{"code":1000}`, AddressNotFound, "api_url"},
		"no agreement":               {400, `{"code":600009}`, Refused, "two ids"},
		"a role is missing":          {403, ``, RoleMissing, "Admin agent"},
		"the address does not exist": {404, ``, AddressNotFound, "api_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, inTurn(saying(200, pageOf("a", "/customers?x=1")), saying(c.status, c.body)))
			_, err := s.list()
			e := failed(t, err)
			assert.Equal(t, c.kind, e.Kind)
			assert.Contains(t, e.Hint(), c.hint)
			assert.NotContains(t, e.Hint(), "this customer")
			assert.Equal(t, standing.OutcomeUnreadable, e.Outcome())
		})
	}
}

func TestListStopsWithItsReader(t *testing.T) {
	n := 0
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		say(w, 200, pageOf("a", fmt.Sprint("/customers?x=", n)))
	})
	for range s.client.Customers(t.Context()) {
		if len(s.arrivals()) == 3 {
			break
		}
	}
	assert.Len(t, s.arrivals(), 3)
}

func TestCustomer(t *testing.T) {
	s := newService(t, saying(200, example(t, "customer.json")))
	found, err := s.client.Customer(t.Context(), strings.ToUpper(customerID))
	require.NoError(t, err)
	assert.Equal(t, standing.Customer{ID: customerID, DisplayID: customerID, Name: "Fabrikam Foods Ltda.",
		Domain: "fabrikam1.onmicrosoft.com", Relationship: "reseller"}, found,
		"its id is spelled as the service spells it")
	assert.Equal(t, "/v1/customers/"+strings.ToUpper(customerID), s.arrivals()[0].uri)

	found, err = newService(t, saying(200, `{"id":"somebody-else"}`)).client.Customer(t.Context(), "Asked")
	require.NoError(t, err)
	assert.Equal(t, standing.Customer{ID: "asked", DisplayID: "Asked"}, found)

	_, err = newService(t, saying(200, `{}`)).client.Customer(t.Context(), customerID)
	assert.Equal(t, Malformed, failed(t, err).Kind, "an answer about nobody does not say that the customer is there")
}

func TestHostileIDStaysInItsPathSegment(t *testing.T) {
	s := newService(t, saying(404, ""))
	_, err := s.client.Agreements(t.Context(), "../a?b#c d")
	require.Error(t, err)
	assert.Equal(t, "/v1/customers/..%2Fa%3Fb%23c%20d/agreements?agreementType=MicrosoftCustomerAgreement",
		s.arrivals()[0].uri)
}

func FuzzCustomersPage(f *testing.F) {
	for _, name := range []string{"customers_page_with_next.json", "customers_page_last.json",
		"customers_page_pascal_case.json", "agreements.json", "gateway_503.html"} {
		f.Add(example(f, name))
	}
	f.Add(pageOf("a", "//evil.example"))
	f.Fuzz(func(t *testing.T, body string) {
		s := newService(t, inTurn(saying(200, body), saying(400, "")), func(o *Options) { o.Attempts = 1 })
		found, _ := s.list()
		for _, c := range found {
			require.NotEmpty(t, c.ID)
			require.NotContains(t, c.ID+c.Name+c.Domain+c.Relationship, "\x00")
		}
		require.Empty(t, s.astray)
		require.LessOrEqual(t, len(s.arrivals()), 2)
	})
}
