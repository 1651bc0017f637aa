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
	p := &problem{BadDomain, "this is not a domain name such as contoso.onmicrosoft.com",
		"Write the domain as Partner Center shows it"}
	bare := strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	bare, _, _ = strings.Cut(bare, "/")
	bare = strings.TrimSuffix(bare, ".")
	switch _, host, found := strings.Cut(name, "@"); {
	case found && isDomain(host):
		p.message, p.hint = "an e-mail address where the domain belongs", "Write "+host
	case isGUID(name):
		p.code, p.message, p.hint = SwappedColumns, "a tenant id where the domain belongs", "Put it into a "+
			"column customer_tenant_id, and leave this cell empty"
	case strings.IndexFunc(name, beyondASCII) >= 0:
		p.message, p.hint = "the domain has letters beyond a to z", "Write its form for machines, which begins with "+
			"xn--"
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
	labels, from, seen := 0, 0, uint8(0)
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			seen |= domainCharacters[name[i]]
			continue
		}
		if i == from || i-from > 63 || name[from] == '-' || name[i-1] == '-' || seen&strange != 0 {
			return false
		}
		if labels++; i < len(name) {
			from, seen = i+1, 0
		}
	}
	return labels > 1 && seen&letterOrDash != 0
}

func beyondASCII(r rune) bool { return r >= utf8.RuneSelf }

const (
	letterOrDash uint8 = 1 << iota
	digit
	strange
)

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
