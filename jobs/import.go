package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
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
	LookUp func(ctx context.Context, partner ledger.Partner,
		tenantID string) (customer standing.Customer, found bool, err error)
}

// BatchStore is where attestations are entered; the store implements it.
type BatchStore interface {
	// Import makes a batch in one transaction. fill adds its rows; report is shown every row before
	// the transaction is committed.
	Import(ctx context.Context, batch attestation.NewBatch, fill func(BatchWriter) error,
		report ReportRows) (attestation.Batch, error)
}

// BatchWriter is a batch while it is filled.
type BatchWriter interface {
	// Matches yields what is known of the file's rows, in its order; rows of whose customers
	// nothing is known are left out.
	Matches(ctx context.Context) iter.Seq2[attestation.Match, error]
	// Add adds rows in the file's order. The slice may be used again.
	Add(ctx context.Context, rows []attestation.Attestation) error
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
	// maxLookUps limits the live look-ups of one import.
	maxLookUps = 1000
)

// Run enters the file's rows as one batch: all of them, each queued, refused, a duplicate or
// already known. Before the batch is committed, report is shown every row. Without keep nothing is
// committed.
func (j Import) Run(ctx context.Context, file Upload, name string, book BatchStore, asOf time.Time, keep bool,
	report ReportRows) (attestation.Batch, error) {
	form, err := json.Marshal(file.Understanding())
	if err != nil {
		return attestation.Batch{}, err
	}
	batch := attestation.NewBatch{Keep: keep, Approve: j.approval(asOf), Partners: j.ids(), Rows: named(file.Rows()),
		Batch: attestation.Batch{File: name, SHA256: file.SHA256(), Form: string(form), Header: file.Header(),
			EvenIfClear: j.EvenIfClear, ImportedBy: j.By, ImportedAt: asOf, Policy: j.Policy, InboxFile: j.InboxFile}}
	asked := map[string]bool{}
	batch.LookUp = func(unknown iter.Seq2[string, error]) ([]attestation.Customer, error) {
		return j.lookUpUnknown(ctx, unknown, asked)
	}
	return book.Import(ctx, batch, func(w BatchWriter) error {
		d := decider{Import: j, kinds: map[string]standing.PartnerKind{}, asked: asked, first: map[ofCustomer]int{}}
		for _, p := range j.Partners {
			d.kinds[p.ID] = p.Kind
		}
		return d.addAll(ctx, w, file.Rows())
	}, report)
}

// approval approves a batch as it is imported where the policy does not ask for one; the
// configuration is named as the approver.
func (j Import) approval(at time.Time) *attestation.Approval {
	if j.Policy.Required {
		return nil
	}
	by := attestation.Actor{Name: fmt.Sprintf("approval: none (%s)", j.Policy.Source), UserID: j.By.UserID,
		Host: j.By.Host, Source: attestation.FromPolicy}
	return &attestation.Approval{By: by, At: at, Policy: j.Policy}
}

// lookUpUnknown asks the partners' services for customers that no run has seen. asked gets the
// tenant ids of all that were asked for.
func (j Import) lookUpUnknown(ctx context.Context, unknown iter.Seq2[string, error],
	asked map[string]bool) (found []attestation.Customer, _ error) {
	for id, err := range unknown {
		if err != nil {
			return nil, err
		}
		if len(asked) == maxLookUps {
			break
		}
		asked[id] = true
		customers, err := j.lookUp(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("look up customer %s: %w", id, err)
		}
		found = append(found, customers...)
	}
	return found, nil
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
		customer := attestation.Customer{PartnerID: p.ID, ID: tenantID, Kind: p.Kind, Name: c.Name,
			Standing: standing.Unknown}
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

// decider decides on the rows of a file, one after the other.
type decider struct {
	Import
	kinds map[string]standing.PartnerKind // of the partners, by id
	asked map[string]bool                 // the tenant ids that were looked up
	// first has the row that counts for a customer of several rows, where that is not the first
	// readable one, because that one names another company; 0: none so far.
	first map[ofCustomer]int
}

// ofCustomer names a customer: two partners may have the same tenant.
type ofCustomer struct{ partner, id string }

// addAll decides on each row and adds it, chunk by chunk.
func (d *decider) addAll(ctx context.Context, w BatchWriter, rows iter.Seq2[intake.Row, error]) error {
	nextMatch, stop := iter.Pull2(w.Matches(ctx))
	defer stop()
	chunk := make([]attestation.Attestation, 0, importChunk)
	match, err, more := nextMatch()
	for row, failed := range rows {
		if failed != nil {
			return failed
		}
		if row.Skip != "" {
			continue
		}
		for more && err == nil && match.Line < row.Line {
			match, err, more = nextMatch()
		}
		if err != nil {
			return err
		}
		of := attestation.Match{}
		if more && match.Line == row.Line {
			of = match
		}
		if chunk = append(chunk, d.decide(row, of)); len(chunk) == importChunk {
			if err := w.Add(ctx, chunk); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
	return w.Add(ctx, chunk)
}

// decide makes the attestation of a row, with what becomes of it.
func (d *decider) decide(row intake.Row, match attestation.Match) attestation.Attestation {
	a := attestation.Attestation{ID: attestation.ID{Line: row.Line}, Content: content(row.Record), Cells: row.Cells}
	customers := d.withKinds(match.Customers)
	if len(customers) > 1 {
		customers = attestation.Candidates(customers)
	}
	if len(customers) == 1 {
		a.PartnerID, a.CustomerID, a.CustomerName = customers[0].PartnerID, customers[0].ID, customers[0].Name
	}
	var end attestation.Decision
	switch id := row.Record.TenantID; {
	case len(row.Refusals) > 0:
		end = unreadable(row.Refusals)
	case len(customers) == 0 && id != "" && !d.asked[id]:
		end = notAsked
	default:
		end = attestation.Admit(a.Content, attestation.Situation{Customers: customers, OfDomain: match.OfDomain,
			Since: d.Since, Earlier: ofPartner(match.Earlier, a.PartnerID), Contradicts: match.Contradicts,
			Repeats: d.repeats(a, match), EvenIfClear: d.EvenIfClear, EvenIfOld: d.EvenIfOld, Correct: d.Correct,
			Corrects: d.Corrects})
		d.counts(a, match, end)
	}
	a.State, a.Admitted, a.Reason, a.Message, a.Hint, a.Replaces = end.State, end.State, end.Reason, end.Message,
		end.Hint, end.Replaces
	return a
}

func (d *decider) withKinds(customers []attestation.Customer) []attestation.Customer {
	for i := range customers {
		customers[i].Kind = d.kinds[customers[i].PartnerID]
	}
	return customers
}

func ofPartner(earlier []attestation.Earlier, partner string) []attestation.Earlier {
	return slices.DeleteFunc(earlier, func(e attestation.Earlier) bool { return e.PartnerID != partner })
}

// repeats is the line of the row that counts for the customer, if it is not the row itself.
func (d *decider) repeats(a attestation.Attestation, match attestation.Match) int {
	first, known := d.first[ofCustomer{a.PartnerID, a.CustomerID}]
	if !known {
		first = match.Readable
	}
	if first == a.ID.Line {
		return 0
	}
	return first
}

// counts notes which row counts for a customer of several rows, where it is not the first readable
// one.
func (d *decider) counts(a attestation.Attestation, match attestation.Match, end attestation.Decision) {
	if match.Readable == 0 || match.Contradicts > 0 {
		return
	}
	key := ofCustomer{a.PartnerID, a.CustomerID}
	first, known := d.first[key]
	switch {
	case end.Reason == attestation.OtherCompany && (match.Readable == a.ID.Line && !known):
		d.first[key] = 0
	case end.Reason != attestation.OtherCompany && known && first == 0:
		d.first[key] = a.ID.Line
	}
}

// notAsked is the decision on a row beyond maxLookUps.
var notAsked = attestation.Decision{State: attestation.Refused, Reason: attestation.UnknownCustomer,
	Message: fmt.Sprintf("the last run did not see this customer, and %d others of the file were looked up before it",
		maxLookUps),
	Hint: "Run mcaledger reconcile, then import the row again."}

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

// named yields what has to be known of all rows before one is decided on. Lines that are no rows of
// the list are left out.
func named(rows iter.Seq2[intake.Row, error]) iter.Seq2[attestation.NamedRow, error] {
	seed := maphash.MakeSeed()
	return func(yield func(attestation.NamedRow, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(attestation.NamedRow{}, err)
				return
			}
			if row.Skip != "" {
				continue
			}
			r := row.Record
			if !yield(attestation.NamedRow{Line: row.Line, Identity: attestation.Identity{TenantID: r.TenantID,
				Domain: r.Domain},
				Readable: len(row.Refusals) == 0, Fingerprint: content(r).Fingerprint(seed)}, nil) {
				return
			}
		}
	}
}
