package ledger

import "github.com/mcaledger/mcaledger/internal/standing"

// Known is what the ledger knows of a customer from completed runs.
type Known struct {
	Record standing.Record
	Gone   bool // it had gone since; Record is how it was when it went
}

// Listed is one customer of the list, with what the ledger knows of it.
type Listed struct {
	Customer standing.Customer
	Known    *Known // nil: never seen before
}

// Reading is the result of reading one customer in a run.
type Reading struct {
	Record  standing.Record // for Gone the record that ends
	Change  standing.Change
	Differs bool // the record differs from the one in the ledger
	Gone    bool // a read said that the customer is no longer ours
}
