package simulator

import (
	"strconv"
	"sync"
	"unicode/utf8"
)

// body is an answer being written. It writes JSON by hand, because one flag must change the
// spelling of every name and because a busy simulator should spend its time on nothing else.
type body struct {
	buf         []byte
	contentType string
	code        string // of an error, where its form has one
	pascal      bool   // names in PascalCase, nulls for what is not there
	comma       bool   // something stands before the next element
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeHTML = "text/html"
	typeXML  = "application/xml; charset=utf-8"
)

var bodies = sync.Pool{New: func() any { return &body{buf: make([]byte, 0, 4096)} }}

func newBody(pascal bool) *body {
	b := bodies.Get().(*body)
	b.start(typeJSON)
	b.pascal = pascal
	return b
}

// start begins the answer again, in camelCase.
func (b *body) start(contentType string) {
	*b = body{buf: b.buf[:0], contentType: contentType}
}

// release gives the buffer back, unless a page of very long names has made it too big to keep.
func (b *body) release() {
	if cap(b.buf) <= 1<<20 {
		bodies.Put(b)
	}
}

func (b *body) separate() {
	if b.comma {
		b.buf = append(b.buf, ',')
	}
	b.comma = true
}

func (b *body) key(name string) {
	b.separate()
	b.buf = append(b.buf, '"')
	if b.pascal {
		b.buf = append(b.buf, name[0]-'a'+'A')
		name = name[1:]
	}
	b.buf = append(b.buf, name...)
	b.buf = append(b.buf, '"', ':')
}

func (b *body) text(name, value string) {
	b.key(name)
	b.quote(value)
}

// maybe leaves an empty text out, or writes null for it in PascalCase.
func (b *body) maybe(name, value string) {
	if value == "" {
		b.nothing(name)
		return
	}
	b.text(name, value)
}

// nothing stands for a value that is not there.
func (b *body) nothing(name string) {
	if b.pascal {
		b.null(name)
	}
}

func (b *body) null(name string) {
	b.key(name)
	b.buf = append(b.buf, "null"...)
}

func (b *body) number(name string, value int) {
	b.key(name)
	b.buf = strconv.AppendInt(b.buf, int64(value), 10)
}

func (b *body) flag(name string, value bool) {
	b.key(name)
	b.buf = strconv.AppendBool(b.buf, value)
}

// open begins an object or a list that is the value of a name; an empty name is the answer itself
// or an item.
func (b *body) open(name string, bracket byte) {
	if name == "" {
		b.separate()
	} else {
		b.key(name)
	}
	b.buf = append(b.buf, bracket)
	b.comma = false
}

func (b *body) close(bracket byte) {
	b.buf = append(b.buf, bracket)
	b.comma = true
}

func (b *body) quote(text string) {
	const hex = "0123456789abcdef"
	b.buf = append(b.buf, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.buf = append(b.buf, '\\', byte(r))
		case r == '\n':
			b.buf = append(b.buf, '\\', 'n')
		case r < 0x20:
			b.buf = append(b.buf, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b.buf = utf8.AppendRune(b.buf, r)
		}
	}
	b.buf = append(b.buf, '"')
}

// raw replaces the answer by a page that is not JSON.
func (b *body) raw(contentType, page string) {
	b.start(contentType)
	b.buf = append(b.buf, page...)
}
