package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/run"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Import takes one file of attestations into the ledger.
type Import struct {
	Partners    []run.Partner // whose customers the file may name
	Since       standing.Date
	EvenIfClear bool
	Correct     bool
	By          string // who imports

	// LookUp asks a partner's service for a customer that no run has seen yet; found is false when it has none of this id.
	LookUp func(ctx context.Context, partner run.Partner, tenantID string) (customer standing.Customer, found bool, err error)
}

// Book is where attestations are entered; the store implements it.
type Book interface {
	Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error)
	Import(ctx context.Context, batch attestation.Batch, fill func(Page) error) (attestation.Batch, error)
}

// Page is a batch while it is filled.
type Page interface {
	Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error)
	Earlier(ctx context.Context, customers []string) (map[string][]attestation.Earlier, error)
	Add(ctx context.Context, rows []attestation.Attestation) error
	Refuse(ctx context.Context, line int, d attestation.Decision) error
}

// Upload is a file that was opened; intake.File is one.
type Upload interface {
	Rows() iter.Seq2[intake.Row, error]
	Header() []string
	Format() intake.Format
	SHA256() string
}

const (
	importChunk = 2000
	// mostLookUps bounds the live questions of one import: a file of strangers is a mistake, not a reason for a million calls.
	mostLookUps = 1000
)

// Run enters the file's rows as one batch: all of them, each queued, refused, a duplicate or already known.
func (j Import) Run(ctx context.Context, file Upload, name string, book Book, asOf time.Time) (attestation.Batch, error) {
	strangers, asked, err := j.strangers(ctx, file, book)
	if err != nil {
		return attestation.Batch{}, err
	}
	form, err := json.Marshal(file.Format())
	if err != nil {
		return attestation.Batch{}, err
	}
	batch := attestation.Batch{File: name, SHA256: file.SHA256(), Form: string(form), Header: file.Header(), ImportedBy: j.By, ImportedAt: asOf}
	return book.Import(ctx, batch, func(page Page) error {
		e := entry{Import: j, page: page, strangers: strangers, asked: asked}
		for rows, err := range chunks(file.Rows(), importChunk) {
			if err != nil {
				return err
			}
			if err := e.enter(ctx, rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// strangers looks up the customers that no run has seen, before the batch is begun: nothing waits for the network while the ledger is
// being written. asked are the tenant ids of all that were looked up.
func (j Import) strangers(ctx context.Context, file Upload, book Book) (found map[attestation.Identity][]attestation.Customer, asked map[string]bool, _ error) {
	found, asked = map[attestation.Identity][]attestation.Customer{}, map[string]bool{}
	for rows, err := range chunks(file.Rows(), importChunk) {
		if err != nil {
			return nil, nil, err
		}
		known, err := book.Customers(ctx, j.ids(), identities(rows))
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			who := identity(row.Record)
			if who.TenantID == "" || len(row.Refusals) > 0 || known[who] != nil || asked[who.TenantID] || len(asked) == mostLookUps {
				continue
			}
			asked[strings.Clone(who.TenantID)] = true
			customers, err := j.lookUp(ctx, who.TenantID)
			if err != nil {
				return nil, nil, fmt.Errorf("look up the customer of line %d: %w", row.Line, err)
			}
			if len(customers) > 0 {
				found[attestation.Identity{TenantID: strings.Clone(who.TenantID)}] = customers
			}
		}
	}
	return found, asked, nil
}

func (j Import) lookUp(ctx context.Context, tenantID string) (customers []attestation.Customer, err error) {
	for _, p := range j.Partners {
		c, found, err := j.LookUp(ctx, p, tenantID)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		customer := attestation.Customer{PartnerID: p.ID, ID: c.ID, Kind: p.Kind, Name: c.Name, Standing: standing.Unknown}
		if !strings.EqualFold(c.Relationship, standing.Reseller) {
			customer.Standing = standing.Excluded
		}
		customers = append(customers, customer)
	}
	return customers, nil
}

func (j Import) ids() []string {
	ids := make([]string, len(j.Partners))
	for i, p := range j.Partners {
		ids[i] = p.ID
	}
	return ids
}

// entry enters rows chunk by chunk.
type entry struct {
	Import
	page      Page
	strangers map[attestation.Identity][]attestation.Customer
	asked     map[string]bool
}

// enter decides on a chunk of rows and adds them.
func (e entry) enter(ctx context.Context, rows []intake.Row) error {
	known, err := e.page.Customers(ctx, e.ids(), identities(rows))
	if err != nil {
		return err
	}
	earlier, err := e.page.Earlier(ctx, customerIDs(known, e.strangers))
	if err != nil {
		return err
	}
	entered := make([]attestation.Attestation, 0, len(rows))
	for _, row := range rows {
		who := identity(row.Record)
		customers := known[who]
		if customers == nil {
			customers = e.strangers[who]
		}
		a := e.decide(row, attestation.Candidates(customers), earlier)
		if a.State == attestation.Refused {
			if err := e.refuseOthers(ctx, entered, earlier[a.CustomerID], a); err != nil {
				return err
			}
		}
		if a.CustomerID != "" {
			mine := attestation.Earlier{ID: a.ID, SameFile: true, State: a.State, Reason: a.Reason, Content: a.Content}
			earlier[a.CustomerID] = append([]attestation.Earlier{mine}, earlier[a.CustomerID]...)
		}
		entered = append(entered, a)
	}
	return e.page.Add(ctx, entered)
}

// decide makes the attestation of a row, with what becomes of it.
func (e entry) decide(row intake.Row, customers []attestation.Customer, earlier map[string][]attestation.Earlier) attestation.Attestation {
	a := attestation.Attestation{ID: attestation.ID{Line: row.Line}, Content: content(row.Record), Cells: row.Cells}
	if len(customers) == 1 {
		a.PartnerID, a.CustomerID, a.CustomerName = customers[0].PartnerID, customers[0].ID, customers[0].Name
	}
	var d attestation.Decision
	if len(row.Refusals) > 0 {
		d = unreadable(row.Refusals)
	} else if id := row.Record.TenantID; len(customers) == 0 && id != "" && !e.asked[id] {
		d = notAsked
	} else {
		d = attestation.Admit(a.Content, attestation.Situation{Customers: customers, Earlier: earlier[a.CustomerID], Since: e.Since,
			EvenIfClear: e.EvenIfClear, Correct: e.Correct})
	}
	a.State, a.Admitted, a.Reason, a.Message, a.Hint, a.Replaces = d.State, d.State, d.Reason, d.Message, d.Hint, d.Replaces
	return a
}

// notAsked is the decision on a row beyond mostLookUps.
var notAsked = attestation.Decision{State: attestation.Refused, Reason: attestation.UnknownCustomer,
	Message: fmt.Sprintf("the last run did not see this customer, and %d others of the file were looked up before it", mostLookUps),
	Hint:    "Run mcaledger reconcile, then import the row again."}

// refuseOthers takes back the rows of the same file and customer that came before the one that contradicts them, so that their order does not
// matter.
func (e entry) refuseOthers(ctx context.Context, entered []attestation.Attestation, earlier []attestation.Earlier, a attestation.Attestation) error {
	d := attestation.Contradicted(a.ID.Line)
	for i, other := range earlier {
		if !other.SameFile || other.State != attestation.Queued && other.State != attestation.AlreadyKnown || a.Content.Same(other.Content) {
			continue
		}
		earlier[i].State = attestation.Refused
		here := false
		for n := range entered {
			if entered[n].ID.Line == other.ID.Line {
				a := &entered[n]
				a.State, a.Admitted, a.Reason, a.Message, a.Hint, a.Replaces = d.State, d.State, d.Reason, d.Message, d.Hint, attestation.ID{}
				here = true
			}
		}
		if here {
			continue
		}
		if err := e.page.Refuse(ctx, other.ID.Line, d); err != nil {
			return err
		}
	}
	return nil
}

// unreadable is the decision on a row that intake refused. The values stay in the file: they may be personal data.
func unreadable(refusals []intake.Refusal) attestation.Decision {
	d := attestation.Decision{State: attestation.Refused, Reason: attestation.UnreadableRow}
	var messages, hints []string
	for _, r := range refusals {
		messages = append(messages, fmt.Sprintf("%s: %s", r.Column, r.Message))
		hints = append(hints, r.Hint)
	}
	d.Message, d.Hint = strings.Join(messages, "; "), strings.Join(hints, "; ")
	return d
}

func content(r intake.Record) attestation.Content {
	return attestation.Content{
		Signer:      standing.Contact{FirstName: r.FirstName, LastName: r.LastName, Email: r.Email, Phone: r.Phone},
		Agreed:      r.DateAgreed,
		CompanyName: r.CompanyName, Country: r.Country, Language: r.Language, Evidence: r.Evidence, Note: r.Note,
	}
}

func identity(r intake.Record) attestation.Identity {
	if r.TenantID != "" {
		return attestation.Identity{TenantID: r.TenantID}
	}
	return attestation.Identity{Domain: r.Domain}
}

func identities(rows []intake.Row) []attestation.Identity {
	named := make([]attestation.Identity, len(rows))
	for i, row := range rows {
		named[i] = identity(row.Record)
	}
	return named
}

func customerIDs(sets ...map[attestation.Identity][]attestation.Customer) (ids []string) {
	seen := map[string]bool{}
	for _, set := range sets {
		for _, customers := range set {
			for _, c := range customers {
				if !seen[c.ID] {
					seen[c.ID] = true
					ids = append(ids, c.ID)
				}
			}
		}
	}
	return ids
}

// chunks gathers the rows that count; the lines that are no rows of the list are left out.
func chunks(rows iter.Seq2[intake.Row, error], size int) iter.Seq2[[]intake.Row, error] {
	return func(yield func([]intake.Row, error) bool) {
		var chunk []intake.Row
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if row.Skip != "" {
				continue
			}
			if chunk = append(chunk, row); len(chunk) == size {
				if !yield(chunk, nil) {
					return
				}
				chunk = nil
			}
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}
