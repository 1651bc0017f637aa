package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"iter"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// matching is the rows of a file beside what the ledger holds of the customers that they name:
// temporary tables of one connection, which are joined once. The batch itself is written on another
// connection meanwhile.
type matching struct {
	store    *Store
	conn     *sqlx.Conn
	partners []string
	domains  bool // some rows name a domain
}

// importRow is an attestation.NamedRow as the table import_row holds it.
type importRow struct {
	Line       int    `db:"line"`
	CustomerID string `db:"customer_id"`
	Domain     string `db:"domain"`
	ByDomain   int    `db:"by_domain"`
	Readable   int    `db:"readable"`
	Said       int64  `db:"said"`
}

const importRowChunk = 4000

// match copies what the rows name into temporary tables, and looks up the customers that no run has
// seen. It writes nothing to the ledger and holds no lock while it waits for the network.
func (s *Store) match(ctx context.Context, n attestation.NewBatch) (*matching, error) {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return nil, s.failure(ctx, "connect", err)
	}
	m := &matching{store: s, conn: conn, partners: n.Partners}
	err = m.prepare(ctx, n)
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *matching) prepare(ctx context.Context, n attestation.NewBatch) error {
	if n.Rows == nil {
		return nil
	}
	if err := m.execAll(ctx, "begin_import_rows", "create_import_row", "create_import_found"); err != nil {
		return err
	}
	if err := m.copyRows(ctx, n.Rows); err != nil {
		return err
	}
	// PostgreSQL's transaction goes on: behind a pooler, the tables are of the transaction.
	afterwards := "plan_import"
	if m.store.dialect == sqlfiles.SQLite {
		afterwards = "end_import_rows"
	}
	if err := m.exec(ctx, afterwards, nil); err != nil {
		return err
	}
	if err := m.exec(ctx, "create_import_domain", args{"partners": m.partners}); err != nil {
		return err
	}
	if m.domains {
		if err := m.execAll(ctx, "index_import_domain", "name_customers_of_domains"); err != nil {
			return err
		}
	}
	found, err := n.LookUp(m.unknown(ctx))
	if err != nil {
		return err
	}
	for _, c := range found {
		if err := m.exec(ctx, "save_import_found", args{"partner_id": c.PartnerID, "customer_id": c.ID, "name": c.Name,
			"standing": c.Standing}); err != nil {
			return err
		}
	}
	if m.store.dialect == sqlfiles.SQLite {
		if err := m.exec(ctx, "index_import_row", nil); err != nil {
			return err
		}
	}
	return m.exec(ctx, "create_import_repeat", nil)
}

func (m *matching) exec(ctx context.Context, name string, arg any) error {
	_, err := m.store.exec(ctx, m.conn, name, arg)
	return err
}

func (m *matching) execAll(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := m.exec(ctx, name, nil); err != nil {
			return err
		}
	}
	return nil
}

// copyRows writes rows while the next ones are read.
func (m *matching) copyRows(ctx context.Context, rows iter.Seq2[attestation.NamedRow, error]) (err error) {
	var writing background
	defer func() { err = cmp.Or(err, writing.wait()) }()
	chunk, written := make([]importRow, 0, importRowChunk), make([]importRow, 0, importRowChunk)
	flush := func() error {
		insert := insertionOf(m.store, "save_import_row", chunk)
		if err := writing.wait(); err != nil {
			return err
		}
		writing.start(func() error { return insert(ctx, m.conn, m.conn) })
		chunk, written = written[:0], chunk
		return nil
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		r := importRow{Line: row.Line, CustomerID: row.TenantID, Domain: row.Domain, Said: row.Fingerprint}
		if row.Readable {
			r.Readable = 1
		}
		if row.Domain != "" {
			m.domains = true
			if row.TenantID == "" {
				r.ByDomain = 1
			}
		}
		if chunk = append(chunk, r); len(chunk) == importRowChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(chunk) == 0 {
		return nil
	}
	return flush()
}

// unknown yields the tenant ids of readable rows that no run has seen.
func (m *matching) unknown(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range streamOn[importRow](ctx, m.store, m.conn, "unknown_customers",
			args{"partners": m.partners}) {
			if !yield(row.CustomerID, err) {
				return
			}
		}
	}
}

// matchRow is a row of the statement import_matches.
type matchRow struct {
	line, kind          int
	partnerID, customer string
	number              int64
	other               int
	name, state, reason string
	agreed              standing.Date
	first, last         string
	email, phone        string
}

func (r *matchRow) contact() standing.Contact {
	return standing.Contact{FirstName: r.first, LastName: r.last, Email: r.email, Phone: r.phone}
}

func (r *matchRow) known() attestation.Customer {
	return attestation.Customer{PartnerID: r.partnerID, ID: r.customer, Name: r.name,
		Standing: standing.Standing(r.state), Reason: standing.Reason(r.reason),
		OnRecord: standing.Agreement{Agreed: r.agreed, Signer: r.contact()}}
}

// addTo adds what the row says to the match of its line.
func (r *matchRow) addTo(match *attestation.Match) {
	match.Line = r.line
	switch r.kind {
	case 0:
		match.Customers = append(match.Customers, r.known())
		match.Readable, match.Contradicts = int(r.number), r.other
	case 1:
		match.OfDomain = append(match.OfDomain, r.known())
	default:
		match.Earlier = append(match.Earlier, attestation.Earlier{ID: attestation.ID{Batch: r.number, Line: r.other},
			PartnerID: r.partnerID, State: attestation.State(r.state), Content: attestation.Content{Signer: r.contact(),
				Agreed: r.agreed}})
	}
}

func (m *matching) matches(ctx context.Context) iter.Seq2[attestation.Match, error] {
	const name = "import_matches"
	return func(yield func(attestation.Match, error) bool) {
		query, values, err := m.store.bind(name, args{"partners": m.partners})
		if err != nil {
			yield(attestation.Match{}, err)
			return
		}
		rows, err := m.conn.QueryContext(ctx, query, values...)
		if err != nil {
			yield(attestation.Match{}, m.store.failure(ctx, name, err))
			return
		}
		defer rows.Close()
		var match attestation.Match
		var r matchRow
		for rows.Next() {
			if err := rows.Scan(&r.line, &r.kind, &r.partnerID, &r.customer, &r.number, &r.other, &r.name, &r.state,
				&r.reason, &r.agreed, &r.first, &r.last, &r.email, &r.phone); err != nil {
				yield(attestation.Match{}, m.store.failure(ctx, name, err))
				return
			}
			if match.Line > 0 && r.line != match.Line {
				if !yield(match, nil) {
					return
				}
				match = attestation.Match{}
			}
			r.addTo(&match)
		}
		if err := rows.Err(); err != nil {
			yield(attestation.Match{}, m.store.failure(ctx, name, err))
		} else if match.Line > 0 {
			yield(match, nil)
		}
	}
}

// close ends the connection, and with it the tables.
func (m *matching) close() {
	_ = m.conn.Raw(func(any) error { return driver.ErrBadConn }) // it is not given back to the pool
	m.conn.Close()
}
