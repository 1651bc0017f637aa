package attestation

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Content is what a row says: that this person of the customer accepted on this day.
type Content struct {
	Signer      standing.Contact
	Agreed      standing.Date // empty on the enhanced route, where Microsoft dates the acceptance
	CompanyName string        // as the row has it; checked against the customer's name
	Country     string
	Language    string
	Evidence    string // where the signed acceptance is kept
	Note        string
}

// Same reports whether two rows say the same: this person accepted on this day.
func (c Content) Same(other Content) bool {
	return SameContact(c.Signer, other.Signer) && c.Agreed == other.Agreed
}

// Reason is why a row was not queued, or what came of it. The words appear as they are in result
// files and reports.
type Reason string

const (
	UnreadableRow    Reason = "unreadable_row"     // see the columns named
	UnknownCustomer  Reason = "unknown_customer"   // no partner of ours has it
	SeveralPartners  Reason = "several_partners"   // more than one has
	NotACustomer     Reason = "not_a_customer"     // no reseller relationship
	CannotAttest     Reason = "cannot_attest"      // indirect resellers may not
	OtherCompany     Reason = "other_company"      // the company name, or the domain, is another customer's
	ConflictingRows  Reason = "conflicting_rows"   // two rows of the file say different things of one customer
	SameRow          Reason = "same_row"           // said before, word for word
	UnderWay         Reason = "under_way"          // another attestation of the customer is not settled yet
	SameOnRecord     Reason = "same_on_record"     // Microsoft has this very acceptance
	SameSigner       Reason = "same_signer"        // Microsoft has an outdated one of the same signer (600061)
	AlreadyClear     Reason = "already_clear"      // the customer can buy
	TooOld           Reason = "too_old"            // accepted before the day from which acceptances count
	NothingToCorrect Reason = "nothing_to_correct" // a correction of what was never attested

	NotSettled Reason = "not_settled" // sent, and no definite answer yet
	ReadBack   Reason = "read_back"   // the answer was lost, and reading found the agreement
	// RecordedDifferently: the answer was lost, and reading found the agreement with another day or
	// spelling.
	RecordedDifferently Reason = "recorded_differently"
	NoAnswer            Reason = "no_answer"        // sent as often as may be, without an answer, and not on record
	ContentRefused      Reason = "content_refused"  // Microsoft takes no such content
	CustomerRefused     Reason = "customer_refused" // Microsoft takes none for this customer now

	NoCountry        Reason = "no_country"         // neither the row nor the customer's profile has one
	LinkExpired      Reason = "link_expired"       // the signer did not accept in time
	LinkNotDelivered Reason = "link_not_delivered" // the signer's mailbox, or its address, cannot be used
)

// Earlier is an attestation of the same customer that the ledger holds already.
type Earlier struct {
	ID        ID
	PartnerID string
	State     State
	Content   Content
}

// Situation is what is known of a row's customer when it comes in.
type Situation struct {
	Customers   []Customer // every partner's customer with this tenant id, or without one with this domain
	OfDomain    []Customer // every partner's customer with the row's domain, if it has a tenant id besides
	Earlier     []Earlier  // of the one customer, the newest batch first
	Contradicts int        // a line of the same file that says something else of the customer; 0: none
	Repeats     int        // the line of the same file that says the same, and counts; 0: none
	Since       standing.Date
	EvenIfClear bool
	EvenIfOld   bool // queue acceptances before Since, too
	Correct     bool
	Corrects    ID // the very attestation that is put right; zero: the newest one that Microsoft has
}

// Customer is a partner's customer, as the last run read it or as it was looked up.
type Customer struct {
	PartnerID string
	ID        string // the tenant id
	Kind      standing.PartnerKind
	Name      string
	Standing  standing.Standing
	Reason    standing.Reason
	OnRecord  standing.Agreement // the newest agreement that was read; zero: none
}

// Decision is the result for a row that was read.
type Decision struct {
	State    State
	Reason   Reason
	Message  string // what is wrong, for a person
	Hint     string // how to fix it
	Replaces ID     // the attestation that a correction replaces; zero: none
}

// Candidates are the customers that a row may mean: where only one partner can attest for the
// tenant, the others do not make it unclear.
func Candidates(customers []Customer) []Customer {
	var able []Customer
	for _, c := range customers {
		if c.Standing != standing.Excluded && c.Reason != standing.RelationshipEnded &&
			c.Kind != standing.IndirectReseller {
			able = append(able, c)
		}
	}
	if len(able) == 1 {
		return able
	}
	return customers
}

// Admit decides whether a row is queued; the first obstacle is named.
func Admit(content Content, s Situation) Decision {
	if len(s.Customers) != 1 {
		return unknownOrShared(s)
	}
	c := s.Customers[0]
	switch {
	case c.Standing == standing.Excluded:
		return refuse(NotACustomer, "the tenant has no reseller relationship with the partner",
			"Send the customer a relationship request first.")
	case c.Reason == standing.RelationshipEnded:
		return refuse(NotACustomer, "the relationship with the customer has ended",
			"Send the customer a new relationship request first.")
	case c.Kind == standing.IndirectReseller:
		return refuse(CannotAttest, "an indirect reseller cannot attest",
			"Ask the customer's indirect provider to attest.")
	case content.CompanyName != "" && !SameCompany(content.CompanyName, c.Name):
		return refuse(OtherCompany, fmt.Sprintf("the customer with this id is called %q", c.Name),
			"Check that tenant id and company name are in the right row.")
	case len(s.OfDomain) > 0 && !slices.ContainsFunc(s.OfDomain,
		func(other Customer) bool { return strings.EqualFold(other.ID, c.ID) }):
		return refuse(OtherCompany,
			fmt.Sprintf("the domain belongs to another customer, %q; the customer with this id is called %q",
				s.OfDomain[0].Name, c.Name),
			"Check that tenant id and domain are in the right row, or leave the domain out.")
	}
	if d, decided := against(content, s); decided {
		return d
	}
	if SameContact(content.Signer, c.OnRecord.Signer) && c.OnRecord.Agreed != "" {
		if c.OnRecord.Agreed >= s.Since {
			return Decision{State: AlreadyKnown, Reason: SameOnRecord,
				Message: "Microsoft has this signer's acceptance of " + string(c.OnRecord.Agreed)}
		}
		return refuse(SameSigner,
			fmt.Sprintf("Microsoft has an outdated acceptance (%s) of the same signer and refuses another one (600061)",
				c.OnRecord.Agreed),
			"Name another signer, or the same with a changed e-mail or phone.")
	}
	if content.Agreed != "" && content.Agreed < s.Since && !s.EvenIfOld {
		return refuse(TooOld, fmt.Sprintf("the customer accepted on %s, and only acceptances on or after %s count",
			content.Agreed, s.Since),
			"Ask the customer to accept again, or import with --even-if-old.")
	}
	if s.Correct {
		return correction(content, s)
	}
	if c.Standing == standing.Clear && !s.EvenIfClear {
		return refuse(AlreadyClear, "the customer is clear already ("+string(c.Reason)+")",
			"Leave the row out, or import with --even-if-clear.")
	}
	return Decision{State: Queued}
}

// unknownOrShared refuses a row whose customer no partner has, or several have.
func unknownOrShared(s Situation) Decision {
	if len(s.Customers) == 0 {
		return refuse(UnknownCustomer, "no partner has a customer with this tenant id or domain",
			"Check the tenant id; a customer created today is found by its tenant id only.")
	}
	return refuse(SeveralPartners, "more than one partner has this customer", "Import the row with --partner NAME.")
}

// against compares a row with the others of its file, and with what the ledger holds of the
// customer already.
func against(content Content, s Situation) (Decision, bool) {
	switch {
	case s.Contradicts > 0:
		return refuse(ConflictingRows, fmt.Sprintf("line %d of the file says something else of this customer",
			s.Contradicts),
			"Leave in the file the one row that is right."), true
	case s.Repeats > 0:
		return Decision{State: Duplicate, Reason: SameRow,
			Message: fmt.Sprintf("it says the same as line %d of the file", s.Repeats)}, true
	}
	for _, e := range s.Earlier {
		same := content.Same(e.Content)
		switch {
		case same && e.State == Failed:
			return Decision{State: Duplicate, Reason: SameRow, Message: fmt.Sprintf("it is attestation %s already (%s)",
				e.ID, e.State),
				Hint: fmt.Sprintf("To send it again: mcaledger attest retry %s.", e.ID)}, true
		case same && e.State.BlocksDuplicate():
			return Decision{State: Duplicate, Reason: SameRow, Message: fmt.Sprintf("it is attestation %s already (%s)",
				e.ID, e.State)}, true
		case e.State.BlocksDuplicate() && !e.State.Final():
			return refuse(UnderWay, fmt.Sprintf("attestation %s of this customer is not settled yet (%s)", e.ID,
				e.State),
				"Wait for its answer, or cancel it with mcaledger attest cancel."), true
		}
	}
	return Decision{}, false
}

// correction queues a row that puts an earlier attestation right.
func correction(content Content, s Situation) Decision {
	var replaces ID
	for _, e := range s.Earlier {
		if e.State != Confirmed && e.State != AlreadyOnRecord {
			continue
		}
		if SameContact(content.Signer, e.Content.Signer) {
			return refuse(SameSigner,
				fmt.Sprintf("attestation %s names the same signer, and Microsoft refuses another one (600061)", e.ID),
				"Change the signer, the e-mail or the phone.")
		}
		if replaces == (ID{}) && (s.Corrects == ID{} || s.Corrects == e.ID) {
			replaces = e.ID
		}
	}
	if replaces == (ID{}) {
		return refuse(NothingToCorrect, "no attestation of this customer was ever confirmed",
			"Import the row without --correct.")
	}
	return Decision{State: Queued, Replaces: replaces}
}

func refuse(reason Reason, message, hint string) Decision {
	return Decision{State: Refused, Reason: reason, Message: message, Hint: hint}
}

// SameContact compares the four fields by which Microsoft tells signers apart (error 600061,
// docs/partner-center.md). Phones are compared by their digits: what is on record has spaces and
// brackets.
func SameContact(a, b standing.Contact) bool {
	return sameText(a.FirstName, b.FirstName) && sameText(a.LastName, b.LastName) && sameText(a.Email,
		b.Email) && digits(a.Phone) == digits(b.Phone)
}

// sameText compares texts without regard to case, to outer white space and to whether accents are
// composed: macOS writes é as e and an accent.
func sameText(a, b string) bool {
	return a == b || folded(strings.TrimSpace(a)) == folded(strings.TrimSpace(b))
}

// folded is a text in the form in which it is compared.
func folded(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	return cases.Fold().String(norm.NFKC.String(text))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Fingerprint is equal for rows that Same treats as equal. It is a seeded hash: collisions are
// possible.
func (c Content) Fingerprint(seed maphash.Seed) int64 {
	text := func(s string) string { return folded(strings.TrimSpace(s)) }
	return int64(maphash.Comparable(seed, [...]string{text(c.Signer.FirstName), text(c.Signer.LastName),
		text(c.Signer.Email), digits(c.Signer.Phone), string(c.Agreed)}))
}

func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

// SameCompany compares names as people write them: letters and digits count, in any case, width and
// composition. Names without any are compared by what is left of them.
func SameCompany(a, b string) bool {
	if a == b {
		return true
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, norm.NFKD.String(folded(s)))
	}
	if a, b := letters(a), letters(b); a != "" || b != "" {
		return a == b
	}
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}
