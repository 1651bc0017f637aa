package attestation

// SendResult is what an answer of Microsoft, or its absence, says of an attestation that was sent.
type SendResult int

const (
	ResultUnknown          SendResult = iota // no definite answer: it may have taken effect
	ResultAccepted                           // it took effect
	ResultDuplicateSigner                    // 600061: the same signer's agreement is on record; how old it is has to be read
	ResultContentRejected                    // this content will never be taken
	ResultCustomerRejected                   // this customer cannot be attested for now
	ResultForbidden                          // this customer cannot be attested for, or nobody can: the answer does not tell whose right is missing
	ResultNotSent                            // nothing took effect, and nothing would: the caller has to sign in, or to wait
)
