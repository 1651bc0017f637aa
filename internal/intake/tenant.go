package intake

import "strings"

// noTenant is the GUID of nobody.
const noTenant = "00000000-0000-0000-0000-000000000000"

// isGUID reports whether a text is a GUID of 36 characters in its plain form.
func isGUID(text string) bool {
	ok, _ := guid(text)
	return ok
}

// guid reports whether a text is a GUID in its plain form, and whether it has capitals.
func guid(text string) (ok, capitals bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false, false
	}
	var seen tally
	for i := range 36 {
		seen += tallies[text[i]]
	}
	return seen&^(63*capital) == 4*dash, seen&(63*capital) != 0
}

// tally counts what the bytes of a GUID are, each kind in bits of its own.
type tally uint32

const (
	dash    tally = 1
	capital tally = 1 << 8  // A to F
	other   tally = 1 << 16 // neither of them, nor a digit, nor a to f, which count nothing
)

// tallies are looked up byte by byte, which is faster than comparing.
var tallies = func() (all [256]tally) {
	for i := range all {
		switch c := byte(i); {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		case c >= 'A' && c <= 'F':
			all[i] = capital
		case c == '-':
			all[i] = dash
		default:
			all[i] = other
		}
	}
	return all
}()

// isHexadecimal reports whether a byte is a digit of a hexadecimal number, in either case.
func isHexadecimal(b byte) bool { return tallies[b]&^capital == 0 }

// checkTenantID reads a tenant id. Other ways of writing a GUID are refused: they come from exports that hold other
// ids as well, so a person should look.
func checkTenantID(cell string) (string, *problem) {
	switch ok, capitals := guid(cell); {
	case ok && cell == noTenant:
		return "", &problem{BadTenantID, "this GUID of zeros is nobody's tenant id", "Copy the Microsoft tenant id from the customer's page in Partner Center"}
	case ok && capitals:
		return strings.ToLower(cell), nil
	case ok:
		return cell, nil
	}
	p := &problem{BadTenantID, "this is not a tenant id, a GUID such as 8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718", "Copy the Microsoft tenant id from the customer's page in Partner Center"}
	inner := strings.Trim(strings.TrimPrefix(strings.ToLower(cell), "urn:uuid:"), "{}() ")
	switch {
	case isGUID(inner):
		p.message, p.hint = "the tenant id is not in its plain form", "Write "+inner
	case len(inner) == 32 && isGUID(inner[:8]+"-"+inner[8:12]+"-"+inner[12:16]+"-"+inner[16:20]+"-"+inner[20:]):
		p.message, p.hint = "the tenant id lacks its dashes", "Write "+inner[:8]+"-"+inner[8:12]+"-"+inner[12:16]+"-"+inner[16:20]+"-"+inner[20:]
	case scientific(cell):
		return "", &problem{ScientificNumber, "a spreadsheet has taken this for a number and rounded it", "Format the column as text and copy the tenant id again"}
	case hasAddress(cell):
		p.code, p.message = SwappedColumns, "an e-mail address stands where the tenant id belongs"
	case isDomain(cell):
		p.message, p.hint = "a domain stands where the tenant id belongs", "Put it into a column customer_domain, and leave this cell empty"
	}
	return "", p
}
