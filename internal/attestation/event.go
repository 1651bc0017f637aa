package attestation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Event is one entry of a batch's log. Entries are only ever added; each carries the hash of the one before it, so that
// taking one out or changing it shows.
type Event struct {
	Batch    int64
	Sequence int64 // from 1, without gaps
	Line     int   // of the attestation in its file; 0: the event concerns the whole batch
	At       time.Time
	Actor    string // who: a person, or the program on a host
	From, To State  // empty where the event is no move
	Detail   string // what else there is to know: answers, ids, digests; never personal data
	Previous string // hash of the event before; empty for the first
	Hash     string
}

// Seal returns the event with its place in the chain and its hash.
func (e Event) Seal(sequence int64, previous string) Event {
	e.Sequence, e.Previous = sequence, previous
	e.Hash = e.sum()
	return e
}

// Follows reports whether the event is what was sealed, right after the one before; a chain's first event follows one without a sequence.
func (e Event) Follows(before Event) bool {
	return e.Sequence == before.Sequence+1 && e.Previous == before.Hash && e.Whole()
}

// Whole reports whether the event is what was sealed.
func (e Event) Whole() bool { return e.Hash == e.sum() }

// sum hashes the fields, each with its length in front, so that no two events have the same text.
func (e Event) sum() string {
	var text strings.Builder
	for _, field := range []string{
		fmt.Sprint(e.Batch), fmt.Sprint(e.Sequence), fmt.Sprint(e.Line), e.At.UTC().Format(time.RFC3339Nano),
		e.Actor, string(e.From), string(e.To), e.Detail, e.Previous,
	} {
		fmt.Fprintf(&text, "%d:%s,", len(field), field)
	}
	hash := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(hash[:])
}
