package jobs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Exceptions are what people decide about blocked customers: who deals with each, and until when
// the block is accepted.
type Exceptions struct {
	Store    ExceptionStore
	Partners []ledger.Partner // whose customers they may be about
	By       attestation.Actor
	Today    standing.Date // in the time zone of the reports
	Now      func() time.Time
}

// ExceptionStore is what exceptions ask of the ledger.
type ExceptionStore interface {
	Customers(ctx context.Context, partners []string,
		named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error)
	Exceptions(ctx context.Context, partners []string, at time.Time) ([]ledger.ExceptionEntry, error)
	SetExceptions(ctx context.Context, exceptions []ledger.Exception, actor attestation.Actor,
		at time.Time) (changed int, err error)
}

// List returns the exceptions that count, the most urgent first.
func (j Exceptions) List(ctx context.Context) ([]ledger.ExceptionEntry, error) {
	entries, err := j.Store.Exceptions(ctx, j.partnerIDs(), j.Now())
	if err != nil {
		return nil, err
	}
	urgency := ledger.ExceptionStatuses()
	fold := cases.Fold()
	slices.SortStableFunc(entries, func(a, b ledger.ExceptionEntry) int {
		return cmp.Or(
			slices.Index(urgency, a.Status(j.Today))-slices.Index(urgency, b.Status(j.Today)),
			cmp.Compare(dayToSort(a.Exception), dayToSort(b.Exception)),
			cmp.Compare(fold.String(a.Customer.Name), fold.String(b.Customer.Name)),
		)
	})
	return entries, nil
}

// dayToSort is the day on which an exception asks for something; those without one come last.
func dayToSort(e ledger.Exception) standing.Date {
	return cmp.Or(min(cmp.Or(e.DueOn, e.AcceptedUntil), cmp.Or(e.AcceptedUntil, e.DueOn)), "9999-12-31")
}

// Set changes the exception of one customer, named by tenant id or domain. What is nil stays as it
// is.
func (j Exceptions) Set(ctx context.Context, customer string, says intake.Exception) (ledger.Exception, error) {
	return j.change(ctx, customer, func(now ledger.Exception) (ledger.Exception, error) {
		next, refused := merged(says, now, nil, j.Today)
		if refused != nil {
			return now, usageErrorf("%s", refused.Message)
		}
		return next, nil
	})
}

// Remove removes the exception of one customer.
func (j Exceptions) Remove(ctx context.Context, customer string) (ledger.Exception, error) {
	return j.change(ctx, customer, func(now ledger.Exception) (ledger.Exception, error) {
		if now.IsEmpty() {
			return now, usageErrorf("customer %s has no exception", customer)
		}
		return removed(now), nil
	})
}

func (j Exceptions) change(ctx context.Context, customer string, decide func(now ledger.Exception) (ledger.Exception,
	error)) (ledger.Exception, error) {
	if strings.TrimSpace(j.By.Name) == "" {
		return ledger.Exception{}, usageErrorf("--by must not be empty: say who decides")
	}
	found, err := j.find(ctx, customer)
	if err != nil {
		return ledger.Exception{}, err
	}
	current, err := j.at(ctx, j.Now())
	if err != nil {
		return ledger.Exception{}, err
	}
	next, err := decide(current[found])
	if err != nil {
		return ledger.Exception{}, err
	}
	next.PartnerID, next.CustomerID, next.File = found.partner, found.id, ""
	_, err = j.Store.SetExceptions(ctx, []ledger.Exception{next}, j.By, j.Now())
	return next, err
}

// find finds the one customer that a person names. One that has left is found by its tenant id, to
// remove its exception.
func (j Exceptions) find(ctx context.Context, text string) (ofCustomer, error) {
	named := identityOf(text)
	found, err := j.Store.Customers(ctx, j.partnerIDs(), []attestation.Identity{named})
	if err != nil {
		return ofCustomer{}, err
	}
	var all []ofCustomer
	for _, c := range found[named] {
		all = append(all, ofCustomer{c.PartnerID, c.ID})
	}
	if len(all) == 0 {
		current, err := j.at(ctx, j.Now())
		if err != nil {
			return ofCustomer{}, err
		}
		for key := range current {
			if key.id == named.TenantID {
				all = append(all, key)
			}
		}
	}
	switch len(all) {
	case 0:
		return ofCustomer{}, usageErrorf("no partner has a customer %s; name it by its tenant id or domain", text)
	case 1:
		return all[0], nil
	}
	return ofCustomer{}, usageErrorf("%s is a customer of several partners; name one with --partner", text)
}

// identityOf takes what a person names for a domain when it has a dot, and else for a tenant id.
func identityOf(text string) attestation.Identity {
	text = strings.TrimSpace(text)
	if strings.Contains(text, ".") {
		return attestation.Identity{Domain: strings.ToLower(text)}
	}
	return attestation.Identity{TenantID: standing.CanonicalID(text)}
}

// at are the exceptions as they were at an instant, by customer.
func (j Exceptions) at(ctx context.Context, at time.Time) (map[ofCustomer]ledger.Exception, error) {
	entries, err := j.Store.Exceptions(ctx, j.partnerIDs(), at)
	byCustomer := make(map[ofCustomer]ledger.Exception, len(entries))
	for _, e := range entries {
		byCustomer[ofCustomer{e.PartnerID, e.CustomerID}] = e.Exception
	}
	return byCustomer, err
}

func (j Exceptions) partnerIDs() []string {
	ids := make([]string, len(j.Partners))
	for i, p := range j.Partners {
		ids[i] = p.ID
	}
	return ids
}

// RefusedException is why a row of a file is not kept.
type RefusedException struct {
	Reason  ExceptionRefusal
	Message string // without what people wrote
	Hint    string
}

// ExceptionRefusal names why. The words appear as they are in result files and JSON.
type ExceptionRefusal string

const (
	UnreadableException ExceptionRefusal = "unreadable_row"       // see the columns named
	NotOurCustomer      ExceptionRefusal = "unknown_customer"     // no partner of ours has it
	OtherPartner        ExceptionRefusal = "unknown_partner"      // the row names a partner whose customer it is not
	ManyPartners        ExceptionRefusal = "several_partners"     // more than one has it
	OtherName           ExceptionRefusal = "other_company"        // the customer's name is another one's
	ConflictingRows     ExceptionRefusal = "conflicting_rows"     // two rows say different things of one customer
	ChangedSince        ExceptionRefusal = "changed_meanwhile"    // after the report was made
	AcceptedInThePast   ExceptionRefusal = "accepted_in_the_past" // the acceptance would have ended already
)

// merged is what an exception becomes by what a row says. base is what the report showed from which
// the row comes: cells that still say it are as they were sent, and say nothing. nil: not known.
func merged(says intake.Exception, now ledger.Exception, base *ledger.Exception,
	today standing.Date) (ledger.Exception, *RefusedException) {
	next := now
	changed := false // by two people at once
	cell := func(said *string, into *string, before string) {
		switch {
		case said == nil, base != nil && *said == before, *said == *into:
		case base != nil && *into != before:
			changed = true
		default:
			*into = *said
		}
	}
	var before ledger.Exception
	if base != nil {
		before = *base
	}
	cell(says.Owner, &next.Owner, before.Owner)
	cell((*string)(says.DueOn), (*string)(&next.DueOn), string(before.DueOn))
	cell(says.Comment, &next.Comment, before.Comment)
	cell((*string)(says.AcceptedUntil), (*string)(&next.AcceptedUntil), string(before.AcceptedUntil))
	switch {
	case changed:
		return now, &RefusedException{ChangedSince,
			"the exception was changed after the report was made, and the row would undo that",
			"Change it in the newest report, or with mcaledger exceptions set"}
	case next.AcceptedUntil != now.AcceptedUntil && next.AcceptedUntil != "" && next.AcceptedUntil < today:
		return now, &RefusedException{AcceptedInThePast, "the day until which the block is accepted is in the past",
			"Write a day from today on, or - to end the acceptance"}
	case next.IsEmpty() && !now.IsEmpty():
		return removed(now), nil
	}
	return next, nil
}

// removed is the end of an exception.
func removed(e ledger.Exception) ledger.Exception {
	return ledger.Exception{PartnerID: e.PartnerID, CustomerID: e.CustomerID, Removed: true}
}
