package attestation

import (
	"fmt"
	"strings"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Covered settles an attestation that need not be sent, because of what is on record with
// Microsoft: the same contact's acceptance, or an acceptance by which the customer can buy, unless
// the row was asked for in spite of that. Acceptances count from the day since. ok is false when
// the attestation has to be sent.
func (c *Claim) Covered(onRecord []standing.Agreement, since, today standing.Date) (end Settlement, ok bool) {
	var newest standing.Date
	for _, a := range onRecord {
		if a.Agreed == "" || a.Agreed < since || a.Agreed > today {
			continue
		}
		if SameContact(a.Signer, c.Content.Signer) {
			return Settlement{State: AlreadyOnRecord, Reason: SameOnRecord, Result: ResultNotSent, Read: true,
				Message: "Microsoft has this signer's acceptance of " + string(a.Agreed)}, true
		}
		newest = max(newest, a.Agreed)
	}
	if newest != "" && !c.wanted() {
		return cleared("Microsoft has an acceptance of " + string(newest)), true
	}
	return Settlement{}, false
}

// CoveredByStanding is Covered by the newest reading in the ledger.
func (c *Claim) CoveredByStanding(since, today standing.Date) (end Settlement, ok bool) {
	if end, ok := c.Covered([]standing.Agreement{c.Customer.OnRecord}, since, today); ok {
		return end, true
	}
	if c.Customer.Standing == standing.Clear && !c.wanted() {
		return cleared("the customer can buy since it was imported (" + string(c.Customer.Reason) + ")"), true
	}
	return Settlement{}, false
}

func cleared(message string) Settlement {
	return Settlement{State: Cleared, Reason: AlreadyClear, Message: message, Result: ResultNotSent, Read: true,
		Hint: "To send it all the same, import the row again with --even-if-clear."}
}

// wanted reports whether the attestation is to be sent although its customer can buy.
func (c *Claim) wanted() bool { return c.EvenIfClear || c.Replaces != ID{} }

// Found settles an attestation whose request has an unknown outcome, if what is on record shows
// that it took effect. The service may keep another day or another spelling than it was sent; Found
// notices it. ok is false when it is not on record.
func (c *Claim) Found(onRecord []standing.Agreement, since standing.Date) (end Settlement, ok bool) {
	end = Settlement{State: Confirmed, Reason: ReadBack, Result: ResultSucceeded, Read: true}
	sent := standing.Agreement{Signer: c.Content.Signer, Agreed: c.Content.Agreed}
	for _, a := range onRecord {
		if SameContact(a.Signer, sent.Signer) && a.Agreed == sent.Agreed {
			return end, true
		}
	}
	for _, a := range onRecord {
		if a.Agreed < since {
			continue
		}
		sameContact := SameContact(a.Signer, sent.Signer)
		sameAddress := strings.EqualFold(strings.TrimSpace(a.Signer.Email), strings.TrimSpace(sent.Signer.Email))
		// One address may have several agreements where the row was sent in spite of an earlier
		// one.
		if !sameContact && (!sameAddress || c.wanted()) {
			continue
		}
		end.Reason = RecordedDifferently
		switch {
		case sameContact:
			end.Message = fmt.Sprintf("Microsoft has recorded the day %s; the row says %s", a.Agreed, sent.Agreed)
		case a.Agreed == sent.Agreed:
			end.Message = "Microsoft has recorded the signer in another spelling"
		default:
			end.Message = fmt.Sprintf("Microsoft has recorded the signer in another spelling, and the day %s; the "+
				"row says %s", a.Agreed, sent.Agreed)
		}
		return end, true
	}
	return Settlement{}, false
}
