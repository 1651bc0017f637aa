package ledger

// Verification is what was found when the whole ledger was compared with its event chain.
type Verification struct {
	Head     ChainHead
	Events   int64
	Batches  int
	Problems []Problem // empty: the ledger says what the chain says, and the chain is unaltered
}

// Problem is one thing that is not as it was recorded, and where: numbers that do not apply are
// zero.
type Problem struct {
	Check string // the name of the check that found it
	Event int64
	Batch int64
	Line  int
	Run   int64
	Text  string
}
