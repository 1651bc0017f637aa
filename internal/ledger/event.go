package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// EventKind says what an event records.
type EventKind string

const (
	EventImport        EventKind = "import"         // a file became a batch
	EventApprove       EventKind = "approve"        // a batch may be sent
	EventCancel        EventKind = "cancel"         // an attestation will not be sent
	EventRetry         EventKind = "retry"          // an attestation that failed or expired may be sent again
	EventCorrect       EventKind = "correct"        // an attestation was replaced by a corrected one
	EventSend          EventKind = "send"           // a request is about to leave
	EventAnswer        EventKind = "answer"         // the answer to a request, or its loss
	EventSettle        EventKind = "settle"         // an attestation moved without a request
	EventExpire        EventKind = "expire"         // the customer did not accept in time
	EventRenew         EventKind = "renew"          // an expired attestation is created again
	EventLink          EventKind = "link"           // a link was handed over
	EventRemind        EventKind = "remind"         // a reminder of a link was handed over
	EventInvite        EventKind = "invite"         // a customer was invited to accept directly
	EventException     EventKind = "exception"      // the exception of a customer was set or removed
	EventEnrich        EventKind = "enrich"         // subscriptions or resellers of customers were read and differ
	EventRun           EventKind = "run"            // a run was closed
	EventReport        EventKind = "report"         // a report was written
	EventPurge         EventKind = "purge"          // personal data was removed
	EventResumeSending EventKind = "resume_sending" // a person allowed sending from a ledger that was rolled back
	EventBackup        EventKind = "backup"         // this ledger is a copy that a backup made
	EventMigrate       EventKind = "migrate"        // this ledger is a copy that was moved from another database
)

// EventKinds are all kinds. The schema allows the same.
func EventKinds() []EventKind {
	return []EventKind{EventImport, EventApprove, EventCancel, EventRetry, EventCorrect, EventSend, EventAnswer,
		EventSettle, EventExpire, EventRenew, EventLink, EventRemind, EventInvite, EventException, EventEnrich,
		EventRun, EventReport, EventPurge, EventResumeSending, EventBackup, EventMigrate}
}

// Event is one entry of the ledger's log. Entries are only ever added; each holds the hash of the
// one before it, so that a changed or missing entry is found.
type Event struct {
	Sequence   int64 // from 1, without gaps
	At         time.Time
	Kind       EventKind
	Batch      int64  // 0: none
	Line       int    // of an attestation of the batch; 0: the whole batch, or none
	Run        int64  // 0: none
	PartnerID  string // empty: none, or several
	CustomerID string // empty: none, or several
	Actor      attestation.Actor
	From, To   attestation.State // empty: no attestation moved
	Detail     string            // a JSON object: policy, ids, counts, digests; never personal data
	Previous   string            // hash of the event before; empty for the first
	Hash       string
}

// Seal returns the event with its place in the chain and its hash.
func (e Event) Seal(after ChainHead) Event {
	e.Sequence, e.Previous = after.Sequence+1, after.Hash
	e.Hash = e.sum()
	return e
}

// Unaltered reports whether the event is what was sealed.
func (e Event) Unaltered() bool { return e.Hash == e.sum() }

// Follows reports whether the event is what was sealed right after the event that head names.
func (e Event) Follows(head ChainHead) bool {
	return e.Sequence == head.Sequence+1 && e.Previous == head.Hash && e.Unaltered()
}

// Head names the event as the end of a chain.
func (e Event) Head() ChainHead { return ChainHead{Sequence: e.Sequence, Hash: e.Hash} }

// sum hashes the fields, each with its length in front, so that no two events have the same text.
func (e Event) sum() string {
	var text strings.Builder
	for _, field := range []string{
		strconv.FormatInt(e.Sequence, 10), e.At.UTC().Format(time.RFC3339Nano), string(e.Kind),
		strconv.FormatInt(e.Batch, 10), strconv.Itoa(e.Line), strconv.FormatInt(e.Run, 10), e.PartnerID, e.CustomerID,
		e.Actor.Name, e.Actor.UserID, e.Actor.Host, string(e.Actor.Source), string(e.From), string(e.To), e.Detail,
		e.Previous,
	} {
		fmt.Fprintf(&text, "%d:%s,", len(field), field)
	}
	hash := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(hash[:])
}

// ChainHead names an event, and with it all events before. Whoever keeps one can tell later whether
// the log was rewritten.
type ChainHead struct {
	Sequence int64 // 0: there are no events
	Hash     string
}

// String is the head as reports and JSON show it, such as 1234:5f1c….
func (h ChainHead) String() string { return fmt.Sprintf("%d:%s", h.Sequence, h.Hash) }

var headText = regexp.MustCompile(`^(\d{1,18}):([0-9a-f]{64}|)$`)

// ParseChainHead reads what String wrote.
func ParseChainHead(text string) (ChainHead, error) {
	parts := headText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if parts == nil {
		return ChainHead{}, fmt.Errorf("%q is not the head of an event chain, such as 1234:5f1c… with 64 hexadecimal "+
			"digits", text)
	}
	sequence, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || (sequence == 0) != (parts[2] == "") {
		return ChainHead{}, fmt.Errorf("%q is not the head of an event chain: 0 has no hash, others have one", text)
	}
	return ChainHead{Sequence: sequence, Hash: parts[2]}, nil
}

// Chain is the log as a report shows it: its head, how many events there must be up to it, and how
// many of them, from the first on, are there and unaltered.
type Chain struct {
	Head             ChainHead
	Events, Verified int64
}
