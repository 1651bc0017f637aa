package simulator

import (
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// answerCustomer answers the calls about one customer: that of the World, with the agreements that
// were posted.
func (s *Simulator) answerCustomer(q *request) int {
	if _, err := uuid.Parse(q.id); err != nil {
		return q.invalidInput("the customer id is not a GUID.")
	}
	i, ok := q.world.Find(q.id)
	if !ok {
		return q.notFound()
	}
	c := q.world.Customer(i)
	mca := q.call == callAgreements || q.call == callAttest || q.call == callDirect
	switch {
	case c.Kind == Vanished:
		return q.notFound()
	case c.Kind == RelationshipEnded, c.Kind == NotReseller && q.call != callCustomer:
		return q.relationshipEnded()
	case s.broken(i):
		return q.serverError()
	case c.Kind == RoleMissing && mca:
		return q.roleMissing(s.opts.EmptyForbidden || q.coin)
	}
	switch q.call {
	case callAgreements:
		c.Agreements = s.withPosted(q.world, c)
		return s.answerAgreements(q, c)
	case callAttest:
		return s.create(q, c)
	case callDirect:
		q.body.open("", '{')
		q.body.flag("isSigned", s.isSigned(c))
		q.body.close('}')
		return http.StatusOK
	case callSubscriptions:
		return answerSubscriptions(q.body, c)
	default:
		return s.answerDetail(q.body, c)
	}
}

// answerDetail answers GET /v1/customers/{id}.
func (s *Simulator) answerDetail(b *body, c Customer) int {
	b.open("", '{')
	b.text("id", c.TenantID)
	b.nothing("commerceId")
	writeCompany(b, c, true)
	b.open("billingProfile", '{')
	b.nothing("id")
	b.text("firstName", c.Billing.FirstName)
	b.text("lastName", c.Billing.LastName)
	b.text("email", c.Billing.Email)
	b.text("culture", c.Culture)
	b.text("language", strings.SplitN(c.Culture, "-", 2)[0])
	b.text("companyName", c.CompanyName)
	writeAddress(b, "defaultAddress", c)
	b.close('}')
	b.text("relationshipToPartner", c.Relationship)
	b.flag("allowDelegatedAccess", c.Index%3 != 0)
	if c.Index%4 == 0 {
		b.open("customDomains", '[')
		b.separate()
		b.quote(strings.TrimSuffix(c.Domain, ".onmicrosoft.com") + ".example")
		b.close(']')
	} else {
		b.nothing("customDomains")
	}
	b.maybe("associatedPartnerId", c.ResellerID)
	writeAttributes(b, "Customer")
	b.close('}')
	return http.StatusOK
}

func writeCompany(b *body, c Customer, address bool) {
	b.open("companyProfile", '{')
	b.text("tenantId", c.TenantID)
	b.text("domain", c.Domain)
	b.text("companyName", c.CompanyName)
	if address {
		writeAddress(b, "address", c)
	} else {
		b.nothing("address")
	}
	b.nothing("email")
	writeAttributes(b, "CustomerCompanyProfile")
	b.close('}')
}

func writeAddress(b *body, name string, c Customer) {
	b.open(name, '{')
	b.text("country", c.Country)
	b.nothing("region")
	b.nothing("state")
	b.text("addressLine1", "1 Example Street")
	b.nothing("addressLine2")
	b.maybe("phoneNumber", c.Billing.PhoneNumber)
	b.close('}')
}

// answerAgreements answers GET /v1/customers/{id}/agreements. Without the parameter only Cloud
// agreements come.
func (s *Simulator) answerAgreements(q *request, c Customer) int {
	wanted, ok := agreementTypes(q)
	if !ok {
		return q.invalidInput("agreementType is not known.")
	}
	var found []Agreement
	for _, a := range c.Agreements {
		if wanted(a.Type) {
			found = append(found, a)
		}
	}
	if len(found) == 0 && s.emptyIsError(c) {
		return q.noAgreement()
	}
	return writeSingle(q.body, len(found), func() {
		for _, a := range found {
			writeAgreement(q.body, a, "")
		}
	})
}

// agreementTypes reads the parameter agreementType. It is false when the type does not exist.
func agreementTypes(q *request) (wanted func(kind string) bool, known bool) {
	asked := q.r.URL.Query().Get("agreementType")
	switch {
	case asked == "":
		asked = cloudType
	case asked == "*":
		return func(string) bool { return true }, true
	case !strings.EqualFold(asked, mcaType) && !strings.EqualFold(asked, cloudType):
		return nil, false
	}
	return func(kind string) bool { return strings.EqualFold(kind, asked) }, true
}

// emptyIsError says how a customer without an agreement of the wanted type is answered.
func (s *Simulator) emptyIsError(c Customer) bool {
	switch s.opts.EmptyAgreements {
	case EmptyAsList:
		return false
	case EmptyAsError:
		return true
	}
	d := newDice(s.opts.Seed, aboutAnswers, uint64(c.Index)+1<<40)
	return c.Kind == NeverAcceptedError || c.Kind == AcceptedDirectly && d.happens(0.25)
}

// writeAgreement writes an agreement. user is who confirmed it; the answer to a POST names it,
// lists do not.
func writeAgreement(b *body, a Agreement, user string) {
	b.open("", '{')
	b.maybe("userId", user)
	if a.Contact != nil {
		b.open("primaryContact", '{')
		b.text("firstName", a.Contact.FirstName)
		b.text("lastName", a.Contact.LastName)
		b.text("email", a.Contact.Email)
		b.maybe("phoneNumber", a.Contact.PhoneNumber)
		b.close('}')
	} else {
		b.nothing("primaryContact")
	}
	b.text("templateId", a.TemplateID)
	if a.DateAgreed == "" {
		b.null("dateAgreed")
	} else {
		b.text("dateAgreed", a.DateAgreed)
	}
	b.text("type", a.Type)
	b.text("agreementLink", agreementLink(a.TemplateID))
	b.close('}')
}

func answerSubscriptions(b *body, c Customer) int {
	return writeSingle(b, len(c.Subscriptions), func() {
		for _, s := range c.Subscriptions {
			writeSubscription(b, s)
		}
	})
}

func writeSubscription(b *body, s Subscription) {
	b.open("", '{')
	b.text("id", s.ID)
	b.text("friendlyName", s.FriendlyName)
	b.maybe("offerName", s.OfferName)
	b.number("quantity", s.Quantity)
	b.text("status", s.Status)
	b.flag("autoRenewEnabled", s.AutoRenewEnabled)
	b.flag("isTrial", s.IsTrial)
	b.nothing("parentSubscriptionId")
	b.text("creationDate", s.Written[0])
	b.text("effectiveStartDate", s.Written[1])
	b.maybe("commitmentEndDate", s.Written[2])
	b.maybe("renewalTermDuration", s.RenewalTermDuration)
	writeAttributes(b, "Subscription")
	b.close('}')
}
