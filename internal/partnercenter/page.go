package partnercenter

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// page is one answer of a collection (docs/partner-center.md, "Customers"). totalCount counts the
// page, so it proves nothing about the whole.
type page[T reply] struct {
	TotalCount *int
	Items      *[]T
	Links      struct{ Next *link }
}

type link struct {
	URI     string
	Headers []struct{ Key, Value string }
}

// pages walks a collection from the first call on. After an error the walk is over.
func pages[T reply](ctx context.Context, c *Client, first call) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		at := first
		seen := map[string]bool{at.step(): true}
		for number := 1; ; number++ {
			at.op = fmt.Sprintf("%s, page %d", first.op, number)
			var answer page[T]
			if err := c.get(ctx, &at, &answer); err != nil {
				yield(nil, err)
				return
			}
			if !yield(answer.items(), nil) || answer.Links.Next == nil || answer.Links.Next.URI == "" {
				return
			}
			next, ours := c.follow(*answer.Links.Next, first)
			switch {
			case !ours:
				yield(nil, c.malformed(&at, "the list's next page is at an address that is not the service's"))
				return
			case seen[next.step()]:
				yield(nil, c.malformed(&at, "the list's next page is one that it gave already"))
				return
			}
			seen[next.step()] = true
			at = next
		}
	}
}

// step tells the pages of a list apart.
func (c call) step() string { return c.uri + fmt.Sprint(c.header) }

// flaw finds a page that does not say what it holds: it must not pass for an empty one.
func (p page[T]) flaw() string {
	if p.Items == nil && (p.TotalCount == nil || *p.TotalCount != 0) {
		return "an answer without items"
	}
	for _, item := range p.items() {
		if words := item.flaw(); words != "" {
			return words
		}
	}
	return ""
}

func (p page[T]) items() []T {
	if p.Items == nil {
		return nil
	}
	return *p.Items
}

// follow makes the call that a next link asks for: its path and query untouched, all its headers. The path comes with /v1
// in front or without; a whole address must be the configured one, or the link is not ours to follow.
func (c *Client) follow(next link, first call) (_ call, ours bool) {
	u, err := url.Parse(next.URI)
	whole := err == nil && u.Scheme+u.Host != ""
	if err != nil || whole && (u.Scheme != c.base.Scheme || !strings.EqualFold(u.Host, c.base.Host)) {
		return call{}, false
	}
	path := strings.TrimPrefix(u.EscapedPath(), c.base.EscapedPath()+"/")
	path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"), "v1/")
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	header := http.Header{}
	for _, h := range next.Headers {
		header.Add(h.Key, h.Value)
	}
	return call{uri: path, header: header, limit: first.limit}, true
}
