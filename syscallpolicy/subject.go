package syscallpolicy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// subject is what a rule is about: the compiled form of Rule.Target. It lives
// in the supervisor (parent) and looks at targets of the model's choosing. It
// only reads the operation, and where it is about paths it says where one is.
type subject interface {
	match(op Operation, allowing bool) (place, bool)
	covers(subject) bool // whatever the other matches, it matches too
}

// place is where an operation on a path is carried out.
type place struct{ root, below string }

// anything is a rule without a target.
type anything struct{}

func (anything) match(op Operation, allowing bool) (place, bool) {
	if !pathKinds.Has(op.Kind) {
		return place{}, true
	}
	if !cleanPath(op.Target) || allowing && underProc(op.Target) {
		return place{}, false
	}
	rest, _ := within(op.Target, "/")
	return place{"/", dotIfEmpty(rest)}, true
}

func (anything) covers(subject) bool { return true }

// paths is a pattern as it was written, and as it reads without the symbolic
// links in its static part: "the rules match the resolved path" must hold for
// a rule that was written with a link in it, above all for one that refuses.
type paths struct {
	written, real pathPattern
}

func newPaths(text string, look Lookup) (paths, error) {
	written, err := compilePath(text)
	if err != nil {
		return paths{}, err
	}
	p := paths{written, written}
	if p.written.literal != "" {
		p.real.literal = look.real(p.written.literal)
		p.real.static = path.Dir(p.real.literal)
	} else {
		p.real.static = look.real(p.written.static)
	}
	return p, nil
}

func (p paths) match(op Operation, allowing bool) (place, bool) {
	if !cleanPath(op.Target) {
		return place{}, false
	}
	// Nobody can make, remove or rename a granted directory itself from within
	// it. A refusal speaks of it too.
	below := allowing && namingKinds.Has(op.Kind)
	for _, pattern := range [...]pathPattern{p.real, p.written} {
		if !pattern.match(op.Target, below) {
			continue
		}
		if p.real.literal != "" {
			rest, _ := within(p.real.literal, p.real.static)
			return place{p.real.static, dotIfEmpty(rest)}, true
		}
		rest, _ := within(op.Target, pattern.static)
		at := place{p.real.static, dotIfEmpty(rest)}
		return at, !(allowing && underProc(path.Join(at.root, at.below)))
	}
	return place{}, false
}

func (p paths) covers(other subject) bool {
	o, ok := other.(paths)
	if !ok {
		return false
	}
	return p.written.covers(o.written) || p.real.covers(o.real)
}

// covers tells the clear cases: the same pattern, or everything below a
// directory.
func (p pathPattern) covers(o pathPattern) bool {
	if p.literal != "" {
		return p.literal == o.literal
	}
	if len(p.parts) == 1 && p.parts[0].deep {
		inner := o.static
		if o.literal != "" {
			inner = o.literal
		}
		_, ok := within(inner, p.static)
		return ok
	}
	return o.literal != "" && p.match(o.literal, false) || p.text() == o.text()
}

// text tells patterns apart.
func (p pathPattern) text() string { return fmt.Sprintf("%q %q %v", p.static, p.literal, partTexts(p.parts)) }

func partTexts(parts []part) (texts []string) {
	for _, p := range parts {
		if p.deep {
			texts = append(texts, "**")
		}
		for _, t := range p.glob.tokens {
			s := fmt.Sprintf("%q %v", t.text, t.star)
			if t.set != nil {
				s += fmt.Sprint(*t.set)
			}
			texts = append(texts, s)
		}
		texts = append(texts, "/")
	}
	return texts
}

func dotIfEmpty(rest string) string {
	if rest == "" {
		return "."
	}
	return rest
}

// underProc: what lies in /proc is the supervisor's own view of itself and of
// every process. No pattern grants it; a rule that names one file does.
func underProc(target string) bool {
	_, ok := within(target, "/proc")
	return ok
}

// names are modules, each with all below it, or functions.
type names []glob

func newNames(text string) (names, error) {
	var list names
	for name := range strings.SplitSeq(text, ".") {
		if strings.Trim(name, wordCharacters+special) != "" || name == "" || '0' <= name[0] && name[0] <= '9' {
			return nil, fmt.Errorf("%q is no dotted name; write one like scipy.signal, with * for any characters of a part", text)
		}
		g, err := compileGlob(name)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

const wordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

func (n names) match(op Operation, _ bool) (place, bool) {
	rest := op.Target
	for i, g := range n {
		part, after, more := strings.Cut(rest, ".")
		if !g.match(part) || !more && i < len(n)-1 {
			return place{}, false
		}
		rest = after
	}
	return place{}, true
}

func (n names) covers(other subject) bool {
	o, ok := other.(names)
	if !ok || len(o) < len(n) {
		return false
	}
	for i, g := range n {
		name, literal := o[i].literal()
		if !(literal && g.match(name)) && fmt.Sprint(partTexts([]part{{glob: g}})) != fmt.Sprint(partTexts([]part{{glob: o[i]}})) {
			return false
		}
	}
	return true
}

// call is a system call by name, whatever kind of operation it makes.
type call string

func (c call) match(op Operation, _ bool) (place, bool) { return place{}, op.Syscall == string(c) }

func (c call) covers(other subject) bool { return c == other }

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

func (a address) match(op Operation, _ bool) (place, bool) {
	host, port, err := net.SplitHostPort(op.Target)
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

func (a address) covers(other subject) bool {
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
