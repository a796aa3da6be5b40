package broker

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// Sockets. A fresh host socket in the sandbox's hands could be connected
// without connect (MSG_FASTOPEN), bound, or made to listen. So socket gives a
// Unix socket that is connected to nothing, with which nothing can be done
// that the filter allows; connect puts a TCP socket in its place that the
// supervisor has connected. From then on only its data is the sandbox's.

const (
	maxSocketName = 128
	fionbio       = 0x5421 // FIONBIO, on every architecture that is served
)

// serveSocket has the calls on sockets that are done where a network was
// granted. All others are refused.
func (r *request) serveSocket() (value int64, errno unix.Errno, ok bool) {
	if r.call.Name == "connect" {
		return 0, r.connect(), true
	}
	if r.b.network == nil {
		return 0, 0, false
	}
	switch r.call.Name {
	case "socket":
		return r.socket()
	case "ioctl":
		if uint32(r.args[1]) == fionbio {
			return 0, r.setBlocking(), true
		}
	case "setsockopt":
		return r.onSocket(r.setOption)
	case "getsockopt":
		return r.onSocket(r.option)
	case "getpeername":
		return r.onSocket(r.peer)
	case "getsockname":
		return r.onSocket(r.ownName)
	case "shutdown":
		return r.onSocket(r.shutdown)
	}
	return 0, 0, false
}

// socket gives a dummy for what could become a TCP connection.
func (r *request) socket() (int64, unix.Errno, bool) {
	const flags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	domain, kind, protocol := int32(r.args[0]), int32(r.args[1]), int32(r.args[2])
	if asksNameDaemon(domain, kind, protocol) {
		return 0, unix.EAFNOSUPPORT, true
	}
	if domain != unix.AF_INET && domain != unix.AF_INET6 || kind&^flags != unix.SOCK_STREAM ||
		protocol != 0 && protocol != unix.IPPROTO_TCP {
		return 0, 0, false
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|int(kind&unix.SOCK_NONBLOCK), 0)
	if err != nil {
		return 0, errnoOf(err), true
	}
	value, errno := r.give(Descriptor(fd), 0, kind&unix.SOCK_CLOEXEC != 0)
	return value, errno, true
}

// givenSocket is a socket that the broker gave.
type givenSocket struct {
	Descriptor
	connected bool
	domain    int
}

// socketOf is the broker's socket behind a descriptor. The sandbox can make
// none itself, so an unconnected Unix stream is a dummy and a TCP socket a
// connection. ok is false for anything else.
func (r *request) socketOf(fd syscallpolicy.Arg) (s givenSocket, ok bool, errno unix.Errno) {
	d, errno := r.file(fd)
	if errno != 0 {
		return givenSocket{}, false, errno
	}
	s = givenSocket{Descriptor: d}
	var err error
	if s.domain, err = unix.GetsockoptInt(int(d), unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil {
		switch s.domain {
		case unix.AF_UNIX:
			kind, _ := unix.GetsockoptInt(int(d), unix.SOL_SOCKET, unix.SO_TYPE)
			_, err := unix.Getpeername(int(d))
			ok = kind == unix.SOCK_STREAM && err == unix.ENOTCONN
		case unix.AF_INET, unix.AF_INET6:
			protocol, _ := unix.GetsockoptInt(int(d), unix.SOL_SOCKET, unix.SO_PROTOCOL)
			ok = protocol == unix.IPPROTO_TCP
			s.connected = ok
		}
	}
	if !ok {
		d.Close()
	}
	return s, ok, 0
}

// onSocket does something with a socket that the broker gave; what is no such
// socket is refused like any other use of sockets.
func (r *request) onSocket(do func(givenSocket) unix.Errno) (int64, unix.Errno, bool) {
	s, ok, errno := r.socketOf(syscallpolicy.Arg0)
	if errno != 0 || !ok {
		return 0, errno, errno != 0
	}
	defer s.Close()
	return 0, do(s), true
}

// socketOr is a given socket, or what the other way finds.
func (r *request) socketOr(other func(syscallpolicy.Arg) (Descriptor, unix.Errno)) (Descriptor, unix.Errno) {
	if r.b.network != nil {
		if s, ok, errno := r.socketOf(syscallpolicy.Arg0); errno != 0 || ok {
			return s.Descriptor, errno
		}
	}
	return other(syscallpolicy.Arg0)
}

// connect reads the address once, decides it by name or number, and replaces
// the dummy by a connection.
func (r *request) connect() unix.Errno {
	size := int32(r.args[2])
	if size < 2 || size > maxSocketName {
		return unix.EINVAL
	}
	buf := r.text[:size]
	if err := r.c.Read(r.args[1], buf); err != nil {
		return unix.EFAULT
	}
	if errno := r.valid(); errno != 0 {
		return errno
	}
	at, inet := socketAddress(buf, unix.AF_INET, unix.AF_INET6)
	if !inet || r.b.network == nil {
		target := fmt.Sprintf("family %d", binary.NativeEndian.Uint16(buf))
		if inet {
			target = at.String()
		}
		if errno := r.allowed(syscallpolicy.KindConnect, false, target); errno != 0 {
			return errno
		}
		return r.refuse(unix.EACCES, whyNetwork)
	}
	target, name := r.b.network.target(at)
	if errno := r.allowed(syscallpolicy.KindConnect, false, target); errno != 0 {
		return errno
	}
	s, ok, errno := r.socketOf(syscallpolicy.Arg0)
	switch {
	case errno != 0:
		return errno
	case !ok:
		return unix.ENOTSOCK
	}
	defer s.Close()
	if s.connected {
		return unix.EISCONN
	}
	d, err := r.b.network.connect(name, at)
	if err != nil {
		if err == errSpecial {
			r.refused = whySpecial
		}
		return connectErrno(err)
	}
	defer d.Close()
	return r.replace(s, d)
}

// replace puts a connection in a dummy's place, with the dummy's flags.
func (r *request) replace(dummy givenSocket, d Descriptor) unix.Errno {
	flags, err := unix.FcntlInt(uintptr(dummy.Descriptor), unix.F_GETFL, 0)
	if err == nil {
		err = unix.SetNonblock(int(d), flags&unix.O_NONBLOCK != 0)
	}
	if err != nil {
		return errnoOf(err)
	}
	switch errno := errnoOf(r.c.InjectAt(d, syscallpolicy.Arg0.Int(r.args), true)); errno {
	case unix.ENOENT, unix.ESRCH, unix.EINPROGRESS:
		return r.lost()
	default:
		return errno
	}
}
