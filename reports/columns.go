package reports

// column is what a column holds; the same thing has the same header and meaning on every sheet.
type column string

const (
	colPartner      column = "partner"
	colCustomer     column = "customer"
	colTenant       column = "tenant_id"
	colDomain       column = "domain"
	colStanding     column = "standing"
	colReason       column = "reason"
	colAgreed       column = "date_agreed"
	colSigner       column = "signer"
	colEmail        column = "signer_email"
	colDirect       column = "direct_acceptance"
	colFirstSeen    column = "first_seen"
	colSince        column = "standing_since"
	colLastRead     column = "last_read"
	colLink         column = "portal_link"
	colBlockedSince column = "blocked_since"
	colDays         column = "days_blocked"
	colLastAccepted column = "last_accepted"
	colRemedy       column = "remedy"
	colChange       column = "change"
	colBefore       column = "before"
	colAfter        column = "after"
	colToDo         column = "what_to_do"
	colUnknownSince column = "unknown_since"
	colStatus       column = "http_status"
	colCode         column = "code"
	colMessage      column = "message"
	colRequest      column = "request_id"
	colCorrelation  column = "correlation_id"
	colRun          column = "run"
	colCheck        column = "check"
	colExpected     column = "expected"
	colFound        column = "found"
	colResult       column = "result"
	colSentence     column = "in_numbers"
	colAttestation  column = "attestation"
	colBought       column = "subscriptions"
	colRenewal      column = "next_renewal"
	colBatch        column = "batch"
	colRow          column = "row"
	colNamed        column = "attested_signer"
	colNamedEmail   column = "attested_signer_email"
	colAccepted     column = "attested_date"
	colEvidence     column = "evidence"
	colState        column = "state"
	colWhy          column = "attestation_reason"
	colRemark       column = "attestation_message"
	colImportedBy   column = "imported_by"
	colImportedAt   column = "imported_at"
	colApprovedBy   column = "approved_by"
	colApprovedAt   column = "approved_at"
	colSentAt       column = "sent_at"
	colAnswer       column = "answer"
	colNotice       column = "notice"
	colReplaces     column = "replaces"
)

// width is how wide the column is, in characters: what it usually holds fits.
func (c column) width() float64 {
	switch c {
	case colRun, colStatus, colStanding, colBatch, colRow, colAnswer:
		return 10
	case colDays, colExpected, colFound, colResult, colCode, colAgreed, colLastAccepted, colAccepted, colReplaces, colRenewal, colBought:
		return 13
	case colPartner, colFirstSeen, colSince, colLastRead, colBlockedSince, colUnknownSince, colChange, colImportedBy, colImportedAt,
		colApprovedBy, colApprovedAt, colSentAt:
		return 17
	case colRemedy, colDirect, colSigner, colNamed, colState, colWhy:
		return 22
	case colReason:
		return 24
	case colDomain, colEmail, colBefore, colAfter, colAttestation, colNamedEmail, colEvidence:
		return 29
	case colCustomer, colTenant, colRequest, colCorrelation, colMessage:
		return 38
	case colRemark, colNotice:
		return 48
	case colCheck, colToDo:
		return 62
	case colSentence:
		return 110
	default: // colLink, which is not printed
		return 88
	}
}
