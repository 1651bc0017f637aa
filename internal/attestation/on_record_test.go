package attestation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

const (
	since = standing.Date("2023-04-01")
	day   = standing.Date("2026-11-22")
)

// claimOf is a claim on an attestation of Ana's acceptance of 2026-11-20.
func claimOf() *attestation.Claim {
	return &attestation.Claim{Attestation: attestation.Attestation{State: attestation.Approved, Content: anaSaid}}
}

func agreement(signer standing.Contact, agreed standing.Date) standing.Agreement {
	return standing.Agreement{Signer: signer, Agreed: agreed}
}

func TestWhatIsOnRecordNeedNotBeSent(t *testing.T) {
	t.Parallel()
	shouted := standing.Contact{FirstName: "ANA", LastName: "souza ", Email: "Ana@Example.com",
		Phone: "+55 (11) 98765-4321"}
	for name, c := range map[string]struct {
		onRecord []standing.Agreement
		change   func(*attestation.Claim)
		state    attestation.State // empty: it is sent
	}{
		"nothing is on record": {nil, nil, ""},
		"an outdated acceptance of another signer": {[]standing.Agreement{agreement(bea, "2020-01-01")}, nil,
			""},
		"an outdated acceptance of the same signer": {[]standing.Agreement{agreement(ana, "2020-01-01")}, nil,
			""},
		"an acceptance in the future proves nothing": {[]standing.Agreement{agreement(bea, "2027-01-01")}, nil,
			""},
		"the same contact, on another day": {[]standing.Agreement{agreement(ana, "2025-01-01")}, nil,
			attestation.AlreadyOnRecord},
		"the same contact, in other letters": {[]standing.Agreement{agreement(shouted, "2026-11-20")},
			nil, attestation.AlreadyOnRecord},
		"the same contact among others": {[]standing.Agreement{agreement(bea, "2024-01-01"),
			agreement(ana, "2025-01-01")}, nil, attestation.AlreadyOnRecord},
		"the same contact on the first day that counts": {[]standing.Agreement{agreement(ana, since)}, nil,
			attestation.AlreadyOnRecord},
		"somebody else accepted meanwhile": {[]standing.Agreement{agreement(bea, "2026-11-21")}, nil,
			attestation.Cleared},
		"somebody else, and it was asked for all the same": {[]standing.Agreement{agreement(bea, "2026-11-21")},
			func(c *attestation.Claim) { c.EvenIfClear = true }, ""},
		"the same contact, and it was asked for": {[]standing.Agreement{agreement(ana, "2026-11-21")},
			func(c *attestation.Claim) { c.EvenIfClear = true }, attestation.AlreadyOnRecord},
		"a correction of what somebody else's row said": {[]standing.Agreement{agreement(bea, "2026-11-21")},
			func(c *attestation.Claim) { c.Replaces.Batch = 7 }, ""},
		"a correction that is on record already": {[]standing.Agreement{agreement(ana, "2026-11-21")},
			func(c *attestation.Claim) { c.Replaces.Batch = 7 }, attestation.AlreadyOnRecord},
		"agreements without a contact count for the others": {[]standing.Agreement{{Agreed: "2024-01-01"}}, nil,
			attestation.Cleared},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := claimOf()
			if c.change != nil {
				c.change(claim)
			}
			end, ok := claim.Covered(c.onRecord, since, day)
			require.Equal(t, c.state != "", ok)
			require.Equal(t, c.state, end.State)
			if ok {
				require.True(t, end.Read)
				require.Equal(t, attestation.ResultNotSent, end.Result)
				require.True(t, attestation.CanMove(attestation.Approved, end.State))
			}
		})
	}
}

func TestTheNewestReadingOfTheLedgerCovers(t *testing.T) {
	t.Parallel()
	claim := claimOf()
	_, ok := claim.CoveredByStanding(since, day)
	require.False(t, ok, "the customer is not in the ledger")
	claim.Customer = attestation.Customer{Standing: standing.Blocked, Reason: standing.NeverAccepted}
	_, ok = claim.CoveredByStanding(since, day)
	require.False(t, ok)
	claim.Customer = attestation.Customer{Standing: standing.Unknown, Reason: standing.Unreadable}
	_, ok = claim.CoveredByStanding(since, day)
	require.False(t, ok)
	claim.Customer = attestation.Customer{Standing: standing.Clear, Reason: standing.AcceptedDirectly}
	end, ok := claim.CoveredByStanding(since, day)
	require.True(t, ok)
	require.Equal(t, attestation.Cleared, end.State, "the customer accepted by itself")
	claim.EvenIfClear = true
	_, ok = claim.CoveredByStanding(since, day)
	require.False(t, ok)
	claim.Customer.OnRecord = agreement(ana, "2026-11-21")
	end, ok = claim.CoveredByStanding(since, day)
	require.True(t, ok)
	require.Equal(t, attestation.AlreadyOnRecord, end.State)
}

func TestARequestWithoutAnAnswerIsFoundOnRecord(t *testing.T) {
	t.Parallel()
	joana := standing.Contact{FirstName: "Joana", LastName: "de Souza", Email: "ANA@example.com"}
	for name, c := range map[string]struct {
		onRecord []standing.Agreement
		wanted   bool
		reason   attestation.Reason // empty: it is not there
		message  string
	}{
		"nothing": {nil, false, "", ""},
		"others":  {[]standing.Agreement{agreement(bea, "2026-11-20")}, false, "", ""},
		"the very one": {[]standing.Agreement{agreement(bea, "2024-01-01"),
			agreement(ana, "2026-11-20")}, false, attestation.ReadBack, ""},
		"the very one after one on another day": {[]standing.Agreement{agreement(ana, "2026-11-19"),
			agreement(ana, "2026-11-20")}, false, attestation.ReadBack, ""},
		"another day": {[]standing.Agreement{agreement(ana, "2026-11-21")}, false,
			attestation.RecordedDifferently, "the day 2026-11-21; the row says 2026-11-20"},
		"another spelling": {[]standing.Agreement{agreement(joana, "2026-11-20")}, false,
			attestation.RecordedDifferently, "another spelling"},
		"another spelling and day": {[]standing.Agreement{agreement(joana, "2026-11-22")}, false,
			attestation.RecordedDifferently, "spelling, and the day 2026-11-22"},
		"an outdated one of the same signer": {[]standing.Agreement{agreement(ana, "2020-01-01")}, false, "", ""},
		"another spelling where an earlier one is known": {[]standing.Agreement{agreement(joana, "2026-11-20")}, true,
			"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claim := claimOf()
			claim.EvenIfClear = c.wanted
			end, ok := claim.Found(c.onRecord, since)
			require.Equal(t, c.reason != "", ok)
			if ok {
				require.Equal(t, []any{attestation.Confirmed, c.reason, true}, []any{end.State, end.Reason, end.Read})
				require.Contains(t, end.Message, c.message)
				require.NotContains(t, end.Message, "Joana", "no personal data")
			}
		})
	}
}
