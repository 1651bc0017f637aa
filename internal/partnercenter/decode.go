package partnercenter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Answers are read field by field instead of into structs: a field that is only shown must not fail
// a read, whatever its type, and a field that decides must not be guessed when it stands twice.
// Names are compared without regard to case, as the service does.

const (
	answerLimit   = 4 << 20  // bytes of an answer about one customer
	pageLimit     = 8 << 20  // bytes of one page of up to 500 customers
	errorLimit    = 64 << 10 // bytes of an error that are read
	documentLimit = 32 << 20 // bytes of an agreement document
)

var errTooLong = errors.New("the answer is longer than expected")

// readAll reads a body to its end, or fails when it is longer than limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, limit)
	}
	return body, err
}

// withoutBOM removes the byte-order mark that the service puts before most answers and
// encoding/json refuses.
func withoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// object is one JSON object by the lower-case names of its fields. A name that stands more than
// once, in whatever spelling, has an empty value: which of them is meant cannot be known.
type object map[string]json.RawMessage

// readObject reads a JSON object. ok is false when the text is valid JSON of another kind, or not
// JSON at all.
func readObject(data []byte) (o object, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	o = object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, false
		}
		key := strings.ToLower(fmt.Sprint(name))
		if _, twice := o[key]; twice {
			value = nil
		}
		o[key] = value
	}
	return o, true
}

// text returns a field that is a text or a number; any other value counts as missing.
func (o object) text(name string) string { return textOf(o[name]) }

func textOf(value json.RawMessage) string {
	if len(value) == 0 || strings.IndexByte(`"-0123456789`, value[0]) < 0 {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	return replaceNUL(text)
}

// string returns a field that is a text, with quotes; any other value counts as missing.
func (o object) string(name string) string {
	if value := o[name]; len(value) > 0 && value[0] == '"' {
		return textOf(value)
	}
	return ""
}

// object returns a field that is an object; any other value counts as an empty one.
func (o object) object(name string) object {
	inner, _ := readObject(o[name])
	return inner
}

// flag returns a field that is true or false; ok reports whether it is one of them, and stands
// once.
func (o object) flag(name string) (value, ok bool) {
	switch string(o[name]) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// missing reports whether a field is absent or null.
func (o object) missing(name string) bool {
	value, there := o[name]
	return !there || string(value) == "null"
}

// replaceNUL replaces the one character that no database keeps in a text.
func replaceNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }
