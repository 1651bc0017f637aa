package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Import takes one file of attestations into the ledger.
type Import struct {
	Partners    []ledger.Partner // whose customers the file may name
	Since       standing.Date
	EvenIfClear bool
	EvenIfOld   bool // queue acceptances before Since, too
	Correct     bool
	Corrects    attestation.ID // the very attestation that is put right; zero: the newest one that Microsoft has
	By          attestation.Actor
	Policy      attestation.ApprovalPolicy
	InboxFile   string // the name in the inbox of a file that is taken from there

	// LookUp asks a partner's service for a customer that no run has seen yet; found is false when
	// it has none of this id.
	LookUp func(ctx context.Context, partner ledger.Partner, tenantID string) (customer standing.Customer, found bool, err error)
}

// BatchStore is where attestations are entered; the store implements it.
type BatchStore interface {
	Unknown(ctx context.Context, partners, tenantIDs []string) (map[string]bool, error) // as the last run left them, like Customers
	Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error)
	// Import makes a batch in one transaction, and approves it in the same one if it is given an
	// approval. report is shown every row before the transaction is committed. Without keep,
	// nothing is.
	Import(ctx context.Context, batch attestation.Batch, keep bool, approve *attestation.Approval, fill func(BatchWriter) error,
		report ReportRows) (attestation.Batch, error)
}

// BatchWriter is a batch while it is filled. What Add is given is the job's again afterwards.
type BatchWriter interface {
	Earlier(ctx context.Context, customers []attestation.Customer) ([][]attestation.Earlier, error) // a list for each
	Add(ctx context.Context, rows []attestation.Attestation) error
	Refuse(ctx context.Context, customer attestation.Customer, d attestation.Decision) error // all rows of it so far
}

// ReportRows is shown a batch and its rows in the file's order.
type ReportRows func(batch attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) error

// Upload is a file that was opened; intake.File is one.
type Upload interface {
	Rows() iter.Seq2[intake.Row, error]
	Header() []string
	Understanding() intake.Understanding
	SHA256() string
}

const (
	importChunk = 2000
	// mostLookUps bounds the live questions of one import: a file of strangers is a mistake, not a
	// reason for a million calls.
	mostLookUps = 1000
	// mostRecalled bounds the memory of what was said of the customers; what is forgotten is asked
	// again.
	mostRecalled = 10 * importChunk
)

// Run enters the file's rows as one batch: all of them, each queued, refused, a duplicate or
// already known. Before the batch is committed, report is shown every row. Without keep nothing is
// committed.
func (j Import) Run(ctx context.Context, file Upload, name string, book BatchStore, asOf time.Time, keep bool, report ReportRows) (attestation.Batch, error) {
	strangers, asked, err := j.strangers(ctx, file, book)
	if err != nil {
		return attestation.Batch{}, err
	}
	form, err := json.Marshal(file.Understanding())
	if err != nil {
		return attestation.Batch{}, err
	}
	batch := attestation.Batch{File: name, SHA256: file.SHA256(), Form: string(form), Header: file.Header(), EvenIfClear: j.EvenIfClear,
		ImportedBy: j.By, ImportedAt: asOf, Policy: j.Policy, InboxFile: j.InboxFile}
	fill := func(page BatchWriter) error {
		e := entry{Import: j, page: page, strangers: strangers, asked: asked, said: map[ofCustomer][]attestation.Earlier{}, other: map[ofCustomer]int{}}
		for rows, err := range ahead(j.customersOf(ctx, file, book)) {
			if err != nil {
				return err
			}
			if err := e.enter(ctx, rows); err != nil {
				return err
			}
		}
		return nil
	}
	return book.Import(ctx, batch, keep, j.approval(asOf), fill, report)
}

// approval approves a batch as it is imported where the policy asks nobody to; the configuration is
// named as the approver.
func (j Import) approval(at time.Time) *attestation.Approval {
	if j.Policy.Required {
		return nil
	}
	by := attestation.Actor{Name: fmt.Sprintf("approval: none (%s)", j.Policy.Source), UserID: j.By.UserID, Host: j.By.Host, Source: attestation.FromPolicy}
	return &attestation.Approval{By: by, At: at, Policy: j.Policy}
}

// strangers looks up the customers that no run has seen, before the batch is begun: nothing waits
// for the network while the ledger is being written. asked are the tenant ids of all that were
// looked up.
func (j Import) strangers(ctx context.Context, file Upload, book BatchStore) (found map[attestation.Identity][]attestation.Customer, asked map[string]bool, _ error) {
	found, asked = map[attestation.Identity][]attestation.Customer{}, map[string]bool{}
	for rows, err := range ahead(j.unknown(ctx, file, book)) {
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			id := strings.Clone(row.Record.TenantID)
			if asked[id] || len(asked) == mostLookUps {
				continue
			}
			asked[id] = true
			customers, err := j.lookUp(ctx, id)
			if err != nil {
				return nil, nil, fmt.Errorf("look up the customer of line %d: %w", row.Line, err)
			}
			if len(customers) > 0 {
				found[attestation.Identity{TenantID: id}] = customers
			}
		}
	}
	return found, asked, nil
}

// unknown are the good rows whose tenant id no run has seen, chunk by chunk.
func (j Import) unknown(ctx context.Context, file Upload, book BatchStore) iter.Seq2[[]intake.Row, error] {
	return mapped(ahead(chunks(file.Rows())), func(rows []intake.Row) ([]intake.Row, error) {
		rows = slices.DeleteFunc(rows, func(r intake.Row) bool { return r.Record.TenantID == "" || len(r.Refusals) > 0 })
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = row.Record.TenantID
		}
		unknown, err := book.Unknown(ctx, j.ids(), ids)
		return slices.DeleteFunc(rows, func(r intake.Row) bool { return !unknown[r.Record.TenantID] }), err
	})
}

// rowsOfCustomers are rows with the customers that they name, as far as a run has seen them.
type rowsOfCustomers struct {
	rows  []intake.Row
	known map[attestation.Identity][]attestation.Customer
}

func (j Import) customersOf(ctx context.Context, file Upload, book BatchStore) iter.Seq2[rowsOfCustomers, error] {
	return mapped(ahead(chunks(file.Rows())), func(rows []intake.Row) (rowsOfCustomers, error) {
		known, err := book.Customers(ctx, j.ids(), identities(rows))
		return rowsOfCustomers{rows, known}, err
	})
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
	page      BatchWriter
	strangers map[attestation.Identity][]attestation.Customer
	asked     map[string]bool
	said      map[ofCustomer][]attestation.Earlier // what is known to be said already of the customers of late; this file's rows come first
	other     map[ofCustomer]int                   // the line that contradicted the first one

	// Room that is used again for each chunk.
	customers [][]attestation.Customer
	unsaid    []attestation.Customer
	entered   []attestation.Attestation
}

// ofCustomer names a customer: two partners may have the same tenant.
type ofCustomer struct{ partner, id string }

// enter decides on a chunk of rows and adds them.
func (e *entry) enter(ctx context.Context, chunk rowsOfCustomers) error {
	e.customers = e.customers[:0]
	for _, row := range chunk.rows {
		who := identity(row.Record)
		all := chunk.known[who]
		if all == nil {
			all = e.strangers[who]
		}
		if len(all) > 1 {
			all = attestation.Candidates(all)
		}
		e.customers = append(e.customers, all)
	}
	if err := e.recall(ctx); err != nil {
		return err
	}
	e.entered = e.entered[:0]
	for n, row := range chunk.rows {
		var ofDomain []attestation.Customer
		if row.Record.TenantID != "" && row.Record.Domain != "" {
			ofDomain = chunk.known[attestation.Identity{Domain: row.Record.Domain}]
		}
		a := e.decide(row, e.customers[n], ofDomain)
		if a.State == attestation.Refused {
			if err := e.refuseOthers(ctx, a); err != nil {
				return err
			}
		}
		e.remember(a)
		e.entered = append(e.entered, a)
	}
	return e.page.Add(ctx, e.entered)
}

// recall asks the ledger what was said already of each row's customer, where there is one.
func (e *entry) recall(ctx context.Context) error {
	if len(e.said) > mostRecalled {
		clear(e.said)
		clear(e.other)
	}
	e.unsaid = e.unsaid[:0]
	for _, candidates := range e.customers {
		if len(candidates) != 1 {
			continue
		}
		key := ofCustomer{candidates[0].PartnerID, candidates[0].ID}
		if _, known := e.said[key]; !known {
			e.said[key] = nil
			e.unsaid = append(e.unsaid, candidates[0])
		}
	}
	if len(e.unsaid) == 0 {
		return nil
	}
	earlier, err := e.page.Earlier(ctx, e.unsaid)
	if err != nil {
		return err
	}
	for n, c := range e.unsaid {
		if earlier[n] != nil {
			e.said[ofCustomer{c.PartnerID, c.ID}] = earlier[n]
		}
	}
	return nil
}

// remember keeps what the rows that follow must know of the file: the customer's first row that was
// not refused for itself, which they repeat or contradict, or that its rows contradict each other.
func (e *entry) remember(a attestation.Attestation) {
	if a.CustomerID == "" {
		return
	}
	key := ofCustomer{a.PartnerID, a.CustomerID}
	said := e.said[key]
	if len(said) == 0 || !said[0].SameFile || said[0].State == attestation.Refused && said[0].Reason != attestation.ConflictingRows &&
		(a.State != attestation.Refused || a.Reason == attestation.ConflictingRows) {
		mine := attestation.Earlier{ID: a.ID, SameFile: true, State: a.State, Reason: a.Reason, Content: a.Content}
		e.said[key] = slices.Insert(said, 0, mine)
	}
}

// decide makes the attestation of a row, with what becomes of it.
func (e *entry) decide(row intake.Row, customers, ofDomain []attestation.Customer) attestation.Attestation {
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
		key := ofCustomer{a.PartnerID, a.CustomerID}
		said := e.said[key]
		d = attestation.Admit(a.Content, attestation.Situation{Customers: customers, OfDomain: ofDomain, Earlier: said, Since: e.Since,
			EvenIfClear: e.EvenIfClear, EvenIfOld: e.EvenIfOld, Correct: e.Correct, Corrects: e.Corrects})
		if admitted(d.State) && len(said) > 0 && said[0].SameFile && said[0].Reason == attestation.ConflictingRows {
			d = attestation.Contradicted(cmp.Or(e.other[key], said[0].ID.Line))
		}
	}
	a.State, a.Admitted, a.Reason, a.Message, a.Hint, a.Replaces = d.State, d.State, d.Reason, d.Message, d.Hint, d.Replaces
	return a
}

// notAsked is the decision on a row beyond mostLookUps.
var notAsked = attestation.Decision{State: attestation.Refused, Reason: attestation.UnknownCustomer,
	Message: fmt.Sprintf("the last run did not see this customer, and %d others of the file were looked up before it", mostLookUps),
	Hint:    "Run mcaledger reconcile, then import the row again."}

// refuseOthers takes back the rows of the same file and customer that came before the first one
// that contradicts them, so that their order does not matter.
func (e *entry) refuseOthers(ctx context.Context, a attestation.Attestation) error {
	key := ofCustomer{a.PartnerID, a.CustomerID}
	said := e.said[key]
	if len(said) == 0 || !said[0].SameFile || said[0].Reason == attestation.ConflictingRows || said[0].Content.Same(a.Content) {
		return nil
	}
	d := attestation.Contradicted(a.ID.Line)
	first := &said[0]
	before := first.State
	first.State, first.Reason, e.other[key] = d.State, d.Reason, a.ID.Line
	if !admitted(before) {
		return nil // then no row of the customer was
	}
	for n := range e.entered {
		if a := &e.entered[n]; (ofCustomer{a.PartnerID, a.CustomerID}) == key && admitted(a.State) {
			a.State, a.Admitted, a.Reason, a.Message, a.Hint, a.Replaces = d.State, d.State, d.Reason, d.Message, d.Hint, attestation.ID{}
		}
	}
	if len(e.entered) > 0 && first.ID.Line >= e.entered[0].ID.Line {
		return nil
	}
	return e.page.Refuse(ctx, attestation.Customer{PartnerID: a.PartnerID, ID: a.CustomerID}, d)
}

// admitted tells the states in which a row was not refused.
func admitted(s attestation.State) bool {
	return s == attestation.Queued || s == attestation.AlreadyKnown || s == attestation.Duplicate
}

// unreadable is the decision on a row that intake refused. The values stay in the file: they may be
// personal data.
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
	named := make([]attestation.Identity, 0, len(rows))
	for _, row := range rows {
		named = append(named, identity(row.Record))
		if r := row.Record; r.TenantID != "" && r.Domain != "" { // whose the domain is says whether the tenant id stands in the right row
			named = append(named, attestation.Identity{Domain: r.Domain})
		}
	}
	return named
}

// chunks gathers the rows that count; the lines that are no rows of the list are left out.
func chunks(rows iter.Seq2[intake.Row, error]) iter.Seq2[[]intake.Row, error] {
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
			if chunk == nil {
				chunk = make([]intake.Row, 0, importChunk)
			}
			if chunk = append(chunk, row); len(chunk) == importChunk {
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

// mapped makes something else of each element, until there is an error.
func mapped[A, B any](elements iter.Seq2[A, error], change func(A) (B, error)) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for a, err := range elements {
			var b B
			if err == nil {
				b, err = change(a)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// ahead makes the next element while the one before is in use.
func ahead[T any](elements iter.Seq2[T, error]) iter.Seq2[T, error] {
	type element struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		made, enough := make(chan element), make(chan struct{})
		var maker sync.WaitGroup
		defer maker.Wait()
		defer close(enough)
		maker.Go(func() {
			defer close(made)
			for value, err := range elements {
				select {
				case made <- element{value, err}:
				case <-enough:
					return
				}
			}
		})
		for e := range made {
			if !yield(e.value, e.err) {
				return
			}
		}
	}
}
