package attestation

import "iter"

// Identity is how a row names its customer: by tenant id, or without one by domain. Both in lower
// case.
type Identity struct {
	TenantID, Domain string
}

// NamedRow is a row of a file as far as it has to be known before the others are decided on: whom
// it names, whether it can be read, and what it says (Content.Fingerprint).
type NamedRow struct {
	Line int
	Identity
	Readable    bool
	Fingerprint int64
}

// NewBatch is a batch that is to be imported.
type NewBatch struct {
	Batch
	Keep     bool      // without, nothing is committed
	Approve  *Approval // in the same transaction, if any row is queued; may be nil
	Partners []string  // whose customers the rows may name
	Rows     iter.Seq2[NamedRow, error]
	// LookUp is asked for customers that no run has seen, by the tenant ids of readable rows in the
	// order of the file. It returns those that exist.
	LookUp func(unknown iter.Seq2[string, error]) ([]Customer, error)
}

// Match is what is known beforehand of a row of a file.
type Match struct {
	Line      int
	Customers []Customer // that the row names, of several partners perhaps
	OfDomain  []Customer // of the domain of a row that names its customer by tenant id
	Earlier   []Earlier  // attestations of these customers, the newest batch first
	// Of the rows that name the same customer: the first readable one (0: there are no others), and
	// one that says something else than this row (0: none).
	Readable, Contradicts int
}
