package intake

import (
	"strings"
	"unicode/utf8"
)

// checkDomain reads a domain name.
func checkDomain(cell string) (string, *problem) {
	name := strings.ToLower(cell)
	if isDomain(name) {
		return name, nil
	}
	p := &problem{BadDomain, "this is not a domain name such as contoso.onmicrosoft.com", "Write the domain as Partner Center shows it"}
	bare := strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	bare, _, _ = strings.Cut(bare, "/")
	bare = strings.TrimSuffix(bare, ".")
	switch _, host, found := strings.Cut(name, "@"); {
	case found && isDomain(host):
		p.message, p.hint = "an e-mail address stands where the domain belongs", "Write "+host
	case isGUID(name):
		p.code, p.message, p.hint = SwappedColumns, "a tenant id stands where the domain belongs", "Put it into a column customer_tenant_id, and leave this cell empty"
	case strings.IndexFunc(name, beyondASCII) >= 0:
		p.message, p.hint = "the domain has letters beyond a to z", "Write its form for machines, which begins with xn--"
	case isDomain(bare):
		p.hint = "Write " + bare
	}
	return "", p
}

// isDomain reports whether a text is a domain name of two labels or more, in ASCII.
func isDomain(name string) bool {
	if len(name) < 3 || len(name) > 253 {
		return false
	}
	labels := 1
	for i := strings.IndexByte(name, '.'); i >= 0; i = strings.IndexByte(name, '.') {
		if characters := labelOf(name[:i]); characters&(letterOrDash|digit) == 0 {
			return false
		}
		name, labels = name[i+1:], labels+1
	}
	return labels > 1 && labelOf(name)&letterOrDash != 0
}

func beyondASCII(r rune) bool { return r >= utf8.RuneSelf }

const (
	letterOrDash uint8 = 1 << iota
	digit
	strange
)

// labelOf says which characters a label of a domain name has; zero: it is no label.
func labelOf(label string) (seen uint8) {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return 0
	}
	for i := range len(label) {
		seen |= domainCharacters[label[i]]
	}
	if seen&strange != 0 {
		return 0
	}
	return seen
}

// domainCharacters are looked up byte by byte, which is faster than comparing.
var domainCharacters = func() (all [256]uint8) {
	for i := range all {
		switch c := byte(i); {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
			all[i] = letterOrDash
		case c >= '0' && c <= '9':
			all[i] = digit
		default:
			all[i] = strange
		}
	}
	return all
}()
