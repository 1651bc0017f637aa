package partnercenter

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// page is one answer of a collection (PARTNER-CENTER.md, "Customers"). totalCount counts the page, so it proves nothing about the
// whole.
type page[T any] struct {
	TotalCount *int
	Items      *[]T
	Links      struct{ Next *link }
}

type link struct {
	URI     string
	Headers []struct{ Key, Value string }
}

// pages walks a collection from the first call on. After an error the walk is over.
func pages[T any](ctx context.Context, c *Client, first call) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		next := first
		seen := map[string]bool{}
		for number := 1; ; number++ {
			next.op = fmt.Sprintf("%s, page %d", first.op, number)
			var answer page[T]
			if err := c.get(ctx, next, &answer); err != nil {
				yield(nil, err)
				return
			}
			items, err := answer.items(next.op)
			if !yield(items, err) || err != nil || answer.Links.Next == nil || answer.Links.Next.URI == "" {
				return
			}
			if next, err = c.follow(*answer.Links.Next, first); err != nil {
				yield(nil, err)
				return
			}
			step := next.uri + fmt.Sprint(next.header)
			if seen[step] {
				yield(nil, &Error{Op: next.op, Kind: Malformed, Message: "the list's next page is one that it gave already"})
				return
			}
			seen[step] = true
		}
	}
}

// items returns the page's entries. A page that does not say what it holds must not pass for an empty one.
func (p page[T]) items(op string) ([]T, error) {
	switch {
	case p.Items != nil:
		return *p.Items, nil
	case p.TotalCount != nil && *p.TotalCount == 0:
		return nil, nil
	}
	return nil, &Error{Op: op, Kind: Malformed, Message: "an answer without items"}
}

// follow makes the call that a next link asks for: its path and query untouched, all its headers. The path comes with /v1
// in front or without; a whole address must be the configured one, so that the token goes nowhere else.
func (c *Client) follow(next link, first call) (call, error) {
	u, err := url.Parse(next.URI)
	if err != nil || u.Host != "" && (u.Host != c.base.Host || u.Scheme != c.base.Scheme) {
		return call{}, &Error{Op: first.op, Kind: Malformed, Message: "the list's next page is at an address that is not the service's"}
	}
	path := u.EscapedPath()
	if u.Host != "" {
		path = strings.TrimPrefix(path, c.base.EscapedPath())
	}
	path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"), "v1/")
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	header := http.Header{}
	for _, h := range next.Headers {
		header.Set(h.Key, h.Value)
	}
	return call{uri: path, header: header, limit: first.limit}, nil
}
