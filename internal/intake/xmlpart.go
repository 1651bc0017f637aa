package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"strings"
)

// part opens a part of the workbook for reading as XML.
func (s *xlsxSource) part(name string) (*xmlPart, error) {
	p := s.parts[strings.ToLower(name)]
	if p == nil {
		return nil, damaged("there is no part "+name, fs.ErrNotExist)
	}
	r, err := p.Open()
	if err != nil {
		return nil, damaged(name, err)
	}
	// One byte more than it says of itself: an archive that lies about its sizes is caught there.
	guard := &guardedReader{from: io.LimitReader(r, int64(min(p.UncompressedSize64, 1<<62))+1), most: s.limits.RowBytes}
	return &xmlPart{Decoder: xml.NewDecoder(guard), close: r.Close, name: name}, nil
}

// guardedReader stops at texts and tags that are longer than any cell: a decoder would keep them whole.
type guardedReader struct {
	from io.Reader
	most int
	run  int // bytes since the last tag began
}

func (g *guardedReader) Read(b []byte) (int, error) {
	n, err := g.from.Read(b)
	for rest := b[:n]; ; {
		i := bytes.IndexByte(rest, '<')
		if i < 0 {
			g.run += len(rest)
			break
		}
		rest, g.run = rest[i+1:], 0
	}
	if g.run > g.most {
		return 0, &FileError{Code: TooBig, Message: "a cell is longer than " + size(int64(g.most)), Hint: "Look whether this is a list of customers, and take out what is not"}
	}
	return n, err
}

// xmlPart is a part of a workbook that is being read.
type xmlPart struct {
	*xml.Decoder
	close func() error
	name  string
}

// next is the next token; io.EOF at the end. Names are without their prefixes.
func (p *xmlPart) next() (xml.Token, error) {
	token, err := p.RawToken()
	if err == nil || errors.Is(err, io.EOF) {
		return token, err
	}
	if wrong, ok := errors.AsType[*FileError](err); ok {
		return nil, wrong
	}
	return nil, damaged(p.name, err)
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
func (s *xlsxSource) each(name string, visit func(e xml.StartElement)) (err error) {
	part, err := s.part(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, part.close()) }()
	for {
		token, err := part.next()
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
