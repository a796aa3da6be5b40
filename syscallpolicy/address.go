package syscallpolicy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// address is a host and a port.
type address struct {
	name    string // lower case; "*." stands for any number of labels; empty if it is an address
	network netip.Prefix
	port    uint16 // 0 for any
}

func newAddress(text string) (address, error) {
	bad := func(what string) (address, error) {
		return address{}, fmt.Errorf(`address %q: %s; write "host:port", for example "api.example.org:443", "10.0.0.0/8:*" or "[::1]:80"`, text, what)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return bad("host and port are not told apart by a colon")
	}
	var a address
	if port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("the port is no number from 1 to 65535 and no *")
		}
		a.port = uint16(n)
	}
	if network, err := netip.ParsePrefix(host); err == nil {
		a.network = unmapped(network)
		return a, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		a.network = netip.PrefixFrom(ip, ip.BitLen())
		return a, nil
	}
	a.name = hostName(host)
	if rest := strings.TrimPrefix(a.name, "*."); rest != "*" && !validHost(rest) {
		return bad("the host is neither a name nor an address")
	}
	return a, nil
}

// unmapped gives a prefix of IPv4 addresses written as IPv6 in its own form.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func hostName(s string) string { return strings.TrimSuffix(strings.ToLower(s), ".") }

func validHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, wordCharacters+"-") != "" {
			return false
		}
	}
	return len(s) <= 253
}

// exact tells whether a is one host and one port.
func (a address) exact() error {
	if a.port == 0 || strings.HasPrefix(a.name, "*") || a.name == "" && !a.network.IsSingleIP() {
		return errors.New("the address must be one host and one port, so that the supervisor knows beforehand whom it connects to")
	}
	return nil
}

func (a address) match(q *question, _ bool) (place, bool) {
	host, port, err := net.SplitHostPort(q.Target)
	if err != nil {
		return place{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || a.port != 0 && a.port != uint16(n) {
		return place{}, false
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case a.name == "*":
		return place{}, true
	case err == nil:
		return place{}, a.name == "" && a.network.Contains(ip.Unmap().WithZone(""))
	case a.name == "":
		return place{}, false
	}
	host = hostName(host)
	if suffix, ok := strings.CutPrefix(a.name, "*"); ok {
		return place{}, strings.HasSuffix(host, suffix)
	}
	return place{}, host == a.name
}

func (a address) covers(other subject, _ bool) bool {
	o, ok := other.(address)
	if !ok || a.port != 0 && a.port != o.port {
		return false
	}
	switch {
	case a.name == "*":
		return true
	case a.name == "" || o.name == "":
		return a.name == o.name && a.network.Bits() <= o.network.Bits() && a.network.Contains(o.network.Addr())
	}
	suffix, ok := strings.CutPrefix(a.name, "*")
	return a.name == o.name || ok && strings.HasSuffix(o.name, suffix)
}
