package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Import makes a batch in one transaction: it is in the ledger with every row, or not at all. fill adds the rows; report is shown them all, in
// the file's order, before the batch is kept. Without keep, nothing is.
//
// With an approval, the batch is approved in the same transaction, if any row of it is queued. ErrInboxFileTaken is
// returned when another run has made a batch of the same file of the inbox.
func (s *Store) Import(ctx context.Context, batch attestation.Batch, keep bool, approve *attestation.Approval, fill func(*Import) error,
	report func(attestation.Batch, iter.Seq2[attestation.Attestation, error]) error) (attestation.Batch, error) {

	err := s.inTxOfConn(ctx, func(conn *sqlx.Conn, tx *sqlx.Tx) error {
		if s.dialect == sqlfiles.Postgres {
			for _, statement := range []string{"lock_imports", "look_up_by_index"} {
				if _, err := s.exec(ctx, tx, statement, nil); err != nil {
					return err
				}
			}
		}
		err := s.get(ctx, tx, &batch.ID, "begin_batch", rowOfBatch(batch))
		if errors.Is(err, ErrNotFound) {
			return ErrInboxFileTaken
		}
		if err != nil {
			return err
		}
		page := &Import{store: s, conn: conn, tx: tx, batch: batch.ID, named: newFilter(), readAt: firstReadAt, sum: newSum()}
		if err := errors.Join(fill(page), page.settle()); err != nil {
			return err
		}
		if err := s.closeBatch(ctx, tx, &batch, page); err != nil {
			return err
		}
		if err := report(batch, s.attestations(ctx, tx, batch.ID)); err != nil {
			return err
		}
		if !keep {
			return errNotKept
		}
		return s.approveImported(ctx, tx, &batch, approve)
	})
	if errors.Is(err, errNotKept) {
		err = nil
	}
	return batch, err
}

// approveImported approves a batch as it is imported, if the caller asks for it and there is anything to approve.
func (s *Store) approveImported(ctx context.Context, tx *sqlx.Tx, batch *attestation.Batch, a *attestation.Approval) error {
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
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return &Error{"connect", err}
	}
	defer conn.Close()
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return &Error{"begin a transaction", err}
	}
	return finish(tx, func() error { return work(conn, tx) })
}

var errNotKept = errors.New("the batch is not to be kept")

// closeBatch counts what came in and begins the batch's chain with a digest of all of it.
func (s *Store) closeBatch(ctx context.Context, tx *sqlx.Tx, batch *attestation.Batch, page *Import) error {
	sum := page.sum
	if page.amended {
		var err error
		if sum, err = s.sumUp(ctx, tx, batch.ID); err != nil {
			return err
		}
	}
	batch.Counts = sum.Counts
	closed := batchRow{ID: batch.ID, Rows: sum.Rows, Queued: sum.Queued, Refused: sum.Refused, Duplicates: sum.Duplicates, AlreadyKnown: sum.AlreadyKnown}
	if _, err := s.exec(ctx, tx, "close_batch", closed); err != nil {
		return err
	}
	whole := rowOfBatch(*batch)
	whole.Rows, whole.Queued, whole.Refused, whole.Duplicates, whole.AlreadyKnown = sum.Rows, sum.Queued, sum.Refused, sum.Duplicates, sum.AlreadyKnown
	detail, err := json.Marshal(imported{SHA256: batch.SHA256, Rows: batch.Rows, Queued: batch.Queued, Batch: whole.digest(), Digest: sum.digest(), Policy: batch.Policy})
	if err != nil {
		return err
	}
	return s.append(ctx, tx, ledger.Event{Kind: ledger.EventImport, Batch: batch.ID, At: batch.ImportedAt, Actor: batch.ImportedBy, Detail: string(detail)})
}

// Unknown tells which of these tenant ids none of the partners has as a customer, as the last completed run left them.
func (s *Store) Unknown(ctx context.Context, partners, tenantIDs []string) (map[string]bool, error) {
	unknown := make(map[string]bool, len(tenantIDs))
	for _, id := range tenantIDs {
		unknown[id] = true
	}
	if len(unknown) == 0 {
		return unknown, nil
	}
	arg := args{"partners": partners, "named": tenantIDs}
	var known []int // one number: nearly always all are known, and need not be named
	if err := s.lookUp(ctx, &known, "count_known", arg); err != nil || known[0] == len(unknown) {
		return nil, err
	}
	var ids []string
	err := s.lookUp(ctx, &ids, "known_ids", arg)
	for _, id := range ids {
		delete(unknown, strings.ToLower(id))
	}
	return unknown, err
}

// Customers finds the customers of the given partners that rows name, as the last completed run left them.
func (s *Store) Customers(ctx context.Context, partners []string, named []attestation.Identity) (map[attestation.Identity][]attestation.Customer, error) {
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
		if err := s.lookUp(ctx, &rows, query, args{"partners": partners, "named": named}); err != nil {
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

// lookUp is list, outside of any transaction, for a few thousand keys of a big table. PostgreSQL would rather read the whole table, once for
// each chunk of a file, and takes the keys more cheaply as one array than as a parameter each.
func (s *Store) lookUp(ctx context.Context, into any, name string, arg args) error {
	if s.dialect != sqlfiles.Postgres {
		return s.list(ctx, s.db, into, name, arg)
	}
	arrays := map[string]any{}
	for key, value := range arg {
		if arrays[key] = value; reflect.TypeOf(value).Kind() == reflect.Slice {
			arrays[key] = pq.Array(value)
		}
	}
	query, values, err := sqlx.Named(inList.ReplaceAllString(s.queries[name], "= ANY($1)"), arrays)
	if err != nil {
		return fmt.Errorf("statement %q: %w", name, err)
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.exec(ctx, tx, "look_up_by_index", nil); err != nil {
			return err
		}
		if err := tx.SelectContext(ctx, into, s.db.Rebind(query), values...); err != nil {
			return &Error{name, err}
		}
		return nil
	})
}

// inList is where a statement takes a list of keys.
var inList = regexp.MustCompile(`IN \((:\w+)\)`)

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

// Import is a batch that is being filled, by one goroutine.
type Import struct {
	store   *Store
	conn    *sqlx.Conn
	tx      *sqlx.Tx // on conn
	batch   int64
	named   filter // the customers of the rows so far
	asked   int    // for so many customers the ledger was asked what it holds of them
	readAt  int    // when so many were asked, reading all that it holds may be cheaper
	open    filter // the customers of whom it holds something; without room for any: not known
	sum     *sum   // of the rows so far
	amended bool   // some are not any more what they were when they were summed up
	writing chan error

	inHand, spare written // what is being written, and the room of what was written before
}

// Earlier finds, for each of these customers, what the ledger holds of it already: what is not over, and of this batch the first row that was
// not refused for itself, or else the first. Only for customers that the batch may have named before, it has to wait for the writing.
func (i *Import) Earlier(ctx context.Context, customers []attestation.Customer) ([][]attestation.Earlier, error) {
	if err := i.readOpen(ctx); err != nil {
		return nil, err
	}
	var fresh, again []string
	places := make(map[ofCustomer]int, len(customers))
	for n, c := range customers {
		key := ofCustomer{c.PartnerID, c.ID}
		if places[key] = n; i.named.has(key) {
			again = append(again, c.ID)
		} else if i.open.bits == nil || i.open.has(key) {
			fresh = append(fresh, c.ID)
		}
	}
	i.asked += len(fresh)
	var rows []attestationRow
	if len(fresh) > 0 {
		if err := i.store.lookUp(ctx, &rows, "earlier_attestations", args{"customers": fresh, "batch": i.batch}); err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(r attestationRow) bool { return i.named.has(ofCustomer{r.PartnerID, r.CustomerID}) })
	}
	if len(again) > 0 {
		if err := i.settle(); err != nil {
			return nil, err
		}
		var some []attestationRow
		if err := i.store.list(ctx, i.tx, &some, "earlier_attestations", args{"customers": again, "batch": i.batch}); err != nil {
			return nil, err
		}
		rows = append(rows, slices.DeleteFunc(some, func(r attestationRow) bool { return !i.named.has(ofCustomer{r.PartnerID, r.CustomerID}) })...)
	}
	rows = slices.DeleteFunc(rows, func(r attestationRow) bool {
		_, asked := places[ofCustomer{r.PartnerID, r.CustomerID}]
		return !asked
	})
	slices.SortFunc(rows, func(a, b attestationRow) int {
		return cmp.Or(cmp.Compare(b.BatchID, a.BatchID), cmp.Compare(a.Line, b.Line)) // the newest batch first
	})
	signers, err := i.signers(ctx, rows)
	if err != nil {
		return nil, err
	}
	earlier := make([][]attestation.Earlier, len(customers))
	for _, r := range rows {
		id, n := attestation.ID{Batch: r.BatchID, Line: r.Line}, places[ofCustomer{r.PartnerID, r.CustomerID}]
		earlier[n] = append(earlier[n], attestation.Earlier{ID: id, SameFile: r.BatchID == i.batch, State: r.State, Reason: r.Reason,
			Content: attestation.Content{Signer: signers[id], Agreed: r.Agreed}})
	}
	return earlier, nil
}

// readOpen reads of whom the ledger holds anything, once that is cheaper than to ask for each customer of a long file, and gives up where
// there is too much of it. Nobody else imports meanwhile, and what is over does not begin again but by a retry.
func (i *Import) readOpen(ctx context.Context) error {
	if i.open.bits != nil || i.asked < i.readAt {
		return nil
	}
	open, n, most := newFilter(), 0, readPerAsked*i.asked
	for row, err := range stream[attestationRow](ctx, i.store, "open_customers", args{"most": most}) {
		if err != nil {
			return err
		}
		open.add(ofCustomer{row.PartnerID, row.CustomerID})
		n++
	}
	if i.readAt *= 4; n < most {
		i.open = open
	}
	return nil
}

const (
	firstReadAt  = 5000
	readPerAsked = 10 // as many rows are read in the time in which one customer is asked for
)

// ofCustomer names a customer: two partners may have the same tenant.
type ofCustomer struct{ partner, customer string }

func (i *Import) signers(ctx context.Context, rows []attestationRow) (map[attestation.ID]standing.Contact, error) {
	lines := map[int64][]int{}
	for _, r := range rows {
		lines[r.BatchID] = append(lines[r.BatchID], r.Line)
	}
	signers := map[attestation.ID]standing.Contact{}
	for batch, lines := range lines {
		var people []personRow
		var err error
		if batch == i.batch { // nobody else sees it yet, and Earlier has waited for it
			err = i.store.list(ctx, i.tx, &people, "signers", args{"batch": batch, "lines": lines})
		} else {
			err = i.store.lookUp(ctx, &people, "signers", args{"batch": batch, "lines": lines})
		}
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			signers[attestation.ID{Batch: batch, Line: p.Line}] = standing.Contact{FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Phone: p.Phone}
		}
	}
	return signers, nil
}

// Add keeps rows of the file, in the file's order, with what was decided of them. They are written while the caller goes on: an error may come
// with a later call. The slice is the caller's again.
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
		i.named.add(ofCustomer{a.PartnerID, a.CustomerID})
		records, people = append(records, record), append(people, person)
	}
	write := []insertion{insertionOf(i.store, "save_attestation", records), insertionOf(i.store, "save_signer", people)}
	if err := i.settle(); err != nil {
		return err
	}
	i.spare, i.inHand = i.inHand, written{records, people}
	i.writing = make(chan error, 1)
	go func() {
		for _, w := range write {
			if err := w(ctx, i.conn, i.tx); err != nil {
				i.writing <- err
				return
			}
		}
		i.writing <- nil
	}()
	return nil
}

// written are rows as the tables hold them.
type written struct {
	records []attestationRow
	people  []personRow
}

// settle waits until what was added is written. Only then the transaction may be used.
func (i *Import) settle() error {
	if i.writing == nil {
		return nil
	}
	err := <-i.writing
	i.writing = nil
	return err
}

// Refuse takes back the admission of all rows of a customer that came earlier in the same file.
func (i *Import) Refuse(ctx context.Context, customer attestation.Customer, d attestation.Decision) error {
	if err := i.settle(); err != nil {
		return err
	}
	i.amended = true
	_, err := i.store.exec(ctx, i.tx, "refuse_admitted", args{"batch": i.batch, "partner_id": customer.PartnerID, "customer_id": customer.ID, "reason": d.Reason, "message": d.Message, "hint": d.Hint})
	return err
}

// filter remembers customers in a fixed room, so that of nearly every customer it is known without a question that no row has named it before.
// It never forgets one, but may take one for another: with a million customers, one in 100,000.
type filter struct {
	seed maphash.Seed
	bits []uint64
}

const filterBits = 1 << 26 // 8 MiB

func newFilter() filter { return filter{maphash.MakeSeed(), make([]uint64, filterBits/64)} }

func (f filter) add(c ofCustomer) {
	for _, bit := range f.marks(c) {
		f.bits[bit/64] |= 1 << (bit % 64)
	}
}

func (f filter) has(c ofCustomer) bool {
	for _, bit := range f.marks(c) {
		if f.bits[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

func (f filter) marks(c ofCustomer) (bits [4]uint64) {
	hash := maphash.Comparable(f.seed, c)
	for n := range bits {
		bits[n] = (hash + uint64(n)*(hash>>32)) % filterBits
	}
	return bits
}
