package standing

// Remedies are all the ways to lift a block, the surest first, once it is known what the customer
// has bought. A customer with active subscriptions may be unable to accept directly
// (docs/partner-center.md, "The rule and its sources").
func Remedies(r Remedy, read Outcome, bought Purchases) []Remedy {
	switch {
	case r == "":
		return nil
	case (r == Attest || r == AskIndirectProvider) && read == Read && bought.Active == 0:
		return []Remedy{r, Invite}
	}
	return []Remedy{r}
}
