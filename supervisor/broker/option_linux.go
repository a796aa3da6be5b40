package broker

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"hotcell/syscallpolicy"
)

// setBlocking serves ioctl(FIONBIO), by which Python sets timeouts.
func (r *request) setBlocking() unix.Errno {
	buf := r.text[:4]
	if err := r.c.Read(r.args[2], buf); err != nil {
		return unix.EFAULT
	}
	if errno := r.valid(); errno != 0 {
		return errno
	}
	s, ok, errno := r.socketOf(syscallpolicy.Arg0)
	if errno != 0 {
		return errno
	}
	if !ok {
		return r.attributeRefused()
	}
	defer s.Close()
	return errnoOf(unix.SetNonblock(int(s.Descriptor), half(buf) != 0))
}

// option serves getsockopt for the two options that say how a connection is;
// others are refused as the kernel refuses unknown ones.
func (r *request) option(s givenSocket) unix.Errno {
	level, name := int32(r.args[1]), int32(r.args[2])
	if level != unix.SOL_SOCKET || name != unix.SO_ERROR && name != unix.SO_TYPE {
		return unix.ENOPROTOOPT
	}
	value, err := unix.GetsockoptInt(int(s.Descriptor), int(level), int(name))
	if err != nil {
		return errnoOf(err)
	}
	return r.writeSized(r.args[3], r.args[4], binary.NativeEndian.AppendUint32(nil, uint32(value)))
}

// setOption sets what only the connection itself is affected by. A dummy
// takes them and forgets: a connection is made with both.
func (r *request) setOption(s givenSocket) unix.Errno {
	level, name := int32(r.args[1]), int32(r.args[2])
	delay := level == unix.IPPROTO_TCP && name == unix.TCP_NODELAY
	alive := level == unix.SOL_SOCKET && name == unix.SO_KEEPALIVE
	if !delay && !alive {
		return unix.ENOPROTOOPT
	}
	if int32(r.args[4]) < 4 {
		return unix.EINVAL
	}
	buf := r.text[:4]
	if err := r.c.Read(r.args[3], buf); err != nil {
		return unix.EFAULT
	}
	if errno := r.valid(); errno != 0 || !s.connected {
		return errno
	}
	return errnoOf(unix.SetsockoptInt(int(s.Descriptor), int(level), int(name), int(int32(half(buf)))))
}

// peer serves getpeername.
func (r *request) peer(s givenSocket) unix.Errno {
	if !s.connected {
		return unix.ENOTCONN
	}
	address, err := unix.Getpeername(int(s.Descriptor))
	if err != nil {
		return errnoOf(err)
	}
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return r.writeSized(r.args[1], r.args[2], appendAddress(nil, unix.AF_INET, uint16(a.Port), a.Addr[:]))
	case *unix.SockaddrInet6:
		return r.writeSized(r.args[1], r.args[2], appendAddress(nil, unix.AF_INET6, uint16(a.Port), a.Addr[:]))
	}
	return unix.ENOTCONN
}

// ownName serves getsockname with no address: which of the host's it is, is
// none of the sandbox's business.
func (r *request) ownName(s givenSocket) unix.Errno {
	var anywhere [16]byte
	if s.domain == unix.AF_INET6 {
		return r.writeSized(r.args[1], r.args[2], appendAddress(nil, unix.AF_INET6, 0, anywhere[:]))
	}
	return r.writeSized(r.args[1], r.args[2], appendAddress(nil, unix.AF_INET, 0, anywhere[:4]))
}

func (r *request) shutdown(s givenSocket) unix.Errno {
	if !s.connected {
		return unix.ENOTCONN
	}
	return errnoOf(unix.Shutdown(int(s.Descriptor), int(int32(r.args[1]))))
}

// appendAddress writes a struct sockaddr_in or sockaddr_in6.
func appendAddress(b []byte, family, port uint16, address []byte) []byte {
	b = binary.BigEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, family), port)
	if family == unix.AF_INET6 {
		b = append(append(b, 0, 0, 0, 0), address...) // flow
		return append(b, 0, 0, 0, 0)                  // scope
	}
	return append(append(b, address...), 0, 0, 0, 0, 0, 0, 0, 0)
}

// writeSized writes as much of a result as its reader said there is room for,
// and how long it is.
func (r *request) writeSized(address, size uint64, data []byte) unix.Errno {
	buf := r.text2[:4]
	if err := r.c.Read(size, buf); err != nil {
		return unix.EFAULT
	}
	if errno := r.valid(); errno != 0 {
		return errno
	}
	room := int32(half(buf))
	if room < 0 {
		return unix.EINVAL
	}
	binary.NativeEndian.PutUint32(buf, uint32(len(data)))
	if n := min(int(room), len(data)); n > 0 {
		if errno := r.write(address, data[:n]); errno != 0 {
			return errno
		}
	}
	return r.write(size, buf)
}
