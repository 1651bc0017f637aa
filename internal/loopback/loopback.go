// Package loopback tells this host from others: secrets and personal data may go to it without
// encryption, and to no other.
package loopback

import (
	"net/netip"
	"strings"
)

// Is reports whether a host is this one, by its name or address alone: what a name resolves to may
// change.
func Is(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && !ip.Is4In6() && ip.Zone() == ""
}
