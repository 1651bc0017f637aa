package attestation_test

import (
	"hash/maphash"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

var (
	ana     = standing.Contact{FirstName: "Ana", LastName: "Souza", Email: "ana@example.com", Phone: "+5511987654321"}
	bea     = standing.Contact{FirstName: "Bea", LastName: "Lima", Email: "bea@example.com"}
	anaSaid = attestation.Content{Signer: ana, Agreed: "2026-11-20"}
	beaSaid = attestation.Content{Signer: bea, Agreed: "2026-11-20"}
	blocked = attestation.Customer{PartnerID: "p", ID: "c", Kind: standing.DirectBill, Name: "São João & Irmãos Ltda.",
		Standing: standing.Blocked, Reason: standing.NeverAccepted}
)

func accented(firstName string) attestation.Content {
	c := anaSaid
	c.Signer.FirstName = firstName
	return c
}

func dated(day standing.Date) attestation.Content {
	c := anaSaid
	c.Agreed = day
	return c
}

func clearNow(c *attestation.Customer) {
	c.Standing, c.Reason = standing.Clear, standing.Attested
}

func recorded(signer standing.Contact, day standing.Date) func(*attestation.Customer) {
	return func(c *attestation.Customer) { c.OnRecord = standing.Agreement{Signer: signer, Agreed: day} }
}

func earlier(state attestation.State, content attestation.Content) attestation.Earlier {
	return attestation.Earlier{ID: attestation.ID{Batch: 7, Line: 3}, State: state, Content: content}
}

func TestAdmit(t *testing.T) {
	type customers = []func(*attestation.Customer)
	named := anaSaid
	named.CompanyName = "SAO JOAO e irmãos ltda"
	right := anaSaid
	right.CompanyName = "sao joao irmãos LTDA"
	tests := []struct {
		name    string
		nobody  bool
		twice   bool
		is      customers
		earlier []attestation.Earlier
		content attestation.Content
		clear   bool // --even-if-clear
		old     bool // --even-if-old
		correct bool

		contradicts, repeats int

		state  attestation.State
		reason attestation.Reason
		says   string
	}{
		{name: "a blocked customer of whom nothing was said is queued", state: attestation.Queued},
		{name: "a customer of nobody's is refused", nobody: true, state: attestation.Refused,
			reason: attestation.UnknownCustomer},
		{name: "a customer of two partners is refused, whatever else is wrong", twice: true, content: named,
			state: attestation.Refused, reason: attestation.SeveralPartners},
		{name: "without a reseller relationship nobody can attest",
			is: customers{func(c *attestation.Customer) { c.Standing = standing.Excluded }}, content: named,
			state: attestation.Refused, reason: attestation.NotACustomer},
		{name: "a relationship that has ended comes before an indirect reseller",
			is: customers{func(c *attestation.Customer) {
				c.Reason, c.Kind = standing.RelationshipEnded, standing.IndirectReseller
			}}, state: attestation.Refused, reason: attestation.NotACustomer, says: "ended"},
		{name: "an indirect reseller is told whom to ask, before the company name is looked at",
			is:      customers{func(c *attestation.Customer) { c.Kind = standing.IndirectReseller }},
			content: named, state: attestation.Refused, reason: attestation.CannotAttest},
		{name: "another company's name refuses the row, also of a duplicate", content: named,
			earlier: []attestation.Earlier{earlier(attestation.Queued, anaSaid)},
			state:   attestation.Refused, reason: attestation.OtherCompany},
		{name: "a company name counts by its letters, without accents, case and signs", content: right,
			state: attestation.Queued},
		{name: "the same row twice in a file is one", repeats: 3, state: attestation.Duplicate,
			reason: attestation.SameRow, says: "line 3 of the file"},
		{name: "two rows of a file that differ contradict each other", contradicts: 3, state: attestation.Refused,
			reason: attestation.ConflictingRows, says: "line 3 of the file"},
		{name: "a repetition of one of them does, too", contradicts: 3, repeats: 2, state: attestation.Refused,
			reason: attestation.ConflictingRows, says: "line 3 of the file"},
		{name: "another company's name comes before a contradiction", contradicts: 3, content: named,
			state: attestation.Refused, reason: attestation.OtherCompany},
		{name: "a contradiction comes before what is on record with Microsoft", contradicts: 3, clear: true,
			is: customers{recorded(ana, "2026-11-20")}, state: attestation.Refused,
			reason: attestation.ConflictingRows},
		{name: "what is in the ledger is a duplicate, before it is known to Microsoft",
			is: customers{recorded(ana, "2026-11-20")}, earlier: []attestation.Earlier{earlier(attestation.Confirmed,
				anaSaid)},
			state: attestation.Duplicate, reason: attestation.SameRow, says: "7-3 already (confirmed)"},
		{name: "of one that failed it says how to send it again",
			earlier: []attestation.Earlier{earlier(attestation.Failed,
				anaSaid)}, state: attestation.Duplicate, reason: attestation.SameRow},
		{name: "what is not settled yet comes first", earlier: []attestation.Earlier{earlier(attestation.Unsure,
			beaSaid)}, state: attestation.Refused, reason: attestation.UnderWay, says: "7-3"},
		{name: "what is not settled yet comes before a correction, too", correct: true,
			earlier: []attestation.Earlier{earlier(attestation.Approved,
				beaSaid)}, state: attestation.Refused, reason: attestation.UnderWay},
		{name: "what was settled does not stand in the way of another signer",
			earlier: []attestation.Earlier{earlier(attestation.Confirmed, beaSaid)}, state: attestation.Queued},
		{name: "what was cancelled may come again", earlier: []attestation.Earlier{earlier(attestation.Cancelled,
			anaSaid)}, state: attestation.Queued},
		{name: "what Microsoft refused may come again",
			earlier: []attestation.Earlier{earlier(attestation.RefusedByMicrosoft,
				anaSaid)}, state: attestation.Queued},
		{name: "the same signer, recent enough on the very day, is already known",
			is: customers{clearNow, recorded(ana,
				"2023-04-01")}, state: attestation.AlreadyKnown, reason: attestation.SameOnRecord},
		{name: "already known also with --even-if-clear and --correct",
			is: customers{clearNow, recorded(ana, "2026-01-01")}, clear: true, correct: true,
			state: attestation.AlreadyKnown, reason: attestation.SameOnRecord},
		{name: "the same signer a day too old is refused with Microsoft's reason",
			is: customers{recorded(ana,
				"2023-03-31")}, state: attestation.Refused, reason: attestation.SameSigner, says: "600061"},
		{name: "another phone is another signer", is: customers{recorded(standing.Contact{FirstName: "Ana",
			LastName: "Souza", Email: "ana@example.com"}, "2023-03-31")}, state: attestation.Queued},
		{name: "an agreement without a contact is nobody's", is: customers{recorded(standing.Contact{}, "2023-03-31")},
			state: attestation.Queued},
		{name: "the same signer, once composed and once decomposed, is one",
			earlier: []attestation.Earlier{earlier(attestation.Queued,
				accented("Jo\u00e3o"))}, content: accented("JOA\u0303O"),
			state: attestation.Duplicate, reason: attestation.SameRow},
		{name: "an acceptance a day before those that count is refused", content: dated("2023-03-31"),
			state: attestation.Refused, reason: attestation.TooOld, says: "2023-04-01"},
		{name: "one of the very day is queued", content: dated("2023-04-01"), state: attestation.Queued},
		{name: "one without a day is queued: Microsoft dates it", content: dated(""), state: attestation.Queued},
		{name: "an old one is queued on purpose", content: dated("2023-03-31"), old: true, state: attestation.Queued},
		{name: "a clear customer is refused", is: customers{clearNow, recorded(bea, "2026-01-01")},
			state: attestation.Refused, reason: attestation.AlreadyClear, says: "attested"},
		{name: "a clear customer is queued on purpose", is: customers{clearNow}, clear: true,
			state: attestation.Queued},
		{name: "an unknown customer is queued", is: customers{func(c *attestation.Customer) {
			c.Standing,
				c.Reason = standing.Unknown, standing.Unreadable
		}}, state: attestation.Queued},
		{name: "a correction of a clear customer is queued", correct: true, is: customers{clearNow},
			earlier: []attestation.Earlier{earlier(attestation.Confirmed, beaSaid)}, state: attestation.Queued},
		{name: "a correction of what Microsoft had is queued", correct: true, is: customers{clearNow},
			earlier: []attestation.Earlier{earlier(attestation.AlreadyOnRecord, beaSaid)}, state: attestation.Queued},
		{name: "a correction needs another contact", correct: true,
			earlier: []attestation.Earlier{earlier(attestation.Confirmed,
				attestation.Content{Signer: ana, Agreed: "2026-11-19"})},
			state: attestation.Refused, reason: attestation.SameSigner, says: "7-3"},
		{name: "a correction needs something to correct", correct: true,
			earlier: []attestation.Earlier{earlier(attestation.Failed,
				beaSaid)}, state: attestation.Refused, reason: attestation.NothingToCorrect},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := blocked
			for _, change := range test.is {
				change(&c)
			}
			content := test.content
			if content == (attestation.Content{}) {
				content = anaSaid
			}
			if content == named {
				content.CompanyName = "Somebody else"
			}
			s := attestation.Situation{Customers: []attestation.Customer{c}, Earlier: test.earlier, Since: "2023-04-01",
				EvenIfClear: test.clear, EvenIfOld: test.old, Correct: test.correct,
				Contradicts: test.contradicts, Repeats: test.repeats}
			if test.nobody {
				s.Customers = nil
			}
			if test.twice {
				s.Customers = append(s.Customers, c)
			}
			d := attestation.Admit(content, s)
			require.Equal(t, test.state, d.State, d.Message)
			require.Equal(t, test.reason, d.Reason, d.Message)
			require.Contains(t, d.Message, test.says)
			if d.State == attestation.Refused {
				require.NotEmpty(t, d.Message)
				require.NotEmpty(t, d.Hint, "every refusal says how to mend it")
			}
			require.Equal(t, test.correct && d.State == attestation.Queued,
				d.Replaces == attestation.ID{Batch: 7, Line: 3})
			require.NotContains(t, d.Message+d.Hint, "@", "no personal data")
		})
	}
}

// What rows say is compared by a number where there are too many to compare each with each.
func TestRowsThatSayTheSameHaveTheSameNumber(t *testing.T) {
	t.Parallel()
	seed := maphash.MakeSeed()
	spaced, phone := anaSaid, anaSaid
	spaced.Signer.Email = " ANA@example.com "
	phone.Signer.Phone = "+55 (11) 98765-4321"
	other := anaSaid
	other.CompanyName, other.Evidence, other.Note = "Contoso", "dms/1", "note"
	shifted := anaSaid
	shifted.Signer.FirstName, shifted.Signer.LastName = "AnaSouza", ""
	contents := []attestation.Content{anaSaid, beaSaid, spaced, phone, other, shifted, dated("2026-11-21"), dated(""),
		accented("Jo\u00e3o"), accented("JOA\u0303O"), accented("Joao"), accented("\uff21na"), {}}
	for _, a := range contents {
		for _, b := range contents {
			require.Equal(t, a.Same(b), a.Fingerprint(seed) == b.Fingerprint(seed), "%+v, %+v", a, b)
		}
	}
}

func TestACorrectionReplacesTheOneThatWasNamed(t *testing.T) {
	first, second, third := attestation.ID{Batch: 1, Line: 2}, attestation.ID{Batch: 5,
		Line: 2}, attestation.ID{Batch: 6, Line: 2}
	eva := attestation.Content{Signer: standing.Contact{FirstName: "Eva"}}
	s := attestation.Situation{Customers: []attestation.Customer{blocked}, Correct: true,
		Earlier: []attestation.Earlier{
			{ID: third, State: attestation.Failed}, {ID: second, State: attestation.Confirmed,
				Content: beaSaid}, {ID: first, State: attestation.AlreadyOnRecord, Content: eva}}}
	require.Equal(t, second, attestation.Admit(anaSaid, s).Replaces, "nothing is named: the newest")
	for _, named := range []attestation.ID{first, second} {
		s.Corrects = named
		require.Equal(t, attestation.Decision{State: attestation.Queued, Replaces: named},
			attestation.Admit(anaSaid, s))
	}
	s.Corrects = third
	require.Equal(t, attestation.NothingToCorrect, attestation.Admit(anaSaid, s).Reason)
	s.Corrects = second
	later := eva
	later.Agreed = "2026-11-21"
	require.Equal(t, attestation.SameSigner, attestation.Admit(later, s).Reason,
		"Microsoft has this signer too, with another one's attestation")
}

// A tenant id of one customer and a domain of another: one of them was pasted into the wrong row.
func TestADomainOfAnotherCustomerRefusesTheRow(t *testing.T) {
	other, elsewhere := blocked, blocked
	other.ID, other.Name, elsewhere.PartnerID = "d", "Fabrikam", "q"
	for name, c := range map[string]struct {
		ofDomain []attestation.Customer
		state    attestation.State
	}{
		"a domain that nobody has, as a customer's own may be": {nil, attestation.Queued},
		"its own domain":                      {[]attestation.Customer{blocked}, attestation.Queued},
		"its own, in another partner's books": {[]attestation.Customer{elsewhere}, attestation.Queued},
		"its own, which another one has too":  {[]attestation.Customer{other, blocked}, attestation.Queued},
		"another customer's":                  {[]attestation.Customer{other}, attestation.Refused},
	} {
		d := attestation.Admit(anaSaid, attestation.Situation{Customers: []attestation.Customer{blocked},
			OfDomain: c.ofDomain})
		require.Equal(t, c.state, d.State, name)
		if d.State == attestation.Refused {
			require.Equal(t, attestation.OtherCompany, d.Reason)
			require.Contains(t, d.Message, `"Fabrikam"`)
			require.NotEmpty(t, d.Hint)
		}
	}
}

func TestCandidates(t *testing.T) {
	reseller, ended, excluded, other := blocked, blocked, blocked, blocked
	reseller.Kind = standing.IndirectReseller
	ended.Reason = standing.RelationshipEnded
	excluded.Standing = standing.Excluded
	other.PartnerID = "q"
	list := func(c ...attestation.Customer) []attestation.Customer { return c }
	require.Equal(t, list(other), attestation.Candidates(list(reseller, ended, excluded, other)),
		"the only one who can attest does")
	require.Len(t, attestation.Candidates(list(blocked, other)), 2, "two who can: somebody has to say")
	require.Len(t, attestation.Candidates(list(reseller)), 1, "the only one says why it cannot")
	require.Empty(t, attestation.Candidates(nil))
}

func TestSameContact(t *testing.T) {
	shouted := standing.Contact{FirstName: " ANA", LastName: "souza ", Email: "Ana@Example.COM",
		Phone: "+5511987654321"}
	require.True(t, attestation.SameContact(ana, shouted))
	shouted.Phone = "+55 (11) 98765-4321"
	require.True(t, attestation.SameContact(ana, shouted), "a phone as Microsoft has it")
	for _, change := range []func(*standing.Contact){
		func(c *standing.Contact) { c.FirstName = "Anna" }, func(c *standing.Contact) { c.LastName = "Sousa" },
		func(c *standing.Contact) { c.Email = "a@example.com" }, func(c *standing.Contact) { c.Phone = "" },
	} {
		other := ana
		change(&other)
		require.False(t, attestation.SameContact(ana, other), other)
	}
}

func TestCompanyNamesAreComparedByWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"Contoso Ltda", "contoso ltda."}, {"São João & Irmãos", "SAO JOAO  IRMAOS"}, {"Combining e\u0301 SA",
			"Combining \u00e9 SA"}, {"L\u00ednea\nNueva S.A.", "Línea Nueva S.A."},
		{"O\u2028Line", "O Line"}, {"@SUM(1)", "@SUM(1)"}, {"Straße AG", "STRASSE AG"}, {"ＡＣＭＥ", "Acme"}, {"株式会社テスト",
			"株式会社テスト"}, {"---", "---"}, {`\N`, `\N`},
	} {
		c := blocked
		c.Name = pair[1]
		content := anaSaid
		content.CompanyName = pair[0]
		d := attestation.Admit(content, attestation.Situation{Customers: []attestation.Customer{c},
			Since: "2023-04-01"})
		require.Equal(t, attestation.Queued, d.State, "%q is %q: %s", pair[0], pair[1], d.Message)
	}
}
