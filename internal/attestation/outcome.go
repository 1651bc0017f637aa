package attestation

// Outcome is what an answer of Microsoft, or its absence, says of an attestation that was sent.
type Outcome int

const (
	Lost        Outcome = iota // no definite answer: it may have taken effect
	Taken                      // it took effect
	SignerKnown                // 600061: the same signer's agreement is on record; how old it is has to be read
	Rejected                   // this content will never be taken
	Impossible                 // this customer cannot be attested for now
	Barred                     // this customer cannot be attested for, or nobody can: the answer does not tell whose right is missing
	NotSent                    // nothing took effect, and nothing would: the caller has to sign in, or to wait
)
