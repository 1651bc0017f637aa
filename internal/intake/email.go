package intake

import (
	"net/mail"
	"strings"
)

// hasAddress reports whether a cell has an at sign where an e-mail address could have it.
func hasAddress(cell string) bool {
	i := strings.IndexByte(cell, '@')
	return i > 0 && i < len(cell)-1
}

// checkEmail reads one plain e-mail address. It is kept as it was written.
func checkEmail(cell string) (string, *problem) {
	if isEmail(cell) {
		return cell, nil
	}
	p := &problem{BadEmail, "this is not an e-mail address", "Write the signer's address, as ana@contoso.com"}
	switch plain := strings.TrimPrefix(strings.ToLower(cell), "mailto:"); {
	case isEmail(plain):
		p.hint = "Write " + plain
	case strings.IndexFunc(cell, beyondASCII) >= 0 && strings.IndexFunc(cell, unseen) < 0:
		p.message, p.hint = "the address has letters beyond a to z", "Write it as the customer's mail system knows "+
			"it, without accents"
	case isGUID(cell):
		p.code, p.message = SwappedColumns, "a tenant id where the e-mail address belongs"
	case strings.Count(cell, "@") > 1:
		p.message, p.hint = "there is more than one address", "Write the address of the person who accepted, and no "+
			"other"
	default:
		if a, err := mail.ParseAddress(cell); err == nil && isEmail(a.Address) {
			p.message, p.hint = "there is a name beside the address", "Write "+a.Address
		} else if _, found := controlled(cell, false); found {
			p.code, p.message, p.hint = ControlCharacter, "there is an invisible character in the address", "Type "+
				"it again instead of pasting it"
		}
	}
	return "", p
}

// isEmail reports whether a text is one address of the usual form: ASCII, not quoted, with a domain
// of two labels or more.
func isEmail(text string) bool {
	at := strings.IndexByte(text, '@')
	if at < 1 || at > 64 || len(text) > 254 || text[0] == '.' || text[0] == '=' || text[at-1] == '.' {
		return false
	}
	wrong := uint8(0)
	for i := range at {
		wrong |= notLocal[text[i]]
		if text[i] == '.' && text[i+1] == '.' {
			return false
		}
	}
	return wrong == 0 && isDomain(text[at+1:])
}

// notLocal is 1 for the bytes that an unquoted local part does not have (RFC 5322, dot-atom).
var notLocal = func() (set [256]uint8) {
	for i := range set {
		set[i] = 1
	}
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-") {
		set[c] = 0
	}
	return set
}()
