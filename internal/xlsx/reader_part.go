package xlsx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/mcaledger/mcaledger/internal/charset"
)

// part is a part of a workbook that is being read.
type part struct {
	*xml.Decoder
	name  string
	close func() error
}

// part opens a part for reading as XML, in UTF-8 or in UTF-16.
func (b *Book) part(name string) (*part, error) {
	p := b.parts[partName(name)]
	if p == nil {
		return nil, &DamagedError{"there is no part " + name, fs.ErrNotExist}
	}
	r, err := p.Open()
	if err != nil {
		return nil, &DamagedError{name, err}
	}
	// One byte more than it says of itself: an archive that lies about its sizes is caught there.
	bounded := io.LimitReader(r, int64(min(p.UncompressedSize64, 1<<62))+1)
	start := make([]byte, 2)
	n, err := io.ReadFull(bounded, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &DamagedError{name, errors.Join(err, r.Close())}
	}
	declared, _ := charset.Mark(start[:n])
	text := io.MultiReader(bytes.NewReader(start[:n]), bounded)
	decoder := xml.NewDecoder(&guard{from: transform.NewReader(text, unicode.BOMOverride(transform.Nop)), part: name,
		most: b.limits.Text})
	decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		if declared != "" {
			return input, nil // decoded by its mark
		}
		e, err := charset.Parse(label)
		if err != nil {
			return nil, err
		}
		return e.NewReader(input), nil
	}
	return &part{Decoder: decoder, name: name, close: r.Close}, nil
}

// guard stops at texts and tags that are longer than any cell: a decoder would keep them whole.
type guard struct {
	from io.Reader
	part string
	most int
	run  int // bytes since the last tag began
}

func (g *guard) Read(b []byte) (int, error) {
	n, err := g.from.Read(b)
	if i := bytes.LastIndexByte(b[:n], '<'); i >= 0 {
		g.run = n - i
	} else {
		g.run += n
	}
	if g.run > g.most {
		return 0, &LimitError{Part: g.part, Limit: "text"}
	}
	return n, err
}

// next is the next token; io.EOF at the end. Names are without their prefixes.
func (p *part) next() (xml.Token, error) {
	token, err := p.RawToken()
	if err == nil || errors.Is(err, io.EOF) {
		return token, err
	}
	if exceeded, ok := errors.AsType[*LimitError](err); ok {
		return nil, exceeded
	}
	return nil, &DamagedError{p.name, err}
}

// attribute is the value of an attribute of any prefix; empty when it is not there.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// each calls visit for every element of a small part that begins.
func (b *Book) each(name string, visit func(e xml.StartElement)) (err error) {
	p, err := b.part(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			visit(e)
		}
	}
}
