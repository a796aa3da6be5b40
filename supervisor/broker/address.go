package broker

import (
	"encoding/binary"
	"net/netip"
)

// socketAddress reads a struct sockaddr_in or sockaddr_in6, already copied.
func socketAddress(b []byte, inet, inet6 uint16) (netip.AddrPort, bool) {
	if len(b) < 2 {
		return netip.AddrPort{}, false
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == inet && len(b) >= 16:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])), true
	case family == inet6 && len(b) >= 28:
		address := netip.AddrFrom16([16]byte(b[8:24])).Unmap()
		return netip.AddrPortFrom(address, binary.BigEndian.Uint16(b[2:])), true
	}
	return netip.AddrPort{}, false
}

// special are the addresses that a name of the outside must not lead to: the
// host itself, its networks and the machines that serve it. Forms that carry
// another address inside are among them, as what they lead to is not theirs.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/8", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7",
	"fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func isSpecial(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return !a.IsValid()
}
