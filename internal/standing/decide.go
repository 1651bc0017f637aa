package standing

import "strings"

// Reseller is the relationship of customers that buy through the partner (docs/partner-center.md,
// "Customers").
const Reseller = "reseller"

// Decide applies the rule to the facts; the first line that matches wins. It is total: every
// combination of facts has a verdict. The rule is in docs/rule.md, its sources are in
// docs/partner-center.md.
func Decide(facts Facts, policy Policy) Verdict {
	newest, dated := newest(facts)
	v := Verdict{Newest: newest}
	switch {
	case facts.Relationship != "" && !strings.EqualFold(facts.Relationship, Reseller):
		return Verdict{Standing: Excluded, Reason: NotAResellerCustomer}
	case facts.AgreementsRead == OutcomeRelationshipEnded || facts.DirectRead == OutcomeRelationshipEnded:
		v.Standing, v.Reason, v.Remedy = Unknown, RelationshipEnded, RequestRelationship
	case facts.AgreementsRead == OutcomeNotFound || facts.DirectRead == OutcomeNotFound:
		v.Standing, v.Reason, v.Remedy = Unknown, NotFound, CheckRelationship
	case facts.Relationship == "":
		// Nothing says that this is a reseller customer: neither clear nor blocked can be claimed.
		v.Standing, v.Reason, v.Remedy = Unknown, Unreadable, Retry
	case dated && newest.Agreed >= policy.AcceptedSince:
		v.Standing, v.Reason = Clear, Attested
	case facts.DirectRead == Read && facts.Direct && policy.TrustDirectAcceptance:
		v.Standing, v.Reason = Clear, AcceptedDirectly
	case facts.AgreementsRead != Read, policy.TrustDirectAcceptance && facts.DirectRead != Read,
		len(facts.Agreements) > 0 && !dated:
		v.Standing, v.Reason, v.Remedy = Unknown, Unreadable, Retry
	case dated:
		v.Standing, v.Reason, v.Remedy = Blocked, Outdated, remedy(facts.Partner)
	default:
		v.Standing, v.Reason, v.Remedy = Blocked, NeverAccepted, remedy(facts.Partner)
	}
	return v
}

// Settled reports whether no further read can change the verdict on these facts. It is used to skip
// the second read.
func Settled(facts Facts, policy Policy) bool {
	if Decide(facts, policy).Reason != Unreadable || facts.Relationship == "" {
		return true
	}
	return facts.AgreementsRead != NotRead && (facts.DirectRead != NotRead || !policy.TrustDirectAcceptance)
}

// newest returns the agreement with the latest readable date up to today, and whether there is one.
func newest(facts Facts) (Agreement, bool) {
	var newest Agreement
	for _, a := range facts.Agreements {
		if a.Agreed <= facts.AsOf && a.Agreed > newest.Agreed {
			newest = a
		}
	}
	return newest, newest.Agreed != ""
}

// remedy says who can lift the block: indirect resellers cannot attest (docs/partner-center.md,
// "The rule and its sources").
func remedy(kind PartnerKind) Remedy {
	if kind == IndirectReseller {
		return AskIndirectProvider
	}
	return Attest
}
