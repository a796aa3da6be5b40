package broker

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// A sandbox has no resolver: no sockets, no nscd, no DNS. A name that was
// granted gets an address that exists nowhere, in the range set aside for
// measuring devices (RFC 2544), and the C library finds it in /etc/hosts, a
// virtual file, where it always looks. Connecting to the address means the
// name, which the supervisor resolves at that time.

// syntheticFirst is the first such address; 198.18.0.0/15 has 131,072.
var syntheticFirst = netip.MustParseAddr("198.18.0.1")

const maxNames = 1 << 16

// names are the granted names by their synthetic addresses.
type names struct {
	byAddress map[netip.Addr]string
	list      []string // in the order of the addresses
	explicit  map[netip.AddrPort]bool
}

// readGrants reads "host:port" texts.
func readGrants(grants []string) (names, error) {
	n := names{byAddress: map[netip.Addr]string{}, explicit: map[netip.AddrPort]bool{}}
	for _, grant := range grants {
		host, _, err := net.SplitHostPort(grant)
		if err != nil {
			return names{}, fmt.Errorf("granted address %q: %w", grant, err)
		}
		if at, err := netip.ParseAddrPort(grant); err == nil {
			n.explicit[netip.AddrPortFrom(at.Addr().Unmap(), at.Port())] = true
			continue
		}
		if name := strings.ToLower(host); isName(name) {
			n.list = append(n.list, name)
		} else {
			return names{}, fmt.Errorf("granted address %q: neither a name nor an address", grant)
		}
	}
	slices.Sort(n.list)
	n.list = slices.Compact(n.list)
	if len(n.list) > maxNames {
		return names{}, fmt.Errorf("%d granted names; at most %d", len(n.list), maxNames)
	}
	address := syntheticFirst
	for _, name := range n.list {
		n.byAddress[address] = name
		address = address.Next()
	}
	return n, nil
}

// isName keeps what goes into /etc/hosts to letters that end no line.
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// nameFiles are what the C library reads on its way to a name, with content
// that leads it to the first and nowhere else: no name server, and no look at
// the machine's own name, from which it would take a domain.
var nameFiles = map[string]string{
	"/etc/hosts":         "",
	"/etc/nsswitch.conf": "hosts: files\n",
	"/etc/host.conf":     "",
	"/etc/resolv.conf":   "search .\n",
	"/etc/gai.conf":      "",
}

// NameFile tells the files that a Broker with a Network supplies, for who
// decides: a model that may connect to a name has to be able to find it, and
// what it reads there are not the host's files.
func NameFile(path string) bool {
	_, ok := nameFiles[path]
	return ok
}

// files are nameFiles with the granted names.
func (n names) files() map[string]string {
	var hosts strings.Builder
	address := syntheticFirst
	for _, name := range n.list {
		fmt.Fprintf(&hosts, "%s %s\n", address, name)
		address = address.Next()
	}
	files := maps.Clone(nameFiles)
	files["/etc/hosts"] = hosts.String()
	return files
}

// On its way to a name the C library also tries what it can do without, once
// for each name and more. With a network these have their answer without a
// decision, so that a record shows what the model tried.

// asksNameDaemon tells the socket for nscd, with the flags that it opens it
// with.
func asksNameDaemon(domain, kind, protocol int32) bool {
	return domain == unix.AF_UNIX && kind == unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK && protocol == 0
}

// looksForRoot tells the look at "/" that shows whether it is another since
// nsswitch.conf was read.
func (b *Broker) looksForRoot(kind syscallpolicy.Kind, path string) bool {
	return b.network != nil && kind == syscallpolicy.KindStat && path == "/"
}

// target names what an address means, as rules name it.
func (n names) target(at netip.AddrPort) (target, name string) {
	name, ok := n.byAddress[at.Addr()]
	if !ok {
		return at.String(), ""
	}
	return fmt.Sprintf("%s:%d", name, at.Port()), name
}

// reachable reports whether a connection may go to an address that a name led
// to, or that the sandbox gave itself when name is empty. A wildcard in the
// policy may have allowed it; the host and its networks are reached only by
// who grants their address. "localhost" is the name of one.
func (n names) reachable(name string, at netip.AddrPort) bool {
	if !isSpecial(at.Addr()) || n.explicit[at] {
		return true
	}
	local := name == "localhost" || strings.HasSuffix(name, ".localhost")
	return local && at.Addr().IsLoopback()
}
