package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Network is what a sandbox may connect to by TCP. Every connection is decided
// too; this says which names it can know and which addresses count as named.
type Network struct {
	// Grants are "host:port" with a name or an address, no patterns.
	Grants []string

	// Resolve gives a name's addresses; nil asks the system's resolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)

	// Timeout bounds resolving and connecting together; 0 is ten seconds.
	Timeout time.Duration
}

const defaultTimeout = 10 * time.Second

type network struct {
	names
	resolve func(context.Context, string) ([]netip.Addr, error)
	timeout time.Duration
	context context.Context // until the Broker is closed
	stop    context.CancelFunc
}

func newNetwork(granted Network) (*network, error) {
	known, err := readGrants(granted.Grants)
	if err != nil {
		return nil, err
	}
	n := &network{names: known, resolve: granted.Resolve, timeout: granted.Timeout}
	if n.timeout <= 0 {
		n.timeout = defaultTimeout
	}
	if n.resolve == nil {
		n.resolve = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	n.context, n.stop = context.WithCancel(context.Background())
	return n, nil
}

var errSpecial = errors.New(whySpecial)

// connect resolves a name once, and connects to an address that it checked:
// a second look-up, as in a dial by name, could give another answer.
func (n *network) connect(name string, at netip.AddrPort) (Descriptor, error) {
	ctx, cancel := context.WithTimeout(n.context, n.timeout)
	defer cancel()
	addresses := []netip.Addr{at.Addr()}
	if name != "" {
		var err error
		if addresses, err = n.resolve(ctx, name); err != nil {
			return none, fmt.Errorf("resolve: %w", err)
		}
	}
	var last error = unix.EHOSTUNREACH
	for _, address := range addresses {
		to := netip.AddrPortFrom(address.Unmap(), at.Port())
		if !n.reachable(name, to) {
			last = errSpecial
			continue
		}
		d, err := dial(ctx, to)
		if err == nil {
			return d, nil
		}
		last = err
	}
	return none, last
}

// dial connects and takes the descriptor out of Go's poller.
func dial(ctx context.Context, to netip.AddrPort) (Descriptor, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return none, err
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return none, err
	}
	d := none
	var dup error
	err = raw.Control(func(fd uintptr) {
		var n int
		n, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		d = Descriptor(n)
	})
	if err != nil || dup != nil {
		return none, errors.Join(err, dup)
	}
	return d, nil
}

// connectErrno is what connect would have said.
func connectErrno(err error) unix.Errno {
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return errno
	}
	switch {
	case errors.Is(err, errSpecial):
		return unix.EACCES
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return unix.ETIMEDOUT
	}
	return unix.EHOSTUNREACH
}
