package standing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var policy = Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: true}

// facts are those of a reseller customer of a direct-bill partner on 22 November 2026, changed by
// each case.
func facts(change ...func(*Facts)) Facts {
	f := Facts{Partner: DirectBill, Relationship: "reseller", AsOf: "2026-11-22", AgreementsRead: NotRead,
		DirectRead: NotRead}
	for _, c := range change {
		c(&f)
	}
	return f
}

func agreed(days ...Date) func(*Facts) {
	return func(f *Facts) {
		f.AgreementsRead = Read
		for _, d := range days {
			f.Agreements = append(f.Agreements, Agreement{Agreed: d, Signer: Contact{FirstName: string(d)}})
		}
	}
}

func direct(signed bool) func(*Facts) {
	return func(f *Facts) { f.DirectRead, f.Direct = Read, signed }
}

func agreementsRead(o Outcome) func(*Facts) { return func(f *Facts) { f.AgreementsRead = o } }

func directRead(o Outcome) func(*Facts) { return func(f *Facts) { f.DirectRead = o } }

func related(r string) func(*Facts) { return func(f *Facts) { f.Relationship = r } }

func by(k PartnerKind) func(*Facts) { return func(f *Facts) { f.Partner = k } }

func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		facts    Facts
		standing Standing
		reason   Reason
		remedy   Remedy
	}{
		"an advisor's customer is excluded, not blocked": {facts(related("advisor"), agreed(), direct(false)),
			Excluded, NotAResellerCustomer, ""},
		"no relationship at all is excluded": {facts(related("none")), Excluded, NotAResellerCustomer,
			""},
		"the word for an unknown relationship is excluded": {facts(related("unknown")), Excluded, NotAResellerCustomer,
			""},
		"excluded even when an agreement is there": {facts(related("syndication"), agreed("2025-01-01")),
			Excluded, NotAResellerCustomer, ""},
		"reseller in any case is a reseller": {facts(related("Reseller"), agreed("2025-01-01")), Clear,
			Attested, ""},
		"a relationship that nobody named is no reseller": {facts(related(""), agreed("2025-01-01"), direct(true)),
			Unknown, Unreadable, Retry},
		"the relationship ended": {facts(agreementsRead(OutcomeRelationshipEnded)), Unknown,
			RelationshipEnded, RequestRelationship},
		"the relationship ended between the two reads": {facts(agreed(), directRead(OutcomeRelationshipEnded)), Unknown,
			RelationshipEnded, RequestRelationship},
		"the tenant is not found": {facts(agreementsRead(OutcomeNotFound)), Unknown, NotFound,
			CheckRelationship},
		"attested on the first day that counts": {facts(agreed("2023-04-01")), Clear, Attested, ""},
		"attested one day too early": {facts(agreed("2023-03-31"), direct(false)), Blocked,
			Outdated, Attest},
		"attested today": {facts(agreed("2026-11-22")), Clear, Attested, ""},
		"attested tomorrow makes no sense": {facts(agreed("2026-11-23"), direct(false)), Unknown,
			Unreadable, Retry},
		"a future date and a good one: the good one counts": {facts(agreed("2999-01-01", "2024-02-03")), Clear,
			Attested, ""},
		"a future date and an old one: outdated": {facts(agreed("2999-01-01", "2019-08-26"), direct(false)),
			Blocked, Outdated, Attest},
		"an unreadable date alone": {facts(agreed(""), direct(false)), Unknown, Unreadable,
			Retry},
		"an unreadable date and a good one": {facts(agreed("", "2024-02-03")), Clear, Attested, ""},
		"the newest counts, whatever the order": {facts(agreed("2019-01-01", "2024-01-01", "2020-01-01")),
			Clear, Attested, ""},
		"accepted directly": {facts(agreed(), direct(true)), Clear, AcceptedDirectly,
			""},
		"accepted directly, agreements never asked": {facts(direct(true)), Clear, AcceptedDirectly, ""},
		"accepted directly, agreements not readable": {facts(agreementsRead(OutcomeUnreadable), direct(true)), Clear,
			AcceptedDirectly, ""},
		"accepted directly after an outdated attestation": {facts(agreed("2019-08-26"), direct(true)), Clear,
			AcceptedDirectly, ""},
		"attested, direct acceptance not readable": {facts(agreed("2024-01-01"), directRead(OutcomeUnreadable)), Clear,
			Attested, ""},
		"nothing read is unknown":                   {facts(), Unknown, Unreadable, Retry},
		"no agreement, direct acceptance not asked": {facts(agreed()), Unknown, Unreadable, Retry},
		"no agreement, direct acceptance not readable": {facts(agreed(), directRead(OutcomeUnreadable)), Unknown,
			Unreadable,
			Retry},
		"outdated, direct acceptance not readable": {facts(agreed("2019-08-26"),
			directRead(OutcomeUnreadable)), Unknown,
			Unreadable, Retry},
		"agreements not readable, not accepted directly": {facts(agreementsRead(OutcomeUnreadable),
			direct(false)), Unknown,
			Unreadable, Retry},
		"neither": {facts(agreed(), direct(false)), Blocked, NeverAccepted, Attest},
		"neither, at an indirect provider": {facts(agreed(), direct(false), by(IndirectProvider)), Blocked,
			NeverAccepted, Attest},
		"neither, at an indirect reseller, who cannot attest": {facts(agreed(), direct(false), by(IndirectReseller)),
			Blocked, NeverAccepted, AskIndirectProvider},
		"outdated, at an indirect reseller": {facts(agreed("2020-01-01"), direct(false),
			by(IndirectReseller)), Blocked, Outdated, AskIndirectProvider},
	} {
		t.Run(name, func(t *testing.T) {
			v := Decide(c.facts, policy)
			require.Equal(t, []any{c.standing, c.reason, c.remedy}, []any{v.Standing, v.Reason, v.Remedy})
		})
	}
}

func TestDecideWithoutTrustInDirectAcceptance(t *testing.T) {
	strict := Policy{AcceptedSince: "2023-04-01"}
	for name, c := range map[string]struct {
		facts  Facts
		reason Reason
	}{
		"a direct acceptance alone is none":         {facts(agreed(), direct(true)), NeverAccepted},
		"what direct acceptance says is not needed": {facts(agreed(), directRead(OutcomeUnreadable)), NeverAccepted},
		"nor need it be asked":                      {facts(agreed("2020-01-01")), Outdated},
		"an attestation counts as ever":             {facts(agreed("2024-01-01")), Attested},
		"without agreements nothing can be said": {facts(agreementsRead(OutcomeUnreadable), direct(true)),
			Unreadable},
		"a relationship that ended is still found by that route": {facts(directRead(OutcomeRelationshipEnded)),
			RelationshipEnded},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.reason, Decide(c.facts, strict).Reason) })
	}
}

func TestTheVerdictCarriesTheAgreementThatCounts(t *testing.T) {
	v := Decide(facts(agreed("2019-01-01", "2999-01-01", "2022-06-07", ""), direct(false)), policy)
	require.Equal(t, Agreement{Agreed: "2022-06-07", Signer: Contact{FirstName: "2022-06-07"}}, v.Newest)
}

func TestASecondReadIsMadeOnlyWhenTheFirstDoesNotSettleIt(t *testing.T) {
	for name, c := range map[string]struct {
		facts   Facts
		policy  Policy
		settled bool
	}{
		"nothing read yet":                        {facts(), policy, false},
		"not a reseller: no read at all":          {facts(related("advisor")), policy, true},
		"no relationship named: reads are no use": {facts(related("")), policy, true},
		"attested":                               {facts(agreed("2024-01-01")), policy, true},
		"outdated: it may be accepted directly":  {facts(agreed("2020-01-01")), policy, false},
		"no agreement":                           {facts(agreed()), policy, false},
		"no agreement, direct does not count":    {facts(agreed()), Policy{AcceptedSince: "2023-04-01"}, true},
		"agreements failed: direct may clear it": {facts(agreementsRead(OutcomeUnreadable)), policy, false},
		"agreements failed, direct does not count": {facts(agreementsRead(OutcomeUnreadable)),
			Policy{AcceptedSince: "2023-04-01"},
			true},
		"relationship ended":    {facts(agreementsRead(OutcomeRelationshipEnded)), policy, true},
		"accepted directly":     {facts(direct(true)), policy, true},
		"not accepted directly": {facts(direct(false)), policy, false},
		"both failed": {facts(agreementsRead(OutcomeUnreadable),
			directRead(OutcomeUnreadable)), policy, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.settled, Settled(c.facts, c.policy)) })
	}
}

// Every combination of facts: unknown is never clear, and what was not read is never a no.
func TestDecideIsTotalAndNeverGuesses(t *testing.T) {
	outcomes := []Outcome{NotRead, Read, OutcomeUnreadable, OutcomeRelationshipEnded, OutcomeNotFound}
	for _, relationship := range []string{"reseller", "advisor", ""} {
		for _, a := range outcomes {
			for _, d := range outcomes {
				for _, signed := range []bool{true, false} {
					for _, days := range [][]Date{nil, {"2024-01-01"}, {"2020-01-01"}, {""}, {"2999-01-01"},
						{"", "2020-01-01"}} {
						for _, trust := range []bool{true, false} {
							f := facts(related(relationship), agreementsRead(a), directRead(d))
							f.Direct = signed && d == Read
							if a == Read {
								agreed(days...)(&f)
							}
							v := Decide(f, Policy{AcceptedSince: "2023-04-01", TrustDirectAcceptance: trust})
							switch v.Standing {
							case Clear:
								require.True(t, a == Read && len(days) > 0 && days[0] == "2024-01-01" || f.Direct &&
									trust, "%+v", f)
							case Blocked:
								require.True(t, a == Read && (d == Read && !f.Direct || !trust), "%+v", f)
							case Unknown, Excluded:
							default:
								require.Fail(t, "no standing", "%+v", f)
							}
							require.NotEmpty(t, v.Reason)
						}
					}
				}
			}
		}
	}
}

func TestDateOfIsTheDayInUTC(t *testing.T) {
	require.Equal(t, Date("2026-11-23"), DateOf(time.Date(2026, 11, 22, 22, 30, 0, 0, time.FixedZone("", -3*3600))))
}
