package attestation

// Identity is how a row names its customer: by tenant id, or without one by domain. Both in lower case.
type Identity struct {
	TenantID, Domain string
}
