package ledger

// Copied is what a copy of a ledger holds, without the event in it that says that it is a copy.
type Copied struct {
	Head   ChainHead
	Tables int
	Rows   int64 // of all tables
}
