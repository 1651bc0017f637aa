package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Import makes a batch in one transaction: it is in the ledger with every row, or not at all. fill adds the rows; report is shown them all, in
// the file's order, before the batch is kept. Without keep, nothing is.
func (s *Store) Import(ctx context.Context, batch attestation.Batch, keep bool, fill func(*Import) error, report func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error) (attestation.Batch, error) {
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if s.dialect == sqlfiles.Postgres {
			for _, statement := range []string{"lock_imports", "look_up_by_index"} {
				if _, err := s.exec(ctx, tx, statement, nil); err != nil {
					return err
				}
			}
		}
		if err := s.get(ctx, tx, &batch.ID, "begin_batch", rowOfBatch(batch)); err != nil {
			return err
		}
		if err := fill(&Import{store: s, tx: tx, batch: batch.ID}); err != nil {
			return err
		}
		if err := s.closeBatch(ctx, tx, &batch); err != nil {
			return err
		}
		if err := report(batch, s.attestations(ctx, tx, batch.ID)); err != nil {
			return err
		}
		if !keep {
			return errNotKept
		}
		return nil
	})
	if errors.Is(err, errNotKept) {
		err = nil
	}
	return batch, err
}

var errNotKept = errors.New("the batch is not to be kept")

// closeBatch counts what came in and begins the batch's chain with a digest of all of it.
func (s *Store) closeBatch(ctx context.Context, tx *sqlx.Tx, batch *attestation.Batch) error {
	var counted batchRow
	if err := s.get(ctx, tx, &counted, "count_batch", args{"batch": batch.ID}); err != nil {
		return err
	}
	counted.ID, batch.Counts = batch.ID, counted.counts()
	if _, err := s.exec(ctx, tx, "close_batch", counted); err != nil {
		return err
	}
	digest, err := s.digest(ctx, tx, batch.ID)
	if err != nil {
		return err
	}
	detail, err := json.Marshal(map[string]any{"sha256": batch.SHA256, "rows": batch.Rows, "queued": batch.Queued, "digest": digest})
	if err != nil {
		return err
	}
	return s.append(ctx, tx, attestation.Event{Batch: batch.ID, At: batch.ImportedAt, Actor: batch.ImportedBy, Detail: string(detail)})
}

// Import is a batch that is being filled.
type Import struct {
	store *Store
	tx    *sqlx.Tx
	batch int64
}

// Customers finds the customers of the given partners that rows name, as the last completed run left them.
func (s *Store) Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
	return s.customers(ctx, s.db, partners, named)
}

// Customers is Store.Customers as the import sees it.
func (i *Import) Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
	return i.store.customers(ctx, i.tx, partners, named)
}

func (s *Store) customers(ctx context.Context, on sqlx.ExtContext, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
	var ids, domains []string
	for _, n := range named {
		if n.TenantID != "" {
			ids = append(ids, n.TenantID)
		} else if n.Domain != "" {
			domains = append(domains, n.Domain)
		}
	}
	var rows []customerRow
	for query, named := range map[string][]string{"customers_by_id": ids, "customers_by_domain": domains} {
		if len(named) == 0 {
			continue
		}
		var some []customerRow
		if err := s.list(ctx, on, &some, query, args{"partners": partners, "named": named}); err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	found := map[attestation.Identity][]attestation.Customer{}
	for _, row := range rows {
		c := row.customer()
		for _, key := range []attestation.Identity{{TenantID: strings.ToLower(c.ID)}, {Domain: strings.ToLower(row.Domain)}} {
			if key != (attestation.Identity{}) {
				found[key] = append(found[key], c)
			}
		}
	}
	return found, nil
}

// customerRow is what the table standing holds of an attestation.Customer.
type customerRow struct {
	PartnerID   string               `db:"partner_id"`
	CustomerID  string               `db:"customer_id"`
	Name        string               `db:"name"`
	Domain      string               `db:"domain"`
	Standing    standing.Standing    `db:"standing"`
	Reason      standing.Reason      `db:"reason"`
	DateAgreed  standing.Date        `db:"date_agreed"`
	SignerFirst string               `db:"signer_first"`
	SignerLast  string               `db:"signer_last"`
	SignerEmail string               `db:"signer_email"`
	SignerPhone string               `db:"signer_phone"`
	Kind        standing.PartnerKind `db:"kind"`
}

func (r customerRow) customer() attestation.Customer {
	signer := standing.Contact{FirstName: r.SignerFirst, LastName: r.SignerLast, Email: r.SignerEmail, Phone: r.SignerPhone}
	return attestation.Customer{PartnerID: r.PartnerID, ID: r.CustomerID, Kind: r.Kind, Name: r.Name, Standing: r.Standing, Reason: r.Reason,
		OnRecord: standing.Agreement{Agreed: r.DateAgreed, Signer: signer}}
}

// Earlier finds what the ledger holds of these customers already: what is not over, and the rows of this batch.
func (i *Import) Earlier(ctx context.Context, customers []string) (map[string][]attestation.Earlier, error) {
	earlier := map[string][]attestation.Earlier{}
	if len(customers) == 0 {
		return earlier, nil
	}
	var rows []attestationRow
	if err := i.store.list(ctx, i.tx, &rows, "earlier_attestations", args{"customers": customers, "batch": i.batch}); err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b attestationRow) int {
		return cmp.Or(cmp.Compare(b.BatchID, a.BatchID), cmp.Compare(a.Line, b.Line)) // the newest batch first
	})
	signers, err := i.signers(ctx, rows)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		id := attestation.ID{Batch: r.BatchID, Line: r.Line}
		earlier[r.CustomerID] = append(earlier[r.CustomerID], attestation.Earlier{ID: id, SameFile: r.BatchID == i.batch, State: r.State, Reason: r.Reason,
			Content: attestation.Content{Signer: signers[id], Agreed: r.Agreed}})
	}
	return earlier, nil
}

func (i *Import) signers(ctx context.Context, rows []attestationRow) (map[attestation.ID]standing.Contact, error) {
	lines := map[int64][]int{}
	for _, r := range rows {
		lines[r.BatchID] = append(lines[r.BatchID], r.Line)
	}
	signers := map[attestation.ID]standing.Contact{}
	for batch, lines := range lines {
		var people []personRow
		if err := i.store.list(ctx, i.tx, &people, "signers", args{"batch": batch, "lines": lines}); err != nil {
			return nil, err
		}
		for _, p := range people {
			signers[attestation.ID{Batch: batch, Line: p.Line}] = standing.Contact{FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Phone: p.Phone}
		}
	}
	return signers, nil
}

// Add keeps rows of the file with what was decided of them.
func (i *Import) Add(ctx context.Context, rows []attestation.Attestation) error {
	if len(rows) == 0 {
		return nil
	}
	records, people := make([]attestationRow, len(rows)), make([]personRow, len(rows))
	for n, a := range rows {
		a.ID.Batch = i.batch
		var err error
		if people[n], err = rowOfPerson(a); err != nil {
			return err
		}
		records[n] = rowOfAttestation(a, people[n].digest())
	}
	if err := insert(ctx, i.store, i.tx, "save_attestation", records); err != nil {
		return err
	}
	return insert(ctx, i.store, i.tx, "save_person", people)
}

// Refuse takes back the admission of a row that was queued earlier in the same file.
func (i *Import) Refuse(ctx context.Context, line int, d attestation.Decision) error {
	_, err := i.store.exec(ctx, i.tx, "refuse_admitted", args{"batch": i.batch, "line": line, "reason": d.Reason, "message": d.Message, "hint": d.Hint})
	return err
}
