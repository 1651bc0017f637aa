package attestation

import (
	"fmt"
	"strconv"
	"strings"
)

// ID names an attestation by where it came from: the batch, and the line of its row in the file, as
// in "12-345".
type ID struct {
	Batch int64
	Line  int
}

func (id ID) String() string { return fmt.Sprintf("%d-%d", id.Batch, id.Line) }

// ParseID reads what String wrote.
func ParseID(text string) (ID, error) {
	batch, line, ok := strings.Cut(text, "-")
	b, err := strconv.ParseInt(batch, 10, 64)
	l, err2 := strconv.Atoi(line)
	if !ok || err != nil || err2 != nil || b < 1 || l < 1 {
		return ID{}, fmt.Errorf("%q is not the id of an attestation, such as 12-345", text)
	}
	return ID{b, l}, nil
}
