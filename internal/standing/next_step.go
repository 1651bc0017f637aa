package standing

// The next steps of a blocked customer that may accept directly as well. They follow from what it
// has bought: they are derived when a report is made, and not stored with a record.
const (
	AttestOrInvite              Remedy = "attest_or_invite"
	AskIndirectProviderOrInvite Remedy = "ask_indirect_provider_or_invite"
)

// NextStep is the remedy of a block once it is known what the customer has bought: one with active
// subscriptions may be unable to accept directly (docs/partner-center.md, "The rule and its
// sources").
func NextStep(r Remedy, read Outcome, bought Purchases) Remedy {
	if read != Read || bought.Active > 0 {
		return r
	}
	switch r {
	case Attest:
		return AttestOrInvite
	case AskIndirectProvider:
		return AskIndirectProviderOrInvite
	}
	return r
}
