package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// inMemory is how much text of shared strings is kept in memory; more goes to a temporary file.
const inMemory = 32 << 20

// sharedStrings are the texts to which the cells of a workbook refer by number.
type sharedStrings struct {
	text  []byte
	ends  []int64 // where each text ends, in bytes from the first: 8 bytes a text stay in memory
	spill *os.File
	size  int64
}

func (s *sharedStrings) close() error {
	if s == nil || s.spill == nil {
		return nil
	}
	spill := s.spill
	s.spill = nil
	return spill.Close()
}

// readSharedStrings reads the part with the shared strings; an empty name: there are none.
func (b *Book) readSharedStrings(name string) (*sharedStrings, error) {
	all := &sharedStrings{}
	if name == "" {
		return all, nil
	}
	p, err := b.part(name)
	if err != nil {
		return nil, err
	}
	err = errors.Join(all.read(p), p.close())
	if err != nil {
		return nil, errors.Join(err, all.close())
	}
	return all, nil
}

// read collects the texts; those of phonetic runs are left out.
func (s *sharedStrings) read(p *part) error {
	var item strings.Builder
	inText, phonetic, ended := false, false, false
	for {
		token, err := p.next()
		switch {
		case errors.Is(err, io.EOF) && ended:
			return s.flush()
		case errors.Is(err, io.EOF):
			return &DamagedError{p.name, io.ErrUnexpectedEOF}
		case err != nil:
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "t"
			phonetic = phonetic || e.Name.Local == "rPh"
		case xml.CharData:
			if inText && !phonetic {
				item.Write(e)
			}
		case xml.EndElement:
			inText = false
			switch e.Name.Local {
			case "rPh":
				phonetic = false
			case "sst":
				ended = true
			case "si":
				if err := s.add(unescaped(item.String())); err != nil {
					return err
				}
				item.Reset()
			}
		}
	}
}

func (s *sharedStrings) add(text string) error {
	s.text = append(s.text, text...)
	s.size += int64(len(text))
	s.ends = append(s.ends, s.size)
	if len(s.text) < inMemory {
		return nil
	}
	if s.spill == nil {
		spill, err := os.CreateTemp("", "mcaledger-")
		if err != nil {
			return fmt.Errorf("keep the workbook's texts: %w", err)
		}
		// Its name is not needed: the file is gone when it is closed, whatever happens.
		if err := os.Remove(spill.Name()); err != nil {
			return errors.Join(fmt.Errorf("keep the workbook's texts: %w", err), spill.Close())
		}
		s.spill = spill
	}
	return s.flush()
}

// flush moves what is in memory to the temporary file, when there is one.
func (s *sharedStrings) flush() error {
	if s.spill == nil {
		return nil
	}
	if _, err := s.spill.Write(s.text); err != nil {
		return fmt.Errorf("keep the workbook's texts: %w", err)
	}
	s.text = s.text[:0]
	return nil
}

// at is the text with a number.
func (s *sharedStrings) at(i int) (string, error) {
	if i < 0 || i >= len(s.ends) {
		return "", damaged("a cell", "it refers to a text that is not there")
	}
	from := int64(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	if s.spill == nil {
		return string(s.text[from:s.ends[i]]), nil
	}
	text := make([]byte, s.ends[i]-from)
	if _, err := s.spill.ReadAt(text, from); err != nil {
		return "", fmt.Errorf("read the workbook's texts: %w", err)
	}
	return string(text), nil
}

// unescaped is a text in which _x000D_ and its like are the characters that they stand for.
func unescaped(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		code, ok := escape(text[i:])
		if !ok {
			b.WriteByte(text[i])
			continue
		}
		b.WriteRune(code)
		i += 6
	}
	return b.String()
}

// escape is the character for which the beginning of a text stands, such as _x000D_.
func escape(text string) (rune, bool) {
	if len(text) < 7 || text[0] != '_' || text[1] != 'x' || text[6] != '_' {
		return 0, false
	}
	code, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(code), err == nil
}
