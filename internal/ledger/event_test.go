package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

func TestSealedEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 3, 4, 5, 6000, time.FixedZone("", 3600))
	first := Event{Kind: EventImport, Batch: 1, At: at, Actor: attestation.Actor{Name: "ana"},
		Detail: "{}"}.Seal(ChainHead{})
	second := Event{Kind: EventSend, Batch: 1, Line: 2, At: at, From: attestation.Approved,
		To: attestation.Failed}.Seal(first.Head())
	require.True(t, first.Follows(ChainHead{}))
	require.True(t, second.Follows(first.Head()))
	require.False(t, second.Follows(ChainHead{}))
	again := second
	again.At = at.UTC()
	require.True(t, again.Unaltered(), "an instant is the same in every zone")
	for name, change := range map[string]func(*Event){
		"sequence": func(e *Event) { e.Sequence++ }, "time": func(e *Event) { e.At = e.At.Add(time.Microsecond) },
		"kind": func(e *Event) { e.Kind = EventAnswer }, "batch": func(e *Event) { e.Batch++ },
		"line": func(e *Event) { e.Line++ }, "run": func(e *Event) { e.Run++ },
		"partner": func(e *Event) { e.PartnerID = "p" }, "customer": func(e *Event) { e.CustomerID = "c" },
		"actor": func(e *Event) { e.Actor.Name = "bea" }, "user id": func(e *Event) { e.Actor.UserID = "0" },
		"host":   func(e *Event) { e.Actor.Host = "h" },
		"source": func(e *Event) { e.Actor.Source = attestation.FromFlag },
		"from":   func(e *Event) { e.From = attestation.Unsure }, "to": func(e *Event) { e.To = attestation.Confirmed },
		"detail": func(e *Event) { e.Detail = " " }, "previous": func(e *Event) { e.Previous = "" },
		"hash": func(e *Event) { e.Hash = first.Hash },
	} {
		changed := second
		change(&changed)
		require.False(t, changed.Unaltered(), name)
	}
	a := Event{Actor: attestation.Actor{Name: "ab", UserID: "c"}}.Seal(ChainHead{})
	b := Event{Actor: attestation.Actor{Name: "a", UserID: "bc"}}.Seal(ChainHead{})
	require.NotEqual(t, a.Hash, b.Hash, "where a field ends is part of the text")
}

func TestChainHeadText(t *testing.T) {
	t.Parallel()
	for _, head := range []ChainHead{{}, Event{Detail: "x"}.Seal(ChainHead{Sequence: 122}).Head()} {
		read, err := ParseChainHead(" " + head.String() + "\n")
		require.NoError(t, err)
		require.Equal(t, head, read)
	}
	hash := Event{}.Seal(ChainHead{}).Hash
	for _, text := range []string{"", "12", ":", "12:", "0:" + hash, "-1:" + hash, "12:" + hash[1:], "x:" + hash,
		"12:" + hash + " 13", "9999999999999999999:" + hash} {
		_, err := ParseChainHead(text)
		require.ErrorContains(t, err, "not the head of an event chain", text)
	}
}
