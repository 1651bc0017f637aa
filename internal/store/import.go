package store

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Import makes a batch in one transaction: it is in the ledger with every row, or not at all. fill
// adds the rows; report is shown them all, in the file's order, before the batch is kept. Without
// Keep, nothing is. With an approval, the batch is approved in the same transaction, if any row of
// it is queued. ErrInboxFileTaken is returned when another run has made a batch of the same file of
// the inbox.
func (s *Store) Import(ctx context.Context, n attestation.NewBatch, fill func(*Import) error,
	report func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error) (batch attestation.Batch,
	err error) {

	matching, err := s.match(ctx, n)
	if err != nil {
		return n.Batch, err
	}
	defer matching.close()
	err = s.inTxOfConn(ctx, func(conn *sqlx.Conn, tx *sqlx.Tx) error {
		batch, err = s.importIn(ctx, conn, tx, n, matching, fill, report)
		return err
	})
	if errors.Is(err, errNotKept) {
		err = nil
	}
	return batch, err
}

func (s *Store) importIn(ctx context.Context, conn *sqlx.Conn, tx *sqlx.Tx, n attestation.NewBatch, matching *matching,
	fill func(*Import) error,
	report func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error) (attestation.Batch, error) {

	batch := n.Batch
	if s.dialect == sqlfiles.Postgres {
		if _, err := s.exec(ctx, tx, "lock_imports", nil); err != nil {
			return batch, err
		}
	}
	err := s.get(ctx, tx, &batch.ID, "begin_batch", rowOfBatch(batch))
	if errors.Is(err, ErrNotFound) {
		return batch, ErrInboxFileTaken
	}
	if err != nil {
		return batch, err
	}
	page := &Import{store: s, conn: conn, tx: tx, matching: matching, batch: batch.ID, sum: newSum()}
	if err := errors.Join(fill(page), page.settle()); err != nil {
		return batch, err
	}
	if err := s.countBatch(ctx, tx, &batch, page.sum.Counts); err != nil {
		return batch, err
	}
	if err := report(batch, s.attestations(ctx, tx, batch.ID)); err != nil {
		return batch, err
	}
	if !n.Keep {
		return batch, errNotKept
	}
	if err := s.recordImport(ctx, tx, batch, page); err != nil {
		return batch, err
	}
	return batch, s.approveImported(ctx, tx, &batch, n.Approve)
}

// approveImported approves a batch as it is imported, if the caller asks for it and there is
// anything to approve.
func (s *Store) approveImported(ctx context.Context, tx *sqlx.Tx, batch *attestation.Batch,
	a *attestation.Approval) error {
	if a == nil || batch.Queued == 0 {
		return nil
	}
	whole := *a
	whole.Batch, whole.SHA256 = batch.ID, batch.SHA256
	batch.ApprovedBy, batch.ApprovedAt = a.By, a.At
	_, err := s.approve(ctx, tx, whole)
	return err
}

// inTxOfConn is inTx with the transaction's connection, for what database/sql does not know of.
func (s *Store) inTxOfConn(ctx context.Context, work func(*sqlx.Conn, *sqlx.Tx) error) error {
	var conn *sqlx.Conn
	var tx *sqlx.Tx
	err := s.retry(ctx, func() (err error) {
		if conn, err = s.db.Connx(ctx); err != nil {
			return s.failure(ctx, "connect", err)
		}
		if tx, err = s.begin(ctx, conn); err != nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	return s.finish(ctx, tx, func() error { return work(conn, tx) })
}

var errNotKept = errors.New("the batch is not to be kept")

// countBatch saves how many rows there are of each kind.
func (s *Store) countBatch(ctx context.Context, tx *sqlx.Tx, batch *attestation.Batch,
	counts attestation.Counts) error {
	batch.Counts = counts
	_, err := s.exec(ctx, tx, "close_batch", batchRow{ID: batch.ID, Rows: counts.Rows, Queued: counts.Queued,
		Refused: counts.Refused, Duplicates: counts.Duplicates, AlreadyKnown: counts.AlreadyKnown})
	return err
}

// recordImport appends the event of the import, with a digest of all that came in, and one for each
// attestation that a row corrects.
func (s *Store) recordImport(ctx context.Context, tx *sqlx.Tx, batch attestation.Batch, page *Import) error {
	whole := rowOfBatch(batch)
	whole.Rows, whole.Queued, whole.Refused, whole.Duplicates, whole.AlreadyKnown = batch.Rows, batch.Queued,
		batch.Refused, batch.Duplicates, batch.AlreadyKnown
	detail, err := json.Marshal(imported{SHA256: batch.SHA256, Rows: batch.Rows, Queued: batch.Queued,
		Batch: whole.digest(), Digest: page.sum.digest(), Policy: batch.Policy})
	if err != nil {
		return err
	}
	events := []ledger.Event{{Kind: ledger.EventImport, Batch: batch.ID, At: batch.ImportedAt, Actor: batch.ImportedBy,
		Detail: string(detail)}}
	for _, c := range page.corrections {
		detail, err := json.Marshal(corrected{c.ID.String()})
		if err != nil {
			return err
		}
		events = append(events, ledger.Event{Kind: ledger.EventCorrect, Batch: c.Replaces.Batch, Line: c.Replaces.Line,
			PartnerID: c.PartnerID, CustomerID: c.CustomerID, At: batch.ImportedAt, Actor: batch.ImportedBy,
			Detail: string(detail)})
	}
	return s.append(ctx, tx, events...)
}

// corrected is the detail of the event of an attestation that another one replaces.
type corrected struct {
	By string `json:"by"` // id of the attestation that replaces it
}

// Customers finds the customers of the given partners that rows name, as the last completed run
// left them.
func (s *Store) Customers(ctx context.Context, partners []string,
	named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
	var ids, domains []string
	for _, n := range named {
		if n.TenantID != "" {
			ids = append(ids, n.TenantID)
		} else if n.Domain != "" {
			domains = append(domains, n.Domain)
		}
	}
	found := make(map[attestation.Identity][]attestation.Customer, len(named))
	find := func(query string, named []string, key func(customerRow) attestation.Identity) error {
		if len(named) == 0 {
			return nil
		}
		rows := make([]customerRow, 0, len(named))
		if err := s.list(ctx, s.db, &rows, query, args{"partners": partners, "named": named}); err != nil {
			return err
		}
		customers := make([]attestation.Customer, len(rows))
		for n, row := range rows {
			customers[n] = row.customer()
			if k := key(row); found[k] == nil {
				found[k] = customers[n : n+1 : n+1] // nearly always it is the only one
			} else {
				found[k] = append(found[k], customers[n])
			}
		}
		return nil
	}
	err := find("customers_by_id", ids, func(r customerRow) attestation.Identity {
		return attestation.Identity{TenantID: strings.ToLower(r.CustomerID)}
	})
	if err != nil {
		return nil, err
	}
	return found, find("customers_by_domain", domains, func(r customerRow) attestation.Identity {
		return attestation.Identity{Domain: strings.ToLower(r.Domain)}
	})
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
	signer := standing.Contact{FirstName: r.SignerFirst, LastName: r.SignerLast, Email: r.SignerEmail,
		Phone: r.SignerPhone}
	return attestation.Customer{PartnerID: r.PartnerID, ID: r.CustomerID, Kind: r.Kind, Name: r.Name,
		Standing: r.Standing, Reason: r.Reason, OnRecord: standing.Agreement{Agreed: r.DateAgreed, Signer: signer}}
}

// Import is a batch that is being filled, by one goroutine.
type Import struct {
	store       *Store
	conn        *sqlx.Conn
	tx          *sqlx.Tx // on conn
	matching    *matching
	batch       int64
	sum         *sum                      // of the rows so far
	corrections []attestation.Attestation // those that replace others; without contents
	writing     background

	inHand, spare written // what is being written, and the buffers of what was written before
}

// Matches yields what is known of the rows of the file, in its order. Rows of whose customers
// nothing is known are left out.
func (i *Import) Matches(ctx context.Context) iter.Seq2[attestation.Match, error] {
	return i.matching.matches(ctx)
}

// Add keeps rows of the file, in the file's order, with what was decided of them. They are written
// while the caller goes on: an error may come with a later call. The slice is the caller's again.
func (i *Import) Add(ctx context.Context, rows []attestation.Attestation) error {
	if len(rows) == 0 {
		return nil
	}
	records, people := i.spare.records[:0], i.spare.people[:0]
	for _, a := range rows {
		a.ID.Batch = i.batch
		person, err := rowOfPerson(a)
		if err != nil {
			return err
		}
		record := rowOfAttestation(a, person.digest())
		i.sum.add(record)
		if a.Replaces != (attestation.ID{}) {
			i.corrections = append(i.corrections, attestation.Attestation{ID: a.ID, PartnerID: a.PartnerID,
				CustomerID: a.CustomerID, Replaces: a.Replaces})
		}
		records, people = append(records, record), append(people, person)
	}
	write := []insertion{insertionOf(i.store, "save_attestation", records), insertionOf(i.store, "save_signer", people)}
	if err := i.settle(); err != nil {
		return err
	}
	i.spare, i.inHand = i.inHand, written{records, people}
	i.writing.start(func() error {
		for _, w := range write {
			if err := w(ctx, i.conn, i.tx); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// written are rows as the tables hold them.
type written struct {
	records []attestationRow
	people  []personRow
}

// settle waits until what was added is written. Only then the transaction may be used.
func (i *Import) settle() error { return i.writing.wait() }

// background does one thing while its owner goes on.
type background struct{ done chan error }

// start needs a wait since the start before.
func (b *background) start(work func() error) {
	done := make(chan error, 1)
	b.done = done
	go func() { done <- work() }()
}

// wait returns the error of what was started, once.
func (b *background) wait() error {
	if b.done == nil {
		return nil
	}
	err := <-b.done
	b.done = nil
	return err
}
