package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	// greatestPage is the most items that a caller may ask for, and what it gets without asking.
	greatestPage = 500

	// The two headers of links.next. Only the first has been recorded; the second stands for "all
	// its headers".
	continuationHeader = "MS-ContinuationToken"
	sessionHeader      = "MS-SeekSession"
)

// page is one stretch of a long list, whose items are numbers.
type page struct {
	size  int
	query string // of links.next
	at    cursor
	items []int
	next  cursor
	more  bool
}

// cursor says where a page begins, and where the one before it began.
type cursor struct{ from, before int }

// readPage reads which page is asked for. Its error is what is wrong with the request, in words.
func (s *Simulator) readPage(q *request) (page, error) {
	values, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return page{}, fmt.Errorf("the query cannot be read")
	}
	p := page{size: greatestPage, query: q.r.URL.RawQuery}
	if text := values.Get("size"); text != "" {
		if p.size, err = strconv.Atoi(text); err != nil || p.size < 1 || p.size > greatestPage {
			return page{}, fmt.Errorf("size can be from 1 to %d", greatestPage)
		}
	} else {
		p.query = strings.TrimPrefix(p.query+"&size="+strconv.Itoa(greatestPage), "&")
	}
	p.size = min(p.size, s.opts.PageSizeCap)

	token, session := q.r.Header.Get(continuationHeader), q.r.Header.Get(sessionHeader)
	switch seek := values.Get("seekOperation"); {
	case seek == "" && token == "" && session == "":
		p.query += "&seekOperation=Next"
		return p, nil
	case seek != "Next" || token == "" || session == "":
		return page{}, fmt.Errorf("a next page needs its query and all its headers")
	case session != s.session(token, q.r.URL.RawQuery):
		return page{}, fmt.Errorf("the headers of a next page belong to another query")
	}
	p.at, err = readCursor(token)
	return p, err
}

// fill finds the items of the page among the numbers below end. repeated says which items of the
// page before are listed once more; at least one place is kept for new ones, so that every list
// comes to an end.
func (p *page) fill(end int, wanted, repeated func(n int) bool) {
	p.items = make([]int, 0, min(p.size, end))
	for n := p.at.before; n < min(p.at.from, end) && len(p.items) < p.size-1; n++ {
		if wanted(n) && repeated(n) {
			p.items = append(p.items, n)
		}
	}
	n := p.at.from
	for ; n < end; n++ {
		if !wanted(n) {
			continue
		}
		if len(p.items) == p.size {
			p.more = true
			break
		}
		p.items = append(p.items, n)
	}
	p.next = cursor{from: n, before: p.at.from}
}

// writeAround writes the envelope of a list around what item writes.
func (s *Simulator) writeAround(q *request, p page, item func(n int)) int {
	b := q.body
	b.open("", '{')
	b.number("totalCount", len(p.items))
	b.open("items", '[')
	for _, n := range p.items {
		item(n)
	}
	b.close(']')
	b.open("links", '{')
	writeLink(b, "self", s.linkTo(q, q.r.URL.RawQuery))
	if p.more {
		token := p.next.String()
		writeLink(b, "next", s.linkTo(q, p.query), continuationHeader, token, sessionHeader, s.session(token, p.query))
	} else {
		b.nothing("next")
	}
	b.close('}')
	writeAttributes(b, "Collection")
	b.close('}')
	return http.StatusOK
}

// writeSingle writes the envelope of a list that never has a second page.
func writeSingle(b *body, count int, items func()) int {
	b.open("", '{')
	b.number("totalCount", count)
	b.open("items", '[')
	items()
	b.close(']')
	writeAttributes(b, "Collection")
	b.close('}')
	return http.StatusOK
}

func writeAttributes(b *body, objectType string) {
	b.open("attributes", '{')
	b.text("objectType", objectType)
	b.close('}')
}

// writeLink writes a link; headers are keys and values in turn.
func writeLink(b *body, name, uri string, headers ...string) {
	b.open(name, '{')
	b.text("uri", uri)
	b.text("method", http.MethodGet)
	b.open("headers", '[')
	for n := 0; n < len(headers); n += 2 {
		b.open("", '{')
		b.text("key", headers[n])
		b.text("value", headers[n+1])
		b.close('}')
	}
	b.close(']')
	b.close('}')
}

// linkTo is the address of the same list with another query, in the form that the options ask for.
func (s *Simulator) linkTo(q *request, query string) string {
	uri := strings.TrimPrefix(q.r.URL.Path, "/v1")
	if query != "" {
		uri += "?" + query
	}
	switch s.opts.NextLink {
	case NextWithVersion:
		return "/v1" + uri
	case NextAbsolute:
		return origin(q.r) + "/v1" + uri
	default:
		return uri
	}
}

// session binds a continuation token to the query it was given with.
func (s *Simulator) session(token, query string) string {
	return strconv.FormatUint(mix(digest(token)^mix(digest(query)+s.opts.Seed)), 16)
}

func (c cursor) String() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "seek:%d:%d", c.from, c.before))
}

func readCursor(token string) (cursor, error) {
	var c cursor
	text, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "seek:%d:%d", &c.from, &c.before)
	}
	if err != nil || c.from < 0 || c.before < 0 {
		return cursor{}, fmt.Errorf("the continuation token cannot be read")
	}
	return c, nil
}
