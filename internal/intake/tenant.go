package intake

import (
	"strings"

	"github.com/google/uuid"
)

// nilGUID is the GUID of zeros, which no tenant has.
const nilGUID = "00000000-0000-0000-0000-000000000000"

// isGUID reports whether a text is a GUID of 36 characters in its plain form.
func isGUID(text string) bool {
	return len(text) == len(nilGUID) && uuid.Validate(text) == nil
}

// checkTenantID reads a tenant id. Other ways of writing a GUID are refused: they come from exports
// that hold other ids as well, so a person should look.
func checkTenantID(cell string) (string, *problem) {
	const hint = "Copy the Microsoft tenant id from the customer's page in Partner Center"
	switch {
	case cell == nilGUID:
		return "", &problem{BadTenantID, "the GUID of zeros is no tenant id", hint}
	case isGUID(cell):
		return strings.ToLower(cell), nil
	}
	p := &problem{BadTenantID, "this is not a tenant id, a GUID such as 8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718", hint}
	inner := strings.Trim(strings.TrimPrefix(strings.ToLower(cell), "urn:uuid:"), "{}() ")
	switch {
	case isGUID(inner):
		p.message, p.hint = "the tenant id is not in its plain form", "Write "+inner
	case len(inner) == 32 && uuid.Validate(inner) == nil:
		p.message, p.hint = "the tenant id lacks its dashes", "Write "+uuid.MustParse(inner).String()
	case scientific(cell):
		return "", &problem{ScientificNumber, "a spreadsheet has taken this for a number and rounded it",
			"Format the column as text and copy the tenant id again"}
	case hasAddress(cell):
		p.code, p.message = SwappedColumns, "an e-mail address where the tenant id belongs"
	case isDomain(cell):
		p.message, p.hint = "a domain where the tenant id belongs", "Put it into a column customer_domain, "+
			"and leave this cell empty"
	}
	return "", p
}
