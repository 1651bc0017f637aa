package partnercenter

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// item reads one item of a collection, and says what is wrong with it; empty: nothing.
type item[T any] func(object) (_ T, wrong string)

// maxPages bounds the collections of one customer. The list of customers is bounded by the caller,
// who knows how long it was the last time.
const maxPages = 1000

// page is one answer of a collection. Its totalCount counts the page, so it proves nothing about
// the whole.
type page[T any] struct {
	items []T
	next  *link
}

// link is where a collection goes on.
type link struct {
	uri     string
	headers http.Header
}

// pages walks a collection from the first call on. After an error the walk is over.
func pages[T any](ctx context.Context, c *Client, first call, item item[T]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		at := first
		seen := map[string]bool{at.pageKey(): true}
		for number := 1; ; number++ {
			at.op = fmt.Sprintf("%s, page %d", first.op, number)
			var answer page[T]
			err := c.get(ctx, &at, func(o object) (wrong string) {
				answer, wrong = readPage(o, item)
				return wrong
			})
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(answer.items, nil) || answer.next == nil {
				return
			}
			next, ours := c.follow(*answer.next, first)
			switch {
			case !ours:
				err = c.malformed(&at, "the list's next page is at an address that is not the service's")
			case seen[next.pageKey()]:
				err = c.malformed(&at, "the list's next page is one that was read already")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			seen[next.pageKey()] = true
			at = next
		}
	}
}

// all reads a whole collection of one customer.
func all[T any](ctx context.Context, c *Client, first call, item item[T]) (found []T, err error) {
	number := 0
	for items, err := range pages(ctx, c, first, item) {
		if err != nil {
			return found, err
		}
		if number++; number > maxPages {
			return found, c.malformed(&first, fmt.Sprintf("the list has more than %d pages", maxPages))
		}
		found = append(found, items...)
	}
	return found, nil
}

// pageKey distinguishes the pages of a list.
func (c call) pageKey() string { return c.uri + fmt.Sprint(c.header) }

// readPage reads a page, and finds one that does not say what it holds: it must not pass for an
// empty one. Whatever else an answer holds is not looked at.
func readPage[T any](o object, item item[T]) (p page[T], wrong string) {
	var items []json.RawMessage
	switch {
	case o.missing("items") && o.text("totalcount") == "0":
	case len(o["items"]) == 0 || json.Unmarshal(o["items"], &items) != nil || items == nil:
		return p, "an answer without items"
	}
	for _, text := range items {
		fields, ok := readObject(text)
		if !ok && string(text) != "null" {
			return p, "an item that is no object"
		}
		t, wrong := item(fields)
		if wrong != "" {
			return p, wrong
		}
		p.items = append(p.items, t)
	}
	p.next, wrong = nextLink(o)
	return p, wrong
}

// nextLink reads where the list goes on; nil: here it ends. A link that cannot be read must not
// pass for an end.
func nextLink(o object) (next *link, wrong string) {
	const unreadable = "the link to the list's next page is unreadable"
	fields := o
	for _, name := range []string{"links", "next"} {
		if empty(fields, name) {
			return nil, ""
		}
		if fields = fields.object(name); fields == nil {
			return nil, unreadable
		}
	}
	if empty(fields, "uri") {
		return nil, ""
	}
	next = &link{uri: fields.text("uri"), headers: http.Header{}}
	var headers []json.RawMessage
	if !empty(fields, "headers") && json.Unmarshal(fields["headers"], &headers) != nil {
		return nil, unreadable
	}
	for _, text := range headers {
		header, _ := readObject(text)
		name, value := header.text("key"), header.text("value")
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, unreadable
		}
		next.headers.Add(name, value)
	}
	if next.uri == "" {
		return nil, unreadable
	}
	return next, ""
}

// empty reports whether a field is absent, or holds nothing in any of JSON's ways to say so.
func empty(o object, name string) bool {
	switch value := string(o[name]); value {
	case "null", `""`, "{}", "[]", "false":
		return true
	default:
		_, there := o[name]
		return !there
	}
}

// follow makes the call that a next link asks for: its path and query untouched, all its headers.
// The path comes with /v1 in front or without; a whole address must be the configured one, or the
// link is not followed.
func (c *Client) follow(next link, first call) (_ call, ours bool) {
	u, err := url.Parse(next.uri)
	whole := err == nil && u.Scheme+u.Host != ""
	if whole && u.Scheme == "" {
		u.Scheme = c.base.Scheme
	}
	if err != nil || whole && !sameHost(u, c.base) {
		return call{}, false
	}
	path := strings.TrimPrefix(strings.TrimPrefix(u.EscapedPath(), c.base.EscapedPath()+"/"), "/")
	if version, rest, _ := strings.Cut(path, "/"); strings.EqualFold(version, "v1") {
		path = rest
	}
	path = "/" + path
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return call{uri: path, header: next.headers, limit: first.limit, app: first.app, account: first.account}, true
}
